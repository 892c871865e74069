// SPDX-License-Identifier: MIT
// STLS against injected commands; facts, languages and capabilities of a session.
#include <pop3/session.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "sasl_client.hpp"
#include "server.hpp"

namespace {

using pop3::Outcome;
using pop3::Session;
using pop3::TlsRequest;
using tests::Server;

pop3::Config stls_config() {
  pop3::Config config = tests::plain_config();
  config.offer_stls = true;
  return config;
}

// ---- what comes in the clear behind STLS (CVE-2011-0411 and its kind)
// -------------------------------------------------

// How an attacker's octets reach the session.
enum class Way {
  same_segment,      // right behind STLS
  next_segment,      // on their own, before the session has looked at STLS
  read_before,       // into room that was handed out before STLS was looked at; read before the handshake is over
  read_after,        // the same; read, but told to the session only after the handshake
  room_asked_again,  // the same, and the driver has asked for the room again in between
  read_given_up,     // the same, but nothing came
};
constexpr Way ways[] = {Way::same_segment, Way::next_segment,     Way::read_before,
                        Way::read_after,   Way::room_asked_again, Way::read_given_up};

// Looks at a session with its own eyes: what it was asked, and what it said.
struct Wire {
  explicit Wire(const pop3::Config& config) : session(config) {}

  // Everything is served; nothing is answered.
  std::string serve() {
    std::string said;
    for (bool more = true; more;) {
      more = false;
      while (const auto event = session.poll(now)) {
        if (const auto* const request = std::get_if<TlsRequest>(&*event)) {
          tls = *request;
        } else {
          ++other_events;
        }
        more = true;
      }
      const std::string_view out = session.output();
      said += out;
      more = more || !out.empty();
      session.consume_output(out.size());
    }
    return said;
  }
  std::string say(std::string_view octets) {
    CHECK(session.receive(octets) == octets.size());
    return serve();
  }
  static void put(pop3::MutableBuffer room, std::string_view octets) {
    REQUIRE(room.size >= octets.size());
    std::memcpy(room.data, octets.data(), octets.size());
  }

