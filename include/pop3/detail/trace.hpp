// SPDX-License-Identifier: MIT
// Lines for Session::take_trace(): what is sent, asked and answered, without what is secret.
#ifndef POP3_DETAIL_TRACE_HPP
#define POP3_DETAIL_TRACE_HPP

#include <string>
#include <string_view>

#include "../../mailwire/ascii.hpp"
#include "../events.hpp"
#include "command.hpp"
#include "reply.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

// Stands for what may be a secret.
inline constexpr std::string_view hidden = "***";

inline void append_hex(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto octet = static_cast<unsigned char>(c);
  out += "\\x";
  out += digits[octet >> 4];
  out += digits[octet & 15];
}

// Printable ASCII as it is, but for "\"; everything else as \xHH.
inline std::string visible(std::string_view octets) {
  std::string text;
  for (const char c : octets) {
    if (c == '\\')
      text += "\\\\";
    else if (mailwire::is_text(c))
      text += c;
    else
      append_hex(text, c);
  }
  return text;
}

// The same as one word in quotes.
inline std::string quoted(std::string_view octets) {
  std::string text(1, '"');
  for (const char c : octets) {
    if (c == '\r' || c == '\n') {
      text += c == '\r' ? "\\r" : "\\n";
    } else if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (mailwire::is_text(c)) {
      text += c;
    } else {
      append_hex(text, c);
    }
  }
  return text += '"';
}

// A response shows nothing, but for those that say nothing: empty ones, and the one that cancels.
inline std::string shown_response(std::string_view line) {
  return line.empty() || line == "=" || line == "*" ? std::string(line) : std::string(hidden);
}

// How much of a client's line may be shown.
enum class Shown : std::uint8_t {
  refused,   // it is malformed, or breaks a rule
  words,     // an own verb, before login: its words may be a password
  redacted,  // a built-in verb
  whole,     // an own verb, after login
};

// The line of a client as it may be shown. Built from what was understood, never by cutting out what was not: a line
// that is no well-formed command may be a password in the wrong place. What stands in the place of something hidden
// would be treated in the same way: a NUL is in no good command, and 32 zeros are a digest.
inline std::string redacted(const Command& command, std::string_view line, Shown shown, bool mechanism_known) {
  std::string secret(hidden);
  if (shown == Shown::whole) return visible(line);
  if (shown == Shown::redacted && command.verb == Verb::other) return secret;
  std::string verb(command.word);
  if (shown == Shown::refused) return verb + ' ' + secret + "\\x00";
  if (shown == Shown::words) {
    std::string text = verb;
    if (command.rest) (text += ' ') += secret;
    for (const char c : command.rest.value_or(""))
      if (c == ' ') (text += ' ') += secret;
    return text;
  }
  switch (command.verb) {
    case Verb::user: return verb + ' ' + visible(command.name);
    case Verb::pass: return verb + ' ' + secret;
    case Verb::apop: return verb + ' ' + visible(command.name) + ' ' + std::string(32, '0');
    case Verb::auth:
      if (command.name.empty()) return verb;
      return verb + ' ' + (mechanism_known ? std::string(command.name) : secret) +
             (command.initial ? ' ' + shown_response(*command.initial) : std::string());
    default: return visible(line);
  }
}

// uid:size of each message, as far as `room` octets go; "/utf8" behind it if it needs that, and "/N" for the size of a
// surrogate.
inline std::string listing_trace(Listing messages, std::size_t room) {
  std::string text;
  for (std::size_t i = 0; i < messages.count && text.size() < room; ++i) {
    const MessageInfo& message = messages.data[i];
    if (i > 0) text += ' ';
    const bool plain =
        mailwire::all_of(message.uid, mailwire::is_graphic) && message.uid.find_first_of("\"\\") == message.uid.npos;
    text += plain && !message.uid.empty() ? std::string(message.uid) : quoted(message.uid);
    text += ':';
    text += std::to_string(message.size);
    if (message.needs_utf8) text += "/utf8";
    if (message.needs_utf8 && message.surrogate_size > 0) text += '/' + std::to_string(message.surrogate_size);
  }
  return text;
}

// [CODE] ["text"] [delay=N ms] [close]
inline std::string refusal_trace(const Refusal& why) {
  std::string text(code_text(why.code));
  if (!text.empty()) text = text.substr(1, text.size() - 2);
  const auto add = [&](const std::string& word) { (text += text.empty() ? "" : " ") += word; };
  if (!why.text.empty()) add(quoted(why.text));
  if (why.delay)
    add("delay=" + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(*why.delay).count()) + "ms");
  if (why.close) add("close");
  return text;
}

// An event without its secrets.
struct EventTrace {
  std::string operator()(const AuthRequest& r) const {
    return login("AuthRequest", r.user, r.method) + named(" authzid=", r.authzid);
  }
  std::string operator()(const DigestRequest& r) const { return login("DigestRequest", r.user, r.method); }
  std::string operator()(const ScramRequest& r) const {
    return login("ScramRequest", r.user, r.method) + named(" authzid=", r.authzid);
  }
  std::string operator()(const SaslRequest& r) const {
    return "SaslRequest mechanism=" + std::string(r.mechanism) + " first=" + yes_no(r.first);
  }
  std::string operator()(const ListRequest& r) const { return "ListRequest user=" + quoted(r.user); }
  std::string operator()(const RetrieveRequest& r) const {
    return "RetrieveRequest number=" + std::to_string(r.number) +
           (r.top_lines ? " top=" + std::to_string(*r.top_lines) : "");
  }
  std::string operator()(const BodyRequest& r) const {
    return "BodyRequest number=" + std::to_string(r.number) + " offset=" + std::to_string(r.offset);
  }
  std::string operator()(const CommitRequest& r) const {
    std::string numbers;
    for (const std::uint32_t number : r.numbers) numbers += (numbers.empty() ? "" : ",") + std::to_string(number);
    return "CommitRequest numbers=" + numbers;
  }
  std::string operator()(const TlsRequest&) const { return "TlsRequest"; }
  std::string operator()(const CommandRequest& r) const { return "CommandRequest verb=" + std::string(r.verb); }
  std::string operator()(const BodyDone& n) const {
    return "BodyDone number=" + std::to_string(n.number) + " complete=" + yes_no(n.complete);
  }
  std::string operator()(const LoginFailed& n) const {
    return "LoginFailed fault=" + std::string(to_string(n.fault)) + " user=" + quoted(n.user);
  }
  std::string operator()(const Closed& n) const {
    return "Closed " + std::string(to_string(n.reason)) + " release=" + yes_no(n.release);
  }

 private:
  static const char* yes_no(bool fact) { return fact ? "yes" : "no"; }
  static std::string named(const char* name, std::string_view text) {
    return text.empty() ? std::string() : name + quoted(text);
  }
  static std::string login(const char* kind, std::string_view user, AuthMethod method) {
    return std::string(kind) + " user=" + quoted(user) + " method=" + std::string(to_string(method));
  }
};

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
