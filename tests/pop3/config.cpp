// SPDX-License-Identifier: MIT
#include <pop3/config.hpp>

#include <doctest/doctest.h>

TEST_CASE("R17 R88 F-DOS F-TIMER: what is not set is safe and legal") {
  const pop3::Config config;
  CHECK(config.login_needs_tls);
  CHECK_FALSE(config.tolerate.bare_lf);
  CHECK(config.body_lines == pop3::BodyLines::repair);
  CHECK(config.capabilities.empty());
  const pop3::Limits& limits = config.limits;
  CHECK(limits.idle >= std::chrono::minutes(10));
  CHECK_FALSE(limits.idle_below_rfc);
  CHECK(limits.command_line >= 255);
  CHECK(limits.input_buffer >= limits.command_line);
  // Everything that a peer could drive up has a bound.
  CHECK(limits.endless_line > 0);
  CHECK(limits.messages > 0);
  CHECK(limits.bad_commands > 0);
  CHECK(limits.failed_logins > 0);
  CHECK(limits.write_stall > pop3::Duration::zero());
  CHECK(limits.failed_login_delay > pop3::Duration::zero());
}

TEST_CASE("R66: a connection is in the clear and without APOP unless it is told otherwise") {
  const pop3::Connection connection;
  CHECK_FALSE(connection.encrypted);
  CHECK(connection.apop_challenge.empty());
  CHECK(connection.id == 0);
}

TEST_CASE("F-DOS F-TIMER: the settings that nobody has changed are those that are documented") {
  const pop3::Limits limits;
  CHECK(limits.command_line == 512);
  CHECK(limits.sasl_line == 12'288);
  CHECK(limits.endless_line == 65'536);
  CHECK(limits.input_buffer == 1024);
  CHECK(limits.output_high == 4096);
  CHECK(limits.messages == 1'000'000);
  CHECK(limits.trace == 65'536);
  CHECK(limits.bad_commands == 20);
  CHECK(limits.failed_logins == 3);
  CHECK(limits.login_attempts == 30);
  CHECK(limits.idle == std::chrono::minutes(10));
  CHECK(limits.login == std::chrono::minutes(10));
  CHECK(limits.handshake == std::chrono::seconds(30));
  CHECK(limits.write_stall == std::chrono::minutes(5));
  CHECK(limits.answer == pop3::Duration::zero());
  CHECK(limits.failed_login_delay == std::chrono::seconds(2));

  const pop3::Config config;
  CHECK(config.scram_decoy_iterations == 4096);
  CHECK_FALSE(config.offer_stls);
  CHECK_FALSE(config.expire_per_user);
  CHECK_FALSE(config.login_delay_per_user);
  CHECK_FALSE(config.trace);
}

TEST_CASE("a mechanism, a capability or a verb that is only named") {
  for (const pop3::Mechanism& mechanism : {pop3::Mechanism(std::string("X-OWN")), pop3::Mechanism("X-OWN")}) {
    CHECK(mechanism.name == "X-OWN");
    CHECK_FALSE(mechanism.needs_tls);
    CHECK_FALSE(mechanism.server_first);
  }
  for (const pop3::Capability& capability : {pop3::Capability(std::string("X-A")), pop3::Capability("X-A")}) {
    CHECK(capability.before_login);
    CHECK(capability.after_login);
  }
  const pop3::CommandSpec spec;
  CHECK_FALSE(spec.in_authorization);
  CHECK(spec.in_transaction);
  CHECK(spec.least_words == 0);
  CHECK(spec.most_words == 0);
}
