// SPDX-License-Identifier: MIT
#include <mailwire/dot_stuffer.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "harness.hpp"  // visible()

namespace {

using mailwire::BodyLines;
using mailwire::DotStuffer;
using mailwire::OctetCounter;
using tests::visible;

constexpr BodyLines modes[] = {BodyLines::repair, BodyLines::verbatim};

// What the RFCs ask for, written down octet by octet without any state machine: the body as it is counted ...
std::string normalised(const std::string& body, BodyLines lines) {
  std::string out;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (lines == BodyLines::repair && body[i] == '\n' && (i == 0 || body[i - 1] != '\r')) out += '\r';
    out += body[i];
  }
  const bool ended = out.empty() || (out.size() >= 2 && out.compare(out.size() - 2, 2, "\r\n") == 0);
  return ended ? out : out + "\r\n";
}
// ... and as it is sent.
std::string wire(const std::string& body, BodyLines lines) {
  const std::string plain = normalised(body, lines);
  std::string out;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] == '.' && (i == 0 || plain[i - 1] == '\n')) out += '.';
    out += plain[i];
  }
  return out + ".\r\n";
}

// By copy(), with so much room at a time; the input is cut behind octet `cut`.
std::string copied(const std::string& body, BodyLines lines, std::size_t cut, std::size_t room) {
  DotStuffer stuffer(lines);
  std::string out;
  std::vector<char> block(room);
  for (std::string_view piece : {std::string_view(body).substr(0, cut), std::string_view(body).substr(cut)}) {
    while (!piece.empty()) {
      const DotStuffer::Step step = stuffer.copy(piece, block.data(), room);
      if (step.written > room || step.taken > piece.size() || step.taken + step.written == 0) return "stuck";
      out.append(block.data(), step.written);
      piece.remove_prefix(step.taken);
    }
  }
  return out.append(stuffer.end());
}

// By clean_prefix() and pass() where there is a clean prefix, and one octet by copy() where there is none.
std::string passed(const std::string& body, BodyLines lines, std::size_t cut) {
  DotStuffer stuffer(lines);
  std::string out;
  for (std::string_view piece : {std::string_view(body).substr(0, cut), std::string_view(body).substr(cut)}) {
    while (!piece.empty()) {
      const std::size_t clean = stuffer.clean_prefix(piece);
      if (clean > piece.size()) return "too much is clean";
      stuffer.pass(piece.substr(0, clean));
      out.append(piece.substr(0, clean));
      piece.remove_prefix(clean);
      if (piece.empty()) break;
      char octet = '\0';
      const DotStuffer::Step step = stuffer.copy(piece, &octet, 1);
      out.append(&octet, step.written);
      piece.remove_prefix(step.taken);
    }
  }
  return out.append(stuffer.end());
}

// All strings of these octets with up to `longest` of them.
template <class Do>
void for_all_bodies(std::string_view octets, std::size_t longest, Do look) {
  std::vector<std::string> bodies = {""};
  for (std::size_t size = 0; size <= longest; ++size) {
    std::vector<std::string> longer;
    for (const std::string& body : bodies) {
      look(body);
      if (size < longest)
        for (const char c : octets) longer.push_back(body + c);
    }
    bodies.swap(longer);
  }
}

struct Stuffed {
  const char* body;
  const char* repaired;
  const char* verbatim;
};
constexpr Stuffed all_stuffed[] = {
    {"", ".\r\n", ".\r\n"},
    {".", "..\r\n.\r\n", "..\r\n.\r\n"},
    {"..", "...\r\n.\r\n", "...\r\n.\r\n"},
    {".\r\n", "..\r\n.\r\n", "..\r\n.\r\n"},
    {".\n", "..\r\n.\r\n", "..\n\r\n.\r\n"},
    {".\r\n+OK evil\r\n", "..\r\n+OK evil\r\n.\r\n", "..\r\n+OK evil\r\n.\r\n"},
    {"a", "a\r\n.\r\n", "a\r\n.\r\n"},
    {"a\r\n", "a\r\n.\r\n", "a\r\n.\r\n"},
    {"a\r\n\r\n", "a\r\n\r\n.\r\n", "a\r\n\r\n.\r\n"},
    {"\r\n", "\r\n.\r\n", "\r\n.\r\n"},
    {"\n", "\r\n.\r\n", "\n\r\n.\r\n"},
    {"\r", "\r\r\n.\r\n", "\r\r\n.\r\n"},
    {"a\r", "a\r\r\n.\r\n", "a\r\r\n.\r\n"},
    {"a\n", "a\r\n.\r\n", "a\n\r\n.\r\n"},
    {"a\r\r\n", "a\r\r\n.\r\n", "a\r\r\n.\r\n"},
    {"a\r\r\n.b", "a\r\r\n..b\r\n.\r\n", "a\r\r\n..b\r\n.\r\n"},
    {"a\nb\n", "a\r\nb\r\n.\r\n", "a\nb\n\r\n.\r\n"},
    {"a\n\nb", "a\r\n\r\nb\r\n.\r\n", "a\n\nb\r\n.\r\n"},
    {"a\n.b\r\n", "a\r\n..b\r\n.\r\n", "a\n..b\r\n.\r\n"},
    {"a\n.\nb\r\n", "a\r\n..\r\nb\r\n.\r\n", "a\n..\nb\r\n.\r\n"},
    {"a\r.b\r\n", "a\r.b\r\n.\r\n", "a\r.b\r\n.\r\n"},
    {"a\r.\rb", "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n.\r\n"},
    {"a.b\r\nc.\r\n", "a.b\r\nc.\r\n.\r\n", "a.b\r\nc.\r\n.\r\n"},
    {".a\r\n..b\r\n.\r\n", "..a\r\n...b\r\n..\r\n.\r\n", "..a\r\n...b\r\n..\r\n.\r\n"},
    {"a\r\n.", "a\r\n..\r\n.\r\n", "a\r\n..\r\n.\r\n"},
    {"\r\n.\r\n", "\r\n..\r\n.\r\n", "\r\n..\r\n.\r\n"},
    {"\xFF\x80\x01.\r\n", "\xFF\x80\x01.\r\n.\r\n", "\xFF\x80\x01.\r\n.\r\n"},
};

}  // namespace

