// SPDX-License-Identifier: MIT
#include "users.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "maildir.hpp"
#include "mailwire/ascii.hpp"
#include "mailwire/secret.hpp"

namespace pop3d {

Users Users::read(std::istream& file, const std::string& name) {
  Users users;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) try {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (line.find_first_not_of(" \t") != std::string::npos && line[0] != '#') users.add(line);
    } catch (const std::invalid_argument& error) {
      throw std::runtime_error(name + ", line " + std::to_string(number) + ": " + error.what());
    }
  if (file.bad()) throw std::runtime_error(name + ": cannot be read");
  return users;
}

Users Users::read(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::system_error(errno, std::generic_category(), path);
  return read(file, path);
}

Users Users::one(std::string user, std::string password) {
  Users users;
  users.passwords_.emplace(std::move(user), std::move(password));
  return users;
}

// The messages name no secret, whatever is wrong with it.
void Users::add(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) throw std::invalid_argument("expected user:{SCHEME}secret");
  const std::string_view user = line.substr(0, colon);
  if (!is_folder_name(user))
    throw std::invalid_argument("a user name is made of letters, digits and ._@+=- and does not begin with a dot");

  const std::string_view field = line.substr(colon + 1, line.find(':', colon + 1) - colon - 1);
  const std::size_t brace = field.find('}');
  if (field.substr(0, 1) != "{" || brace == std::string_view::npos)
    throw std::invalid_argument("the secret of \"" + std::string(user) + "\" does not begin with a {SCHEME}");
  const std::string_view scheme = field.substr(1, brace - 1), secret = field.substr(brace + 1);
  if (!mailwire::equals_ignoring_case(scheme, "PLAIN"))
    throw std::invalid_argument("the scheme of \"" + std::string(user) + "\" is unknown; {PLAIN} is supported");
  if (secret.empty()) throw std::invalid_argument("the secret of \"" + std::string(user) + "\" is empty");
  if (!passwords_.emplace(user, secret).second)
    throw std::invalid_argument("\"" + std::string(user) + "\" is there twice");
}

bool Users::check(std::string_view user, std::string_view password) const {
  const auto found = passwords_.find(user);
  const bool known = found != passwords_.end();
  const std::string_view secret = known ? std::string_view(found->second) : password;  // nobody: the same work
  return mailwire::equals_in_constant_time(secret, password) && known;
}

}  // namespace pop3d
