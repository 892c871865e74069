// SPDX-License-Identifier: MIT
// Fixed pieces of work, to be run under `valgrind --tool=callgrind --collect-atstart=no`: instructions.py does it, and
// compares the counts. Each is done twice before it is counted, so that memory and caches of the heap are there.
#include <valgrind/callgrind.h>

#include <cstdio>
#include <memory>

#include "mail.hpp"
#include "scram_login.hpp"
#include "served.hpp"

namespace {

// Prints name, how many things were done, and what they are; the instructions go to a file that says the name.
template <class Prepare, class Run>
void measure(const char* name, std::size_t things, const char* what, Prepare prepare, Run run) {
  for (const bool counted : {false, false, true}) {
    auto prepared = prepare();
    if (counted) CALLGRIND_TOGGLE_COLLECT;
    run(prepared);
    if (counted) CALLGRIND_TOGGLE_COLLECT;
  }
  CALLGRIND_DUMP_STATS_AT(name);
  std::printf("%s %zu %s\n", name, things, what);
}
template <class Run>
void measure(const char* name, std::size_t things, const char* what, Run run) {
  measure(
      name, things, what, [] { return 0; }, [&](int) { run(); });
}

void commands(const char* name, const std::string& octets, std::size_t count) {
  const bench::OwnListing listing(100);
  bench::LoggedIn served(listing.messages);
  measure(name, count, "command", [&] { served.say(octets); });
}

void retrieve(const char* name, const std::string& mail) {
  const bench::OwnListing listing(1);
  const std::string_view body = mail;
  bench::LoggedIn served(listing.messages, &body);
  measure(name, mail.size(), "octet", [&] { served.say("RETR 1\r\n"); });
  bench::require(served.session.counters().retrieved == 3, "RETR");
}

void list_all(const char* name, std::string_view command) {
  const bench::OwnListing listing(10'000);
  bench::LoggedIn served(listing.messages);
  measure(name, listing.messages.size(), "message", [&] { served.say(command); });
}

template <class Commands>
void sessions(const char* name, const pop3::Config& config, const bench::Store& store, const Commands& commands,
              const pop3::Connection& connection = {}) {
  measure(name, 1, "session", [&] { bench::whole_session(config, store, commands, connection); });
}

// A session up to the question for its listing.
struct Asking {
  explicit Asking(const pop3::Config& config) : session(config) {
    bench::require(session.receive(bench::login) == bench::login.size(), "room for a login");
    while (const auto event = session.poll(bench::now)) {
      if (const auto* const list = std::get_if<pop3::ListRequest>(&*event))
        token = list->token;
      else
        pop3::dispatch_event(session, *event, store);
    }
  }
  const bench::Store store;
  pop3::Session session;
  pop3::Token<pop3::ListRequest> token{};
};

void accept_listing(const char* name, pop3::EqualUids equal_uids) {
  const bench::OwnListing listing(10'000, bench::OwnListing::Order::mixed);
  pop3::Config config = bench::plain_config();
  config.equal_uids = equal_uids;
  measure(
      name, listing.messages.size(), "message", [&] { return std::make_unique<Asking>(config); },
      [&](const std::unique_ptr<Asking>& asking) {
        const pop3::Outcome outcome = asking->session.accept(asking->token, listing.messages);
        bench::require(outcome == pop3::Outcome::applied, "a listing is accepted");
      });
}

// Half a MiB of text, a quarter base64: several chunks.
std::string mail() {
  constexpr std::size_t part = 64 * 1024;
  return bench::make_message(bench::Kind::text, 4 * part, 1) + bench::make_message(bench::Kind::html, 2 * part, 2) +
         bench::make_message(bench::Kind::base64, 2 * part, 3);
}
// Each line begins with a dot.
std::string dots() { return bench::repeated("." + std::string(39, 'x') + "\r\n", 4096); }

void all() {
  const pop3::Config config = bench::plain_config();
  const bench::OwnListing ten(10);
  const std::string small = bench::make_message(bench::Kind::text, 4000, 1);
  const std::vector<std::string_view> bodies(10, small);
  const bench::Store store{ten.messages, bodies.data()};
  const bench::ScramLogin scram(ten.messages);
  const std::string_view auth_plain[] = {"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n", "QUIT\r\n"};
  pop3::Connection connection;
  connection.nonce = "0123456789abcdef0123456789abcdef";
  connection.apop_challenge = "<1896.697170952@pop.example.org>";

  sessions("login", config, store, bench::login_commands);
  sessions("login_with_nonce_and_apop", config, store, bench::login_commands, connection);
  sessions("auth_plain", config, store, auth_plain);
  sessions("auth_scram_sha_256", scram.config, scram.store, scram.commands, scram.connection);
  sessions("pop_with_10_retr", config, store, bench::pop_commands());
  commands("noop_1", "NOOP\r\n", 1);
  commands("noop_64", bench::repeated("NOOP\r\n", 64), 64);
  commands("mix_64", bench::mix(64), 64);
  commands("capa", "CAPA\r\n", 1);
  retrieve("retr_crlf", bench::with_crlf(mail()));
  retrieve("retr_lf", mail());
  retrieve("retr_dots", dots());
  list_all("list_10000", "LIST\r\n");
  list_all("uidl_10000", "UIDL\r\n");
  accept_listing("accept_10000", pop3::EqualUids::allow);
  accept_listing("accept_10000_equal_uids_refused", pop3::EqualUids::refuse);
}

}  // namespace

int main() { all(); }
