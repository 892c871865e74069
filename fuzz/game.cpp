// SPDX-License-Identifier: MIT
#include "game.hpp"

#include <set>

#include "play.hpp"

namespace {

using fuzz::Input;
using tests::Harness;

// ---- what CAPA says is what works --------------------------------------------------------------------------------

// A session with a client that asks one thing after the other.
class Probe {
 public:
  explicit Probe(const tests::Dialogue& scene) : play_(scene.config, fuzz::connection(scene)), app_(scene, play_) {
    ask("");
  }

  std::string ask(const std::string& line) {
    const std::size_t before = play_.output.size();
    std::string_view octets = line;
    for (int quiet = 0; quiet < 3; ++quiet) {
      while (const auto event = play_.poll()) app_.answer(*event), quiet = 0;
      if (const std::size_t n = play_.feed(octets); n > 0) octets.remove_prefix(n), quiet = 0;
      if (play_.take_output(~std::size_t{0}) > 0) quiet = 0;
    }
    if (!play_.faults.empty()) fuzz::fail(play_.faults);
    return play_.output.substr(before);
  }
  bool works(const std::string& line) { return ask(line + "\r\n").substr(0, 3) == "+OK"; }
  bool begins(const std::string& mechanism) { return ask("AUTH " + mechanism + "\r\n").substr(0, 2) == "+ "; }
  // The lines of CAPA, by their tags.
  std::map<std::string, std::string> capabilities() {
    std::map<std::string, std::string> found;
    const std::string answer = ask("CAPA\r\n");
    std::string_view rest = answer;
    if (fuzz::take_line(rest).substr(0, 3) != "+OK") fuzz::fail("no CAPA");
    while (!rest.empty()) {
      const std::string line(fuzz::take_line(rest));
      const std::size_t space = line.find(' ');
      if (!found.emplace(line.substr(0, space), space == line.npos ? "" : line.substr(space) + ' ').second)
        fuzz::fail("announced twice: " + line);
    }
    return found;
  }
  Harness& play() { return play_; }

 private:
  Harness play_;
  fuzz::Application app_;
};

void expect(bool announced, bool works, const std::string& what) {
  if (announced != works) fuzz::fail(what + (announced ? " is announced and does not work" : " works unannounced"));
}

void check_capabilities(const tests::Dialogue& scene) {
  const auto told = Probe(scene).capabilities();
  const auto has = [&](const char* tag) { return told.count(tag) > 0; };
  expect(has("USER"), Probe(scene).works("USER ann"), "USER");
  expect(has("STLS"), Probe(scene).works("STLS"), "STLS");
  expect(has("UTF8"), Probe(scene).works("UTF8"), "UTF8");
  expect(has("LANG"), Probe(scene).works("LANG"), "LANG");
  const std::string mechanisms = has("SASL") ? told.at("SASL") : "";
  for (const pop3::Mechanism& mechanism : scene.config.mechanisms)
    expect(mechanisms.find(' ' + mechanism.name + ' ') != std::string::npos, Probe(scene).begins(mechanism.name),
           mechanism.name);
  expect(false, Probe(scene).begins("X-NONE"), "X-NONE");
  if (!has("USER")) return;
  Probe probe(scene);
  probe.ask("USER ann\r\nPASS pw\r\n");
  if (probe.play().session.state() != pop3::State::transaction) return;  // the listing is not to be had
  const auto later = probe.capabilities();
  expect(later.count("TOP") > 0, probe.works("TOP 1 0"), "TOP");
  expect(later.count("UIDL") > 0, probe.works("UIDL"), "UIDL");
  expect(later.count("LANG") > 0, probe.works("LANG"), "LANG");
  expect(later.count("STLS") > 0, probe.works("STLS"), "STLS after login");
  if (!probe.play().session.announce("X-SAID 1") || probe.play().session.announce("STLS"))
    fuzz::fail("announce() is wrong");
  if (probe.capabilities()["X-SAID"] != " 1 ") fuzz::fail("what was announced does not show");
  probe.play().session.conceal("x-said");
  if (probe.capabilities().count("X-SAID") > 0) fuzz::fail("what is concealed shows");
}

// Once for everything that it depends on.
void check_capabilities_once(const tests::Dialogue& scene, unsigned key) {
  static std::set<unsigned> done;
  if (done.insert(key).second) check_capabilities(scene);
}

// ---- the game -------------------------------------------------------------------------------------------------------

class Game {
 public:
  explicit Game(Input input)
      : input_(input),
        blabs_(input.text().find(fuzz::canary) != std::string_view::npos),
        scene_(fuzz::scene(input_)),
        play_(scene_.config, fuzz::connection(scene_)),
        app_(scene_, play_),
        client_(input_.octets, scene_) {
    if (scene_.config.limits.input_buffer == 1) scene_.config.limits.trace = 400;
  }

