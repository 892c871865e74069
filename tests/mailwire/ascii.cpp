// SPDX-License-Identifier: MIT
#include <mailwire/ascii.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using mailwire::parse_number;

// All octets for which `test` says yes, as ranges: "0x20-0x7e".
template <class Test>
std::string octets_where(Test test) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string ranges;
  const auto add = [&](int octet) {
    ranges += "0x";
    ranges += digits[octet >> 4];
    ranges += digits[octet & 15];
  };
  for (int first = 0; first < 256; ++first) {
    if (!test(static_cast<char>(first))) continue;
    int last = first;
    while (last < 255 && test(static_cast<char>(last + 1))) ++last;
    if (!ranges.empty()) ranges += ' ';
    add(first);
    if (last > first) ranges += '-', add(last);
    first = last;
  }
  return ranges;
}

}  // namespace

TEST_CASE("R4 R58: the classes of octets hold what the RFC names, and no octet with the high bit") {
  CHECK(octets_where(mailwire::is_text) == "0x20-0x7e");
  CHECK(octets_where(mailwire::is_graphic) == "0x21-0x7e");
  CHECK(octets_where(mailwire::is_digit) == "0x30-0x39");
  CHECK(octets_where(mailwire::is_letter) == "0x41-0x5a 0x61-0x7a");
  CHECK(octets_where(mailwire::is_lower_hex) == "0x30-0x39 0x61-0x66");
  CHECK(octets_where([](char c) { return mailwire::to_upper(c) != c; }) == "0x61-0x7a");
  static_assert(mailwire::to_upper('a') == 'A' && mailwire::to_upper('z') == 'Z');
}

TEST_CASE("R1: case is ignored for the 26 letters and for nothing else") {
  std::string wrong;
  for (int i = 0; i < 256; ++i) {
    for (int k = 0; k < 256; ++k) {
      const char a = static_cast<char>(i), b = static_cast<char>(k);
      const bool letters = (i | 0x20) == (k | 0x20) && (i | 0x20) >= 'a' && (i | 0x20) <= 'z';
      if (mailwire::equals_ignoring_case({&a, 1}, {&b, 1}) != (i == k || letters))
        wrong += std::to_string(i) + '/' + std::to_string(k) + ' ';
    }
  }
  CHECK(wrong == "");
  static_assert(mailwire::equals_ignoring_case("ReTr", "rEtR"));
  static_assert(!mailwire::equals_ignoring_case("RETR", "RET"));
  static_assert(!mailwire::equals_ignoring_case("RET", "RETR"));
  static_assert(mailwire::equals_ignoring_case("", ""));
}

TEST_CASE("all_of looks at every octet") {
  static_assert(mailwire::all_of("", mailwire::is_digit));
  static_assert(mailwire::all_of("0123456789", mailwire::is_digit));
  const std::string ten = "0123456789";
  for (std::size_t i = 0; i < ten.size(); ++i) {
    std::string text = ten;
    text[i] = 'x';
    CAPTURE(text);
    CHECK_FALSE(mailwire::all_of(text, mailwire::is_digit));
  }
}

TEST_CASE("R29 R36 F-NUM: numbers are digits without sign or leading zeros, and none is wrapped") {
  struct Good {
    const char* text;
    std::uint64_t value;
  };
  static constexpr Good good[] = {
      {"0", 0},
      {"1", 1},
      {"9", 9},
      {"10", 10},
      {"255", 255},
      {"65536", 65536},
      {"2147483648", 2147483648U},
      {"4294967295", 4294967295U},
      {"4294967296", 4294967296U},
      {"4294967297", 4294967297U},
      {"9223372036854775808", 9223372036854775808U},
      {"18446744073709551609", 18446744073709551609U},
      {"18446744073709551610", 18446744073709551610U},
      {"18446744073709551615", 18446744073709551615U},
  };
  for (const Good& c : good) {
    CAPTURE(c.text);
    const auto number = parse_number(c.text);
    CHECK(number.has_value());
    CHECK(number.value_or(~c.value) == c.value);
  }
  static constexpr std::string_view bad[] = {
      "",
      "+1",
      "-1",
      "-0",
      "00",
      "01",
      "0001",
      " 1",
      "1 ",
      "1a",
      "a",
      "0x1",
      "1.0",
      "1,0",
      "1\v",
      "1\t",
      "1\r",
      {"1\0", 2},
      "\xB2",
      "1\xB2",
      "\xD9\xA1",
      "1e3",
      "\xC2\xBD",
      "1*",
      "18446744073709551616",
      "18446744073709551625",
      "18446744073709551620",
      "28446744073709551615",
      "99999999999999999999",
      "100000000000000000000",
      "1844674407370955161500",
      "4294967297429496729742949672974294967297",
  };
  for (const std::string_view text : bad) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parse_number(text).has_value());
  }
  static_assert(parse_number("42") == 42U);
  static_assert(!parse_number("042"));
}

TEST_CASE("R3: words are split at one space, and an empty rest is not the same as none") {
  struct Split {
    const char* text;
    const char* first;
    const char* rest;  // null = none
  };
  static constexpr Split splits[] = {
      {"", "", nullptr},   {"a", "a", nullptr}, {"a b", "a", "b"}, {"a b c", "a", "b c"},     {"a ", "a", ""},
      {"a  b", "a", " b"}, {" a", "", "a"},     {" ", "", ""},     {"a\tb", "a\tb", nullptr}, {"a  ", "a", " "},
  };
  for (const Split& c : splits) {
    CAPTURE(c.text);
    const mailwire::Words words = mailwire::split_word(c.text);
    CHECK(std::string(words.first) == c.first);
    CHECK(words.rest.has_value() == (c.rest != nullptr));
    if (c.rest != nullptr) CHECK(std::string(words.rest.value_or("?")) == c.rest);
  }
}

TEST_CASE("eight octets at a time find what octets one by one find") {
  for (std::size_t size = 0; size <= 20; ++size) {
    CHECK(mailwire::all_text(std::string(size, ' ')));
    CHECK(mailwire::all_text(std::string(size, '~')));
    CHECK(mailwire::all_graphic(std::string(size, '!')));
    CHECK(mailwire::all_graphic(std::string(size, '~')));
    for (std::size_t place = 0; place < size; ++place) {
      for (int octet = 0; octet < 256; ++octet) {
        std::string text(size, place % 2 == 0 ? '!' : '~');
        text[place] = static_cast<char>(octet);
        if (mailwire::all_text(text) != mailwire::all_of(text, mailwire::is_text)) FAIL("text, octet " << octet);
        if (mailwire::all_graphic(text) != mailwire::all_of(text, mailwire::is_graphic)) FAIL("graphic, " << octet);
        text[size - 1 - place] = static_cast<char>(octet);  // two that are odd do not hide each other
        if (mailwire::all_text(text) != mailwire::all_of(text, mailwire::is_text)) FAIL("text, octets " << octet);
      }
    }
  }
}
