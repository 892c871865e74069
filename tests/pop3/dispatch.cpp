// SPDX-License-Identifier: MIT
#include <pop3/dispatch.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "server.hpp"

namespace {

using pop3::Chunk;
using pop3::Session;

// Listens to everything that a client can cause.
struct Everything {
  std::string heard;
  void on(Session& session, const pop3::AuthRequest& request) { heard += "auth ", session.accept(request.token); }
  void on(Session& session, const pop3::DigestRequest& request) { heard += "digest ", session.refuse(request.token); }
  void on(Session& session, const pop3::ScramRequest& request) { heard += "scram ", session.refuse(request.token); }
  void on(Session& session, const pop3::SaslRequest& request) { heard += "sasl ", session.refuse(request.token); }
  void on(Session& session, const pop3::TlsRequest& request) { heard += "tls ", session.accept(request.token); }
  void on(Session& session, const pop3::CommandRequest& request) {
    heard += "command ", session.accept(request.token, "mine");
  }
  void on(Session&, const pop3::LoginFailed&) { heard += "failed "; }
  void on(Session& session, const pop3::ListRequest& request) {
    const pop3::MessageInfo messages[] = {{3, "uid-1"}, {3, "uid-2"}};
    heard += session.accept(request.token, messages) == pop3::Outcome::applied ? "list " : "";
  }
  void on(Session& session, const pop3::RetrieveRequest& request) {
    heard += "retrieve ", session.accept(request.token);
  }
  void on(Session& session, const pop3::BodyRequest& request) {
    heard += "body ", session.send_body(request.token, "x\r\n", Chunk::last);
  }
  void on(Session& session, const pop3::CommitRequest& request) { heard += "commit ", session.accept(request.token); }
  void on(Session&, const pop3::BodyDone&) { heard += "done "; }
  void on(Session&, const pop3::Closed&) { heard += "closed "; }
};

// Listens to what must be listened to; for another kind of login see ApopOnly.
struct Least {
  void on(Session& session, const pop3::AuthRequest& request) { session.accept(request.token); }
  void on(Session& session, const pop3::ListRequest& request) {
    const pop3::MessageInfo messages[] = {{3, "uid-1"}};
    if (session.accept(request.token, messages) != pop3::Outcome::applied) session.shutdown();
  }
  void on(Session& session, const pop3::RetrieveRequest& request) { session.accept(request.token); }
  void on(Session& session, const pop3::CommitRequest& request) { session.refuse(request.token); }
};

struct ApopOnly {
  void on(Session& session, const pop3::DigestRequest& request) { session.accept(request.token); }
  void on(Session& session, const pop3::ListRequest& request) { session.refuse(request.token); }
  void on(Session& session, const pop3::RetrieveRequest& request) { session.refuse(request.token); }
  void on(Session& session, const pop3::CommitRequest& request) { session.accept(request.token); }
};

pop3::Config handled_config() {
  pop3::Config config = tests::plain_config();
  config.mechanisms = {"PLAIN", "SCRAM-SHA-256", "X-OWN"};
  config.limits.failed_logins = 0;
  config.offer_stls = true;
  config.commands.emplace_back();
  config.commands.back().verb = "XTND";
  return config;
}
pop3::Connection handled_connection() {
  pop3::Connection connection = tests::with_apop();
  connection.nonce = "0123456789abcdef";
  return connection;
}
// Each kind of login once, and all in vain: PLAIN and SCRAM are cancelled, APOP and an own mechanism refused.
const std::string logins = "AUTH PLAIN\r\n*\r\nAPOP ann " + std::string(32, '0') +
                           "\r\nAUTH SCRAM-SHA-256 biwsbj1hbm4scj14eXo=\r\n*\r\nAUTH X-OWN eA==\r\n";  // n,,n=ann,r=xyz

template <class Handler>
std::string serve(Session& session, Handler& handler, std::string_view octets) {
  std::string output;
  for (int turn = 0; turn < 100; ++turn) {
    octets.remove_prefix(session.receive(octets));
    pop3::dispatch(session, tests::start_of_time, handler);
    char block[512];
    output.append(block, session.copy_output(block, sizeof block));
  }
  return output;
}

}  // namespace

TEST_CASE("every event reaches its listener, in order") {
  const pop3::Config config = handled_config();
  Session session(config, handled_connection());
  Everything handler;
  serve(session, handler, "STLS\r\n");
  serve(session, handler, logins + "USER ann\r\nPASS pw\r\nXTND\r\nRETR 1\r\nDELE 2\r\nQUIT\r\n");
  CHECK(handler.heard == "tls failed digest scram failed sasl auth list command retrieve body done commit closed ");
  CHECK(session.finished());
}

