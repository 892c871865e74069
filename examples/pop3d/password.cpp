// SPDX-License-Identifier: MIT
#include "password.hpp"

#include <crypt.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "mailwire/ascii.hpp"
#include "saslprep.hpp"

namespace pop3d {
namespace {

using mailwire::equals_ignoring_case;
using mailwire::OwnScramKeys;
using mailwire::ScramHash;

constexpr std::uint64_t most_iterations = 10'000'000;
constexpr unsigned new_iterations = 10'000;

[[noreturn]] void wrong(const char* what) { throw std::invalid_argument(what); }

void need_sodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) throw std::runtime_error("libsodium has no random numbers");
}

// ---- base64 ----

std::string encode(std::string_view octets) {
  std::string text(sodium_base64_ENCODED_LEN(octets.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(octets.data()), octets.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // its NUL
  return text;
}

std::optional<std::string> decode(std::string_view text, bool hex = false) {
  std::string octets(text.size(), '\0');
  auto* const to = reinterpret_cast<unsigned char*>(octets.data());
  std::size_t size = 0;
  const char* end = nullptr;
  const int failed = hex ? sodium_hex2bin(to, octets.size(), text.data(), text.size(), nullptr, &size, &end)
                         : sodium_base642bin(to, octets.size(), text.data(), text.size(), nullptr, &size, &end,
                                             sodium_base64_VARIANT_ORIGINAL);
  if (failed != 0 || end != text.data() + text.size()) return std::nullopt;
  octets.resize(size);
  return octets;
}

// ---- crypt() ----

struct CryptMethod {
  std::string_view prefix, scheme;  // scheme: besides CRYPT
  std::size_t hash;                 // characters of the hash, of bcrypt with its salt
  std::ptrdiff_t dollars;           // behind the prefix
  bool rounds;                      // "rounds=N$" may come first
};
constexpr CryptMethod crypt_methods[] = {
    {"$y$", "", 43, 2, false},
    {"$gy$", "", 43, 2, false},
    {"$7$", "", 43, 1, false},
    {"$2y$", "BLF-CRYPT", 53, 1, false},
    {"$2b$", "BLF-CRYPT", 53, 1, false},
    {"$2a$", "BLF-CRYPT", 53, 1, false},
    {"$6$", "SHA512-CRYPT", 86, 1, true},
    {"$5$", "SHA256-CRYPT", 43, 1, true},
};

bool is_crypt_digit(char c) { return mailwire::is_digit(c) || mailwire::is_letter(c) || c == '.' || c == '/'; }

// What crypt_checksalt() does not look at. What crypt() could not compute would tell by its duration that it is there.
bool is_whole(const CryptMethod& method, std::string_view text) {
  constexpr std::string_view rounds = "rounds=";
  text.remove_prefix(method.prefix.size());
  if (method.rounds && text.substr(0, rounds.size()) == rounds) {
    const std::string_view number = text.substr(0, text.find('$')).substr(rounds.size());
    const auto count = mailwire::parse_number(number);
    if (!count || *count < 1000 || *count > 999'999'999) return false;
    text.remove_prefix(std::min(rounds.size() + number.size() + 1, text.size()));
  }
  if (method.scheme == "BLF-CRYPT" && (text.substr(0, 2) < "04" || text.substr(0, 2) > "31" || text.find('$') != 2))
    return false;
  const std::string_view hash = text.substr(text.rfind('$') + 1);
  return std::count(text.begin(), text.end(), '$') == method.dollars && hash.size() == method.hash &&
         mailwire::all_of(hash, is_crypt_digit) && mailwire::all_of(text, mailwire::is_graphic);
}

bool is_known_to_crypt(const std::string& hash) {
  const int known = ::crypt_checksalt(hash.c_str());
  return known != CRYPT_SALT_INVALID && known != CRYPT_SALT_METHOD_DISABLED;
}

std::string crypt(std::string_view password, const std::string& setting) {
  const auto data = std::make_unique<crypt_data>();
  const SecretText phrase(password);
  const char* const hash = ::crypt_rn(phrase.c_str(), setting.c_str(), data.get(), sizeof *data);
  std::string result = hash == nullptr ? "" : hash;
  sodium_memzero(data.get(), sizeof *data);
  return result;
}

std::string new_crypt(const char* prefix, unsigned long cost, std::string_view password) {
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  if (::crypt_gensalt_rn(prefix, cost, nullptr, 0, setting, sizeof setting) == nullptr)
    throw std::runtime_error("no random numbers for a salt");
  std::string hash = crypt(password, setting);
  if (hash.empty()) wrong("the password is too long for this scheme");
  return hash;
}

}  // namespace

std::array<unsigned char, 32> process_digest(std::string_view purpose, std::string_view text) {
  need_sodium();
  static const auto key = [] {
    std::array<unsigned char, 32> fresh{};
    randombytes_buf(fresh.data(), fresh.size());
    return fresh;
  }();
  const auto add = [](crypto_generichash_state& state, std::string_view part) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  };
  std::array<unsigned char, 32> digest{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.data(), key.size(), digest.size());
  add(state, purpose);
  add(state, {"\0", 1});
  add(state, text);
  crypto_generichash_final(&state, digest.data(), digest.size());
  sodium_memzero(&state, sizeof state);
  return digest;
}

