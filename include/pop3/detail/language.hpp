// SPDX-License-Identifier: MIT
// Which language a client gets (RFC 6856, 3.2; RFC 4647, 3.3.1 and 3.4).
#ifndef POP3_DETAIL_LANGUAGE_HPP
#define POP3_DETAIL_LANGUAGE_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "../../mailwire/ascii.hpp"
#include "../texts.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

// language-range = 1*8ALPHA *("-" 1*8alphanum) (RFC 4647, 2.1), also the form of a tag
constexpr bool is_language_range(std::string_view range) noexcept {
  std::size_t length = 0;
  bool first = true;
  for (const char c : range) {
    const char upper = mailwire::to_upper(c);
    if (c == '-') {
      if (length == 0) return false;
      length = 0;
      first = false;
      continue;
    }
    if ((upper < 'A' || upper > 'Z') && (first || !mailwire::is_digit(c))) return false;
    if (++length > 8) return false;
  }
  return length > 0;
}

// "de" matches "de" and "de-CH" (RFC 4647, 3.3.1: basic filtering).
constexpr bool matches_range(std::string_view range, std::string_view tag) noexcept {
  return tag.size() >= range.size() && mailwire::equals_ignoring_case(range, tag.substr(0, range.size())) &&
         (tag.size() == range.size() || tag[range.size()] == '-');
}

// "de-Latn-AT" becomes "de-Latn", then "de", then nothing; what a single letter begins goes with it (RFC 4647, 3.4).
constexpr std::string_view less_specific(std::string_view range) noexcept {
  std::size_t end = range.rfind('-');
  if (end == std::string_view::npos) return {};
  if (end >= 2 && range[end - 2] == '-') end -= 2;
  return range.substr(0, end);
}

// The number, from 1 on, of the language that matches best; 0 = none does.
inline std::uint32_t find_language(const std::vector<Language>& languages, std::string_view range) noexcept {
  if (!is_language_range(range)) return 0;
  for (; !range.empty(); range = less_specific(range)) {
    std::uint32_t filtered = 0;
    for (std::uint32_t i = 0; i < languages.size(); ++i) {
      if (mailwire::equals_ignoring_case(languages[i].tag, range)) return i + 1;
      if (filtered == 0 && matches_range(range, languages[i].tag)) filtered = i + 1;
    }
    if (filtered > 0) return filtered;
  }
  return 0;
}

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
