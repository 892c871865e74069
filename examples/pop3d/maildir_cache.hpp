// SPDX-License-Identifier: MIT
// What was found out about the Maildirs of a store, for all sessions.
#ifndef POP3D_MAILDIR_CACHE_HPP
#define POP3D_MAILDIR_CACHE_HPP

#include <sys/stat.h>

#include <chrono>
#include <cstdint>

#include "file_cache.hpp"
#include "listing_cache.hpp"
#include "maildir_message.hpp"
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

// The first octets of a message, which TOP has just read.
struct RecentHead {
  static constexpr std::chrono::seconds life{10};  // that long nobody asks whether the file is still there

  RememberedMessage::Octets octets;
  std::chrono::steady_clock::time_point until;
};

struct MaildirCache {
  FileCache<WireForm> wire;
  FileCache<bool> needs_utf8;
  FileCache<RecentHead, 128> heads;  // 4 MiB at most
  ListingCache listings;
};

}  // namespace pop3d

#endif
