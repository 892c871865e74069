// SPDX-License-Identifier: MIT
#include <mailwire/scram.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>

#include "scram.hpp"

namespace {

using mailwire::as_view;
using mailwire::ScramHash;
using mailwire::ScramKeys;
using mailwire::ScramServer;
using mailwire::Sha1;
using mailwire::Sha256;
using tests::decoded;
using tests::encoded;
using tests::scram_client_final;
using Result = ScramServer::Result;

// One exchange of a right client, which a test may spoil anywhere.
struct Exchange {
  ScramHash hash = ScramHash::sha_256;
  std::string header = "n,,", bare = "n=user,r=client", server_nonce = "server", extensions, binding;
  std::string password = "pencil", salt = "a salt of 16 oct";
  std::uint32_t iterations = 2;
  bool plus = false, plus_offered = false;

  std::unique_ptr<ScramServer> server() const { return std::make_unique<ScramServer>(hash, plus, plus_offered); }
  mailwire::OwnScramKeys keys() const { return mailwire::make_scram_keys(hash, password, salt, iterations); }
  std::string nonce() const {
    const std::size_t begin = bare.find(",r=") + 3;
    return bare.substr(begin, bare.find(',', begin) - begin) + server_nonce;
  }
  // A server that has said its challenge.
  std::unique_ptr<ScramServer> challenged(std::string* challenge = nullptr) const {
    auto scram = server();
    REQUIRE(scram->first(header + bare) == Result::ok);
    const std::string_view said = scram->challenge(keys().view(), server_nonce);
    REQUIRE(said == "r=" + nonce() + ",s=" + encoded(salt) + ",i=" + std::to_string(iterations));
    if (challenge != nullptr) *challenge = said;
    return scram;
  }
  std::string client_final(const std::string& challenge) const {
    const std::string without_proof = "c=" + encoded(header + binding) + ",r=" + nonce() + extensions;
    return hash == ScramHash::sha_1
               ? scram_client_final<Sha1>(password, bare, challenge, salt, iterations, without_proof)
               : scram_client_final<Sha256>(password, bare, challenge, salt, iterations, without_proof);
  }
};

Result first(const std::string& message, bool plus = false, bool plus_offered = false) {
  ScramServer scram(ScramHash::sha_1, plus, plus_offered);
  return scram.first(message);
}

}  // namespace

