// SPDX-License-Identifier: MIT
// What a client of SASL may send: what is taken apart gives the same octets when it is put together again, and SCRAM
// lets in who knows the password, and nobody else.
#include <mailwire/base64.hpp>
#include <mailwire/sasl.hpp>
#include <mailwire/scram.hpp>
#include <mailwire/utf8.hpp>

#include "play.hpp"

namespace {

using mailwire::ByteBuffer;
using mailwire::ScramHash;
using mailwire::ScramServer;
using Result = ScramServer::Result;

constexpr std::string_view salt = "some salt", server_nonce = "3rfcNHYJY1ZVvWVs7j", binding_data = "binding data";

std::string encoded(std::string_view octets) {
  ByteBuffer buffer;
  mailwire::append_base64(buffer, octets);
  return std::string(buffer.view());
}
std::optional<std::string> decoded(std::string_view text) {
  std::string to(text.size() / 4 * 3, '\0');
  const auto size = mailwire::base64_decode(text, to.data());
  return size ? std::optional(to.substr(0, *size)) : std::nullopt;
}

void check_base64(std::string_view octets) {
  if (decoded(encoded(octets)) != std::string(octets)) fuzz::fail("BASE64 does not come back");
  const auto meaning = decoded(octets);
  if (meaning && encoded(*meaning) != octets) fuzz::fail("two texts of BASE64 mean the same");
  std::string in_place(octets);
  const auto size = mailwire::base64_decode(in_place, in_place.data());
  if (size.has_value() != meaning.has_value() || (size && in_place.substr(0, *size) != *meaning))
    fuzz::fail("BASE64 decoded in place is something else");
}

void check_utf8(std::string_view octets) {
  const bool valid = mailwire::is_utf8(octets);
  for (std::size_t room = 0; room <= std::min<std::size_t>(octets.size() + 1, 20); ++room) {
    const std::size_t cut = mailwire::utf8_prefix(octets, room);
    if (cut > room || cut > octets.size()) fuzz::fail("a prefix over its room");
    if (cut < octets.size() && cut + 3 < room) fuzz::fail("a prefix that could be longer");
    if (valid && !(mailwire::is_utf8(octets.substr(0, cut)) && mailwire::is_utf8(octets.substr(cut))))
      fuzz::fail("a character was cut");
  }
  if (!valid) return;
  const std::size_t characters = mailwire::count_code_points(octets);
  if (characters > octets.size() || characters * 4 < octets.size()) fuzz::fail("characters counted wrong");
  if (mailwire::is_ascii(octets) != (characters == octets.size())) fuzz::fail("ASCII has one octet for each character");
}

std::string escaped(std::string_view name) {
  std::string text;
  for (const char c : name) text += c == ',' ? "=2C" : c == '=' ? "=3D" : std::string(1, c);
  return text;
}
std::string unescaped(std::string_view name) {
  ByteBuffer buffer;
  if (!mailwire::append_saslname(buffer, name)) fuzz::fail("a name that was accepted has a wrong escape");
  if (!mailwire::is_sasl_name(buffer.view())) fuzz::fail("a name that is none");
  if (escaped(buffer.view()) != name) fuzz::fail("a name does not come back");
  return std::string(buffer.view());
}

void check_messages(std::string_view message) {
  const std::string nul(1, '\0');
  if (const auto plain = mailwire::parse_sasl_plain(message)) {
    if (std::string(plain->authzid) + nul + std::string(plain->user) + nul + std::string(plain->password) != message)
      fuzz::fail("PLAIN does not come back");
  }
  if (const auto cram = mailwire::parse_sasl_cram_md5(message)) {
    if (std::string(cram->user) + ' ' + std::string(cram->digest) != message) fuzz::fail("CRAM-MD5 does not come back");
  }
  if (const auto bearer = mailwire::parse_sasl_xoauth2(message)) {
    const std::string user(bearer->authzid), token(bearer->token);
    const std::string front = "user=" + user + "\1auth=Bearer ", back = ' ' + token + "\1\1";
    if (!mailwire::equals_ignoring_case(message.substr(0, front.size()), front)) fuzz::fail("XOAUTH2: another user");
    if (message.substr(message.size() - back.size()) != back) fuzz::fail("XOAUTH2: another token");
  }
  if (const auto bearer = mailwire::parse_sasl_oauthbearer(message)) {
    const std::string name = bearer->authzid.empty() ? "" : unescaped(bearer->authzid);
    if (bearer->escaped != (name != bearer->authzid)) fuzz::fail("OAUTHBEARER: escaped or not?");
    const std::string again = std::string(message.substr(0, 2)) + (name.empty() ? "" : "a=" + escaped(name)) +
                              ",\1auth=Bearer " + std::string(bearer->token) + "\1\1";
    const auto same = mailwire::parse_sasl_oauthbearer(again);
    if (!same || same->authzid != bearer->authzid || same->token != bearer->token)
      fuzz::fail("OAUTHBEARER does not come back");
  }
  if (mailwire::is_sasl_trace(message) && !mailwire::is_utf8(message)) fuzz::fail("a trace that is not UTF-8");
  if (mailwire::is_sasl_mechanism(message) && message.size() > 20) fuzz::fail("a mechanism with a long name");
}

// The proof of a client with this password, as RFC 5802, 3 has it.
template <class Hash>
std::string proof_of(std::string_view password, const std::string& auth_message) {
  const auto salted = mailwire::pbkdf2<Hash>(password, salt, 1);
  const auto client_key = mailwire::hmac<Hash>(mailwire::as_view(salted), "Client Key");
  const auto stored_key = mailwire::hash_of<Hash>(mailwire::as_view(client_key));
  auto proof = mailwire::hmac<Hash>(mailwire::as_view(stored_key), auth_message);
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  return encoded(mailwire::as_view(proof));
}

// The first line is the client's first message, the rest its final one.
class Scram {
 public:
  explicit Scram(fuzz::Input& input)
      : hash_(input.decide(2) == 1 ? ScramHash::sha_1 : ScramHash::sha_256),
        plus_(input.decide(2) == 1),
        plus_offered_(plus_ || input.decide(2) == 1),
        place_(input.decide(250)),
        change_(1 + input.decide(250)),
        password_(input.text()),
        keys_(mailwire::make_scram_keys(hash_, password_, salt, 1)) {
    const std::size_t end = input.octets.find('\n');
    first_ = input.octets.substr(0, end);
    if (end != std::string_view::npos) last_ = input.octets.substr(end + 1);
  }