  const tests::Dialogue& scene() const { return scene_; }

  void run() {
    for (int turn = 0; turn < 5000 && !play_.closed() && !abandoned_; ++turn) {
      move();
      earliest_ = std::min(earliest_, play_.now);
      latest_ = std::max(latest_, play_.now);
      if (!play_.faults.empty()) fuzz::fail(play_.faults);
    }
    if (abandoned_) return;  // destroyed in the middle of whatever it was doing
    finish();
    check();
  }
  // All that came out.
  std::string told() {
    trace_ += play_.session.take_trace();
    std::string all = play_.output + "---\n" + trace_;
    for (const std::string& event : play_.events) all += "---\n" + event + '\n';
    return all;
  }

 private:
  void move() {
    switch (input_.decide(32)) {
      case 0: usual(); break;
      case 1: feed(1 + input_.decide(7)); break;
      case 2: poll(); break;
      case 3: play_.take_output(1 + input_.decide(60)); break;
      case 4: hold_output(); break;
      case 5: play_.now += std::chrono::seconds(1 + input_.decide(120)); break;
      case 6: play_.now += std::chrono::minutes(11); break;
      case 7:
        if (input_.decide(4) == 0) play_.end_of_input();
        break;
      case 8:
        if (input_.decide(8) == 0) shut_down();
        break;
      case 9:
        if (input_.decide(8) == 0) hang_up();
        break;
      case 10: play_.session.trim(); break;
      case 11: play_.copy_output(1 + input_.decide(200)); break;
      case 12:
        if (open_) answer(*open_);
        break;
      case 13: stale_answer(); break;
      case 14: play_.now -= std::chrono::hours(1); break;  // time that goes back does not
      case 15: play_.begin_read(); break;
      case 16: end_read(input_.decide(40)); break;
      case 17: trace_ += play_.session.take_trace(); break;
      case 18: play_.session.announce(input_.text().substr(0, 1 + input_.decide(20))); break;
      case 19: play_.session.conceal(input_.text().substr(0, 1 + input_.decide(8))); break;
      case 20: client_.go_on(play_.output); break;
      case 21: wrong_answers(); break;
      case 23:
        client_.said(play_.reading() ? 0 : play_.receive(client_.ready().substr(0, 1 + input_.decide(250))));
        break;
      case 24: look_around(); break;
      case 22:
        if (input_.decide(8) == 1) abandoned_ = true;
        break;
      default: usual(); break;
    }
  }

  void hold_output() {
    play_.hold_output();
    pop3::ConstBuffer run{};
    const bool some = play_.session.gather(&run, 1) > 0;
    const std::string_view first = play_.session.output();
    if (some ? first.data() != run.data || first.size() != run.size : !first.empty())
      fuzz::fail("output() and gather() disagree");
  }
  // What may be asked at any time.
  void look_around() const {
    const pop3::Session& session = play_.session;
    std::uint32_t marked = 0;
    for (std::uint32_t number = 0; number < 20; ++number) {
      if (!session.is_marked(number)) continue;
      if (session.message(number).uid.empty() && scene_.config.uidl) fuzz::fail("marked, and not there");
      ++marked;
    }
    if (marked != session.counters().marked) fuzz::fail("not as many are marked as counted");
  }

