// SPDX-License-Identifier: MIT
// The maildrop as one session sees it: sizes, unique-ids and deletion marks, frozen at login (RFC 1939, 4).
#ifndef POP3_DETAIL_MAILDROP_HPP
#define POP3_DETAIL_MAILDROP_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../../mailwire/ascii.hpp"
#include "../../mailwire/macros.hpp"
#include "../config.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

// unique-id: 1 to 70 octets of 0x21 to 0x7E (RFC 1939, 7)
inline bool is_uid(std::string_view uid) noexcept {
  return !uid.empty() && uid.size() <= 70 && mailwire::all_graphic(uid);
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

  Maildrop() noexcept = default;
  Maildrop(const Maildrop&) = delete;
  Maildrop& operator=(const Maildrop&) = delete;
  ~Maildrop() {
    delete[] block_;
    delete[] numbers_;
  }

  // Copies a listing, before any other call; false, and nothing copied, if it is too long, or too large to tell, or a
  // unique-id breaks a rule.
  bool assign(Listing listing, const Rules& rules) {
    forget();  // there is an earlier one if memory ran out behind it
    if (listing.count > rules.most || listing.count > ~std::uint32_t{0}) return false;
    std::uint64_t octets = 0;
    std::uint64_t uid_octets = 0;
    for (std::size_t i = 0; i < listing.count; ++i) {
      const MessageInfo& message = listing.data[i];
      const std::uint64_t size = size_for(message, rules.utf8);
      if (size > ~octets || (rules.uids && !is_uid(message.uid))) return false;
      octets += size;
      uid_octets += message.uid.size();
    }
    if (rules.uids && uid_octets > ~std::uint32_t{0}) return false;
    Renamed renamed;
    if (rules.uids && rules.equal_uids != EqualUids::allow && !part_equal_uids(listing, rules, renamed)) return false;
    if (listing.count == 0) return true;
    for (const Renamed::Message& message : renamed.messages)
      uid_octets += message.size - listing.data[message.number - 1].uid.size();
    if (uid_octets > ~std::uint32_t{0}) return false;
    const std::uint64_t size = std::uint64_t{listing.count} * sizeof(Message) + (rules.uids ? uid_octets : 0);
    if (static_cast<std::size_t>(size) != size) return false;
    block_ = new char[static_cast<std::size_t>(size)];
    count_ = static_cast<std::uint32_t>(listing.count);
    left_ = count_;
    std::uint32_t next = 0, start = 0;
    for (const Renamed::Message& message : renamed.messages) {
      start = put_all(next, message.number - 1, listing, rules, start);
      next = message.number;
      start = put(next - 1, listing.data[next - 1], rules, renamed.name(message), start);
    }
    put_all(next, count_, listing, rules, start);
    return true;
  }

  void forget() noexcept {
    delete[] block_;
    block_ = nullptr;
    count_ = left_ = 0;
    octets_left_ = 0;
  }

  std::uint32_t count() const noexcept { return count_; }
  // Messages without a deletion mark, and their octets (RFC 1939, 5: STAT).
  std::uint32_t left() const noexcept { return left_; }
  std::uint64_t octets_left() const noexcept { return octets_left_; }
  std::uint32_t marked() const noexcept { return count() - left_; }

  bool has(std::uint64_t number) const noexcept { return number >= 1 && number <= count_; }
  // For the rest: has(number).
  bool is_marked(std::uint64_t number) const noexcept { return at(number).marked; }
  std::uint64_t size(std::uint64_t number) const noexcept { return at(number).size; }
  Form form(std::uint64_t number) const noexcept { return at(number).form; }
  std::string_view uid(std::uint64_t number) const noexcept {
    const Message& message = at(number);
    return {uids() + message.uid_start, message.uid_size};
  }

  void mark(std::uint64_t number) noexcept {
    Message& message = messages()[number - 1];
    if (message.marked) return;
    message.marked = true;
    --left_;
    octets_left_ -= message.size;
  }
  void unmark_all() noexcept {
    for (std::uint32_t i = 0; i < count_; ++i) {
      Message& message = messages()[i];
      if (message.marked) octets_left_ += message.size;
      message.marked = false;
    }
    left_ = count();
  }

  // A whole RETR has sent it.
  void note_retrieved(std::uint64_t number) noexcept { messages()[number - 1].retrieved = true; }

  // The marked numbers, with those of retrieved messages if these are to go too, ascending; valid as long as the
  // maildrop.
  Numbers numbers_to_remove(bool retrieved_too) {
    const auto goes = [&](std::uint32_t number) {
      return is_marked(number) || (retrieved_too && at(number).retrieved);
    };
    std::uint32_t wanted = 0;
    for (std::uint32_t number = 1; number <= count_; ++number) wanted += goes(number) ? 1U : 0U;
    delete[] numbers_;
    numbers_ = nullptr;
    to_remove_ = 0;
    if (wanted == 0) return {};
    std::uint32_t* next = numbers_ = new std::uint32_t[wanted];
    to_remove_ = wanted;
    for (std::uint32_t number = 1; number <= count_; ++number)
      if (goes(number)) *next++ = number;
    return {numbers_, to_remove_};
  }
  // As many as numbers_to_remove() gave last.
  std::size_t to_remove() const noexcept { return to_remove_; }
  // Whether these are among them, each once.
  bool removes_all_of(Numbers some) const {
    std::vector<bool> seen(to_remove_);
    for (const std::uint32_t number : some) {
      std::size_t first = 0, end = to_remove_;
      while (first < end) {
        const std::size_t middle = first + (end - first) / 2;
        if (numbers_[middle] < number)
          first = middle + 1;
        else
          end = middle;
      }
      if (first == to_remove_ || numbers_[first] != number || seen[first]) return false;
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
    bool has(std::string_view uid) const noexcept { return slots_[place(uid, hash_of(uid))].number != 0; }
    // Adds all, in their order, and calls on_again(number, first) for each whose unique-id another one before it has,
    // until that returns false.
    // The table may be larger than what the processor holds of the memory: so the slots of some messages are fetched
    // together, instead of waiting for each.
    template <class OnAgain>
    void add_all(OnAgain on_again) {
      constexpr std::size_t together = 16;
      std::uint64_t hashes[together];
      for (std::size_t first = 0; first < listing_.count; first += together) {
        const std::size_t left = listing_.count - first, count = left < together ? left : together;
        for (std::size_t i = 0; i < count; ++i) {
          hashes[i] = hash_of(listing_.data[first + i].uid);
          MAILWIRE_PREFETCH(&slots_[home(hashes[i])]);
        }
        for (std::size_t i = 0; i < count; ++i) {
          const auto number = static_cast<std::uint32_t>(first + i + 1);
          Slot& slot = slots_[place(listing_.data[first + i].uid, hashes[i])];
          if (slot.number == 0)
            slot = {number, check(hashes[i])};
          else if (!on_again(number, slot.number))
            return;
        }
      }
    }

   private:
    struct Slot {
      std::uint32_t number = 0;  // of the message, from 1 on; 0 = empty
      std::uint32_t check = 0;   // of the hash, so that other unique-ids are seldom looked at
    };

    static std::uint32_t check(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash); }
    // Eight octets at a time, each time mixed by a multiplication.
    static std::uint64_t hash_of(std::string_view uid) noexcept {
      std::uint64_t hash = uid.size(), octets = 0;
      for (; uid.size() >= sizeof octets; uid.remove_prefix(sizeof octets)) {
        std::memcpy(&octets, uid.data(), sizeof octets);
        hash = mix(hash, octets);
      }
      octets = 0;
      if (!uid.empty()) std::memcpy(&octets, uid.data(), uid.size());
      return mix(hash, octets);
    }
    static std::uint64_t mix(std::uint64_t hash, std::uint64_t octets) noexcept {
      hash = (hash ^ octets) * 0x9E3779B97F4A7C15U;
      return hash ^ hash >> 32;
    }
    std::size_t home(std::uint64_t hash) const noexcept {
      return static_cast<std::size_t>(hash >> 20) & (slots_.size() - 1);
    }
    // Where it is, or would be: half of the slots are empty, so there is one.
    std::size_t place(std::string_view uid, std::uint64_t hash) const noexcept {
      std::size_t i = home(hash);
      while (slots_[i].number != 0 &&
             !(slots_[i].check == check(hash) && listing_.data[slots_[i].number - 1].uid == uid))
        i = (i + 1) & (slots_.size() - 1);
      return i;
    }

    Listing listing_;
    std::vector<Slot> slots_;
  };

  // Messages that have a new unique-id, in ascending order.
  struct Renamed {
    struct Message {
      std::uint32_t number;
      std::uint32_t first;        // that has had the unique-id before
      std::uint32_t start, size;  // of the new one, in `names`
    };
    std::vector<Message> messages;
    std::string names;

    std::string_view name(const Message& message) const noexcept {
      return std::string_view(names).substr(message.start, message.size);
    }
  };

  // Each is greater than the one before it, as in a listing that is sorted by them: no two are equal.
  static bool ascend(Listing listing) noexcept {
    for (std::size_t i = 1; i < listing.count; ++i)
      if (listing.data[i - 1].uid.compare(listing.data[i].uid) >= 0) return false;
    return true;
  }

  // Finds unique-ids that are there twice; renames all but the first of each, the same way as long as the listing is in
  // the same order. False: they are refused, or a new name has no room.
  static bool part_equal_uids(Listing listing, const Rules& rules, Renamed& renamed) {
    if (ascend(listing)) return true;
    UidIndex index(listing);
    index.add_all([&](std::uint32_t number, std::uint32_t first) {
      renamed.messages.push_back({number, first, 0, 0});
      return rules.equal_uids == EqualUids::rename;
    });
    if (renamed.messages.empty()) return true;
    if (rules.equal_uids == EqualUids::refuse) return false;
    std::vector<std::uint32_t> copies(listing.count);  // of the first with this unique-id
    std::string& names = renamed.names;
    for (Renamed::Message& message : renamed.messages) {
      const std::size_t start = names.size();
      std::uint32_t& count = copies[message.first - 1];
      std::string_view name;
      do {
        names.resize(start);
        names.append(listing.data[message.number - 1].uid).append(1, '-').append(std::to_string(++count + 1));
        name = std::string_view(names).substr(start);
      } while (index.has(name));
      if (!is_uid(name)) return false;
      message.start = static_cast<std::uint32_t>(start);
      message.size = static_cast<std::uint32_t>(name.size());
    }
    return true;
  }

  Message* messages() noexcept { return reinterpret_cast<Message*>(block_); }
  const Message& at(std::uint64_t number) const noexcept {
    return reinterpret_cast<const Message*>(block_)[number - 1];
  }
  const char* uids() const noexcept { return block_ + count_ * sizeof(Message); }
  // Writes one message, and its unique-id at `start`; returns where the next one starts.
  std::uint32_t put(std::uint32_t index, const MessageInfo& message, const Rules& rules, std::string_view uid,
                    std::uint32_t start) noexcept {
    const std::uint64_t size = size_for(message, rules.utf8);
    messages()[index] = {size,  start, static_cast<std::uint8_t>(uid.size()),
                         false, false, form_for(message, rules.utf8)};
    if (!uid.empty()) std::memcpy(block_ + count_ * sizeof(Message) + start, uid.data(), uid.size());
    octets_left_ += size;
    return start + static_cast<std::uint32_t>(uid.size());
  }

  // Those from `first` to before `end`, counted from 0, as they are.
  std::uint32_t put_all(std::uint32_t first, std::uint32_t end, Listing listing, const Rules& rules,
                        std::uint32_t start) noexcept {
    for (std::uint32_t i = first; i < end; ++i)
      start = put(i, listing.data[i], rules, rules.uids ? listing.data[i].uid : std::string_view{}, start);
    return start;
  }

  char* block_ = nullptr;             // all messages, then all unique-ids, one behind the other
  std::uint32_t* numbers_ = nullptr;  // of numbers_to_remove()
  std::uint64_t octets_left_ = 0;
  std::uint32_t count_ = 0, left_ = 0, to_remove_ = 0;
};

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
