// SPDX-License-Identifier: MIT
// The hashes against those of OpenSSL: random octets of random length, in random pieces.
#include <mailwire/hmac.hpp>
#include <mailwire/md5.hpp>
#include <mailwire/sha.hpp>

#include <doctest/doctest.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <random>
#include <string>

namespace {

using mailwire::as_view;
using mailwire::Md5;
using mailwire::Sha1;
using mailwire::Sha256;

template <class Hash>
const EVP_MD* theirs();
template <>
const EVP_MD* theirs<Md5>() {
  return EVP_md5();
}
template <>
const EVP_MD* theirs<Sha1>() {
  return EVP_sha1();
}
template <>
const EVP_MD* theirs<Sha256>() {
  return EVP_sha256();
}

const unsigned char* octets_of(const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// The same in every run, and other than anything that a hand would pick.
class Source {
 public:
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(engine_); }
  std::string octets(std::size_t longest) {
    std::string text(below(longest + 1), '\0');
    for (char& c : text) c = static_cast<char>(below(256));
    return text;
  }

 private:
  std::mt19937_64 engine_{2195};
};

template <class Mixer>
void add_in_pieces(Source& source, Mixer& mixer, std::string_view octets) {
  while (!octets.empty()) {
    const std::string_view piece = octets.substr(0, source.below(150));
    mixer.add(piece);
    octets.remove_prefix(piece.size());
  }
}

}  // namespace

TEST_CASE_TEMPLATE("digests of random octets are those of OpenSSL", Hash, Md5, Sha1, Sha256) {
  Source source;
  unsigned wrong = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = source.octets(i % 10 == 0 ? 5000 : 300);
    Hash ours;
    add_in_pieces(source, ours, text);
    std::string expected(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    REQUIRE(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(expected.data()), &size,
                       theirs<Hash>(), nullptr) == 1);
    if (as_view(ours.finish()) != expected.substr(0, size)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("HMACs of random octets with random keys are those of OpenSSL", Hash, Md5, Sha1, Sha256) {
  Source source;
  unsigned wrong = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string key = source.octets(150), text = source.octets(400);
    mailwire::Hmac<Hash> ours(key);
    add_in_pieces(source, ours, text);
    std::string expected(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    REQUIRE(HMAC(theirs<Hash>(), key.data(), static_cast<int>(key.size()), octets_of(text), text.size(),
                 reinterpret_cast<unsigned char*>(expected.data()), &size) != nullptr);
    if (as_view(ours.finish()) != expected.substr(0, size)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("PBKDF2 of random passwords and salts is that of OpenSSL", Hash, Md5, Sha1, Sha256) {
  Source source;
  unsigned wrong = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string password = source.octets(100), salt = source.octets(80);
    const auto iterations = static_cast<std::uint32_t>(i == 0 ? 5000 : 1 + source.below(20));
    std::string expected(Hash::digest_size, '\0');
    REQUIRE(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets_of(salt),
                              static_cast<int>(salt.size()), static_cast<int>(iterations), theirs<Hash>(),
                              static_cast<int>(expected.size()),
                              reinterpret_cast<unsigned char*>(expected.data())) == 1);
    if (as_view(mailwire::pbkdf2<Hash>(password, salt, iterations)) != expected) ++wrong;
  }
  CHECK(wrong == 0);
}
