// SPDX-License-Identifier: MIT
#include <pop3/detail/trace.hpp>

#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "harness.hpp"  // visible()

namespace {

namespace detail = pop3::detail;
using tests::visible;

// As the session asks for it, where no rule is relaxed.
std::string shown(std::string_view line, bool mechanism_known = false) {
  const detail::Command command = detail::parse_command(line);
  const bool good = command.well_formed && command.broken.none();
  const auto how = command.verb == pop3::Verb::other || good ? detail::Shown::redacted : detail::Shown::refused;
  return detail::redacted(command, line, how, mechanism_known);
}
std::string shown(const pop3::Event& event) { return std::visit(detail::EventTrace{}, event); }

struct Shown {
  const char *line, *shown;
};

}  // namespace

TEST_CASE("F-LOG: octets outside printable ASCII are shown as what they are, and a backslash is two") {
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    const std::string out = "x" + detail::visible(std::string(1, c));
    char hex[5];
    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(octet));
    CHECK(out == "x" + (c == '\\' ? std::string("\\\\") : c >= ' ' && c <= '~' ? std::string(1, c) : hex));
  }
}

TEST_CASE("F-LOG: what a client says is shown without what is secret, or may be") {
  static constexpr Shown cases[] = {
      {"NOOP", "NOOP"},
      {"top 1 2", "top 1 2"},
      {"LANG de", "LANG de"},
      {"USER ann", "USER ann"},
      {"user  ann ", "user ***\\x00"},
      {"PASS secret", "PASS ***"},
      {"pass  secret word ", "pass ***"},
      {"APOP ann 0123456789abcdef0123456789abcdef", "APOP ann 00000000000000000000000000000000"},
      {"AUTH", "AUTH ***\\x00"},
      {"AUTH PLAIN", "AUTH ***"},
      {"AUTH PLAIN c2VjcmV0", "AUTH *** ***"},
      // What is not understood may be a password in the wrong place.
      {"secret", "***"},
      {"", "***"},
      {"PASSsecret", "***"},
      {"PASS\tsecret", "PASS ***\\x00"},
      {"PASS", "PASS ***\\x00"},
      {"USER", "USER ***\\x00"},
      {"USER ann secret", "USER ***\\x00"},
      {"APOP ann secret", "APOP ***\\x00"},
      {"NOOP secret", "NOOP ***\\x00"},
      {"RETR secret", "RETR ***\\x00"},
      {"LANG secret word", "LANG ***\\x00"},
      {"QUIT secret", "QUIT ***\\x00"},
  };
  for (const Shown& c : cases) {
    CAPTURE(c.line);
    CHECK(shown(c.line) == c.shown);
  }
}

TEST_CASE("F-LOG: the name of a mechanism and an own verb are shown if they are known to be that") {
  CHECK(shown("AUTH PLAIN", true) == "AUTH PLAIN");
  CHECK(shown("auth plain c2VjcmV0", true) == "auth plain ***");
  CHECK(shown("AUTH PLAIN c2VjcmV0 more", true) == "AUTH ***\\x00");
  CHECK(shown("PASS secret", true) == "PASS ***");
  CHECK(shown("NOOP secret", true) == "NOOP ***\\x00");
  const std::string_view own = "XTND more words";
  const detail::Command command = detail::parse_command(own);
  CHECK(detail::redacted(command, own, detail::Shown::whole, false) == own);
  CHECK(detail::redacted(command, own, detail::Shown::words, false) == "XTND *** ***");
  CHECK(detail::redacted(command, own, detail::Shown::refused, false) == "XTND ***\\x00");
}

TEST_CASE("F-LOG: no event shows a password, digest, challenge or token") {
  pop3::AuthRequest auth{};
  auth.user = "ann";
  auth.authzid = "bob";
  auth.password = pop3::Secret("secret");
  auth.method = pop3::AuthMethod::plain;
  CHECK(shown(auth) == "AuthRequest user=\"ann\" method=PLAIN authzid=\"bob\"");
  pop3::DigestRequest digest{};
  digest.user = "ann";
  digest.digest = digest.challenge = "secret";
  digest.method = pop3::AuthMethod::cram_md5;
  CHECK(shown(digest) == "DigestRequest user=\"ann\" method=CRAM-MD5");
  pop3::ScramRequest scram{};
  scram.user = "ann";
  scram.method = pop3::AuthMethod::scram_sha_256;
  CHECK(shown(scram) == "ScramRequest user=\"ann\" method=SCRAM-SHA-256");
  pop3::SaslRequest sasl{};
  sasl.mechanism = "X-OWN";
  sasl.data = "secret";
  CHECK(shown(sasl) == "SaslRequest mechanism=X-OWN first=no");
  pop3::CommandRequest command{};
  command.verb = "XTND";
  command.argument = "secret";
  CHECK(shown(command) == "CommandRequest verb=XTND");
}

