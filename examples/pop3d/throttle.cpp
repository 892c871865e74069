// SPDX-License-Identifier: MIT
#include "throttle.hpp"

#include <algorithm>

namespace pop3d {
namespace {

using mailwire::IpAddress;
using namespace std::chrono_literals;

constexpr Throttle::Duration first_delay = 2s, longest_delay = 30s;

Throttle::Duration delay_of(unsigned failures) {
  Throttle::Duration delay = first_delay;
  for (; failures > 1 && delay < longest_delay; --failures) delay *= 2;
  return std::min(delay, longest_delay);
}

template <class Map, class Key>
bool count_up(Map& map, const Key& key, std::size_t most) {
  std::size_t& count = map[key];
  if (count >= most) return false;
  ++count;
  return true;
}

template <class Map, class Key>
void count_down(Map& map, const Key& key) {
  const auto place = map.find(key);
  if (place != map.end() && --place->second == 0) map.erase(place);
}

}  // namespace

IpAddress party(const IpAddress& address) noexcept {
  IpAddress first = address.unmapped();
  if (first.family == mailwire::IpFamily::v6) std::fill(first.octets.begin() + 8, first.octets.end(), std::uint8_t{0});
  return first;
}

Throttle::Admission Throttle::enter(const IpAddress& from, Time now) {
  const std::lock_guard lock(mutex_);
  const IpAddress who = party(from);
  if (is_banned(who, now)) return Admission::banned;
  return count_up(connections_, who, limits_.connections_per_address) ? Admission::admitted : Admission::too_many;
}

void Throttle::leave(const IpAddress& from) {
  const std::lock_guard lock(mutex_);
  count_down(connections_, party(from));
}

bool Throttle::enter(const std::string& user) {
  const std::lock_guard lock(mutex_);
  return count_up(users_, user, limits_.connections_per_user);
}

void Throttle::leave(const std::string& user) {
  const std::lock_guard lock(mutex_);
  count_down(users_, user);
}

bool Throttle::banned(const IpAddress& from, Time now) {
  const std::lock_guard lock(mutex_);
  return is_banned(party(from), now);
}

Throttle::Duration Throttle::failed(const IpAddress& from, Time now) {
  if (limits_.failed_logins == 0) return {};
  const std::lock_guard lock(mutex_);
  const IpAddress who = party(from);
  const Failures* const before = failures(who, now);
  const unsigned count = before == nullptr ? 1 : std::min(before->count, limits_.failed_logins) + 1;
  failures_.put(who, {count, now});
  return delay_of(count);
}

bool Throttle::is_banned(const IpAddress& who, Time now) {
  if (limits_.failed_logins == 0) return false;
  const Failures* const found = failures(who, now);
  return found != nullptr && found->count >= limits_.failed_logins;
}

const Throttle::Failures* Throttle::failures(const IpAddress& who, Time now) {
  const Failures* const found = failures_.find(who);
  if (found == nullptr || now - found->last < limits_.ban_time) return found;
  failures_.erase(who);
  return nullptr;
}

}  // namespace pop3d
