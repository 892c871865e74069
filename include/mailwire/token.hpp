// SPDX-License-Identifier: MIT
// A question and its one answer belong together by a token.
#ifndef MAILWIRE_TOKEN_HPP
#define MAILWIRE_TOKEN_HPP

#include <cstdint>

namespace mailwire {
inline namespace v1 {

// A plain number with the type of its question. It never dangles and may be copied into any callback. The upper half
// is the id of the connection, the lower one counts that connection's questions; 0 belongs to no question.
template <class Request>
class Token {
 public:
  constexpr Token() noexcept = default;
  constexpr explicit Token(std::uint64_t value) noexcept : value_(value) {}
  constexpr std::uint64_t value() const noexcept { return value_; }
  constexpr std::uint32_t connection() const noexcept { return static_cast<std::uint32_t>(value_ >> 32); }
  friend constexpr bool operator==(Token a, Token b) noexcept { return a.value_ == b.value_; }
  friend constexpr bool operator!=(Token a, Token b) noexcept { return a.value_ != b.value_; }

 private:
  std::uint64_t value_ = 0;
};

// What became of an answer. Anything but `applied` means: what the answer carried was not taken, it is still yours
// (a maildrop that was just locked has to be released).
enum class Outcome : std::uint8_t {
  applied,
  stale,    // the question is over: answered before, timed out, or the session is closing. Harmless.
  invalid,  // the answer broke a rule stated at its function; the session refused in the application's name
};

}  // namespace v1
}  // namespace mailwire

#endif