TEST_CASE("R47 R50: what is refused, or listened to by nobody, neither hangs nor claims anything") {
  const pop3::Config config = tests::plain_config();
  {
    Session session(config);
    Least handler;
    const std::string output = serve(session, handler, "USER ann\r\nPASS pw\r\nDELE 1\r\nQUIT\r\n");
    CHECK(output.find("-ERR [SYS/TEMP] ") != std::string::npos);  // the CommitRequest
    CHECK(session.counters().removed == 0);
    CHECK(session.finished());
  }
  {
    Session session(config);
    Least handler;
    const std::string output = serve(session, handler, "USER ann\r\nPASS pw\r\nRETR 1\r\n");
    CHECK(output.substr(output.rfind('+')) == "+OK 3 octets\r\n");  // the BodyRequest: no final dot
    CHECK(session.finished());
  }
  {
    Session session(config);
    ApopOnly handler;
    const std::string output = serve(session, handler, "USER ann\r\nPASS pw\r\n");
    CHECK(output.find("-ERR [AUTH] ") != std::string::npos);  // the AuthRequest
    CHECK(session.state() == pop3::State::authorization);
  }
}

TEST_CASE("R193: with listeners for the least, what else a client can ask for is refused, or takes its usual course") {
  pop3::Config config = handled_config();
  config.commands.back().verb = "noop";
  Session session(config, handled_connection());
  Least handler;
  const std::string output = serve(session, handler, logins);
  std::size_t refused = 0;
  for (std::size_t at = 0; (at = output.find("-ERR [AUTH] ", at)) != std::string::npos; ++at) ++refused;
  CHECK(refused == 2);  // APOP, X-OWN
  CHECK(serve(session, handler, "USER ann\r\nPASS pw\r\nNOOP\r\n").find("octets)\r\n+OK\r\n") != std::string::npos);
  Session in_the_clear(config, handled_connection());
  serve(in_the_clear, handler, "STLS\r\n");
  CHECK(in_the_clear.finished());  // nobody did the handshake
}

// One of each kind, whose tokens belong to no question.
template <class Handler, std::size_t... kinds>
void give_all_kinds(Session& session, Handler& handler, std::index_sequence<kinds...>) {
  (pop3::dispatch_event(session, pop3::Event(std::in_place_index<kinds>), handler), ...);
}

TEST_CASE("events that belong to no question reach their listeners, or are declined, and change nothing") {
  const pop3::Config config = handled_config();
  Session session(config, handled_connection());
  Everything everything;
  Least least;
  ApopOnly apop_only;
  constexpr auto kinds = std::make_index_sequence<std::variant_size_v<pop3::Event>>{};
  give_all_kinds(session, everything, kinds);
  // "list " is heard only where the listing was taken.
  CHECK(everything.heard == "auth digest scram sasl retrieve body commit tls command done failed closed ");
  give_all_kinds(session, least, kinds);
  CHECK(session.state() == pop3::State::closed);  // what Least does where its listing is not taken
  Session other(config, handled_connection());
  give_all_kinds(other, apop_only, kinds);
  CHECK(other.state() == pop3::State::authorization);
  CHECK(other.counters().failed_logins == 0);
}

TEST_CASE("which events a handler listens to is known when it is compiled") {
  using pop3::detail::listens;
  static_assert(listens<Everything, pop3::CommitRequest> && listens<Everything, pop3::Closed>);
  static_assert(listens<Least, pop3::AuthRequest> && !listens<Least, pop3::DigestRequest>);
  static_assert(!listens<Least, pop3::BodyRequest> && !listens<Least, pop3::BodyDone>);
  // A listener may take its event by value, and give something back.
  struct Loose {
    int on(Session&, pop3::Closed);
  };
  CHECK(listens<Loose, pop3::Closed>);
  CHECK_FALSE(listens<Loose, pop3::BodyDone>);
  // One that wants to change the event would never be called: dispatch() does not compile then.
  struct Greedy {
    void on(Session&, pop3::Closed&);
  };
  CHECK(pop3::detail::ListensWrongly<Greedy, pop3::Closed>::value);
  CHECK_FALSE(pop3::detail::ListensWrongly<Loose, pop3::Closed>::value);
}

TEST_CASE("overloaded makes one visitor of several functions") {
  const auto kind = pop3::overloaded{[](const pop3::AuthRequest&) { return 1; }, [](const pop3::Closed&) { return 2; },
                                     [](const auto&) { return 3; }};
  CHECK(std::visit(kind, pop3::Event(pop3::AuthRequest{})) == 1);
  CHECK(std::visit(kind, pop3::Event(pop3::Closed{})) == 2);
  CHECK(std::visit(kind, pop3::Event(pop3::BodyDone{})) == 3);
}
