// SPDX-License-Identifier: MIT
// STLS, UTF8, LANG, policy, verbs and capabilities of the application's own.
#include <pop3/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "scram.hpp"  // encoded()
#include "server.hpp"

namespace {

using pop3::Chunk;
using pop3::Code;
using pop3::CommandRequest;
using pop3::ListRequest;
using pop3::Outcome;
using pop3::TlsRequest;
using tests::first_line;
using tests::is_error;
using tests::is_ok;
using tests::log_in;
using tests::plain_config;
using tests::Server;

pop3::Config with_stls() {
  pop3::Config config = plain_config();
  config.offer_stls = true;
  config.utf8 = pop3::Utf8::on;
  config.languages = {{"de", "Deutsch"}, {"fr", ""}};
  return config;
}
pop3::Config with_verb(const char* verb, bool in_authorization = false) {
  pop3::Config config = plain_config();
  pop3::CommandSpec spec;
  spec.verb = verb;
  spec.in_authorization = in_authorization;
  spec.most_words = 2;
  config.commands.push_back(spec);
  return config;
}

}  // namespace

// ---- STLS ---------------------------------------------------------------------------------------------------------

TEST_CASE("R141-R144 F-STLS: no octet that came before TLS is looked at behind it, nor what was said before") {
  Server server(with_stls()), other(with_stls());
  server.say("UTF8\r\nLANG de\r\nUSER eve\r\n");
  CHECK(server.session.utf8());
  CHECK(is_error(server.command("STLS")));  // RFC 6856, 2.1
  other.say("LANG de\r\nUSER eve\r\n");
  CHECK(other.session.language() == "de");
  const std::string behind = "PASS pw\r\nQUIT\r\n";
  const auto request = other.ask<TlsRequest>("STLS\r\n" + behind);
  CHECK(std::string(other.session.unread_input()) == behind);
  CHECK_FALSE(other.session.wants_input());
  pop3::TlsFacts facts;
  facts.version = "TLSv1.3";
  facts.identity = "ann";
  CHECK(other.harness.accept(request, facts) == Outcome::applied);
  CHECK(other.say("") == "");  // no second greeting, nothing of what came before
  CHECK(other.session.encrypted());
  CHECK(other.session.language().empty());
  CHECK(other.session.tls().version == "TLSv1.3");
  CHECK(other.session.counters().octets_before_tls == behind.size());
  CHECK(other.session.unread_input().empty());
  CHECK(is_error(other.command("PASS pw")));
  CHECK(other.session.state() == pop3::State::authorization);  // a certificate alone is no login
  CHECK(is_ok(other.log_in()));
  CHECK(other.faults() == "");
}

TEST_CASE("R142 F-STLS: a read in the clear that is still under way is dropped, the next one is not") {
  for (const std::size_t octets : {0U, 6U}) {
    Server server(with_stls());
    server.say("");
    server.harness.feed("STLS\r\n");
    const pop3::MutableBuffer room = server.session.input_buffer();
    REQUIRE(room.size > 6);
    CHECK_FALSE(server.harness.poll().has_value());
    server.harness.take_output(1000);
    const auto request = server.next<TlsRequest>();
    CHECK(server.session.accept(request.token) == Outcome::applied);
    std::memcpy(room.data, "QUIT\r\n", 6);
    server.session.commit_input(octets);
    CHECK(server.session.counters().octets_before_tls == octets);
    CHECK_FALSE(server.session.poll(server.harness.now).has_value());
    CHECK_FALSE(server.session.wants_output());
    CHECK(server.session.receive("USER ann\r\n") == 10);
    CHECK_FALSE(server.session.poll(server.harness.now).has_value());
    CHECK(server.session.output() == "+OK send PASS\r\n");
  }
}

TEST_CASE("F-STLS: a handshake that failed, or that nobody comes to, ends the session without a word") {
  Server refused(with_stls()), ended(with_stls()), stopped(with_stls());
  refused.harness.refuse(refused.ask<TlsRequest>("STLS\r\n"), {Code::sys_temp, "no"});
  CHECK(refused.say("") == "");
  CHECK(refused.harness.events.back() == "Closed tls_failed release=no");
  ended.harness.feed("STLS\r\n");
  ended.harness.end_of_input();
  CHECK(ended.say("") == "+OK POP3 server ready\r\n+OK begin TLS\r\n");
  CHECK(ended.harness.events.back() == "Closed end_of_input release=no");
  stopped.ask<TlsRequest>("STLS\r\n");
  stopped.harness.shutdown();
  CHECK(stopped.say("") == "");
  CHECK(stopped.harness.events.back() == "Closed shutdown release=no");
}

