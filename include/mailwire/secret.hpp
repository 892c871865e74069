// SPDX-License-Identifier: MIT
// Secrets: views that cannot be printed by accident, and a wipe that the compiler keeps.
#ifndef MAILWIRE_SECRET_HPP
#define MAILWIRE_SECRET_HPP

#include <cstddef>
#include <cstring>
#include <string_view>

namespace mailwire {
inline namespace v1 {

// Overwrites octets with zeros, and does so although nobody reads the memory again: the compiler is told that
// somebody might.
inline void wipe(char* data, std::size_t size) noexcept {
  if (size == 0) return;  // data may be null then
#if defined(__GNUC__)
  std::memset(data, 0, size);
  __asm__ __volatile__("" : : "r"(data) : "memory");
#else
  for (volatile char* p = data; size > 0; ++p, --size) *p = 0;
#endif
}

// Compares without telling by its duration where the first difference is. The length is no secret.
constexpr bool equals_in_constant_time(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  int difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

// A password on its way to the application: a view with no operator<< and no conversion. It lives as long as the
// request that carries it.
class Secret {
 public:
  constexpr Secret() noexcept = default;
  constexpr explicit Secret(std::string_view octets) noexcept : octets_(octets) {}
  constexpr std::string_view reveal() const noexcept { return octets_; }

 private:
  std::string_view octets_;
};

}  // namespace v1
}  // namespace mailwire

#endif
