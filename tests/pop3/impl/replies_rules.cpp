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