  Session session;
  pop3::TimePoint now{std::chrono::hours(1)};
  std::optional<TlsRequest> tls;
  int other_events = 0;
};

// Says STLS, and `injected` behind it; up to the end of the handshake.
void inject(Wire& wire, Way way, std::string_view injected) {
  const std::string stls = "STLS\r\n";
  CHECK(wire.serve() == "+OK POP3 server ready\r\n");
  const bool asynchronous = way != Way::same_segment && way != Way::next_segment;
  pop3::MutableBuffer room{};
  if (way == Way::same_segment) {
    CHECK(wire.session.receive(stls + std::string(injected)) == stls.size() + injected.size());
  } else {
    CHECK(wire.session.receive(stls) == stls.size());
    if (way == Way::next_segment) CHECK(wire.session.receive(injected) == injected.size());
    if (asynchronous) room = wire.session.input_buffer();
  }
  CHECK(wire.serve() == "+OK begin TLS\r\n");
  REQUIRE(wire.tls);
  CHECK(wire.session.input_buffer().size == 0);
  if (way == Way::read_before) {
    Wire::put(room, injected);
    wire.session.commit_input(injected.size());
    CHECK(wire.serve() == "");
  }
  // For the TLS layer: it will find that this is no handshake.
  CHECK(wire.session.unread_input() == (!asynchronous || way == Way::read_before ? injected : ""));
  CHECK(wire.session.accept(wire.tls->token) == Outcome::applied);
  CHECK(wire.session.unread_input() == "");
  if (way == Way::room_asked_again) CHECK(wire.session.input_buffer().data == room.data);
  if (way == Way::read_after || way == Way::room_asked_again) {
    CHECK(wire.serve() == "");
    Wire::put(room, injected);
    wire.session.commit_input(injected.size());
  }
  if (way == Way::read_given_up) wire.session.commit_input(0);
}

TEST_CASE("STLS R142 R198: nothing that came in the clear behind STLS is ever a command, however it was cut and read") {
  const std::vector<std::string> lines = {
      "USER eve\r\n",
      "PASS pw\r\n",
      "AUTH PLAIN " + tests::to_base64(tests::plain_message("", "eve", "pw")) + "\r\n",
      "CAPA\r\n",
      "QUIT\r\n",
      "STLS\r\n",
      "USER eve\r\nPASS pw\r\nSTAT\r\nQUIT\r\n",
      std::string("\x16\x03\x01\x02\x00\x01", 6),  // a client that does not wait for the +OK
  };
  const pop3::Config config = stls_config();
  std::size_t played = 0;
  for (const std::string& line : lines) {
    // The whole of it, half of it, one octet, and all but the last.
    for (const std::size_t size : {line.size(), line.size() / 2, std::size_t{1}, line.size() - 1}) {
      for (const Way way : ways) {
        CAPTURE(line);
        CAPTURE(size);
        CAPTURE(static_cast<int>(way));
        const std::string_view injected = std::string_view(line).substr(0, size);
        Wire wire(config);
        inject(wire, way, injected);
        CHECK(wire.serve() == "");
        CHECK(wire.other_events == 0);
        CHECK(wire.session.state() == pop3::State::authorization);
        CHECK(wire.session.encrypted());
        const pop3::Counters& counters = wire.session.counters();
        CHECK(counters.octets_before_tls == (way == Way::read_given_up ? 0 : size));
        CHECK(counters.commands == 1);
        CHECK(std::accumulate(counters.by_verb.begin(), counters.by_verb.end(), 0U) == 1);
        CHECK(counters.by_verb[static_cast<std::size_t>(pop3::Verb::stls)] == 1);
        CHECK(counters.bad_commands == 0);
        // The end of a command that was cut is a line of its own now.
        std::string rest = line.substr(size);
        if (line.back() != '\n') rest.clear();
        if (rest == "\n") {
          CHECK(wire.say("\nCAPA\r\n").substr(0, 4) == "-ERR");
        } else if (!rest.empty()) {
          CHECK(wire.say(rest).substr(0, 4) == "-ERR");
          if (rest.find('\n') + 1 >= rest.size()) CHECK(wire.other_events == 0);
        }
        if (!wire.session.finished() && wire.session.state() == pop3::State::authorization) {
          CHECK(wire.say("PASS pw\r\n") == "-ERR send USER first\r\n");
          CHECK(wire.say("CAPA\r\n").substr(0, 3) == "+OK");
        }
        ++played;
      }
    }
  }
  CHECK(played == lines.size() * 4 * 6);
}

TEST_CASE("STLS R142: what was said in the clear before STLS is not completed behind it") {
  const pop3::Config config = stls_config();
  Wire wire(config);
  CHECK(wire.say("USER eve\r\n") == "+OK POP3 server ready\r\n+OK send PASS\r\n");
  CHECK(wire.say("STLS\r\n") == "+OK begin TLS\r\n");
  REQUIRE(wire.tls);
  CHECK(wire.session.accept(wire.tls->token) == Outcome::applied);
  CHECK(wire.say("PASS pw\r\n") == "-ERR send USER first\r\n");
  CHECK(wire.other_events == 0);
}

TEST_CASE("STLS R141: TlsRequest comes when the last octet of +OK was taken, and no sooner") {
  const pop3::Config config = stls_config();
  Wire wire(config);
  wire.serve();
  CHECK(wire.session.receive("STLS\r\n") == 6);
  for (std::size_t left = std::strlen("+OK begin TLS\r\n"); left > 0; --left) {
    CHECK_FALSE(wire.session.poll(wire.now).has_value());
    CHECK_FALSE(wire.session.wants_input());
    CHECK(wire.session.unread_input() == "");
    REQUIRE(wire.session.output().size() == left);
    wire.session.consume_output(1);
  }
  const auto event = wire.session.poll(wire.now);
  REQUIRE(event.has_value());
  CHECK(std::holds_alternative<TlsRequest>(*event));
}

TEST_CASE("STLS R155: a token of a handshake is good once") {
  const pop3::Config config = stls_config();
  Wire wire(config);
  wire.say("STLS\r\n");
  REQUIRE(wire.tls);
  CHECK(wire.session.accept(wire.tls->token) == Outcome::applied);
  CHECK(wire.session.accept(wire.tls->token) == Outcome::stale);
  CHECK(wire.session.refuse(wire.tls->token) == Outcome::stale);
  CHECK(wire.session.state() == pop3::State::authorization);
}

TEST_CASE("R248: the facts of TLS are kept for logs, channel bindings are not needed after login") {
  pop3::TlsFacts facts;
  facts.version = "TLSv1.3";
  facts.cipher = "TLS_AES_128_GCM_SHA256";
  facts.server_name = "mail.example.org";
  facts.protocol = "pop3";
  facts.identity = "ann";
  facts.exporter = "channel";
  Server server(stls_config());
  server.tls = facts;
  server.command("STLS");
  for (const bool logged_in : {false, true}) {
    if (logged_in) CHECK(tests::is_ok(server.log_in()));
    const pop3::TlsFacts kept = server.session.tls();
    CHECK(kept.version == "TLSv1.3");
    CHECK(kept.cipher == "TLS_AES_128_GCM_SHA256");
    CHECK(kept.server_name == "mail.example.org");
    CHECK(kept.protocol == "pop3");
    CHECK(kept.identity == "ann");
    CHECK(kept.exporter == (logged_in ? "" : "channel"));
  }
  CHECK(server.faults() == "");
}

// ---- UTF8 and LANG ------------------------------------------------------------------------------------------------

TEST_CASE("R204 R225 R198: what the client chose can be read, and is forgotten by STLS") {
  pop3::Config config = stls_config();
  config.utf8 = pop3::Utf8::on;
  config.languages = {{"de", "Deutsch"}};
  Server server(config);
  CHECK(server.session.language() == "");
  CHECK_FALSE(server.session.utf8());
  server.command("LANG DE");
  CHECK(server.session.language() == "de");
  server.command("STLS");
  CHECK(server.session.language() == "");
  CHECK_FALSE(server.session.utf8());
  server.command("UTF8");
  CHECK(server.session.utf8());
  CHECK(server.faults() == "");
}

// ---- capabilities and verbs of the application's own ----------------------------------------------------------------

TEST_CASE(
    "R95 R97: what is announced for a session has to keep the grammar, and to leave alone what the session knows") {
  Server server;
  for (const char* const line : {"", "X.Y", "X  y", "X ", " X", "X\n", "TOP", "top", "SASL PLAIN", "STLS", "UTF8 USER",
                                 "LANG", "USER", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE"})
    CHECK_FALSE(server.session.announce(line));
  CHECK_FALSE(server.session.announce("X" + std::string(510, 'x')));
  CHECK(server.session.announce("X" + std::string(509, 'x')));
  CHECK(server.session.announce("EXPIRE 3"));
  CHECK(server.command("CAPA").find("\r\nEXPIRE 3\r\n") != std::string::npos);
  CHECK(server.session.announce("EXPIRE 4"));
  CHECK(server.command("CAPA").find("\r\nEXPIRE 4\r\n") != std::string::npos);
  server.session.conceal("expire");
  server.session.conceal("EXPIRE");
  CHECK(server.command("CAPA").find("EXPIRE") == std::string::npos);
}

TEST_CASE("R16: every answer to a verb of the application's own is good once") {
  pop3::Config config = tests::plain_config();
  config.commands = {{"XA", true, true, 0, 1}, {"XAA", true, true, 0, 1}};
  Server server(config);
  CHECK(server.command("XA") == "+OK POP3 server ready\r\n-ERR unknown command\r\n");  // two letters are no verb
  const auto request = server.ask<pop3::CommandRequest>("XAA one\r\n");
  CHECK(request.argument == "one");
  CHECK(server.harness.accept(request, std::string_view("done")) == Outcome::applied);
  CHECK(server.harness.accept(request, std::string_view("done")) == Outcome::stale);
  CHECK(server.harness.proceed(request) == Outcome::stale);
  CHECK(server.harness.refuse(request) == Outcome::stale);
  CHECK(server.session.send_body(request.token, "x", pop3::Chunk::last) == Outcome::stale);
  CHECK(server.say("") == "+OK done\r\n");
  CHECK(server.faults() == "");
}

}  // namespace
