// SPDX-License-Identifier: MIT
#include "password.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "saslprep.hpp"

using mailwire::ScramHash;
using pop3d::StoredPassword;

namespace {

// All of "pencil", and made by other programs: Python's crypt, hashlib and hmac, and the argon2 of its authors.
constexpr std::string_view fields[] = {
    "{PLAIN}pencil",
    "{plain}pencil",
    "{CLEARTEXT}pencil",
    "{PLAIN.b64}cGVuY2ls",
    "{Plain.Base64}cGVuY2ls",
    "{PLAIN.hex}70656E63696c",
    "{CRYPT}$y$j9T$abcdefgh$kff4zjKKNjmHWBD6KG8N2k8WunPqZGAsrQj0LdJ5QM9",
    "$y$j9T$abcdefgh$kff4zjKKNjmHWBD6KG8N2k8WunPqZGAsrQj0LdJ5QM9",
    "{CRYPT}$7$CU..../....salt$24t1mCiP.YOo2PumH97hizhzDRxkWbJFZE.6v.vTvp7",
    "{CRYPT}$2b$04$abcdefghijklmnopqrstuu/FyAyuZSl3DbPdvio4KrIBdz2k2yhV2",
    "{BLF-CRYPT}$2b$04$abcdefghijklmnopqrstuu/FyAyuZSl3DbPdvio4KrIBdz2k2yhV2",
    "{SHA256-CRYPT}$5$rounds=1000$salt$BxPMZ75oloPWergPfDO9NVHciPe1x5i3eBj/a825Rb7",
    "{sha512-crypt}$6$rounds=1000$salt$DScQ12QUf1NyiJ2VIN6OX/.LLs6TuQT/V9eKZJRJ1WldFxX26rc95277XlST46AebcUTK6b8158l"
    "J5IivAmzP0",
    "{ARGON2ID}$argon2id$v=19$m=64,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rnVxTbMwJOaArQTc5mxcdowIJumwEMZi1mk3i17uw3Q",
    "{ARGON2I}$argon2i$v=19$m=64,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$QFIFJyHxtOlbo0r40tWXLZWpJ8BjXKP+rHhQA33mW0g",
    "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=",
};

}  // namespace

TEST_CASE("every scheme knows the password, as other programs made it, and no other") {
  for (const std::string_view field : fields) {
    CAPTURE(field);
    const StoredPassword stored = StoredPassword::parse(field);
    CHECK(stored.matches("pencil"));
    for (const std::string_view wrong : {"", "pencil ", "Pencil", "penci", "pencilpencil"})
      CHECK_FALSE(stored.matches(wrong));
    CHECK_FALSE(stored.matches(std::string_view("pencil\0", 7)));
    CHECK_FALSE(stored.matches(std::string(5000, 'x')));
  }
}

TEST_CASE("only {PLAIN} gives the password back") {
  for (const std::string_view field : fields) {
    CAPTURE(field);
    const StoredPassword stored = StoredPassword::parse(field);
    const bool plain = field[1] == 'P' || field[1] == 'p' || field.substr(0, 3) == "{CL";
    CHECK(stored.plain().has_value() == plain);
    if (plain) CHECK(*stored.plain() == "pencil");
  }
}

TEST_CASE("SCRAM keys are what the field says, for its own hash") {
  const StoredPassword stored = StoredPassword::parse(fields[15]);
  REQUIRE(stored.scram_keys(ScramHash::sha_256) != nullptr);
  CHECK(stored.scram_keys(ScramHash::sha_1) == nullptr);
  const mailwire::OwnScramKeys& keys = *stored.scram_keys(ScramHash::sha_256);
  const mailwire::OwnScramKeys derived = pop3d::derive_scram_keys(ScramHash::sha_256, "pencil", keys.salt, 4096);
  CHECK(keys.iterations == 4096);
  CHECK(keys.salt.size() == 16);
  CHECK(keys.stored_key == derived.stored_key);
  CHECK(keys.server_key == derived.server_key);
  CHECK(derived.server_key != derived.stored_key);
  CHECK(StoredPassword::parse(fields[16]).scram_keys(ScramHash::sha_1) != nullptr);
}

