// SPDX-License-Identifier: MIT
// How much one peer may do: connections, guesses, sessions of a user. No clock and no waiting: times are passed in.
#ifndef POP3D_THROTTLE_HPP
#define POP3D_THROTTLE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mailwire/ip_address.hpp"
#include "recent.hpp"

namespace pop3d {

struct AddressHash {
  std::size_t operator()(const mailwire::IpAddress& address) const noexcept {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(address.octets.data()), address.octets.size()});
  }
};

// Who is to be counted as one: an IPv4 address, in whatever socket, or an IPv6 /64, which is what one customer has at
// least.
mailwire::IpAddress party(const mailwire::IpAddress& address) noexcept;

// One object for all threads. An address stands for its party.
//
// Failed logins: the replies of an address get slower (2 s, 4 s, 8 s ... 30 s), and from the `failed_logins`-th on it
// is banned, until no login has failed there for `ban_time`; then all is forgotten. A login that works takes nothing
// back: whoever has an account could guess others' passwords in between.
class Throttle {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  struct Limits {
    std::size_t connections_per_address = 50;  // at least 1, both
    std::size_t connections_per_user = 10;
    unsigned failed_logins = 20;  // 0 = they are not counted
    Duration ban_time = std::chrono::minutes(10);
    std::size_t addresses = 65'536;  // with failed logins that are remembered; the oldest are forgotten
  };
  enum class Admission : std::uint8_t { admitted, too_many, banned };

  explicit Throttle(const Limits& limits) : limits_(limits), failures_(limits.addresses) {}

  // Every connection that was admitted has to leave.
  Admission enter(const mailwire::IpAddress& from, Time now);
  void leave(const mailwire::IpAddress& from);

  bool banned(const mailwire::IpAddress& from, Time now);
  Duration failed(const mailwire::IpAddress& from, Time now);  // how long the reply is to be held back

  // A user's connections: those over the limit are not counted, the others have to be given back.
  bool enter(const std::string& user);
  void leave(const std::string& user);

 private:
  struct Failures {
    unsigned count;
    Time last;
  };
  bool is_banned(const mailwire::IpAddress& who, Time now);
  const Failures* failures(const mailwire::IpAddress& who, Time now);

  const Limits limits_;
  std::mutex mutex_;
  std::unordered_map<mailwire::IpAddress, std::size_t, AddressHash>
      connections_;  // as many as there are connections, at most
  std::map<std::string, std::size_t, std::less<>> users_;
  Recent<mailwire::IpAddress, Failures, AddressHash> failures_;
};

}  // namespace pop3d

#endif
