// SPDX-License-Identifier: MIT
#include <pop3/types.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <type_traits>
#include <vector>

TEST_CASE("every reason to close has a name of its own, and what is no reason has none") {
  std::set<std::string> names;
  unsigned reasons = 0;
  for (; reasons < 255; ++reasons) {
    const std::string name(pop3::to_string(static_cast<pop3::CloseReason>(reasons)));
    if (name.empty()) break;
    names.insert(name);
  }
  CHECK(reasons == 14);
  CHECK(names.size() == reasons);
  static_assert(pop3::to_string(pop3::CloseReason::quit) == "quit");
  static_assert(pop3::to_string(pop3::CloseReason::body_aborted) == "body_aborted");
}

TEST_CASE("what was broken is counted for each rule that there is") {
  CHECK(pop3::Counters{}.broken.size() == 5);
  CHECK(pop3::Counters{}.by_verb.size() == 18);
}

TEST_CASE("limits of time saturate") {
  using pop3::Duration;
  using pop3::TimePoint;
  using pop3::detail::later;
  using std::chrono::hours;
  const TimePoint hour{std::chrono::hours(1)};
  CHECK(later(hour, std::chrono::minutes(10)) == hour + std::chrono::minutes(10));
  CHECK(later(hour, Duration::zero()) == hour);
  CHECK(later(hour, Duration::max()) == TimePoint::max());
  CHECK(later(TimePoint::min(), Duration::max()) == TimePoint{} - Duration(1));
  CHECK(later(TimePoint{} - hours(1), hours(3)) == TimePoint{} + hours(2));
  CHECK(later(TimePoint{}, Duration::max()) == TimePoint::max());
  CHECK(later(TimePoint::max(), Duration::max()) == TimePoint::max());
  CHECK(later(TimePoint::max(), Duration(1)) == TimePoint::max());
  CHECK(later(TimePoint::max() - Duration(2), Duration(1)) == TimePoint::max() - Duration(1));
}

TEST_CASE("numbers can be walked over, also when there are none") {
  std::string seen;
  for (const std::uint32_t number : pop3::Numbers{}) seen += std::to_string(number);
  CHECK(seen == "");
  const std::uint32_t three[] = {1, 7, 4294967295U};
  for (const std::uint32_t number : pop3::Numbers{three, 3}) seen += std::to_string(number) + ' ';
  CHECK(seen == "1 7 4294967295 ");
}

TEST_CASE("a refusal says nothing unless it is told, and a message begins without size and unique-id") {
  CHECK(pop3::Refusal{}.code == pop3::Code::none);
  CHECK(pop3::Refusal{}.text.empty());
  CHECK(pop3::MessageInfo{}.size == 0);
  CHECK(pop3::MessageInfo{}.uid.empty());
  CHECK(pop3::Listing{}.count == 0);
  CHECK(pop3::Counters{}.octets_in + pop3::Counters{}.commands + pop3::Counters{}.removed == 0);
  // Time is a number here; who reads the clock is the program.
  static_assert(std::is_same_v<pop3::TimePoint::clock, std::chrono::steady_clock>);
}

TEST_CASE("a listing is made of whatever holds messages") {
  const pop3::MessageInfo array[] = {{1, "a"}, {2, "b"}};
  const std::vector<pop3::MessageInfo> vector(array, array + 2);
  for (const pop3::Listing listing : {pop3::Listing(array), pop3::Listing(vector), pop3::Listing(array, 2)}) {
    CHECK(listing.count == 2);
    CHECK(listing.data[1].uid == "b");
  }
  CHECK(pop3::Listing(std::vector<pop3::MessageInfo>()).count == 0);
  CHECK(pop3::Numbers{}.empty());
  const std::uint32_t numbers[] = {3, 5};
  CHECK(pop3::Numbers{numbers, 2}.size() == 2);
}

TEST_CASE("every way to log in has a name of its own, but for those of the application and what is none") {
  std::set<std::string_view> names;
  constexpr auto other = static_cast<unsigned>(pop3::AuthMethod::other);
  for (unsigned i = 0; i < other; ++i) names.insert(to_string(static_cast<pop3::AuthMethod>(i)));
  CHECK(names.size() == other);
  CHECK(names.count("") == 0);
  for (unsigned i = other; i < 256; ++i) CHECK(to_string(static_cast<pop3::AuthMethod>(i)).empty());
}

TEST_CASE("every count begins at 0, and messages that stay for ever have a number of days of their own") {
  const pop3::Counters counters;
  CHECK(counters.octets_in == 0);
  CHECK(counters.octets_out == 0);
  CHECK(counters.commands == 0);
  CHECK(counters.bad_commands == 0);
  CHECK(counters.failed_logins == 0);
  CHECK(counters.logins == 0);
  CHECK(counters.retrieved == 0);
  CHECK(counters.tops == 0);
  CHECK(counters.marked == 0);
  CHECK(counters.removed == 0);
  CHECK(counters.body_octets == 0);
  CHECK(counters.octets_before_tls == 0);
  for (const std::uint32_t count : counters.by_verb) CHECK(count == 0);
  for (const std::uint32_t count : counters.broken) CHECK(count == 0);
  CHECK(pop3::expire_never == 4'294'967'295U);
}
