// SPDX-License-Identifier: MIT
// The same octets, cut in two ways: what comes out and what is asked must not differ.
#include "play.hpp"

namespace {

struct Cuts {
  std::size_t in, out;
  bool copy, hold;
};

struct Told {
  std::string output;
  std::vector<std::string> events;
};

Told play(const tests::Dialogue& scene, std::string_view octets, Cuts cuts) {
  tests::Harness harness(scene.config, fuzz::connection(scene));
  tests::Application app(scene, harness);
  for (std::size_t turn = 0; !harness.closed(); ++turn) {
    if (turn > 4'000'000) fuzz::fail("the session does not end");
    if (const auto event = harness.poll()) {
      app.answer(*event);
      continue;
    }
    const auto deadline = harness.session.deadline();
    const std::size_t fed = harness.feed(octets.substr(0, cuts.in));
    octets.remove_prefix(fed);
    if (cuts.hold && turn % 3 != 0) {
      harness.hold_output();
      continue;
    }
    const std::size_t taken = cuts.copy ? harness.copy_output(cuts.out) : harness.take_output(cuts.out);
    if (fed + taken > 0) continue;
    // Nothing moves: a reply is being held back, or all was said. The end is told only then, so that it comes at the
    // same place whatever the cuts.
    if (!octets.empty() && !deadline) fuzz::fail("the session neither goes on nor waits");
    if (octets.empty()) harness.end_of_input();
    if (deadline) harness.now = *deadline;
  }
  if (!harness.faults.empty()) fuzz::fail(harness.faults);
  return {harness.output, harness.events};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 5000) return 0;
  fuzz::Input input(data, size);
  const tests::Dialogue scene = fuzz::scene(input.decide(256));
  const Told whole = play(scene, input.octets, {~std::size_t{0}, ~std::size_t{0}, false, false});
  static constexpr std::size_t sizes[] = {1, 2, 3, 5, 16, 100, 512, 70'000};
  const std::size_t in = sizes[input.decide(8)], out = sizes[3 + input.decide(5)];
  for (const Cuts cuts : {Cuts{in, 70'000, false, false}, Cuts{70'000, out, true, false}, Cuts{in, out, false, true}}) {
    const Told cut = play(scene, input.octets, cuts);
    if (cut.output != whole.output) fuzz::fail("the output depends on the cuts");
    if (cut.events != whole.events) fuzz::fail("the events depend on the cuts");
  }
  return 0;
}
