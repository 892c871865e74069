// SPDX-License-Identifier: MIT
#include "mail.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "util.hpp"

namespace load {
namespace {

// CRLF line ends, dots doubled, ".CRLF" behind: what RETR must send of this file. As plain as can be, on purpose: it is
// what the servers are measured against.
std::string wire_form(const std::string& file) {
  std::string wire;
  wire.reserve(file.size() + file.size() / 32 + 8);
  bool line_start = true;
  for (const char c : file) {
    if (line_start && c == '.') wire += '.';
    if (c == '\n' && (wire.empty() || wire.back() != '\r')) wire += '\r';
    wire += c;
    line_start = c == '\n';
  }
  if (!line_start) wire += "\r\n";
  return wire += ".\r\n";
}

// The octets that a wire form stands for (RFC 1939, 11), or nothing if it is not stuffed as it should be.
bool unstuffed_size(std::string_view wire, std::uint64_t& size) {
  size = 0;
  const std::string_view body = wire.substr(0, wire.size() - 3);
  for (std::size_t start = 0; start < body.size();) {
    const std::size_t end = body.find('\n', start);
    if (end == std::string_view::npos || end == start || body[end - 1] != '\r') return false;
    const bool dot = body[start] == '.';
    if (dot && body[start + 1] != '.') return false;
    size += end + 1 - start - (dot ? 1 : 0);
    start = end + 1;
  }
  return true;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

const char* name_of(Command command) {
  static constexpr const char* names[] = {"greeting", "USER", "PASS",   "CAPA",   "STAT", "LIST", "UIDL",
                                          "NOOP",     "RETR", "LIST n", "UIDL n", "TOP",  "QUIT"};
  return names[static_cast<int>(command)];
}

void User::wrong(const std::string& why) const { fail("user " + name_ + ": " + why); }

std::string* User::known(Command command, std::uint32_t number) {
  static std::string capa;  // the same for all
  switch (command) {
    case Command::capa: return &capa;
    case Command::stat: return &stat_;
    case Command::list: return &list_;
    case Command::uidl: return &uidl_;
    case Command::retr: return &messages_[number - 1].body;
    case Command::list_n: return &messages_[number - 1].list;
    case Command::uidl_n: return &messages_[number - 1].uidl;
    case Command::top: return &messages_[number - 1].top;
    default: return nullptr;
  }
}

void User::learn(Command command, std::uint32_t number, const std::string& reply) {
  switch (command) {
    case Command::stat: learn_stat(reply); break;
    case Command::list:
    case Command::uidl: learn_listing(command, reply); break;
    case Command::retr: learn_message(number, reply); break;
    case Command::top: learn_top(number, reply); break;
    case Command::list_n:
    case Command::uidl_n:
      if (std::strtoul(reply.c_str() + 4, nullptr, 10) != number)
        wrong(std::string(name_of(command)) + " " + std::to_string(number) + " answered " + printable(reply));
      break;
    default: break;
  }
  *known(command, number) = reply;
}

void User::learn_stat(const std::string& line) {
  unsigned long count = 0, octets = 0;
  if (std::sscanf(line.c_str(), "+OK %lu %lu", &count, &octets) != 2) wrong("STAT answered " + printable(line));
  messages_.resize(count);
  octets_ = octets;
}

// "1 SIZE", "2 SIZE", ... or "1 UID", ...
void User::learn_listing(Command command, const std::string& body) {
  std::uint64_t octets = 0;
  std::uint32_t number = 0;
  for (std::size_t start = 0; start + 3 < body.size(); start = body.find("\r\n", start) + 2) {
    char* end = nullptr;
    const unsigned long told = std::strtoul(body.c_str() + start, &end, 10);
    if (told != ++number || number > count() || *end != ' ')
      wrong(std::string(name_of(command)) + ": a line is " + printable(body.substr(start, 80)));
    if (command == Command::list) octets += messages_[number - 1].size = std::strtoul(end + 1, nullptr, 10);
  }
  if (number != count()) wrong(std::string(name_of(command)) + " does not list as many as STAT says");
  if (command == Command::list && octets != octets_) wrong("the sizes of LIST do not add up to what STAT says");
}

void User::learn_message(std::uint32_t number, const std::string& body) {
  const std::string which = "message " + std::to_string(number);
  std::uint64_t size = 0;
  if (!unstuffed_size(body, size)) wrong(which + " has broken line ends or dots");
  const std::uint64_t told = messages_[number - 1].size;
  if (told > 0 && told != size)
    wrong(which + " has " + std::to_string(size) + " octets, LIST says " + std::to_string(told));
  if (expect_folder_ == nullptr) return;
  load_expected();
  const auto found = std::find(expected_.begin(), expected_.end(), body);
  if (found == expected_.end()) wrong(which + " is none of the files");
  expected_.erase(found);
}

void User::learn_top(std::uint32_t number, const std::string& body) const {
  if (body.find("\r\n\r\n") == std::string::npos)
    wrong("TOP " + std::to_string(number) + " 0: no empty line behind the header");
}

void User::load_expected() {
  if (loaded_) return;
  loaded_ = true;
  for (const char* const folder : {"cur", "new"})
    for (const auto& entry : std::filesystem::directory_iterator(*expect_folder_ + "/" + name_ + "/" + folder))
      expected_.push_back(wire_form(read_file(entry.path())));
  if (expected_.size() != count()) wrong("STAT does not count as many messages as there are files");
}

}  // namespace load
