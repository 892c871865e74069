// SPDX-License-Identifier: MIT
// What is known of files only because they were read, kept for as long as the process lives.
#ifndef POP3D_FILE_CACHE_HPP
#define POP3D_FILE_CACHE_HPP

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace pop3d {

// A file and its state: one that was written to, or replaced, has another.
struct FileState {
  std::uint64_t device, inode, size, seconds, nanoseconds;

  static FileState of(const struct stat& file) noexcept {
    const auto number = [](auto value) { return static_cast<std::uint64_t>(value); };
    return {number(file.st_dev), number(file.st_ino), number(file.st_size), number(file.st_mtim.tv_sec),
            number(file.st_mtim.tv_nsec)};
  }
  bool operator==(const FileState&) const = default;
};

// Of at most twice `generation` files. Safe to use by many threads at once.
template <class Value, std::size_t generation = 65'536>
class FileCache {
 public:
  std::optional<Value> find(const FileState& file) const {
    const std::lock_guard lock(mutex_);
    for (const auto* values : {&young_, &old_})
      if (const auto found = values->find(file); found != values->end()) return found->second;
    return std::nullopt;
  }
  void put(const FileState& file, Value value) {
    const std::lock_guard lock(mutex_);
    if (young_.size() >= generation) {  // the older half is forgotten: bounded, and nothing to look after
      old_.swap(young_);
      young_.clear();
    }
    young_.insert_or_assign(file, value);
  }

 private:
  struct Hash {
    std::size_t operator()(const FileState& file) const noexcept {
      std::uint64_t hash = 0;
      for (const std::uint64_t part : {file.device, file.inode, file.size, file.seconds, file.nanoseconds})
        hash = (hash ^ part) * 0x9E3779B97F4A7C15U + (hash >> 29);
      return static_cast<std::size_t>(hash ^ (hash >> 32));
    }
  };
  mutable std::mutex mutex_;
  std::unordered_map<FileState, Value, Hash> young_, old_;
};

}  // namespace pop3d

#endif
