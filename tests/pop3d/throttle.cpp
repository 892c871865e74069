// SPDX-License-Identifier: MIT
#include "throttle.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "last_login.hpp"
#include "recent.hpp"

using namespace std::chrono_literals;
using mailwire::IpAddress;
using pop3d::LastLogin;
using pop3d::Throttle;
using Admission = pop3d::Throttle::Admission;

namespace {

IpAddress ip(std::string_view text) { return mailwire::parse_ip(text).value(); }

const IpAddress here = ip("192.0.2.1"), there = ip("192.0.2.2");
constexpr Throttle::Time start{};

Throttle::Limits limits() {
  Throttle::Limits limits;
  limits.connections_per_address = 3;
  limits.connections_per_user = 2;
  limits.failed_logins = 6;
  limits.ban_time = 60s;
  limits.addresses = 4;
  return limits;
}

IpAddress number(unsigned i) { return ip("198.51.100." + std::to_string(i)); }

}  // namespace

TEST_CASE("F-AUTHLOOP: replies to failed logins get slower, for the address that fails") {
  Throttle throttle(limits());
  for (const auto delay : {2s, 4s, 8s, 16s, 30s, 30s, 30s}) CHECK(throttle.failed(here, start) == delay);
  CHECK(throttle.failed(there, start) == 2s);
}

TEST_CASE("F-AUTHLOOP: an address is banned after so many failed logins, until the ban time is over") {
  Throttle throttle(limits());
  for (int i = 1; i < 6; ++i) throttle.failed(here, start);
  CHECK_FALSE(throttle.banned(here, start));
  CHECK(throttle.enter(here, start) == Admission::admitted);
  throttle.failed(here, start + 10s);
  CHECK(throttle.banned(here, start + 10s));
  CHECK(throttle.enter(here, start + 69s) == Admission::banned);
  CHECK(throttle.enter(there, start + 69s) == Admission::admitted);
  CHECK(throttle.enter(here, start + 70s) == Admission::admitted);
  CHECK(throttle.failed(here, start + 70s) == 2s);  // all is forgotten
}

TEST_CASE("F-AUTHLOOP: failed logins that are further apart than the ban time are forgotten, those nearer add up") {
  Throttle throttle(limits());
  for (int i = 0; i < 20; ++i) CHECK(throttle.failed(here, start + i * 60s) == 2s);
  for (int i = 0; i < 6; ++i) throttle.failed(there, start + i * 59s);
  CHECK(throttle.banned(there, start + 5 * 59s));
}

