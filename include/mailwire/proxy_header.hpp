// SPDX-License-Identifier: MIT
// The header of the PROXY protocol (haproxy's doc/proxy-protocol.txt, versions 1 and 2), which a proxy puts in front of
// a connection to say whose it is. For any protocol; in front of TLS as well.
//
//   mailwire::ProxyParser parser;
//   auto step = parser.next(octets);          // cut anywhere; until it is not `more`
//   if (step.status == parser.Status::done)   // octets behind the first `step.taken` are the protocol's own
//     use(parser.header().source);
//
// Whoever reads a header believes it: read one only from peers that are known to be proxies, and from these always
// (section 5). The parser waits for nobody: a peer that does not end its header is the caller's to give up.
#ifndef MAILWIRE_PROXY_HEADER_HPP
#define MAILWIRE_PROXY_HEADER_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ascii.hpp"
#include "ip_address.hpp"

namespace mailwire {
inline namespace v1 {

inline constexpr std::size_t longest_proxy_line = 107;    // version 1, with its CRLF (2.1)
inline constexpr std::size_t longest_proxy_header = 536;  // version 2: our bound; the length field could say 65,551

enum class ProxyError : std::uint8_t {
  none,
  no_header,        // something else: neither "PROXY " nor the signature of version 2
  too_long,         // over one of the two bounds above
  bad_line,         // version 1: not these words with one space between them and CRLF behind
  bad_address,      // version 1: no address of this family
  bad_port,         // version 1
  bad_version,      // version 2: says that it is another one
  bad_command,      // neither LOCAL nor PROXY
  bad_family,       // an address family or a transport that is not defined
  short_addresses,  // a length that has no room for the addresses of its family
  bad_tlv,          // one that reaches over the end, has not the length that its type has, or says a thing twice
  bad_checksum,
};

constexpr std::string_view to_string(ProxyError error) noexcept {
  constexpr std::string_view names[] = {"none",        "no_header",       "too_long",    "bad_line",
                                        "bad_address", "bad_port",        "bad_version", "bad_command",
                                        "bad_family",  "short_addresses", "bad_tlv",     "bad_checksum"};
  return names[static_cast<std::size_t>(error)];
}

// ---- type, length, value (2.2) --------------------------------------------------------------------------------------

struct ProxyTlv {
  std::uint8_t type;
  std::string_view value;

  static constexpr std::uint8_t alpn = 0x01, authority = 0x02, crc32c = 0x03, noop = 0x04, unique_id = 0x05;
  static constexpr std::uint8_t tls = 0x20, tls_version = 0x21, tls_common_name = 0x22, tls_cipher = 0x23;
  static constexpr std::uint8_t tls_signature_algorithm = 0x24, tls_key_algorithm = 0x25;
};

// One after the other:
//
//   for (ProxyTlvs tlvs = header.tlvs(); const auto tlv = tlvs.next();) ...
class ProxyTlvs {
 public:
  constexpr ProxyTlvs() noexcept = default;
  constexpr explicit ProxyTlvs(std::string_view octets) noexcept : rest_(octets) {}

  // The next one; nothing at the end, or where what is left is none.
  constexpr std::optional<ProxyTlv> next() noexcept {
    if (rest_.size() < 3) return std::nullopt;
    const auto octet = [this](std::size_t i) { return static_cast<unsigned char>(rest_[i]); };
    const std::size_t size = octet(1) * 256U + octet(2);
    if (size > rest_.size() - 3) return std::nullopt;
    const ProxyTlv tlv{octet(0), rest_.substr(3, size)};
    rest_.remove_prefix(3 + size);
    return tlv;
  }
  // Octets that next() has not given: after the last one they are none of a TLV.
  constexpr std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
};

// ---- what a header says ---------------------------------------------------------------------------------------------

// The client's TLS, which the proxy has ended. What was not said is empty.
struct ProxyTls {
  bool encrypted = false;               // the client came with TLS
  bool certificate = false;             // ... and gave a certificate on this connection
  bool certificate_of_session = false;  // ... or earlier in the TLS session that it resumed
  std::uint32_t verify_result = ~std::uint32_t{0};
  std::string_view version, common_name, cipher, signature_algorithm, key_algorithm;

  // Proxies say 0 as a result for clients without any certificate too; hence the question for one.
  constexpr bool has_verified_certificate() const noexcept {
    return encrypted && (certificate || certificate_of_session) && verify_result == 0;
  }
};

enum class ProxyFamily : std::uint8_t { unspecified, ipv4, ipv6, unix_socket };

// All views point into the parser.
struct ProxyHeader {
  unsigned version = 0;  // 1 or 2
  // The proxy's own connection, a health check mostly. Nothing else is said then.
  bool local = false;
  ProxyFamily family = ProxyFamily::unspecified;  // unspecified: who is connected is not said
  bool datagram = false;
  IpEndpoint source, destination;                  // ipv4, ipv6
  std::string_view source_path, destination_path;  // unix_socket, without the NULs behind
  std::string_view alpn, authority, unique_id;     // authority: the name that the client asked for (SNI)
  std::optional<ProxyTls> tls;
  std::string_view tlv_octets;

  // All of them, those too that nothing here stands for.
  constexpr ProxyTlvs tlvs() const noexcept { return ProxyTlvs(tlv_octets); }
};

// ---- the parser -----------------------------------------------------------------------------------------------------

// CRC-32C (RFC 4960, appendix B), bit by bit: there are 536 octets at most.
constexpr std::uint32_t add_to_crc32c(std::uint32_t crc, unsigned char octet) noexcept {
  crc ^= octet;
  for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78U : crc >> 1;
  return crc;
}

class ProxyParser {
 public:
  enum class Status : std::uint8_t {
    more,
    done,
    invalid,  // for good, see error()
  };
  struct Step {
    Status status;
    std::size_t taken;  // octets of `in` that belong to the header
  };

  constexpr ProxyParser() noexcept = default;
  ~ProxyParser() = default;
  ProxyParser(const ProxyParser&) = delete;  // the header points into it
  ProxyParser& operator=(const ProxyParser&) = delete;

  // Takes octets from the front of `in`, none from behind the header, and none once it is not `more` any longer.
  constexpr Step next(std::string_view in) noexcept {
    std::size_t taken = 0;
    while (status_ == Status::more && taken < in.size()) take(in[taken++]);
    return {status_, taken};
  }
  constexpr Status status() const noexcept { return status_; }
  constexpr ProxyError error() const noexcept { return error_; }
  // Whole once it is `done`, empty once it is `invalid`.
  constexpr const ProxyHeader& header() const noexcept { return header_; }

 private:
  static constexpr std::string_view line_start = "PROXY ";
  static constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
  static constexpr std::size_t fixed = 16;  // octets of version 2 that are always there

  constexpr void take(char c) noexcept {
    block_[size_++] = c;
    if (block_[0] == line_start[0])
      take_of_line(c);
    else
      take_of_block(c);
  }
  constexpr void fail(ProxyError error) noexcept {
    status_ = Status::invalid;
    error_ = error;
    header_ = ProxyHeader();  // what was believed so far
  }
  constexpr std::string_view octets() const noexcept { return {block_.data(), size_}; }
  constexpr unsigned octet(std::size_t i) const noexcept { return static_cast<unsigned char>(block_[i]); }

  // ---- version 1 ----

  constexpr void take_of_line(char c) noexcept {
    if (size_ <= line_start.size()) {
      if (c != line_start[size_ - 1]) fail(ProxyError::no_header);
      return;
    }
    const bool after_cr = block_[size_ - 2] == '\r';
    if (after_cr != (c == '\n')) return fail(ProxyError::bad_line);  // CR and LF come together only
    if (after_cr) return parse_line(octets().substr(line_start.size(), size_ - line_start.size() - 2));
    if (size_ == longest_proxy_line - 1 && c != '\r') fail(ProxyError::too_long);
  }

  constexpr void parse_line(std::string_view rest) noexcept {
    const Words words = split_word(rest);
    header_.version = 1;
    if (words.first == "UNKNOWN") {  // "the receiver must ignore anything presented before the CRLF"
      status_ = Status::done;
    } else if (words.first == "TCP4" || words.first == "TCP6") {
      parse_endpoints(words.rest.value_or(std::string_view()),
                      words.first == "TCP4" ? ProxyFamily::ipv4 : ProxyFamily::ipv6);
    } else {
      fail(ProxyError::bad_line);
    }
  }
  // "source destination port port"
  constexpr void parse_endpoints(std::string_view rest, ProxyFamily family) noexcept {
    std::array<std::string_view, 4> words{};
    for (std::size_t i = 0; i < 4; ++i) {
      const Words split = split_word(rest);
      if (split.first.empty() || split.rest.has_value() != (i < 3)) return fail(ProxyError::bad_line);
      words[i] = split.first;
      rest = split.rest.value_or(std::string_view());
    }
    const auto address = [family](std::string_view text) {
      return family == ProxyFamily::ipv4 ? parse_ipv4(text) : parse_ipv6(text);
    };
    const auto source = address(words[0]), destination = address(words[1]);
    if (!source || !destination) return fail(ProxyError::bad_address);
    const auto source_port = parse_number(words[2]), destination_port = parse_number(words[3]);
    if (!source_port || !destination_port || *source_port > 65535 || *destination_port > 65535)
      return fail(ProxyError::bad_port);
    header_.family = family;
    header_.source = {*source, static_cast<std::uint16_t>(*source_port)};
    header_.destination = {*destination, static_cast<std::uint16_t>(*destination_port)};
    status_ = Status::done;
  }

  // ---- version 2 ----

  constexpr void take_of_block(char c) noexcept {
    if (size_ <= signature.size()) {
      if (c != signature[size_ - 1]) fail(ProxyError::no_header);
    } else if (size_ == 13) {
      begin(octet(12));
    } else if (size_ == 14) {
      if (!header_.local) begin_addresses(octet(13));  // "discard the protocol block including the family"
    } else if (size_ == fixed) {
      total_ = fixed + octet(14) * 256 + octet(15);
      if (total_ > longest_proxy_header) return fail(ProxyError::too_long);
      if (total_ < fixed + addresses_size()) return fail(ProxyError::short_addresses);
    }
    if (status_ == Status::more && size_ == total_) finish();
  }

  constexpr void begin(unsigned version_and_command) noexcept {
    if (version_and_command >> 4 != 2) return fail(ProxyError::bad_version);
    if ((version_and_command & 15) > 1) return fail(ProxyError::bad_command);
    header_.version = 2;
    header_.local = (version_and_command & 15) == 0;
  }
  constexpr void begin_addresses(unsigned family_and_transport) noexcept {
    const unsigned family = family_and_transport >> 4, transport = family_and_transport & 15;
    if (family > 3 || transport > 2) return fail(ProxyError::bad_family);
    if (family == 0 || transport == 0) return;  // "should ignore address information"
    header_.family = static_cast<ProxyFamily>(family);
    header_.datagram = transport == 2;
  }
  constexpr std::size_t addresses_size() const noexcept {
    constexpr std::size_t sizes[] = {0, 12, 36, 216};
    return sizes[static_cast<std::size_t>(header_.family)];
  }

  constexpr void finish() noexcept {
    status_ = Status::done;
    // Where neither family nor command says what the octets are, they are skipped: no fact is drawn from them.
    if (header_.family == ProxyFamily::unspecified) return;
    if (header_.family == ProxyFamily::unix_socket)
      read_paths();
    else
      read_endpoints(header_.family == ProxyFamily::ipv4 ? IpFamily::v4 : IpFamily::v6);
    header_.tlv_octets = octets().substr(fixed + addresses_size());
    read_tlvs();
  }
  constexpr void read_endpoints(IpFamily family) noexcept {
    IpAddress source, destination;
    source.family = destination.family = family;
    const std::size_t size = source.size(), ports = fixed + 2 * size;
    for (std::size_t i = 0; i < size; ++i) {
      source.octets[i] = static_cast<std::uint8_t>(octet(fixed + i));
      destination.octets[i] = static_cast<std::uint8_t>(octet(fixed + size + i));
    }
    header_.source = {source, static_cast<std::uint16_t>(octet(ports) * 256 + octet(ports + 1))};
    header_.destination = {destination, static_cast<std::uint16_t>(octet(ports + 2) * 256 + octet(ports + 3))};
  }
  constexpr void read_paths() noexcept {
    const auto path = [this](std::size_t from) {
      std::string_view octets_of_path = octets().substr(from, 108);
      while (!octets_of_path.empty() && octets_of_path.back() == '\0') octets_of_path.remove_suffix(1);
      return octets_of_path;
    };
    header_.source_path = path(fixed);
    header_.destination_path = path(fixed + 108);
  }

  constexpr void read_tlvs() noexcept {
    std::string_view sum;
    ProxyTlvs tlvs = header_.tlvs();
    while (const auto tlv = tlvs.next())
      if (!read_tlv(*tlv, sum)) return fail(ProxyError::bad_tlv);
    if (!tlvs.rest().empty()) return fail(ProxyError::bad_tlv);
    if (sum.data() != nullptr && !checksum_is_right(static_cast<std::size_t>(sum.data() - block_.data())))
      fail(ProxyError::bad_checksum);
  }
  constexpr bool read_tlv(const ProxyTlv& tlv, std::string_view& sum) noexcept {
    switch (tlv.type) {
      case ProxyTlv::alpn: return keep(header_.alpn, tlv.value);
      case ProxyTlv::authority: return keep(header_.authority, tlv.value);
      case ProxyTlv::unique_id: return keep(header_.unique_id, tlv.value);
      case ProxyTlv::crc32c: return tlv.value.size() == 4 && keep(sum, tlv.value);
      case ProxyTlv::tls: return !header_.tls && read_tls(tlv.value);
      default: return true;
    }
  }
  constexpr bool read_tls(std::string_view value) noexcept {
    if (value.size() < 5) return false;
    const auto at = [value](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(value[i])}; };
    ProxyTls tls;
    tls.encrypted = (at(0) & 1) != 0;
    tls.certificate = (at(0) & 2) != 0;
    tls.certificate_of_session = (at(0) & 4) != 0;
    tls.verify_result = at(1) << 24 | at(2) << 16 | at(3) << 8 | at(4);
    ProxyTlvs facts(value.substr(5));
    while (const auto fact = facts.next())
      if (!read_tls_fact(tls, *fact)) return false;
    header_.tls = tls;
    return facts.rest().empty();
  }
  static constexpr bool read_tls_fact(ProxyTls& tls, const ProxyTlv& fact) noexcept {
    switch (fact.type) {
      case ProxyTlv::tls_version: return keep(tls.version, fact.value);
      case ProxyTlv::tls_common_name: return keep(tls.common_name, fact.value);
      case ProxyTlv::tls_cipher: return keep(tls.cipher, fact.value);
      case ProxyTlv::tls_signature_algorithm: return keep(tls.signature_algorithm, fact.value);
      case ProxyTlv::tls_key_algorithm: return keep(tls.key_algorithm, fact.value);
      default: return true;
    }
  }
  // Once: a fact that is said twice could be read in two ways.
  static constexpr bool keep(std::string_view& fact, std::string_view value) noexcept {
    if (fact.data() != nullptr) return false;
    fact = value;
    return true;
  }
  // 2.2.3: over the whole header, with zeros where the sum itself stands.
  constexpr bool checksum_is_right(std::size_t place) const noexcept {
    std::uint32_t crc = ~std::uint32_t{0}, said = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      const bool own = i >= place && i < place + 4;
      if (own) said = said << 8 | octet(i);
      crc = add_to_crc32c(crc, own ? static_cast<unsigned char>(0) : static_cast<unsigned char>(octet(i)));
    }
    return ~crc == said;
  }

  std::array<char, longest_proxy_header> block_{};
  std::size_t size_ = 0;
  std::size_t total_ = 0;  // of version 2; 0 = not known yet
  Status status_ = Status::more;
  ProxyError error_ = ProxyError::none;
  ProxyHeader header_;
};

}  // namespace v1
}  // namespace mailwire

#endif
