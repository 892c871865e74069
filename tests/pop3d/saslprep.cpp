// SPDX-License-Identifier: MIT
#include "saslprep.hpp"

#include <doctest/doctest.h>

using pop3d::Prepare;
using pop3d::saslprep;

namespace {

std::optional<std::string> both(std::string_view text) {
  const auto stored = saslprep(text, Prepare::stored), query = saslprep(text, Prepare::query);
  CHECK(stored == query);
  return query;
}

}  // namespace

TEST_CASE("R194 R219: SASLprep, the examples of RFC 4013, 3") {
  CHECK(both("I\u00ADX") == "IX");
  CHECK(both("user") == "user");
  CHECK(both("USER") == "USER");
  CHECK(both("\u00AA") == "a");
  CHECK(both("\u2168") == "IX");
  CHECK_FALSE(both("\u0007"));
  CHECK_FALSE(both("\u0627\u0031"));
}

TEST_CASE("R219: SASLprep changes no printable ASCII, and makes one of what looks the same") {
  std::string ascii;
  for (char c = ' '; c <= '~'; ++c) ascii += c;
  CHECK(both(ascii) == ascii);
  CHECK(both("") == "");
  CHECK(both("e\u0301") == "\u00E9");
  CHECK(both("\uFF41\uFF4E\uFF4E") == "ann");
  CHECK(both("a\u00A0b\u3000c") == "a b c");
}

TEST_CASE("R195: what is nothing after SASLprep, and was something before, is refused") {
  CHECK_FALSE(both("\u00AD"));
  CHECK_FALSE(both("\u2060\uFEFF"));
}

TEST_CASE("R221: what SASLprep prohibits is refused") {
  for (const std::string_view text :
       {std::string_view("a\0b", 3), std::string_view("\0", 1), std::string_view("\x7F"), std::string_view("a\tb"),
        std::string_view("\u0085"), std::string_view("\u202E"), std::string_view("\uE000"), std::string_view("\uFFFD"),
        std::string_view("\u200E"), std::string_view("\U000E0001"), std::string_view("\uFDD0")}) {
    CAPTURE(text);
    CHECK_FALSE(both(text));
  }
}

TEST_CASE("R222: code points that are not assigned may be asked for, and not be kept") {
  for (const std::string_view text : {"\u0221", "pass\U0001F600"}) {
    CHECK(saslprep(text, Prepare::query) == text);
    CHECK_FALSE(saslprep(text, Prepare::stored));
  }
}

TEST_CASE("R195: what is not UTF-8 is refused") {
  for (const std::string_view text : {"\xC3", "caf\xE9", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF",
                                      "a\x80", "\xE2\x82", "\xF0\x9F\x98"}) {
    CAPTURE(text.size());
    CHECK_FALSE(both(text));
  }
}

TEST_CASE("SASLprep has a bound, up to which the longest results fit") {
  std::string text;
  for (int i = 0; i < 341; ++i) text += "\uFDFA";  // NFKC makes 18 characters of it
  REQUIRE(text.size() == pop3d::longest_prepared - 1);
  const auto one = both("\uFDFA");
  REQUIRE(one.has_value());
  CHECK(one->size() == 33);
  CHECK(both(text).value_or("").size() == 341 * one->size());
  CHECK(both(std::string(pop3d::longest_prepared, 'x')).has_value());
  CHECK_FALSE(both(std::string(pop3d::longest_prepared + 1, 'x')).has_value());
}
