// SPDX-License-Identifier: MIT
// What a program takes from the heap. heap.cpp, linked once, replaces operator new and delete by ones that count.
#ifndef TESTS_BENCH_HEAP_HPP
#define TESTS_BENCH_HEAP_HPP

#include <cstddef>

namespace bench {

struct Heap {
  std::size_t live = 0, peak = 0;  // octets held now, and at the most since `peak` was set; as malloc rounds them
  std::size_t allocations = 0;     // calls so far
  std::size_t asked = 0;           // octets so far, as they were asked for
};
extern Heap heap;

}  // namespace bench

#endif
