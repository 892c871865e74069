// SPDX-License-Identifier: MIT
// What most sessions never need, or only until they have logged in: on the heap, so that the others do not pay for it.
#ifndef POP3_DETAIL_EXTRAS_HPP
#define POP3_DETAIL_EXTRAS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../mailwire/byte_buffer.hpp"
#include "../../mailwire/scram.hpp"
#include "../config.hpp"
#include "../types.hpp"

namespace pop3 {
inline namespace v1 {
namespace detail {

// An AUTH exchange (RFC 5034, 4).
struct SaslExchange {
  // What the client's next message is.
  enum class Step : std::uint8_t {
    none,      // there is no exchange
    first,     // the mechanism's first message
    next,      // a later one
    farewell,  // the empty answer to data that came with success
    refused,   // none: a token is wrong, the reasons are held back
    regret,    // whatever it answers to them (RFC 7628, 3.2.3)
  };

  Step step = Step::none;
  AuthMethod method = AuthMethod::other;
  const Mechanism* mechanism = nullptr;
  mailwire::ByteBuffer message;    // the last one, decoded
  mailwire::ByteBuffer name;       // LOGIN: the user's; SCRAM: whose maildrop; an own mechanism: the user's
  mailwire::ByteBuffer challenge;  // CRAM-MD5
  std::optional<mailwire::ScramServer> scram;
  bool decoy = false;         // SCRAM: the keys are made up
  bool unauthorized = false;  // SCRAM: nobody has said that the user may have that maildrop

  // The memory stays: a request that became stale may still be looked at.
  void wipe() noexcept {
    message.wipe();
    name.wipe();
    challenge.wipe();
    if (scram) scram->forget();
    step = Step::none;
    decoy = unauthorized = false;
  }
  // Once it is wiped, and nobody looks.
  void release() noexcept {
    message.release();
    name.release();
    challenge.release();
    scram.reset();
  }
};

// TlsFacts with its own memory.
struct OwnTlsFacts {
  std::string identity, exporter, server_end_point, unique, version, cipher, server_name, protocol;

  OwnTlsFacts() = default;
  explicit OwnTlsFacts(const TlsFacts& facts)
      : identity(facts.identity),
        exporter(facts.exporter),
        server_end_point(facts.server_end_point),
        unique(facts.unique),
        version(facts.version),
        cipher(facts.cipher),
        server_name(facts.server_name),
        protocol(facts.protocol) {}
  TlsFacts view() const noexcept {
    return {identity, exporter, server_end_point, unique, version, cipher, server_name, protocol};
  }
  // There is nothing to log.
  bool is_empty() const noexcept {
    return identity.empty() && version.empty() && cipher.empty() && server_name.empty() && protocol.empty();
  }
  bool has_binding() const noexcept { return !exporter.empty() || !server_end_point.empty() || !unique.empty(); }
  // The octets of a channel binding by its registered name; empty = there is none.
  std::string_view binding(std::string_view type) const noexcept {
    if (type == "tls-exporter") return exporter;
    if (type == "tls-server-end-point") return server_end_point;
    if (type == "tls-unique") return unique;
    return {};
  }
};

struct Extras {
  // until login
  std::string apop_challenge;
  std::string nonce, hostname;
  std::uint32_t challenges = 0;  // made from the nonce so far
  SaslExchange exchange;
  mailwire::ByteBuffer failed_user;  // of a LoginFailed

  OwnTlsFacts tls;
  std::vector<std::string> announced, concealed;  // capabilities of this session
  std::string user_language;                      // Account::language
  mailwire::ByteBuffer command;                   // the line of a CommandRequest

  std::string trace;
  std::size_t untraced = 0;       // lines that had no room
  std::size_t replies_start = 0;  // where replies begin, in the output's text, that are not in the trace yet
  bool replies = false;           // there are some
  bool trace_asked = false;       // the last line of the trace is a request
  TimePoint traced_until{};       // the time of the last line
};

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
