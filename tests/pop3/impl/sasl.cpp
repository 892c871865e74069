// SPDX-License-Identifier: MIT
// AUTH, mechanism by mechanism; and the clients that the tests say it with, against the examples of the RFCs.
#include <pop3/session.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "sasl_client.hpp"
#include "server.hpp"

namespace {

using mailwire::ScramHash;
using pop3::AuthMethod;
using pop3::AuthRequest;
using pop3::DigestRequest;
using pop3::ListRequest;
using pop3::Outcome;
using pop3::SaslRequest;
using pop3::ScramRequest;
using std::chrono::seconds;
using tests::Server;
using tests::to_base64;

pop3::Config config_with(std::vector<pop3::Mechanism> mechanisms) {
  pop3::Config config = tests::plain_config();
  config.mechanisms = std::move(mechanisms);
  return config;
}
pop3::Connection connection(bool encrypted = false) {
  pop3::Connection c;
  c.encrypted = encrypted;
  c.nonce = "0123456789abcdef";
  return c;
}
// The octets of the challenge that a reply ends with.
std::string challenge(const std::string& reply) {
  const std::size_t start = reply.rfind("+ ");
  REQUIRE(start != std::string::npos);
  return tests::from_base64(reply.substr(start + 2, reply.size() - start - 4));
}

// ---- the client's side --------------------------------------------------------------------------------------------

TEST_CASE("the client of the tests says what RFC 5802, 5 and RFC 7677, 3 say") {
  tests::ScramClient sha_1;
  CHECK(sha_1.first(ScramHash::sha_1, "n,,", "user", "fyko+d2lbbFgONRv9qkxdawL") ==
        "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
  CHECK(sha_1.final("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096", "pencil") ==
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  CHECK(sha_1.verify("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="));
  CHECK_FALSE(sha_1.verify("v=rmF9pqV8S7suAoZWja4dJRkFsKR="));

  tests::ScramClient sha_256;
  sha_256.first(ScramHash::sha_256, "n,,", "user", "rOprNGfwEbeRWgbNEkqO");
  CHECK(sha_256.final("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                      "pencil") ==
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  CHECK(sha_256.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
  CHECK(sha_256.final("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "pencil") == "");
  CHECK(tests::saslname("a,b=c") == "a=2Cb=3Dc");
}

TEST_CASE("the client of the tests says what RFC 2195, 2 says") {
  CHECK(tests::cram_md5_response("tim", "tanstaaftanstaaf", "<1896.697170952@postoffice.reston.mci.net>") ==
        "tim b913a602c7eda7a495b4e6e7334d3890");
}

TEST_CASE("the client of the tests says what RFC 4616, RFC 5034, 6 and RFC 7628, 4.1 say") {
  CHECK(to_base64(tests::plain_message("test", "test", "test")) == "dGVzdAB0ZXN0AHRlc3Q=");
  CHECK(to_base64(tests::plain_message("", "test", "test")) == "AHRlc3QAdGVzdA==");
  CHECK(tests::bearer_message(true, "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg") ==
        "user=someuser@example.com\x01"
        "auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01");
}

// ---- the exchange -------------------------------------------------------------------------------------------------

TEST_CASE("PLAIN R161 R190: names and a password of 255 octets each, whatever the limit of a command is") {
  pop3::Config config = config_with({"PLAIN"});
  config.limits.command_line = 255;
  for (const bool two_steps : {false, true}) {
    for (const std::size_t size : {255U, 256U}) {
      CAPTURE(size);
      Server server(config);
      const std::string message =
          to_base64(tests::plain_message(std::string(size, 'z'), std::string(size, 'u'), std::string(size, 'p')));
      if (two_steps) CHECK(server.command("AUTH PLAIN") == "+OK POP3 server ready\r\n+ \r\n");
      const std::string line = (two_steps ? "" : "AUTH PLAIN ") + message + "\r\n";
      if (size == 256) {
        CHECK(tests::is_error(server.say(line).substr(two_steps ? 0 : 23)));
        CHECK(server.saw("LoginFailed fault=malformed user=\"\" method=PLAIN"));
        continue;
      }
      const auto request = server.ask<AuthRequest>(line);
      CHECK(request.authzid == std::string(size, 'z'));
      CHECK(request.user == std::string(size, 'u'));
      CHECK(request.password.reveal() == std::string(size, 'p'));
      CHECK(server.session.accept(request.token, std::string_view("ann")) == Outcome::applied);
      CHECK(tests::is_ok(server.say("")));
      CHECK(server.session.state() == pop3::State::transaction);
      CHECK(server.faults() == "");
    }
  }
}

TEST_CASE("AUTH R190 R89: lines up to sasl_line are taken, also by asynchronous reads of one octet") {
  pop3::Config config = config_with({"X-OWN"});
  config.limits.command_line = config.limits.input_buffer = 255;
  for (const std::size_t limit : {300U, 1024U, 5000U, 12288U}) {
    config.limits.sasl_line = limit;
    for (const bool initial : {false, true}) {
      CAPTURE(limit);
      Server server(config);
      server.say("");
      if (!initial) server.command("AUTH X-OWN");
      const std::string front = initial ? "AUTH X-OWN " : "";
      std::size_t octets = (limit - 2 - front.size()) / 4 * 3;
      const std::string line = front + to_base64(std::string(octets, 'x')) + "\r\n";
      CHECK(line.size() <= limit);
      CHECK(line.size() + 4 > limit);
      for (const char c : line.substr(0, line.size() - 1)) CHECK(server.say({&c, 1}) == "");
      const auto request = server.ask<SaslRequest>("\n");
      CHECK(request.data == std::string(octets, 'x'));
      CHECK(server.harness.challenge(request, "") == Outcome::applied);
      CHECK(server.say("") == "+ \r\n");
      CHECK(server.say(std::string(limit - 1, 'A') + "\r\n") == "-ERR command line too long\r\n");
      CHECK(server.faults() == "");
    }
  }
}

TEST_CASE("AUTH R193: tokens of an exchange are good once, and not for each other") {
  Server server(config_with({"X-OWN"}));
  const auto request = server.ask<SaslRequest>("AUTH X-OWN =\r\n");
  CHECK(server.session.accept(pop3::Token<AuthRequest>(request.token.value())) == Outcome::stale);
  CHECK(server.harness.challenge(request, "x") == Outcome::applied);
  CHECK(server.harness.challenge(request, "x") == Outcome::stale);
  CHECK(server.harness.accept(request, "ann") == Outcome::stale);
  CHECK(server.harness.refuse(request) == Outcome::stale);
  CHECK(server.faults() == "");
}

TEST_CASE("CRAM-MD5 R251 R67: no challenge comes twice, in a session or in two, and each is a msg-id") {
  std::set<std::string> seen;
  for (const char* const nonce : {"0123456789abcdef", "0123456789abcdeF"}) {
    pop3::Connection c = connection();
    c.nonce = nonce;
    c.hostname = "mail.example.org";
    Server server(config_with({"CRAM-MD5"}), c);
    for (int i = 0; i < 5; ++i) {
      const std::string text = challenge(server.command("AUTH CRAM-MD5"));
      CHECK(pop3::detail::is_challenge(text));
      CHECK(text.substr(text.size() - 18) == "@mail.example.org>");
      seen.insert(text);
      server.command("*");
    }
  }
  CHECK(seen.size() == 10);
}

TEST_CASE("CRAM-MD5 R251: the example of RFC 2195 reaches the application with the challenge that it answers") {
  Server server(config_with({"CRAM-MD5"}), connection());
  const std::string text = challenge(server.command("AUTH CRAM-MD5"));
  const auto request =
      server.ask<DigestRequest>(to_base64(tests::cram_md5_response("tim", "tanstaaftanstaaf", text)) + "\r\n");
  CHECK(request.user == "tim");
  CHECK(request.challenge == text);
  CHECK(request.method == AuthMethod::cram_md5);
  CHECK(pop3::cram_md5_matches(request.challenge, "tanstaaftanstaaf", request.digest));
  CHECK_FALSE(pop3::cram_md5_matches(request.challenge, "tanstaaf", request.digest));
  CHECK(server.faults() == "");
}

// ---- SCRAM --------------------------------------------------------------------------------------------------------

// How a login ends for a client that says `password`; the application has the keys of "pw" for ann, and nobody else.
struct Scram {
  std::string challenge, reply;
  bool verified = false;
  std::size_t lines = 0;
};
Scram scram_login(Server& server, const std::string& user, const std::string& password) {
  Scram scram;
  tests::ScramClient client;
  const auto request = server.ask<ScramRequest>(
      "AUTH SCRAM-SHA-256 " + to_base64(client.first(ScramHash::sha_256, "n,,", user, "nonce")) + "\r\n");
  if (request.user == "ann")
    server.harness.accept(request, tests::cached_scram_keys(ScramHash::sha_256, "pw", "salt of sixteen!", 4096).view());
  else
    server.harness.refuse(request);
  scram.challenge = challenge(server.say(""));
  scram.reply = server.command(to_base64(client.final(scram.challenge, password)));
  if (scram.reply.substr(0, 2) != "+ ") return scram;  // refused, or held back
  scram.verified = client.verify(challenge(scram.reply));
  scram.reply = server.say("\r\n");
  return scram;
}

TEST_CASE("SCRAM R252 R192: both sides know that the other knows") {
  Server server(config_with({"SCRAM-SHA-256"}), connection());
  const Scram right = scram_login(server, "ann", "pw");
  CHECK(right.verified);
  CHECK(tests::is_ok(right.reply));
  CHECK(server.session.state() == pop3::State::transaction);
  CHECK(server.faults() == "");
}

TEST_CASE("SCRAM R253 R166: a user that does not exist looks like one with another password, up to the end") {
  pop3::Config config = config_with({"SCRAM-SHA-256"});
  config.scram_decoy_secret = "only this server knows";
  config.limits.failed_logins = 0;
  Server server(config, connection());
  const Scram wrong = scram_login(server, "ann", "no");
  const Scram nobody = scram_login(server, "eve", "pw");
  const Scram again = scram_login(server, "eve", "other");
  const Scram another = scram_login(server, "bob", "pw");
  CHECK(wrong.reply == "-ERR [AUTH] authentication failed\r\n");
  CHECK(nobody.reply == wrong.reply);
  CHECK(nobody.challenge.size() == wrong.challenge.size());
  const auto salt = [](const Scram& s) { return s.challenge.substr(s.challenge.find(",s=")); };
  CHECK(salt(nobody) == salt(again));
  CHECK(salt(nobody) != salt(another));
  CHECK(salt(nobody) != salt(wrong));
  CHECK(nobody.challenge != again.challenge);
  CHECK(server.session.counters().failed_logins == 4);
  CHECK(server.faults() == "");

  config.scram_decoy_secret = "another server";
  Server other(config, connection());
  CHECK(salt(scram_login(other, "eve", "pw")) != salt(nobody));
}

TEST_CASE("SCRAM R253: the decoy is held back as long as a wrong proof, whatever the lookup took") {
  pop3::Config config = config_with({"SCRAM-SHA-256"});
  config.limits.failed_login_delay = seconds(2);
  for (const char* const user : {"ann", "eve"}) {
    Server server(config, connection());
    CHECK(scram_login(server, user, "no").reply == "");
    CHECK(server.wait(std::chrono::milliseconds(1999)) == "");
    CHECK(server.wait(std::chrono::milliseconds(1)) == "-ERR [AUTH] authentication failed\r\n");
    CHECK(server.faults() == "");
  }
}

TEST_CASE("SCRAM R252: keys that cannot be used are the server's fault, and nobody's login") {
  const auto& good = tests::cached_scram_keys(ScramHash::sha_256, "pw", "salt", 4096);
  const auto& other = tests::cached_scram_keys(ScramHash::sha_1, "pw", "salt", 4096);
  std::vector<mailwire::ScramKeys> bad(4, good.view());
  bad[0].salt = {};
  bad[1].iterations = 0;
  bad[2] = other.view();
  bad[3].server_key = {};
  for (const mailwire::ScramKeys& keys : bad) {
    Server server(config_with({"SCRAM-SHA-256"}), connection());
    tests::ScramClient client;
    const auto request = server.ask<ScramRequest>(
        "AUTH SCRAM-SHA-256 " + to_base64(client.first(ScramHash::sha_256, "n,,", "ann", "nonce")) + "\r\n");
    CHECK(server.harness.accept(request, keys) == Outcome::invalid);
    CHECK(server.harness.accept(request, good.view()) == Outcome::stale);
    CHECK(server.say("") == "-ERR [SYS/PERM] permanent failure, contact support\r\n");
    CHECK(server.session.counters().failed_logins == 0);
    CHECK(tests::is_ok(scram_login(server, "ann", "pw").reply));
    CHECK(server.faults() == "");
  }
}

// ---- counters and names -------------------------------------------------------------------------------------------

TEST_CASE("AUTH R193: attempts are numbered over all methods, failures counted only where credentials were wrong") {
  pop3::Config config = config_with({"PLAIN", "CRAM-MD5", "X-OWN"});
  config.limits.failed_logins = 0;
  Server server(config, connection());
  server.say("AUTH PLAIN *\r\nAUTH PLAIN ?\r\nAUTH NONE\r\n");
  CHECK(server.session.counters().logins == 0);
  CHECK(server.session.counters().failed_logins == 0);
  server.command("AUTH PLAIN " + to_base64(tests::plain_message("", "ann", "no")));
  server.say("USER ann\r\nPASS no\r\n");
  server.command("AUTH X-OWN =");
  CHECK(server.session.counters().logins == 3);
  CHECK(server.session.counters().failed_logins == 3);
  const auto request = server.ask<AuthRequest>("USER ann\r\nPASS pw\r\n");
  CHECK(request.attempt == 4);
  server.harness.refuse(request, {pop3::Code::sys_temp, {}, false, {}});
  server.say("");
  CHECK(server.session.counters().failed_logins == 3);
  CHECK(server.session.counters().by_verb[static_cast<std::size_t>(pop3::Verb::auth)] == 5);
  CHECK(server.faults() == "");
}

}  // namespace
