// SPDX-License-Identifier: MIT
// pop3::Session: what is said, in which language, and the trace of it.
#ifndef POP3_IMPL_REPLIES_IPP
#define POP3_IMPL_REPLIES_IPP

#include "../detail/extras.hpp"
#include "../detail/reply.hpp"
#include "../detail/trace.hpp"
#include "../session.hpp"

namespace pop3 {
inline namespace v1 {

// Where replies are written. The peer has its full time to take what goes into an empty queue.
POP3_INLINE mailwire::ByteBuffer& Session::reply() {
  if (output_.empty()) progress_ = true;
  mailwire::ByteBuffer& out = output_.text();
  if (config_.trace) {
    trace_replies();
    extras().replies = true;
    extras().replies_start = out.size();
  }
  return out;
}

// The same for octets of a body, which the trace leaves out.
POP3_INLINE mailwire::ByteBuffer& Session::body_text() {
  if (output_.empty()) progress_ = true;
  trace_replies();
  return output_.text();
}

POP3_INLINE std::string_view Session::text(Text text) const noexcept {
  if (language_ > 0) {
    const std::string& translated = config_.languages[language_ - 1].texts[text];
    if (!translated.empty()) return translated;
  }
  return config_.texts.get(text);
}

// RFC 6856, 2 and 3.2: UTF-8 goes out after UTF8 and LANG only.
POP3_INLINE bool Session::unicode() const noexcept { return utf8_ || language_ > 0; }

POP3_INLINE void Session::say_ok() { detail::status_line(reply(), "+OK", Code::none, {}, false); }

POP3_INLINE void Session::say_ok(Text what, std::uint64_t one, std::uint64_t two) {
  detail::status_line(reply(), "+OK", Code::none, {text(what), unicode(), one, two}, true);
}

POP3_INLINE void Session::say_error(Text what, Code code, std::uint64_t one, std::uint64_t two) {
  detail::status_line(reply(), "-ERR", code, {text(what), unicode(), one, two}, true);
}

// The words of the application, or ours where it has none.
POP3_INLINE void Session::say_refused(const Refusal& why, Code code, Text otherwise) {
  if (why.text.empty()) return say_error(otherwise, code);
  detail::status_line(reply(), "-ERR", code, {why.text, unicode()}, false);
}

// A refusal that is nobody's fault: [SYS/TEMP] unless the application knows better.
POP3_INLINE void Session::refuse_by_system(const Refusal& why, Text otherwise) {
  const Code code = why.code == Code::none ? Code::sys_temp : detail::legal(why.code, detail::Refused::other);
  say_refused(why, code, otherwise);
}

POP3_INLINE void Session::close_if_wanted(const Refusal& why) {
  if (why.close) close(CloseReason::refused, Ending::flush);
}

// ---- trace ----------------------------------------------------------------------------------------------------------

POP3_INLINE std::string Session::take_trace() {
  std::string taken;
  if (extras_ == nullptr) return taken;
  trace_replies();
  if (extras_->untraced > 0) extras_->trace += "# lines left out: " + std::to_string(extras_->untraced) + '\n';
  extras_->untraced = 0;
  taken.swap(extras_->trace);
  return taken;
}

// One line, in printable ASCII.
POP3_INLINE void Session::trace_line(std::string_view mark, std::string_view line) {
  detail::Extras& own = extras();
  if (own.trace.size() + mark.size() + line.size() >= config_.limits.trace) {
    ++own.untraced;
    return;
  }
  own.trace += mark;
  detail::append_visible(own.trace, line);
  own.trace += '\n';
}

// Copies what was written since reply() was asked for, before anything can move it.
POP3_INLINE void Session::trace_replies() {
  if (extras_ == nullptr || !extras_->replies) return;
  extras_->replies = false;
  std::string_view written = output_.written().substr(extras_->replies_start);
  while (!written.empty()) {
    const std::size_t end = written.find("\r\n");
    const std::string_view line = written.substr(0, end);
    if (line.substr(0, 2) == "+ ")
      trace_line("S: ", "+ ***");  // a challenge may tell of the user's keys
    else
      trace_line("S: ", line);
    written.remove_prefix(end == std::string_view::npos ? written.size() : end + 2);
  }
}

POP3_INLINE void Session::trace_event(const Event& event) {
  if (!config_.trace) return;
  trace_replies();
  mailwire::ByteBuffer line;
  detail::EventTrace(line).write(event);
  trace_line("event: ", line.view());
}

POP3_INLINE void Session::trace_answer(std::string_view what, std::string_view more) {
  if (!config_.trace) return;
  trace_replies();
  mailwire::ByteBuffer line;
  line.append(what);
  if (!more.empty()) line.append(' ');
  line.append(more);
  trace_line("answer: ", line.view());
}

POP3_INLINE void Session::trace_refusal(const Refusal& why) {
  if (!config_.trace) return;
  mailwire::ByteBuffer more;
  std::string_view code = detail::code_text(why.code);
  if (!code.empty()) more.append(code.substr(1, code.size() - 2));
  if (!why.text.empty()) {
    if (!more.empty()) more.append(' ');
    more.append('"');
    more.append(why.text);
    more.append('"');
  }
  trace_answer("refuse", more.view());
}

POP3_INLINE void Session::trace_listing(Listing messages) {
  if (!config_.trace) return;
  mailwire::ByteBuffer list;
  detail::append_listing(list, messages, config_.limits.trace / 2);
  trace_answer("accept", list.view());
}

POP3_INLINE void Session::trace_number(std::string_view what, std::uint64_t number, std::string_view more) {
  if (!config_.trace) return;
  mailwire::ByteBuffer text;
  detail::append_number(text, number);
  text.append(more);
  trace_answer(what, text.view());
}

POP3_INLINE void Session::trace_body(std::uint64_t octets, bool complete) {
  if (!config_.trace) return;
  trace_replies();
  mailwire::ByteBuffer text;
  detail::append_number(text, octets);
  if (!complete) text.append(" cut");
  trace_line("S* ", text.view());
}

POP3_INLINE void Session::trace_hidden() {
  if (!config_.trace) return;
  trace_replies();
  trace_line("C: ", "***");
}

POP3_INLINE void Session::trace_command(const detail::Command& command, std::string_view line) {
  if (!config_.trace) return;
  trace_replies();
  const bool plain = command.verb == Verb::auth ? find_mechanism(command.name) != nullptr
                                                : state_ == State::transaction && find_spec(command.word) != nullptr;
  mailwire::ByteBuffer shown;
  detail::append_redacted(shown, command, line, plain);
  trace_line("C: ", shown.view());
}

}  // namespace v1
}  // namespace pop3

#endif
