// SPDX-License-Identifier: MIT
// Files as far as the kernel has them in memory: what would have to wait for a disk is not done. So an event loop may
// do it, and leaves the rest to a thread that may block.
#ifndef POP3D_PAGE_CACHE_HPP
#define POP3D_PAGE_CACHE_HPP

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "descriptor.hpp"

namespace pop3d {

// Opens `path` below `folder` for reading; no link on the way is followed. None: it would have to wait, or the system
// cannot tell, or there is something wrong, which open() will find out.
Descriptor open_if_cached(int folder, const char* path, int flags) noexcept;

// As pread(), and perhaps less of it; -1 also where it would have to wait.
ssize_t read_if_cached(int file, char* to, std::size_t room, std::uint64_t offset) noexcept;

// Whether the first one of the octets from `offset` on is there, and so, most likely, those behind it: what was read
// first is given up first.
bool seems_cached(int file, std::uint64_t offset) noexcept;

}  // namespace pop3d

#endif
