// SPDX-License-Identifier: MIT
// The client's side of SCRAM, for tests of the server's.
#ifndef TESTS_SCRAM_HPP
#define TESTS_SCRAM_HPP

#include <string>
#include <string_view>

#include <mailwire/base64.hpp>
#include <mailwire/scram.hpp>

namespace tests {

inline std::string encoded(std::string_view octets) {
  mailwire::ByteBuffer buffer;
  mailwire::append_base64(buffer, octets);
  return std::string(buffer.view());
}
// "" when it is no BASE64.
inline std::string decoded(std::string text) {
  const auto size = mailwire::base64_decode(text, text.data());
  return text.substr(0, size.value_or(0));
}

// The final message of a client, made from the keys that the password gives (RFC 5802, 3).
template <class Hash>
std::string scram_client_final(const std::string& password, const std::string& bare, const std::string& challenge,
                               const std::string& salt, std::uint32_t iterations, const std::string& without_proof) {
  using mailwire::as_view;
  const auto salted = mailwire::pbkdf2<Hash>(password, salt, iterations);
  const auto client_key = mailwire::hmac<Hash>(as_view(salted), "Client Key");
  const auto stored_key = mailwire::hash_of<Hash>(as_view(client_key));
  auto proof = mailwire::hmac<Hash>(as_view(stored_key), bare + ',' + challenge + ',' + without_proof);
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  return without_proof + ",p=" + encoded(as_view(proof));
}

}  // namespace tests

#endif
