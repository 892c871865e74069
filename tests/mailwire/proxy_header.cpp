// SPDX-License-Identifier: MIT
#include <mailwire/proxy_header.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "harness.hpp"  // visible()

namespace {

using mailwire::ProxyError;
using mailwire::ProxyFamily;
using mailwire::ProxyHeader;
using mailwire::ProxyParser;
using mailwire::ProxyTlv;
using ProxyStatus = ProxyParser::Status;
using tests::visible;

// ---- headers, made by hand ------------------------------------------------------------------------------------------

std::string number(std::size_t value, int octets) {
  std::string out;
  while (octets-- > 0) out += static_cast<char>(value >> (8 * octets) & 0xFF);
  return out;
}
std::string tlv(std::uint8_t type, const std::string& value) {
  return static_cast<char>(type) + number(value.size(), 2) + value;
}
std::string v2(unsigned command, unsigned family, const std::string& block) {
  return std::string("\r\n\r\n\0\r\nQUIT\n", 12) + static_cast<char>(command) + static_cast<char>(family) +
         number(block.size(), 2) + block;
}

std::string ipv4() { return {"\xC0\x00\x02\x01\xC6\x33\x64\x07\xC3\x50\x00\x6E", 12}; }
std::string ipv6() {
  return std::string("\x20\x01\x0D\xB8", 4) + std::string(11, '\0') + "\x01" + std::string(15, '\0') + "\x02" +
         std::string("\xFF\xFF\x03\xE3", 4);
}
std::string paths() { return "/run/client" + std::string(97, '\0') + std::string(108, 's'); }

std::string no_sum() { return tlv(ProxyTlv::crc32c, std::string(4, '\0')); }

// Fills in the sum: the TLV with four zeros must be there already.
std::string summed(std::string header) {
  const std::size_t place = header.find(no_sum()) + 3;
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : header) crc = mailwire::add_to_crc32c(crc, static_cast<unsigned char>(c));
  return header.replace(place, 4, number(~crc, 4));
}

std::string tls_facts(char flags, std::uint32_t result, const std::string& facts) {
  return tlv(ProxyTlv::tls, flags + number(result, 4) + facts);
}

// ---- what comes out -------------------------------------------------------------------------------------------------

std::string to_text(const ProxyHeader& header) {
  std::string out = 'v' + std::to_string(header.version);
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out.append(" ").append(name).append("=").append(visible(std::string(value)));
  };
  if (header.local) out += " local";
  if (header.datagram) out += " datagram";
  add("from", header.source.text().view());
  add("to", header.destination.text().view());
  if (header.family == ProxyFamily::unix_socket) out += " unix";
  add("from", header.source_path);
  add("to", header.destination_path);
  add("alpn", header.alpn);
  add("authority", header.authority);
  add("id", header.unique_id);
  if (header.tls) {
    out += header.tls->encrypted ? " tls" : " no-tls";
    if (header.tls->certificate) out += " certificate";
    if (header.tls->certificate_of_session) out += " of-session";
    if (header.tls->has_verified_certificate()) out += " verified";
    out += ' ' + std::to_string(header.tls->verify_result);
    add("version", header.tls->version);
    add("cn", header.tls->common_name);
    add("cipher", header.tls->cipher);
    add("signature", header.tls->signature_algorithm);
    add("key", header.tls->key_algorithm);
  }
  return out;
}

// What octets, fed in the given pieces, come to: "more", an error, or the header and how much of the octets it was.
std::string parse(const std::vector<std::string_view>& pieces) {
  ProxyParser parser;
  std::size_t taken = 0;
  for (const std::string_view piece : pieces) {
    const ProxyParser::Step step = parser.next(piece);
    if (step.status != parser.status()) return "two opinions";
    if (step.taken > piece.size()) return "more taken than there was";
    if (step.status == ProxyStatus::more && step.taken != piece.size()) return "octets left behind";
    taken += step.taken;
  }
  if ((parser.status() == ProxyStatus::invalid) != (parser.error() != ProxyError::none)) return "no reason";
  if (parser.status() == ProxyStatus::more) return "more";
  if (parser.next("PROXY ").taken != 0) return "taken after the end";
  if (parser.status() == ProxyStatus::done) return to_text(parser.header()) + " / " + std::to_string(taken);
  if (to_text(parser.header()) != "v0") return "something is left of what was wrong";
  return std::string(to_string(parser.error()));
}
std::string parse(std::string_view octets) { return parse(std::vector<std::string_view>{octets}); }

