// SPDX-License-Identifier: MIT
#include "signing_key.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "jose.hpp"

namespace pop3d {
namespace {

using nlohmann::json;
using Type = SigningKey::Type;

constexpr int least_rsa_bits = 2048;  // RFC 7518, 3.3
constexpr std::size_t longest_file = 1024 * 1024;

struct Algorithm {
  std::string_view name;
  Type type;
  const EVP_MD* (*digest)();  // null: it has its own
  bool pss;
};
constexpr std::array<Algorithm, 9> algorithms{{
    {"RS256", Type::rsa, EVP_sha256, false},
    {"RS384", Type::rsa, EVP_sha384, false},
    {"RS512", Type::rsa, EVP_sha512, false},
    {"PS256", Type::rsa, EVP_sha256, true},
    {"PS384", Type::rsa, EVP_sha384, true},
    {"PS512", Type::rsa, EVP_sha512, true},
    {"ES256", Type::p256, EVP_sha256, false},
    {"ES384", Type::p384, EVP_sha384, false},
    {"EdDSA", Type::ed25519, nullptr, false},
}};

const Algorithm* find_algorithm(std::string_view name) noexcept {
  const auto* const found =
      std::find_if(algorithms.begin(), algorithms.end(), [&](const Algorithm& one) { return one.name == name; });
  return found == algorithms.end() ? nullptr : found;
}

struct Curve {
  const char* name;  // RFC 7518, 6.2.1.1
  const char* group;
  Type type;
  std::size_t size;  // of a number, in octets
};
constexpr std::array<Curve, 2> curves{
    {{"P-256", SN_X9_62_prime256v1, Type::p256, 32}, {"P-384", SN_secp384r1, Type::p384, 48}}};

template <auto function>
struct Release {
  template <class T>
  void operator()(T* object) const noexcept {
    function(object);
  }
};
template <class T, auto function>
using Owned = std::unique_ptr<T, Release<function>>;

// TLS reads OpenSSL's queue of errors, where nothing of ours may lie.
struct CleanQueue {
  CleanQueue() noexcept = default;
  CleanQueue(const CleanQueue&) = delete;
  CleanQueue& operator=(const CleanQueue&) = delete;
  ~CleanQueue() { ERR_clear_error(); }
};

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// ---- checking -----------------------------------------------------------------------------------------------------

// RFC 7518, 3.4: r and s with all their octets, one behind the other; OpenSSL wants them in DER.
std::string der_of(std::string_view signature) {
  const std::size_t half = signature.size() / 2;
  const Owned<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
  BIGNUM* const r = BN_bin2bn(octets(signature), static_cast<int>(half), nullptr);
  BIGNUM* const s = BN_bin2bn(octets(signature) + half, static_cast<int>(half), nullptr);
  if (!pair || r == nullptr || s == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  return text;
}

// The only length that a signature of this key has.
std::size_t signature_size(EVP_PKEY* key, Type type) {
  for (const Curve& curve : curves)
    if (curve.type == type) return 2 * curve.size;
  return static_cast<std::size_t>(EVP_PKEY_get_size(key));
}

// RFC 7518, 3.5: MGF1 has the same hash (OpenSSL's default), and the salt is as long as that.
bool use_pss(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

// ---- reading ------------------------------------------------------------------------------------------------------

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::system_error(errno, std::generic_category(), path);
  std::string text;
  std::array<char, 4096> part{};
  while (file.read(part.data(), part.size()), file.gcount() > 0) {
    text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > longest_file) throw std::runtime_error(path + ": too long for a file of keys");
  }
  if (file.bad()) throw std::runtime_error(path + ": cannot be read");
  return text;
}

std::optional<std::string> number_member(const json& object, std::string_view name) {
  const std::string* const text = text_member(object, name);
  return text == nullptr ? std::nullopt : decode_base64url(*text);
}

}  // namespace

// Makes keys of what is written in files.
class KeyReader {
 public:
  using Handle = SigningKey::Handle;

