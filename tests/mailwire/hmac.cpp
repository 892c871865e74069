// SPDX-License-Identifier: MIT
#include <mailwire/hmac.hpp>
#include <mailwire/md5.hpp>
#include <mailwire/sha.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace std::string_view_literals;
using mailwire::Md5;
using mailwire::Sha1;
using mailwire::Sha256;

template <class Digest>
std::string hex(const Digest& digest) {
  const auto digits = mailwire::to_hex(digest);
  return std::string(digits.begin(), digits.end());
}

struct Vector {
  std::string key, message, digest;
};

template <class Hash>
void check(const Vector& v) {
  CAPTURE(v.key);
  CAPTURE(v.message);
  CHECK(hex(mailwire::hmac<Hash>(v.key, v.message)) == v.digest);
  // In pieces, and behind a copy that was made once the key was in.
  const mailwire::Hmac<Hash> keyed(v.key);
  for (int turn = 0; turn < 2; ++turn) {
    mailwire::Hmac<Hash> mac = keyed;
    for (const char c : v.message) mac.add({&c, 1});
    CHECK(hex(mac.finish()) == v.digest);
  }
}

}  // namespace

TEST_CASE("HMAC-MD5: the vectors of RFC 2104 and RFC 2195") {
  check<Md5>({std::string(16, '\x0B'), "Hi There", "9294727a3638bb1c13f48ef8158bfc9d"});
  check<Md5>({"Jefe", "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"});
  check<Md5>({std::string(16, '\xAA'), std::string(50, '\xDD'), "56be34521d144c88dbb8c733f0e8b3f6"});
  check<Md5>({"tanstaaftanstaaf", "<1896.697170952@postoffice.reston.mci.net>", "b913a602c7eda7a495b4e6e7334d3890"});
}

TEST_CASE("HMAC-SHA-256: the vectors of RFC 4231 that give the whole digest") {
  const std::string counting =
      "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19";
  const Vector vectors[] = {
      {std::string(20, '\x0B'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xAA'), std::string(50, '\xDD'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {counting, std::string(50, '\xCD'), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xAA'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xAA'),
       "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
       "hashed "
       "before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const Vector& v : vectors) check<Sha256>(v);
}

TEST_CASE("HMAC: a key of a whole block is taken as it is, a longer one is hashed") {
  const std::string block(64, 'k'), longer(65, 'k');
  const auto hashed = mailwire::hash_of<Sha1>(longer);
  CHECK(mailwire::hmac<Sha1>(longer, "m") == mailwire::hmac<Sha1>(mailwire::as_view(hashed), "m"));
  const auto wrong = mailwire::hash_of<Sha1>(block);
  CHECK(mailwire::hmac<Sha1>(block, "m") != mailwire::hmac<Sha1>(mailwire::as_view(wrong), "m"));
  CHECK(mailwire::hmac<Sha1>("k\0"sv, "m") == mailwire::hmac<Sha1>("k", "m"));  // RFC 2104, 2: padded with zeros
}

TEST_CASE("PBKDF2-HMAC-SHA-1: the vectors of RFC 6070 that fit one block") {
  using mailwire::pbkdf2;
  CHECK(hex(pbkdf2<Sha1>("password", "salt", 1)) == "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  CHECK(hex(pbkdf2<Sha1>("password", "salt", 2)) == "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
  CHECK(hex(pbkdf2<Sha1>("password", "salt", 4096)) == "4b007901b765489abead49d926f721d065a429c1");
  CHECK(hex(pbkdf2<Sha1>("pass\0word"sv, "sa\0lt"sv, 4096)).substr(0, 32) == "56fa6aa75548099dcc37d7f03425e0c3");
  CHECK(pbkdf2<Sha1>("password", "salt", 0) == pbkdf2<Sha1>("password", "salt", 1));
}

// A key that is empty is one of zeros, a longer one than a block is hashed first (RFC 2104, 2).
template <class Hash>
void check_keys() {
  const std::string zeros(Hash::block_size, '\0'), longer(Hash::block_size + 1, 'k');
  CHECK(mailwire::hmac<Hash>({}, "m") == mailwire::hmac<Hash>(zeros, "m"));
  const auto hashed = mailwire::hash_of<Hash>(longer);
  CHECK(mailwire::hmac<Hash>(longer, "m") == mailwire::hmac<Hash>(mailwire::as_view(hashed), "m"));
}
TEST_CASE("HMAC: a key may be empty, or of any length, with each hash") {
  check_keys<Md5>();
  check_keys<Sha1>();
  check_keys<Sha256>();
}
