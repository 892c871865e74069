// SPDX-License-Identifier: MIT
// The lines of CAPA (RFC 2449, 5 and 6): what works now, and nothing else.
#ifndef POP3_DETAIL_CAPABILITIES_HPP
#define POP3_DETAIL_CAPABILITIES_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../mailwire/ascii.hpp"
#include "../../mailwire/byte_buffer.hpp"
#include "../../mailwire/sasl.hpp"
#include "../config.hpp"
#include "reply.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

// What is known of a session, besides its Config.
struct CapabilityFacts {
  bool logged_in = false;
  bool encrypted = false;
  bool utf8 = false;                                                  // UTF8 was said
  bool has_nonce = false, has_identity = false, has_binding = false;  // what mechanisms need
  std::optional<std::uint32_t> expire = {}, login_delay = {};         // of the user; none: as for all
  const std::vector<std::string>* announced = nullptr;                // lines of this session
  const std::vector<std::string>* concealed = nullptr;                // tags
};

constexpr std::string_view tag_of(std::string_view line) noexcept { return mailwire::split_word(line).first; }

// capability = tag *(SP parameter); a tag has no ".", and 512 octets with CRLF are the most (RFC 2449, 3 and 5).
constexpr bool is_capability(std::string_view line) noexcept {
  const std::string_view tag = tag_of(line);
  return !tag.empty() && tag.find('.') == std::string_view::npos && line.size() <= max_line &&
         mailwire::all_of(line, mailwire::is_text) && line.back() != ' ' && line.find("  ") == std::string_view::npos;
}

// What the session announces itself, because it knows whether it is true.
constexpr bool is_own(std::string_view line) noexcept {
  constexpr std::string_view tags[] = {
      "TOP",  "UIDL", "USER", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "IMPLEMENTATION",
      "SASL", "STLS", "UTF8", "LANG"};
  for (const std::string_view own : tags)
    if (mailwire::equals_ignoring_case(tag_of(line), own)) return true;
  return false;
}

inline bool contains_tag(const std::vector<std::string>& lines, std::string_view tag) noexcept {
  for (const std::string& line : lines)
    if (mailwire::equals_ignoring_case(tag_of(line), tag)) return true;
  return false;
}

// USER and PASS, and whatever else shows a password or token, would be taken on this connection.
inline bool password_login_allowed(const Config& config, bool encrypted) noexcept {
  return encrypted || !config.login_needs_tls;
}

// The mechanism of this name that the library knows; `other` if it knows none.
constexpr AuthMethod find_method(std::string_view mechanism) noexcept {
  for (auto i = static_cast<unsigned>(AuthMethod::plain); i < static_cast<unsigned>(AuthMethod::other); ++i)
    if (mailwire::equals_ignoring_case(to_string(static_cast<AuthMethod>(i)), mechanism))
      return static_cast<AuthMethod>(i);
  return AuthMethod::other;
}

// A password, or a token that is as good as one, crosses the wire.
constexpr bool shows_secret(AuthMethod method) noexcept {
  return method == AuthMethod::plain || method == AuthMethod::login || method == AuthMethod::oauthbearer ||
         method == AuthMethod::xoauth2;
}

// AUTH would take this mechanism now (RFC 5034, 3).
inline bool is_offered(const Mechanism& mechanism, const Config& config, const CapabilityFacts& facts) noexcept {
  if (mechanism.needs_tls && !facts.encrypted) return false;
  const AuthMethod method = find_method(mechanism.name);
  switch (method) {
    case AuthMethod::cram_md5:
    case AuthMethod::scram_sha_1:
    case AuthMethod::scram_sha_256: return facts.has_nonce;
    case AuthMethod::scram_sha_1_plus:
    case AuthMethod::scram_sha_256_plus: return facts.has_nonce && facts.has_binding && facts.encrypted;
    case AuthMethod::external: return facts.has_identity && facts.encrypted;
    case AuthMethod::anonymous: return true;
    case AuthMethod::other: return mailwire::is_sasl_mechanism(mechanism.name);
    default: return !shows_secret(method) || password_login_allowed(config, facts.encrypted);
  }
}

