// SPDX-License-Identifier: MIT
// pop3::Session: STLS, UTF8, LANG; verbs and capabilities of the application's own.
#ifndef POP3_IMPL_EXTENSIONS_IPP
#define POP3_IMPL_EXTENSIONS_IPP

#include "../detail/capabilities.hpp"
#include "../detail/extras.hpp"
#include "../detail/language.hpp"
#include "../detail/trace.hpp"
#include "../session.hpp"

namespace pop3 {
inline namespace v1 {

POP3_INLINE detail::Authentication& Session::authentication() {
  if (auth_ == nullptr) auth_ = new detail::Authentication;
  return *auth_;
}

POP3_INLINE detail::Extras& Session::extras() {
  if (extras_ == nullptr) extras_ = new detail::Extras;
  return *extras_;
}

// ---- STLS (RFC 2595, 4) -------------------------------------------------------------------------------------------

// From its CRLF on, octets are not POP3 any more, wherever TCP cut them.
POP3_INLINE void Session::stls() {
  if (!detail::stls_allowed(config_, capability_facts())) return bad_command(Text::not_now);
  say_ok(Text::begin_tls);
  activity_ = Activity::tls;
  if (!input_.unread().empty()) extras().octets_before_tls += input_.unread().size();
}

// The handshake begins when the +OK has left.
POP3_INLINE bool Session::wait_for_tls() {
  if (!output_.empty()) return false;
  if (end_of_input_) {
    close_at_end();
    return true;
  }
  ask(TlsRequest{next_token<TlsRequest>()});
  return true;
}

POP3_INLINE std::string_view Session::unread_input() const noexcept {
  const bool open = asked_ && std::holds_alternative<TlsRequest>(pending_);
  return open ? input_.unread() : std::string_view{};
}

POP3_INLINE Outcome Session::accept(Token<TlsRequest> token, const TlsFacts& facts) {
  if (!take(token)) return Outcome::stale;
  trace_accept();
  trace_input("tls:", {});
  drop_read_ = input_.is_lent();
  input_.clear();
  forget_client_settings();
  encrypted_ = true;
  set_tls_facts(facts);
  activity_ = Activity::commands;
  return Outcome::applied;
}

// After a failed handshake nothing in the clear would be understood, or wise.
POP3_INLINE Outcome Session::refuse(Token<TlsRequest> token, Refusal why) {
  if (!take(token)) return Outcome::stale;
  trace_refusal(why);
  close(CloseReason::tls_failed, Ending::forced);
  return Outcome::applied;
}

POP3_INLINE void Session::set_tls_facts(const TlsFacts& facts) {
  detail::OwnTlsFacts own(facts);
  if (extras_ != nullptr || !own.is_empty()) extras().tls = std::move(own);
  has_identity_ = !facts.identity.empty();
  has_binding_ = extras_ != nullptr && extras_->tls.has_binding();
}

// What a client said before TLS may have been somebody else's words.
POP3_INLINE void Session::forget_client_settings() noexcept {
  forget_login();
  utf8_ = false;
  language_ = 0;
}

POP3_INLINE TlsFacts Session::tls() const noexcept { return extras_ == nullptr ? TlsFacts{} : extras_->tls.view(); }

// ---- UTF8 and LANG (RFC 6856) -------------------------------------------------------------------------------------

POP3_INLINE void Session::utf8_command() {
  utf8_ = true;
  say_ok(Text::utf8_mode);
}

POP3_INLINE bool Session::utf8() const noexcept { return utf8_; }

POP3_INLINE std::string_view Session::language() const noexcept {
  return language_ == 0 ? std::string_view{} : std::string_view(config_.languages[language_ - 1].tag);
}

// "*" is the administrator's choice, for a user who has logged in perhaps that user's (RFC 6856, 3.2 and 7).
POP3_INLINE void Session::lang(const detail::Command& command) {
  if (command.name.empty()) return list_languages();
  std::uint32_t found = 0;
  if (command.name == "*") {
    if (extras_ != nullptr) found = detail::find_language(config_.languages, extras_->user_language);
    if (found == 0) found = 1;
  } else {
    found = detail::find_language(config_.languages, command.name);
  }
  if (found == 0) return say_error(Text::no_language);
  language_ = found;
  // "+OK" SP tag SP text
  mailwire::ByteBuffer& out = reply();
  out.append("+OK ");
  detail::append_clean(out, language(), 100);
  out.append(' ');
  detail::append_words(out, {text(Text::language_set), true}, detail::max_line - 110);
  detail::end_line(out);
}

// tag [ SP description ], a line each
POP3_INLINE void Session::list_languages() {
  say_ok(Text::languages);
  mailwire::ByteBuffer& out = reply();
  for (const Language& language : config_.languages) {
    if (!detail::is_language_range(language.tag)) continue;
    detail::append_clean(out, language.tag, 100);
    if (!language.name.empty()) {
      out.append(' ');
      detail::append_clean(out, language.name, detail::max_line - 101, true);
    }
    detail::end_line(out);
  }
  detail::end_multi_line(out);
}

// ---- capabilities -------------------------------------------------------------------------------------------------

POP3_INLINE detail::CapabilityFacts Session::capability_facts() const noexcept {
  detail::CapabilityFacts facts;
  facts.logged_in = state_ != State::authorization;
  facts.encrypted = encrypted_;
  facts.utf8 = utf8_;
  facts.has_nonce = has_nonce_;
  facts.has_identity = has_identity_;
  facts.has_binding = has_binding_;
  facts.expire = config_.expire;
  if (extras_ != nullptr) {
    if (extras_->expire) facts.expire = extras_->expire;
    if (extras_->login_delay) facts.login_delay = extras_->login_delay;
    facts.announced = &extras_->announced;
    facts.concealed = &extras_->concealed;
  }
  return facts;
}

POP3_INLINE bool Session::announce(std::string_view line) {
  if (!detail::is_capability(line) || detail::is_own(line) || detail::is_set(line, config_, capability_facts()))
    return false;
  trace_input("announce: ", line);
  for (std::string& announced : extras().announced) {
    if (!mailwire::equals_ignoring_case(detail::tag_of(announced), detail::tag_of(line))) continue;
    announced = line;
    return true;
  }
  extras_->announced.emplace_back(line);
  return true;
}

POP3_INLINE void Session::conceal(std::string_view tag) {
  if (config_.trace) trace_input("conceal: ", detail::visible(tag));
  if (!detail::contains_tag(extras().concealed, tag)) extras_->concealed.emplace_back(tag);
}

// ---- verbs of the application's own -------------------------------------------------------------------------------

POP3_INLINE const CommandSpec* Session::find_spec(std::string_view verb) const noexcept {
  for (const CommandSpec& spec : config_.commands)
    if (mailwire::equals_ignoring_case(spec.verb, verb) && spec.verb != "*") return &spec;
  return nullptr;
}

POP3_INLINE bool Session::observes_all() const noexcept {
  for (const CommandSpec& spec : config_.commands)
    if (spec.verb == "*") return true;
  return false;
}

namespace detail {

constexpr bool is_verb(std::string_view word) noexcept {
  if (word.size() < 3 || word.size() > 12) return false;
  for (const char c : word) {
    const char upper = mailwire::to_upper(c);
    if ((upper < 'A' || upper > 'Z') && !mailwire::is_digit(c) && c != '-') return false;
  }
  return true;
}

// One space between two words, and none at the end (RFC 1939, 3); nothing = no word.
constexpr std::optional<unsigned> count_words(std::optional<std::string_view> argument) noexcept {
  if (!argument) return 0U;
  unsigned count = 1;
  char before = ' ';
  for (const char c : *argument) {
    if (!mailwire::is_text(c) || (c == ' ' && before == ' ')) return std::nullopt;
    if (c == ' ') ++count;
    before = c;
  }
  if (before == ' ') return std::nullopt;
  return count;
}

constexpr bool is_secret(Verb verb) noexcept {
  return verb == Verb::user || verb == Verb::pass || verb == Verb::apop || verb == Verb::auth;
}

}  // namespace detail

POP3_INLINE void Session::take_own_command(const CommandSpec& spec, const detail::Command& command,
                                           std::string_view line) {
  const auto count = detail::count_words(command.rest);
  if (!detail::is_verb(spec.verb)) return bad_command(Text::unknown_command);
  if (state_ == State::authorization ? !spec.in_authorization : !spec.in_transaction) return bad_command(Text::not_now);
  if (!count || *count < spec.least_words || *count > spec.most_words) return bad_command(Text::malformed);
  ++counters_.by_verb[static_cast<std::size_t>(Verb::other)];
  ask_for_command(command, line, true);
}

// Keeps the verb in upper case, if it may be shown, and the line as it came.
POP3_INLINE void Session::ask_for_command(const detail::Command& command, std::string_view line, bool known) {
  const std::string_view verb = known ? command.word : std::string_view{};
  mailwire::ByteBuffer& copy = extras().command;
  copy.clear();
  copy.room(verb.size() + line.size() + 1);
  for (const char c : verb) copy.append(mailwire::to_upper(c));
  copy.append(line);
  CommandRequest request{};
  request.token = next_token<CommandRequest>();
  request.verb = copy.view().substr(0, verb.size());
  if (known && command.rest && !detail::is_secret(command.verb))
    request.argument = copy.view().substr(copy.size() - command.rest->size());
  ask(request);
}

// Whether it was a bad command is not known yet.
POP3_INLINE bool Session::waits_for_command() const noexcept {
  return asked_ && std::holds_alternative<CommandRequest>(pending_);
}

POP3_INLINE Outcome Session::accept(Token<CommandRequest> token, std::string_view text) {
  if (!take(token)) return Outcome::stale;
  bad_in_a_row_ = 0;
  trace_accept(text);
  detail::status_line(reply(), "+OK", Code::none, {text, unicode()}, false);
  extras_->command.wipe();
  forget_login();
  return Outcome::applied;
}

POP3_INLINE Outcome Session::refuse(Token<CommandRequest> token, Refusal why) {
  if (!take(token)) return Outcome::stale;
  trace_refusal(why);
  say_refused(why, detail::legal(why.code, detail::Refused::message), Text::not_available);
  extras_->command.wipe();
  bad_in_a_row_ = 0;
  forget_login();
  close_if_wanted(why);
  return Outcome::applied;
}

POP3_INLINE Outcome Session::proceed(Token<CommandRequest> token) {
  const CommandRequest* const open = told_ ? std::get_if<CommandRequest>(&pending_) : nullptr;
  const std::size_t verb_size = open == nullptr ? 0 : open->verb.size();
  if (!take(token)) return Outcome::stale;
  trace_answer("proceed");
  mailwire::ByteBuffer line;
  line.swap(extras_->command);
  const std::uint64_t bad_before = counters_.bad_commands;
  execute(detail::parse_command(line.view().substr(verb_size)));
  if (counters_.bad_commands == bad_before) bad_in_a_row_ = 0;
  line.wipe();
  return Outcome::applied;
}

}  // namespace v1
}  // namespace pop3

#endif
