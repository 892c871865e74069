// SPDX-License-Identifier: MIT
// A POP3 session as the RFCs have it: what may be said when, what it does, and what comes of it. To be read beside RFC
// 1939, 2449, 2595, 5034 and 6856; R ids are those of the rules that the tests name. It knows nothing of the library's
// code: no octets are parsed, no buffers kept. A line of a client is one of those in words.hpp, a reply is how it
// begins.
#ifndef TESTS_MODEL_MODEL_HPP
#define TESTS_MODEL_MODEL_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "words.hpp"

namespace model {

// ---- the session --------------------------------------------------------------------------------------------------

enum class Place : std::uint8_t {
  start,      // nothing was said yet
  command,    // takes a command
  response,   // takes a message of AUTH
  farewell,   // takes the empty line that follows data of success (R192)
  held,       // the reply to a wrong login waits for its time
  begin_tls,  // the +OK to STLS leaves
  listing,    // LIST or UIDL is being written
  body,       // a message is being written, and room is awaited
  asked,      // a question is open
  closing,    // what is unsent leaves
  over,
};

struct State {
  Place place = Place::start;
  Question question = Question::none;
  Step asked_by = Step::begin;  // the line of Question::command
  bool logged_in = false;       // TRANSACTION
  bool updating = false;        // UPDATE
  bool holds = false;           // the maildrop is locked, and Closed has to say so
  bool encrypted = false, utf8 = false, translated = false;
  bool opened_with_utf8 = false;
  bool named = false;  // USER was the command before this one
  bool plain = false;  // the exchange is PLAIN, else X-OWN
  bool input_ended = false;
  bool unsent = false, nibbled = false;
  bool forced = false;
  bool was_their_turn = false;
  bool answered_before = false;  // there are questions that are over
  bool top = false, uids = false, cuts_body = false;
  bool lent = false, lent_last = false;  // a piece is on its way that is still the application's; the last one
  bool hold_closes = false;
  char held_reply = ok;
  Reason reason = Reason::quit;
  std::uint8_t marks = 0, retrieved = 0;  // a bit for each message
  std::uint8_t bad_in_a_row = 0, failed = 0, attempts = 0;
  std::uint8_t waiting_count = 0;
  std::array<Step, 4> waiting{};  // lines that came and are not taken yet
  std::uint32_t number = 0;       // of the body; of the listing's next line
  std::uint32_t given = 0, written = 0, lines = 0;
  Time began = 0, since = 0, asked_at = 0, hold_until = 0;
};

class Model {
 public:
  explicit Model(const Settings& settings) : set_(settings) { now_.encrypted = settings.encrypted; }

  std::string said;  // all replies so far, those that were not sent too
  // What the last step gave.
  std::array<Event, 8> events{};
  std::size_t event_count = 0;
  Outcome outcome = Outcome::none;

  const State& state() const { return now_; }
  const Settings& settings() const { return set_; }
  const Tally& tally() const { return tally_; }
  Time time() const { return time_; }
  std::size_t sent() const { return sent_; }  // of `said`
  bool is_cut() const { return cut_; }        // what was unsent is gone, perhaps inside a reply

  bool is_closed() const { return now_.place == Place::closing || now_.place == Place::over; }
  // A client's octets would be read (R51: not behind QUIT; R142: not behind STLS).
  bool takes_input() const {
    return !is_closed() && !now_.updating && now_.place != Place::begin_tls && now_.question != Question::tls &&
           !now_.input_ended;
  }

  // Whether this can happen now. Everybody may do everything at any time, but for what has no meaning.
  bool possible(Step step, unsigned most_waiting = 2) const {
    if (is_line(step)) return takes_input() && now_.waiting_count < most_waiting;  // 3 at most: there is room for 4
    if (is_answer(step)) return now_.place == Place::asked && has_meaning(step);
    switch (step) {
      case Step::begin: return now_.place == Place::start;
      case Step::late: return now_.answered_before || now_.place == Place::asked;
      case Step::consume: return now_.unsent;
      case Step::nibble: return now_.unsent && !now_.nibbled;
      case Step::tick: return now_.place != Place::start && deadline() > time_ + one_tick;
      case Step::expire: return deadline() != never;
      default: return true;
    }
  }

