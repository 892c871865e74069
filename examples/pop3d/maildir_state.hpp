// SPDX-License-Identifier: MIT
// Whether the folders of a Maildir have changed since they were looked at.
#ifndef POP3D_MAILDIR_STATE_HPP
#define POP3D_MAILDIR_STATE_HPP

#include <sys/stat.h>

#include <array>
#include <chrono>
#include <cstdint>

namespace pop3d {

enum MaildirFolder : std::uint8_t { folder_new, folder_cur, folders };
inline constexpr const char* folder_names[folders] = {"new", "cur"};

std::chrono::nanoseconds to_duration(const timespec& time) noexcept;

// Both folders at one moment. Whatever comes into one of them, leaves it, or is renamed there gives it another time.
struct MaildirState {
  struct Folder {
    std::uint64_t device = 0, inode = 0;  // 0: it is not there
    std::chrono::nanoseconds modified{}, changed{};
    bool operator==(const Folder&) const = default;
  };
  std::array<Folder, folders> parts;
  bool operator==(const MaildirState&) const = default;

  // `maildir` is the folder that has them. Throws std::system_error.
  static MaildirState of(int maildir);
  // The clock of a file system is coarse: a change within the same tick as the last one does not show. Who looks now
  // cannot miss it.
  bool shows_later_changes() const noexcept;
};

// Is this folder on a disk of this computer? Other ones may let anybody wait for ever, and have a clock of their own.
bool is_local(int folder) noexcept;

}  // namespace pop3d

#endif
