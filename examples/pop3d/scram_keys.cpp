// SPDX-License-Identifier: MIT
#include "scram_keys.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>
#include <utility>

#include "mailwire/secret.hpp"

namespace pop3d {
namespace {

const EVP_MD* algorithm(ScramHash hash) { return hash == ScramHash::sha1 ? EVP_sha1() : EVP_sha256(); }

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void need(bool worked) {
  if (!worked) throw std::runtime_error("SCRAM keys cannot be derived");
}

std::string hmac(ScramHash hash, const std::string& key, std::string_view text) {
  std::string result(size_of(hash), '\0');
  need(HMAC(algorithm(hash), key.data(), static_cast<int>(key.size()), octets(text), text.size(), octets(result),
            nullptr) != nullptr);
  return result;
}

std::string digest(ScramHash hash, std::string_view text) {
  std::string result(size_of(hash), '\0');
  need(EVP_Digest(text.data(), text.size(), octets(result), nullptr, algorithm(hash), nullptr) == 1);
  return result;
}

}  // namespace

ScramKeys derive_scram_keys(ScramHash hash, std::string_view password, std::string salt, unsigned iterations) {
  std::string salted(size_of(hash), '\0');
  need(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets(std::string_view(salt)),
                         static_cast<int>(salt.size()), static_cast<int>(iterations), algorithm(hash),
                         static_cast<int>(salted.size()), octets(salted)) == 1);
  std::string client_key = hmac(hash, salted, "Client Key");
  ScramKeys keys{iterations, std::move(salt), digest(hash, client_key), hmac(hash, salted, "Server Key")};
  for (std::string* const secret : {&salted, &client_key}) mailwire::wipe(secret->data(), secret->size());
  return keys;
}

}  // namespace pop3d
