// SPDX-License-Identifier: MIT
// What all connections share, whatever thread they are on.
#ifndef POP3D_SERVICES_HPP
#define POP3D_SERVICES_HPP

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "asio.hpp"
#include "last_login.hpp"
#include "log.hpp"
#include "pop3/config.hpp"
#include "pop3/types.hpp"
#include "proxy.hpp"
#include "reloadable.hpp"
#include "store.hpp"
#include "throttle.hpp"
#include "tls.hpp"
#include "tokens.hpp"
#include "users.hpp"

namespace pop3d {

struct Services {
  std::string hostname;
  bool apop;
  std::size_t max_connections;
  Reloadable<Users> users;
  Reloadable<Tokens> tokens;        // null: none are taken
  Reloadable<TlsContext> tls;       // null: there is none
  Reloadable<pop3::Config> config;  // made of the others
  std::unique_ptr<Store> store;
  Log log;
  Networks proxies;        // whose connections begin with a PROXY header
  ClientName client_name;  // a PROXY header has the CN only
  Throttle throttle;
  LastLogin last_login;
  asio::thread_pool blocking;  // for files that are not in memory
  asio::thread_pool hashing;   // password checks: guesses must not hold up those who are logged in
  std::atomic<std::size_t> connections = 0;
  std::atomic<pop3::SessionId> last_id = 0;
};

}  // namespace pop3d

#endif
