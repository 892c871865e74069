// SPDX-License-Identifier: MIT
// A line in, a command out. Pure functions, usable in constant expressions.
#ifndef POP3_DETAIL_COMMAND_HPP
#define POP3_DETAIL_COMMAND_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "../../mailwire/ascii.hpp"
#include "../types.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

// What may stand behind a verb.
enum class Arguments : std::uint8_t {
  none,
  name,             // one word
  name_digest,      // a word, a space, 32 lower-case hexadecimal digits
  password,         // everything behind the one space, spaces included (RFC 1939, 7: PASS)
  mechanism,        // a word, and perhaps another one (RFC 5034, 4)
  language,         // one word, or nothing (RFC 6856, 3)
  number,           // a message number
  number_optional,  // the same, or nothing
  number_lines,     // a message number and a count of lines, 0 or more
};

struct VerbInfo {
  std::string_view name;
  Arguments arguments;
  bool in_authorization, in_transaction;
};

// RFC 1939; AUTH: RFC 5034, 4; STLS: RFC 2595, 4; UTF8, LANG: RFC 6856; CAPA: RFC 2449, 5. In the order of Verb.
inline constexpr VerbInfo verbs[] = {
    {"USER", Arguments::name, true, false},        {"PASS", Arguments::password, true, false},
    {"APOP", Arguments::name_digest, true, false}, {"AUTH", Arguments::mechanism, true, false},
    {"STLS", Arguments::none, true, false},        {"UTF8", Arguments::none, true, false},
    {"LANG", Arguments::language, true, true},     {"QUIT", Arguments::none, true, true},
    {"STAT", Arguments::none, false, true},        {"LIST", Arguments::number_optional, false, true},
    {"RETR", Arguments::number, false, true},      {"DELE", Arguments::number, false, true},
    {"NOOP", Arguments::none, false, true},        {"RSET", Arguments::none, false, true},
    {"TOP", Arguments::number_lines, false, true}, {"UIDL", Arguments::number_optional, false, true},
    {"CAPA", Arguments::none, true, true},
};

constexpr const VerbInfo& info(Verb verb) noexcept { return verbs[static_cast<std::size_t>(verb)]; }

// Rules that a line breaks, as a set.
class Rules {
 public:
  constexpr void add(Rule rule) noexcept { bits_ |= 1U << static_cast<unsigned>(rule); }
  constexpr bool has(Rule rule) const noexcept { return (bits_ >> static_cast<unsigned>(rule) & 1U) != 0; }
  constexpr bool none() const noexcept { return bits_ == 0; }

 private:
  unsigned bits_ = 0;
};

struct Command {
  Verb verb = Verb::other;
  std::string_view word = {};                    // the verb as it came
  bool well_formed = false;                      // the arguments are as the verb wants them, but for `broken`
  Rules broken = {};                             // rules that it breaks, and that may be relaxed
  std::string_view name = {};                    // USER, APOP; AUTH: the mechanism; LANG: the range
  std::string_view secret = {};                  // PASS: the password; APOP: the digest
  std::optional<std::string_view> initial = {};  // AUTH: the initial response, in base64
  std::optional<std::uint64_t> number = {};      // of a message; it may be 0 or far too large
  std::uint64_t lines = 0;                       // TOP
  std::optional<std::string_view> rest = {};     // what follows the verb and the spaces behind it
};

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_eight_bit(char c) noexcept { return static_cast<unsigned char>(c) >= 0x80; }

// A word of three or four octets as one number, with its length, so that it is compared at once; 0 = any other word.
constexpr std::uint64_t pack_verb(std::string_view word) noexcept {
  if (word.size() != 3 && word.size() != 4) return 0;
  std::uint64_t packed = word.size();
  for (const char c : word) packed = packed << 8 | static_cast<unsigned char>(mailwire::to_upper(c));
  return packed;
}

constexpr Verb find_verb(std::string_view word) noexcept {
  switch (pack_verb(word)) {
    case pack_verb("USER"): return Verb::user;
    case pack_verb("PASS"): return Verb::pass;
    case pack_verb("APOP"): return Verb::apop;
    case pack_verb("AUTH"): return Verb::auth;
    case pack_verb("STLS"): return Verb::stls;
    case pack_verb("UTF8"): return Verb::utf8;
    case pack_verb("LANG"): return Verb::lang;
    case pack_verb("QUIT"): return Verb::quit;
    case pack_verb("STAT"): return Verb::stat;
    case pack_verb("LIST"): return Verb::list;
    case pack_verb("RETR"): return Verb::retr;
    case pack_verb("DELE"): return Verb::dele;
    case pack_verb("NOOP"): return Verb::noop;
    case pack_verb("RSET"): return Verb::rset;
    case pack_verb("TOP"): return Verb::top;
    case pack_verb("UIDL"): return Verb::uidl;
    case pack_verb("CAPA"): return Verb::capa;
    default: return Verb::other;
  }
}

constexpr bool is_digest(std::string_view text) noexcept {
  return text.size() == 32 && mailwire::all_of(text, mailwire::is_lower_hex);
}

// The start of a line, as far as it is there, is that of AUTH with an argument.
constexpr bool begins_auth(std::string_view start) noexcept {
  return start.size() >= 5 && is_space(start[4]) && mailwire::equals_ignoring_case(start.substr(0, 4), "AUTH");
}

// Takes the words of a line apart and notes what is not as RFC 1939, 3 wants it.
class LineParser {
 public:
  constexpr LineParser(std::string_view line, Rules& broken) noexcept : rest_(line), broken_(broken) {}

