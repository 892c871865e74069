// SPDX-License-Identifier: MIT
// The only place that writes reply lines. Whatever the application says, what leaves is one line of printable ASCII, or
// of UTF-8 where RFC 6856 allows it, at most 512 octets with its CRLF, and a "[" at the start of the text is a response
// code (RFC 2449, 3 and 4).
#ifndef POP3_DETAIL_REPLY_HPP
#define POP3_DETAIL_REPLY_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "../../mailwire/ascii.hpp"
#include "../../mailwire/byte_buffer.hpp"
#include "../../mailwire/utf8.hpp"
#include "../types.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

using mailwire::ByteBuffer;

inline constexpr std::size_t max_line = 510;  // octets without CRLF

constexpr std::string_view code_text(Code code) noexcept {
  switch (code) {
    case Code::none: return "";
    case Code::auth: return "[AUTH]";
    case Code::in_use: return "[IN-USE]";
    case Code::login_delay: return "[LOGIN-DELAY]";
    case Code::utf8: return "[UTF8]";
    case Code::sys_temp: return "[SYS/TEMP]";
    case Code::sys_perm: return "[SYS/PERM]";
  }
  return "";
}

// What is refused decides which codes may stand in it (RFC 2449, 8; RFC 3206, 4 and 5; RFC 6856, 5).
enum class Refused : std::uint8_t { login, message, other };
constexpr Code legal(Code code, Refused what) noexcept {
  const bool of_login = code == Code::auth || code == Code::in_use || code == Code::login_delay;
  const bool of_message = code == Code::utf8;
  if ((of_login && what != Refused::login) || (of_message && what != Refused::message)) return Code::none;
  return code;
}

// Appends `text` as far as `room` goes, everything outside printable ASCII replaced; with `unicode` well-formed UTF-8
// is let through, but for control characters, also those of U+0080 to U+009F (RFC 5198, 2).
inline void append_clean(ByteBuffer& out, std::string_view text, std::size_t room, bool unicode = false) {
  unicode = unicode && mailwire::is_utf8(text);
  text = text.substr(0, unicode ? mailwire::utf8_prefix(text, room) : room);
  if (mailwire::all_text(text)) return out.append(text);
  char* to = out.room(text.size());
  for (const char c : text) {
    const bool passes = mailwire::is_text(c) || (unicode && static_cast<unsigned char>(c) >= 0x80);
    *to++ = passes ? c : (c == '\r' || c == '\n' || c == '\t') ? ' ' : '?';
  }
  if (unicode)
    for (std::size_t i = text.find('\xC2'); i < text.size(); i = text.find('\xC2', i + 1))
      if (static_cast<unsigned char>(text[i + 1]) < 0xA0)
        out.data()[out.size() + i] = out.data()[out.size() + i + 1] = '?';
  out.commit(text.size());
}

inline constexpr std::size_t max_digits = 20;  // of 2^64-1

