// SPDX-License-Identifier: MIT
#include "wire_scan.hpp"

#include <doctest/doctest.h>

#include <string>

using pop3d::WireScan;

namespace {

WireScan scanned_wire(std::string_view message, std::size_t piece) {
  WireScan scan;
  for (; message.size() > piece; message.remove_prefix(piece)) scan.add(message.substr(0, piece));
  scan.add(message);
  return scan;
}

}  // namespace

TEST_CASE(
    "R37 R41 R44: what may go as it is has CRLF everywhere and no dot at the start of a line, however it is cut") {
  struct {
    std::string_view message;
    std::uint64_t octets;
    bool as_is;
  } constexpr cases[] = {
      {"", 0, true},
      {"a\r\n", 3, true},
      {"\r\n\r\n", 4, true},
      {"a.b\r\n c.\r\n", 10, true},
      {"a\rb\r\n", 5, true},  // a CR alone is no line end
      {"a", 3, false},
      {"a\r", 4, false},
      {"a\n", 3, false},
      {"a\r\nb", 6, false},
      {"a\nb\r\n", 6, false},
      {".", 3, false},
      {".\r\n", 3, false},
      {"a\r\n.\r\n", 6, false},
      {"a\r\n..b\r\n", 8, false},
      {"a\r\r\n.\r\n", 7, false},
  };
  for (const auto& [message, octets, as_is] : cases)
    for (std::size_t piece = 1; piece <= 4; ++piece) {
      CAPTURE(message);
      CAPTURE(piece);
      const WireScan found = scanned_wire(message, piece);
      CHECK(found.octets() == octets);
      CHECK(found.goes_as_it_is() == as_is);
    }
}