// ---- UTF8 and LANG ------------------------------------------------------------------------------------------------

TEST_CASE(
    "R207 R224-R230 F-UTF8: LANG changes what is said, to the language that fits, and a failure changes nothing") {
  pop3::Config config = with_stls();
  config.languages[0].texts[pop3::Text::language_set] = "Sprache ge\xC3\xA4ndert";
  config.languages[0].texts[pop3::Text::no_message] =
      "keine \xC3\x9C"
      "lung";
  config.languages[0].texts[pop3::Text::octets] = "{1} Oktette";
  config.texts[pop3::Text::no_message] = "nothing \xC3\xBC";
  Server server(config);
  server.log_in();
  CHECK(server.command("LIST 9") == "-ERR nothing ??\r\n");
  CHECK(server.command("LANG") == "+OK language listing follows\r\nde Deutsch\r\nfr\r\n.\r\n");
  CHECK(server.command("LANG de-CH") == "+OK de Sprache ge\xC3\xA4ndert\r\n");
  CHECK(server.session.language() == "de");
  CHECK(server.command("LIST 9") ==
        "-ERR keine \xC3\x9C"
        "lung\r\n");
  CHECK(first_line(server.command("RETR 1")) == "+OK 31 Oktette\r\n");
  CHECK(server.command("LANG xx") == "-ERR no such language\r\n");
  CHECK(server.session.language() == "de");
  CHECK(server.command("LANG fr") == "+OK fr language changed\r\n");  // what is missing is said in English
  CHECK(server.command("LIST 9") == "-ERR nothing \xC3\xBC\r\n");
  CHECK(server.command("LANG *") == "+OK de Sprache ge\xC3\xA4ndert\r\n");
}

TEST_CASE("R227 R229: LANG * is the first language, after login the user's if there is one") {
  for (const char* users : {"", "fr", "xx"}) {
    Server server(with_stls());
    const auto request = server.ask<ListRequest>("LANG *\r\n" + std::string(log_in));
    CHECK(server.session.language() == "de");
    pop3::Account account;
    account.language = users;
    server.harness.accept(request, {}, account);
    server.say("");
    CHECK(is_ok(server.command("LANG *")));
    CHECK(server.session.language() == (std::string(users) == "fr" ? "fr" : "de"));
  }
}

TEST_CASE("R208 R209 R213 F-UTF8: a message that needs UTF8 is refused with [UTF8], or another one stands for it") {
  for (const bool said : {false, true}) {
    CAPTURE(said);
    Server server(with_stls());
    const auto request = server.ask<ListRequest>((said ? "UTF8\r\n" : "") + std::string(log_in));
    pop3::MessageInfo messages[] = {{10, "a"}, {20, "b"}};
    messages[0].needs_utf8 = messages[1].needs_utf8 = true;
    messages[1].surrogate_size = 5;
    server.harness.accept(request, messages);
    server.say("");
    for (const char* line : {"LIST 1", "TOP 1 0"})
      CHECK((first_line(server.command(line)).find("-ERR [UTF8] ") == 0) == !said);
    CHECK(is_ok(server.command("UIDL 1")));
    CHECK(server.command("LIST 2") == (said ? "+OK 2 20\r\n" : "+OK 2 5\r\n"));
    CHECK(server.ask<pop3::RetrieveRequest>("RETR 2\r\n").surrogate == !said);
  }
}

// ---- policy -------------------------------------------------------------------------------------------------------

TEST_CASE("R72 R119 F-POLICY: with EXPIRE 0 what was retrieved goes at QUIT, TOP shows headers, read-only goes first") {
  for (const bool read_only : {false, true}) {
    for (const bool expire : {false, true}) {
      CAPTURE(read_only);
      CAPTURE(expire);
      Server server;
      const auto request = server.ask<ListRequest>(log_in);
      static constexpr pop3::MessageInfo messages[] = {{31, "a"}, {22, "b"}};
      pop3::Account account;
      account.read_only = read_only;
      if (expire) account.expire = 0;
      server.harness.accept(request, messages, account);
      server.say("");
      const bool removes = expire && !read_only;
      CHECK((server.command("TOP 1 5").find("first") == std::string::npos) == removes);
      CHECK(is_ok(server.command("RETR 1")));
      CHECK(is_error(server.command("DELE 2")) == read_only);
      server.command("RSET");
      server.command("QUIT");
      CHECK(server.saw(removes ? "CommitRequest numbers=1" : "CommitRequest numbers="));
      CHECK(server.faults() == "");
    }
  }
}

