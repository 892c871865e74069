// SPDX-License-Identifier: MIT
// The numbers in the session itself, each at its limit.
#include <pop3/session.hpp>

#include <doctest/doctest.h>

#include <string>

#include "server.hpp"

TEST_CASE("R251: 16 octets that nobody can guess make challenges possible, 15 do not") {
  pop3::Config config = tests::plain_config();
  config.mechanisms = {"CRAM-MD5"};
  const std::string octets = "0123456789abcdef";
  for (const std::size_t size : {std::size_t{15}, std::size_t{16}}) {
    pop3::Connection connection;
    connection.nonce = std::string_view(octets).substr(0, size);
    tests::Server server(config, connection);
    server.say("");
    CHECK((server.command("AUTH CRAM-MD5").substr(0, 2) == "+ ") == (size == 16));
  }
}

TEST_CASE("R88: a line of 255 octets is taken, however short the setting wants them") {
  pop3::Config config = tests::plain_config();
  config.limits.command_line = 100;
  tests::Server server(config);
  server.say("");
  CHECK(server.command("USER " + std::string(248, 'u')) == "+OK send PASS\r\n");
  CHECK(server.command("USER " + std::string(249, 'u')) == "-ERR command line too long\r\n");
}
