// SPDX-License-Identifier: MIT
#include "proxy.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace pop3d {
namespace {

mailwire::IpEndpoint endpoint(mailwire::IpFamily family, const void* octets, in_port_t port) noexcept {
  mailwire::IpEndpoint out;
  out.address.family = family;
  std::memcpy(out.address.octets.data(), octets, out.address.size());
  out.port = ntohs(port);
  return out;
}

}  // namespace

bool is_proxy(const Networks& proxies, const mailwire::IpAddress& address) noexcept {
  if (address.family == mailwire::IpFamily::none) return !proxies.empty();
  return std::any_of(proxies.begin(), proxies.end(), [&](const auto& network) { return network.contains(address); });
}

mailwire::IpEndpoint endpoint_of(const sockaddr_storage& storage) noexcept {
  if (storage.ss_family == AF_INET) {
    sockaddr_in four;
    std::memcpy(&four, &storage, sizeof four);
    return endpoint(mailwire::IpFamily::v4, &four.sin_addr, four.sin_port);
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 six;
    std::memcpy(&six, &storage, sizeof six);
    return endpoint(mailwire::IpFamily::v6, &six.sin6_addr, six.sin6_port);
  }
  return {};
}

// Looks first, then takes as much as the parser says is the header's.
Tried ProxyReader::read() noexcept {
  while (parser_.status() == mailwire::ProxyParser::Status::more) {
    char block[mailwire::longest_proxy_header];
    const ssize_t seen = ::recv(socket_, block, sizeof block, MSG_PEEK);
    if (seen < 0) return after_call(seen, Tried::wait_readable);
    if (seen == 0) return {Tried::end};
    const auto step = parser_.next({block, static_cast<std::size_t>(seen)});
    if (::recv(socket_, block, step.taken, 0) != static_cast<ssize_t>(step.taken)) return {Tried::failed};
  }
  return {parser_.status() == mailwire::ProxyParser::Status::done ? Tried::done : Tried::failed};
}

std::string_view ProxyReader::reason(Tried::Result last) const noexcept {
  if (parser_.status() == mailwire::ProxyParser::Status::invalid) return to_string(parser_.error());
  return last == Tried::end ? "hung_up" : last == Tried::failed ? "lost" : "timeout";
}

mailwire::IpEndpoint ProxyReader::client(const mailwire::IpEndpoint& peer) const noexcept {
  const mailwire::IpEndpoint& source = parser_.header().source;
  if (source.address.family == mailwire::IpFamily::none) return peer;
  return {source.address.unmapped(), source.port};
}

bool ProxyReader::encrypted() const noexcept {
  const auto& tls = parser_.header().tls;
  return !parser_.header().local && tls && tls->encrypted;
}

std::string_view ProxyReader::identity() const noexcept {
  const auto& tls = parser_.header().tls;
  return encrypted() && tls->has_verified_certificate() ? tls->common_name : std::string_view();
}

bool ProxyReader::tells_of_tls() const noexcept { return !parser_.header().local && parser_.header().tls.has_value(); }

void ProxyReader::add_facts(LogLine& line) const {
  const mailwire::ProxyHeader& header = parser_.header();
  line.add("version", header.version);
  if (header.local) line.add("local", "yes");
  if (!header.authority.empty()) line.add("authority", header.authority);
  if (!header.tls) return;
  line.add("client_tls", header.tls->encrypted ? "yes" : "no").add("tls_version", header.tls->version);
  line.add("cipher", header.tls->cipher);
  if (header.tls->has_verified_certificate()) line.add("certificate", header.tls->common_name);
}

}  // namespace pop3d