struct Sample {
  std::string octets, result;  // the result without " / size", which is that of the octets
};
const std::vector<Sample>& good() {
  static const std::vector<Sample> all = {
      {"PROXY TCP4 192.0.2.1 198.51.100.7 50000 110\r\n", "v1 from=192.0.2.1:50000 to=198.51.100.7:110"},
      {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "v1 from=0.0.0.0:0 to=0.0.0.0:0"},
      {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
       "v1 from=255.255.255.255:65535 to=255.255.255.255:65535"},
      {"PROXY TCP6 2001:DB8:0::1 ::ffff:1.2.3.4 1 995\r\n", "v1 from=[2001:db8::1]:1 to=[::ffff:1.2.3.4]:995"},
      {"PROXY UNKNOWN\r\n", "v1"},
      {"PROXY UNKNOWN \r\n", "v1"},
      {"PROXY UNKNOWN 01.2  \xFF\x01 99999\r\n", "v1"},
      {v2(0x20, 0x00, ""), "v2 local"},
      {v2(0x20, 0x11, ipv4()), "v2 local"},  // the block is discarded, whatever it says
      {v2(0x20, 0xFF, "\x03"), "v2 local"},
      {v2(0x20, 0x11, ipv4() + tlv(ProxyTlv::crc32c, "bad!")), "v2 local"},
      {v2(0x21, 0x00, ""), "v2"},
      {v2(0x21, 0x00, "skipped"), "v2"},
      {v2(0x21, 0x10, ipv4()), "v2"},
      {v2(0x21, 0x02, ""), "v2"},
      {v2(0x21, 0x11, ipv4()), "v2 from=192.0.2.1:50000 to=198.51.100.7:110"},
      {v2(0x21, 0x12, ipv4()), "v2 datagram from=192.0.2.1:50000 to=198.51.100.7:110"},
      {v2(0x21, 0x21, ipv6()), "v2 from=[2001:db8::1]:65535 to=[::2]:995"},
      {v2(0x21, 0x22, ipv6()), "v2 datagram from=[2001:db8::1]:65535 to=[::2]:995"},
      {v2(0x21, 0x31, paths()), "v2 unix from=/run/client to=" + std::string(108, 's')},
      {v2(0x21, 0x32, std::string(216, '\0')), "v2 datagram unix"},
      {v2(0x21, 0x31, paths() + tlv(ProxyTlv::alpn, "pop3")),
       "v2 unix from=/run/client to=" + std::string(108, 's') + " alpn=pop3"},
      {v2(0x21, 0x11,
          ipv4() + tlv(ProxyTlv::alpn, "pop3") + tlv(ProxyTlv::noop, "") + tlv(ProxyTlv::noop, "pad") +
              tlv(ProxyTlv::authority, "mail.example.org") + tlv(0xE0, "own") + tlv(0xE0, "own") + tlv(0x00, "") +
              tlv(0xFF, std::string(256, 'x')) + tlv(ProxyTlv::unique_id, "id 7") + tlv(0x21, "") + tlv(0x21, "")),
       "v2 from=192.0.2.1:50000 to=198.51.100.7:110 alpn=pop3 authority=mail.example.org id=id 7"},
      {v2(0x21, 0x11,
          ipv4() +
              tls_facts(7, 0,
                        tlv(ProxyTlv::tls_version, "TLSv1.3") + tlv(0x77, "?") + tlv(ProxyTlv::tls_common_name, "ann") +
                            tlv(0x77, "?") + tlv(ProxyTlv::tls_cipher, "TLS_AES_128_GCM_SHA256") +
                            tlv(ProxyTlv::tls_signature_algorithm, "RSA-SHA256") +
                            tlv(ProxyTlv::tls_key_algorithm, "RSA2048"))),
       "v2 from=192.0.2.1:50000 to=198.51.100.7:110 tls certificate of-session verified 0 version=TLSv1.3 cn=ann "
       "cipher=TLS_AES_128_GCM_SHA256 signature=RSA-SHA256 key=RSA2048"},
      {v2(0x21, 0x11, ipv4() + tls_facts(0, 0x01020304, "")),
       "v2 from=192.0.2.1:50000 to=198.51.100.7:110 no-tls 16909060"},
      {v2(0x21, 0x11, ipv4() + tls_facts(1, 0, "")), "v2 from=192.0.2.1:50000 to=198.51.100.7:110 tls 0"},
      {v2(0x21, 0x11, ipv4() + tls_facts(3, 18, "")), "v2 from=192.0.2.1:50000 to=198.51.100.7:110 tls certificate 18"},
      {v2(0x21, 0x11, ipv4() + tls_facts(6, 0, "")),
       "v2 from=192.0.2.1:50000 to=198.51.100.7:110 no-tls certificate of-session 0"},
      {v2(0x21, 0x11, ipv4() + tls_facts(5, 0, "")),
       "v2 from=192.0.2.1:50000 to=198.51.100.7:110 tls of-session verified 0"},
      {summed(v2(0x21, 0x11, ipv4() + no_sum())), "v2 from=192.0.2.1:50000 to=198.51.100.7:110"},
      {summed(v2(0x21, 0x21, ipv6() + tlv(ProxyTlv::noop, "") + no_sum() + tlv(ProxyTlv::authority, "a"))),
       "v2 from=[2001:db8::1]:65535 to=[::2]:995 authority=a"},
      // the longest ones
      {"PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", "v1"},
      {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.25 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff 65535 6553\r\n",
       "v1 from=[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff19]:65535 to=[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff]:6553"},
      {v2(0x21, 0x11, ipv4() + tlv(ProxyTlv::noop, std::string(505, 'x'))),
       "v2 from=192.0.2.1:50000 to=198.51.100.7:110"},
      {v2(0x20, 0x00, std::string(520, 'x')), "v2 local"},
      {v2(0x21, 0x00, std::string(520, 'x')), "v2"},
  };
  return all;
}

