// SPDX-License-Identifier: MIT
// Dot-stuffing, for all cuts on both sides: against a slow reference, and back through the un-stuffer.
#include <mailwire/dot_stuffer.hpp>
#include <mailwire/dot_unstuffer.hpp>

#include "play.hpp"

namespace {

using mailwire::BodyLines;
using mailwire::DotStuffer;

// The body with its line ends as they are sent and the one at the end supplied; RFC 1939, 3, octet by octet.
std::string normalised(std::string_view body, BodyLines lines) {
  std::string out;
  for (const char c : body) {
    if (c == '\n' && lines == BodyLines::repair && (out.empty() || out.back() != '\r')) out += '\r';
    out += c;
  }
  const bool ended = out.empty() || (out.size() > 1 && out.compare(out.size() - 2, 2, "\r\n") == 0);
  return ended ? out : out + "\r\n";
}
std::string stuffed(const std::string& body) {
  std::string out;
  char before = '\n';
  for (const char c : body) {
    if (c == '.' && before == '\n') out += '.';
    out += before = c;
  }
  return out + ".\r\n";
}

// Through copy() or, where the input says so, through clean_prefix() and pass().
std::string stuff(fuzz::Input input, BodyLines lines, std::uint64_t& octets) {
  DotStuffer stuffer(lines);
  std::string out;
  std::string_view body = input.octets;
  while (!body.empty()) {
    const unsigned most = input.decide(250);  // 0: all of it, since long runs are looked through in another way
    const std::string_view piece = most == 0 ? body : body.substr(0, most);
    std::size_t taken = 0;
    if (input.decide(2) == 0) {
      taken = stuffer.clean_prefix(piece);
      stuffer.pass(piece.substr(0, taken));
      out += piece.substr(0, taken);
    }
    if (taken == 0) {
      char room[90];
      const auto step = stuffer.copy(piece, room, 1 + input.decide(90));
      out.append(room, step.written);
      taken = step.taken;
    }
    body.remove_prefix(taken);
  }
  octets = stuffer.octets();
  return out.append(stuffer.end());
}

std::string unstuff(std::string_view wire, fuzz::Input input) {
  mailwire::DotUnstuffer unstuffer;
  std::string body;
  while (!unstuffer.done()) {
    if (wire.empty()) fuzz::fail("the end was not found");
    std::string_view piece = wire.substr(0, 1 + input.decide(30));
    while (!piece.empty() && !unstuffer.done()) {
      const auto step = unstuffer.next(piece);
      body += step.body;
      piece.remove_prefix(step.taken);
      wire.remove_prefix(step.taken);
    }
  }
  if (!wire.empty()) fuzz::fail("the end was found too early");
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  for (const BodyLines lines : {BodyLines::repair, BodyLines::verbatim}) {
    const std::string body = normalised(input.octets, lines);
    std::uint64_t octets = 0;
    const std::string wire = stuff(input, lines, octets);
    if (wire != stuffed(body)) fuzz::fail("wrong octets: " + tests::visible(wire));
    if (octets != body.size()) fuzz::fail("wrong size");
    pop3::OctetCounter counter(lines);
    counter.add(input.octets);
    if (counter.octets() != body.size()) fuzz::fail("wrong size counted");
    // In verbatim mode a dot behind a bare LF is doubled as well, which a reader that knows only CRLF cannot undo.
    if (lines == BodyLines::repair && unstuff(wire, input) != body) fuzz::fail("not the same after un-stuffing");
  }
  return 0;
}
