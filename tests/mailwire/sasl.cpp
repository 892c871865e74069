// SPDX-License-Identifier: MIT
#include <mailwire/sasl.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace std::string_view_literals;
using mailwire::parse_sasl_cram_md5;
using mailwire::parse_sasl_oauthbearer;
using mailwire::parse_sasl_plain;
using mailwire::parse_sasl_xoauth2;

// "authzid|user|password", or "-".
std::string plain(std::string_view message) {
  const auto parts = parse_sasl_plain(message);
  if (!parts) return "-";
  return std::string(parts->authzid) + '|' + std::string(parts->user) + '|' + std::string(parts->password);
}
std::string cram_md5(std::string_view message) {
  const auto parts = parse_sasl_cram_md5(message);
  return parts ? std::string(parts->user) + '|' + std::string(parts->digest) : "-";
}
std::string bearer(const std::optional<mailwire::SaslBearer>& parts) {
  if (!parts) return "-";
  return std::string(parts->authzid) + (parts->escaped ? "|escaped|" : "|") + std::string(parts->token);
}
std::string oauthbearer(std::string_view message) { return bearer(parse_sasl_oauthbearer(message)); }
std::string xoauth2(std::string_view message) { return bearer(parse_sasl_xoauth2(message)); }

std::string unescaped(std::string_view name) {
  mailwire::ByteBuffer out;
  out.append("<");
  if (!mailwire::append_saslname(out, name)) {
    CHECK(out.view() == "<");
    return "-";
  }
  return std::string(out.view().substr(1));
}

}  // namespace

static_assert(parse_sasl_plain("\0tim\0tanstaaftanstaaf"sv)->user == "tim");
static_assert(parse_sasl_cram_md5("tim b913a602c7eda7a495b4e6e7334d3890")->user == "tim");
static_assert(parse_sasl_oauthbearer("n,a=u,\1auth=Bearer t\1\1")->token == "t");
static_assert(parse_sasl_xoauth2("user=u\1auth=Bearer t\1\1")->authzid == "u");

TEST_CASE("PLAIN R161 R249: authzid, user and password between exactly two NULs") {
  CHECK(plain("\0tim\0tanstaaftanstaaf"sv) == "|tim|tanstaaftanstaaf");  // RFC 4616, 4
  CHECK(plain("Ursel\0Kurt\0xipj3plmq"sv) == "Ursel|Kurt|xipj3plmq");
  CHECK(plain("\0j\xC3\xBCrgen\0p\xE2\x82\xAC ss "sv) == "|j\xC3\xBCrgen|p\xE2\x82\xAC ss ");
  CHECK(plain("\0a\0b"sv) == "|a|b");
  for (const std::string_view wrong :
       {""sv, "a"sv, "\0"sv, "\0\0"sv, "\0\0\0"sv, "a\0b"sv, "\0a\0"sv, "\0\0b"sv, "z\0\0b"sv, "z\0a\0"sv, "\0a\0b\0"sv,
        "\0a\0b\0c"sv, "\0\0a\0b"sv, "\xFF\0a\0b"sv, "\0\xC3\0b"sv, "\0a\0\xED\xA0\x80"sv, "\0a\0b\xC0\x80"sv}) {
    CAPTURE(wrong);
    CHECK(plain(wrong) == "-");
  }
}

TEST_CASE("PLAIN R161: each part may have 255 octets, and no more") {
  const std::string part(255, 'x'), nul(1, '\0');
  CHECK(plain(part + nul + part + nul + part) == part + '|' + part + '|' + part);
  CHECK(plain(part + 'x' + nul + part + nul + part) == "-");
  CHECK(plain(part + nul + part + 'x' + nul + part) == "-");
  CHECK(plain(part + nul + part + nul + part + 'x') == "-");
}

TEST_CASE("CRAM-MD5 R251: split at the last space; 32 digits in lower case") {
  const std::string digest = "b913a602c7eda7a495b4e6e7334d3890";
  CHECK(cram_md5("tim " + digest) == "tim|" + digest);
  CHECK(cram_md5("tim of the  hill " + digest) == "tim of the  hill|" + digest);
  CHECK(cram_md5("  " + digest) == " |" + digest);
  CHECK(cram_md5("tim  " + digest) == "tim |" + digest);
  CHECK(cram_md5(digest) == "-");
  CHECK(cram_md5(' ' + digest) == "-");
  CHECK(cram_md5("tim" + digest) == "-");
  CHECK(cram_md5("tim " + digest + ' ') == "-");
  CHECK(cram_md5("tim " + digest + '0') == "-");
  CHECK(cram_md5("") == "-");
  CHECK(cram_md5(" ") == "-");
  CHECK(cram_md5("tim B913A602C7EDA7A495B4E6E7334D3890") == "-");
  for (std::size_t i = 0; i < digest.size(); ++i) {
    CHECK(cram_md5("tim " + digest.substr(i + 1)) == "-");
    for (const char c : {'g', '/', ':', '`', 'A', '\0', '\n', '\xB9'}) {
      std::string wrong = "tim " + digest;
      wrong[4 + i] = c;
      CHECK(cram_md5(wrong) == "-");
    }
  }
}

