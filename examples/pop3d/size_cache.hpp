// SPDX-License-Identifier: MIT
// The sizes of messages that had to be read to know them, kept for as long as the process lives.
#ifndef POP3D_SIZE_CACHE_HPP
#define POP3D_SIZE_CACHE_HPP

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace pop3d {

// Safe to use by many threads at once.
class SizeCache {
 public:
  // A file and its state: one that was written to, or replaced, has another key.
  struct Key {
    std::uint64_t device, inode, size, seconds, nanoseconds;
    bool operator==(const Key&) const = default;
  };
  static Key key(const struct stat& file) noexcept {
    const auto number = [](auto value) { return static_cast<std::uint64_t>(value); };
    return {number(file.st_dev), number(file.st_ino), number(file.st_size), number(file.st_mtim.tv_sec),
            number(file.st_mtim.tv_nsec)};
  }

  std::optional<std::uint64_t> find(const Key& key) const {
    const std::lock_guard lock(mutex_);
    for (const auto* sizes : {&young_, &old_})
      if (const auto found = sizes->find(key); found != sizes->end()) return found->second;
    return std::nullopt;
  }
  void put(const Key& key, std::uint64_t octets) {
    const std::lock_guard lock(mutex_);
    if (young_.size() >= generation) {  // the older half is forgotten: bounded, and nothing to look after
      old_.swap(young_);
      young_.clear();
    }
    young_.insert_or_assign(key, octets);
  }

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      std::uint64_t hash = 0;
      for (const std::uint64_t part : {key.device, key.inode, key.size, key.seconds, key.nanoseconds})
        hash = (hash ^ part) * 0x9E3779B97F4A7C15U + (hash >> 29);
      return static_cast<std::size_t>(hash ^ (hash >> 32));
    }
  };
  static constexpr std::size_t generation = 65'536;

  mutable std::mutex mutex_;
  std::unordered_map<Key, std::uint64_t, Hash> young_, old_;
};

}  // namespace pop3d

#endif
