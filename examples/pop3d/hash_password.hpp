// SPDX-License-Identifier: MIT
// pop3d --hash-password: makes lines for the file of users.
#ifndef POP3D_HASH_PASSWORD_HPP
#define POP3D_HASH_PASSWORD_HPP

#include <string>

namespace pop3d {

// Reads a password from standard input, a terminal is asked twice, and returns "{SCHEME}..." for it; with a `user` the
// whole line. Throws std::exception.
std::string hash_password(const std::string& scheme, const std::string& user);

}  // namespace pop3d

#endif
