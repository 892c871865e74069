// SPDX-License-Identifier: MIT
#include "tokens.hpp"

#include <doctest/doctest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "jose.hpp"

using nlohmann::json;
using pop3d::decode_base64url;
using pop3d::name_of;
using pop3d::SigningKey;
using pop3d::Tokens;
using pop3d::TokenSettings;
using Verdict = pop3d::Tokens::Verdict;

namespace doctest {
template <>
struct StringMaker<Verdict> {
  static String convert(Verdict verdict) { return std::string(name_of(verdict)).c_str(); }
};
}  // namespace doctest

namespace {

// ---- the other side: who makes tokens -----------------------------------------------------------------------------

void need(bool worked) {
  if (!worked) throw std::runtime_error("OpenSSL failed in a test");
}

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string base64url(std::string_view text) {
  std::string result;
  for (std::size_t bit = 0; bit < 8 * text.size(); bit += 6) {
    unsigned value = 0;
    for (std::size_t i = bit; i < bit + 6; ++i) {
      const auto octet = i / 8 < text.size() ? static_cast<unsigned char>(text[i / 8]) : 0U;
      value = 2 * value + ((octet >> (7 - i % 8)) & 1U);
    }
    result += alphabet[value];
  }
  return result;
}

std::string to_text(BIO* memory) {
  char* data = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(memory, &data));
  std::string text(data, size);
  BIO_free(memory);
  return text;
}

