// SPDX-License-Identifier: MIT
#include "worker.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "heap.hpp"

namespace pop3d {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t burst = 512;  // connections that have come, or are over: their memory is worth a look
constexpr auto calm = 500ms;
}  // namespace

void Worker::listen(Descriptor socket, bool tls) { listeners_.emplace_back(*this, std::move(socket), tls); }

void Worker::run() { loop_.run(); }

void Worker::begin(Descriptor socket, const mailwire::IpEndpoint& peer, bool tls) noexcept {
  const bool refused = ++services_.connections > services_.max_connections;
  try {
    look_out_for_bursts();
    auto made = std::make_unique<Connection>(*this, std::move(socket), peer, ++services_.last_id, tls);
    Connection& connection = *made;
    connection.place = connections_.size();
    connections_.push_back(std::move(made));
    most_ = std::max(most_, connections_.size());
    connection.begin(refused);
  } catch (const std::bad_alloc&) {  // it never was
    --services_.connections;
  }
}

void Worker::end(Connection& connection) noexcept {
  --services_.connections;
  connection.close();
  const std::size_t place = connection.place;
  std::swap(connections_[place], connections_.back());
  connections_[place]->place = place;
  loop_.discard(std::move(connections_.back()));
  connections_.pop_back();
  if (most_ >= burst && connections_.size() < most_ / 2) {
    most_ = tidied_ = connections_.size();
    connections_.shrink_to_fit();
    give_pages_back();
  }
  if (urged_ > 0 && connections_.empty()) loop_.stop();
}

// Many who have logged in at once, and waited for the disk together, leave holes in the heap.
void Worker::look_out_for_bursts() {
  if (urged_ > 0 || connections_.size() < tidied_ + burst) return;
  loop_.set_timer(*this, Clock::now() + calm);
  tidied_ = connections_.size();
}

void Worker::on_time() {
  if (urged_ > 0)
    urge();
  else
    give_pages_back();
}

void Worker::stop() {
  loop_.post([this] {
    for (Listener& listener : listeners_) listener.close();
    urge();
  });
}

// From the last one on: those who end meanwhile leave their places to others who have been told.
void Worker::urge() {
  using Stop = Connection::Stop;
  static constexpr std::pair<Stop, std::chrono::seconds> steps[] = {
      {Stop::when_idle, 5s}, {Stop::now, 1s}, {Stop::at_once, 1s}};
  const auto [how, patience] = steps[std::min(urged_++, std::size(steps) - 1)];
  for (std::size_t i = connections_.size(); i-- > 0;) connections_[i]->stop(how);
  if (connections_.empty()) return loop_.stop();
  loop_.set_timer(*this, Clock::now() + patience);
}

}  // namespace pop3d
