// SPDX-License-Identifier: MIT
#include <pop3/detail/command.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "harness.hpp"  // visible()

namespace {

using pop3::Rule;
using pop3::Verb;
using pop3::detail::Command;
using pop3::detail::info;
using pop3::detail::parse_command;
using pop3::detail::verbs;
using tests::visible;

// Everything about a command in one line: "LIST ok number=1".
std::string told(std::string_view line) {
  const Command c = parse_command(line);
  std::string text(c.verb == Verb::other ? "?" : info(c.verb).name);
  const bool good = c.well_formed && c.broken.none();
  text += good ? " ok" : " bad";
  if (!good) return text;
  if (!c.name.empty()) text += " name=" + std::string(c.name);
  if (!c.secret.empty()) text += " secret=" + std::string(c.secret);
  if (c.initial) text += " initial=" + std::string(*c.initial);
  if (c.number) text += " number=" + std::to_string(*c.number);
  if (c.verb == Verb::top) text += " lines=" + std::to_string(c.lines);
  return text;
}

struct Case {
  const char* line;
  const char* told;
};

}  // namespace

TEST_CASE("R1 R5: verbs are found in any case, and nothing but verbs is") {
  std::set<std::string> names;
  for (std::size_t i = 0; i < sizeof verbs / sizeof verbs[0]; ++i) {
    const std::string name(verbs[i].name);
    names.insert(name);
    CAPTURE(name);
    CHECK((name.size() == 3 || name.size() == 4));
    CHECK(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ8") == std::string::npos);
    for (unsigned mask = 0; mask < 16; ++mask) {
      std::string spelled = name;
      for (std::size_t k = 0; k < spelled.size(); ++k)
        if ((mask >> k & 1) && spelled[k] != '8') spelled[k] = static_cast<char>(spelled[k] | 0x20);
      CHECK(pop3::detail::find_verb(spelled) == static_cast<Verb>(i));
    }
    for (const std::string& other :
         {name + "X", name.substr(1), name.substr(0, name.size() - 1), " " + name, name + '\0', name + '\t',
          std::string(1, static_cast<char>(name[0] | 0x80)) + name.substr(1)})
      CHECK(pop3::detail::find_verb(other) == Verb::other);
  }
  CHECK(names.size() == 17);
  CHECK(static_cast<std::size_t>(Verb::other) == names.size());
  for (const char* word : {"", "XTND", "HELP", "DEBUG", "STARTTLS", "ENABLE"}) {
    CAPTURE(word);
    CHECK(pop3::detail::find_verb(word) == Verb::other);
  }
}

TEST_CASE("R15 R43 R44 R45 R51 R61 R70 R94 R139 R177 R205 R223 F-STATE: in which state each verb is taken") {
  std::string authorization, transaction;
  for (const auto& verb : verbs) {
    if (verb.in_authorization) authorization += std::string(verb.name) + ' ';
    if (verb.in_transaction) transaction += std::string(verb.name) + ' ';
  }
  CHECK(authorization == "USER PASS APOP AUTH STLS UTF8 LANG QUIT CAPA ");
  CHECK(transaction == "LANG QUIT STAT LIST RETR DELE NOOP RSET TOP UIDL CAPA ");
}

TEST_CASE("R3 R4 R14 R36 R52 R64 R68 R138 R205 F-N3b F-NUM F-PE11 F-PE13: lines and what they say") {
  static constexpr Case cases[] = {
      {"", "? bad"},
      {" ", "? bad"},
      {" NOOP", "NOOP bad"},
      {"NOOP", "NOOP ok"},
      {"noop", "NOOP ok"},
      {"NOOP ", "NOOP bad"},
      {"NOOP x", "NOOP bad"},
      {"NOOP\t", "NOOP bad"},
      {"NOOPX", "? bad"},
      {"QUIT", "QUIT ok"},
      {"QUIT now", "QUIT bad"},
      {"STAT 1", "STAT bad"},
      {"RSET 1", "RSET bad"},
      {"CAPA x", "CAPA bad"},
      {"USER", "USER bad"},
      {"USER ", "USER bad"},
      {"USER ann", "USER ok name=ann"},
      {"user ANN", "USER ok name=ANN"},
      {"USER  ann", "USER bad"},
      {"USER ann ", "USER bad"},
      {"USER ann lee", "USER bad"},
      {"USER ann\tlee", "USER bad"},
      {"USER <ann@x>", "USER ok name=<ann@x>"},
      {"USER ann\x7F", "USER bad"},
      {"USER \xC3\xA4nn", "USER bad"},
      {"PASS", "PASS bad"},
      {"PASS ", "PASS bad"},
      {"PASS pw", "PASS ok secret=pw"},
      {"PASS a pass phrase", "PASS ok secret=a pass phrase"},
      {"PASS  leading", "PASS ok secret= leading"},
      {"PASS trailing ", "PASS ok secret=trailing "},
      {"PASS  ", "PASS ok secret= "},
      {"PASS pw\x01", "PASS bad"},
      {"PASS p\xFCw", "PASS bad"},
      {"APOP", "APOP bad"},
      {"APOP ann", "APOP bad"},
      {"APOP ann ", "APOP bad"},
      {"APOP ann c4c9334bac560ecc979e58001b3e22fb", "APOP ok name=ann secret=c4c9334bac560ecc979e58001b3e22fb"},
      {"APOP ann c4c9334bac560ecc979e58001b3e22f", "APOP bad"},
      {"APOP ann c4c9334bac560ecc979e58001b3e22fb0", "APOP bad"},
      {"APOP ann C4C9334BAC560ECC979E58001B3E22FB", "APOP bad"},
      {"APOP ann c4c9334bac560ecc979e58001b3e22fg", "APOP bad"},
      {"APOP ann  c4c9334bac560ecc979e58001b3e22fb", "APOP bad"},
      {"APOP ann c4c9334bac560ecc979e58001b3e22fb ", "APOP bad"},
      {"APOP  c4c9334bac560ecc979e58001b3e22fb", "APOP bad"},
      {"LIST", "LIST ok"},
      {"LIST ", "LIST bad"},
      {"LIST 1", "LIST ok number=1"},
      {"LIST 0", "LIST ok number=0"},
      {"LIST 4294967297", "LIST ok number=4294967297"},
      {"LIST 18446744073709551615", "LIST ok number=18446744073709551615"},
      {"LIST 18446744073709551616", "LIST bad"},
      {"LIST 18446744073709551617", "LIST bad"},
      {"LIST 01", "LIST bad"},
      {"LIST +1", "LIST bad"},
      {"LIST -1", "LIST bad"},
      {"LIST 1a", "LIST bad"},
      {"LIST 1 ", "LIST bad"},
      {"LIST 1 2", "LIST bad"},
      {"LIST  1", "LIST bad"},
      {"LIST 1\v", "LIST bad"},
      {"LIST one", "LIST bad"},
      {"UIDL", "UIDL ok"},
      {"UIDL 2", "UIDL ok number=2"},
      {"UIDL x", "UIDL bad"},
      {"RETR", "RETR bad"},
      {"RETR ", "RETR bad"},
      {"RETR 1", "RETR ok number=1"},
      {"RETR 1 2", "RETR bad"},
      {"DELE", "DELE bad"},
      {"DELE 2", "DELE ok number=2"},
      {"DELE NaN", "DELE bad"},
      {"TOP", "TOP bad"},
      {"TOP 1", "TOP bad"},
      {"TOP 1 ", "TOP bad"},
      {"TOP 1 0", "TOP ok number=1 lines=0"},
      {"TOP 1 10", "TOP ok number=1 lines=10"},
      {"TOP 1 4294967296", "TOP ok number=1 lines=4294967296"},
      {"TOP 1 18446744073709551615", "TOP ok number=1 lines=18446744073709551615"},
      {"TOP 1 18446744073709551616", "TOP bad"},
      {"TOP 1 -1", "TOP bad"},
      {"TOP 1 01", "TOP bad"},
      {"TOP 1  1", "TOP bad"},
      {"TOP 1 1 1", "TOP bad"},
      {"TOP 1 1 ", "TOP bad"},
      {"TOP  1", "TOP bad"},
      {"TOP x 1", "TOP bad"},
      {"AUTH", "AUTH bad"},
      {"AUTH ", "AUTH bad"},
      {"AUTH PLAIN", "AUTH ok name=PLAIN"},
      {"auth plain =", "AUTH ok name=plain initial=="},
      {"AUTH PLAIN AGFubgBwdw==", "AUTH ok name=PLAIN initial=AGFubgBwdw=="},
      {"AUTH PLAIN ", "AUTH bad"},
      {"AUTH PLAIN x y", "AUTH bad"},
      {"AUTH  PLAIN", "AUTH bad"},
      {"AUTH PLAIN  x", "AUTH bad"},
      {"AUTH PL\xC3\x84IN", "AUTH bad"},
      {"AUTH PLAIN \xC3\x84", "AUTH bad"},
      {"STLS", "STLS ok"},
      {"STLS now", "STLS bad"},
      {"STLS ", "STLS bad"},
      {"UTF8", "UTF8 ok"},
      {"UTF8 USER", "UTF8 bad"},
      {"LANG", "LANG ok"},
      {"LANG *", "LANG ok name=*"},
      {"LANG de-CH", "LANG ok name=de-CH"},
      {"LANG de fr", "LANG bad"},
      {"LANG d\xC3\xA9", "LANG bad"},
      {"LANG ", "LANG bad"},
  };
  for (const Case& c : cases) {
    CAPTURE(visible(c.line));
    CHECK(told(c.line) == c.told);
  }
  static_assert(parse_command("TOP 3 7").lines == 7 && parse_command("TOP 3 7").number == 3U);
}

TEST_CASE("R4: no octet outside printable ASCII is taken anywhere, NUL included") {
  std::string wrong;
  for (const std::string good : {"NOOP", "USER ann", "PASS a b", "LIST 1", "RETR 1", "TOP 1 1", "CAPA", "QUIT",
                                 "AUTH PLAIN eA==", "STLS", "UTF8", "LANG de"}) {
    for (int octet = 0; octet < 256; ++octet) {
      if (octet >= ' ' && octet <= '~') continue;
      for (std::size_t at = 0; at <= good.size(); ++at) {
        std::string line = good;
        line.insert(at, 1, static_cast<char>(octet));
        const Command command = parse_command(line);
        if (command.well_formed && command.broken.none()) wrong += visible(line) + '\n';
      }
    }
  }
  CHECK(wrong == "");
}

TEST_CASE("R6 R88: arguments of any length a line can have are taken whole") {
  for (const std::size_t size : {1U, 40U, 248U, 505U}) {
    const std::string word(size, 'x');
    CHECK(parse_command("USER " + word).name == word);
    CHECK(parse_command("USER " + word).well_formed);
    CHECK(parse_command("PASS " + word).secret == word);
    CHECK(parse_command("PASS " + word).well_formed);
  }
}

// ---- rules that may be relaxed ------------------------------------------------------------------------------------

namespace {

constexpr const char* good_lines[] = {"USER ann",
                                      "PASS pw",
                                      "APOP ann 0123456789abcdef0123456789abcdef",
                                      "AUTH PLAIN eA==",
                                      "STLS",
                                      "UTF8",
                                      "LANG de",
                                      "QUIT",
                                      "STAT",
                                      "LIST 1",
                                      "RETR 1",
                                      "DELE 1",
                                      "NOOP",
                                      "RSET",
                                      "TOP 1 2",
                                      "UIDL 1",
                                      "CAPA"};

// What a line says, and which rules it breaks: "LIST number=1 !spaces". Malformed: "LIST bad".
std::string all_told(std::string_view line) {
  Command c = parse_command(line);
  std::string broken;
  const char* const names[] = {" !bare_lf", " !spaces", " !leading_zeros", " !eight_bit", " !auth_list"};
  for (std::size_t i = 0; i < pop3::rule_count; ++i)
    if (c.broken.has(static_cast<Rule>(i))) broken += names[i];
  std::string text(c.verb == Verb::other ? "?" : info(c.verb).name);
  if (!c.well_formed) return text + " bad" + broken;
  if (!c.name.empty()) text += " name=" + std::string(c.name);
  if (!c.secret.empty()) text += " secret=" + std::string(c.secret);
  if (c.initial) text += " initial=" + std::string(*c.initial);
  if (c.number) text += " number=" + std::to_string(*c.number);
  if (c.verb == Verb::top) text += " lines=" + std::to_string(c.lines);
  return text + broken;
}

}  // namespace

TEST_CASE("R3: spaces and tabs too many change nothing but that the rule is broken, passwords keep theirs") {
  CHECK(sizeof good_lines / sizeof good_lines[0] == sizeof verbs / sizeof verbs[0]);
  for (const std::string good : good_lines) {
    CAPTURE(good);
    const std::string wanted = all_told(good);
    const bool pass = good == "PASS pw";
    CHECK(wanted.find('!') == wanted.npos);
    for (const char* space : {" ", "   ", "\t", " \t "}) {
      CAPTURE(visible(space));
      CHECK(all_told(space + good) == wanted + " !spaces");
      CHECK(all_told(good + space) == (!pass                         ? wanted + " !spaces"
                                       : std::string(space) == " "   ? wanted + ' '
                                       : std::string(space) == "   " ? wanted + "   "
                                                                     : "PASS bad"));
    }
    for (std::size_t at = good.find(' '); at != good.npos; at = good.find(' ', at + 1)) {
      const std::string front = good.substr(0, at), back = good.substr(at + 1);
      CHECK(all_told(front + "  " + back) == (pass ? "PASS secret= pw" : wanted + " !spaces"));
      CHECK(all_told(front + '\t' + back) == (pass ? "PASS bad" : wanted + " !spaces"));
    }
  }
  for (const char* nothing : {" ", "\t", "    "}) CHECK(all_told(nothing) == "? bad !spaces");
}

TEST_CASE("R36: leading zeros change nothing but that the rule is broken, and one zero is a number") {
  for (const std::string verb : {"LIST", "RETR", "DELE", "UIDL"}) {
    CHECK(all_told(verb + " 01") == verb + " number=1 !leading_zeros");
    CHECK(all_told(verb + " 000") == verb + " number=0 !leading_zeros");
    CHECK(all_told(verb + " 0") == verb + " number=0");
    CHECK(all_told(verb + ' ' + std::string(300, '0') + "18446744073709551615") ==
          verb + " number=18446744073709551615 !leading_zeros");
    CHECK(all_told(verb + " 018446744073709551616") == verb + " bad !leading_zeros");
    CHECK(all_told(verb + " 0x1") == verb + " bad !leading_zeros");
  }
  CHECK(all_told("TOP 01 2") == "TOP number=1 lines=2 !leading_zeros");
  CHECK(all_told("TOP 1 02") == "TOP number=1 lines=2 !leading_zeros");
  CHECK(all_told("TOP 1 0") == "TOP number=1 lines=0");
}

TEST_CASE("R4 R216: octets over 127 break a rule in names and passwords, elsewhere they are malformed") {
  for (const std::string good : good_lines) {
    CAPTURE(good);
    const std::size_t at = good.find(' ');
    const std::string line = good.substr(0, at) + (at == good.npos ? " " : good.substr(at)) + '\xE4';
    const std::string told = all_told(line);
    if (good == "USER ann" || good == "PASS pw")
      CHECK(told == all_told(good) + "\xE4 !eight_bit");
    else
      CHECK(told == good.substr(0, at) + " bad");
  }
  CHECK(all_told("APOP \xE4nn 0123456789abcdef0123456789abcdef") ==
        "APOP name=\xE4nn secret=0123456789abcdef0123456789abcdef !eight_bit");
  CHECK(all_told("\xE4USER ann") == "? bad");
  CHECK(all_told("USER \x80") == "USER name=\x80 !eight_bit");
  CHECK(all_told("USER \x7F") == "USER bad");
  CHECK(all_told("PASS \xE4\x01") == "PASS bad !eight_bit");
}

TEST_CASE("AUTH without a mechanism breaks a rule, an LF inside a line another one that nobody can relax") {
  CHECK(all_told("AUTH") == "AUTH !auth_list");
  CHECK(all_told("AUTH ") == "AUTH !auth_list");
  for (const std::string good : good_lines) {
    for (std::size_t at = 0; at <= good.size(); ++at) {
      std::string line = good;
      line.insert(at, 1, '\n');
      const std::string told = all_told(line);
      CAPTURE(visible(line));
      CHECK(told.find(" bad !bare_lf") != told.npos);
    }
  }
}

TEST_CASE("what follows a verb is all that does, for verbs that somebody else knows") {
  CHECK_FALSE(parse_command("XTND").rest.has_value());
  CHECK(parse_command("XTND ").rest == "");
  CHECK(parse_command("XTND a  b ").rest == "a  b ");
  CHECK(parse_command(" XTND a").rest == "a");
  CHECK(parse_command("XTND a").word == "XTND");
  CHECK(parse_command("XTND\ta").word == "XTND");
  CHECK_FALSE(parse_command("").rest.has_value());
  CHECK_FALSE(parse_command("  ").rest.has_value());
}

TEST_CASE("R190: the start of AUTH with an argument is known from its fifth octet on") {
  using pop3::detail::begins_auth;
  for (const char* start : {"AUTH ", "auth PLAIN", "AuTh\t", "AUTH  x"}) CHECK(begins_auth(start));
  for (const char* start : {"", "AUTH", "AUT", "AUTHX", "AUTH\r\n", " AUTH ", "USER x", "APOP "})
    CHECK_FALSE(begins_auth(start));
}

TEST_CASE("R4: what is forgiven behind AUTH is one space, and nothing that stands elsewhere in the line") {
  const auto breaks_spaces = [](std::string_view line) {
    const auto command = pop3::detail::parse_command(line);
    CHECK(command.well_formed);
    CHECK(command.broken.has(pop3::Rule::auth_list));
    return command.broken.has(pop3::Rule::spaces);
  };
  CHECK_FALSE(breaks_spaces("AUTH"));
  CHECK_FALSE(breaks_spaces("AUTH "));
  for (const char* const line : {" AUTH ", "\tAUTH ", "\tAUTH", "AUTH\t", "AUTH  ", "AUTH \t"}) {
    CAPTURE(line);
    CHECK(breaks_spaces(line));
  }
}

TEST_CASE("R52: lines that were not said, or not as a number, count as none") {
  for (const char* line : {"TOP", "TOP 1", "TOP 1 x", "TOP 1 -1", "TOP 1 18446744073709551616"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_command(line).well_formed);
    CHECK(parse_command(line).lines == 0);
  }
}

TEST_CASE("nothing is no name, no password and no word") {
  pop3::detail::Rules broken;
  for (const auto& nothing : {std::optional<std::string_view>(), std::optional<std::string_view>("")}) {
    CHECK_FALSE(pop3::detail::is_name(nothing, broken));
    CHECK_FALSE(pop3::detail::is_password(nothing, broken));
  }
  CHECK_FALSE(pop3::detail::is_ascii_word(std::nullopt));
  CHECK_FALSE(pop3::detail::parse_count(std::nullopt, broken).has_value());
  CHECK(broken.none());
}
