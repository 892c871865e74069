// SPDX-License-Identifier: MIT
// The contract of session.hpp: octets, tokens, time, ends.
#include <pop3/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "server.hpp"

namespace {

using pop3::AuthRequest;
using pop3::BodyRequest;
using pop3::Chunk;
using pop3::CommitRequest;
using pop3::Duration;
using pop3::ListRequest;
using pop3::Outcome;
using pop3::RetrieveRequest;
using pop3::Session;
using pop3::Token;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using tests::is_error;
using tests::is_ok;
using tests::log_in;
using tests::Mail;
using tests::plain_config;
using tests::Server;
using tests::visible;
using tests::with_apop;

// All of a session: every command, a failed login, bad lines.
const std::string whole_session =
    "CAPA\r\nUSER ann\r\nPASS no\r\nUSER ann\r\nPASS pw\r\nSTAT\r\nLIST\r\nUIDL\r\nLIST 2\r\nUIDL 1\r\nRETR 1\r\nTOP 2 "
    "0\r\n"
    "DELE 1\r\nRETR 1\r\nNOOP\r\nXYZ\r\n\r\nRSET\r\nDELE 2\r\nRETR 1\r\nQUIT\r\n";

std::string served(std::string_view octets) {
  Server server;
  return server.say(octets);
}

template <class T, class... Args>
using Accepts = decltype(std::declval<Session&>().accept(std::declval<T>(), std::declval<Args>()...));
template <class Void, class T, class... Args>
struct IsAccepted : std::false_type {};
template <class T, class... Args>
struct IsAccepted<std::void_t<Accepts<T, Args...>>, T, Args...> : std::true_type {};

template <class Void, class T, class Octets>
struct IsLent : std::false_type {};
template <class T, class Octets>
struct IsLent<
    std::void_t<decltype(std::declval<Session&>().lend_body(std::declval<T>(), std::declval<Octets>(), Chunk::last))>,
    T, Octets> : std::true_type {};

// Every answer there is to each kind of question, by this number; "" when all were stale.
std::string answers_taken(Session& session, std::uint64_t token) {
  std::string taken;
  const auto note = [&](const char* what, Outcome outcome) {
    if (outcome != Outcome::stale) taken += std::string(what) + ' ';
  };
  const Token<AuthRequest> auth(token);
  const Token<pop3::DigestRequest> apop(token);
  const Token<ListRequest> list(token);
  const Token<RetrieveRequest> retrieve(token);
  const Token<BodyRequest> body(token);
  const Token<CommitRequest> commit(token);
  const Token<pop3::ScramRequest> scram(token);
  const Token<pop3::SaslRequest> sasl(token);
  const Token<pop3::TlsRequest> tls(token);
  const Token<pop3::CommandRequest> command(token);
  static const pop3::MessageInfo message = {1, "u"};
  note("accept auth", session.accept(auth));
  note("refuse auth", session.refuse(auth));
  note("accept apop", session.accept(apop));
  note("refuse apop", session.refuse(apop));
  note("accept list", session.accept(list, {&message, 1}));
  note("refuse list", session.refuse(list));
  note("accept retrieve", session.accept(retrieve));
  note("send retrieve", session.send_body(retrieve, "x", Chunk::last));
  note("lend retrieve", session.lend_body(retrieve, "x", Chunk::last));
  note("refuse retrieve", session.refuse(retrieve));
  note("send body", session.send_body(body, "x", Chunk::last));
  note("lend body", session.lend_body(body, "x", Chunk::last));
  note("refuse body", session.refuse(body));
  note("abort body", session.abort_body(body));
  note("accept commit", session.accept(commit));
  note("accept commit 0", session.accept(commit, 0));
  note("accept commit 9", session.accept(commit, 9));
  note("refuse commit", session.refuse(commit));
  note("accept scram", session.accept(scram, mailwire::ScramKeys{}));
  note("refuse scram", session.refuse(scram));
  note("challenge sasl", session.challenge(sasl, "x"));
  note("accept sasl", session.accept(sasl, "ann"));
  note("accept sasl as nobody", session.accept(sasl, ""));
  note("refuse sasl", session.refuse(sasl));
  note("accept tls", session.accept(tls));
  note("refuse tls", session.refuse(tls));
  note("accept command", session.accept(command));
  note("proceed", session.proceed(command));
  note("send command", session.send_body(command, "x", Chunk::last));
  note("lend command", session.lend_body(command, "x", Chunk::last));
  note("refuse command", session.refuse(command));
  return taken;
}

std::uint64_t token_of(const pop3::Event& event) {
  return std::visit(
      [](const auto& e) -> std::uint64_t {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, pop3::BodyDone> || std::is_same_v<E, pop3::LoginFailed> ||
                      std::is_same_v<E, pop3::Closed>)
          return 0;
        else
          return e.token.value();
      },
      event);
}

// A session with the request of this kind open; all kinds in turn.
struct Open {
  const char* kind;
  const char* octets;
};
constexpr Open open_requests[] = {
    {"AuthRequest", "USER ann\r\nPASS pw\r\n"},
    {"DigestRequest", "APOP ann 0123456789abcdef0123456789abcdef\r\n"},
    {"ListRequest", "USER ann\r\nPASS pw\r\n"},
    {"RetrieveRequest", "USER ann\r\nPASS pw\r\nDELE 2\r\nRETR 1\r\n"},
    {"BodyRequest", "USER ann\r\nPASS pw\r\nDELE 2\r\nRETR 1\r\n"},
    {"CommitRequest", "USER ann\r\nPASS pw\r\nDELE 2\r\nQUIT\r\n"},
    {"ScramRequest", "AUTH SCRAM-SHA-256 biwsbj1hbm4scj14eXo=\r\n"},  // n,,n=ann,r=xyz
    {"SaslRequest", "AUTH X-OWN eHl6\r\n"},
    {"TlsRequest", "STLS\r\n"},
    {"CommandRequest", "USER ann\r\nPASS pw\r\nDELE 2\r\nXTND more\r\n"},
};

// Everything there is to ask about.
pop3::Config full_config() {
  pop3::Config config = plain_config();
  config.mechanisms = {"PLAIN", "SCRAM-SHA-256", "X-OWN"};
  config.offer_stls = true;
  config.commands.push_back({"XTND", false, true, 0, 1});
  return config;
}
pop3::Connection full_connection(pop3::SessionId id = 0) {
  pop3::Connection connection = with_apop(id);
  connection.nonce = "0123456789abcdef";
  return connection;
}

// Feeds the octets and answers until that request comes: the request, left open.
pop3::Event open(Server& server, const Open& wanted) {
  std::string_view octets = wanted.octets;
  for (int turn = 0; turn < 100; ++turn) {
    octets.remove_prefix(server.harness.feed(octets));
    while (const auto event = server.harness.poll()) {
      server.harness.take_output(~std::size_t{0});
      if (server.harness.events.back().find(wanted.kind) == 0) return *event;
      const auto* const retrieve = std::get_if<RetrieveRequest>(&*event);
      if (retrieve != nullptr)
        server.harness.accept(*retrieve);
      else
        server.answer(*event);
    }
    server.harness.take_output(~std::size_t{0});
  }
  server.harness.check(false, "the request did not come");
  return pop3::Closed{};
}

}  // namespace

// ---- what cannot be written down ----------------------------------------------------------------------------------

