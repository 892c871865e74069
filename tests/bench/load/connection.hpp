// SPDX-License-Identifier: MIT
// One POP3 connection: sends commands, checks their replies.
#ifndef LOAD_CONNECTION_HPP
#define LOAD_CONNECTION_HPP

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "channel.hpp"
#include "mail.hpp"

namespace load {

class Connection;

// Decides what a connection does next.
class Plan {
 public:
  virtual void replied(Connection& connection) = 0;  // to all that was asked
  virtual void closed(Connection& connection) = 0;   // by the server, after QUIT
  virtual void got_body(std::uint64_t octets) = 0;

 protected:
  ~Plan() = default;
};

class Connection {
 public:
  explicit Connection(int slot) : slot_(slot) {}

  void open(int epoll, const sockaddr_in& address, bool tls, User& user, Plan& plan);
  // Adds a command to what flush() sends.
  void ask(Command command, std::uint32_t number = 0);
  void ask_login(Command command, const std::string& argument);
  void flush();
  // What epoll has seen.
  void handle(std::uint32_t events, bool quickack);

  int slot() const { return slot_; }
  bool is_open() const { return channel_.is_open(); }
  bool has_asked() const { return !asked_.empty(); }
  User& user() const { return *user_; }
  // For error messages: whose reply is missing, or empty.
  std::string waits_for() const;

  // The plan's own.
  long serial = 0;         // sessions before this one
  std::size_t step = 0;    // in a script
  std::uint32_t next = 0;  // message or command
  double since = 0;

 private:
  struct Asked {
    Command command;
    std::uint32_t number;
  };

  void read(bool quickack);
  void take(std::string_view octets);
  std::string_view take_line(std::string_view octets);
  std::string_view take_body(std::string_view octets);
  std::string_view take_known(std::string_view octets, const std::string& known);
  std::string_view take_new(std::string_view octets);
  std::string_view take_large(std::string_view octets);
  void check_line();
  void end_reply(std::uint64_t body_octets);
  void ended();
  [[noreturn]] void wrong(const std::string& why) const;

  const int slot_;
  Channel channel_;
  User* user_ = nullptr;
  Plan* plan_ = nullptr;
  int epoll_ = -1;
  bool waits_to_write_ = false, in_body_ = false, quit_ = false;
  std::string out_, line_, body_;
  std::uint64_t body_octets_ = 0;  // of the body so far
  std::deque<Asked> asked_;
};

}  // namespace load

#endif
