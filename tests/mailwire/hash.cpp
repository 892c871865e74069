// SPDX-License-Identifier: MIT
#include <mailwire/hash.hpp>
#include <mailwire/md5.hpp>
#include <mailwire/sha.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <new>
#include <string>

namespace {

using mailwire::as_view;
using mailwire::Md5;
using mailwire::Sha1;
using mailwire::Sha256;

static_assert(Md5::digest_size == 16 && Sha1::digest_size == 20 && Sha256::digest_size == 32);
static_assert(Md5::block_size == 64 && Sha1::block_size == 64 && Sha256::block_size == 64);

std::string text(std::size_t size) {
  std::string octets(size, '\0');
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<char>(i * 7 + size);
  return octets;
}

}  // namespace

TEST_CASE("to_hex: two lower-case digits for each octet") {
  constexpr std::array<char, 4> octets = {'\x00', '\x0F', '\xA5', '\xFF'};
  constexpr auto hex = mailwire::to_hex(octets);
  static_assert(hex.size() == 8 && hex[0] == '0' && hex[7] == 'f');
  CHECK(as_view(hex) == "000fa5ff");
}

TEST_CASE("wipe overwrites a digest") {
  std::array<char, 5> octets = {'a', 'b', 'c', 'd', 'e'};
  mailwire::wipe(octets);
  CHECK(as_view(octets) == std::string(5, '\0'));
}

TEST_CASE_TEMPLATE("a digest does not depend on how the octets were cut", Hash, Md5, Sha1, Sha256) {
  std::string wrong;
  for (std::size_t size = 0; size <= 200; ++size) {
    const std::string octets = text(size);
    const auto whole = mailwire::hash_of<Hash>(octets);
    for (const std::size_t piece : {1U, 3U, 63U, 64U, 65U, 127U}) {
      Hash pieces;
      pieces.add({});
      for (std::size_t at = 0; at < size; at += piece) pieces.add(std::string_view(octets).substr(at, piece));
      if (pieces.finish() != whole) wrong += std::to_string(size) + '/' + std::to_string(piece) + ' ';
    }
    for (std::size_t cut = 0; cut <= size; ++cut) {
      Hash halves;
      halves.add(std::string_view(octets).substr(0, cut));
      halves.add(std::string_view(octets).substr(cut));
      if (halves.finish() != whole) wrong += std::to_string(size) + ':' + std::to_string(cut) + ' ';
    }
  }
  CHECK(wrong == "");
}

TEST_CASE_TEMPLATE("a copy goes on by itself", Hash, Md5, Sha1, Sha256) {
  Hash common;
  common.add("a common beginning, ");
  Hash one = common, other;
  other = common;
  one.add("one end");
  other.add("another end");
  CHECK(one.finish() == mailwire::hash_of<Hash>("a common beginning, one end"));
  CHECK(other.finish() == mailwire::hash_of<Hash>("a common beginning, another end"));
  CHECK(common.finish() == mailwire::hash_of<Hash>("a common beginning, "));
}

TEST_CASE_TEMPLATE("what was hashed is wiped with the hash", Hash, Md5, Sha1, Sha256) {
  alignas(Hash) unsigned char place[sizeof(Hash)] = {};
  auto* const hash = new (place) Hash;
  hash->add("a secret that is longer than nothing");
  const Hash fresh;
  hash->~Hash();
  const std::string_view left(reinterpret_cast<const char*>(place), sizeof place);
  CHECK(left.find("secret") == std::string_view::npos);
  // All that may be left is the count.
  CHECK(std::count_if(left.begin(), left.end(), [](char c) { return c != '\0'; }) <= 1);
}