// A pair of keys: "RSA", "P-256", "P-384", "Ed25519", or what no token may be signed with.
class Signer {
 public:
  explicit Signer(const std::string& type, unsigned bits = 2048)
      : type_(type),
        key_(type == "RSA"            ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{bits})
             : type.starts_with("Ed") ? EVP_PKEY_Q_keygen(nullptr, nullptr, type.c_str())
                                      : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type.c_str()),
             EVP_PKEY_free) {
    need(key_ != nullptr);
  }

  std::string pem() const {
    BIO* const memory = BIO_new(BIO_s_mem());
    need(PEM_write_bio_PUBKEY(memory, key_.get()) == 1);
    return to_text(memory);
  }
  std::string private_pem() const {
    BIO* const memory = BIO_new(BIO_s_mem());
    need(PEM_write_bio_PrivateKey(memory, key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return to_text(memory);
  }
  std::string pkcs1() const {
    unsigned char* data = nullptr;
    const int size = i2d_PublicKey(key_.get(), &data);
    need(size > 0);
    BIO* const memory = BIO_new(BIO_s_mem());
    need(PEM_write_bio(memory, PEM_STRING_RSA_PUBLIC, "", data, size) > 0);
    OPENSSL_free(data);
    return to_text(memory);
  }
  std::string certificate() const {
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
    X509_set_version(made.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), -3600);  // its dates are not looked at
    X509_set_pubkey(made.get(), key_.get());
    need(X509_sign(made.get(), key_.get(), type_ == "Ed25519" ? nullptr : EVP_sha256()) > 0);
    BIO* const memory = BIO_new(BIO_s_mem());
    need(PEM_write_bio_X509(memory, made.get()) == 1);
    return to_text(memory);
  }
  json jwk() const {
    if (type_ == "RSA")
      return {{"kty", "RSA"}, {"n", number(OSSL_PKEY_PARAM_RSA_N)}, {"e", number(OSSL_PKEY_PARAM_RSA_E)}};
    std::string point(256, '\0');
    std::size_t size = 0;
    need(EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_PUB_KEY, octets(point), point.size(), &size) == 1);
    point.resize(size);
    if (type_ == "Ed25519") return {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", base64url(point)}};
    const std::size_t half = (size - 1) / 2;  // 04 x y
    return {{"kty", "EC"},
            {"crv", type_},
            {"x", base64url(point.substr(1, half))},
            {"y", base64url(point.substr(1 + half))}};
  }

  std::string sign(std::string_view algorithm, std::string_view text, int salt = RSA_PSS_SALTLEN_DIGEST) const {
    const EVP_MD* const digest = algorithm == "EdDSA"         ? nullptr
                                 : algorithm.ends_with("256") ? EVP_sha256()
                                 : algorithm.ends_with("384") ? EVP_sha384()
                                                              : EVP_sha512();
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* details = nullptr;
    need(EVP_DigestSignInit(context.get(), &details, digest, nullptr, key_.get()) == 1);
    if (algorithm.starts_with("PS")) {
      need(EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1);
      need(EVP_PKEY_CTX_set_rsa_pss_saltlen(details, salt) == 1);
    }
    std::string signature(1024, '\0');
    std::size_t size = signature.size();
    need(EVP_DigestSign(context.get(), octets(signature), &size, octets(text), text.size()) == 1);
    signature.resize(size);
    return type_.starts_with("P-") ? raw(signature) : signature;
  }

  std::string sign_text(const json& header, const std::string& payload) const {
    const std::string text = base64url(header.dump()) + "." + base64url(payload);
    return text + "." + base64url(sign(header.at("alg").get<std::string>(), text));
  }
  std::string sign_all(const json& header, const json& claims) const { return sign_text(header, claims.dump()); }
  std::string token(const std::string& algorithm, const json& claims) const {
    return sign_all(json{{"alg", algorithm}, {"typ", "JWT"}}, claims);
  }

  std::string raw(const std::string& der) const {
    const unsigned char* data = octets(std::string_view(der));
    ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size()));
    need(pair != nullptr);
    const int half = (EVP_PKEY_get_bits(key_.get()) + 7) / 8;
    std::string both(2 * static_cast<std::size_t>(half), '\0');
    need(BN_bn2binpad(ECDSA_SIG_get0_r(pair), octets(both), half) == half);
    need(BN_bn2binpad(ECDSA_SIG_get0_s(pair), octets(both) + half, half) == half);
    ECDSA_SIG_free(pair);
    return both;
  }

 private:
  std::string number(const char* name) const {
    BIGNUM* value = nullptr;
    need(EVP_PKEY_get_bn_param(key_.get(), name, &value) == 1);
    std::string text(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
    BN_bn2bin(value, octets(text));
    BN_free(value);
    return base64url(text);
  }

  std::string type_;
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

// Made once: RSA keys take their time.
const Signer& signer(const std::string& type) {
  static std::map<std::string, Signer> signers;
  return signers.try_emplace(type, type).first->second;
}

struct Kind {
  std::string algorithm, type;
};
const std::vector<Kind> kinds = {{"RS256", "RSA"},   {"RS384", "RSA"},   {"RS512", "RSA"},
                                 {"PS256", "RSA"},   {"PS384", "RSA"},   {"PS512", "RSA"},
                                 {"ES256", "P-256"}, {"ES384", "P-384"}, {"EdDSA", "Ed25519"}};

// ---- our side -----------------------------------------------------------------------------------------------------

constexpr std::int64_t now = 1'800'000'000;

json claims(const json& changes = json::object()) {
  json all = {{"iss", "https://id.example"},
              {"aud", "mail"},
              {"exp", now + 300},
              {"iat", now},
              {"nbf", now},
              {"email", "ann@example.org"},
              {"scope", "openid mail.read"},
              {"sub", "248289761"}};
  all.merge_patch(changes);  // null = without it
  return all;
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "pop3d-tokens-XXXXXX").string();
    need(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TokenSettings settings(const std::string& scope = "") { return {{}, "https://id.example", "mail", "email", scope}; }

Tokens read(const std::vector<std::string>& key_files, TokenSettings rest = settings()) {
  const Folder folder;
  for (const std::string& text : key_files) rest.keys.push_back(folder.write(std::to_string(rest.keys.size()), text));
  return Tokens::read(rest);
}

Verdict verdict(const Tokens& tokens, const std::string& token, std::int64_t at = now) {
  const Tokens::Checked checked = tokens.check(token, at);
  CHECK((checked.verdict == Verdict::accepted) == !checked.user.empty());
  CHECK(tokens.user_of(token, at).has_value() == (checked.verdict == Verdict::accepted));
  CHECK(ERR_peek_error() == 0);  // TLS would take it for its own
  return checked.verdict;
}

std::string why_not(const std::string& text) try {
  SigningKey::parse(text, "keys");
  return "";
} catch (const std::runtime_error& error) {
  CHECK(ERR_peek_error() == 0);
  return error.what();
}

json key_set(std::initializer_list<json> keys) { return {{"keys", json(keys)}}; }

json with(json object, const json& changes) {
  object.merge_patch(changes);
  return object;
}

}  // namespace

// ---- base64url and JSON -------------------------------------------------------------------------------------------

TEST_CASE("base64url has one form for each text: no padding, no other alphabet, no bits left over") {
  CHECK(decode_base64url("") == "");
  CHECK(decode_base64url("Zg") == "f");
  CHECK(decode_base64url("Zm8") == "fo");
  CHECK(decode_base64url("Zm9vYmFy") == "foobar");
  CHECK(decode_base64url("A-z_4ME") == "\x03\xEC\xFF\xE0\xC1");  // RFC 7515, appendix C
  for (const char* const wrong :
       {"Zg==", "Zm8=", "Z", "Zm9vY", "A", "Zm9vA", "Zh", "Zm9", "A+z_", "A-z/", "Zm 9", "Zm9v\n", "Zm9\x80"})
    CHECK_FALSE(decode_base64url(wrong));
  std::string all;
  for (int octet = 0; octet < 256; ++octet) {
    all += static_cast<char>(octet);
    CHECK(decode_base64url(base64url(all)) == all);
  }
}

TEST_CASE("JSON objects name each member once, however deep, however it is written") {
  CHECK(pop3d::parse_object(R"({"a":{"b":1},"b":[{"a":1},{"a":2}]})"));
  for (const char* const wrong :
       {R"({"a":1,"a":2})", R"({"a":1,"\u0061":1})", R"({"b":{"a":1,"c":2,"a":3}})", R"([{"a":1}])", R"("text")", "1",
        "", "{", R"({"a":1}x)", R"({"a":1}{"a":1})", "{'a':1}", R"({"a":1,})", "{\"a\":\"\xFF\"}", R"({"a":"\uD800"})",
        R"({"a":1e999})", R"({"a":NaN})", "nul"})
    CHECK_FALSE_MESSAGE(pop3d::parse_object(wrong), wrong);
  std::string deep(5000, '[');
  CHECK_FALSE(pop3d::parse_object("{\"a\":" + deep + std::string(5000, ']') + "}"));
  CHECK_FALSE(pop3d::parse_object("{\"a\":" + deep));
}

// ---- signatures ---------------------------------------------------------------------------------------------------

TEST_CASE("tokens of every algorithm are accepted with the key that signed them, however the key is written") {
  for (const Kind& kind : kinds) {
    const std::string algorithm = kind.algorithm, type = kind.type;
    CAPTURE(algorithm);
    const Signer& key = signer(type);
    const std::string token = key.token(algorithm, claims());
    for (const std::string& text : {key.pem(), key.certificate(), key.jwk().dump(), key_set({key.jwk()}).dump()}) {
      const Tokens tokens = read({text});
      CHECK(verdict(tokens, token) == Verdict::accepted);
      CHECK(tokens.user_of(token, now) == "ann@example.org");
    }
    const Signer other(type);
    CHECK(verdict(read({other.pem()}), token) == Verdict::wrong_signature);
    CHECK(verdict(read({other.pem(), key.pem()}), token) == Verdict::accepted);
    CHECK(verdict(read({other.pem() + "text between\n" + key.certificate()}), token) == Verdict::accepted);
  }
  CHECK(verdict(read({signer("RSA").pkcs1()}), signer("RSA").token("PS256", claims())) == Verdict::accepted);
}

TEST_CASE("a key takes the algorithms of its own type and no other") {
  for (const Kind& kind : kinds)
    for (const std::string type : {"RSA", "P-256", "P-384", "Ed25519"})
      CHECK_MESSAGE(SigningKey::parse(signer(type).pem(), "").front().takes(kind.algorithm) == (type == kind.type),
                    kind.algorithm << type);

  for (const std::string name : {"none", "None", "HS256", "HS384", "HS512", "ES512", "RS1", "rs256", "RS256 ", ""}) {
    CAPTURE(name);
    for (const std::string type : {"RSA", "P-256", "P-384", "Ed25519"}) {
      const Tokens tokens = read({signer(type).pem()});
      const std::string text = base64url(json{{"alg", name}}.dump()) + "." + base64url(claims().dump());
      CHECK(verdict(tokens, text + ".") == Verdict::wrong_algorithm);
      CHECK(verdict(tokens, text + "." + base64url(std::string(64, 'x'))) == Verdict::wrong_algorithm);
    }
  }
}

TEST_CASE("RFC 8725 2.1: a public key is no secret for HMAC, and a token of one type does not pass for another") {
  const Signer& rsa = signer("RSA");
  const Tokens tokens = read({rsa.pem()});
  for (const std::string& secret : {rsa.pem(), rsa.jwk().dump(), rsa.jwk().at("n").get<std::string>()}) {
    const std::string text = base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url(claims().dump());
    std::string mac(32, '\0');
    need(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), octets(text), text.size(), octets(mac),
              nullptr) != nullptr);
    CHECK(verdict(tokens, text + "." + base64url(mac)) == Verdict::wrong_algorithm);
  }
  CHECK(verdict(read({signer("P-256").pem()}), rsa.token("RS256", claims())) == Verdict::wrong_algorithm);
  CHECK(verdict(tokens, signer("P-256").token("ES256", claims())) == Verdict::wrong_algorithm);
  CHECK(verdict(read({signer("P-384").pem()}), signer("P-256").token("ES256", claims())) == Verdict::wrong_algorithm);

  // The header says one, the signature is another.
  const std::string rs = base64url(R"({"alg":"RS256"})") + "." + base64url(claims().dump());
  for (const std::string other : {"RS384", "RS512", "PS256", "PS384", "PS512"})
    CHECK(verdict(tokens, rs + "." + base64url(rsa.sign(other, rs))) == Verdict::wrong_signature);
  CHECK(verdict(tokens, rs + "." + base64url(rsa.sign("RS256", rs))) == Verdict::accepted);
}