// STLS would be taken now (RFC 2595, 4; RFC 6856, 2.1).
inline bool stls_allowed(const Config& config, const CapabilityFacts& facts) noexcept {
  return config.offer_stls && !facts.encrypted && !facts.logged_in && !facts.utf8;
}

// The line speaks of a value that the session knows, for all or for the user who has logged in.
inline bool is_set(std::string_view line, const Config& config, const CapabilityFacts& facts) noexcept {
  const auto known = [&](std::string_view tag, std::optional<std::uint32_t> all, std::optional<std::uint32_t> own) {
    return mailwire::equals_ignoring_case(tag_of(line), tag) && (all || (facts.logged_in && own));
  };
  return known("EXPIRE", config.expire, facts.expire) || known("LOGIN-DELAY", config.login_delay, facts.login_delay);
}

class CapabilityList {
 public:
  CapabilityList(ByteBuffer& out, const Config& config, const CapabilityFacts& facts) noexcept
      : out_(out), config_(config), facts_(facts) {}

  void append() {
    if (config_.top) line("TOP");
    if (config_.uidl) line("UIDL");
    if (password_login_allowed(config_, facts_.encrypted)) line("USER");
    mechanisms();
    if (stls_allowed(config_, facts_)) line("STLS");
    line("PIPELINING");
    line("RESP-CODES");
    line("AUTH-RESP-CODE");
    per_user("LOGIN-DELAY", config_.login_delay, facts_.login_delay, config_.login_delay_per_user);
    per_user("EXPIRE", config_.expire, facts_.expire, config_.expire_per_user);
    if (config_.utf8 != Utf8::off) line(config_.utf8 == Utf8::user ? "UTF8 USER" : "UTF8");
    if (!config_.languages.empty()) line("LANG");
    if (!config_.implementation.empty()) line("IMPLEMENTATION " + config_.implementation);
    for (const Capability& capability : config_.capabilities)
      if (facts_.logged_in ? capability.after_login : capability.before_login) application_line(capability.line);
    if (facts_.announced != nullptr)
      for (const std::string& announced : *facts_.announced) application_line(announced, true);
    end_multi_line(out_);
  }

 private:
  // What has been announced for this session stands in the place of everything else with its tag.
  void line(std::string_view text, bool of_session = false) {
    if (!is_capability(text) || contains_tag(config_.hidden_capabilities, tag_of(text))) return;
    if (facts_.concealed != nullptr && contains_tag(*facts_.concealed, tag_of(text))) return;
    const bool announced = facts_.announced != nullptr && contains_tag(*facts_.announced, tag_of(text));
    if (announced && !of_session && !is_set(text, config_, facts_)) return;
    out_.append(text);
    end_line(out_);
  }
  void application_line(std::string_view text, bool of_session = false) {
    if (!is_own(text) && !is_set(text, config_, facts_)) line(text, of_session);
  }
  void mechanisms() {
    std::string text = "SASL";
    for (const Mechanism& mechanism : config_.mechanisms)
      if (is_offered(mechanism, config_, facts_) && text.size() + 1 + mechanism.name.size() <= max_line) {
        text += ' ';
        for (const char c : mechanism.name) text += mailwire::to_upper(c);
      }
    if (text.size() > 4) line(text);
  }
  // Before login what is announced for all, with the token USER where users differ; then the user's own value.
  void per_user(std::string_view tag, std::optional<std::uint32_t> all, std::optional<std::uint32_t> own,
                bool differs) {
    const auto value = facts_.logged_in && own ? own : all;
    if (!value) return;
    std::string text(tag);
    text += tag == "EXPIRE" && *value == expire_never ? " NEVER" : ' ' + std::to_string(*value);
    if (differs && !facts_.logged_in) text += " USER";
    line(text);
  }

  ByteBuffer& out_;
  const Config& config_;
  const CapabilityFacts& facts_;
};

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
