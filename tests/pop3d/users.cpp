// SPDX-License-Identifier: MIT
#include "users.hpp"
#include "reloadable.hpp"

#include <crypt.h>
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

using mailwire::ScramHash;
using pop3d::Users;
using Checked = pop3d::Users::Verdict;

// ---- the work that is done: these stand before the libraries' own functions, count, and call them ------------------

namespace {

std::atomic<int> crypts, argon2s, pbkdf2s;

template <class Function>
Function next(const char* name) {
  void* const found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function>(found);
}

}  // namespace

extern "C" {
char* crypt_rn(const char* phrase, const char* setting, void* data, int size) noexcept {
  ++crypts;
  return next<char* (*)(const char*, const char*, void*, int)>("crypt_rn")(phrase, setting, data, size);
}

int crypto_pwhash_str_verify(const char* hash, const char* password, unsigned long long size) {
  ++argon2s;
  return next<int (*)(const char*, const char*, unsigned long long)>("crypto_pwhash_str_verify")(hash, password, size);
}

int PKCS5_PBKDF2_HMAC(const char* password, int size, const unsigned char* salt, int salt_size, int iterations,
                      const EVP_MD* digest, int key_size, unsigned char* key) {
  ++pbkdf2s;
  return next<decltype(&PKCS5_PBKDF2_HMAC)>("PKCS5_PBKDF2_HMAC")(password, size, salt, salt_size, iterations, digest,
                                                                 key_size, key);
}
}

namespace {

constexpr const char* yescrypt = "{CRYPT}$y$j9T$abcdefgh$kff4zjKKNjmHWBD6KG8N2k8WunPqZGAsrQj0LdJ5QM9";
constexpr const char* argon2 =
    "{ARGON2ID}$argon2id$v=19$m=64,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rnVxTbMwJOaArQTc5mxcdowIJumwEMZi1mk3i17uw3Q";
constexpr const char* scram =
    "{SCRAM-SHA-256}5000,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";  // of nothing: the iterations are not 4096
const mailwire::IpAddress at_home = mailwire::parse_ip("192.0.2.1").value();

Users parse(const std::string& text) { return Users::parse(text, "file"); }

std::string error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

// {crypts, argon2s, pbkdf2s} of one check.
std::vector<int> work(const Users& users, std::string_view user, std::string_view password) {
  const std::vector<int> before = {crypts, argon2s, pbkdf2s};
  users.check(user, password, at_home);
  return {crypts - before[0], argon2s - before[1], pbkdf2s - before[2]};
}

}  // namespace

TEST_CASE("R65: users log in with their passwords and with nothing else") {
  const Users users =
      parse(std::string("ann:") + yescrypt + "\n# bob:{PLAIN}x\n\n  \t\r\nbob:{PLAIN}o}pen\r\ncy:{PLAIN}last");
  CHECK(users.check("ann", "pencil", at_home) == Checked::accepted);
  CHECK(users.check("bob", "o}pen", at_home) == Checked::accepted);
  CHECK(users.check("cy", "last", at_home) == Checked::accepted);
  CHECK(users.check("ann", "o}pen", at_home) == Checked::wrong_password);
  CHECK(users.check("bob", "", at_home) == Checked::wrong_password);
  CHECK(users.check("bob", "o}pen\r", at_home) == Checked::wrong_password);
  for (const char* const nobody : {"", "Ann", "ann ", "an", "# bob", "ann:", "eve"}) {
    CAPTURE(nobody);
    CHECK(users.check(nobody, "pencil", at_home) == Checked::unknown_user);
    CHECK_FALSE(users.exists(nobody));
  }
  CHECK(users.exists("bob"));
  CHECK(Users::one("demo", "demo").check("demo", "demo", at_home) == Checked::accepted);
  CHECK(parse("").check("ann", "pencil", at_home) == Checked::unknown_user);
}

