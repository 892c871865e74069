// SPDX-License-Identifier: MIT
// A line in, a command out. Pure functions, usable in constant expressions.
#ifndef POP3_DETAIL_COMMAND_HPP
#define POP3_DETAIL_COMMAND_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "../../mailwire/ascii.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

enum class Verb : std::uint8_t { user, pass, apop, quit, stat, list, retr, dele, noop, rset, top, uidl, capa, unknown };

// What may stand behind a verb.
enum class Arguments : std::uint8_t {
  none,
  name,             // one word
  name_digest,      // a word, a space, 32 lower-case hexadecimal digits
  password,         // everything behind the one space, spaces included (RFC 1939, 7: PASS)
  number,           // a message number
  number_optional,  // the same, or nothing
  number_lines,     // a message number and a count of lines, 0 or more
};

struct VerbInfo {
  std::string_view name;
  Arguments arguments;
  bool in_authorization, in_transaction;
};

// RFC 1939; CAPA: RFC 2449, 5. In the order of Verb.
inline constexpr VerbInfo verbs[] = {
    {"USER", Arguments::name, true, false},        {"PASS", Arguments::password, true, false},
    {"APOP", Arguments::name_digest, true, false}, {"QUIT", Arguments::none, true, true},
    {"STAT", Arguments::none, false, true},        {"LIST", Arguments::number_optional, false, true},
    {"RETR", Arguments::number, false, true},      {"DELE", Arguments::number, false, true},
    {"NOOP", Arguments::none, false, true},        {"RSET", Arguments::none, false, true},
    {"TOP", Arguments::number_lines, false, true}, {"UIDL", Arguments::number_optional, false, true},
    {"CAPA", Arguments::none, true, true},
};

constexpr const VerbInfo& info(Verb verb) noexcept { return verbs[static_cast<std::size_t>(verb)]; }

struct Command {
  Verb verb = Verb::unknown;
  bool well_formed = false;                  // the arguments are as the verb wants them
  std::string_view name = {};                // USER, APOP
  std::string_view secret = {};              // PASS: the password; APOP: the digest
  std::optional<std::uint64_t> number = {};  // of a message; it may be 0 or far too large
  std::uint64_t lines = 0;                   // TOP
};

constexpr Verb find_verb(std::string_view word) noexcept {
  for (std::size_t i = 0; i < std::size_t{sizeof verbs / sizeof verbs[0]}; ++i)
    if (mailwire::equals_ignoring_case(word, verbs[i].name)) return static_cast<Verb>(i);
  return Verb::unknown;
}

constexpr bool is_word(std::string_view text) noexcept {
  return !text.empty() && mailwire::all_of(text, mailwire::is_graphic);
}

constexpr bool is_digest(std::string_view text) noexcept {
  return text.size() == 32 && mailwire::all_of(text, mailwire::is_lower_hex);
}

// Reads what follows the verb and its one space; nothing = there was no space.
constexpr bool parse_arguments(Command& command, std::optional<std::string_view> rest) noexcept {
  const Arguments wanted = info(command.verb).arguments;
  if (!rest) return wanted == Arguments::none || wanted == Arguments::number_optional;
  const mailwire::Words words = mailwire::split_word(*rest);
  switch (wanted) {
    case Arguments::none: return false;
    case Arguments::name: command.name = *rest; return is_word(command.name);
    case Arguments::name_digest:
      command.name = words.first;
      command.secret = words.rest.value_or("");
      return is_word(command.name) && is_digest(command.secret);
    case Arguments::password: command.secret = *rest; return !command.secret.empty();
    case Arguments::number:
    case Arguments::number_optional: command.number = mailwire::parse_number(*rest); return command.number.has_value();
    case Arguments::number_lines: {
      const auto lines = mailwire::parse_number(words.rest.value_or(""));
      command.number = mailwire::parse_number(words.first);
      command.lines = lines.value_or(0);
      return command.number.has_value() && lines.has_value();
    }
  }
  return false;
}

// command = verb [ SP argument [ SP argument ] ]; printable ASCII throughout (RFC 1939, 3; RFC 2449, 4).
// `line` comes without its CRLF.
constexpr Command parse_command(std::string_view line) noexcept {
  Command command;
  const mailwire::Words words = mailwire::split_word(line);
  command.verb = find_verb(words.first);
  if (command.verb != Verb::unknown && mailwire::all_of(line, mailwire::is_text))
    command.well_formed = parse_arguments(command, words.rest);
  return command;
}

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
