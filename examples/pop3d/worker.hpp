// SPDX-License-Identifier: MIT
// A thread of the server: its loop, its listening sockets, its connections, which never leave it.
#ifndef POP3D_WORKER_HPP
#define POP3D_WORKER_HPP

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "connection.hpp"
#include "descriptor.hpp"
#include "listener.hpp"
#include "loop.hpp"
#include "services.hpp"

namespace pop3d {

class Worker : private Watched {
 public:
  explicit Worker(Services& services) noexcept : services_(services) {}

  // Before run(): a socket that listens. Throws std::bad_alloc.
  void listen(Descriptor socket, bool tls);
  void run();  // until stop(), and until all connections are over
  // From any thread: nobody is let in any more. Idle connections end now, the others after some seconds.
  void stop();

  // For those who listen, and for connections.
  Services& services() noexcept { return services_; }
  Loop& loop() noexcept { return loop_; }
  void begin(Descriptor socket, const mailwire::IpEndpoint& peer, bool tls) noexcept;
  void end(Connection& connection) noexcept;

 private:
  void urge();
  void look_out_for_bursts();
  void on_ready(std::uint32_t) override {}
  void on_time() override;
  void on_turn() override {}

  Services& services_;
  Loop loop_;
  std::deque<Listener> listeners_;
  std::vector<std::unique_ptr<Connection>> connections_;  // each knows its place
  std::size_t most_ = 0;                                  // since pages were given back
  std::size_t tidied_ = 0;                                // how many there were when that was last intended
  std::size_t urged_ = 0;                                 // how often they were told to end
};

}  // namespace pop3d

#endif
