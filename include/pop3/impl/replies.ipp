// SPDX-License-Identifier: MIT
// pop3::Session: what is said, in which language, and the trace of it.
#ifndef POP3_IMPL_REPLIES_IPP
#define POP3_IMPL_REPLIES_IPP

#include "../detail/extras.hpp"
#include "../detail/reply.hpp"
#include "../detail/top_cut.hpp"
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
    extras().replies_start = static_cast<std::uint32_t>(out.size());
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

POP3_INLINE void Session::say_ok() { reply().append("+OK\r\n"); }

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
  if (config_.trace) trace_replies();
  if (extras_->untraced > 0) extras_->trace += "# lines left out: " + std::to_string(extras_->untraced) + '\n';
  extras_->untraced = 0;
  taken.swap(extras_->trace);
  return taken;
}

// One line of printable ASCII. In front of it: that the open question has to wait for its answer.
POP3_INLINE void Session::trace_line(std::string_view mark, std::string_view text) {
  detail::Extras& own = extras();
  if (own.trace_asked) {
    own.trace_asked = false;
    append_trace("answer: ", "wait");
  }
  append_trace(mark, text);
}

POP3_INLINE void Session::append_trace(std::string_view mark, std::string_view text) {
  detail::Extras& own = *extras_;
  if (own.trace.size() + mark.size() + text.size() >= config_.limits.trace) {
    ++own.untraced;
    return;
  }
  own.trace += mark;
  own.trace += text;
  own.trace += '\n';
}

// Whole milliseconds that have gone by since the last line; the rest is kept for the next.
POP3_INLINE void Session::trace_time() {
  using std::chrono::milliseconds;
  detail::Extras& own = extras();
  if (own.traced_until == TimePoint{}) own.traced_until = now_;  // there was no time before the first poll()
  const auto gone = std::chrono::duration_cast<milliseconds>(now_ - own.traced_until);
  if (gone <= milliseconds::zero()) return;
  own.traced_until += gone;
  trace_line("time: ", '+' + std::to_string(gone.count()) + "ms");
}

// Copies what was written since reply() was asked for, before anything can move it.
POP3_INLINE void Session::trace_replies() {
  if (extras_ == nullptr || !extras_->replies) return;
  extras_->replies = false;
  trace_time();
  std::string_view written = output_.written().substr(extras_->replies_start);
  while (!written.empty()) {
    const std::size_t end = written.find("\r\n");
    const std::string_view line = written.substr(0, end);
    if (line.substr(0, 2) == "+ ")
      trace_line("S: ", "+ " + std::string(detail::hidden));  // a challenge may tell of the user's keys
    else
      trace_line("S: ", detail::visible(line));
    written.remove_prefix(end == std::string_view::npos ? written.size() : end + 2);
  }
}

// What the client or the driver does.
POP3_INLINE void Session::trace_input(std::string_view mark, std::string_view text) {
  if (!config_.trace) return;
  trace_replies();
  trace_time();
  trace_line(mark, text);
}

POP3_INLINE void Session::trace_event(const Event& event) {
  if (!config_.trace) return;
  trace_input("event: ", std::visit(detail::EventTrace{}, event));
  extras_->trace_asked = asked_ && event.index() == pending_.index();
}

POP3_INLINE void Session::trace_answer(std::string_view what, std::string_view more, Outcome outcome) {
  if (!config_.trace) return;
  trace_replies();
  trace_time();
  std::string line(what);
  if (!more.empty()) (line += ' ') += more;
  if (outcome == Outcome::invalid) line += " -> invalid";
  const bool at_once = extras_->trace_asked;
  extras_->trace_asked = false;
  trace_line(at_once ? "answer: " : "late: ", line);
}

// accept, and whose maildrop it is if that was said
POP3_INLINE void Session::trace_accept(std::string_view user, Outcome outcome) {
  if (config_.trace) trace_answer("accept", user.empty() ? std::string() : detail::quoted(user), outcome);
}

POP3_INLINE void Session::trace_refusal(const Refusal& why) {
  if (config_.trace) trace_answer("refuse", detail::refusal_trace(why));
}

// What of a chunk is used: TOP may need less than all of it.
POP3_INLINE void Session::trace_chunk(std::string_view chunk, Chunk last, bool of_command) {
  const bool cuts = cut_top_ && !of_command;
  detail::TopCut cut = top_cut_;
  const std::size_t octets = cuts ? cut.take(chunk) : chunk.size();
  const bool over = last == Chunk::last || (cuts && cut.done());
  trace_answer("body", std::to_string(octets) + (over ? " last" : " more"));
}

POP3_INLINE void Session::trace_command(const detail::Command& command, std::string_view line) {
  using detail::Shown;
  if (!config_.trace) return;
  Shown shown = Shown::redacted;
  if (command.verb == Verb::other) {
    const bool known = find_spec(command.word) != nullptr;
    const bool good = known && detail::count_words(command.rest).has_value();
    if (known) shown = !good ? Shown::refused : state_ == State::transaction ? Shown::whole : Shown::words;
  } else if (!command.well_formed || !is_tolerated(command)) {
    shown = Shown::refused;
  }
  const bool mechanism_known = command.verb == Verb::auth && find_mechanism(command.name) != nullptr;
  trace_input("C: ", detail::redacted(command, line, shown, mechanism_known));
}

POP3_INLINE void Session::trace_response(std::string_view line) {
  if (config_.trace) trace_input("C: ", detail::shown_response(line));
}

}  // namespace v1
}  // namespace pop3

#endif
