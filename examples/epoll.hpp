// SPDX-License-Identifier: MIT
// A driver for thousands of connections on one thread, with nothing but epoll.
//
// Only peers that are ready or due are run. "Ready" are those that epoll names and those that used up their turn.
// epoll is edge-triggered: a peer goes on until the socket has no more, and a read or write that moved fewer octets
// than it could is known to be the last (epoll(7)), so no system call is made that is bound to fail. "Due" are those
// at the front of an ordered set of alarms. An alarm is moved only when it would come too late, since deadlines mostly
// move on; one that comes too early just looks again.
#ifndef EXAMPLES_EPOLL_HPP
#define EXAMPLES_EPOLL_HPP

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pop3/dispatch.hpp"
#include "pop3/session.hpp"

namespace epoll {

using Clock = std::chrono::steady_clock;
using pop3::TimePoint;
using namespace std::chrono_literals;

inline bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

template <class App, class = void>
struct Promises : std::false_type {};
template <class App>
struct Promises<App, std::void_t<decltype(std::declval<App&>().send_promised(0, std::size_t{0}))>> : std::true_type {};

// One connection. `World` is what the sessions share:
//   World::App                       answers for one session (see pop3::dispatch), made as App(world). If it promises
//                                    bodies: ssize_t send_promised(int socket, std::size_t octets), as sendfile() does
//   const pop3::Config& config()
//   pop3::Connection connection()    what the next session begins with; its id is set here
template <class World>
class Peer {
 public:
  enum Next { again, wait, gone };

  Peer(int socket, World& world, pop3::Connection connection)
      : socket_(socket), session_(world.config(), std::move(connection)), app_(world) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { ::close(socket_); }

  // What epoll has seen.
  void note(std::uint32_t events) {
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) ends_ = true;
    if (events & EPOLLHUP) hung_up_ = true;
  }

  // One turn: decide, then move octets once.
  Next turn(TimePoint now) {
    if (goodbye_ != TimePoint::max()) return linger(now);
    pop3::dispatch(session_, now, app_);
    if (session_.finished()) return say_goodbye(now);
    pop3::ConstBuffer runs[4];
    const std::size_t count = session_.gather(runs, 4);
    const std::size_t promised = Promises<App>::value ? session_.promised_output() : 0;
    if (count > 0) return send(runs, count, promised > 0);
    if (promised > 0) return send_promised(promised);
    if (readable_ && session_.wants_input()) return receive();
    session_.trim();  // who waits holds no buffers
    return wait;
  }
  TimePoint deadline() const { return std::min(goodbye_, session_.deadline().value_or(TimePoint::max())); }

  TimePoint alarm = TimePoint::max();  // the one that is set

 private:
  using App = typename World::App;

  Next send(const pop3::ConstBuffer* runs, std::size_t count, bool more_follows) {
    iovec parts[4];
    std::size_t octets = 0;
    for (std::size_t i = 0; i < count; octets += runs[i].size, ++i)
      parts[i] = {const_cast<char*>(runs[i].data), runs[i].size};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    return sent(::sendmsg(socket_, &message, more_follows ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL), octets);
  }
  Next send_promised(std::size_t octets) {
    if constexpr (Promises<App>::value) {
      const ssize_t n = app_.send_promised(socket_, octets);
      if (n == 0) session_.disconnect();  // the file is shorter than it was
      return sent(n, octets);
    } else {
      return wait;
    }
  }
  Next sent(ssize_t n, std::size_t octets) {
    session_.consume_output(n > 0 ? static_cast<std::size_t>(n) : 0);
    if (n < 0 && errno != EINTR && !would_block()) session_.disconnect();
    if (n == 0) return again;
    const bool full = n < 0 ? would_block() : static_cast<std::size_t>(n) < octets;
    return full ? wait : again;
  }
  Next receive() {
    const auto room = session_.input_buffer();
    const ssize_t n = ::recv(socket_, room.data, room.size, 0);
    session_.commit_input(n > 0 ? static_cast<std::size_t>(n) : 0);
    if (n == 0) session_.end_of_input();
    if (n < 0 && errno == EINTR) return again;
    if (n < 0 && !would_block()) session_.disconnect();
    if (n < 0 || static_cast<std::size_t>(n) < room.size)
      readable_ = ends_ && n >= 0;  // the end is read after the rest
    return again;
  }
  // A socket that is closed while octets are unread resets the connection, and the last reply may be lost. So the peer
  // has a second to hang up.
  Next say_goodbye(TimePoint now) {
    ::shutdown(socket_, SHUT_WR);
    goodbye_ = now + 1s;
    return readable_ || hung_up_ ? again : wait;
  }
  Next linger(TimePoint now) {
    if (hung_up_ || now >= goodbye_) return gone;  // hung up: both sides have said that this was all
    char nowhere[4096];
    const ssize_t n = ::recv(socket_, nowhere, sizeof nowhere, 0);
    if (n > 0) return again;
    return n < 0 && would_block() ? wait : gone;
  }

