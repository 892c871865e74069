// SPDX-License-Identifier: MIT
// AUTH: what each mechanism asks, what it refuses, and what is left of it.
#include <pop3/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "scram.hpp"
#include "server.hpp"

namespace {

using pop3::AuthRequest;
using pop3::ListRequest;
using pop3::Outcome;
using pop3::SaslRequest;
using pop3::ScramRequest;
using tests::decoded;
using tests::encoded;
using tests::is_error;
using tests::is_ok;
using tests::plain_config;
using tests::Server;
using tests::visible;

pop3::Config all_mechanisms() {
  pop3::Config config = plain_config();
  config.mechanisms = {"PLAIN",       "LOGIN",   "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
                       "OAUTHBEARER", "XOAUTH2", "EXTERNAL", "ANONYMOUS",   {"X-OWN"},       {"X-FIRST", false, true}};
  config.limits.failed_logins = config.limits.bad_commands = 0;
  return config;
}
pop3::Connection with_tls() {
  pop3::Connection connection;
  connection.nonce = "0123456789abcdef";
  connection.encrypted = true;
  connection.tls.identity = "cert";
  connection.tls.exporter = "binding";
  return connection;
}

struct First {
  const char* mechanism;
  std::string message;
  const char* event;
};
const First firsts[] = {
    {"PLAIN", std::string("\0ann\0pw", 7),
     "AuthRequest user=\"ann\" password=\"pw\" method=PLAIN encrypted=yes attempt=1"},
    {"PLAIN", std::string("bob\0ann\0p w", 11),
     "AuthRequest user=\"ann\" password=\"p w\" method=PLAIN encrypted=yes authzid=\"bob\" attempt=1"},
    {"PLAIN", std::string("ann\0ann\0pw", 10),
     "AuthRequest user=\"ann\" password=\"pw\" method=PLAIN encrypted=yes attempt=1"},
    {"OAUTHBEARER",
     "n,a=a=2Cb,\x01"
     "auth=Bearer tok\x01\x01",
     "AuthRequest user=\"a,b\" password=\"tok\" method=OAUTHBEARER encrypted=yes attempt=1"},
    {"OAUTHBEARER",
     "n,,\x01"
     "auth=Bearer tok\x01\x01",
     "AuthRequest user=\"\" password=\"tok\" method=OAUTHBEARER encrypted=yes attempt=1"},
    {"XOAUTH2",
     "user=ann\x01"
     "auth=Bearer tok\x01\x01",
     "AuthRequest user=\"ann\" password=\"tok\" method=XOAUTH2 encrypted=yes attempt=1"},
    {"EXTERNAL", "", "AuthRequest user=\"cert\" password=\"\" method=EXTERNAL encrypted=yes attempt=1"},
    {"EXTERNAL", "bob",
     "AuthRequest user=\"cert\" password=\"\" method=EXTERNAL encrypted=yes authzid=\"bob\" attempt=1"},
    {"ANONYMOUS", "trace",
     "AuthRequest user=\"anonymous\" password=\"trace\" method=ANONYMOUS encrypted=yes attempt=1"},
    {"SCRAM-SHA-1", "n,,n=ann,r=x", "ScramRequest user=\"ann\" method=SCRAM-SHA-1 attempt=1"},
    {"SCRAM-SHA-256", "n,a=bob,n=a=3Dn,r=x",
     "ScramRequest user=\"a=n\" method=SCRAM-SHA-256 authzid=\"bob\" attempt=1"},
    {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=ann,r=x",
     "ScramRequest user=\"ann\" method=SCRAM-SHA-256-PLUS attempt=1"},
    {"X-OWN", std::string("a\0b", 3), "SaslRequest mechanism=X-OWN data=\"a\\x00b\" first=yes attempt=1"},
};

}  // namespace

TEST_CASE("R106 R161 R174 R179 R180 R187 R249 R250 R252-R257: each mechanism asks its question, in one step or two") {
  for (const First& first : firsts) {
    for (const bool two_steps : {false, true}) {
      CAPTURE(first.event);
      CAPTURE(two_steps);
      Server server(all_mechanisms(), with_tls());
      server.say("");
      const std::string data = encoded(first.message);
      const std::string verb =
          std::string("auth ") + static_cast<char>(first.mechanism[0] | 0x20) + &first.mechanism[1];
      if (two_steps) CHECK(server.command(verb) == "+ \r\n");
      server.harness.feed(two_steps ? data + "\r\n" : verb + ' ' + (data.empty() ? "=" : data) + "\r\n");
      CHECK(server.harness.poll().has_value());
      CHECK(server.harness.events.back() == first.event);
      CHECK(server.session.counters().logins == 1);
      CHECK(server.session.counters().commands == (two_steps ? 2 : 1));
      CHECK(server.faults() == "");
    }
  }
}

