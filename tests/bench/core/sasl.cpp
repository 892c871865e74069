// SPDX-License-Identifier: MIT
// What SASL is made of; whole logins by it are in session.cpp.
#include <mailwire/base64.hpp>

#include "../scram_login.hpp"
#include "bench.hpp"

namespace {

void encode(benchmark::State& state, std::size_t size) {
  const std::string octets(size, 'x');
  mailwire::ByteBuffer out;
  for ([[maybe_unused]] auto _ : state) {
    out.clear();
    mailwire::append_base64(out, octets);
    benchmark::ClobberMemory();
  }
  bench::count(state, 1, size);
}

void decode(benchmark::State& state, std::size_t size) {
  const std::string text = tests::to_base64(std::string(size, 'x'));
  std::string out(text.size(), '\0');
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(mailwire::base64_decode(text, out.data()));
    benchmark::ClobberMemory();
  }
  bench::count(state, 1, size);
}

template <class Hash>
void hash(benchmark::State& state) {
  const std::string octets(16 * 1024, 'x');
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(mailwire::hash_of<Hash>(octets));
  bench::count(state, 1, octets.size());
}

// What an application pays that keeps passwords instead of keys.
void scram_keys(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(
        mailwire::make_scram_keys(mailwire::ScramHash::sha_256, "secret", "salt of 16 octet", 4096));
  bench::count(state, 4096);
}

}  // namespace

int main(int argc, char** argv) {
  for (const std::size_t size : {16U, 9000U}) {
    bench::add("base64/encode/" + std::to_string(size), [size](benchmark::State& state) { encode(state, size); });
    bench::add("base64/decode/" + std::to_string(size), [size](benchmark::State& state) { decode(state, size); });
  }
  bench::add("hash/sha_1", hash<mailwire::Sha1>);
  bench::add("hash/sha_256", hash<mailwire::Sha256>);
  bench::add("hash/scram_keys_4096_iterations", scram_keys);
  return bench::run(argc, argv);
}
