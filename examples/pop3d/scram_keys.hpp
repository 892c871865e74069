// SPDX-License-Identifier: MIT
// What a server keeps of a password for SCRAM (RFC 5802, 3).
#ifndef POP3D_SCRAM_KEYS_HPP
#define POP3D_SCRAM_KEYS_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pop3d {

enum class ScramHash : std::uint8_t { sha1, sha256 };

struct ScramKeys {
  unsigned iterations = 0;
  std::string salt, stored_key, server_key;  // octets
};

constexpr std::size_t size_of(ScramHash hash) noexcept { return hash == ScramHash::sha1 ? 20 : 32; }

// The password is prepared already. Takes its time. Throws std::runtime_error.
ScramKeys derive_scram_keys(ScramHash hash, std::string_view password, std::string salt, unsigned iterations);

}  // namespace pop3d

#endif
