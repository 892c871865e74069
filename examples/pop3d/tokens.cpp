// SPDX-License-Identifier: MIT
#include "tokens.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "jose.hpp"
#include "mailwire/ascii.hpp"
#include "secret_text.hpp"
#include "users.hpp"

namespace pop3d {
namespace {

using nlohmann::json;

// What comes before the separator; `text` keeps what is behind it.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view first = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return first;
}

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty())
    if (cut(words, ' ') == word) return true;
  return false;
}

bool same_text(std::string_view a, std::string_view b) {  // without regard to case
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return mailwire::to_upper(x) == mailwire::to_upper(y);
         });
}

// RFC 7515, 4.1.9: a media type, "application/" may be left out. Without one it is a plain token.
bool is_access_token(const json& header) {
  if (!header.contains("typ")) return true;
  const std::string* const text = text_member(header, "typ");
  if (text == nullptr) return false;
  std::string_view type = *text;
  constexpr std::string_view prefix = "application/";
  if (same_text(type.substr(0, prefix.size()), prefix)) type.remove_prefix(prefix.size());
  return same_text(type, "JWT") || same_text(type, "at+jwt");
}

}  // namespace

// ---- the three parts ----------------------------------------------------------------------------------------------

// RFC 7515, 3.1: header "." payload "." signature. Without the signature, which is wiped, the rest opens nothing.
struct Tokens::Parts {
  std::string_view signed_text;  // the first two, as they came
  json header;
  std::string payload;
  SecretText signature;

  static std::optional<Parts> of(std::string_view token) {
    if (token.size() > longest || std::count(token.begin(), token.end(), '.') != 2) return std::nullopt;
    const std::size_t last = token.rfind('.');
    const std::string_view signed_text = token.substr(0, last);
    std::string_view rest = token;
    const auto header_text = decode_base64url(cut(rest, '.'));
    auto payload = decode_base64url(cut(rest, '.'));
    auto signature = decode_base64url(rest);
    if (!signature) return std::nullopt;
    SecretText secret(std::move(*signature));
    if (!header_text || !payload) return std::nullopt;
    auto header = parse_object(*header_text);
    if (!header) return std::nullopt;
    return Parts{signed_text, std::move(*header), std::move(*payload), std::move(secret)};
  }

  const std::string* algorithm() const { return text_member(header, "alg"); }
  const std::string* key_id() const { return text_member(header, "kid"); }

  // RFC 7515, 4.1.11: who does not understand what is critical has to refuse it, and nothing is understood here.
  bool well_formed() const {
    return algorithm() != nullptr && (!header.contains("kid") || key_id() != nullptr) && !header.contains("crit");
  }
};

// ---- what is claimed ----------------------------------------------------------------------------------------------

struct Tokens::Claims {
  json object;

  const json* find(std::string_view name) const {
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
  }
  bool is(std::string_view name, std::string_view text) const {
    const std::string* const value = text_member(object, name);
    return value != nullptr && *value == text;
  }
  // RFC 7519, 4.1.3: a text, or an array of them.
  bool has(std::string_view name, std::string_view text) const {
    const json* const value = find(name);
    return is(name, text) ||
           (value != nullptr && value->is_array() && std::find(value->begin(), value->end(), text) != value->end());
  }
  // RFC 7519, 2: a number of seconds, maybe with a fraction. Doubles are exact for longer than anybody needs.
  std::optional<double> time(std::string_view name) const {
    const json* const value = find(name);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    return value->get<double>();
  }
  bool well_formed() const {
    return time("exp") && (time("nbf") || find("nbf") == nullptr) && (time("iat") || find("iat") == nullptr);
  }
  bool grants(std::string_view words) const {
    const std::string* const granted = text_member(object, "scope");
    while (!words.empty()) {
      const std::string_view word = cut(words, ' ');
      if (!(granted == nullptr ? has("scope", word) : has_word(*granted, word))) return false;
    }
    return true;
  }
  // Some issuers let people write any address into their profile, and say so.
  bool is_unverified(std::string_view claim) const {
    const json* const verified = claim == "email" ? find("email_verified") : nullptr;
    return verified != nullptr && *verified != true && *verified != "true";
  }
};

// ---- all of it ----------------------------------------------------------------------------------------------------

