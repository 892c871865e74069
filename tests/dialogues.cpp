// SPDX-License-Identifier: MIT
// Plays the dialogues of a folder: whole, octet by octet, at every two-way split, in lockstep, with one octet of
// output at a time, and disturbed at every moment in turn. Prints TAP, a line a dialogue.
// dialogues [--stop] FOLDER|FILE...     --stop: at the first that fails
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "dialogue.hpp"

namespace {

using tests::Cuts;
using tests::Dialogue;
using tests::Disturbance;
using tests::Player;

struct Result {
  std::size_t plays = 0;
  std::string faults;
};

// All cuts give what the first play gave.
class Plays {
 public:
  explicit Plays(const Dialogue& dialogue) : dialogue_(dialogue) {}

  Result run() {
    play("whole", {});
    if (!result_.faults.empty()) return result_;
    play("in lockstep", cuts([](Cuts& c) { c.lockstep = true; }));
    for (const std::size_t n : {1U, 2U, 7U, 64U}) {
      play("input " + std::to_string(n) + " at a time", cuts([&](Cuts& c) { c.in = n; }));
      play("output " + std::to_string(n) + " at a time", cuts([&](Cuts& c) { c.out = n; }));
      play("copied output " + std::to_string(n) + " at a time", cuts([&](Cuts& c) { c.out = n, c.copy = true; }));
      play("both " + std::to_string(n) + " at a time", cuts([&](Cuts& c) { c.in = c.out = n; }));
      play("held output, input " + std::to_string(n), cuts([&](Cuts& c) { c.in = n, c.hold = true; }));
    }
    for (std::size_t split = 1; split < input_octets_ && split < 20'000; ++split)
      play("split behind octet " + std::to_string(split), cuts([&](Cuts& c) { c.split = split; }));
    for (const Disturbance d :
         {Disturbance::end, Disturbance::shutdown, Disturbance::disconnect, Disturbance::timeout, Disturbance::late})
      for (std::size_t when = 0; disturb(when, d); ++when) {
      }
    return result_;
  }

 private:
  template <class Set>
  static Cuts cuts(Set set) {
    Cuts c;
    set(c);
    return c;
  }
  void play(const std::string& name, Cuts cuts) {
    Player player(dialogue_, cuts);
    player.play();
    note(name, player);
    if (result_.plays == 1) {
      output_ = player.output(), events_ = player.events(), input_octets_ = player.input_octets();
    } else {
      if (player.output() != output_) result_.faults += name + ": output differs from the first play\n";
      if (player.events() != events_) result_.faults += name + ": events differ from the first play\n";
    }
  }
  bool disturb(std::size_t when, Disturbance disturbance) {
    static const char* const names[] = {"none", "end of input", "shutdown", "disconnect", "time-out", "late answer"};
    Player player(dialogue_, cuts([](Cuts& c) { c.lockstep = true; }));
    const bool more = player.play_disturbed(when, disturbance);
    note(std::string(names[static_cast<int>(disturbance)]) + " at moment " + std::to_string(when), player);
    return more && result_.faults.empty();
  }
  void note(const std::string& name, const Player& player) {
    ++result_.plays;
    if (!player.faults().empty() && result_.faults.empty()) result_.faults += name + ": " + player.faults();
  }

  const Dialogue& dialogue_;
  Result result_;
  std::string output_;
  std::vector<std::string> events_;
  std::size_t input_octets_ = 0;
};

std::string commented(const std::string& text) {
  std::string out = "# ";
  for (const char c : text) out += c == '\n' ? std::string("\n# ") : std::string(1, c);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  const bool stops = argc > 1 && std::string(argv[1]) == "--stop";
  for (int i = stops ? 2 : 1; i < argc; ++i) {
    if (std::filesystem::is_directory(argv[i])) {
      const auto before = static_cast<std::ptrdiff_t>(files.size());
      for (const auto& entry : std::filesystem::directory_iterator(argv[i]))
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
      std::sort(files.begin() + before, files.end());
    } else {
      files.emplace_back(argv[i]);
    }
  }
  std::printf("1..%zu\n", files.size());
  std::size_t number = 0, plays = 0, failed = 0;
  for (const auto& file : files) {
    const Dialogue dialogue = tests::read_dialogue_file(file.string());
    Result result;
    result.faults = dialogue.problem;
    if (result.faults.empty()) result = Plays(dialogue).run();
    plays += result.plays;
    failed += !result.faults.empty();
    std::printf("%s %zu - %s: %s (%zu plays)\n", result.faults.empty() ? "ok" : "not ok", ++number,
                file.stem().string().c_str(), dialogue.title.c_str(), result.plays);
    if (!result.faults.empty()) std::printf("%s\n", commented(result.faults).c_str());
    std::fflush(stdout);  // if the next one crashes, it is seen which one that was
    if (stops && failed > 0) break;
  }
  std::printf("# %zu dialogues, %zu plays, %zu failed\n", files.size(), plays, failed);
  return files.empty() || failed > 0;
}
