// SPDX-License-Identifier: MIT
#include "heap.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace bench {

Heap heap;

namespace {

void* allocate(std::size_t size) {
  void* const octets = std::malloc(size);  // NOLINT(cppcoreguidelines-no-malloc): this is operator new
  if (octets == nullptr) std::abort();
  heap.live += malloc_usable_size(octets);
  if (heap.peak < heap.live) heap.peak = heap.live;
  heap.asked += size;
  ++heap.allocations;
  return octets;
}

void release(void* octets) noexcept {
  if (octets == nullptr) return;
  heap.live -= malloc_usable_size(octets);
  std::free(octets);  // NOLINT(cppcoreguidelines-no-malloc)
}

}  // namespace
}  // namespace bench

void* operator new(std::size_t size) { return bench::allocate(size); }
void* operator new[](std::size_t size) { return bench::allocate(size); }
void operator delete(void* octets) noexcept { bench::release(octets); }
void operator delete[](void* octets) noexcept { bench::release(octets); }
void operator delete(void* octets, std::size_t) noexcept { bench::release(octets); }
void operator delete[](void* octets, std::size_t) noexcept { bench::release(octets); }
