// SPDX-License-Identifier: MIT
#include <mailwire/dot_unstuffer.hpp>

#include <doctest/doctest.h>

#include <mailwire/dot_stuffer.hpp>

#include <string>
#include <vector>

#include "harness.hpp"  // visible()

namespace {

using mailwire::DotUnstuffer;
using tests::visible;

struct Read {
  std::string body, behind;
  bool done;
};

// Reads octets that come in pieces of `size`, the first of them `first` octets long.
Read read(const std::string& octets, std::size_t first, std::size_t size) {
  DotUnstuffer unstuffer;
  std::string body;
  std::size_t at = 0;
  while (at < octets.size() && !unstuffer.done()) {
    const std::string_view piece = std::string_view(octets).substr(at, at < first ? first - at : size);
    std::size_t taken = 0;
    while (taken < piece.size() && !unstuffer.done()) {
      const DotUnstuffer::Step step = unstuffer.next(piece.substr(taken));
      if (step.taken == 0 && step.body.empty()) return {"stuck", "", false};
      body += step.body;
      taken += step.taken;
    }
    at += taken;
  }
  return {body, octets.substr(at), unstuffer.done()};
}

struct Unstuffed {
  const char* octets;
  const char* body;
  const char* behind;  // null = the end did not come
};
constexpr Unstuffed all_unstuffed[] = {
    {"", "", nullptr},
    {".\r\n", "", ""},
    {".\r\n+OK\r\n", "", "+OK\r\n"},
    {"a\r\n.\r\n", "a\r\n", ""},
    {"a\r\n.\r\n.\r\n", "a\r\n", ".\r\n"},
    {"a\r\n..\r\n.\r\n", "a\r\n.\r\n", ""},
    {"..a\r\n...\r\n.\r\n", ".a\r\n..\r\n", ""},
    {".a\r\n.\r\n", "a\r\n", ""},  // a dot that nobody doubled goes all the same
    {"a.b\r\nc.\r\n.\r\n", "a.b\r\nc.\r\n", ""},
    {"a\n.\r\n.\r\n", "a\n.\r\n", ""},           // a bare LF does not end a line ...
    {"a\r.\r\n.\r\n", "a\r.\r\n", ""},           // ... nor does a bare CR ...
    {"a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", ""},  // ... and neither ends the body
    {"a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", ""},
    {"a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", ""},
    {"a\n.\n", "a\n.\n", nullptr},
    {"a\r\n.", "a\r\n", nullptr},
    {"a\r\n.\r", "a\r\n", nullptr},
    {"a", "a", nullptr},
};

}  // namespace

TEST_CASE("bodies and what is read of them, for every cut: only CRLF dot CRLF ends") {
  for (const Unstuffed& c : all_unstuffed) {
    const std::string octets = c.octets;
    CAPTURE(visible(octets));
    for (std::size_t first = 0; first <= octets.size(); ++first) {
      for (const std::size_t size : {1U, 1000U}) {
        CAPTURE(first);
        CAPTURE(size);
        const Read got = read(octets, first, size);
        CHECK(visible(got.body) == visible(c.body));
        CHECK(got.done == (c.behind != nullptr));
        if (c.behind != nullptr) CHECK(visible(got.behind) == visible(c.behind));
      }
    }
  }
}

TEST_CASE("R11-R13: what was stuffed comes back with its line ends repaired, and nothing behind it is touched") {
  std::vector<std::string> bodies = {""};
  std::string wrong;
  for (std::size_t i = 0; i < bodies.size() && bodies.size() < 90'000; ++i)
    if (bodies[i].size() < 7)
      for (const char c : {'.', '\r', '\n', 'a'}) bodies.push_back(bodies[i] + c);
  CHECK(bodies.size() == 21845);
  for (const std::string& body : bodies) {
    std::string wanted;
    for (std::size_t i = 0; i < body.size(); ++i) {
      if (body[i] == '\n' && (i == 0 || body[i - 1] != '\r')) wanted += '\r';
      wanted += body[i];
    }
    if (!wanted.empty() && (wanted.size() < 2 || wanted.substr(wanted.size() - 2) != "\r\n")) wanted += "\r\n";

    mailwire::DotStuffer stuffer;
    char block[64];
    const std::size_t written = stuffer.copy(body, block, sizeof block).written;
    const std::string wire = std::string(block, written).append(stuffer.end()) + "..\r\n.\r\n+OK";
    for (const std::size_t size : {1U, 3U, 1000U}) {
      const Read got = read(wire, 0, size);
      if ((got.body != wanted || got.behind != "..\r\n.\r\n+OK" || !got.done) && wrong.size() < 500)
        wrong += visible(body) + '\n';
    }
  }
  CHECK(wrong == "");
}

TEST_CASE("nothing is taken behind the end or out of nothing") {
  DotUnstuffer unstuffer;
  CHECK(unstuffer.next("").taken == 0);
  CHECK_FALSE(unstuffer.done());
  for (const char* octet : {".", "\r", "\n"}) CHECK(unstuffer.next(octet).taken == 1);
  CHECK(unstuffer.done());
  CHECK(unstuffer.next("x").taken == 0);
  CHECK(unstuffer.next("x").body.empty());
}

TEST_CASE("whole lines come without a copy") {
  DotUnstuffer unstuffer;
  const std::string line = "a line\r\n";
  CHECK(unstuffer.next(line).body.data() == line.data());
}
