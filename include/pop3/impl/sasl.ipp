// SPDX-License-Identifier: MIT
// pop3::Session: AUTH (RFC 5034), and the mechanisms that the library knows.
#ifndef POP3_IMPL_SASL_IPP
#define POP3_IMPL_SASL_IPP

#include "../../mailwire/base64.hpp"
#include "../../mailwire/hmac.hpp"
#include "../../mailwire/sasl.hpp"
#include "../../mailwire/scram.hpp"
#include "../../mailwire/sha.hpp"
#include "../detail/capabilities.hpp"
#include "../detail/extras.hpp"
#include "../detail/reply.hpp"
#include "../detail/trace.hpp"
#include "../session.hpp"

namespace pop3 {
inline namespace v1 {

// ---- the exchange -------------------------------------------------------------------------------------------------

POP3_INLINE const Mechanism* Session::find_mechanism(std::string_view name) const noexcept {
  for (const Mechanism& mechanism : config_.mechanisms)
    if (mailwire::equals_ignoring_case(mechanism.name, name)) return &mechanism;
  return nullptr;
}

// AUTH mechanism [ SP initial-response ]
POP3_INLINE void Session::auth(const detail::Command& command) {
  if (command.name.empty()) return list_mechanisms();
  const Mechanism* const mechanism = find_mechanism(command.name);
  if (mechanism == nullptr) return say_error(Text::no_mechanism);
  if (!detail::is_offered(*mechanism, config_, capability_facts())) {
    const bool in_the_clear =
        !encrypted_ && (mechanism->needs_tls || detail::shows_secret(detail::find_method(mechanism->name)));
    if (!in_the_clear) return say_error(Text::no_mechanism);
    if (command.initial) report_failure(LoginFailed::Fault::not_encrypted, detail::find_method(mechanism->name), {});
    return bad_command(Text::needs_tls);
  }
  detail::SaslExchange& exchange = authentication().exchange;
  exchange.wipe();
  exchange.method = detail::find_method(mechanism->name);
  exchange.mechanism = mechanism;
  exchange.step = detail::SaslExchange::Step::first;
  const bool server_first =
      exchange.method == AuthMethod::cram_md5 || (exchange.method == AuthMethod::other && mechanism->server_first);
  if (server_first && command.initial) {
    exchange_failed(LoginFailed::Fault::malformed, {});  // RFC 5034, 4
    return bad_command(Text::malformed);
  }
  if (exchange.method == AuthMethod::cram_md5) {
    make_challenge();
    return send_challenge(exchange.challenge.view());
  }
  if (server_first) return own_mechanism({}, true);
  if (command.initial) return take_response(*command.initial == "=" ? std::string_view{} : *command.initial);
  // LOGIN asks for the name, the others for whatever comes first.
  send_challenge(exchange.method == AuthMethod::login ? "Username:" : "");
}

// What Outlook asks for with "AUTH" alone: names, a line each.
POP3_INLINE void Session::list_mechanisms() {
  say_ok(Text::mechanisms);
  mailwire::ByteBuffer& out = reply();
  const detail::CapabilityFacts facts = capability_facts();
  for (const Mechanism& mechanism : config_.mechanisms) {
    if (!detail::is_offered(mechanism, config_, facts)) continue;
    out.append(mechanism.name);
    detail::end_line(out);
  }
  detail::end_multi_line(out);
}

// One line of base64, or "*". Nothing else is a command here (RFC 5034, 4).
POP3_INLINE void Session::take_response(std::string_view line) {
  using Step = detail::SaslExchange::Step;
  detail::SaslExchange& exchange = auth_->exchange;
  if (exchange.step == Step::regret) {
    activity_ = Activity::hold;  // whatever it says, it has failed
    return exchange.wipe();
  }
  if (line == "*") {
    exchange_failed(LoginFailed::Fault::cancelled, {});
    return bad_command(Text::cancelled);
  }
  exchange.message.wipe();
  const auto size = mailwire::base64_decode(line, exchange.message.room(line.size() + 3));
  if (!size) {
    exchange_failed(LoginFailed::Fault::malformed, {});
    return bad_command(Text::bad_response);
  }
  exchange.message.commit(*size);
  if (exchange.step == Step::farewell) {
    if (*size == 0) {
      activity_ = Activity::commands;
      return ask_for_list();
    }
    exchange_failed(LoginFailed::Fault::malformed, {});
    return bad_command(Text::bad_response);
  }
  sasl_message(exchange.message.view());
  if (!asked_) exchange.message.wipe();
}

// "+" SP base64 CRLF; an empty one is "+ " CRLF (RFC 5034, 4). The next line is the answer to it.
POP3_INLINE void Session::send_challenge(std::string_view data) {
  mailwire::ByteBuffer& out = reply();
  out.append("+ ");
  mailwire::append_base64(out, data);
  detail::end_line(out);
  activity_ = Activity::sasl;
}

POP3_INLINE void Session::sasl_message(std::string_view message) {
  using Step = detail::SaslExchange::Step;
  detail::SaslExchange& exchange = auth_->exchange;
  const bool first = exchange.step == Step::first;
  exchange.step = Step::next;
  activity_ = Activity::commands;  // unless another line is needed
  switch (exchange.method) {
    case AuthMethod::plain: return plain(message);
    case AuthMethod::login: return login(message);
    case AuthMethod::cram_md5: return cram_md5(message);
    case AuthMethod::oauthbearer:
    case AuthMethod::xoauth2: return bearer(message);
    case AuthMethod::external: return external(message);
    case AuthMethod::anonymous: return anonymous(message);
    case AuthMethod::scram_sha_1:
    case AuthMethod::scram_sha_1_plus:
    case AuthMethod::scram_sha_256:
    case AuthMethod::scram_sha_256_plus: return first ? scram_first(message) : scram_final(message);
    case AuthMethod::other: return own_mechanism(message, first);
    case AuthMethod::user_pass:
    case AuthMethod::apop: break;
  }
}

// Tells the application of a login that failed by itself.
POP3_INLINE void Session::report_failure(LoginFailed::Fault fault, AuthMethod method, std::string_view user) {
  detail::Authentication& own = authentication();
  own.failed_user.clear();
  own.failed_user.append(user.substr(0, 255));
  own.failed = {fault, method, own.failed_user.view()};
  failed_ = true;
}

// The exchange is over, and nothing of it counts. The reply is the caller's.
POP3_INLINE void Session::exchange_failed(LoginFailed::Fault fault, std::string_view user) {
  report_failure(fault, auth_->exchange.method, user);
  end_exchange();
  forget_login();
  activity_ = Activity::commands;
}

POP3_INLINE void Session::end_exchange() noexcept {
  if (auth_ != nullptr) auth_->exchange.wipe();
}

// A message that breaks the rules of its mechanism.
POP3_INLINE void Session::malformed_message() {
  exchange_failed(LoginFailed::Fault::malformed, {});
  bad_command(Text::bad_response);
}

// ---- mechanisms ---------------------------------------------------------------------------------------------------

// An authzid that says what is known anyway is none.
POP3_INLINE void Session::ask_password(std::string_view user, std::string_view authzid, std::string_view secret) {
  AuthRequest request{};
  request.token = next_token<AuthRequest>();
  request.user = user;
  request.authzid = authzid == user ? std::string_view{} : authzid;
  request.password = Secret(secret);
  request.method = auth_->exchange.method;
  request.encrypted = encrypted_;
  request.attempt = ++counters_.logins;
  ask(request);
}

// RFC 4616
POP3_INLINE void Session::plain(std::string_view message) {
  const auto said = mailwire::parse_sasl_plain(message);
  const bool named =
      said && mailwire::is_sasl_name(said->user) && (said->authzid.empty() || mailwire::is_sasl_name(said->authzid));
  if (!named) return malformed_message();
  ask_password(said->user, said->authzid, said->password);
}

// draft-murchison-sasl-login: the name, then the password.
POP3_INLINE void Session::login(std::string_view message) {
  detail::SaslExchange& exchange = auth_->exchange;
  if (exchange.name.empty()) {
    if (!mailwire::is_sasl_name(message)) return malformed_message();
    exchange.name.append(message);
    return send_challenge("Password:");
  }
  if (message.empty() || message.find('\0') != std::string_view::npos || !mailwire::is_utf8(message))
    return malformed_message();
  ask_password(exchange.name.view(), {}, message);
}

// RFC 7628; XOAUTH2 is what came before it.
POP3_INLINE void Session::bearer(std::string_view message) {
  detail::SaslExchange& exchange = auth_->exchange;
  const auto said = exchange.method == AuthMethod::xoauth2 ? mailwire::parse_sasl_xoauth2(message)
                                                           : mailwire::parse_sasl_oauthbearer(message);
  if (!said) return malformed_message();
  if (!said->escaped)
    exchange.name.append(said->authzid);
  else if (!mailwire::append_saslname(exchange.name, said->authzid))
    return malformed_message();
  ask_password(exchange.name.view(), {}, said->token);
}

// RFC 4422, appendix A: the message is the authzid, or empty.
POP3_INLINE void Session::external(std::string_view message) {
  if (!message.empty() && !mailwire::is_sasl_name(message)) return malformed_message();
  ask_password(extras_->tls.view().identity, message, {});
}

// RFC 4505
POP3_INLINE void Session::anonymous(std::string_view message) {
  if (!mailwire::is_sasl_trace(message)) return malformed_message();
  ask_password("anonymous", {}, message);
}

// ---- challenges ---------------------------------------------------------------------------------------------------

// A new one for each exchange; none of them tells anything about another.
POP3_INLINE void Session::append_nonce(mailwire::ByteBuffer& out) {
  detail::Authentication& own = *auth_;
  const std::string count = std::to_string(++own.challenges);
  const auto mac = mailwire::hmac<mailwire::Sha256>(own.nonce, count);
  mailwire::append_base64(out, {mac.data(), 18});  // 144 bits, and no "=" at the end
}

// "<" nonce "@" host ">" (RFC 2195, 2)
POP3_INLINE void Session::make_challenge() {
  mailwire::ByteBuffer& out = auth_->exchange.challenge;
  out.append('<');
  append_nonce(out);
  out.append('@');
  out.append(auth_->hostname.empty() ? std::string_view("localhost") : std::string_view(auth_->hostname));
  out.append('>');
}

POP3_INLINE void Session::cram_md5(std::string_view message) {
  const auto said = mailwire::parse_sasl_cram_md5(message);
  if (!said || !mailwire::is_sasl_name(said->user)) return malformed_message();
  ask_digest(said->user, said->digest, auth_->exchange.challenge.view(), AuthMethod::cram_md5);
}

POP3_INLINE void Session::ask_digest(std::string_view user, std::string_view digest, std::string_view challenge,
                                     AuthMethod method) {
  detail::Authentication& own = *auth_;
  own.text.clear();
  own.text.room(user.size() + digest.size());
  own.text.append(user);
  own.text.append(digest);
  own.user_size = static_cast<std::uint32_t>(user.size());
  DigestRequest request{};
  request.token = next_token<DigestRequest>();
  request.user = own.user();
  request.digest = own.text.view().substr(own.user_size);
  request.challenge = challenge;
  request.method = method;
  request.attempt = ++counters_.logins;
  ask(request);
}

// ---- SCRAM (RFC 5802) ---------------------------------------------------------------------------------------------

namespace detail {

constexpr mailwire::ScramHash scram_hash(AuthMethod method) noexcept {
  return method == AuthMethod::scram_sha_1 || method == AuthMethod::scram_sha_1_plus ? mailwire::ScramHash::sha_1
                                                                                     : mailwire::ScramHash::sha_256;
}
constexpr bool is_plus(AuthMethod method) noexcept {
  return method == AuthMethod::scram_sha_1_plus || method == AuthMethod::scram_sha_256_plus;
}

}  // namespace detail

// Whether the client could have chosen a -PLUS mechanism.
POP3_INLINE bool Session::offers_plus() const noexcept {
  const detail::CapabilityFacts facts = capability_facts();
  for (const Mechanism& mechanism : config_.mechanisms) {
    if (detail::is_plus(detail::find_method(mechanism.name)) && detail::is_offered(mechanism, config_, facts))
      return true;
  }
  return false;
}

POP3_INLINE void Session::scram_first(std::string_view message) {
  detail::SaslExchange& exchange = auth_->exchange;
  const mailwire::ScramHash hash = detail::scram_hash(exchange.method);
  exchange.scram.emplace(hash, detail::is_plus(exchange.method), offers_plus());
  const auto result = exchange.scram->first(message);
  if (result == mailwire::ScramServer::Result::wrong_binding) return scram_failed(LoginFailed::Fault::wrong_binding);
  if (result != mailwire::ScramServer::Result::ok) return malformed_message();
  const std::string_view type = exchange.scram->binding_type();
  if (!type.empty() && (extras_ == nullptr || extras_->tls.binding(type).empty()))
    return scram_failed(LoginFailed::Fault::wrong_binding);
  ScramRequest request{};
  request.token = next_token<ScramRequest>();
  request.user = exchange.scram->user();
  request.authzid = exchange.scram->authzid() == request.user ? std::string_view{} : exchange.scram->authzid();
  request.method = exchange.method;
  request.attempt = ++counters_.logins;
  ask(request);
}

POP3_INLINE void Session::send_scram_challenge(const mailwire::ScramKeys& keys) {
  mailwire::ByteBuffer nonce;
  append_nonce(nonce);
  send_challenge(auth_->exchange.scram->challenge(keys, nonce.view()));
}

POP3_INLINE Outcome Session::accept(Token<ScramRequest> token, const mailwire::ScramKeys& keys, std::string_view user) {
  const ScramRequest* const open = told_ ? std::get_if<ScramRequest>(&pending_) : nullptr;
  const bool unnamed = open != nullptr && !open->authzid.empty() && user.empty();
  if (!take(token)) return Outcome::stale;
  detail::SaslExchange& exchange = auth_->exchange;
  exchange.unauthorized = unnamed;
  exchange.name.append(user.empty() ? exchange.scram->user() : user);
  const bool usable = mailwire::are_scram_keys(detail::scram_hash(exchange.method), keys);
  const Outcome outcome = unnamed || !usable ? Outcome::invalid : Outcome::applied;
  if (usable)
    trace_accept(user, outcome);
  else
    trace_answer("keys", "none", outcome);
  if (!usable)
    hold_refusal({}, Code::sys_perm);
  else
    send_scram_challenge(keys);
  return outcome;
}

// The exchange goes on as for any user, with keys that no password fits.
POP3_INLINE Outcome Session::refuse(Token<ScramRequest> token, Refusal why) {
  if (!take(token)) return Outcome::stale;
  if (why.code != Code::none && why.code != Code::auth) return login_failed(why);
  trace_refusal(why);
  detail::SaslExchange& exchange = auth_->exchange;
  exchange.decoy = true;
  send_scram_challenge(mailwire::scram_decoy(detail::scram_hash(exchange.method), config_.scram_decoy_secret,
                                             exchange.scram->user(), config_.scram_decoy_iterations)
                           .view());
  return Outcome::applied;
}

POP3_INLINE void Session::scram_final(std::string_view message) {
  using Result = mailwire::ScramServer::Result;
  detail::SaslExchange& exchange = auth_->exchange;
  const std::string_view type = exchange.scram->binding_type();
  const std::string_view binding = extras_ == nullptr ? std::string_view{} : extras_->tls.binding(type);
  const Result result = exchange.scram->final(message, binding);
  if (result == Result::malformed) return malformed_message();
  if (result == Result::wrong_binding) return scram_failed(LoginFailed::Fault::wrong_binding);
  if (result == Result::wrong_proof || exchange.decoy) return scram_failed(LoginFailed::Fault::wrong_proof);
  if (exchange.unauthorized) return scram_failed(LoginFailed::Fault::not_authorized);
  set_user(exchange.name.view());
  exchange.step = detail::SaslExchange::Step::farewell;
  send_challenge(exchange.scram->signature());  // the client checks it, and says so with an empty line (RFC 5034, 4)
}

POP3_INLINE void Session::scram_failed(LoginFailed::Fault fault) {
  const detail::SaslExchange& exchange = auth_->exchange;
  report_failure(fault, exchange.method, exchange.scram->user());
  asked_at_ = now_;
  hold_refusal({}, Code::auth);
}

// ---- mechanisms of the application's own --------------------------------------------------------------------------

POP3_INLINE void Session::own_mechanism(std::string_view message, bool first) {
  SaslRequest request{};
  request.token = next_token<SaslRequest>();
  request.mechanism = auth_->exchange.mechanism->name;
  request.data = message;
  request.first = first;
  if (first) ++counters_.logins;
  request.attempt = counters_.logins;
  auth_->exchange.step = detail::SaslExchange::Step::next;
  ask(request);
}

POP3_INLINE Outcome Session::challenge(Token<SaslRequest> token, std::string_view data) {
  if (!take(token)) return Outcome::stale;
  trace_answer("challenge", data.empty() ? "\"\"" : "\"***\"");
  send_challenge(data);
  auth_->exchange.message.wipe();
  return Outcome::applied;
}

POP3_INLINE Outcome Session::accept(Token<SaslRequest> token, std::string_view user, std::string_view data) {
  if (!take(token)) return Outcome::stale;
  if (user.empty()) {
    trace_accept({}, Outcome::invalid);
    fail_login({});
    return Outcome::invalid;
  }
  if (config_.trace) trace_answer("accept", detail::quoted(user) + (data.empty() ? "" : " \"***\""));
  set_user(user);
  if (data.empty()) {
    ask_for_list();
  } else {
    auth_->exchange.step = detail::SaslExchange::Step::farewell;
    send_challenge(data);
  }
  return Outcome::applied;
}

POP3_INLINE Outcome Session::refuse(Token<SaslRequest> token, Refusal why) {
  return take(token) ? login_failed(why) : Outcome::stale;
}

}  // namespace v1
}  // namespace pop3

#endif
