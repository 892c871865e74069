// SPDX-License-Identifier: MIT
// Listeners, event loops, signals.
#ifndef POP3D_SERVER_HPP
#define POP3D_SERVER_HPP

#include <memory>
#include <string>

#include "options.hpp"
#include "reloadable.hpp"
#include "store.hpp"
#include "tls.hpp"
#include "users.hpp"

namespace pop3d {

class Server {
 public:
  // What is loaded now is loaded again at SIGHUP, but for the demo, which has no files: SIGHUP ends it as usual.
  Server(const Options& options, Reloadable<Users>::Load users, std::unique_ptr<Store> store,
         Reloadable<TlsContext>::Load tls);
  ~Server();

  // Listens on all addresses of the host; returns them as "HOST:PORT". Throws std::runtime_error.
  std::vector<std::string> listen(const Listen& where);
  void run();  // until SIGTERM or SIGINT came and all connections are over

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace pop3d

#endif