  // So that a search does not keep it.
  void forget_said() {
    said.clear();
    sent_ = 0;
  }

  void play(Step step) {
    event_count = 0;
    outcome = Outcome::none;
    if (is_line(step)) hear(step);
    if (is_answer(step)) answer(step);
    switch (step) {
      case Step::consume: consume(); break;
      case Step::nibble: now_.nibbled = true, now_.since = time_; break;
      case Step::tick: time_ += one_tick; break;
      case Step::expire: time_ = deadline(); break;
      case Step::end_of_input: end_of_input(); break;
      case Step::shutdown: shutdown(); break;
      case Step::disconnect: close(Reason::disconnected, true); break;
      default: break;  // a late answer does nothing
    }
    if (now_.place == Place::start) greet();
    end_what_is_overdue();
    while (work()) {
    }
    if (is_their_turn() && !now_.was_their_turn) now_.since = time_;
    now_.was_their_turn = is_their_turn();
  }

  // When something happens by itself: a session has to come back by then.
  Time deadline() const {
    Time first = never;
    const auto by = [&](bool counts, Time since, Time limit) {
      if (counts && limit > 0 && since + limit < first) first = since + limit;
    };
    if (now_.place == Place::held) first = now_.hold_until;
    by(now_.unsent, now_.since, set_.stall);
    by(now_.place == Place::asked, now_.asked_at, answer_limit());
    by(is_logging_in(), now_.began, set_.login);
    by(is_their_turn(), now_.since, set_.idle);
    return first;
  }

  // What may be done in a state, and what it leads to, depends on this alone.
  std::string key() const {
    State s = now_;
    for (std::size_t i = s.waiting_count; i < s.waiting.size(); ++i) s.waiting[i] = Step::begin;
    std::string text;
    const auto put = [&](auto... values) { (text.append(reinterpret_cast<const char*>(&values), sizeof values), ...); };
    put(s.place, s.question, s.asked_by, s.logged_in, s.updating, s.holds, s.encrypted, s.utf8, s.translated,
        s.opened_with_utf8, s.named, s.plain, s.input_ended, s.unsent, s.nibbled, s.forced, s.answered_before, s.top,
        s.uids, s.cuts_body, s.lent, s.lent_last, s.hold_closes, s.held_reply, s.reason, s.marks, s.retrieved,
        s.bad_in_a_row, s.failed, s.attempts, s.waiting_count, s.waiting, s.number, s.given, s.written, s.lines,
        s.was_their_turn);
    const auto ago = [&](bool counts, Time t) { return counts ? time_ - t : Time{-1}; };
    put(ago(is_logging_in(), s.began), ago(s.unsent || is_their_turn(), s.since),
        ago(s.place == Place::asked, s.asked_at), ago(s.place == Place::held, s.hold_until));
    return text;
  }

 private:
  // ---- replies and events
  void say(char reply) {
    if (!now_.unsent) now_.since = time_;  // the peer has its full time for it
    now_.unsent = true;
    said += reply;
  }
  void say_exactly(std::string_view octets) {
    if (octets.empty()) return;
    say('"');
    said.append(octets) += '\0';
  }
  void tell(const Event& event) { events[event_count++] = event; }
  void ask(Question question, std::uint32_t number = 0, std::uint64_t octets = 0, bool flag = false) {
    now_.place = Place::asked;
    now_.question = question;
    now_.asked_at = time_;
    tell({Event::asks, static_cast<std::uint8_t>(question), flag, number, octets});
  }
  void fail(Fault fault) { tell({Event::login_failed, static_cast<std::uint8_t>(fault), false, 0, 0}); }

