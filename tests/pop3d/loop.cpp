// SPDX-License-Identifier: MIT
#include "loop.hpp"

#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using pop3d::Clock;
using pop3d::Descriptor;
using pop3d::Loop;
using pop3d::Watched;

namespace {

// Writes down what happens to it, then does what it was told to.
class Noter : public Watched {
 public:
  explicit Noter(std::string& notes, std::function<void(Noter&)> then = {}) : notes_(notes), then_(std::move(then)) {}
  ~Noter() override { notes_ += "gone "; }

 private:
  void on_ready(std::uint32_t events) override { note((events & EPOLLIN) != 0 ? "in " : "out "); }
  void on_time() override { note("time "); }
  void on_turn() override { note("turn "); }
  void note(const char* what) {
    notes_ += what;
    if (then_) then_(*this);
  }

  std::string& notes_;
  std::function<void(Noter&)> then_;
};

struct Pair {
  Pair() {
    int both[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, both) == 0);
    ours = Descriptor(both[0]);
    theirs = Descriptor(both[1]);
  }
  void send() const { REQUIRE(::send(theirs.get(), "x", 1, 0) == 1); }

  Descriptor ours, theirs;
};

}  // namespace

TEST_CASE("loop: a socket that is watched is told of, edge-triggered only of what is new") {
  Loop loop;
  Pair pair;
  std::string notes;
  Noter noter(notes, [&](Noter&) { loop.set_timer(noter, Clock::now() + 200ms); });
  Noter end(notes, [&](Noter&) { loop.stop(); });
  REQUIRE(loop.watch(pair.ours.get(), noter, EPOLLIN | EPOLLET));
  loop.set_timer(end, Clock::now() + 100ms);
  pair.send();
  loop.run();
  CHECK(notes == "in time ");  // what was sent is unread, and was told once
}

TEST_CASE("loop: deadlines come in their order, and not too early") {
  Loop loop;
  std::string notes;
  Noter first(notes), second(notes, [&](Noter&) { loop.stop(); });
  const auto since = Clock::now();
  loop.set_timer(second, since + 30ms);
  loop.set_timer(first, since + 10ms);
  CHECK(loop.wakes_by(first, since + 10ms));
  CHECK_FALSE(loop.wakes_by(first, since + 9ms));
  loop.run();
  CHECK(Clock::now() - since >= 30ms);
  CHECK(notes == "time time ");
  CHECK_FALSE(loop.wakes_by(first, since + 1h));
}

TEST_CASE("loop: who wants another turn has it after the others, and once") {
  Loop loop;
  Pair pair;
  std::string notes;
  int turns = 0;
  Noter greedy(notes, [&](Noter& self) {
    if (++turns == 3) return loop.stop();
    loop.again(self);
    loop.again(self);
  });
  std::string others;
  Noter other(others);
  REQUIRE(loop.watch(pair.ours.get(), other, EPOLLIN | EPOLLET));
  pair.send();
  loop.again(greedy);
  loop.run();
  CHECK(notes == "turn turn turn ");
  CHECK(others == "in ");
}

TEST_CASE("loop: what is discarded stays until its round is over, and has no deadline any more") {
  Loop loop;
  std::string notes;
  auto doomed = std::make_unique<Noter>(notes);
  Noter& noter = *doomed;
  Noter killer(notes, [&](Noter&) {
    loop.set_timer(noter, Clock::now());
    loop.again(noter);  // it still gets that
    loop.discard(std::move(doomed));
  });
  std::string ended;
  Noter end(ended, [&](Noter&) { loop.stop(); });
  loop.set_timer(killer, Clock::now());
  loop.set_timer(end, Clock::now() + 10ms);
  loop.run();
  CHECK(notes == "time turn gone ");
}

TEST_CASE("loop: other threads may post, each thing is done once, in the order of its thread") {
  Loop loop;
  constexpr int threads = 4, posts = 2000;
  std::array<int, threads> last{};
  int done = 0;
  bool in_order = true;
  std::vector<std::thread> all;
  for (std::size_t t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (int i = 1; i <= posts; ++i) {
        loop.post([&, t, i] {
          in_order = in_order && last[t] == i - 1;
          last[t] = i;
          if (++done == threads * posts) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (std::thread& thread : all) thread.join();
  CHECK(done == threads * posts);
  CHECK(in_order);
}
