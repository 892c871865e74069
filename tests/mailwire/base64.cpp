// SPDX-License-Identifier: MIT
#include <mailwire/base64.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace {

using mailwire::ByteBuffer;

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string in_base64(std::string_view octets) {
  ByteBuffer buffer;
  mailwire::append_base64(buffer, octets);
  return std::string(buffer.view());
}

// Decodes into exactly the room that is asked for, with a guard behind it.
std::optional<std::string> out_of_base64(std::string_view text) {
  const std::size_t room = text.size() / 4 * 3;
  std::string to(room + 1, '#');
  const auto size = mailwire::base64_decode(text, to.data());
  CHECK(to[room] == '#');
  if (!size) return std::nullopt;
  REQUIRE(*size <= room);
  return to.substr(0, *size);
}

std::optional<std::string> decoded_in_place(std::string text) {
  const auto size = mailwire::base64_decode(text, text.data());
  return size ? std::optional(text.substr(0, *size)) : std::nullopt;
}

}  // namespace

TEST_CASE("base64: the vectors of RFC 4648, 10, both ways") {
  const std::string_view vectors[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [octets, text] : vectors) {
    CHECK(in_base64(octets) == text);
    CHECK(out_of_base64(text) == std::string(octets));
    CHECK(decoded_in_place(std::string(text)) == std::string(octets));
  }
  static_assert(mailwire::base64_encoded_size(0) == 0 && mailwire::base64_encoded_size(1) == 4);
  static_assert(mailwire::base64_encoded_size(3) == 4 && mailwire::base64_encoded_size(4) == 8);
}

TEST_CASE("base64 R183 R184: what is no BASE64 is refused, not repaired") {
  for (const std::string_view text :
       {"=AAA",     "AAA=BBB",  "AAA=BBBB", "AA==BBBB", "AA A=", "AAAA=",  "A",    "AA",   "AAA",
        "AAAAA",    "=",        "==",       "===",      "====",  "A===",   "A=A=", "AA=A", "=AA=",
        "AAAA====", "AAAA=AAA", "AAA-",     "AAA_",     "AAA\n", "AA\r\n", " AAA", "*",    "AAA*"}) {
    CAPTURE(text);
    CHECK(out_of_base64(text) == std::nullopt);
    CHECK(decoded_in_place(std::string(text)) == std::nullopt);
  }
}

TEST_CASE("base64 R184: each octet is refused in each place, but for the 64 of the alphabet and the padding") {
  const std::string right = "QUJDQUJDQUI=";
  REQUIRE(out_of_base64(right) == "ABCABCAB");
  std::string wrong;
  for (std::size_t place = 0; place < right.size(); ++place) {
    for (int octet = 0; octet < 256; ++octet) {
      std::string text = right;
      text[place] = static_cast<char>(octet);
      const bool in_alphabet = alphabet.find(text[place]) != std::string_view::npos;
      // The last place may end the padding, or be a digit; the one before it must leave no bit over while there is
      // padding.
      bool right_here = in_alphabet;
      if (place == 10) right_here = in_alphabet && alphabet.find(text[place]) % 4 == 0;
      if (place == 11) right_here = in_alphabet || octet == '=';
      if (out_of_base64(text).has_value() != right_here)
        wrong += std::to_string(place) + ':' + std::to_string(octet) + ' ';
    }
  }
  CHECK(wrong == "");
}

TEST_CASE("base64 R184: bits that are left over must be zero: each text is the one encoding of its octets") {
  unsigned accepted = 0;
  for (const char a : alphabet) {
    for (const char b : alphabet) {
      const std::string one = {'A', a, b, '='}, two = {a, b, '=', '='};
      for (const std::string& text : {one, two}) {
        const auto octets = out_of_base64(text);
        if (!octets) continue;
        ++accepted;
        CHECK(in_base64(*octets) == text);
      }
    }
  }
  CHECK(accepted == 64 * 16 + 64 * 4);
}

TEST_CASE("base64: all strings of one and two octets, and all octets in each place of longer ones, survive") {
  std::string wrong;
  const auto check = [&](const std::string& octets) {
    const std::string text = in_base64(octets);
    if (text.size() != mailwire::base64_encoded_size(octets.size()) || decoded_in_place(text) != octets)
      wrong += text + ' ';
  };
  for (int i = 0; i < 256; ++i) {
    check(std::string(1, static_cast<char>(i)));
    for (int k = 0; k < 256; ++k) check({static_cast<char>(i), static_cast<char>(k)});
  }
  for (std::size_t size = 3; size <= 12; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      for (int octet = 0; octet < 256; ++octet) {
        std::string octets(size, '\xA5');
        octets[place] = static_cast<char>(octet);
        check(octets);
      }
    }
  }
  CHECK(wrong == "");
}

TEST_CASE("base64: the encoding is appended to what is there") {
  ByteBuffer buffer;
  buffer.append("+ ");
  mailwire::append_base64(buffer, "ab");
  mailwire::append_base64(buffer, "");
  mailwire::append_base64(buffer, std::string(300, '\xFF'));
  CHECK(buffer.view() == "+ YWI=" + std::string(400, '/'));
}

TEST_CASE("base64 R183: the table of values is the same whoever computes it, and has 64 of them") {
  const mailwire::detail::Base64Values values;
  int known = 0;
  for (int octet = 0; octet < 256; ++octet) {
    const std::size_t place = mailwire::detail::base64_alphabet.find(static_cast<char>(octet));
    const bool outside = place == std::string_view::npos;
    CHECK(values.of[octet] == (outside ? 0xFF : place));
    CHECK(mailwire::detail::base64_values.of[octet] == values.of[octet]);
    known += outside ? 0 : 1;
  }
  CHECK(known == 64);
}
