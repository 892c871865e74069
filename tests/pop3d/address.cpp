// SPDX-License-Identifier: MIT
#include "address.hpp"

#include <doctest/doctest.h>

using pop3d::Address;
using pop3d::Network;

namespace {

bool in(const char* network, const char* address) {
  return Network::parse(network).value().has(Address::parse(address).value());
}

}  // namespace

TEST_CASE("addresses are the same however they are written") {
  CHECK(Address::parse("192.0.2.1") == Address::parse("::ffff:192.0.2.1"));
  CHECK(Address::parse("192.0.2.1") == Address::parse("::FFFF:C000:201"));
  CHECK(Address::parse("2001:db8::1") == Address::parse("2001:DB8:0:0::0001"));
  CHECK(Address::parse("fe80::1%eth0") == Address::parse("fe80::1"));
  CHECK(Address::parse("192.0.2.1") != Address::parse("192.0.2.2"));
  CHECK(Address::parse("192.0.2.1") != Address::parse("::c000:201"));
  CHECK(Address::parse("192.0.2.1")->is_v4());
  CHECK_FALSE(Address::parse("::1")->is_v4());
  for (const char* const wrong : {"", "192.0.2", "192.0.2.256", "1.2.3.4.5", ":::1", "ann", "[::1]", "192.0.2.1:110"}) {
    CAPTURE(wrong);
    CHECK_FALSE(Address::parse(wrong).has_value());
  }
}

TEST_CASE("networks hold what their first bits say") {
  CHECK(in("192.0.2.0/24", "192.0.2.255"));
  CHECK_FALSE(in("192.0.2.0/24", "192.0.3.0"));
  CHECK(in("192.0.2.130/25", "192.0.2.128"));
  CHECK_FALSE(in("192.0.2.130/25", "192.0.2.127"));
  CHECK(in("192.0.2.7", "192.0.2.7"));
  CHECK_FALSE(in("192.0.2.7", "192.0.2.6"));
  CHECK(in("0.0.0.0/0", "255.255.255.255"));
  CHECK_FALSE(in("0.0.0.0/0", "2001:db8::1"));
  CHECK(in("::/0", "192.0.2.1"));
  CHECK(in("::ffff:192.0.2.0/120", "192.0.2.1"));
  CHECK(in("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  for (const char* const wrong : {"", "/", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "::/129", "local", "x/8"}) {
    CAPTURE(wrong);
    CHECK_FALSE(Network::parse(wrong).has_value());
  }
}

TEST_CASE("an IPv6 /64 is one party, and so is one IPv4 address") {
  const auto same = [](const char* a, const char* b) { return party(*Address::parse(a)) == party(*Address::parse(b)); };
  CHECK(same("2001:db8::1", "2001:db8::ffff:0:0:1"));
  CHECK_FALSE(same("2001:db8::1", "2001:db8:0:1::1"));
  CHECK(same("192.0.2.1", "::ffff:192.0.2.1"));
  CHECK_FALSE(same("192.0.2.1", "192.0.2.2"));
}
