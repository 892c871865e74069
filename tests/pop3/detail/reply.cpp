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

constexpr Code codes[] = {Code::none, Code::auth,     Code::in_use,  Code::login_delay,
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
  for (const Code code : codes) {
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
  for (const Code code : codes) {
    CAPTURE(static_cast<int>(code));
    const bool anywhere = code == Code::none || code == Code::sys_temp || code == Code::sys_perm;
    CHECK(legal(code, Refused::login) == (code == Code::utf8 ? Code::none : code));
    CHECK(legal(code, Refused::message) == (anywhere || code == Code::utf8 ? code : Code::none));
    CHECK(legal(code, Refused::other) == (anywhere ? code : Code::none));
  }
}

TEST_CASE("R29 R31 R33 R35: numbers are written in full, and nothing behind them") {
  const auto number = [](std::uint64_t n) { return written([&](ByteBuffer& out) { detail::append_number(out, n); }); };
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
        std::string("<<a@b>"), std::string("<a@b>>"), std::string("<a>@<b>"), std::string("<a @b>"),
        std::string("<a@b>\r\n"), std::string("<a\r\n@b>"), std::string("<\xC3\xA4@b>"),
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
