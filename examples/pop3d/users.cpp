// SPDX-License-Identifier: MIT
#include "users.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "descriptor.hpp"
#include "maildir.hpp"
#include "mailwire/ascii.hpp"
#include "mailwire/secret.hpp"
#include "saslprep.hpp"

namespace pop3d {
namespace {

using mailwire::ScramHash;

constexpr unsigned derived_iterations = 4096;  // RFC 5802, 5.1: at least; they are paid for at every login
constexpr std::size_t derived_salt = 16;

// What comes before the separator; `text` keeps what is behind it.
std::string_view cut_off(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view first = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return first;
}

// A name that cannot be prepared is in no file.
std::string canonical(std::string_view name) {
  auto prepared = saslprep(name, Prepare::query);
  return prepared ? *prepared : std::string(name);
}

std::string digest(std::string_view purpose, std::string_view text) {
  const auto octets = process_digest(purpose, text);
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

// Without the buffers of a stream, which nobody wipes.
SecretText read_file(const std::string& path) {
  const auto fail = [&] { throw std::system_error(errno, std::generic_category(), path); };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) fail();
  std::string text(static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)), '\0');
  std::size_t size = 0;
  for (ssize_t n = 1; n > 0 && size < text.size(); size += static_cast<std::size_t>(n)) {
    n = ::read(file.get(), text.data() + size, text.size() - size);
    if (n < 0) fail();
  }
  text.resize(size);
  return SecretText(std::move(text));
}

}  // namespace

std::optional<std::string> prepare_user(std::string_view name) {
  auto prepared = saslprep(name, Prepare::query);
  if (prepared && !is_folder_name(*prepared)) prepared.reset();
  return prepared;
}

// ---- reading ------------------------------------------------------------------------------------------------------

Users Users::read(const std::string& path) {
  const SecretText text = read_file(path);
  return parse(text.view(), path);
}

Users Users::parse(std::string_view text, const std::string& name) {
  Users users;
  for (int number = 1; !text.empty(); ++number) try {
      std::string_view line = cut_off(text, '\n');
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.find_first_not_of(" \t") != std::string_view::npos && line[0] != '#') users.add(line);
    } catch (const std::invalid_argument& error) {
      throw std::runtime_error(name + ", line " + std::to_string(number) + ": " + error.what());
    }
  return users;
}

Users Users::one(const std::string& user, std::string_view password) {
  Users users;
  users.insert(user, {StoredPassword::of_plain(password), false, {}});
  return users;
}

// The messages quote nothing: who forgets the colon has the secret in the name.
void Users::add(std::string_view line) {
  if (line.find(':') == std::string_view::npos) throw std::invalid_argument("expected user:{SCHEME}secret");
  const auto name = saslprep(cut_off(line, ':'), Prepare::stored);
  if (!name || !is_folder_name(*name))
    throw std::invalid_argument("a user name is made of letters, digits and ._@+=- and does not begin with a dot");
  User user{StoredPassword::parse(cut_off(line, ':')), false, {}};
  for (const char* field = "ugghs"; *field != '\0'; ++field) cut_off(line, ':');
  while (!line.empty()) add_extra(user, cut_off(line, ' '));
  insert(*name, std::move(user));
}

void Users::add_extra(User& user, std::string_view word) {
  const std::string_view key = cut_off(word, '=');
  if (key == "nologin") user.nologin = true;
  if (key != "allow_nets") return;
  user.nets.emplace();
  while (!word.empty()) {
    const auto net = mailwire::parse_network(cut_off(word, ','));
    if (!net) throw std::invalid_argument("allow_nets: expected networks like 192.0.2.0/24,2001:db8::/32");
    user.nets->push_back(*net);
  }
}

void Users::insert(const std::string& name, User user) {
  const auto [place, is_new] = users_.emplace(name, std::move(user));
  if (!is_new) throw std::invalid_argument("this user is there twice");
  const User& added = place->second;
  all_.push_back(&added);
  for (const ScramHash hash : {ScramHash::sha_1, ScramHash::sha_256})
    if (added.has_keys(hash)) scram_[static_cast<std::size_t>(hash)].push_back(&added);
}

