// SPDX-License-Identifier: MIT
// A login by SCRAM-SHA-256, whose client says the same each time, since the nonce of the connection is the same: it is
// worked out once, and what is measured is the server's side.
#ifndef TESTS_BENCH_SCRAM_LOGIN_HPP
#define TESTS_BENCH_SCRAM_LOGIN_HPP

#include <string>
#include <vector>

#include "../sasl_client.hpp"
#include "served.hpp"

namespace bench {

struct ScramLogin {
  const mailwire::OwnScramKeys keys =
      mailwire::make_scram_keys(mailwire::ScramHash::sha_256, "secret", "salt of 16 octet", 4096);
  pop3::Config config = settings();
  pop3::Connection connection;
  Store store;
  std::vector<std::string> commands;

  explicit ScramLogin(pop3::Listing listing) {
    connection.nonce = "0123456789abcdef0123456789abcdef";
    store.listing = listing;
    store.keys = keys.view();
    tests::ScramClient client;
    const std::string first = client.first(mailwire::ScramHash::sha_256, "n,,", "ann", "a-nonce-that-nobody-guesses");
    commands.push_back("AUTH SCRAM-SHA-256 " + tests::to_base64(first) + "\r\n");
    const std::string last = client.final(challenge(), "secret");
    require(!last.empty(), "a challenge of SCRAM");
    commands.push_back(tests::to_base64(last) + "\r\n");
    commands.emplace_back("\r\n");
    commands.emplace_back("QUIT\r\n");
  }

  static pop3::Config settings() {
    pop3::Config config = plain_config();
    config.mechanisms = {"SCRAM-SHA-256", "PLAIN"};
    return config;
  }

 private:
  // What the server says to the first message.
  std::string challenge() const {
    pop3::Session session(config, connection);
    converse(session, store, {});
    require(session.receive(commands[0]) == commands[0].size(), "room for AUTH");
    pop3::dispatch(session, now, store);
    std::string line(session.output());
    require(line.compare(0, 2, "+ ") == 0, "a challenge");
    return tests::from_base64(line.substr(2, line.find('\r') - 2));
  }
};

}  // namespace bench

#endif
