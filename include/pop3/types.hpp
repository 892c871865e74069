// SPDX-License-Identifier: MIT
// The small words of POP3 that requests, answers and settings are made of.
#ifndef POP3_TYPES_HPP
#define POP3_TYPES_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "../mailwire/buffers.hpp"
#include "../mailwire/dot_stuffer.hpp"
#include "../mailwire/secret.hpp"
#include "../mailwire/token.hpp"

namespace pop3 {
inline namespace v1 {

using mailwire::BodyLines;
using mailwire::ConstBuffer;
using mailwire::MutableBuffer;
using mailwire::OctetCounter;
using mailwire::Outcome;
using mailwire::Secret;
using mailwire::Token;

using TimePoint = std::chrono::steady_clock::time_point;  // only a number here: never read from a clock
using Duration = std::chrono::steady_clock::duration;
using SessionId = std::uint32_t;

// RFC 1939, 3. `closed`: nothing more is served; what is queued may still be on its way out.
enum class State : std::uint8_t { authorization, transaction, update, closed };

// How a client shows who it is. From `plain` on these are SASL mechanisms (RFC 5034).
enum class AuthMethod : std::uint8_t {
  user_pass,
  apop,
  plain,
  login,
  cram_md5,
  scram_sha_1,
  scram_sha_1_plus,
  scram_sha_256,
  scram_sha_256_plus,
  oauthbearer,
  xoauth2,
  external,
  anonymous,
  other,  // a mechanism of the application's own
};

// For logs: "USER", "APOP", or the mechanism's name; "" for `other`, whose name SaslRequest tells.
constexpr std::string_view to_string(AuthMethod method) noexcept {
  switch (method) {
    case AuthMethod::user_pass: return "USER";
    case AuthMethod::apop: return "APOP";
    case AuthMethod::plain: return "PLAIN";
    case AuthMethod::login: return "LOGIN";
    case AuthMethod::cram_md5: return "CRAM-MD5";
    case AuthMethod::scram_sha_1: return "SCRAM-SHA-1";
    case AuthMethod::scram_sha_1_plus: return "SCRAM-SHA-1-PLUS";
    case AuthMethod::scram_sha_256: return "SCRAM-SHA-256";
    case AuthMethod::scram_sha_256_plus: return "SCRAM-SHA-256-PLUS";
    case AuthMethod::oauthbearer: return "OAUTHBEARER";
    case AuthMethod::xoauth2: return "XOAUTH2";
    case AuthMethod::external: return "EXTERNAL";
    case AuthMethod::anonymous: return "ANONYMOUS";
    case AuthMethod::other: return "";
  }
  return "";
}

enum class Chunk : bool { more, last };

// Response codes (RFC 2449, 8; RFC 3206; RFC 6856, 5). The session writes a code only where the RFCs allow it: `auth`,
// `in_use` and `login_delay` on a refused login, `utf8` on a refused message, `sys_temp` and `sys_perm` anywhere.
// Elsewhere the text goes out without it.
enum class Code : std::uint8_t { none, auth, in_use, login_delay, utf8, sys_temp, sys_perm };

// Why something is refused. `text` may be anything: what is not printable ASCII is replaced (UTF-8 is let through
// after LANG and UTF8), and the line is cut at 512 octets. Empty = a text that fits the code.
struct Refusal {
  Code code = Code::none;
  std::string_view text = {};
  bool close = false;                  // the session ends behind this reply
  std::optional<Duration> delay = {};  // a refused login: held back so long, not Limits::failed_login_delay
};

struct MessageInfo {
  std::uint64_t size = 0;     // octets, every line end counted as CRLF, no stuffed dots (OctetCounter tells them)
  std::string_view uid = {};  // unique-id: 1 to 70 octets of 0x21 to 0x7E (RFC 1939, 7)
  // The header has octets outside ASCII (RFC 6532): a client that did not say UTF8 gets -ERR [UTF8], or, if
  // `surrogate_size` is not 0, a message of so many octets that the application gives in its place (RFC 6856, 2.1).
  bool needs_utf8 = false;
  std::uint64_t surrogate_size = 0;
};

// Of Account::expire and Config::expire: messages stay for ever (RFC 2449, 6.7).
inline constexpr std::uint32_t expire_never = ~std::uint32_t{0};

// What an application may say of a user when it opens the maildrop.
struct Account {
  // RFC 2449, 6.7: days that messages are kept. 0 = what was retrieved is removed at QUIT, and TOP shows headers only.
  std::optional<std::uint32_t> expire = {};
  // RFC 2449, 6.5: seconds from login to login. If `last_login` (on poll()'s clock) is less than that ago, the login is
  // refused with [LOGIN-DELAY].
  std::optional<std::uint32_t> login_delay = {};
  std::optional<TimePoint> last_login = {};
  bool read_only = false;          // DELE is refused, and EXPIRE 0 removes nothing
  std::string_view language = {};  // tag: what "LANG *" selects for this user
};

// What is known of a TLS connection; whatever is unknown stays empty. Copied.
struct TlsFacts {
  std::string_view identity = {};  // that a verified client certificate names: makes EXTERNAL possible
  // Channel bindings (RFC 5929, RFC 9266), raw octets: they make the -PLUS mechanisms possible.
  std::string_view exporter = {}, server_end_point = {}, unique = {};
  std::string_view version = {}, cipher = {}, server_name = {}, protocol = {};  // for logs; SNI and ALPN
};
// A maildrop in its order: message 1 is data[0]. Made of an array, a std::vector or whatever has data() and size().
struct Listing {
  constexpr Listing() noexcept = default;
  constexpr Listing(const MessageInfo* first, std::size_t n) noexcept : data(first), count(n) {}
  // Not explicit: accept(token, messages) is what they are for. NOLINTBEGIN(google-explicit-constructor)
  template <std::size_t N>
  constexpr Listing(const MessageInfo (&messages)[N]) noexcept : data(messages), count(N) {}
  template <class Range, class = decltype(std::declval<const Range&>().data())>
  constexpr Listing(const Range& messages) noexcept : data(messages.data()), count(messages.size()) {}
  // NOLINTEND(google-explicit-constructor)

  const MessageInfo* data = nullptr;
  std::size_t count = 0;
};

// Message numbers, 1-based and ascending.
struct Numbers {
  const std::uint32_t* data = nullptr;
  std::size_t count = 0;
  constexpr std::size_t size() const noexcept { return count; }
  constexpr bool empty() const noexcept { return count == 0; }
  constexpr const std::uint32_t* begin() const noexcept { return data; }
  constexpr const std::uint32_t* end() const noexcept { return data + count; }
};

enum class CloseReason : std::uint8_t {
  quit,
  refused,         // Refusal::close
  end_of_input,    // the peer stopped sending, and all that it had sent was served
  disconnected,    // Session::disconnect()
  shutdown,        // Session::shutdown()
  idle_timeout,    // Limits::idle
  login_timeout,   // Limits::login
  tls_failed,      // TlsRequest was refused, or Limits::handshake is over
  write_stall,     // Limits::write_stall
  answer_timeout,  // Limits::answer
  bad_commands,    // Limits::bad_commands
  failed_logins,   // Limits::failed_logins
  endless_line,    // Limits::endless_line
  body_aborted,    // a body was not completed; the peer sees it without its end
};

// Rules that Config::tolerate may relax.
enum class Rule : std::uint8_t {
  bare_lf,        // a command ends at CRLF (RFC 1939, 3); a lone LF inside a line counts too
  spaces,         // one space between words and none behind the last (RFC 1939, 3)
  leading_zeros,  // numbers have none
  eight_bit,  // names and passwords are ASCII, or UTF-8 after "UTF8 USER" was announced (RFC 1939, 3; RFC 6856, 2.2)
  auth_list,  // AUTH names a mechanism; without one it is the obsolete question for the list (RFC 1734 drafts)
};
inline constexpr std::size_t rule_count = static_cast<std::size_t>(Rule::auth_list) + 1;

// The commands that the session knows; `other` are those of Config::commands, and unknown ones.
enum class Verb : std::uint8_t {
  user,
  pass,
  apop,
  auth,
  stls,
  utf8,
  lang,
  quit,
  stat,
  list,
  retr,
  dele,
  noop,
  rset,
  top,
  uidl,
  capa,
  other,
};
inline constexpr std::size_t verb_count = static_cast<std::size_t>(Verb::other) + 1;

// What happened so far. Octets are those of the session: TLS is not counted.
struct Counters {
  std::uint64_t octets_in = 0, octets_out = 0;
  std::uint64_t commands = 0;             // complete lines, bad ones too: each has got or will get one reply
  std::uint64_t bad_commands = 0;         // unknown, malformed, too long, or not allowed in this state
  std::uint32_t failed_logins = 0;        // wrong credentials, whoever found out
  std::uint32_t logins = 0;               // attempts: a password, digest, proof or token was looked at
  std::uint32_t retrieved = 0, tops = 0;  // bodies completed
  std::uint32_t marked = 0;               // messages that are marked deleted now, or were at QUIT
  std::uint32_t removed = 0;              // messages that the application said it removed
  std::uint64_t body_octets = 0;          // of messages, as LIST counts them
  std::uint64_t octets_before_tls = 0;    // came in the clear behind STLS: never looked at; a ClientHello counts
  std::array<std::uint32_t, verb_count> by_verb{};  // commands that were carried out or refused, but not malformed
  std::array<std::uint32_t, rule_count> broken{};   // commands that broke a rule, tolerated or not
};

// For logs: "quit", "idle_timeout", ...
constexpr std::string_view to_string(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::quit: return "quit";
    case CloseReason::refused: return "refused";
    case CloseReason::end_of_input: return "end_of_input";
    case CloseReason::disconnected: return "disconnected";
    case CloseReason::shutdown: return "shutdown";
    case CloseReason::idle_timeout: return "idle_timeout";
    case CloseReason::login_timeout: return "login_timeout";
    case CloseReason::tls_failed: return "tls_failed";
    case CloseReason::write_stall: return "write_stall";
    case CloseReason::answer_timeout: return "answer_timeout";
    case CloseReason::bad_commands: return "bad_commands";
    case CloseReason::failed_logins: return "failed_logins";
    case CloseReason::endless_line: return "endless_line";
    case CloseReason::body_aborted: return "body_aborted";
  }
  return "";
}

namespace detail {

// Saturates; `limit` is not negative.
constexpr TimePoint later(TimePoint since, Duration limit) noexcept {
  const bool fits = since < TimePoint{} || limit < (TimePoint::max)() - since;
  return fits ? since + limit : (TimePoint::max)();
}

}  // namespace detail

}  // namespace v1
}  // namespace pop3

#endif
