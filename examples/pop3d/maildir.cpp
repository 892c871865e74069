// SPDX-License-Identifier: MIT
#include "maildir.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <system_error>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "header_scan.hpp"
#include "maildir_message.hpp"
#include "mailwire/ascii.hpp"
#include "page_cache.hpp"

namespace pop3d {
namespace {

constexpr const char* folder_names[] = {"new", "cur"};
constexpr std::size_t block = 64 * 1024, header_block = 8 * 1024;

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

// The number after `key` in a name, as in "1700000000.M1P2.host,S=1234,W=1250".
std::optional<std::uint64_t> number_after(std::string_view name, std::string_view key) {
  const std::size_t at = name.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  const char* const digits = name.data() + at + key.size();
  const auto [end, error] = std::from_chars(digits, name.data() + name.size(), number);
  return error == std::errc() && end != digits ? std::optional(number) : std::nullopt;
}

// What the name tells about the octets on the wire, if it can be true for a file of this size.
std::optional<std::uint64_t> told_octets(std::string_view unique, std::uint64_t size) {
  const auto stored = number_after(unique, ",S="), sent = number_after(unique, ",W=");
  // Every octet may be an LF that lacks its CR, and the last line may lack its end.
  if (stored != size || !sent || *sent < size || *sent > 2 * size + 2) return std::nullopt;
  return sent;
}

// FNV-1a. The ids made of it have to be stable and rarely equal, no more: equal ones are told apart by the caller.
std::uint64_t hash(std::string_view text, std::uint64_t seed) {
  std::uint64_t value = 0xCBF29CE484222325U ^ seed;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return value;
}

std::string made_up_id(std::string_view unique, std::uint64_t salt) {
  char text[34];
  const int size =
      std::snprintf(text, sizeof text, "h%016llx%016llx", static_cast<unsigned long long>(hash(unique, salt)),
                    static_cast<unsigned long long>(hash(unique, salt ^ 0x9E3779B97F4A7C15U)));
  return {text, static_cast<std::size_t>(size)};
}

bool is_unique_id(std::string_view name) {
  return !name.empty() && name.size() <= 70 && mailwire::all_of(name, mailwire::is_graphic);
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
  std::unique_ptr<Maildir> maildir(new Maildir(std::move(directory), cache, utf8));
  maildir->list();
  return maildir;
}

void Maildir::list() {
  entries_ = scan();
  // Entries of the same unique name come side by side, in an order that no renaming changes.
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::forward_as_tuple(a.delivered, a.unique(), a.file.inode, a.folder) <
           std::forward_as_tuple(b.delivered, b.unique(), b.file.inode, b.folder);
  });
  // A message that was moved from new/ to cur/ meanwhile was seen in both: it is where it was seen last.
  const auto same = [](const Entry& a, const Entry& b) {
    return a.file.inode == b.file.inode && a.file.device == b.file.device && a.unique() == b.unique();
  };
  const auto last = std::unique(entries_.rbegin(), entries_.rend(), same);
  entries_.erase(entries_.begin(), last.base());
  for (Entry& entry : entries_) look_into(entry);
  std::erase_if(entries_, [](const Entry& entry) { return entry.gone; });
}

std::vector<Maildir::Entry> Maildir::scan() const {
  std::vector<Entry> found;
  scan(folder_new, found);
  scan(folder_cur, found);
  return found;
}

void Maildir::scan(Folder which, std::vector<Entry>& found) const {
  Descriptor folder = open_folder(which);
  if (!folder) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(folder.get()), ::closedir);
  if (!stream) fail(folder_names[which]);
  folder.release();
  errno = 0;
  for (; const dirent* const item = ::readdir(stream.get()); errno = 0) {
    if (item->d_name[0] == '.') continue;
    if (item->d_type != DT_REG && item->d_type != DT_UNKNOWN) continue;
    struct stat file {};
    if (::fstatat(::dirfd(stream.get()), item->d_name, &file, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // gone already
      fail(item->d_name);
    }
    if (!S_ISREG(file.st_mode)) continue;
    const std::string_view name = item->d_name;
    found.push_back({item->d_name, FileState::of(file), number_after(name, "").value_or(0), 0, which});
  }
  if (errno != 0) fail(folder_names[which]);
}

