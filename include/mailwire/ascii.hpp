// SPDX-License-Identifier: MIT
// Octets seen as ASCII. Locale-free, constexpr, no allocation.
#ifndef MAILWIRE_ASCII_HPP
#define MAILWIRE_ASCII_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace mailwire {
inline namespace v1 {

// SP to "~": what RFC 1939, 3 calls printable, and the space.
constexpr bool is_text(char c) noexcept { return c >= ' ' && c <= '~'; }
// 0x21 to 0x7E: what a word or a unique-id is made of.
constexpr bool is_graphic(char c) noexcept { return c > ' ' && c <= '~'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_lower_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f'); }
constexpr char to_upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
constexpr bool is_letter(char c) noexcept { return to_upper(c) >= 'A' && to_upper(c) <= 'Z'; }

template <class Test>
constexpr bool all_of(std::string_view octets, Test test) noexcept {
  for (const char c : octets)
    if (!test(c)) return false;
  return true;
}

// all_of(octets, is_text) and all_of(octets, is_graphic), eight octets at a time.
template <unsigned char least>
inline bool all_from_to_tilde(std::string_view octets) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  while (octets.size() >= 8) {
    std::uint64_t x = 0;
    std::memcpy(&x, octets.data(), 8);
    // The top bit of an octet: of x - least where it is too small, of x + 1 where it is DEL, of x where it is not
    // ASCII. What an octet borrows from or carries to its neighbour has been found already in itself.
    if ((((x - least * ones) | (x + ones) | x) & 0x80 * ones) != 0) return false;
    octets.remove_prefix(8);
  }
  return all_of(octets, [](char c) { return c >= static_cast<char>(least) && c <= '~'; });
}
inline bool all_text(std::string_view octets) noexcept { return all_from_to_tilde<' '>(octets); }
inline bool all_graphic(std::string_view octets) noexcept { return all_from_to_tilde<'!'>(octets); }

// Equal when ASCII case is ignored.
constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_upper(a[i]) != to_upper(b[i])) return false;
  return true;
}

// A decimal number without sign and without leading zeros; nothing when `digits` is anything else or over 2^64-1.
constexpr std::optional<std::uint64_t> parse_number(std::string_view digits) noexcept {
  if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  constexpr std::uint64_t max = ~std::uint64_t{0};
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (max - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

// Splits at the first space: "a b c" gives "a" and "b c". Without a space the rest is nothing, which is not the same
// as an empty rest.
struct Words {
  std::string_view first;
  std::optional<std::string_view> rest;
};
constexpr Words split_word(std::string_view text) noexcept {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, space), text.substr(space + 1)};
}

}  // namespace v1
}  // namespace mailwire

#endif
