// SPDX-License-Identifier: MIT
// Replies and bodies on their way out.
#include <mailwire/output_queue.hpp>

#include "bench.hpp"

namespace {

using mailwire::OutputQueue;

void send_all(OutputQueue& queue) {
  mailwire::ConstBuffer runs[4];
  std::size_t octets = 0;
  for (std::size_t i = 0, count = queue.gather(runs, 4); i < count; ++i) octets += runs[i].size;
  benchmark::DoNotOptimize(runs);
  queue.consume(octets);
}

// So many replies, sent at once.
void replies(benchmark::State& state, std::size_t count) {
  OutputQueue queue;
  {
    const bench::CountHeap counted(state, count);
    for ([[maybe_unused]] auto _ : state) {
      for (std::size_t i = 0; i < count; ++i) queue.text().append("+OK\r\n");
      send_all(queue);
    }
  }
  bench::count(state, count);
}

// A status line, a lent run, and its end, in pieces of 1460 octets or at once.
void lent(benchmark::State& state, std::size_t piece) {
  const std::string body(64 * 1024, 'x');
  OutputQueue queue;
  for ([[maybe_unused]] auto _ : state) {
    queue.text().append("+OK 65536 octets\r\n");
    queue.lend(body, "\r\n.\r\n");
    if (piece == 0) {
      send_all(queue);
      continue;
    }
    while (!queue.empty()) {
      const std::size_t n = queue.output().size();
      queue.consume(n < piece ? n : piece);
    }
  }
  bench::count(state, 1, body.size());
}

// As TLS records are filled.
void records(benchmark::State& state) {
  const std::string body(64 * 1024, 'x');
  static char record[16 * 1024];
  OutputQueue queue;
  for ([[maybe_unused]] auto _ : state) {
    queue.text().append("+OK 65536 octets\r\n");
    queue.lend(body, "\r\n.\r\n");
    while (queue.copy(record, sizeof record) > 0) benchmark::ClobberMemory();
  }
  bench::count(state, 1, body.size());
}

}  // namespace

int main(int argc, char** argv) {
  bench::add("output_queue/replies/1", [](benchmark::State& state) { replies(state, 1); });
  bench::add("output_queue/replies/64", [](benchmark::State& state) { replies(state, 64); });
  bench::add("output_queue/lent_64K", [](benchmark::State& state) { lent(state, 0); });
  bench::add("output_queue/lent_64K/by_1460", [](benchmark::State& state) { lent(state, 1460); });
  bench::add("output_queue/records_of_16K", records);
  return bench::run(argc, argv);
}
