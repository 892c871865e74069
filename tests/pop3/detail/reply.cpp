// SPDX-License-Identifier: MIT
#include <pop3/detail/reply.hpp>

#include <doctest/doctest.h>

#include <string>

#include "harness.hpp"  // visible()

namespace {

namespace detail = pop3::detail;
using mailwire::ByteBuffer;
using pop3::Code;
using tests::visible;

constexpr Code every_code[] = {Code::none, Code::auth,     Code::in_use,  Code::login_delay,
                               Code::utf8, Code::sys_temp, Code::sys_perm};

// What a function appends to a buffer that is not empty.
template <class Write>
std::string written(Write write) {
  ByteBuffer out;
  out.append("before\r\n");
  write(out);
  const std::string all(out.view());
  CHECK(all.substr(0, 8) == "before\r\n");
  return all.substr(8);
}
std::string ok(std::string_view text) {
  return written([&](ByteBuffer& out) { detail::status_line(out, "+OK", Code::none, {text}, false); });
}
std::string error(Code code, std::string_view text) {
  return written([&](ByteBuffer& out) { detail::status_line(out, "-ERR", code, {text}, false); });
}
std::string greeting(std::string_view text, std::string_view challenge) {
  return written([&](ByteBuffer& out) { detail::greeting(out, text, challenge); });
}

// One line: a status, printable ASCII, CRLF, 512 octets at most.
bool is_one_line(const std::string& reply) {
  return reply.size() <= 512 && reply.size() >= 5 && reply.find("\r\n") == reply.size() - 2 &&
         mailwire::all_of(std::string_view(reply).substr(0, reply.size() - 2), mailwire::is_text) &&
         (reply.substr(0, 3) == "+OK" || reply.substr(0, 4) == "-ERR");
}

}  // namespace

TEST_CASE("R8 R9 R92: status, code, text") {
  CHECK(ok("") == "+OK\r\n");
  CHECK(ok("fine") == "+OK fine\r\n");
  CHECK(error(Code::none, "") == "-ERR\r\n");
  CHECK(error(Code::none, "no") == "-ERR no\r\n");
  CHECK(error(Code::auth, "no") == "-ERR [AUTH] no\r\n");
  CHECK(error(Code::in_use, "no") == "-ERR [IN-USE] no\r\n");
  CHECK(error(Code::login_delay, "no") == "-ERR [LOGIN-DELAY] no\r\n");
  CHECK(error(Code::utf8, "no") == "-ERR [UTF8] no\r\n");
  CHECK(error(Code::sys_temp, "no") == "-ERR [SYS/TEMP] no\r\n");
  CHECK(error(Code::sys_perm, "") == "-ERR [SYS/PERM]\r\n");
}