const std::vector<Sample>& bad() {
  static const std::vector<Sample> all = {
      // neither version
      {"U", "no_header"},
      {"p", "no_header"},
      {"PROXX", "no_header"},
      {"PROXY\t", "no_header"},
      {"PROXY\r", "no_header"},
      {" ", "no_header"},
      {"\x16", "no_header"},
      {"\n", "no_header"},
      {"\r\n\r\n\r", "no_header"},
      {std::string("\r\n\r\n\0\r\nQUIT\r", 12), "no_header"},
      // version 1: words and line ends
      {"PROXY \r\n", "bad_line"},
      {"PROXY TCP\r\n", "bad_line"},
      {"PROXY TCP4\r\n", "bad_line"},
      {"PROXY TCP4 \r\n", "bad_line"},
      {"PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n", "bad_line"},
      {"PROXY TCP44 1.2.3.4 5.6.7.8 1 2\r\n", "bad_line"},
      {"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", "bad_line"},
      {"PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "bad_line"},
      {"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", "bad_line"},
      {"PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n", "bad_line"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8  1 2\r\n", "bad_line"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1  2\r\n", "bad_line"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", "bad_line"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", "bad_line"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "bad_line"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n", "bad_line"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8\r\n", "bad_line"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", "bad_line"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rU", "bad_line"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r", "bad_line"},
      {"PROXY UNKNOWN\n", "bad_line"},
      {"PROXY UNKNOWN a\rb", "bad_line"},
      {"PROXY UNKNOWNS\r\n", "bad_line"},
      {"PROXY unknown\r\n", "bad_line"},
      {"PROXY \n", "bad_line"},
      // version 1: addresses
      {"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", "bad_address"},
      {"PROXY TCP4 1.2.3.4 5.6.7.256 1 2\r\n", "bad_address"},
      {"PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n", "bad_address"},
      {"PROXY TCP4 1.2.3.4\t5.6.7.8 5.6.7.8 1 2\r\n", "bad_address"},
      {std::string("PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n", 33), "bad_address"},
      {"PROXY TCP4 ::1 ::2 1 2\r\n", "bad_address"},
      {"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "bad_address"},
      {"PROXY TCP6 ::1 1.2.3.4 1 2\r\n", "bad_address"},
      {"PROXY TCP6 ::1::2 ::2 1 2\r\n", "bad_address"},
      {"PROXY TCP6 ::1%lo ::2 1 2\r\n", "bad_address"},
      // version 1: ports
      {"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n", "bad_port"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", "bad_port"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "bad_port"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 00\r\n", "bad_port"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", "bad_port"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", "bad_port"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 0x2\r\n", "bad_port"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 18446744073709551618\r\n", "bad_port"},
      // version 1: 108 octets
      {"PROXY UNKNOWN " + std::string(92, 'x'), "too_long"},
      {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.25 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff 65535 65535",
       "too_long"},
      // version 2: what is fixed
      {v2(0x11, 0x11, ipv4()).substr(0, 13), "bad_version"},
      {v2(0x01, 0x11, ipv4()).substr(0, 13), "bad_version"},
      {v2(0x31, 0x11, ipv4()).substr(0, 13), "bad_version"},
      {v2(0xF1, 0x11, ipv4()).substr(0, 13), "bad_version"},
      {v2(0x22, 0x11, ipv4()).substr(0, 13), "bad_command"},
      {v2(0x2F, 0x11, ipv4()).substr(0, 13), "bad_command"},
      {v2(0x21, 0x41, ipv4()).substr(0, 14), "bad_family"},
      {v2(0x21, 0xF0, ipv4()).substr(0, 14), "bad_family"},
      {v2(0x21, 0x13, ipv4()).substr(0, 14), "bad_family"},
      {v2(0x21, 0x0F, ipv4()).substr(0, 14), "bad_family"},
      // version 2: lengths
      {v2(0x21, 0x11, "").substr(0, 16), "short_addresses"},
      {v2(0x21, 0x11, ipv4().substr(1)).substr(0, 16), "short_addresses"},
      {v2(0x21, 0x21, ipv6().substr(1)).substr(0, 16), "short_addresses"},
      {v2(0x21, 0x31, paths().substr(1)).substr(0, 16), "short_addresses"},
      {v2(0x21, 0x11, ipv4() + tlv(ProxyTlv::noop, std::string(506, 'x'))).substr(0, 16), "too_long"},
      {v2(0x20, 0x00, std::string(521, 'x')).substr(0, 16), "too_long"},
      {v2(0x20, 0x00, std::string(65535, 'x')).substr(0, 16), "too_long"},
      // version 2: TLVs over the end
      {v2(0x21, 0x11, ipv4() + "\x04"), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + std::string("\x04\x00", 2)), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + std::string("\x04\x00\x01", 3)), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + std::string("\x04\x01\x00x", 4)), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + "\x04\xFF\xFFx"), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + tlv(ProxyTlv::alpn, "pop3") + "x"), "bad_tlv"},
      {v2(0x21, 0x21, ipv6() + "\x02"), "bad_tlv"},
      {v2(0x21, 0x31, paths() + "\x02"), "bad_tlv"},
      // ... and inside that of TLS
      {v2(0x21, 0x11, ipv4() + tlv(ProxyTlv::tls, "")), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + tlv(ProxyTlv::tls, "1234")), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + tls_facts(1, 0, "!")), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + tls_facts(1, 0, std::string("\x21\x00\x01", 3))), "bad_tlv"},
      // it ends where the TLS facts end, not where the header does
      {v2(0x21, 0x11, ipv4() + tls_facts(1, 0, std::string("\x21\x00\x03", 3)) + tlv(ProxyTlv::noop, "")), "bad_tlv"},
      // ... that say a thing twice
      {v2(0x21, 0x11, ipv4() + tlv(ProxyTlv::alpn, "pop3") + tlv(ProxyTlv::alpn, "pop3")), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + tlv(ProxyTlv::authority, "a") + tlv(ProxyTlv::authority, "b")), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + tlv(ProxyTlv::unique_id, "") + tlv(ProxyTlv::unique_id, "")), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + tls_facts(1, 0, "") + tls_facts(1, 0, "")), "bad_tlv"},
      {v2(0x21, 0x11,
          ipv4() + tls_facts(1, 0, tlv(ProxyTlv::tls_common_name, "ann") + tlv(ProxyTlv::tls_common_name, "bob"))),
       "bad_tlv"},
      {summed(v2(0x21, 0x11, ipv4() + no_sum() + tlv(ProxyTlv::crc32c, "1234"))), "bad_tlv"},
      // the sum
      {v2(0x21, 0x11, ipv4() + no_sum()), "bad_checksum"},
      {v2(0x21, 0x11, ipv4() + tlv(ProxyTlv::crc32c, "123")), "bad_tlv"},
      {v2(0x21, 0x11, ipv4() + tlv(ProxyTlv::crc32c, "12345")), "bad_tlv"},
  };
  return all;
}

}  // namespace

