// SPDX-License-Identifier: MIT
// The trace of a session.
#include <pop3/session.hpp>

#include <doctest/doctest.h>

#include <string>

#include "scram.hpp"  // encoded()
#include "server.hpp"

namespace {

using tests::encoded;
using tests::plain_config;
using tests::Server;

pop3::Config traced() {
  pop3::Config config = plain_config();
  config.trace = true;
  config.mechanisms = {"PLAIN", "CRAM-MD5"};
  return config;
}

}  // namespace

TEST_CASE("F-LOG: the trace is a dialogue: what was said, asked and answered, without secrets and messages") {
  Server server(traced());
  server.say("USER ann\r\nPASS no#secret\r\n");
  server.harness.refuse(
      server.ask<pop3::AuthRequest>("AUTH PLAIN " + encoded(std::string("\0ann\0#secret", 12)) + "\r\n"),
      {pop3::Code::in_use, "later"});
  server.say("#secret\r\nUSER ann\r\nPASS pw\r\nRETR 1\r\n");
  CHECK(server.session.take_trace() ==
        "S: +OK POP3 server ready\nC: USER ann\nS: +OK send PASS\nC: PASS ***\n"
        "event: AuthRequest user=\"ann\" method=USER\nanswer: refuse\nS: -ERR [AUTH] authentication failed\n"
        "C: AUTH PLAIN ***\nevent: AuthRequest user=\"ann\" method=PLAIN\nanswer: refuse IN-USE \"later\"\n"
        "S: -ERR [IN-USE] later\nC: ***\nS: -ERR unknown command\nC: USER ann\nS: +OK send PASS\nC: PASS ***\n"
        "event: AuthRequest user=\"ann\" method=USER\nanswer: accept\nevent: ListRequest user=\"ann\"\n"
        "answer: accept uid-1:31 uid-2:22\nS: +OK maildrop has 2 messages (53 octets)\nC: RETR 1\n"
        "event: RetrieveRequest number=1\nanswer: body 31 last\nS: +OK 31 octets\nS* 31\n"
        "event: BodyDone number=1 complete=yes\n");
  CHECK(server.session.take_trace() == "");
  server.say("QUIT\r\n");
  CHECK(server.session.take_trace() ==
        "C: QUIT\nevent: CommitRequest numbers=\nanswer: accept 0\nS: +OK bye\nevent: Closed quit release=no\n");
}

TEST_CASE("F-LOG: challenges and responses are never in the trace, nor lines that are too long") {
  pop3::Connection connection;
  connection.nonce = "0123456789abcdef";
  Server server(traced(), connection);
  server.say("AUTH CRAM-MD5\r\nsecret\r\n" + std::string(700, '#') + "\r\nAUTH secret\r\n\x01\\\r\n");
  const std::string trace = server.session.take_trace();
  CAPTURE(trace);
  CHECK(trace.find("\nC: AUTH CRAM-MD5\nS: + ***\nC: ***\nS: -ERR malformed response\n") != trace.npos);
  CHECK(trace.find("secret") == trace.npos);
  CHECK(trace.find('#') == trace.npos);
  for (const char c : trace) CHECK((c == '\n' || (c >= ' ' && c <= '~')));
}

TEST_CASE("F-DOS: a trace that nobody takes is bounded, and says how much is missing") {
  pop3::Config config = traced();
  config.limits.trace = 200;
  Server server(config);
  server.log_in();
  for (int i = 0; i < 100; ++i) server.command("NOOP");
  const std::string trace = server.session.take_trace();
  CHECK(trace.size() < 260);
  CHECK(trace.find("# lines left out: ") != trace.npos);
  server.command("NOOP");
  CHECK(server.session.take_trace() == "C: NOOP\nS: +OK\n");
}

TEST_CASE("without a trace there is none") {
  Server server;
  server.log_in();
  CHECK(server.session.take_trace() == "");
  Server traces(traced()), plain;
  CHECK(traces.say("CAPA\r\nUSER ann\r\nPASS pw\r\nRETR 1\r\n") ==
        plain.say("CAPA\r\nUSER ann\r\nPASS pw\r\nRETR 1\r\n"));  // and it changes nothing
}

TEST_CASE("F-DOS: a trace holds fewer octets than its limit, and tells of a single line that is missing") {
  pop3::Config config = traced();
  const auto trace = [&] {
    Server server(config);
    server.command("NOOP");
    return server.session.take_trace();
  };
  const std::string whole = trace();
  const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
  config.limits.trace = whole.size();
  CHECK(trace() == whole);
  config.limits.trace = whole.size() - 1;  // there is no room for the last line's end
  CHECK(trace() == whole.substr(0, last) + "# lines left out: 1\n");
}

TEST_CASE("take_trace() tells of replies that no poll() has seen yet") {
  Server server(traced());
  const auto request = server.ask<pop3::CommitRequest>("USER ann\r\nPASS pw\r\nQUIT\r\n");
  server.session.take_trace();
  server.session.accept(request.token);
  CHECK(server.session.take_trace() == "answer: accept 0\nS: +OK bye\n");
}

TEST_CASE("a trace tells how much of a body that was cut was given, unless it was nothing") {
  for (const std::size_t octets : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    CAPTURE(octets);
    Server server(traced());
    server.log_in();
    server.harness.send(server.ask<pop3::RetrieveRequest>("RETR 1\r\n"), std::string(octets, 'x'), pop3::Chunk::more);
    server.ask<pop3::BodyRequest>();
    server.harness.disconnect();
    server.say("");
    const std::string trace = server.session.take_trace();
    const std::string wanted =
        octets == 0 ? "" : "\nS* " + std::to_string(octets + 2) + " cut\n";  // with the line's end
    CAPTURE(trace);
    CHECK(trace.find(wanted) != trace.npos);
    CHECK((trace.find("\nS* ") == trace.npos) == (octets == 0));
  }
}

TEST_CASE("a trace shows a false number of removed messages as one more than there were") {
  Server server(traced());
  const auto request = server.ask<pop3::CommitRequest>("USER ann\r\nPASS pw\r\nDELE 1\r\nQUIT\r\n");
  const std::uint32_t wrong[] = {2};
  CHECK(server.session.accept(request.token, pop3::Numbers{wrong, 1}) == pop3::Outcome::invalid);
  CHECK(server.session.take_trace().find("\nanswer: accept 2 -> invalid\n") != std::string::npos);
}
