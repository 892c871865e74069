// SPDX-License-Identifier: MIT
// Lines and commands: what is accepted prints and parses back to the same, what is tolerated is the same as if it had
// been written strictly, and the cuts of lines make no difference.
#include <mailwire/line_reader.hpp>
#include <pop3/detail/command.hpp>

#include "play.hpp"

namespace {

using mailwire::LineReader;
using pop3::Rule;
using pop3::detail::Arguments;
using pop3::detail::Command;

// As RFC 1939, 3 and its extensions want it.
std::string printed(const Command& command) {
  std::string line(pop3::detail::info(command.verb).name);
  switch (pop3::detail::info(command.verb).arguments) {
    case Arguments::none: return line;
    case Arguments::name: return line + ' ' + std::string(command.name);
    case Arguments::name_digest: return line + ' ' + std::string(command.name) + ' ' + std::string(command.secret);
    case Arguments::password: return line + ' ' + std::string(command.secret);
    case Arguments::mechanism:
      if (!command.name.empty()) line += ' ' + std::string(command.name);
      return command.initial ? line + ' ' + std::string(*command.initial) : line;
    case Arguments::language: return command.name.empty() ? line : line + ' ' + std::string(command.name);
    case Arguments::number:
    case Arguments::number_optional: return command.number ? line + ' ' + std::to_string(*command.number) : line;
    case Arguments::number_lines:
      return line + ' ' + std::to_string(*command.number) + ' ' + std::to_string(command.lines);
  }
  return line;
}

bool same(const Command& a, const Command& b) {
  return a.verb == b.verb && a.well_formed == b.well_formed && a.name == b.name && a.secret == b.secret &&
         a.initial == b.initial && a.number == b.number && a.lines == b.lines;
}

// The line with the rules broken that may be: spaces and tabs, leading zeros, the case of the verb.
std::string loosened(const std::string& strict, Arguments arguments, fuzz::Input input) {
  static constexpr const char* const gaps[] = {" ", "  ", "\t", " \t "};
  const std::size_t verb_end = strict.find(' ');
  const bool numbers =
      arguments == Arguments::number || arguments == Arguments::number_optional || arguments == Arguments::number_lines;
  std::string line = input.decide(2) == 1 ? gaps[input.decide(4)] : "";
  for (std::size_t i = 0; i < strict.size(); ++i) {
    const char c = strict[i];
    const bool in_verb = i < verb_end;
    if (in_verb && input.decide(2) == 1) {
      line += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    } else if (c == ' ' && arguments != Arguments::password) {
      line += gaps[input.decide(4)];
      if (numbers) line.append(input.decide(3), '0');
    } else {
      line += c;
    }
  }
  if (arguments != Arguments::password && input.decide(2) == 1) line += gaps[input.decide(4)];
  return line;
}

void check_command(std::string_view line, const fuzz::Input& input) {
  const Command command = pop3::detail::parse_command(line);
  const auto begin = static_cast<std::size_t>(command.word.data() - line.data());
  if (!command.word.empty() && (begin > line.size() || line.substr(begin, command.word.size()) != command.word))
    fuzz::fail("the verb is not in the line");
  if (command.rest && line.substr(line.size() - command.rest->size()) != *command.rest)
    fuzz::fail("what follows the verb is not the end of the line");
  if (!command.well_formed) return;
  const std::string strict = printed(command);
  const Command again = pop3::detail::parse_command(strict);
  if (!same(command, again)) fuzz::fail("not the same written strictly: " + tests::visible(strict));
  // Only what is in the arguments themselves is left.
  for (const Rule rule : {Rule::bare_lf, Rule::spaces, Rule::leading_zeros})
    if (again.broken.has(rule)) fuzz::fail("broken although written strictly: " + tests::visible(strict));
  for (const Rule rule : {Rule::eight_bit, Rule::auth_list})
    if (again.broken.has(rule) != command.broken.has(rule)) fuzz::fail("a rule is broken, or not, without a reason");
  if (command.broken.has(Rule::bare_lf)) fuzz::fail("a command with a line end inside");
  if (command.broken.none()) {
    std::string upper(line);
    for (std::size_t i = 0; i < upper.size() && upper[i] != ' '; ++i)
      upper[i] = static_cast<char>(upper[i] >= 'a' && upper[i] <= 'z' ? upper[i] - 32 : upper[i]);
    if (strict != upper) fuzz::fail("parsed as " + tests::visible(strict));
  }
  for (const char c : line)
    if ((c < ' ' || c > '~') && !(c == '\t' && command.broken.has(Rule::spaces)) &&
        !(static_cast<unsigned char>(c) >= 0x80 && command.broken.has(Rule::eight_bit)))
      fuzz::fail("a command with octets that no command has");
  const std::string loose = loosened(strict, pop3::detail::info(command.verb).arguments, input);
  if (!same(command, pop3::detail::parse_command(loose))) fuzz::fail("not the same: " + tests::visible(loose));
}

struct Line {
  std::string text;
  bool bare_lf;
  bool operator==(const Line& other) const { return text == other.text && bare_lf == other.bare_lf; }
};

std::vector<Line> lines(std::string_view octets, std::size_t piece, const mailwire::LineLimits& limits) {
  LineReader reader;
  std::vector<Line> all;
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
      if (line.bare_lf && !limits.bare_lf) fuzz::fail("an LF ended a line");
      all.push_back({line.status == LineReader::Status::line ? std::string(line.line) : "(too long)", line.bare_lf});
    }
    if (turn % 5 == 0) reader.trim();
  }
  if (reader.hopeless()) all.push_back({"(hopeless)", false});
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
  if (!(lines(input.octets, piece, limits) == whole) || !(lines(input.octets, 1, limits) == whole))
    fuzz::fail("the lines depend on the cuts");
  for (const Line& line : whole) {
    check_command(line.text, input);
    if (limits.bare_lf && line.text.find('\n') != std::string::npos) fuzz::fail("an LF in a line");
  }
  return 0;
}