// ---- asking -------------------------------------------------------------------------------------------------------

bool Users::User::admits(const mailwire::IpAddress& from) const {
  const auto has = [host = from.unmapped()](const mailwire::IpNetwork& net) { return net.contains(host); };
  return !nologin && (!nets || std::any_of(nets->begin(), nets->end(), has));
}

const Users::User* Users::find(std::string_view name) const {
  const auto found = users_.find(canonical(name));
  return found == users_.end() ? nullptr : &found->second;
}

// The user that an unknown one is worked for like: any of them, and always the same one.
const Users::User* Users::stand_in(const Some& some, std::string_view name) {
  if (some.empty()) return nullptr;
  const auto octets = process_digest("stand-in", name);
  std::uint64_t number = 0;
  std::memcpy(&number, octets.data(), sizeof number);
  return some[number % some.size()];
}

// Both are looked for, whoever it is: so this takes as long for a user who exists as for others.
const Users::User* Users::worked_for(std::string_view name) const {
  const User* const known = find(name);
  const User* const other = stand_in(all_, canonical(name));
  return known != nullptr ? known : other;
}

bool Users::is_quick_to_check(std::string_view user) const {
  const User* const measure = worked_for(user);
  return measure == nullptr || measure->password.is_quick();
}

Users::Verdict Users::check(std::string_view user, std::string_view password, const mailwire::IpAddress& from) const {
  const User* const known = find(user);
  const User* const measure = worked_for(user);
  auto prepared = saslprep(password, Prepare::query);
  const bool usable = prepared && !prepared->empty();
  const SecretText tried(std::move(prepared).value_or(""));
  const bool right = measure != nullptr && measure->password.matches(tried.view()) && usable;
  if (known == nullptr) return Verdict::unknown_user;
  if (!right) return Verdict::wrong_password;
  return known->admits(from) ? Verdict::accepted : Verdict::barred;
}

bool Users::exists(std::string_view user) const { return find(user) != nullptr; }

bool Users::admits(std::string_view user, const mailwire::IpAddress& from) const {
  const User* const known = find(user);
  return known != nullptr && known->admits(from);
}

std::optional<SecretText> Users::plain_password(std::string_view user) const {
  const User* const known = find(user);
  const auto password = known == nullptr ? std::nullopt : known->password.plain();
  if (!password) return std::nullopt;
  return SecretText(*password);
}

bool Users::has_plain() const noexcept {
  return std::any_of(all_.begin(), all_.end(), [](const User* user) { return user->password.plain().has_value(); });
}

bool Users::has_scram(ScramHash hash) const noexcept { return !scram_[static_cast<std::size_t>(hash)].empty(); }

// Keys that are derived are not kept: the first login of a user would take longer than the others', and an unknown one
// has no first.
Users::Scram Users::scram_keys(std::string_view user, ScramHash hash) const {
  const std::string name = canonical(user);
  const User* const known = find(user);
  const User* const other = stand_in(scram_[static_cast<std::size_t>(hash)], name);
  const bool usable = known != nullptr && known->has_keys(hash);
  const User* const source = usable ? known : other;
  const mailwire::OwnScramKeys* const kept = source == nullptr ? nullptr : source->password.scram_keys(hash);
  if (usable && kept != nullptr) return {*kept, true};
  const auto iterations = kept == nullptr ? derived_iterations : kept->iterations;
  const auto salt_size = kept == nullptr ? derived_salt : kept->salt.size();
  const auto decoy = mailwire::scram_decoy(hash, digest("decoy", ""), name, iterations, salt_size);
  if (source == nullptr || kept != nullptr) return {decoy, false};
  const auto derived = derive_scram_keys(hash, *source->password.plain(), decoy.salt, iterations);
  return {usable ? derived : decoy, usable};
}

}  // namespace pop3d
