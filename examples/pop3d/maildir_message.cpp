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

// With room for an octet more: one call tells that the file has become neither shorter nor longer.
std::unique_ptr<SmallMessage> SmallMessage::read_from(const Descriptor& file, std::size_t size) {
  auto octets = std::make_unique_for_overwrite<char[]>(size + 1);
  const ssize_t n = read_if_cached(file.get(), octets.get(), size + 1, 0);
  if (n < 0 || static_cast<std::size_t>(n) != size) return nullptr;
  return std::make_unique<SmallMessage>(std::move(octets), size);
}

std::optional<std::string_view> SmallMessage::read(std::uint64_t offset, std::size_t room) {
  return std::string_view(octets_.get(), size_).substr(static_cast<std::size_t>(offset), room);
}

std::optional<std::string_view> RememberedMessage::read(std::uint64_t offset, std::size_t room) {
  if (const auto known = read_at_once(offset, room)) return known;
  if (!message_) message_ = open_();
  return message_ ? message_->read(offset, room) : std::nullopt;
}

std::optional<std::string_view> RememberedMessage::read_at_once(std::uint64_t offset, std::size_t room) {
  if (offset >= size_) return std::string_view();
  if (offset < head_->size()) return std::string_view(*head_).substr(static_cast<std::size_t>(offset), room);
  return message_ ? message_->read_at_once(offset, room) : std::nullopt;
}

}  // namespace pop3d
