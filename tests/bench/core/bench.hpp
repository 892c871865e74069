// SPDX-License-Identifier: MIT
// What the programs of this folder share.
#ifndef TESTS_BENCH_CORE_BENCH_HPP
#define TESTS_BENCH_CORE_BENCH_HPP

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "../heap.hpp"

namespace bench {

// `n` things done in each round; `octets` of them all.
inline void count(benchmark::State& state, std::uint64_t n, std::uint64_t octets = 0) {
  state.SetItemsProcessed(static_cast<std::int64_t>(n) * static_cast<std::int64_t>(state.iterations()));
  if (octets > 0)
    state.SetBytesProcessed(static_cast<std::int64_t>(octets) * static_cast<std::int64_t>(state.iterations()));
}

// Octets that are held now and were not `before`, or fewer. A session gives some back when it has logged in.
inline double held_since(std::size_t before) noexcept {
  return static_cast<double>(heap.live) - static_cast<double>(before);
}

// What is taken from the heap for each of `n` things done in a round.
class CountHeap {
 public:
  CountHeap(benchmark::State& state, std::uint64_t n) noexcept : state_(state), n_(n) {}
  ~CountHeap() {
    const double things = static_cast<double>(state_.iterations()) * static_cast<double>(n_);
    state_.counters["allocations"] = static_cast<double>(heap.allocations - before_.allocations) / things;
    state_.counters["octets_asked"] = static_cast<double>(heap.asked - before_.asked) / things;
  }
  CountHeap(const CountHeap&) = delete;
  CountHeap& operator=(const CountHeap&) = delete;

 private:
  benchmark::State& state_;
  std::uint64_t n_;
  Heap before_ = heap;
};

// The names are made at run time: functions instead of the macros.
template <class Run>
void add(const std::string& name, Run run) {
#ifdef __clang_analyzer__  // it takes for a leak what Google Benchmark keeps
  (void)name, (void)run;
#else
  benchmark::RegisterBenchmark(name.c_str(), std::move(run));
#endif
}

inline int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench

#endif
