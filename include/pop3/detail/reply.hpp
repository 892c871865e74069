// SPDX-License-Identifier: MIT
// The only place that writes reply lines. Whatever the application says, what leaves is one line of printable ASCII,
// at most 512 octets with its CRLF, and a "[" at the start of the text is a response code (RFC 2449, 3 and 4).
#ifndef POP3_DETAIL_REPLY_HPP
#define POP3_DETAIL_REPLY_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../../mailwire/ascii.hpp"
#include "../../mailwire/byte_buffer.hpp"
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
    case Code::sys_temp: return "[SYS/TEMP]";
    case Code::sys_perm: return "[SYS/PERM]";
  }
  return "";
}

// Where a refusal is given decides which codes may stand in it (RFC 2449, 8; RFC 3206, 4 and 5).
constexpr Code legal(Code code, bool refuses_login) noexcept {
  const bool login_only = code == Code::auth || code == Code::in_use || code == Code::login_delay;
  return login_only && !refuses_login ? Code::none : code;
}

// Appends `text` with everything outside printable ASCII replaced, as far as `room` goes.
inline void append_clean(ByteBuffer& out, std::string_view text, std::size_t room) {
  text = text.substr(0, room);
  char* to = out.room(text.size());
  for (const char c : text) *to++ = mailwire::is_text(c) ? c : (c == '\r' || c == '\n' || c == '\t') ? ' ' : '?';
  out.commit(text.size());
}

inline void append_number(ByteBuffer& out, std::uint64_t value) {
  char digits[20];  // 2^64-1 has 20
  char* first = digits + sizeof digits;
  do {
    *--first = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value > 0);
  out.append(std::string_view(first, static_cast<std::size_t>(digits + sizeof digits - first)));
}

inline void end_line(ByteBuffer& out) { out.append("\r\n"); }
inline void end_multi_line(ByteBuffer& out) { out.append(".\r\n"); }

// status [ SP code ] [ SP text ] CRLF
inline void status_line(ByteBuffer& out, std::string_view status, Code code, std::string_view text) {
  const std::size_t start = out.size();
  out.append(status);
  if (code != Code::none) {
    out.append(' ');
    out.append(code_text(code));
  }
  if (!text.empty()) {
    out.append(' ');
    const std::size_t text_start = out.size();
    append_clean(out, text, max_line - (text_start - start));
    // Not ours, so not a code.
    if (code == Code::none && text[0] == '[') out.data()[text_start] = '(';
  }
  end_line(out);
}
inline void ok(ByteBuffer& out, std::string_view text = {}) { status_line(out, "+OK", Code::none, text); }
inline void error(ByteBuffer& out, Code code, std::string_view text) { status_line(out, "-ERR", code, text); }
inline void error(ByteBuffer& out, std::string_view text) { error(out, Code::none, text); }

// "+OK " number " " number: STAT, LIST n.
inline void ok_numbers(ByteBuffer& out, std::uint64_t a, std::uint64_t b) {
  out.append("+OK ");
  append_number(out, a);
  out.append(' ');
  append_number(out, b);
  end_line(out);
}

// msg-id = "<" id-left "@" id-right ">" (RFC 1939, 7; RFC 5322, 3.6.4), printable and short enough for a greeting.
constexpr bool is_challenge(std::string_view text) noexcept {
  if (text.size() < 5 || text.size() > 255 || text.front() != '<' || text.back() != '>') return false;
  const std::string_view id = text.substr(1, text.size() - 2);
  const std::size_t at = id.find('@');
  return at != id.npos && at > 0 && at + 1 < id.size() && id.find('@', at + 1) == id.npos &&
         id.find_first_of("<>") == id.npos && mailwire::all_of(id, mailwire::is_graphic);
}

// The greeting: text without angle brackets, which would announce APOP (RFC 2449, 3), then the challenge if there is
// one (RFC 1939, 7).
inline void greeting(ByteBuffer& out, std::string_view text, std::string_view challenge) {
  const std::size_t challenge_octets = challenge.empty() ? 0 : challenge.size() + 1;
  const std::size_t start = out.size();
  status_line(out, "+OK", Code::none, text.substr(0, max_line - 4 - challenge_octets));
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
