// SPDX-License-Identifier: MIT
// Every allocation that a session makes in a dialogue fails, one after the other: allocations DIALOGUES...
// Then the driver
//   destroys the session at once:   nothing is leaked
//   is careful, and disconnects:    Closed comes, and tells who releases the maildrop; nothing is removed unasked
//   is careless, and goes on:       nothing is undefined (that is for sanitizers to see), and nothing is leaked
// once more with no memory at all from there on, and once more with a trace.
// (Valgrind: --soname-synonyms=somalloc=nouserintercepts, else it puts its own operator new in the place of ours.)
// Built without exceptions: the process ends there, and nothing goes on with half of a work.
#include "heap.hpp"

#include "all.hpp"

#ifndef __cpp_exceptions
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#endif

namespace {

using tests::Dialogue;
using tests::Heap;
using tests::heap;
using tests::Player;
using tests::Report;

// Without a failure. Returns how many allocations there are to fail.
std::size_t play_through(const Dialogue& dialogue, Report& report) {
  heap = Heap{};
  {
    Player player(dialogue, {});
    player.play();
    if (!player.faults().empty()) report.wrong("with all memory", player.faults());
  }
  if (heap.asked == 0) report.wrong("with all memory", "nothing was allocated: is operator new not ours?");
  if (heap.live > 0) report.wrong("with all memory", std::to_string(heap.live) + " blocks are left");
  return heap.asked;
}

#ifdef __cpp_exceptions

enum class Driver { destroys, disconnects, goes_on };

struct Kind {
  const char* name;
  Driver driver;
  bool from_there;
};
constexpr Kind kinds[] = {
    {"allocations that failed, session destroyed", Driver::destroys, false},
    {"allocations that failed, session disconnected", Driver::disconnects, false},
    {"allocations that failed, session disconnected without memory", Driver::disconnects, true},
    {"allocations that failed, session used on", Driver::goes_on, false},
    {"allocations that failed, session used on without memory", Driver::goes_on, true},
};

void go_on(Player& player) {
  // Each failure ends a call; one that comes again and again ends the patience.
  for (int patience = 20; patience > 0; --patience) {
    try {
      player.carry_on();
      return;
    } catch (const std::bad_alloc&) {
      heap.inside = 0;
    }
  }
}

void after(Player& player, const Dialogue& dialogue, const Kind& kind, const std::string& how, Report& report) {
  heap.inside = 0;
  const std::string before = player.faults();
  if (!before.empty()) report.wrong(how, "before: " + before);
  if (kind.driver == Driver::goes_on) return go_on(player);
  if (kind.driver == Driver::disconnects) {
    try {
      player.give_up();
      if (!player.faults().empty()) report.wrong(how, player.faults());
    } catch (const std::bad_alloc&) {
      heap.inside = 0;
      if (!dialogue.config.trace) report.wrong(how, "to disconnect takes memory");
      report.count("... of these, disconnect() or poll() behind it wanted memory for the trace");
    }
  }
  const std::string wrong = tests::false_commit(dialogue, player);
  if (!wrong.empty()) report.wrong(how, wrong);
}

void fail(const Dialogue& dialogue, const Kind& kind, std::size_t number, Report& report) {
  const std::string how = std::string(kind.name) + ", number " + std::to_string(number);
  heap = Heap{};
  heap.fail_at = number;
  heap.from_there = kind.from_there;
  try {
    Player player(dialogue, {});
    try {
      player.play();
      report.wrong(how, "nothing was thrown");
    } catch (const std::bad_alloc&) {
      after(player, dialogue, kind, how, report);
    }
  } catch (const std::bad_alloc&) {  // the constructor
    heap.inside = 0;
  }
  report.count(kind.name);
  if (heap.failed == 0) report.wrong(how, "nothing has failed");
  if (heap.live > 0) report.wrong(how, std::to_string(heap.live) + " blocks are left");
}

void play(const Dialogue& dialogue, Report& report) {
  const std::size_t allocations = play_through(dialogue, report);
  for (const Kind& kind : kinds)
    for (std::size_t number = 0; number < allocations && !report.is_wrong(); ++number)
      fail(dialogue, kind, number, report);
}

void play_both(const Dialogue& dialogue, Report& report) {
  play(dialogue, report);
  if (dialogue.config.trace || report.is_wrong()) return;
  Dialogue traced = dialogue;
  traced.config.trace = true;
  play(traced, report);
}

#else

// In a process of its own, since it ends.
void fail(const Dialogue& dialogue, std::size_t number, Report& report) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::freopen("/dev/null", "w", stderr);  // what std::terminate() says
    heap = Heap{};
    heap.fail_at = number;
    Player(dialogue, {}).play();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  report.count("allocations that failed, without exceptions");
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
    report.wrong("number " + std::to_string(number), "the process was not aborted");
}

// To begin a process takes long: some of them.
void play_both(const Dialogue& dialogue, Report& report) {
  const std::size_t allocations = play_through(dialogue, report);
  for (std::size_t number = 0; number < allocations && !report.is_wrong(); number += 1 + allocations / 4)
    fail(dialogue, number, report);
}

#endif

}  // namespace

int main(int argc, char** argv) { return tests::play_all({argv + 1, argv + argc}, play_both); }
