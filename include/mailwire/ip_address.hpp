// SPDX-License-Identifier: MIT
// Internet addresses as values: strict reading, the one canonical text, networks. Constexpr, no allocation, no socket.
#ifndef MAILWIRE_IP_ADDRESS_HPP
#define MAILWIRE_IP_ADDRESS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ascii.hpp"

namespace mailwire {
inline namespace v1 {

enum class IpFamily : std::uint8_t { none, v4, v6 };

// Room for the longest text: "[" 6 groups of IPv6, then IPv4 "]:65535".
class AddressText {
 public:
  constexpr std::string_view view() const noexcept { return {block_.data(), size_}; }

  constexpr AddressText& add(char c) noexcept {
    if (size_ < block_.size()) block_[size_++] = c;
    return *this;
  }
  constexpr AddressText& add(std::string_view text) noexcept {
    for (const char c : text) add(c);
    return *this;
  }
  // Without leading zeros.
  constexpr AddressText& add_number(unsigned value, unsigned base) noexcept {
    unsigned place = 1;
    while (value / place >= base) place *= base;
    for (; place > 0; place /= base) add("0123456789abcdef"[value / place % base]);
    return *this;
  }

 private:
  std::array<char, 56> block_{};
  std::size_t size_ = 0;
};

struct IpAddress {
  IpFamily family = IpFamily::none;
  std::array<std::uint8_t, 16> octets{};  // in network order; IPv4: the first 4, the others are 0

  constexpr std::size_t size() const noexcept {
    return family == IpFamily::v6 ? 16U : family == IpFamily::v4 ? 4U : 0U;
  }
  // The `i`th group of an IPv6 address, 0 to 7.
  constexpr unsigned group(std::size_t i) const noexcept { return octets[2 * i] * 256U + octets[2 * i + 1]; }
  // ::ffff:0:0/96: an IPv4 address in an IPv6 socket (RFC 4291, 2.5.5.2).
  constexpr bool is_mapped_v4() const noexcept {
    if (family != IpFamily::v6) return false;
    for (std::size_t i = 0; i < 5; ++i)
      if (group(i) != 0) return false;
    return group(5) == 0xFFFF;
  }
  // A mapped address as the IPv4 address that it is, any other as it is: a host then has one name in each family.
  constexpr IpAddress unmapped() const noexcept {
    if (!is_mapped_v4()) return *this;
    IpAddress four;
    four.family = IpFamily::v4;
    for (std::size_t i = 0; i < 4; ++i) four.octets[i] = octets[12 + i];
    return four;
  }
  // "192.0.2.1"; IPv6 as in RFC 5952; nothing for no address.
  constexpr AddressText text() const noexcept {
    AddressText out;
    if (family == IpFamily::v4) add_dotted(out, 0);
    if (family == IpFamily::v6) add_groups(out);
    return out;
  }

  // std::array compares at compile time only from C++20 on.
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) noexcept {
    if (a.family != b.family) return false;
    for (std::size_t i = 0; i < 16; ++i)
      if (a.octets[i] != b.octets[i]) return false;
    return true;
  }
  friend constexpr bool operator!=(const IpAddress& a, const IpAddress& b) noexcept { return !(a == b); }

 private:
  constexpr void add_dotted(AddressText& out, std::size_t first) const noexcept {
    for (std::size_t i = first; i < first + 4; ++i) {
      if (i > first) out.add('.');
      out.add_number(octets[i], 10);
    }
  }
  // RFC 5952, 4 and 5: the longest run of two or more zero groups, the first one of equals, becomes "::"; a mapped
  // IPv4 address keeps its dots.
  constexpr void add_groups(AddressText& out) const noexcept {
    const std::size_t groups = is_mapped_v4() ? 6U : 8U;
    std::size_t gap = groups, length = 1;
    for (std::size_t i = 0; i < groups; ++i) {
      std::size_t end = i;
      while (end < groups && group(end) == 0) ++end;
      if (end - i > length) gap = i, length = end - i;
    }
    for (std::size_t i = 0; i < groups; ++i) {
      if (i == gap) {
        out.add("::");
        i += length - 1;
        continue;
      }
      if (i > 0 && i != gap + length) out.add(':');
      out.add_number(group(i), 16);
    }
    if (groups == 6) {
      out.add(':');
      add_dotted(out, 12);
    }
  }
};

// Four decimal numbers without leading zeros.
constexpr std::optional<IpAddress> parse_ipv4(std::string_view text) noexcept {
  IpAddress address;
  address.family = IpFamily::v4;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const auto number = parse_number(text.substr(0, dot));
    if (!number || *number > 255) return std::nullopt;
    address.octets[i] = static_cast<std::uint8_t>(*number);
    if (i < 3) text.remove_prefix(dot + 1);
  }
  return address;
}