  void check() {
    if (!greet()) return;
    const std::string nonce = challenge_.substr(2, challenge_.find(',') - 2);
    check_final(last_);
    const std::string header = first_.substr(0, first_.size() - bare_.size());
    const std::string without_proof = "c=" + encoded(header + std::string(plus_ ? binding_data : "")) + ",r=" + nonce;
    const std::string right = without_proof + ",p=" + proof(without_proof);
    if (finish(right) != Result::ok) fuzz::fail("a right proof is refused: " + tests::visible(right));
    std::string wrong = right;
    char& octet = wrong[place_ % wrong.size()];
    octet = static_cast<char>(octet ^ static_cast<char>(change_));
    if (finish(wrong) == Result::ok) fuzz::fail("a wrong message is accepted: " + tests::visible(wrong));
    if (finish(right.substr(0, place_ % right.size())) == Result::ok) fuzz::fail("half a message is accepted");
  }

 private:
  // Plays up to the challenge, which is kept; false if the first message is refused.
  bool greet() {
    ScramServer scram(hash_, plus_, plus_offered_);
    if (!greet(scram)) return false;
    const std::string name(scram.user());
    const std::string front = (plus_ ? "p=" + std::string(scram.binding_type()) : first_.substr(0, 1)) + ',' +
                              (scram.authzid().empty() ? "" : "a=" + escaped(scram.authzid())) + ',';
    bare_ = first_.substr(std::min(front.size(), first_.size()));
    const std::string begin = "n=" + escaped(name) + ",r=";
    if (front + bare_ != first_ || bare_.substr(0, begin.size()) != begin) fuzz::fail("SCRAM: names do not come back");
    if (!mailwire::is_sasl_name(name)) fuzz::fail("SCRAM: a user whose name is none");
    return true;
  }
  bool greet(ScramServer& scram) {
    if (scram.first(first_) != Result::ok) {
      if (!scram.challenge(keys_.view(), server_nonce).empty()) fuzz::fail("a challenge to a bad first message");
      return false;
    }
    challenge_ = scram.challenge(keys_.view(), server_nonce);
    if (challenge_.empty()) fuzz::fail("no challenge");
    return true;
  }

  Result finish(std::string_view message) {
    ScramServer scram(hash_, plus_, plus_offered_);
    if (!greet(scram)) fuzz::fail("the same first message is refused");
    const Result result = scram.final(message, binding_data);
    if ((result == Result::ok) == scram.signature().empty()) fuzz::fail("a signature only for a right proof");
    return result;
  }
  std::string proof(const std::string& without_proof) const {
    const std::string auth_message = bare_ + ',' + challenge_ + ',' + without_proof;
    return hash_ == ScramHash::sha_1 ? proof_of<mailwire::Sha1>(password_, auth_message)
                                     : proof_of<mailwire::Sha256>(password_, auth_message);
  }
  // Whatever the input says is accepted only with the right proof.
  void check_final(const std::string& message) {
    if (finish(message) != Result::ok) return;
    const std::size_t at = message.rfind(",p=");
    if (at == std::string::npos || message.substr(at + 3) != proof(message.substr(0, at)))
      fuzz::fail("a wrong proof is accepted");
  }

  ScramHash hash_;
  bool plus_, plus_offered_;
  unsigned place_, change_;
  std::string password_;
  mailwire::OwnScramKeys keys_;
  std::string first_, last_, bare_, challenge_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  check_base64(input.octets);
  check_messages(input.octets);
  check_utf8(input.octets);
  Scram(input).check();
  return 0;
}
