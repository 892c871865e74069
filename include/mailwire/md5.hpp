// SPDX-License-Identifier: MIT
// MD5 (RFC 1321). Broken: only for APOP and CRAM-MD5, where a protocol asks for it.
#ifndef MAILWIRE_MD5_HPP
#define MAILWIRE_MD5_HPP

#include <array>
#include <cstddef>
#include <cstdint>

#include "hash.hpp"

namespace mailwire {
inline namespace v1 {

namespace detail {

struct Md5Function {
  using State = std::array<std::uint32_t, 4>;
  static constexpr State initial = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  static constexpr ByteOrder order = ByteOrder::little;

  // RFC 1321, 3.4: four rounds of sixteen steps.
  static void mix(State& state, const char* block) noexcept {
    std::uint32_t words[16];
    for (std::size_t i = 0; i < 16; ++i) words[i] = load_word<order>(block + 4 * i);
    std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    // Four steps, behind which each word is in its place again; they add words k, k + stride, ...
    const auto steps = [&](auto f, auto shifts, std::size_t i, std::size_t k, std::size_t stride) {
      a = b + shifts.first(a + f(b, c, d) + words[k % 16] + sines[i]);
      d = a + shifts.second(d + f(a, b, c) + words[(k + stride) % 16] + sines[i + 1]);
      c = d + shifts.third(c + f(d, a, b) + words[(k + 2 * stride) % 16] + sines[i + 2]);
      b = c + shifts.fourth(b + f(c, d, a) + words[(k + 3 * stride) % 16] + sines[i + 3]);
    };
    using Word = std::uint32_t;
    const auto choose = [](Word x, Word y, Word z) { return z ^ (x & (y ^ z)); };
    const auto choose_by_last = [](Word x, Word y, Word z) { return y ^ (z & (x ^ y)); };
    const auto parity = [](Word x, Word y, Word z) { return x ^ y ^ z; };
    const auto last = [](Word x, Word y, Word z) { return y ^ (x | ~z); };
    for (std::size_t i = 0; i < 16; i += 4) steps(choose, Shifts<7, 12, 17, 22>(), i, i, 1);
    for (std::size_t i = 16; i < 32; i += 4) steps(choose_by_last, Shifts<5, 9, 14, 20>(), i, 5 * i + 1, 5);
    for (std::size_t i = 32; i < 48; i += 4) steps(parity, Shifts<4, 11, 16, 23>(), i, 3 * i + 5, 3);
    for (std::size_t i = 48; i < 64; i += 4) steps(last, Shifts<6, 10, 15, 21>(), i, 7 * i, 7);
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    wipe(reinterpret_cast<char*>(words), sizeof words);
  }

 private:
  template <unsigned s1, unsigned s2, unsigned s3, unsigned s4>
  struct Shifts {
    static constexpr std::uint32_t first(std::uint32_t word) noexcept { return rotate_left<s1>(word); }
    static constexpr std::uint32_t second(std::uint32_t word) noexcept { return rotate_left<s2>(word); }
    static constexpr std::uint32_t third(std::uint32_t word) noexcept { return rotate_left<s3>(word); }
    static constexpr std::uint32_t fourth(std::uint32_t word) noexcept { return rotate_left<s4>(word); }
  };
  // floor(2^32 * abs(sin(i + 1)))
  static constexpr std::uint32_t sines[64] = {
      0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
      0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
      0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
      0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
      0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
      0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
      0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
      0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
};

}  // namespace detail

using Md5 = BlockHash<detail::Md5Function>;

}  // namespace v1
}  // namespace mailwire

#endif