  void usual() {
    if (poll()) return;
    if (open_ && input_.decide(4) != 3) return answer(*open_);
    if (feed(~std::size_t{0}) > 0) return;
    if (play_.take_output(~std::size_t{0}) > 0) return;
    if (client_.go_on(play_.output)) return;
    if (client_.left() == 0 || !play_.session.deadline()) play_.end_of_input();
  }
  bool poll() {
    const auto event = play_.poll();
    if (!event) return false;
    if (std::holds_alternative<pop3::LoginFailed>(*event)) login_ = Login::none;
    if (std::holds_alternative<pop3::ListRequest>(*event)) check_login();
    if (play_.session.pending() == nullptr) return true;
    open_ = event;
    if (input_.decide(3) != 2) answer(*event);
    return true;
  }
  std::size_t feed(std::size_t most) {
    if (play_.reading()) return end_read(most);
    const std::size_t n = play_.feed(client_.ready().substr(0, most));
    client_.said(n);
    return n;
  }
  std::size_t end_read(std::size_t most) {
    const std::size_t n = play_.end_read(client_.ready().substr(0, most));
    if (stale_read_)
      client_.lost(n);
    else
      client_.said(n);
    stale_read_ = false;
    return n;
  }
  void shut_down() {
    play_.shutdown({code(), input_.text()});
    spoke_unasked_ = true;
  }
  void hang_up() {
    play_.disconnect();
    gone_ = true;
  }
  pop3::Code code() { return static_cast<pop3::Code>(input_.decide(7)); }
  pop3::Refusal refusal() {
    pop3::Refusal why{code(), input_.text()};
    const unsigned more = input_.decide(8);
    why.close = more == 1 || more == 2;
    if (more == 2 || more == 3) why.delay = std::chrono::seconds(input_.decide(20));
    return why;
  }
  std::string_view words() { return input_.text().substr(0, input_.decide(30)); }

  // An answer to a question that is over, in each of its forms.
  void stale_answer() {
    if (old_) std::visit([this](const auto& request) { repeat(request); }, *old_);
  }
  // The views of a request that was answered are gone, so nobody may look at them.
  void repeat(const pop3::BodyDone&) {}
  void repeat(const pop3::LoginFailed&) {}
  void repeat(const pop3::Closed&) {}
  template <class Request>
  void repeat(const Request& r) {
    all_answers(r.token);
  }
  // Answers to questions that nobody asked: made up, of another connection, or with the number of the one that is open
  // and another type.
  void wrong_answers() {
    std::uint64_t number = (std::uint64_t{input_.decide(2) == 0 ? 77U : 78U} << 32) | input_.decide(250);
    const pop3::Event* const open = play_.session.pending();
    const std::uint64_t asked = open == nullptr ? 0 : std::visit([](const auto& r) { return token_of(r); }, *open);
    if (input_.decide(2) == 0) number = asked;
    wrong_answer<pop3::AuthRequest>(number, open, asked);
    wrong_answer<pop3::DigestRequest>(number, open, asked);
    wrong_answer<pop3::ScramRequest>(number, open, asked);
    wrong_answer<pop3::SaslRequest>(number, open, asked);
    wrong_answer<pop3::ListRequest>(number, open, asked);
    wrong_answer<pop3::RetrieveRequest>(number, open, asked);
    wrong_answer<pop3::BodyRequest>(number, open, asked);
    wrong_answer<pop3::CommitRequest>(number, open, asked);
    wrong_answer<pop3::TlsRequest>(number, open, asked);
    wrong_answer<pop3::CommandRequest>(number, open, asked);
    if (play_.session.pending() != open) fuzz::fail("the open question is gone");
  }
  template <class Request>
  void wrong_answer(std::uint64_t number, const pop3::Event* open, std::uint64_t asked) {
    const bool right = open != nullptr && number == asked && std::holds_alternative<Request>(*open);
    if (!right) all_answers(pop3::Token<Request>(number));
  }
  static std::uint64_t token_of(const pop3::BodyDone&) { return 0; }
  static std::uint64_t token_of(const pop3::LoginFailed&) { return 0; }
  static std::uint64_t token_of(const pop3::Closed&) { return 0; }
  template <class Request>
  static std::uint64_t token_of(const Request& r) {
    return r.token.value();
  }

