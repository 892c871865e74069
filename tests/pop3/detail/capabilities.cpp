// SPDX-License-Identifier: MIT
#include <pop3/detail/capabilities.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "harness.hpp"  // visible()

namespace {

using tests::visible;

std::string capabilities(const pop3::Config& config, bool encrypted) {
  mailwire::ByteBuffer out;
  pop3::detail::CapabilityFacts facts;
  facts.encrypted = encrypted;
  pop3::detail::CapabilityList(out, config, facts).append();
  return std::string(out.view());
}

constexpr const char* fixed = "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n";

}  // namespace

TEST_CASE("R10 R95 R99 R104 R105 R107 R124 F-CAPA F-PE7: what works is told, and nothing else") {
  for (unsigned mask = 0; mask < 16; ++mask) {
    CAPTURE(mask);
    pop3::Config config;
    config.mechanisms.clear();
    config.top = mask & 1;
    config.uidl = mask & 2;
    config.login_needs_tls = mask & 4;
    const bool encrypted = mask & 8;
    const std::string wanted = std::string(config.top ? "TOP\r\n" : "") + (config.uidl ? "UIDL\r\n" : "") +
                               (encrypted || !config.login_needs_tls ? "USER\r\n" : "") + fixed + ".\r\n";
    CHECK(visible(capabilities(config, encrypted)) == visible(wanted));
    CHECK(pop3::detail::password_login_allowed(config, encrypted) == (wanted.find("USER") != std::string::npos));
  }
}

TEST_CASE("R96 R97 R125: lines of the application are told if they are lines of the grammar") {
  using pop3::detail::is_capability;
  for (const char* good :
       {"EXPIRE NEVER", "LOGIN-DELAY 10", "X", "x-a b c", "LANG", "A/B", "A .", "IMPLEMENTATION x"}) {
    CAPTURE(good);
    CHECK(is_capability(good));
  }
  for (const std::string& bad :
       {std::string(), std::string(" "), std::string(" A"), std::string("A "), std::string("A  B"), std::string("."),
        std::string("A.B"), std::string(".A x"), std::string("A\r\nB"), std::string("A\tB"), std::string("A\x7F"),
        std::string("\xC3\xA4"), std::string("A\0", 2), std::string(511, 'A')}) {
    CAPTURE(visible(bad));
    CHECK_FALSE(is_capability(bad));
  }
  CHECK(is_capability(std::string(510, 'A')));

  pop3::Config config;
  config.mechanisms.clear();
  config.top = config.uidl = false;
  config.capabilities = {"EXPIRE NEVER", "BAD\r\n.\r\n+OK", "", ".", "X-LANG"};
  CHECK(visible(capabilities(config, false)) == visible(std::string(fixed) + "EXPIRE NEVER\r\nX-LANG\r\n.\r\n"));
}

TEST_CASE("R96 R125: IMPLEMENTATION is told if it is a line of the grammar") {
  pop3::Config config;
  config.mechanisms.clear();
  config.top = config.uidl = false;
  config.implementation = std::string(510 - 15, 'x');
  CHECK(capabilities(config, false) == std::string(fixed) + "IMPLEMENTATION " + config.implementation + "\r\n.\r\n");
  for (const std::string& bad : {std::string(496, 'x'), std::string("a\r\nb"), std::string("a  b"), std::string("a "),
                                 std::string("\xC3\xA4")}) {
    CAPTURE(visible(bad));
    config.implementation = bad;
    CHECK(capabilities(config, false) == std::string(fixed) + ".\r\n");
  }
}

TEST_CASE("R104 R124: the application cannot announce what the session knows better") {
  pop3::Config config;
  config.mechanisms.clear();
  config.top = config.uidl = false;
  config.capabilities = {"TOP", "uidl", "USER", "SASL PLAIN", "STLS", "IMPLEMENTATION x", "PIPELINING", "UTF8", "X-OK"};
  CHECK(capabilities(config, false) == std::string(fixed) + "X-OK\r\n.\r\n");
}
