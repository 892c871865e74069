// SPDX-License-Identifier: MIT
// The commands, seen from the wire.
#include <pop3/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "server.hpp"

namespace {

using pop3::Outcome;
using tests::first_line;
using tests::is_error;
using tests::is_ok;
using tests::Mail;
using tests::plain_config;
using tests::Server;
using tests::visible;

// ---- every command in every state ---------------------------------------------------------------------------------

struct Arguments {
  const char* what;
  const char* text;
};
constexpr Arguments arguments[] = {
    {"none", ""},
    {"one space", " "},
    {"a number", " 1"},
    {"two numbers", " 1 1"},
    {"a word", " ann"},
    {"two words", " ann lee"},
    {"40 octets", " xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
    {"a control octet", " a\x01"},
    {"a marked message", " 2"},
    {"zero", " 0"},
    {"a number too large", " 9"},
    {"a number beyond 32 bits", " 4294967297"},
    {"a name and a digest", " ann 0123456789abcdef0123456789abcdef"},
    {"a number and a space", " 1 "},
    {"two spaces and a number", "  1"},
    {"a mechanism", " PLAIN"},
    {"a mechanism and a response", " PLAIN AGFubgBwdw=="},
    {"an asterisk", " *"},
    {"a language", " de"},
};

// A column for each kind of arguments: '+' is +OK, '-' is -ERR without any effect, 'f' the same with a LoginFailed, '>'
// is a challenge, 'a' asks the application.
struct Row {
  const char* verb;
  const char* clear;       // AUTHORIZATION; no login without TLS
  const char* tls;         // AUTHORIZATION
  const char* after_user;  // AUTHORIZATION behind USER; login is allowed in the clear
  const char* transaction;
};
constexpr const char* none = "-------------------";
constexpr Row rows[] = {
    {"USER", none, "--+-+-+-++++---+-++", "--+-+-+-++++---+-++", none},
    {"PASS", "--fffff-fffffffffff", none, "--aaaaa-aaaaaaaaaaa", none},
    {"APOP", "------------a------", "------------a------", "------------a------", none},
    {"AUTH", "----------------f--", "--------------->a--", "--------------->a--", none},
    {"STLS", "+------------------", none, "+------------------", none},
    {"UTF8", "+------------------", "+------------------", "+------------------", none},
    {"LANG", "+----------------++", "+----------------++", "+----------------++", "+----------------++"},
    {"QUIT", "+------------------", "+------------------", "+------------------", "a------------------"},
    {"STAT", none, none, none, "+------------------"},
    {"LIST", none, none, none, "+-+----------------"},
    {"RETR", none, none, none, "--a----------------"},
    {"DELE", none, none, none, "--+----------------"},
    {"NOOP", none, none, none, "+------------------"},
    {"RSET", none, none, none, "+------------------"},
    {"TOP", none, none, none, "---a---------------"},
    {"UIDL", none, none, none, "+-+----------------"},
    {"CAPA", "+------------------", "+------------------", "+------------------", "+------------------"},
    {"XTND", none, none, none, "a-a-a-a-aaaa---a-aa"},  // of the application's own, with a word or none
    {"NOOPS", none, none, none, none},
    {"NO", none, none, none, none},
    {"", none, none, none, none},
};

enum class Where { clear, tls, after_user, transaction };
constexpr Where places[] = {Where::clear, Where::tls, Where::after_user, Where::transaction};

struct Table {
  Server server;
  explicit Table(Where where, pop3::Tolerance tolerate = {})
      : server(settings(where, tolerate), connection(where), {{"a", "1\r\n"}, {"b", "22\r\n"}, {"c", "333\r\n"}}) {
    server.say("");
    if (where == Where::after_user) server.command("USER ann");
    if (where != Where::transaction) return;
    server.log_in();
    server.command("DELE 2");
  }
  static pop3::Config settings(Where where, pop3::Tolerance tolerate) {
    pop3::Config config = plain_config();
    config.tolerate = tolerate;
    config.login_needs_tls = where == Where::clear || where == Where::tls;
    config.offer_stls = true;
    config.utf8 = pop3::Utf8::on;
    config.languages = {{"en", "English"}, {"de", "Deutsch"}};
    config.commands.push_back({"XTND", false, true, 0, 1});
    return config;
  }
  static pop3::Connection connection(Where where) {
    pop3::Connection connection = tests::with_apop();
    connection.encrypted = where == Where::tls;
    return connection;
  }

  // 'a' when the application is asked, else what the one reply begins with.
  char outcome(const std::string& line) {
    const std::size_t before = server.harness.output.size();
    server.harness.feed(line + "\r\n");
    const auto event = server.harness.poll();
    const bool failed = event && std::holds_alternative<pop3::LoginFailed>(*event);
    while (server.harness.take_output(~std::size_t{0}) > 0) {
    }
    const std::string reply = server.harness.output.substr(before);
    if (event && !failed) return reply.empty() ? 'a' : '!';
    if (is_error(reply) && reply.find('\n') == reply.size() - 1) return failed ? 'f' : '-';
    if (reply == "+ \r\n") return '>';
    return is_ok(reply) && !failed ? '+' : '!';
  }

  // Whether all is as it was: the state, the marks, and that one can still log in.
  std::string changed(Where where, std::size_t events) {
    if (server.harness.events.size() != events) return "an event";
    if (where == Where::transaction) {
      if (server.session.state() != pop3::State::transaction) return "the state";
      if (server.command("STAT") != "+OK 2 8\r\n" || server.session.counters().marked != 1) return "the marks";
      return "";
    }
    if (server.session.state() != pop3::State::authorization) return "the state";
    if (!is_error(server.command("PASS pw"))) return "the user is not forgotten";
    if (where == Where::clear && !is_ok(server.command("STLS"))) return "no TLS any more";
    server.log_in();
    return server.session.state() == pop3::State::transaction ? "" : "no login any more";
  }
};

}  // namespace

TEST_CASE(
    "R3-R6 R14-R16 R36 R39-R45 R52 R56 R57 R61 R63 R65 R70 R94 R138-R140 R160 R177 R205 R223 R238 R239 F-N3b F-NUM "
    "F-STATE F-PE9: each command in each "
    "state with arguments of each kind, what fails changes nothing") {
  unsigned played = 0;
  for (const Row& row : rows) {
    for (const Where where : places) {
      const std::string wanted = where == Where::clear        ? row.clear
                                 : where == Where::tls        ? row.tls
                                 : where == Where::after_user ? row.after_user
                                                              : row.transaction;
      for (std::size_t i = 0; i < sizeof arguments / sizeof arguments[0]; ++i) {
        CAPTURE(row.verb);
        CAPTURE(static_cast<int>(where));
        CAPTURE(arguments[i].what);
        Table table(where);
        const std::size_t events = table.server.harness.events.size();
        const char outcome = table.outcome(std::string(row.verb) + arguments[i].text);
        CHECK(std::string(1, outcome) == wanted.substr(i, 1));
        if (outcome == '-') CHECK(table.changed(where, events) == "");
        if (outcome == 'f') CHECK(table.changed(where, events + 1) == "");
        CHECK(table.server.faults() == "");
        ++played;
      }
    }
  }
  CHECK(played == 21 * 4 * 19);
}

TEST_CASE("R2 R14 F-DOS F-EMPTY: lines that are no commands get one -ERR each, and the next line is served") {
  const std::string lines[] = {"",
                               " ",
                               "   ",
                               "\t",
                               ":",
                               "\r",
                               "NOOP\rNOOP",
                               "NOOP\nNOOP",
                               "\nNOOP",
                               std::string("NOOP\0", 5),
                               std::string("\0", 1),
                               "\xFF\xFE",
                               "NOOP\x80",
                               "%s%n",
                               "GET / HTTP/1.1",
                               std::string(510, 'x'),
                               std::string(511, 'x'),
                               std::string(5000, ' '),
                               "NOOP " + std::string(600, 'x'),
                               std::string(1000, '\r')};
  for (const std::string& line : lines) {
    CAPTURE(visible(line.substr(0, 40)));
    CAPTURE(line.size());
    Server server;
    server.log_in();
    const std::string reply = server.command(line);
    CHECK(is_error(reply));
    CHECK(reply.find('\n') == reply.size() - 1);
    CHECK(server.session.counters().bad_commands == 1);
    CHECK(server.command("NOOP") == "+OK\r\n");
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R88: the longest command that is taken, and the shortest that is not") {
  for (const std::size_t limit : {0U, 255U, 300U, 512U, 4096U}) {
    pop3::Config config = plain_config();
    config.limits.command_line = limit;
    const std::size_t line = limit < 255 ? 255 : limit;  // RFC 2449, 4
    CAPTURE(line);
    Server server(config);
    server.say("");
    CHECK(is_ok(server.command("USER " + std::string(line - 7, 'x'))));
    CHECK(is_error(server.command("USER " + std::string(line - 6, 'x'))));
    CHECK(server.session.counters().bad_commands == 1);
    CHECK(is_ok(server.command("USER " + std::string(line - 7, 'x'))));
    server.command("PASS " + std::string(line - 7, 'y'));
    CHECK(server.saw("AuthRequest user=\"" + std::string(line - 7, 'x') + "\" password=\"" +
                     std::string(line - 7, 'y') + "\" method=USER encrypted=no"));
    CHECK(server.faults() == "");
  }
}

// ---- AUTHORIZATION ------------------------------------------------------------------------------------------------

TEST_CASE("R22 R24 R62 F-PE13: who logs in is asked with name and password as they were sent, and all is undeleted") {
  Server server;
  CHECK(is_ok(server.say("")));
  const std::string unknown = server.command("USER nobody");
  CHECK(unknown == server.command("USER ann"));
  server.command("PASS a long  pass phrase ");
  CHECK(server.saw("AuthRequest user=\"ann\" password=\"a long  pass phrase \" method=USER encrypted=no"));
  CHECK(is_ok(server.log_in()));
  CHECK(server.saw("ListRequest user=\"ann\""));
  CHECK(server.session.state() == pop3::State::transaction);
  CHECK(server.command("LIST") == "+OK scan listing follows\r\n1 31\r\n2 22\r\n.\r\n");
  CHECK(server.session.counters().marked == 0);
  CHECK(server.faults() == "");
}

TEST_CASE("R61 R63 R65: PASS is taken directly behind USER and nowhere else") {
  struct Case {
    const char* lines;
    const char* asked;  // user of the AuthRequest; null = none
  };
  static constexpr Case cases[] = {
      {"PASS pw\r\n", nullptr},
      {"USER ann\r\nPASS pw\r\n", "ann"},
      {"USER eve\r\nUSER ann\r\nPASS pw\r\n", "ann"},
      {"USER ann\r\nUSER\r\nPASS pw\r\n", nullptr},
      {"USER ann\r\nCAPA\r\nPASS pw\r\n", nullptr},
      {"USER ann\r\nNOOP\r\nPASS pw\r\n", nullptr},
      {"USER ann\r\nXYZ\r\nPASS pw\r\n", nullptr},
      {"USER ann\r\n\r\nPASS pw\r\n", nullptr},
      {"USER ann\r\nPASS\r\nPASS pw\r\n", nullptr},
      {"USER ann\r\nPASS \r\nPASS pw\r\n", nullptr},
      {"USER ann\r\nPASS p\x80\r\nPASS pw\r\n", nullptr},
      {"USER ann\r\nQUIT x\r\nPASS pw\r\n", nullptr},
      {"USER ann lee\r\nPASS pw\r\n", nullptr},
  };
  for (const Case& c : cases) {
    CAPTURE(visible(c.lines));
    Server server;
    server.say(c.lines);
    const std::string asked = c.asked == nullptr ? ""
                                                 : "AuthRequest user=\"" + std::string(c.asked) +
                                                       "\" password=\"pw\" method=USER encrypted=no attempt=1";
    CHECK((server.harness.events.empty() ? "" : server.harness.events[0]) == asked);
  }
  // A line that is too long is a command in between as well, and a failed PASS wants a new USER.
  Server server;
  server.say("USER ann\r\n" + std::string(600, 'x') + "\r\nPASS pw\r\n");
  CHECK(server.harness.events.empty());
  server.say("USER ann\r\nPASS wrong\r\nPASS pw\r\n");
  CHECK(server.session.state() == pop3::State::authorization);
  CHECK(server.harness.events.size() == 1);
  CHECK(is_ok(server.log_in()));
}

TEST_CASE("R66 R70: APOP exists if the connection has a challenge, and CAPA does not name it") {
  const std::string line = "APOP ann 0123456789abcdef0123456789abcdef";
  for (const char* challenge : {"", "no msg-id", "<a b@c>", "<1@x>"}) {
    CAPTURE(challenge);
    pop3::Connection connection;
    connection.apop_challenge = challenge;
    Server server(plain_config(), connection);
    const bool on = std::string(challenge) == "<1@x>";
    CHECK(server.say("") == std::string("+OK POP3 server ready") + (on ? " <1@x>" : "") + "\r\n");
    CHECK(is_error(server.command(line)));
    CHECK(server.saw("DigestRequest user=\"ann\" digest=\"0123456789abcdef0123456789abcdef\" challenge=\"<1@x>\"") ==
          on);
    CHECK(server.session.counters().bad_commands == (on ? 0 : 1));
    CHECK(server.session.counters().failed_logins == (on ? 1 : 0));
    CHECK(server.command("CAPA").find("APOP") == std::string::npos);
  }
}

TEST_CASE("R66: the challenge is copied: the one of the connection may go away") {
  const pop3::Config config = plain_config();
  std::string challenge = "<1@x>";
  pop3::Connection connection;
  connection.apop_challenge = challenge;
  tests::Harness harness(config, connection);
  challenge = "<2@y>";
  harness.poll();
  harness.take_output(100);
  CHECK(harness.output == "+OK POP3 server ready <1@x>\r\n");
}

TEST_CASE("R105 F-PE7: passwords in the clear are refused and not announced, and nothing is asked") {
  for (const bool encrypted : {false, true}) {
    CAPTURE(encrypted);
    pop3::Connection connection;
    connection.encrypted = encrypted;
    Server server(pop3::Config{}, connection);
    server.say("");
    CHECK(server.session.encrypted() == encrypted);
    CHECK((server.command("CAPA").find("\r\nUSER\r\n") != std::string::npos) == encrypted);
    CHECK(is_ok(server.command("USER ann")) == encrypted);
    CHECK(is_ok(server.command("PASS pw")) == encrypted);
    CHECK(server.saw("AuthRequest user=\"ann\"") == encrypted);
    CHECK(server.saw("LoginFailed fault=not_encrypted user=\"\" method=USER") == !encrypted);
    CHECK(server.session.counters().logins == (encrypted ? 1 : 0));  // RFC 8314, 4.1: not looked at
  }
}

TEST_CASE("R30 R50: QUIT before login says +OK, closes, and touches no maildrop") {
  for (const char* before : {"", "USER ann\r\n", "USER ann\r\nPASS wrong\r\n"}) {
    Server server;
    server.say(before);
    CHECK(is_ok(server.command("QUIT")));
    CHECK(server.harness.events.back() == "Closed quit release=no");
    CHECK_FALSE(server.saw("CommitRequest numbers="));
    CHECK(server.session.finished());
  }
}

// ---- TRANSACTION --------------------------------------------------------------------------------------------------

TEST_CASE("R28 R31-R37 R40-R42 R44 R57 F-LIST F-PE8 F-PE9 F-AX F-UID: all listings, for every set of marks") {
  const std::vector<Mail> mails = {{"uid-a", "1\r\n"}, {"b", "4444\r\n"}, {"~", std::string(998, 'x') + "\r\n"}};
  const std::size_t sizes[] = {3, 6, 1000};
  for (unsigned mask = 0; mask < 8; ++mask) {
    CAPTURE(mask);
    Server server(plain_config(), {}, mails);
    server.log_in();
    std::string list = "+OK scan listing follows\r\n", uidl = "+OK unique-id listing follows\r\n", numbers;
    std::size_t count = 0, octets = 0;
    for (unsigned i = 0; i < 3; ++i) {
      const std::string n = std::to_string(i + 1);
      if (mask >> i & 1) {
        CHECK(is_ok(server.command("DELE " + n)));
        numbers += (numbers.empty() ? "" : ",") + n;
        continue;
      }
      list += n + ' ' + std::to_string(sizes[i]) + "\r\n";
      uidl += n + ' ' + mails[i].uid + "\r\n";
      ++count, octets += sizes[i];
    }
    const std::string stat = "+OK " + std::to_string(count) + ' ' + std::to_string(octets) + "\r\n";
    CHECK(server.command("STAT") == stat);
    CHECK(server.command("LIST") == list + ".\r\n");
    CHECK(server.command("UIDL") == uidl + ".\r\n");
    for (unsigned i = 0; i < 3; ++i) {
      const std::string n = std::to_string(i + 1);
      const bool marked = mask >> i & 1;
      CAPTURE(n);
      const std::string one_list = server.command("LIST " + n), one_uidl = server.command("UIDL " + n);
      CHECK((marked ? is_error(one_list) : one_list == "+OK " + n + ' ' + std::to_string(sizes[i]) + "\r\n"));
      CHECK((marked ? is_error(one_uidl) : one_uidl == "+OK " + n + ' ' + mails[i].uid + "\r\n"));
      CHECK(is_error(server.command("RETR " + n)) == marked);
      CHECK(is_error(server.command("TOP " + n + " 0")) == marked);
      if (marked) CHECK(is_error(server.command("DELE " + n)));
    }
    CHECK(server.command("STAT") == stat);
    if (mask & 4) {  // take the marks back, and mark others
      CHECK(server.command("RSET") == "+OK\r\n");
      CHECK(server.command("STAT") == "+OK 3 1009\r\n");
      CHECK(server.command("UIDL") == "+OK unique-id listing follows\r\n1 uid-a\r\n2 b\r\n3 ~\r\n.\r\n");
      server.command("DELE 2");
      numbers = "2";
    }
    server.command("QUIT");
    CHECK(server.saw("CommitRequest numbers=" + numbers));
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R10 R34 F-EMPTY: an empty maildrop, and one with everything marked") {
  for (const bool marked : {false, true}) {
    Server server(plain_config(), {}, marked ? std::vector<Mail>{{"u", "x\r\n"}} : std::vector<Mail>{});
    server.log_in();
    if (marked) server.command("DELE 1");
    CHECK(server.command("STAT") == "+OK 0 0\r\n");
    CHECK(server.command("LIST") == "+OK scan listing follows\r\n.\r\n");
    CHECK(server.command("UIDL") == "+OK unique-id listing follows\r\n.\r\n");
    CHECK(is_error(server.command("LIST 1")));
  }
}

TEST_CASE("R104 R124 F-CAPA: TOP and UIDL that are not offered are not announced and not known") {
  for (const bool offered : {false, true}) {
    CAPTURE(offered);
    pop3::Config config = plain_config();
    config.top = config.uidl = offered;
    Server server(config, {}, {{offered ? "u" : "", "a\r\n\r\nb\r\n"}});
    server.log_in();
    const std::string capa = server.command("CAPA");
    CHECK((capa.find("\r\nTOP\r\n") != std::string::npos) == offered);
    CHECK((capa.find("\r\nUIDL\r\n") != std::string::npos) == offered);
    CHECK(is_ok(server.command("TOP 1 0")) == offered);
    CHECK(is_ok(server.command("UIDL")) == offered);
    CHECK(is_ok(server.command("UIDL 1")) == offered);
    CHECK(is_ok(server.command("RETR 1")));
  }
}

TEST_CASE("R94 R98 F-CAPA: CAPA is the same before and after login, and is no multi-line surprise") {
  pop3::Config config = plain_config();
  config.implementation = "mailwire";
  config.capabilities = {"EXPIRE NEVER"};
  Server server(config);
  server.say("");
  const std::string before = server.command("CAPA");
  CHECK(before ==
        "+OK capability list follows\r\nTOP\r\nUIDL\r\nUSER\r\nSASL "
        "PLAIN\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
        "IMPLEMENTATION mailwire\r\nEXPIRE NEVER\r\n.\r\n");
  server.log_in();
  CHECK(server.command("CAPA") == before);
}

TEST_CASE("R53-R55 F-TOP F-PE11: TOP of a message, line by line, and all of it is what RETR sends") {
  const std::string header = "A: 1\r\nB: 2\r\n\r\n";
  const char* const body[] = {"one\r\n", "\r\n", ".\r\n", "four\r\n"};
  const char* const sent[] = {"one\r\n", "\r\n", "..\r\n", "four\r\n"};
  std::string all = header, wanted = header;
  for (const char* line : body) all += line;
  Server server(plain_config(), {}, {{"u", all}});
  server.log_in();
  const std::string retr = server.command("RETR 1");
  for (std::size_t n = 0; n <= 6; ++n) {
    CAPTURE(n);
    CHECK(visible(server.command("TOP 1 " + std::to_string(n))) ==
          visible("+OK top of message follows\r\n" + wanted + ".\r\n"));
    if (n < 4) wanted += sent[n];
  }
  const std::string top = server.command("TOP 1 18446744073709551615");
  CHECK(top.substr(top.find('\n')) == retr.substr(retr.find('\n')));
  CHECK(server.session.counters().tops == 8);
  CHECK(server.session.counters().retrieved == 1);
  CHECK(server.faults() == "");
}

// ---- pipelining ---------------------------------------------------------------------------------------------------

TEST_CASE("R16 R51 R114 F-PE2: commands sent at once are answered each, once and in order, none behind QUIT") {
  const char* const lines[] = {"USER ann", "PASS pw", "STAT", "XYZ", "RETR 2", "DELE 1", "LIST 1",
                               "UIDL",     "TOP 2 0", "RSET", "",    "LIST",   "DELE 2", "QUIT"};
  Server lockstep, pipelined;
  std::string wanted = lockstep.say(""), all;
  for (const char* line : lines) {
    wanted += lockstep.command(line);
    all += std::string(line) + "\r\n";
  }
  CHECK(pipelined.say(all + "NOOP\r\nSTAT\r\nDELE 1\r\n") == wanted);
  CHECK(pipelined.harness.events == lockstep.harness.events);
  CHECK(pipelined.saw("CommitRequest numbers=2"));
  CHECK(pipelined.session.counters().commands == sizeof lines / sizeof lines[0]);
  CHECK(pipelined.session.counters().bad_commands == 2);
  CHECK(pipelined.faults() == "");
}

TEST_CASE("R2: with bare LF allowed, both line ends may be mixed, without, a bare LF is an octet of a bad line") {
  for (const bool lenient : {false, true}) {
    CAPTURE(lenient);
    pop3::Config config = plain_config();
    config.tolerate.bare_lf = lenient;
    Server server(config);
    server.say("");
    server.say("USER ann\nPASS pw\r\n");
    CHECK((server.session.state() == pop3::State::transaction) == lenient);
    CHECK(server.session.counters().commands == (lenient ? 2 : 1));
  }
}

// ---- what goes wrong in a row -------------------------------------------------------------------------------------

TEST_CASE("F-DOS: so many bad commands in a row end the session, a good one between starts the count anew") {
  for (const unsigned limit : {0U, 1U, 3U, 20U}) {
    CAPTURE(limit);
    pop3::Config config = plain_config();
    config.limits.bad_commands = limit;
    Server server(config);
    server.log_in();
    for (unsigned i = 1; i < (limit == 0 ? 100 : limit); ++i) CHECK(is_error(server.command("XYZ")));
    CHECK(is_ok(server.command("NOOP")));
    for (unsigned i = 1; i < (limit == 0 ? 100 : limit); ++i) CHECK(is_error(server.command("")));
    CHECK_FALSE(server.session.finished());
    const std::string last = server.say(std::string(600, 'x') + "\r\nNOOP\r\n");
    CHECK(is_error(last));
    CHECK(server.session.finished() == (limit > 0));
    if (limit > 0) {
      CHECK(last.find('\n') == last.size() - 1);
      CHECK(server.harness.events.back() == "Closed bad_commands release=yes");
    }
  }
}

TEST_CASE("F-DOS: a line that does not end ends the session") {
  pop3::Config config = plain_config();
  config.limits.endless_line = 2000;
  {
    Server server(config);
    server.log_in();
    CHECK(is_error(server.say(std::string(1998, 'x') + "\r\n")));
    CHECK(is_ok(server.command("NOOP")));
  }
  {
    Server server(config);
    server.log_in();
    CHECK(server.say(std::string(1999, 'x')) == "");
    const std::string last = server.say("x");
    CHECK(is_error(last));
    CHECK(server.harness.events.back() == "Closed endless_line release=yes");
  }
  config.limits.endless_line = 0;
  {
    Server server(config);
    server.log_in();
    CHECK(server.say(std::string(300'000, 'x')) == "");
    CHECK(is_error(server.command("")));
    CHECK(is_ok(server.command("NOOP")));
    CHECK(server.faults() == "");
  }
}

// ---- rules that may be relaxed ------------------------------------------------------------------------------------

namespace {

using pop3::Rule;

struct Relaxed {
  Where where;
  const char* good;
  const char* bad;  // the same, but for one broken rule
  Rule rule;
};
// Every verb with every rule that it can break.
constexpr Relaxed relaxed[] = {
    {Where::tls, "USER ann", "USER  ann", Rule::spaces},
    {Where::tls, "USER ann", "USER\tann ", Rule::spaces},
    {Where::tls, "USER ann", "USER \xE4nn", Rule::eight_bit},
    {Where::after_user, "PASS pw", " PASS pw", Rule::spaces},
    {Where::after_user, "PASS pw", "PASS p\xFCw", Rule::eight_bit},
    {Where::tls, "APOP ann 0123456789abcdef0123456789abcdef", "APOP ann  0123456789abcdef0123456789abcdef",
     Rule::spaces},
    {Where::tls, "APOP ann 0123456789abcdef0123456789abcdef", "APOP \xFF 0123456789abcdef0123456789abcdef",
     Rule::eight_bit},
    {Where::tls, "AUTH PLAIN", "AUTH  PLAIN ", Rule::spaces},
    {Where::tls, "CAPA", "AUTH", Rule::auth_list},
    {Where::clear, "STLS", "STLS ", Rule::spaces},
    {Where::tls, "UTF8", " UTF8", Rule::spaces},
    {Where::tls, "LANG de", "LANG  de", Rule::spaces},
    {Where::transaction, "LANG", "LANG ", Rule::spaces},
    {Where::tls, "QUIT", "QUIT ", Rule::spaces},
    {Where::transaction, "QUIT", " QUIT", Rule::spaces},
    {Where::transaction, "STAT", "STAT\t", Rule::spaces},
    {Where::transaction, "LIST 1", "LIST  1", Rule::spaces},
    {Where::transaction, "LIST 1", "LIST 01", Rule::leading_zeros},
    {Where::transaction, "RETR 1", "RETR 1 ", Rule::spaces},
    {Where::transaction, "RETR 1", "RETR 001", Rule::leading_zeros},
    {Where::transaction, "DELE 1", " DELE 1", Rule::spaces},
    {Where::transaction, "DELE 1", "DELE 01", Rule::leading_zeros},
    {Where::transaction, "NOOP", "NOOP    ", Rule::spaces},
    {Where::transaction, "RSET", " \tRSET", Rule::spaces},
    {Where::transaction, "TOP 1 1", "TOP 1  1", Rule::spaces},
    {Where::transaction, "TOP 1 1", "TOP 1 01", Rule::leading_zeros},
    {Where::transaction, "UIDL 1", "UIDL 1\t", Rule::spaces},
    {Where::transaction, "UIDL 1", "UIDL 01", Rule::leading_zeros},
    {Where::transaction, "CAPA", "CAPA ", Rule::spaces},
};

pop3::Tolerance tolerance(unsigned mask) {
  pop3::Tolerance tolerate;
  const auto has = [mask](Rule rule) { return (mask >> static_cast<unsigned>(rule) & 1) != 0; };
  tolerate.bare_lf = has(Rule::bare_lf);
  tolerate.spaces = has(Rule::spaces);
  tolerate.leading_zeros = has(Rule::leading_zeros);
  tolerate.eight_bit = has(Rule::eight_bit);
  tolerate.auth_list = has(Rule::auth_list);
  return tolerate;
}
// How often each rule was broken: "01000".
std::string broken(const Server& server) {
  std::string text;
  for (const std::uint32_t count : server.session.counters().broken) text += std::to_string(count);
  return text;
}
std::string only(Rule rule) {
  std::string text(pop3::rule_count, '0');
  text[static_cast<std::size_t>(rule)] = '1';
  return text;
}

}  // namespace

TEST_CASE("R3 R4 R36: a command that breaks a rule is taken if that one is relaxed, and counted in any case") {
  unsigned played = 0;
  for (const Relaxed& c : relaxed) {
    for (unsigned mask = 0; mask < 1U << pop3::rule_count; ++mask) {
      CAPTURE(visible(c.bad));
      CAPTURE(mask);
      const bool tolerated = (mask >> static_cast<unsigned>(c.rule) & 1) != 0;
      Table good(c.where, tolerance(mask)), bad(c.where, tolerance(mask));
      const std::uint64_t before = bad.server.session.counters().bad_commands;
      const char right = good.outcome(c.good);
      CHECK(right != '-');
      CHECK(std::string(1, bad.outcome(c.bad)) == std::string(1, tolerated ? right : '-'));
      CHECK(broken(bad.server) == only(c.rule));
      CHECK(broken(good.server) == "00000");
      CHECK(bad.server.session.counters().bad_commands == before + (tolerated ? 0 : 1));
      if (!tolerated && c.where != Where::clear) {
        // It is not counted as a command of its kind, and PASS wants a new USER.
        CHECK(
            bad.server.session.counters().by_verb[static_cast<std::size_t>(pop3::detail::parse_command(c.bad).verb)] ==
            (std::string(c.bad) == " DELE 1" || std::string(c.bad) == "DELE 01" ? 1 : 0));
        if (c.where == Where::after_user) CHECK(is_error(bad.server.command("PASS pw")));
      }
      ++played;
    }
  }
  CHECK(played == sizeof relaxed / sizeof relaxed[0] * 32);
}

TEST_CASE("R3 R36: a line that breaks two rules is taken if both are relaxed") {
  for (unsigned mask = 0; mask < 32; ++mask) {
    CAPTURE(mask);
    Table table(Where::transaction, tolerance(mask));
    const bool both = (mask & 6) == 6;
    CHECK(std::string(1, table.outcome(" LIST  007")) == "-");  // there is no such message
    CHECK(std::string(1, table.outcome("LIST  001")) == (both ? "+" : "-"));
    CHECK(broken(table.server) == "02200");
  }
}

TEST_CASE("R2: bare LF ends a command if that is relaxed, each is counted, and in a line it is counted once") {
  for (const bool tolerated : {false, true}) {
    CAPTURE(tolerated);
    pop3::Config config = plain_config();
    config.tolerate.bare_lf = tolerated;
    Server server(config);
    server.log_in();
    const std::string reply = server.say("NOOP\nNOOP\nNOOP\r\n");
    CHECK(reply == (tolerated ? "+OK\r\n+OK\r\n+OK\r\n" : "-ERR unknown command\r\n"));
    CHECK(broken(server) == (tolerated ? "20000" : "10000"));
  }
}

TEST_CASE("R216-R218 F-UTF8: with UTF8 USER a name or password of UTF-8 breaks no rule, one that is no UTF-8 does") {
  for (const pop3::Utf8 utf8 : {pop3::Utf8::off, pop3::Utf8::on, pop3::Utf8::user}) {
    for (const bool eight_bit : {false, true}) {
      for (const bool well_formed : {false, true}) {
        for (const bool said : {false, true}) {
          CAPTURE(static_cast<int>(utf8));
          CAPTURE(eight_bit);
          CAPTURE(well_formed);
          pop3::Config config = plain_config();
          config.utf8 = utf8;
          config.tolerate.eight_bit = eight_bit;
          Server server(config);
          server.say("");
          if (said) server.command("UTF8");  // may come later (RFC 6856, 2.2)
          const std::string name = well_formed ? "\xC3\xA4nn" : "\xE4nn";
          const bool rule_kept = utf8 == pop3::Utf8::user && well_formed;
          CHECK(is_ok(server.command("USER " + name)) == (rule_kept || eight_bit));
          CHECK(broken(server) == (rule_kept ? "00000" : "00010"));
          server.command("USER ann");
          server.command("PASS " + name);
          CHECK(server.saw("AuthRequest user=\"ann\" password=\"" + visible(name) + '"') == (rule_kept || eight_bit));
          CHECK(broken(server) == (rule_kept ? "00000" : "00020"));
        }
      }
    }
  }
}

TEST_CASE("R174: AUTH alone lists what SASL announces, if that is relaxed") {
  for (const bool encrypted : {false, true}) {
    pop3::Config config;
    config.tolerate.auth_list = true;
    config.mechanisms = {"PLAIN", "ANONYMOUS", "CRAM-MD5", {"X-OWN"}};
    pop3::Connection connection;
    connection.encrypted = encrypted;
    Server server(config, connection);
    server.say("");
    CHECK(server.command("AUTH") == std::string("+OK mechanism list follows\r\n") + (encrypted ? "PLAIN\r\n" : "") +
                                        "ANONYMOUS\r\nX-OWN\r\n.\r\n");
    CHECK(server.command("CAPA").find(encrypted ? "\r\nSASL PLAIN ANONYMOUS X-OWN\r\n"
                                                : "\r\nSASL ANONYMOUS X-OWN\r\n") != std::string::npos);
  }
}

TEST_CASE("counters tell every verb apart") {
  Server server;
  server.say(
      "CAPA\r\nUSER ann\r\nPASS no\r\nUSER ann\r\nPASS pw\r\nSTAT\r\nRETR 1\r\nRETR 9\r\nRETR\r\nXYZ\r\nSTAT "
      "x\r\nQUIT\r\n");
  std::string text;
  for (std::size_t i = 0; i < pop3::verb_count; ++i) {
    const std::uint32_t count = server.session.counters().by_verb[i];
    const auto verb = static_cast<pop3::Verb>(i);
    if (count > 0) text += std::string(pop3::detail::info(verb).name) + '=' + std::to_string(count) + ' ';
  }
  CHECK(text == "USER=2 PASS=2 QUIT=1 STAT=1 RETR=2 CAPA=1 ");
  CHECK(server.session.counters().logins == 2);
}