TEST_CASE("PROXY: good headers, and nothing is taken from behind them") {
  for (const Sample& one : good()) {
    CAPTURE(visible(one.octets));
    const std::string result = one.result + " / " + std::to_string(one.octets.size());
    CHECK(parse(one.octets) == result);
    for (const char* behind : {"USER ann\r\n", "\r\n", "\n", "\x16\x03\x01", "PROXY UNKNOWN\r\n"})
      CHECK(parse(one.octets + behind) == result);
  }
}

TEST_CASE("PROXY: bad headers, each found at its octet and with its reason") {
  for (const Sample& one : bad()) {
    CAPTURE(visible(one.octets));
    CHECK(parse(one.octets) == one.result);
    CHECK(parse(one.octets.substr(0, one.octets.size() - 1)) == "more");
  }
}

TEST_CASE("PROXY: a header that is not complete is never done") {
  for (const Sample& one : good())
    for (std::size_t size = 0; size < one.octets.size(); ++size) REQUIRE(parse(one.octets.substr(0, size)) == "more");
}

TEST_CASE("PROXY: the cuts make no difference") {
  for (const auto* cases : {&good(), &bad()}) {
    for (const Sample& one : *cases) {
      CAPTURE(visible(one.octets));
      const std::string with_more = one.octets + "STAT\r\n";
      const std::string_view octets = with_more;
      const std::string whole = parse(octets);
      for (std::size_t cut = 0; cut <= octets.size(); ++cut)
        REQUIRE(parse({octets.substr(0, cut), octets.substr(cut)}) == whole);
      std::vector<std::string_view> single;
      for (std::size_t i = 0; i < octets.size(); ++i) single.push_back(octets.substr(i, 1));
      CHECK(parse(single) == whole);
    }
  }
}

