// SPDX-License-Identifier: MIT
// A message of a Maildir that is being read.
#ifndef POP3D_MAILDIR_MESSAGE_HPP
#define POP3D_MAILDIR_MESSAGE_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "block.hpp"
#include "descriptor.hpp"
#include "file_cache.hpp"
#include "store.hpp"
#include "wire_scan.hpp"

namespace pop3d {

class MaildirMessage : public Message {
 public:
  MaildirMessage(Descriptor file, const FileState& state, bool as_is = false)
      : file_(std::move(file)), state_(state), as_is_(as_is) {}

  // Once all of it was read, from the beginning on, `learned` is told what it is on the wire.
  using Learned = std::function<void(const WireScan& scan)>;
  void learn(Learned learned) { learned_ = std::move(learned); }

  std::uint64_t size() const override { return state_.size; }
  int file_as_is() const override { return as_is_ ? file_.get() : -1; }
  std::optional<std::string_view> read(std::uint64_t offset, std::size_t room) override;
  std::optional<std::string_view> read_at_once(std::uint64_t offset, std::size_t room) override;

 private:
  using Read = ssize_t (*)(int file, char* to, std::size_t room, std::uint64_t offset) noexcept;
  std::optional<std::string_view> read_by(Read how, std::uint64_t offset, std::size_t room);
  void scan(std::uint64_t offset, std::string_view octets);

  Descriptor file_;  // closed as soon as all of it was read
  const FileState state_;
  const bool as_is_;
  Learned learned_;
  WireScan scan_;
  std::uint64_t scanned_ = 0;
  Block block_;
};

// One that was read as a whole, since it is small: larger ones may be sent by the system.
class SmallMessage : public Message {
 public:
  static constexpr std::size_t most_octets = 16 * 1024 - 1;

  // Null: the file does not have just so many octets, or would have to be waited for.
  static std::unique_ptr<SmallMessage> read_from(const Descriptor& file, std::size_t size);

  SmallMessage(std::unique_ptr<char[]> octets, std::size_t size) noexcept : octets_(std::move(octets)), size_(size) {}

  std::uint64_t size() const override { return size_; }
  std::optional<std::string_view> read(std::uint64_t offset, std::size_t room) override;
  std::optional<std::string_view> read_at_once(std::uint64_t offset, std::size_t room) override {
    return read(offset, room);
  }

 private:
  const std::unique_ptr<char[]> octets_;
  const std::size_t size_;
};

// One that begins with octets that are in memory: mostly TOP wants no more. For the rest it is opened.
class RememberedMessage : public Message {
 public:
  static constexpr std::size_t most_octets = 16 * 1024;
  using Octets = std::shared_ptr<const std::string>;
  using Open = std::function<std::unique_ptr<Message>()>;

  RememberedMessage(Octets head, std::uint64_t size, Open open) noexcept
      : head_(std::move(head)), size_(size), open_(std::move(open)) {}

  std::uint64_t size() const override { return size_; }
  std::optional<std::string_view> read(std::uint64_t offset, std::size_t room) override;
  std::optional<std::string_view> read_at_once(std::uint64_t offset, std::size_t room) override;

 private:
  const Octets head_;
  const std::uint64_t size_;
  const Open open_;
  std::unique_ptr<Message> message_;
};

}  // namespace pop3d

#endif
