// SPDX-License-Identifier: MIT
// SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677), with and without channel binding: the server's side of an
// exchange, and how its keys are made. No I/O, no randomness: the nonce and the keys come from the application.
//
//   ScramServer scram(hash, plus, plus_offered);
//   scram.first(message)               then look up the keys of scram.user(), or take scram_decoy()
//   scram.challenge(keys, nonce)       what to send; the nonce is fresh and cannot be guessed
//   scram.final(message, binding)      then ask whether scram.authzid(), if not empty, may be used by scram.user()
//   scram.signature()                  what to send at last; it shows the client that the server knows the keys
#ifndef MAILWIRE_SCRAM_HPP
#define MAILWIRE_SCRAM_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "ascii.hpp"
#include "base64.hpp"
#include "byte_buffer.hpp"
#include "hash.hpp"
#include "hmac.hpp"
#include "sasl.hpp"
#include "secret.hpp"
#include "sha.hpp"
#include "utf8.hpp"

namespace mailwire {
inline namespace v1 {

enum class ScramHash : std::uint8_t { sha_1, sha_256 };

// Octets of a stored key and of a server key.
constexpr std::size_t scram_key_size(ScramHash hash) noexcept {
  return hash == ScramHash::sha_1 ? Sha1::digest_size : Sha256::digest_size;
}

// What a server keeps of a password (RFC 5802, 3), as octets. `iterations` should be 4096 or more (RFC 7677, 4); that
// is the application's affair.
struct ScramKeys {
  std::string_view salt;
  std::uint32_t iterations = 0;
  std::string_view stored_key, server_key;
};

// Whether ScramServer::challenge() can use them: a salt, iterations, and keys of this hash.
constexpr bool are_scram_keys(ScramHash hash, const ScramKeys& keys) noexcept {
  const std::size_t size = scram_key_size(hash);
  return !keys.salt.empty() && keys.iterations > 0 && keys.stored_key.size() == size && keys.server_key.size() == size;
}

// The same with memory of its own; wiped.
struct OwnScramKeys {
  std::string salt;
  std::uint32_t iterations = 0;
  std::array<char, Sha256::digest_size> stored_key{}, server_key{};  // the first `key_size` octets count
  std::size_t key_size = 0;

  OwnScramKeys() = default;
  OwnScramKeys(const OwnScramKeys&) = default;
  OwnScramKeys& operator=(const OwnScramKeys&) = default;
  ~OwnScramKeys() {
    wipe(stored_key);
    wipe(server_key);
  }
  ScramKeys view() const noexcept {
    return {salt, iterations, {stored_key.data(), key_size}, {server_key.data(), key_size}};
  }
};

namespace detail {

// Calls `use` with a null pointer of the type of the hash.
template <class Use>
auto with_hash(ScramHash hash, Use use) {
  return hash == ScramHash::sha_1 ? use(static_cast<Sha1*>(nullptr)) : use(static_cast<Sha256*>(nullptr));
}

template <std::size_t size>
void take_over(std::array<char, size> from, std::array<char, Sha256::digest_size>& to) noexcept {
  std::memcpy(to.data(), from.data(), size);
  wipe(from);
}

// HMAC(secret, purpose NUL name)
template <class Hash>
typename Hash::Digest derive(std::string_view secret, std::string_view purpose, std::string_view name) noexcept {
  Hmac<Hash> mac(secret);
  mac.add(purpose);
  mac.add(std::string_view("", 1));
  mac.add(name);
  return mac.finish();
}

// Printable ASCII without the comma.
constexpr bool is_scram_nonce(std::string_view nonce) noexcept {
  return !nonce.empty() && all_of(nonce, [](char c) { return is_graphic(c) && c != ','; });
}
// Takes what is in front of the first comma off `text`, and leaves the comma.
constexpr std::string_view take_value(std::string_view& text) noexcept {
  const std::string_view value = text.substr(0, text.find(','));
  text.remove_prefix(value.size());
  return value;
}
// What may follow where RFC 5802, 7 has extensions: nothing, or attributes that it does not define, each with a comma
// in front. "m" is among those that it does: a client that sends it wants something that we do not know.
constexpr bool are_extensions(std::string_view text) noexcept {
  while (!text.empty()) {
    text.remove_prefix(1);  // the comma
    const std::string_view attribute = take_value(text);
    if (attribute.size() < 3 || !is_letter(attribute[0]) || attribute[1] != '=') return false;
    if (std::string_view("aceimnprsv").find(attribute[0]) != std::string_view::npos) return false;
  }
  return true;
}
constexpr bool is_binding_type(std::string_view name) noexcept {
  return !name.empty() && all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-'; });
}
// No value may hold a NUL, or anything but UTF-8.
constexpr bool is_scram_text(std::string_view message) noexcept {
  return message.find('\0') == std::string_view::npos && is_utf8(message);
}

// client-first-message (RFC 5802, 7): gs2-header client-first-message-bare
struct ScramFirst {
  char flag = '\0';  // n, y or p
  std::string_view binding_type, authzid, user, nonce;
  std::string_view header, bare;
};
constexpr std::optional<ScramFirst> parse_scram_first(std::string_view message) noexcept {
  if (message.empty() || !is_scram_text(message)) return std::nullopt;
  ScramFirst first;
  std::string_view rest = message;
  first.flag = rest[0];
  if (skip(rest, "p=")) {
    first.binding_type = take_value(rest);
    if (!is_binding_type(first.binding_type)) return std::nullopt;
  } else if (!skip(rest, "n") && !skip(rest, "y")) {
    return std::nullopt;
  }
  if (!skip(rest, ",")) return std::nullopt;
  if (skip(rest, "a=")) {
    first.authzid = take_value(rest);
    if (!is_escaped_sasl_name(first.authzid)) return std::nullopt;
  }
  if (!skip(rest, ",")) return std::nullopt;
  first.bare = rest;
  first.header = message.substr(0, message.size() - rest.size());
  if (!skip(rest, "n=")) return std::nullopt;
  first.user = take_value(rest);
  if (!is_escaped_sasl_name(first.user) || !skip(rest, ",r=")) return std::nullopt;
  first.nonce = take_value(rest);
  if (!is_scram_nonce(first.nonce) || !are_extensions(rest)) return std::nullopt;
  return first;
}

// client-final-message: c=binding,r=nonce[,extensions],p=proof
struct ScramFinal {
  std::string_view binding, nonce, proof;  // binding and proof in BASE64
  std::string_view without_proof;
};
constexpr std::optional<ScramFinal> parse_scram_final(std::string_view message) noexcept {
  if (!is_scram_text(message)) return std::nullopt;
  const std::size_t last = message.rfind(',');
  if (last == std::string_view::npos) return std::nullopt;
  ScramFinal parts;
  parts.without_proof = message.substr(0, last);
  parts.proof = message.substr(last);
  if (!skip(parts.proof, ",p=")) return std::nullopt;
  std::string_view rest = parts.without_proof;
  if (!skip(rest, "c=")) return std::nullopt;
  parts.binding = take_value(rest);
  if (!skip(rest, ",r=")) return std::nullopt;
  parts.nonce = take_value(rest);
  if (!are_extensions(rest)) return std::nullopt;
  return parts;
}

}  // namespace detail

// The keys of a SaltedPassword (RFC 5802, 3): PBKDF2 of the password with the same hash, as long as a digest.
inline OwnScramKeys make_salted_scram_keys(ScramHash hash, std::string_view salted, std::string_view salt,
                                           std::uint32_t iterations) {
  OwnScramKeys keys;
  keys.salt = salt;
  keys.iterations = iterations;
  keys.key_size = scram_key_size(hash);
  detail::with_hash(hash, [&](auto* type) {
    using Hash = std::remove_pointer_t<decltype(type)>;
    auto client_key = hmac<Hash>(salted, "Client Key");
    detail::take_over(hash_of<Hash>(as_view(client_key)), keys.stored_key);
    detail::take_over(hmac<Hash>(salted, "Server Key"), keys.server_key);
    wipe(client_key);
  });
  return keys;
}

// The keys of a password, for applications that know it. The password is taken as it is: one that is not ASCII has to
// be prepared as clients do it (RFC 4013). The salt is fresh for each password, and not empty.
inline OwnScramKeys make_scram_keys(ScramHash hash, std::string_view password, std::string_view salt,
                                    std::uint32_t iterations) {
  return detail::with_hash(hash, [&](auto* type) {
    auto salted = pbkdf2<std::remove_pointer_t<decltype(type)>>(password, salt, iterations);
    const OwnScramKeys keys = make_salted_scram_keys(hash, as_view(salted), salt, iterations);
    wipe(salted);
    return keys;
  });
}

// Keys of a user that does not exist, so that nobody can tell: the salt is always the same for a name, and made of the
// application's `secret`, which must stay the same too. No proof fits. Iterations and size of the salt (at most a
// digest) should be those of the users that exist.
inline OwnScramKeys scram_decoy(ScramHash hash, std::string_view secret, std::string_view user,
                                std::uint32_t iterations, std::size_t salt_size = 16) {
  OwnScramKeys keys;
  keys.iterations = iterations;
  keys.key_size = scram_key_size(hash);
  detail::with_hash(hash, [&](auto* type) {
    using Hash = std::remove_pointer_t<decltype(type)>;
    keys.salt = as_view(detail::derive<Hash>(secret, "SCRAM decoy salt", user)).substr(0, salt_size);
    detail::take_over(detail::derive<Hash>(secret, "SCRAM decoy stored key", user), keys.stored_key);
    detail::take_over(detail::derive<Hash>(secret, "SCRAM decoy server key", user), keys.server_key);
  });
  return keys;
}

// One exchange. Each step once and in order; after a step that failed, or in the wrong order, all further ones fail.
// Views are valid until the next step. All memory is one block, as large as the messages ask for, and wiped.
class ScramServer {
 public:
  enum class Result : std::uint8_t {
    ok,
    malformed,      // no such message, or not in this order
    wrong_binding,  // the client means another TLS connection, or somebody took -PLUS out of our offer
    wrong_proof,    // wrong password, or an answer to another challenge
  };

  // `plus`: the client chose the mechanism whose name ends in -PLUS. `plus_offered`: it could have.
  ScramServer(ScramHash hash, bool plus, bool plus_offered) noexcept
      : hash_(hash), plus_(plus), plus_offered_(plus_offered) {}
  ~ScramServer() { text_.wipe(); }
  // Overwrites all that it knows, and fails from now on. Views that it gave may still be read.
  void forget() noexcept {
    text_.wipe();
    user_end_ = authzid_end_ = header_end_ = messages_end_ = nonce_begin_ = nonce_end_ = 0;
    state_ = State::failed;
  }
  ScramServer(const ScramServer&) = delete;
  ScramServer& operator=(const ScramServer&) = delete;

  // The client's first message.
  Result first(std::string_view message) {
    if (!step(State::start)) return Result::malformed;
    const auto parts = detail::parse_scram_first(message);
    if (!parts || (parts->flag == 'p') != plus_) return Result::malformed;
    // The nonce comes again in the challenge; 256 is what all else usually needs, so that the block never has to grow.
    reserve(parts->user.size() + parts->authzid.size() + 2 * message.size() + 256);
    append_saslname(text_, parts->user);
    user_end_ = text_.size();
    append_saslname(text_, parts->authzid);
    authzid_end_ = text_.size();
    text_.append(message);
    header_end_ = authzid_end_ + parts->header.size();
    nonce_begin_ = header_end_ + static_cast<std::size_t>(parts->nonce.data() - parts->bare.data());
    nonce_end_ = nonce_begin_ + parts->nonce.size();
    // RFC 5802, 6: it could bind and believes that we cannot, although we said that we can.
    if (parts->flag == 'y' && plus_offered_) return Result::wrong_binding;
    state_ = State::greeted;
    return Result::ok;
  }

  // Known once first() has not found the message malformed. Names without escapes.
  std::string_view user() const noexcept { return part(0, user_end_); }
  std::string_view authzid() const noexcept { return part(user_end_, authzid_end_); }  // empty: the user's own
  // "tls-exporter", say; empty without -PLUS. The application refuses what it cannot bind to.
  std::string_view binding_type() const noexcept {
    if (!plus_ || header_end_ == 0) return {};
    const std::string_view name = header().substr(2);  // behind "p="
    return name.substr(0, name.find(','));
  }

  // What to send. Empty when the keys or the nonce are of no use: no salt, no iterations, keys of a wrong size, a nonce
  // that is not printable ASCII without a comma.
  std::string_view challenge(const ScramKeys& keys, std::string_view nonce) {
    if (!step(State::greeted) || !detail::is_scram_nonce(nonce) || !are_scram_keys(hash_, keys)) return {};
    const std::size_t key = scram_key_size(hash_);
    constexpr std::string_view marks = ",r=,s=,i=4294967295v=";
    reserve(marks.size() + (nonce_end_ - nonce_begin_) + nonce.size() + base64_encoded_size(keys.salt.size()) +
            2 * key + base64_encoded_size(key));
    text_.append(",r=");
    const std::size_t begin = text_.size();
    text_.append(part(nonce_begin_, nonce_end_));
    text_.append(nonce);
    nonce_begin_ = begin;
    nonce_end_ = text_.size();
    text_.append(",s=");
    append_base64(text_, keys.salt);
    text_.append(",i=");
    append_number(keys.iterations);
    messages_end_ = text_.size();
    text_.append(keys.stored_key);
    text_.append(keys.server_key);
    state_ = State::challenged;
    return part(begin - 2, messages_end_);
  }

  // The client's final message. `binding_data` is what the TLS connection gives for binding_type(); without -PLUS it is
  // not looked at.
  Result final(std::string_view message, std::string_view binding_data = {}) {
    if (!step(State::challenged)) return Result::malformed;
    const auto parts = detail::parse_scram_final(message);
    if (!parts) return Result::malformed;
    const Result binding = check_binding(parts->binding, plus_ ? binding_data : std::string_view());
    if (binding != Result::ok) return binding;
    if (parts->nonce != part(nonce_begin_, nonce_end_)) return Result::wrong_proof;
    const Result result = detail::with_hash(hash_, [&](auto* type) {
      using Hash = std::remove_pointer_t<decltype(type)>;
      return check_proof<Hash>(parts->proof, parts->without_proof);
    });
    if (result == Result::ok) state_ = State::proven;
    return result;
  }

  // What to send after final() was ok, and whatever else has to be right; empty before.
  std::string_view signature() const noexcept {
    return state_ == State::proven ? part(messages_end_ + 2 * scram_key_size(hash_), text_.size()) : std::string_view();
  }

 private:
  enum class State : std::uint8_t { start, greeted, challenged, proven, failed };

  // Whether it is time for a step that needs `wanted`. The step has failed until it says otherwise.
  bool step(State wanted) noexcept {
    const bool in_time = state_ == wanted;
    state_ = State::failed;
    return in_time;
  }

  std::string_view part(std::size_t begin, std::size_t end) const noexcept {
    return {text_.data() + begin, end - begin};
  }
  std::string_view header() const noexcept { return part(authzid_end_, header_end_); }

  // A block that has to grow is wiped.
  void reserve(std::size_t n) {
    if (text_.capacity() - text_.size() >= n) return;
    ByteBuffer larger;
    larger.room(text_.size() + n);
    larger.append(text_.view());
    text_.wipe();
    text_.swap(larger);
  }
  void append_number(std::uint32_t number) {
    char digits[10];
    std::size_t at = sizeof digits;
    for (; number > 0; number /= 10) digits[--at] = static_cast<char>('0' + number % 10);
    text_.append({digits + at, sizeof digits - at});
  }

  // c= is the BASE64 of the gs2 header and the data of the binding. It is decoded into free memory of our block.
  Result check_binding(std::string_view text, std::string_view data) {
    if (plus_ && data.empty()) return Result::wrong_binding;
    if (text.size() != base64_encoded_size(header().size() + data.size())) return Result::wrong_binding;
    reserve(text.size());
    char* const octets = text_.room(text.size());
    const auto size = base64_decode(text, octets);
    if (!size) return Result::malformed;
    const std::string_view got(octets, *size);
    const bool right =
        got.substr(0, header().size()) == header() && equals_in_constant_time(got.substr(header().size()), data);
    return right ? Result::ok : Result::wrong_binding;
  }

  // RFC 5802, 3: the proof is ClientKey XOR HMAC(StoredKey, AuthMessage), and StoredKey is H(ClientKey). If it is
  // right, our own signature is appended.
  template <class Hash>
  Result check_proof(std::string_view text, std::string_view without_proof) {
    std::array<char, base64_encoded_size(Hash::digest_size)> proof{};
    if (text.size() != proof.size() || base64_decode(text, proof.data()) != Hash::digest_size) return Result::malformed;
    const std::size_t server_key = messages_end_ + Hash::digest_size;
    const std::string_view stored = part(messages_end_, server_key);
    auto key = sign<Hash>(stored, without_proof);
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(key[i] ^ proof[i]);
    const bool right = equals_in_constant_time(as_view(hash_of<Hash>(as_view(key))), stored);
    wipe(key);
    wipe(proof);
    if (!right) return Result::wrong_proof;
    const auto ours = sign<Hash>(part(server_key, server_key + Hash::digest_size), without_proof);
    text_.append("v=");
    append_base64(text_, as_view(ours));
    return Result::ok;
  }
  // AuthMessage: client-first-message-bare,server-first-message,client-final-message-without-proof. The first two stand
  // in our block just so.
  template <class Hash>
  typename Hash::Digest sign(std::string_view key, std::string_view without_proof) const noexcept {
    Hmac<Hash> mac(key);
    mac.add(part(header_end_, messages_end_));
    mac.add(",");
    mac.add(without_proof);
    return mac.finish();
  }

  // user authzid header first-bare ",r=" challenge stored-key server-key signature
  ByteBuffer text_;
  std::size_t user_end_ = 0, authzid_end_ = 0, header_end_ = 0, messages_end_ = 0;
  std::size_t nonce_begin_ = 0, nonce_end_ = 0;  // the client's, then the whole one
  ScramHash hash_;
  bool plus_, plus_offered_;
  State state_ = State::start;
};

}  // namespace v1
}  // namespace mailwire

#endif