  static void expect_stale(pop3::Outcome outcome) {
    if (outcome != pop3::Outcome::stale) fuzz::fail("an answer without a question was taken");
  }
  // Everything that can be said to such a question.
  template <class Request>
  void all_answers(pop3::Token<Request> token) {
    expect_stale(play_.session.refuse(token, refusal()));
    other_answers(token);
  }
  template <class Login>
  void accept_names(pop3::Token<Login> token) {
    expect_stale(play_.session.accept(token));
    expect_stale(play_.session.accept(token, "ann"));
  }
  void other_answers(pop3::Token<pop3::AuthRequest> token) { accept_names(token); }
  void other_answers(pop3::Token<pop3::DigestRequest> token) { accept_names(token); }
  void other_answers(pop3::Token<pop3::ScramRequest> token) {
    expect_stale(play_.session.accept(token, fuzz::scram_keys(mailwire::ScramHash::sha_256).view(), "ann"));
  }
  void other_answers(pop3::Token<pop3::SaslRequest> token) {
    expect_stale(play_.session.challenge(token, "more"));
    expect_stale(play_.session.accept(token, "ann", "done"));
  }
  void other_answers(pop3::Token<pop3::ListRequest> token) {
    const pop3::MessageInfo list[] = {{1, "a"}};
    expect_stale(play_.session.accept(token, {list, 1}));
  }
  template <class Request>
  void send_bodies(pop3::Token<Request> token) {
    static const std::string octets = "nobody wants this\r\n";
    expect_stale(play_.session.lend_body(token, std::string_view(octets), pop3::Chunk::last));
    expect_stale(play_.session.send_body(token, std::string(octets), pop3::Chunk::more));
  }
  void other_answers(pop3::Token<pop3::RetrieveRequest> token) {
    send_bodies(token);
    expect_stale(play_.session.promise_body(token, 100));
    expect_stale(play_.session.accept(token));
  }
  void other_answers(pop3::Token<pop3::BodyRequest> token) {
    send_bodies(token);
    expect_stale(play_.session.abort_body(token));
  }
  void other_answers(pop3::Token<pop3::CommitRequest> token) {
    static constexpr std::uint32_t numbers[] = {1, 2};
    expect_stale(play_.session.accept(token));
    expect_stale(play_.session.accept(token, std::size_t{0}));
    expect_stale(play_.session.accept(token, pop3::Numbers{numbers, 2}));
  }
  void other_answers(pop3::Token<pop3::TlsRequest> token) { expect_stale(play_.session.accept(token)); }
  void other_answers(pop3::Token<pop3::CommandRequest> token) {
    send_bodies(token);
    expect_stale(play_.session.accept(token, "well"));
    expect_stale(play_.session.proceed(token));
  }

  void answer(const pop3::Event& event) {
    open_.reset();
    old_ = event;
    std::visit([&](const auto& request) { decide(event, request); }, event);
  }

