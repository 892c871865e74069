// SPDX-License-Identifier: MIT
#include <pop3/detail/extras.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace {

using mailwire::ByteBuffer;
using pop3::detail::Extras;
using pop3::detail::OwnTlsFacts;
using pop3::detail::SaslExchange;

}  // namespace

TEST_CASE("what most sessions do without stays small") {
  static_assert(!std::is_copy_constructible_v<SaslExchange>);  // there is one copy of a secret
  MESSAGE("sizeof(Extras) = " << sizeof(Extras) << " octets");
  CHECK(sizeof(Extras) <= 320);
}

TEST_CASE("F-LOG: a wiped exchange holds no octet of what was said, and begins anew") {
  SaslExchange exchange;
  ByteBuffer* const buffers[] = {&exchange.message, &exchange.name, &exchange.challenge};
  for (ByteBuffer* buffer : buffers) buffer->append("secret");
  exchange.step = SaslExchange::Step::next;
  exchange.decoy = exchange.unauthorized = true;
  exchange.scram.emplace(mailwire::ScramHash::sha_256, false, false);
  exchange.wipe();
  for (const ByteBuffer* buffer : buffers) {
    CHECK(buffer->empty());
    CHECK(std::all_of(buffer->data(), buffer->data() + buffer->capacity(), [](char c) { return c == '\0'; }));
  }
  CHECK(exchange.step == SaslExchange::Step::none);
  CHECK_FALSE(exchange.decoy);
  CHECK_FALSE(exchange.unauthorized);
  exchange.release();
  CHECK_FALSE(exchange.scram.has_value());
  for (const ByteBuffer* buffer : buffers) CHECK(buffer->capacity() == 0);
  exchange.wipe();  // again, and of one that never was
  SaslExchange().wipe();
}

TEST_CASE("R248: facts of TLS are copied, and what is unknown stays empty") {
  std::string text[8] = {"id", "exp", "end", "uni", "TLSv1.3", "cipher", "sni", "pop3"};
  pop3::TlsFacts facts;
  std::string_view* const members[] = {&facts.identity, &facts.exporter, &facts.server_end_point, &facts.unique,
                                       &facts.version,  &facts.cipher,   &facts.server_name,      &facts.protocol};
  for (std::size_t i = 0; i < 8; ++i) *members[i] = text[i];
  const OwnTlsFacts own(facts);
  for (std::string& word : text) word.assign(word.size(), '#');
  const pop3::TlsFacts copy = own.view();
  CHECK(copy.identity == "id");
  CHECK(copy.exporter == "exp");
  CHECK(copy.server_end_point == "end");
  CHECK(copy.unique == "uni");
  CHECK(copy.version == "TLSv1.3");
  CHECK(copy.cipher == "cipher");
  CHECK(copy.server_name == "sni");
  CHECK(copy.protocol == "pop3");
  CHECK(OwnTlsFacts().view().version.empty());
}

TEST_CASE("channel bindings are found by their registered names (RFC 5929, RFC 9266)") {
  pop3::TlsFacts facts;
  facts.exporter = "a";
  facts.server_end_point = "b";
  facts.unique = "c";
  const OwnTlsFacts own(facts);
  CHECK(own.binding("tls-exporter") == "a");
  CHECK(own.binding("tls-server-end-point") == "b");
  CHECK(own.binding("tls-unique") == "c");
  for (const char* none : {"", "tls", "TLS-EXPORTER", "tls-unique-for-telnet", "tls-exporter "})
    CHECK(own.binding(none).empty());
}

TEST_CASE("bindings are forgotten, facts for logs stay where they are") {
  pop3::TlsFacts facts;
  CHECK(OwnTlsFacts(facts).is_empty());
  CHECK_FALSE(OwnTlsFacts(facts).has_binding());
  facts.exporter = facts.server_end_point = facts.unique = "a binding";
  OwnTlsFacts bindings(facts);
  CHECK_FALSE(bindings.is_empty());
  CHECK(bindings.has_binding());
  bindings.forget_bindings();
  CHECK(bindings.is_empty());
  for (std::string_view pop3::TlsFacts::*member :
       {&pop3::TlsFacts::identity, &pop3::TlsFacts::version, &pop3::TlsFacts::cipher, &pop3::TlsFacts::server_name,
        &pop3::TlsFacts::protocol}) {
    pop3::TlsFacts one = facts;
    one.*member = "a fact that is too long to stand in the string itself";
    OwnTlsFacts own(one);
    const pop3::TlsFacts before = own.view();
    CHECK(before.unique == "a binding");
    own.forget_bindings();
    // Where they were nothing of them is left: that memory is still the string's own.
    for (const std::string_view binding : {before.exporter, before.server_end_point, before.unique})
      CHECK(binding == std::string(9, '\0'));
    CHECK_FALSE(own.has_binding());
    CHECK(own.view().exporter.empty());
    CHECK((own.view().*member).data() == (before.*member).data());
    CHECK(before.*member == one.*member);
  }
}

TEST_CASE("trimming what belongs to a login says whether nothing is left of it") {
  using pop3::detail::Authentication;
  CHECK(Authentication().trim());
  const auto keeps = [](auto set) {
    Authentication own;
    set(own);
    return !own.trim();
  };
  CHECK(keeps([](Authentication& own) { own.text.append("name"); }));
  CHECK(keeps([](Authentication& own) { own.nonce = "nonce"; }));
  CHECK(keeps([](Authentication& own) { own.apop_challenge = "<1@x>"; }));
  CHECK(keeps([](Authentication& own) { own.failed_user.append("name"); }));
  Authentication open;
  open.exchange.step = SaslExchange::Step::next;
  open.exchange.name.append("name");
  CHECK_FALSE(open.trim());
  CHECK(open.exchange.name.view() == "name");
}

TEST_CASE("what somebody may still ask for keeps the extras of a session") {
  CHECK_FALSE(Extras().is_needed());
  const auto needed = [](auto set) {
    Extras extras;
    set(extras);
    return extras.is_needed();
  };
  CHECK(needed([](Extras& extras) { extras.broken.back() = 1; }));
  CHECK(needed([](Extras& extras) { extras.octets_before_tls = 1; }));
  CHECK(needed([](Extras& extras) { extras.expire = 0; }));
  CHECK(needed([](Extras& extras) { extras.login_delay = 0; }));
  CHECK(needed([](Extras& extras) { extras.announced.emplace_back("X"); }));
  CHECK(needed([](Extras& extras) { extras.concealed.emplace_back("X"); }));
  CHECK(needed([](Extras& extras) { extras.user_language = "de"; }));
  CHECK(needed([](Extras& extras) { extras.command.append("XYZ"); }));
  CHECK(needed([](Extras& extras) { extras.chunk = "octets"; }));
  CHECK(needed([](Extras& extras) {
    pop3::TlsFacts facts;
    facts.cipher = "cipher";
    extras.tls = OwnTlsFacts(facts);
  }));
}