TEST_CASE("the fields behind the secret may be there") {
  for (const char* const rest :
       {":", ":1000:1000", ":1000:1000:Ann:/home/ann:/bin/sh",
        ":1000:1000:Ann:/home/ann:/bin/sh:", "::::::", "::::::quota_rule=*:storage=1G proxy", ":nologin::::nologin:"}) {
    CAPTURE(rest);
    CHECK(parse(std::string("ann:{PLAIN}pencil") + rest).check("ann", "pencil", at_home) == Checked::accepted);
  }
}

TEST_CASE("nologin and allow_nets bar a user with the right password, and hide from others") {
  const Users users = parse(
      "ann:{PLAIN}pencil::::::nologin\nbob:{PLAIN}pencil::::::x=y allow_nets=192.0.2.0/24,2001:db8::/32 z\n"
      "cy:{PLAIN}pencil::::::allow_nets=");
  CHECK(users.check("ann", "pencil", at_home) == Checked::barred);
  CHECK(users.check("ann", "wrong", at_home) == Checked::wrong_password);
  CHECK(users.exists("ann"));
  CHECK_FALSE(users.admits("ann", at_home));
  for (const auto& [from, verdict] : {std::pair("192.0.2.77", Checked::accepted),
                                      {"::ffff:192.0.2.77", Checked::accepted},
                                      {"2001:db8:1::1", Checked::accepted},
                                      {"192.0.3.1", Checked::barred},
                                      {"::1", Checked::barred}}) {
    CAPTURE(from);
    const mailwire::IpAddress address = mailwire::parse_ip(from).value();
    CHECK(users.check("bob", "pencil", address) == verdict);
    CHECK(users.admits("bob", address) == (verdict == Checked::accepted));
  }
  CHECK(users.check("bob", "wrong", at_home) == Checked::wrong_password);
  CHECK(users.check("cy", "pencil", at_home) == Checked::barred);
  CHECK_FALSE(users.admits("eve", at_home));
}

TEST_CASE("F-LOG: what is wrong with a file is told with its line, without its secrets") {
  for (const char* const line :
       {"CANARY", "ann", ":{PLAIN}CANARY", "ann:", "ann:{PLAIN}", "ann:{CANARY}CANARY", "ann:CANARY",
        "../ann:{PLAIN}CANARY", "a/b:{PLAIN}CANARY", ".ann:{PLAIN}CANARY", "CAN ARY:{PLAIN}x", "bob:{PLAIN}CANARY",
        "b\xFF:{PLAIN}CANARY", "ann:{PLAIN}CANARY::::::allow_nets=CANARY", "\u0221:{PLAIN}CANARY"}) {
    CAPTURE(line);
    const std::string what = error_of("# users\nbob:{PLAIN}x\n" + std::string(line) + "\ncy:{PLAIN}x\n");
    CHECK(what.substr(0, 14) == "file, line 3: ");
    CHECK(what.find("CAN") == std::string::npos);
  }
}

TEST_CASE("files are read whole, and what cannot be read is told") {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / ("users-" + std::to_string(::getpid()));
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "user" + std::to_string(i) + ":{PLAIN}secret" + std::to_string(i) + "\n";
  std::ofstream(path) << text;
  CHECK(Users::read(path).check("user1999", "secret1999", at_home) == Checked::accepted);
  std::filesystem::remove(path);
  CHECK_THROWS_AS(Users::read(path), std::runtime_error);
  CHECK_THROWS_AS(Users::read(std::filesystem::temp_directory_path()), std::runtime_error);
}

TEST_CASE("R65: the hash is computed for unknown users too, and for all wrong passwords") {
  const Users crypted = parse(std::string("ann:") + yescrypt), argon = parse(std::string("ann:") + argon2),
              scrammed = parse(std::string("ann:") + scram), plain = parse("ann:{PLAIN}pencil");
  for (const char* const user : {"ann", "eve", "mallory", "", "a\xFF", "\x01"})
    for (const char* const password : {"pencil", "wrong", "", "\x01", "\xFF", "\u00AD"}) {
      CAPTURE(user);
      CAPTURE(password);
      CHECK(work(crypted, user, password) == std::vector{1, 0, 0});
      CHECK(work(argon, user, password) == std::vector{0, 1, 0});
      CHECK(work(scrammed, user, password) == std::vector{0, 0, 1});
      CHECK(work(plain, user, password) == std::vector{0, 0, 0});
    }
}

