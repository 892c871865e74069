// SPDX-License-Identifier: MIT
// A session and its model (tests/model) side by side, longer than the explorer goes: the first octet is the scene, each
// further one a step, whatever the scene's own alphabet is; what cannot happen then is left out. At the end a polite
// world closes the session.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "model/pair.hpp"

namespace {

[[noreturn]] void fail(const model::Pair& pair, const std::string& path) {
  std::fprintf(stderr, "FOUND: %s\n%s\n", pair.difference.c_str(), path.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t most_steps = 300;  // what is said has to fit into a Pair
  constexpr unsigned most_waiting = 3;
  if (size == 0 || size > most_steps) return 0;
  const model::Scene& scene = model::scenes()[data[0] % model::scenes().size()];
  std::string path = scene.settings.name;
  model::Pair pair(scene);
  const auto play = [&](model::Step step) {
    (path += ' ') += model::name(step);
    if (!pair.play(step)) fail(pair, path);
  };
  for (std::size_t i = 1; i < size; ++i) {
    const auto step = static_cast<model::Step>(data[i] % model::step_count);
    if (pair.model().possible(step, most_waiting)) play(step);
  }
  model::Polite polite;
  for (unsigned turn = 0; pair.model().state().place != model::Place::over; ++turn) {
    if (turn > 60) pair.difference = "the session does not end", fail(pair, path);
    play(polite.next(pair.model()));
  }
  pair.end();
  if (!pair.difference.empty()) fail(pair, path);
  return 0;
}
