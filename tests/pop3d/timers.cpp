// SPDX-License-Identifier: MIT
#include "timers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

using namespace std::chrono_literals;
using pop3d::Time;
using pop3d::Timed;
using pop3d::Timers;

namespace {

constexpr Time zero{};

}  // namespace

TEST_CASE("timers: the one whose time comes first is taken first") {
  Timers timers;
  Timed a, b, c;
  timers.set(a, zero + 3s);
  timers.set(b, zero + 1s);
  timers.set(c, zero + 2s);
  CHECK(timers.next() == zero + 1s);
  CHECK(&timers.take() == &b);
  CHECK_FALSE(timers.has(b));
  CHECK(&timers.take() == &c);
  CHECK(&timers.take() == &a);
  CHECK(timers.empty());
}

TEST_CASE("timers: a deadline moves either way, and is there once") {
  Timers timers;
  Timed a, b;
  timers.set(a, zero + 5s);
  timers.set(b, zero + 6s);
  timers.set(b, zero + 4s);
  CHECK(timers.due(b) == zero + 4s);
  timers.set(b, zero + 9s);
  CHECK(&timers.take() == &a);
  CHECK(timers.next() == zero + 9s);
  CHECK(&timers.take() == &b);
  CHECK(timers.empty());
}

TEST_CASE("timers: what is taken out does not come, and may be taken out twice") {
  Timers timers;
  Timed a, b;
  timers.set(a, zero);
  timers.set(b, zero + 1s);
  timers.clear(a);
  timers.clear(a);
  CHECK(&timers.take() == &b);
  timers.clear(b);
  CHECK(timers.empty());
}

TEST_CASE("timers: thousands that come, move and go are in the order of their times") {
  std::mt19937 random(1);
  Timers timers;
  std::deque<Timed> all(3000);
  std::vector<Time> due(all.size(), Time::max());  // max: none
  for (int round = 0; round < 30'000; ++round) {
    const std::size_t i = random() % all.size();
    if (random() % 4 == 0) {
      timers.clear(all[i]);
      due[i] = Time::max();
    } else {
      timers.set(all[i], due[i] = zero + std::chrono::milliseconds(random() % 1000));
    }
  }
  std::vector<Time> left;
  std::copy_if(due.begin(), due.end(), std::back_inserter(left), [](Time time) { return time != Time::max(); });
  std::sort(left.begin(), left.end());
  REQUIRE(left.size() > 1000);
  for (const Time time : left) {
    REQUIRE(timers.next() == time);
    const auto& taken = timers.take();
    const auto place = std::find_if(all.begin(), all.end(), [&](const Timed& timed) { return &timed == &taken; });
    REQUIRE(due[static_cast<std::size_t>(place - all.begin())] == time);
  }
  CHECK(timers.empty());
}