TEST_CASE("OAUTHBEARER R254: the header, the keys in any order, and the token") {
  CHECK(oauthbearer("n,a=user@example.com,\1host=server.example.com\1port=143\1"
                    "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1") ==
        "user@example.com|vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");  // RFC 7628, 4.1
  CHECK(oauthbearer("n,,\1auth=Bearer t\1\1") == "|t");
  CHECK(oauthbearer("y,,\1auth=Bearer t\1\1") == "|t");
  CHECK(oauthbearer("n,,\1auth=bEARER   t\1\1") == "|t");
  CHECK(oauthbearer("n,,\1auth=Bearer -._~+/aZ09==\1\1") == "|-._~+/aZ09==");
  CHECK(oauthbearer("n,,\1x=\1Y=a=b \t\r\n~\1auth=Bearer t\1mthd=POST\1\1") == "|t");
  CHECK(oauthbearer("n,a=a=2Cb=3Dc,\1auth=Bearer t\1\1") == "a=2Cb=3Dc|escaped|t");
  CHECK(oauthbearer("n,a=\xC3\xBC,\1auth=Bearer t\1\1") == "\xC3\xBC|t");
  // A key is not told by its case, as those of RFC 7628 are written in lower case.
  CHECK(oauthbearer("n,,\1AUTH=Bearer t\1\1") == "-");
}

TEST_CASE("OAUTHBEARER R254: what is malformed") {
  for (const std::string_view wrong : {
           ""sv,
           "\1"sv,
           "n"sv,
           "n,"sv,
           "n,,"sv,
           "n,,\1"sv,
           "n,,\1\1"sv,
           "n,,\1auth=Bearer t"sv,
           "n,,\1auth=Bearer t\1"sv,
           "n,,auth=Bearer t\1\1"sv,
           "n,\1auth=Bearer t\1\1"sv,
           "N,,\1auth=Bearer t\1\1"sv,
           "p=x,,\1auth=Bearer t\1\1"sv,
           "nn,,\1auth=Bearer t\1\1"sv,
           ",,\1auth=Bearer t\1\1"sv,
           "n,user,\1auth=Bearer t\1\1"sv,
           "n,a=,\1auth=Bearer t\1\1"sv,
           "n,a=u\1auth=Bearer t\1\1"sv,
           "n,a=u,x,\1auth=Bearer t\1\1"sv,
           "n,a=u=,\1auth=Bearer t\1\1"sv,
           "n,a=u=2c,\1auth=Bearer t\1\1"sv,
           "n,a=u=41,\1auth=Bearer t\1\1"sv,
           "n,a=\xFF,\1auth=Bearer t\1\1"sv,
           "n,a=u\n,\1auth=Bearer t\1\1"sv,
           "n,a=\0,\1auth=Bearer t\1\1"sv,
           "n,,\1host=a\1\1"sv,
           "n,,\1auth=\1\1"sv,
           "n,,\1auth=Bearer\1\1"sv,
           "n,,\1auth=Bearer \1\1"sv,
           "n,,\1auth=Bearert\1\1"sv,
           "n,,\1auth=Basic t\1\1"sv,
           "n,,\1auth= Bearer t\1\1"sv,
           "n,,\1auth=Bearer t \1\1"sv,
           "n,,\1auth=Bearer t t\1\1"sv,
           "n,,\1auth=Bearer =\1\1"sv,
           "n,,\1auth=Bearer a=b\1\1"sv,
           "n,,\1auth=Bearer a,b\1\1"sv,
           "n,,\1auth=Bearer \xC3\xBC\1\1"sv,
           "n,,\1auth=Bearer\tt\1\1"sv,
           "n,,\1auth=Bearer t\1auth=Bearer t\1\1"sv,
           "n,,\1auth=Bearer t\1x\1\1"sv,
           "n,,\1auth=Bearer t\1=x\1\1"sv,
           "n,,\1auth=Bearer t\1x1=x\1\1"sv,
           "n,,\1auth=Bearer t\1x=\0\1\1"sv,
           "n,,\1auth=Bearer t\1x=\x7F\1\1"sv,
           "n,,\1auth=Bearer t\1x=\xC3\xBC\1\1"sv,
           "n,,\1auth=Bearer t\1\1\1"sv,
           "n,,\1auth=Bearer t\1\1x"sv,
           "n,,\1\1auth=Bearer t\1\1"sv,
           "n,,\1auth=Bearer t\1x=y\1"sv,
       }) {
    CAPTURE(wrong);
    CHECK(oauthbearer(wrong) == "-");
  }
}

