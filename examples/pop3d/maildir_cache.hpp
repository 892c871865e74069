// SPDX-License-Identifier: MIT
// What was found out about the Maildirs of a store, for all sessions.
#ifndef POP3D_MAILDIR_CACHE_HPP
#define POP3D_MAILDIR_CACHE_HPP

#include <sys/stat.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "file_cache.hpp"
#include "listing_cache.hpp"
#include "wire_scan.hpp"

namespace pop3d {

// What a message is on the wire.
struct WireForm {
  std::uint64_t octets;
  // It may be sent as it is, as long as this is when the file was changed last (st_ctime, which renaming changes too).
  // 0: it may not, or that is not known.
  std::chrono::nanoseconds as_is_since{};
};

// `state`: of before it was read.
WireForm wire_form(const WireScan& scan, const struct stat& state) noexcept;

// A small message that TOP has just read. Who looks at the heads of messages asks for them all in a row, and often
// again.
struct RecentMessage {
  static constexpr std::size_t most_octets = 16 * 1024;
  static constexpr std::chrono::seconds life{1};  // that long nobody asks whether the file is still there

  std::shared_ptr<const std::string> octets;
  std::chrono::steady_clock::time_point until;
};

struct MaildirCache {
  FileCache<WireForm> wire;
  FileCache<bool> needs_utf8;
  FileCache<RecentMessage, 128> recent;  // 4 MiB at most
  ListingCache listings;
};

}  // namespace pop3d

#endif
