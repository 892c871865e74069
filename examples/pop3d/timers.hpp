// SPDX-License-Identifier: MIT
// The deadlines of many connections: the next one is known at once, any one is taken out quickly.
#ifndef POP3D_TIMERS_HPP
#define POP3D_TIMERS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace pop3d {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

class Timers;

// What may have a deadline. It knows its place among the others, so that nobody has to look for it.
class Timed {
 public:
  Timed() = default;
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  friend class Timers;
  static constexpr std::uint32_t nowhere = UINT32_MAX;
  std::uint32_t place_ = nowhere;
};

// A heap: nothing comes before what stands at half its place.
class Timers {
 public:
  bool empty() const noexcept { return heap_.empty(); }
  Time next() const noexcept { return heap_.front().due; }
  // Of a Timed that has one.
  Time due(const Timed& timed) const noexcept { return heap_[timed.place_].due; }
  bool has(const Timed& timed) const noexcept { return timed.place_ != Timed::nowhere; }

  // The deadline that it had before, if any, is forgotten.
  void set(Timed& timed, Time due) {
    if (!has(timed)) heap_.push_back({due, &timed});
    const std::size_t place = has(timed) ? timed.place_ : heap_.size() - 1;
    move({due, &timed}, place);
  }
  void clear(Timed& timed) noexcept {
    if (!has(timed)) return;
    const std::size_t place = std::exchange(timed.place_, Timed::nowhere);
    const Entry last = heap_.back();
    heap_.pop_back();
    if (last.timed != &timed) move(last, place);
  }
  // The one whose time comes first; it has no deadline any more.
  Timed& take() noexcept {
    Timed& first = *heap_.front().timed;
    clear(first);
    return first;
  }

 private:
  struct Entry {
    Time due;
    Timed* timed;
  };

  void put(Entry entry, std::size_t place) noexcept {
    heap_[place] = entry;
    entry.timed->place_ = static_cast<std::uint32_t>(place);
  }
  // Puts it where it belongs, if `place` is free: further up, or further down.
  void move(Entry entry, std::size_t place) noexcept {
    for (; place > 0 && entry.due < heap_[(place - 1) / 2].due; place = (place - 1) / 2)
      put(heap_[(place - 1) / 2], place);
    for (std::size_t child = first_child(place); child < heap_.size() && heap_[child].due < entry.due;
         child = first_child(place)) {
      put(heap_[child], place);
      place = child;
    }
    put(entry, place);
  }
  // Of the two below, the one whose time comes first.
  std::size_t first_child(std::size_t place) const noexcept {
    const std::size_t left = 2 * place + 1, right = left + 1;
    return right < heap_.size() && heap_[right].due < heap_[left].due ? right : left;
  }

  std::vector<Entry> heap_;
};

}  // namespace pop3d

#endif