TEST_CASE("F-LOG: a secret that has not the form of its scheme is refused, in words that quote nothing of it") {
  const std::string hash43(43, 'C'), hash86(86, 'C');
  const std::string wrong[] = {
      "",
      "{",
      "{}",
      "{CANARY",
      "{CANARY}x",
      "{PLAIN}",
      "{PLAIN.CANARY}x",
      "{PLAINCANARY}x",
      "{PLAIN}CANARY\x01",
      "{PLAIN}CANARY\xFF",
      "{PLAIN}\u00AD",
      "{PLAIN.b64}CANARY",
      "{PLAIN.b64}CANARY==CANARY",
      "{PLAIN.b64}cGVuY2ls!",
      "{PLAIN.b64}cGVuY2ls\ncGVuY2ls",
      "{PLAIN.hex}CANARY",
      "{PLAIN.hex}70656E!",
      "{PLAIN.hex}abc",
      "CANARY",
      "{CRYPT}CANARY",
      "{CRYPT}abJ32bJMdTsnY",                   // DES
      "{CRYPT}$1$salt$J1PqSTZGFL2Db3AIeaGdZ0",  // MD5
      "{MD5-CRYPT}$1$salt$J1PqSTZGFL2Db3AIeaGdZ0",
      "{CRYPT}$6$CANARY",
      "{CRYPT}$6$CANARY$",
      "{CRYPT}$6$" + hash86,
      "{CRYPT}$6$CANARY$" + hash86 + "x",
      "{CRYPT}$6$CANARY$" + hash86.substr(1) + ",",
      "{CRYPT}$6$CAN ARY$" + hash86,
      "{CRYPT}$5$CANARY$" + hash86,
      "{CRYPT}$y$CANARY",
      "{CRYPT}$2y$04$CANARY",
      "{CRYPT}$2y$99$abcdefghijklmnopqrstuu/FyAyuZSl3DbPdvio4KrIBdz2k2yhV2",
      "{CRYPT}$2y$03$abcdefghijklmnopqrstuu/FyAyuZSl3DbPdvio4KrIBdz2k2yhV2",
      "{CRYPT}$2y$004$abcdefghijklmnopqrstuu/FyAyuZSl3DbPdvio4KrIBdz2k2yhV2",
      "{CRYPT}$6$rounds=999$CANARY$" + hash86,
      "{CRYPT}$6$rounds=CANARY$CANARY$" + hash86,
      "{CRYPT}$6$rounds=1000",
      "{CRYPT}$6$rounds=1000$" + hash86,
      "{CRYPT}$6$x$CANARY$" + hash86,
      "{CRYPT}$y$CANARY$" + hash43,
      "{BLF-CRYPT}$6$CANARY$" + hash86,
      "{SHA256-CRYPT}$6$CANARY$" + hash86,
      "{SHA512-CRYPT}$5$CANARY$" + hash43,
      "{ARGON2ID}CANARY",
      "{ARGON2ID}$argon2i$v=19$m=64,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$QFIFJyHxtOlbo0r40tWXLZWpJ8BjXKP+rHhQA33mW0g",
      "{ARGON2I}$argon2id$v=19$m=64,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rnVxTbMwJOaArQTc5mxcdowIJumwEMZi1mk3i17uw3Q",
      "{ARGON2ID}$argon2id$v=19$m=64,t=3,p=1$CANARY",
      "{ARGON2ID}$argon2id$CANARY",
      "{ARGON2ID}$argon2id$" + std::string(200, 'C'),
      "{SCRAM-SHA-256}CANARY",
      "{SCRAM-SHA-256}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=",
      "{SCRAM-SHA-1}0,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=",
      "{SCRAM-SHA-1}99999999999,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=",
      "{SCRAM-SHA-1}4096,,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=",
      "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y,D+CSWLOshSulAsxiupA+qs2/fTE=",
      "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=",
      "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=,",
  };
  for (const std::string& field : wrong) {
    CAPTURE(field);
    std::string what;
    try {
      StoredPassword::parse(field);
    } catch (const std::invalid_argument& error) {
      what = error.what();
    }
    CHECK_FALSE(what.empty());
    CHECK(what.find("CANARY") == std::string::npos);
  }
}

TEST_CASE("R194: what is kept as {PLAIN} is prepared") {
  CHECK(StoredPassword::parse("{PLAIN}e\u0301").matches("\u00E9"));
  CHECK(StoredPassword::parse("{PLAIN.b64}Y2Fmw6k=").matches("caf\u00E9"));
  CHECK_THROWS_AS(StoredPassword::parse("{PLAIN}\u0221"), std::invalid_argument);
}

TEST_CASE("new fields know their password, and have a new salt each time") {
  for (const std::string scheme : {"CRYPT", "SHA512-CRYPT", "BLF-CRYPT", "ARGON2ID", "SCRAM-SHA-256", "argon2id"}) {
    CAPTURE(scheme);
    const std::string password = "p:ss w\u00F6rd";
    const std::string field = pop3d::make_password_field(scheme, password);
    CHECK(field.find(':') == std::string::npos);
    CHECK(field != pop3d::make_password_field(scheme, password));
    CHECK(StoredPassword::parse(field).matches(password));
    CHECK_FALSE(StoredPassword::parse(field).matches("pass word"));
  }
  CHECK(pop3d::make_password_field("CRYPT", "x").substr(0, 10) == "{CRYPT}$y$");
  CHECK_THROWS_AS(pop3d::make_password_field("PLAIN", "x"), std::invalid_argument);
  CHECK_THROWS_AS(pop3d::make_password_field("BLF-CRYPT", std::string(73, 'x')), std::invalid_argument);
  CHECK_THROWS_AS(pop3d::make_password_field("CRYPT", std::string(600, 'x')), std::invalid_argument);
}

TEST_CASE("a secret text leaves nothing behind when it moves") {
  pop3d::SecretText first(std::string_view("short"));
  pop3d::SecretText second(std::move(first));
  CHECK(second.view() == "short");
  CHECK(first.view().empty());  // NOLINT(bugprone-use-after-move)
  pop3d::SecretText third(std::string_view("another one, which is too long to lie in the object"));
  third = std::move(second);
  CHECK(third.view() == "short");
}
