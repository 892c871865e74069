// SPDX-License-Identifier: MIT
#ifndef POP3D_BLOCK_HPP
#define POP3D_BLOCK_HPP

#include <cstddef>
#include <memory>
#include <utility>

namespace pop3d {

// Room to read a file into. One of full size is used again: malloc() would give it back to the system each time.
class Block {
 public:
  static constexpr std::size_t full_size = 128 * 1024;

  Block() noexcept = default;
  Block(Block&&) = delete;
  ~Block() { give_back(); }

  // At least so much of it, and nothing of what was in it.
  char* room(std::size_t size) {
    if (size <= size_) return octets_.get();
    give_back();
    if (size == full_size && spare_)
      octets_ = std::move(spare_);
    else
      octets_ = std::make_unique_for_overwrite<char[]>(size);
    size_ = size;
    return octets_.get();
  }

 private:
  void give_back() noexcept {
    if (size_ == full_size && !spare_) spare_ = std::move(octets_);
    octets_.reset();
    size_ = 0;
  }

  static inline thread_local std::unique_ptr<char[]> spare_;
  std::unique_ptr<char[]> octets_;
  std::size_t size_ = 0;
};

}  // namespace pop3d

#endif
