// SPDX-License-Identifier: MIT
// pop3::Session: what the application decides, and the bodies that it gives.
#ifndef POP3_IMPL_ANSWERS_IPP
#define POP3_IMPL_ANSWERS_IPP

#include "../detail/extras.hpp"
#include "../detail/reply.hpp"
#include "../detail/trace.hpp"
#include "../session.hpp"

namespace pop3 {
inline namespace v1 {

template <class Request>
Token<Request> Session::next_token() noexcept {
  return Token<Request>((std::uint64_t{id_} << 32) | ++questions_);
}

POP3_INLINE void Session::ask(const Event& request) {
  pending_ = request;
  asked_ = true;
}

// Closes the open question if the token belongs to it.
template <class Request>
bool Session::take(Token<Request> token) noexcept {
  if (!told_) return false;
  const auto* const request = std::get_if<Request>(&pending_);
  if (request == nullptr || request->token != token) return false;
  asked_ = told_ = false;
  due_ = true;
  return true;
}

// ---- login --------------------------------------------------------------------------------------------------------

POP3_INLINE Outcome Session::accept(Token<AuthRequest> token, std::string_view user) {
  const AuthRequest* const open = told_ ? std::get_if<AuthRequest>(&pending_) : nullptr;
  const std::string_view claimed = open == nullptr ? std::string_view{} : open->user;
  const std::string_view authzid = open == nullptr ? std::string_view{} : open->authzid;
  if (!take(token)) return Outcome::stale;
  return accept_login(claimed, authzid, user) ? Outcome::applied : Outcome::invalid;
}

POP3_INLINE Outcome Session::accept(Token<DigestRequest> token, std::string_view user) {
  const DigestRequest* const open = told_ ? std::get_if<DigestRequest>(&pending_) : nullptr;
  const std::string_view claimed = open == nullptr ? std::string_view{} : open->user;
  if (!take(token)) return Outcome::stale;
  return accept_login(claimed, {}, user) ? Outcome::applied : Outcome::invalid;
}

// Whose maildrop it is has to be said by somebody (RFC 4616, 2: an authzid needs its own permission).
POP3_INLINE bool Session::accept_login(std::string_view claimed, std::string_view authzid, std::string_view user) {
  const bool allowed = !user.empty() || (authzid.empty() && !claimed.empty());
  if (!allowed) {
    const AuthMethod method = auth_->exchange.method;  // USER and PASS have no authzid
    trace_accept({}, Outcome::invalid);
    report_failure(LoginFailed::Fault::not_authorized, method, claimed);
    fail_login({});
    return false;
  }
  trace_accept(user);
  set_user(user.empty() ? claimed : user);
  ask_for_list();
  return true;
}

// `user` may lie in what is wiped here.
POP3_INLINE void Session::set_user(std::string_view user) {
  detail::Authentication& own = authentication();
  const auto size = static_cast<std::uint32_t>(user.size());
  if (user.data() == own.text.data()) {  // it mostly does
    mailwire::wipe(own.text.data() + size, own.text.size() - size);
    own.text.truncate(size);
  } else {
    mailwire::ByteBuffer copy;
    copy.append(user);
    own.user_size = 0;  // until the name is there: it may find no memory
    own.text.wipe();
    own.text.append(copy.view());
  }
  own.user_size = size;
}

// The credentials are right and not needed any more; whose maildrop it is still is.
POP3_INLINE void Session::ask_for_list() {
  end_exchange();
  ListRequest request{};
  request.token = next_token<ListRequest>();
  request.user = auth_->text.view();
  ask(request);
}

POP3_INLINE Outcome Session::refuse(Token<AuthRequest> token, Refusal why) {
  return take(token) ? login_failed(why) : Outcome::stale;
}

POP3_INLINE Outcome Session::refuse(Token<DigestRequest> token, Refusal why) {
  return take(token) ? login_failed(why) : Outcome::stale;
}

POP3_INLINE Outcome Session::login_failed(const Refusal& why) {
  trace_refusal(why);
  fail_login(why);
  return Outcome::applied;
}

// Without a code it was the credentials.
POP3_INLINE void Session::fail_login(const Refusal& why) {
  hold_refusal(why, why.code == Code::none ? Code::auth : detail::legal(why.code, detail::Refused::login));
}

namespace detail {

// What a refused login says when the application gives no text.
constexpr Text login_refused(Code code) noexcept {
  switch (code) {
    case Code::auth: return Text::auth_failed;
    case Code::in_use: return Text::in_use;
    case Code::login_delay: return Text::login_delay;
    case Code::sys_temp: return Text::sys_temp;
    case Code::sys_perm: return Text::sys_perm;
    case Code::none:
    case Code::utf8: return Text::no_maildrop;
  }
  return Text::no_maildrop;
}

}  // namespace detail

// The reply is written now and held back, in the place of the credentials, until the delay is over.
POP3_INLINE void Session::hold_refusal(const Refusal& why, Code code) {
  if (code == Code::auth) ++counters_.failed_logins;
  mailwire::ByteBuffer line;  // why.text may point into the request, so into what is wiped here
  const bool given = !why.text.empty();
  const std::string_view words = given ? why.text : text(detail::login_refused(code));
  detail::status_line(line, "-ERR", code, {words, unicode()}, !given);
  forget_login();
  detail::Authentication& own = authentication();
  own.text.clear();
  own.text.append(line.view());
  own.hold_until = detail::later(asked_at_, why.delay.value_or(config_.limits.failed_login_delay));
  close_after_hold_ = why.close;
  activity_ = Activity::hold;
  // Nothing is wrong with the token when it is the system that failed.
  const bool token_refused =
      code == Code::auth && own.exchange.step != detail::SaslExchange::Step::none &&
      (own.exchange.method == AuthMethod::oauthbearer || own.exchange.method == AuthMethod::xoauth2);
  if (!token_refused) return end_exchange();
  own.exchange.message.wipe();
  own.exchange.step = detail::SaslExchange::Step::refused;
}

namespace detail {

// A string of JSON (RFC 8259, 7).
inline void append_json(ByteBuffer& out, std::string_view text) {
  out.append('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.append('\\');
    out.append(mailwire::is_text(c) ? c : ' ');
  }
  out.append('"');
}

}  // namespace detail

// Why a token was refused is told as a challenge, whose answer says nothing; then comes the -ERR (RFC 7628, 3.2.2).
POP3_INLINE void Session::regret_token() {
  const bool old = auth_->exchange.method == AuthMethod::xoauth2;
  mailwire::ByteBuffer json;
  json.append(old ? R"({"status":"401","schemes":"Bearer")" : R"({"status":"invalid_token")");
  const auto add = [&](std::string_view key, const std::string& value) {
    if (value.empty()) return;
    json.append(',');
    detail::append_json(json, key);
    json.append(':');
    detail::append_json(json, value);
  };
  add("scope", config_.oauth_scope);
  if (!old) add("openid-configuration", config_.oauth_configuration);
  json.append('}');
  auth_->exchange.step = detail::SaslExchange::Step::regret;
  send_challenge(json.view());
}

POP3_INLINE Outcome Session::accept(Token<ListRequest> token, Listing messages, const Account& account) {
  if (!take(token)) return Outcome::stale;
  const auto delay = account.login_delay ? account.login_delay : config_.login_delay;
  if (delay && account.last_login && now_ < detail::later(*account.last_login, std::chrono::seconds(*delay))) {
    if (config_.trace)
      trace_answer("accept", detail::listing_trace(messages, config_.limits.trace / 2), Outcome::invalid);
    report_failure(LoginFailed::Fault::login_delay, AuthMethod::other, auth_->text.view());
    say_error(Text::login_delay, Code::login_delay);
    forget_login();
    return Outcome::invalid;
  }
  const detail::Maildrop::Rules rules{config_.limits.messages, config_.uidl, config_.equal_uids, utf8_};
  const bool valid = maildrop_.assign(messages, rules);
  forget_login();
  if (config_.trace)
    trace_answer("accept", detail::listing_trace(messages, config_.limits.trace / 2),
                 valid ? Outcome::applied : Outcome::invalid);
  if (!valid) {
    say_error(Text::bad_listing, Code::sys_perm);
    return Outcome::invalid;
  }
  // All that may find no memory comes first: the maildrop is taken over, or it is not.
  if (account.expire) extras().expire = account.expire;
  if (account.login_delay) extras().login_delay = account.login_delay;
  if (!account.language.empty() && !config_.languages.empty()) extras().user_language = account.language;
  say_ok(maildrop_.left() == 1 ? Text::opened_one : Text::opened, maildrop_.left(), maildrop_.octets_left());
  state_ = State::transaction;
  maildrop_open_ = true;
  read_only_ = account.read_only;
  drop_authentication();
  return Outcome::applied;
}

// The credentials were right: the maildrop is what is missing.
POP3_INLINE Outcome Session::refuse(Token<ListRequest> token, Refusal why) {
  if (!take(token)) return Outcome::stale;
  trace_refusal(why);
  const Code code = detail::legal(why.code, detail::Refused::login);
  say_refused(why, code, detail::login_refused(code));
  forget_login();
  close_if_wanted(why);
  return Outcome::applied;
}

// ---- QUIT ---------------------------------------------------------------------------------------------------------

POP3_INLINE Outcome Session::accept(Token<CommitRequest> token) { return accept(token, maildrop_.to_remove()); }

POP3_INLINE Outcome Session::accept(Token<CommitRequest> token, std::size_t removed) {
  const std::size_t wanted = maildrop_.to_remove();
  if (!take(token)) return Outcome::stale;
  const Outcome outcome = removed > wanted ? Outcome::invalid : Outcome::applied;
  if (config_.trace) trace_answer("accept", std::to_string(removed), outcome);
  if (outcome == Outcome::invalid) {
    refuse_commit({});
    return outcome;
  }
  counters_.removed = static_cast<std::uint32_t>(removed);
  if (removed == wanted)
    say_ok(Text::bye);
  else
    say_error(Text::partly_removed, Code::sys_temp, removed, wanted);
  close(CloseReason::quit, Ending::flush);
  return Outcome::applied;
}

// A false list could only make a false +OK; so it is looked at, and what it says more than once, or too much, is
// refused.
POP3_INLINE Outcome Session::accept(Token<CommitRequest> token, Numbers removed) {
  const bool known = removed.count <= maildrop_.to_remove() && maildrop_.removes_all_of(removed);
  return accept(token, known ? removed.count : maildrop_.to_remove() + 1);
}

POP3_INLINE Outcome Session::refuse(Token<CommitRequest> token, Refusal why) {
  if (!take(token)) return Outcome::stale;
  trace_refusal(why);
  refuse_commit(why);
  return Outcome::applied;
}

POP3_INLINE void Session::refuse_commit(const Refusal& why) {
  refuse_by_system(why, Text::not_removed);
  close(CloseReason::quit, Ending::flush);
}

// ---- bodies -------------------------------------------------------------------------------------------------------

namespace detail {

// Clean octets are lent to the output from this many on; fewer are cheaper to copy than to send apart.
inline constexpr std::size_t least_run = 16 * 1024;
// Octets looked at, or copied, at a time: still in the cache when they are sent.
inline constexpr std::size_t body_block = 64 * 1024;

}  // namespace detail

POP3_INLINE Outcome Session::accept(Token<RetrieveRequest> token) {
  if (!take(token)) return Outcome::stale;
  trace_accept();
  begin_body<RetrieveRequest>();
  set_chunk({}, Chunk::more);
  return Outcome::applied;
}

POP3_INLINE Outcome Session::refuse(Token<RetrieveRequest> token, Refusal why) {
  if (!take(token)) return Outcome::stale;
  trace_refusal(why);
  say_refused(why, detail::legal(why.code, detail::Refused::message), Text::not_available);
  close_if_wanted(why);
  return Outcome::applied;
}

POP3_INLINE Outcome Session::refuse(Token<BodyRequest> token, Refusal) { return abort_body(token); }

POP3_INLINE Outcome Session::lend_body(Token<RetrieveRequest> token, std::string_view chunk, Chunk last) {
  return lend(token, chunk, last);
}

POP3_INLINE Outcome Session::lend_body(Token<BodyRequest> token, std::string_view chunk, Chunk last) {
  return lend(token, chunk, last);
}

POP3_INLINE Outcome Session::lend_body(Token<CommandRequest> token, std::string_view chunk, Chunk last) {
  return lend(token, chunk, last);
}

POP3_INLINE Outcome Session::send_body(Token<RetrieveRequest> token, std::string chunk, Chunk last) {
  return send(token, chunk, last);
}

POP3_INLINE Outcome Session::send_body(Token<BodyRequest> token, std::string chunk, Chunk last) {
  return send(token, chunk, last);
}

POP3_INLINE Outcome Session::send_body(Token<CommandRequest> token, std::string chunk, Chunk last) {
  return send(token, chunk, last);
}

POP3_INLINE Outcome Session::promise_body(Token<RetrieveRequest> token, std::size_t octets) {
  if (!take(token)) return Outcome::stale;
  const Outcome outcome = cut_top_ ? Outcome::invalid : Outcome::applied;
  if (config_.trace) trace_answer("promise", std::to_string(octets), outcome);
  if (outcome == Outcome::invalid) {
    say_error(Text::not_available);
    return outcome;
  }
  begin_body<RetrieveRequest>();
  set_chunk({}, Chunk::last);
  stuffer_.pass_unseen(octets);
  trace_replies();
  output_.promise(octets, stuffer_.end());
  end_written_ = true;
  return outcome;
}

template <class Request>
Outcome Session::lend(Token<Request> token, std::string_view chunk, Chunk last) {
  if (!take(token)) return Outcome::stale;
  if (config_.trace) trace_chunk(chunk, last, std::is_same_v<Request, CommandRequest>);
  begin_body<Request>();
  set_chunk(chunk, last);
  return Outcome::applied;
}

// As lend(), but the octets become ours if the answer is taken.
template <class Request>
Outcome Session::send(Token<Request> token, std::string& chunk, Chunk last) {
  if (!take(token)) return Outcome::stale;
  if (config_.trace) trace_chunk(chunk, last, std::is_same_v<Request, CommandRequest>);
  std::string& own = extras().chunk;  // before anything is said: it may find no memory
  begin_body<Request>();
  own.swap(chunk);
  set_chunk(own, last);
  return Outcome::applied;
}

POP3_INLINE Outcome Session::abort_body(Token<BodyRequest> token) {
  if (!take(token)) return Outcome::stale;
  trace_answer("abort");
  close(CloseReason::body_aborted, Ending::flush);
  return Outcome::applied;
}

// The first chunk comes behind a status line.
template <class Request>
void Session::begin_body() {
  if constexpr (std::is_same_v<Request, BodyRequest>) return;
  if constexpr (std::is_same_v<Request, CommandRequest>) {
    bad_in_a_row_ = 0;
    cut_top_ = false;
    cursor_ = 0;
    extras_->command.wipe();
    say_ok();
  } else if (cut_top_) {
    say_ok(Text::top);
  } else {
    say_ok(Text::octets, maildrop_.size(cursor_));
  }
  stuffer_ = mailwire::DotStuffer(config_.body_lines);
  offset_ = 0;
  end_written_ = false;
  activity_ = Activity::body;
}

POP3_INLINE void Session::set_chunk(std::string_view chunk, Chunk last) {
  offset_ += chunk.size();
  chunk_last_ = last == Chunk::last;
  chunk_ = chunk;
  if (!cut_top_) return;
  chunk_ = chunk.substr(0, top_cut_.take(chunk));
  chunk_last_ = chunk_last_ || top_cut_.done();
}

// Brings the body forward until the output has enough, the next chunk is needed, or the end is written.
POP3_INLINE bool Session::write_body() {
  if (output_.has_run()) return false;
  if (!chunk_.empty()) {
    if (output_.size() >= detail::body_block) return false;
    write_chunk();
    return true;
  }
  if (chunk_last_) {
    if (!end_written_) body_text().append(stuffer_.end());
    activity_ = Activity::commands;
    end_body(true);
    return true;
  }
  if (output_.size() > config_.limits.output_high) return false;
  BodyRequest request{};
  request.token = next_token<BodyRequest>();
  request.number = cursor_;
  request.offset = offset_;
  ask(request);
  return true;
}

POP3_INLINE void Session::write_chunk() {
  const std::string_view block = chunk_.substr(0, detail::body_block);
  if (block.size() >= detail::least_run) {
    const std::size_t clean = stuffer_.clean_prefix(block);
    if (clean >= detail::least_run) {
      lend_run(block.substr(0, clean));
      return;
    }
  }
  // Line ends to repair make at most twice as much of it, and one dot more.
  const std::size_t most = 2 * block.size() + 1;
  const std::size_t room = most < detail::body_block ? most : detail::body_block;
  mailwire::ByteBuffer& out = body_text();
  const mailwire::DotStuffer::Step step = stuffer_.copy(block, out.room(room), room);
  out.commit(step.written);
  chunk_.remove_prefix(step.taken);
}

POP3_INLINE void Session::lend_run(std::string_view clean) {
  stuffer_.pass(clean);
  chunk_.remove_prefix(clean.size());
  end_written_ = chunk_last_ && chunk_.empty();
  if (output_.empty()) progress_ = true;
  trace_replies();
  output_.lend(clean, end_written_ ? stuffer_.end() : std::string_view{});
}

POP3_INLINE void Session::end_body(bool complete) {
  const std::uint64_t octets = stuffer_.octets();
  counters_.body_octets += octets;
  if (complete && cursor_ > 0) {
    ++(cut_top_ ? counters_.tops : counters_.retrieved);
    // A surrogate is not the message: what it stands for has yet to be fetched.
    if (!cut_top_ && maildrop_.form(cursor_) == detail::Maildrop::Form::as_it_is) maildrop_.note_retrieved(cursor_);
  }
  chunk_ = {};
  if (extras_ != nullptr) std::string().swap(extras_->chunk);  // assigning an empty string would keep the memory
  body_done_ = true;
  body_complete_ = complete;
  if (config_.trace && (complete || octets > 0)) trace_input("S* ", std::to_string(octets) + (complete ? "" : " cut"));
}

}  // namespace v1
}  // namespace pop3

#endif
