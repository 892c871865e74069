// SPDX-License-Identifier: MIT
#include "page_cache.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#if defined(SYS_openat2) && __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

namespace pop3d {

// Linux 5.12
#if defined(SYS_openat2) && defined(RESOLVE_CACHED)
Descriptor open_if_cached(int folder, const char* path, int flags) noexcept {
  open_how how{};
  how.flags = static_cast<decltype(how.flags)>(flags | O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  how.resolve = RESOLVE_CACHED | RESOLVE_NO_SYMLINKS;
  return Descriptor(static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how)));
}
#else
Descriptor open_if_cached(int, const char*, int) noexcept {
  errno = EAGAIN;
  return {};
}
#endif

// Linux 4.14; not every file system can.
#ifdef RWF_NOWAIT
ssize_t read_if_cached(int file, char* to, std::size_t room, std::uint64_t offset) noexcept {
  const iovec where{to, room};
  return ::preadv2(file, &where, 1, static_cast<off_t>(offset), RWF_NOWAIT);
}
#else
ssize_t read_if_cached(int, char*, std::size_t, std::uint64_t) noexcept {
  errno = EAGAIN;
  return -1;
}
#endif

bool seems_cached(int file, std::uint64_t offset) noexcept {
  char octet = 0;
  return read_if_cached(file, &octet, 1, offset) == 1;
}

}  // namespace pop3d
