// SPDX-License-Identifier: MIT
// The maildrop as one session sees it: sizes, unique-ids and deletion marks, frozen at login (RFC 1939, 4).
#ifndef POP3_DETAIL_MAILDROP_HPP
#define POP3_DETAIL_MAILDROP_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../../mailwire/ascii.hpp"
#include "../types.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

// unique-id: 1 to 70 octets of 0x21 to 0x7E (RFC 1939, 7)
constexpr bool is_uid(std::string_view uid) noexcept {
  return !uid.empty() && uid.size() <= 70 && mailwire::all_of(uid, mailwire::is_graphic);
}

class Maildrop {
 public:
  // Copies a listing; false, and nothing copied, if it is longer than `max`, or too large to tell, or, with `uids`, a
  // unique-id is not one.
  bool assign(Listing listing, bool uids, std::size_t max) {
    if (listing.count > max || listing.count > ~std::uint32_t{0}) return false;
    std::uint64_t octets = 0;
    std::size_t uid_octets = 0;
    for (std::size_t i = 0; i < listing.count; ++i) {
      const MessageInfo& message = listing.data[i];
      if (message.size > ~octets || (uids && !is_uid(message.uid))) return false;
      octets += message.size;
      uid_octets += message.uid.size();
    }
    if (uids && uid_octets > ~std::uint32_t{0}) return false;
    messages_.reserve(listing.count);
    if (uids) uids_.reserve(uid_octets);
    for (std::size_t i = 0; i < listing.count; ++i) add(listing.data[i], uids);
    return true;
  }

  std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(messages_.size()); }
  // Messages without a deletion mark, and their octets (RFC 1939, 5: STAT).
  std::uint32_t left() const noexcept { return left_; }
  std::uint64_t octets_left() const noexcept { return octets_left_; }
  std::uint32_t marked() const noexcept { return count() - left_; }

  bool has(std::uint64_t number) const noexcept { return number >= 1 && number <= messages_.size(); }
  // For the rest: has(number).
  bool is_marked(std::uint64_t number) const noexcept { return at(number).marked; }
  std::uint64_t size(std::uint64_t number) const noexcept { return at(number).size; }
  std::string_view uid(std::uint64_t number) const noexcept {
    const Message& message = at(number);
    return std::string_view(uids_).substr(message.uid_start, message.uid_size);
  }

  void mark(std::uint64_t number) noexcept {
    Message& message = messages_[static_cast<std::size_t>(number - 1)];
    if (message.marked) return;
    message.marked = true;
    --left_;
    octets_left_ -= message.size;
  }
  void unmark_all() noexcept {
    for (Message& message : messages_) {
      if (message.marked) octets_left_ += message.size;
      message.marked = false;
    }
    left_ = count();
  }

  // The marked numbers, ascending; valid as long as the maildrop.
  Numbers marked_numbers() {
    numbers_.clear();
    numbers_.reserve(marked());
    for (std::uint32_t number = 1; number <= count(); ++number)
      if (is_marked(number)) numbers_.push_back(number);
    return {numbers_.data(), numbers_.size()};
  }

 private:
  struct Message {
    std::uint64_t size;
    std::uint32_t uid_start;
    std::uint8_t uid_size;
    bool marked;
  };

  const Message& at(std::uint64_t number) const noexcept { return messages_[static_cast<std::size_t>(number - 1)]; }
  void add(const MessageInfo& message, bool uids) {
    const std::string_view uid = uids ? message.uid : std::string_view{};
    messages_.push_back(
        {message.size, static_cast<std::uint32_t>(uids_.size()), static_cast<std::uint8_t>(uid.size()), false});
    uids_.append(uid);
    ++left_;
    octets_left_ += message.size;
  }

  std::vector<Message> messages_;
  std::string uids_;  // all unique-ids, one after the other
  std::vector<std::uint32_t> numbers_;
  std::uint32_t left_ = 0;
  std::uint64_t octets_left_ = 0;
};

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
