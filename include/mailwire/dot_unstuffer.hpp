// SPDX-License-Identifier: MIT
// The inverse of dot_stuffer.hpp, for whoever reads a multi-line answer (RFC 1939, 3): removes the dots that were
// added and finds the end. Only CRLF "." CRLF ends a body; a bare LF or CR is an octet like any other.
#ifndef MAILWIRE_DOT_UNSTUFFER_HPP
#define MAILWIRE_DOT_UNSTUFFER_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mailwire {
inline namespace v1 {

class DotUnstuffer {
 public:
  struct Step {
    std::size_t taken;      // octets of `in` that are dealt with
    std::string_view body;  // the next octets of the body: a part of `in`, or a static string
  };

  // Takes octets from the front of `in` and gives at most one piece of the body. To be called until done(), or until
  // `in` is used up; octets behind the end are not taken.
  Step next(std::string_view in) noexcept {
    if (in.empty()) return {0, {}};
    const char c = in[0];
    switch (state_) {
      case State::done: return {0, {}};
      case State::line_start:
        if (c != '.') break;
        state_ = State::dot;
        return {1, {}};
      case State::dot:
        if (c != '\r') break;
        state_ = State::dot_cr;  // perhaps the end: held back
        return {1, {}};
      case State::dot_cr:
        state_ = c == '\n' ? State::done : State::cr;
        return state_ == State::done ? Step{1, {}} : Step{0, "\r"};
      case State::in_line:
      case State::cr: break;
    }
    return line(in);
  }
  bool done() const noexcept { return state_ == State::done; }

 private:
  enum class State : std::uint8_t { line_start, in_line, cr, dot, dot_cr, done };

  // Octets of one line, up to and with its CRLF if that is there.
  Step line(std::string_view in) noexcept {
    const std::size_t lf = in.find('\n');
    const std::size_t n = lf == std::string_view::npos ? in.size() : lf + 1;
    const bool after_cr = n > 1 ? in[n - 2] == '\r' : state_ == State::cr;
    if (in[n - 1] == '\n')
      state_ = after_cr ? State::line_start : State::in_line;
    else
      state_ = in[n - 1] == '\r' ? State::cr : State::in_line;
    return {n, in.substr(0, n)};
  }

  State state_ = State::line_start;
};

}  // namespace v1
}  // namespace mailwire

#endif