TEST_CASE("a refusal may end the session, and have a delay of its own") {
  const pop3::Refusal why{Code::auth, "", true, std::chrono::seconds(7)};
  Server login, list, retrieve, command(with_verb("XTND"));
  login.harness.refuse(login.ask<pop3::AuthRequest>(log_in), why);
  CHECK(login.session.deadline() != std::nullopt);
  CHECK(login.wait(std::chrono::milliseconds(6999)) == "");
  CHECK(login.wait(std::chrono::milliseconds(1)).find("-ERR [AUTH] ") == 0);
  list.harness.refuse(list.ask<ListRequest>(log_in), why);
  retrieve.log_in();
  retrieve.harness.refuse(retrieve.ask<pop3::RetrieveRequest>("RETR 1\r\n"), why);
  command.log_in();
  command.harness.refuse(command.ask<CommandRequest>("XTND\r\n"), why);
  for (Server* server : {&login, &list, &retrieve, &command}) {
    server->say("NOOP\r\n");
    CHECK(server->harness.events.back().find("Closed refused release=") == 0);
    CHECK(server->faults() == "");
  }
}

// ---- verbs and capabilities of the application's own --------------------------------------------------------------

TEST_CASE("a verb of the application's own: a line, a body, a refusal, and none of it in the wrong state") {
  Server server(with_verb("xtnd"));
  server.say("");
  CHECK(is_error(server.command("XTND a")));  // not before login
  server.log_in();
  auto request = server.ask<CommandRequest>("Xtnd a bc\r\n");
  CHECK(server.harness.events.back() == "CommandRequest verb=XTND argument=\"a bc\"");
  server.harness.accept(request, "yes\r\n");
  CHECK(server.say("") == "+OK yes  \r\n");
  server.harness.refuse(server.ask<CommandRequest>("XTND\r\n"), {Code::auth, "no"});
  CHECK(server.say("") == "-ERR no\r\n");
  server.harness.proceed(server.ask<CommandRequest>("XTND\r\n"));
  CHECK(server.say("") == "-ERR unknown command\r\n");
  server.harness.send(server.ask<CommandRequest>("XTND\r\n"), ".a\n", Chunk::more);
  const auto more = server.ask<pop3::BodyRequest>();
  CHECK(more.number == 0);
  CHECK(more.offset == 3);
  server.harness.lend(more, "b", Chunk::last);
  CHECK(server.say("") == "b\r\n.\r\n");
  CHECK(server.saw("BodyDone number=0 complete=yes octets=7"));
  CHECK(server.session.counters().retrieved == 0);
  for (const char* line : {"XTND a b c", "XTND ", "XTND  a", "XTND a ", "XTND a\tb", "XTND \xC3\xA4"})
    CHECK(server.command(line) == "-ERR malformed command\r\n");
  CHECK(server.faults() == "");
  for (const char* no_verb : {"", "XT", "XTND-THIRTEEN", "XT ND", "XT_ND"}) {
    Server other(with_verb(no_verb));
    other.log_in();
    CHECK(is_error(other.command(no_verb)));
    CHECK_FALSE(other.saw(std::string("CommandRequest verb=") + no_verb));
  }
}