TEST_CASE("RFC 7518 3.4, 3.5: signatures have one form") {
  const Signer& ec = signer("P-256");
  const Tokens tokens = read({ec.pem()});
  const std::string text = base64url(R"({"alg":"ES256"})") + "." + base64url(claims().dump());
  const std::string good = ec.sign("ES256", text);
  CHECK(verdict(tokens, text + "." + base64url(good)) == Verdict::accepted);
  // A DER form; nothing; zeros, which hold for everything where nobody looks (CVE-2022-21449); too short, too long.
  const std::string half = good.substr(0, 32);
  for (const std::string& wrong : {"\x30\x44\x02\x20" + half + "\x02\x20" + good.substr(32), std::string(),
                                   std::string(64, '\0'), std::string(64, '\xFF'), half, good + good, good + '\0',
                                   '\0' + good, good.substr(0, 63), good.substr(32) + half})
    CHECK(verdict(tokens, text + "." + base64url(wrong)) == Verdict::wrong_signature);

  const Signer& rsa = signer("RSA");
  const Tokens rsa_tokens = read({rsa.pem()});
  const std::string ps = base64url(R"({"alg":"PS256"})") + "." + base64url(claims().dump());
  for (const int salt : {0, 20, 64, RSA_PSS_SALTLEN_MAX})
    CHECK(verdict(rsa_tokens, ps + "." + base64url(rsa.sign("PS256", ps, salt))) == Verdict::wrong_signature);
  CHECK(verdict(rsa_tokens, ps + "." + base64url(rsa.sign("PS256", ps, 32))) == Verdict::accepted);
  CHECK(verdict(rsa_tokens, ps + "." + base64url('\0' + rsa.sign("PS256", ps))) == Verdict::wrong_signature);

  const Signer& ed = signer("Ed25519");
  const std::string eddsa = ed.token("EdDSA", claims());
  CHECK(verdict(read({ed.pem()}), eddsa + "AAAA") != Verdict::accepted);
}