TEST_CASE("R65: among many schemes unknown users are like the users, and each is always like the same one") {
  const Users users = parse(std::string("a:") + yescrypt + "\nb:" + argon2 + "\nc:" + scram);
  std::set<std::vector<int>> seen;
  for (int i = 0; i < 60; ++i) {
    const std::string nobody = "nobody" + std::to_string(i);
    const auto first = work(users, nobody, "x");
    CHECK(first[0] + first[1] + first[2] == 1);
    CHECK(work(users, nobody, "y") == first);
    seen.insert(first);
  }
  CHECK(seen.size() == 3);
}

TEST_CASE("R194 R219 R222: names and passwords are prepared, those of the file as stored strings") {
  const Users users =
      parse("e\u0301va:{PLAIN}\u2168\nann:{CRYPT}$y$j9T$abcdefgh$kff4zjKKNjmHWBD6KG8N2k8WunPqZGAsrQj0LdJ5QM9");
  CHECK(users.check("\u00E9va", "IX", at_home) == Checked::accepted);
  CHECK(users.check("e\u0301va", "\u2168", at_home) == Checked::accepted);
  CHECK(users.check("\uFF41nn", "pen\u00ADcil", at_home) == Checked::accepted);
  CHECK(users.check("a\u0221", "pencil", at_home) == Checked::unknown_user);
  CHECK(pop3d::prepare_user("\uFF41nn") == "ann");
  CHECK_FALSE(pop3d::prepare_user("").has_value());
  CHECK_FALSE(pop3d::prepare_user("\uFF0Fetc").has_value());  // a slash by then
  CHECK_FALSE(pop3d::prepare_user("\u2025").has_value());     // ".."
  CHECK(error_of("ann:{PLAIN}x\n\uFF41nn:{PLAIN}x") == "file, line 2: this user is there twice");
}

TEST_CASE("R195 R221: what cannot be prepared fails, whatever the secret is") {
  const Users users = parse("ann:{PLAIN}pencil");
  CHECK(users.check("ann", "pencil\x7F", at_home) == Checked::wrong_password);
  CHECK(users.check("ann", std::string_view("pencil\0", 7), at_home) == Checked::wrong_password);
  CHECK(users.check(std::string_view("ann\0", 4), "pencil", at_home) == Checked::unknown_user);
  // "$y$" of the empty password
  const Users empty = parse("ann:" + pop3d::make_password_field("CRYPT", ""));
  CHECK(empty.check("ann", "", at_home) == Checked::wrong_password);
  CHECK(empty.check("ann", "\u00AD", at_home) == Checked::wrong_password);
}

TEST_CASE("passwords come back only from {PLAIN}") {
  const Users users = parse(std::string("ann:") + yescrypt + "\nbob:{PLAIN}open\u00ADly");
  CHECK(users.has_plain());
  REQUIRE(users.plain_password("bob").has_value());
  CHECK(users.plain_password("bob")->view() == "openly");
  CHECK_FALSE(users.plain_password("ann").has_value());
  CHECK_FALSE(users.plain_password("eve").has_value());
  CHECK_FALSE(parse(std::string("ann:") + yescrypt).has_plain());
}

