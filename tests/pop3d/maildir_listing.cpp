// SPDX-License-Identifier: MIT
#include "maildir_listing.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "listing_cache.hpp"

using pop3d::folder_cur;
using pop3d::folder_new;
using pop3d::ListingCache;
using pop3d::MaildirListing;

namespace {

struct Item {
  const char* name;
  std::uint64_t number;
  pop3d::MaildirFolder folder = folder_cur;
};

MaildirListing listing(const std::vector<Item>& items) {
  MaildirListing made;
  for (const Item& item : items) made.add(item.name, item.number, item.folder);
  made.sort();
  return made;
}

std::vector<std::string> paths(const MaildirListing& listing) {
  std::vector<std::string> paths;
  for (const auto& entry : listing.entries()) paths.emplace_back(listing.path(entry));
  return paths;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("R28: messages are in the order of their delivery, whatever the folder and the flags") {
  CHECK(paths(listing({{"10.a:2,S", 1}, {"9.b", 2, folder_new}, {"x", 3}, {"9.a:2,", 4}})) ==
        Paths{"cur/x", "cur/9.a:2,", "new/9.b", "cur/10.a:2,S"});
  CHECK(paths(listing({})).empty());
}

TEST_CASE("R28 R57: what was moved while it was listed is there once, other files of that name are messages too") {
  CHECK(paths(listing({{"1.a", 7, folder_new}, {"1.a:2,S", 7}})) == Paths{"cur/1.a:2,S"});
  CHECK(paths(listing({{"1.a", 7, folder_new}, {"1.a:2,S", 8}})) == Paths{"new/1.a", "cur/1.a:2,S"});
  CHECK(paths(listing({{"1.a", 7, folder_new}, {"1.b", 7, folder_new}})) == Paths{"new/1.a", "new/1.b"});
}

TEST_CASE("F-LIST: what is known of a file is known of it under other flags, and of no other file") {
  MaildirListing before = listing({{"1.a", 1, folder_new}, {"2.b", 2}, {"3.c", 3}, {"3.c:2,S", 4}});
  for (auto& entry : before.entries()) {
    entry.file.inode = entry.number;
    entry.octets = 100 + entry.number;
    entry.needs_utf8 = entry.number == 2;
  }
  MaildirListing now = listing({{"1.a:2,S", 1}, {"1.z", 9}, {"2.b:2,F", 2}, {"3.c:2,", 4}, {"3.c", 5}, {"4.d", 3}});
  now.learn_from(before);
  std::vector<std::uint64_t> octets;
  for (const auto& entry : now.entries()) octets.push_back(entry.octets);
  CHECK(octets == std::vector<std::uint64_t>{101, 0, 102, 104, 0, 0});
  CHECK(now.entries()[2].needs_utf8);
  CHECK(now.entries()[0].is_known());
  CHECK_FALSE(now.entries()[1].is_known());
}

TEST_CASE("R28 R48: messages are found where they are now, and keep their places; what is gone is marked") {
  const MaildirListing before = listing({{"1.a", 1, folder_new}, {"2.b", 2}, {"3.c", 3}, {"4.d", 4}});
  const MaildirListing now = before.as_found_in(listing({{"0.new", 9}, {"1.a:2,S", 1}, {"3.c", 30}, {"4.d:2,T", 4}}));
  CHECK(paths(now) == Paths{"cur/1.a:2,S", "cur/2.b", "cur/3.c", "cur/4.d:2,T"});
  std::vector<bool> gone;
  for (const auto& entry : now.entries()) gone.push_back(entry.gone);
  CHECK(gone == std::vector<bool>{false, true, true, false});
}

TEST_CASE("R57 R58 R59: unique-ids are the unique names, or hashes where those will not do") {
  MaildirListing made = listing({{"1.a:2,S", 1}, {"2.with space", 2}, {"3.c", 3}, {"3.c:2,", 4}});
  for (auto& entry : made.entries()) entry.file.inode = entry.number;
  made.number();
  REQUIRE(made.messages().size() == 4);
  CHECK(made.messages()[0].uid == "1.a");
  std::set<std::string_view> uids;
  for (const auto& message : made.messages()) uids.insert(message.uid);
  CHECK(uids.size() == 4);
  CHECK(uids.count("3.c") == 0);
  CHECK(made.messages()[1].uid ==
        "h9d8ba5698b326cdb38da2b2e9e557b06");  // two FNV-1a hashes of the name: always the same
}

TEST_CASE("F-LIST: the cache of listings is bounded by messages, and forgets what was not used for longest") {
  const auto known = [](std::uint64_t messages) {
    auto made = std::make_shared<MaildirListing>();
    for (std::uint64_t i = 1; i <= messages; ++i) made->add(std::to_string(i) + ".x", i, folder_cur);
    made->number();
    return ListingCache::Known{{}, true, made};
  };
  ListingCache cache(20);  // each costs one more than it has messages
  cache.put("a", known(3));
  cache.put("b", known(3));
  cache.put("c", known(3));  // a and b are the older half now
  CHECK(cache.find("a"));    // and a is in use
  cache.put("d", known(3));
  CHECK(cache.find("a"));
  CHECK(cache.find("d"));
  CHECK_FALSE(cache.find("b"));
  cache.put("e", known(10));  // more than fits
  CHECK_FALSE(cache.find("e"));
  cache.put("d", known(1));
  CHECK(cache.find("d")->listing->messages().size() == 1);
  cache.erase("d");
  CHECK_FALSE(cache.find("d"));
}