TEST_CASE("PROXY: any octet in any place is survived, whole and in halves") {
  std::size_t done = 0, invalid = 0;
  for (const Sample& one : good()) {
    if (one.octets.size() > 120) continue;  // their octets are all alike
    for (std::size_t i = 0; i < one.octets.size(); ++i) {
      std::string mutant = one.octets;
      for (int value = 0; value < 256; ++value) {
        mutant[i] = static_cast<char>(value);
        const std::string whole = parse(mutant);
        if (value % 8 == 0)  // the time that it takes
          REQUIRE(parse({std::string_view(mutant).substr(0, i), std::string_view(mutant).substr(i)}) == whole);
        ++(whole.find(" / ") != std::string::npos ? done : invalid);
      }
    }
  }
  CHECK(done > 10'000);
  CHECK(invalid > 10'000);
}

TEST_CASE("PROXY: the sum finds every octet that is changed") {
  const std::string right = summed(v2(0x21, 0x11, ipv4() + no_sum() + tlv(ProxyTlv::authority, "example.org")));
  REQUIRE(parse(right).find("authority=example.org") != std::string::npos);
  for (std::size_t i = 16; i < right.size(); ++i) {
    if (i == 28) continue;  // the type: then it is no sum
    for (int flip = 1; flip < 256; ++flip) {
      std::string wrong = right;
      wrong[i] = static_cast<char>(wrong[i] ^ flip);
      REQUIRE(parse(wrong).find(" / ") == std::string::npos);
    }
  }
}

TEST_CASE("CRC-32C: the check value of the catalogues") {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : std::string("123456789")) crc = mailwire::add_to_crc32c(crc, static_cast<unsigned char>(c));
  CHECK(~crc == 0xE3069283);
}

TEST_CASE("PROXY: the bounds are 107 and 536 octets") {
  CHECK(mailwire::longest_proxy_line == 107);
  CHECK(mailwire::longest_proxy_header == 536);
  std::size_t line = 0, block = 0;
  for (const Sample& one : good()) {
    std::size_t& longest = one.octets[0] == 'P' ? line : block;
    if (one.octets.size() > longest) longest = one.octets.size();
  }
  CHECK(line == 107);
  CHECK(block == 536);
}

TEST_CASE("PROXY: all TLVs in their order, those without a name too") {
  ProxyParser parser;
  parser.next(v2(0x21, 0x11, ipv4() + tlv(0xE1, "first") + tlv(ProxyTlv::noop, "") + tlv(0xE1, "second")));
  REQUIRE(parser.status() == ProxyStatus::done);
  std::string all;
  for (mailwire::ProxyTlvs tlvs = parser.header().tlvs(); const auto tlv = tlvs.next();)
    all += std::to_string(tlv->type) + ':' + std::string(tlv->value) + ' ';
  CHECK(all == "225:first 4: 225:second ");

  mailwire::ProxyTlvs broken("\x01");
  CHECK_FALSE(broken.next());
  CHECK(broken.rest() == "\x01");
}

TEST_CASE("PROXY: what was not said of TLS is false, empty, and no success") {
  const mailwire::ProxyTls tls;
  CHECK_FALSE(tls.encrypted);
  CHECK_FALSE(tls.certificate);
  CHECK_FALSE(tls.certificate_of_session);
  CHECK(tls.verify_result == 0xFFFFFFFFU);
  CHECK(tls.version.empty());
}

TEST_CASE("PROXY: every error has a name of its own") {
  std::vector<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ProxyError::bad_checksum); ++i) {
    const std::string_view name = to_string(static_cast<ProxyError>(i));
    CHECK_FALSE(name.empty());
    for (const std::string_view other : names) CHECK(name != other);
    names.push_back(name);
  }
}

