// SPDX-License-Identifier: MIT
// Whether the digest that a client of APOP (RFC 1939, 7) or CRAM-MD5 (RFC 2195, 2) sent is right. Optional: nothing
// else of the library includes it.
//
// Both use MD5, and both need the secret itself on the server. A server that a client talks to by mistake can learn a
// password from APOP digests (CVE-2007-1558). Offer them only to clients that know nothing better.
#ifndef POP3_DIGEST_HPP
#define POP3_DIGEST_HPP

#include <array>
#include <string_view>

#include "../mailwire/hmac.hpp"
#include "../mailwire/md5.hpp"
#include "../mailwire/secret.hpp"

namespace pop3 {
inline namespace v1 {

using HexDigest = std::array<char, 32>;  // lower-case hexadecimal

// What a client that knows `secret` answers to the APOP challenge (with its angle brackets): MD5 of both.
inline HexDigest apop_digest(std::string_view challenge, std::string_view secret) noexcept {
  mailwire::Md5 md5;
  md5.add(challenge);
  md5.add(secret);
  return mailwire::to_hex(md5.finish());
}
// Whether `digest` is that answer; takes the same time wherever the first difference is.
inline bool apop_matches(std::string_view challenge, std::string_view secret, std::string_view digest) noexcept {
  return mailwire::equals_in_constant_time(mailwire::as_view(apop_digest(challenge, secret)), digest);
}

// The same for CRAM-MD5: HMAC-MD5 of the challenge, keyed with the secret.
inline HexDigest cram_md5_digest(std::string_view challenge, std::string_view secret) noexcept {
  return mailwire::to_hex(mailwire::hmac<mailwire::Md5>(secret, challenge));
}
inline bool cram_md5_matches(std::string_view challenge, std::string_view secret, std::string_view digest) noexcept {
  return mailwire::equals_in_constant_time(mailwire::as_view(cram_md5_digest(challenge, secret)), digest);
}

}  // namespace v1
}  // namespace pop3

#endif
