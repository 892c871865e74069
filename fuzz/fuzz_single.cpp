// SPDX-License-Identifier: MIT
// The single header against the headers: the same game with both, and the same must come out.
#include <cstdio>
#include <cstdlib>

#include "game.hpp"

namespace fuzz_single {
std::string play_game(const std::uint8_t* data, std::size_t size);  // game_single.cpp
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 5000) return 0;
  const std::string ours = fuzz::play_game(data, size), single = fuzz_single::play_game(data, size);
  if (ours == single) return 0;
  std::fprintf(stderr, "FOUND: the single header does something else:\n%s\n===\n%s\n", ours.c_str(), single.c_str());
  std::abort();
}
