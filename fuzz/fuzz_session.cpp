// SPDX-License-Identifier: MIT
// One session, everything decided by the input: what the client says and in which pieces, what the application answers
// and when, how time goes by, who hangs up. The harness checks each promise of session.hpp on the way.
#include "play.hpp"

namespace {

using fuzz::Input;
using tests::Application;
using tests::Harness;

class Game {
 public:
  explicit Game(Input input)
      : input_(input),
        scene_(fuzz::scene(input_.decide(256))),
        play_(scene_.config, fuzz::connection(scene_)),
        app_(scene_, play_) {}

  void run() {
    for (int turn = 0; turn < 5000 && !play_.closed(); ++turn) {
      move();
      earliest_ = std::min(earliest_, play_.now);
      latest_ = std::max(latest_, play_.now);
      if (!play_.faults.empty()) fuzz::fail(play_.faults);
    }
    finish();
    check();
  }

 private:
  void move() {
    switch (input_.decide(24)) {
      case 0: usual(); break;
      case 1: feed(1 + input_.decide(7)); break;
      case 2: poll(); break;
      case 3: play_.take_output(1 + input_.decide(60)); break;
      case 4: play_.hold_output(); break;
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
      default: usual(); break;
    }
  }

  void usual() {
    if (poll()) return;
    if (open_ && input_.decide(4) != 3) return answer(*open_);
    if (feed(~std::size_t{0}) > 0) return;
    if (play_.take_output(~std::size_t{0}) > 0) return;
    play_.end_of_input();
  }
  bool poll() {
    const auto event = play_.poll();
    if (!event) return false;
    if (std::holds_alternative<pop3::BodyDone>(*event) || std::holds_alternative<pop3::Closed>(*event)) return true;
    open_ = event;
    if (input_.decide(3) != 2) answer(*event);
    return true;
  }
  std::size_t feed(std::size_t most) {
    const std::size_t n = play_.feed(input_.octets.substr(0, most));
    fed_.append(input_.octets.substr(0, n));
    input_.octets.remove_prefix(n);
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
  pop3::Code code() { return static_cast<pop3::Code>(input_.decide(6)); }

  // An answer to a question that is over, or was never asked.
  void stale_answer() {
    if (old_) std::visit([this](const auto& request) { repeat(request); }, *old_);
    const std::uint64_t token = (std::uint64_t{input_.decide(2) == 0 ? 77U : 78U} << 32) | input_.decide(250);
    const auto* pending = play_.session.pending();
    const auto* list = pending != nullptr ? std::get_if<pop3::ListRequest>(pending) : nullptr;
    if (list != nullptr && list->token.value() == token) return;
    if (play_.session.accept(pop3::Token<pop3::ListRequest>(token), {}) != pop3::Outcome::stale)
      fuzz::fail("an answer without a question was taken");
  }

  // The views of a request that was answered are gone, so nobody may look at them.
  void repeat(const pop3::AuthRequest& r) { play_.refuse(r); }
  void repeat(const pop3::DigestRequest& r) { play_.accept(r); }
  void repeat(const pop3::ListRequest& r) { play_.accept(r, {}); }
  template <class Request>
  void repeat(const Request& r) {
    app_.answer(r);
  }

  void answer(const pop3::Event& event) {
    open_.reset();
    old_ = event;
    std::visit([this](const auto& request) { decide(request); }, event);
  }
  void decide(const pop3::AuthRequest& r) { login(r); }
  void decide(const pop3::DigestRequest& r) { login(r); }
  template <class Request>
  void login(const Request& r) {
    switch (input_.decide(6)) {
      case 1: play_.refuse(r, {code(), input_.text()}); break;
      case 2: play_.accept(r); break;
      default: app_.answer(r);
    }
  }
  void decide(const pop3::ListRequest& r) {
    switch (input_.decide(6)) {
      case 1: play_.refuse(r, {code(), input_.text()}); break;
      case 2: {
        const pop3::MessageInfo odd[] = {{1, input_.text()}, {~std::uint64_t{0}, "b"}};
        play_.accept(r, {odd, 2});
        break;
      }
      case 3: play_.accept(r, {}); break;
      default: app_.answer(r);
    }
  }
  void decide(const pop3::RetrieveRequest& r) {
    switch (input_.decide(5)) {
      case 1: play_.refuse(r, {code(), input_.text()}); break;
      case 2: play_.accept(r); break;
      case 3: chunk(r, 0); break;
      default: r.number <= fuzz::messages().size() ? app_.answer(r) : chunk(r, 0);
    }
  }
  void decide(const pop3::BodyRequest& r) {
    if (input_.decide(12) == 11)
      play_.abort(r);
    else
      chunk(r, r.offset);
  }
  template <class Request>
  void chunk(const Request& r, std::uint64_t offset) {
    const auto& all = fuzz::messages();
    const std::string& octets = all[(r.number - 1) % all.size()].octets;
    const std::size_t from = std::min<std::size_t>(offset, octets.size());
    static constexpr std::size_t sizes[] = {70'000, 1, 2, 3, 17, 1000, 16'384, 0};
    const std::size_t size = std::min(sizes[input_.decide(8)], octets.size() - from);
    const auto last = from + size == octets.size() && ++empty_ > 3 ? pop3::Chunk::last : pop3::Chunk::more;
    const auto piece = std::string_view(octets).substr(from, size);
    if (input_.decide(2) == 0)
      play_.lend(r, piece, last);
    else
      play_.send(r, piece, last);
  }
  void decide(const pop3::CommitRequest& r) {
    if (!says_quit()) fuzz::fail("a commit that nobody asked for");
    switch (input_.decide(5)) {
      case 1: play_.refuse(r, {code(), input_.text()}); break;
      case 2: play_.accept(r, input_.decide(8)); break;
      default: play_.accept(r);
    }
  }
  void decide(const pop3::BodyDone&) {}
  void decide(const pop3::Closed&) {}

  bool says_quit() const {
    std::string text = fed_;
    for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    return text.find("QUIT\r\n") != std::string::npos;
  }

  // From here on everybody behaves; the session must come to its end.
  void finish() {
    for (int turn = 0; turn < 200'000 && !play_.closed(); ++turn) {
      const std::size_t before = play_.output.size() + play_.events.size() + input_.octets.size();
      if (const auto event = play_.poll()) answer(*event);
      const auto deadline = play_.session.deadline();
      if (open_) answer(*open_);
      feed(~std::size_t{0});
      play_.take_output(~std::size_t{0});
      if (play_.output.size() + play_.events.size() + input_.octets.size() != before) continue;
      play_.end_of_input();
      if (deadline) latest_ = play_.now = std::max(play_.now, *deadline);
    }
    if (!play_.closed()) fuzz::fail("the session does not end");
    if (play_.poll()) fuzz::fail("an event after the last");
  }

  void check() {
    if (!play_.faults.empty()) fuzz::fail(play_.faults);
    const fuzz::Replies replies = fuzz::read_replies(fed_, play_.output);
    const pop3::Counters& counters = play_.session.counters();
    const std::string& end = play_.events.back();
    if (counters.bad_commands > counters.commands || counters.marked > scene_.messages.size() ||
        counters.removed > counters.marked)
      fuzz::fail("counters do not add up");
    if (replies.count > counters.commands + 2) fuzz::fail("more replies than commands");
    const bool orderly = end.find("quit") != std::string::npos || end.find("end_of_input") != std::string::npos ||
                         end.find("bad_commands") != std::string::npos ||
                         end.find("failed_logins") != std::string::npos;
    if (orderly && !spoke_unasked_ && !gone_ && !stalled() && (replies.cut || replies.count != counters.commands + 1))
      fuzz::fail("not one reply for each command: " + std::to_string(replies.count) + " for " +
                 std::to_string(counters.commands));
  }
  // The end of the output may have been given up, by this or by hanging up, although the session closed for another
  // reason before.
  bool stalled() const { return latest_ - earliest_ >= scene_.config.limits.write_stall; }

  Input input_;
  tests::Dialogue scene_;
  Harness play_;
  Application app_;
  std::string fed_;
  std::optional<pop3::Event> open_, old_;
  int empty_ = 0;
  bool spoke_unasked_ = false, gone_ = false;
  pop3::TimePoint earliest_ = tests::start_of_time, latest_ = earliest_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 20'000) return 0;
  Game(Input(data, size)).run();
  return 0;
}
