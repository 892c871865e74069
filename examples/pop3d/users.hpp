// SPDX-License-Identifier: MIT
// Who may log in: a passwd-file as Dovecot has it, one "user:{SCHEME}secret[:ignored...]" a line.
#ifndef POP3D_USERS_HPP
#define POP3D_USERS_HPP

#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>

namespace pop3d {

class Users {
 public:
  // Empty lines and those that begin with "#" are skipped. What is wrong throws std::runtime_error with the line's
  // number; `name` is how the file is called there.
  static Users read(std::istream& file, const std::string& name);
  static Users read(const std::string& path);
  static Users one(std::string user, std::string password);

  // Takes as long for a user that does not exist. May take its time: not for an event loop.
  bool check(std::string_view user, std::string_view password) const;

 private:
  void add(std::string_view line);

  std::map<std::string, std::string, std::less<>> passwords_;
};

}  // namespace pop3d

#endif