TEST_CASE("PROXY: at compile time as well") {
  static constexpr auto port = [] {
    ProxyParser parser;
    parser.next("PROXY TCP6 ::1 ::2 1234 995\r\nUSER ann\r\n");
    return parser.header().source.port;
  }();
  static_assert(port == 1234);
}

TEST_CASE("PROXY: the family is known in both versions") {
  const auto family = [](const std::string& octets) {
    ProxyParser parser;
    parser.next(octets);
    return parser.header().family;
  };
  CHECK(family("PROXY TCP4 192.0.2.1 198.51.100.7 50000 110\r\n") == ProxyFamily::ipv4);
  CHECK(family("PROXY TCP6 ::1 ::2 50000 110\r\n") == ProxyFamily::ipv6);
  CHECK(family("PROXY UNKNOWN\r\n") == ProxyFamily::unspecified);
  CHECK(family(v2(0x21, 0x11, ipv4())) == ProxyFamily::ipv4);
  CHECK(family(v2(0x21, 0x21, ipv6())) == ProxyFamily::ipv6);
  CHECK(family(v2(0x21, 0x31, paths())) == ProxyFamily::unix_socket);
}

TEST_CASE("PROXY: the numbers of the TLVs are those of the specification, 2.2") {
  CHECK(ProxyTlv::alpn == 0x01);
  CHECK(ProxyTlv::authority == 0x02);
  CHECK(ProxyTlv::crc32c == 0x03);
  CHECK(ProxyTlv::noop == 0x04);
  CHECK(ProxyTlv::unique_id == 0x05);
  CHECK(ProxyTlv::tls == 0x20);
  CHECK(ProxyTlv::tls_version == 0x21);
  CHECK(ProxyTlv::tls_common_name == 0x22);
  CHECK(ProxyTlv::tls_cipher == 0x23);
  CHECK(ProxyTlv::tls_signature_algorithm == 0x24);
  CHECK(ProxyTlv::tls_key_algorithm == 0x25);
}
