// SPDX-License-Identifier: MIT
// pop3::Session: the commands, one function each.
#ifndef POP3_IMPL_COMMANDS_IPP
#define POP3_IMPL_COMMANDS_IPP

#include "../detail/capabilities.hpp"
#include "../detail/reply.hpp"
#include "../detail/texts.hpp"
#include "../session.hpp"

namespace pop3 {
inline namespace v1 {

// Takes one line, unless the peer has yet to read what was answered before.
POP3_INLINE bool Session::take_command() {
  if (output_.size() > config_.limits.output_high) return false;
  const mailwire::LineReader::Result input = input_.next(line_limits());
  if (input.status == mailwire::LineReader::Status::more) {
    if (end_of_input_) close(CloseReason::end_of_input, Ending::flush);
    return end_of_input_;
  }
  ++counters_.commands;
  const bool may_be_secret = state_ == State::authorization;  // a mistyped PASS is one too
  const std::uint64_t bad_before = counters_.bad_commands;
  if (input.status == mailwire::LineReader::Status::too_long)
    refuse_line(input_.hopeless());
  else
    execute(detail::parse_command(input.line));
  if (counters_.bad_commands == bad_before) bad_in_a_row_ = 0;
  if (may_be_secret) input_.wipe_line();
  return true;
}

POP3_INLINE void Session::refuse_line(bool hopeless) {
  forget_login();
  bad_command(detail::texts::line_too_long);
  if (hopeless) close(CloseReason::endless_line, Ending::flush);
}

POP3_INLINE void Session::execute(const detail::Command& command) {
  using detail::Verb;
  // PASS must come directly after USER (RFC 1939, 7).
  if (command.verb != Verb::pass || !command.well_formed) forget_login();
  if (command.verb == Verb::unknown || (command.verb == Verb::top && !config_.top) ||
      (command.verb == Verb::uidl && !config_.uidl) || (command.verb == Verb::apop && challenge_.empty()))
    return bad_command(detail::texts::unknown_command);
  const detail::VerbInfo& verb = detail::info(command.verb);
  const bool allowed = state_ == State::authorization ? verb.in_authorization : verb.in_transaction;
  if (!allowed) return bad_command(detail::texts::not_now);
  if (!command.well_formed) return bad_command(detail::texts::malformed);
  switch (command.verb) {
    case Verb::user: return user(command);
    case Verb::pass: return pass(command);
    case Verb::apop: return apop(command);
    case Verb::quit: return quit();
    case Verb::stat: return stat();
    case Verb::list: list_uids_ = false; return list(command);
    case Verb::uidl: list_uids_ = true; return list(command);
    case Verb::retr:
    case Verb::top: return retrieve(command);
    case Verb::dele: return dele(command);
    case Verb::noop: return detail::ok(reply());
    case Verb::rset: return rset();
    case Verb::capa: return capa();
    case Verb::unknown: break;
  }
}

POP3_INLINE void Session::bad_command(std::string_view text) {
  ++counters_.bad_commands;
  ++bad_in_a_row_;
  const unsigned limit = config_.limits.bad_commands;
  const bool too_many = limit > 0 && bad_in_a_row_ >= limit;
  detail::error(reply(), too_many ? detail::texts::too_many_bad : text);
  if (too_many) close(CloseReason::bad_commands, Ending::flush);
}

// ---- AUTHORIZATION (RFC 1939, 4 and 7) ----------------------------------------------------------------------------

POP3_INLINE void Session::forget_login() noexcept {
  if (user_size_ == 0) return;
  login_.wipe();
  user_size_ = 0;
}

// Always +OK: who exists is not told.
POP3_INLINE void Session::user(const detail::Command& command) {
  if (!detail::password_login_allowed(config_, encrypted_)) return bad_command(detail::texts::needs_tls);
  login_.clear();
  login_.room(line_limits().line);  // mostly the password will fit as well
  login_.append(command.name);
  user_size_ = command.name.size();
  detail::ok(reply(), detail::texts::send_pass);
}

// +OK or -ERR come when the application has answered.
POP3_INLINE void Session::pass(const detail::Command& command) {
  if (!detail::password_login_allowed(config_, encrypted_)) return bad_command(detail::texts::needs_tls);
  if (user_size_ == 0) return bad_command(detail::texts::no_user);
  login_.append(command.secret);
  AuthRequest request{};
  request.token = next_token<AuthRequest>();
  request.user = login_.view().substr(0, user_size_);
  request.password = Secret(login_.view().substr(user_size_));
  request.method = AuthMethod::user_pass;
  request.encrypted = encrypted_;
  ask(request);
}

POP3_INLINE void Session::apop(const detail::Command& command) {
  login_.clear();
  login_.room(command.name.size() + command.secret.size());
  login_.append(command.name);
  login_.append(command.secret);
  user_size_ = command.name.size();
  ApopRequest request{};
  request.token = next_token<ApopRequest>();
  request.user = login_.view().substr(0, user_size_);
  request.digest = login_.view().substr(user_size_);
  request.challenge = challenge_;
  ask(request);
}

// ---- both states --------------------------------------------------------------------------------------------------

// RFC 2449, 5
POP3_INLINE void Session::capa() {
  mailwire::ByteBuffer& out = reply();
  detail::ok(out, detail::texts::capabilities);
  detail::append_capabilities(out, config_, encrypted_);
}

// In TRANSACTION it leads to UPDATE, and the application says what becomes of the marked messages (RFC 1939, 6).
POP3_INLINE void Session::quit() {
  if (state_ == State::authorization) {
    detail::ok(reply(), detail::texts::bye);
    return close(CloseReason::quit, Ending::flush);
  }
  state_ = State::update;
  maildrop_open_ = false;
  CommitRequest request{};
  request.token = next_token<CommitRequest>();
  request.numbers = maildrop_.marked_numbers();
  ask(request);
}

// ---- TRANSACTION (RFC 1939, 5 and 7) ------------------------------------------------------------------------------

// "+OK" SP count SP octets
POP3_INLINE void Session::stat() { detail::ok_numbers(reply(), maildrop_.left(), maildrop_.octets_left()); }

// LIST and UIDL: one message on one line, or all that are not marked.
POP3_INLINE void Session::list(const detail::Command& command) {
  if (command.number) return list_one(*command.number);
  detail::ok(reply(), list_uids_ ? detail::texts::uid_listing : detail::texts::listing);
  cursor_ = 1;
  activity_ = Activity::listing;
}

POP3_INLINE void Session::list_one(std::uint64_t number) {
  if (!find_message(number)) return;
  mailwire::ByteBuffer& out = reply();
  out.append("+OK ");
  append_entry(out, number);
}

// number SP ( octets / unique-id ) CRLF
POP3_INLINE void Session::append_entry(mailwire::ByteBuffer& out, std::uint64_t number) {
  detail::append_number(out, number);
  out.append(' ');
  if (list_uids_)
    out.append(maildrop_.uid(number));
  else
    detail::append_number(out, maildrop_.size(number));
  detail::end_line(out);
}

// Whether there is such a message and it is not marked; -ERR if not.
POP3_INLINE bool Session::find_message(std::uint64_t number) {
  const bool exists = maildrop_.has(number);
  if (exists && !maildrop_.is_marked(number)) return true;
  detail::error(reply(), exists ? detail::texts::is_deleted : detail::texts::no_message);
  return false;
}

POP3_INLINE void Session::dele(const detail::Command& command) {
  if (!find_message(*command.number)) return;
  maildrop_.mark(*command.number);
  counters_.marked = maildrop_.marked();
  detail::ok(reply(), detail::texts::marked);
}

POP3_INLINE void Session::rset() {
  maildrop_.unmark_all();
  counters_.marked = 0;
  detail::ok(reply());
}

// RETR and TOP. +OK or -ERR come when the application has answered.
POP3_INLINE void Session::retrieve(const detail::Command& command) {
  const std::uint64_t number = *command.number;
  if (!find_message(number)) return;
  cut_top_ = command.verb == detail::Verb::top;
  top_cut_ = detail::TopCut(command.lines);
  cursor_ = static_cast<std::uint32_t>(number);
  RetrieveRequest request{};
  request.token = next_token<RetrieveRequest>();
  request.number = cursor_;
  request.uid = maildrop_.uid(number);
  request.size = maildrop_.size(number);
  if (cut_top_) request.top_lines = command.lines;
  ask(request);
}

}  // namespace v1
}  // namespace pop3

#endif
