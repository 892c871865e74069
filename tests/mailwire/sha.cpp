// SPDX-License-Identifier: MIT
#include <mailwire/sha.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

template <class Hash>
std::string hex(std::string_view octets) {
  const auto digits = mailwire::to_hex(mailwire::hash_of<Hash>(octets));
  return std::string(digits.begin(), digits.end());
}

struct Digests {
  std::string octets, sha_1, sha_256;
};

}  // namespace

TEST_CASE("SHA-1 and SHA-256: the examples of RFC 3174 and FIPS 180, and sizes around a block") {
  std::string repeated;
  for (int i = 0; i < 80; ++i) repeated += "01234567";
  const Digests vectors[] = {
      {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"a", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
       "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},
      {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {repeated, "dea356a2cddd90c7a7ecedc5ebb563934f460452",
       "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5"},
      {std::string(1000000, 'a'), "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
      {std::string(55, 'x'), "cef734ba81a024479e09eb5a75b6ddae62e6abf1",
       "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
      {std::string(56, 'x'), "901305367c259952f4e7af8323f480d59f81335b",
       "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
      {std::string(57, 'x'), "025ecbd5d70f8fb3c5457cd96bab13fda305dc59",
       "ae14a2563ccf969d99aca69ce6bb74981f734bbf9f655f73b8f06db68cab5217"},
      {std::string(63, 'x'), "0ddc4e0cccd9a12850deb5abb0853a4425559fec",
       "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
      {std::string(64, 'x'), "bb2fa3ee7afb9f54c6dfb5d021f14b1ffe40c163",
       "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
      {std::string(65, 'x'), "78c741ddc482e4cdf8c474a0876347a0905b6233",
       "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
      {std::string(119, 'x'), "4300320394f7ee239bcdce7d3b8bcee173a0cd5c",
       "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
      {std::string(120, 'x'), "ceb2821639c4b6dcb10bce0e522ca2e608ce056d",
       "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
      {std::string(128, 'x'), "150fa3fbdc899bd0b8f95a9fb6027f564d953762",
       "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
  };
  for (const Digests& v : vectors) {
    CAPTURE(v.octets.size());
    CHECK(hex<mailwire::Sha1>(v.octets) == v.sha_1);
    CHECK(hex<mailwire::Sha256>(v.octets) == v.sha_256);
  }
}
