// SPDX-License-Identifier: MIT
#include <pop3/detail/top_cut.hpp>

#include <doctest/doctest.h>

#include <string>

#include "harness.hpp"  // visible()

namespace {

using pop3::detail::TopCut;
using tests::visible;

constexpr std::uint64_t all_lines = ~std::uint64_t{0};

// What is taken of the message in pieces of `size`, the first of them `first` octets long; with a '!' when the cut
// knows that it is done.
std::string top(const std::string& message, std::uint64_t lines, std::size_t first, std::size_t size) {
  TopCut cut(lines);
  std::string taken;
  for (std::size_t at = 0; at < message.size();) {
    const std::string piece = message.substr(at, at < first ? first - at : size);
    const std::size_t n = cut.take(piece);
    taken += piece.substr(0, n);
    if (n < piece.size() && !cut.done()) return "cut, but not done";
    at += piece.size();
  }
  return taken + (cut.done() ? "!" : "");
}

struct Cut {
  const char* message;
  std::uint64_t lines;
  const char* top;
};

}  // namespace

TEST_CASE("R53 R54 R55 F-TOP F-DOT: header, separator and so many lines, whatever the cuts") {
  static constexpr Cut cases[] = {
      {"A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n", 0, "A: 1\r\nB: 2\r\n\r\n!"},
      {"A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n", 1, "A: 1\r\nB: 2\r\n\r\none\r\n!"},
      {"A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n", 2, "A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n!"},
      {"A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n", 3, "A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n"},
      {"A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n", all_lines, "A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n"},
      // 2^32 lines are not no lines
      {"A: 1\r\n\r\none\r\n", 4294967296U, "A: 1\r\n\r\none\r\n"},
      // lines end at LF, whatever stands before it
      {"A: 1\nB: 2\n\none\ntwo\n", 0, "A: 1\nB: 2\n\n!"},
      {"A: 1\nB: 2\n\none\ntwo\n", 1, "A: 1\nB: 2\n\none\n!"},
      {"A: 1\r\n\none\r\n", 0, "A: 1\r\n\n!"},
      {"A: 1\n\r\none\n", 0, "A: 1\n\r\n!"},
      // empty lines of the body count
      {"A: 1\r\n\r\n\r\n\r\nx\r\n", 2, "A: 1\r\n\r\n\r\n\r\n!"},
      // no header at all, no body, no separator, nothing
      {"\r\none\r\ntwo\r\n", 1, "\r\none\r\n!"},
      {"\none\n", 0, "\n!"},
      {"A: 1\r\n\r\n", 0, "A: 1\r\n\r\n!"},
      {"A: 1\r\n\r\n", 1, "A: 1\r\n\r\n"},
      {"A: 1\r\nB: 2\r\n", 0, "A: 1\r\nB: 2\r\n"},
      {"A: 1", 0, "A: 1"},
      {"", 0, ""},
      // a last line without an end is a line as well: nothing is behind it
      {"A: 1\r\n\r\none", 1, "A: 1\r\n\r\none"},
      {"A: 1\r\n\r\none\r\ntwo", 1, "A: 1\r\n\r\none\r\n!"},
      // what looks like an empty line, and is none
      {"A: 1\r\n \r\nB: 2\r\n\r\none\r\n", 0, "A: 1\r\n \r\nB: 2\r\n\r\n!"},
      {"A: 1\r\n\r\r\nB: 2\r\n\r\none\r\n", 0, "A: 1\r\n\r\r\nB: 2\r\n\r\n!"},
      {"A: 1\r\r\n\rB: 2\r\n\r\none\r\n", 0, "A: 1\r\r\n\rB: 2\r\n\r\n!"},
      {"A: 1\r\n.\r\n\r\n.\r\n.\r\n", 1, "A: 1\r\n.\r\n\r\n.\r\n!"},
  };
  for (const Cut& c : cases) {
    const std::string message = c.message;
    CAPTURE(visible(message));
    CAPTURE(c.lines);
    for (std::size_t first = 0; first <= message.size(); ++first)
      for (const std::size_t size : {1U, 2U, 1000U})
        CHECK(visible(top(message, c.lines, first, size)) == visible(c.top));
  }
}

TEST_CASE("R53: without a number it is the header and its separator") {
  TopCut cut;
  CHECK(cut.take("A: 1\r\n\r\none\r\n") == 8);
  CHECK(cut.done());
}

TEST_CASE("nothing more is taken when the cut is done") {
  TopCut cut(0);
  CHECK_FALSE(cut.done());
  CHECK(cut.take("") == 0);
  CHECK(cut.take("\r\nbody") == 2);
  CHECK(cut.done());
  CHECK(cut.take("body\r\n") == 0);
}
