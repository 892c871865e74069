// SPDX-License-Identifier: MIT
#include "util.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace load {

void fail(const std::string& why) {
  std::fflush(stdout);
  std::fprintf(stderr, "load: FAIL: %s\n", why.c_str());
  std::exit(1);
}

std::string printable(std::string_view octets) {
  std::string text;
  for (const char c : octets.substr(0, 200)) {
    const auto value = static_cast<unsigned char>(c);
    char escaped[8];
    if (value >= 32 && value < 127) {
      text += c;
    } else {
      std::snprintf(escaped, sizeof escaped, c == '\r' ? "\\r" : c == '\n' ? "\\n" : "\\x%02x", value);
      text += escaped;
    }
  }
  return text;
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double percentile(std::vector<float>& values, double part) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto index = static_cast<std::size_t>(part * static_cast<double>(values.size()));
  return static_cast<double>(values[std::min(index, values.size() - 1)]);
}

}  // namespace load
