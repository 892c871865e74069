// SPDX-License-Identifier: MIT
#include <pop3/digest.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

std::string text(const pop3::HexDigest& digest) { return std::string(digest.begin(), digest.end()); }

// `right` is what `matches` wants for this challenge and this secret, and nothing near it will do.
template <class Matches>
void check_only(Matches matches, const std::string& challenge, const std::string& secret, const std::string& right) {
  CHECK(matches(challenge, secret, right));
  CHECK_FALSE(matches(challenge, secret + 'x', right));
  CHECK_FALSE(matches(challenge, secret.substr(1), right));
  CHECK_FALSE(matches('<' + challenge, secret, right));
  for (std::size_t i = 0; i < right.size(); ++i) {
    std::string wrong = right;
    wrong[i] = wrong[i] == '0' ? '1' : '0';
    CHECK_FALSE(matches(challenge, secret, wrong));
    CHECK_FALSE(matches(challenge, secret, right.substr(0, i)));
  }
  CHECK_FALSE(matches(challenge, secret, right + "0"));
  std::string upper = right;
  for (char& c : upper) c = static_cast<char>(c >= 'a' ? c - 32 : c);
  CHECK_FALSE(matches(challenge, secret, upper));
}

}  // namespace

TEST_CASE("APOP R68: the digest is that of the challenge with its brackets and the secret, in lower-case hex") {
  CHECK(text(pop3::apop_digest("<1896.697170952@dbc.mtview.ca.us>", "tanstaaf")) == "c4c9334bac560ecc979e58001b3e22fb");
}

TEST_CASE("APOP R68 R69: only the right digest matches") {
  check_only(pop3::apop_matches, "<1896.697170952@dbc.mtview.ca.us>", "tanstaaf", "c4c9334bac560ecc979e58001b3e22fb");
}

TEST_CASE("CRAM-MD5 R251: the digest is the HMAC-MD5 of the challenge, and only the right one matches") {
  const std::string challenge = "<1896.697170952@postoffice.reston.mci.net>",
                    right = "b913a602c7eda7a495b4e6e7334d3890";
  CHECK(text(pop3::cram_md5_digest(challenge, "tanstaaftanstaaf")) == right);  // RFC 2195, 2
  check_only(pop3::cram_md5_matches, challenge, "tanstaaftanstaaf", right);
}
