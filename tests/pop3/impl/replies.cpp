// SPDX-License-Identifier: MIT
// What is said and traced: no secret is, and a trace can be played again.
#include <pop3/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "dialogue.hpp"
#include "server.hpp"

#ifndef TESTS_DIALOGUES
#define TESTS_DIALOGUES "tests/dialogues"
#endif

namespace {

using tests::Dialogue;
using tests::Player;

// ---- a trace is a dialogue --------------------------------------------------------------------------------------

// Traces that cannot be played again, and why. The files are named without ".txt".
const std::map<std::string, std::string> not_replayed = {
    {"write-stall", "what the peer does not read is not in a trace"},
    {"stls-waits-for-reader", "the same"},
    {"stls-end-of-input", "the same"},
    {"idle-not-while-sending", "the same"},
    {"stls-end-in-handshake", "the end of what the peer sends is not, while TLS begins"},
};

std::vector<std::filesystem::path> dialogue_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(TESTS_DIALOGUES))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The settings, facts and messages that a dialogue begins with, and the switch that makes it write its trace.
std::string settings_of(const std::string& text) {
  static const std::set<std::string> keys = {"config", "connection", "account", "language", "text", "user", "message"};
  std::istringstream in(text);
  std::string settings = "# the trace of a session\nconfig: trace=yes\n";
  for (std::string line; std::getline(in, line);)
    if (keys.count(line.substr(0, line.find(':'))) > 0) settings += line + '\n';
  return settings;
}

// Bodies of the same number of octets may be cut in another way by TOP and by line ends.
std::string without_body_sizes(const std::string& trace) {
  std::istringstream in(trace);
  std::string text;
  for (std::string line; std::getline(in, line);) text += (line.substr(0, 3) == "S* " ? "S*" : line) + '\n';
  return text;
}

struct Played {
  std::string faults, trace;
};
Played play(const std::string& text) {
  Dialogue dialogue = tests::read_dialogue(text);
  if (!dialogue.problem.empty()) return {dialogue.problem, {}};
  dialogue.config.trace = true;
  dialogue.config.limits.trace = 1 << 20;
  Player player(dialogue, {});
  player.play();
  return {player.faults(), player.trace()};
}

TEST_CASE("the trace of a dialogue is a dialogue: played behind the same settings it gives the same trace") {
  std::size_t replayed = 0;
  const auto files = dialogue_files();
  REQUIRE(files.size() > 200);
  for (const auto& file : files) {
    const std::string name = file.stem().string(), text = content(file);
    CAPTURE(name);
    const Played first = play(text);
    REQUIRE(first.faults == "");
    REQUIRE(first.trace != "");
    const Played again = play(settings_of(text) + first.trace);
    if (not_replayed.count(name) > 0) {
      CHECK((again.faults != "" || again.trace != first.trace));  // else it need not be an exception
      continue;
    }
    INFO("the trace:\n" << first.trace);
    CHECK(again.faults == "");
    CHECK(without_body_sizes(again.trace) == without_body_sizes(first.trace));
    ++replayed;
  }
  CHECK(replayed == files.size() - not_replayed.size());
}

}  // namespace
