// SPDX-License-Identifier: MIT
// Addresses of peers, and the networks that they belong to.
#ifndef POP3D_ADDRESS_HPP
#define POP3D_ADDRESS_HPP

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pop3d {

// IPv6; an IPv4 address is ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), however the peer came. The default is nobody's.
struct Address {
  std::array<std::uint8_t, 16> octets{};

  static std::optional<Address> parse(std::string_view text);  // no port, no brackets; a %zone is left out
  bool is_v4() const noexcept;
  Address network(unsigned bits) const noexcept;  // the others are made 0
  auto operator<=>(const Address&) const = default;
};

// "192.0.2.0/24", "2001:db8::/32", or one address.
class Network {
 public:
  static std::optional<Network> parse(std::string_view text);
  bool has(const Address& address) const noexcept { return address.network(bits_) == first_; }

 private:
  Network(const Address& address, unsigned bits) noexcept : first_(address.network(bits)), bits_(bits) {}

  Address first_;
  unsigned bits_;
};

// Who is to be counted as one: an IPv4 address, or an IPv6 /64, which is what one customer has at least.
inline Address party(const Address& address) noexcept { return address.network(address.is_v4() ? 128 : 64); }

}  // namespace pop3d

template <>
struct std::hash<pop3d::Address> {
  std::size_t operator()(const pop3d::Address& address) const noexcept {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(address.octets.data()), address.octets.size()});
  }
};

#endif
