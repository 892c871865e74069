// SPDX-License-Identifier: MIT
// A session and its model, side by side: each step is done to both, and what can be seen of them is compared.
#ifndef TESTS_MODEL_PAIR_HPP
#define TESTS_MODEL_PAIR_HPP

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <pop3/session.hpp>

#include "model.hpp"

namespace model {

// ---- scenes: what the server is set to, and what may happen in it ---------------------------------------------------

inline pop3::Config config_of(const Settings& set) {
  using std::chrono::milliseconds;
  pop3::Config config;
  config.login_needs_tls = set.login_needs_tls;
  config.offer_stls = set.offers_stls;
  config.mechanisms.clear();
  if (set.has_sasl) config.mechanisms = {"PLAIN", "X-OWN"};
  if (set.has_utf8) config.utf8 = pop3::Utf8::on;
  if (set.has_lang) config.languages = {pop3::Language{"de", "Deutsch", {}}};
  if (set.has_own) config.commands = {pop3::CommandSpec{"XOWN", true, true, 0, 0}, pop3::CommandSpec{"DELE"}};
  if (set.removes_retrieved) config.expire = 0;
  pop3::Limits& limits = config.limits;
  limits.command_line = limits.sasl_line = 255;
  limits.input_buffer = 1024;
  limits.output_high = set.lockstep ? 0 : 1'000'000;  // the model has no octets to count
  limits.bad_commands = set.bad_commands;
  limits.failed_logins = set.failed_logins;
  limits.login_attempts = set.login_attempts;
  limits.failed_login_delay = milliseconds(set.hold);
  limits.idle = milliseconds(set.idle);
  limits.login = milliseconds(set.login);
  limits.write_stall = milliseconds(set.stall);
  limits.handshake = milliseconds(set.handshake);
  limits.answer = milliseconds(set.answer);
  return config;
}

struct Scene {
  Settings settings;
  std::vector<Step> before;  // played first
  std::vector<Step> alphabet;
  pop3::Config config = config_of(settings);
};

inline const std::vector<Scene>& scenes() {
  using S = Step;
  const auto with = [](Settings set, const auto& change) { return change(set), set; };
  const auto all = [](std::vector<Step> lines_and_answers, const std::vector<Step>& more) {
    lines_and_answers.insert(lines_and_answers.end(), more.begin(), more.end());
    return lines_and_answers;
  };
  const std::vector<Step> world{S::late,     S::consume,      S::nibble,    S::tick,        S::expire,
                                S::begin,    S::accept,       S::refuse,    S::refuse_code, S::refuse_close,
                                S::shutdown, S::end_of_input, S::disconnect};
  const std::vector<Step> log_in{S::begin, S::consume, S::user, S::consume, S::pass, S::accept, S::accept, S::consume};
  const std::vector<Step> transaction{S::quit, S::stat,    S::list, S::list_1, S::retr_1, S::dele_1, S::dele_2,
                                      S::rset, S::top_1_0, S::uidl, S::more,   S::wrong,  S::other};
  static const std::vector<Scene> scenes{
      {
          with({}, [](Settings& s) { s.name = "login", s.has_apop = true, s.hold = 2000; }),
          {},
          all(world, {S::user, S::pass, S::apop, S::quit, S::stat, S::capa, S::malformed, S::too_long, S::wrong,
                      S::user_and_pass}),
      },
      {with({}, [](Settings& s) { s.name = "auth", s.has_sasl = true; }),
       {S::begin},
       all(world, {S::user, S::pass, S::auth_plain, S::auth_plain_initial, S::auth_own, S::auth_unknown, S::response,
                   S::empty, S::star, S::garbage, S::quit, S::too_long, S::more, S::wrong, S::other})},
      {with({},
            [](Settings& s) {
              s.name = "tls", s.login_needs_tls = s.offers_stls = s.has_utf8 = s.has_lang = s.has_sasl = true;
            }),
       {},
       all(world, {S::user, S::pass, S::stls, S::stls_and_quit, S::auth_own, S::utf8, S::lang, S::lang_unknown,
                   S::auth_plain, S::auth_plain_initial, S::response, S::star, S::quit, S::capa, S::retr_1})},
      {with({}, [](Settings& s) { s.name = "transaction"; }), log_in,
       all(world, all(transaction, {S::list_9, S::retr_2, S::noop, S::top_2_9, S::uidl_2, S::capa, S::user, S::pass,
                                    S::apop, S::auth_plain, S::stls, S::utf8, S::unknown, S::malformed}))},
      {with({}, [](Settings& s) { s.name = "slow peer", s.lockstep = true; }), log_in, all(world, transaction)},
      {with({}, [](Settings& s) { s.name = "own verbs", s.has_own = true; }),
       {S::begin, S::consume},
       all(world, {S::user, S::pass, S::own, S::dele_1, S::stat, S::quit, S::unknown, S::more, S::other})},
      {with({}, [](Settings& s) { s.name = "own verbs, logged in", s.has_own = true; }), log_in,
       all(world, {S::own, S::dele_1, S::dele_2, S::rset, S::stat, S::list, S::retr_1, S::quit, S::unknown, S::more,
                   S::other})},
      {with({}, [](Settings& s) { s.name = "download once", s.removes_retrieved = true; }), log_in,
       all(world, all(transaction, {S::retr_2, S::top_2_9}))},
      {with({}, [](Settings& s) { s.name = "read only", s.read_only = s.removes_retrieved = true; }), log_in,
       all(world, {S::dele_1, S::retr_1, S::top_2_9, S::stat, S::list, S::quit, S::more, S::wrong})},
      {with({}, [](Settings& s) { s.name = "large message", s.first_is_large = true; }), log_in,
       all(world, {S::retr_1, S::retr_2, S::top_1_0, S::dele_1, S::stat, S::quit, S::more, S::other})},
      {with({}, [](Settings& s) { s.name = "UTF-8", s.has_utf8 = s.second_needs_utf8 = true; }),
       {S::begin, S::consume},
       all(world, {S::utf8, S::user, S::pass, S::list, S::uidl_2, S::retr_2, S::top_2_9, S::dele_2, S::stat, S::quit,
                   S::wrong})},
  };
  return scenes;
}

// ---- memory
// -----------------------------------------------------------------------------------------------------------

// Octets that the session holds: counted by whoever replaces operator new, while `inside` is set.
struct Meter {
  bool inside = false;
  std::int64_t now = 0, most = 0;
};
inline Meter meter;
struct Inside {
  Inside() { meter.inside = true; }
  ~Inside() { meter.inside = false; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};
template <class Call>
auto inside(const Call& call) {
  const Inside guard;
  return call();
}
inline constexpr std::int64_t most_memory = 16 * 1024;  // the input buffer, and little more

// ---- the pair
// -----------------------------------------------------------------------------------------------------------

class Pair {
 public:
  explicit Pair(const Scene& scene) : scene_(scene), model_(scene.settings) {
    meter.now = meter.most = 0;
    pop3::Connection connection;
    connection.encrypted = scene.settings.encrypted;
    if (scene.settings.has_apop) connection.apop_challenge = "<1896.697170952@dbc.mtview.ca.us>";
    const Inside guard;
    new (&memory_) pop3::Session(scene.config, connection);
  }
  ~Pair() { end(); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  std::string difference;  // the first; to be empty
  const Model& model() const { return model_; }

  // Does a step that was found good before.
  void follow(Step step) { do_both(step); }
  // Does a step and compares.
  bool play(Step step) {
    if (!do_both(step)) return false;
    compare();
    return difference.empty();
  }
  // The session is gone; nothing of its memory is left.
  void end() {
    if (ended_) return;
    ended_ = true;
    {
      const Inside guard;
      session().~Session();
    }
    check(meter.now == 0, "memory is left");
    check(meter.most <= most_memory, "too much memory");
  }

 private:
  pop3::Session& session() { return *reinterpret_cast<pop3::Session*>(&memory_); }
  pop3::TimePoint now() const { return pop3::TimePoint(std::chrono::milliseconds(model_.time())); }

  void check(bool fact, const char* otherwise) {
    if (!fact && difference.empty()) difference = otherwise;
  }
  template <class A, class B>
  void same(const A& mine, const B& models, const char* what) {
    if (mine == models || !difference.empty()) return;
    difference = std::string(what) + ": " + std::to_string(static_cast<long long>(mine)) + ", the model has " +
                 std::to_string(static_cast<long long>(models));
  }

  bool do_both(Step step) {
    event_count_ = 0;
    outcome_ = Outcome::none;
    late_was_taken_ = false;
    if (is_line(step)) {
      if (!say(step)) return false;
    } else if (is_answer(step)) {
      answer(step);
    } else {
      drive(step);
    }
    model_.play(step);
    poll();
    return difference.empty();
  }

  // ---- steps
  bool say(Step step) {
    static const std::string long_line = std::string(300, 'A') + "\r\n";
    char line[64];
    std::string_view octets = long_line;
    if (step != Step::too_long) {
      const std::string_view text = lines[index(step)].text;
      std::memcpy(line, text.data(), text.size());
      std::memcpy(line + text.size(), "\r\n", 2);
      octets = {line, text.size() + 2};
    }
    const Inside guard;
    const std::size_t taken = session().receive(octets);
    check(taken == octets.size(), "a line had no room");
    return taken == octets.size();
  }
  void drive(Step step) {
    switch (step) {
      case Step::late: inside([&] { answer_late(); }); break;
      case Step::consume: consume(~std::size_t{0}); break;
      case Step::nibble: consume(1); break;
      case Step::end_of_input: inside([&] { session().end_of_input(); }); break;
      case Step::shutdown: inside([&] { session().shutdown(); }); break;
      case Step::disconnect: inside([&] { session().disconnect(); }); break;
      default: break;
    }
  }
  void consume(std::size_t most) {
    for (;;) {
      const std::string_view run = inside([&] { return session().output(); }).substr(0, most);
      output_ += run;
      if (!run.empty()) inside([&] { session().consume_output(run.size()); });
      if (run.empty() || most == 1) break;
    }
  }

  // ---- answers
  void answer(Step step) {
    const pop3::Event* const open = session().pending();
    check(open != nullptr, "no question is open");
    if (open == nullptr) return;
    const pop3::Event event = *open;  // the answer changes it
    const Inside guard;
    const pop3::Outcome outcome = std::visit([&](const auto& request) { return answer_to(request, step); }, event);
    check(outcome != pop3::Outcome::stale, "a good answer is stale");
    outcome_ = outcome == pop3::Outcome::applied ? Outcome::applied : Outcome::invalid;
  }
  static pop3::Refusal why(Step step) {
    pop3::Refusal refusal;
    if (step == Step::refuse_code) refusal.code = pop3::Code::in_use;
    refusal.close = step == Step::refuse_close;
    return refusal;
  }
  pop3::Outcome answer_to(const pop3::AuthRequest& r, Step step) {
    check(r.user == "ann" && r.password.reveal() == "pw", "another user or password");
    return step == Step::accept ? session().accept(r.token) : session().refuse(r.token, why(step));
  }
  pop3::Outcome answer_to(const pop3::DigestRequest& r, Step step) {
    check(r.user == "ann", "another user");
    return step == Step::accept ? session().accept(r.token) : session().refuse(r.token, why(step));
  }
  pop3::Outcome answer_to(const pop3::ScramRequest& r, Step) { return session().refuse(r.token); }
  pop3::Outcome answer_to(const pop3::SaslRequest& r, Step step) {
    switch (step) {
      case Step::accept: return session().accept(r.token, "ann");
      case Step::other: return session().accept(r.token, "ann", "well done");
      case Step::wrong: return session().accept(r.token, "");
      case Step::more: return session().challenge(r.token, "and?");
      default: return session().refuse(r.token, why(step));
    }
  }
  pop3::Outcome answer_to(const pop3::ListRequest& r, Step step) {
    check(r.user == "ann", "another user's maildrop");
    const bool wrong = step == Step::wrong;
    const pop3::MessageInfo listing[] = {
        {message(scene_.settings, 1).size(), uids[0], false, 0},
        {message(scene_.settings, 2).size(), wrong ? std::string_view("not a uid") : uids[1],
         scene_.settings.second_needs_utf8, 0}};
    if (step != Step::accept && !wrong) return session().refuse(r.token, why(step));
    const pop3::Outcome outcome = session().accept(r.token, listing, account());
    locked_ = outcome == pop3::Outcome::applied;
    return outcome;
  }
  pop3::Account account() const {
    pop3::Account account;
    account.read_only = scene_.settings.read_only;
    return account;
  }
  pop3::Outcome answer_to(const pop3::RetrieveRequest& r, Step step) {
    const std::string_view text = message(scene_.settings, r.number);
    check(r.uid == uids[r.number - 1] && r.size == text.size(), "another message");
    switch (step) {
      case Step::accept: return session().lend_body(r.token, text, pop3::Chunk::last);
      case Step::more: return session().lend_body(r.token, text.substr(0, piece_size), pop3::Chunk::more);
      case Step::other: return session().accept(r.token);
      case Step::wrong: return session().promise_body(r.token, text.size());
      default: return session().refuse(r.token, why(step));
    }
  }
  pop3::Outcome answer_to(const pop3::BodyRequest& r, Step step) {
    const std::string_view rest = message(scene_.settings, r.number).substr(static_cast<std::size_t>(r.offset));
    if (step == Step::accept && rest.size() >= least_lent) return session().lend_body(r.token, rest, pop3::Chunk::last);
    if (step == Step::accept) return session().send_body(r.token, std::string(rest), pop3::Chunk::last);
    if (step == Step::more) return session().lend_body(r.token, rest.substr(0, piece_size), pop3::Chunk::more);
    return session().abort_body(r.token);
  }
  pop3::Outcome answer_to(const pop3::CommitRequest& r, Step step) {
    switch (step) {
      case Step::accept: return session().accept(r.token);
      case Step::more: return session().accept(r.token, std::size_t{0});
      case Step::wrong: return session().accept(r.token, r.numbers.count + 1);
      default: return session().refuse(r.token, why(step));
    }
  }
  pop3::Outcome answer_to(const pop3::TlsRequest& r, Step step) {
    return step == Step::accept ? session().accept(r.token) : session().refuse(r.token);
  }
  pop3::Outcome answer_to(const pop3::CommandRequest& r, Step step) {
    switch (step) {
      case Step::accept: return session().accept(r.token, "done");
      case Step::more: return session().send_body(r.token, std::string(own_body), pop3::Chunk::last);
      case Step::other: return session().proceed(r.token);
      default: return session().refuse(r.token, why(step));
    }
  }
  template <class Notice>
  pop3::Outcome answer_to(const Notice&, Step) {
    return pop3::Outcome::stale;
  }

  // All questions that are over are answered again, and the open one with a token of each other kind.
  void answer_late() {
    const pop3::Event* const open = session().pending();
    const std::uint64_t last = open == nullptr ? asked_ : asked_ - 1;
    for (std::uint64_t token = 1; token <= last; ++token) answer_all(token, ~std::size_t{0});
    if (open != nullptr) answer_all(asked_, open->index());
    answer_all((std::uint64_t{1} << 32) + asked_, ~std::size_t{0});  // of another connection
    answer_all(asked_ + 1, ~std::size_t{0});                         // not asked yet
  }
  void answer_all(std::uint64_t number, std::size_t but) {
    late<pop3::AuthRequest>(number, but, [&](auto t) { return session().accept(t); });
    late<pop3::DigestRequest>(number, but, [&](auto t) { return session().accept(t); });
    late<pop3::SaslRequest>(number, but, [&](auto t) { return session().accept(t, "eve"); });
    late<pop3::ListRequest>(number, but, [&](auto t) { return session().accept(t, pop3::Listing{}); });
    late<pop3::RetrieveRequest>(number, but, [&](auto t) { return session().lend_body(t, "x", pop3::Chunk::last); });
    late<pop3::BodyRequest>(number, but, [&](auto t) { return session().lend_body(t, "x", pop3::Chunk::last); });
    late<pop3::CommitRequest>(number, but, [&](auto t) { return session().accept(t); });
    late<pop3::TlsRequest>(number, but, [&](auto t) { return session().accept(t); });
    late<pop3::CommandRequest>(number, but, [&](auto t) { return session().accept(t, "x"); });
  }
  template <class Request, class Answer>
  void late(std::uint64_t number, std::size_t but, const Answer& accept) {
    if (but == pop3::Event(Request{}).index()) return;
    const pop3::Token<Request> token(number);
    const bool taken = accept(token) != pop3::Outcome::stale || session().refuse(token) != pop3::Outcome::stale;
    late_was_taken_ = late_was_taken_ || taken;
  }

  // ---- events
  void poll() {
    for (int turn = 0;; ++turn) {
      const auto event = [&] {
        const Inside guard;
        return session().poll(now());
      }();
      if (!event) return;
      if (turn == 8) return check(false, "events without end");
      std::visit([this](const auto& e) { note(e); }, *event);
    }
  }
  void put(const Event& event) {
    check(!closed_, "an event after Closed");
    if (event_count_ < events_.size()) events_[event_count_++] = event;
  }
  template <class Request>
  void asks(const Request& r, Question question, std::uint32_t number = 0, std::uint64_t octets = 0,
            bool flag = false) {
    check(r.token.value() > asked_, "a token that was there before");
    asked_ = r.token.value();
    put({Event::asks, static_cast<std::uint8_t>(question), flag, number, octets});
  }
  void note(const pop3::AuthRequest& r) {
    check(r.encrypted == model_.state().encrypted, "a password, encrypted or not");
    check(r.attempt == model_.tally().logins, "another attempt");
    asks(r, Question::password);
  }
  void note(const pop3::DigestRequest& r) { asks(r, Question::digest); }
  void note(const pop3::ScramRequest& r) { asks(r, Question::none); }
  void note(const pop3::SaslRequest& r) { asks(r, Question::sasl); }
  void note(const pop3::ListRequest& r) {
    check(!locked_ && !released_, "a second maildrop");
    asks(r, Question::maildrop);
  }
  void note(const pop3::RetrieveRequest& r) {
    asks(r, Question::message, r.number, r.top_lines.value_or(0), r.top_lines.has_value());
  }
  void note(const pop3::BodyRequest& r) { asks(r, Question::piece, r.number, r.offset); }
  void note(const pop3::CommitRequest& r) {
    release();
    std::uint32_t numbers = 0;
    for (const std::uint32_t number : r.numbers) numbers |= 1U << (number - 1);
    asks(r, Question::commit, numbers);
  }
  void note(const pop3::TlsRequest& r) { asks(r, Question::tls); }
  void note(const pop3::CommandRequest& r) { asks(r, Question::command); }
  void note(const pop3::BodyDone& n) { put({Event::body_done, 0, n.complete, n.number, n.octets}); }
  void note(const pop3::LoginFailed& n) {
    using From = pop3::LoginFailed::Fault;
    const Fault fault = n.fault == From::cancelled       ? Fault::cancelled
                        : n.fault == From::not_encrypted ? Fault::not_encrypted
                                                         : Fault::malformed;
    check(fault != Fault::malformed || n.fault == From::malformed, "another fault");
    put({Event::login_failed, static_cast<std::uint8_t>(fault), false, 0, 0});
  }
  void note(const pop3::Closed& n) {
    if (n.release) release();
    std::uint8_t reason = 0;
    while (reason < 12 && to_string(n.reason) != name(static_cast<Reason>(reason))) ++reason;
    check(to_string(n.reason) == name(static_cast<Reason>(reason)), "another reason");
    put({Event::closed, reason, n.release, 0, 0});
    closed_ = true;
    check(!locked_, "the maildrop is locked for ever");
  }
  // Whatever the model says: what was locked is released once.
  void release() {
    check(locked_, "a maildrop is released that is not locked");
    locked_ = false;
    released_ = true;
  }

  // ---- all that can be seen
  void compare() {
    const State& s = model_.state();
    check(!late_was_taken_, "a late answer was taken");
    same(static_cast<int>(outcome_), static_cast<int>(model_.outcome), "outcome of the answer");
    compare_events();
    compare_state(s);
    const auto deadline = session().deadline();
    check(!deadline || *deadline > now(), "the deadline is not later than now");
    const auto in_ms = [](pop3::TimePoint t) {
      return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
    };
    same(deadline ? in_ms(*deadline) : never, model_.deadline(), "deadline");
    same(session().wants_input(), model_.takes_input(), "wants_input()");
    same(session().wants_output(), s.unsent, "wants_output()");
    same(session().finished(), s.place == Place::over, "finished()");
    same(session().pending() != nullptr, s.place == Place::asked, "pending()");
    compare_counters(session().counters());
    compare_output();
  }
  void compare_events() {
    for (std::size_t i = 0; i < std::max(event_count_, model_.event_count) && difference.empty(); ++i) {
      const bool both = i < event_count_ && i < model_.event_count;
      if (both && events_[i] == model_.events[i]) continue;
      difference = "event " + (i < event_count_ ? text(events_[i]) : "none") + ", the model has " +
                   (i < model_.event_count ? text(model_.events[i]) : "none");
    }
  }
  static std::string text(const Event& e) {
    static constexpr const char* kinds[] = {"question", "BodyDone", "LoginFailed", "Closed"};
    return std::string(kinds[e.kind]) + ' ' + std::to_string(e.what) + (e.flag ? " yes " : " no ") +
           std::to_string(e.number) + ' ' + std::to_string(e.octets);
  }
  void compare_state(const State& s) {
    const auto state = model_.is_closed() ? pop3::State::closed
                       : s.updating       ? pop3::State::update
                       : s.logged_in      ? pop3::State::transaction
                                          : pop3::State::authorization;
    same(static_cast<int>(session().state()), static_cast<int>(state), "state()");
    same(session().encrypted(), s.encrypted, "encrypted()");
    same(session().utf8(), s.utf8, "utf8()");
    same(!session().language().empty(), s.translated, "language()");
    for (std::uint32_t n = 1; n <= message_count; ++n)
      same(session().is_marked(n), (s.marks >> (n - 1) & 1) != 0, "a deletion mark");
  }
  void compare_counters(const pop3::Counters& counters) {
    const Tally& tally = model_.tally();
    same(counters.commands, tally.commands, "commands");
    same(counters.bad_commands, tally.bad, "bad commands");
    same(counters.failed_logins, tally.failed_logins, "failed logins");
    same(counters.logins, tally.logins, "logins");
    same(counters.retrieved, tally.retrieved, "retrieved");
    same(counters.tops, tally.tops, "tops");
    same(counters.removed, tally.removed, "removed");
    same(counters.body_octets, tally.body_octets, "octets of bodies");
  }

  // All that was sent, and what is seen of what waits to be.
  void compare_output() {
    std::string whole = output_;
    if (session().wants_output()) {
      pop3::ConstBuffer runs[4];
      const std::size_t count = session().gather(runs, 4);
      for (std::size_t i = 0; i < count; ++i) whole.append(runs[i].data, runs[i].size);
      session().consume_output(0);  // the write is given up
    }
    std::string_view rest = whole, wanted = model_.said;
    while (!wanted.empty() && !rest.empty()) {
      if (!match(wanted, rest)) {
        if (model_.is_cut()) return;  // inside a reply
        if (difference.empty()) difference = "another reply: \"" + whole + "\", the model has " + model_.said;
        return;
      }
    }
    if (!rest.empty() && difference.empty()) difference = "more is said: \"" + std::string(rest) + '"';
    // Behind a run that was begun others are not seen yet.
    check(wanted.empty() || model_.state().unsent, "less is said than by the model");
    if (model_.state().unsent || !difference.empty()) return;
    output_.clear();
    model_.forget_said();
  }
  // Takes the next reply off both.
  static bool match(std::string_view& wanted, std::string_view& rest) {
    const char reply = wanted[0];
    wanted.remove_prefix(1);
    if (reply == '"') {
      const std::string_view text = wanted.substr(0, wanted.find('\0'));
      wanted.remove_prefix(text.size() + 1);
      if (rest.substr(0, text.size()) != text) return false;
      rest.remove_prefix(text.size());
      return true;
    }
    if (reply == capabilities) return match_capabilities(wanted, rest);
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return false;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return begins(line, reply);
  }
  static bool begins(std::string_view line, char reply) {
    const auto starts = [&](std::string_view with) { return line.substr(0, with.size()) == with; };
    switch (reply) {
      case ok: return starts("+OK");
      case challenge: return starts("+ ");
      case auth_error: return starts("-ERR [AUTH] ");
      case in_use: return starts("-ERR [IN-USE] ");
      case sys_temp: return starts("-ERR [SYS/TEMP] ");
      case sys_perm: return starts("-ERR [SYS/PERM] ");
      case utf8_error: return starts("-ERR [UTF8] ");
      default: return starts("-ERR") && !starts("-ERR [");
    }
  }
  static bool match_capabilities(std::string_view& wanted, std::string_view& rest) {
    const int flags = wanted[0];
    wanted.remove_prefix(1);
    const std::size_t end = rest.find("\r\n.\r\n");
    if (end == std::string_view::npos) return false;
    const std::string list = "\r\n" + std::string(rest.substr(0, end + 2));
    rest.remove_prefix(end + 5);
    const auto has = [&](const char* line) { return list.find(line) != std::string::npos; };
    return has("\r\nUSER\r\n") == ((flags & 1) != 0) && has("\r\nSASL PLAIN") == ((flags & 2) != 0) &&
           has("\r\nSTLS\r\n") == ((flags & 4) != 0);
  }

  const Scene& scene_;
  Model model_;
  alignas(pop3::Session) unsigned char memory_[sizeof(pop3::Session)];
  bool ended_ = false, closed_ = false, locked_ = false, released_ = false, late_was_taken_ = false;
  std::uint64_t asked_ = 0;  // the last token
  Outcome outcome_ = Outcome::none;
  std::array<Event, 8> events_{};
  std::size_t event_count_ = 0;
  std::string output_;  // sent, and not compared to its end yet
};

// What a well-behaved world does next, so that every path comes to its end. On the way it is curious: a password
// without a name, answers that come too late, and what is left of the maildrop.
class Polite {
 public:
  Step next(const Model& model) {
    static constexpr Step logged_out[] = {Step::pass, Step::user, Step::pass, Step::quit};
    static constexpr Step logged_in[] = {Step::stat, Step::uidl, Step::quit};
    const State& s = model.state();
    if (!was_late_ && model.possible(Step::late)) return was_late_ = true, Step::late;
    if (s.unsent) return Step::consume;
    switch (s.place) {
      case Place::start: return Step::begin;
      case Place::asked: return Step::accept;
      case Place::held: return Step::expire;
      case Place::response: return Step::response;
      case Place::farewell: return Step::empty;
      default: break;
    }
    if (!model.takes_input()) return Step::disconnect;
    return s.logged_in ? logged_in[said_in_++ % 3] : logged_out[said_out_++ % 4];
  }

 private:
  bool was_late_ = false;
  unsigned said_in_ = 0, said_out_ = 0;
};

}  // namespace model

#endif