TEST_CASE("F-LOG: a built-in verb may be observed, refused or replaced, and its secret is not shown") {
  struct Observed {
    const char *verb, *line, *argument;
  };
  static constexpr Observed cases[] = {
      {"USER", "USER ann", ""},        {"PASS", "USER ann\r\nPASS pw", ""},
      {"AUTH", "AUTH PLAIN eA==", ""}, {"CAPA", "CAPA", ""},
      {"LIST", "LIST 1", "1"},         {"TOP", "TOP 1 0", "1 0"},
      {"DELE", "DELE 1", "1"},
  };
  for (const Observed& c : cases) {
    CAPTURE(c.line);
    Server plain, proceeding(with_verb(c.verb)), refusing(with_verb(c.verb));
    const bool before = std::string(c.argument).empty();
    if (!before) plain.log_in(), proceeding.log_in(), refusing.log_in();
    const std::string lines = std::string(c.line) + "\r\n";
    const std::string wanted = plain.say(lines);
    CHECK(proceeding.say(lines) == wanted);
    CHECK(proceeding.saw("CommandRequest verb=" + std::string(c.verb) + " argument=\"" + c.argument + '"'));
    refusing.harness.refuse(refusing.ask<CommandRequest>(lines), {Code::sys_temp, "not today"});
    CHECK(refusing.say("") == "-ERR [SYS/TEMP] not today\r\n");
    CHECK(is_error(refusing.command("PASS pw")));
    CHECK(proceeding.faults() + refusing.faults() == "");
  }
}

TEST_CASE("R96 R97 R135: what one session announces, changes and conceals") {
  Server server;
  for (const char* bad : {"", "A.B", "A  B", "TOP", "sasl PLAIN", "STLS", "UTF8", "LANG", "IMPLEMENTATION x", "A\r\nB"})
    CHECK_FALSE(server.session.announce(bad));
  CHECK(server.session.announce("X-A 1"));
  CHECK(server.session.announce("x-a 2"));
  CHECK(server.session.announce("X-B"));
  server.session.conceal("pipelining");
  server.session.conceal("PIPELINING");
  const std::string capa = server.command("CAPA");
  CHECK(capa.find("\r\nx-a 2\r\nX-B\r\n.\r\n") != std::string::npos);
  CHECK(capa.find("X-A 1") == std::string::npos);
  CHECK(capa.find("PIPELINING") == std::string::npos);
  server.log_in();
  CHECK(server.command("CAPA").find("\r\nx-a 2\r\n") != std::string::npos);
}

TEST_CASE("R254 R255: why a token is refused is told as a challenge, whose answer says nothing") {
  for (const bool old : {false, true}) {
    pop3::Config config = plain_config();
    config.mechanisms = {"OAUTHBEARER", "XOAUTH2"};
    config.oauth_scope = "mail \"all\"";
    config.oauth_configuration = "https://x\\y";
    Server server(config);
    server.say("");
    const std::string message = old ? "user=ann\x01"
                                      "auth=Bearer t\x01\x01"
                                    : "n,a=ann,\x01"
                                      "auth=Bearer t\x01\x01";
    const std::string reply =
        server.command(std::string("AUTH ") + (old ? "XOAUTH2 " : "OAUTHBEARER ") + tests::encoded(message));
    CHECK(tests::decoded(reply.substr(2, reply.size() - 4)) ==
          (old ? R"({"status":"401","schemes":"Bearer","scope":"mail \"all\""})"
               : R"({"status":"invalid_token","scope":"mail \"all\"","openid-configuration":"https://x\\y"})"));
    CHECK(server.command(old ? "" : "AQ==").find("-ERR [AUTH] ") == 0);
    CHECK(is_ok(server.log_in()));
    CHECK(server.faults() == "");
  }
}

TEST_CASE("an observed command that breaks a rule is refused without asking anybody") {
  Server server(with_verb("RETR"));
  server.log_in();
  CHECK(is_error(server.command("RETR 01")));
  CHECK_FALSE(server.saw("CommandRequest"));
  CHECK(is_ok(server.command("RETR 1")));
  CHECK(server.saw("CommandRequest"));
}

TEST_CASE("\"*\" in the list of commands is no verb that a client could say") {
  Server server(with_verb("*"));
  server.log_in();
  CHECK(is_error(server.command("*")));
  CHECK(is_error(server.command("* 1")));
  CHECK(is_ok(server.command("NOOP")));
  CHECK(server.saw("CommandRequest verb=NOOP"));
}

TEST_CASE("a verb of the application's own has letters, digits and hyphens, 3 to 12 of them") {
  using pop3::detail::is_verb;
  for (const char* good : {"ABC", "abc", "XYZ-9", "A-Z", "azAZ09", "ABCDEFGHIJKL"}) CHECK(is_verb(good));
  for (const char* bad : {"", "AB", "ABCDEFGHIJKLM", "A@B", "A[B", "A`B", "A{B", "A/B", "A:B", "A_B", "A B", "A,B"})
    CHECK_FALSE(is_verb(bad));
}

