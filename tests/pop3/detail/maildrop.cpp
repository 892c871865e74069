// SPDX-License-Identifier: MIT
#include <pop3/detail/maildrop.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace {

using pop3::Listing;
using pop3::MessageInfo;
using pop3::detail::Maildrop;

constexpr MessageInfo three_messages[] = {{10, "a"}, {200, "bb"}, {3000, "ccc"}};

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

TEST_CASE("R28 R32: a second listing stands in the place of the first, whether it is taken or not") {
  Maildrop drop;
  CHECK(drop.assign({three_messages, 3}, {}));
  drop.mark(1);
  CHECK(drop.assign({three_messages, 2}, {}));
  CHECK(facts(drop) == "2 left=2/210 marked=0");
  CHECK_FALSE(drop.assign({three_messages, 2}, at_most(1)));
  CHECK(facts(drop) == "0 left=0/0 marked=0");
}

TEST_CASE("R36 F-NUM: which numbers exist, without wrapping") {
  Maildrop drop;
  drop.assign({three_messages, 3}, {});
  for (const std::uint64_t number : {1U, 2U, 3U}) CHECK(drop.has(number));
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{4}, std::uint64_t{4294967296},
                                     std::uint64_t{4294967297}, ~std::uint64_t{0}, ~std::uint64_t{0} - 1})
    CHECK_FALSE(drop.has(number));
}