TEST_CASE("R7 R90: whatever the text, the line has at most 512 octets, it is cut as late as possible") {
  for (const Code code : every_code) {
    for (std::size_t size = 480; size <= 520; ++size) {
      CAPTURE(size);
      const std::string line = error(code, std::string(size, 'x'));
      const std::size_t whole = size + 7 + (code == Code::none ? 0 : detail::code_text(code).size() + 1);
      CHECK(line.size() == (whole < 512 ? whole : 512));
      CHECK(is_one_line(line));
    }
    CHECK(is_one_line(error(code, std::string(100'000, 'x'))));
  }
}

TEST_CASE("R4 R9 F-ERRTEXT: no octet of a text makes a second line or leaves printable ASCII") {
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    CAPTURE(octet);
    const std::string line = error(Code::none, std::string("a") + c + 'b');
    const char shown = octet >= ' ' && octet <= '~' ? c : octet == '\r' || octet == '\n' || octet == '\t' ? ' ' : '?';
    CHECK(visible(line) == visible(std::string("-ERR a") + shown + "b\r\n"));
  }
  CHECK(ok("a\r\n.\r\n+OK b") == "+OK a  .  +OK b\r\n");
  CHECK(is_one_line(ok(std::string("\0\r\n\xFF", 4))));
  CHECK(is_one_line(ok(std::string(600, '\n'))));
}

TEST_CASE("R91 R107: a text that begins like a response code is no response code") {
  CHECK(ok("[AUTH] x") == "+OK (AUTH] x\r\n");
  CHECK(error(Code::none, "[IN-USE] x") == "-ERR (IN-USE] x\r\n");
  CHECK(error(Code::none, "x [IN-USE]") == "-ERR x [IN-USE]\r\n");
  CHECK(error(Code::none, "[") == "-ERR (\r\n");
  CHECK(error(Code::auth, "[x]") == "-ERR [AUTH] [x]\r\n");  // the code is there already
  CHECK(greeting("[SYS/PERM] hello", "") == "+OK (SYS/PERM] hello\r\n");
}

TEST_CASE(
    "R128 R132 R134 R163 R173 R209: codes stand only where RFC 2449 section 8, RFC 3206 and RFC 6856 section 5 allow "
    "them") {
  using detail::legal;
  using detail::Refused;
  for (const Code code : every_code) {
    CAPTURE(static_cast<int>(code));
    const bool anywhere = code == Code::none || code == Code::sys_temp || code == Code::sys_perm;
    CHECK(legal(code, Refused::login) == (code == Code::utf8 ? Code::none : code));
    CHECK(legal(code, Refused::message) == (anywhere || code == Code::utf8 ? code : Code::none));
    CHECK(legal(code, Refused::other) == (anywhere ? code : Code::none));
  }
}

TEST_CASE("R29 R31 R33 R35: numbers are written in full, and nothing behind them") {
  const auto number = [](std::uint64_t n) { return written([&](ByteBuffer& out) { detail::append_number(out, n); }); };
  for (std::uint64_t n = 0; n < 20'000; ++n)
    if (number(n) != std::to_string(n)) FAIL(n);
  for (std::uint64_t power = 10; power < 10'000'000'000'000'000'000U; power *= 10)
    for (const std::uint64_t n : {power - 1, power, power + 1, 9 * power})
      if (number(n) != std::to_string(n)) FAIL(n);
  for (std::uint64_t n : {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10}, std::uint64_t{4294967296},
                          std::uint64_t{1'000'000'000'000'000'000}, ~std::uint64_t{0}})
    CHECK(number(n) == std::to_string(n));
  CHECK(written([](ByteBuffer& out) { detail::ok_numbers(out, 2, 320); }) == "+OK 2 320\r\n");
  CHECK(written([](ByteBuffer& out) { detail::ok_numbers(out, 4294967295U, ~std::uint64_t{0}); }) ==
        "+OK 4294967295 18446744073709551615\r\n");
}

TEST_CASE("R66 R87: a challenge is a msg-id") {
  for (const std::string& good :
       {std::string("<1@x>"), std::string("<1896.697170952@dbc.mtview.ca.us>"), '<' + std::string(251, 'a') + "@x>"}) {
    CAPTURE(good);
    CHECK(detail::is_challenge(good));
  }
  for (const std::string& bad :
       {std::string(), std::string("<>"), std::string("<@>"), std::string("<a@>"), std::string("<@b>"),
        std::string("a@b"), std::string("<a@b"), std::string("a@b>"), std::string("<ab>"), std::string("<a@b@c>"),
        std::string("<a@@b>"), std::string("<<a@b>"), std::string("<a@b>>"), std::string("<a>@<b>"),
        std::string("<a @b>"), std::string("<a@b>\r\n"), std::string("<a\r\n@b>"), std::string("<\xC3\xA4@b>"),
        '<' + std::string(252, 'a') + "@x>"}) {
    CAPTURE(visible(bad));
    CHECK_FALSE(detail::is_challenge(bad));
  }
}

TEST_CASE("R21 R66 R70 R90 R93 F-CAPA: a greeting is one line, and its only angle brackets are the challenge's") {
  CHECK(greeting("ready", "") == "+OK ready\r\n");
  CHECK(greeting("ready", "<1@x>") == "+OK ready <1@x>\r\n");
  CHECK(greeting("", "") == "+OK\r\n");
  CHECK(greeting("", "<1@x>") == "+OK <1@x>\r\n");
  CHECK(greeting("<2@y> ready", "<1@x>") == "+OK (2@y) ready <1@x>\r\n");
  CHECK(greeting("a\r\n-ERR\x07", "") == "+OK a  -ERR?\r\n");
  CHECK(greeting("{1} ready {2}", "") == "+OK {1} ready {2}\r\n");  // it is the administrator's: no number is due
  CHECK(greeting(std::string(600, 'x'), "") == "+OK " + std::string(506, 'x') + "\r\n");
  const std::string challenge = '<' + std::string(251, 'a') + "@x>";
  for (std::size_t size = 200; size <= 600; ++size) {
    const std::string line = greeting(std::string(size, '<'), challenge);
    CAPTURE(size);
    CHECK(is_one_line(line));
    CHECK(line.substr(line.size() - 2 - challenge.size()) == challenge + "\r\n");
    CHECK(line.find('<') == line.size() - 2 - challenge.size());
    CHECK(line.size() == (size + 4 + 256 + 2 < 512 ? size + 4 + 256 + 2 : 512));
  }
}

// ---- UTF-8 and numbers --------------------------------------------------------------------------------------------

namespace {

std::string line(const detail::Words& words, bool has_places, Code code = Code::none) {
  return written([&](ByteBuffer& out) { detail::status_line(out, "-ERR", code, words, has_places); });
}
std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("R7 R90 R224 R225 F-UTF8: a line of UTF-8 is cut at 510 octets, and never inside a character") {
  for (const std::string character : {"x", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x93\xAC"}) {
    for (std::size_t front = 0; front < 5; ++front) {
      for (const bool has_places : {false, true}) {
        for (const Code code : every_code) {
          CAPTURE(visible(character));
          CAPTURE(front);
          const std::size_t room = 510 - 5 - (code == Code::none ? 0 : detail::code_text(code).size() + 1);
          const std::string text = std::string(front, '.') + repeated(character, 600);
          const std::string got = line({text, true}, has_places, code);
          const std::size_t whole = front + (room - front) / character.size() * character.size();
          const std::string status =
              code == Code::none ? "-ERR " : "-ERR " + std::string(detail::code_text(code)) + ' ';
          CHECK(visible(got) == visible(status + text.substr(0, whole) + "\r\n"));
        }
      }
    }
  }
}

TEST_CASE("R4 R207 F-UTF8 F-ERRTEXT: UTF-8 goes out where it may and is well-formed, and is question marks elsewhere") {
  const std::string text = "gr\xC3\xBC\xC3\x9F";
  CHECK(line({text, true}, false) == "-ERR " + text + "\r\n");
  CHECK(line({text, false}, false) == "-ERR gr????\r\n");
  for (const std::string& bad : {std::string("\xC3"), std::string("\xFF"), std::string("\xC0\x80"),
                                 std::string("\xED\xA0\x80"), std::string("\xF4\x90\x80\x80"), std::string("\x80")}) {
    CAPTURE(visible(bad));
    CHECK(line({"a" + bad + "b", true}, false) == "-ERR a" + std::string(bad.size(), '?') + "b\r\n");
    CHECK(line({"a" + bad + "b", true}, true) == "-ERR a" + std::string(bad.size(), '?') + "b\r\n");
  }
  // Control characters never, whichever of the two ranges they are of.
  for (int octet = 0; octet < 32; ++octet) {
    const char c = static_cast<char>(octet);
    CHECK(line({text + c, true}, false) == "-ERR " + text + (c == '\r' || c == '\n' || c == '\t' ? ' ' : '?') + "\r\n");
  }
  CHECK(line({"\x7F", true}, false) == "-ERR ?\r\n");
  for (int octet = 0x80; octet < 0xC0; ++octet) {
    const std::string character = std::string("\xC2") + static_cast<char>(octet);
    CAPTURE(octet);
    CHECK(line({"a" + character + "b", true}, false) == "-ERR a" + (octet < 0xA0 ? "??" : character) + "b\r\n");
  }
  CHECK(line({"\xC3\x80\xC4\x9F", true}, false) == "-ERR \xC3\x80\xC4\x9F\r\n");
}

TEST_CASE("R230: numbers stand where a text of our own wants them, and other texts have no places") {
  const auto filled = [](std::string_view text) {
    const std::string got = line({text, false, 12, ~std::uint64_t{0}}, true);
    return got.substr(5, got.size() - 7);
  };
  CHECK(filled("{1} of {2}") == "12 of 18446744073709551615");
  CHECK(filled("{2}{1}") == "1844674407370955161512");
  CHECK(filled("{1}") == "12");
  CHECK(filled("{1}{1}{1}") == "121212");
  CHECK(filled("{3} {0} {} {1 {12} }{1}") == "{3} {0} {} {1 {12} }12");
  CHECK(filled("{{1}}") == "{12}");
  CHECK(filled("a{") == "a{");
  CHECK(filled("a{1") == "a{1");
  CHECK(filled("[{1}]") == "(12]");
  CHECK(line({"{1} of {2}", false, 1, 2}, false) == "-ERR {1} of {2}\r\n");  // a client or database may have said it
}

TEST_CASE("R4 R230: what is not said of a text: it is ASCII, and its numbers are 0") {
  CHECK(written([](ByteBuffer& out) { detail::append_clean(out, "a\xC3\xA9", 10); }) == "a??");
  detail::Words words;
  words.text = "{1} {2} \xC3\xA9";
  CHECK(written([&](ByteBuffer& out) { detail::append_words(out, words, 100); }) == "0 0 ??");
}

TEST_CASE("R7 R224 F-UTF8: what is left of the room behind a number is not cut inside a character either") {
  for (std::size_t room = 2; room <= 7; ++room) {
    CAPTURE(room);
    const std::string text = "{1}\xC3\xA9\xC3\xA9\xC3\xA9";
    const std::string got = written([&](ByteBuffer& out) { detail::append_words(out, {text, true, 7, 0}, room); });
    CHECK(visible(got) == visible("7" + repeated("\xC3\xA9", (room - 1) / 2)));
  }
}

TEST_CASE("R7 R90: a line with numbers is cut where any other is") {
  for (std::size_t size = 485; size <= 512; ++size) {
    for (const std::string tail : {"{2}", "{2}{2}", "\xC3\xA4{2}", "{2}\xC3\xA4"}) {
      const std::string got = line({std::string(size, 'x') + tail, true, 1, ~std::uint64_t{0}}, true);
      CAPTURE(size);
      CHECK(got.size() <= 512);
      CHECK(got.size() >= 511);
      CHECK(got.substr(got.size() - 2) == "\r\n");
      CHECK(mailwire::is_utf8(got));
    }
  }
  const std::string many = line({repeated("{2}", 1000), true, 1, ~std::uint64_t{0}}, true);
  CHECK(many == "-ERR " + repeated("18446744073709551615", 30).substr(0, 505) + "\r\n");
  CHECK(line({repeated("{", 1000), true}, true) == "-ERR " + std::string(505, '{') + "\r\n");
}

TEST_CASE("R66: what may stand behind the @ of a challenge") {
  for (const std::string& good :
       {std::string("x"), std::string("mail.example.org"), std::string("[192.0.2.1]"), std::string(200, 'x')})
    CHECK(detail::is_host(good));
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a@b"), std::string("<a"), std::string("a>"),
        std::string("a\r\n"), std::string("\xC3\xA4"), std::string(201, 'x')})
    CHECK_FALSE(detail::is_host(bad));
}

TEST_CASE("R66: a challenge has something on both sides of its one @") {
  for (const char* good : {"<a@b>", "<1896.697170952@dbc.mtview.ca.us>"}) CHECK(detail::is_challenge(good));
  for (const char* bad : {"<@abc>", "<abc@>", "<a@b@c>", "<abcd>", "<a<@b>", "a@bcd>", "<a@bcd", "<a @b>", "<@>"})
    CHECK_FALSE(detail::is_challenge(bad));
  CHECK(detail::is_challenge('<' + std::string(251, 'a') + "@b>"));
  CHECK_FALSE(detail::is_challenge('<' + std::string(252, 'a') + "@b>"));
}

TEST_CASE("R90: what is no code has no text") {
  CHECK(detail::code_text(pop3::Code::none).empty());
  CHECK(detail::code_text(static_cast<pop3::Code>(200)).empty());
}

TEST_CASE("the pairs of digits are the same whoever computes them, and every number is written with them") {
  const detail::DigitPairs pairs;
  for (int i = 0; i < 100; ++i) {
    const std::string wanted = (i < 10 ? "0" : "") + std::to_string(i);
    CHECK(std::string(pairs.octets + 2 * i, 2) == wanted);
    CHECK(std::string(detail::digit_pairs.octets + 2 * i, 2) == wanted);
  }
}

TEST_CASE("every control character of U+0080 to U+009F is replaced, wherever it stands, and nothing beside it") {
  mailwire::ByteBuffer out;
  detail::append_clean(out, "\xC2\x80 \xC2\x9F\xC2\xA0\xC3\xA4\xC2\x85", 100, true);
  CHECK(out.view() == "?? ??\xC2\xA0\xC3\xA4??");
}
