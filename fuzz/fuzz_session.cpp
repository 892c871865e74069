// SPDX-License-Identifier: MIT
// One session against everybody: see game.hpp.
#include "game.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size <= 20'000) fuzz::play_game(data, size);
  return 0;
}
