// SPDX-License-Identifier: MIT
// What most sessions never need, or only until they have logged in: on the heap, so that the others do not pay for it.
#ifndef POP3_DETAIL_EXTRAS_HPP
#define POP3_DETAIL_EXTRAS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../mailwire/byte_buffer.hpp"
#include "../../mailwire/scram.hpp"
#include "../config.hpp"
#include "../events.hpp"
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

// TlsFacts with its own memory: one block.
class OwnTlsFacts {
 public:
  OwnTlsFacts() = default;
  explicit OwnTlsFacts(const TlsFacts& facts) { assign(facts); }

  void assign(const TlsFacts& facts) {
    std::size_t size = 0;
    for (const auto member : members) size += (facts.*member).size();
    std::string text;
    text.reserve(size);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view fact = facts.*members[i];
      text += fact;
      sizes_[i] = static_cast<std::uint32_t>(fact.size());
    }
    text_.swap(text);
  }
  TlsFacts view() const noexcept {
    TlsFacts facts;
    std::string_view rest = text_;
    for (std::size_t i = 0; i < count; ++i) {
      facts.*members[i] = rest.substr(0, sizes_[i]);
      rest.remove_prefix(sizes_[i]);
    }
    return facts;
  }
  bool is_empty() const noexcept { return text_.empty(); }
  bool has_binding() const noexcept { return text_.size() > without_bindings(); }
  // The octets of a channel binding by its registered name; empty = there is none.
  std::string_view binding(std::string_view type) const noexcept {
    const TlsFacts facts = view();
    if (type == "tls-exporter") return facts.exporter;
    if (type == "tls-server-end-point") return facts.server_end_point;
    if (type == "tls-unique") return facts.unique;
    return {};
  }
  // Nobody will log in again. Views of the other facts stay good.
  void forget_bindings() noexcept {
    const std::size_t kept = without_bindings();
    mailwire::wipe(text_.data() + kept, text_.size() - kept);
    text_.resize(kept);
    for (std::size_t i = first_binding; i < count; ++i) sizes_[i] = 0;
  }

 private:
  static constexpr std::size_t count = 8, first_binding = 5;
  static constexpr std::string_view TlsFacts::*members[count] = {
      &TlsFacts::identity, &TlsFacts::version,  &TlsFacts::cipher,           &TlsFacts::server_name,
      &TlsFacts::protocol, &TlsFacts::exporter, &TlsFacts::server_end_point, &TlsFacts::unique};

  std::size_t without_bindings() const noexcept {
    std::size_t size = 0;
    for (std::size_t i = 0; i < first_binding; ++i) size += sizes_[i];
    return size;
  }

  std::string text_;  // all of them, one behind the other
  std::uint32_t sizes_[count] = {};
};

// Until somebody has logged in. Wiped as soon as it is not needed.
struct Authentication {
  std::string apop_challenge;
  std::string nonce, hostname;
  std::uint32_t challenges = 0;  // made from the nonce so far
  std::uint32_t user_size = 0;   // octets of the user's name in `text`; 0 = USER was not accepted
  mailwire::ByteBuffer text;     // the user's name, then a password or digest; or the reply that is held
  TimePoint hold_until{};
  SaslExchange exchange;
  LoginFailed failed{};
  mailwire::ByteBuffer failed_user;

  Authentication() = default;
  Authentication(const Authentication&) = delete;
  Authentication& operator=(const Authentication&) = delete;
  ~Authentication() {
    text.wipe();
    exchange.wipe();
    mailwire::wipe(nonce.data(), nonce.size());
  }
  std::string_view user() const noexcept { return text.view().substr(0, user_size); }

  // Gives back what is empty; true if that is everything.
  bool trim() noexcept {
    if (text.empty()) text.release();
    const bool idle = exchange.step == SaslExchange::Step::none;
    if (idle) exchange.release();
    // Who was told of a LoginFailed may still look at its user.
    return idle && text.empty() && nonce.empty() && apop_challenge.empty() && failed_user.empty();
  }
};

struct Extras {
  OwnTlsFacts tls;
  std::vector<std::string> announced, concealed;     // capabilities of this session
  std::optional<std::uint32_t> expire, login_delay;  // of Account
  std::string user_language;                         // of Account
  mailwire::ByteBuffer command;                      // the line of a CommandRequest
  std::array<std::uint32_t, rule_count> broken{};    // as Counters has it
  std::string chunk;                                 // of send_body()
  std::uint64_t octets_before_tls = 0;               // as Counters has them

  std::string trace;
  std::size_t untraced = 0;         // lines that had no room
  std::uint32_t replies_start = 0;  // where replies begin, in the output's text, that are not in the trace yet
  bool replies = false;             // there are some
  bool trace_asked = false;         // the last line of the trace is a request
  TimePoint traced_until{};         // the time of the last line

  // Something that somebody may still ask for; a trace apart.
  bool is_needed() const noexcept {
    for (const std::uint32_t count : broken)
      if (count > 0) return true;
    return octets_before_tls > 0 || expire || login_delay || !tls.is_empty() || !announced.empty() ||
           !concealed.empty() || !user_language.empty() || !command.empty() || !chunk.empty();
  }
};

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
