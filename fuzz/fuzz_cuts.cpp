// SPDX-License-Identifier: MIT
// The same octets, cut in several ways: what comes out, what is asked and what is traced must not differ.
#include "play.hpp"

namespace {

// Pieces of `in` and `out` octets; with `mixed` every other one is large, so that large messages are cut into small
// pieces, too, without as many turns as they have octets.
struct Cuts {
  std::size_t in, out;
  bool mixed = false, copy = false, hold = false;

  std::size_t piece_in(std::size_t turn) const { return mixed && turn % 2 == 1 ? 300 : in; }
  std::size_t piece_out(std::size_t turn) const { return mixed && turn % 2 == 1 ? 4096 : out; }
};

struct Told {
  std::string output, trace;
  std::vector<std::string> events;
};

constexpr std::size_t all = 70'000;

Told play(const tests::Dialogue& scene, std::string_view octets, Cuts cuts) {
  tests::Harness harness(scene.config, fuzz::connection(scene));
  fuzz::Application app(scene, harness);
  fuzz::Client client(octets, scene);
  for (std::size_t turn = 0; !harness.closed(); ++turn) {
    if (turn > 1'000'000) fuzz::fail("the session does not end");
    if (const auto event = harness.poll()) {
      // What a client says behind STLS depends on when it came; a client that waits does not say it.
      if (std::holds_alternative<pop3::TlsRequest>(*event))
        client.begin_tls(harness.session.unread_input().size(), true);
      app.answer(*event);
      continue;
    }
    const auto deadline = harness.session.deadline();
    const std::size_t fed = harness.feed(client.ready().substr(0, cuts.piece_in(turn)));
    client.said(fed);
    if (cuts.hold && turn % 3 != 0 && harness.session.wants_output()) {
      harness.hold_output();
      continue;
    }
    const std::size_t out = cuts.piece_out(turn);
    const std::size_t taken = cuts.copy ? harness.copy_output(out) : harness.take_output(out);
    if (fed + taken > 0) continue;
    // Nothing moves. A reply that is held back comes first: how much the session takes meanwhile depends on the cuts.
    if (deadline && *deadline - harness.now < std::chrono::minutes(1)) {
      harness.now = *deadline;
      continue;
    }
    // The client waits, or all was said. The end is told only then, so that it comes at the same place.
    if (client.go_on(harness.output)) continue;
    if (!client.done() && !deadline) fuzz::fail("the session neither goes on nor waits");
    if (client.done()) harness.end_of_input();
    if (deadline) harness.now = *deadline;
  }
  if (!harness.faults.empty()) fuzz::fail(harness.faults);
  return {harness.output, harness.session.take_trace(), harness.events};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 5000) return 0;
  fuzz::Input input(data, size);
  const tests::Dialogue scene = fuzz::scene(input);
  const Told whole = play(scene, input.octets, {all, all});
  // Without decisions the cuts depend on the size, so that seeds do not all try the same ones.
  static constexpr std::size_t sizes[] = {1, 2, 3, 5, 16, 100, 512, all};
  const std::size_t in = sizes[(input.decide(8) + size) % 8], out = sizes[(input.decide(8) + size / 8) % 8];
  const bool copy = (input.decide(2) + size) % 2 == 1;
  const bool large = scene.messages[0].octets.size() > 1000;
  for (const Cuts cuts : {Cuts{in, all, false, false, true}, Cuts{in, out, large || in > 1, copy, !copy}}) {
    const Told cut = play(scene, input.octets, cuts);
    if (cut.output != whole.output) fuzz::fail("the output depends on the cuts");
    if (cut.events != whole.events) fuzz::fail("the events depend on the cuts");
    if (cut.trace != whole.trace) fuzz::fail("the trace depends on the cuts:\n" + whole.trace + "---\n" + cut.trace);
  }
  return 0;
}
