// SPDX-License-Identifier: MIT
// Passwords as they are kept, "{SCHEME}...", as Dovecot writes them:
//
//   {PLAIN} {CLEARTEXT}          the password itself; {PLAIN.b64} in base64, {PLAIN.hex} in hexadecimal
//   {CRYPT}, or no {SCHEME}      yescrypt, scrypt, bcrypt, SHA-512 and SHA-256 crypt, as libxcrypt knows them
//   {BLF-CRYPT} {SHA512-CRYPT} {SHA256-CRYPT}
//   {ARGON2ID} {ARGON2I}         the text form of libsodium
//   {SCRAM-SHA-256} {SCRAM-SHA-1}
//                                iterations,salt,stored key,server key, the last three in base64
//
// Older ones (DES, MD5, unsalted SHA) are refused. Names of schemes ignore case.
#ifndef POP3D_PASSWORD_HPP
#define POP3D_PASSWORD_HPP

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mailwire/scram.hpp"
#include "secret_text.hpp"

namespace pop3d {

class StoredPassword {
 public:
  // Throws std::invalid_argument, which quotes nothing of the field.
  static StoredPassword parse(std::string_view field);
  static StoredPassword of_plain(std::string_view password);

  // `password` is prepared (saslprep). Takes the time that the scheme takes, whatever the answer is.
  bool matches(std::string_view password) const;
  bool is_quick() const noexcept { return plain().has_value(); }  // some microseconds at most

  std::optional<std::string_view> plain() const noexcept;                             // only if it is kept so
  const mailwire::OwnScramKeys* scram_keys(mailwire::ScramHash hash) const noexcept;  // null = not kept

 private:
  struct Plain {
    SecretText password;
    std::array<unsigned char, 32> digest;  // so that comparing tells nothing, no length either
    bool matches(std::string_view other) const;
  };
  struct Crypt {
    std::string hash;
    bool matches(std::string_view password) const;
  };
  struct Argon2 {
    std::string hash;
    bool matches(std::string_view password) const;
  };
  struct Scram {
    mailwire::ScramHash hash;
    mailwire::OwnScramKeys keys;
    bool matches(std::string_view password) const;
  };
  using Form = std::variant<Plain, Crypt, Argon2, Scram>;
  static Form parse(std::string_view scheme, std::string_view secret);
  static Form parse_plain(std::string_view encoding, std::string_view secret);
  static Form parse_crypt(std::string_view scheme, std::string_view secret);
  static Form parse_argon2(std::string_view secret);
  static Form parse_scram(mailwire::ScramHash hash, std::string_view secret);

  explicit StoredPassword(Form form) : form_(std::move(form)) {}

  Form form_;
};

// The field for a password that is prepared (saslprep), with a new salt. Throws std::invalid_argument.
std::string make_password_field(std::string_view scheme, std::string_view password);
inline constexpr std::string_view password_schemes = "CRYPT, SHA512-CRYPT, BLF-CRYPT, ARGON2ID, SCRAM-SHA-256";

// mailwire::make_scram_keys() with OpenSSL's PBKDF2, which is faster. Throws std::runtime_error.
mailwire::OwnScramKeys derive_scram_keys(mailwire::ScramHash hash, std::string_view password, std::string_view salt,
                                         unsigned iterations);

// A number that only this process knows: a keyed hash of `text`.
std::array<unsigned char, 32> process_digest(std::string_view purpose, std::string_view text);

}  // namespace pop3d

#endif
