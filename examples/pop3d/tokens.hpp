// SPDX-License-Identifier: MIT
// Bearer tokens (RFC 6750): JSON Web Tokens (RFC 7519) that somebody else signs. They are checked here, nobody is
// asked, so a token is good until it expires. What RFC 8725 recommends is done:
//
//   - a key decides which algorithms there are, the token only chooses among them: no "none", no HS256
//   - the token's addresses and keys (jku, x5u, jwk, x5c) are not looked at, its kid is only compared
//   - issuer, audience and expiry have to be there and right
//   - a token that is made for something else, as its "typ" tells, is refused
#ifndef POP3D_TOKENS_HPP
#define POP3D_TOKENS_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signing_key.hpp"

namespace pop3d {

struct TokenSettings {
  std::vector<std::string> keys;  // files; none: no token is ever accepted
  std::string issuer, audience;
  // The claim that names the user. An "email" that comes with "email_verified": false names nobody.
  std::string user_claim = "email";
  std::string scope;  // words that have to be in the claim "scope"; empty: it is not looked at

  bool wanted() const noexcept { return !keys.empty(); }
};

// RFC 6749, 3.3: words with a space between them, in characters that JSON takes as they are.
bool is_scope(std::string_view text) noexcept;

// One reading of the files: it does not change, so all threads may use it at once.
class Tokens {
 public:
  static constexpr std::size_t longest = 10 * 1024;  // octets of a token
  static constexpr std::int64_t leeway = 60;         // seconds that clocks may differ (RFC 7519, 4.1.4)

  // A client gets the same answer to all but the first; the others are for the log. Whatever stands before
  // `wrong_issuer` is found out without trusting the token; from there on the issuer's key has signed it.
  enum class Verdict : std::uint8_t {
    accepted,
    malformed,        // no token, or an unknown "crit", a claim of the wrong type, no expiry
    wrong_type,       // "typ" is neither "JWT" nor "at+jwt" (RFC 9068)
    unknown_key,      // no key has this kid
    wrong_algorithm,  // the key does not take this one
    wrong_signature,
    wrong_issuer,
    wrong_audience,
    expired,
    not_yet,
    wrong_scope,
    no_user,  // the claim is missing, or nobody can be called so
  };
  struct Checked {
    Verdict verdict;
    std::string user;  // prepared as `prepare_user` does; empty unless accepted
  };

  // What is wrong throws std::runtime_error (std::system_error).
  static Tokens read(const TokenSettings& settings);

  // `now_unix`: seconds since 1970, UTC. Takes 0.1 ms with RSA and P-256, 1 ms and more with P-384. Throws nothing but
  // std::bad_alloc.
  Checked check(std::string_view token, std::int64_t now_unix) const;
  std::optional<std::string> user_of(std::string_view token, std::int64_t now_unix) const;

  // For clients: RFC 7628, 3.2.2. It needs no quoting in JSON.
  const std::string& scope() const noexcept { return settings_.scope; }

 private:
  struct Parts;
  struct Claims;

  Tokens(TokenSettings settings, std::vector<SigningKey> keys)
      : settings_(std::move(settings)), keys_(std::move(keys)) {}
  Verdict check_signature(const Parts& parts) const;
  Verdict check_claims(const Claims& claims, std::int64_t now_unix) const;
  std::optional<std::string> user(const Claims& claims) const;

  TokenSettings settings_;
  std::vector<SigningKey> keys_;
};

// For the log, without a space: "wrong-signature".
std::string_view name_of(Tokens::Verdict verdict) noexcept;

}  // namespace pop3d

#endif
