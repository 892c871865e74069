// SPDX-License-Identifier: MIT
// A Maildir as POP3 wants it: locked, listed once, and changed by nothing but remove().
#ifndef POP3D_MAILDIR_HPP
#define POP3D_MAILDIR_HPP

#include <sys/stat.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"
#include "file_cache.hpp"
#include "pop3/types.hpp"
#include "store.hpp"

namespace pop3d {

// May this user's Maildir be called like the user? Such a name is one component of a path and never leads upwards.
bool is_folder_name(std::string_view user) noexcept;

// What was found out by reading messages; one for all Maildirs of a store.
struct MaildirCache {
  FileCache<std::uint64_t> octets;  // as sent
  FileCache<bool> needs_utf8;
};

// All of it may block; what cannot be done throws std::system_error.
//
// - new/ and cur/ hold the messages: regular files whose names do not begin with a dot. Links, FIFOs and whatever else
//   lies there are not followed, opened or shown.
// - The unique name, before ":2,", is the unique-id, and names the message when another program changes its flags or
//   moves it to cur/. One that is no POP3 unique-id, or is there twice, is replaced by a hash of it.
// - Messages are in the order of their delivery, which is the number that their names begin with.
// - The lock is flock() on the folder itself: nothing is left behind, however the process ends.
//
// Sizes: LIST has to tell what RETR will send, so an LF file has to be read once to count its lines. Files of which
// `,S=` (octets of the file) is in the name and true, and `,W=` (octets with CRLF) is possible for that size, are not
// read: S proves that the name was written for this file. Should W be wrong nevertheless, the first RETR finds out,
// and every later listing is right.
//
// UTF-8: with `utf8` a listing tells which messages need it. Names do not, so the header of each file is read once.
class Maildir : public Maildrop {
 public:
  // `name` in the folder `root`. Null: another session has it. A user without a Maildir has no mail.
  static std::unique_ptr<Maildir> open(int root, const std::string& name, MaildirCache& cache, bool utf8);

  Contents contents() override;
  std::unique_ptr<Message> open_message(std::uint32_t number) override;
  std::unique_ptr<Message> open_at_once(std::uint32_t number) override;
  std::size_t remove(pop3::Numbers numbers) override;

 private:
  enum Folder : std::uint8_t { folder_new, folder_cur, folders };
  struct Entry {
    std::string name;  // in its folder, flags and all
    FileState file;
    std::uint64_t delivered;
    std::uint64_t octets;  // as sent
    Folder folder;
    bool needs_utf8 = false;
    bool gone = false;

    std::string_view unique() const noexcept { return std::string_view(name).substr(0, name.find(":2,")); }
    bool is(const struct stat& other) const noexcept;
    bool has_changed(const struct stat& now) const noexcept;
  };

  Maildir(Descriptor directory, MaildirCache& cache, bool utf8) noexcept
      : directory_(std::move(directory)), cache_(cache), utf8_(utf8) {}

  using Times = std::array<std::chrono::nanoseconds, folders>;

  void list();
  std::vector<Entry> scan() const;
  void scan(Folder which, std::vector<Entry>& found) const;
  Descriptor open_folder(Folder which) const;
  const Descriptor& folder(Folder which);
  void look_into(Entry& entry);
  void read(Entry& entry, bool whole);

  Descriptor open_file(Entry& entry);
  Descriptor open_by_name(const Entry& entry);
  std::unique_ptr<Message> read_from(Descriptor file, const Entry& entry);
  Times changed() const;
  bool locate_again();
  void locate(std::vector<Entry>& found);
  bool remove(const Entry& entry, bool (&touched)[folders]);
  bool sync(Folder which);

  Descriptor directory_;          // holds the lock; none = no such Maildir
  Descriptor folders_[folders];   // opened for the first message that is read or removed
  std::vector<Entry> entries_;    // message n is entries_[n - 1]
  std::optional<Times> trusted_;  // the last look at the folders holds as long as they have these times
  MaildirCache& cache_;
  const bool utf8_;
};

}  // namespace pop3d

#endif