TEST_CASE("R32 R40 R44 F-PE8 F-PE9 F-AX: marks count once, come in order of numbers, and go all together") {
  for (unsigned mask = 0; mask < 8; ++mask) {
    CAPTURE(mask);
    Maildrop drop;
    drop.assign({three_messages, 3}, {});
    std::uint64_t octets = 0;
    std::string wanted;
    std::uint32_t marked = 0;
    for (std::uint32_t number = 3; number >= 1; --number) {  // backwards: the order of marking is not the order told
      if ((mask >> (number - 1) & 1) == 0) {
        octets += three_messages[number - 1].size;
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
  CHECK_FALSE(drop.assign({three_messages, 3}, at_most(2)));
  CHECK(facts(drop) == "0 left=0/0 marked=0");
  CHECK(drop.assign({three_messages, 3}, at_most(3)));
  Maildrop empty;
  CHECK(empty.assign({}, at_most(0)));
  CHECK(facts(empty) == "0 left=0/0 marked=0");
}

TEST_CASE("a listing whose octets cannot be told in 64 bits is not taken") {
  const MessageInfo most[] = {{~std::uint64_t{0} - 1, "a"}, {1, "b"}}, more[] = {{~std::uint64_t{0}, "a"}, {1, "b"}};
  Maildrop drop, none;
  CHECK(drop.assign(most, {}));
  CHECK(drop.octets_left() == ~std::uint64_t{0});
  CHECK_FALSE(none.assign(more, {}));
  CHECK(facts(none) == "0 left=0/0 marked=0");
}

// ---- equal unique-ids (RFC 1939, 7) -------------------------------------------------------------------------------

namespace {

// The unique-ids that come of these; "refused".
std::string uids(const std::vector<std::string>& list, pop3::EqualUids equal) {
  std::vector<MessageInfo> messages;
  for (const std::string& uid : list) messages.push_back({1, uid});
  Maildrop::Rules rules;
  rules.equal_uids = equal;
  Maildrop drop;
  if (!drop.assign(messages, rules)) return drop.count() == 0 ? "refused" : "refused, but something is kept";
  std::string text;
  for (std::uint32_t number = 1; number <= drop.count(); ++number) text += std::string(drop.uid(number)) + ' ';
  return text;
}

struct Equal {
  std::vector<std::string> list;
  const char* renamed;
};

}  // namespace

TEST_CASE("R57 R59 F-UID: unique-ids that are there twice are kept, refused, or renamed from the second on") {
  using pop3::EqualUids;
  const Equal cases[] = {
      {{}, ""},
      {{"a"}, "a "},
      {{"a", "b", "A"}, "a b A "},
      {{"a", "a"}, "a a-2 "},
      {{"a", "b", "a", "a", "b"}, "a b a-2 a-3 b-2 "},
      // A new name does not meet one that is there already, before or behind it.
      {{"a", "a-2", "a"}, "a a-2 a-3 "},
      {{"a", "a", "a-2"}, "a a-3 a-2 "},
      {{"a", "a", "a-2", "a-2", "a"}, "a a-3 a-2 a-2-2 a-4 "},
      {{"a", "a", "a", "a-2", "a-3", "a-4"}, "a a-5 a-6 a-2 a-3 a-4 "},
      {{"a-2", "a-2", "a", "a"}, "a-2 a-2-2 a a-3 "},
  };
  for (const Equal& c : cases) {
    std::string kept;
    for (const std::string& uid : c.list) kept += uid + ' ';
    CAPTURE(kept);
    CHECK(uids(c.list, EqualUids::allow) == kept);
    CHECK(uids(c.list, EqualUids::refuse) == (kept == c.renamed ? kept : "refused"));
    CHECK(uids(c.list, EqualUids::rename) == c.renamed);
    CHECK(uids(c.list, EqualUids::rename) == c.renamed);  // and again the same
  }
}

TEST_CASE("R58 F-UID: a new name has at most 70 octets, or the listing is refused") {
  using pop3::EqualUids;
  const auto equal = [](std::size_t size, std::size_t count) {
    return uids(std::vector<std::string>(count, std::string(size, 'x')), EqualUids::rename);
  };
  CHECK(equal(68, 9) != "refused");
  CHECK(equal(68, 10) == "refused");  // "-10"
  CHECK(equal(67, 99) != "refused");
  CHECK(equal(67, 100) == "refused");
  CHECK(equal(69, 1) != "refused");
  CHECK(equal(69, 2) == "refused");
  CHECK(equal(70, 2) == "refused");
}

TEST_CASE("R57 R59 F-UID F-DOS: renamed unique-ids are all different, and stay what they are when mail arrives") {
  std::uint32_t random = 7;
  std::vector<std::string> list;
  for (int i = 0; i < 3000; ++i) {
    random = random * 1664525 + 1013904223;
    const std::uint32_t n = random >> 16;
    list.push_back(n % 5 == 0 ? "u-" + std::to_string(n % 30) : "u" + std::string(n % 2, '-') + std::to_string(n % 7));
  }
  Maildrop::Rules rules;
  rules.equal_uids = pop3::EqualUids::rename;
  std::vector<MessageInfo> messages;
  for (const std::string& uid : list) messages.push_back({1, uid});
  Maildrop all;
  REQUIRE(all.assign(messages, rules));
  std::set<std::string> seen, given;
  for (std::uint32_t number = 1; number <= all.count(); ++number) {
    const std::string uid(all.uid(number));
    CHECK(seen.insert(uid).second);
    if (given.insert(list[number - 1]).second) CHECK(uid == list[number - 1]);  // the first of each keeps its own
  }
  // The more mail, the more names are taken: what a name was before is what matters.
  const std::size_t some = 2000;
  REQUIRE(std::set<std::string>(list.data(), list.data() + some) == given);
  Maildrop fewer;
  REQUIRE(fewer.assign(Listing(messages.data(), some), rules));
  std::size_t changed = 0;
  for (std::uint32_t number = 1; number <= some; ++number) changed += fewer.uid(number) != all.uid(number) ? 1U : 0U;
  CHECK(changed == 0);
}

TEST_CASE("R59 F-UID: wherever two equal unique-ids stand in a listing, they are found") {
  for (std::size_t count = 2; count <= 50; ++count) {
    std::vector<std::string> list;
    for (std::size_t i = 0; i < count; ++i) list.push_back("u" + std::to_string(1000 - i));
    for (std::size_t first = 0; first + 1 < count; ++first) {
      std::vector<std::string> equal = list;
      equal.back() = list[first];
      CAPTURE(count);
      CAPTURE(first);
      CHECK(uids(equal, pop3::EqualUids::refuse) == "refused");
      const std::string renamed = uids(equal, pop3::EqualUids::rename), last = list[first] + "-2 ";
      CHECK(renamed.substr(renamed.size() - last.size()) == last);
    }
    CHECK(uids(list, pop3::EqualUids::refuse) == uids(list, pop3::EqualUids::allow));
  }
}

TEST_CASE("F-DOS: a hundred thousand equal unique-ids are sorted out in no time worth mentioning") {
  const std::vector<MessageInfo> messages(100'000, MessageInfo{1, "u"});
  Maildrop::Rules rules;
  rules.equal_uids = pop3::EqualUids::rename;
  Maildrop drop;
  CHECK(drop.assign(messages, rules));
  CHECK(std::string(drop.uid(100'000)) == "u-100000");
}

TEST_CASE("F-DOS: a hundred thousand different unique-ids are told apart in no time worth mentioning") {
  std::vector<std::string> uids;
  for (int i = 100'000; i > 0; --i) uids.push_back("message-" + std::to_string(i));
  uids.push_back(uids[0]);
  std::vector<MessageInfo> messages;
  for (const std::string& uid : uids) messages.push_back({1, uid});
  Maildrop::Rules rules;
  rules.equal_uids = pop3::EqualUids::rename;
  Maildrop drop;
  REQUIRE(drop.assign(messages, rules));
  std::size_t renamed = 0;
  for (std::uint32_t number = 1; number <= drop.count(); ++number) renamed += drop.uid(number) != uids[number - 1];
  CHECK(renamed == 1);
  CHECK(std::string(drop.uid(100'001)) == "message-100000-2");
}

// ---- messages that need UTF-8 (RFC 6856, 2.1) ---------------------------------------------------------------------

TEST_CASE("R208 R213: which form of a message a client gets, and how large that is") {
  using Form = Maildrop::Form;
  MessageInfo messages[] = {{10, "a"}, {200, "b"}, {3000, "c"}, {40'000, "d"}};
  messages[1].needs_utf8 = true;
  messages[2].needs_utf8 = true;
  messages[2].surrogate_size = 5;
  messages[3].surrogate_size = 7;  // of no use: it needs none
  for (const bool utf8 : {false, true}) {
    CAPTURE(utf8);
    Maildrop::Rules rules;
    rules.utf8 = utf8;
    Maildrop drop;
    CHECK(drop.assign(messages, rules));
    CHECK(drop.form(1) == Form::as_it_is);
    CHECK(drop.form(2) == (utf8 ? Form::as_it_is : Form::needs_utf8));
    CHECK(drop.form(3) == (utf8 ? Form::as_it_is : Form::surrogate));
    CHECK(drop.form(4) == Form::as_it_is);
    CHECK(drop.size(2) == 200);
    CHECK(drop.size(3) == (utf8 ? 3000 : 5));
    CHECK(drop.size(4) == 40'000);
    const std::uint64_t all = utf8 ? 43'210 : 40'215;
    CHECK(drop.octets_left() == all);
    drop.mark(3);
    CHECK(drop.octets_left() == all - drop.size(3));
    drop.unmark_all();
    CHECK(drop.octets_left() == all);
  }
  // What has to fit is the size that is told.
  MessageInfo huge[] = {{~std::uint64_t{0}, "a"}, {~std::uint64_t{0}, "b"}};
  huge[1].needs_utf8 = true;
  huge[1].surrogate_size = 0;
  CHECK_FALSE(Maildrop().assign(huge, {}));
  huge[0].needs_utf8 = huge[1].needs_utf8 = true;
  huge[0].surrogate_size = huge[1].surrogate_size = 1;
  Maildrop drop;
  CHECK(drop.assign(huge, {}));
  CHECK(drop.octets_left() == 2);
}

TEST_CASE("R72 R119: what was retrieved goes with what was marked, if it is to go, and only then") {
  for (unsigned mask = 0; mask < 64; ++mask) {
    CAPTURE(mask);
    Maildrop drop;
    CHECK(drop.assign(three_messages, {}));
    std::string marked, both;
    std::uint32_t count = 0;
    for (std::uint32_t number = 1; number <= 3; ++number) {
      const bool mark = mask >> (number - 1) & 1, retrieved = mask >> (number + 2) & 1;
      if (mark) drop.mark(number);
      if (retrieved) drop.note_retrieved(number);
      if (mark) marked += std::to_string(number) + ' ';
      if (mark || retrieved) both += std::to_string(number) + ' ', ++count;
    }
    CHECK(numbers(drop) == marked);
    CHECK(drop.to_remove() == drop.marked());
    std::string got;
    for (const std::uint32_t number : drop.numbers_to_remove(true)) got += std::to_string(number) + ' ';
    CHECK(got == both);
    CHECK(drop.to_remove() == count);
    drop.unmark_all();  // RSET takes back marks, not what was retrieved
    CHECK(drop.numbers_to_remove(false).empty());
    CHECK(drop.numbers_to_remove(true).count == (mask >> 3 & 1) + (mask >> 4 & 1) + (mask >> 5 & 1));
  }
}

TEST_CASE("R40 R44: how many are to be removed is what was asked for last") {
  Maildrop drop;
  CHECK(drop.to_remove() == 0);
  REQUIRE(drop.assign({three_messages, 3}, {}));
  drop.mark(2);
  drop.mark(3);
  CHECK(numbers(drop) == "2 3 ");
  CHECK(drop.to_remove() == 2);
  drop.unmark_all();
  CHECK(numbers(drop) == "");
  CHECK(drop.to_remove() == 0);
}

TEST_CASE("no listing is longer than what its messages can be numbered with, whatever the limit") {
  Maildrop drop;
  const MessageInfo one{1, "a"};
  const std::size_t too_many = std::size_t{~std::uint32_t{0}} + 1;  // 0 where std::size_t itself has 32 bits
  if (too_many != 0) CHECK_FALSE(drop.assign({&one, too_many}, at_most(~std::size_t{0})));  // not even looked at
  CHECK(drop.count() == 0);
  CHECK(drop.assign({&one, 1}, at_most(1)));
}