  // ---- time
  bool is_logging_in() const { return !now_.logged_in && now_.place != Place::start && !is_closed(); }
  bool is_their_turn() const {
    const bool takes_line =
        now_.place == Place::command || now_.place == Place::response || now_.place == Place::farewell;
    return takes_line && !now_.unsent;
  }
  Time answer_limit() const { return now_.question == Question::tls ? set_.handshake : set_.answer; }

  void end_what_is_overdue() {
    const auto over = [&](bool counts, Time since, Time limit) {
      return counts && limit > 0 && time_ - since >= limit;
    };
    if (over(now_.unsent, now_.since, set_.stall)) {
      close(Reason::write_stall, true);
    } else if (over(is_logging_in(), now_.began, set_.login)) {
      close(Reason::login_timeout, true);
    } else if (over(now_.place == Place::asked, now_.asked_at, answer_limit())) {
      if (now_.question == Question::tls) return close(Reason::tls_failed, true);
      if (now_.question != Question::piece) say(sys_temp);  // nothing may be put inside a message
      close(Reason::answer_timeout);
    } else if (over(is_their_turn(), now_.since, set_.idle)) {
      close(Reason::idle_timeout, true);  // R19, R20: nothing is removed, nothing is said
    }
  }

  // ---- the end. The first reason stays. `by_force`: nothing can be sent any more.
  void close(Reason reason, bool by_force = false) {
    now_.forced = now_.forced || by_force;
    if (is_closed()) return;
    now_.reason = reason;
    now_.cuts_body = now_.place == Place::body || now_.question == Question::piece;
    now_.answered_before = now_.answered_before || now_.place == Place::asked;
    now_.place = Place::closing;
    now_.question = Question::none;
    now_.waiting_count = 0;
  }
  bool finish() {
    if (now_.lent && !now_.forced) take_lent_back();
    if (now_.forced && now_.unsent) {
      if (now_.nibbled)
        cut_ = true;
      else
        said.resize(sent_);
      now_.unsent = false;
    }
    if (now_.cuts_body) end_body(false);
    if (now_.unsent) return false;
    now_.place = Place::over;
    tell({Event::closed, static_cast<std::uint8_t>(now_.reason), now_.holds, 0, 0});  // R49, R50
    now_.holds = false;
    return false;
  }

  // Nobody is to wait until a slow peer has read it: what was said before it is still sent.
  void take_lent_back() {
    now_.lent = false;
    if (sent_ < lent_start_)
      said.resize(lent_start_);
    else if (now_.nibbled)
      cut_ = true, now_.unsent = false;
    else
      said.resize(sent_), now_.unsent = false;
  }

  // ---- the driver
  void greet() {  // R21
    now_.place = Place::command;
    now_.began = time_;
    say(ok);
  }
  void consume() {
    sent_ = said.size();
    now_.unsent = now_.nibbled = false;
    now_.since = time_;
  }
  void end_of_input() {
    if (is_closed()) return;
    now_.input_ended = true;
    if (now_.question == Question::tls) close(Reason::tls_failed, true);
  }
  void shutdown() {
    if (now_.updating || is_closed()) return;
    const bool inside_answer = now_.place == Place::body || now_.place == Place::listing ||
                               now_.place == Place::begin_tls || now_.question == Question::piece ||
                               now_.question == Question::tls;  // R141
    if (!inside_answer) say(sys_temp);
    close(Reason::shutdown);
  }

