// SPDX-License-Identifier: MIT
// Where mail comes from. Everything here may block and throws std::exception when it cannot be done, but for what is
// called ..._at_once: that waits for no disk, and gives nothing where it would have to, or where anything else is in
// its way. Then the other one is to be asked.
#ifndef POP3D_STORE_HPP
#define POP3D_STORE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pop3/types.hpp"

namespace pop3d {

// A message that is being read.
class Message {
 public:
  virtual ~Message() = default;
  // At most `room` octets from `offset` on; they stay until the next call. Empty at the end of the message, and only
  // there; nothing if the message cannot be read to its end.
  virtual std::optional<std::string_view> read(std::uint64_t offset, std::size_t room) = 0;
  virtual std::optional<std::string_view> read_at_once(std::uint64_t offset, std::size_t room) = 0;
  virtual std::uint64_t size() const = 0;  // octets that read() will give in all
  // A file that holds just these octets, if they may go over the wire as they are; -1: they may not, or who knows.
  virtual int file_as_is() const { return -1; }
};

// A maildrop that is open: locked until the object goes.
class Maildrop {
 public:
  virtual ~Maildrop() = default;
  virtual pop3::Listing messages() const = 0;  // as they were when it was opened, until one is read
  virtual std::unique_ptr<Message> open_message(std::uint32_t number) = 0;  // null = it is gone
  virtual std::unique_ptr<Message> open_at_once(std::uint32_t number) = 0;
  // For TOP: who looks at the heads of messages asks for them all in a row, and often again.
  virtual std::unique_ptr<Message> open_head_at_once(std::uint32_t number) { return open_at_once(number); }
  // A whole message was so many octets on the wire: what messages() should have told.
  virtual void sent(std::uint32_t /*number*/, std::uint64_t /*octets*/) {}
  // Returns how many of them are known to be gone for good.
  virtual std::size_t remove(pop3::Numbers numbers) = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  virtual std::unique_ptr<Maildrop> open(const std::string& user) = 0;  // null = another session has it
  virtual std::unique_ptr<Maildrop> open_at_once(const std::string& user) = 0;
};

// The Maildir of each user is directory/USER. `utf8`: it is to be known which messages need UTF8.
std::unique_ptr<Store> make_maildir_store(const std::string& directory, bool utf8);
// A few messages in memory, for everybody to try.
std::unique_ptr<Store> make_demo_store();

}  // namespace pop3d

#endif