// None = it is not there, which is as good as empty.
Descriptor Maildir::open_folder(Folder which) const {
  if (!directory_) return {};
  Descriptor folder(::openat(directory_.get(), folder_names[which], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder && errno != ENOENT) fail(folder_names[which]);
  return folder;
}

const Descriptor& Maildir::folder(Folder which) {
  if (!folders_[which]) folders_[which] = open_folder(which);
  return folders_[which];
}

// What is not known yet is found out by reading. A file that was read as a whole is known in all respects.
void Maildir::look_into(Entry& entry) {
  auto octets = cache_.octets.find(entry.file);
  if (!octets) octets = told_octets(entry.unique(), entry.file.size);
  const auto needs_utf8 = utf8_ ? cache_.needs_utf8.find(entry.file) : std::optional(false);
  entry.octets = octets.value_or(entry.file.size);
  entry.needs_utf8 = needs_utf8.value_or(false);
  if (!octets || !needs_utf8) read(entry, !octets);
}

// `whole`: to count its octets; else no more than its header.
void Maildir::read(Entry& entry, bool whole) try {
  Descriptor file = open_file(entry);
  if (!file) entry.gone = true;
  MaildirMessage message(std::move(file), entry.file, nullptr);
  pop3::OctetCounter counter;
  HeaderScan header;
  for (std::uint64_t offset = 0; offset < entry.file.size && (whole || !header.done());) {
    const auto octets = message.read(offset, whole ? block : header_block);
    if (!octets) return;
    counter.add(*octets);
    if (utf8_) header.add(*octets);
    offset += octets->size();
  }
  if (whole) cache_.octets.put(entry.file, entry.octets = counter.octets());
  if (utf8_) cache_.needs_utf8.put(entry.file, entry.needs_utf8 = header.needs_utf8());
} catch (const std::system_error& error) {
  // One file that cannot be read does not lock its owner out. It is shown, and RETR says what is wrong.
  if (error.code() != std::errc::permission_denied && error.code() != std::errc::io_error) throw;
}

Contents Maildir::contents() {
  Contents contents;
  contents.messages.reserve(entries_.size());
  std::unordered_set<std::string_view> used;
  used.reserve(entries_.size());
  const auto same_name = [this](std::size_t a, std::size_t b) {
    return b < entries_.size() && entries_[a].unique() == entries_[b].unique();
  };
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    // No file of a name that several have is told by that name: when one of them goes, its id must not become
    // another's.
    const bool shared = same_name(i, i + 1) || (i > 0 && same_name(i - 1, i));
    std::uint64_t salt = shared ? entry.file.inode : 0;
    std::string_view uid = shared ? std::string_view() : entry.unique();
    for (; !is_unique_id(uid) || !used.insert(uid).second; salt += entry.file.inode + 1)
      uid = contents.made_up.emplace_back(made_up_id(entry.unique(), salt));
    contents.messages.push_back({entry.octets, uid, entry.needs_utf8});
  }
  return contents;
}

// ---- messages -----------------------------------------------------------------------------------------------------

std::unique_ptr<Message> Maildir::open_message(std::uint32_t number) {
  Entry& entry = entries_.at(number - 1);
  Descriptor file = open_file(entry);
  return file ? read_from(std::move(file), entry) : nullptr;
}

// Only where it was listed: whatever else became of it, open_message() will find.
std::unique_ptr<Message> Maildir::open_at_once(std::uint32_t number) {
  const Entry& entry = entries_.at(number - 1);
  if (entry.gone) return nullptr;
  const std::string path = std::string(folder_names[entry.folder]) + "/" + entry.name;
  Descriptor file = open_if_cached(directory_.get(), path.c_str(), O_NOFOLLOW);
  struct stat state {};
  if (!file || ::fstat(file.get(), &state) != 0 || !entry.is(state) || entry.has_changed(state)) return nullptr;
  return read_from(std::move(file), entry);
}

std::unique_ptr<Message> Maildir::read_from(Descriptor file, const Entry& entry) {
  return std::make_unique<MaildirMessage>(std::move(file), entry.file,
                                          cache_.octets.find(entry.file) ? nullptr : &cache_.octets);
}

bool Maildir::Entry::is(const struct stat& other) const noexcept {
  const FileState state = FileState::of(other);
  return S_ISREG(other.st_mode) && state.device == file.device && state.inode == file.inode;
}

bool Maildir::Entry::has_changed(const struct stat& now) const noexcept { return FileState::of(now).size != file.size; }

