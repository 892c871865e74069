// SPDX-License-Identifier: MIT
#include "loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

namespace pop3d {
namespace {

constexpr int most_events = 256;

bool control(int epoll, int what, int socket, Watched* watched, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = watched;
  return ::epoll_ctl(epoll, what, socket, &event) == 0;
}

}  // namespace

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  // Null stands for the bell. Edge-triggered: nobody has to read it.
  if (!epoll_ || !bell_ || !control(epoll_.get(), EPOLL_CTL_ADD, bell_.get(), nullptr, EPOLLIN | EPOLLET))
    throw std::system_error(errno, std::generic_category(), "event loop");
}

bool Loop::watch(int socket, Watched& watched, std::uint32_t events) noexcept {
  return control(epoll_.get(), EPOLL_CTL_ADD, socket, &watched, events);
}

bool Loop::watch_for(int socket, Watched& watched, std::uint32_t events) noexcept {
  return control(epoll_.get(), EPOLL_CTL_MOD, socket, &watched, events);
}

void Loop::again(Watched& watched) {
  if (watched.waits_for_turn_) return;
  turns_.push_back(&watched);
  watched.waits_for_turn_ = true;
}

// Whoever is discarded may still be among the events of this round, or have a turn in it.
void Loop::discard(std::unique_ptr<Watched> watched) noexcept {
  timers_.clear(*watched);
  discarded_.push_back(std::move(watched));
}

void Loop::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
    if (posted_.size() > 1) return;  // it rings already
  }
  const std::uint64_t one = 1;
  while (::write(bell_.get(), &one, sizeof one) < 0 && errno == EINTR) continue;
}

void Loop::run() {
  while (running_) {
    discarded_.clear();
    ++round_;
    wait();
    fire_timers();
    take_turns();
  }
  discarded_.clear();
}

// Rounded up: who is woken up too early would wait again, for nothing.
int Loop::patience() const noexcept {
  if (!turns_.empty()) return 0;
  if (timers_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.next() - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, INT_MAX));
}

void Loop::wait() {
  epoll_event events[most_events];
  const int count = ::epoll_wait(epoll_.get(), events, most_events, patience());
  for (int i = 0; i < count; ++i) {
    if (events[i].data.ptr == nullptr)
      do_posted();
    else
      static_cast<Watched*>(events[i].data.ptr)->on_ready(events[i].events);
  }
}

void Loop::fire_timers() {
  if (timers_.empty()) return;
  for (const Time now = Clock::now(); !timers_.empty() && timers_.next() <= now;)
    static_cast<Watched&>(timers_.take()).on_time();
}

// Those who ask for another turn meanwhile have it after the next look at the sockets.
void Loop::take_turns() {
  std::vector<Watched*> turns;
  turns.swap(turns_);
  for (Watched* const watched : turns) {
    watched->waits_for_turn_ = false;
    watched->on_turn();
  }
}

void Loop::do_posted() {
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (const auto& work : posted) work();
}

}  // namespace pop3d
