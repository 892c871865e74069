// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <algorithm>
#include <vector>

#include "mailwire/ascii.hpp"

namespace pop3d {
namespace {

// The strongest first: many clients take the first that they know.
std::vector<pop3::Mechanism> mechanisms(const Options& options, const Users& users) {
  std::vector<pop3::Mechanism> list;
  if (!options.tls.client_ca.empty()) list.emplace_back("EXTERNAL");
  if (users.has_scram(mailwire::ScramHash::sha_256)) {
    list.emplace_back("SCRAM-SHA-256-PLUS");
    list.emplace_back("SCRAM-SHA-256");
  }
  if (users.has_scram(mailwire::ScramHash::sha_1)) {
    list.emplace_back("SCRAM-SHA-1-PLUS");
    list.emplace_back("SCRAM-SHA-1");
  }
  if (options.tokens.wanted()) {
    list.emplace_back("OAUTHBEARER");
    list.emplace_back("XOAUTH2");
  }
  if (users.has_plain()) list.emplace_back("CRAM-MD5");
  list.emplace_back("PLAIN");
  list.emplace_back("LOGIN");
  if (options.mechanisms.empty()) return list;
  const auto wanted = [&](const pop3::Mechanism& mechanism) {
    return std::any_of(options.mechanisms.begin(), options.mechanisms.end(),
                       [&](const std::string& name) { return mailwire::equals_ignoring_case(name, mechanism.name); });
  };
  std::erase_if(list, [&](const pop3::Mechanism& mechanism) { return !wanted(mechanism); });
  return list;
}

}  // namespace

pop3::Config make_settings(const Options& options, const Users& users) {
  pop3::Config config;
  config.greeting = options.hostname + " POP3 server ready";
  config.implementation = "mailwire";
  config.login_needs_tls = !options.allow_plaintext;
  config.offer_stls = options.offers_tls();
  config.mechanisms = mechanisms(options, users);
  config.oauth_scope = options.tokens.scope;
  config.utf8 = options.utf8 ? pop3::Utf8::user : pop3::Utf8::off;
  config.languages = make_languages();
  config.expire = options.expire;
  if (options.login_delay.count() > 0) config.login_delay = static_cast<std::uint32_t>(options.login_delay.count());
  config.equal_uids = pop3::EqualUids::rename;
  config.tolerate.bare_lf = true;    // for people who type
  config.tolerate.auth_list = true;  // for Outlook
  config.limits.login = std::chrono::minutes(3);
  config.limits.output_high = 16 * 1024;  // the replies to a batch of commands leave as one
  config.trace = options.log_level >= Level::debug;
  return config;
}

}  // namespace pop3d