TEST_CASE("SCRAM keys are the kept ones, or derived, and then with the same salt in every reading of the file") {
  const std::string text = std::string("ann:") + scram + "\nbob:{PLAIN}pencil\ncy:" + yescrypt;
  const Users users = parse(text), again = parse(text);
  const Users::Scram kept = users.scram_keys("ann", ScramHash::sha_256);
  CHECK(kept.usable);
  CHECK(kept.keys.iterations == 5000);
  CHECK(kept.keys.stored_key == pop3d::StoredPassword::parse(scram).scram_keys(ScramHash::sha_256)->stored_key);
  for (const ScramHash hash : {ScramHash::sha_1, ScramHash::sha_256}) {
    const Users::Scram derived = users.scram_keys("bob", hash);
    CHECK(derived.usable);
    CHECK(derived.keys.iterations == 4096);
    CHECK(derived.keys.salt.size() == 16);
    const auto expected = pop3d::derive_scram_keys(hash, "pencil", derived.keys.salt, derived.keys.iterations);
    CHECK(derived.keys.stored_key == expected.stored_key);
    CHECK(derived.keys.server_key == expected.server_key);
    CHECK(again.scram_keys("\uFF42ob", hash).keys.salt == derived.keys.salt);
    CHECK(users.has_scram(hash));
  }
  CHECK_FALSE(users.scram_keys("ann", ScramHash::sha_1).usable);
  CHECK_FALSE(users.scram_keys("cy", ScramHash::sha_256).usable);
  CHECK_FALSE(parse(std::string("ann:") + scram).has_scram(ScramHash::sha_1));
}

TEST_CASE("R65: SCRAM keys of unknown users look like the others', stay the same, and cost the same") {
  const Users users = parse("bob:{PLAIN}pencil");
  const auto cost = [&](std::string_view name) {
    const int before = pbkdf2s;
    users.scram_keys(name, ScramHash::sha_256);
    return pbkdf2s - before;
  };
  CHECK(cost("bob") == 1);
  CHECK(cost("bob") == 1);
  CHECK(cost("eve") == 1);
  const Users::Scram eve = users.scram_keys("eve", ScramHash::sha_256),
                     bob = users.scram_keys("bob", ScramHash::sha_256);
  CHECK_FALSE(eve.usable);
  CHECK(eve.keys.iterations == bob.keys.iterations);
  CHECK(eve.keys.salt.size() == bob.keys.salt.size());
  CHECK(eve.keys.salt != bob.keys.salt);
  CHECK(eve.keys.salt == users.scram_keys("eve", ScramHash::sha_256).keys.salt);
  CHECK(eve.keys.key_size == 32);
  CHECK(eve.keys.stored_key != pop3d::derive_scram_keys(ScramHash::sha_256, "pencil", eve.keys.salt, 4096).stored_key);

  const Users kept = parse(std::string("ann:") + scram);
  CHECK(kept.scram_keys("eve", ScramHash::sha_256).keys.iterations == 5000);
  CHECK(kept.scram_keys("eve", ScramHash::sha_256).keys.salt.size() == 16);
  CHECK(kept.scram_keys("eve", ScramHash::sha_256).keys.salt != kept.scram_keys("ann", ScramHash::sha_256).keys.salt);
  const Users::Scram none = parse(std::string("cy:") + yescrypt).scram_keys("eve", ScramHash::sha_1);
  CHECK_FALSE(none.usable);
  CHECK(none.keys.key_size == 20);
}

TEST_CASE("users can be replaced while others use them") {
  std::atomic<int> readings = 0;
  pop3d::Reloadable<Users> shared(
      [&] { return std::make_shared<const Users>(parse(readings++ == 0 ? "ann:{PLAIN}one" : "ann:{PLAIN}two")); });
  const auto before = shared.get();
  std::atomic<bool> done = false, always_there = true;
  std::thread reader([&] {
    while (!done)
      if (!shared.get()->exists("ann")) always_there = false;
  });
  for (int i = 0; i < 200; ++i) shared.reload();
  done = true;
  reader.join();
  CHECK(always_there);
  CHECK(before->check("ann", "one", at_home) == Checked::accepted);
  CHECK(shared.get()->check("ann", "two", at_home) == Checked::accepted);
  CHECK(shared.get()->check("ann", "one", at_home) == Checked::wrong_password);
}