  // ---- login: who comes in has convinced the application, or has shown that it knows the password
  enum class Login { none, trusted, by_proof };
  void check_login() {
    if (login_ == Login::none) fuzz::fail("a login that nobody has accepted");
    if (login_ == Login::by_proof && !client_.knows_password()) fuzz::fail("SCRAM without the password");
    login_ = Login::none;
  }
  void decide(const pop3::Event& event, const pop3::AuthRequest& r) {
    using pop3::AuthMethod;
    const bool shows_nothing = r.method == AuthMethod::external || r.method == AuthMethod::anonymous;
    if (scene_.config.login_needs_tls && !play_.session.encrypted() && !shows_nothing)
      fuzz::fail("a password was taken in the clear");
    if (r.method == AuthMethod::external && (r.user.empty() || r.user != play_.session.tls().identity))
      fuzz::fail("EXTERNAL without a certificate");
    log_in(event, r);
  }
  void decide(const pop3::Event& event, const pop3::DigestRequest& r) { log_in(event, r); }
  template <class Request>
  void log_in(const pop3::Event& event, const Request& r) {
    login_ = Login::trusted;
    switch (input_.decide(7)) {
      case 1: refuse_login(r); break;
      case 2: play_.accept(r); break;
      case 3: play_.accept(r, words()); break;
      case 4: play_.accept(r, r.user); break;  // a view of its own memory
      default: app_.answer(event);
    }
  }
  template <class Request>
  void refuse_login(const Request& r) {
    login_ = Login::none;
    play_.refuse(r, refusal());
  }
  void decide(const pop3::Event& event, const pop3::ScramRequest& r) {
    login_ = Login::by_proof;
    const auto& keys = fuzz::Application::keys(r.method);
    switch (input_.decide(8)) {
      case 1: refuse_login(r); break;
      case 2: play_.accept(r, keys.view(), words()); break;
      case 3: play_.accept(r, keys.view(), r.user); break;
      case 4:  // keys that are none
        login_ = Login::none;
        play_.accept(r, {words(), input_.decide(3), words(), keys.view().server_key});
        break;
      default: app_.answer(event);
    }
  }
  void decide(const pop3::Event& event, const pop3::SaslRequest& r) {
    login_ = Login::trusted;
    switch (input_.decide(8)) {
      case 1: refuse_login(r); break;
      case 2: play_.challenge(r, words()); break;
      case 3: play_.challenge(r, r.data); break;
      case 4: play_.accept(r, words(), words()); break;
      case 5: play_.accept(r, r.data, r.data); break;
      default: app_.answer(event);
    }
  }

  void decide(const pop3::Event& event, const pop3::ListRequest& r) {
    switch (input_.decide(7)) {
      case 1: play_.refuse(r, refusal()); break;
      case 2: {
        const pop3::MessageInfo odd[] = {{1, input_.text()}, {~std::uint64_t{0}, "b"}};
        play_.accept(r, {odd, 2});
        break;
      }
      case 3: play_.accept(r, {}); break;
      case 4: {
        pop3::Account account;
        account.login_delay = input_.decide(100);
        account.last_login = play_.now - std::chrono::seconds(input_.decide(100));
        account.language = words();
        play_.accept(r, {}, account);
        break;
      }
      default: app_.answer(event);
    }
  }

  // What came before TLS is nobody's word: from here on only what comes now counts.
  void decide(const pop3::Event& event, const pop3::TlsRequest& r) {
    const unsigned choice = input_.decide(8);
    if (choice == 1) {
      play_.refuse(r, refusal());
      return;
    }
    if (choice == 2 && play_.reading()) end_read(~std::size_t{0});  // it ends before the handshake
    client_.begin_tls(play_.session.unread_input().size(), choice % 2 == 0);
    stale_read_ = play_.reading();
    tls_commands_ = play_.session.counters().commands;
    tls_octets_ = client_.log().size();
    const bool in_time =
        play_.session.pending() != nullptr;  // else the session has closed, and nothing is to be expected
    app_.answer(event);
    if (!in_time) return;
    if (!play_.session.encrypted() || play_.session.utf8() || !play_.session.language().empty())
      fuzz::fail("TLS did not make a new start");
  }

  void decide(const pop3::Event& event, const pop3::CommandRequest& r) {
    const std::uint64_t line = play_.session.counters().commands;
    const bool own = r.verb[0] == 'X';
    switch (input_.decide(9)) {
      case 1:
        play_.refuse(r, refusal());
        replaced_[line] = false;
        return;
      case 2:
        play_.accept(r, words());
        replaced_[line] = false;
        return;
      case 3: play_.accept(r, r.argument), replaced_[line] = false; return;
      case 4: play_.proceed(r); return;
      case 5: play_.send(r, words(), pop3::Chunk::last), replaced_[line] = true; return;
      case 6: play_.lend(r, words(), pop3::Chunk::more), replaced_[line] = true; return;
      default: break;
    }
    if (own) replaced_[line] = r.verb == "XBODY" || r.verb == "XMORE";
    app_.answer(event);
  }

