// SPDX-License-Identifier: MIT
// A message of a Maildir that is being read.
#ifndef POP3D_MAILDIR_MESSAGE_HPP
#define POP3D_MAILDIR_MESSAGE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "descriptor.hpp"
#include "file_cache.hpp"
#include "pop3/types.hpp"
#include "store.hpp"

namespace pop3d {

class MaildirMessage : public Message {
 public:
  // `learn`: read() counts along, and tells what it found.
  MaildirMessage(Descriptor file, const FileState& state, FileCache<std::uint64_t>* learn)
      : file_(std::move(file)), state_(state), learn_(learn) {}

  std::uint64_t size() const override { return state_.size; }
  std::optional<std::string_view> read(std::uint64_t offset, std::size_t room) override;
  std::optional<std::string_view> read_at_once(std::uint64_t offset, std::size_t room) override;

 private:
  using Read = ssize_t (*)(int file, char* to, std::size_t room, std::uint64_t offset) noexcept;
  std::optional<std::string_view> read_by(Read how, std::uint64_t offset, std::size_t room);
  void learn(std::uint64_t offset, std::string_view octets);

  Descriptor file_;  // closed as soon as all of it was read
  FileState state_;
  FileCache<std::uint64_t>* learn_;
  pop3::OctetCounter counter_;
  std::uint64_t learned_ = 0;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
};

}  // namespace pop3d

#endif