TEST_CASE("R9-R13 F-PE3 F-DOT: bodies and what goes over the wire for them") {
  for (const Stuffed& c : all_stuffed) {
    const std::string body = c.body;
    CAPTURE(visible(body));
    CHECK(visible(copied(body, BodyLines::repair, 0, 100)) == visible(c.repaired));
    CHECK(visible(copied(body, BodyLines::verbatim, 0, 100)) == visible(c.verbatim));
    // The reference of the exhaustive tests below, tested by the same table.
    CHECK(visible(wire(body, BodyLines::repair)) == visible(c.repaired));
    CHECK(visible(wire(body, BodyLines::verbatim)) == visible(c.verbatim));
  }
}

TEST_CASE("R11 F-DOT: every body, every cut of it and every room give the same octets") {
  std::string wrong;
  unsigned bodies = 0;
  for_all_bodies(".\r\na", 6, [&](const std::string& body) {
    ++bodies;
    for (const BodyLines lines : modes) {
      const std::string wanted = wire(body, lines);
      for (std::size_t cut = 0; cut <= body.size(); ++cut)
        for (std::size_t room = 1; room <= wanted.size(); ++room)
          if (copied(body, lines, cut, room) != wanted && wrong.size() < 500) wrong += visible(body) + '\n';
    }
  });
  CHECK(bodies == 5461);
  CHECK(wrong == "");
}

TEST_CASE("R11-R13: octets that are passed through unseen are the same as those that are copied") {
  std::string wrong;
  unsigned bodies = 0;
  for_all_bodies(".\r\na", 8, [&](const std::string& body) {
    ++bodies;
    for (const BodyLines lines : modes) {
      const std::string wanted = wire(body, lines);
      for (std::size_t cut = 0; cut <= body.size(); ++cut)
        if (passed(body, lines, cut) != wanted && wrong.size() < 500) wrong += visible(body) + '\n';
    }
  });
  CHECK(bodies == 87381);
  CHECK(wrong == "");
}

TEST_CASE("a clean prefix is as long as it can be: what follows it is a dot to double or an LF to repair") {
  std::string wrong;
  for_all_bodies(".\r\na", 7, [&](const std::string& body) {
    for (const BodyLines lines : modes) {
      for (std::size_t cut = 0; cut <= body.size(); ++cut) {
        DotStuffer stuffer(lines);
        stuffer.count(std::string_view(body).substr(0, cut));
        const std::size_t end = cut + stuffer.clean_prefix(std::string_view(body).substr(cut));
        const bool repairs =
            lines == BodyLines::repair && end < body.size() && body[end] == '\n' && (end == 0 || body[end - 1] != '\r');
        const bool doubles = end < body.size() && body[end] == '.' && (end == 0 || body[end - 1] == '\n');
        if (end != body.size() && !repairs && !doubles && wrong.size() < 500) wrong += visible(body) + '\n';
      }
    }
  });
  CHECK(wrong == "");
}

