// SPDX-License-Identifier: MIT
#include <pop3/detail/maildrop.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using pop3::Listing;
using pop3::MessageInfo;
using pop3::detail::Maildrop;

constexpr MessageInfo three[] = {{10, "a"}, {200, "bb"}, {3000, "ccc"}};

Maildrop::Rules at_most(std::size_t messages) {
  Maildrop::Rules rules;
  rules.most = messages;
  return rules;
}

std::string numbers(Maildrop& drop) {
  std::string text;
  for (const std::uint32_t number : drop.numbers_to_remove(false)) text += std::to_string(number) + ' ';
  return text;
}
std::string facts(const Maildrop& drop) {
  return std::to_string(drop.count()) + " left=" + std::to_string(drop.left()) + '/' +
         std::to_string(drop.octets_left()) + " marked=" + std::to_string(drop.marked());
}

}  // namespace

TEST_CASE("R58: a unique-id is 1 to 70 octets of 0x21 to 0x7E") {
  using pop3::detail::is_uid;
  CHECK_FALSE(is_uid(""));
  for (std::size_t size = 1; size <= 72; ++size) CHECK(is_uid(std::string(size, 'x')) == (size <= 70));
  for (int octet = 0; octet < 256; ++octet) {
    CAPTURE(octet);
    CHECK(is_uid(std::string("a") + static_cast<char>(octet) + 'b') == (octet >= 0x21 && octet <= 0x7E));
  }
}

TEST_CASE("R28 R32 R59: numbers run from 1 in the order of the listing, sizes and unique-ids are copied") {
  Maildrop drop;
  CHECK(facts(drop) == "0 left=0/0 marked=0");
  CHECK_FALSE(drop.has(1));
  {
    std::vector<std::string> uids = {"first", "second", std::string(70, '~')};
    const MessageInfo messages[] = {{0, uids[0]}, {5'000'000'000U, uids[1]}, {7, uids[2]}};
    CHECK(drop.assign({messages, 3}, {}));
    for (std::string& uid : uids) uid.assign(uid.size(), '#');
  }
  CHECK(facts(drop) == "3 left=3/5000000007 marked=0");
  CHECK(drop.size(1) == 0);
  CHECK(drop.size(2) == 5'000'000'000U);
  CHECK(std::string(drop.uid(1)) == "first");
  CHECK(std::string(drop.uid(2)) == "second");
  CHECK(std::string(drop.uid(3)) == std::string(70, '~'));
}

TEST_CASE("R36 F-NUM: which numbers exist, without wrapping") {
  Maildrop drop;
  drop.assign({three, 3}, {});
  for (const std::uint64_t number : {1U, 2U, 3U}) CHECK(drop.has(number));
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{4}, std::uint64_t{4294967296},
                                     std::uint64_t{4294967297}, ~std::uint64_t{0}, ~std::uint64_t{0} - 1})
    CHECK_FALSE(drop.has(number));
}

TEST_CASE("R32 R40 R44 F-PE8 F-PE9 F-AX: marks count once, come in order of numbers, and go all together") {
  for (unsigned mask = 0; mask < 8; ++mask) {
    CAPTURE(mask);
    Maildrop drop;
    drop.assign({three, 3}, {});
    std::uint64_t octets = 0;
    std::string wanted;
    std::uint32_t marked = 0;
    for (std::uint32_t number = 3; number >= 1; --number) {  // backwards: the order of marking is not the order told
      if ((mask >> (number - 1) & 1) == 0) {
        octets += three[number - 1].size;
        continue;
      }
      drop.mark(number);
      drop.mark(number);
      wanted = std::to_string(number) + ' ' + wanted;
      ++marked;
    }
    CHECK(numbers(drop) == wanted);
    CHECK(drop.left() == 3 - marked);
    CHECK(drop.octets_left() == octets);
    CHECK(drop.marked() == marked);
    for (std::uint32_t number = 1; number <= 3; ++number) CHECK(drop.is_marked(number) == (mask >> (number - 1) & 1));
    drop.unmark_all();
    CHECK(facts(drop) == "3 left=3/3210 marked=0");
    CHECK(numbers(drop) == "");
    CHECK(std::string(drop.uid(3)) == "ccc");
  }
}

TEST_CASE("R58: a listing with one bad unique-id is not taken, nor one that is too long, nothing of it is kept") {
  Maildrop::Rules without_uidl;
  without_uidl.uids = false;
  for (const std::string& bad : {std::string(), std::string(71, 'x'), std::string("a b"), std::string("a\r\n+OK"),
                                 std::string("\x7F"), std::string("\0", 1)}) {
    Maildrop drop;
    const MessageInfo messages[] = {{1, "good"}, {2, bad}};
    CHECK_FALSE(drop.assign({messages, 2}, {}));
    CHECK(facts(drop) == "0 left=0/0 marked=0");
    CHECK(drop.assign({messages, 2}, without_uidl));  // without UIDL nobody looks
    CHECK(drop.uid(2).empty());
  }
  Maildrop drop;
  CHECK_FALSE(drop.assign({three, 3}, at_most(2)));
  CHECK(facts(drop) == "0 left=0/0 marked=0");
  CHECK(drop.assign({three, 3}, at_most(3)));
  Maildrop empty;
  CHECK(empty.assign({}, at_most(0)));
  CHECK(facts(empty) == "0 left=0/0 marked=0");
}
