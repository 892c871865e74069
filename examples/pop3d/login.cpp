// SPDX-License-Identifier: MIT
// What a connection has to do with its client's identity.
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>

#include "elsewhere.hpp"
#include "mailwire/hash.hpp"
#include "mailwire/scram.hpp"
#include "pop3/digest.hpp"

namespace pop3d {
namespace {

constexpr std::string_view to_string(Users::Verdict verdict) {
  switch (verdict) {
    case Users::Verdict::accepted: break;
    case Users::Verdict::wrong_password: return "wrong_password";
    case Users::Verdict::unknown_user: return "unknown_user";
    case Users::Verdict::barred: return "barred";
  }
  return "accepted";
}

// What the session is to know of TLS, with the octets that its views look at.
struct KnownTls {
  // `certified`: who the client is by what a proxy says, instead of what the certificate here says.
  KnownTls(const Stream& stream, std::optional<std::string_view> certified) {
    if (stream.encrypted()) {
      details = stream.tls_details();
      exporter = stream.channel_binding("tls-exporter");
      end_point = stream.channel_binding("tls-server-end-point");
      unique = stream.channel_binding("tls-unique");
    }
    if (certified) details.identity = *certified;
    facts = {details.identity, exporter, end_point, unique, details.version, details.cipher, details.sni, details.alpn};
  }
  KnownTls(const KnownTls&) = delete;
  KnownTls& operator=(const KnownTls&) = delete;

