// SPDX-License-Identifier: MIT
// What a client says in a SASL exchange, right or wrong: for dialogues and unit tests. Checked against the examples of
// the RFCs in tests/pop3/impl/sasl.cpp.
#ifndef TESTS_SASL_CLIENT_HPP
#define TESTS_SASL_CLIENT_HPP

#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include <mailwire/base64.hpp>
#include <mailwire/hmac.hpp>
#include <mailwire/scram.hpp>
#include <mailwire/sha.hpp>
#include <pop3/digest.hpp>

namespace tests {

inline std::string to_base64(std::string_view octets) {
  mailwire::ByteBuffer out;
  mailwire::append_base64(out, octets);
  return std::string(out.view());
}
// What is not BASE64 gives nothing.
inline std::string from_base64(std::string_view text) {
  std::string octets(text.size() + 3, '\0');
  octets.resize(mailwire::base64_decode(text, octets.data()).value_or(0));
  return octets;
}

// authzid NUL user NUL password (RFC 4616)
inline std::string plain_message(const std::string& authzid, const std::string& user, const std::string& password) {
  return authzid + '\0' + user + '\0' + password;
}
// RFC 2195
inline std::string cram_md5_response(const std::string& user, std::string_view password, std::string_view challenge) {
  return user + ' ' + std::string(mailwire::as_view(pop3::cram_md5_digest(challenge, password)));
}
// RFC 7628, and XOAUTH2
inline std::string bearer_message(bool old, const std::string& user, const std::string& token) {
  const std::string end = std::string(
                              "\x01"
                              "auth=Bearer ") +
                          token + "\x01\x01";
  return old ? "user=" + user + end : (user.empty() ? "n,," : "n,a=" + user + ",") + end;
}

// "=" and "," escaped (RFC 5802, 5.1).
inline std::string saslname(const std::string& name) {
  std::string text;
  for (const char c : name) text += c == ',' ? "=2C" : c == '=' ? "=3D" : std::string(1, c);
  return text;
}

// Keys for the password of a dialogue. Thousands of plays need the same.
inline const mailwire::OwnScramKeys& cached_scram_keys(mailwire::ScramHash hash, const std::string& password,
                                                       const std::string& salt, std::uint32_t iterations) {
  static std::map<std::tuple<mailwire::ScramHash, std::string, std::string, std::uint32_t>, mailwire::OwnScramKeys> all;
  const auto key = std::make_tuple(hash, password, salt, iterations);
  const auto found = all.find(key);
  if (found != all.end()) return found->second;
  return all.emplace(key, mailwire::make_scram_keys(hash, password, salt, iterations)).first->second;
}

// The client's side of SCRAM (RFC 5802, 3 and 5).
class ScramClient {
 public:
  // `header`: "n,,", "y,,", "p=tls-exporter,,", perhaps with "a=name" inside.
  std::string first(mailwire::ScramHash hash, const std::string& header, const std::string& user,
                    const std::string& nonce) {
    hash_ = hash;
    header_ = header;
    nonce_ = nonce;
    bare_ = "n=" + saslname(user) + ",r=" + nonce;
    return header + bare_;
  }
  // Empty: the challenge is none.
  std::string final(const std::string& challenge, const std::string& password, const std::string& binding = {}) {
    const std::string r = value(challenge, "r="), s = value(challenge, "s="), i = value(challenge, "i=");
    if (r.compare(0, nonce_.size(), nonce_) != 0 || r.size() == nonce_.size() || s.empty() || i.empty()) return {};
    const std::string bound = "c=" + to_base64(header_ + binding) + ",r=" + r;
    message_ = bare_ + ',' + challenge + ',' + bound;
    salted_ = salted(password, from_base64(s), static_cast<std::uint32_t>(std::stoul(i)));
    std::string proof = mac(salted_, "Client Key");
    const std::string signature = mac(hashed(proof), message_);
    for (std::size_t k = 0; k < proof.size(); ++k) proof[k] = static_cast<char>(proof[k] ^ signature[k]);
    return bound + ",p=" + to_base64(proof);
  }
  // Whether the server has shown that it knows the keys.
  bool verify(const std::string& last) const {
    return last == "v=" + to_base64(mac(mac(salted_, "Server Key"), message_));
  }

 private:
  static std::string value(const std::string& message, const std::string& name) {
    std::size_t start = message.compare(0, name.size(), name) == 0 ? 0 : message.find(',' + name);
    if (start == std::string::npos) return {};
    start = message.find('=', start) + 1;
    return message.substr(start, message.find(',', start) - start);
  }
  template <class Octets>
  static std::string text(const Octets& octets) {
    return std::string(octets.data(), octets.size());
  }
  std::string mac(const std::string& key, std::string_view octets) const {
    return hash_ == mailwire::ScramHash::sha_1 ? text(mailwire::hmac<mailwire::Sha1>(key, octets))
                                               : text(mailwire::hmac<mailwire::Sha256>(key, octets));
  }
  std::string hashed(const std::string& octets) const {
    return hash_ == mailwire::ScramHash::sha_1 ? text(mailwire::hash_of<mailwire::Sha1>(octets))
                                               : text(mailwire::hash_of<mailwire::Sha256>(octets));
  }
  std::string salted(const std::string& password, const std::string& salt, std::uint32_t iterations) const {
    static std::map<std::tuple<mailwire::ScramHash, std::string, std::string, std::uint32_t>, std::string> all;
    std::string& octets = all[std::make_tuple(hash_, password, salt, iterations)];
    if (octets.empty())
      octets = hash_ == mailwire::ScramHash::sha_1
                   ? text(mailwire::pbkdf2<mailwire::Sha1>(password, salt, iterations))
                   : text(mailwire::pbkdf2<mailwire::Sha256>(password, salt, iterations));
    return octets;
  }

  mailwire::ScramHash hash_ = mailwire::ScramHash::sha_256;
  std::string header_, nonce_, bare_, message_, salted_;
};

}  // namespace tests

#endif
