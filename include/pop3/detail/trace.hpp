// SPDX-License-Identifier: MIT
// Lines for Session::take_trace(): what is sent and asked, without what is secret.
#ifndef POP3_DETAIL_TRACE_HPP
#define POP3_DETAIL_TRACE_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

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

// Appends the line of a client as it may be shown. Built from what was understood, never by cutting out what was not: a
// line that is not a well-formed command may be a password in the wrong place. `plain`: an own verb's line that is no
// secret, or a mechanism's name that is one.
inline void append_redacted(ByteBuffer& out, const Command& command, std::string_view line, bool plain) {
  constexpr std::string_view hidden = "***";
  if (command.verb == Verb::other) return out.append(plain ? line : hidden);
  if (!command.well_formed) return out.append(hidden);
  const bool named = command.verb == Verb::user || command.verb == Verb::apop ||
                     (command.verb == Verb::auth && plain && !command.name.empty());
  const bool secret = command.verb == Verb::pass || command.verb == Verb::apop ||
                      (command.verb == Verb::auth && (!plain || command.initial) && !command.name.empty());
  if (!named && !secret) return out.append(line);
  out.append(command.word);
  if (named) {
    out.append(' ');
    out.append(command.name);
  }
  if (secret) {
    out.append(' ');
    out.append(hidden);
  }
}

// uid:size of each message, as far as `room` octets go.
inline void append_listing(ByteBuffer& out, Listing messages, std::size_t room) {
  for (std::size_t i = 0; i < messages.count && out.size() < room; ++i) {
    if (i > 0) out.append(' ');
    out.append(messages.data[i].uid);
    out.append(':');
    append_number(out, messages.data[i].size);
  }
}

// Writes an event without its secrets: its kind, then key=value.
class EventTrace {
 public:
  explicit EventTrace(ByteBuffer& out) noexcept : out_(out) {}

  void write(const Event& event) {
    if (const auto* auth = std::get_if<AuthRequest>(&event)) return login("AuthRequest", auth->user, auth->method);
    if (const auto* digest = std::get_if<DigestRequest>(&event))
      return login("DigestRequest", digest->user, digest->method);
    if (const auto* scram = std::get_if<ScramRequest>(&event)) return login("ScramRequest", scram->user, scram->method);
    if (const auto* sasl = std::get_if<SaslRequest>(&event))
      return kind("SaslRequest").word(" mechanism=", sasl->mechanism);
    if (const auto* list = std::get_if<ListRequest>(&event)) return kind("ListRequest").quoted(" user=", list->user);
    if (const auto* retrieve = std::get_if<RetrieveRequest>(&event)) {
      kind("RetrieveRequest").number(" number=", retrieve->number);
      if (retrieve->top_lines) number(" top=", *retrieve->top_lines);
    } else if (const auto* body = std::get_if<BodyRequest>(&event)) {
      kind("BodyRequest").number(" number=", body->number);
      number(" offset=", body->offset);
    } else if (const auto* commit = std::get_if<CommitRequest>(&event)) {
      kind("CommitRequest numbers=");
      for (const std::uint32_t n : commit->numbers) number(n == *commit->numbers.begin() ? "" : ",", n);
    } else if (const auto* command = std::get_if<CommandRequest>(&event)) {
      kind("CommandRequest").word(" verb=", command->verb);
    } else if (const auto* done = std::get_if<BodyDone>(&event)) {
      kind("BodyDone").number(" number=", done->number);
      word(" complete=", done->complete ? "yes" : "no");
    } else if (const auto* failed = std::get_if<LoginFailed>(&event)) {
      kind("LoginFailed").word(" fault=", to_string(failed->fault));
      quoted(" user=", failed->user);
    } else if (const auto* closed = std::get_if<Closed>(&event)) {
      kind("Closed").word(" ", to_string(closed->reason));
      word(" release=", closed->release ? "yes" : "no");
    } else {
      kind("TlsRequest");
    }
  }

 private:
  EventTrace& kind(std::string_view name) {
    out_.append(name);
    return *this;
  }
  void word(std::string_view key, std::string_view value) {
    out_.append(key);
    out_.append(value);
  }
  void number(std::string_view key, std::uint64_t value) {
    out_.append(key);
    append_number(out_, value);
  }
  void quoted(std::string_view key, std::string_view value) {
    word(key, "\"");
    word(value, "\"");
  }
  void login(std::string_view name, std::string_view user, AuthMethod method) {
    kind(name).quoted(" user=", user);
    word(" method=", to_string(method));
  }

  ByteBuffer& out_;
};

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