  TlsDetails details;
  std::string exporter, end_point, unique;
  pop3::TlsFacts facts;
};

void fill_randomly(void* octets, std::size_t size) {
  if (RAND_bytes(static_cast<unsigned char*>(octets), static_cast<int>(size)) != 1)
    throw std::runtime_error("no random octets");
}

std::array<char, 24> random_octets() {
  std::array<char, 24> octets;
  fill_randomly(octets.data(), octets.size());
  return octets;
}

// Whoever has proved to be this user may still not log in.
Users::Verdict verdict_on_proven(const Users& users, std::string_view user, const mailwire::IpAddress& from) {
  if (users.admits(user, from)) return Users::Verdict::accepted;
  return users.exists(user) ? Users::Verdict::barred : Users::Verdict::unknown_user;
}

// From here on no proof fits them. Salt and iterations, which the client sees, stay.
void spoil(mailwire::OwnScramKeys& keys) {
  fill_randomly(keys.stored_key.data(), keys.stored_key.size());
  fill_randomly(keys.server_key.data(), keys.server_key.size());
}

// "<unique@host>" (RFC 1939, 7)
std::string apop_challenge(const std::string& hostname) {
  const auto hex = mailwire::to_hex(random_octets());
  std::string challenge("<");
  challenge.append(hex.data(), hex.size()).append(".").append(std::to_string(std::time(nullptr)));
  return challenge.append("@").append(hostname).append(">");
}

}  // namespace

void Connection::make_session() {
  const auto nonce = random_octets();
  const std::string challenge = services_.apop ? apop_challenge(services_.hostname) : std::string();
  const KnownTls known(stream_, certified_identity());
  pop3::Connection facts;
  facts.id = id_;
  facts.encrypted = stream_.encrypted() || (proxied_ && proxied_->tls);
  facts.tls = known.facts;
  facts.apop_challenge = challenge;
  facts.nonce = std::string_view(nonce.data(), nonce.size());
  facts.hostname = services_.hostname;
  session_.emplace(*config_, facts);
}

// Octets that came behind STLS belong to TLS: the client's first ones, or somebody else's, with which it fails.
void Connection::answer(const pop3::TlsRequest& ask) {
  stream_.start_tls(services_.tls.get(), session_->unread_input());
  stls_ = ask.token;
  begin_handshake();
}

void Connection::end_stls(bool done) {
  phase_ = Phase::session;
  if (done)
    session_->accept(stls_, KnownTls(stream_, certified_identity()).facts);
  else
    session_->refuse(stls_);
}

// Behind a proxy that ends the client's TLS a certificate that we see is its own, the same for everybody.
std::optional<std::string_view> Connection::certified_identity() const {
  if (!proxied_ || !proxied_->ends_tls) return std::nullopt;
  return proxied_->identity;
}

// Comes before TLS: whoever holds a handshake open counts too.
void Connection::enter_throttle() {
  if (!refusal_.empty()) return;
  switch (services_.throttle.enter(client_.address, Clock::now())) {
    case Throttle::Admission::admitted: counted_address_ = client_.address; return;
    case Throttle::Admission::too_many: refusal_ = "too many connections from your address, try again later"; return;
    case Throttle::Admission::banned: refusal_ = "too many failed logins, try again later"; return;
  }
}

void Connection::leave_throttle() noexcept {
  if (counted_address_) services_.throttle.leave(*std::exchange(counted_address_, std::nullopt));
  if (!counted_user_.empty()) services_.throttle.leave(std::exchange(counted_user_, {}));
}

// Since the connection was admitted, others may have failed from the same address.
bool Connection::banned() { return services_.throttle.banned(client_.address, Clock::now()); }

// ---- proofs -------------------------------------------------------------------------------------------------------

void Connection::answer(const pop3::AuthRequest& ask) {
  user_ = ask.user;  // also of a login that fails, for the log
  method_ = to_string(ask.method);
  const bool bearer = ask.method == pop3::AuthMethod::oauthbearer || ask.method == pop3::AuthMethod::xoauth2;
  const auto users = services_.users.get();
  if (banned()) {
    decide(ask, Users::Verdict::barred);
  } else if (ask.method == pop3::AuthMethod::external) {  // TLS has checked the certificate
    decide(ask, verdict_on_proven(*users, ask.user, client_.address));
  } else if (bearer) {
    const auto check = [this, ask]() -> std::optional<Tokens::Checked> {
      return services_.tokens.get()->check(ask.password.reveal(), std::time(nullptr));
    };
    on(services_.hashing, check, [this, ask, users](const std::optional<Tokens::Checked>& token) {
      token ? decide_by_token(ask, *token, *users) : decide(ask, std::nullopt);
    });
  } else if (users->is_quick_to_check(ask.user)) {
    decide(ask, users->check(ask.user, ask.password.reveal(), client_.address));
  } else {
    const auto check = [this, ask, users]() -> std::optional<Users::Verdict> {
      return users->check(ask.user, ask.password.reveal(), client_.address);
    };
    on(services_.hashing, check, [this, ask](std::optional<Users::Verdict> verdict) { decide(ask, verdict); });
  }
}

// The token says who it is; whoever names somebody else is somebody else.
void Connection::decide_by_token(const pop3::AuthRequest& ask, const Tokens::Checked& token, const Users& users) {
  if (token.verdict != Tokens::Verdict::accepted) return turn_down(ask, name_of(token.verdict));
  if (!ask.user.empty() && prepare_user(ask.user) != token.user) return turn_down(ask, "token_of_another");
  const Users::Verdict verdict = verdict_on_proven(users, token.user, client_.address);
  if (verdict != Users::Verdict::accepted) return turn_down(ask, to_string(verdict));
  session_->accept(ask.token, token.user);
}

void Connection::answer(const pop3::DigestRequest& ask) {
  user_ = ask.user;
  method_ = to_string(ask.method);
  const auto users = services_.users.get();
  const auto secret = users->plain_password(ask.user);
  const std::string_view known = secret ? secret->view() : std::string_view();  // nobody: the same work
  const bool right = ask.method == pop3::AuthMethod::apop ? pop3::apop_matches(ask.challenge, known, ask.digest)
                                                          : pop3::cram_md5_matches(ask.challenge, known, ask.digest);
  if (banned())
    decide(ask, Users::Verdict::barred);
  else if (!secret)
    decide(ask, Users::Verdict::unknown_user);
  else
    decide(ask, right ? verdict_on_proven(*users, ask.user, client_.address) : Users::Verdict::wrong_password);
}

// Keys that nobody's password fits look like others; so what is wrong with a user does not show.
void Connection::answer(const pop3::ScramRequest& ask) {
  user_ = ask.user;
  method_ = to_string(ask.method);
  const bool sha_1 = ask.method == pop3::AuthMethod::scram_sha_1 || ask.method == pop3::AuthMethod::scram_sha_1_plus;
  const auto hash = sha_1 ? mailwire::ScramHash::sha_1 : mailwire::ScramHash::sha_256;
  const auto users = services_.users.get();
  const auto find = [ask, hash, users]() -> std::optional<Users::Scram> { return users->scram_keys(ask.user, hash); };
  on(services_.hashing, find, [this, ask, users](std::optional<Users::Scram> found) {
    if (!found) {
      session_->refuse(ask.token, {pop3::Code::sys_temp, "the password cannot be checked"});
      return;
    }
    // The server's signature would tell that the password was right.
    if (banned() || !users->admits(ask.user, client_.address)) spoil(found->keys);
    session_->accept(ask.token, found->keys.view());
  });
}

void Connection::answer(const pop3::SaslRequest& ask) {  // there is no such mechanism
  session_->refuse(ask.token);
}

template <class Request>
void Connection::decide(const Request& ask, std::optional<Users::Verdict> verdict) {
  if (!verdict)
    session_->refuse(ask.token, {pop3::Code::sys_temp, "the password cannot be checked"});
  else if (*verdict == Users::Verdict::accepted)
    session_->accept(ask.token);
  else if (banned())  // guesses do not count any more, and right ones do not help
    session_->refuse(ask.token);
  else
    turn_down(ask, to_string(*verdict));
}

// All who fail get the same reply, which waits for as long as the throttle says.
template <class Request>
void Connection::turn_down(const Request& ask, std::string_view why) {
  const auto slow = services_.throttle.failed(client_.address, Clock::now());
  log_failure(why);
  const auto usual = config_->limits.failed_login_delay;
  session_->refuse(ask.token, {pop3::Code::none, {}, false, std::max<pop3::Duration>(slow, usual)});
}

// What the session found out itself. Its reply is held back already; the throttle may want more.
void Connection::answer(const pop3::LoginFailed& failed) {
  using Fault = pop3::LoginFailed::Fault;
  if (!failed.user.empty()) user_ = failed.user;
  if (failed.method != pop3::AuthMethod::other) method_ = to_string(failed.method);
  const bool guessed = failed.fault == Fault::wrong_proof || failed.fault == Fault::wrong_binding ||
                       failed.fault == Fault::not_authorized;
  if (guessed && banned()) return;  // as in decide()
  log_failure(to_string(failed.fault));
  if (!guessed) return;
  enter(Phase::held_back, services_.throttle.failed(client_.address, Clock::now()));
}

void Connection::log_failure(std::string_view why) {
  LogLine(services_.log, Level::info, "failed_login")
      .add("user", user_)
      .add("address", client_.text().view())
      .add("method", method_)
      .add("why", why);
}

// ---- the maildrop -------------------------------------------------------------------------------------------------

// Only who has proved who he is learns of these limits.
bool Connection::admit(const std::string& user, pop3::Token<pop3::ListRequest> token) {
  if (!services_.users.get()->admits(user, client_.address) || banned()) {
    log_failure("barred");
    session_->refuse(token, {pop3::Code::auth});
    return false;
  }
  if (services_.last_login.wait(user, Clock::now()) > Clock::duration::zero()) {
    session_->refuse(token, {pop3::Code::login_delay});
    return false;
  }
  if (counted_user_ != user) {
    if (!counted_user_.empty()) services_.throttle.leave(std::exchange(counted_user_, {}));
    if (services_.throttle.enter(user)) counted_user_ = user;
  }
  if (counted_user_.empty()) {
    session_->refuse(token, {pop3::Code::sys_temp, "too many connections of this user"});
    return false;
  }
  return true;
}

void Connection::answer(const pop3::ListRequest& ask) {
  const std::string user = prepare_user(ask.user).value_or("");
  if (!admit(user, ask.token)) return;
  if (auto maildrop = services_.store->open_at_once(user)) return show(ask, user, std::move(maildrop));
  struct Opened {
    std::unique_ptr<Maildrop> maildrop;
    bool failed = true;  // else another session has it
  };
  const auto open = [this, user] { return Opened{services_.store->open(user), false}; };
  on(services_.blocking, open, [this, user, ask](Opened opened) {
    if (opened.maildrop)
      show(ask, user, std::move(opened.maildrop));
    else
      session_->refuse(ask.token, {opened.failed ? pop3::Code::sys_temp : pop3::Code::in_use});
  });
}

// A maildrop that is not taken is still ours, and unlocked here.
void Connection::show(const pop3::ListRequest& ask, const std::string& user, std::unique_ptr<Maildrop> maildrop) {
  if (session_->accept(ask.token, maildrop->messages()) != pop3::Outcome::applied) return;
  maildrop_ = std::move(maildrop);
  user_ = user;
  services_.last_login.note(user, Clock::now());
}

}  // namespace pop3d