// ---- reading ------------------------------------------------------------------------------------------------------

StoredPassword StoredPassword::parse(std::string_view field) {
  need_sodium();
  if (field.substr(0, 1) != "{") return StoredPassword(parse("CRYPT", field));
  const std::size_t brace = field.find('}');
  if (brace == std::string_view::npos) wrong("the {SCHEME} has no end");
  return StoredPassword(parse(field.substr(1, brace - 1), field.substr(brace + 1)));
}

StoredPassword StoredPassword::of_plain(std::string_view password) { return StoredPassword(parse_plain("", password)); }

StoredPassword::Form StoredPassword::parse(std::string_view scheme, std::string_view secret) {
  const auto is = [&](std::string_view name) { return equals_ignoring_case(scheme, name); };
  if (secret.empty()) wrong("there is no secret");
  for (const std::string_view name : {"PLAIN", "CLEARTEXT"})
    if (equals_ignoring_case(scheme.substr(0, name.size()), name) &&
        (scheme.size() == name.size() || scheme[name.size()] == '.'))
      return parse_plain(scheme.substr(name.size()), secret);
  for (const std::string_view name : {"CRYPT", "BLF-CRYPT", "SHA512-CRYPT", "SHA256-CRYPT"})
    if (is(name)) return parse_crypt(name, secret);
  if (is("ARGON2ID") || is("ARGON2I")) {
    const std::string_view prefix = is("ARGON2I") ? "$argon2i$" : "$argon2id$";
    if (secret.substr(0, prefix.size()) != prefix) wrong("the secret has not the form of its scheme");
    return parse_argon2(secret);
  }
  if (is("SCRAM-SHA-256")) return parse_scram(ScramHash::sha_256, secret);
  if (is("SCRAM-SHA-1")) return parse_scram(ScramHash::sha_1, secret);
  wrong(
      "the {SCHEME} is none of PLAIN, CRYPT, BLF-CRYPT, SHA512-CRYPT, SHA256-CRYPT, ARGON2ID, ARGON2I, SCRAM-SHA-256 "
      "and SCRAM-SHA-1");
}

StoredPassword::Form StoredPassword::parse_plain(std::string_view encoding, std::string_view secret) {
  std::optional<SecretText> decoded;
  const bool hex = equals_ignoring_case(encoding, ".hex");
  if (hex || equals_ignoring_case(encoding, ".b64") || equals_ignoring_case(encoding, ".base64")) {
    auto octets = decode(secret, hex);
    if (!octets) wrong("the secret is not encoded as its scheme says");
    decoded.emplace(std::move(*octets));
    secret = decoded->view();
  } else if (!encoding.empty()) {
    wrong("the encoding of the {SCHEME} is none of .b64, .base64 and .hex");
  }
  auto prepared = saslprep(secret, Prepare::stored);
  if (!prepared || prepared->empty()) wrong("the secret is too long, or has characters that SASLprep does not allow");
  SecretText password(std::move(*prepared));
  const auto digest = process_digest("password", password.view());
  return Plain{std::move(password), digest};
}

StoredPassword::Form StoredPassword::parse_crypt(std::string_view scheme, std::string_view secret) {
  for (const CryptMethod& method : crypt_methods) {
    if (secret.substr(0, method.prefix.size()) != method.prefix) continue;
    if (scheme != "CRYPT" && scheme != method.scheme) break;
    const std::string hash(secret);
    if (is_whole(method, secret) && is_known_to_crypt(hash)) return Crypt{hash};
  }
  wrong("the secret has not the form of its scheme, or is of a kind that is too weak");
}

StoredPassword::Form StoredPassword::parse_argon2(std::string_view secret) {
  std::string hash(secret);
  if (hash.size() >= crypto_pwhash_STRBYTES ||
      crypto_pwhash_str_needs_rehash(hash.c_str(), crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN) < 0)
    wrong("the secret has not the form of its scheme");
  return Argon2{std::move(hash)};
}

