// SPDX-License-Identifier: MIT
// Input cut into lines, and lines into commands.
#include <mailwire/line_reader.hpp>
#include <pop3/detail/command.hpp>

#include <cstring>
#include <string_view>

#include "bench.hpp"

namespace {

using mailwire::LineReader;

void put(LineReader& reader, const mailwire::LineLimits& limits, std::string_view octets) {
  const mailwire::MutableBuffer room = reader.room(limits);
  std::memcpy(room.data, octets.data(), octets.size());
  reader.commit(octets.size());
}

// `lines` of them in each block.
void lines(benchmark::State& state, std::string_view line, std::size_t lines) {
  std::string octets;
  for (std::size_t i = 0; i < lines; ++i) octets += line;
  const mailwire::LineLimits limits;
  LineReader reader;
  for ([[maybe_unused]] auto _ : state) {
    put(reader, limits, octets);
    while (reader.next(limits).status == LineReader::Status::line) {
    }
  }
  bench::count(state, lines, octets.size());
}

// One octet at a time, as somebody types.
void octet_by_octet(benchmark::State& state, std::string_view line) {
  const mailwire::LineLimits limits;
  LineReader reader;
  for ([[maybe_unused]] auto _ : state)
    for (const char& c : line) {
      put(reader, limits, {&c, 1});
      benchmark::DoNotOptimize(reader.next(limits));
    }
  bench::count(state, 1, line.size());
}

void command(benchmark::State& state, std::string_view line) {
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(line);
    benchmark::DoNotOptimize(pop3::detail::parse_command(line));
  }
  bench::count(state, 1, line.size());
}

}  // namespace

int main(int argc, char** argv) {
  const auto add_lines = [](const char* name, std::string_view line, std::size_t count) {
    bench::add(std::string("line_reader/") + name, [=](benchmark::State& state) { lines(state, line, count); });
  };
  add_lines("NOOP/1", "NOOP\r\n", 1);
  add_lines("NOOP/64", "NOOP\r\n", 64);
  static const std::string long_line = "PASS " + std::string(200, 'x') + "\r\n";
  add_lines("200_octets/1", long_line, 1);
  bench::add("line_reader/octet_by_octet", [](benchmark::State& state) { octet_by_octet(state, "RETR 123\r\n"); });
  for (const std::string_view line : {"NOOP", "STAT", "LIST 12345", "UIDL 7", "TOP 12 0", "noop", "CAPA", "XYZZY",
                                      "USER ann@example.org", "PASS correct horse battery staple",
                                      "APOP ann c4c9334bac560ecc979e58001b3e22fb", "AUTH PLAIN AGFubgBzZWNyZXQ="})
    bench::add("command/" + std::string(line.substr(0, line.find(' '))),
               [line](benchmark::State& state) { command(state, line); });
  return bench::run(argc, argv);
}
