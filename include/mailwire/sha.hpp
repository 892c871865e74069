// SPDX-License-Identifier: MIT
// SHA-1 (RFC 3174) and SHA-256 (FIPS 180-4). SHA-1 is broken as a hash, not as the HMAC of SCRAM-SHA-1.
#ifndef MAILWIRE_SHA_HPP
#define MAILWIRE_SHA_HPP

#include <array>
#include <cstddef>
#include <cstdint>

#include "hash.hpp"

namespace mailwire {
inline namespace v1 {

namespace detail {

struct Sha1Function {
  using State = std::array<std::uint32_t, 5>;
  static constexpr State initial = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  static constexpr ByteOrder order = ByteOrder::big;

  // RFC 3174, 6.2: four rounds of twenty steps.
  static void mix(State& state, const char* block) noexcept {
    using Word = std::uint32_t;
    Word words[16];
    for (std::size_t i = 0; i < 16; ++i) words[i] = load_word<order>(block + 4 * i);
    // The word of step i; only the last sixteen are needed.
    const auto word = [&](std::size_t i) {
      Word& it = words[i % 16];
      if (i >= 16) it = rotate_left<1>(words[(i - 3) % 16] ^ words[(i - 8) % 16] ^ words[(i - 14) % 16] ^ it);
      return it;
    };
    Word a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    const auto round = [&](std::size_t begin, Word constant, auto f) {
      for (std::size_t i = begin; i < begin + 20; ++i) {
        const Word sum = rotate_left<5>(a) + f(b, c, d) + e + word(i) + constant;
        e = d;
        d = c;
        c = rotate_left<30>(b);
        b = a;
        a = sum;
      }
    };
    const auto parity = [](Word x, Word y, Word z) { return x ^ y ^ z; };
    round(0, 0x5a827999, [](Word x, Word y, Word z) { return z ^ (x & (y ^ z)); });
    round(20, 0x6ed9eba1, parity);
    round(40, 0x8f1bbcdc, [](Word x, Word y, Word z) { return (x & y) | (z & (x | y)); });
    round(60, 0xca62c1d6, parity);
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    wipe(reinterpret_cast<char*>(words), sizeof words);
  }
};

struct Sha256Function {
  using State = std::array<std::uint32_t, 8>;
  static constexpr State initial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  static constexpr ByteOrder order = ByteOrder::big;

  // FIPS 180-4, 6.2.2: sixty-four steps.
  static void mix(State& state, const char* block) noexcept {
    using Word = std::uint32_t;
    Word words[64];
    for (std::size_t i = 0; i < 16; ++i) words[i] = load_word<order>(block + 4 * i);
    for (std::size_t i = 16; i < 64; ++i) {
      const Word early = words[i - 15], late = words[i - 2];
      words[i] = words[i - 16] + (rotate_right<7>(early) ^ rotate_right<18>(early) ^ early >> 3) + words[i - 7] +
                 (rotate_right<17>(late) ^ rotate_right<19>(late) ^ late >> 10);
    }
    Word a = state[0], b = state[1], c = state[2], d = state[3];
    Word e = state[4], f = state[5], g = state[6], h = state[7];
    const auto step = [&](Word p, Word q, Word r, Word& s, Word t, Word u, Word v, Word& w, std::size_t i) {
      w += (rotate_right<6>(t) ^ rotate_right<11>(t) ^ rotate_right<25>(t)) + (v ^ (t & (u ^ v))) + constants[i] +
           words[i];
      s += w;
      w += (rotate_right<2>(p) ^ rotate_right<13>(p) ^ rotate_right<22>(p)) + ((p & q) | (r & (p | q)));
    };
    // Eight steps, behind which each word is in its place again.
    for (std::size_t i = 0; i < 64; i += 8) {
      step(a, b, c, d, e, f, g, h, i);
      step(h, a, b, c, d, e, f, g, i + 1);
      step(g, h, a, b, c, d, e, f, i + 2);
      step(f, g, h, a, b, c, d, e, i + 3);
      step(e, f, g, h, a, b, c, d, i + 4);
      step(d, e, f, g, h, a, b, c, i + 5);
      step(c, d, e, f, g, h, a, b, i + 6);
      step(b, c, d, e, f, g, h, a, i + 7);
    }
    const Word sums[8] = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state[i] += sums[i];
    wipe(reinterpret_cast<char*>(words), sizeof words);
  }

 private:
  // The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  static constexpr std::uint32_t constants[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
};

}  // namespace detail

using Sha1 = BlockHash<detail::Sha1Function>;
using Sha256 = BlockHash<detail::Sha256Function>;

}  // namespace v1
}  // namespace mailwire

#endif
