// SPDX-License-Identifier: MIT
// Each dialogue is broken off at every octet: octets [--all] DIALOGUES...
//   behind every octet of input: the peer says no more, the connection is lost, or the server is shut down
//   behind every octet of output that was taken: the peer reads no more, says no more, the connection is lost
// However it breaks, the session ends, the maildrop is released exactly once, and nothing is removed but what was
// marked, by a QUIT. Without --all not every octet of longer dialogues has its turn.
#include "all.hpp"

namespace {

using tests::Break;
using tests::Cuts;
using tests::Dialogue;
using tests::Disturbance;
using tests::Player;
using tests::Report;

bool all = false;

struct Kind {
  const char* name;
  Disturbance how;
  bool output;
  bool at_once;  // before the session has looked at the last octet, the client having said all at once
};
constexpr Kind kinds[] = {
    {"input ends", Disturbance::end, false, false},
    {"input ends, pipelined", Disturbance::end, false, true},
    {"connection lost behind input", Disturbance::disconnect, false, false},
    {"connection lost behind input, pipelined", Disturbance::disconnect, false, true},
    {"shutdown behind input", Disturbance::shutdown, false, false},
    {"shutdown behind input, pipelined", Disturbance::shutdown, false, true},
    {"output stalled", Disturbance::stall, true, false},
    {"output stalled, and input ends", Disturbance::end, true, false},
    {"connection lost behind output", Disturbance::disconnect, true, false},
};

// All of them, or so many that no dialogue takes long: both ends, and every so many-th between.
std::vector<std::size_t> octets_of(std::size_t count) {
  constexpr std::size_t end = 20, between = 40;
  const std::size_t step = all ? 1 : 1 + count / between;
  std::vector<std::size_t> octets;
  for (std::size_t at = 0; at <= count; at += at < end || at + end > count ? 1 : step) octets.push_back(at);
  return octets;
}

void play_broken(const Dialogue& dialogue, const Kind& kind, std::size_t octet, Report& report) {
  Cuts cuts;
  cuts.lockstep = !kind.at_once;
  Break where;
  where.how = kind.how;
  where.at_once = kind.at_once;
  (kind.output ? where.out : where.in) = octet;
  Player player(dialogue, cuts);
  if (player.play_broken(where)) report.count(kind.name);
  const std::string how = std::string(kind.name) + " at " + std::to_string(octet);
  if (!player.faults().empty()) report.wrong(how, player.faults());
  const std::string wrong = tests::false_commit(dialogue, player);
  if (!wrong.empty()) report.wrong(how, wrong);
}

void play(const Dialogue& dialogue, Report& report) {
  Player whole(dialogue, {});
  whole.play();
  if (!whole.faults().empty()) return report.wrong("whole", whole.faults());
  for (const Kind& kind : kinds)
    for (const std::size_t octet : octets_of(kind.output ? whole.output().size() : whole.input_octets()))
      if (!report.is_wrong()) play_broken(dialogue, kind, octet, report);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names(argv + 1, argv + argc);
  all = !names.empty() && names[0] == "--all";
  if (all) names.erase(names.begin());
  return tests::play_all(names, play);
}
