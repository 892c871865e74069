// SPDX-License-Identifier: MIT
#include <mailwire/ip_address.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using mailwire::IpAddress;
using mailwire::IpFamily;

// Read and written again; "-" where it cannot be read.
std::string again(std::string_view text) {
  const auto address = mailwire::parse_ip(text);
  return address ? std::string(address->text().view()) : "-";
}
bool in(std::string_view network, std::string_view address) {
  return mailwire::parse_network(network).value().contains(mailwire::parse_ip(address).value());
}

}  // namespace

TEST_CASE("IPv4: four numbers, and no second way to write one") {
  for (const char* good : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "10.200.30.4"}) CHECK(again(good) == good);
  for (const char* bad :
       {"",          "1",         "1.2.3",     "1.2.3.4.5", "1.2.3.",   ".1.2.3",    "1..2.3",
        "256.0.0.1", "1.2.3.256", "01.2.3.4",  "1.2.3.04",  "00.0.0.0", "1.2.3.4 ",  " 1.2.3.4",
        "+1.2.3.4",  "-1.2.3.4",  "1.2.3.0x4", "1.2.3.a",   "1,2,3,4",  "1.2.3.4/8", "1.2.3.18446744073709551617",
        "1.2.3.\xB2"})
    CHECK_MESSAGE(again(bad) == "-", bad);
  const auto address = mailwire::parse_ipv4("1.2.3.4");
  REQUIRE(address);
  CHECK(address->family == IpFamily::v4);
  CHECK(address->size() == 4);
  CHECK(address->octets == std::array<std::uint8_t, 16>{1, 2, 3, 4});
}

TEST_CASE("IPv6: the three forms of RFC 4291, written as in RFC 5952") {
  struct {
    const char *read, *written;
  } constexpr cases[] = {
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:db8::1", "2001:db8::1"},
      {"2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"},
      {"FF01:0:0:0:0:0:0:101", "ff01::101"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"0000:0000:0000:0000:0000:0000:0000:0001", "::1"},
      {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},  // the first of equals
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},                           // the longest
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},                  // one group stays
      {"2001:db8::0:1:1:1:1", "2001:db8::1:1:1:1"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"1:0:0:4:5:6:0:0", "1::4:5:6:0:0"},
      {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
      {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"::FFFF:c000:201", "::ffff:192.0.2.1"},
      {"0:0:0:0:0:ffff:255.255.255.255", "::ffff:255.255.255.255"},
      {"::13.1.68.3", "::d01:4403"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a"},
      {"::fffe:1.2.3.4", "::fffe:102:304"},
      {"1::ffff:1.2.3.4", "1::ffff:102:304"},
  };
  for (const auto& one : cases) {
    CHECK(again(one.read) == one.written);
    CHECK(again(one.written) == one.written);
  }
  for (const char* bad : {":",
                          ":::",
                          "1",
                          "1:",
                          ":1",
                          "1:2:3:4:5:6:7",
                          "1:2:3:4:5:6:7:8:9",
                          "1:2:3:4:5:6:7:",
                          ":2:3:4:5:6:7:8",
                          "1:2:3:4:5:6:7:8:",
                          "1::2::3",
                          "::1::",
                          "1:::2",
                          "::1:",
                          "12345::",
                          "::00001",
                          "g::",
                          "::1%eth0",
                          "::1%1",
                          "[::1]",
                          " ::1",
                          "::1 ",
                          "1:2:3:4::5:6:7:8",
                          "::1:2:3:4:5:6:7:8",
                          "1:2:3:4:5:6:7:8::",
                          "1.2.3.4::",
                          "::1.2.3.4:5",
                          "1:2:3:4:5:6:7:1.2.3.4",
                          "1:2:3:4:5:1.2.3.4",
                          "::1.2.3",
                          "::1.2.3.256",
                          "::01.2.3.4",
                          "::1:2:3:4:5:6:1.2.3.4",
                          "::-1",
                          "::+1",
                          "::1/64",
                          "1:2:3:4:5:6:7::8"})
    CHECK_MESSAGE(again(bad) == "-", bad);
}

