// SPDX-License-Identifier: MIT
#include "header_scan.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using pop3d::HeaderScan;

namespace {

struct Found {
  bool done, needs_utf8;
  bool operator==(const Found&) const = default;
};
constexpr Found unfinished{false, false}, ascii{true, false}, utf8{true, true};

// Of pieces of this size; 0 = as a whole.
Found scan(std::string_view message, std::size_t piece = 0) {
  HeaderScan scan;
  if (piece == 0) scan.add(message);
  for (std::size_t at = 0; piece > 0 && at < message.size(); at += piece) scan.add(message.substr(at, piece));
  return {scan.done(), scan.needs_utf8()};
}

}  // namespace

TEST_CASE("R208: a header with octets outside ASCII is found, a body with them is not") {
  const std::pair<const char*, Found> messages[] = {
      {"", unfinished},
      {"Subject: x\n", unfinished},
      {"Subject: x\r", unfinished},
      {"Subject: x\n\n", ascii},
      {"Subject: x\r\n\r\n", ascii},
      {"Subject: x\n\nGr\u00FC\u00DFe\n", ascii},
      {"Subject: x\r\n\r\nGr\u00FC\u00DFe\r\n", ascii},
      {"\nSubject: \u00FC\n", ascii},
      {"\r\n\u00FC\n", ascii},
      {"Subject: Gr\u00FC\u00DFe\n\n", utf8},
      {"Subject: Gr\xFC\xDF\n\n", utf8},
      {"Subject: x\n \u00FC\n\n", utf8},
      {"\u00FC", utf8},
      {"Subject: x\r\r\n\u00FC\n", utf8},   // a CR alone is an octet like others
      {"a: b\n\r\r\nc: \u00FC\n\n", utf8},  // two of them too,
      {"a: b\n \r\nc: \u00FC\n\n", utf8},   // and a line of a space is not empty
      {"a: b\n\r \nc: \u00FC\n\n", utf8},
  };
  for (const auto& message : messages) {
    CAPTURE(message.first);
    for (const std::size_t piece : {0U, 1U, 2U, 3U, 7U}) CHECK(scan(message.first, piece) == message.second);
  }
}

TEST_CASE("a header without an end is looked at so far, and no further") {
  const std::string header = "Subject: " + std::string(HeaderScan::most - 10, 'x');
  CHECK(scan(header) == unfinished);
  CHECK(scan(header + "\xFC") == utf8);
  CHECK(scan(header + "x") == ascii);
  CHECK(scan(header + "x\xFC") == ascii);
  CHECK(scan(header + "x\xFC", 1000) == ascii);
}
