// SPDX-License-Identifier: MIT
// What MD5, SHA-1 and SHA-256 have in common: octets are mixed into a state in blocks of 64; the last one is padded
// with a one bit, zeros and the length in bits.
#ifndef MAILWIRE_HASH_HPP
#define MAILWIRE_HASH_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "secret.hpp"

namespace mailwire {
inline namespace v1 {

template <std::size_t size>
void wipe(std::array<char, size>& octets) noexcept {
  wipe(octets.data(), size);
}

template <std::size_t size>
constexpr std::string_view as_view(const std::array<char, size>& octets) noexcept {
  return {octets.data(), size};
}

// Two lower-case hexadecimal digits for each octet.
template <std::size_t size>
constexpr std::array<char, 2 * size> to_hex(const std::array<char, size>& octets) noexcept {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 2 * size> hex{};
  for (std::size_t i = 0; i < size; ++i) {
    const auto octet = static_cast<unsigned char>(octets[i]);
    hex[2 * i] = digits[octet >> 4];
    hex[2 * i + 1] = digits[octet & 15];
  }
  return hex;
}

// Little: the octet of least weight comes first.
enum class ByteOrder : std::uint8_t { little, big };

namespace detail {

constexpr unsigned byte_shift(ByteOrder order, std::size_t i, std::size_t size) noexcept {
  return 8 * static_cast<unsigned>(order == ByteOrder::little ? i : size - 1 - i);
}
// Compilers make a single instruction of these two.
template <ByteOrder order>
std::uint32_t load_word(const char* from) noexcept {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4; ++i)
    word |= static_cast<std::uint32_t>(static_cast<unsigned char>(from[i])) << byte_shift(order, i, 4);
  return word;
}
template <ByteOrder order, class Word>
void store_word(Word word, char* to) noexcept {
  for (std::size_t i = 0; i < sizeof word; ++i)
    to[i] = static_cast<char>(word >> byte_shift(order, i, sizeof word) & 0xFF);
}

template <unsigned bits>
constexpr std::uint32_t rotate_left(std::uint32_t word) noexcept {
  return word << bits | word >> (32 - bits);
}
template <unsigned bits>
constexpr std::uint32_t rotate_right(std::uint32_t word) noexcept {
  return rotate_left<32 - bits>(word);
}

}  // namespace detail

// `Function` has the State that it begins with, an array of words; its ByteOrder; and mix(State&, const char* block).
// A copy goes on from where the original is: what follows a common beginning can be hashed many times.
template <class Function>
class BlockHash {
  using State = typename Function::State;

 public:
  static constexpr std::size_t block_size = 64;
  static constexpr std::size_t digest_size = sizeof(State);
  using Digest = std::array<char, digest_size>;  // octets as they are; to_hex() prints them

  BlockHash() noexcept = default;
  BlockHash(const BlockHash&) noexcept = default;
  BlockHash& operator=(const BlockHash&) noexcept = default;
  ~BlockHash() {
    wipe(block_.data(), block_.size());
    wipe(reinterpret_cast<char*>(state_.data()), sizeof state_);
  }

  // Whole blocks are mixed where they are; only what is left over is copied.
  void add(std::string_view octets) noexcept {
    if (octets.empty()) return;  // octets.data() may be null then
    const std::size_t held = in_block();
    count_ += octets.size();
    if (held > 0) {
      const std::size_t room = block_size - held;
      if (octets.size() < room) return keep(held, octets);
      keep(held, octets.substr(0, room));
      octets.remove_prefix(room);
      Function::mix(state_, block_.data());
    }
    for (; octets.size() >= block_size; octets.remove_prefix(block_size)) Function::mix(state_, octets.data());
    keep(0, octets);
  }

  // The digest of all octets added. Once; add() must not follow.
  Digest finish() noexcept {
    constexpr std::size_t length_at = block_size - sizeof count_;
    std::size_t held = in_block();
    block_[held++] = '\x80';
    if (held > length_at) {
      std::memset(block_.data() + held, 0, block_size - held);
      Function::mix(state_, block_.data());
      held = 0;
    }
    std::memset(block_.data() + held, 0, length_at - held);
    detail::store_word<Function::order>(count_ * 8, block_.data() + length_at);
    Function::mix(state_, block_.data());
    Digest digest;
    for (std::size_t i = 0; i < state_.size(); ++i)
      detail::store_word<Function::order>(state_[i], digest.data() + 4 * i);
    return digest;
  }

 private:
  std::size_t in_block() const noexcept { return static_cast<std::size_t>(count_ % block_size); }
  void keep(std::size_t held, std::string_view octets) noexcept {
    if (!octets.empty()) std::memcpy(block_.data() + held, octets.data(), octets.size());
  }

  State state_ = Function::initial;
  std::uint64_t count_ = 0;  // octets added
  std::array<char, block_size> block_{};
};

// The digest of one run of octets.
template <class Hash>
typename Hash::Digest hash_of(std::string_view octets) noexcept {
  Hash hash;
  hash.add(octets);
  return hash.finish();
}

}  // namespace v1
}  // namespace mailwire

#endif