TEST_CASE("an address with its port, as in logs") {
  const auto text = [](std::string_view address, std::uint16_t port) {
    return std::string(mailwire::IpEndpoint{mailwire::parse_ip(address).value(), port}.text().view());
  };
  CHECK(text("192.0.2.1", 0) == "192.0.2.1:0");
  CHECK(text("2001:db8::1", 65535) == "[2001:db8::1]:65535");
  CHECK(text("::ffff:255.255.255.255", 65535) == "[::ffff:255.255.255.255]:65535");
  CHECK(text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535) == "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
  CHECK(mailwire::IpEndpoint{}.text().view().empty());
  CHECK(mailwire::IpEndpoint{}.port == 0);
}

TEST_CASE("a mapped address is that of an IPv4 host, and ::ffff:0:0/96 is all there is of them") {
  const auto unmapped = [](std::string_view text) {
    return std::string(mailwire::parse_ip(text).value().unmapped().text().view());
  };
  CHECK(unmapped("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(mailwire::parse_ip("::ffff:c000:201")->unmapped() == mailwire::parse_ip("192.0.2.1"));
  for (const char* other : {"192.0.2.1", "::c000:201", "::fffe:c000:201", "1::ffff:c000:201", "::1:ffff:c000:201"})
    CHECK(unmapped(other) == other);
  CHECK(IpAddress{}.unmapped() == IpAddress{});
}

TEST_CASE("text that is too long is cut, nothing else") {
  mailwire::AddressText text;
  for (int i = 0; i < 100; ++i) text.add('x');
  CHECK(text.view() == std::string(56, 'x'));
}

TEST_CASE("addresses are equal when family and all octets are") {
  const IpAddress one = mailwire::parse_ip("1.2.3.4").value();
  IpAddress six = one;
  six.family = IpFamily::v6;
  CHECK(one == mailwire::parse_ip("1.2.3.4").value());
  CHECK(one != mailwire::parse_ip("1.2.3.5").value());
  CHECK(one != mailwire::parse_ip("9.2.3.4").value());
  CHECK(one != six);
  static_assert(mailwire::parse_ip("::1") == mailwire::parse_ip("0::0:1"));
}

TEST_CASE("networks hold what begins with their bits, of their own family only") {
  CHECK(in("192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(in("192.0.2.1", "192.0.2.0"));
  CHECK(in("0.0.0.0/0", "255.255.255.255"));
  CHECK_FALSE(in("0.0.0.0/0", "::"));
  CHECK_FALSE(in("0.0.0.0/0", "::ffff:1.2.3.4"));
  CHECK_FALSE(in("::/0", "1.2.3.4"));
  CHECK(in("::/0", "ffff::"));
  CHECK(in("10.0.0.0/8", "10.255.255.255"));
  CHECK_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  CHECK(in("10.1.2.3/8", "10.9.9.9"));  // bits behind are of no account
  CHECK(in("192.0.2.128/25", "192.0.2.255"));
  CHECK_FALSE(in("192.0.2.128/25", "192.0.2.127"));
  CHECK(in("192.0.2.6/31", "192.0.2.7"));
  CHECK_FALSE(in("192.0.2.6/31", "192.0.2.8"));
  CHECK(in("2001:db8::/33", "2001:db8:7fff::"));
  CHECK_FALSE(in("2001:db8::/33", "2001:db8:8000::"));
  CHECK_FALSE(in("::1/128", "::2"));
  CHECK(in("fe80::/10", "febf::1"));
  CHECK_FALSE(in("fe80::/10", "fec0::1"));
  CHECK_FALSE(mailwire::IpNetwork{}.contains(IpAddress{}));
  for (const char* bad : {"", "/8", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/08", "1.2.3.4/8/8", "1.2.3.4 /8",
                          "1.2.3.4/8 ", "::/129", "::1/x", "localhost", "[::1]/128", "1.2.3/24", "::/4294967296"})
    CHECK_MESSAGE(!mailwire::parse_network(bad), bad);
}

TEST_CASE("an address of no family has no octets") {
  IpAddress address;
  CHECK(address.size() == 0);
  address.family = IpFamily::v4;
  CHECK(address.size() == 4);
  address.family = IpFamily::v6;
  CHECK(address.size() == 16);
}

TEST_CASE("a network that was given no bits holds all of its family") {
  mailwire::IpNetwork all;
  CHECK(all.bits == 0);
  all.address.family = IpFamily::v4;
  CHECK(all.contains(mailwire::parse_ip("255.255.255.255").value()));
  CHECK_FALSE(all.contains(mailwire::parse_ip("ffff::").value()));
}