  // One piece of work; false if nothing can be done now.
  bool work() {
    const bool waits_for_room = set_.lockstep && now_.unsent;
    switch (now_.place) {
      case Place::command:
      case Place::response:
      case Place::farewell:
        if (waits_for_room) return false;
        if (now_.waiting_count > 0) return take_line(), true;
        if (now_.input_ended) close(Reason::end_of_input);
        return now_.input_ended;
      case Place::held:
        if (time_ < now_.hold_until) return false;
        return release(), true;
      case Place::begin_tls:
        if (now_.unsent) return false;
        if (now_.input_ended) return close(Reason::end_of_input), true;
        return ask(Question::tls), false;
      case Place::listing:
        if (waits_for_room) return false;
        return write_listing(), true;
      case Place::body:
        if (waits_for_room || (now_.lent && now_.unsent)) return false;
        now_.lent = false;
        if (now_.lent_last) return end_whole_body(), true;
        return ask(Question::piece, body_number(), now_.given), false;
      case Place::closing: return finish();
      default: return false;
    }
  }

  // ---- lines
  void hear(Step step) {
    const auto wait = [&](Step line) { now_.waiting[now_.waiting_count++] = line; };
    if (step == Step::user_and_pass) return wait(Step::user), wait(Step::pass);
    if (step == Step::stls_and_quit) return wait(Step::stls), wait(Step::quit);
    wait(step);
  }
  void take_line() {
    const Step step = now_.waiting[0];
    for (std::size_t i = 1; i < now_.waiting_count; ++i) now_.waiting[i - 1] = now_.waiting[i];
    --now_.waiting_count;
    ++tally_.commands;
    const std::uint64_t bad_before = tally_.bad;
    if (now_.place == Place::command)
      take_command(step);
    else
      take_response(lines[index(step)]);
    const bool undecided = now_.question == Question::command || now_.place == Place::response;
    if (tally_.bad == bad_before && !undecided) now_.bad_in_a_row = 0;
  }
  void bad_command() {  // R14, R15
    ++tally_.bad;
    ++now_.bad_in_a_row;
    say(error);
    if (now_.bad_in_a_row >= set_.bad_commands) close(Reason::bad_commands);
  }

  void take_command(Step step) {
    const Line& line = lines[index(step)];
    if (line.verb != Verb::pass) now_.named = false;  // R63: directly after USER
    const bool watched = set_.has_own && (line.verb == Verb::own || (line.verb == Verb::dele && now_.logged_in));
    if (!watched) return execute(step);
    now_.asked_by = step;
    ask(Question::command);
  }

  void execute(Step step) {
    const Line& line = lines[index(step)];
    switch (line.verb) {
      case Verb::quit: return quit();
      case Verb::capa: return capa();  // R94
      case Verb::lang:                 // R223-R226
        if (!set_.has_lang) return bad_command();
        if (line.number > 0) now_.translated = true;
        return say(line.number > 0 ? ok : error);
      case Verb::own:
      case Verb::unknown:
      case Verb::malformed:
      case Verb::too_long: return bad_command();
      default: return now_.logged_in ? in_transaction(step) : in_authorization(step);
    }
  }
  void quit() {
    if (!now_.logged_in) return say(ok), close(Reason::quit);  // R30
    now_.updating = true;                                      // R46
    now_.holds = false;  // from here on the maildrop is the application's own affair
    ask(Question::commit, to_remove());
  }
  void capa() {
    const bool login_allowed = now_.encrypted || !set_.login_needs_tls;
    const bool stls = set_.offers_stls && !now_.encrypted && !now_.utf8 && !now_.logged_in;  // R137
    say(ok);
    say(capabilities);
    said += static_cast<char>((login_allowed ? 1 : 0) + (login_allowed && set_.has_sasl ? 2 : 0) + (stls ? 4 : 0));
  }

