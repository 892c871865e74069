// SPDX-License-Identifier: MIT
// The demo maildrop for thousands of connections on one thread: epoll [HOST:PORT]
//
// The driver is in epoll.hpp.
#include "epoll.hpp"

#include <sys/random.h>

#include <string_view>

#include "demo.hpp"

namespace {

class World {
 public:
  struct App : demo::App {
    explicit App(const World&) {}
  };

  const pop3::Config& config() const { return config_; }
  // A nonce that is new for every connection: challenges are made of it. Empty, and SCRAM is not offered, where there
  // is no randomness.
  pop3::Connection connection() {
    const ssize_t n = ::getrandom(nonce_, sizeof nonce_, 0);
    pop3::Connection connection;
    if (n == static_cast<ssize_t>(sizeof nonce_)) connection.nonce = std::string_view(nonce_, sizeof nonce_);
    return connection;
  }

 private:
  const pop3::Config config_ = demo::config();
  char nonce_[16] = {};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) {
    std::fprintf(stderr, "usage: epoll [HOST:PORT]\n");
    return 2;
  }
  World world;
  return epoll::serve(argc > 1 ? argv[1] : "127.0.0.1:1110", world);
}
