// SPDX-License-Identifier: MIT
// What people read behind +OK and -ERR. Programs must not (RFC 1939, 9), so these may change.
#ifndef POP3_DETAIL_TEXTS_HPP
#define POP3_DETAIL_TEXTS_HPP

#include <string_view>

#include "../types.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {
namespace texts {

using Text = std::string_view;

inline constexpr Text send_pass = "send PASS";
inline constexpr Text bye = "bye";
inline constexpr Text marked = "marked deleted";
inline constexpr Text capabilities = "capability list follows";
inline constexpr Text listing = "scan listing follows";
inline constexpr Text uid_listing = "unique-id listing follows";
inline constexpr Text top = "top of message follows";

inline constexpr Text unknown_command = "unknown command";
inline constexpr Text malformed = "malformed command";
inline constexpr Text line_too_long = "command line too long";
inline constexpr Text not_now = "command not valid in this state";
inline constexpr Text too_many_bad = "too many bad commands";
inline constexpr Text needs_tls = "login needs TLS";
inline constexpr Text no_user = "send USER first";
inline constexpr Text no_message = "no such message";
inline constexpr Text is_deleted = "message is deleted";
inline constexpr Text not_available = "message not available";
inline constexpr Text bad_listing = "maildrop cannot be listed";
inline constexpr Text not_removed = "nothing was removed";
inline constexpr Text timed_out = "no answer in time";
inline constexpr Text shutting_down = "server is shutting down";

// What a refused login says when the application gives no text.
constexpr Text login_refused(Code code) noexcept {
  switch (code) {
    case Code::auth: return "authentication failed";
    case Code::in_use: return "maildrop is in use by another session";
    case Code::login_delay: return "logged in too recently";
    case Code::sys_temp: return "temporary failure, try again later";
    case Code::sys_perm: return "permanent failure, contact support";
    case Code::none: return "maildrop is not available";
  }
  return "";
}

}  // namespace texts
}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
