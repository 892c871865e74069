// SPDX-License-Identifier: MIT
// A heap that fails when it is told to, for what a session allocates and for nothing else. Replaces operator new: for
// one file of a program only, and before harness.hpp.
#ifndef TESTS_FAULTS_HEAP_HPP
#define TESTS_FAULTS_HEAP_HPP

#include <cstddef>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <pop3/session.hpp>

namespace tests {

struct Heap {
  static constexpr std::size_t never = ~std::size_t{0};
  std::size_t fail_at = never;  // which allocation of the session fails, counted from 0; with `from_there`, all others
  bool from_there = false;      // behind it as well
  std::size_t asked = 0;        // allocations of the session so far
  std::size_t failed = 0;
  std::size_t live = 0;  // blocks of the session that are not freed
  int inside = 0;        // calls of the session that are under way
};
inline Heap heap;

// Each block knows whose it is.
constexpr std::size_t block_front = alignof(std::max_align_t);

[[noreturn]] inline void fail_to_allocate() {
#ifdef __cpp_exceptions
  throw std::bad_alloc();
#elif defined(__GLIBCXX__)
  std::__throw_bad_alloc();  // what libstdc++'s own operator new does, whatever its user was compiled with
#else
  std::abort();
#endif
}

inline void* allocate(std::size_t size) {
  const bool of_session = heap.inside > 0;
  if (of_session) {
    const std::size_t number = heap.asked++;
    if (number == heap.fail_at || (heap.from_there && number > heap.fail_at)) {
      ++heap.failed;
      fail_to_allocate();
    }
  }
  char* const block = static_cast<char*>(std::malloc(size + block_front));
  if (block == nullptr) std::abort();
  *block = of_session ? 1 : 0;
  heap.live += of_session ? 1U : 0U;
  return block + block_front;
}
inline void release(void* octets) noexcept {
  if (octets == nullptr) return;
  char* const block = static_cast<char*>(octets) - block_front;
  if (*block != 0) --heap.live;
  std::free(block);
}

// What is allocated while one of these lives is the session's.
class Inside {
 public:
  Inside() noexcept { ++heap.inside; }
  ~Inside() { --heap.inside; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};

// A session, the calls of which may run out of memory.
class FaultySession {
 public:
  FaultySession(const pop3::Config& config, pop3::Connection connection) {
    const Inside inside;
    session_.emplace(config, connection);
  }
  ~FaultySession() {
    const Inside inside;
    session_.reset();
  }
  FaultySession(const FaultySession&) = delete;
  FaultySession& operator=(const FaultySession&) = delete;

#define TESTS_FORWARD(name)                                       \
  template <class... Arguments>                                   \
  decltype(auto) name(Arguments&&... arguments) {                 \
    const Inside inside;                                          \
    return session_->name(std::forward<Arguments>(arguments)...); \
  }
  TESTS_FORWARD(input_buffer)
  TESTS_FORWARD(commit_input)
  TESTS_FORWARD(receive)
  TESTS_FORWARD(end_of_input)
  TESTS_FORWARD(disconnect)
  TESTS_FORWARD(poll)
  TESTS_FORWARD(challenge)
  TESTS_FORWARD(accept)
  TESTS_FORWARD(proceed)
  TESTS_FORWARD(refuse)
  TESTS_FORWARD(send_body)
  TESTS_FORWARD(lend_body)
  TESTS_FORWARD(promise_body)
  TESTS_FORWARD(abort_body)
  TESTS_FORWARD(promised_output)
  TESTS_FORWARD(copy_output)
  TESTS_FORWARD(shutdown)
  TESTS_FORWARD(trim)
  TESTS_FORWARD(announce)
  TESTS_FORWARD(conceal)
  TESTS_FORWARD(take_trace)
#undef TESTS_FORWARD
  std::size_t gather(pop3::ConstBuffer* runs, std::size_t most) {
    const Inside inside;
    return session_->gather(runs, most);
  }
  void consume_output(std::size_t n) {
    const Inside inside;
    session_->consume_output(n);
  }

  // These are noexcept.
  bool wants_input() const noexcept { return session_->wants_input(); }
  bool wants_output() const noexcept { return session_->wants_output(); }
  bool finished() const noexcept { return session_->finished(); }
  bool encrypted() const noexcept { return session_->encrypted(); }
  const pop3::Event* pending() const noexcept { return session_->pending(); }
  std::optional<pop3::TimePoint> deadline() const noexcept { return session_->deadline(); }
  pop3::Counters counters() const noexcept { return session_->counters(); }
  std::string_view unread_input() const noexcept { return session_->unread_input(); }

 private:
  std::optional<pop3::Session> session_;
};

}  // namespace tests

void* operator new(std::size_t size) { return tests::allocate(size); }
void* operator new[](std::size_t size) { return tests::allocate(size); }
void operator delete(void* octets) noexcept { tests::release(octets); }
void operator delete[](void* octets) noexcept { tests::release(octets); }
void operator delete(void* octets, std::size_t) noexcept { tests::release(octets); }
void operator delete[](void* octets, std::size_t) noexcept { tests::release(octets); }

#define TESTS_SESSION tests::FaultySession

#endif
