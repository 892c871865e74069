// SPDX-License-Identifier: MIT
// A Maildir as POP3 wants it: locked, listed once, and changed by nothing but remove().
#ifndef POP3D_MAILDIR_HPP
#define POP3D_MAILDIR_HPP

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "descriptor.hpp"
#include "maildir_cache.hpp"
#include "maildir_listing.hpp"
#include "maildir_state.hpp"
#include "store.hpp"

namespace pop3d {

// May this user's Maildir be called like the user? Such a name is one component of a path and never leads upwards.
bool is_folder_name(std::string_view user) noexcept;

// All of it may block, but what is called ..._at_once; what cannot be done throws std::system_error.
//
// - new/ and cur/ hold the messages: regular files whose names do not begin with a dot. Links, FIFOs and whatever else
//   lies there are not followed, opened or shown.
// - The unique name, before ":2,", is the unique-id, and names the message when another program changes its flags or
//   moves it to cur/. One that is no POP3 unique-id, or is there twice, is replaced by a hash of it.
// - Messages are in the order of their delivery, which is the number that their names begin with.
// - The lock is flock() on the folder itself: nothing is left behind, however the process ends.
//
// Listings are kept: a session whose folders have not changed since the last one has the same, and after a change only
// files that were not there are looked at. Nobody writes into a message that was delivered; should it happen, and
// change its size, RETR finds out, and the next listing is made anew.
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
  static std::unique_ptr<Maildir> open_at_once(int root, const std::string& name, MaildirCache& cache, bool utf8);

  pop3::Listing messages() const override { return listing_->messages(); }
  std::unique_ptr<Message> open_message(std::uint32_t number) override;
  std::unique_ptr<Message> open_at_once(std::uint32_t number) override;
  std::unique_ptr<Message> open_head_at_once(std::uint32_t number) override;
  void sent(std::uint32_t number, std::uint64_t octets) override;
  std::size_t remove(pop3::Numbers numbers) override;

 private:
  using Entry = MaildirListing::Entry;

  Maildir(Descriptor directory, std::string name, MaildirCache& cache, bool utf8) noexcept
      : directory_(std::move(directory)), name_(std::move(name)), cache_(cache), utf8_(utf8) {}

  enum class Look : std::uint8_t { complete, unreadable, missed };  // the worst comes last

  void list();
  Look list_again();
  Look look_into(const MaildirListing& listing, Entry& entry);
  Look read(const MaildirListing& listing, Entry& entry, bool whole);
  Descriptor open_folder(MaildirFolder which) const;
  const Descriptor& folder(MaildirFolder which);

  const Entry& entry(std::uint32_t number) const { return listing_->entries().at(number - 1); }
  Descriptor open_where_listed(const Entry& entry) const;
  Descriptor open_by_name(const MaildirListing& listing, const Entry& entry);
  std::unique_ptr<Message> read_from(Descriptor file, const struct stat& state, const Entry& entry);
  bool locate_again();
  bool remove(const Entry& entry, bool (&touched)[folders]) noexcept;
  bool sync(MaildirFolder which);

  Descriptor directory_;         // holds the lock; none = no such Maildir
  Descriptor folders_[folders];  // opened for the first message that is read or removed by a thread that may block
  std::shared_ptr<const MaildirListing> listing_;
  std::optional<MaildirState> trusted_;  // the last look at the folders holds as long as they are in this state
  const std::string name_;
  MaildirCache& cache_;
  const bool utf8_;
};

}  // namespace pop3d

#endif
