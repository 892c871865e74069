// SPDX-License-Identifier: MIT
// What the programs that break dialogues have in common.
#ifndef TESTS_FAULTS_ALL_HPP
#define TESTS_FAULTS_ALL_HPP

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "../dialogue.hpp"

namespace tests {

// Numbers that the client has named behind DELE.
inline std::set<unsigned long> numbers_of_dele(std::string text) {
  std::set<unsigned long> numbers;
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (std::size_t at = text.find("DELE"); at != std::string::npos; at = text.find("DELE", at + 4))
    numbers.insert(std::strtoul(text.c_str() + at + 4, nullptr, 10));
  return numbers;
}

// "" if a commit, should there have been one, was asked for by QUIT, and was of messages that were marked; found out
// from the octets and the events alone. With EXPIRE 0 what was retrieved goes as well.
inline std::string false_commit(const Dialogue& dialogue, const Player& player) {
  const bool expires = dialogue.config.expire == 0U || dialogue.account.expire == 0U;
  const std::set<unsigned long> named = numbers_of_dele(player.input());
  constexpr std::string_view start = "CommitRequest numbers=";
  unsigned commits = 0;
  for (const std::string& event : player.events()) {
    if (event.compare(0, start.size(), start) != 0) continue;
    if (++commits > 1) return "two commits";
    std::string input = player.input();
    for (char& c : input) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (input.find("QUIT") == std::string::npos) return "a commit without QUIT";
    for (const std::string& number : listed(event.substr(start.size())))
      if (!expires && named.count(std::strtoul(number.c_str(), nullptr, 10)) == 0)
        return "message " + number + " was to be removed, and is not marked";
  }
  return {};
}

// Counts faults by kind, and tells of what went wrong: TAP, a line for each dialogue.
class Report {
 public:
  void count(const std::string& kind, std::size_t n = 1) { counts_[kind] += n; }
  void wrong(const std::string& how, const std::string& what) {
    if (wrong_.size() < 2000) wrong_ += how + ": " + what + '\n';
  }
  bool is_wrong() const { return !wrong_.empty(); }
  void end_of(const std::filesystem::path& file, const Dialogue& dialogue) {
    std::printf("%s %zu - %s: %s\n", is_wrong() ? "not ok" : "ok", ++dialogues_, file.stem().string().c_str(),
                dialogue.title.c_str());
    std::string line = "# ";
    for (const char c : wrong_) line += c == '\n' ? std::string("\n# ") : std::string(1, c);
    if (is_wrong()) std::puts(line.c_str()), ++failed_;
    wrong_.clear();
  }
  int end() {
    for (const auto& [kind, n] : counts_) std::printf("# %s: %zu\n", kind.c_str(), n);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - since_;
    std::printf("# %zu dialogues, %zu failed, %.1f s\n", dialogues_, failed_, took.count());
    return dialogues_ == 0 || failed_ > 0 ? 1 : 0;
  }

 private:
  std::map<std::string, std::size_t> counts_;
  std::string wrong_;
  std::size_t dialogues_ = 0, failed_ = 0;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

// `play(dialogue, report)` for the dialogues of all files and folders; the exit status.
template <class Play>
int play_all(const std::vector<std::string>& names, Play play) {
  std::vector<std::filesystem::path> files;
  for (const std::string& name : names) {
    if (std::filesystem::is_directory(name)) {
      for (const auto& entry : std::filesystem::directory_iterator(name))
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
    } else {
      files.emplace_back(name);
    }
  }
  std::sort(files.begin(), files.end());
  std::printf("1..%zu\n", files.size());
  Report report;
  for (const auto& file : files) {
    const Dialogue dialogue = read_dialogue_file(file.string());
    if (dialogue.problem.empty())
      play(dialogue, report);
    else
      report.wrong("reading", dialogue.problem);
    report.end_of(file, dialogue);
  }
  return report.end();
}

}  // namespace tests

#endif
