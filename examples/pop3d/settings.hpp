// SPDX-License-Identifier: MIT
// What the sessions of this server offer.
#ifndef POP3D_SETTINGS_HPP
#define POP3D_SETTINGS_HPP

#include <vector>

#include "options.hpp"
#include "pop3/config.hpp"
#include "users.hpp"

namespace pop3d {

// `users` decide about mechanisms: CRAM-MD5 and APOP need {PLAIN}, SCRAM its keys.
pop3::Config make_settings(const Options& options, const Users& users);

std::vector<pop3::Language> make_languages();

}  // namespace pop3d

#endif