TEST_CASE("no token is accepted after any change of one character") {
  constexpr std::string_view others(".=+/ \n\0\x80", 8);
  for (const Kind& kind : std::vector<Kind>{{"RS256", "RSA"}, {"ES256", "P-256"}, {"EdDSA", "Ed25519"}}) {
    const std::string algorithm = kind.algorithm, type = kind.type;
    const Tokens tokens = read({signer(type).pem()});
    const std::string token = signer(type).token(algorithm, claims());
    REQUIRE(tokens.user_of(token, now));
    std::size_t tried = 0;
    std::vector<std::string> accepted;
    const auto attempt = [&](const std::string& changed) {
      if (changed == token) return;
      ++tried;
      if (tokens.check(changed, now).verdict == Verdict::accepted) accepted.push_back(changed);
    };
    for (std::size_t at = 0; at <= token.size(); ++at) {
      const std::string before = token.substr(0, at), behind = token.substr(std::min(at + 1, token.size()));
      const std::size_t value = at < token.size() ? alphabet.find(token[at]) : std::string::npos;
      for (const char c : algorithm == "ES256" ? std::string(alphabet) + std::string(others) : std::string(others))
        if (at < token.size()) attempt(before + c + behind);
      for (std::size_t bit = 1; value != std::string::npos && bit < 64; bit *= 2)
        attempt(before + alphabet[value ^ bit] + behind);
      for (const char c : {'A', '_', '.', '='}) attempt(before + c + token.substr(at));
      attempt(before + behind);
      attempt(before);
      attempt(token.substr(at));
    }
    CHECK(tried > 18 * token.size());
    CHECK_MESSAGE(accepted.empty(), algorithm << ": " << accepted.size() << " of " << tried);
  }
  CHECK(ERR_peek_error() == 0);
}

