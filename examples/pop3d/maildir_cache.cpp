// SPDX-License-Identifier: MIT
#include "maildir_cache.hpp"

namespace pop3d {

// A change in the same tick of the clock as the last one would not show, so a file that is new is not trusted yet.
WireForm wire_form(const WireScan& scan, const struct stat& state) noexcept {
  using namespace std::chrono_literals;
  const auto changed = to_duration(state.st_ctim), now = std::chrono::system_clock::now().time_since_epoch();
  const bool lasting = scan.goes_as_it_is() && now - changed > 2s;
  return {scan.octets(), lasting ? changed : 0ns};
}

}  // namespace pop3d
