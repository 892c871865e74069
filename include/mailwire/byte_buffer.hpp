// SPDX-License-Identifier: MIT
// A growing block of octets. Unlike std::string it does not clear memory that is about to be written, keeps nothing
// inside itself, and can give its memory back. It holds less than 4 GiB; who asks for more gets what new does when
// there is no memory.
#ifndef MAILWIRE_BYTE_BUFFER_HPP
#define MAILWIRE_BYTE_BUFFER_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "macros.hpp"
#include "secret.hpp"

namespace mailwire {
inline namespace v1 {

class ByteBuffer {
 public:
  ByteBuffer() noexcept = default;
  ~ByteBuffer() { delete[] data_; }
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;

  const char* data() const noexcept { return data_; }
  char* data() noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view view() const noexcept { return {data_, size_}; }

  // Free memory behind the last octet, at least `n` octets of it; commit() makes the octets written there count.
  // Moves the contents when the block has to grow.
  char* room(std::size_t n) {
    if (capacity_ - size_ < n) grow(n);
    return data_ + size_;
  }
  void commit(std::size_t n) noexcept { size_ += static_cast<std::uint32_t>(n); }  // n <= what room() was asked for

  void append(std::string_view octets) {
    if (octets.empty()) return;  // octets.data() may be null then
    std::memcpy(room(octets.size()), octets.data(), octets.size());
    commit(octets.size());
  }
  void append(char octet) {
    *room(1) = octet;
    ++size_;
  }

  void truncate(std::size_t size) noexcept {
    if (size < size_) size_ = static_cast<std::uint32_t>(size);
  }
  void clear() noexcept { size_ = 0; }
  // Overwrites all memory of the block, also what was cleared before, and empties it.
  void wipe() noexcept {
    mailwire::wipe(data_, capacity_);
    size_ = 0;
  }
  // Empties and gives the memory back.
  void release() noexcept {
    delete[] data_;
    data_ = nullptr;
    size_ = capacity_ = 0;
  }
  void swap(ByteBuffer& other) noexcept {
    exchange(data_, other.data_);
    exchange(size_, other.size_);
    exchange(capacity_, other.capacity_);
  }

 private:
  template <class T>
  static void exchange(T& a, T& b) noexcept {
    const T c = a;
    a = b;
    b = c;
  }

  // Doubles, so that appending stays linear. The old block is not wiped: what holds secrets asks for room once.
  MAILWIRE_COLD void grow(std::size_t more) {
    constexpr std::size_t most = ~std::uint32_t{0};
    const std::size_t wanted = more > most - size_ ? ~std::size_t{0} / 2 : size_ + more;
    std::size_t capacity = capacity_ < 64 ? 64 : capacity_ < most / 2 ? std::size_t{capacity_} * 2 : most;
    if (capacity < wanted) capacity = wanted;
    char* const data = new char[capacity];
    if (size_ > 0) std::memcpy(data, data_, size_);
    delete[] data_;
    data_ = data;
    capacity_ = static_cast<std::uint32_t>(capacity);
  }

  char* data_ = nullptr;
  std::uint32_t size_ = 0, capacity_ = 0;
};

}  // namespace v1
}  // namespace mailwire

#endif
