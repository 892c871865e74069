// SPDX-License-Identifier: MIT
#include "address.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "mailwire/ascii.hpp"

namespace pop3d {
namespace {

constexpr unsigned all_bits = 128, v4_starts = 96;
constexpr std::array<std::uint8_t, 12> v4_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  const std::string name(text.substr(0, text.find('%')));
  Address address;
  if (::inet_pton(AF_INET6, name.c_str(), address.octets.data()) == 1) return address;
  const auto end = std::copy(v4_prefix.begin(), v4_prefix.end(), address.octets.begin());
  if (::inet_pton(AF_INET, name.c_str(), &*end) == 1) return address;
  return std::nullopt;
}

bool Address::is_v4() const noexcept { return std::equal(v4_prefix.begin(), v4_prefix.end(), octets.begin()); }

Address Address::network(unsigned bits) const noexcept {
  Address result;
  for (unsigned i = 0; i < octets.size(); ++i) {
    const unsigned kept = std::clamp(bits, 8 * i, 8 * i + 8) - 8 * i;  // bits of this octet
    result.octets[i] = static_cast<std::uint8_t>(octets[i] & (0xFF00U >> kept));
  }
  return result;
}

std::optional<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Network(*address, all_bits);
  const unsigned skipped = address->is_v4() && text.find(':') == std::string_view::npos ? v4_starts : 0;
  const auto bits = mailwire::parse_number(text.substr(slash + 1));
  if (!bits || *bits > all_bits - skipped) return std::nullopt;
  return Network(*address, static_cast<unsigned>(*bits) + skipped);
}

}  // namespace pop3d