bool is_scope(std::string_view text) noexcept {
  while (!text.empty()) {
    const bool more = text.find(' ') != std::string_view::npos;
    const std::string_view word = cut(text, ' ');
    if (word.empty() || (more && text.empty())) return false;
    if (!mailwire::all_of(word, [](char c) { return c > ' ' && c < '\x7F' && c != '"' && c != '\\'; })) return false;
  }
  return true;
}

Tokens Tokens::read(const TokenSettings& settings) {
  if (settings.issuer.empty() || settings.audience.empty() || settings.user_claim.empty())
    throw std::runtime_error("tokens need an issuer, an audience and a claim that names the user");
  if (!is_scope(settings.scope)) throw std::runtime_error("this is no scope of tokens");
  std::vector<SigningKey> keys;
  for (const std::string& file : settings.keys) {
    auto more = SigningKey::read(file);
    std::move(more.begin(), more.end(), std::back_inserter(keys));
  }
  return {settings, std::move(keys)};
}

Tokens::Verdict Tokens::check_signature(const Parts& parts) const {
  if (!parts.well_formed()) return Verdict::malformed;
  if (!is_access_token(parts.header)) return Verdict::wrong_type;
  Verdict verdict = Verdict::unknown_key;
  for (const SigningKey& key : keys_) {
    if (!key.has_id(parts.key_id())) continue;
    if (!key.takes(*parts.algorithm())) {
      verdict = std::max(verdict, Verdict::wrong_algorithm);
      continue;
    }
    if (key.verify(*parts.algorithm(), parts.signed_text, parts.signature.view())) return Verdict::accepted;
    verdict = Verdict::wrong_signature;
  }
  return verdict;
}

Tokens::Verdict Tokens::check_claims(const Claims& claims, std::int64_t now_unix) const {
  const auto now = static_cast<double>(now_unix);
  if (!claims.well_formed()) return Verdict::malformed;
  if (!claims.is("iss", settings_.issuer)) return Verdict::wrong_issuer;
  if (!claims.has("aud", settings_.audience)) return Verdict::wrong_audience;
  if (now >= *claims.time("exp") + leeway) return Verdict::expired;
  for (const char* const start : {"nbf", "iat"})
    if (now + leeway < claims.time(start).value_or(now)) return Verdict::not_yet;
  return claims.grants(settings_.scope) ? Verdict::accepted : Verdict::wrong_scope;
}

std::optional<std::string> Tokens::user(const Claims& claims) const {
  const std::string* const name = text_member(claims.object, settings_.user_claim);
  if (name == nullptr || claims.is_unverified(settings_.user_claim)) return std::nullopt;
  return prepare_user(*name);
}

Tokens::Checked Tokens::check(std::string_view token, std::int64_t now_unix) const {
  const auto parts = Parts::of(token);
  if (!parts) return {Verdict::malformed, {}};
  if (const Verdict verdict = check_signature(*parts); verdict != Verdict::accepted) return {verdict, {}};
  auto object = parse_object(parts->payload);
  if (!object) return {Verdict::malformed, {}};
  const Claims claims{std::move(*object)};
  if (const Verdict verdict = check_claims(claims, now_unix); verdict != Verdict::accepted) return {verdict, {}};
  auto name = user(claims);
  if (!name) return {Verdict::no_user, {}};
  return {Verdict::accepted, std::move(*name)};
}

std::optional<std::string> Tokens::user_of(std::string_view token, std::int64_t now_unix) const {
  Checked checked = check(token, now_unix);
  if (checked.verdict != Verdict::accepted) return std::nullopt;
  return std::move(checked.user);
}

std::string_view name_of(Tokens::Verdict verdict) noexcept {
  using Verdict = Tokens::Verdict;
  switch (verdict) {
    case Verdict::accepted: return "accepted";
    case Verdict::malformed: return "malformed";
    case Verdict::wrong_type: return "wrong-type";
    case Verdict::unknown_key: return "unknown-key";
    case Verdict::wrong_algorithm: return "wrong-algorithm";
    case Verdict::wrong_signature: return "wrong-signature";
    case Verdict::wrong_issuer: return "wrong-issuer";
    case Verdict::wrong_audience: return "wrong-audience";
    case Verdict::expired: return "expired";
    case Verdict::not_yet: return "not-yet";
    case Verdict::wrong_scope: return "wrong-scope";
    case Verdict::no_user: return "no-user";
  }
  return "";
}

}  // namespace pop3d