TEST_CASE("R251 R258: LOGIN asks for the name and the password, CRAM-MD5 has a new challenge each time") {
  for (const bool initial : {false, true}) {
    Server server(all_mechanisms(), with_tls());
    server.say("");
    if (initial) {
      CHECK(server.command("AUTH LOGIN " + encoded("ann")) == "+ " + encoded("Password:") + "\r\n");
    } else {
      CHECK(server.command("AUTH LOGIN") == "+ " + encoded("Username:") + "\r\n");
      CHECK(server.command(encoded("ann")) == "+ " + encoded("Password:") + "\r\n");
    }
    CHECK(is_ok(server.command(encoded("pw"))));
    CHECK(server.saw("AuthRequest user=\"ann\" password=\"pw\" method=LOGIN"));
  }
  Server server(all_mechanisms(), with_tls());
  server.say("");
  std::vector<std::string> challenges;
  for (int i = 0; i < 10; ++i) {
    const std::string reply = server.command("AUTH CRAM-MD5");
    const std::string challenge = decoded(reply.substr(2, reply.size() - 4));
    CHECK(pop3::detail::is_challenge(challenge));
    CHECK(challenge.find("@localhost>") != challenge.npos);
    CHECK(std::count(challenges.begin(), challenges.end(), challenge) == 0);
    challenges.push_back(challenge);
    CHECK(is_error(server.command(encoded("ann lee 0123456789abcdef0123456789abcdef"))));
    CHECK(server.saw("DigestRequest user=\"ann lee\" digest=\"0123456789abcdef0123456789abcdef\" challenge=\"" +
                     challenge + '"'));
  }
  CHECK(is_error(server.command("AUTH CRAM-MD5 eA==")));  // R188
}

