// SPDX-License-Identifier: MIT
// SASL (RFC 4422): takes apart what clients say, after BASE64 was undone. Pure functions that return views into the
// message; nothing when it is malformed. Nothing is hashed here, and no mechanism is offered.
#ifndef MAILWIRE_SASL_HPP
#define MAILWIRE_SASL_HPP

#include <cstddef>
#include <optional>
#include <string_view>

#include "ascii.hpp"
#include "byte_buffer.hpp"
#include "utf8.hpp"

namespace mailwire {
inline namespace v1 {

namespace detail {

// What ends a key and its value in the OAuth mechanisms.
inline constexpr char sasl_separator = '\x01';

constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }

// Takes `prefix` off the front of `text`, if it is there.
constexpr bool skip(std::string_view& text, std::string_view prefix) noexcept {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}
// Takes what is in front of the first `end` off `text`, and the `end`; nothing when there is none.
constexpr std::optional<std::string_view> take_until(std::string_view& text, char end) noexcept {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

// The octets of a name in which "=" and "," may be escaped and nothing else begins with "=".
constexpr bool has_good_escapes(std::string_view name) noexcept {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == ',') return false;
    if (name[i] == '=' && name.substr(i, 3) != "=2C" && name.substr(i, 3) != "=3D") return false;
  }
  return true;
}

// RFC 6750, 2.1: b64token, which has no size that it must be a multiple of.
constexpr bool is_bearer_token(std::string_view token) noexcept {
  std::size_t size = token.size();
  while (size > 0 && token[size - 1] == '=') --size;
  if (size == 0) return false;
  return all_of(token.substr(0, size), [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
  });
}
// The token in "Bearer TOKEN"; empty when it is anything else.
constexpr std::string_view bearer_token(std::string_view credentials) noexcept {
  constexpr std::string_view scheme = "Bearer";
  if (!equals_ignoring_case(credentials.substr(0, scheme.size()), scheme)) return {};
  credentials.remove_prefix(scheme.size());
  if (credentials.empty() || credentials[0] != ' ') return {};
  while (!credentials.empty() && credentials[0] == ' ') credentials.remove_prefix(1);
  return is_bearer_token(credentials) ? credentials : std::string_view();
}

}  // namespace detail