  void decide(const pop3::Event& event, const pop3::RetrieveRequest& r) {
    switch (input_.decide(8)) {
      case 1: play_.refuse(r, refusal()); break;
      case 2: play_.accept(r); break;
      case 3: chunk(r, 0); break;
      case 4: play_.promise(r, "whatever they are\r\n"); break;
      case 6: play_.promise(r, promised(input_.decide(250))); break;
      case 7: odd_chunk(r); break;
      default:
        if (r.number <= scene_.messages.size())
          app_.answer(event);
        else
          chunk(r, 0);
    }
  }
  void decide(const pop3::Event& event, const pop3::BodyRequest& r) {
    const unsigned choice = input_.decide(12);
    if (choice == 11)
      play_.abort(r);
    else if (choice == 10)
      play_.refuse(r, refusal());
    else if (choice == 9)
      odd_chunk(r);
    else if (r.number == 0)
      app_.answer(event);
    else
      chunk(r, r.offset);
  }
  // None, a few, or more lines than are sent at a time.
  static std::string promised(unsigned lines) {
    std::string octets;
    for (unsigned i = 0; i < lines; ++i) octets += i % 3 == 0 ? "\r\n" : "a line that is fit for the wire\r\n";
    return octets;
  }
  // Octets of another message than was listed, and an end wherever it comes.
  template <class Request>
  void odd_chunk(const Request& r) {
    static constexpr std::string_view pieces[] = {"", ".", "\r", "\n", "\r\n", "\r\n.", "..\r\n.\r\n", "a\0b"};
    const unsigned choice = input_.decide(10);
    const std::string_view octets = choice < 8 ? pieces[choice] : choice == 8 ? words() : input_.text();
    const auto last = input_.decide(2) == 0 ? pop3::Chunk::more : pop3::Chunk::last;
    if (input_.decide(2) == 0)
      play_.lend(r, octets, last);
    else
      play_.send(r, octets, last);
  }
  template <class Request>
  void chunk(const Request& r, std::uint64_t offset) {
    const auto& all = scene_.messages;
    const std::string& octets = all[(r.number - 1) % all.size()].octets;
    const auto from = static_cast<std::size_t>(std::min<std::uint64_t>(offset, octets.size()));
    static constexpr std::size_t sizes[] = {70'000, 1, 2, 3, 17, 1000, 16'384, 0};
    const std::size_t size = std::min(sizes[input_.decide(8)], octets.size() - from);
    const auto last = from + size == octets.size() && ++empty_ > 3 ? pop3::Chunk::last : pop3::Chunk::more;
    const auto piece = std::string_view(octets).substr(from, size);
    if (input_.decide(2) == 0)
      play_.lend(r, piece, last);
    else
      play_.send(r, piece, last);
  }
  void decide(const pop3::Event&, const pop3::CommitRequest& r) {
    if (!says_quit()) fuzz::fail("a commit that nobody asked for");
    switch (input_.decide(6)) {
      case 1: play_.refuse(r, refusal()); break;
      case 2: play_.accept(r, input_.decide(8)); break;
      case 5: {  // some of the numbers, in any order, twice, or others
        std::uint32_t numbers[8] = {};
        const std::size_t count = input_.decide(9);
        for (std::size_t i = 0; i < count; ++i) {
          const unsigned n = input_.decide(12);
          numbers[i] = n < r.numbers.count ? r.numbers.begin()[n] : n;
        }
        play_.accept(r, pop3::Numbers{numbers, count});
        break;
      }
      default: play_.accept(r);
    }
  }
  void decide(const pop3::Event&, const pop3::BodyDone&) {}
  void decide(const pop3::Event&, const pop3::LoginFailed&) {}
  void decide(const pop3::Event&, const pop3::Closed&) {}

  bool lf() const { return scene_.config.tolerate.bare_lf; }
  bool says_quit() const {
    std::string_view rest = client_.log();
    while (!rest.empty())
      if (fuzz::normalised(fuzz::take_line(rest, lf())) == "QUIT") return true;
    return false;
  }

