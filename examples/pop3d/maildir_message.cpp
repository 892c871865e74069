// SPDX-License-Identifier: MIT
#include "maildir_message.hpp"

#include <unistd.h>

#include <algorithm>

#include "page_cache.hpp"

namespace pop3d {
namespace {

ssize_t read_file(int file, char* to, std::size_t room, std::uint64_t offset) noexcept {
  return ::pread(file, to, room, static_cast<off_t>(offset));
}

}  // namespace

std::optional<std::string_view> MaildirMessage::read(std::uint64_t offset, std::size_t room) {
  return read_by(read_file, offset, room);
}

std::optional<std::string_view> MaildirMessage::read_at_once(std::uint64_t offset, std::size_t room) {
  return read_by(read_if_cached, offset, room);
}

std::optional<std::string_view> MaildirMessage::read_by(Read how, std::uint64_t offset, std::size_t room) {
  if (offset >= state_.size) return std::string_view();
  room = static_cast<std::size_t>(std::min<std::uint64_t>(room, state_.size - offset));
  char* const to = block_.room(room);
  const ssize_t n = how(file_.get(), to, room, offset);
  if (n <= 0) return std::nullopt;  // it shrank, or the disk failed, or was to be waited for
  const std::string_view octets(to, static_cast<std::size_t>(n));
  scan(offset, octets);
  if (offset + octets.size() == state_.size) file_.reset();
  return octets;
}

void MaildirMessage::scan(std::uint64_t offset, std::string_view octets) {
  if (!learned_ || offset != scanned_) return;
  scan_.add(octets);
  scanned_ += octets.size();
  if (scanned_ == state_.size) learned_(scan_);
}

}  // namespace pop3d