  // ---- AUTHORIZATION
  void in_authorization(Step step) {
    const Line& line = lines[index(step)];
    const bool in_the_clear = set_.login_needs_tls && !now_.encrypted;  // R156, R238
    switch (line.verb) {
      case Verb::user:
        if (in_the_clear) return bad_command();
        now_.named = true;
        return say(ok);  // R62
      case Verb::pass:
        if (!may_try()) return;
        if (in_the_clear) return fail(Fault::not_encrypted), bad_command();
        if (!now_.named) return bad_command();
        ++tally_.logins;
        return ask(Question::password);
      case Verb::apop:
        if (!set_.has_apop) return bad_command();
        if (!may_try()) return;
        ++tally_.logins;
        return ask(Question::digest);
      case Verb::auth:
        if (!set_.has_sasl) return bad_command();
        if (may_try()) auth(step, in_the_clear);
        return;
      case Verb::stls:  // R137-R140, R215
        if (!set_.offers_stls || now_.encrypted || now_.utf8) return bad_command();
        now_.place = Place::begin_tls;
        return say(ok);
      case Verb::utf8:
        if (!set_.has_utf8) return bad_command();
        now_.utf8 = true;
        return say(ok);
      default: return bad_command();  // R45
    }
  }
  bool may_try() {
    if (++now_.attempts <= set_.login_attempts) return true;
    say(error);
    close(Reason::failed_logins);
    return false;
  }
  void auth(Step step, bool in_the_clear) {
    if (step == Step::auth_unknown) return say(error);  // R179
    now_.plain = step != Step::auth_own;
    if (now_.plain && in_the_clear) {
      if (step == Step::auth_plain_initial) fail(Fault::not_encrypted);
      return bad_command();
    }
    now_.place = Place::response;
    if (step == Step::auth_plain_initial) return take_response(lines[index(Step::response)]);
    now_.lines = 0;  // messages of this exchange so far
    say(challenge);
  }
  // R203: whatever it looks like, it is a message of the exchange.
  void take_response(const Line& line) {
    const bool farewell = now_.place == Place::farewell;
    const bool readable = line.base64 && line.verb != Verb::too_long;
    now_.place = Place::command;
    now_.named = false;
    if (line.text == "*" || !readable) {  // R182, R183
      fail(line.text == "*" ? Fault::cancelled : Fault::malformed);
      return bad_command();
    }
    if (farewell && line.text.empty()) return ask(Question::maildrop);
    const bool good = !farewell && (!now_.plain || line.text == lines[index(Step::response)].text);  // R249
    if (!good) return fail(Fault::malformed), bad_command();
    if (now_.plain || now_.lines == 0) ++tally_.logins;
    now_.lines = now_.plain ? 0 : 1;
    ask(now_.plain ? Question::password : Question::sasl);
  }
  // A wrong login is told late. R65, R193: everything has to be said again.
  void hold(char reply, bool closes) {
    if (reply == auth_error) ++now_.failed, ++tally_.failed_logins;
    now_.place = Place::held;
    now_.named = false;
    now_.held_reply = reply;
    now_.hold_closes = closes;
    now_.hold_until = now_.asked_at + set_.hold;
  }
  void release() {
    say(now_.held_reply);
    now_.place = Place::command;
    if (now_.hold_closes) close(Reason::refused);
    if (now_.failed >= set_.failed_logins) close(Reason::failed_logins);
  }

  // ---- TRANSACTION
  static std::uint8_t bit(std::uint32_t number) { return static_cast<std::uint8_t>(1U << (number - 1)); }
  bool is_marked(std::uint32_t number) const { return (now_.marks & bit(number)) != 0; }
  bool removes_retrieved() const { return set_.removes_retrieved && !set_.read_only; }
  std::uint32_t to_remove() const { return now_.marks | (removes_retrieved() ? now_.retrieved : 0U); }  // R72
  // R208, R209
  bool needs_utf8(std::uint32_t number) const {
    return set_.second_needs_utf8 && number == 2 && !now_.opened_with_utf8;
  }

