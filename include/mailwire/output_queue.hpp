// SPDX-License-Identifier: MIT
// Octets on their way out: text of our own, then at most one run of octets that are not ours and what ends it.
//
//   front_ (being sent) -> back_ (being filled) -> run_ (lent, or only promised) -> end_ (static)
//
// What output() and gather() return neither moves nor changes until consume(): text is only ever added to the back,
// and the back is handed out only together with a run, behind which nothing may be added. A run that is promised is in
// nobody's memory here: its turn is counted, the octets are sent by whoever has them.
#ifndef MAILWIRE_OUTPUT_QUEUE_HPP
#define MAILWIRE_OUTPUT_QUEUE_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "buffers.hpp"
#include "byte_buffer.hpp"
#include "macros.hpp"

namespace mailwire {
inline namespace v1 {

class OutputQueue {
 public:
  // The end of the text, to append to. Only while has_run() is false.
  ByteBuffer& text() noexcept {
    POP3_ASSERT(!has_run());
    return back_;
  }
  // The same to look at: what was appended since anything was handed out.
  std::string_view written() const noexcept { return back_.view(); }
  // Queues octets behind all text, without a copy: a run that must stay until has_run() is false again, and a
  // string of static lifetime, less than 256 octets of it, behind it, so that the end of a body leaves with its last
  // octets.
  void lend(std::string_view run, std::string_view end) noexcept {
    POP3_ASSERT(!has_run());
    run_ = {run.data(), run.size()};
    set_end(end);
  }
  // The same with octets that are not here: see promised().
  void promise(std::size_t octets, std::string_view end) noexcept {
    POP3_ASSERT(!has_run());
    run_ = {nullptr, octets};
    set_end(end);
  }
  bool has_run() const noexcept { return run_.size > 0 || end_size_ > 0; }

  std::size_t size() const noexcept { return (front_.size() - sent_) + back_.size() + run_.size + end_size_; }
  bool empty() const noexcept { return size() == 0; }
  // Something was returned by output() or gather() and not consumed yet: a write may be under way.
  bool handed_out() const noexcept { return handed_out_ > 0; }

  // The first run of octets to send; empty as well when octets that are promised are next.
  std::string_view output() noexcept {
    ConstBuffer first;
    gather(&first, 1);
    return {first.data, first.size};
  }

  // All runs to send, in order, at most `max`, up to what is promised; returns how many.
  std::size_t gather(ConstBuffer* runs, std::size_t max) noexcept {
    if (sent_ == front_.size() && !back_.empty()) next_front();
    std::size_t count = 0;
    std::size_t octets = 0;
    const auto add = [&](const char* data, std::size_t size) {
      if (size == 0 || count == max) return;
      runs[count] = ConstBuffer{data, size};
      ++count;
      octets += size;
    };
    if (sent_ < front_.size()) add(front_.data() + sent_, front_.size() - sent_);
    if (has_run()) {
      add(back_.data(), back_.size());
      if (!is_promised()) {
        add(run_.data, run_.size);
        add(end_, end_size_);
      }
    }
    if (handed_out_ < octets) handed_out_ = octets;
    return count;
  }

  // How many octets that were promised are next, behind what gather() gives. Once it gives nothing they are handed out
  // by this, and consume() counts them.
  std::size_t promised() noexcept {
    if (!is_promised()) return 0;
    const bool next = sent_ == front_.size() && back_.empty();
    if (next) handed_out_ = run_.size;
    return run_.size;
  }

  // `n` of the octets handed out were sent; 0 = the write failed or was given up.
  void consume(std::size_t n) noexcept {
    POP3_ASSERT(n <= handed_out_ && "consume_output(): more octets than output() or gather() gave");
    if (n > handed_out_) n = handed_out_;
    handed_out_ = 0;
    n -= take_text(n);
    if (sent_ < front_.size()) return;
    next_front();
    n -= take_text(n);
    n -= take_run(n);
    if (n > end_size_) n = end_size_;
    end_ += n;
    end_size_ = static_cast<std::uint8_t>(end_size_ - n);
  }

  // Of what was promised, not sent.
  std::size_t promised_left() const noexcept { return is_promised() ? run_.size : 0; }

  // Copies up to `room` octets into one block and consumes them.
  std::size_t copy(char* to, std::size_t room) noexcept {
    ConstBuffer runs[4];
    std::size_t copied = 0;
    while (copied < room) {
      const std::size_t count = gather(runs, 4);
      if (count == 0) break;
      std::size_t part = 0;
      for (std::size_t i = 0; i < count && copied + part < room; ++i) {
        const std::size_t n = runs[i].size < room - copied - part ? runs[i].size : room - copied - part;
        std::memcpy(to + copied + part, runs[i].data, n);
        part += n;
      }
      consume(part);
      copied += part;
    }
    return copied;
  }

  // Forgets the run and what ends it; the text stays.
  void drop_run() noexcept {
    run_ = {};
    end_size_ = 0;
  }
  // Forgets everything that was not consumed.
  void drop() noexcept {
    front_.clear();
    back_.clear();
    drop_run();
    handed_out_ = sent_ = 0;
  }
  // Gives back the memory of text that was sent.
  void trim() noexcept {
    if (sent_ == front_.size() && handed_out_ == 0) {
      front_.release();
      sent_ = 0;
    }
    if (back_.empty()) back_.release();
  }

 private:
  void set_end(std::string_view end) noexcept {
    POP3_ASSERT(end.size() < 256);
    end_ = end.data();
    end_size_ = static_cast<std::uint8_t>(end.size());
  }
  std::size_t take_text(std::size_t n) noexcept {
    const std::size_t left = front_.size() - sent_;
    if (n > left) n = left;
    sent_ += static_cast<std::uint32_t>(n);
    return n;
  }
  std::size_t take_run(std::size_t n) noexcept {
    if (n > run_.size) n = run_.size;
    if (run_.data != nullptr) run_.data += n;
    run_.size -= n;
    return n;
  }
  bool is_promised() const noexcept { return run_.data == nullptr && run_.size > 0; }
  void next_front() noexcept {
    front_.clear();
    front_.swap(back_);
    sent_ = 0;
  }

  ByteBuffer front_, back_;
  ConstBuffer run_;  // null, but not empty: promised
  const char* end_ = nullptr;
  std::size_t handed_out_ = 0;  // octets returned since the last consume()
  std::uint32_t sent_ = 0;      // octets of front_ that are gone
  std::uint8_t end_size_ = 0;
};

}  // namespace v1
}  // namespace mailwire

#endif
