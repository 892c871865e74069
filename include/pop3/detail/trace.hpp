// SPDX-License-Identifier: MIT
// Lines for Session::take_trace(): what is sent and asked, without what is secret.
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

// Printable ASCII as it is, but for "\"; everything else as \xHH.
inline void append_visible(std::string& out, std::string_view octets) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (mailwire::is_text(c)) {
      out += c;
    } else {
      out += "\\x";
      out += digits[octet >> 4];
      out += digits[octet & 15];
    }
  }
}

// The line of a client as it may be shown. Built from what was understood, never by cutting out what was not: a line
// that is not a well-formed command may be a password in the wrong place. `plain`: an own verb's line that is no
// secret, or a mechanism's name that is one.
inline std::string redacted(const Command& command, std::string_view line, bool plain) {
  if (command.verb == Verb::other) return plain ? std::string(line) : "***";
  if (!command.well_formed) return "***";
  const std::string verb(command.word);
  switch (command.verb) {
    case Verb::user: return verb + ' ' + std::string(command.name);
    case Verb::pass: return verb + " ***";
    case Verb::apop: return verb + ' ' + std::string(command.name) + " ***";
    case Verb::auth:
      if (command.name.empty()) return verb;
      if (!plain) return verb + " ***";
      return verb + ' ' + std::string(command.name) + (command.initial ? " ***" : "");
    default: return std::string(line);
  }
}

// uid:size of each message, as far as `room` octets go.
inline std::string listing_trace(Listing messages, std::size_t room) {
  std::string text;
  for (std::size_t i = 0; i < messages.count && text.size() < room; ++i) {
    if (i > 0) text += ' ';
    text += messages.data[i].uid;
    text += ':';
    text += std::to_string(messages.data[i].size);
  }
  return text;
}

// An event without its secrets.
struct EventTrace {
  std::string operator()(const AuthRequest& r) const { return login("AuthRequest", r.user, r.method); }
  std::string operator()(const DigestRequest& r) const { return login("DigestRequest", r.user, r.method); }
  std::string operator()(const ScramRequest& r) const { return login("ScramRequest", r.user, r.method); }
  std::string operator()(const SaslRequest& r) const { return "SaslRequest mechanism=" + std::string(r.mechanism); }
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
    return "BodyDone number=" + std::to_string(n.number) + " complete=" + (n.complete ? "yes" : "no");
  }
  std::string operator()(const LoginFailed& n) const {
    return "LoginFailed fault=" + std::string(to_string(n.fault)) + " user=" + quoted(n.user);
  }
  std::string operator()(const Closed& n) const {
    return "Closed " + std::string(to_string(n.reason)) + " release=" + (n.release ? "yes" : "no");
  }

 private:
  static std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }
  static std::string login(const char* kind, std::string_view user, AuthMethod method) {
    return std::string(kind) + " user=" + quoted(user) + " method=" + std::string(to_string(method));
  }
};

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
