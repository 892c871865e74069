// SPDX-License-Identifier: MIT
// Who may log in: a passwd-file as Dovecot has it,
//
//   user:{SCHEME}secret:uid:gid:gecos:home:shell:extra
//
// of which all behind the secret may be missing and is ignored, but for these words of `extra`, which spaces separate:
//
//   nologin                    nobody logs in with this name
//   allow_nets=NET,NET...      only from there: "192.0.2.0/24", "2001:db8::/32", or addresses. An IPv6 network
//                              has no IPv4 addresses
//
// Empty lines and those that begin with "#" are skipped. password.hpp has the schemes.
#ifndef POP3D_USERS_HPP
#define POP3D_USERS_HPP

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mailwire/ip_address.hpp"
#include "password.hpp"

namespace pop3d {

// One reading of the file: it does not change, so all threads may use it at once. Names and passwords are prepared
// here (SASLprep), those that are asked for as query strings (RFC 6856, 2.2).
//
// Nothing tells by its duration whether a user exists: a name that is unknown is always worked for like the same one
// of the users in the file. What users with different schemes cost differs, of course.
class Users {
 public:
  Users(Users&&) = default;
  Users& operator=(Users&&) = default;
  // What is wrong throws std::runtime_error (std::system_error) with the file's name and the line's number, and quotes
  // no secret.
  static Users read(const std::string& path);
  static Users parse(std::string_view text, const std::string& name);
  static Users one(const std::string& user, std::string_view password);

  // A client gets the same answer to all but the first; the others are for the log.
  enum class Verdict : std::uint8_t { accepted, wrong_password, unknown_user, barred };
  // May take its time, and is not for an event loop then, but where is_quick_to_check().
  Verdict check(std::string_view user, std::string_view password, const mailwire::IpAddress& from) const;

  bool is_quick_to_check(std::string_view user) const;

  // For whoever proves the password by other means (APOP, SASL). `admits`: the user exists, no `nologin`, the right
  // net.
  bool exists(std::string_view user) const;
  bool admits(std::string_view user, const mailwire::IpAddress& from) const;
  // For APOP and CRAM-MD5: the password, if it is kept as {PLAIN}.
  std::optional<SecretText> plain_password(std::string_view user) const;
  bool has_plain() const noexcept;  // anybody

  // For SCRAM: as they are kept, or derived of {PLAIN} with a salt that stays the same as long as the process lives.
  // Users without keys, and unknown ones, have some that look like the others' and that no password fits: `usable` is
  // false. May take its time.
  struct Scram {
    mailwire::OwnScramKeys keys;
    bool usable = false;
  };
  Scram scram_keys(std::string_view user, mailwire::ScramHash hash) const;
  bool has_scram(mailwire::ScramHash hash) const noexcept;  // anybody

 private:
  struct User {
    StoredPassword password;
    bool nologin = false;
    std::optional<std::vector<mailwire::IpNetwork>> nets;  // none = from anywhere

    bool admits(const mailwire::IpAddress& from) const;
    bool has_keys(mailwire::ScramHash hash) const { return password.plain() || password.scram_keys(hash) != nullptr; }
  };
  using Some = std::vector<const User*>;  // of users_, whose elements stay where they are

  Users() = default;
  void add(std::string_view line);
  void add_extra(User& user, std::string_view word);
  void insert(const std::string& name, User user);
  const User* find(std::string_view name) const;
  const User* worked_for(std::string_view name) const;
  static const User* stand_in(const Some& some, std::string_view name);

  std::map<std::string, User, std::less<>> users_;
  Some all_;
  std::array<Some, 2> scram_;  // by ScramHash: who has keys
};

// The name as it is in the file and in the store; nothing if no user can be called so.
std::optional<std::string> prepare_user(std::string_view name);

}  // namespace pop3d

#endif
