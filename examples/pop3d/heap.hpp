// SPDX-License-Identifier: MIT
// What glibc's heap does not do by itself for a process that lives long; nothing with other libraries.
#ifndef POP3D_HEAP_HPP
#define POP3D_HEAP_HPP

#include <cstdlib>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace pop3d {

// What one thread allocates another one frees; with an arena for each of many threads, all would have holes.
inline void limit_arenas([[maybe_unused]] unsigned most) noexcept {
#if defined(__GLIBC__)
  ::mallopt(M_ARENA_MAX, static_cast<int>(most));
#endif
}

// A block that a body is read into, or that it is repaired in, comes and goes with each message: from the system and
// back to it, page by page, unless that much may stay free.
inline void keep_free([[maybe_unused]] int octets) noexcept {
#if defined(__GLIBC__)
  ::mallopt(M_MMAP_THRESHOLD, octets);
  ::mallopt(M_TRIM_THRESHOLD, octets);
#endif
}

// Gives pages back that a burst has left empty. Takes some milliseconds for a large heap.
inline void give_pages_back() noexcept {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

}  // namespace pop3d

#endif
