// SPDX-License-Identifier: MIT
// The session: commands, whole conversations, and what it takes from the heap for them.
#include <memory>

#include "../mail.hpp"
#include "../scram_login.hpp"
#include "../served.hpp"
#include "bench.hpp"

namespace {

using bench::LoggedIn;

const bench::OwnListing& hundred() {
  static const bench::OwnListing listing(100);
  return listing;
}

// After login; all in one block, and all replies in one.
void commands(benchmark::State& state, const std::string& octets, std::size_t count) {
  LoggedIn served(hundred().messages);
  for (int i = 0; i < 2; ++i) served.say(octets);  // the buffers have their size now
  {
    const bench::CountHeap counted(state, count);
    for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(served.say(octets));
  }
  bench::count(state, count);
}

// The messages of a whole session: ten of 4 KB.
struct Mailbox {
  explicit Mailbox(bool crlf) {
    for (std::size_t i = 0; i < listing.messages.size(); ++i) {
      std::string mail = bench::make_message(bench::Kind::text, 4000, i);
      mails.push_back(crlf ? bench::with_crlf(mail) : std::move(mail));
    }
    views.assign(mails.begin(), mails.end());
  }
  bench::OwnListing listing{10};
  std::vector<std::string> mails;
  std::vector<std::string_view> views;
};

template <class Commands>
void whole_sessions(benchmark::State& state, const pop3::Config& config, const bench::Store& store,
                    const Commands& commands, const pop3::Connection& connection = {}) {
  std::uint64_t sent = bench::whole_session(config, store, commands, connection);
  {
    const bench::CountHeap counted(state, 1);
    for ([[maybe_unused]] auto _ : state) sent = bench::whole_session(config, store, commands, connection);
  }
  bench::count(state, 1);
  state.counters["sent"] = static_cast<double>(sent);
}

void login_to_quit(benchmark::State& state, std::string_view nonce) {
  const Mailbox box(true);
  pop3::Connection connection;
  connection.nonce = nonce;
  if (!nonce.empty()) connection.apop_challenge = "<1896.697170952@pop.example.org>";
  const pop3::Config config = bench::plain_config();
  whole_sessions(state, config, bench::Store{box.listing.messages}, bench::login_commands, connection);
}
void pop(benchmark::State& state, bool crlf) {
  const Mailbox box(crlf);
  const pop3::Config config = bench::plain_config();
  whole_sessions(state, config, bench::Store{box.listing.messages, box.views.data()}, bench::pop_commands());
}
void auth_plain(benchmark::State& state) {
  const Mailbox box(true);
  const pop3::Config config = bench::plain_config();
  const std::string_view commands[] = {"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n", "QUIT\r\n"};
  whole_sessions(state, config, bench::Store{box.listing.messages}, commands);
}
void auth_scram(benchmark::State& state) {
  const Mailbox box(true);
  const bench::ScramLogin scram(box.listing.messages);
  whole_sessions(state, scram.config, scram.store, scram.commands, scram.connection);
}

// What sessions that wait hold, the object included.
void idle(benchmark::State& state, bool logged_in) {
  constexpr std::size_t count = 100;
  const pop3::Config config = bench::plain_config();
  const bench::Store store{hundred().messages};
  for ([[maybe_unused]] auto _ : state) {
    std::vector<std::unique_ptr<pop3::Session>> sessions;
    sessions.reserve(count);
    const std::size_t before = bench::heap.live;
    for (std::size_t i = 0; i < count; ++i) {
      sessions.push_back(std::make_unique<pop3::Session>(config));
      bench::converse(*sessions.back(), store, logged_in ? bench::login : std::string_view{});
      sessions.back()->trim();
    }
    state.counters["octets_held"] = bench::held_since(before) / count;
  }
  bench::count(state, count);
}

void add_commands(const std::string& name, const std::string& octets, std::size_t count) {
  bench::add("session/" + name, [=](benchmark::State& state) { commands(state, octets, count); });
}

}  // namespace

int main(int argc, char** argv) {
  add_commands("mix/64", bench::mix(64), 64);
  add_commands("mix/4", bench::mix(4), 4);
  for (const std::string_view line : {"NOOP", "STAT", "LIST 50", "UIDL 50", "RSET", "CAPA", "DELE 1\r\nRSET"}) {
    const std::string octets = std::string(line) + "\r\n";
    const std::string name(line.substr(0, line.find(' ')));
    const std::size_t lines = line.substr(0, 4) == "DELE" ? 2 : 1;
    add_commands(name + "/1", octets, lines);
    add_commands(name + "/64", bench::repeated(octets, 64 / lines), 64);
  }
  bench::add("session/login_to_quit", [](benchmark::State& state) { login_to_quit(state, {}); });
  bench::add("session/login_to_quit/nonce_and_apop",
             [](benchmark::State& state) { login_to_quit(state, "0123456789abcdef0123456789abcdef"); });
  bench::add("session/pop_with_10_retr/crlf", [](benchmark::State& state) { pop(state, true); });
  bench::add("session/pop_with_10_retr/lf", [](benchmark::State& state) { pop(state, false); });
  bench::add("session/auth_plain_to_quit", auth_plain);
  bench::add("session/auth_scram_sha_256_to_quit", auth_scram);
  bench::add("session/idle/before_login", [](benchmark::State& state) { idle(state, false); });
  bench::add("session/idle/100_messages", [](benchmark::State& state) { idle(state, true); });
  return bench::run(argc, argv);
}
