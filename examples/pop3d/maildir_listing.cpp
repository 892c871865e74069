// SPDX-License-Identifier: MIT
#include "maildir_listing.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <system_error>
#include <tuple>
#include <unordered_set>

#include "descriptor.hpp"
#include "mailwire/ascii.hpp"

namespace pop3d {
namespace {

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

void list_folder(int maildir, MaildirFolder which, MaildirListing& found) {
  const auto fail = [which] { throw std::system_error(errno, std::generic_category(), folder_names[which]); };
  Descriptor folder(::openat(maildir, folder_names[which], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder && errno == ENOENT) return;  // as good as empty
  if (!folder) fail();
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(folder.get()), ::closedir);
  if (!stream) fail();
  folder.release();
  errno = 0;
  for (; const dirent* const item = ::readdir(stream.get()); errno = 0)
    if (item->d_name[0] != '.' && (item->d_type == DT_REG || item->d_type == DT_UNKNOWN))
      found.add(item->d_name, item->d_ino, which);
  if (errno != 0) fail();
}

}  // namespace

std::optional<std::uint64_t> number_after(std::string_view name, std::string_view key) {
  const std::size_t at = name.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  const char* const digits = name.data() + at + key.size();
  const auto [end, error] = std::from_chars(digits, name.data() + name.size(), number);
  return error == std::errc() && end != digits ? std::optional(number) : std::nullopt;
}

MaildirListing list_maildir(int maildir) {
  MaildirListing found;
  list_folder(maildir, folder_new, found);
  list_folder(maildir, folder_cur, found);
  found.sort();
  return found;
}

// ---- the files ----------------------------------------------------------------------------------------------------

void MaildirListing::add(std::string_view name, std::uint64_t number, MaildirFolder folder) {
  Entry entry{};
  entry.number = number;
  entry.delivered = number_after(name, "").value_or(0);
  entry.unique_size = static_cast<std::uint16_t>(std::min(name.find(":2,"), name.size()));
  entry.folder = folder;
  put_name(entry, name);
  entries_.push_back(entry);
}

void MaildirListing::put_name(Entry& entry, std::string_view name) {
  names_.append(folder_names[entry.folder]).push_back('/');
  entry.name_at = names_.size();
  entry.name_size = static_cast<std::uint16_t>(name.size());
  names_.append(name).push_back('\0');
}

// Entries of the same unique name come side by side, in an order that no renaming changes.
bool MaildirListing::is_before(const Entry& one, const MaildirListing& others, const Entry& other) const noexcept {
  if (one.delivered != other.delivered) return one.delivered < other.delivered;
  const int names = unique(one).compare(others.unique(other));
  if (names != 0) return names < 0;
  return std::tie(one.number, one.folder) < std::tie(other.number, other.folder);
}

bool MaildirListing::is_same(const Entry& one, const MaildirListing& others, const Entry& other) const noexcept {
  return one.number == other.number && unique(one) == others.unique(other);
}

void MaildirListing::sort() {
  const auto before = [this](const Entry& a, const Entry& b) { return is_before(a, *this, b); };
  if (!std::is_sorted(entries_.begin(), entries_.end(), before)) std::sort(entries_.begin(), entries_.end(), before);
  const auto same = [this](const Entry& a, const Entry& b) { return is_same(a, *this, b); };
  const auto last = std::unique(entries_.rbegin(), entries_.rend(), same);
  entries_.erase(entries_.begin(), last.base());
}

void MaildirListing::learn_from(const MaildirListing& other) {
  auto from = other.entries_.begin();
  for (Entry& entry : entries_) {
    while (from != other.entries_.end() && !is_same(entry, other, *from) && other.is_before(*from, *this, entry))
      ++from;
    if (from == other.entries_.end()) return;
    if (!is_same(entry, other, *from)) continue;
    entry.file = from->file;
    entry.octets = from->octets;
    entry.needs_utf8 = from->needs_utf8;
  }
}

// The order tells, but for the folder, which may be another one now.
MaildirListing MaildirListing::as_found_in(const MaildirListing& found) const {
  MaildirListing moved;
  moved.entries_ = entries_;
  auto from = found.entries_.begin();
  for (Entry& entry : moved.entries_) {
    while (from != found.entries_.end() && !is_same(entry, found, *from) && found.is_before(*from, *this, entry))
      ++from;
    entry.gone = from == found.entries_.end() || !is_same(entry, found, *from);
    if (!entry.gone) entry.folder = from->folder;
    moved.put_name(entry, entry.gone ? name(entry) : found.name(*from));
  }
  return moved;
}

void MaildirListing::drop_gone() {
  std::erase_if(entries_, [](const Entry& entry) { return entry.gone; });
}

// ---- the messages -------------------------------------------------------------------------------------------------

// No file of a name that several have is told by that name: when one of them goes, its id must not become another's.
bool MaildirListing::shares_name(std::size_t index) const noexcept {
  const auto same = [this](std::size_t a, std::size_t b) {
    return b < entries_.size() && unique(entries_[a]) == unique(entries_[b]);
  };
  return same(index, index + 1) || (index > 0 && same(index - 1, index));
}

void MaildirListing::number() {
  const std::vector<std::size_t> made_up = make_up_ids();
  names_.shrink_to_fit();  // and now it stays where it is
  entries_.shrink_to_fit();
  messages_.reserve(entries_.size());
  for (const Entry& entry : entries_) messages_.push_back({entry.octets, unique(entry), entry.needs_utf8, 0});
  for (auto id = made_up.begin(); id != made_up.end(); id += 2)
    messages_[id[0]].uid = std::string_view(names_).substr(id[1], std::char_traits<char>::length(&names_[id[1]]));
}

// Behind the names, for those that have no unique-id; returns pairs of index and place.
std::vector<std::size_t> MaildirListing::make_up_ids() {
  std::vector<std::size_t> made_up;
  std::unordered_set<std::string> used;
  const auto lacks = [this](std::size_t i) { return shares_name(i) || !is_unique_id(unique(entries_[i])); };
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (lacks(i)) made_up.insert(made_up.end(), {i, 0});
  if (made_up.empty()) return made_up;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (!lacks(i)) used.emplace(unique(entries_[i]));
  for (auto id = made_up.begin(); id != made_up.end(); id += 2) {
    const Entry& entry = entries_[id[0]];
    std::uint64_t salt = shares_name(id[0]) ? entry.file.inode : 0;
    std::string uid = made_up_id(unique(entry), salt);
    while (!used.insert(uid).second) uid = made_up_id(unique(entry), salt += entry.file.inode + 1);
    id[1] = names_.size();
    names_.append(uid).push_back('\0');
  }
  return made_up;
}

}  // namespace pop3d
