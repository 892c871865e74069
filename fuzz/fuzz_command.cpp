// SPDX-License-Identifier: MIT
// Lines and commands: what is accepted prints and parses back to the same, and the cuts of lines make no difference.
#include <mailwire/line_reader.hpp>
#include <pop3/detail/command.hpp>

#include "play.hpp"

namespace {

using mailwire::LineReader;

std::string printed(const pop3::detail::Command& command) {
  using pop3::detail::Arguments;
  std::string line(pop3::detail::info(command.verb).name);
  switch (pop3::detail::info(command.verb).arguments) {
    case Arguments::none: return line;
    case Arguments::name: return line + ' ' + std::string(command.name);
    case Arguments::name_digest: return line + ' ' + std::string(command.name) + ' ' + std::string(command.secret);
    case Arguments::password: return line + ' ' + std::string(command.secret);
    case Arguments::number:
    case Arguments::number_optional: return command.number ? line + ' ' + std::to_string(*command.number) : line;
    case Arguments::number_lines:
      return line + ' ' + std::to_string(*command.number) + ' ' + std::to_string(command.lines);
  }
  return line;
}

void check_command(std::string_view line) {
  const auto command = pop3::detail::parse_command(line);
  if (!command.well_formed) return;
  std::string upper(line);
  for (std::size_t i = 0; i < upper.size() && upper[i] != ' '; ++i)
    upper[i] = static_cast<char>(upper[i] >= 'a' && upper[i] <= 'z' ? upper[i] - 32 : upper[i]);
  if (printed(command) != upper) fuzz::fail("parsed as " + tests::visible(printed(command)));
  for (const char c : line)
    if (c < ' ' || c > '~') fuzz::fail("a command with octets that no command has");
}

std::vector<std::string> lines(std::string_view octets, std::size_t piece, const mailwire::LineLimits& limits) {
  LineReader reader;
  std::vector<std::string> all;
  for (std::size_t turn = 0; !octets.empty() && !reader.hopeless(); ++turn) {
    const auto room = reader.room(limits);
    if (room.size == 0) fuzz::fail("no room although every line was taken");
    const std::size_t n = std::min({room.size, piece, octets.size()});
    std::memcpy(room.data, octets.data(), n);
    reader.commit(n);
    octets.remove_prefix(n);
    for (auto line = reader.next(limits); line.status != LineReader::Status::more && !reader.hopeless();
         line = reader.next(limits)) {
      if (line.line.size() >= limits.line) fuzz::fail("a line over its limit");
      all.push_back(line.status == LineReader::Status::line ? std::string(line.line) : "(too long)");
    }
    if (turn % 5 == 0) reader.trim();
  }
  if (reader.hopeless()) all.push_back("(hopeless)");
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  mailwire::LineLimits limits;
  limits.bare_lf = input.decide(2) == 1;
  limits.line = input.decide(2) == 1 ? 8 : 512;
  limits.block = input.decide(2) == 1 ? 8 : 1024;
  limits.give_up = input.decide(2) == 1 ? 40 : 0;
  const std::size_t piece = 1 + input.decide(200);
  const auto whole = lines(input.octets, ~std::size_t{0}, limits);
  if (lines(input.octets, piece, limits) != whole || lines(input.octets, 1, limits) != whole)
    fuzz::fail("the lines depend on the cuts");
  for (const std::string& line : whole) check_command(line);
  return 0;
}