TEST_CASE("an IPv6 /64 is one party, and so is one IPv4 address, however it came") {
  const auto same = [](const char* a, const char* b) { return pop3d::party(ip(a)) == pop3d::party(ip(b)); };
  CHECK(same("2001:db8::1", "2001:db8::ffff:0:0:1"));
  CHECK_FALSE(same("2001:db8::1", "2001:db8:0:1::1"));
  CHECK(same("192.0.2.1", "::ffff:192.0.2.1"));
  CHECK_FALSE(same("192.0.2.1", "192.0.2.2"));
  CHECK_FALSE(same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
  const pop3d::AddressHash hash;
  CHECK(hash(pop3d::party(ip("192.0.2.1"))) == hash(pop3d::party(ip("::ffff:192.0.2.1"))));
  CHECK(hash(ip("192.0.2.1")) != hash(ip("192.0.2.2")));
}

TEST_CASE("failed logins of an IPv6 /64 are those of one address") {
  Throttle throttle(limits());
  for (int i = 1; i <= 6; ++i) throttle.failed(ip("2001:db8::" + std::to_string(i)), start);
  CHECK(throttle.banned(ip("2001:db8::7"), start));
  CHECK_FALSE(throttle.banned(ip("2001:db8:0:1::1"), start));
}

TEST_CASE("no address is banned and none waits when failed logins are not counted") {
  Throttle::Limits none = limits();
  none.failed_logins = 0;
  Throttle throttle(none);
  for (int i = 0; i < 100; ++i) CHECK(throttle.failed(here, start) == 0s);
  CHECK_FALSE(throttle.banned(here, start));
}

TEST_CASE("failed logins of so many addresses are remembered, and the oldest are forgotten") {
  Throttle throttle(limits());
  for (unsigned i = 1; i <= 4; ++i) throttle.failed(number(i), start);
  CHECK(throttle.failed(number(1), start) == 4s);  // now the newest
  CHECK(throttle.failed(number(5), start) == 2s);  // pushes out 2
  CHECK(throttle.failed(number(1), start) == 8s);
  CHECK(throttle.failed(number(3), start) == 4s);
  CHECK(throttle.failed(number(2), start) == 2s);
}

TEST_CASE("connections of an address are counted, and those that leave make room") {
  Throttle throttle(limits());
  for (int i = 0; i < 3; ++i) CHECK(throttle.enter(here, start) == Admission::admitted);
  CHECK(throttle.enter(here, start) == Admission::too_many);
  CHECK(throttle.enter(there, start) == Admission::admitted);
  throttle.leave(here);
  CHECK(throttle.enter(here, start) == Admission::admitted);
  CHECK(throttle.enter(here, start) == Admission::too_many);
  for (int i = 0; i < 10; ++i) throttle.leave(here);  // more than were there
  for (int i = 0; i < 3; ++i) CHECK(throttle.enter(here, start) == Admission::admitted);
  CHECK(throttle.enter(here, start) == Admission::too_many);
}

TEST_CASE("connections of a user are counted") {
  Throttle throttle(limits());
  CHECK(throttle.enter("ann"));
  CHECK(throttle.enter("ann"));
  CHECK_FALSE(throttle.enter("ann"));
  CHECK(throttle.enter("bob"));
  throttle.leave("ann");
  CHECK(throttle.enter("ann"));
  CHECK_FALSE(throttle.enter("ann"));
}

TEST_CASE("many threads may use one throttle") {
  Throttle::Limits wide = limits();
  wide.connections_per_address = 1000;
  wide.failed_logins = 1000;
  Throttle throttle(wide);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 249; ++j) {
        throttle.enter(here, start);
        throttle.failed(here, start);
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (int i = 996; i < 1000; ++i) {
    CHECK_FALSE(throttle.banned(here, start));
    CHECK(throttle.enter(here, start) == Admission::admitted);
    throttle.failed(here, start);
  }
  CHECK(throttle.banned(here, start));
}

TEST_CASE("LOGIN-DELAY: a user waits from one login to the next") {
  LastLogin logins(30s, 2);
  CHECK(logins.wait("ann", start) == 0s);
  logins.note("ann", start);
  CHECK(logins.wait("ann", start) == 30s);
  CHECK(logins.wait("ann", start + 29s) == 1s);
  CHECK(logins.wait("ann", start + 30s) == 0s);
  CHECK(logins.wait("bob", start + 1s) == 0s);
  logins.note("ann", start + 40s);
  CHECK(logins.wait("ann", start + 45s) == 25s);
  logins.note("bob", start + 45s);
  logins.note("eve", start + 45s);  // ann is the oldest of three
  CHECK(logins.wait("ann", start + 45s) == 0s);
  CHECK(logins.wait("bob", start + 45s) == 30s);

  LastLogin off(0s);
  off.note("ann", start);
  CHECK(off.wait("ann", start) == 0s);
}

TEST_CASE("Recent keeps what was put last") {
  pop3d::Recent<int, int> recent(3);
  for (int i = 0; i < 1000; ++i) {
    recent.put(i, 10 * i);
    CHECK(recent.size() <= 3);
  }
  CHECK(recent.find(996) == nullptr);
  for (int i = 997; i < 1000; ++i) {
    REQUIRE(recent.find(i) != nullptr);
    CHECK(*recent.find(i) == 10 * i);
  }
  recent.put(998, 1);
  CHECK(recent.size() == 3);
  CHECK(*recent.find(998) == 1);
  recent.erase(998);
  recent.erase(998);
  CHECK(recent.find(998) == nullptr);
  CHECK(recent.size() == 2);
}
