// SPDX-License-Identifier: MIT
#ifndef POP3D_WIRE_SCAN_HPP
#define POP3D_WIRE_SCAN_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mailwire/dot_stuffer.hpp"

namespace pop3d {

// What becomes of a message on the wire: its size there (RFC 1939, 11), and whether it may go as it is, with line ends
// all CRLF, the last one not missing, and no dot at the start of a line.
class WireScan {
 public:
  // The message from its beginning, piece by piece.
  void add(std::string_view octets) noexcept {
    if (as_is_) {
      const std::size_t clean = stuffer_.clean_prefix(octets);
      stuffer_.pass(octets.substr(0, clean));
      octets.remove_prefix(clean);
      as_is_ = octets.empty();
    }
    stuffer_.count(octets);
  }
  std::uint64_t octets() const noexcept { return stuffer_.octets(); }
  bool goes_as_it_is() const noexcept { return as_is_ && stuffer_.end() == ".\r\n"; }

 private:
  mailwire::DotStuffer stuffer_;
  bool as_is_ = true;
};

}  // namespace pop3d

#endif