  void in_transaction(Step step) {
    const Line& line = lines[index(step)];
    switch (line.verb) {
      case Verb::noop: return say(ok);                  // R43
      case Verb::rset: now_.marks = 0; return say(ok);  // R44
      case Verb::stat: return say_exactly(stat());
      case Verb::dele:
        if (set_.read_only) return say(error);
        if (!exists(line.number)) return;
        now_.marks |= bit(line.number);  // R40, R41: and nothing else
        return say(ok);
      case Verb::list:
      case Verb::uidl: return list(line);
      case Verb::retr:
      case Verb::top: return retrieve(step);
      default: return bad_command();  // R61, R70, R139, R177, R178, R205
    }
  }
  // R36, R39, R42, R56, R57
  bool exists(std::uint32_t number) {
    if (number >= 1 && number <= message_count && !is_marked(number)) return true;
    say(error);
    return false;
  }
  bool is_readable(std::uint32_t number) {
    if (needs_utf8(number)) say(utf8_error);
    return !needs_utf8(number);
  }
  std::string stat() const {  // R31, R32
    std::size_t count = 0, octets = 0;
    for (std::uint32_t n = 1; n <= message_count; ++n)
      if (!is_marked(n)) ++count, octets += message(set_, n).size();
    return "+OK " + std::to_string(count) + ' ' + std::to_string(octets) + "\r\n";
  }
  std::string entry(std::uint32_t n) const {
    return std::to_string(n) + ' ' + (now_.uids ? std::string(uids[n - 1]) : std::to_string(message(set_, n).size())) +
           "\r\n";
  }
  void list(const Line& line) {
    now_.uids = line.verb == Verb::uidl;
    if (line.number > 0) {
      if (!exists(line.number) || (!now_.uids && !is_readable(line.number))) return;
      return say_exactly("+OK " + entry(line.number));  // R35
    }
    say(ok);
    now_.place = Place::listing;
    now_.number = 1;
  }
  void write_listing() {  // R34, R57: line by line, as there is room
    for (; now_.number <= message_count && !(set_.lockstep && now_.unsent); ++now_.number)
      if (!is_marked(now_.number)) say_exactly(entry(now_.number));
    if (now_.number <= message_count) return;
    say_exactly(".\r\n");
    now_.place = Place::command;
  }
  void retrieve(Step step) {
    const Line& line = lines[index(step)];
    if (!exists(line.number) || !is_readable(line.number)) return;
    now_.top = line.verb == Verb::top;
    now_.number = line.number;
    now_.lines = step == Step::top_2_9 && !removes_retrieved() ? 9 : 0;  // R73
    ask(Question::message, line.number, now_.top ? now_.lines : 0, now_.top);
  }

  // ---- bodies
  std::uint32_t body_number() const { return now_.asked_by == Step::own ? 0 : now_.number; }
  std::string_view whole() const { return body_number() == 0 ? own_body : message(set_, now_.number); }
  // R53-R55: how much of the message TOP wants.
  std::size_t wanted() const {
    const std::string_view text = whole();
    if (body_number() == 0 || !now_.top) return text.size();
    std::size_t end = text.find("\r\n\r\n") + 4;
    for (std::uint32_t n = 0; n < now_.lines && end < text.size(); ++n) end = text.find("\r\n", end) + 2;
    return end;
  }
  void begin_body() {
    now_.given = now_.written = 0;
    say(ok);
  }
  // R11, R13: dots at the start of a line are doubled, wherever the application cut its pieces.
  void give(std::size_t octets, bool last) {
    const std::string_view text = whole();
    now_.given += static_cast<std::uint32_t>(octets);
    std::string stuffed;
    for (; now_.written < now_.given && now_.written < wanted(); ++now_.written) {
      const bool line_start = now_.written == 0 || text[now_.written - 1] == '\n';
      if (line_start && text[now_.written] == '.') stuffed += '.';
      stuffed += text[now_.written];
    }
    lent_start_ = said.size();
    say_exactly(stuffed);
    now_.lent = stuffed.size() >= least_lent;
    const bool cut = now_.top && body_number() > 0 && now_.written == wanted() && wanted() < text.size();
    now_.place = Place::body;
    if (!last && !cut) return;
    say_exactly(".\r\n");
    now_.lent_last = now_.lent;
    if (!now_.lent) end_whole_body();
  }
  void end_whole_body() {
    now_.place = Place::command;
    now_.lent_last = false;
    end_body(true);
  }
  void end_body(bool complete) {
    const std::uint32_t number = body_number();
    // R74: a line that is cut short counts as it does in a listing, with its end.
    const bool inside_line = now_.written > 0 && whole()[now_.written - 1] != '\n';
    const std::uint64_t octets = now_.written + (inside_line ? 2U : 0U);
    tally_.body_octets += octets;
    if (complete && number > 0) {
      ++(now_.top ? tally_.tops : tally_.retrieved);
      if (!now_.top) now_.retrieved |= bit(number);
    }
    tell({Event::body_done, 0, complete, number, octets});
    now_.cuts_body = false;
    now_.asked_by = Step::begin;
    now_.given = now_.written = 0;
  }

