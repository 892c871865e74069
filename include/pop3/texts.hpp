// SPDX-License-Identifier: MIT
// What people read behind +OK and -ERR: every text has a name, an English default, and may be replaced, for all
// sessions or for one language (RFC 6856, 3). Programs must not depend on them (RFC 1939, 9), so these may change.
#ifndef POP3_TEXTS_HPP
#define POP3_TEXTS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pop3 {
inline namespace v1 {

enum class Text : std::uint8_t {
  // behind +OK
  send_pass,
  opened_one,  // the maildrop holds 1 message
  opened,      // it holds {1} messages
  bye,
  marked,
  capabilities,
  listing,
  uid_listing,
  octets,
  top,
  begin_tls,
  utf8_mode,
  language_set,
  languages,
  mechanisms,
  // behind -ERR: a command that cannot be taken
  unknown_command,
  malformed,
  line_too_long,
  not_now,
  too_many_bad,
  needs_tls,
  no_user,
  no_mechanism,
  cancelled,
  bad_response,
  no_language,
  no_message,
  is_deleted,
  needs_utf8,
  read_only,
  // behind -ERR: what the application refused without words of its own
  auth_failed,
  in_use,
  login_delay,
  sys_temp,
  sys_perm,
  no_maildrop,
  not_available,
  bad_listing,
  not_removed,
  partly_removed,
  timed_out,
  shutting_down,
};
inline constexpr std::size_t text_count = static_cast<std::size_t>(Text::shutting_down) + 1;

// "{1}" and "{2}" stand for numbers.
constexpr std::string_view default_text(Text text) noexcept {
  switch (text) {
    case Text::send_pass: return "send PASS";
    case Text::opened_one: return "maildrop has 1 message ({2} octets)";
    case Text::opened: return "maildrop has {1} messages ({2} octets)";
    case Text::bye: return "bye";
    case Text::marked: return "marked deleted";
    case Text::capabilities: return "capability list follows";
    case Text::listing: return "scan listing follows";
    case Text::uid_listing: return "unique-id listing follows";
    case Text::octets: return "{1} octets";
    case Text::top: return "top of message follows";
    case Text::begin_tls: return "begin TLS";
    case Text::utf8_mode: return "UTF-8 mode";
    case Text::language_set: return "language changed";
    case Text::languages: return "language listing follows";
    case Text::mechanisms: return "mechanism list follows";
    case Text::unknown_command: return "unknown command";
    case Text::malformed: return "malformed command";
    case Text::line_too_long: return "command line too long";
    case Text::not_now: return "command not valid in this state";
    case Text::too_many_bad: return "too many bad commands";
    case Text::needs_tls: return "login needs TLS";
    case Text::no_user: return "send USER first";
    case Text::no_mechanism: return "mechanism not available";
    case Text::cancelled: return "authentication cancelled";
    case Text::bad_response: return "malformed response";
    case Text::no_language: return "no such language";
    case Text::no_message: return "no such message";
    case Text::is_deleted: return "message is deleted";
    case Text::needs_utf8: return "message needs UTF-8 mode";
    case Text::read_only: return "maildrop is read-only";
    case Text::auth_failed: return "authentication failed";
    case Text::in_use: return "maildrop is in use by another session";
    case Text::login_delay: return "logged in too recently";
    case Text::sys_temp: return "temporary failure, try again later";
    case Text::sys_perm: return "permanent failure, contact support";
    case Text::no_maildrop: return "maildrop is not available";
    case Text::not_available: return "message not available";
    case Text::bad_listing: return "maildrop cannot be listed";
    case Text::not_removed: return "nothing was removed";
    case Text::partly_removed: return "{1} of {2} deleted messages removed";
    case Text::timed_out: return "no answer in time";
    case Text::shutting_down: return "server is shutting down";
  }
  return "";
}

// Replacements: texts[Text::bye] = "so long". An empty one means the default.
class Texts {
 public:
  std::string& operator[](Text text) noexcept { return texts_[static_cast<std::size_t>(text)]; }
  const std::string& operator[](Text text) const noexcept { return texts_[static_cast<std::size_t>(text)]; }
  std::string_view get(Text text) const noexcept {
    const std::string& own = (*this)[text];
    return own.empty() ? default_text(text) : std::string_view(own);
  }

 private:
  std::array<std::string, text_count> texts_;
};

// A catalogue for LANG. Texts are UTF-8; what is missing is said as Config::texts says.
struct Language {
  std::string tag;   // RFC 5646: "de", "pt-BR"
  std::string name;  // in the language itself: "Deutsch"
  Texts texts = {};
};

}  // namespace v1
}  // namespace pop3

#endif
