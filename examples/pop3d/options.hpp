// SPDX-License-Identifier: MIT
// The command line.
#ifndef POP3D_OPTIONS_HPP
#define POP3D_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "log.hpp"
#include "mailwire/ip_address.hpp"
#include "throttle.hpp"
#include "tls.hpp"
#include "tokens.hpp"

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
  unsigned workers = 1;
  std::size_t max_connections = 10'000;
  Throttle::Limits throttle;
  std::chrono::seconds login_delay{0};
  std::optional<std::uint32_t> expire;  // days; pop3::expire_never
  bool apop = false, utf8 = false;
  std::vector<std::string> mechanisms;  // those that may be offered; none = all that can work
  TokenSettings tokens;
  bool hash_password = false;  // do that, and that is all
  std::string scheme = "CRYPT", user;
  Level log_level = Level::info;
  std::string text;  // for --help and --version: print this, and that is all

  bool demo() const noexcept { return mail.empty(); }
  bool offers_tls() const noexcept { return demo() || !tls.certificates.empty(); }
};

// What was asked for makes no sense.
struct WrongUse : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Options parse_options(int argc, const char* const* argv);  // throws WrongUse

}  // namespace pop3d

#endif