  static std::vector<SigningKey> of_pem(const std::string& text) {
    const Owned<BIO, BIO_free> source(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!source) throw std::bad_alloc();
    std::vector<SigningKey> keys;
    while (auto block = next_block(source.get())) {
      auto key = of_handle(std::move(*block));
      if (!key) throw std::runtime_error("a key has to be RSA of 2048 bits or more, P-256, P-384 or Ed25519");
      keys.push_back(std::move(*key));
    }
    return keys;
  }

  // Keys that cannot be used are left out (RFC 7517, 5), but private keys have no place here.
  static std::vector<SigningKey> of_json(const json& object) {
    const auto found = object.find("keys");
    const json set = found == object.end() ? json::array({object}) : *found;
    std::vector<SigningKey> keys;
    for (const json& member : set.is_array() ? set : json::array()) {
      if (!member.is_object()) continue;
      if (member.contains("d")) throw std::runtime_error("holds a private key; only public ones belong here");
      if (auto key = of_jwk(member)) keys.push_back(std::move(*key));
    }
    return keys;
  }

 private:
  // Nothing at the end of the text.
  static std::optional<Handle> next_block(BIO* source) {
    char *name = nullptr, *header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    const bool there = PEM_read_bio(source, &name, &header, &data, &size) == 1;
    const Owned<char, release<char>> name_owner(name), header_owner(header);
    const Owned<unsigned char, release<unsigned char>> data_owner(data);
    if (there) return of_block(name, data, size);
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) throw std::runtime_error("damaged PEM");
    return std::nullopt;
  }

  template <class T>
  static void release(T* memory) noexcept {
    OPENSSL_free(memory);
  }