  // From here on everybody behaves; the session must come to its end.
  void finish() {
    for (int turn = 0; turn < 200'000 && !play_.closed(); ++turn) {
      const std::size_t before = play_.output.size() + play_.events.size() + client_.left();
      if (poll() && open_) answer(*open_);
      const auto deadline = play_.session.deadline();
      if (open_) answer(*open_);
      feed(~std::size_t{0});
      play_.take_output(~std::size_t{0});
      if (play_.output.size() + play_.events.size() + client_.left() != before) continue;
      if (client_.go_on(play_.output)) continue;
      play_.end_of_input();
      if (deadline) latest_ = play_.now = std::max(play_.now, *deadline);
    }
    if (!play_.closed()) fuzz::fail("the session does not end");
    if (play_.poll()) fuzz::fail("an event after the last");
    end_read(1);  // too late
    const std::string told_before = told();
    stale_answer();
    wrong_answers();
    if (told() != told_before) fuzz::fail("an answer after the end made a difference");
  }

  void check() {
    if (!play_.faults.empty()) fuzz::fail(play_.faults);
    const fuzz::Replies replies = fuzz::read_replies(client_.log(), play_.output, lf(), replaced_);
    const pop3::Counters& counters = play_.session.counters();
    const std::string& end = play_.events.back();
    if (counters.bad_commands > counters.commands || counters.marked > scene_.messages.size() ||
        counters.removed > counters.marked + counters.retrieved)
      fuzz::fail("counters do not add up");
    if (replies.count > counters.commands + 2) fuzz::fail("more replies than commands");
    bool orderly = false;
    for (const char* reason : {"quit", "end_of_input", "bad_commands", "failed_logins", "refused", "endless_line"})
      orderly = orderly || end.find(reason) != std::string::npos;
    if (orderly && !spoke_unasked_ && !gone_ && !stalled() && (replies.cut || replies.count != counters.commands + 1))
      fuzz::fail("not one reply for each command: " + std::to_string(replies.count) + " for " +
                 std::to_string(counters.commands));
    check_tls(counters);
    trace_ += play_.session.take_trace();
    if (!blabs_) fuzz::check_trace(client_.log(), trace_, play_.events);
    if (scene_.config.trace == trace_.empty()) fuzz::fail("a trace, or none, against the wish");
  }
  // Not more commands than lines came behind the handshake.
  void check_tls(const pop3::Counters& counters) const {
    const std::string_view after = std::string_view(client_.log()).substr(tls_octets_);
    const auto lines = static_cast<std::uint64_t>(std::count(after.begin(), after.end(), '\n'));
    const bool endless = play_.events.back().find("endless_line") != std::string::npos;
    if (counters.commands - tls_commands_ > lines + endless) fuzz::fail("octets from before TLS were executed");
  }
  // The end of the output may have been given up, by this or by hanging up, although the session closed for another
  // reason before.
  bool stalled() const { return latest_ - earliest_ >= scene_.config.limits.write_stall; }

  Input input_;
  bool blabs_;  // the application's own words have the secret
  tests::Dialogue scene_;
  Harness play_;
  fuzz::Application app_;
  fuzz::Client client_;
  std::string trace_;
  std::optional<pop3::Event> open_, old_;
  fuzz::Replaced replaced_;
  Login login_ = Login::none;
  std::uint64_t tls_commands_ = 0;
  std::size_t tls_octets_ = 0;
  int empty_ = 0;
  bool spoke_unasked_ = false, gone_ = false, stale_read_ = false, abandoned_ = false;
  pop3::TimePoint earliest_ = tests::start_of_time, latest_ = earliest_;
};

}  // namespace

namespace fuzz {

std::string play_game(const std::uint8_t* data, std::size_t size) {
  const Input input(data, size);
  Game game(input);
  Input bits = input;
  unsigned key[4] = {};
  for (unsigned& byte : key) byte = bits.decide(256);
  check_capabilities_once(game.scene(), key[1] << 8 | key[3]);
  game.run();
  return game.told();
}

}  // namespace fuzz
