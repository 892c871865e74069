// SPDX-License-Identifier: MIT
// TLS settings: 1.2 and 1.3, the "intermediate" ciphers of Mozilla, no renegotiation.
#ifndef POP3D_TLS_HPP
#define POP3D_TLS_HPP

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace pop3d {

struct FreeTls {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  void operator()(SSL* connection) const noexcept { SSL_free(connection); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTls>;

// With a certificate chain and its key from PEM files.
TlsContext make_tls(const std::string& certificate, const std::string& key);
// With a certificate that is made now and kept in memory, for people who try things out.
TlsContext make_demo_tls(const std::string& hostname);
// All throw std::runtime_error.

}  // namespace pop3d

#endif