TEST_CASE("R182-R184 R188 R193 R203: what is no response ends the exchange, and all is as if AUTH had not been sent") {
  struct Bad {
    const char *mechanism, *response, *fault;
  };
  static constexpr Bad cases[] = {
      {"PLAIN", "*", "cancelled"},          {"PLAIN", "QUIT", "malformed"},
      {"PLAIN", "eA", "malformed"},         {"PLAIN", "e=A=", "malformed"},
      {"PLAIN", "eA== ", "malformed"},      {"PLAIN", "", "malformed"},
      {"PLAIN", "!!!!", "malformed"},       {"PLAIN", "AABhAA==", "malformed"},
      {"LOGIN", "", "malformed"},           {"LOGIN", "AA==", "malformed"},
      {"CRAM-MD5", "YW5u", "malformed"},    {"SCRAM-SHA-256", "bixuPQ==", "malformed"},
      {"OAUTHBEARER", "eA==", "malformed"}, {"XOAUTH2", "eA==", "malformed"},
      {"EXTERNAL", "AA==", "malformed"},    {"ANONYMOUS", "AA==", "malformed"},
      {"X-OWN", "eA", "malformed"},         {"X-OWN", "*", "cancelled"},
  };
  for (const Bad& c : cases) {
    CAPTURE(c.mechanism);
    CAPTURE(c.response);
    Server server(all_mechanisms(), with_tls());
    server.say("");
    server.command("USER eve");
    CHECK(server.command(std::string("AUTH ") + c.mechanism).substr(0, 2) == "+ ");
    const std::string reply = server.command(c.response);
    CHECK(is_error(reply));
    CHECK(reply.find('\n') == reply.size() - 1);
    CHECK(server.harness.events.size() == 1);
    CHECK(server.harness.events.back().find(std::string("LoginFailed fault=") + c.fault + " user=\"\" method=") == 0);
    CHECK(server.session.state() == pop3::State::authorization);
    CHECK(server.session.counters().failed_logins == 0);
    CHECK(is_error(server.command("PASS pw")));  // USER is forgotten
    CHECK(is_ok(server.log_in()));
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R190: a response may be as long as sasl_line, whatever commands may be") {
  pop3::Config config = all_mechanisms();
  config.limits.command_line = 255;
  config.limits.sasl_line = 4000;
  for (const std::size_t size : {std::size_t{4000}, std::size_t{4001}}) {
    for (const bool initial : {false, true}) {
      Server server(config, with_tls());
      server.say("");
      const std::string verb = "AUTH X-OWN";
      if (!initial) server.command(verb);
      const std::string data(size - 2 - (initial ? verb.size() + 1 : 0), 'A');
      const std::string reply = server.command(initial ? verb + ' ' + data : data);
      CHECK((reply == "-ERR command line too long\r\n") == (size > 4000));
      CHECK(is_error(server.command("USER " + std::string(300, 'x'))));  // a command is what it was
    }
  }
}

TEST_CASE(
    "R252 R192 F-LOG: SCRAM from its first message to the listing, and who does not know the password gets nowhere") {
  enum class Way { right, wrong_password, no_user, not_authorized, authorized };
  for (const Way way : {Way::right, Way::wrong_password, Way::no_user, Way::not_authorized, Way::authorized}) {
    CAPTURE(static_cast<int>(way));
    Server server(all_mechanisms(), with_tls());
    server.say("");
    const bool with_authzid = way == Way::not_authorized || way == Way::authorized;
    const std::string header = with_authzid ? "p=tls-exporter,a=bob," : "p=tls-exporter,,", bare = "n=ann,r=abc";
    const auto request = server.ask<ScramRequest>("AUTH SCRAM-SHA-256-PLUS " + encoded(header + bare) + "\r\n");
    const auto keys = mailwire::make_scram_keys(mailwire::ScramHash::sha_256, "pw", "salt", 4096);
    if (way == Way::no_user)
      CHECK(server.harness.refuse(request) == Outcome::applied);
    else
      CHECK(server.harness.accept(request, keys.view(), way == Way::authorized ? "bob" : "") ==
            (way == Way::not_authorized ? Outcome::invalid : Outcome::applied));
    const std::string challenge = server.say("");
    const std::string said = decoded(challenge.substr(2, challenge.size() - 4));
    CHECK(said.substr(0, 5) == "r=abc");
    const std::string nonce = said.substr(2, said.find(",s=") - 2);
    const std::string salt64 = said.substr(said.find(",s=") + 3, said.find(",i=") - said.find(",s=") - 3);
    CHECK(said.substr(said.find(",i=")) == ",i=4096");
    const std::string final = tests::scram_client_final<mailwire::Sha256>(
        way == Way::wrong_password ? "PW" : "pw", bare, said, decoded(salt64), 4096,
        "c=" + encoded(header + "binding") + ",r=" + nonce);
    const std::string reply = server.command(encoded(final));
    if (way == Way::right || way == Way::authorized) {
      CHECK(decoded(reply.substr(2, reply.size() - 4)).substr(0, 2) == "v=");
      CHECK(is_ok(server.command("")));
      CHECK(server.saw(way == Way::right ? "ListRequest user=\"ann\"" : "ListRequest user=\"bob\""));
      CHECK(server.session.state() == pop3::State::transaction);
    } else {
      CHECK(reply.find("-ERR [AUTH] ") == 0);
      CHECK(server.harness.events.back() == std::string("LoginFailed fault=") +
                                                (way == Way::not_authorized ? "not_authorized" : "wrong_proof") +
                                                " user=\"ann\" method=SCRAM-SHA-256-PLUS");
      CHECK(server.session.counters().failed_logins == 1);
      CHECK(is_ok(server.log_in()));
    }
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R250: whose maildrop it is has to be said when the client wants another's") {
  for (const char* user : {"", "bob", "carl"}) {
    Server server(all_mechanisms(), with_tls());
    const auto request = server.ask<AuthRequest>("AUTH PLAIN " + encoded(std::string("bob\0ann\0pw", 10)) + "\r\n");
    const bool named = *user != '\0';
    CHECK(server.harness.accept(request, user) == (named ? Outcome::applied : Outcome::invalid));
    const std::string reply = server.say("");
    CHECK(is_ok(reply) == named);
    if (named)
      CHECK(server.saw("ListRequest user=\"" + std::string(user) + '"'));
    else
      CHECK(server.harness.events.back() == "LoginFailed fault=not_authorized user=\"ann\" method=PLAIN");
  }
}

TEST_CASE("R192: an own mechanism: challenges, data with its success, and a refusal") {
  Server server(all_mechanisms(), with_tls());
  auto request = server.ask<SaslRequest>("AUTH X-FIRST\r\n");
  CHECK(request.data.empty());
  CHECK(request.first);
  server.harness.challenge(request, "one");
  CHECK(server.harness.poll().has_value() == false);
  request = server.ask<SaslRequest>(encoded("two") + "\r\n");
  CHECK(server.harness.output.find("+ " + encoded("one") + "\r\n") != std::string::npos);
  CHECK(request.data == "two");
  CHECK_FALSE(request.first);
  CHECK(server.harness.accept(request, "dora", "bye") == Outcome::applied);
  CHECK(server.say("") == "+ " + encoded("bye") + "\r\n");
  CHECK_FALSE(server.saw("ListRequest user=\"dora\""));
  CHECK(is_ok(server.command("")));
  CHECK(server.saw("ListRequest user=\"dora\""));
  CHECK(server.session.counters().logins == 1);
  Server other(all_mechanisms(), with_tls());
  CHECK(other.harness.accept(other.ask<SaslRequest>("AUTH X-OWN eA==\r\n"), "") == Outcome::invalid);
  CHECK(other.say("").find("-ERR [AUTH] ") == 0);
  other.harness.accept(other.ask<SaslRequest>("AUTH X-OWN eA==\r\n"), "ann", "data");
  other.say("");
  CHECK(is_error(other.command("eA==")));  // the answer to data is empty
  CHECK(other.session.state() == pop3::State::authorization);
}

TEST_CASE("F-LOG: what a client of SASL said is gone as soon as it is answered, or the session over") {
  enum class End { accept, refuse, shutdown, disconnect, timeout };
  for (const End end : {End::accept, End::refuse, End::shutdown, End::disconnect, End::timeout}) {
    CAPTURE(static_cast<int>(end));
    pop3::Config config = all_mechanisms();
    config.limits.answer = std::chrono::seconds(30);
    Server server(config, with_tls());
    server.say("");
    const std::string line = "AUTH PLAIN " + encoded(std::string("\0ann\0########", 13)) + "\r\n";
    const char* const input = server.session.input_buffer().data;
    const auto request = server.ask<AuthRequest>(line);
    const std::string_view password = request.password.reveal();
    CHECK(password == "########");
    CHECK(std::string_view(input, line.size()).find("AUTH") == std::string_view::npos);
    switch (end) {
      case End::accept: server.harness.accept(request); break;
      case End::refuse: server.harness.refuse(request); break;
      case End::shutdown: server.session.shutdown(); break;
      case End::disconnect: server.session.disconnect(); break;
      case End::timeout:
        server.harness.now += std::chrono::seconds(30);
        server.harness.poll();
        break;
    }
    CHECK(std::string(password) == std::string(8, '\0'));
  }
}

TEST_CASE("a password of LOGIN with a NUL, or one that is not UTF-8, is malformed") {
  for (const std::string& password : {std::string("p\0w", 3), std::string("\xFF"), std::string()}) {
    Server server(all_mechanisms(), with_tls());
    CHECK(is_ok(server.say("")));
    server.command("AUTH LOGIN");
    CHECK(server.command(encoded("ann")).substr(0, 2) == "+ ");
    CHECK(is_error(server.command(encoded(password))));
    CHECK_FALSE(server.saw("AuthRequest"));
  }
}

TEST_CASE("CRAM-MD5 asks about no name that is none") {
  for (const std::string& user : {std::string("a\x01z"), std::string("\xFF")}) {
    Server server(all_mechanisms(), with_tls());
    CHECK(server.command("AUTH CRAM-MD5").find("+ ") != std::string::npos);
    CHECK(is_error(server.command(encoded(user + " 0123456789abcdef0123456789abcdef"))));
    CHECK_FALSE(server.saw("DigestRequest"));
  }
}

TEST_CASE("SCRAM tells a client nothing when the application calls its user unknown with [AUTH]") {
  for (const pop3::Code code : {pop3::Code::none, pop3::Code::auth}) {
    Server server(all_mechanisms(), with_tls());
    const auto request = server.ask<ScramRequest>("AUTH SCRAM-SHA-256 " + encoded("n,,n=bob,r=client") + "\r\n");
    CHECK(server.harness.refuse(request, {code}) == Outcome::applied);
    CHECK(server.say("").substr(0, 2) == "+ ");
  }
}

TEST_CASE("F-LOG: of a name that a login failed with 255 octets are told") {
  for (const std::size_t size : {std::size_t{255}, std::size_t{256}, std::size_t{2000}}) {
    CAPTURE(size);
    Server server(all_mechanisms(), with_tls());
    server.say("");
    const std::string first = "p=tls-unique,,n=" + std::string(size, 'n') + ",r=x";  // there is no such binding
    CHECK(is_error(server.command("AUTH SCRAM-SHA-256-PLUS " + encoded(first))));
    CHECK(server.saw("LoginFailed fault=wrong_binding user=\"" + std::string(255, 'n') + '"'));
  }
}
