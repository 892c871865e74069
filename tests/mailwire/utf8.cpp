// SPDX-License-Identifier: MIT
#include <mailwire/utf8.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using mailwire::count_code_points;
using mailwire::is_utf8;
using mailwire::utf8_prefix;

// The bits of a number spread over `size` octets, whether UTF-8 allows that or not.
std::string spread(unsigned long number, std::size_t size) {
  if (size == 1) return std::string(1, static_cast<char>(number));
  std::string octets(size, '\0');
  for (std::size_t i = size; i-- > 1; number >>= 6) octets[i] = static_cast<char>(0x80 | (number & 0x3F));
  octets[0] = static_cast<char>((0xF00 >> size & 0xFF) | number);
  return octets;
}

constexpr std::size_t shortest(unsigned long number) {
  return number < 0x80 ? 1 : number < 0x800 ? 2 : number < 0x10000 ? 3 : 4;
}

}  // namespace

static_assert(is_utf8("") && is_utf8("abc") && is_utf8("\xC3\xA4") && is_utf8("\xE2\x82\xAC") &&
              is_utf8("\xF0\x9F\x98\x80"));
static_assert(!is_utf8("\x80") && !is_utf8("\xC3") && !is_utf8("\xC0\x80") && !is_utf8("\xED\xA0\x80"));
static_assert(mailwire::is_ascii("") && mailwire::is_ascii("\x7F") && !mailwire::is_ascii("a\x80") &&
              !mailwire::is_ascii("\x80"));
static_assert(count_code_points("") == 0 && count_code_points("a\xC3\xA4\xE2\x82\xAC") == 3);
static_assert(utf8_prefix("\xC3\xA4", 1) == 0 && utf8_prefix("\xC3\xA4", 2) == 2 && utf8_prefix("", 5) == 0);

TEST_CASE("UTF-8: every number up to 2^21 in every size is right where RFC 3629 says so, and nowhere else") {
  std::string wrong;
  for (std::size_t size = 1; size <= 4; ++size) {
    const unsigned long end = size == 1 ? 0x80 : 1UL << (5 * size + 1);
    for (unsigned long number = 0; number < end; ++number) {
      const bool surrogate = number >= 0xD800 && number <= 0xDFFF;
      const bool right = size == shortest(number) && !surrogate && number <= 0x10FFFF;
      if (is_utf8(spread(number, size)) != right) wrong += std::to_string(number) + '/' + std::to_string(size) + ' ';
    }
  }
  CHECK(wrong == "");
}

TEST_CASE("UTF-8: of all strings of two octets only two ASCII ones and the characters of that size are right") {
  int right = 0;
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) right += is_utf8(std::string{static_cast<char>(a), static_cast<char>(b)}) ? 1 : 0;
  CHECK(right == 128 * 128 + (0x800 - 0x80));
}

TEST_CASE("UTF-8: one wrong octet, one missing or one too many spoils a text") {
  const std::string text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";
  REQUIRE(is_utf8(text));
  std::string prefixes;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (is_utf8(text.substr(0, i))) prefixes += std::to_string(i) + ' ';
    CHECK_FALSE(is_utf8(text.substr(0, i) + "\xFF" + text.substr(i)));
    CHECK_FALSE(is_utf8(text.substr(0, i) + "\x80" + text.substr(i)));
  }
  CHECK(prefixes == "0 1 3 6 10 11 ");
  for (const std::string_view wrong :
       {"\xF5\x80\x80\x80", "\xF8\x88\x80\x80\x80", "\xFC\x84\x80\x80\x80\x80", "\xFE", "\xFF", "\xF4\x90\x80\x80",
        "\xF0\x8F\xBF\xBF", "\xE0\x9F\xBF", "\xC1\xBF", "\xED\xBF\xBF", "\xE2\x28\xA1", "\xE2\x82\x28",
        "\xF0\x9F\x28\x80", "\xF0\x9F\x98\x28"}) {
    CAPTURE(wrong);
    CHECK_FALSE(is_utf8(wrong));
  }
  CHECK(is_utf8(std::string_view("\0", 1)));
  CHECK(is_utf8("\xF4\x8F\xBF\xBF\xEF\xBF\xBF\xED\x9F\xBF\xEE\x80\x80"));
}

TEST_CASE("is_ascii looks at every octet") {
  for (int octet = 0; octet < 256; ++octet) {
    for (std::size_t place = 0; place < 9; ++place) {
      std::string text(9, 'a');
      text[place] = static_cast<char>(octet);
      CHECK(mailwire::is_ascii(text) == (octet < 128));
    }
  }
}

TEST_CASE("utf8_prefix: the longest prefix that is UTF-8 itself") {
  const std::string text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";
  for (std::size_t room = 0; room <= text.size() + 2; ++room) {
    std::size_t wanted = room < text.size() ? room : text.size();
    while (!is_utf8(text.substr(0, wanted))) --wanted;
    CHECK(utf8_prefix(text, room) == wanted);
  }
  CHECK(utf8_prefix(text, ~std::size_t{0}) == text.size());
}

TEST_CASE("utf8_prefix cuts what is not UTF-8 within the room, at most three octets before its end") {
  const std::string text(20, '\x80');
  for (std::size_t room = 0; room <= 25; ++room) CHECK(utf8_prefix(text, room) == (room < 20 ? room : 20));
  CHECK(utf8_prefix("abc\xFF\xFF\xFF\xFF\xFF", 6) == 6);
  CHECK(utf8_prefix("a\x80\x80\x80\x80\x80", 4) == 4);  // what is four octets before is not looked at
  CHECK(utf8_prefix("a\x80\x80\x80\x80\x80", 3) == 0);
}

TEST_CASE("count_code_points counts characters, not octets") {
  CHECK(count_code_points("\xF0\x9F\x98\x80\xF0\x9F\x98\x80") == 2);
  CHECK(count_code_points(std::string(300, 'x')) == 300);
}

TEST_CASE("UTF-8: the size of the character that a text begins with, 0 where that is none") {
  using mailwire::detail::character_size;
  CHECK(character_size("az") == 1);
  CHECK(character_size("\xC3\xA4z") == 2);
  CHECK(character_size("\xE2\x82\xACz") == 3);
  CHECK(character_size("\xF0\x9F\x98\x80z") == 4);
  for (const std::string_view none :
       {"\x80", "\xC3", "\xE2\x82", "\xE2\x82z", "\xE2\x82\xC3", "\xF0\x9F\x98", "\xF0\x9Fz\x80", "\xF0\x9F\x98z"}) {
    CAPTURE(none);
    CHECK(character_size(none) == 0);
  }
  CHECK_FALSE(mailwire::is_ascii("\x80"));
}
