// SPDX-License-Identifier: MIT
// UTF-8 (RFC 3629). constexpr, no allocation, no locale.
#ifndef MAILWIRE_UTF8_HPP
#define MAILWIRE_UTF8_HPP

#include <cstddef>
#include <string_view>

namespace mailwire {
inline namespace v1 {

namespace detail {

constexpr unsigned octet_at(std::string_view text, std::size_t i) noexcept {
  return static_cast<unsigned char>(text[i]);
}
// The second, third or fourth octet of a character.
constexpr bool is_continuation(unsigned octet) noexcept { return (octet & 0xC0) == 0x80; }

// Size of the well-formed character that `text` (not empty) begins with; 0 = there is none. RFC 3629, 4: what the
// second octet may be keeps out overlong forms, surrogates and everything over U+10FFFF.
constexpr std::size_t character_size(std::string_view text) noexcept {
  const unsigned first = octet_at(text, 0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || text.size() < 2) return 0;
  const unsigned second = octet_at(text, 1);
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (second < low || second > high) return 0;
  const std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < size) return 0;
  for (std::size_t i = 2; i < size; ++i)
    if (!is_continuation(octet_at(text, i))) return 0;
  return size;
}

}  // namespace detail

constexpr bool is_ascii(std::string_view text) noexcept {
  unsigned all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

// Whole characters only: nothing overlong, no surrogates, nothing over U+10FFFF. NUL is a character.
constexpr bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t size = detail::character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

// Size of the longest prefix of at most `room` octets that cuts no character. Text that is not UTF-8 may be cut
// anywhere.
constexpr std::size_t utf8_prefix(std::string_view text, std::size_t room) noexcept {
  if (text.size() <= room) return text.size();
  for (std::size_t back = 0; back <= 3 && back <= room; ++back)
    if (!detail::is_continuation(detail::octet_at(text, room - back))) return room - back;
  return room;
}

// How many characters `text`, which is UTF-8, has.
constexpr std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char c : text) count += detail::is_continuation(static_cast<unsigned char>(c)) ? 0U : 1U;
  return count;
}

}  // namespace v1
}  // namespace mailwire

#endif
