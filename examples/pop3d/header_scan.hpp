// SPDX-License-Identifier: MIT
#ifndef POP3D_HEADER_SCAN_HPP
#define POP3D_HEADER_SCAN_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pop3d {

// Looks for octets outside ASCII in the header of a message (RFC 6532), which only a client that said UTF8 may be sent
// (RFC 6856, 2.1). Whatever charset they are of: what is not UTF-8 is no more ASCII for that. Of a header that is
// longer than `most` octets, the rest is not looked at.
class HeaderScan {
 public:
  static constexpr std::size_t most = 64 * 1024;

  // The message from its beginning, piece by piece, until done().
  void add(std::string_view octets) noexcept {
    for (const char c : octets) {
      if (done()) return;
      ++seen_;
      if (static_cast<unsigned char>(c) >= 0x80)
        found_ = true;
      else if (c != '\n')
        line_ = line_ == Line::empty && c == '\r' ? Line::cr : Line::text;
      else
        line_ = line_ == Line::text ? Line::empty : Line::last;
    }
  }
  bool done() const noexcept { return found_ || line_ == Line::last || seen_ >= most; }
  bool needs_utf8() const noexcept { return found_; }

 private:
  enum class Line : std::uint8_t { empty, cr, text, last };  // last: the empty one, behind the header

  std::size_t seen_ = 0;
  Line line_ = Line::empty;
  bool found_ = false;
};

}  // namespace pop3d

#endif
