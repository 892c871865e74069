// SPDX-License-Identifier: MIT
// Connections that come from a proxy: from whom one is believed, and the PROXY header in front of everything else.
#ifndef POP3D_PROXY_HPP
#define POP3D_PROXY_HPP

#include <sys/socket.h>

#include <string_view>
#include <vector>

#include "log.hpp"
#include "mailwire/proxy_header.hpp"
#include "stream.hpp"

namespace pop3d {

using Networks = std::vector<mailwire::IpNetwork>;

// Whether this peer has to send a header. One without an address could be anybody.
bool is_proxy(const Networks& proxies, const mailwire::IpAddress& address) noexcept;

// What accept() tells; nothing if that is no address of the Internet.
mailwire::IpEndpoint endpoint_of(const sockaddr_storage& storage) noexcept;

// Reads the header from a non-blocking socket and leaves there what follows it: a ClientHello, a first command.
class ProxyReader {
 public:
  explicit ProxyReader(int socket) noexcept : socket_(socket) {}

  // To be called until it is `done`. `end`: the peer hung up before. `failed`: no header, see reason().
  Tried read() noexcept;
  // Why there is no header, after the last result of read().
  std::string_view reason(Tried::Result last) const noexcept;

  // Once read() is done: whose connection it is, `peer` when the header does not say.
  mailwire::IpEndpoint client(const mailwire::IpEndpoint& peer) const noexcept;
  // The proxy has ended the client's TLS; the name in the client's certificate, if it was checked.
  bool encrypted() const noexcept;
  std::string_view identity() const noexcept;
  // The header has a word on the client's TLS, so the proxy would have ended it. Not where it speaks for itself.
  bool tells_of_tls() const noexcept;
  void add_facts(LogLine& line) const;

 private:
  int socket_;
  mailwire::ProxyParser parser_;
};

}  // namespace pop3d

#endif
