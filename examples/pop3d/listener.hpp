// SPDX-License-Identifier: MIT
// A socket that listens.
#ifndef POP3D_LISTENER_HPP
#define POP3D_LISTENER_HPP

#include <cstdint>

#include "descriptor.hpp"
#include "loop.hpp"

namespace pop3d {

class Worker;

// Accepts. Without descriptors, or far over the limit, the next ones wait in the kernel for a moment.
class Listener : public Watched {
 public:
  Listener(Worker& worker, Descriptor socket, bool tls);
  void close() noexcept;

 private:
  void on_ready(std::uint32_t events) override;
  void on_time() override;
  void on_turn() override {}
  bool accept_one();
  void pause();

  Worker& worker_;
  Descriptor socket_;
  const bool tls_;
  bool told_ = false;             // the log knows that there are no descriptors
  std::uint64_t last_round_ = 0;  // when there was somebody
  int batch_ = 1;
};

}  // namespace pop3d

#endif