StoredPassword::Form StoredPassword::parse_scram(ScramHash hash, std::string_view secret) {
  constexpr const char* message = "the secret is not iterations,salt,stored key,server key";
  std::string_view parts[4];
  for (std::string_view& part : parts) {
    const std::size_t comma = secret.find(',');
    const bool last = &part == std::end(parts) - 1;
    if ((comma == std::string_view::npos) != last) wrong(message);
    part = secret.substr(0, comma);
    secret.remove_prefix(last ? secret.size() : comma + 1);
  }
  const std::size_t size = scram_key_size(hash);
  const auto iterations = mailwire::parse_number(parts[0]);
  const auto salt = decode(parts[1]), stored_key = decode(parts[2]), server_key = decode(parts[3]);
  if (!iterations || *iterations == 0 || *iterations > most_iterations || !salt || salt->empty() || !stored_key ||
      stored_key->size() != size || !server_key || server_key->size() != size)
    wrong(message);
  Scram scram{hash, {}};
  scram.keys.salt = *salt;
  scram.keys.iterations = static_cast<std::uint32_t>(*iterations);
  scram.keys.key_size = size;
  stored_key->copy(scram.keys.stored_key.data(), size);
  server_key->copy(scram.keys.server_key.data(), size);
  return scram;
}

// ---- comparing ----------------------------------------------------------------------------------------------------

bool StoredPassword::Plain::matches(std::string_view other) const {
  const auto others = process_digest("password", other);
  return sodium_memcmp(others.data(), digest.data(), digest.size()) == 0;
}

bool StoredPassword::Crypt::matches(std::string_view password) const {
  return mailwire::equals_in_constant_time(crypt(password, hash), hash);
}

bool StoredPassword::Argon2::matches(std::string_view password) const {
  return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

bool StoredPassword::Scram::matches(std::string_view password) const {
  const OwnScramKeys others = derive_scram_keys(hash, password, keys.salt, keys.iterations);
  return mailwire::equals_in_constant_time(others.view().stored_key, keys.view().stored_key);
}

// A NUL would end a password for crypt(), and for SCRAM one more at the end changes nothing (RFC 2104 pads keys so).
bool StoredPassword::matches(std::string_view password) const {
  const bool same = std::visit([&](const auto& form) { return form.matches(password); }, form_);
  return same && password.find('\0') == std::string_view::npos;
}

std::optional<std::string_view> StoredPassword::plain() const noexcept {
  const auto* const form = std::get_if<Plain>(&form_);
  if (form == nullptr) return std::nullopt;
  return form->password.view();
}

const OwnScramKeys* StoredPassword::scram_keys(ScramHash hash) const noexcept {
  const auto* const form = std::get_if<Scram>(&form_);
  return form != nullptr && form->hash == hash ? &form->keys : nullptr;
}

OwnScramKeys derive_scram_keys(ScramHash hash, std::string_view password, std::string_view salt, unsigned iterations) {
  std::array<char, mailwire::Sha256::digest_size> salted{};
  const std::size_t size = scram_key_size(hash);
  const EVP_MD* const algorithm = hash == ScramHash::sha_1 ? EVP_sha1() : EVP_sha256();
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                        reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                        static_cast<int>(iterations), algorithm, static_cast<int>(size),
                        reinterpret_cast<unsigned char*>(salted.data())) != 1)
    throw std::runtime_error("SCRAM keys cannot be derived");
  const OwnScramKeys keys = mailwire::make_salted_scram_keys(hash, {salted.data(), size}, salt, iterations);
  mailwire::wipe(salted);
  return keys;
}

// ---- making -------------------------------------------------------------------------------------------------------

std::string make_password_field(std::string_view scheme, std::string_view password) {
  need_sodium();
  const auto is = [&](std::string_view name) { return equals_ignoring_case(scheme, name); };
  if (is("CRYPT")) return "{CRYPT}" + new_crypt("$y$", 0, password);  // 0: libxcrypt's own default
  if (is("SHA512-CRYPT")) return "{SHA512-CRYPT}" + new_crypt("$6$", 100'000, password);
  if (is("BLF-CRYPT")) {
    if (password.size() > 72) wrong("BLF-CRYPT looks at 72 octets of a password only");
    return "{BLF-CRYPT}" + new_crypt("$2y$", 11, password);
  }
  if (is("ARGON2ID")) {
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str(hash, password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
      throw std::runtime_error("not enough memory for ARGON2ID");
    return std::string("{ARGON2ID}") + hash;
  }
  if (is("SCRAM-SHA-256")) {
    std::string salt(16, '\0');
    randombytes_buf(salt.data(), salt.size());
    const OwnScramKeys own = derive_scram_keys(ScramHash::sha_256, password, salt, new_iterations);
    const mailwire::ScramKeys keys = own.view();
    return "{SCRAM-SHA-256}" + std::to_string(keys.iterations) + "," + encode(keys.salt) + "," +
           encode(keys.stored_key) + "," + encode(keys.server_key);
  }
  throw std::invalid_argument("the scheme is none of " + std::string(password_schemes));
}

}  // namespace pop3d