// Their claims name no audience, which is noticed only when the signature is right.
TEST_CASE("RFC 7515 A.2, A.3, RFC 8037 A.4: the examples") {
  const std::string payload =
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  const std::string rsa =
      R"({"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ)"
      R"(PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYU)"
      R"(sLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj)"
      R"(8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"})";
  const std::string rs256 =
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
      "O8W2Fp5jujGbds9uJdbF9CUAr7t1"
      "dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--"
      "xi12jzD"
      "wusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
      "IoypGlUPQGe7"
      "7Rw";
  const std::string p256 = R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                           R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
  const std::string es256 = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  const TokenSettings joe{{}, "joe", "mail", "email", ""};
  const std::string a2 = "eyJhbGciOiJSUzI1NiJ9." + payload + ".", a3 = "eyJhbGciOiJFUzI1NiJ9." + payload + ".";
  const Tokens both = read({rsa, p256}, joe);
  CHECK(verdict(both, a2 + rs256, 1300819379) == Verdict::wrong_audience);
  CHECK(verdict(both, a3 + es256, 1300819379) == Verdict::wrong_audience);
  CHECK(verdict(both, a2 + es256, 1300819379) == Verdict::wrong_signature);
  CHECK(verdict(both, a3 + es256.substr(0, 85) + "g", 1300819379) == Verdict::wrong_signature);

  // Its payload is no JSON, which is noticed only then, too.
  const Tokens ed = read({R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"}, joe);
  const std::string text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.";
  const std::string eddsa = "gyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  CHECK(verdict(ed, text + "h" + eddsa) == Verdict::malformed);
  CHECK(verdict(ed, text + "i" + eddsa) == Verdict::wrong_signature);
}

// ---- the header ---------------------------------------------------------------------------------------------------

TEST_CASE("a kid is only compared, and keys that a token brings along are not used") {
  const Signer& key = signer("P-256");
  const Signer other("P-256");
  const Tokens tokens =
      read({key_set({with(other.jwk(), {{"kid", "old"}}), with(key.jwk(), {{"kid", "new"}})}).dump()});
  const auto token = [&](const json& more) { return key.sign_all(with(json{{"alg", "ES256"}}, more), claims()); };
  CHECK(verdict(tokens, token({{"kid", "new"}})) == Verdict::accepted);
  CHECK(verdict(tokens, token(json::object())) == Verdict::accepted);
  CHECK(verdict(tokens, token({{"kid", "old"}})) == Verdict::wrong_signature);
  for (const char* const id :
       {"", "NEW", "newer", "../../../../etc/passwd", "/dev/null", "' or 1=1", "https://id.example"})
    CHECK(verdict(tokens, token({{"kid", id}})) == Verdict::unknown_key);
  CHECK(verdict(tokens, token({{"kid", 1}})) == Verdict::malformed);
  // A key in PEM has no id: it may be the one.
  CHECK(verdict(read({key.pem()}), token({{"kid", "any"}})) == Verdict::accepted);

  const json tricks = {
      {"jwk", other.jwk()}, {"jku", "https://evil.example/keys"}, {"x5u", "file:///etc"}, {"x5c", json::array({"AA"})}};
  CHECK(verdict(tokens, other.sign_all(with(json{{"alg", "ES256"}, {"kid", "new"}}, tricks), claims())) ==
        Verdict::wrong_signature);
  CHECK(verdict(tokens, token(tricks)) == Verdict::accepted);
}

TEST_CASE("headers: crit is refused, other types of tokens are, and what is no object") {
  const Signer& key = signer("Ed25519");
  const Tokens tokens = read({key.pem()});
  const auto check = [&](const json& more) {
    return verdict(tokens, key.sign_all(with(json{{"alg", "EdDSA"}}, more), claims()));
  };
  CHECK(check({{"crit", json::array({"exp"})}}) == Verdict::malformed);
  CHECK(check({{"crit", json::array()}}) == Verdict::malformed);
  CHECK(check({{"crit", json::array({"b64"})}, {"b64", false}}) == Verdict::malformed);
  for (const char* const type : {"JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/JWT"})
    CHECK(check({{"typ", type}}) == Verdict::accepted);
  for (const char* const type :
       {"", "dpop+jwt", "logout+jwt", "secevent+jwt", "JWS", "application/", "application/jose"})
    CHECK(check({{"typ", type}}) == Verdict::wrong_type);
  CHECK(check({{"typ", 1}}) == Verdict::wrong_type);

  const auto raw = [&](const std::string& header) {
    const std::string text = base64url(header) + "." + base64url(claims().dump());
    return verdict(tokens, text + "." + base64url(key.sign("EdDSA", text)));
  };
  CHECK(raw(R"({"alg":"EdDSA"})") == Verdict::accepted);
  for (const char* const wrong :
       {R"({"alg":"EdDSA","alg":"EdDSA"})", R"({"alg":"none","alg":"EdDSA"})", R"({"alg":["EdDSA"]})",
        R"({"typ":"JWT"})", R"(["EdDSA"])", R"("EdDSA")", "", "{", "null", R"({"alg":null})", R"({"alg":"EdDSA"} x)"})
    CHECK_MESSAGE(raw(wrong) == Verdict::malformed, wrong);
}

TEST_CASE("what is no token at all is malformed") {
  const Signer& key = signer("Ed25519");
  const Tokens tokens = read({key.pem()});
  const std::string token = key.token("EdDSA", claims());
  for (const std::string& wrong :
       {std::string(), std::string("."), std::string(".."), std::string("..."), std::string("a.b.c"), token + ".",
        "." + token, token + "=", " " + token, token + "\n", "Bearer " + token, token + "." + token,
        token.substr(0, token.rfind('.')), std::string(Tokens::longest, '.'), std::string(5000, '\0')})
    CHECK(verdict(tokens, wrong) == Verdict::malformed);
  // RFC 7516: an encrypted token has five parts.
  CHECK(verdict(tokens, "eyJhbGciOiJSU0EtT0FFUCJ9.AA.AA.AA.AA") == Verdict::malformed);
  CHECK(verdict(tokens, base64url("{\"alg\":" + std::string(5000, '[')) + ".AA.AA") == Verdict::malformed);
}

TEST_CASE("a token has 10 KiB at most") {
  const Signer& key = signer("Ed25519");
  const Tokens tokens = read({key.pem()});
  const auto make = [&](std::size_t in_header, std::size_t in_claims) {
    return key.sign_all(json{{"alg", "EdDSA"}, {"x", std::string(in_header, 'x')}},
                        claims({{"x", std::string(in_claims, 'x')}}));
  };
  std::set<std::size_t> sizes;
  const std::size_t about = (Tokens::longest - make(0, 0).size()) / 4 * 3;  // of what base64 makes 10 KiB
  for (std::size_t in_header = 0; in_header < 3; ++in_header)
    for (std::size_t in_claims = about - 10; in_claims < about + 10; ++in_claims) {
      const std::string token = make(in_header, in_claims);
      sizes.insert(token.size());
      CHECK(verdict(tokens, token) == (token.size() <= Tokens::longest ? Verdict::accepted : Verdict::malformed));
    }
  CHECK(sizes.contains(Tokens::longest));
  CHECK(sizes.contains(Tokens::longest + 1));
}

// ---- the claims ---------------------------------------------------------------------------------------------------

TEST_CASE("RFC 7519 4.1: each claim wrong in turn") {
  const Signer& key = signer("Ed25519");
  const Tokens tokens = read({key.pem()});
  const auto check = [&](const json& changes, std::int64_t at = now) {
    return verdict(tokens, key.token("EdDSA", claims(changes)), at);
  };
  CHECK(check(json::object()) == Verdict::accepted);

  for (const json& issuer :
       {json("https://id.example/"), json("https://ID.example"), json(""), json(nullptr), json(1),
        json::array({"https://id.example"}), json(std::string("https://id.example\0x", 20)), json("https://id.exampl")})
    CHECK(check({{"iss", issuer}}) == Verdict::wrong_issuer);

  CHECK(check({{"aud", {"web", "mail"}}}) == Verdict::accepted);
  for (const json& audience :
       {json("Mail"), json("mail "), json("web mail"), json(""), json(nullptr), json::array(), json::array({"web", 1}),
        json::array({json::array({"mail"})}), json({{"mail", "mail"}}), json(true)})
    CHECK(check({{"aud", audience}}) == Verdict::wrong_audience);

  CHECK(check({{"exp", nullptr}}) == Verdict::malformed);
  for (const char* const name : {"exp", "nbf", "iat"})
    for (const json& time : {json("1800000000"), json(true), json::array(), json(std::to_string(now + 300))})
      CHECK(check({{name, time}}) == Verdict::malformed);
  CHECK(check({{"nbf", nullptr}, {"iat", nullptr}}) == Verdict::accepted);

  for (const json& email :
       {json(nullptr), json(""), json(1), json::array({"ann@example.org"}), json("../ann"), json(".ann"), json("a/b"),
        json("ann\n"), json(std::string("ann\0x", 5)), json("ann example")})
    CHECK_MESSAGE(check({{"email", email}}) == Verdict::no_user, email);
}

TEST_CASE("RFC 7519 4.1.4, 4.1.5: a token is good from its start to its end, with a minute for wrong clocks") {
  const Signer& key = signer("Ed25519");
  const Tokens tokens = read({key.pem()});
  const auto check = [&](const json& changes, std::int64_t at) {
    return verdict(tokens, key.token("EdDSA", claims(changes)), at);
  };
  const json early = {{"iat", now - 1000}, {"nbf", now - 1000}, {"exp", now}};
  CHECK(check(early, now) == Verdict::accepted);
  CHECK(check(early, now + 59) == Verdict::accepted);
  CHECK(check(early, now + 60) == Verdict::expired);
  CHECK(check(with(early, {{"exp", now + 0.5}}), now + 60) == Verdict::accepted);
  CHECK(check(with(early, {{"exp", now + 0.5}}), now + 61) == Verdict::expired);
  for (const char* const name : {"nbf", "iat"}) {
    const json late = with(early, {{"exp", now + 1000}, {name, now}});
    CHECK(check(late, now - 60) == Verdict::accepted);
    CHECK(check(late, now - 61) == Verdict::not_yet);
    CHECK(check(with(late, {{name, 1e300}}), now) == Verdict::not_yet);
    CHECK(check(with(late, {{name, -1e300}}), now) == Verdict::accepted);
  }
  CHECK(check({{"exp", -1}}, now) == Verdict::expired);
  CHECK(check({{"exp", 0}}, now) == Verdict::expired);
  CHECK(check({{"exp", 1e300}}, now) == Verdict::accepted);
  CHECK(check({{"exp", std::numeric_limits<std::uint64_t>::max()}}, now) == Verdict::accepted);
  CHECK(check(json::object(), std::numeric_limits<std::int64_t>::max()) == Verdict::expired);
  CHECK(check(json::object(), std::numeric_limits<std::int64_t>::min()) == Verdict::not_yet);
}

TEST_CASE("claims that are there twice, or are no object, are refused although they are signed") {
  const Signer& key = signer("Ed25519");
  const Tokens tokens = read({key.pem()});
  const auto check = [&](const std::string& payload) {
    return verdict(tokens, key.sign_text(json{{"alg", "EdDSA"}}, payload));
  };
  const std::string good = claims().dump();
  CHECK(check(good) == Verdict::accepted);
  CHECK(check(good.substr(0, good.size() - 1) + R"(,"email":"bob@example.org"})") == Verdict::malformed);
  CHECK(check(good.substr(0, good.size() - 1) + R"(,"\u0065mail":"bob@example.org"})") == Verdict::malformed);
  for (const std::string& wrong : {std::string(), "[" + good + "]", good + "x", std::string("null"), "{" + good})
    CHECK(check(wrong) == Verdict::malformed);
}

TEST_CASE("an address that its issuer has not verified names nobody") {
  const Signer& key = signer("Ed25519");
  const Tokens tokens = read({key.pem()});
  const auto check = [&](const json& verified) {
    return verdict(tokens, key.token("EdDSA", claims({{"email_verified", verified}})));
  };
  CHECK(check(true) == Verdict::accepted);
  CHECK(check("true") == Verdict::accepted);
  for (const json& no : {json(false), json("false"), json(0), json(1), json("yes")})
    CHECK(check(no) == Verdict::no_user);
}

TEST_CASE("the user is what the chosen claim says") {
  const Signer& key = signer("Ed25519");
  TokenSettings by_subject = settings();
  by_subject.user_claim = "preferred_username";
  const Tokens tokens = read({key.pem()}, by_subject);
  const auto user = [&](const json& changes) { return tokens.user_of(key.token("EdDSA", claims(changes)), now); };
  CHECK(user({{"preferred_username", "ann"}, {"email_verified", false}}) == "ann");
  CHECK(user({{"preferred_username", "\uFF41nn"}}) == "ann");  // as users log in with passwords: RFC 4013
  CHECK_FALSE(user(json::object()));
}

TEST_CASE("RFC 6749 3.3: every word of the scope has to be granted") {
  const Signer& key = signer("Ed25519");
  const auto check = [&](const std::string& scope, const json& granted) {
    return verdict(read({key.pem()}, settings(scope)), key.token("EdDSA", claims({{"scope", granted}})));
  };
  CHECK(check("", nullptr) == Verdict::accepted);
  CHECK(check("mail", "mail") == Verdict::accepted);
  CHECK(check("mail", "openid mail profile") == Verdict::accepted);
  CHECK(check("mail", json::array({"openid", "mail"})) == Verdict::accepted);
  CHECK(check("mail openid", "openid profile mail") == Verdict::accepted);
  for (const json& granted : {json("mailbox"), json("Mail"), json("e mail.read"), json(""), json(nullptr), json(1),
                              json::array({"openid mail"}), json({{"mail", 1}})})
    CHECK(check("mail", granted) == Verdict::wrong_scope);
  CHECK(check("mail openid", "mail") == Verdict::wrong_scope);
  CHECK(read({key.pem()}, settings("mail")).scope() == "mail");
}

// ---- settings and keys --------------------------------------------------------------------------------------------

TEST_CASE("settings of tokens have to be whole") {
  const std::string key = signer("Ed25519").pem();
  const auto reads = [&](auto change) {
    TokenSettings changed = settings();
    change(changed);
    try {
      read({key}, changed);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  };
  CHECK(reads([](TokenSettings&) {}));
  CHECK_FALSE(reads([](TokenSettings& s) { s.issuer = ""; }));
  CHECK_FALSE(reads([](TokenSettings& s) { s.audience = ""; }));
  CHECK_FALSE(reads([](TokenSettings& s) { s.user_claim = ""; }));
  for (const char* const scope : {" mail", "mail ", "a  b", "a\"b", "a\\b", "a\nb", "\x7F", "\xC3\xA4"})
    CHECK_FALSE(reads([&](TokenSettings& s) { s.scope = scope; }));
  CHECK_FALSE(reads([](TokenSettings& s) { s.keys = {"/nonexistent/key"}; }));
  const Folder folder;
  const std::string path = folder.path(), unreadable = path + ": cannot be read";
  CHECK_THROWS_WITH_AS(SigningKey::read(path), unreadable.c_str(), std::runtime_error);
  CHECK_FALSE(reads([&](TokenSettings& s) { s.keys = {folder.write("long", key + std::string(1 << 20, '\n'))}; }));
  // Without a key there is nobody to believe.
  CHECK(verdict(Tokens::read(settings()), signer("Ed25519").token("EdDSA", claims())) == Verdict::unknown_key);
}

TEST_CASE("files of keys: what is no public key, too weak or damaged is refused") {
  const Signer& key = signer("P-256");
  CHECK(why_not(key.pem()).empty());
  CHECK(why_not("").starts_with("keys: "));
  CHECK_FALSE(why_not("no key\n").empty());
  for (const std::string type : {"RSA", "P-256", "Ed25519"}) CHECK_FALSE(why_not(signer(type).private_pem()).empty());
  CHECK_FALSE(why_not(key.pem() + key.private_pem()).empty());
  CHECK_FALSE(why_not(Signer("RSA", 1024).pem()).empty());
  CHECK_FALSE(why_not(Signer("P-521").pem()).empty());
  CHECK_FALSE(why_not(Signer("Ed448").pem()).empty());
  CHECK_FALSE(why_not(key.pem().substr(0, 100)).empty());
  std::string damaged = key.pem();
  damaged[40] = damaged[40] == 'A' ? 'B' : 'A';
  CHECK_FALSE(why_not(damaged).empty());
}

TEST_CASE("RFC 7517: a set of keys, of which those that do not fit are left out") {
  const json good = signer("P-256").jwk(), rsa = signer("RSA").jwk(), ed = signer("Ed25519").jwk();
  const auto count = [&](const json& wrong) {
    const auto keys = SigningKey::parse(key_set({wrong, good}).dump(), "keys");
    return keys.size();
  };
  CHECK(count(rsa) == 2);
  CHECK(count(ed) == 2);
  CHECK(count(with(rsa, {{"use", "sig"},
                         {"key_ops", json::array({"verify"})},
                         {"alg", "RS256"},
                         {"kid", "1"},
                         {"x5c", json::array({"AA"})}})) == 2);
  for (const json& wrong : {with(rsa, {{"use", "enc"}}),
                            with(rsa, {{"key_ops", json::array({"encrypt"})}}),
                            with(rsa, {{"key_ops", "verify"}}),
                            with(rsa, {{"alg", "RSA-OAEP"}}),
                            with(rsa, {{"alg", "ES256"}}),
                            with(rsa, {{"alg", 1}}),
                            with(rsa, {{"n", nullptr}}),
                            with(rsa, {{"e", nullptr}}),
                            with(rsa, {{"e", "AQ"}}),
                            with(rsa, {{"e", "Ag"}}),
                            with(rsa, {{"e", base64url(std::string(9, '\x01'))}}),
                            with(rsa, {{"n", base64url(std::string(2049, '\xFF'))}}),
                            with(rsa, {{"n", "AQAB"}}),
                            with(rsa, {{"n", rsa.at("n").get<std::string>() + "="}}),
                            with(good, {{"crv", "P-384"}}),
                            with(good, {{"crv", "P-521"}}),
                            with(good, {{"x", good.at("y")}}),
                            with(good, {{"y", nullptr}}),
                            with(good, {{"kty", "OKP"}}),
                            with(good, {{"crv", nullptr}}),
                            with(ed, {{"crv", "X25519"}}),
                            with(ed, {{"x", "AAAA"}}),
                            with(ed, {{"kty", "EC"}}),
                            with(ed, {{"kty", nullptr}}),
                            json{{"kty", "oct"}, {"k", "AAAA"}},
                            json("text"),
                            json::array()})
    CHECK_MESSAGE(count(wrong) == 1, wrong);

  CHECK_FALSE(why_not(key_set({}).dump()).empty());
  CHECK_FALSE(why_not(R"({"keys":1})").empty());
  CHECK_FALSE(why_not(R"({"keys":[{"kty":"oct","k":"AAAA"}]})").empty());
  CHECK_FALSE(why_not("{\"keys\":").empty());
  const std::string again = key_set({good}).dump();
  CHECK_FALSE(why_not(again.substr(0, again.size() - 1) + R"(,"keys":[]})").empty());
  CHECK(why_not(key_set({good, with(ed, {{"d", "AAAA"}})}).dump()).find("private") != std::string::npos);

  // "alg" narrows what the key's type allows.
  const Tokens narrow = read({with(rsa, {{"alg", "PS256"}}).dump()});
  CHECK(verdict(narrow, signer("RSA").token("PS256", claims())) == Verdict::accepted);
  CHECK(verdict(narrow, signer("RSA").token("RS256", claims())) == Verdict::wrong_algorithm);
}

TEST_CASE("each verdict has a name of its own") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Verdict::no_user); ++i) names.insert(name_of(static_cast<Verdict>(i)));
  CHECK(names.size() == static_cast<std::size_t>(Verdict::no_user) + 1);
  CHECK_FALSE(names.contains(""));
}
