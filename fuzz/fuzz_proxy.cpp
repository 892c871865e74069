// SPDX-License-Identifier: MIT
// PROXY headers: the cuts make no difference, nothing over the bounds or behind the header is taken, and what was read
// reads the same when it is written again. Addresses: those that inet_pton() takes, and no other.
#ifdef _WIN32
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#endif
#include <mailwire/proxy_header.hpp>

#include "play.hpp"

namespace {

using mailwire::ProxyHeader;
using mailwire::ProxyParser;

std::string told(const ProxyHeader& header) {
  std::string out = std::to_string(header.version) + (header.local ? " local " : " ");
  out += std::to_string(static_cast<int>(header.family)) + (header.datagram ? " datagram" : "");
  for (const auto& end : {header.source, header.destination}) out.append(" ").append(end.text().view());
  for (const std::string_view text : {header.source_path, header.destination_path, header.alpn, header.authority,
                                      header.unique_id, header.tlv_octets})
    out.append(" ").append(std::to_string(text.size())).append(":").append(text);
  if (header.tls) {
    out += header.tls->encrypted ? " tls " : " ";
    out += std::to_string(header.tls->verify_result);
    for (const std::string_view text : {header.tls->version, header.tls->common_name, header.tls->cipher})
      out.append(" ").append(text);
  }
  return out;
}

// All that octets come to, fed in pieces of this size.
std::string parse(std::string_view octets, std::size_t piece) {
  ProxyParser parser;
  std::size_t taken = 0;
  while (!octets.empty() && parser.status() == ProxyParser::Status::more) {
    const auto step = parser.next(octets.substr(0, piece));
    taken += step.taken;
    octets.remove_prefix(step.taken);
  }
  if (taken > mailwire::longest_proxy_header) fuzz::fail("more was taken than any header has");
  if (parser.header().version == 1 && taken > mailwire::longest_proxy_line) fuzz::fail("a line over its bound");
  return std::to_string(taken) + ' ' + std::string(to_string(parser.error())) +
         (parser.status() == ProxyParser::Status::done ? " done " + told(parser.header()) : "");
}

// A line that was read, written again, is read as the same.
void check_written(std::string_view octets) {
  ProxyParser parser;
  parser.next(octets);
  const ProxyHeader& header = parser.header();
  if (parser.status() != ProxyParser::Status::done || header.version != 1) return;
  if (header.family == mailwire::ProxyFamily::unspecified) return;
  std::string line = header.family == mailwire::ProxyFamily::ipv4 ? "PROXY TCP4" : "PROXY TCP6";
  for (const auto& end : {header.source, header.destination}) line.append(" ").append(end.address.text().view());
  for (const auto& end : {header.source, header.destination}) line += ' ' + std::to_string(end.port);
  ProxyParser again;
  again.next(line + "\r\n");
  if (again.status() != ProxyParser::Status::done || told(again.header()) != told(header))
    fuzz::fail("not the same: " + line);
}

void check_address(std::string_view octets) {
  const std::string text(octets);
  if (text.size() > 100 || text.find('\0') != std::string::npos) return;
  const auto address = mailwire::parse_ip(text);
  const bool six = text.find(':') != std::string::npos;
  unsigned char octets_of_system[16] = {};
  if ((inet_pton(six ? AF_INET6 : AF_INET, text.c_str(), octets_of_system) == 1) != address.has_value())
    fuzz::fail("the system thinks otherwise of this address: " + tests::visible(text));
  if (!address) return;
  for (std::size_t i = 0; i < 16; ++i)
    if (address->octets[i] != octets_of_system[i]) fuzz::fail("the system reads another address: " + text);
  if (mailwire::parse_ip(address->text().view()) != address) fuzz::fail("not the same address: " + text);
}

// "ADDRESS/BITS": the addresses that begin with the same bits, bit by bit, and no others.
void check_network(std::string_view octets) {
  const auto network = mailwire::parse_network(octets);
  if (!network) return;
  mailwire::IpAddress other = network->address;
  const unsigned all = static_cast<unsigned>(other.size() * 8);
  if (network->bits > all || !network->contains(other)) fuzz::fail("a network without its own address");
  for (unsigned bit = 0; bit < all; ++bit) {
    const auto mask = static_cast<unsigned char>(0x80U >> bit % 8);
    other.octets[bit / 8] = static_cast<unsigned char>(other.octets[bit / 8] ^ mask);
    if (network->contains(other) != (bit >= network->bits)) fuzz::fail("in the network, or not, against its bits");
    other.octets[bit / 8] = static_cast<unsigned char>(other.octets[bit / 8] ^ mask);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const std::string whole = parse(octets, ~std::size_t{0});
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{100}})
    if (parse(octets, piece) != whole) fuzz::fail("what comes out depends on the cuts");
  check_written(octets);
  check_address(octets);
  check_network(octets);
  return 0;
}
