// SPDX-License-Identifier: MIT
// A POP3 server on standard input and output, as inetd starts one, or socat: socat TCP-LISTEN:1110,fork EXEC:stdio
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "demo.hpp"

namespace {

using Clock = std::chrono::steady_clock;

// Waits until the descriptor is ready, or the session wants poll() to be called.
bool ready(int fd, short what, const pop3::Session& session) {
  int timeout = -1;
  if (const auto deadline = session.deadline()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
    timeout = static_cast<int>(std::clamp<long long>(left, 0, INT_MAX));
  }
  pollfd wait{fd, what, 0};
  return ::poll(&wait, 1, timeout) > 0;
}

void send(pop3::Session& session) {
  if (!ready(STDOUT_FILENO, POLLOUT, session)) return session.consume_output(0);
  const auto out = session.output().substr(0, PIPE_BUF);  // so much a pipe that is ready takes without blocking
  const ssize_t n = ::write(STDOUT_FILENO, out.data(), out.size());
  if (n >= 0) return session.consume_output(static_cast<std::size_t>(n));
  session.consume_output(0);
  if (errno != EAGAIN && errno != EINTR) session.disconnect();
}

void receive(pop3::Session& session) {
  if (!session.wants_input()) return static_cast<void>(ready(-1, 0, session));
  if (!ready(STDIN_FILENO, POLLIN, session)) return;
  const auto in = session.input_buffer();
  const ssize_t n = ::read(STDIN_FILENO, in.data, in.size);
  session.commit_input(n > 0 ? static_cast<std::size_t>(n) : 0);
  if (n == 0) session.end_of_input();
  if (n < 0 && errno != EAGAIN && errno != EINTR) session.disconnect();
}

}  // namespace

int main() {
  const pop3::Config config = demo::config();
  pop3::Session session(config);
  const demo::App app;
  for (;;) {
    pop3::dispatch(session, Clock::now(), app);  // decisions
    if (session.finished()) return 0;
    if (session.wants_output())
      send(session);  // octets out
    else
      receive(session);  // octets in
  }
}
