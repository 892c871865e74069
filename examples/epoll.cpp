// SPDX-License-Identifier: MIT
// Thousands of connections on one thread, with nothing but epoll: epoll [HOST:PORT]
//
// Only peers that are ready or due are run. "Ready" are those that epoll names (edge-triggered: a peer then goes on
// until the socket would block) and those that used up their turn. "Due" are those at the top of a heap of alarms. An
// alarm is set only when the one that is set comes too late, since deadlines mostly move on; one that comes too early
// just looks again. So the heap holds an alarm or two for each peer, and is never searched.
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "demo.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using pop3::TimePoint;
using namespace std::chrono_literals;

// New for every connection: challenges are made of it. Empty, and SCRAM is not offered, where there is no randomness.
std::string make_nonce() {
  std::string nonce(16, '\0');
  const ssize_t n = ::getrandom(nonce.data(), nonce.size(), 0);
  return n == static_cast<ssize_t>(nonce.size()) ? nonce : std::string();
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

class Peer {
 public:
  enum Next { again, wait, gone };

  Peer(int socket, const pop3::Config& config, pop3::SessionId id)
      : socket_(socket), session_(config, {id, false, {}, {}, make_nonce()}) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { ::close(socket_); }

  // One turn: decide, then move octets once.
  Next turn() {
    if (goodbye_ != TimePoint::max()) return linger();
    pop3::dispatch(session_, Clock::now(), app_);
    if (session_.finished()) return say_goodbye();
    pop3::ConstBuffer runs[4];
    const std::size_t count = session_.gather(runs, 4);
    return count > 0 ? send(runs, count) : receive();
  }
  TimePoint deadline() const { return std::min(goodbye_, session_.deadline().value_or(TimePoint::max())); }

  TimePoint alarm = TimePoint::max();  // the next one that is set

 private:
  Next send(const pop3::ConstBuffer* runs, std::size_t count) {
    iovec parts[4];
    for (std::size_t i = 0; i < count; ++i) parts[i] = {const_cast<char*>(runs[i].data), runs[i].size};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    const ssize_t n = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
    session_.consume_output(n > 0 ? static_cast<std::size_t>(n) : 0);
    if (n < 0 && would_block()) return wait;
    if (n < 0 && errno != EINTR) session_.disconnect();
    return again;
  }
  Next receive() {
    const auto room = session_.input_buffer();
    if (room.size == 0) return wait;
    const ssize_t n = ::recv(socket_, room.data, room.size, 0);
    session_.commit_input(n > 0 ? static_cast<std::size_t>(n) : 0);
    if (n == 0) session_.end_of_input();
    if (n < 0 && would_block()) {
      session_.trim();  // who waits holds no buffers
      return wait;
    }
    if (n < 0 && errno != EINTR) session_.disconnect();
    return again;
  }
  // A socket that is closed while octets are unread resets the connection, and the last reply may be lost. So the peer
  // has a second to hang up.
  Next say_goodbye() {
    ::shutdown(socket_, SHUT_WR);
    goodbye_ = Clock::now() + 1s;
    return again;
  }
  Next linger() {
    char nowhere[4096];
    const ssize_t n = ::recv(socket_, nowhere, sizeof nowhere, 0);
    if (n == 0 || (n < 0 && !would_block()) || Clock::now() >= goodbye_) return gone;
    return n > 0 ? again : wait;
  }

  int socket_;
  pop3::Session session_;
  demo::App app_;
  TimePoint goodbye_ = TimePoint::max();
};

class Server {
 public:
  explicit Server(int listener) : listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener_, 0, EPOLLIN);
  }

  void run() {
    for (;;) {
      wait();
      run_due();
      for (std::size_t turns = ready_.size(); turns > 0; --turns) {
        const std::uint64_t id = ready_.front();
        ready_.pop_front();
        run(id);
      }
    }
  }

 private:
  using Alarm = std::pair<TimePoint, std::uint64_t>;  // when, who

  void watch(int fd, std::uint64_t id, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void wait() {
    epoll_event events[256];
    const int count = ::epoll_wait(epoll_, events, 256, ready_.empty() ? milliseconds_left() : 0);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == 0)
        accept();
      else
        ready_.push_back(events[i].data.u64);
    }
  }

  int milliseconds_left() const {
    if (alarms_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(alarms_.top().first - Clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
  }

  void accept() {
    for (int batch = 0; batch < 64; ++batch) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause_accepting();
        if (would_block() || !accepting_) return;
        continue;
      }
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::uint64_t id = ++last_id_;
      peers_.try_emplace(id, socket, config_, static_cast<pop3::SessionId>(id));
      watch(socket, id, EPOLLIN | EPOLLOUT | EPOLLET);
      ready_.push_back(id);
    }
  }

  // Out of descriptors: the listener would be ready for ever, so it is not asked for a while. Alarm 0 is its own.
  void pause_accepting() {
    accepting_ = false;
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr);
    alarms_.push({Clock::now() + 100ms, 0});
  }
  void resume_accepting() {
    accepting_ = true;
    watch(listener_, 0, EPOLLIN);
  }

  void run(std::uint64_t id) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    Peer::Next next = Peer::again;
    for (int turns = 16; next == Peer::again && turns > 0; --turns) next = peer.turn();
    if (next == Peer::gone) {
      peers_.erase(found);
    } else {
      if (next == Peer::again) ready_.push_back(id);  // the others first
      set_alarm(peer, id);
    }
  }

  void set_alarm(Peer& peer, std::uint64_t id) {
    const TimePoint deadline = peer.deadline();
    if (deadline >= peer.alarm) return;
    peer.alarm = deadline;
    alarms_.push({deadline, id});
  }

  void run_due() {
    for (const TimePoint now = Clock::now(); !alarms_.empty() && alarms_.top().first <= now;) {
      const std::uint64_t id = alarms_.top().second;
      alarms_.pop();
      if (id == 0) {
        resume_accepting();
      } else if (const auto found = peers_.find(id); found != peers_.end()) {
        found->second.alarm = TimePoint::max();
        run(id);
      }
    }
  }

  const pop3::Config config_ = demo::config();
  int listener_, epoll_;
  bool accepting_ = true;
  std::uint64_t last_id_ = 0;  // 0 is the listener
  std::unordered_map<std::uint64_t, Peer> peers_;
  std::deque<std::uint64_t> ready_;
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> alarms_;
};

int listen_on(const std::string& host, const std::string& port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return -1;
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool listens = ::bind(fd, found->ai_addr, found->ai_addrlen) == 0 && ::listen(fd, SOMAXCONN) == 0;
  ::freeaddrinfo(found);
  return listens ? fd : -1;
}

void print_address(int listener) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &size);
  char host[NI_MAXHOST], port[NI_MAXSERV];
  ::getnameinfo(reinterpret_cast<sockaddr*>(&bound), size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
  const bool v6 = bound.ss_family == AF_INET6;
  std::printf("listening plain %s%s%s:%s\n", v6 ? "[" : "", host, v6 ? "]" : "", port);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:1110";
  const std::size_t colon = address.rfind(':');
  if (argc > 2 || colon == std::string::npos) {
    std::fprintf(stderr, "usage: epoll [HOST:PORT]\n");
    return 2;
  }
  std::string host = address.substr(0, colon);
  if (!host.empty() && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const int listener = listen_on(host, address.substr(colon + 1));
  if (listener < 0) {
    std::fprintf(stderr, "epoll: cannot listen on %s: %s\n", address.c_str(), std::strerror(errno));
    return 1;
  }
  print_address(listener);
  Server(listener).run();
}
