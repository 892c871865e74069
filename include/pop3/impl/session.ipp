// SPDX-License-Identifier: MIT
// pop3::Session: octets, time, and the work between two events.
#ifndef POP3_IMPL_SESSION_IPP
#define POP3_IMPL_SESSION_IPP

#include "../detail/extras.hpp"
#include "../detail/reply.hpp"
#include "../detail/trace.hpp"
#include "../session.hpp"

namespace pop3 {
inline namespace v1 {

POP3_INLINE Session::Session(const Config& config, SessionId id, bool encrypted) noexcept
    : config_(config), id_(id), encrypted_(encrypted) {}

// From the delegated constructor on the destructor runs, whatever new throws here.
POP3_INLINE Session::Session(const Config& config, Connection connection)
    : Session(config, connection.id, connection.encrypted) {
  if (detail::is_challenge(connection.apop_challenge)) {
    has_challenge_ = true;
    authentication().apop_challenge = connection.apop_challenge;
  }
  constexpr std::size_t least_nonce = 16;
  if (connection.nonce.size() >= least_nonce && !config.mechanisms.empty()) {
    has_nonce_ = true;
    authentication().nonce = connection.nonce;
    if (detail::is_host(connection.hostname)) auth_->hostname = connection.hostname;
  }
  if (encrypted_) set_tls_facts(connection.tls);
}

POP3_INLINE Session::~Session() {
  delete auth_;
  if (extras_ != nullptr) extras_->command.wipe();
  delete extras_;
}

// ---- octets in ----------------------------------------------------------------------------------------------------

POP3_INLINE MutableBuffer Session::input_buffer() {
  if (!wants_input()) return {};
  drop_read_ = drop_read_ && input_.is_lent();  // else this is another read
  return input_.room(line_limits());
}

POP3_INLINE void Session::commit_input(std::size_t n) {
  n = input_.commit(n);
  counters_.octets_in += n;
  if (n > 0) due_ = true;
  const bool before_tls = drop_read_ || activity_ == Activity::tls;
  // What came before TLS, or while the session closed, goes first: counting it may find no memory.
  if (drop_read_ || state_ == State::closed) input_.clear();
  drop_read_ = false;
  if (n > 0 && before_tls) extras().octets_before_tls += n;
}

POP3_INLINE std::size_t Session::receive(std::string_view octets) {
  std::size_t taken = 0;
  // Twice at most: the room may lie at the end of the block, and compacting it gives more.
  while (taken < octets.size()) {
    const MutableBuffer room = input_buffer();
    if (room.size == 0) break;
    const std::size_t left = octets.size() - taken;
    const std::size_t n = left < room.size ? left : room.size;
    std::memcpy(room.data, octets.data() + taken, n);
    commit_input(n);
    taken += n;
  }
  return taken;
}

POP3_INLINE void Session::end_of_input() {
  end_of_input_ = due_ = true;
  if (waits_for_handshake()) close(CloseReason::tls_failed, Ending::forced);  // who sends no more cannot finish it
}

POP3_INLINE void Session::disconnect() {
  const bool is_news = activity_ != Activity::closed && activity_ != Activity::over;
  close(CloseReason::disconnected, Ending::forced);  // first: a trace may find no memory
  if (is_news) trace_input("disconnect:", {});
}

POP3_INLINE bool Session::wants_input() const noexcept {
  return state_ != State::closed && state_ != State::update && activity_ != Activity::tls && !end_of_input_ &&
         input_.has_room(line_limits());
}

// ---- decisions ----------------------------------------------------------------------------------------------------

POP3_INLINE std::optional<Event> Session::poll(TimePoint now) {
  trace_replies();  // they were written before
  if (now > now_) now_ = now;
  if (activity_ == Activity::greet) began_ = now_;
  if (progress_ || (was_busy_ && waits_for_client())) waiting_since_ = now_;
  progress_ = false;
  expire();
  while (!asked_ && !body_done_ && !failed_ && step()) {
  }
  if (progress_) waiting_since_ = now_;
  progress_ = false;
  was_busy_ = !waits_for_client();
  auto event = next_event();
  if (event) trace_event(*event);
  note_told();  // not before: should the trace find no memory, the event comes again
  return event;
}

POP3_INLINE const Event* Session::pending() const noexcept { return told_ ? &pending_ : nullptr; }

// One piece of work; false if there is none for now.
POP3_INLINE bool Session::step() {
  switch (activity_) {
    case Activity::greet:
      detail::greeting(reply(), config_.greeting,
                       has_challenge_ ? std::string_view(auth_->apop_challenge) : std::string_view{});
      activity_ = Activity::commands;
      return true;
    case Activity::commands:
    case Activity::sasl: return take_line();
    case Activity::tls: return wait_for_tls();
    case Activity::hold: return release_held_reply();
    case Activity::listing: return write_listing();
    case Activity::body: return write_body();
    case Activity::close: return finish_closing();
    case Activity::closed:
    case Activity::over: break;
  }
  return false;
}

POP3_INLINE std::optional<Event> Session::next_event() const noexcept {
  if (body_done_) return BodyDone{cursor_, body_complete_, stuffer_.octets()};
  if (failed_) return auth_->failed;
  if (activity_ == Activity::closed) return Closed{reason_, maildrop_open_};
  if (asked_ && !told_) return pending_;
  return std::nullopt;
}

// That event, or that there is none, is what poll() returns.
POP3_INLINE void Session::note_told() noexcept {
  if (body_done_) {
    body_done_ = false;
  } else if (failed_) {
    failed_ = false;
  } else if (activity_ == Activity::closed) {
    activity_ = Activity::over;
  } else {
    due_ = false;
    if (!asked_ || told_) return;
    told_ = true;
    asked_at_ = now_;
    if (state_ == State::update) maildrop_open_ = false;  // whoever has the CommitRequest releases it
  }
}

// LIST and UIDL without an argument, as far as the output has room.
POP3_INLINE bool Session::write_listing() {
  if (output_.size() > config_.limits.output_high) return false;
  mailwire::ByteBuffer& out = reply();
  for (; cursor_ <= maildrop_.count() && output_.size() <= config_.limits.output_high; ++cursor_)
    if (!maildrop_.is_marked(cursor_)) append_entry(out, {}, cursor_);
  if (cursor_ > maildrop_.count()) {
    detail::end_multi_line(out);
    activity_ = Activity::commands;
  }
  return true;
}

POP3_INLINE bool Session::release_held_reply() {
  if (now_ < auth_->hold_until) return false;
  if (auth_->exchange.step == detail::SaslExchange::Step::refused) {
    regret_token();
    return true;
  }
  reply().append(auth_->text.view());
  auth_->text.clear();
  activity_ = Activity::commands;
  const unsigned limit = config_.limits.failed_logins;
  if (close_after_hold_) close(CloseReason::refused, Ending::flush);
  close_after_hold_ = false;
  if (limit > 0 && counters_.failed_logins >= limit) close(CloseReason::failed_logins, Ending::flush);
  return true;
}

// ---- octets out ---------------------------------------------------------------------------------------------------

POP3_INLINE std::string_view Session::output() {
  trace_replies();
  return output_.output();
}

POP3_INLINE std::size_t Session::gather(ConstBuffer* runs, std::size_t max) {
  trace_replies();
  return output_.gather(runs, max);
}

POP3_INLINE std::size_t Session::promised_output() {
  trace_replies();
  return output_.promised();
}

POP3_INLINE void Session::consume_output(std::size_t n) {
  const std::size_t before = output_.size();
  trace_replies();
  output_.consume(n);
  counters_.octets_out += before - output_.size();
  if (output_.size() < before) progress_ = due_ = true;
  if (ending_ == Ending::cut && output_.has_run()) due_ = true;  // it need not be kept any longer
}

POP3_INLINE std::size_t Session::copy_output(char* to, std::size_t room) {
  trace_replies();
  const std::size_t n = output_.copy(to, room);
  counters_.octets_out += n;
  if (n > 0) progress_ = due_ = true;
  return n;
}

POP3_INLINE bool Session::wants_output() const noexcept { return !output_.empty(); }

// ---- time ---------------------------------------------------------------------------------------------------------

// The peer is the one to act: nothing is asked, nothing is being sent.
POP3_INLINE bool Session::waits_for_client() const noexcept {
  return (activity_ == Activity::commands || activity_ == Activity::sasl) && !asked_ && output_.empty();
}

POP3_INLINE bool Session::logging_in() const noexcept {
  return state_ == State::authorization && activity_ != Activity::greet;
}

POP3_INLINE Duration Session::idle_limit() const noexcept {
  constexpr Duration least = std::chrono::minutes(10);  // RFC 1939, 3
  const Limits& limits = config_.limits;
  const bool raise = limits.idle > Duration::zero() && limits.idle < least && !limits.idle_below_rfc;
  return raise ? least : limits.idle;
}

POP3_INLINE std::optional<TimePoint> Session::deadline() const noexcept {
  std::optional<TimePoint> first;
  const auto add = [&](TimePoint since, Duration limit) {
    const TimePoint end = detail::later(since, limit);
    if (limit > Duration::zero() && (!first || end < *first)) first = end;
  };
  if (due_ && activity_ != Activity::over) return now_;
  if (activity_ == Activity::hold) first = auth_->hold_until;
  if (!output_.empty()) add(waiting_since_, config_.limits.write_stall);
  if (told_) add(asked_at_, answer_limit());
  if (logging_in()) add(began_, config_.limits.login);
  if (waits_for_client()) add(waiting_since_, idle_limit());
  return first;
}

// Ends what has lasted too long.
POP3_INLINE void Session::expire() {
  const auto over = [&](TimePoint since, Duration limit) { return limit > Duration::zero() && now_ - since >= limit; };
  const Limits& limits = config_.limits;
  if (!output_.empty() && over(waiting_since_, limits.write_stall)) {
    close(CloseReason::write_stall, Ending::forced);
  } else if (logging_in() && over(began_, limits.login)) {
    close(CloseReason::login_timeout, Ending::forced);  // as for the next one
  } else if (told_ && over(asked_at_, answer_limit())) {
    expire_answer();
  } else if (waits_for_client() && over(waiting_since_, idle_limit())) {
    close(CloseReason::idle_timeout, Ending::forced);  // without a reply (RFC 1939, 3)
  }
}

POP3_INLINE bool Session::waits_for_handshake() const noexcept {
  return asked_ && std::holds_alternative<TlsRequest>(pending_);
}

POP3_INLINE Duration Session::answer_limit() const noexcept {
  return waits_for_handshake() ? config_.limits.handshake : config_.limits.answer;
}

POP3_INLINE void Session::expire_answer() {
  if (waits_for_handshake()) return close(CloseReason::tls_failed, Ending::forced);
  const bool in_body = activity_ == Activity::body;
  if (!in_body) say_error(Text::timed_out, Code::sys_temp);
  close(CloseReason::answer_timeout, in_body ? Ending::cut : Ending::flush);
}

// ---- end ----------------------------------------------------------------------------------------------------------

// Nothing more is served. The first reason stays, except that what cannot be sent is not waited for.
POP3_INLINE void Session::close(CloseReason reason, Ending ending) {
  due_ = true;
  if (ending == Ending::forced) ending_ = Ending::forced;
  if (state_ == State::closed) return;
  reason_ = reason;
  ending_ = ending;
  body_cut_ = activity_ == Activity::body;
  activity_ = Activity::close;
  state_ = State::closed;
  asked_ = told_ = false;
  input_.clear();
  if (auth_ != nullptr) auth_->text.wipe();
  end_exchange();
  if (extras_ != nullptr) extras_->command.wipe();
}

// The peer stopped sending, and all that came before is served.
POP3_INLINE void Session::close_at_end() {
  trace_input("end:", {});
  close(CloseReason::end_of_input, Ending::flush);
}

// What was there for the login only.
POP3_INLINE void Session::drop_authentication() {
  delete auth_;
  auth_ = nullptr;
  if (extras_ == nullptr) return;
  if (extras_->tls.has_binding()) extras_->tls.forget_bindings();
  if (config_.trace || extras_->is_needed()) return;
  delete extras_;
  extras_ = nullptr;
}

POP3_INLINE bool Session::finish_closing() {
  const bool drops_run = ending_ == Ending::forced || (ending_ == Ending::cut && !output_.handed_out());
  if (drops_run) stuffer_.take_back(output_.promised_left());
  if (ending_ == Ending::forced) output_.drop();
  if (drops_run) output_.drop_run();
  if (body_cut_ && !output_.has_run()) {
    body_cut_ = false;
    end_body(false);
    return true;
  }
  if (!output_.empty()) return false;
  activity_ = Activity::closed;
  return true;
}

POP3_INLINE void Session::shutdown(Refusal why) {
  if (state_ == State::update || state_ == State::closed) return;
  if (config_.trace) trace_input("shutdown: ", detail::refusal_trace(why));
  // Nor may anything follow the +OK to STLS in the clear.
  const bool inside_answer =
      activity_ == Activity::body || activity_ == Activity::listing || activity_ == Activity::tls;
  if (!inside_answer) refuse_by_system(why, Text::shutting_down);
  close(CloseReason::shutdown, inside_answer ? Ending::cut : Ending::flush);
}

POP3_INLINE bool Session::finished() const noexcept { return activity_ == Activity::over; }

POP3_INLINE void Session::trim() noexcept {
  input_.trim();
  output_.trim();
  if (asked_ || state_ == State::closed) return;  // a request that became stale may still be looked at
  if (auth_ != nullptr && auth_->trim() && !failed_) {
    delete auth_;
    auth_ = nullptr;
  }
  if (extras_ == nullptr) return;
  if (extras_->command.empty()) extras_->command.release();
  if (config_.trace || extras_->is_needed()) return;
  delete extras_;
  extras_ = nullptr;
}

POP3_INLINE State Session::state() const noexcept { return state_; }
POP3_INLINE bool Session::encrypted() const noexcept { return encrypted_; }
POP3_INLINE Counters Session::counters() const noexcept {
  Counters all;
  all.octets_in = counters_.octets_in;
  all.octets_out = counters_.octets_out;
  all.commands = counters_.commands;
  all.bad_commands = counters_.bad_commands;
  all.failed_logins = counters_.failed_logins;
  all.logins = counters_.logins;
  all.retrieved = counters_.retrieved;
  all.tops = counters_.tops;
  all.marked = maildrop_.marked();
  all.removed = counters_.removed;
  all.body_octets = counters_.body_octets;
  all.by_verb = counters_.by_verb;
  if (extras_ != nullptr) {
    all.octets_before_tls = extras_->octets_before_tls;
    all.broken = extras_->broken;
  }
  return all;
}
POP3_INLINE bool Session::is_marked(std::uint32_t number) const noexcept {
  return maildrop_.has(number) && maildrop_.is_marked(number);
}
POP3_INLINE MessageInfo Session::message(std::uint32_t number) const noexcept {
  if (!maildrop_.has(number)) return {};
  return {maildrop_.size(number), maildrop_.uid(number)};
}

// A line of AUTH, and what follows in its exchange, may be longer than others (RFC 5034, 4).
POP3_INLINE mailwire::LineLimits Session::line_limits() const noexcept {
  constexpr std::size_t least = 255;  // RFC 2449, 4
  const Limits& limits = config_.limits;
  std::size_t line = limits.command_line < least ? least : limits.command_line;
  const bool of_auth = activity_ == Activity::sasl || (state_ == State::authorization && !config_.mechanisms.empty() &&
                                                       detail::begins_auth(input_.unread_line()));
  if (of_auth && line < limits.sasl_line) line = limits.sasl_line;
  return {line, limits.input_buffer, limits.endless_line, config_.tolerate.bare_lf};
}

}  // namespace v1
}  // namespace pop3

#endif
