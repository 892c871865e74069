// SPDX-License-Identifier: MIT
// One small session, the same inline function in every file that includes this.
#ifndef TESTS_LINK_SESSION_HPP
#define TESTS_LINK_SESSION_HPP

#include <pop3.hpp>

inline bool greets_and_quits() {
  pop3::Config config;
  config.greeting = "hello";
  pop3::Session session{config};
  const pop3::TimePoint now{};
  std::string sent;
  std::optional<pop3::CloseReason> reason;
  if (session.receive("NOOP\r\nquit\r\n") != 12) return false;
  // Two rounds: Closed comes once all output is consumed.
  for (int round = 0; round != 2; ++round) {
    while (const auto event = session.poll(now)) {
      if (const auto* closed = std::get_if<pop3::Closed>(&*event)) reason = closed->reason;
    }
    while (!session.output().empty()) {
      sent += session.output();
      session.consume_output(session.output().size());
    }
  }
  const std::string_view all = sent;
  const auto line = [&](std::size_t from) { return all.substr(from, all.find("\r\n", from) + 2 - from); };
  const std::string_view greeting = line(0), noop = line(greeting.size());
  const std::string_view quit = line(greeting.size() + noop.size());
  return greeting == "+OK hello\r\n" && noop.substr(0, 5) == "-ERR " && quit.substr(0, 3) == "+OK" &&
         greeting.size() + noop.size() + quit.size() == all.size() && reason == pop3::CloseReason::quit &&
         session.finished();
}

#endif
