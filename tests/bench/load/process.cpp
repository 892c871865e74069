// SPDX-License-Identifier: MIT
#include "process.hpp"

#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "util.hpp"

namespace load {
namespace {

struct Process {
  int parent = 0;
  double user = 0, system = 0;
};

// proc(5): the name may hold anything, so fields are counted from the last ")": state, ppid, ... utime is the 12th,
// then stime, cutime, cstime.
bool read_stat(int pid, Process& process) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream rest(line.substr(name_end + 1));
  const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
  if (fields.size() < 15) return false;
  const double tick = 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  process.parent = std::stoi(fields[1]);
  process.user = (std::stod(fields[11]) + std::stod(fields[13])) * tick;
  process.system = (std::stod(fields[12]) + std::stod(fields[14])) * tick;
  return true;
}

void add_memory(int pid, Usage& usage) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    long kib = 0;
    if (std::sscanf(line.c_str(), "Rss: %ld kB", &kib) == 1) usage.rss += static_cast<double>(kib) * 1024;
    if (std::sscanf(line.c_str(), "Pss: %ld kB", &kib) == 1) usage.pss += static_cast<double>(kib) * 1024;
  }
}

std::map<int, Process> all_processes() {
  std::map<int, Process> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), ::closedir);
  while (const dirent* const entry = folder ? ::readdir(folder.get()) : nullptr) {
    const int pid = std::atoi(entry->d_name);
    Process process;
    if (pid > 0 && read_stat(pid, process)) found[pid] = process;
  }
  return found;
}

}  // namespace

Usage usage_of(const std::vector<int>& processes, With what) {
  Usage usage;
  if (processes.empty()) return usage;
  const auto all = all_processes();
  std::multimap<int, int> children;
  for (const auto& [pid, process] : all) children.emplace(process.parent, pid);
  for (std::vector<int> left = processes; !left.empty();) {
    const int pid = left.back();
    left.pop_back();
    const auto found = all.find(pid);
    if (found == all.end()) continue;
    usage.user += found->second.user;
    usage.system += found->second.system;
    ++usage.processes;
    if (what == With::cpu_and_memory) add_memory(pid, usage);
    const auto [begin, end] = children.equal_range(pid);
    for (auto child = begin; child != end; ++child) left.push_back(child->second);
  }
  if (usage.processes == 0) fail("none of the server's processes is running");
  return usage;
}

}  // namespace load