  static Handle of_block(std::string_view name, const unsigned char* data, long size) {
    Handle key;
    if (name == PEM_STRING_PUBLIC) {
      key.reset(d2i_PUBKEY(nullptr, &data, size));
    } else if (name == PEM_STRING_RSA_PUBLIC) {
      key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &data, size));
    } else if (name == PEM_STRING_X509) {
      const Owned<X509, X509_free> certificate(d2i_X509(nullptr, &data, size));
      if (certificate) key.reset(X509_get_pubkey(certificate.get()));
    } else {
      throw std::runtime_error("only public keys and certificates belong here");
    }
    if (!key) throw std::runtime_error("damaged key or certificate");
    return key;
  }

  static std::optional<SigningKey> of_handle(Handle key) {
    if (!key) return std::nullopt;
    const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    const auto type = type_of(key.get());
    if (!type || !context || EVP_PKEY_public_check(context.get()) != 1) return std::nullopt;
    return SigningKey(std::move(key), *type);
  }

  static std::optional<Type> type_of(EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) >= least_rsa_bits) return Type::rsa;
    if (EVP_PKEY_is_a(key, "ED25519") == 1) return Type::ed25519;
    std::array<char, 64> group{};
    if (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1)
      for (const Curve& curve : curves)
        if (std::string_view(group.data()) == curve.group) return curve.type;
    return std::nullopt;
  }

  static std::optional<SigningKey> of_jwk(const json& jwk) {
    if (!is_for_signatures(jwk)) return std::nullopt;
    auto key = of_handle(handle_of(jwk));
    if (!key) return std::nullopt;
    if (const std::string* const id = text_member(jwk, "kid")) key->id_ = *id;
    if (jwk.contains("alg")) {
      const std::string* const algorithm = text_member(jwk, "alg");
      if (algorithm == nullptr || !key->takes(*algorithm)) return std::nullopt;
      key->algorithm_ = *algorithm;
    }
    return key;
  }

  // RFC 7517, 4.2 and 4.3
  static bool is_for_signatures(const json& jwk) {
    const auto use = jwk.find("use"), operations = jwk.find("key_ops");
    return (use == jwk.end() || *use == "sig") &&
           (operations == jwk.end() || (operations->is_array() && std::find(operations->begin(), operations->end(),
                                                                            "verify") != operations->end()));
  }

  static Handle handle_of(const json& jwk) {
    const std::string* const type = text_member(jwk, "kty");
    const std::string* const curve = text_member(jwk, "crv");
    if (type == nullptr) return nullptr;
    if (*type == "RSA") return rsa_key(number_member(jwk, "n"), number_member(jwk, "e"));
    if (curve == nullptr) return nullptr;
    const auto x = number_member(jwk, "x"), y = number_member(jwk, "y");
    if (*type == "OKP" && *curve == "Ed25519" && x)
      return Handle(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(*x), x->size()));
    if (*type == "EC" && x && y)
      for (const Curve& known : curves)
        if (*curve == known.name && x->size() == known.size && y->size() == known.size)
          return ec_key(known, "\x04" + *x + *y);  // SEC 1, 2.3.3: both are given
    return nullptr;
  }

  static Handle rsa_key(const std::optional<std::string>& n, const std::optional<std::string>& e) {
    if (!n || !e || n->size() > 2048 || e->size() > 8) return nullptr;
    const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> values(OSSL_PARAM_BLD_new());
    const Owned<BIGNUM, BN_free> modulus(BN_bin2bn(octets(*n), static_cast<int>(n->size()), nullptr));
    const Owned<BIGNUM, BN_free> exponent(BN_bin2bn(octets(*e), static_cast<int>(e->size()), nullptr));
    if (!values || !modulus || !exponent ||
        OSSL_PARAM_BLD_push_BN(values.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(values.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
      return nullptr;
    return make("RSA", values.get());
  }

  static Handle ec_key(const Curve& curve, const std::string& point) {
    const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> values(OSSL_PARAM_BLD_new());
    if (!values || OSSL_PARAM_BLD_push_utf8_string(values.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(values.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
      return nullptr;
    return make("EC", values.get());
  }

  static Handle make(const char* type, OSSL_PARAM_BLD* values) {
    const Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(values));
    const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
      return nullptr;
    return Handle(key);
  }
};

std::vector<SigningKey> SigningKey::read(const std::string& path) { return parse(read_file(path), path); }

std::vector<SigningKey> SigningKey::parse(const std::string& text, const std::string& name) try {
  const CleanQueue clean;
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  std::vector<SigningKey> keys;
  if (start != std::string::npos && text[start] == '{') {
    const auto object = parse_object(text);
    if (!object) throw std::runtime_error("this is no JSON object, or a name is in it twice");
    keys = KeyReader::of_json(*object);
  } else {
    keys = KeyReader::of_pem(text);
  }
  if (keys.empty()) throw std::runtime_error("no key to check signatures with");
  return keys;
} catch (const std::runtime_error& error) {
  throw std::runtime_error(name + ": " + error.what());
}

bool SigningKey::takes(std::string_view algorithm) const noexcept {
  const Algorithm* const known = find_algorithm(algorithm);
  return known != nullptr && known->type == type_ && (algorithm_.empty() || algorithm_ == algorithm);
}

bool SigningKey::verify(std::string_view algorithm, std::string_view text, std::string_view signature) const {
  const CleanQueue clean;
  const Algorithm* const known = find_algorithm(algorithm);
  if (known == nullptr || !takes(algorithm) || signature.size() != signature_size(key_.get(), type_)) return false;
  std::string der;
  if (type_ == Type::p256 || type_ == Type::p384) {
    der = der_of(signature);
    signature = der;
  }
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* details = nullptr;  // the context's
  const EVP_MD* const digest = known->digest == nullptr ? nullptr : known->digest();
  return context && EVP_DigestVerifyInit(context.get(), &details, digest, nullptr, key_.get()) == 1 &&
         (!known->pss || use_pss(details)) &&
         EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(text), text.size()) == 1;
}

}  // namespace pop3d