// The name of a mechanism (RFC 4422, 3.1): upper case, as it is registered.
constexpr bool is_sasl_mechanism(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 20 &&
         all_of(name, [](char c) { return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_'; });
}

// What may be the name of a user: UTF-8 without control characters (U+0000 to U+001F, U+007F), and not empty.
constexpr bool is_sasl_name(std::string_view name) noexcept {
  return !name.empty() && all_of(name, [](char c) { return !detail::is_control(c); }) && is_utf8(name);
}

// A saslname of RFC 5802, 7 as it is written: a name whose "=" and "," are escaped as "=3D" and "=2C".
constexpr bool is_escaped_sasl_name(std::string_view name) noexcept {
  return detail::has_good_escapes(name) && is_sasl_name(name);
}
// Appends `name` with its escapes undone, which is never longer. False, and nothing appended, when it is no
// is_escaped_sasl_name().
inline bool append_saslname(ByteBuffer& out, std::string_view name) {
  if (!is_escaped_sasl_name(name)) return false;
  char* to = out.room(name.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '=') {
      to[n++] = name[i + 1] == '2' ? ',' : '=';
      i += 2;
    } else {
      to[n++] = name[i];
    }
  }
  out.commit(n);
  return true;
}

// PLAIN (RFC 4616): [authzid] NUL user NUL password, each UTF-8 of up to 255 octets (RFC 2595, 6). An empty authzid
// means: whoever the user is. Whether the names have control characters, is_sasl_name() tells.
struct SaslPlain {
  std::string_view authzid, user, password;
};
constexpr std::optional<SaslPlain> parse_sasl_plain(std::string_view message) noexcept {
  constexpr std::size_t longest = 255;
  const auto authzid = detail::take_until(message, '\0');
  const auto user = detail::take_until(message, '\0');
  if (!authzid || !user || user->empty() || message.empty()) return std::nullopt;
  if (message.find('\0') != std::string_view::npos) return std::nullopt;
  for (const std::string_view part : {*authzid, *user, message})
    if (part.size() > longest || !is_utf8(part)) return std::nullopt;
  return SaslPlain{*authzid, *user, message};
}

// CRAM-MD5 (RFC 2195, 2): user, space, digest of 32 lower-case hexadecimal digits. The user may have spaces, and any
// other octets: RFC 2195 names no character set; is_sasl_name() tells.
struct SaslCramMd5 {
  std::string_view user, digest;
};
constexpr std::optional<SaslCramMd5> parse_sasl_cram_md5(std::string_view message) noexcept {
  const std::size_t space = message.rfind(' ');
  if (space == std::string_view::npos || space == 0) return std::nullopt;
  const std::string_view digest = message.substr(space + 1);
  if (digest.size() != 32 || !all_of(digest, is_lower_hex)) return std::nullopt;
  return SaslCramMd5{message.substr(0, space), digest};
}

// OAUTHBEARER and XOAUTH2: whose mail is wanted, and the token that allows it.
struct SaslBearer {
  std::string_view authzid;  // may be empty with OAUTHBEARER: the token says whose
  std::string_view token;    // a b64token of RFC 6750, 2.1
  bool escaped = false;      // the authzid has to go through append_saslname() before it is used
};

// OAUTHBEARER (RFC 7628, 3.1), in which ^A is the octet 1:
//   n,[a=authzid],^A auth=Bearer token ^A [key=value ^A]... ^A
// The keys come in any order; unknown ones are ignored, "auth" may come once.
constexpr std::optional<SaslBearer> parse_sasl_oauthbearer(std::string_view message) noexcept {
  using detail::sasl_separator;
  SaslBearer bearer;
  if (!detail::skip(message, "n,") && !detail::skip(message, "y,")) return std::nullopt;
  if (detail::skip(message, "a=")) {
    bearer.authzid = message.substr(0, message.find(','));
    bearer.escaped = bearer.authzid.find('=') != std::string_view::npos;
    if (!is_escaped_sasl_name(bearer.authzid)) return std::nullopt;
    message.remove_prefix(bearer.authzid.size());
  }
  if (!detail::skip(message, ",\x01")) return std::nullopt;
  while (!message.empty() && message[0] != sasl_separator) {
    auto value = detail::take_until(message, sasl_separator);
    if (!value) return std::nullopt;
    const auto key = detail::take_until(*value, '=');
    if (!key || key->empty() || !all_of(*key, is_letter)) return std::nullopt;
    if (!all_of(*value, [](char c) { return is_text(c) || c == '\t' || c == '\r' || c == '\n'; })) return std::nullopt;
    if (*key != "auth") continue;
    if (!bearer.token.empty()) return std::nullopt;
    bearer.token = detail::bearer_token(*value);
    if (bearer.token.empty()) return std::nullopt;
  }
  if (message.size() != 1 || bearer.token.empty()) return std::nullopt;
  return bearer;
}

// XOAUTH2 (of Google and Microsoft), in which ^A is the octet 1:  user=USER ^A auth=Bearer TOKEN ^A ^A
constexpr std::optional<SaslBearer> parse_sasl_xoauth2(std::string_view message) noexcept {
  if (!detail::skip(message, "user=")) return std::nullopt;
  const auto user = detail::take_until(message, detail::sasl_separator);
  if (!user || !is_sasl_name(*user) || !detail::skip(message, "auth=")) return std::nullopt;
  const auto credentials = detail::take_until(message, detail::sasl_separator);
  if (!credentials || message != "\x01") return std::nullopt;
  const std::string_view token = detail::bearer_token(*credentials);
  if (token.empty()) return std::nullopt;
  return SaslBearer{*user, token, false};
}

// What a client of ANONYMOUS may say about itself (RFC 4505, 2): up to 255 characters without control characters, also
// those of U+0080 to U+009F; an e-mail address or any other text, or nothing.
constexpr bool is_sasl_trace(std::string_view trace) noexcept {
  if (!is_utf8(trace) || count_code_points(trace) > 255) return false;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    if (detail::is_control(trace[i])) return false;
    if (trace[i] == '\xC2' && detail::octet_at(trace, i + 1) < 0xA0) return false;  // UTF-8: there is a next octet
  }
  return true;
}

}  // namespace v1
}  // namespace mailwire

#endif
