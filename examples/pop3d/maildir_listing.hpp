// SPDX-License-Identifier: MIT
// What a Maildir holds: the messages as POP3 shows them, and the files behind them.
#ifndef POP3D_MAILDIR_LISTING_HPP
#define POP3D_MAILDIR_LISTING_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "file_cache.hpp"
#include "maildir_state.hpp"
#include "pop3/types.hpp"

namespace pop3d {

// One that is shared does not change any more.
class MaildirListing {
 public:
  struct Entry {
    FileState file{};          // all 0: not looked at yet
    std::uint64_t number;      // of its inode, as the folder has it
    std::uint64_t delivered;   // the number that its name begins with
    std::uint64_t octets = 0;  // as sent
    std::size_t name_at;
    std::uint16_t name_size, unique_size;
    MaildirFolder folder;
    bool needs_utf8 = false;
    bool gone = false;

    bool is_known() const noexcept { return file.inode != 0; }
  };

  // ---- the files
  std::vector<Entry>& entries() noexcept { return entries_; }  // message n is entries()[n - 1]
  const std::vector<Entry>& entries() const noexcept { return entries_; }
  // In its folder, flags and all. The other two end with a NUL; the last one begins at the Maildir.
  std::string_view name(const Entry& entry) const noexcept { return {c_name(entry), entry.name_size}; }
  const char* c_name(const Entry& entry) const noexcept { return names_.data() + entry.name_at; }
  const char* path(const Entry& entry) const noexcept { return c_name(entry) - path_start; }
  // Without the flags.
  std::string_view unique(const Entry& entry) const noexcept { return {c_name(entry), entry.unique_size}; }

  void add(std::string_view name, std::uint64_t number, MaildirFolder folder);
  // In the order of delivery. What was moved while it was listed is there once, where it was seen last.
  void sort();
  // Takes over what `other` knows of the same files. Both are sorted.
  void learn_from(const MaildirListing& other);
  // The same files, where `found`, which is sorted, has them now. It has no messages().
  MaildirListing as_found_in(const MaildirListing& found) const;
  void drop_gone();

  // ---- the messages
  // Gives each its unique-id. From then on messages() can be asked.
  void number();
  const std::vector<pop3::MessageInfo>& messages() const noexcept { return messages_; }

 private:
  static constexpr std::size_t path_start = 4;  // "new/", "cur/"

  void put_name(Entry& entry, std::string_view name);
  bool is_before(const Entry& one, const MaildirListing& others, const Entry& other) const noexcept;
  bool is_same(const Entry& one, const MaildirListing& others, const Entry& other) const noexcept;
  bool shares_name(std::size_t index) const noexcept;
  std::vector<std::size_t> make_up_ids();

  std::string names_;  // path, NUL, path, NUL, ...
  std::vector<Entry> entries_;
  std::vector<pop3::MessageInfo> messages_;
};

// Of both folders of `maildir`, sorted; nothing is known of the files. May block; throws std::system_error.
MaildirListing list_maildir(int maildir);

// The number after `key` in a name, as in "1700000000.M1P2.host,S=1234,W=1250".
std::optional<std::uint64_t> number_after(std::string_view name, std::string_view key);

}  // namespace pop3d

#endif
