// SPDX-License-Identifier: MIT
// The small words of POP3 that requests, answers and settings are made of.
#ifndef POP3_TYPES_HPP
#define POP3_TYPES_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
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

enum class AuthMethod : std::uint8_t { user_pass };

enum class Chunk : bool { more, last };

// Response codes (RFC 2449, 8; RFC 3206). The session writes a code only where the RFCs allow it: `auth`, `in_use` and
// `login_delay` on a refused login, `sys_temp` and `sys_perm` anywhere. Elsewhere the text goes out without it.
enum class Code : std::uint8_t { none, auth, in_use, login_delay, sys_temp, sys_perm };

// Why something is refused. `text` may be anything: what is not printable ASCII is replaced, and the line is cut at
// 512 octets. Empty = a text that fits the code.
struct Refusal {
  Code code = Code::none;
  std::string_view text = {};
};

struct MessageInfo {
  std::uint64_t size = 0;     // octets, every line end counted as CRLF, no stuffed dots (OctetCounter tells them)
  std::string_view uid = {};  // unique-id: 1 to 70 octets of 0x21 to 0x7E (RFC 1939, 7)
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
  end_of_input,    // the peer stopped sending, and all that it had sent was served
  disconnected,    // Session::disconnect()
  shutdown,        // Session::shutdown()
  idle_timeout,    // Limits::idle
  write_stall,     // Limits::write_stall
  answer_timeout,  // Limits::answer
  bad_commands,    // Limits::bad_commands
  failed_logins,   // Limits::failed_logins
  endless_line,    // Limits::endless_line
  body_aborted,    // a body was not completed; the peer sees it without its end
};

// What happened so far. Octets are those of the session: TLS is not counted.
struct Counters {
  std::uint64_t octets_in = 0, octets_out = 0;
  std::uint64_t commands = 0;      // complete lines, bad ones too: each has got or will get one reply
  std::uint64_t bad_commands = 0;  // unknown, malformed, too long, or not allowed in this state
  std::uint32_t failed_logins = 0;
  std::uint32_t retrieved = 0, tops = 0;  // bodies completed
  std::uint32_t marked = 0;               // messages that are marked deleted now, or were at QUIT
  std::uint32_t removed = 0;              // messages that the application said it removed
};

// For logs: "quit", "idle_timeout", ...
constexpr std::string_view to_string(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::quit: return "quit";
    case CloseReason::end_of_input: return "end_of_input";
    case CloseReason::disconnected: return "disconnected";
    case CloseReason::shutdown: return "shutdown";
    case CloseReason::idle_timeout: return "idle_timeout";
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

// `since` is never before TimePoint{}, so nothing overflows.
constexpr TimePoint later(TimePoint since, Duration limit) noexcept {
  return limit < (TimePoint::max)() - since ? since + limit : (TimePoint::max)();
}

}  // namespace detail

}  // namespace v1
}  // namespace pop3

#endif