// "00" to "99", one behind the other: a number is written two digits at a time.
struct DigitPairs {
  char octets[200] = {};
  constexpr DigitPairs() noexcept {
    for (int i = 0; i < 100; ++i) {
      octets[2 * i] = static_cast<char>('0' + i / 10);
      octets[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
  }
};
inline constexpr DigitPairs digit_pairs;

// Writes a number to memory that has room for max_digits; returns where it ends.
inline char* put_number(char* to, std::uint64_t value) noexcept {
  char digits[max_digits];
  char* first = digits + max_digits;
  for (; value >= 10; value /= 100) std::memcpy(first -= 2, digit_pairs.octets + 2 * (value % 100), 2);
  const bool odd = value > 0 || first == digits + max_digits;
  if (odd) *--first = static_cast<char>('0' + value);
  const auto size = static_cast<std::size_t>(digits + max_digits - first);
  std::memcpy(to, first, size);
  return to + size;
}

inline void append_number(ByteBuffer& out, std::uint64_t value) {
  char* const start = out.room(max_digits);
  out.commit(static_cast<std::size_t>(put_number(start, value) - start));
}

inline void end_line(ByteBuffer& out) { out.append("\r\n"); }
inline void end_multi_line(ByteBuffer& out) { out.append(".\r\n"); }

// What is said behind the status, and the numbers for its "{1}" and "{2}".
struct Words {
  std::string_view text = {};
  bool unicode = false;
  std::uint64_t one = 0, two = 0;
};

// Appends the text with its numbers in place.
inline void append_words(ByteBuffer& out, const Words& words, std::size_t room) {
  const std::size_t start = out.size();
  std::string_view text = words.text;
  while (!text.empty() && out.size() - start < room) {
    const std::size_t brace = text.find('{');
    append_clean(out, text.substr(0, brace), room - (out.size() - start), words.unicode);
    if (brace == std::string_view::npos) return;
    text.remove_prefix(brace);
    const std::string_view place = text.substr(0, 3);
    if (place == "{1}" || place == "{2}") {
      append_number(out, place == "{1}" ? words.one : words.two);
      text.remove_prefix(3);
    } else {
      append_clean(out, "{", room - (out.size() - start));
      text.remove_prefix(1);
    }
  }
  out.truncate(start + room);
}

// status [ SP code ] [ SP text ] CRLF. Any text may hold what a client or a database said: only ours has places.
inline void status_line(ByteBuffer& out, std::string_view status, Code code, const Words& words, bool has_places) {
  const std::size_t start = out.size();
  out.append(status);
  if (code != Code::none) {
    out.append(' ');
    out.append(code_text(code));
  }
  if (!words.text.empty()) {
    out.append(' ');
    const std::size_t text_start = out.size();
    const std::size_t room = max_line - (text_start - start);
    if (has_places)
      append_words(out, words, room);
    else
      append_clean(out, words.text, room, words.unicode);
    // Not ours, so not a code.
    if (code == Code::none && words.text[0] == '[') out.data()[text_start] = '(';
  }
  end_line(out);
}

// A line of numbers and words that need no cleaning, put together in one piece of memory.
class ShortLine {
 public:
  explicit ShortLine(ByteBuffer& out) : out_(out), start_(out.room(most)), end_(start_) {}
  ShortLine& add(std::string_view word) noexcept {  // 70 octets at most
    if (!word.empty()) std::memcpy(end_, word.data(), word.size());
    end_ += word.size();
    return *this;
  }
  ShortLine& add(std::uint64_t number) noexcept {
    end_ = put_number(end_, number);
    return *this;
  }
  void end() noexcept {
    add("\r\n");
    out_.commit(static_cast<std::size_t>(end_ - start_));
  }

 private:
  static constexpr std::size_t most = 128;  // "+OK ", a number, a space, a number or a unique-id, CRLF

  ByteBuffer& out_;
  char *const start_, *end_;
};

// "+OK " number " " number: STAT.
inline void ok_numbers(ByteBuffer& out, std::uint64_t a, std::uint64_t b) {
  ShortLine(out).add("+OK ").add(a).add(" ").add(b).end();
}

// msg-id = "<" id-left "@" id-right ">" (RFC 1939, 7; RFC 5322, 3.6.4), printable and short enough for a greeting.
constexpr bool is_challenge(std::string_view text) noexcept {
  if (text.size() < 5 || text.size() > 255 || text.front() != '<' || text.back() != '>') return false;
  const std::string_view id = text.substr(1, text.size() - 2);
  const std::size_t at = id.find('@');
  return at != id.npos && at > 0 && at + 1 < id.size() && id.find('@', at + 1) == id.npos &&
         id.find_first_of("<>") == id.npos && mailwire::all_of(id, mailwire::is_graphic);
}

// What may stand behind the "@" of a challenge.
constexpr bool is_host(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 200 && text.find_first_of("<>@") == text.npos &&
         mailwire::all_of(text, mailwire::is_graphic);
}

// The greeting: text without angle brackets, which would announce APOP (RFC 2449, 3), then the challenge if there is
// one (RFC 1939, 7).
inline void greeting(ByteBuffer& out, std::string_view text, std::string_view challenge) {
  const std::size_t challenge_octets = challenge.empty() ? 0 : challenge.size() + 1;
  const std::size_t start = out.size();
  status_line(out, "+OK", Code::none, {text.substr(0, max_line - 4 - challenge_octets)}, false);
  out.truncate(out.size() - 2);
  for (std::size_t i = start; i < out.size(); ++i) {
    char& c = out.data()[i];
    if (c == '<') c = '(';
    if (c == '>') c = ')';
  }
  if (!challenge.empty()) {
    out.append(' ');
    out.append(challenge);
  }
  end_line(out);
}

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
