// SPDX-License-Identifier: MIT
#include "maildir_state.hpp"

#include <fcntl.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace pop3d {
namespace {

using namespace std::chrono_literals;

MaildirState::Folder state_of(int maildir, const char* name) {
  struct stat found {};
  if (::fstatat(maildir, name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) throw std::system_error(errno, std::generic_category(), name);
    return {};
  }
  return {found.st_dev, found.st_ino, to_duration(found.st_mtim), to_duration(found.st_ctim)};
}

// Linux counts in ticks of up to 10 ms; where there are no fractions at all, it may be seconds (FAT: two).
std::chrono::nanoseconds tick(std::chrono::nanoseconds time) noexcept { return time % 1s == 0s ? 2s : 20ms; }

}  // namespace

std::chrono::nanoseconds to_duration(const timespec& time) noexcept {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

MaildirState MaildirState::of(int maildir) {
  MaildirState state;
  for (const MaildirFolder which : {folder_new, folder_cur})
    state.parts[which] = state_of(maildir, folder_names[which]);
  return state;
}

bool MaildirState::shows_later_changes() const noexcept {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::all_of(parts.begin(), parts.end(), [now](const Folder& folder) {
    const auto last = std::max(folder.modified, folder.changed);
    return now - last > tick(last);
  });
}

bool is_local(int folder) noexcept {
  struct statfs system {};
  if (::fstatfs(folder, &system) != 0) return false;
  // NFS, SMB (three), FUSE, 9P, AFS (two), Coda, Ceph, GFS2, OCFS2, Lustre
  constexpr std::uint32_t remote[] = {0x6969,     0x517B,     0xFF534D42, 0xFE534D42, 0x65735546,
                                      0x01021997, 0x5346414F, 0x6B414653, 0x73757245, 0x00C36400,
                                      0x01161970, 0x7461636F, 0x0BD00BD0};
  const auto type = static_cast<std::uint32_t>(system.f_type);
  return std::find(std::begin(remote), std::end(remote), type) == std::end(remote);
}

}  // namespace pop3d
