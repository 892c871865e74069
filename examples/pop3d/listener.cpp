// SPDX-License-Identifier: MIT
#include "listener.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "worker.hpp"

namespace pop3d {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t refused_at_once = 64;  // connections over the limit that are told so at the same time
constexpr int most_at_once = 64;             // accepted before others have their turn
constexpr auto accept_pause = 100ms;

bool is_out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Listener::Listener(Worker& worker, Descriptor socket, bool tls)
    : worker_(worker), socket_(std::move(socket)), tls_(tls) {
  if (!worker.loop().watch(socket_.get(), *this, EPOLLIN)) throw std::bad_alloc();
}

void Listener::close() noexcept {
  worker_.loop().clear_timer(*this);
  socket_.reset();
}

// Mostly one is there, and to ask for more would be in vain. Where more come than that, they are taken in ever larger
// batches.
void Listener::on_ready(std::uint32_t) {
  const std::uint64_t round = worker_.loop().round();
  batch_ = round == last_round_ + 1 ? std::min(2 * batch_, most_at_once) : 1;
  last_round_ = round;
  for (int i = 0; i < batch_ && socket_; ++i)
    if (!accept_one()) return;
}

bool Listener::accept_one() {
  sockaddr_storage peer;
  socklen_t size = sizeof peer;
  Descriptor socket(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  Services& services = worker_.services();
  if (!socket && is_out_of_resources(errno)) {
    if (!std::exchange(told_, true)) LogLine(services.log, Level::warning, "accept").add("what", std::strerror(errno));
    pause();
  }
  if (!socket) return false;  // none is there, or it is gone again already
  told_ = false;
  worker_.begin(std::move(socket), endpoint_of(peer), tls_);
  if (services.connections >= services.max_connections + refused_at_once) pause();
  return true;
}

void Listener::pause() {
  worker_.loop().watch_for(socket_.get(), *this, 0);
  worker_.loop().set_timer(*this, Clock::now() + accept_pause);
}

void Listener::on_time() {
  const Services& services = worker_.services();
  if (services.connections >= services.max_connections + refused_at_once) return pause();
  worker_.loop().watch_for(socket_.get(), *this, EPOLLIN);
}

}  // namespace pop3d