// RFC 4291, 2.2: all three forms, nothing else (no zone, no brackets).
constexpr std::optional<IpAddress> parse_ipv6(std::string_view text) noexcept {
  constexpr std::size_t no_gap = 17;
  IpAddress address;
  address.family = IpFamily::v6;
  std::size_t size = 0, gap = no_gap;
  if (text.substr(0, 2) == "::") {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    if (colon == std::string_view::npos && part.find('.') != std::string_view::npos) {
      const auto dotted = parse_ipv4(part);
      if (!dotted || size > 12) return std::nullopt;
      for (std::size_t i = 0; i < 4; ++i) address.octets[size++] = dotted->octets[i];
      break;
    }
    if (part.empty() || part.size() > 4 || size > 14) return std::nullopt;
    unsigned group = 0;
    for (const char c : part) {
      const char upper = to_upper(c);
      if (!is_digit(c) && (upper < 'A' || upper > 'F')) return std::nullopt;
      group = group * 16 + static_cast<unsigned>(is_digit(c) ? c - '0' : upper - 'A' + 10);
    }
    address.octets[size++] = static_cast<std::uint8_t>(group >> 8);
    address.octets[size++] = static_cast<std::uint8_t>(group & 0xFF);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;  // one colon at the end
    if (text[0] != ':') continue;
    if (gap != no_gap) return std::nullopt;
    gap = size;
    text.remove_prefix(1);
  }
  if (gap == no_gap) return size == 16 ? std::optional<IpAddress>(address) : std::nullopt;
  if (size > 14) return std::nullopt;  // "::" stands for at least one group
  for (std::size_t i = 16; size > gap;) {
    address.octets[--i] = address.octets[--size];
    address.octets[size] = 0;
  }
  return address;
}

constexpr std::optional<IpAddress> parse_ip(std::string_view text) noexcept {
  return text.find(':') == std::string_view::npos ? parse_ipv4(text) : parse_ipv6(text);
}

// An address and a port.
struct IpEndpoint {
  IpAddress address;
  std::uint16_t port = 0;

  // As in logs: "192.0.2.1:110", "[2001:db8::1]:110".
  constexpr AddressText text() const noexcept {
    AddressText out;
    const bool brackets = address.family == IpFamily::v6;
    if (brackets) out.add('[');
    out.add(address.text().view());
    if (brackets) out.add(']');
    return address.family == IpFamily::none ? out : out.add(':').add_number(port, 10);
  }
};

// All addresses that begin with the same bits.
struct IpNetwork {
  IpAddress address;
  unsigned bits = 0;

  // An address of another family is never in it, a mapped one of the same host neither.
  constexpr bool contains(const IpAddress& other) const noexcept {
    if (other.family != address.family || address.family == IpFamily::none) return false;
    for (unsigned i = 0; i < bits; ++i)
      if (((address.octets[i / 8] ^ other.octets[i / 8]) >> (7 - i % 8) & 1) != 0) return false;
    return true;
  }
};

// "ADDRESS" or "ADDRESS/BITS". Bits behind the first BITS are of no account.
constexpr std::optional<IpNetwork> parse_network(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpNetwork network{*address, static_cast<unsigned>(address->size() * 8)};
  if (slash == std::string_view::npos) return network;
  const auto bits = parse_number(text.substr(slash + 1));
  if (!bits || *bits > network.bits) return std::nullopt;
  network.bits = static_cast<unsigned>(*bits);
  return network;
}

}  // namespace v1
}  // namespace mailwire

#endif
