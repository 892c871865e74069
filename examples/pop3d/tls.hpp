// SPDX-License-Identifier: MIT
// TLS settings: 1.2 and 1.3, the "intermediate" recommendation of Mozilla (6.0), no renegotiation.
#ifndef POP3D_TLS_HPP
#define POP3D_TLS_HPP

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pop3d {

// The part of a client certificate that names the user.
enum class ClientName : std::uint8_t {
  common_name,  // CN of the subject
  user_id,      // UID of the subject (RFC 4519)
  email,        // rfc822Name of the subjectAltName
};

struct TlsSettings {
  struct Files {
    std::string certificate, key;  // PEM, the chain behind the certificate
  };
  std::vector<Files> certificates;  // none: one is made now and kept in memory, for people who try things out
  std::string hostname;             // of the certificate that is made
  std::string client_ca;            // PEM: clients may show a certificate from these. Empty: they are not asked
  bool needs_client_certificate = false;
  ClientName client_name = ClientName::common_name;
};

// What is known of one connection after its handshake.
struct TlsDetails {
  std::string version, cipher;
  std::string sni, alpn;  // empty: none
  std::string identity;   // of the client certificate; empty: none that was checked, or it does not name one user
};

struct FreeTls {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  void operator()(SSL* connection) const noexcept { SSL_free(connection); }
};

// Certificates, keys and rules. Never changes: to load files again, make another one. It has to outlive its
// connections, which go on with it. Each has ticket keys of its own, so a session of TLS cannot be resumed with
// another.
class TlsContext {
 public:
  explicit TlsContext(const TlsSettings& settings);  // throws std::runtime_error
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  std::unique_ptr<SSL, FreeTls> connection() const;  // throws std::bad_alloc
  TlsDetails details(const SSL* connection) const;

 private:
  int choose(SSL* connection) const;
  bool show_all_for(SSL* connection, const std::string& name, unsigned flags) const;

  // Each has one certificate. The first, which is the default, makes the connections.
  std::vector<std::unique_ptr<SSL_CTX, FreeTls>> contexts_;
  ClientName client_name_;
};

// The channel binding data of "tls-exporter" (RFC 9266), "tls-server-end-point" or "tls-unique" (RFC 5929). Empty where
// there are none: the type is unknown, or not safe or not defined for this connection.
std::string channel_binding(SSL* connection, std::string_view type);

}  // namespace pop3d

#endif