  int socket_;
  bool readable_ = false, ends_ = false, hung_up_ = false;
  pop3::Session session_;
  App app_;
  TimePoint goodbye_ = TimePoint::max();
};

template <class World>
class Server {
 public:
  Server(int listener, World& world) : world_(world), listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener_, EPOLLIN);
  }

  void run() {
    for (;;) {
      wait();
      run_due();
      for (std::size_t turns = ready_.size(); turns > 0; --turns) {
        const int socket = ready_.front();
        ready_.pop_front();
        run(socket);
      }
    }
  }

 private:
  using Peer = epoll::Peer<World>;
  using Alarm = std::pair<TimePoint, int>;  // when, who

  void watch(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  // A descriptor that was closed and given out again among these events is told more than what happened to it, which
  // does no harm.
  void wait() {
    epoll_event events[256];
    const int count = ::epoll_wait(epoll_, events, 256, ready_.empty() ? milliseconds_left() : 0);
    now_ = Clock::now();
    for (int i = 0; i < count; ++i) {
      const int socket = events[i].data.fd;
      if (socket == listener_) {
        accept(count);
      } else if (Peer* const peer = find(socket)) {
        peer->note(events[i].events);
        ready_.push_back(socket);
      }
    }
  }

  int milliseconds_left() const {
    if (alarms_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(alarms_.begin()->first - Clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
  }

  Peer* find(int socket) const {
    const auto index = static_cast<std::size_t>(socket);
    return index < peers_.size() ? peers_[index].get() : nullptr;
  }

  // The more is going on, the more are taken at a time: one that is not there costs a system call, one that has to wait
  // for the next round does not.
  void accept(int busy) {
    for (int batch = 1 + busy / 4; batch > 0; --batch) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause_accepting();
        if (would_block() || !accepting_) return;
        continue;
      }
      pop3::Connection connection = world_.connection();
      connection.id = ++last_id_;
      if (static_cast<std::size_t>(socket) >= peers_.size()) peers_.resize(static_cast<std::size_t>(socket) + 1);
      peers_[static_cast<std::size_t>(socket)] = std::make_unique<Peer>(socket, world_, std::move(connection));
      watch(socket, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
      ready_.push_back(socket);
    }
  }

  // Out of descriptors: the listener would be ready for ever, so it is not asked for a while. It has an alarm, too.
  void pause_accepting() {
    accepting_ = false;
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr);
    alarms_.insert({now_ + 100ms, listener_});
  }
  void resume_accepting() {
    accepting_ = true;
    watch(listener_, EPOLLIN);
  }

  void run(int socket) {
    Peer* const peer = find(socket);
    if (peer == nullptr) return;
    auto next = Peer::again;
    for (int turns = 16; next == Peer::again && turns > 0; --turns) next = peer->turn(now_);
    if (next == Peer::gone) {
      alarms_.erase({peer->alarm, socket});
      peers_[static_cast<std::size_t>(socket)].reset();
    } else {
      if (next == Peer::again) ready_.push_back(socket);  // the others first
      set_alarm(*peer, socket);
    }
  }

  void set_alarm(Peer& peer, int socket) {
    const TimePoint deadline = peer.deadline();
    if (deadline >= peer.alarm) return;
    alarms_.erase({peer.alarm, socket});
    peer.alarm = deadline;
    alarms_.insert({deadline, socket});
  }

  void run_due() {
    while (!alarms_.empty() && alarms_.begin()->first <= now_) {
      const int socket = alarms_.begin()->second;
      alarms_.erase(alarms_.begin());
      if (Peer* const peer = find(socket)) {
        peer->alarm = TimePoint::max();
        run(socket);
      } else if (socket == listener_) {
        resume_accepting();
      }
    }
  }

  World& world_;
  int listener_, epoll_;
  bool accepting_ = true;
  pop3::SessionId last_id_ = 0;
  TimePoint now_ = Clock::now();              // of this round
  std::vector<std::unique_ptr<Peer>> peers_;  // by descriptor
  std::deque<int> ready_;
  std::set<Alarm> alarms_;  // one at most for each peer
};

inline int listen_on(const std::string& host, const std::string& port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return -1;
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // Linux hands it on to what is accepted
  const bool listens = ::bind(fd, found->ai_addr, found->ai_addrlen) == 0 && ::listen(fd, SOMAXCONN) == 0;
  ::freeaddrinfo(found);
  return listens ? fd : -1;
}

inline void print_address(int listener) {
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

// Serves at HOST:PORT for ever; returns if that cannot be, says why, and gives an exit status.
template <class World>
int serve(const std::string& address, World& world) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    std::fprintf(stderr, "epoll: %s is not of the form HOST:PORT\n", address.c_str());
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
  Server<World>(listener, world).run();
  return 0;
}

}  // namespace epoll

#endif
