// SPDX-License-Identifier: MIT
// What is known of the users' mail. A reply that is seen for the first time is checked and kept; from then on the same
// reply must have the same octets.
#ifndef LOAD_MAIL_HPP
#define LOAD_MAIL_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace load {

enum class Command : std::uint8_t {
  greeting,
  user,
  pass,
  capa,
  stat,
  list,
  uidl,
  noop,
  retr,
  list_n,
  uidl_n,
  top,
  quit
};

const char* name_of(Command command);
constexpr bool is_multi_line(Command command) {
  return command == Command::capa || command == Command::list || command == Command::uidl || command == Command::retr ||
         command == Command::top;
}

// Bodies longer than this are not kept: their length and their end are checked.
inline constexpr std::uint64_t longest_kept = 256U << 20;

class User {
 public:
  User(std::string name, const std::string* expect) : name_(std::move(name)), expect_folder_(expect) {}

  const std::string& name() const { return name_; }
  std::uint32_t count() const { return static_cast<std::uint32_t>(messages_.size()); }
  std::uint64_t size(std::uint32_t number) const { return messages_[number - 1].size; }
  bool is_large(std::uint32_t number) const { return messages_[number - 1].size > longest_kept; }
  std::uint64_t& large_length(std::uint32_t number) { return messages_[number - 1].large_length; }

  // The reply that is known: a status line, or what follows it up to and with ".CRLF". Empty = none, null = it may be
  // anything.
  std::string* known(Command command, std::uint32_t number);
  // Checks what is seen for the first time and keeps it.
  void learn(Command command, std::uint32_t number, const std::string& reply);

 private:
  struct Message {
    std::uint64_t size = 0;          // as LIST says
    std::uint64_t large_length = 0;  // of a body that is not kept
    std::string body, list, uidl, top;
  };

  void learn_stat(const std::string& line);
  void learn_listing(Command command, const std::string& body);
  void learn_message(std::uint32_t number, const std::string& body);
  void learn_top(std::uint32_t number, const std::string& body) const;
  void load_expected();
  [[noreturn]] void wrong(const std::string& why) const;

  std::string name_;
  const std::string* expect_folder_;  // null, or where the Maildirs are
  std::string stat_, list_, uidl_;
  std::uint64_t octets_ = 0;
  std::vector<Message> messages_;
  std::vector<std::string> expected_;  // wire forms of files that are not found yet
  bool loaded_ = false;
};

}  // namespace load

#endif