  // ---- answers
  //               accept          refuse   more                    wrong                  other
  //   password    yes             no
  //   digest      yes             no
  //   sasl        yes             no       a challenge             yes, but nobody        yes, with data
  //   maildrop    a listing       no                               one that is not valid
  //   message     all of it       no       a piece                 TOP: promised unseen   pieces will follow
  //   piece       all the rest    abort    a further piece
  //   commit      all removed     no       nothing was removed     more than was asked
  //   tls         it is up        no
  //   command     "+OK"           no       a body                                         the session is to do it
  // refuse_code: with [IN-USE]; refuse_close: and hang up.
  bool has_meaning(Step step) const {
    const bool refuses = step == Step::refuse_code || step == Step::refuse_close;
    switch (now_.question) {
      case Question::password:
      case Question::digest: return step == Step::accept || step == Step::refuse || refuses;
      case Question::sasl: return true;
      case Question::maildrop: return step != Step::more && step != Step::other;
      case Question::message: return step != Step::wrong || now_.top;
      case Question::piece:
        return step == Step::accept || step == Step::refuse ||
               (step == Step::more && now_.given < whole().size() && now_.given < most_in_pieces);
      case Question::commit: return step != Step::other;
      case Question::tls: return step == Step::accept || step == Step::refuse;
      case Question::command: return step != Step::wrong;
      case Question::none: return false;
    }
    return false;
  }
  void answer(Step step) {
    const Question question = now_.question;
    now_.question = Question::none;
    now_.place = Place::command;
    now_.answered_before = true;
    outcome = step == Step::wrong ? Outcome::invalid : Outcome::applied;
    switch (question) {
      case Question::password:
      case Question::digest:
      case Question::sasl: return answer_login(step);
      case Question::maildrop: return answer_maildrop(step);
      case Question::message: return answer_message(step);
      case Question::piece:
        if (step == Step::refuse) return now_.place = Place::body, close(Reason::body_aborted);
        return give_next(step);
      case Question::commit: return answer_commit(step);
      case Question::tls: return answer_tls(step);
      case Question::command: return answer_command(step);
      case Question::none: return;
    }
  }
  void answer_login(Step step) {
    switch (step) {
      case Step::accept: return ask(Question::maildrop);  // R23
      case Step::more: now_.place = Place::response; return say(challenge);
      case Step::other: now_.place = Place::farewell; return say(challenge);  // R192
      case Step::refuse_code: return hold(in_use, false);                     // R134
      default: return hold(auth_error, step == Step::refuse_close);           // R166, R167
    }
  }
  void answer_maildrop(Step step) {
    now_.named = false;
    if (step == Step::accept) {  // R24
      now_.logged_in = now_.holds = true;
      now_.opened_with_utf8 = now_.utf8;
      return say(ok);
    }
    // R25, R27, R165: not the credentials' fault
    say(step == Step::wrong ? sys_perm : step == Step::refuse_code ? in_use : error);
    if (step == Step::refuse_close) close(Reason::refused);
  }
  void answer_message(Step step) {
    const bool given = step == Step::accept || step == Step::more || step == Step::other;
    if (!given) {  // R132, R134, R173: [IN-USE] is about logins
      say(error);
      if (step == Step::refuse_close) close(Reason::refused);
      return;
    }
    begin_body();
    if (step == Step::other) {
      now_.place = Place::body;
      return;
    }
    give_next(step);
  }
  void give_next(Step step) {
    const std::size_t left = whole().size() - now_.given;
    const bool last = step == Step::accept;
    give(last || left < piece_size ? left : piece_size, last);
  }
  void answer_commit(Step step) {  // R46-R49
    const std::uint32_t numbers = to_remove();
    const std::uint32_t count = (numbers & 1) + (numbers >> 1);
    if (step == Step::accept) tally_.removed = count;
    const bool done = step == Step::accept || (step == Step::more && count == 0);
    say(done ? ok : step == Step::refuse_code ? error : sys_temp);
    close(Reason::quit);
  }
  void answer_tls(Step step) {
    if (step == Step::refuse) return close(Reason::tls_failed, true);
    now_.encrypted = true;
    now_.waiting_count = 0;                            // R142
    now_.named = now_.utf8 = now_.translated = false;  // R143: from the start; R144: without a greeting
  }
  void answer_command(Step step) {
    const Step line = now_.asked_by;
    if (step != Step::more) now_.asked_by = Step::begin;
    const std::uint64_t bad_before = tally_.bad;
    if (step == Step::other) {
      execute(line);
    } else if (step == Step::more) {
      now_.asked_by = Step::own;
      now_.top = false;
      begin_body();
      give(own_body.size(), true);
    } else {
      say(step == Step::accept ? ok : error);
      if (step == Step::refuse_close) close(Reason::refused);
    }
    if (tally_.bad == bad_before) now_.bad_in_a_row = 0;
  }

