// SPDX-License-Identifier: MIT
// The log: lines of key=value on standard error.
#ifndef POP3D_LOG_HPP
#define POP3D_LOG_HPP

#include <chrono>
#include <concepts>
#include <string>
#include <string_view>

namespace pop3d {

enum class Level { error, warning, info, debug };

class Log {
 public:
  explicit Log(Level most) noexcept : most_(most) {}
  bool shows(Level level) const noexcept { return level <= most_; }

 private:
  Level most_;
};

// One line, written in one piece when it goes; so threads do not mix theirs.
//
//   LogLine(log, Level::info, "session").add("user", user).add("seconds", 3);
class LogLine {
 public:
  LogLine(const Log& log, Level level, std::string_view event);
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;
  ~LogLine();

  // What is not printable ASCII in a value, or would not let it stand as one word, is escaped as \xHH.
  LogLine& add(std::string_view key, std::string_view value);
  template <std::integral Number>
  LogLine& add(std::string_view key, Number value) {
    return add(key, std::string_view(std::to_string(value)));
  }
  LogLine& add(std::string_view key, std::chrono::milliseconds duration);  // in seconds

 private:
  std::string line_;  // empty = not shown
};

}  // namespace pop3d

#endif
