// SPDX-License-Identifier: MIT
// HMAC (RFC 2104) and PBKDF2 (RFC 8018, 5.2) over any hash of the shape in hash.hpp.
#ifndef MAILWIRE_HMAC_HPP
#define MAILWIRE_HMAC_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "hash.hpp"
#include "secret.hpp"

namespace mailwire {
inline namespace v1 {

// The hashes wipe themselves. A copy goes on from where the original is: a copy made before add() saves mixing the key.
template <class Hash>
class Hmac {
 public:
  using Digest = typename Hash::Digest;

  explicit Hmac(std::string_view key) noexcept {
    std::array<char, Hash::block_size> pad{};
    if (key.size() > Hash::block_size) {
      Digest digest = hash_of<Hash>(key);
      std::memcpy(pad.data(), digest.data(), digest.size());
      wipe(digest);
    } else if (!key.empty()) {
      std::memcpy(pad.data(), key.data(), key.size());
    }
    change(pad, 0x36);
    inner_.add(as_view(pad));
    change(pad, 0x36 ^ 0x5C);
    outer_.add(as_view(pad));
    wipe(pad);
  }

  void add(std::string_view octets) noexcept { inner_.add(octets); }

  // Once; add() must not follow.
  Digest finish() noexcept {
    Digest digest = inner_.finish();
    outer_.add(as_view(digest));
    wipe(digest);
    return outer_.finish();
  }

 private:
  static void change(std::array<char, Hash::block_size>& pad, unsigned bits) noexcept {
    for (char& c : pad) c = static_cast<char>(static_cast<unsigned char>(c) ^ bits);
  }

  Hash inner_, outer_;
};

template <class Hash>
typename Hash::Digest hmac(std::string_view key, std::string_view message) noexcept {
  Hmac<Hash> mac(key);
  mac.add(message);
  return mac.finish();
}

// One block of PBKDF2, as long as a digest: Hi() of RFC 5802, 2.2. The key is mixed in once, so that an iteration costs
// no more than the two blocks that it must. No iterations count as one.
template <class Hash>
typename Hash::Digest pbkdf2(std::string_view password, std::string_view salt, std::uint32_t iterations) noexcept {
  const Hmac<Hash> keyed(password);
  Hmac<Hash> first = keyed;
  first.add(salt);
  first.add(std::string_view("\0\0\0\1", 4));  // the number of the block
  typename Hash::Digest link = first.finish();
  typename Hash::Digest sum = link;
  for (std::uint32_t i = 1; i < iterations; ++i) {
    Hmac<Hash> next = keyed;
    next.add(as_view(link));
    link = next.finish();
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] = static_cast<char>(sum[k] ^ link[k]);
  }
  wipe(link);
  return sum;
}

}  // namespace v1
}  // namespace mailwire

#endif
