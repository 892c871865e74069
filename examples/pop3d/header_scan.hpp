// SPDX-License-Identifier: MIT
#ifndef POP3D_HEADER_SCAN_HPP
#define POP3D_HEADER_SCAN_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mailwire/utf8.hpp"

namespace pop3d {

// Looks for octets outside ASCII in the header of a message (RFC 6532), which only a client that said UTF8 may be sent
// (RFC 6856, 2.1). Whatever charset they are of: what is not UTF-8 is no more ASCII for that. Of a header that is
// longer than `most` octets, the rest is not looked at.
class HeaderScan {
 public:
  static constexpr std::size_t most = 64 * 1024;

  // The message from its beginning, piece by piece, until done().
  void add(std::string_view octets) noexcept {
    octets = octets.substr(0, most - seen_);
    while (!octets.empty() && !done()) {
      const std::size_t size = std::min(octets.find('\n'), octets.size() - 1) + 1;
      add_part(octets.substr(0, size));
      octets.remove_prefix(size);
    }
  }
  bool done() const noexcept { return found_ || line_ == Line::last || seen_ >= most; }
  bool needs_utf8() const noexcept { return found_; }

 private:
  enum class Line : std::uint8_t { empty, cr, text, last };  // last: the empty one, behind the header

  // Of one line, not empty.
  void add_part(std::string_view part) noexcept {
    seen_ += part.size();
    found_ = !mailwire::is_ascii(part);
    const bool whole = part.back() == '\n';
    if (whole) part.remove_suffix(1);
    if (!part.empty()) line_ = line_ == Line::empty && part == "\r" ? Line::cr : Line::text;
    if (whole) line_ = line_ == Line::text ? Line::empty : Line::last;
  }

  std::size_t seen_ = 0;
  Line line_ = Line::empty;
  bool found_ = false;
};

}  // namespace pop3d

#endif