  const Settings& set_;
  State now_;
  Tally tally_;
  Time time_ = 3'600'000;
  std::size_t sent_ = 0;        // of `said`
  std::size_t lent_start_ = 0;  // of the piece given last, there
  bool cut_ = false;
};

// ---- places to be visited -----------------------------------------------------------------------------------------

// What the pairs (state x verb x answer) are counted by.
inline constexpr std::size_t spot_count = 22;
inline std::size_t spot(const State& s) {
  switch (s.place) {
    case Place::start: return 0;
    case Place::command: return s.logged_in ? 2 : 1;
    case Place::response: return 3;
    case Place::farewell: return 4;
    case Place::held: return 5;
    case Place::begin_tls: return 6;
    case Place::listing: return 7;
    case Place::body: return 8;
    case Place::asked:
      return s.question == Question::command && s.logged_in ? 18 : 8 + static_cast<std::size_t>(s.question);
    case Place::closing: return s.holds ? 20 : 19;
    case Place::over: return 21;
  }
  return 0;
}
inline const char* spot_name(std::size_t spot) {
  static constexpr const char* names[spot_count] = {"start",
                                                    "authorization",
                                                    "transaction",
                                                    "AUTH",
                                                    "AUTH-farewell",
                                                    "held",
                                                    "begin-tls",
                                                    "listing",
                                                    "body",
                                                    "asked-password",
                                                    "asked-digest",
                                                    "asked-sasl",
                                                    "asked-maildrop",
                                                    "asked-message",
                                                    "asked-piece",
                                                    "asked-commit",
                                                    "asked-tls",
                                                    "asked-command",
                                                    "asked-command-logged-in",
                                                    "closing",
                                                    "closing-with-maildrop",
                                                    "over"};
  return names[spot];
}

}  // namespace model

#endif
