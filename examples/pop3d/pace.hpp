// SPDX-License-Identifier: MIT
// Whether files are quick: read from memory, they are there sooner than another thread could be told to read them; but
// a disk, or a very large folder, is not for an event loop to wait for.
#ifndef POP3D_PACE_HPP
#define POP3D_PACE_HPP

#include <atomic>
#include <chrono>

namespace pop3d {

// One object for all threads. Files are taken to be quick until something took long; from then on they are slow, until
// nothing has taken long for a while.
class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds long_time{2};
  static constexpr std::chrono::seconds memory{10};

  bool quick(Time now) const noexcept { return now.time_since_epoch().count() >= slow_until_.load(); }
  void took(Time since, Time until) noexcept {
    if (until - since >= long_time) slow_until_ = (until + memory).time_since_epoch().count();
  }

 private:
  std::atomic<Time::rep> slow_until_{Time::duration::min().count()};
};

}  // namespace pop3d

#endif
