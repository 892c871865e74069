// SPDX-License-Identifier: MIT
// pop3::Session: the commands, one function each.
#ifndef POP3_IMPL_COMMANDS_IPP
#define POP3_IMPL_COMMANDS_IPP

#include "../detail/capabilities.hpp"
#include "../detail/extras.hpp"
#include "../detail/reply.hpp"
#include "../session.hpp"

namespace pop3 {
inline namespace v1 {

// Takes one line, unless the peer has yet to read what was answered before.
POP3_INLINE bool Session::take_line() {
  if (output_.size() > config_.limits.output_high) return false;
  const mailwire::LineLimits limits = line_limits();  // of this line: the next one may be of another kind
  const mailwire::LineReader::Result input = input_.next(limits);
  if (input.status == mailwire::LineReader::Status::more) {
    if (end_of_input_) close_at_end();
    return end_of_input_;
  }
  ++counters_.commands;
  const bool in_authorization = state_ == State::authorization;
  const std::uint64_t bad_before = counters_.bad_commands;
  if (input.bare_lf) count_broken(Rule::bare_lf);
  if (input.status == mailwire::LineReader::Status::too_long)
    refuse_line(limits.line, input_.hopeless());
  else if (activity_ == Activity::sasl)
    trace_response(input.line), take_response(input.line);
  else
    take_command(input.line);
  // A mistyped PASS is a secret, and so is one that comes too late.
  const bool bad = counters_.bad_commands != bad_before;
  const bool unknown_yet = waits_for_command();
  if (in_authorization || bad || unknown_yet) input_.wipe_line();
  // AUTH is no good command before its exchange has come to something.
  if (!bad && !unknown_yet && activity_ != Activity::sasl) bad_in_a_row_ = 0;
  return true;
}

POP3_INLINE void Session::refuse_line(std::size_t longest, bool hopeless) {
  const std::size_t endless = hopeless ? config_.limits.endless_line : 0;
  if (config_.trace) trace_input("C* ", std::to_string(endless < longest ? longest : endless));
  const bool regret = activity_ == Activity::sasl && auth_->exchange.step == detail::SaslExchange::Step::regret;
  if (regret) {
    take_response({});  // it has failed already: the reply to that is due
  } else {
    if (activity_ == Activity::sasl)
      exchange_failed(LoginFailed::Fault::malformed, {});
    else
      forget_login();
    bad_command(Text::line_too_long);
  }
  if (hopeless) close(CloseReason::endless_line, Ending::flush);
}

POP3_INLINE void Session::take_command(std::string_view line) {
  const detail::Command command = detail::parse_command(line);
  trace_command(command, line);
  // PASS must come directly after USER (RFC 1939, 7).
  if (command.verb != Verb::pass || !command.well_formed) forget_login();
  const CommandSpec* const spec = find_spec(command.word);
  const bool asks = spec != nullptr || observes_all();
  if (!asks || (command.verb != Verb::other && !may_execute(command))) return execute(command);
  if (spec != nullptr && command.verb == Verb::other) return take_own_command(*spec, command, line);
  ask_for_command(command, line, command.verb != Verb::other);
}

// Whether every rule that the command breaks is relaxed.
POP3_INLINE bool Session::is_tolerated(const detail::Command& command) const noexcept {
  if (command.broken.none()) return true;
  const Tolerance& tolerate = config_.tolerate;
  const auto kept = [&](Rule rule, bool relaxed) { return relaxed || !command.broken.has(rule); };
  return kept(Rule::bare_lf, false) &&  // where it is relaxed, no LF is left in a line
         kept(Rule::spaces, tolerate.spaces) && kept(Rule::leading_zeros, tolerate.leading_zeros) &&
         kept(Rule::eight_bit, tolerate.eight_bit || has_utf8_names(command)) &&
         kept(Rule::auth_list, tolerate.auth_list);
}

// RFC 6856, 2.2: once "UTF8 USER" was announced, names and passwords may be UTF-8, and break no rule then.
POP3_INLINE bool Session::has_utf8_names(const detail::Command& command) const noexcept {
  return config_.utf8 == Utf8::user && mailwire::is_utf8(command.name) && mailwire::is_utf8(command.secret);
}

POP3_INLINE void Session::count_broken(const detail::Command& command) {
  if (command.broken.none()) return;
  for (std::size_t i = 0; i < rule_count; ++i) {
    const Rule rule = static_cast<Rule>(i);
    if (command.broken.has(rule) && (rule != Rule::eight_bit || !has_utf8_names(command))) count_broken(rule);
  }
}

POP3_INLINE void Session::count_broken(Rule rule) { ++extras().broken[static_cast<std::size_t>(rule)]; }

// Whether this session has the command at all.
POP3_INLINE bool Session::known(const detail::Command& command) const noexcept {
  switch (command.verb) {
    case Verb::other: return false;
    case Verb::top: return config_.top;
    case Verb::uidl: return config_.uidl;
    case Verb::apop: return has_challenge_;
    case Verb::auth: return !config_.mechanisms.empty();
    case Verb::stls: return config_.offer_stls;
    case Verb::utf8: return config_.utf8 != Utf8::off;
    case Verb::lang: return !config_.languages.empty();
    default: return true;
  }
}

POP3_INLINE bool Session::allowed_now(Verb verb) const noexcept {
  const detail::VerbInfo& info = detail::info(verb);
  return state_ == State::authorization ? info.in_authorization : info.in_transaction;
}

// Nothing is wrong with a built-in command's state and syntax.
POP3_INLINE bool Session::may_execute(const detail::Command& command) const noexcept {
  return known(command) && allowed_now(command.verb) && command.well_formed && is_tolerated(command);
}

POP3_INLINE void Session::execute(const detail::Command& command) {
  count_broken(command);
  if (!known(command)) return bad_command(Text::unknown_command);
  if (!allowed_now(command.verb)) return bad_command(Text::not_now);
  if (!command.well_formed || !is_tolerated(command)) {
    forget_login();
    return bad_command(Text::malformed);
  }
  ++counters_.by_verb[static_cast<std::size_t>(command.verb)];
  if (too_many_attempts()) {
    say_error(Text::too_many_bad);
    return close(CloseReason::failed_logins, Ending::flush);
  }
  switch (command.verb) {
    case Verb::user: return user(command);
    case Verb::pass: return pass(command);
    case Verb::apop: return apop(command);
    case Verb::auth: return auth(command);
    case Verb::stls: return stls();
    case Verb::utf8: return utf8_command();
    case Verb::lang: return lang(command);
    case Verb::quit: return quit();
    case Verb::stat: return stat();
    case Verb::list: list_uids_ = false; return list(command);
    case Verb::uidl: list_uids_ = true; return list(command);
    case Verb::retr:
    case Verb::top: return retrieve(command);
    case Verb::dele: return dele(command);
    case Verb::noop: return say_ok();
    case Verb::rset: return rset();
    case Verb::capa: return capa();
    case Verb::other: break;
  }
}

// Also those that were cancelled or malformed: they cost something too.
POP3_INLINE bool Session::too_many_attempts() const noexcept {
  const auto count = [&](Verb verb) { return counters_.by_verb[static_cast<std::size_t>(verb)]; };
  const unsigned limit = config_.limits.login_attempts;
  return state_ == State::authorization && limit > 0 &&
         count(Verb::pass) + count(Verb::apop) + count(Verb::auth) > limit;
}

POP3_INLINE void Session::bad_command(Text text) {
  ++counters_.bad_commands;
  ++bad_in_a_row_;
  const unsigned limit = config_.limits.bad_commands;
  const bool too_many = limit > 0 && bad_in_a_row_ >= limit;
  say_error(too_many ? Text::too_many_bad : text);
  if (too_many) close(CloseReason::bad_commands, Ending::flush);
}

// ---- AUTHORIZATION (RFC 1939, 4 and 7) ----------------------------------------------------------------------------

POP3_INLINE void Session::forget_login() noexcept {
  if (auth_ == nullptr || auth_->user_size == 0) return;
  auth_->text.wipe();
  auth_->user_size = 0;
}

// Always +OK: who exists is not told.
POP3_INLINE void Session::user(const detail::Command& command) {
  if (!detail::password_login_allowed(config_, encrypted_)) return bad_command(Text::needs_tls);
  detail::Authentication& own = authentication();
  own.text.clear();
  own.text.room(line_limits().line);  // mostly the password will fit as well
  own.text.append(command.name);
  own.user_size = static_cast<std::uint32_t>(command.name.size());
  say_ok(Text::send_pass);
}

// +OK or -ERR come when the application has answered.
POP3_INLINE void Session::pass(const detail::Command& command) {
  if (!detail::password_login_allowed(config_, encrypted_)) {
    report_failure(LoginFailed::Fault::not_encrypted, AuthMethod::user_pass, {});
    return bad_command(Text::needs_tls);
  }
  if (auth_ == nullptr || auth_->user_size == 0) return bad_command(Text::no_user);
  auth_->text.append(command.secret);
  AuthRequest request{};
  request.token = next_token<AuthRequest>();
  request.user = auth_->user();
  request.password = Secret(auth_->text.view().substr(auth_->user_size));
  request.encrypted = encrypted_;
  request.attempt = ++counters_.logins;
  ask(request);
}

POP3_INLINE void Session::apop(const detail::Command& command) {
  ask_digest(command.name, command.secret, auth_->apop_challenge, AuthMethod::apop);
}

// ---- both states --------------------------------------------------------------------------------------------------

// RFC 2449, 5
POP3_INLINE void Session::capa() {
  say_ok(Text::capabilities);
  const detail::CapabilityFacts facts = capability_facts();
  detail::CapabilityList(reply(), config_, facts).append();
}

// Retrieved messages are removed at QUIT (RFC 2449, 6.7: EXPIRE 0).
POP3_INLINE bool Session::removes_retrieved() const noexcept { return !read_only_ && capability_facts().expire == 0U; }

// In TRANSACTION it leads to UPDATE, and the application says what becomes of the marked messages (RFC 1939, 6).
POP3_INLINE void Session::quit() {
  if (state_ == State::authorization) {
    say_ok(Text::bye);
    return close(CloseReason::quit, Ending::flush);
  }
  CommitRequest request{};
  request.numbers = maildrop_.numbers_to_remove(removes_retrieved());
  request.token = next_token<CommitRequest>();
  state_ = State::update;
  ask(request);
}

// ---- TRANSACTION (RFC 1939, 5 and 7) ------------------------------------------------------------------------------

// "+OK" SP count SP octets
POP3_INLINE void Session::stat() { detail::ok_numbers(reply(), maildrop_.left(), maildrop_.octets_left()); }

// LIST and UIDL: one message on one line, or all that are not marked.
POP3_INLINE void Session::list(const detail::Command& command) {
  if (command.number) return list_one(*command.number);
  say_ok(list_uids_ ? Text::uid_listing : Text::listing);
  cursor_ = 1;
  activity_ = Activity::listing;
}

POP3_INLINE void Session::list_one(std::uint64_t number) {
  if (!find_message(number) || (!list_uids_ && !readable(number))) return;
  append_entry(reply(), "+OK ", number);
}

// number SP ( octets / unique-id ) CRLF
POP3_INLINE void Session::append_entry(mailwire::ByteBuffer& out, std::string_view status, std::uint64_t number) {
  detail::ShortLine line(out);
  line.add(status).add(number).add(" ");
  if (list_uids_)
    line.add(maildrop_.uid(number));
  else
    line.add(maildrop_.size(number));
  line.end();
}

// Whether there is such a message and it is not marked; -ERR if not.
POP3_INLINE bool Session::find_message(std::uint64_t number) {
  const bool exists = maildrop_.has(number);
  if (exists && !maildrop_.is_marked(number)) return true;
  say_error(exists ? Text::is_deleted : Text::no_message);
  return false;
}

// Whether the client may have it as it is, or in another form; -ERR if not (RFC 6856, 5).
POP3_INLINE bool Session::readable(std::uint64_t number) {
  if (maildrop_.form(number) != detail::Maildrop::Form::needs_utf8) return true;
  say_error(Text::needs_utf8, Code::utf8);
  return false;
}

POP3_INLINE void Session::dele(const detail::Command& command) {
  if (read_only_) return say_error(Text::read_only);
  if (!find_message(*command.number)) return;
  maildrop_.mark(*command.number);
  say_ok(Text::marked);
}

POP3_INLINE void Session::rset() {
  maildrop_.unmark_all();
  say_ok();
}

// RETR and TOP. +OK or -ERR come when the application has answered.
POP3_INLINE void Session::retrieve(const detail::Command& command) {
  const std::uint64_t number = *command.number;
  if (!find_message(number) || !readable(number)) return;
  // What goes away once it is retrieved is not to be had by TOP (RFC 1939, 8).
  const std::uint64_t lines = removes_retrieved() ? 0 : command.lines;
  cut_top_ = command.verb == Verb::top;
  top_cut_ = detail::TopCut(lines);
  cursor_ = static_cast<std::uint32_t>(number);
  RetrieveRequest request{};
  request.token = next_token<RetrieveRequest>();
  request.number = cursor_;
  request.uid = maildrop_.uid(number);
  request.size = maildrop_.size(number);
  if (cut_top_) request.top_lines = lines;
  request.surrogate = maildrop_.form(number) == detail::Maildrop::Form::surrogate;
  ask(request);
}

}  // namespace v1
}  // namespace pop3

#endif
