// SPDX-License-Identifier: MIT
// The lines of CAPA (RFC 2449, 5 and 6): what works now, and nothing else. They are the same before and after login.
#ifndef POP3_DETAIL_CAPABILITIES_HPP
#define POP3_DETAIL_CAPABILITIES_HPP

#include <string_view>

#include "../../mailwire/ascii.hpp"
#include "../../mailwire/byte_buffer.hpp"
#include "../config.hpp"
#include "reply.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

// capability = tag *(SP parameter); a tag has no ".", and 512 octets with CRLF are the most (RFC 2449, 3 and 5).
constexpr bool is_capability(std::string_view line) noexcept {
  const std::string_view tag = mailwire::split_word(line).first;
  return !tag.empty() && tag.find('.') == std::string_view::npos && line.size() <= max_line &&
         mailwire::all_of(line, mailwire::is_text) && line.back() != ' ' && line.find("  ") == std::string_view::npos;
}

// What the session announces itself, because it knows whether it is true.
constexpr bool is_own(std::string_view line) noexcept {
  const std::string_view tag = mailwire::split_word(line).first;
  constexpr std::string_view tags[] = {
      "TOP",  "UIDL", "USER", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "IMPLEMENTATION",
      "SASL", "STLS", "UTF8", "LANG"};
  for (const std::string_view own : tags)
    if (mailwire::equals_ignoring_case(tag, own)) return true;
  return false;
}

// USER and PASS would be taken on this connection.
inline bool password_login_allowed(const Config& config, bool encrypted) noexcept {
  return encrypted || !config.login_needs_tls;
}

inline void append_capabilities(ByteBuffer& out, const Config& config, bool encrypted) {
  const auto line = [&](std::string_view text) {
    out.append(text);
    end_line(out);
  };
  if (config.top) line("TOP");
  if (config.uidl) line("UIDL");
  if (password_login_allowed(config, encrypted)) line("USER");
  line("PIPELINING");
  line("RESP-CODES");
  line("AUTH-RESP-CODE");
  if (!config.implementation.empty()) {
    const std::size_t start = out.size();
    out.append("IMPLEMENTATION ");
    line(config.implementation);
    if (!is_capability(out.view().substr(start, out.size() - 2 - start))) out.truncate(start);
  }
  for (const auto& capability : config.capabilities)
    if (is_capability(capability) && !is_own(capability)) line(capability);
  end_multi_line(out);
}

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