TEST_CASE("F-LOG: the commands whose words are secret are those of a login") {
  using pop3::Verb;
  for (unsigned i = 0; i < pop3::verb_count; ++i) {
    const auto verb = static_cast<Verb>(i);
    const bool of_login = verb == Verb::user || verb == Verb::pass || verb == Verb::apop || verb == Verb::auth;
    CHECK(pop3::detail::is_secret(verb) == of_login);
  }
}

TEST_CASE("R228: a catalogue whose tag no client could ask for is not listed") {
  pop3::Config config = plain_config();
  config.languages = {{"de", "Deutsch"}, {"not a tag", "x"}, {"", "y"}, {"fr", ""}};
  Server server(config);
  CHECK(server.command("LANG") == "+OK POP3 server ready\r\n+OK language listing follows\r\nde Deutsch\r\nfr\r\n.\r\n");
}

TEST_CASE("what the driver has for TLS is there only while a handshake is awaited") {
  Server server(with_stls());
  const auto login = server.ask<pop3::AuthRequest>("USER ann\r\nPASS pw\r\nNOOP\r\n");
  CHECK(server.session.unread_input().empty());
  CHECK(server.harness.accept(login) == Outcome::applied);
}

TEST_CASE("R252: a channel binding alone is fact enough for the -PLUS mechanisms") {
  pop3::Config config = with_stls();
  config.mechanisms = {"SCRAM-SHA-256-PLUS"};
  pop3::Connection connection;
  connection.nonce = "0123456789abcdef";
  Server server(config, connection);
  CHECK(server.command("CAPA").find("SASL") == std::string::npos);
  server.tls.exporter = "binding";
  CHECK(is_ok(server.command("STLS")));
  CHECK(server.command("CAPA").find("SASL SCRAM-SHA-256-PLUS\r\n") != std::string::npos);
}

TEST_CASE("a trace tells the whole body of an own verb, also behind a TOP") {
  pop3::Config config = with_verb("XBODY");
  config.trace = true;
  Server server(config);
  server.log_in();
  CHECK(is_ok(server.command("TOP 1 0")));
  const auto request = server.ask<CommandRequest>("XBODY\r\n");
  CHECK(server.harness.lend(request, "one\r\n\r\ntwo\r\nthree\r\n", Chunk::last) == Outcome::applied);
  server.say("");
  CHECK(server.session.take_trace().find("body 19 last") != std::string::npos);
  CHECK(server.faults() == "");
}

TEST_CASE("a command of the application's own ends a row of bad ones, however it is answered") {
  for (int way = 0; way < 3; ++way) {
    pop3::Config config = with_verb("XYZ");
    config.limits.bad_commands = 2;
    Server server(config);
    server.log_in();
    for (int i = 0; i < 3; ++i) {
      CHECK(is_error(server.command("BAD")));
      const auto request = server.ask<CommandRequest>("XYZ\r\n");
      const Outcome outcome = way == 0   ? server.harness.accept(request, "done")
                              : way == 1 ? server.harness.refuse(request)
                                         : server.harness.lend(request, "octets\r\n", Chunk::last);
      CHECK(outcome == Outcome::applied);
      server.say("");  // so that the answer is read
    }
    CHECK(is_ok(server.command("STAT")));
  }
}

TEST_CASE("R7: however long the text of a language is, the answer to LANG is one short line") {
  pop3::Config config = plain_config();
  config.languages = {{"de", "Deutsch"}};
  config.languages[0].texts[pop3::Text::language_set] = std::string(600, 'x');
  Server server(config);
  server.say("");
  CHECK(server.command("LANG de") == "+OK de " + std::string(400, 'x') + "\r\n");
}

TEST_CASE("R1 R224 R238: of a language's tag 100 octets are shown, and its line has 512 at most, whatever its name") {
  std::string tag = "de";
  while (tag.size() < 120) tag += "-12345678";
  pop3::Config config = plain_config();
  config.languages = {{tag, std::string(600, 'n')}};
  Server server(config);
  server.say("");
  const std::string head = tag.substr(0, 100);
  CHECK(server.command("LANG *").substr(0, 105) == "+OK " + head + ' ');
  const std::string list = server.command("LANG");
  const std::string line = list.substr(list.find('\n') + 1);
  CHECK(line == head + ' ' + std::string(512 - 100 - 1 - 2, 'n') + "\r\n.\r\n");
}
