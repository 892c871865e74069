// SPDX-License-Identifier: MIT
// A bounded block of input, cut into lines.
//
//   [ consumed | looked at, no line end yet | not looked at | room to read into ]
//   0          head_                        scanned_        tail_               capacity_
//
// Every octet is looked at once (`scanned_` remembers how far), so octet-by-octet input costs linear time. What comes
// out depends on the octets alone, never on how they were cut. The room handed out does not move until commit():
// an asynchronous read may be under way while lines are taken out.
#ifndef MAILWIRE_LINE_READER_HPP
#define MAILWIRE_LINE_READER_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "buffers.hpp"
#include "line_scan.hpp"
#include "macros.hpp"
#include "secret.hpp"

namespace mailwire {
inline namespace v1 {

struct LineLimits {
  std::size_t line = 512;        // octets of a line with its CRLF; the rest of a longer one is skipped
  std::size_t block = 1024;      // octets held at a time; at least `line` are, so the block grows when `line` does
  std::size_t give_up = 65'536;  // octets after which an unended line is hopeless; 0 = skip for ever
  bool bare_lf = false;          // an LF without CR ends a line as well
};

class LineReader {
 public:
  enum class Status : std::uint8_t {
    more,      // no complete line in the block
    line,      // one line, its end removed
    too_long,  // a line over LineLimits::line has just ended, or become hopeless (see hopeless())
  };
  struct Result {
    Status status;
    std::string_view line;  // into the block: valid until the next call of next() or room()
    bool bare_lf = false;   // it ended at an LF without CR
  };

  LineReader() noexcept = default;
  ~LineReader() { drop(); }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // Where to read into; size 0 = full. Repeated calls give the same place until commit(). The limits may differ from
  // call to call.
  MutableBuffer room(const LineLimits& limits) {
    if (!lent_) make_room(limits);
    lent_ = capacity_ > tail_;
    return {data_ + tail_, capacity_ - tail_};
  }
  // `n` octets were read into the room; 0 = the read was given up. n <= room().size, once for each room(); returns how
  // many counted.
  std::size_t commit(std::size_t n) noexcept {
    const std::size_t room = lent_ ? capacity_ - tail_ : 0;
    POP3_ASSERT(n <= room && "commit_input(): more octets than the room had");
    if (n > room) n = room;
    tail_ += static_cast<std::uint32_t>(n);
    lent_ = false;
    return n;
  }
  // A room was handed out and nothing committed since: a read may be under way.
  bool is_lent() const noexcept { return lent_; }
  // Whether room() would have any.
  bool has_room(const LineLimits& limits) const noexcept {
    return data_ == nullptr || tail_ < capacity_ || (!lent_ && (head_ > 0 || capacity_ < bounded(limits.line)));
  }

  // The next line. A line of more than `limits.line` octets with its end comes out as one `too_long`.
  Result next(const LineLimits& limits) noexcept {
    while (scanned_ < tail_) {
      const char* const start = data_ + scanned_;
      const char* const lf = LineScan::find_lf(start, data_ + tail_);
      const std::size_t end = lf == nullptr ? tail_ : static_cast<std::size_t>(lf - data_);
      if (end > scanned_) last_was_cr_ = data_[end - 1] == '\r';
      scanned_ = static_cast<std::uint32_t>(end);
      if (lf == nullptr) break;
      ++scanned_;
      const bool after_cr = last_was_cr_;
      last_was_cr_ = false;
      if (after_cr || limits.bare_lf) return take_line(limits, after_cr);
    }
    return keep_or_skip(limits);
  }
  // True once a line has gone past `give_up` octets without an end.
  bool hopeless() const noexcept { return hopeless_; }

  // Overwrites the line that next() returned last: it held a secret.
  void wipe_line() noexcept { wipe(data_ + line_, head_ - line_); }

  // Octets that were committed and are not part of a line taken out.
  std::string_view unread() const noexcept { return {data_ + head_, tail_ - head_}; }
  // The same, if they begin a line; nothing while a line that is too long is skipped.
  std::string_view unread_line() const noexcept { return skipped_ > 0 ? std::string_view{} : unread(); }
  // Forgets all octets. Keeps the block while a read into it may be under way.
  void clear() noexcept {
    wipe(data_, tail_);
    head_ = scanned_ = line_ = tail_;
    skipped_ = 0;
    last_was_cr_ = false;
  }
  // Gives the block back if nothing is in it and nobody reads into it.
  void trim() noexcept {
    if (head_ == tail_ && !lent_) drop();
  }

 private:
  void make_room(const LineLimits& limits) {
    if (data_ == nullptr) {
      const std::uint32_t capacity = bounded(limits.block > limits.line ? limits.block : limits.line);
      data_ = new char[capacity];
      capacity_ = capacity;  // not before: new may throw
    }
    // Moving is cheap when little is left, and needed when nothing else gives room.
    if (head_ > 0 && (head_ == tail_ || capacity_ - tail_ < capacity_ / 2)) {
      if (head_ < tail_) std::memmove(data_, data_ + head_, tail_ - head_);
      wipe(data_ + (tail_ - head_), head_);
      tail_ -= head_;
      scanned_ -= head_;
      head_ = line_ = 0;
    }
    if (head_ == 0 && tail_ == capacity_ && capacity_ < bounded(limits.line)) grow(bounded(limits.line));
  }

  // No block has more octets than can be counted with 31 bits.
  static std::uint32_t bounded(std::size_t octets) noexcept {
    constexpr std::uint32_t most = 0x7FFFFFFF;
    return octets < most ? static_cast<std::uint32_t>(octets) : most;
  }

  // By doubling, so that octet-by-octet input stays linear.
  void grow(std::uint32_t most) {
    const std::uint32_t capacity = capacity_ * 2 < most ? capacity_ * 2 : most;
    char* const data = new char[capacity];
    std::memcpy(data, data_, tail_);
    wipe(data_, capacity_);
    delete[] data_;
    data_ = data;
    capacity_ = capacity;
  }

  Result take_line(const LineLimits& limits, bool after_cr) noexcept {
    const std::size_t octets = skipped_ + (scanned_ - head_);
    line_ = head_;
    head_ = scanned_;
    const bool skipping = skipped_ > 0;
    skipped_ = 0;
    if (limits.give_up > 0 && octets > limits.give_up) hopeless_ = true;
    if (skipping || octets > bounded(limits.line)) return {Status::too_long, {}, false};
    return {Status::line, {data_ + line_, octets - (after_cr ? 2U : 1U)}, !after_cr};
  }

  // The line goes on. Once it cannot be short enough any more its octets are dropped as they come.
  Result keep_or_skip(const LineLimits& limits) noexcept {
    const std::size_t octets = skipped_ + (scanned_ - head_);
    if (octets < bounded(limits.line)) return {Status::more, {}, false};
    skipped_ = octets;
    wipe(data_ + head_, scanned_ - head_);  // it may have been a secret
    line_ = head_ = scanned_;
    if (limits.give_up == 0 || octets < limits.give_up) return {Status::more, {}, false};
    hopeless_ = true;
    return {Status::too_long, {}, false};
  }

  void drop() noexcept {
    wipe(data_, capacity_);
    delete[] data_;
    data_ = nullptr;
    capacity_ = head_ = scanned_ = tail_ = line_ = 0;
  }

  char* data_ = nullptr;
  std::size_t skipped_ = 0;  // octets of the present line that were dropped already
  // Octets of the block; see bounded().
  std::uint32_t capacity_ = 0, head_ = 0, scanned_ = 0, tail_ = 0;
  std::uint32_t line_ = 0;  // start of the line taken out last
  bool lent_ = false, last_was_cr_ = false, hopeless_ = false;
};

}  // namespace v1
}  // namespace mailwire

#endif