TEST_CASE("OAUTHBEARER R254: the authzid may be escaped, and only \",\" and \"=\" are") {
  CHECK(unescaped("user") == "user");
  CHECK(unescaped("=2C") == ",");
  CHECK(unescaped("=3D=2C=3D") == "=,=");
  CHECK(unescaped("a=3D2C\xC3\xBC") == "a=2C\xC3\xBC");
  for (const std::string_view wrong : {""sv, "="sv, "a="sv, "=2"sv, "=3"sv, "=2c"sv, "=3d"sv, "=2D"sv, "=3C"sv, "=20"sv,
                                       "==2C"sv, "a,b"sv, "a\0"sv, "\x1F"sv, "\x7F"sv, "\xFF"sv, "=2C="sv}) {
    CAPTURE(wrong);
    CHECK(unescaped(wrong) == "-");
  }
}

TEST_CASE("XOAUTH2 R255: user and token") {
  CHECK(xoauth2("user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1") ==
        "someuser@example.com|ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
  CHECK(xoauth2("user=a=2Cb,c\1auth=bearer t==\1\1") == "a=2Cb,c|t==");  // nothing is escaped here
  for (const std::string_view wrong :
       {""sv, "user=u"sv, "user=\1auth=Bearer t\1\1"sv, "user=u\1auth=Bearer t\1"sv, "user=u\1auth=Bearer t"sv,
        "user=u\1auth=Bearer t\1\1\1"sv, "user=u\1auth=Bearer t\1\1x"sv, "user=u\1auth=Bearer t\1x=y\1\1"sv,
        "user=u\1auth=Bearer \1\1"sv, "user=u\1auth=Basic t\1\1"sv, "user=u\1auth=Bearer t t\1\1"sv,
        "user=u\1\1auth=Bearer t\1\1"sv, "USER=u\1auth=Bearer t\1\1"sv, "user=u auth=Bearer t\1\1"sv,
        "user=\xFF\1auth=Bearer t\1\1"sv, "user=u\n\1auth=Bearer t\1\1"sv, " user=u\1auth=Bearer t\1\1"sv}) {
    CAPTURE(wrong);
    CHECK(xoauth2(wrong) == "-");
  }
}

TEST_CASE("ANONYMOUS R257: a trace has up to 255 characters, none of them a control character") {
  using mailwire::is_sasl_trace;
  CHECK(is_sasl_trace(""));
  CHECK(is_sasl_trace("sirhc"));  // RFC 4505, 4
  CHECK(is_sasl_trace("ann@example.com"));
  CHECK(is_sasl_trace("\xC2\xA0 \xF0\x9F\x98\x80"));
  std::string trace;
  for (int i = 0; i < 255; ++i) trace += "\xF0\x9F\x98\x80";
  CHECK(is_sasl_trace(trace));
  CHECK_FALSE(is_sasl_trace(trace + 'x'));
  CHECK(is_sasl_trace(std::string(255, 'x')));
  CHECK_FALSE(is_sasl_trace(std::string(256, 'x')));
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    CHECK(is_sasl_trace(std::string{'a', c}) == (octet >= ' ' && octet < 0x7F));
    CHECK(is_sasl_trace(std::string{'\xC2', c}) == (octet >= 0xA0 && octet <= 0xBF));
  }
}

TEST_CASE("R249: a name is UTF-8 without control characters; a mechanism is upper case, digits, - and _") {
  using mailwire::is_sasl_mechanism;
  using mailwire::is_sasl_name;
  CHECK(is_sasl_name("ann b@example.com,="));
  CHECK_FALSE(is_sasl_name(""));
  CHECK_FALSE(is_sasl_name("a\xC3"));
  std::string upper;
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    CHECK(is_sasl_name(std::string{'a', c, 'b'}) == (octet >= ' ' && octet < 0x7F));
    if (is_sasl_mechanism({&c, 1})) upper += c;
  }
  CHECK(upper == "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
  static_assert(is_sasl_mechanism("SCRAM-SHA-256-PLUS") && is_sasl_mechanism("X") &&
                is_sasl_mechanism("ABCDEFGHIJKLMNOPQRST"));
  static_assert(!is_sasl_mechanism("") && !is_sasl_mechanism("ABCDEFGHIJKLMNOPQRSTU") && !is_sasl_mechanism("plain"));
}
