// SPDX-License-Identifier: MIT
#include "connection.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "util.hpp"

namespace load {

void Connection::wrong(const std::string& why) const { fail("user " + user_->name() + ": " + why); }

std::string Connection::waits_for() const {
  if (!is_open() || (asked_.empty() && !quit_)) return {};
  return user_->name() + " for " + (asked_.empty() ? "the close" : name_of(asked_.front().command));
}

void Connection::open(int epoll, const sockaddr_in& address, bool tls, User& user, Plan& plan) {
  user_ = &user;
  plan_ = &plan;
  epoll_ = epoll;
  waits_to_write_ = in_body_ = quit_ = false;
  out_.clear();
  asked_.assign({{Command::greeting, 0}});
  channel_.connect(address, tls);
  epoll_event event{};
  event.events = tls ? EPOLLIN | EPOLLOUT : EPOLLIN;  // the client begins the handshake
  waits_to_write_ = tls;
  event.data.ptr = this;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, channel_.fd(), &event) != 0) wrong("epoll_ctl");
}

void Connection::ask_login(Command command, const std::string& argument) {
  (out_ += name_of(command)) += ' ';
  (out_ += argument) += "\r\n";
  asked_.push_back({command, 0});
}

void Connection::ask(Command command, std::uint32_t number) {
  std::string_view verb = name_of(command);
  out_ += verb.substr(0, verb.find(' '));
  if (number > 0) (out_ += ' ') += std::to_string(number);
  if (command == Command::top) out_ += " 0";
  out_ += "\r\n";
  asked_.push_back({command, number});
  quit_ = quit_ || command == Command::quit;
}

void Connection::flush() {
  const bool left = !channel_.write(out_);
  if (left == waits_to_write_) return;
  waits_to_write_ = left;
  epoll_event event{};
  event.events = left ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.ptr = this;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, channel_.fd(), &event);
}

void Connection::handle(std::uint32_t events, bool quickack) {
  if (!is_open()) return;
  if (events & EPOLLOUT) flush();
  if (events & (EPOLLIN | EPOLLERR | EPOLLHUP) || (events & EPOLLOUT && out_.empty())) read(quickack);
}

void Connection::read(bool quickack) {
  static std::vector<char> buffer(256 * 1024);
  for (int turns = 0; is_open() && turns < 64; ++turns) {
    const ssize_t n = channel_.read(buffer.data(), buffer.size());
    if (n < 0) return;
    if (n == 0) return ended();
    if (quickack) channel_.acknowledge_at_once();  // the kernel forgets it again
    take({buffer.data(), static_cast<std::size_t>(n)});
    if (!channel_.is_tls() && static_cast<std::size_t>(n) < buffer.size()) return;  // epoll tells of more
  }
}

void Connection::ended() {
  if (!quit_ || !asked_.empty()) wrong("closed by the server while waiting for " + waits_for());
  channel_.close();
  ++serial;
  plan_->closed(*this);
}

// ---- replies --------------------------------------------------------------------------------------------------------

void Connection::take(std::string_view octets) {
  while (!octets.empty()) {
    if (asked_.empty()) wrong("octets that nobody asked for: " + printable(octets));
    octets = in_body_ ? take_body(octets) : take_line(octets);
  }
}

std::string_view Connection::take_line(std::string_view octets) {
  const std::size_t end = octets.find('\n');
  const std::size_t n = end == std::string_view::npos ? octets.size() : end + 1;
  line_ += octets.substr(0, n);
  if (line_.size() > 4096) wrong("a status line without end");
  if (end == std::string_view::npos) return {};
  check_line();
  line_.clear();
  in_body_ = is_multi_line(asked_.front().command);
  body_octets_ = 0;
  if (!in_body_) end_reply(0);
  return octets.substr(n);
}

void Connection::check_line() {
  const Asked& asked = asked_.front();
  const bool good = line_.size() >= 5 && line_.compare(0, 3, "+OK") == 0 && line_[line_.size() - 2] == '\r';
  if (!good) wrong(std::string(name_of(asked.command)) + " answered " + printable(line_));
  if (is_multi_line(asked.command)) return;
  std::string* const known = user_->known(asked.command, asked.number);
  if (known == nullptr) return;
  if (known->empty()) user_->learn(asked.command, asked.number, line_);
  if (*known != line_)
    wrong(std::string(name_of(asked.command)) + " answered " + printable(line_) + ", before " + printable(*known));
}

std::string_view Connection::take_body(std::string_view octets) {
  const Asked& asked = asked_.front();
  if (asked.command == Command::retr && user_->is_large(asked.number)) return take_large(octets);
  const std::string* const known = user_->known(asked.command, asked.number);
  return !known->empty() && body_.empty() ? take_known(octets, *known) : take_new(octets);
}

std::string_view Connection::take_known(std::string_view octets, const std::string& known) {
  const std::size_t n = std::min<std::size_t>(octets.size(), known.size() - body_octets_);
  if (std::memcmp(octets.data(), known.data() + body_octets_, n) != 0)
    wrong(std::string(name_of(asked_.front().command)) + " " + std::to_string(asked_.front().number) +
          " is not what it was, near octet " + std::to_string(body_octets_));
  body_octets_ += n;
  if (body_octets_ == known.size()) end_reply(body_octets_);
  return octets.substr(n);
}

// Collects up to the end.
std::string_view Connection::take_new(std::string_view octets) {
  const Asked asked = asked_.front();
  const std::size_t before = body_.size();
  body_ += octets;
  std::size_t end = body_.compare(0, 3, ".\r\n") == 0 ? 0 : body_.find("\r\n.\r\n", before > 4 ? before - 4 : 0);
  if (end == std::string::npos) return {};
  end += end == 0 ? 3 : 5;
  body_.resize(end);
  std::string* const known = user_->known(asked.command, asked.number);
  if (known->empty()) user_->learn(asked.command, asked.number, body_);
  if (*known != body_) wrong(std::string(name_of(asked.command)) + " differs from what another connection got");
  body_ = {};
  end_reply(end);
  return octets.substr(end - before);
}

// The length is found out the first time, by the end; `body_` holds the last octets.
std::string_view Connection::take_large(std::string_view octets) {
  std::uint64_t& length = user_->large_length(asked_.front().number);
  std::size_t n = octets.size();
  if (length == 0) {
    std::string seam = body_ + std::string(octets.substr(0, 4));
    std::size_t end = seam.find("\r\n.\r\n");
    if (end != std::string::npos)
      end = end + 5 - body_.size();
    else if ((end = octets.find("\r\n.\r\n")) != std::string_view::npos)
      end += 5;
    if (end != std::string_view::npos) length = body_octets_ + (n = end);
  } else {
    n = std::min<std::size_t>(n, length - body_octets_);
  }
  body_octets_ += n;
  body_ += octets.substr(n - std::min<std::size_t>(n, 5), std::min<std::size_t>(n, 5));
  body_.erase(0, body_.size() - std::min<std::size_t>(body_.size(), 5));
  if (body_octets_ != length) return octets.substr(n);
  if (body_ != "\r\n.\r\n") wrong("a large message is not as long as it was");
  body_.clear();
  end_reply(length);
  return octets.substr(n);
}

void Connection::end_reply(std::uint64_t body_octets) {
  const Command command = asked_.front().command;
  asked_.pop_front();
  in_body_ = false;
  if (command == Command::retr) plan_->got_body(body_octets - 3);
  if (asked_.empty()) plan_->replied(*this);
}

}  // namespace load