TEST_CASE("R37 R74: octets are counted as RFC 1939 section 11 says, whatever the pieces") {
  std::string wrong;
  for_all_bodies(".\r\na", 7, [&](const std::string& body) {
    for (const BodyLines lines : modes) {
      const std::uint64_t wanted = normalised(body, lines).size();
      for (std::size_t cut = 0; cut <= body.size(); ++cut) {
        OctetCounter counter(lines);
        counter.add(std::string_view(body).substr(0, cut));
        counter.add(std::string_view(body).substr(cut));
        if (counter.octets() != wanted && wrong.size() < 500) wrong += visible(body) + '\n';
      }
      DotStuffer copying(lines), passing(lines);
      char block[64];
      copying.copy(body, block, sizeof block);
      const std::size_t clean = passing.clean_prefix(body);
      passing.pass(std::string_view(body).substr(0, clean));
      passing.count(std::string_view(body).substr(clean));
      if (copying.octets() != wanted || passing.octets() != wanted) wrong += visible(body) + '\n';
    }
  });
  CHECK(wrong == "");
  CHECK(OctetCounter().octets() == 0);
}

TEST_CASE("R37 R74: sizes of stored messages in other forms") {
  struct Size {
    const char* body;
    std::uint64_t repaired, verbatim;
  };
  static constexpr Size sizes[] = {
      {"", 0, 0},
      {"a", 3, 3},    // the line end that it lacks
      {"a\n", 3, 4},  // a local line end counts as two octets
      {"a\r\n", 3, 3},
      {"a\nb\n", 6, 6},  // verbatim: "a\nb\n\r\n"
      {"a\nb\r\n", 6, 5},
      {".\r\n..\r\n", 7, 7},  // no dots that are added
      {"Subject: x\n\nhello\n", 21, 20},
      {"\r", 3, 3},
  };
  for (const Size& c : sizes) {
    CAPTURE(visible(c.body));
    OctetCounter repair, verbatim(BodyLines::verbatim);
    repair.add(c.body);
    verbatim.add(c.body);
    CHECK(repair.octets() == c.repaired);
    CHECK(verbatim.octets() == c.verbatim);
  }
}

TEST_CASE("a body over 4 GiB is counted in full") {
  const std::string block(1 << 20, '\n');
  OctetCounter counter;
  for (int i = 0; i < 4; ++i) counter.add(block);
  CHECK(counter.octets() == 8U << 20);
  // pass() looks only at the last two octets, so size costs nothing.
  DotStuffer stuffer(BodyLines::verbatim);
  const std::string line = std::string((1 << 20) - 2, 'x') + "\r\n";
  for (int i = 0; i < 5000; ++i) stuffer.pass(line);
  CHECK(stuffer.octets() == std::uint64_t{5000} << 20);
  CHECK(stuffer.end() == ".\r\n");
}

TEST_CASE("lines that nobody looks at count, and leave a line's start behind them") {
  DotStuffer stuffer;
  stuffer.pass_unseen(0);
  CHECK(stuffer.octets() == 0);
  CHECK(std::string(stuffer.end()) == ".\r\n");
  stuffer.pass("no end");
  CHECK(std::string(stuffer.end()) == "\r\n.\r\n");
  stuffer.pass_unseen(0);  // nothing ends no line
  CHECK(std::string(stuffer.end()) == "\r\n.\r\n");
  stuffer.pass_unseen(100);
  CHECK(stuffer.octets() == 106);
  CHECK(std::string(stuffer.end()) == ".\r\n");
  char out[4];
  CHECK(stuffer.copy(".", out, sizeof out).written == 2);
}

TEST_CASE("a body that is copied in blocks counts the CR that each of its LF gets") {
  // Lines of many sizes, so that blocks of every implementation hold none, one and several ends of lines.
  std::string body;
  for (std::size_t i = 0; i < 200; ++i) body += (i % 7 == 0 ? "." : "") + std::string(i % 41, 'x') + '\n';
  for (const BodyLines lines : modes) {
    DotStuffer stuffer(lines);
    std::string out(3 * body.size(), '\0');
    const DotStuffer::Step step = stuffer.copy(body, out.data(), out.size());
    CHECK(step.taken == body.size());
    out.resize(step.written);
    CHECK(out + std::string(stuffer.end()) == wire(body, lines));
    CHECK(stuffer.octets() == normalised(body, lines).size());
  }
}

TEST_CASE("a copy uses up the octets or the room, whichever is less") {
  const std::string body = "a line\r\n.dot\n..\r\nmore\n" + std::string(40, 'x') + "\n.\r\nend";
  for (const BodyLines lines : modes) {
    for (std::size_t room = 0; room <= 2 * body.size(); ++room) {
      DotStuffer stuffer(lines);
      std::string out(room, '#');
      const DotStuffer::Step step = stuffer.copy(body, out.data(), room);
      CAPTURE(room);
      CHECK((step.written == room || step.taken == body.size()));
      CHECK(out.substr(0, step.written) == wire(body, lines).substr(0, step.written));
    }
  }
}
