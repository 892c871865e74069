// SPDX-License-Identifier: MIT
#include "maildir.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include "block.hpp"
#include "header_scan.hpp"
#include "maildir_message.hpp"
#include "mailwire/ascii.hpp"
#include "page_cache.hpp"

namespace pop3d {
namespace {

constexpr std::size_t block = Block::full_size, header_block = 8 * 1024;

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

// What the name tells about the octets on the wire, if it can be true for a file of this size.
std::optional<std::uint64_t> told_octets(std::string_view unique, std::uint64_t size) {
  const auto stored = number_after(unique, ",S="), sent = number_after(unique, ",W=");
  // Every octet may be an LF that lacks its CR, and the last line may lack its end.
  if (stored != size || !sent || *sent < size || *sent > 2 * size + 2) return std::nullopt;
  return sent;
}

bool is_that_file(const FileState& listed, const struct stat& now) noexcept {
  const FileState state = FileState::of(now);
  return S_ISREG(now.st_mode) && state.device == listed.device && state.inode == listed.inode;
}

bool has_changed(const FileState& listed, const struct stat& now) noexcept {
  return FileState::of(now).size != listed.size;
}

}  // namespace

bool is_folder_name(std::string_view user) noexcept {
  const auto allowed = [](char c) {
    return mailwire::is_digit(c) || mailwire::is_letter(c) || std::string_view("._@+=-").find(c) < 6 ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  return !user.empty() && user.size() <= 255 && user[0] != '.' && mailwire::all_of(user, allowed);
}

// ---- opening and listing ------------------------------------------------------------------------------------------

std::unique_ptr<Maildir> Maildir::open(int root, const std::string& name, MaildirCache& cache, bool utf8) {
  if (!is_folder_name(name)) throw std::invalid_argument("user name that is no folder name");
  Descriptor directory(::openat(root, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory && errno != ENOENT) fail(name);
  if (directory && ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return nullptr;
    fail("lock of " + name);
  }
  std::unique_ptr<Maildir> maildir(new Maildir(std::move(directory), name, cache, utf8));
  maildir->list();
  return maildir;
}

// Only what is listed already, and on a disk of this computer: then all that is asked of the system is in its memory.
std::unique_ptr<Maildir> Maildir::open_at_once(int root, const std::string& name, MaildirCache& cache, bool utf8) try {
  auto known = cache.listings.find(name);
  if (!known || !known->holds) return nullptr;
  Descriptor directory = open_if_cached(root, name.c_str(), O_DIRECTORY | O_NOFOLLOW);
  if (!directory || ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return nullptr;
  if (MaildirState::of(directory.get()) != known->state) return nullptr;
  std::unique_ptr<Maildir> maildir(new Maildir(std::move(directory), name, cache, utf8));
  maildir->listing_ = std::move(known->listing);
  maildir->trusted_ = known->state;
  return maildir;
} catch (const std::system_error&) {
  return nullptr;
}

// A file that is renamed while it is listed may be missed, so it is listed again then.
void Maildir::list() {
  listing_ = std::make_shared<const MaildirListing>();
  if (!directory_) return;
  const auto state = MaildirState::of(directory_.get());
  const auto known = cache_.listings.find(name_);
  if (known) listing_ = known->listing;
  const bool lasting = state.shows_later_changes() && is_local(directory_.get());
  const bool same = known && known->holds && known->state == state;
  Look look = same ? Look::complete : Look::missed;
  for (int tries = 8; tries > 0 && look == Look::missed; --tries) look = list_again();
  for (Descriptor& folder : folders_) folder.reset();  // an idle session needs none
  const bool holds = same || (lasting && look != Look::missed && state == MaildirState::of(directory_.get()));
  if (holds) trusted_ = state;
  if (look == Look::unreadable) return cache_.listings.erase(name_);  // once it can be read, the size will be another
  if (!same) cache_.listings.put(name_, {state, holds, listing_});
}

// Files that the last listing had are known.
Maildir::Look Maildir::list_again() {
  auto listing = std::make_shared<MaildirListing>(list_maildir(directory_.get()));
  listing->learn_from(*listing_);
  Look worst = Look::complete;
  for (Entry& entry : listing->entries())
    if (!entry.is_known()) worst = std::max(worst, look_into(*listing, entry));
  listing->drop_gone();
  listing->number();
  listing_ = std::move(listing);
  return worst;
}

// None = it is not there, which is as good as empty.
Descriptor Maildir::open_folder(MaildirFolder which) const {
  if (!directory_) return {};
  Descriptor folder(::openat(directory_.get(), folder_names[which], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder && errno != ENOENT) fail(folder_names[which]);
  return folder;
}

const Descriptor& Maildir::folder(MaildirFolder which) {
  if (!folders_[which]) folders_[which] = open_folder(which);
  return folders_[which];
}

// What is not known yet is found out by reading. A file that was read as a whole is known in all respects.
Maildir::Look Maildir::look_into(const MaildirListing& listing, Entry& entry) {
  struct stat file {};
  entry.gone = ::fstatat(folder(entry.folder).get(), listing.c_name(entry), &file, AT_SYMLINK_NOFOLLOW) != 0;
  if (entry.gone && errno != ENOENT && errno != EBADF) fail(listing.c_name(entry));
  if (entry.gone) return Look::missed;
  entry.gone = !S_ISREG(file.st_mode);
  if (entry.gone) return Look::complete;
  entry.file = FileState::of(file);
  const auto wire = cache_.wire.find(entry.file);
  const auto octets = wire ? std::optional(wire->octets) : told_octets(listing.unique(entry), entry.file.size);
  const auto needs_utf8 = utf8_ ? cache_.needs_utf8.find(entry.file) : std::optional(false);
  entry.octets = octets.value_or(entry.file.size);
  entry.needs_utf8 = needs_utf8.value_or(false);
  return octets && needs_utf8 ? Look::complete : read(listing, entry, !octets);
}

// `whole`: to count its octets; else no more than its header.
Maildir::Look Maildir::read(const MaildirListing& listing, Entry& entry, bool whole) try {
  Descriptor file = open_by_name(listing, entry);
  struct stat state {};
  entry.gone = !file || ::fstat(file.get(), &state) != 0 || FileState::of(state) != entry.file;
  if (entry.gone) return Look::missed;
  MaildirMessage message(std::move(file), entry.file);
  WireScan scan;
  HeaderScan header;
  for (std::uint64_t offset = 0; offset < entry.file.size && (whole || !header.done());) {
    const auto octets = message.read(offset, whole ? block : header_block);
    if (!octets) return Look::unreadable;
    if (whole) scan.add(*octets);
    if (utf8_) header.add(*octets);
    offset += octets->size();
  }
  if (whole) cache_.wire.put(entry.file, wire_form(scan, state));
  if (whole) entry.octets = scan.octets();
  if (utf8_) cache_.needs_utf8.put(entry.file, entry.needs_utf8 = header.needs_utf8());
  return Look::complete;
} catch (const std::system_error& error) {
  // One file that cannot be read does not lock its owner out. It is shown, and RETR says what is wrong.
  if (error.code() != std::errc::permission_denied && error.code() != std::errc::io_error) throw;
  return Look::unreadable;
}

// ---- messages -----------------------------------------------------------------------------------------------------

std::unique_ptr<Message> Maildir::open_message(std::uint32_t number) {
  for (int tries = 8; tries > 0; --tries) {
    Descriptor file = entry(number).gone ? Descriptor() : open_by_name(*listing_, entry(number));
    struct stat state {};
    if (file && ::fstat(file.get(), &state) == 0 && is_that_file(entry(number).file, state))
      return read_from(std::move(file), state, entry(number));
    if (!locate_again()) break;
  }
  return nullptr;
}

// Only where it was listed: whatever else became of it, open_message() will find. What lies there under its name and
// has its size is the message, if it is so small that asking for more would cost more than sending it. But what its
// header needs could change behind that.
std::unique_ptr<Message> Maildir::open_at_once(std::uint32_t number) {
  const Entry& listed = entry(number);
  Descriptor file = open_where_listed(listed);
  if (!file) return nullptr;
  if (!utf8_ && listed.file.size <= SmallMessage::most_octets) return SmallMessage::read_from(file, listed.file.size);
  struct stat state {};
  if (::fstat(file.get(), &state) != 0 || !is_that_file(listed.file, state)) return nullptr;
  return read_from(std::move(file), state, listed);
}

std::unique_ptr<Message> Maildir::open_head_at_once(std::uint32_t number) {
  const Entry& listed = entry(number);
  if (listed.gone) return nullptr;
  const auto now = std::chrono::steady_clock::now();
  auto head = cache_.heads.find(listed.file);
  if (!head || now >= head->until) {
    auto message = open_at_once(number);
    const auto octets = message ? message->read_at_once(0, RememberedMessage::most_octets) : std::nullopt;
    if (!octets) return message;
    head = {std::make_shared<const std::string>(*octets), now + RecentHead::life};
    cache_.heads.put(listed.file, *head);
  }
  return std::make_unique<RememberedMessage>(std::move(head->octets), listed.file.size,
                                             [this, number] { return open_message(number); });
}

Descriptor Maildir::open_where_listed(const Entry& entry) const {
  if (!trusted_ || entry.gone) return {};
  return open_if_cached(directory_.get(), listing_->path(entry), O_NOFOLLOW);
}

// The very file that was listed; null = it is not what it was.
std::unique_ptr<Message> Maildir::read_from(Descriptor file, const struct stat& state, const Entry& entry) {
  const FileState now = FileState::of(state);
  if (now != entry.file) cache_.listings.erase(name_);
  if (has_changed(entry.file, state)) return nullptr;
  const auto wire = cache_.wire.find(now);
  const bool as_is = wire && wire->as_is_since == to_duration(state.st_ctim);
  auto message = std::make_unique<MaildirMessage>(std::move(file), now, as_is);
  if (!wire)
    message->learn(
        [this, state](const WireScan& scan) { cache_.wire.put(FileState::of(state), wire_form(scan, state)); });
  return message;
}

// What was listed was wrong, or the file was written into: that was the last time.
void Maildir::sent(std::uint32_t number, std::uint64_t octets) {
  if (octets == entry(number).octets) return;
  cache_.wire.put(entry(number).file, {octets});
  cache_.listings.erase(name_);
}

Descriptor Maildir::open_by_name(const MaildirListing& listing, const Entry& entry) {
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  Descriptor file(::openat(folder(entry.folder).get(), listing.c_name(entry), flags));
  if (!file && errno != ENOENT && errno != ELOOP && errno != ENXIO && errno != EBADF) fail(listing.c_name(entry));
  return file;
}

// Looks where the messages are now. All at once, so that a program that renames them all costs one look, not one each;
// and not at all (false) if nothing changed since a look that can be trusted: readdir() may miss a file that is renamed
// just then.
bool Maildir::locate_again() {
  const auto before = MaildirState::of(directory_.get());
  if (trusted_ && *trusted_ == before) return false;
  const bool lasting = before.shows_later_changes();
  const MaildirListing found = list_maildir(directory_.get());
  trusted_.reset();
  if (lasting && before == MaildirState::of(directory_.get())) trusted_ = before;
  listing_ = std::make_shared<const MaildirListing>(listing_->as_found_in(found));
  return true;
}

// ---- the end ------------------------------------------------------------------------------------------------------

std::size_t Maildir::remove(pop3::Numbers numbers) {
  std::vector<std::uint32_t> left(numbers.begin(), numbers.end());
  bool touched[folders] = {};
  const auto remove_left = [&] { std::erase_if(left, [&](auto number) { return remove(entry(number), touched); }); };
  try {
    remove_left();
    for (int tries = 8; tries > 0 && !left.empty(); --tries) {
      locate_again();
      const bool sure = trusted_.has_value();
      remove_left();
      // What somebody else removed counts: that it is gone is what was asked for. But one has to be sure.
      if (sure) std::erase_if(left, [this](auto number) { return entry(number).gone; });
      if (sure) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  } catch (const std::system_error&) {  // the rest stays; what is gone already is told
  }
  bool lasting = true;
  for (const MaildirFolder which : {folder_new, folder_cur}) lasting = (!touched[which] || sync(which)) && lasting;
  return lasting ? numbers.count - left.size() : 0;  // else they may come back: none is known to be gone
}

// Only the very file that was listed, and only if it has the size that it had.
bool Maildir::remove(const Entry& entry, bool (&touched)[folders]) noexcept try {
  if (entry.gone) return false;
  const int in = folder(entry.folder).get();
  const char* const name = listing_->c_name(entry);
  struct stat state {};
  const bool removed = ::fstatat(in, name, &state, AT_SYMLINK_NOFOLLOW) == 0 && is_that_file(entry.file, state) &&
                       !has_changed(entry.file, state) && ::unlinkat(in, name, 0) == 0;
  touched[entry.folder] |= removed;
  return removed;
} catch (const std::system_error&) {  // its folder cannot be opened
  return false;
}

bool Maildir::sync(MaildirFolder which) {
  return ::fsync(folder(which).get()) == 0 || errno == EINVAL || errno == EROFS;  // not every file system can
}

}  // namespace pop3d
