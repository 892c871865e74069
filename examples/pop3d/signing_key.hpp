// SPDX-License-Identifier: MIT
// Public keys that check what others have signed. Each takes only the algorithms of its own type (RFC 8725, 3.1):
//
//   RSA, from 2048 bits on     RS256 RS384 RS512 PS256 PS384 PS512   (RFC 7518)
//   P-256, P-384               ES256, ES384                          (RFC 7518)
//   Ed25519                    EdDSA                                 (RFC 8037)
#ifndef POP3D_SIGNING_KEY_HPP
#define POP3D_SIGNING_KEY_HPP

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pop3d {

// Does not change: all threads may use it at once.
class SigningKey {
 public:
  enum class Type : std::uint8_t { rsa, p256, p384, ed25519 };

  // Every key of a file, at least one: PEM (public keys; certificates, whose dates and issuers are not looked at), or
  // JSON (a JWK or a set of them, RFC 7517, of which keys for other purposes or of other types are left out). What is
  // wrong throws std::runtime_error with the file's name.
  static std::vector<SigningKey> read(const std::string& path);
  static std::vector<SigningKey> parse(const std::string& text, const std::string& name);

  // Either has none, or they are equal. That is all that a key's id is for: it never names a file or an address.
  bool has_id(const std::string* id) const { return id == nullptr || !id_ || *id_ == *id; }
  bool takes(std::string_view algorithm) const noexcept;
  // The signature as RFC 7518 writes it. Leaves no error in OpenSSL's queue.
  bool verify(std::string_view algorithm, std::string_view text, std::string_view signature) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  };
  using Handle = std::unique_ptr<EVP_PKEY, Free>;
  friend class KeyReader;

  SigningKey(Handle key, Type type) : key_(std::move(key)), type_(type) {}

  Handle key_;
  Type type_;
  std::optional<std::string> id_;  // kid
  std::string algorithm_;          // empty = all of its type
};

}  // namespace pop3d

#endif