  // The next word; nothing if there is none. One space stands before each but the first.
  constexpr std::optional<std::string_view> word() noexcept {
    if (!skip_space()) return std::nullopt;
    std::size_t end = 0;
    while (end < rest_.size() && !is_space(rest_[end])) ++end;
    const std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end);
    first_ = false;
    return found;
  }
  // Everything behind the next space, spaces included.
  constexpr std::optional<std::string_view> all() noexcept {
    if (rest_.empty() || rest_[0] != ' ') return std::nullopt;
    return rest_.substr(1);
  }
  // Whether nothing follows but, perhaps, spaces.
  constexpr bool end() noexcept { return !skip_space(); }

 private:
  // Goes to the next word; false if there is none.
  constexpr bool skip_space() noexcept {
    if (rest_.empty()) return false;
    const std::size_t wanted = first_ ? 0 : 1;
    const bool regular = rest_.size() > wanted && !is_space(rest_[wanted]) && (first_ || rest_[0] == ' ');
    if (!regular) return skip_irregular_space();
    rest_.remove_prefix(wanted);
    return true;
  }
  // Where none should be, or more than one, or a tab, or nothing behind it.
  constexpr bool skip_irregular_space() noexcept {
    std::size_t spaces = 0;
    while (spaces < rest_.size() && is_space(rest_[spaces])) ++spaces;
    broken_.add(Rule::spaces);
    rest_.remove_prefix(spaces);
    return !rest_.empty();
  }

  std::string_view rest_;
  Rules& broken_;
  bool first_ = true;
};

constexpr std::optional<std::uint64_t> parse_count(std::optional<std::string_view> word, Rules& broken) noexcept {
  if (!word) return std::nullopt;
  std::string_view digits = *word;
  while (digits.size() > 1 && digits[0] == '0') {
    digits.remove_prefix(1);
    broken.add(Rule::leading_zeros);
  }
  return mailwire::parse_number(digits);
}

constexpr bool is_name(std::optional<std::string_view> word, Rules& broken) noexcept {
  if (!word || word->empty()) return false;
  for (const char c : *word) {
    if (is_eight_bit(c))
      broken.add(Rule::eight_bit);
    else if (!mailwire::is_graphic(c))
      return false;
  }
  return true;
}

// No control octet, so that what is tested in a log or a database is what was sent.
constexpr bool is_password(std::optional<std::string_view> text, Rules& broken) noexcept {
  if (!text || text->empty()) return false;
  for (const char c : *text) {
    if (is_eight_bit(c))
      broken.add(Rule::eight_bit);
    else if (!mailwire::is_text(c))
      return false;
  }
  return true;
}

constexpr bool is_ascii_word(std::optional<std::string_view> word) noexcept {
  return word && mailwire::all_of(*word, mailwire::is_graphic);
}

// Reads what follows the verb.
constexpr bool parse_arguments(Command& command, LineParser words) noexcept {
  Rules& broken = command.broken;
  switch (info(command.verb).arguments) {
    case Arguments::none: return words.end();
    case Arguments::name: command.name = words.word().value_or(""); return is_name(command.name, broken) && words.end();
    case Arguments::name_digest:
      command.name = words.word().value_or("");
      command.secret = words.word().value_or("");
      return is_name(command.name, broken) && is_digest(command.secret) && words.end();
    case Arguments::password: command.secret = words.all().value_or(""); return is_password(command.secret, broken);
    case Arguments::mechanism: {
      const Rules before = broken;
      const auto mechanism = words.word();
      if (!mechanism) {
        // Outlook says it with one space behind it; nothing else is forgiven.
        const auto rest = command.rest;
        if (rest && rest->empty() && *(rest->data() - 1) == ' ') broken = before;
        broken.add(Rule::auth_list);
        return true;
      }
      command.name = *mechanism;
      command.initial = words.word();
      return is_ascii_word(mechanism) && (!command.initial || is_ascii_word(command.initial)) && words.end();
    }
    case Arguments::language: {
      const auto range = words.word();
      command.name = range.value_or("");
      return !range || (is_ascii_word(range) && words.end());
    }
    case Arguments::number:
    case Arguments::number_optional: {
      const auto number = words.word();
      if (!number) return info(command.verb).arguments == Arguments::number_optional;
      command.number = parse_count(number, broken);
      return command.number.has_value() && words.end();
    }
    case Arguments::number_lines: {
      command.number = parse_count(words.word(), broken);
      const auto lines = parse_count(words.word(), broken);
      command.lines = lines.value_or(0);
      return command.number.has_value() && lines.has_value() && words.end();
    }
  }
  return false;
}

// command = verb [ SP argument [ SP argument ] ]; printable ASCII throughout (RFC 1939, 3; RFC 2449, 4).
// `line` comes without its CRLF. What breaks a rule that may be relaxed is well formed, with the rule in `broken`.
constexpr Command parse_command(std::string_view line) noexcept {
  Command command;
  command.verb = find_verb(line);
  if (command.verb != Verb::other) {  // and nothing else
    command.word = line;
    command.well_formed = parse_arguments(command, LineParser({}, command.broken));
    return command;
  }
  if (line.find('\n') != std::string_view::npos) command.broken.add(Rule::bare_lf);
  LineParser words(line, command.broken);
  command.word = words.word().value_or("");
  if (!command.word.empty()) {
    const auto verb_end = static_cast<std::size_t>(command.word.data() + command.word.size() - line.data());
    if (verb_end < line.size()) command.rest = std::optional<std::string_view>(line.substr(verb_end + 1));
  }
  command.verb = find_verb(command.word);
  if (command.verb != Verb::other) command.well_formed = parse_arguments(command, words);
  return command;
}

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
