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