TEST_CASE("every event has a line of its own") {
  pop3::ListRequest list{};
  list.user = "ann";
  CHECK(shown(list) == "ListRequest user=\"ann\"");
  pop3::RetrieveRequest retrieve{};
  retrieve.number = 3;
  CHECK(shown(retrieve) == "RetrieveRequest number=3");
  retrieve.top_lines = 0;
  CHECK(shown(retrieve) == "RetrieveRequest number=3 top=0");
  pop3::BodyRequest body{};
  body.number = 3;
  body.offset = 5'000'000'000U;
  CHECK(shown(body) == "BodyRequest number=3 offset=5000000000");
  const std::uint32_t numbers[] = {1, 7};
  pop3::CommitRequest commit{};
  CHECK(shown(commit) == "CommitRequest numbers=");
  commit.numbers = {numbers, 2};
  CHECK(shown(commit) == "CommitRequest numbers=1,7");
  CHECK(shown(pop3::TlsRequest{}) == "TlsRequest");
  CHECK(shown(pop3::BodyDone{3, true, 10}) == "BodyDone number=3 complete=yes");
  CHECK(shown(pop3::BodyDone{3, false, 10}) == "BodyDone number=3 complete=no");
  CHECK(shown(pop3::LoginFailed{pop3::LoginFailed::Fault::wrong_proof, pop3::AuthMethod::other, "ann"}) ==
        "LoginFailed fault=wrong_proof user=\"ann\"");
  CHECK(shown(pop3::Closed{pop3::CloseReason::tls_failed, true}) == "Closed tls_failed release=yes");
  CHECK(shown(pop3::Closed{pop3::CloseReason::quit, false}) == "Closed quit release=no");
}

TEST_CASE("a listing is shown as far as there is room") {
  const pop3::MessageInfo messages[] = {{1, "a"}, {20, "bb"}, {300, ""}};
  CHECK(detail::listing_trace({messages, 3}, 1000) == "a:1 bb:20 \"\":300");
  CHECK(detail::listing_trace({messages, 3}, 4) == "a:1 bb:20");
  CHECK(detail::listing_trace({messages, 3}, 0).empty());
  CHECK(detail::listing_trace({}, 1000).empty());
}

TEST_CASE("R208 R213: a listing shows what needs UTF-8, and how large its surrogate is") {
  pop3::MessageInfo messages[] = {{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}};
  messages[0].needs_utf8 = messages[1].needs_utf8 = messages[2].needs_utf8 = true;
  messages[1].surrogate_size = 1;
  messages[2].surrogate_size = 20;
  messages[3].surrogate_size = 7;  // of no use: it needs none
  CHECK(detail::listing_trace(messages, 1000) == "a:1/utf8 b:2/utf8/1 c:3/utf8/20 d:4");
}

TEST_CASE("a word in quotes can be read back: quotes, backslashes, line ends and other octets are escaped") {
  CHECK(detail::quoted("") == "\"\"");
  CHECK(detail::quoted("a\"b\\c") == "\"a\\\"b\\\\c\"");
  CHECK(detail::quoted("\r\n\t\x7F") == "\"\\r\\n\\x09\\x7f\"");
  CHECK(detail::visible("a\"b\\c\r") == "a\"b\\\\c\\x0d");
}

TEST_CASE("a unique-id that looks like a quoted one is quoted itself in the trace of a listing") {
  const pop3::MessageInfo messages[] = {{1, "plain"}, {2, "a\"b"}, {3, "a\\b"}, {4, ""}, {5, "a b"}};
  CHECK(detail::listing_trace(messages, 1000) == "plain:1 \"a\\\"b\":2 \"a\\\\b\":3 \"\":4 \"a b\":5");
}
