// SPDX-License-Identifier: MIT
// An event loop: sockets, deadlines, and what other threads ask for. It makes no system call but those that are needed:
// a socket is registered once, and what a loop knows of it is not asked again.
#ifndef POP3D_LOOP_HPP
#define POP3D_LOOP_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "descriptor.hpp"
#include "timers.hpp"

namespace pop3d {

// What has a socket on a loop.
class Watched : public Timed {
 public:
  virtual ~Watched() = default;
  virtual void on_ready(std::uint32_t events) = 0;  // EPOLLIN and so on
  virtual void on_time() = 0;                       // its deadline is over
  virtual void on_turn() = 0;                       // loop.again() was called

 private:
  friend class Loop;
  bool waits_for_turn_ = false;
};

// Belongs to one thread, but for post().
class Loop {
 public:
  Loop();  // throws std::system_error

  // Level-triggered unless `events` have EPOLLET. A socket that is closed is forgotten by itself; its object has to go
  // through discard(). These two return false if there is no memory for it.
  bool watch(int socket, Watched& watched, std::uint32_t events) noexcept;
  bool watch_for(int socket, Watched& watched, std::uint32_t events) noexcept;  // others than before

  // One deadline each, which is over a millisecond late at most.
  void set_timer(Watched& watched, Time due) { timers_.set(watched, due); }
  void clear_timer(Watched& watched) noexcept { timers_.clear(watched); }
  // Whether it is woken up by then: maybe earlier.
  bool wakes_by(const Watched& watched, Time due) const noexcept {
    return timers_.has(watched) && timers_.due(watched) <= due;
  }

  // After everybody else who is ready had a turn.
  void again(Watched& watched);
  // Destroys it later: until the end of this round it may still be called, and must not mind.
  void discard(std::unique_ptr<Watched> watched) noexcept;

  // How often it has waited; who is ready twice in a row sees that by it.
  std::uint64_t round() const noexcept { return round_; }

  // From any thread: to be done on the loop's.
  void post(std::function<void()> work);

  void run();  // until stop()
  void stop() noexcept { running_ = false; }

 private:
  int patience() const noexcept;
  void wait();
  void fire_timers();
  void take_turns();
  void do_posted();

  Descriptor epoll_;
  Descriptor bell_;  // rings when something is posted
  Timers timers_;
  std::vector<Watched*> turns_;
  std::vector<std::unique_ptr<Watched>> discarded_;
  std::uint64_t round_ = 0;
  bool running_ = true;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace pop3d

#endif