TEST_CASE("what would go wrong does not compile, the size of a session") {
  static_assert(!std::is_copy_constructible_v<Session> && !std::is_copy_assignable_v<Session>);
  static_assert(!std::is_move_constructible_v<Session> && !std::is_move_assignable_v<Session>);
  static_assert(std::is_constructible_v<Session, const pop3::Config&, pop3::Connection>);
  static_assert(!std::is_constructible_v<Session, pop3::Config&&>);  // would dangle
  static_assert(!std::is_constructible_v<Session, pop3::Config&&, pop3::Connection>);
  static_assert(!std::is_convertible_v<const pop3::Config&, Session>);

  static_assert(IsAccepted<void, Token<AuthRequest>>::value);
  static_assert(IsAccepted<void, Token<ListRequest>, pop3::Listing>::value);
  static_assert(!IsAccepted<void, Token<ListRequest>>::value);  // a maildrop has a listing
  static_assert(!IsAccepted<void, Token<AuthRequest>, pop3::Listing>::value);
  static_assert(!IsAccepted<void, Token<BodyRequest>>::value);  // nothing says what the octets are
  static_assert(!IsAccepted<void, std::uint64_t>::value);       // a number is no token

  static_assert(IsLent<void, Token<BodyRequest>, std::string&>::value);
  static_assert(IsLent<void, Token<BodyRequest>, const std::string&>::value);
  static_assert(IsLent<void, Token<RetrieveRequest>, std::string_view>::value);
  static_assert(IsLent<void, Token<RetrieveRequest>, const char*>::value);
  static_assert(!IsLent<void, Token<BodyRequest>, std::string>::value);  // would dangle
  static_assert(!IsLent<void, Token<RetrieveRequest>, std::string>::value);
  MESSAGE("sizeof(pop3::Session) = " << sizeof(Session) << " octets");
  if constexpr (sizeof(void*) == 8) CHECK(sizeof(Session) <= 512);
}

// ---- octets in ----------------------------------------------------------------------------------------------------

TEST_CASE("a session that was never polled is due at once") {
  const pop3::Config config;
  const Session session(config);
  CHECK(session.deadline() == pop3::TimePoint());
}

TEST_CASE("R2 R16 F-PE1 F-PE2: a whole session, with its input cut in every place and in pieces of every size") {
  const std::string wanted = served(whole_session);
  CHECK(wanted.size() > 600);
  std::string wrong;
  for (std::size_t cut = 1; cut < whole_session.size(); ++cut) {
    Server server;
    std::string got = server.say(whole_session.substr(0, cut));
    got += server.say(whole_session.substr(cut));
    if (got != wanted || !server.faults().empty()) wrong += "cut at " + std::to_string(cut) + ' ' + server.faults();
  }
  for (const std::size_t size : {1U, 2U, 3U, 5U, 64U}) {
    Server server;
    std::string got;
    for (std::size_t at = 0; at < whole_session.size(); at += size) got += server.say(whole_session.substr(at, size));
    if (got != wanted || !server.faults().empty()) wrong += "by " + std::to_string(size) + ' ' + server.faults();
  }
  CHECK(wrong == "");
}

TEST_CASE("R16: receive() says how many octets it took, and the rest comes again") {
  const std::string wanted = served(whole_session);
  const pop3::Config config = plain_config();
  Server server;
  std::string_view octets = whole_session;
  std::string got;
  for (int turn = 0; turn < 1000 && !server.session.finished(); ++turn) {
    octets.remove_prefix(server.session.receive(octets));
    while (const auto event = server.session.poll(server.harness.now)) server.answer(*event);
    char block[700];
    got.append(block, server.session.copy_output(block, sizeof block));
  }
  CHECK(octets.empty());
  CHECK(got == wanted);
  CHECK(server.session.receive("") == 0);
  CHECK(server.session.receive("NOOP\r\n") == 0);
}

