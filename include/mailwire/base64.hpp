// SPDX-License-Identifier: MIT
// BASE64 (RFC 4648, 4), strict as RFC 5034, 4 wants it: nothing is skipped, and each sequence of octets has one
// encoding.
#ifndef MAILWIRE_BASE64_HPP
#define MAILWIRE_BASE64_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "byte_buffer.hpp"

namespace mailwire {
inline namespace v1 {

namespace detail {

inline constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The value of each octet, over 63 for those outside the alphabet.
struct Base64Values {
  constexpr Base64Values() noexcept {
    for (std::uint8_t& value : of) value = 0xFF;
    for (std::size_t i = 0; i < base64_alphabet.size(); ++i)
      of[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  std::uint8_t of[256] = {};
};
inline constexpr Base64Values base64_values;

constexpr unsigned base64_value(char c) noexcept { return base64_values.of[static_cast<unsigned char>(c)]; }
constexpr char base64_digit(unsigned value) noexcept { return base64_alphabet[value & 63]; }

}  // namespace detail

// The octets that `text` stands for are written to `to`, and counted. `to` has room for text.size() / 4 * 3, and may be
// text.data(): decoding in place works. Nothing is returned, and what was written is of no use, when there is an octet
// outside the alphabet, a "=" that does not pad the last four, a size that is no multiple of four, or a bit that is set
// in what the padding leaves over: "QQ==" is "A", "QR==" is refused, so that no two texts mean the same.
inline std::optional<std::size_t> base64_decode(std::string_view text, char* to) noexcept {
  using detail::base64_value;
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return 0;
  std::size_t padding = 0;
  if (text.back() == '=') padding = text[text.size() - 2] == '=' ? 2 : 1;
  const std::size_t whole = padding > 0 ? text.size() - 4 : text.size();
  std::size_t n = 0;
  for (std::size_t i = 0; i < whole; i += 4) {
    const unsigned a = base64_value(text[i]), b = base64_value(text[i + 1]);
    const unsigned c = base64_value(text[i + 2]), d = base64_value(text[i + 3]);
    if ((a | b | c | d) > 63) return std::nullopt;
    to[n++] = static_cast<char>(a << 2 | b >> 4);
    to[n++] = static_cast<char>((b << 4 | c >> 2) & 0xFF);
    to[n++] = static_cast<char>((c << 6 | d) & 0xFF);
  }
  if (padding == 0) return n;
  const unsigned a = base64_value(text[whole]), b = base64_value(text[whole + 1]);
  const unsigned c = padding == 1 ? base64_value(text[whole + 2]) : 0;
  const unsigned left_over = padding == 1 ? c & 3 : b & 15;
  if ((a | b | c) > 63 || left_over != 0) return std::nullopt;
  to[n++] = static_cast<char>(a << 2 | b >> 4);
  if (padding == 1) to[n++] = static_cast<char>((b << 4 | c >> 2) & 0xFF);
  return n;
}

// How long the encoding of `octets` octets is.
constexpr std::size_t base64_encoded_size(std::size_t octets) noexcept { return (octets + 2) / 3 * 4; }

// `octets` is not part of `out`.
inline void append_base64(ByteBuffer& out, std::string_view octets) {
  using detail::base64_digit;
  const std::size_t size = base64_encoded_size(octets.size());
  if (size == 0) return;
  char* to = out.room(size);
  const auto at = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(octets[i]); };
  std::size_t i = 0;
  for (; octets.size() - i >= 3; i += 3) {
    const unsigned bits = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    *to++ = base64_digit(bits >> 18);
    *to++ = base64_digit(bits >> 12);
    *to++ = base64_digit(bits >> 6);
    *to++ = base64_digit(bits);
  }
  if (i < octets.size()) {
    const bool two = octets.size() - i == 2;
    const unsigned bits = at(i) << 16 | (two ? at(i + 1) << 8 : 0);
    *to++ = base64_digit(bits >> 18);
    *to++ = base64_digit(bits >> 12);
    *to++ = two ? base64_digit(bits >> 6) : '=';
    *to = '=';
  }
  out.commit(size);
}

}  // namespace v1
}  // namespace mailwire

#endif
