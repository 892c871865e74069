// SPDX-License-Identifier: MIT
#include "log.hpp"

#include <unistd.h>

#include <cstdio>
#include <ctime>

#include "mailwire/ascii.hpp"

namespace pop3d {
namespace {

std::string time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::string_view to_string(Level level) {
  constexpr std::string_view names[] = {"error", "warning", "info", "debug"};
  return names[static_cast<int>(level)];
}

}  // namespace

LogLine::LogLine(const Log& log, Level level, std::string_view event) {
  if (!log.shows(level)) return;
  line_ = time_now();
  for (const std::string_view word : {to_string(level), event}) line_.append(" ").append(word);
}

LogLine::~LogLine() {
  if (line_.empty()) return;
  line_ += '\n';
  if (::write(STDERR_FILENO, line_.data(), line_.size()) < 0) return;  // there is nobody left to tell
}

LogLine& LogLine::add(std::string_view key, std::string_view value) {
  if (line_.empty()) return *this;
  line_.append(" ").append(key).append("=");
  if (value.empty()) line_ += '-';
  for (const char c : value) {
    if (mailwire::is_graphic(c) && c != '"' && c != '\\') {
      line_ += c;
      continue;
    }
    constexpr char hex[] = "0123456789ABCDEF";
    const auto octet = static_cast<unsigned char>(c);
    line_.append("\\x").append(1, hex[octet >> 4]).append(1, hex[octet & 15]);
  }
  return *this;
}

LogLine& LogLine::add(std::string_view key, std::chrono::milliseconds duration) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%.3f", static_cast<double>(duration.count()) / 1000);
  return add(key, std::string_view(text, static_cast<std::size_t>(size)));
}

}  // namespace pop3d