TEST_CASE("R116 F-DOS: while an answer is awaited input is taken up to the block, and then no more") {
  for (const Open& kind : open_requests) {
    CAPTURE(kind.kind);
    Server server(full_config(), full_connection());
    open(server, kind);
    // Behind QUIT nothing is read, nor behind STLS until TLS is there.
    const bool update = server.session.state() == pop3::State::update || std::string(kind.kind) == "TlsRequest";
    CHECK(server.session.wants_input() == !update);
    std::size_t taken = 0;
    for (int i = 0; i < 1000; ++i) {
      taken += server.harness.feed("NOOP\r\n");
      CHECK_FALSE(server.harness.poll().has_value());
    }
    CHECK(taken <= server.config.limits.input_buffer);
    CHECK(taken >= (update ? 0 : server.config.limits.input_buffer / 2));
    CHECK_FALSE(server.session.wants_input());
    CHECK(server.session.input_buffer().size == 0);
    CHECK(server.session.output().empty());
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R116 F-DOS: whoever sends 50 MB of commands and reads nothing is not listened to for long") {
  for (const char* line : {"NOOP\r\n", "LIST\r\n", "CAPA\r\n", "XYZ\r\n", "RETR 2\r\n"}) {
    CAPTURE(visible(line));
    pop3::Config config = plain_config();
    config.limits.bad_commands = 0;
    Server server(config);
    server.log_in();
    std::string lines;
    while (lines.size() < 50'000) lines += line;
    std::size_t taken = 0, queued = 0;
    for (int i = 0; i < 1000; ++i) {
      taken += server.harness.feed(lines);
      while (const auto event = server.harness.poll()) server.answer(*event);
      queued = std::max(queued, tests::queued(server.session));
    }
    CHECK_FALSE(server.session.wants_input());
    CHECK(taken < 16'384);
    CHECK(queued <= config.limits.output_high + 512);
    CHECK(server.faults() == "");
    server.say("");
    CHECK(server.session.wants_input());  // it reads again
  }
}

TEST_CASE("a read may be under way whatever happens: its room stays until it is committed") {
  enum class What { line, answer, shutdown, disconnect, idle, end };
  for (const What what : {What::line, What::answer, What::shutdown, What::disconnect, What::idle}) {
    CAPTURE(static_cast<int>(what));
    Server server;
    server.log_in();
    const auto request = server.ask<RetrieveRequest>("NOOP\r\nNOOP\r\nRETR 1\r\nNOOP\r\n");
    const pop3::MutableBuffer room = server.session.input_buffer();
    CHECK(room.size > 0);
    std::memset(room.data, '#', room.size);
    switch (what) {
      case What::line: break;
      case What::answer: server.answer(request); break;
      case What::shutdown: server.harness.shutdown(); break;
      case What::disconnect: server.session.disconnect(); break;
      case What::idle: server.harness.refuse(request); break;
      case What::end: break;
    }
    while (const auto event = server.harness.poll()) server.answer(*event);
    server.harness.take_output(~std::size_t{0});
    CHECK(server.harness.poll().has_value() == (what == What::shutdown));  // Closed
    if (what == What::idle) server.harness.now += hours(1);
    while (const auto event = server.harness.poll()) server.answer(*event);
    server.session.trim();
    std::memcpy(room.data, "CAPA\r\n", 6);  // a sanitizer would see that the block is gone
    const auto octets = server.session.counters().octets_in;
    server.session.commit_input(6);
    CHECK(server.session.counters().octets_in == octets + 6);
    if (what == What::shutdown || what == What::disconnect || what == What::idle) {
      while (server.harness.poll().has_value()) {
      }
      CHECK(server.session.finished());
      CHECK(server.harness.output.find("capability") == std::string::npos);
      CHECK(server.session.input_buffer().size == 0);
      // What came after the end is not kept.
      CHECK(std::all_of(room.data, room.data + 6, [](char c) { return c == '\0'; }));
    } else {
      if (what == What::line) server.answer(request);
      CHECK(server.say("").find("capability") != std::string::npos);
    }
  }
}

TEST_CASE("R2 R50 F-AX: at the end of input complete lines are served, half a QUIT is none, and nothing is removed") {
  struct Case {
    const char* octets;
    const char* closed;
    std::uint64_t commands;
  };
  static constexpr Case cases[] = {
      {"", "Closed end_of_input release=yes", 0},
      {"DELE 1\r\n", "Closed end_of_input release=yes", 1},
      {"DELE 1\r\nQUIT", "Closed end_of_input release=yes", 1},
      {"DELE 1\r\nQUIT\r", "Closed end_of_input release=yes", 1},
      {"DELE 1\r\nQUIT\n", "Closed end_of_input release=yes", 1},
      {"DELE 1\r\nQUIT\r\n", "Closed quit release=no", 2},
      {"RETR 1\r\nNOOP\r\nQUIT\r\n", "Closed quit release=no", 3},
  };
  for (const Case& c : cases) {
    CAPTURE(visible(c.octets));
    Server server;
    server.log_in();
    server.harness.feed(c.octets);
    server.harness.end_of_input();
    CHECK_FALSE(server.session.wants_input());
    server.say("");
    CHECK(server.harness.events.back() == c.closed);
    CHECK(server.session.counters().commands == 2 + c.commands);
    CHECK(server.saw("CommitRequest numbers=1") == (std::string(c.octets) == "DELE 1\r\nQUIT\r\n"));
    CHECK(server.faults() == "");
  }
}

// ---- decisions ----------------------------------------------------------------------------------------------------

TEST_CASE("R21: the greeting comes first and once, whatever was sent before it") {
  Server server;
  server.harness.feed("USER ann\r\nQUIT\r\n");
  CHECK(server.session.output().empty());  // no poll(), no octet
  const std::string output = server.say("");
  CHECK(output == "+OK POP3 server ready\r\n+OK send PASS\r\n+OK bye\r\n");
}

TEST_CASE("R21: a connection that is not wanted gets a refusal instead of a greeting") {
  Server server;
  server.harness.feed("USER ann\r\nPASS pw\r\nQUIT\r\n");
  server.harness.shutdown({pop3::Code::sys_temp, "too many connections"});
  CHECK(server.say("") == "-ERR [SYS/TEMP] too many connections\r\n");
  CHECK(server.harness.events == std::vector<std::string>{"Closed shutdown release=no"});
  CHECK(server.faults() == "");
}

TEST_CASE("pending() is the one open request, from poll() to its answer") {
  for (const Open& kind : open_requests) {
    CAPTURE(kind.kind);
    Server server(full_config(), full_connection());
    CHECK(server.session.pending() == nullptr);
    const pop3::Event event = open(server, kind);
    const pop3::Event* const pending = server.session.pending();
    REQUIRE(pending != nullptr);
    CHECK(std::visit(tests::EventText{}, *pending) == server.harness.events.back());
    CHECK(token_of(*pending) == token_of(event));
    for (int i = 0; i < 3; ++i) CHECK_FALSE(server.harness.poll().has_value());  // not asked twice
    server.answer(event);
    CHECK(server.session.pending() == nullptr);
  }
}

TEST_CASE("tokens carry the connection in their upper half, and no two questions have the same") {
  Server server(plain_config(), with_apop(0xDEADBEEF));
  std::vector<std::uint64_t> tokens;
  std::string_view octets = "USER ann\r\nPASS no\r\nUSER ann\r\nPASS pw\r\nRETR 1\r\nTOP 2 0\r\nQUIT\r\n";
  octets.remove_prefix(server.harness.feed(octets));
  for (int turn = 0; turn < 10; ++turn) {
    while (const auto event = server.harness.poll()) {
      if (token_of(*event) != 0) tokens.push_back(token_of(*event));
      server.answer(*event);
    }
    server.harness.take_output(~std::size_t{0});
  }
  CHECK(tokens.size() == 6);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    CHECK((tokens[i] >> 32) == 0xDEADBEEF);
    CHECK(std::count(tokens.begin(), tokens.end(), tokens[i]) == 1);
  }
}

TEST_CASE("an answer is taken once, with the right token and while the question is open, everything else is stale") {
  for (const Open& kind : open_requests) {
    CAPTURE(kind.kind);
    Server server(full_config(), full_connection(1)), other(full_config(), full_connection(2));
    CHECK(answers_taken(server.session, 0) == "");
    const pop3::Event event = open(server, kind);
    const std::uint64_t token = token_of(event);
    const std::uint64_t others = token_of(open(other, kind));
    CHECK(others != token);
    for (const std::uint64_t wrong : {std::uint64_t{0}, token - 1, token + 1, others, ~token, token & 0xFFFFFFFF})
      CHECK(answers_taken(server.session, wrong) == "");
    CHECK(server.session.pending() != nullptr);
    CHECK(server.session.output().empty());
    // The right number, but with the type of another question.
    if (std::string(kind.kind) != "AuthRequest")
      CHECK(server.session.accept(Token<AuthRequest>(token)) == Outcome::stale);
    if (std::string(kind.kind) != "CommitRequest")
      CHECK(server.session.accept(Token<CommitRequest>(token)) == Outcome::stale);
    server.answer(event);
    CHECK(answers_taken(server.session, token) == "");
    CHECK(answers_taken(server.session, token + 1) == "");  // a question that poll() did not return yet
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R50: after any end the answer is stale, harmless, and nothing of it is sent") {
  enum class End { shutdown, disconnect, timeout };
  for (const Open& kind : open_requests) {
    for (const End end : {End::shutdown, End::disconnect, End::timeout}) {
      for (const bool late : {false, true}) {
        CAPTURE(kind.kind);
        CAPTURE(static_cast<int>(end));
        CAPTURE(late);
        pop3::Config config = full_config();
        config.limits.answer = config.limits.handshake = seconds(30);
        Server server(config, full_connection());
        const std::uint64_t token = token_of(open(server, kind));
        const bool commit = std::string(kind.kind) == "CommitRequest";
        switch (end) {
          case End::shutdown: server.harness.shutdown(); break;
          case End::disconnect: server.harness.disconnect(); break;
          case End::timeout: server.harness.now += seconds(30), server.harness.poll(); break;
        }
        if (end == End::shutdown && commit) {
          CHECK(server.session.pending() != nullptr);  // what is being removed is waited for
          CHECK(server.session.accept(Token<CommitRequest>(token)) == Outcome::applied);
          CHECK(server.say("") == "+OK bye\r\n");
          CHECK(server.harness.events.back() == "Closed quit release=no");
          continue;
        }
        CHECK(server.session.pending() == nullptr);
        if (late) server.say("");
        const std::string before = server.harness.output;
        CHECK(answers_taken(server.session, token) == "");
        server.say("");
        CHECK(server.session.finished());
        CHECK(answers_taken(server.session, token) == "");
        const bool opened = std::string(kind.octets).find("DELE") != std::string::npos && !commit;
        const bool handshake = std::string(kind.kind) == "TlsRequest";
        const std::string reason = end == End::shutdown     ? "shutdown"
                                   : end == End::disconnect ? "disconnected"
                                   : handshake              ? "tls_failed"
                                                            : "answer_timeout";
        CHECK(server.harness.events.back() == "Closed " + reason + " release=" + (opened ? "yes" : "no"));
        // A body is cut short, in a handshake nothing is said in the clear, other commands get their one reply.
        const bool in_body = std::string(kind.kind) == "BodyRequest";
        const std::string said = server.harness.output.substr(late ? 0 : before.size());
        CHECK((said.find("-ERR [SYS/TEMP] ") != std::string::npos) ==
              (end != End::disconnect && !in_body && !handshake));
        CHECK(server.faults() == "");
      }
    }
  }
}

TEST_CASE("F-SHARED F-PE4: sessions with one Config have nothing else in common") {
  const pop3::Config config = plain_config();
  const std::string wanted = served(whole_session);
  Server a, b;
  std::string from_a, from_b;
  for (std::size_t i = 0; i < whole_session.size() + 100; ++i) {
    if (i < whole_session.size()) from_a += a.say(whole_session.substr(i, 1));
    if (i >= 100) from_b += b.say(whole_session.substr(i - 100, 1));
  }
  CHECK(from_a == wanted);
  CHECK(from_b == wanted);
}

// ---- octets out ---------------------------------------------------------------------------------------------------

TEST_CASE("R16: output, gather and copy_output give the same octets, in any portions, held back as long as one likes") {
  const std::string wanted = served(whole_session);
  for (const std::size_t most : {1U, 2U, 10U, 511U, 100'000U}) {
    for (int way = 0; way < 3; ++way) {
      CAPTURE(most);
      CAPTURE(way);
      Server server;
      std::string_view octets = whole_session;
      std::string got;
      for (int turn = 0; turn < 10'000 && !server.session.finished(); ++turn) {
        octets.remove_prefix(server.harness.feed(octets));
        while (const auto event = server.harness.poll()) server.answer(*event);
        if (way == 0) {
          server.harness.take_output(most);
        } else if (way == 1) {
          server.harness.copy_output(most);
        } else {
          const std::string_view out = server.session.output();
          const std::size_t n = std::min(out.size(), most);
          server.harness.output += out.substr(0, n);
          server.session.consume_output(n);
        }
      }
      CHECK(server.harness.output == wanted);
      CHECK(server.session.counters().octets_out == wanted.size());
      CHECK(server.faults() == "");
    }
  }
}

TEST_CASE("a write that failed is consumed with 0, and what it was is still to be sent") {
  Server server;
  server.harness.poll();
  const std::string first(server.session.output());
  server.session.consume_output(0);
  CHECK(std::string(server.session.output()) == first);
  CHECK(server.session.counters().octets_out == 0);
  server.session.consume_output(3);
  CHECK(std::string(server.session.output()) == first.substr(3));
}

TEST_CASE("R16: counters") {
  Server server;
  server.say(whole_session);
  const pop3::Counters& c = server.session.counters();
  CHECK(c.octets_in == whole_session.size());
  CHECK(c.octets_out == server.harness.output.size());
  CHECK(c.commands == 21);
  CHECK(c.bad_commands == 2);
  CHECK(c.failed_logins == 1);
  CHECK(c.retrieved == 2);
  CHECK(c.tops == 1);
  CHECK(c.marked == 1);
  CHECK(c.removed == 1);
}

TEST_CASE("R34 R57 R116: a long listing is written in blocks, as fast as the peer reads") {
  std::vector<Mail> mails;
  std::string list = "+OK scan listing follows\r\n", uidl = "+OK unique-id listing follows\r\n";
  for (int i = 1; i <= 5000; ++i) {
    mails.push_back({std::string(60, 'u') + std::to_string(i), "x\r\n"});
    list += std::to_string(i) + " 3\r\n";
    uidl += std::to_string(i) + ' ' + mails.back().uid + "\r\n";
  }
  Server server(plain_config(), {}, mails);
  server.log_in();
  server.harness.output.clear();
  const auto base = server.session.counters().octets_out;
  std::string got;
  std::size_t queued = 0;
  std::string_view octets = "LIST\r\nUIDL\r\n";
  octets.remove_prefix(server.session.receive(octets));
  for (;;) {
    CHECK_FALSE(server.session.poll(server.harness.now).has_value());
    queued = std::max(queued, tests::queued(server.session));
    const std::string_view out = server.session.output().substr(0, 1000);
    if (out.empty()) break;
    got += out;
    server.session.consume_output(out.size());
  }
  CHECK((got == list + ".\r\n" + uidl + ".\r\n"));
  CHECK(queued <= server.config.limits.output_high + 512);
  CHECK(server.session.counters().octets_out - base == got.size());
}

TEST_CASE("trim at any moment changes nothing") {
  const std::string wanted = served(whole_session);
  Server server;
  std::string_view octets = whole_session;
  while (!server.session.finished()) {
    octets.remove_prefix(server.harness.feed(octets.substr(0, 1)));
    server.session.trim();
    while (const auto event = server.harness.poll()) {
      server.session.trim();
      server.answer(*event);
      server.session.trim();
    }
    server.harness.hold_output();
    server.session.trim();
    server.harness.take_output(3);
    server.session.trim();
    if (octets.empty() && server.session.output().empty()) break;
  }
  server.say("");
  CHECK(server.harness.output == wanted);
  CHECK(server.faults() == "");
}

// ---- time ---------------------------------------------------------------------------------------------------------

TEST_CASE(
    "R17 R19 R20 F-TIMER: who says nothing is logged out after 10 minutes or more, silently, and nothing is removed") {
  struct Case {
    Duration idle;
    bool below_rfc;
    Duration wanted;  // zero = never
  };
  const Case cases[] = {
      {minutes(10), false, minutes(10)},
      {minutes(30), false, minutes(30)},
      {seconds(1), false, minutes(10)},
      {minutes(9), false, minutes(10)},
      {seconds(1), true, seconds(1)},
      {Duration::zero(), false, Duration::zero()},
      {Duration::zero(), true, Duration::zero()},
  };
  for (const Case& c : cases) {
    for (const bool logged_in : {false, true}) {
      CAPTURE(c.idle.count());
      CAPTURE(logged_in);
      pop3::Config config = plain_config();
      config.limits.idle = c.idle;
      config.limits.idle_below_rfc = c.below_rfc;
      config.limits.login = Duration::zero();
      Server server(config);
      server.say(logged_in ? std::string(log_in) + "DELE 1\r\n" : "");
      if (c.wanted == Duration::zero()) {
        CHECK_FALSE(server.session.deadline().has_value());
        CHECK(server.wait(hours(24 * 365)) == "");
        CHECK_FALSE(server.session.finished());
        continue;
      }
      CHECK(server.session.deadline() == server.harness.now + c.wanted);
      CHECK(server.wait(c.wanted - Duration(1)) == "");
      CHECK_FALSE(server.session.finished());
      CHECK(server.wait(Duration(1)) == "");  // without any reply
      CHECK(server.session.finished());
      CHECK(server.harness.events.back() == std::string("Closed idle_timeout release=") + (logged_in ? "yes" : "no"));
      CHECK_FALSE(server.saw("CommitRequest numbers=1"));
      CHECK(server.faults() == "");
    }
  }
}

TEST_CASE("R18 F-TIMER: every command restarts the timer, also one that fails, octets that make no command do not") {
  struct Case {
    const char* octets;
    bool restarts;
  };
  static constexpr Case cases[] = {{"NOOP\r\n", true}, {"XYZ\r\n", true},    {"\r\n", true}, {"RETR 99\r\n", true},
                                   {"CAPA\r\n", true}, {"RETR 1\r\n", true}, {"NOO", false}, {"NOOP\r", false}};
  for (const Case& c : cases) {
    CAPTURE(visible(c.octets));
    Server server;
    server.log_in();
    server.wait(minutes(9));
    const auto before = server.session.deadline();
    server.say(c.octets);
    CHECK((server.session.deadline() != before) == c.restarts);
    server.wait(minutes(1));
    CHECK(server.session.finished() == !c.restarts);
    if (!c.restarts) continue;
    CHECK(server.session.deadline() == server.harness.now + minutes(9));
  }
  // A line that is too long is a command too.
  Server server;
  server.log_in();
  server.wait(minutes(9));
  server.say(std::string(600, 'x') + "\r\n");
  CHECK(server.session.deadline() == server.harness.now + minutes(10));
}

TEST_CASE("R17: time in which the application or the peer's own slowness is waited for is not the peer's silence") {
  Server server;
  server.log_in();
  const auto request = server.ask<RetrieveRequest>("RETR 1\r\n");
  CHECK_FALSE(server.session.deadline().has_value());  // no limit for answers was set
  CHECK(server.wait(hours(5)) == "");
  server.answer(request);
  server.harness.poll();  // BodyDone
  server.harness.poll();
  for (int i = 0; i < 20; ++i) {  // an octet every four minutes
    server.harness.now += minutes(4);
    server.harness.take_output(1);
    server.harness.poll();
    CHECK(server.session.deadline() == server.harness.now + minutes(5));
  }
  CHECK_FALSE(server.session.finished());
  server.say("");
  CHECK(server.session.deadline() == server.harness.now + minutes(10));
}

TEST_CASE("R50 F-DOS: a peer that takes no octet is given up, from the first one that waits on") {
  for (const bool later : {false, true}) {
    Server server;
    if (later) server.log_in();
    server.harness.feed(later ? "DELE 1\r\n" : "");
    server.harness.poll();
    CHECK(server.session.deadline() == server.harness.now + minutes(5));
    server.harness.now += minutes(4);
    server.harness.take_output(1);  // restarts it
    server.harness.poll();
    CHECK(server.session.deadline() == server.harness.now + minutes(5));
    server.harness.now += minutes(5) - Duration(1);
    CHECK_FALSE(server.harness.poll().has_value());
    server.harness.now += Duration(1);
    const auto event = server.harness.poll();
    CHECK(event.has_value());
    CHECK(server.harness.events.back() == std::string("Closed write_stall release=") + (later ? "yes" : "no"));
    CHECK(server.session.output().empty());
    CHECK(server.faults() == "");
  }
  pop3::Config config = plain_config();
  config.limits.write_stall = config.limits.login = Duration::zero();
  Server server(config);
  server.harness.poll();
  CHECK_FALSE(server.session.deadline().has_value());
  server.harness.now += hours(24 * 365);
  CHECK_FALSE(server.harness.poll().has_value());
}

TEST_CASE("a peer that stalls in a lent body: the chunk comes back before the end") {
  Server server(plain_config(), {}, {{"u", std::string(100'000, 'x')}});
  server.log_in();
  server.answer(server.ask<RetrieveRequest>("RETR 1\r\n"));
  server.harness.poll();
  server.harness.take_output(20'000);
  server.harness.poll();
  server.harness.now += minutes(5);
  server.harness.poll();
  CHECK(server.harness.events.back().find("BodyDone number=1 complete=no") == 0);
  server.harness.poll();
  CHECK(server.harness.events.back() == "Closed write_stall release=yes");
  CHECK(server.faults() == "");
}

TEST_CASE("R46 R47: an application that does not answer in time: one [SYS/TEMP], or a body cut short, QUIT too") {
  for (const Open& kind : open_requests) {
    CAPTURE(kind.kind);
    pop3::Config config = full_config();
    config.limits.answer = config.limits.handshake = seconds(30);
    Server server(config, full_connection());
    open(server, kind);
    const std::size_t before = server.harness.output.size();
    server.harness.poll();  // output was sent since
    CHECK(server.session.deadline() == server.harness.now + seconds(30));
    server.wait(seconds(30) - Duration(1));
    CHECK_FALSE(server.session.finished());
    server.wait(Duration(1));
    CHECK(server.session.finished());
    const std::string said = server.harness.output.substr(before);
    const bool handshake = std::string(kind.kind) == "TlsRequest";
    if (handshake || std::string(kind.kind) == "BodyRequest")
      CHECK(said == "");
    else
      CHECK(said == "-ERR [SYS/TEMP] no answer in time\r\n");
    CHECK(server.harness.events.back().find(handshake ? "Closed tls_failed" : "Closed answer_timeout") == 0);
    CHECK(server.session.counters().removed == 0);
  }
}

TEST_CASE("limits at the end of time do not overflow: they never come") {
  pop3::Config config = plain_config();
  config.limits.idle = config.limits.write_stall = config.limits.answer = config.limits.login = Duration::max();
  config.limits.failed_login_delay = Duration::max();
  Server server(config);
  const auto never = [&] {
    const auto deadline = server.session.deadline();
    return !deadline || *deadline == pop3::TimePoint::max();
  };
  server.harness.poll();
  CHECK(never());  // write_stall
  server.say("");
  CHECK(never());  // idle
  server.wait(hours(24 * 365 * 200));
  CHECK(never());
  server.ask<AuthRequest>("USER ann\r\nPASS no\r\n");
  server.harness.poll();  // output was sent since
  CHECK(never());         // answer
  server.answer(*server.session.pending());
  CHECK(server.wait(hours(24)) == "");
  CHECK(never());  // failed_login_delay
  CHECK(server.session.state() == pop3::State::authorization);
  server.harness.shutdown();
  CHECK(is_error(server.say("")));
  CHECK(server.session.finished());
  CHECK(server.faults() == "");
}

TEST_CASE("a time before the last one counts as the last one, and times before the clock's own beginning as that") {
  Server server;
  server.log_in();
  const auto deadline = server.session.deadline();
  CHECK_FALSE(server.session.poll(server.harness.now - hours(1)).has_value());
  CHECK(server.session.deadline() == deadline);
  CHECK_FALSE(server.session.poll(pop3::TimePoint::min()).has_value());
  CHECK(server.session.deadline() == deadline);

  const pop3::Config config = plain_config();
  Session early(config);
  CHECK_FALSE(early.poll(pop3::TimePoint::min()).has_value());
  CHECK(early.deadline() == pop3::TimePoint{} + minutes(5));
  Session late(config);
  CHECK_FALSE(late.poll(pop3::TimePoint::max()).has_value());
  CHECK(late.deadline() == pop3::TimePoint::max());
}

// ---- ends ---------------------------------------------------------------------------------------------------------

TEST_CASE("R19 R49 R50 F-LOCK: every end but QUIT removes nothing, and every end releases what was opened, once") {
  enum class End { end_of_input, disconnect, shutdown, idle, stall };
  for (const End end : {End::end_of_input, End::disconnect, End::shutdown, End::idle, End::stall}) {
    CAPTURE(static_cast<int>(end));
    Server server;
    server.log_in();
    server.say("DELE 1\r\nDELE 2\r\n");
    switch (end) {
      case End::end_of_input: server.harness.end_of_input(); break;
      case End::disconnect: server.harness.disconnect(); break;
      case End::shutdown: server.harness.shutdown(); break;
      case End::idle: server.harness.now += minutes(10); break;
      case End::stall:
        server.harness.feed("NOOP\r\n");
        server.harness.poll();
        server.harness.now += minutes(5);
        break;
    }
    server.say("");
    CHECK(server.session.finished());
    CHECK(server.session.state() == pop3::State::closed);
    CHECK(server.harness.events.back().find("release=yes") != std::string::npos);
    for (const std::string& event : server.harness.events) CHECK(event.find("CommitRequest") == std::string::npos);
    // After the end nothing happens any more, whatever is called.
    server.session.shutdown();
    server.session.disconnect();
    server.session.end_of_input();
    server.session.trim();
    CHECK_FALSE(server.session.poll(server.harness.now + hours(1)).has_value());
    CHECK(server.session.output().empty());
    CHECK_FALSE(server.session.deadline().has_value());
    CHECK(server.session.receive("NOOP\r\n") == 0);
    CHECK(server.faults() == "");
  }
}

TEST_CASE("the first reason to close stays") {
  Server server;
  server.log_in();
  server.harness.shutdown();
  server.harness.shutdown({pop3::Code::sys_perm, "again"});
  server.harness.disconnect();
  server.harness.end_of_input();
  CHECK(server.say("") == "");
  CHECK(server.harness.events.back() == "Closed shutdown release=yes");
}

TEST_CASE("a peer that does not read its last reply does not keep a session for ever") {
  Server server;
  server.log_in();
  server.harness.shutdown();
  CHECK_FALSE(server.harness.poll().has_value());
  CHECK(server.session.deadline() == server.harness.now + minutes(5));
  server.harness.now += minutes(5);
  CHECK(server.harness.poll().has_value());
  CHECK(server.harness.events.back() == "Closed shutdown release=yes");
}

TEST_CASE("shutdown inside a multi-line answer: it ends without its dot, and what is being written is finished") {
  for (const bool writing : {false, true}) {
    for (const bool body : {false, true}) {
      CAPTURE(writing);
      CAPTURE(body);
      std::vector<Mail> mails(2000, Mail{"u", "x"});
      mails[0].octets.assign(100'000, 'x');
      Server server(plain_config(), {}, mails);
      server.log_in();
      const std::size_t before = server.harness.output.size();
      if (body)
        server.answer(server.ask<RetrieveRequest>("RETR 1\r\n"));
      else
        server.harness.feed("LIST\r\n");
      while (server.harness.poll().has_value()) {
      }
      std::size_t handed_out = 0;
      if (writing) {
        server.harness.hold_output();
        handed_out = tests::queued(server.session);
      }
      server.harness.shutdown();
      while (server.harness.poll().has_value()) {
      }
      CHECK_FALSE(server.session.finished());
      server.say("");
      CHECK(server.session.finished());
      const std::string said = server.harness.output.substr(before);
      // Text leaves in any case, and with it the replies to commands before. What was lent leaves if a write of it may
      // be under way.
      if (body)
        CHECK(said.size() == (writing ? handed_out : std::string_view("+OK 100000 octets\r\n").size()));
      else
        CHECK(said.size() >= 4096);
      CHECK(said.find("\r\n.\r\n") == std::string::npos);
      CHECK(said.find("-ERR") == std::string::npos);
      CHECK(server.saw("BodyDone number=1 complete=no") == body);
      CHECK(server.harness.events.back() == "Closed shutdown release=yes");
      CHECK(server.faults() == "");
    }
  }
}

TEST_CASE("R65: shutdown while the reply to a failed login is held back: one -ERR, at once") {
  pop3::Config config = plain_config();
  config.limits.failed_login_delay = seconds(2);
  Server server(config);
  server.say("USER ann\r\nPASS no\r\nNOOP\r\n");
  server.harness.shutdown();
  const std::string said = server.say("");
  CHECK(said == "-ERR [SYS/TEMP] server is shutting down\r\n");
  CHECK(server.session.finished());
}

TEST_CASE("deadline() is due while something has happened that poll() does not know of") {
  Server server;
  server.log_in();
  const auto idle = server.session.deadline();
  REQUIRE(idle.has_value());
  CHECK(server.session.receive("NO") == 2);
  CHECK(server.session.deadline() == server.harness.now);
  CHECK_FALSE(server.harness.poll());
  CHECK(server.session.deadline() == idle);
  server.session.commit_input(0);  // a read that was given up is nothing
  CHECK(server.session.deadline() == idle);
  server.session.end_of_input();
  CHECK(server.session.deadline() == server.harness.now);
}

TEST_CASE("deadline() is due after every call that poll() has to know of, and not after those that change nothing") {
  struct Call {
    const char* what;
    bool due;
    void (*make)(Server&);
  };
  static constexpr Call calls[] = {
      {"nothing", false, [](Server&) {}},
      {"answer", true, [](Server& s) { s.answer(*s.session.pending()); }},
      {"a wrong answer", false, [](Server& s) { s.session.refuse(Token<BodyRequest>(1)); }},
      {"input", true, [](Server& s) { s.harness.feed("N"); }},
      {"no input", false, [](Server& s) { s.session.commit_input(0); }},
      {"output", true, [](Server& s) { s.session.consume_output(s.session.output().size()); }},
      {"no output", false, [](Server& s) { s.session.consume_output(0); }},
      {"a copy of output", true, [](Server& s) { s.harness.copy_output(1); }},
      {"no copy of output", false, [](Server& s) { s.harness.copy_output(0); }},
      {"a look", false, [](Server& s) { s.harness.hold_output(), s.session.input_buffer(), s.session.trim(); }},
      {"end of input", true, [](Server& s) { s.harness.end_of_input(); }},
      {"shutdown", true, [](Server& s) { s.harness.shutdown(); }},
      {"disconnect", true, [](Server& s) { s.harness.disconnect(); }},
  };
  for (const Call& call : calls) {
    CAPTURE(call.what);
    Server server;
    server.log_in();
    server.harness.feed("NOOP\r\nRETR 1\r\n");
    CHECK(server.harness.poll().has_value());
    CHECK_FALSE(server.harness.poll().has_value());
    CHECK(server.session.deadline() > server.harness.now);
    call.make(server);
    CHECK((server.session.deadline() == server.harness.now) == call.due);
    while (const auto event = server.harness.poll()) server.answer(*event);
    CHECK(server.session.deadline() != server.harness.now);
  }
}

TEST_CASE("message() tells what was listed") {
  Server server(plain_config(), {}, {{"first", "x\r\n"}, {"second", "yy\n"}});
  CHECK(server.session.message(1).size == 0);
  server.log_in();
  CHECK(server.session.message(2).size == 4);
  CHECK(server.session.message(2).uid == "second");
  CHECK(server.session.message(0).uid.empty());
  CHECK(server.session.message(3).uid.empty());
}

TEST_CASE("looking is not sending: a shutdown takes a lent chunk back unless it was handed out") {
  enum class Look { none, wants, output, gather };
  for (const Look look : {Look::none, Look::wants, Look::output, Look::gather}) {
    CAPTURE(static_cast<int>(look));
    Server server(plain_config(), {}, {{"u", std::string(20'000, 'x') + "\r\n"}});
    CHECK_FALSE(server.session.wants_output());
    server.log_in();
    CHECK_FALSE(server.session.wants_output());
    server.answer(server.ask<RetrieveRequest>("RETR 1\r\n"));
    CHECK_FALSE(server.harness.poll());
    server.session.consume_output(server.session.output().size());  // the status line: only what was lent is left
    CHECK_FALSE(server.harness.poll());
    CHECK(server.session.wants_output());
    pop3::ConstBuffer runs[4];
    if (look == Look::output) CHECK(server.session.output().size() > 20'000);
    if (look == Look::gather) CHECK(server.session.gather(runs, 4) == 2);
    server.session.shutdown();
    const bool handed_out = look == Look::output || look == Look::gather;
    CHECK(server.session.poll(server.harness.now).has_value() != handed_out);  // BodyDone
    CHECK(server.session.wants_output() == handed_out);
    if (handed_out) {
      server.session.consume_output(look == Look::output ? 1 : 0);  // that write is over, no other begins
      CHECK(server.session.deadline() == server.harness.now);
      CHECK(server.session.poll(server.harness.now).has_value());
      CHECK_FALSE(server.session.wants_output());
    }
    const auto closed = server.session.poll(server.harness.now);
    CHECK((closed && std::holds_alternative<pop3::Closed>(*closed)));
  }
}

TEST_CASE("what may be a secret is wiped from the input, also when PASS is mistyped or its line too long") {
  const pop3::Config config = plain_config();
  for (const std::string& line : {std::string("PASS\tsecret\r\n"), std::string("PASX secret\r\n"),
                                  "PASS secret" + std::string(700, 'x') + "\r\n"}) {
    Server server(config);
    server.say("");
    const auto room = server.session.input_buffer();
    REQUIRE(room.size >= line.size());
    line.copy(room.data, line.size());
    server.session.commit_input(line.size());
    while (server.session.poll(server.harness.now)) {
    }
    CHECK(std::string_view(room.data, room.size).find("secret") == std::string_view::npos);
  }
}

// ---- trim() at any moment -------------------------------------------------------------------------------------------

namespace {

// The next event, which has to be of that kind.
template <class Kind>
Kind next(Session& session) {
  const auto event = session.poll({});
  REQUIRE(event.has_value());
  REQUIRE(std::holds_alternative<Kind>(*event));
  return std::get<Kind>(*event);
}
void say(Session& session, std::string_view line) {
  CHECK(session.receive(line) == line.size());
  session.consume_output(session.output().size());
}

}  // namespace

TEST_CASE("trim() keeps a LoginFailed that is to be told, and the user that it shows") {
  pop3::Config config;
  config.login_needs_tls = false;
  config.login_delay = 600;
  Session session(config);
  say(session, "USER ann\r\nPASS pw\r\n");
  session.accept(next<AuthRequest>(session).token);
  pop3::Account account;
  account.last_login = pop3::TimePoint{};
  CHECK(session.accept(next<ListRequest>(session).token, {}, account) == pop3::Outcome::invalid);
  session.trim();
  const auto failed = next<pop3::LoginFailed>(session);
  session.trim();
  CHECK(failed.user == "ann");
  CHECK_FALSE(session.poll({}).has_value());
}

TEST_CASE("R252: trim() before AUTH forgets no channel binding; a login does, and leaves what logs need where it is") {
  pop3::Config config;
  config.mechanisms = {"SCRAM-SHA-256-PLUS"};
  pop3::Connection connection;
  connection.encrypted = true;
  connection.nonce = "0123456789abcdef";
  connection.tls.exporter = "12345678901234567890123456789012";
  SUBCASE("a binding alone") {}
  SUBCASE("with a version") { connection.tls.version = "TLSv1.3, and so many octets that no string keeps them inside"; }
  Session session(config, connection);
  CHECK_FALSE(session.poll({}).has_value());
  session.trim();
  const pop3::TlsFacts facts = session.tls();
  CHECK(facts.exporter == connection.tls.exporter);
  say(session, "USER ann\r\nPASS pw\r\n");
  session.accept(next<AuthRequest>(session).token);
  REQUIRE(session.accept(next<ListRequest>(session).token, {}) == pop3::Outcome::applied);
  CHECK(session.tls().exporter.empty());
  CHECK(session.tls().version == connection.tls.version);
  CHECK(facts.version == connection.tls.version);
}

TEST_CASE("octets that were promised count once they are sent") {
  for (const std::size_t sent : {std::size_t{0}, std::size_t{10}}) {
    pop3::Config config;
    config.login_needs_tls = false;
    Session session(config);
    say(session, "USER ann\r\nPASS pw\r\nRETR 1\r\n");
    session.accept(next<AuthRequest>(session).token);
    const pop3::MessageInfo list[] = {{1000, "a"}};
    REQUIRE(session.accept(next<ListRequest>(session).token, list) == pop3::Outcome::applied);
    session.promise_body(next<RetrieveRequest>(session).token, 1000);
    CHECK_FALSE(session.poll({}).has_value());
    session.consume_output(session.output().size());
    if (sent > 0) {
      CHECK(session.promised_output() == 1000);
      session.consume_output(sent);
    }
    session.shutdown();
    const auto done = next<pop3::BodyDone>(session);
    CAPTURE(sent);
    CHECK_FALSE(done.complete);
    CHECK(done.octets == sent);
    CHECK(session.counters().body_octets == sent);
    CHECK(next<pop3::Closed>(session).release);
  }
}

TEST_CASE("receive() takes what there is room for, and no more") {
  Server server;
  server.say("");
  const std::string noops(10'000, ' ');
  const std::size_t taken = server.session.receive(noops);
  CHECK(taken == server.config.limits.input_buffer);
  CHECK(server.session.receive(noops) == 0);
  CHECK(server.session.counters().octets_in == taken);
}

TEST_CASE("a session that is over tells nothing more in its trace") {
  pop3::Config config = plain_config();
  config.trace = true;
  Server server(config);
  server.command("NOOP");
  server.session.trim();
  CHECK(server.session.take_trace().find("C: NOOP") != std::string::npos);  // what nobody has fetched stays
  server.command("QUIT");
  CHECK(server.session.finished());
  server.session.take_trace();
  server.session.disconnect();
  CHECK(server.session.take_trace().empty());
}

TEST_CASE("trim while a failed login is still to be told keeps its user") {
  pop3::Config config = plain_config();
  config.login_needs_tls = true;
  config.mechanisms.clear();
  Server server(config);
  server.say("");
  server.harness.feed("USER ann\r\nPASS pw\r\n");
  server.session.trim();
  const auto failed = server.harness.poll();
  REQUIRE(failed.has_value());
  server.session.trim();
  CHECK(server.harness.events.back().find("LoginFailed fault=not_encrypted") == 0);
  CHECK(is_error(server.say("")));
}

TEST_CASE("R190: AUTH may have lines as long as other commands, if those may be longer") {
  pop3::Config config = plain_config();
  config.limits.sasl_line = 300;
  config.limits.command_line = 600;
  config.limits.input_buffer = 600;
  Server server(config);
  const std::string password(250, 'p');
  server.command("AUTH PLAIN " + std::string(400, 'A'));
  CHECK(server.session.counters().bad_commands + server.session.counters().failed_logins <= 1);
  CHECK(server.harness.output.find("too long") == std::string::npos);
  server.command(std::string(700, 'A'));
  CHECK(server.harness.output.find("too long") != std::string::npos);
}

TEST_CASE("trim gives back what a command of the application's own has needed, and changes nothing else") {
  pop3::Config config = plain_config();
  pop3::CommandSpec spec;
  spec.verb = "XYZ";
  spec.most_words = 1;
  config.commands.push_back(spec);
  Server server(config);
  server.log_in();
  for (int i = 0; i < 2; ++i) {
    CHECK(is_error(server.command("XYZ word")));  // it takes its usual course, which is to be unknown
    server.session.trim();
    CHECK(server.session.counters().broken == pop3::Counters().broken);
    CHECK(is_ok(server.command("STAT")));
  }
  CHECK(server.faults() == "");
}

TEST_CASE("F-LOG: what a request has shown is wiped when the session closes, and may still be looked at") {
  pop3::Config config = plain_config();
  pop3::CommandSpec spec;
  spec.verb = "XYZ";
  spec.in_authorization = true;
  spec.most_words = 1;
  config.commands.push_back(spec);
  Server server(config);
  const auto request = server.ask<pop3::CommandRequest>("XYZ secret\r\n");
  CHECK(request.argument == "secret");
  server.session.disconnect();
  CHECK(request.argument == std::string(6, '\0'));
}

TEST_CASE("tokens are numbered from 1, with the session's id in front; each way to log in gets a new one") {
  Server server(plain_config(), with_apop(7));
  const std::uint64_t base = std::uint64_t{7} << 32;
  const auto first = server.ask<AuthRequest>("AUTH PLAIN AGFubgBubw==\r\n");
  CHECK(first.token.value() == base + 1);
  server.answer(first);
  const auto second = server.ask<AuthRequest>("AUTH PLAIN AGFubgBwdw==\r\n");
  CHECK(second.token.value() == base + 2);
  CHECK(server.session.accept(first.token) == Outcome::stale);
  server.answer(second);
  CHECK(server.next<ListRequest>().token.value() == base + 3);
}

TEST_CASE("R20 F-TIMER: the time for the login is a deadline of its own, also while an answer is awaited") {
  pop3::Config config = plain_config();
  config.limits.login = seconds(60);
  Server server(config);
  server.say("");
  const auto end = server.harness.now + seconds(60);
  CHECK(server.session.deadline() == end);
  server.harness.now += seconds(10);
  server.ask<AuthRequest>(log_in);
  CHECK_FALSE(server.harness.poll());
  CHECK(server.session.deadline() == end);
}

TEST_CASE("R50 F-TIMER: the peer has its full time to take what comes when it has read everything") {
  for (const std::size_t size : {std::size_t{100}, std::size_t{40'000}}) {  // copied, and lent
    CAPTURE(size);
    Server server;
    server.log_in();
    server.harness.accept(server.ask<RetrieveRequest>("RETR 1\r\n"));
    const auto request = server.ask<BodyRequest>();
    CHECK_FALSE(server.harness.poll());
    server.harness.now += minutes(4);
    CHECK_FALSE(server.harness.poll());
    server.harness.lend(request, std::string(size, 'x') + "\r\n", Chunk::more);
    server.harness.poll();
    CHECK(server.session.wants_output());
    CHECK(server.session.deadline() == server.harness.now + minutes(5));
  }
}

TEST_CASE("F-DOS: replies of exactly Limits::output_high octets hold nothing up, one octet more does") {
  const std::string_view greeting = "+OK POP3 server ready\r\n";
  for (const std::size_t less : {std::size_t{0}, std::size_t{1}}) {
    CAPTURE(less);
    pop3::Config config = plain_config();
    config.limits.output_high = greeting.size() - less;
    {
      Server server(config);
      server.harness.feed("QUIT\r\n");
      server.harness.poll();
      CHECK((tests::queued(server.session) > greeting.size()) == (less == 0));
    }
    config.texts[pop3::Text::listing] = "POP3 server ready";
    config.texts[pop3::Text::octets] = "POP3 server ready";
    {
      Server server(config);
      server.log_in();
      server.harness.feed("LIST\r\n");
      server.harness.poll();
      CHECK((tests::queued(server.session) > greeting.size()) == (less == 0));
    }
    {
      Server server(config);
      server.log_in();
      server.harness.accept(server.ask<RetrieveRequest>("RETR 1\r\n"));
      const auto event = server.harness.poll();
      CHECK(tests::queued(server.session) == greeting.size());
      CHECK((event && std::holds_alternative<BodyRequest>(*event)) == (less == 0));
    }
  }
}

TEST_CASE("deadline() is not due after a write that took nothing of a lent body") {
  Server server(plain_config(), {}, {{"u", std::string(20'000, 'x') + "\r\n"}});
  server.log_in();
  server.answer(server.ask<RetrieveRequest>("RETR 1\r\n"));
  CHECK_FALSE(server.harness.poll());
  server.session.consume_output(0);
  CHECK(server.session.deadline() == server.harness.now + minutes(5));
}

TEST_CASE("F-LOG: a line that the application is asked about is wiped from the input, whatever it means") {
  pop3::Config config = plain_config();
  config.commands.push_back({"*"});
  Server server(config);
  server.log_in();
  const std::string line = "PASX secret\r\n";
  const auto room = server.session.input_buffer();
  REQUIRE(room.size >= line.size());
  line.copy(room.data, line.size());
  server.session.commit_input(line.size());
  server.next<pop3::CommandRequest>();
  CHECK(std::string_view(room.data, room.size).find("secret") == std::string_view::npos);
}

TEST_CASE("F-LOG: what a request has shown is wiped with its answer, and trim() leaves it there once all is over") {
  enum class Way { accept, refuse, lend, trim };
  for (const Way way : {Way::accept, Way::refuse, Way::lend, Way::trim}) {
    CAPTURE(static_cast<int>(way));
    pop3::Config config = plain_config();
    config.commands.push_back({"XYZ", false, true, 0, 1});
    Server server(config);
    server.log_in();
    const auto request = server.ask<pop3::CommandRequest>("XYZ secret-that-is-not-so-short\r\n");
    const std::size_t size = request.argument.size();
    CHECK(size == 27);
    switch (way) {
      case Way::accept: server.session.accept(request.token, ""); break;
      case Way::refuse: server.session.refuse(request.token); break;
      case Way::lend: server.session.lend_body(request.token, "", Chunk::last); break;
      case Way::trim:
        server.session.disconnect();
        server.session.trim();
        break;
    }
    CHECK(request.argument == std::string(size, '\0'));
    CHECK(server.session.counters().by_verb[static_cast<std::size_t>(pop3::Verb::other)] == 1);
  }
}

TEST_CASE("R94: what is pipelined behind a listing, or behind a reply that was held, is served by the same poll()") {
  Server server;
  server.log_in();
  server.harness.feed("LIST\r\nDELE 9\r\n");
  CHECK_FALSE(server.harness.poll());
  CHECK(server.session.output().find("\r\n.\r\n-ERR") != std::string_view::npos);

  Server other;
  other.harness.refuse(other.ask<AuthRequest>("USER ann\r\nPASS no\r\nUSER bob\r\n"));
  CHECK_FALSE(other.harness.poll());
  CHECK(other.session.output().find("\r\n+OK send PASS") != std::string_view::npos);

  pop3::Config config = plain_config();
  config.mechanisms = {"XOAUTH2"};
  Server third(config);
  third.harness.refuse(third.ask<AuthRequest>("AUTH XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgdAEB\r\n\r\n"));
  CHECK_FALSE(third.harness.poll());
  CHECK(third.session.output().substr(0, 2) == "+ ");
  CHECK(third.session.output().find("\r\n-ERR") != std::string_view::npos);
}

TEST_CASE("R251 R252: without a nonce, an identity or a binding there is no mechanism that needs it") {
  for (const char* name : {"CRAM-MD5", "EXTERNAL", "SCRAM-SHA-256-PLUS"}) {
    for (const bool encrypted : {false, true}) {
      CAPTURE(name);
      CAPTURE(encrypted);
      pop3::Config config = plain_config();
      config.mechanisms = {name};
      pop3::Connection connection;
      connection.encrypted = encrypted;
      const std::string nonce = "0123456789abcdef";
      if (std::string(name) != "CRAM-MD5") connection.nonce = nonce;
      Server server(config, connection);
      server.say("");
      CHECK(server.command("CAPA").find(name) == std::string::npos);
      CHECK(is_error(server.command(std::string("AUTH ") + name)));
    }
  }
}
