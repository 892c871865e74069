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
#include "../config.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

// unique-id: 1 to 70 octets of 0x21 to 0x7E (RFC 1939, 7)
constexpr bool is_uid(std::string_view uid) noexcept {
  return !uid.empty() && uid.size() <= 70 && mailwire::all_of(uid, mailwire::is_graphic);
}

class Maildrop {
 public:
  // How a client gets a message (RFC 6856, 2.1).
  enum class Form : std::uint8_t {
    as_it_is,
    surrogate,   // another message in its place
    needs_utf8,  // not at all, unless it says UTF8
  };
  struct Rules {
    std::size_t most = ~std::size_t{0};  // messages
    bool uids = true;                    // there has to be a unique-id for each
    EqualUids equal_uids = EqualUids::allow;
    bool utf8 = false;  // the client said UTF8
  };

  // Copies a listing; false, and nothing copied, if it is too long, or too large to tell, or a unique-id breaks a rule.
  bool assign(Listing listing, const Rules& rules) {
    if (listing.count > rules.most || listing.count > ~std::uint32_t{0}) return false;
    std::uint64_t octets = 0;
    std::size_t uid_octets = 0;
    for (std::size_t i = 0; i < listing.count; ++i) {
      const MessageInfo& message = listing.data[i];
      const std::uint64_t size = size_for(message, rules.utf8);
      if (size > ~octets || (rules.uids && !is_uid(message.uid))) return false;
      octets += size;
      uid_octets += message.uid.size();
    }
    if (rules.uids && uid_octets > ~std::uint32_t{0}) return false;
    std::vector<std::string> renamed;
    if (rules.uids && rules.equal_uids != EqualUids::allow && !part_equal_uids(listing, rules, renamed)) return false;
    messages_.reserve(listing.count);
    if (rules.uids) uids_.reserve(uid_octets);
    for (std::size_t i = 0; i < listing.count; ++i) {
      const bool other = !renamed.empty() && !renamed[i].empty();
      add(listing.data[i], rules, other ? std::string_view(renamed[i]) : listing.data[i].uid);
    }
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
  Form form(std::uint64_t number) const noexcept { return at(number).form; }
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

  // A whole RETR has sent it.
  void note_retrieved(std::uint64_t number) noexcept {
    messages_[static_cast<std::size_t>(number - 1)].retrieved = true;
  }

  // The marked numbers, with those of retrieved messages if these are to go too, ascending; valid as long as the
  // maildrop.
  Numbers numbers_to_remove(bool retrieved_too) {
    numbers_.clear();
    numbers_.reserve(marked());
    for (std::uint32_t number = 1; number <= count(); ++number)
      if (is_marked(number) || (retrieved_too && at(number).retrieved)) numbers_.push_back(number);
    return {numbers_.data(), numbers_.size()};
  }
  // As many as numbers_to_remove() gave last.
  std::size_t to_remove() const noexcept { return numbers_.size(); }
  // Whether these are among them, each once.
  bool removes_all_of(Numbers some) const {
    std::vector<bool> seen(numbers_.size());
    for (const std::uint32_t number : some) {
      std::size_t first = 0, end = numbers_.size();
      while (first < end) {
        const std::size_t middle = first + (end - first) / 2;
        if (numbers_[middle] < number)
          first = middle + 1;
        else
          end = middle;
      }
      if (first == numbers_.size() || numbers_[first] != number || seen[first]) return false;
      seen[first] = true;
    }
    return true;
  }

 private:
  struct Message {
    std::uint64_t size;
    std::uint32_t uid_start;
    std::uint8_t uid_size;
    bool marked, retrieved;
    Form form;
  };

  static Form form_for(const MessageInfo& message, bool utf8) noexcept {
    if (!message.needs_utf8 || utf8) return Form::as_it_is;
    return message.surrogate_size > 0 ? Form::surrogate : Form::needs_utf8;
  }
  static std::uint64_t size_for(const MessageInfo& message, bool utf8) noexcept {
    return form_for(message, utf8) == Form::surrogate ? message.surrogate_size : message.size;
  }

  // Unique-ids of a listing, found by their octets.
  class UidIndex {
   public:
    explicit UidIndex(Listing listing) : listing_(listing) {
      std::size_t slots = 16;
      while (slots < 2 * listing.count) slots *= 2;
      slots_.resize(slots);
    }
    // The first message that was added with this unique-id, from 1 on; 0 = there is none.
    std::uint32_t find(std::string_view uid) const noexcept { return slots_[slot(uid)]; }
    void add(std::uint32_t number) noexcept { slots_[slot(listing_.data[number - 1].uid)] = number; }

   private:
    // Where it is, or would be: half of the slots are empty, so there is one.
    std::size_t slot(std::string_view uid) const noexcept {
      std::uint64_t hash = 14695981039346656037U;  // FNV-1a
      for (const char c : uid) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
      std::size_t i = static_cast<std::size_t>(hash ^ hash >> 32) & (slots_.size() - 1);
      while (slots_[i] != 0 && listing_.data[slots_[i] - 1].uid != uid) i = (i + 1) & (slots_.size() - 1);
      return i;
    }

    Listing listing_;
    std::vector<std::uint32_t> slots_;  // message numbers; 0 = empty
  };

  // Finds unique-ids that are there twice; renames all but the first of each, the same way as long as the listing is in
  // the same order. False: they are refused, or a new name has no room.
  static bool part_equal_uids(Listing listing, const Rules& rules, std::vector<std::string>& renamed) {
    UidIndex index(listing);
    std::vector<std::uint32_t> again;  // numbers of those that were there before
    for (std::uint32_t number = 1; number <= listing.count; ++number) {
      if (index.find(listing.data[number - 1].uid) == 0)
        index.add(number);
      else
        again.push_back(number);
    }
    if (again.empty()) return true;
    if (rules.equal_uids == EqualUids::refuse) return false;
    renamed.resize(listing.count);
    std::vector<std::uint32_t> copies(listing.count);  // of the first with this unique-id
    for (const std::uint32_t number : again) {
      const std::string_view uid = listing.data[number - 1].uid;
      std::uint32_t& count = copies[index.find(uid) - 1];
      std::string name;
      do {
        name = std::string(uid) + '-' + std::to_string(++count + 1);
      } while (index.find(name) != 0);
      if (!is_uid(name)) return false;
      renamed[number - 1] = name;
    }
    return true;
  }

  const Message& at(std::uint64_t number) const noexcept { return messages_[static_cast<std::size_t>(number - 1)]; }
  void add(const MessageInfo& message, const Rules& rules, std::string_view name) {
    const std::string_view uid = rules.uids ? name : std::string_view{};
    const std::uint64_t size = size_for(message, rules.utf8);
    messages_.push_back({size, static_cast<std::uint32_t>(uids_.size()), static_cast<std::uint8_t>(uid.size()), false,
                         false, form_for(message, rules.utf8)});
    uids_.append(uid);
    ++left_;
    octets_left_ += size;
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
