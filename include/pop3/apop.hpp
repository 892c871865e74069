// SPDX-License-Identifier: MIT
// APOP digests (RFC 1939, 7) with MD5 (RFC 1321). Optional: nothing else of the library includes it.
//
// MD5 is broken: a server that a client talks to by mistake can learn a password from APOP digests (CVE-2007-1558).
// Offer APOP only to clients that know nothing better, on connections without TLS.
#ifndef POP3_APOP_HPP
#define POP3_APOP_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "../mailwire/secret.hpp"

namespace pop3 {
inline namespace v1 {

class Md5 {
 public:
  using Digest = std::array<char, 32>;  // lower-case hexadecimal

  Md5() noexcept = default;
  ~Md5() {
    mailwire::wipe(block_.data(), block_.size());
    mailwire::wipe(reinterpret_cast<char*>(state_.data()), sizeof state_);
  }
  Md5(const Md5&) = delete;
  Md5& operator=(const Md5&) = delete;

  void add(std::string_view octets) noexcept {
    for (const char c : octets) {
      block_[static_cast<std::size_t>(count_ % 64)] = c;
      if (++count_ % 64 == 0) mix();
    }
  }

  // The digest of all octets added. Once; add() must not follow.
  Digest finish() noexcept {
    const std::uint64_t bits = count_ * 8;
    add(std::string_view("\x80", 1));
    while (count_ % 64 != 56) add(std::string_view("", 1));
    for (unsigned i = 0; i < 8; ++i) {
      const char octet = static_cast<char>(bits >> (8 * i) & 0xFF);
      add(std::string_view(&octet, 1));
    }
    constexpr std::string_view digits = "0123456789abcdef";
    Digest hex{};
    for (std::size_t i = 0; i < 16; ++i) {
      const std::uint32_t octet = state_[i / 4] >> (8 * (i % 4)) & 0xFF;
      hex[2 * i] = digits[octet >> 4];
      hex[2 * i + 1] = digits[octet & 15];
    }
    return hex;
  }

 private:
  // RFC 1321, 3.4: floor(2^32 * abs(sin(i + 1)))
  static constexpr std::array<std::uint32_t, 64> sines = {
      0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
      0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
      0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
      0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
      0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
      0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
      0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
      0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
  static constexpr std::uint32_t shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

  std::uint32_t word(std::size_t i) const noexcept {
    std::uint32_t value = 0;
    for (std::size_t k = 4; k-- > 0;) value = value << 8 | static_cast<unsigned char>(block_[4 * i + k]);
    return value;
  }

  // Four rounds of sixteen steps over one block of 64 octets.
  void mix() noexcept {
    std::uint32_t a = state_[0], b = state_[1], c = state_[2], d = state_[3];
    for (std::size_t i = 0; i < 64; ++i) {
      const std::size_t round = i / 16;
      std::uint32_t f = 0;
      std::size_t k = 0;
      switch (round) {
        case 0: f = (b & c) | (~b & d), k = i; break;
        case 1: f = (d & b) | (~d & c), k = (5 * i + 1) % 16; break;
        case 2: f = b ^ c ^ d, k = (3 * i + 5) % 16; break;
        default: f = c ^ (b | ~d), k = 7 * i % 16; break;
      }
      const std::uint32_t sum = a + f + sines[i] + word(k);
      const std::uint32_t shift = shifts[round][i % 4];
      a = d;
      d = c;
      c = b;
      b += sum << shift | sum >> (32 - shift);
    }
    state_[0] += a;
    state_[1] += b;
    state_[2] += c;
    state_[3] += d;
  }

  std::array<std::uint32_t, 4> state_ = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  std::uint64_t count_ = 0;  // octets added
  std::array<char, 64> block_{};
};

// What a client that knows `secret` answers to `challenge` (with its angle brackets).
inline Md5::Digest apop_digest(std::string_view challenge, std::string_view secret) noexcept {
  Md5 md5;
  md5.add(challenge);
  md5.add(secret);
  return md5.finish();
}

// Whether `digest` is that answer; takes the same time wherever the first difference is.
inline bool apop_matches(std::string_view challenge, std::string_view secret, std::string_view digest) noexcept {
  const Md5::Digest expected = apop_digest(challenge, secret);
  return mailwire::equals_in_constant_time({expected.data(), expected.size()}, digest);
}

}  // namespace v1
}  // namespace pop3

#endif
