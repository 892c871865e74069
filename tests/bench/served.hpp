// SPDX-License-Identifier: MIT
// A session with the smallest application and driver there is: every question is answered on the spot from memory, and
// what goes out is counted and forgotten. So what is measured is the session.
#ifndef TESTS_BENCH_SERVED_HPP
#define TESTS_BENCH_SERVED_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <mailwire/scram.hpp>
#include <pop3.hpp>

namespace bench {

inline constexpr pop3::TimePoint now{std::chrono::hours(1)};

// What does not work must not be measured.
inline void require(bool fact, const char* what) {
  if (fact) return;
  (void)std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

inline pop3::Config plain_config() {
  pop3::Config config;
  config.login_needs_tls = false;
  config.limits.messages = 10'000'000;
  return config;
}

// `count` messages with unique-ids of 24 octets, as long as most servers' are, one after the other or in no order.
// Every `again`th has that of the one before it; 0 = none has.
struct OwnListing {
  enum class Order : std::uint8_t { ascending, mixed };

  explicit OwnListing(std::size_t count, Order order = Order::ascending, std::size_t again = 0) {
    constexpr std::size_t length = 24;
    uids.reserve(count * length + 1);
    messages.reserve(count);
    char text[length + 1];
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t id = again > 0 && i % again == again - 1 ? i - 1 : i;
      // An odd factor makes each number another one.
      const std::uint64_t shown = order == Order::mixed ? id * 0x9E3779B97F4A7C15U : id;
      (void)std::snprintf(text, sizeof text, "%08x%016llx", 0x65530000U, static_cast<unsigned long long>(shown));
      uids.append(text, length);
    }
    for (std::size_t i = 0; i < count; ++i)
      messages.push_back({1000 + i % 9000, std::string_view(uids).substr(i * length, length)});
  }
  std::string uids;
  std::vector<pop3::MessageInfo> messages;
};

// The maildrop: its listing, and what RETR gives. Used as pop3::dispatch(session, now, store).
struct Store {
  static constexpr std::size_t block = 64 * 1024;

  pop3::Listing listing = {};
  const std::string_view* bodies = nullptr;  // bodies[number - 1]
  mailwire::ScramKeys keys = {};

  void on(pop3::Session& session, const pop3::AuthRequest& ask) const {
    if (ask.password.reveal() == "secret")
      session.accept(ask.token);
    else
      session.refuse(ask.token);
  }
  void on(pop3::Session& session, const pop3::ScramRequest& ask) const { session.accept(ask.token, keys); }
  void on(pop3::Session& session, const pop3::ListRequest& ask) const { (void)session.accept(ask.token, listing); }
  void on(pop3::Session& session, const pop3::RetrieveRequest& ask) const { lend(session, ask.token, ask.number, 0); }
  void on(pop3::Session& session, const pop3::BodyRequest& ask) const {
    lend(session, ask.token, ask.number, ask.offset);
  }
  void on(pop3::Session& session, const pop3::CommitRequest& ask) const { session.accept(ask.token); }

 private:
  template <class Request>
  void lend(pop3::Session& session, pop3::Token<Request> token, std::uint32_t number, std::uint64_t offset) const {
    const std::string_view rest = bodies[number - 1].substr(static_cast<std::size_t>(offset));
    session.lend_body(token, rest.substr(0, block), rest.size() <= block ? pop3::Chunk::last : pop3::Chunk::more);
  }
};

// The driver's part: gives the octets to the session and works until it waits for more. Returns how much was sent.
inline std::uint64_t converse(pop3::Session& session, const Store& store, std::string_view octets) {
  std::uint64_t sent = 0;
  do {
    octets.remove_prefix(session.receive(octets));
    pop3::dispatch(session, now, store);
    for (;;) {
      pop3::ConstBuffer runs[4];
      std::size_t n = 0;
      for (std::size_t i = 0, count = session.gather(runs, 4); i < count; ++i) n += runs[i].size;
      if (n == 0) break;
      session.consume_output(n);
      sent += n;
      pop3::dispatch(session, now, store);
    }
  } while (!octets.empty());
  return sent;
}

inline constexpr std::string_view login = "USER ann\r\nPASS secret\r\n";

// A session that has logged in.
struct LoggedIn {
  const pop3::Config config = plain_config();
  pop3::Session session{config};
  Store store;

  explicit LoggedIn(pop3::Listing listing, const std::string_view* bodies = nullptr) : store{listing, bodies} {
    converse(session, store, login);
    require(session.state() == pop3::State::transaction, "login");
  }
  std::uint64_t say(std::string_view octets) { return converse(session, store, octets); }
};

// A conversation from the greeting to the end, one command at a time, as clients that wait for each reply have it.
template <class Commands>
std::uint64_t whole_session(const pop3::Config& config, const Store& store, const Commands& commands,
                            const pop3::Connection& connection = {}) {
  pop3::Session session(config, connection);
  std::uint64_t sent = converse(session, store, {});
  for (const std::string_view command : commands) sent += converse(session, store, command);
  require(session.finished(), "the end of a session");
  return sent;
}

// NOOP, STAT, LIST n, UIDL n in turn. The maildrop has 100 messages.
inline std::string mix(std::size_t commands) {
  std::string text;
  for (std::size_t i = 0; i < commands; ++i) {
    const std::string number = std::to_string(1 + i * 7 % 100);
    switch (i % 4) {
      case 0: text += "NOOP\r\n"; break;
      case 1: text += "STAT\r\n"; break;
      case 2: text += "LIST " + number + "\r\n"; break;
      default: text += "UIDL " + number + "\r\n"; break;
    }
  }
  return text;
}
inline std::string repeated(std::string_view line, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += line;
  return text;
}

inline constexpr std::string_view login_commands[] = {"USER ann\r\n", "PASS secret\r\n", "STAT\r\n", "QUIT\r\n"};

// As mail programs do it: login, CAPA, STAT, UIDL, ten RETR, QUIT.
inline std::vector<std::string> pop_commands() {
  std::vector<std::string> commands{"USER ann\r\n", "PASS secret\r\n", "CAPA\r\n", "STAT\r\n", "UIDL\r\n"};
  for (int i = 1; i <= 10; ++i) commands.push_back("RETR " + std::to_string(i) + "\r\n");
  commands.emplace_back("QUIT\r\n");
  return commands;
}

}  // namespace bench

#endif