// The very file that was listed, under whatever flags it is by now; none = it is gone, or not what it was.
Descriptor Maildir::open_file(Entry& entry) {
  for (int tries = 8; tries > 0; --tries) {
    Descriptor file = entry.gone ? Descriptor() : open_by_name(entry);
    struct stat state {};
    if (file && ::fstat(file.get(), &state) == 0 && entry.is(state))
      return entry.has_changed(state) ? Descriptor() : std::move(file);
    if (!locate_again()) break;
  }
  return {};
}

Descriptor Maildir::open_by_name(const Entry& entry) {
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  Descriptor file(::openat(folder(entry.folder).get(), entry.name.c_str(), flags));
  if (!file && errno != ENOENT && errno != ELOOP && errno != ENXIO) fail(entry.name);
  return file;
}

// When the folders were changed last.
Maildir::Times Maildir::changed() const {
  Times times{};
  for (const Folder which : {folder_new, folder_cur}) {
    struct stat state {};
    if (::fstatat(directory_.get(), folder_names[which], &state, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT)
      fail(folder_names[which]);
    times[which] = std::chrono::seconds(state.st_mtim.tv_sec) + std::chrono::nanoseconds(state.st_mtim.tv_nsec);
  }
  return times;
}

// Looks where the messages are now. All at once, so that a program that renames them all costs one look, not one each;
// and not at all (false) if nothing changed since a look that can be trusted.
//
// readdir() may miss a file that is renamed just then. So a look is trusted if nothing changed meanwhile, nor right
// before: the time stamps of some file systems are no finer than some milliseconds.
bool Maildir::locate_again() {
  constexpr auto coarse = std::chrono::milliseconds(20);
  const Times before = changed();
  if (trusted_ && *trusted_ == before) return false;
  std::vector<Entry> found = scan();
  const auto age = std::chrono::system_clock::now().time_since_epoch() - std::max(before[0], before[1]);
  trusted_.reset();
  if (before == changed() && (age > coarse || age < age.zero())) trusted_ = before;
  locate(found);
  return true;
}

void Maildir::locate(std::vector<Entry>& found) {
  std::unordered_multimap<std::uint64_t, Entry*> by_inode;
  for (Entry& entry : found) by_inode.emplace(entry.file.inode, &entry);
  for (Entry& entry : entries_) {
    const auto [begin, end] = by_inode.equal_range(entry.file.inode);
    const auto now =
        std::find_if(begin, end, [&](const auto& item) { return item.second->unique() == entry.unique(); });
    entry.gone = now == end;
    if (entry.gone) continue;
    entry.name = now->second->name;
    entry.folder = now->second->folder;
  }
}

// ---- the end ------------------------------------------------------------------------------------------------------

std::size_t Maildir::remove(pop3::Numbers numbers) {
  std::vector<Entry*> left;
  for (const std::uint32_t number : numbers) left.push_back(&entries_.at(number - 1));
  bool touched[folders] = {};
  const auto remove_left = [&] { std::erase_if(left, [&](Entry* entry) { return remove(*entry, touched); }); };
  try {
    remove_left();
    for (int tries = 8; tries > 0 && !left.empty(); --tries) {
      locate_again();
      const bool sure = trusted_.has_value();
      remove_left();
      // What somebody else removed counts: that it is gone is what was asked for. But one has to be sure.
      if (sure) std::erase_if(left, [](const Entry* entry) { return entry->gone; });
      if (sure) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  } catch (const std::system_error&) {  // the rest stays; what is gone already is told
  }
  for (const Folder which : {folder_new, folder_cur})
    if (touched[which] && !sync(which)) return 0;  // they may come back after a crash: none is known to be gone
  return numbers.count - left.size();
}

// Only the very file that was listed, and only if it has the size that it had.
bool Maildir::remove(const Entry& entry, bool (&touched)[folders]) {
  if (entry.gone) return false;
  const int in = folder(entry.folder).get();
  struct stat state {};
  const bool removed = ::fstatat(in, entry.name.c_str(), &state, AT_SYMLINK_NOFOLLOW) == 0 && entry.is(state) &&
                       !entry.has_changed(state) && ::unlinkat(in, entry.name.c_str(), 0) == 0;
  touched[entry.folder] |= removed;
  return removed;
}

bool Maildir::sync(Folder which) {
  return ::fsync(folder(which).get()) == 0 || errno == EINVAL || errno == EROFS;  // not every file system can
}

}  // namespace pop3d
