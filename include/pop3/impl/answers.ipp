// SPDX-License-Identifier: MIT
// pop3::Session: what the application decides, and the bodies that it gives.
#ifndef POP3_IMPL_ANSWERS_IPP
#define POP3_IMPL_ANSWERS_IPP

#include "../detail/reply.hpp"
#include "../detail/texts.hpp"
#include "../session.hpp"

namespace pop3 {
inline namespace v1 {

template <class Request>
Token<Request> Session::next_token() noexcept {
  return Token<Request>((std::uint64_t{id_} << 32) | ++questions_);
}

POP3_INLINE void Session::ask(const Event& request) { pending_ = request; }

// Closes the open question if the token belongs to it.
template <class Request>
bool Session::take(Token<Request> token) noexcept {
  if (!told_) return false;
  const auto* const request = std::get_if<Request>(&*pending_);
  if (request == nullptr || request->token != token) return false;
  pending_.reset();
  told_ = false;
  due_ = true;
  return true;
}

// ---- login --------------------------------------------------------------------------------------------------------

POP3_INLINE Outcome Session::accept(Token<AuthRequest> token) {
  if (!take(token)) return Outcome::stale;
  ask_for_list();
  return Outcome::applied;
}

POP3_INLINE Outcome Session::accept(Token<ApopRequest> token) {
  if (!take(token)) return Outcome::stale;
  ask_for_list();
  return Outcome::applied;
}

// The credentials are right and not needed any more; whose maildrop it is still is.
POP3_INLINE void Session::ask_for_list() {
  mailwire::wipe(login_.data() + user_size_, login_.size() - user_size_);
  login_.truncate(user_size_);
  ListRequest request{};
  request.token = next_token<ListRequest>();
  request.user = login_.view();
  ask(request);
}

POP3_INLINE Outcome Session::refuse(Token<AuthRequest> token, Refusal why) {
  return take(token) ? login_failed(why) : Outcome::stale;
}

POP3_INLINE Outcome Session::refuse(Token<ApopRequest> token, Refusal why) {
  return take(token) ? login_failed(why) : Outcome::stale;
}

// The reply is written now and held back, in the place of the credentials, until the delay is over.
POP3_INLINE Outcome Session::login_failed(Refusal why) {
  const Code code = why.code == Code::none ? Code::auth : why.code;
  if (code == Code::auth) ++counters_.failed_logins;
  mailwire::ByteBuffer line;  // why.text may point into the request, so into login_
  detail::error(line, code, why.text.empty() ? detail::texts::login_refused(code) : why.text);
  forget_login();
  login_.append(line.view());
  hold_until_ = detail::later(asked_at_, config_.limits.failed_login_delay);
  activity_ = Activity::hold;
  return Outcome::applied;
}

POP3_INLINE Outcome Session::accept(Token<ListRequest> token, Listing messages) {
  if (!take(token)) return Outcome::stale;
  const bool valid = maildrop_.assign(messages, config_.uidl, config_.limits.messages);
  forget_login();
  if (!valid) {
    detail::error(reply(), Code::sys_perm, detail::texts::bad_listing);
    return Outcome::invalid;
  }
  login_.release();
  std::string().swap(challenge_);  // assigning an empty string would keep the memory
  state_ = State::transaction;
  maildrop_open_ = true;
  mailwire::ByteBuffer& out = reply();
  out.append("+OK maildrop has ");
  detail::append_number(out, maildrop_.left());
  out.append(maildrop_.left() == 1 ? " message (" : " messages (");
  detail::append_number(out, maildrop_.octets_left());
  out.append(" octets)");
  detail::end_line(out);
  return Outcome::applied;
}

// The credentials were right: the maildrop is what is missing.
POP3_INLINE Outcome Session::refuse(Token<ListRequest> token, Refusal why) {
  if (!take(token)) return Outcome::stale;
  detail::error(reply(), why.code, why.text.empty() ? detail::texts::login_refused(why.code) : why.text);
  forget_login();
  return Outcome::applied;
}

// ---- QUIT ---------------------------------------------------------------------------------------------------------

POP3_INLINE Outcome Session::accept(Token<CommitRequest> token) { return accept(token, maildrop_.marked()); }

POP3_INLINE Outcome Session::accept(Token<CommitRequest> token, std::size_t removed) {
  const std::size_t wanted = maildrop_.marked();
  if (removed > wanted) return refuse(token) == Outcome::stale ? Outcome::stale : Outcome::invalid;
  if (!take(token)) return Outcome::stale;
  counters_.removed = static_cast<std::uint32_t>(removed);
  mailwire::ByteBuffer& out = reply();
  if (removed == wanted) {
    detail::ok(out, detail::texts::bye);
  } else {
    out.append("-ERR [SYS/TEMP] ");
    detail::append_number(out, removed);
    out.append(" of ");
    detail::append_number(out, wanted);
    out.append(" deleted messages removed");
    detail::end_line(out);
  }
  close(CloseReason::quit, Ending::flush);
  return Outcome::applied;
}

POP3_INLINE Outcome Session::refuse(Token<CommitRequest> token, Refusal why) {
  if (!take(token)) return Outcome::stale;
  refuse_by_system(why, detail::texts::not_removed);
  close(CloseReason::quit, Ending::flush);
  return Outcome::applied;
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
  begin_body();
  set_chunk({}, Chunk::more);
  return Outcome::applied;
}

POP3_INLINE Outcome Session::refuse(Token<RetrieveRequest> token, Refusal why) {
  if (!take(token)) return Outcome::stale;
  const Code code = detail::legal(why.code, false);
  detail::error(reply(), code, why.text.empty() ? detail::texts::not_available : why.text);
  return Outcome::applied;
}

POP3_INLINE Outcome Session::refuse(Token<BodyRequest> token, Refusal) { return abort_body(token); }

POP3_INLINE Outcome Session::lend_body(Token<RetrieveRequest> token, std::string_view chunk, Chunk last) {
  return lend(token, chunk, last);
}

POP3_INLINE Outcome Session::lend_body(Token<BodyRequest> token, std::string_view chunk, Chunk last) {
  return lend(token, chunk, last);
}

POP3_INLINE Outcome Session::send_body(Token<RetrieveRequest> token, std::string chunk, Chunk last) {
  return send(token, chunk, last);
}

POP3_INLINE Outcome Session::send_body(Token<BodyRequest> token, std::string chunk, Chunk last) {
  return send(token, chunk, last);
}

template <class Request>
Outcome Session::lend(Token<Request> token, std::string_view chunk, Chunk last) {
  if (!take(token)) return Outcome::stale;
  if constexpr (std::is_same_v<Request, RetrieveRequest>) begin_body();
  set_chunk(chunk, last);
  return Outcome::applied;
}

// As lend(), but the octets become ours if the answer is taken.
template <class Request>
Outcome Session::send(Token<Request> token, std::string& chunk, Chunk last) {
  if (!take(token)) return Outcome::stale;
  if constexpr (std::is_same_v<Request, RetrieveRequest>) begin_body();
  chunk_owner_.swap(chunk);
  set_chunk(chunk_owner_, last);
  return Outcome::applied;
}

POP3_INLINE Outcome Session::abort_body(Token<BodyRequest> token) {
  if (!take(token)) return Outcome::stale;
  close(CloseReason::body_aborted, Ending::flush);
  return Outcome::applied;
}

POP3_INLINE void Session::begin_body() {
  mailwire::ByteBuffer& out = reply();
  if (cut_top_) {
    detail::ok(out, detail::texts::top);
  } else {
    out.append("+OK ");
    detail::append_number(out, maildrop_.size(cursor_));
    out.append(" octets");
    detail::end_line(out);
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
    if (!end_written_) reply().append(stuffer_.end());
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
    if (clean >= detail::least_run || clean == chunk_.size()) {
      lend_run(block.substr(0, clean));
      return;
    }
  }
  // Line ends to repair make at most twice as much of it, and one dot more.
  const std::size_t most = 2 * block.size() + 1;
  const std::size_t room = most < detail::body_block ? most : detail::body_block;
  mailwire::ByteBuffer& out = reply();
  const mailwire::DotStuffer::Step step = stuffer_.copy(block, out.room(room), room);
  out.commit(step.written);
  chunk_.remove_prefix(step.taken);
}

POP3_INLINE void Session::lend_run(std::string_view clean) {
  stuffer_.pass(clean);
  chunk_.remove_prefix(clean.size());
  end_written_ = chunk_last_ && chunk_.empty();
  if (output_.empty()) progress_ = true;
  output_.lend(clean, end_written_ ? stuffer_.end() : std::string_view{});
}

POP3_INLINE void Session::end_body(bool complete) {
  if (complete) ++(cut_top_ ? counters_.tops : counters_.retrieved);
  chunk_ = {};
  std::string().swap(chunk_owner_);  // assigning an empty string would keep the memory
  body_done_ = BodyDone{cursor_, complete, stuffer_.octets()};
}

}  // namespace v1
}  // namespace pop3

#endif