TEST_CASE("SCRAM-SHA-1 R252: the example of RFC 5802, 5") {
  const std::string salt = decoded("QSXCR+Q6sek8bf92");
  const auto keys = mailwire::make_scram_keys(ScramHash::sha_1, "pencil", salt, 4096);
  ScramServer scram(ScramHash::sha_1, false, false);
  REQUIRE(scram.first("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL") == Result::ok);
  CHECK(scram.user() == "user");
  CHECK(scram.authzid().empty());
  CHECK(scram.binding_type().empty());
  CHECK(scram.challenge(keys.view(), "3rfcNHYJY1ZVvWVs7j") ==
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
  CHECK(scram.signature().empty());
  CHECK(scram.final("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=") ==
        Result::ok);
  CHECK(scram.signature() == "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
  CHECK(scram.user() == "user");
}

TEST_CASE("SCRAM R252: the keys of a password are those of its SaltedPassword") {
  const auto keys = mailwire::make_scram_keys(ScramHash::sha_1, "pencil", "salt", 7);
  const auto salted = mailwire::pbkdf2<Sha1>("pencil", "salt", 7);
  const auto same = mailwire::make_salted_scram_keys(ScramHash::sha_1, mailwire::as_view(salted), "salt", 7);
  CHECK(same.salt == "salt");
  CHECK(same.iterations == 7);
  CHECK(same.view().stored_key == keys.view().stored_key);
  CHECK(same.view().server_key == keys.view().server_key);
  CHECK(same.view().stored_key != same.view().server_key);
}

TEST_CASE("SCRAM-SHA-256 R252: the example of RFC 7677, 3") {
  const std::string salt = decoded("W22ZaJ0SNY7soEsUEjb6gQ==");
  const auto keys = mailwire::make_scram_keys(ScramHash::sha_256, "pencil", salt, 4096);
  ScramServer scram(ScramHash::sha_256, false, false);
  REQUIRE(scram.first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO") == Result::ok);
  CHECK(scram.challenge(keys.view(), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0") ==
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  CHECK(scram.final("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=") == Result::ok);
  CHECK(scram.signature() == "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST_CASE("SCRAM R252: names with escapes, an authzid, extensions and a binding go through, with both hashes") {
  for (const ScramHash hash : {ScramHash::sha_1, ScramHash::sha_256}) {
    Exchange exchange;
    exchange.hash = hash;
    exchange.bare = "n=a=2Cb=3D\xC3\xBC c,r=+-*/=x!~,x=1,Y=a=b\xE2\x82\xAC";
    exchange.extensions = ",z=9,q==";
    SUBCASE("n") { exchange.header = "n,a=boss=2C1,"; }
    SUBCASE("y") { exchange.header = "y,a=boss=2C1,"; }
    SUBCASE("p") {
      exchange.header = "p=tls-exporter,a=boss=2C1,";
      exchange.binding = std::string("\0\xFF binding,data", 15);
      exchange.plus = exchange.plus_offered = true;
    }
    std::string challenge;
    const auto scram = exchange.challenged(&challenge);
    CHECK(scram->user() == "a,b=\xC3\xBC c");
    CHECK(scram->authzid() == "boss,1");
    CHECK(scram->binding_type() == (exchange.plus ? "tls-exporter" : ""));
    CHECK(scram->final(exchange.client_final(challenge), exchange.binding) == Result::ok);
    CHECK(scram->signature().substr(0, 2) == "v=");
    CHECK(scram->signature().size() == 2 + mailwire::base64_encoded_size(mailwire::scram_key_size(hash)));
    CHECK(scram->authzid() == "boss,1");
  }
}

TEST_CASE("SCRAM R252: what no first message is") {
  const std::string wrong[] = {
      "",
      "n",
      "n,",
      "n,,",
      ",,n=u,r=x",
      "x,,n=u,r=x",
      "N,,n=u,r=x",
      "nn,,n=u,r=x",
      "n,n=u,r=x",
      "n,,,n=u,r=x",
      "n,u,n=u,r=x",
      "n,a=,n=u,r=x",
      "n,a=u=,n=u,r=x",
      "n,a=\x07,n=u,r=x",
      "F,n,,n=u,r=x",
      "n,,n=,r=x",
      "n,,n=u",
      "n,,n=u,",
      "n,,n=u,r=",
      "n,,n=u,r",
      "n,,r=x,n=u",
      "n,,n=u,x=1,r=x",
      "n,,m=1,n=u,r=x",
      "n,,n=u,r=x,m=1",
      "n,,n=u,r=x,",
      "n,,n=u,r=x,y",
      "n,,n=u,r=x,y=",
      "n,,n=u,r=x,1=1",
      "n,,n=u,r=x,yy=1",
      "n,,n=u,r=x,,y=1",
      "n,,n=u,r=x,y=1,",
      "n,,n=u,r=x,p=1",
      "n,,n=u,r=x,r=x",
      "n,,n=u,r=x y",
      "n,,n=u,r=\x7F",
      "n,,n=u,r=\xC3\xBC",
      "n,,n=u=,r=x",
      "n,,n=u=2c,r=x",
      "n,,n=u=20,r=x",
      "n,,n==,r=x",
      "n,,n=\xFF,r=x",
      "n,,n=\x1F,r=x",
      "n,,n=u,r=x,y=\xFF",
      std::string("n,,n=u,r=x,y=\0", 14),
      std::string("n,,n=\0u,r=x", 11),
      " n,,n=u,r=x",
      "p,,n=u,r=x",
      "p=,,n=u,r=x",
  };
  for (const std::string& message : wrong) {
    CAPTURE(message);
    CHECK(first(message) == Result::malformed);
    CHECK(first(message, true, true) == Result::malformed);
  }
  CHECK(first("n,,n=u,r=x") == Result::ok);
  CHECK(first("p=a.B-9,,n=u,r=x", true, true) == Result::ok);
  for (const char* const type : {"p=a b,,n=u,r=x", "p=a_b,,n=u,r=x", "p=a=b,,n=u,r=x", "p=\xC3\xBC,,n=u,r=x"})
    CHECK(first(type, true, true) == Result::malformed);
}

TEST_CASE("SCRAM R252: the flag has to fit the mechanism; y while -PLUS is on offer is an attack") {
  CHECK(first("n,,n=u,r=x", false, true) == Result::ok);  // the client cannot bind
  CHECK(first("y,,n=u,r=x", false, false) == Result::ok);
  CHECK(first("y,,n=u,r=x", false, true) == Result::wrong_binding);
  CHECK(first("p=tls-exporter,,n=u,r=x", false, true) == Result::malformed);
  CHECK(first("n,,n=u,r=x", true, true) == Result::malformed);
  CHECK(first("y,,n=u,r=x", true, true) == Result::malformed);
}

TEST_CASE("SCRAM R252: the binding is that of the header and of this TLS connection") {
  Exchange exchange;
  exchange.plus = exchange.plus_offered = true;
  exchange.header = "p=tls-exporter,,";
  exchange.binding = "the data of this connection";
  const auto result = [&](const Exchange& client, std::string_view data) {
    std::string challenge;
    const auto scram = exchange.challenged(&challenge);
    const Result got = scram->final(client.client_final(challenge), data);
    CHECK(scram->signature().empty() == (got != Result::ok));
    return got;
  };
  CHECK(result(exchange, exchange.binding) == Result::ok);
  CHECK(result(exchange, "the data of that connection") == Result::wrong_binding);
  CHECK(result(exchange, "the data of this connection.") == Result::wrong_binding);
  CHECK(result(exchange, "") == Result::wrong_binding);
  Exchange client = exchange;
  client.header = "p=tls-exportes,,";
  CHECK(result(client, exchange.binding) == Result::wrong_binding);
  client.header = "n,,";
  CHECK(result(client, exchange.binding) == Result::wrong_binding);
  client = exchange;
  client.binding = "";
  CHECK(result(client, "") == Result::wrong_binding);  // no data is never a binding
  CHECK(result(client, exchange.binding) == Result::wrong_binding);
}

TEST_CASE("SCRAM R252: without -PLUS there is no binding, whatever data is at hand; y is not n") {
  Exchange exchange;
  exchange.header = "y,,";
  std::string challenge;
  auto scram = exchange.challenged(&challenge);
  const std::string right = exchange.client_final(challenge);
  CHECK(scram->final(right, "data") == Result::ok);
  Exchange client = exchange;
  client.header = "n,,";
  CHECK(exchange.challenged()->final(client.client_final(challenge)) == Result::wrong_binding);
  client = exchange;
  client.binding = "data";
  CHECK(exchange.challenged()->final(client.client_final(challenge), "data") == Result::wrong_binding);
}

TEST_CASE("SCRAM R252: what no final message is") {
  const Exchange exchange;
  std::string challenge;
  (void)exchange.challenged(&challenge);
  const std::string right = exchange.client_final(challenge);
  const std::string proof = right.substr(right.rfind(",p=")), nonce = exchange.nonce();
  const std::string wrong[] = {
      "",
      ",",
      "c=biws",
      "c=biws,r=" + nonce,
      "c=biws,r=" + nonce + ',',
      "c=biws,r=" + nonce + ",p=",
      right + ',',
      right + ",x=1",
      right + '=',
      "r=" + nonce + ",c=biws" + proof,
      "c=biws" + proof,
      "r=" + nonce + proof,
      "x=1,c=biws,r=" + nonce + proof,
      "c=biws,x=1,r=" + nonce + proof,
      "c=biws,r=" + nonce + ",m=1" + proof,
      "c=biws,r=" + nonce + ",x" + proof,
      "c=biws,r=" + nonce + ',' + proof,
      "c=biws,r=" + nonce + proof + proof,
      "c=bi*s,r=" + nonce + proof,
      "c=bix=,r=" + nonce + proof,
      "c=biws,r=" + nonce + ",P" + proof.substr(2),
      "c=biws,r=" + nonce + ",p=" + encoded("short"),
      "c=biws,r=" + nonce + ",p=" + encoded(std::string(33, 'x')),
      "c=biws,r=" + nonce + ",x=\xFF" + proof,
      "c=biws,r=" + nonce + ",x=" + std::string(1, '\0') + proof,
      "c=biws,r=" + nonce + ",p=" + std::string(44, '*'),
      ' ' + right,
  };
  for (const std::string& message : wrong) {
    CAPTURE(message);
    const auto scram = exchange.challenged();
    CHECK(scram->final(message) == Result::malformed);
    CHECK(scram->signature().empty());
  }
}

TEST_CASE("SCRAM R252: a wrong password, nonce or extension is a wrong proof") {
  Exchange exchange;
  exchange.extensions = ",x=1";
  std::string challenge;
  (void)exchange.challenged(&challenge);
  const std::string right = exchange.client_final(challenge);
  CHECK(exchange.challenged()->final(right) == Result::ok);
  Exchange client = exchange;
  client.password = "Pencil";
  CHECK(exchange.challenged()->final(client.client_final(challenge)) == Result::wrong_proof);
  // The nonce is compared whole: neither a part of it nor more of it will do.
  for (const char* const nonce : {"", "serve", "serverx", "Server"}) {
    client = exchange;
    client.server_nonce = nonce;
    CHECK(exchange.challenged()->final(client.client_final(challenge)) == Result::wrong_proof);
  }
  std::string other = right;
  other.replace(other.find("x=1"), 3, "x=2");
  CHECK(exchange.challenged()->final(other) == Result::wrong_proof);
  // An answer to another challenge.
  Exchange later = exchange;
  later.server_nonce = "other!";
  CHECK(later.challenged()->final(right) == Result::wrong_proof);
}

TEST_CASE("SCRAM R252: a right final message that is cut, or differs in one octet, never passes") {
  for (const ScramHash hash : {ScramHash::sha_1, ScramHash::sha_256}) {
    Exchange exchange;
    exchange.hash = hash;
    exchange.extensions = ",x=1";
    std::string challenge;
    REQUIRE(exchange.challenged(&challenge) != nullptr);
    const std::string right = exchange.client_final(challenge);
    const auto keys = exchange.keys();
    unsigned passed = 0;
    const auto play = [&](const std::string& message) {
      ScramServer scram(hash, false, false);
      if (scram.first(exchange.header + exchange.bare) != Result::ok) return;
      if (scram.challenge(keys.view(), exchange.server_nonce).empty()) return;
      if (scram.final(message) == Result::ok || !scram.signature().empty()) ++passed;
    };
    play(right);
    REQUIRE(passed == 1);
    for (std::size_t i = 0; i < right.size(); ++i) {
      play(right.substr(0, i));
      for (int change = 1; change < 256; ++change) {
        std::string wrong = right;
        wrong[i] = static_cast<char>(wrong[i] ^ change);
        play(wrong);
      }
    }
    CHECK(passed == 1);
  }
}

TEST_CASE("SCRAM R252: a first message that somebody changed under way does not pass with the client's proof") {
  Exchange exchange;
  exchange.header = "n,a=me,";
  exchange.bare = "n=user,r=client,x=1";
  std::string challenge;
  REQUIRE(exchange.challenged(&challenge) != nullptr);
  const std::string right = exchange.header + exchange.bare, last = exchange.client_final(challenge);
  const auto keys = exchange.keys();
  unsigned taken = 0, passed = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    for (int change = 0; change < 256; ++change) {
      std::string message = right;
      message[i] = static_cast<char>(message[i] ^ change);
      ScramServer scram(exchange.hash, false, false);
      if (scram.first(message) != Result::ok) continue;
      ++taken;
      (void)scram.challenge(keys.view(), exchange.server_nonce);
      if (scram.final(last) == Result::ok) ++passed;
    }
  }
  CHECK(taken > right.size());
  CHECK(passed == right.size());  // those that changed nothing
}

TEST_CASE("SCRAM R252: steps in a wrong order, and steps after a failed one, fail") {
  const Exchange exchange;
  const auto keys = exchange.keys();
  const std::string first = exchange.header + exchange.bare;
  std::string challenge;
  (void)exchange.challenged(&challenge);
  const std::string last = exchange.client_final(challenge);
  {
    const auto scram = exchange.server();
    CHECK(scram->user().empty());
    CHECK(scram->final(last) == Result::malformed);
    CHECK(scram->first(first) == Result::malformed);
  }
  {
    const auto scram = exchange.server();
    CHECK(scram->challenge(keys.view(), "x").empty());
    CHECK(scram->first(first) == Result::malformed);
  }
  {
    const auto scram = exchange.server();
    CHECK(scram->first(first) == Result::ok);
    CHECK(scram->final(last) == Result::malformed);
    CHECK(scram->challenge(keys.view(), "x").empty());
  }
  {
    const auto scram = exchange.server();
    CHECK(scram->first(first) == Result::ok);
    CHECK(scram->first(first) == Result::malformed);
    CHECK(scram->challenge(keys.view(), "x").empty());
  }
  {
    const auto scram = exchange.challenged();
    CHECK(scram->challenge(keys.view(), exchange.server_nonce).empty());
    CHECK(scram->final(last) == Result::malformed);
  }
  {
    const auto scram = exchange.challenged();
    CHECK(scram->final("c=biws") == Result::malformed);
    CHECK(scram->final(last) == Result::malformed);  // one guess for each challenge
    CHECK(scram->signature().empty());
  }
  {
    const auto scram = exchange.challenged();
    CHECK(scram->final(last) == Result::ok);
    CHECK(scram->final(last) == Result::malformed);
    CHECK(scram->signature().empty());
  }
  {
    ScramServer scram(exchange.hash, false, true);
    CHECK(scram.first("y,,n=user,r=x") == Result::wrong_binding);
    CHECK(scram.user() == "user");  // for the log
    CHECK(scram.challenge(keys.view(), "x").empty());
  }
}

TEST_CASE("SCRAM: keys and nonces that are of no use make no challenge") {
  const Exchange exchange;
  const auto own = exchange.keys();
  const std::string longer(33, 'k');
  const auto says = [&](const ScramKeys& keys, std::string_view nonce) {
    const auto scram = exchange.server();
    REQUIRE(scram->first("n,,n=u,r=x") == Result::ok);
    const bool something = !scram->challenge(keys, nonce).empty();
    if (!something) CHECK(scram->final("c=biws,r=x,p=" + encoded(std::string(32, 'x'))) == Result::malformed);
    return something;
  };
  CHECK(says(own.view(), "y"));
  for (const char* const nonce : {"", "a,b", "a b", "\x7F", "\xC3\xBC", "\n"}) CHECK_FALSE(says(own.view(), nonce));
  ScramKeys keys = own.view();
  keys.salt = {};
  CHECK_FALSE(says(keys, "y"));
  keys = own.view();
  keys.iterations = 0;
  CHECK_FALSE(says(keys, "y"));
  keys.iterations = 4294967295U;
  CHECK(says(keys, "y"));
  for (const std::string& wrong : {std::string(), longer, longer.substr(0, 20), longer.substr(0, 31)}) {
    keys = own.view();
    keys.stored_key = wrong;
    CHECK_FALSE(says(keys, "y"));
    keys = own.view();
    keys.server_key = wrong;
    CHECK_FALSE(says(keys, "y"));
  }
}

TEST_CASE("SCRAM: long names, nonces, salts and bindings") {
  Exchange exchange;
  exchange.bare = "n=" + std::string(3000, 'u') + ",r=" + std::string(2000, 'r');
  exchange.server_nonce = std::string(1000, 's');
  exchange.salt = std::string(700, '\xFE');
  exchange.plus = exchange.plus_offered = true;
  exchange.header = "p=tls-exporter,a=" + std::string(900, 'a') + ',';
  exchange.binding = std::string(5000, 'b');
  std::string challenge;
  const auto scram = exchange.challenged(&challenge);
  CHECK(scram->final(exchange.client_final(challenge), exchange.binding) == Result::ok);
  CHECK(scram->user() == std::string(3000, 'u'));
  CHECK(scram->authzid() == std::string(900, 'a'));
}

TEST_CASE("SCRAM: what the challenge was given may go, and its keys may be a copy") {
  const Exchange exchange;
  std::string challenge;
  auto scram = exchange.server();
  REQUIRE(scram->first(exchange.header + exchange.bare) == Result::ok);
  {
    mailwire::OwnScramKeys copy;
    copy = exchange.keys();
    std::string nonce = exchange.server_nonce;
    challenge = scram->challenge(mailwire::OwnScramKeys(copy).view(), nonce);
    nonce.assign(nonce.size(), 'x');
  }
  CHECK(scram->final(exchange.client_final(challenge)) == Result::ok);
}

TEST_CASE("SCRAM R253: the keys of an unknown user stay the same for a name and fit no proof") {
  for (const ScramHash hash : {ScramHash::sha_1, ScramHash::sha_256}) {
    const auto keys = mailwire::scram_decoy(hash, "the secret", "nobody", 4096);
    const auto same = mailwire::scram_decoy(hash, "the secret", "nobody", 4096);
    CHECK(keys.salt == same.salt);
    CHECK(keys.stored_key == same.stored_key);
    CHECK(keys.server_key == same.server_key);
    CHECK(keys.salt.size() == 16);
    CHECK(keys.iterations == 4096);
    CHECK(keys.view().stored_key.size() == mailwire::scram_key_size(hash));
    CHECK(keys.view().stored_key != keys.view().server_key);
    for (const auto& other : {mailwire::scram_decoy(hash, "the secret", "nobodz", 4096),
                              mailwire::scram_decoy(hash, "The secret", "nobody", 4096)}) {
      CHECK(other.salt != keys.salt);
      CHECK(other.stored_key != keys.stored_key);
      CHECK(other.server_key != keys.server_key);
    }
    CHECK(mailwire::scram_decoy(hash, "s", "nobody", 1, 12).salt.size() == 12);
    CHECK(mailwire::scram_decoy(hash, "s", "nobody", 1, 99).salt.size() == mailwire::scram_key_size(hash));

    Exchange client;
    client.hash = hash;
    client.bare = "n=nobody,r=client";
    client.salt = keys.salt;
    client.iterations = 4096;
    for (const char* const password : {"", "the secret", "nobody", "pencil"}) {
      client.password = password;
      ScramServer scram(hash, false, false);
      REQUIRE(scram.first(client.header + client.bare) == Result::ok);
      const std::string challenge(scram.challenge(keys.view(), client.server_nonce));
      CHECK(challenge == "r=clientserver,s=" + encoded(keys.salt) + ",i=4096");
      CHECK(scram.final(client.client_final(challenge)) == Result::wrong_proof);
    }
  }
}

TEST_CASE("SCRAM: keys are wiped when they go") {
  alignas(mailwire::OwnScramKeys) unsigned char place[sizeof(mailwire::OwnScramKeys)] = {};
  auto* const keys = new (place) mailwire::OwnScramKeys(Exchange().keys());
  const std::string stored(keys->view().stored_key), server(keys->view().server_key);
  keys->~OwnScramKeys();
  const std::string_view left(reinterpret_cast<const char*>(place), sizeof place);
  CHECK(left.find(stored.substr(0, 4)) == std::string_view::npos);
  CHECK(left.find(server.substr(0, 4)) == std::string_view::npos);
}

TEST_CASE("R252: what the client binds to is unknown before it has said so, and nothing where it does not bind") {
  ScramServer plus(ScramHash::sha_256, true, true);
  CHECK(plus.binding_type().empty());
  CHECK(plus.first("p=tls-exporter,,n=user,r=client") == Result::ok);
  CHECK(plus.binding_type() == "tls-exporter");
  ScramServer without(ScramHash::sha_256, false, false);
  CHECK(without.first("n,,n=user,r=client") == Result::ok);
  CHECK(without.binding_type().empty());
}

TEST_CASE("the challenge tells the count of iterations, whatever it is, in decimal") {
  const std::string key(Sha256::digest_size, 'k');
  for (const std::uint32_t iterations : {1U, 9U, 10U, 100U, 4096U, 10'000U, 4'294'967'295U}) {
    ScramServer server(ScramHash::sha_256, false, false);
    CHECK(server.first("n,,n=user,r=client") == Result::ok);
    const std::string challenge(server.challenge({"salt", iterations, key, key}, "server"));
    CHECK(challenge == "r=clientserver,s=c2FsdA==,i=" + std::to_string(iterations));
  }
}

TEST_CASE("a salt may be far longer than all that a user's block has room for") {
  const std::string key(Sha256::digest_size, 'k'), salt(3000, 's');
  ScramServer server(ScramHash::sha_256, false, false);
  CHECK(server.first("n,,n=user,r=client") == Result::ok);
  const std::string challenge(server.challenge({salt, 4096, key, key}, "server"));
  CHECK(challenge == "r=clientserver,s=" + encoded(salt) + ",i=4096");
}

TEST_CASE("SCRAM: keys that nobody has set are none") {
  CHECK(ScramKeys{}.iterations == 0);
  const mailwire::OwnScramKeys own;
  CHECK(own.iterations == 0);
  CHECK(own.key_size == 0);
  CHECK(own.view().stored_key.empty());
  CHECK_FALSE(mailwire::are_scram_keys(ScramHash::sha_1, own.view()));
}

TEST_CASE("SCRAM F-LOG: what was forgotten is not told any more") {
  Exchange exchange;
  exchange.plus = exchange.plus_offered = true;
  exchange.header = "p=tls-exporter,a=boss,";
  const auto scram = exchange.challenged();
  REQUIRE(scram->user() == "user");
  const std::string_view user = scram->user();
  scram->forget();
  CHECK(user == std::string(4, '\0'));
  CHECK(scram->user().empty());
  CHECK(scram->authzid().empty());
  CHECK(scram->binding_type().empty());
  CHECK(scram->signature().empty());
  CHECK(scram->final("c=biws,r=clientserver,p=AAAA", "data") == Result::malformed);
  const auto greeted = exchange.server();
  REQUIRE(greeted->first(exchange.header + exchange.bare) == Result::ok);
  greeted->forget();
  CHECK(greeted->challenge(exchange.keys().view(), "server").empty());
}

TEST_CASE("SCRAM: one block has room for the whole exchange, also with a long nonce and authzid") {
  for (const std::size_t size : {std::size_t{1}, std::size_t{150}}) {
    Exchange exchange;
    exchange.header = "n,a=" + std::string(size, 'a') + ',';
    exchange.bare = "n=user,r=" + std::string(7 * size, 'r');
    const auto scram = exchange.server();
    REQUIRE(scram->first(exchange.header + exchange.bare) == Result::ok);
    const char* const block = scram->user().data();
    const auto keys = exchange.keys();
    const std::string challenge(scram->challenge(keys.view(), exchange.server_nonce));
    CHECK(scram->user().data() == block);
    CHECK(scram->final(exchange.client_final(challenge)) == Result::ok);
    CHECK(scram->user().data() == block);
  }
}
