// SPDX-License-Identifier: MIT
// The command line.
#ifndef POP3D_OPTIONS_HPP
#define POP3D_OPTIONS_HPP

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "log.hpp"
#include "mailwire/ip_address.hpp"
#include "tls.hpp"

namespace pop3d {

struct Listen {
  std::string host, port;
  bool tls;
};

struct Options {
  std::vector<Listen> listen;
  std::string mail, users;  // no `mail` = the demo
  TlsSettings tls;
  std::string hostname;
  bool allow_plaintext = false;
  std::vector<mailwire::IpNetwork> proxies;
  unsigned threads = 1;
  std::size_t max_connections = 10'000;
  Level log_level = Level::info;
  std::string text;  // for --help and --version: print this, and that is all

  bool demo() const noexcept { return mail.empty(); }
};

// What was asked for makes no sense.
struct WrongUse : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Options parse_options(int argc, const char* const* argv);  // throws WrongUse

}  // namespace pop3d

#endif
