// SPDX-License-Identifier: MIT
// A driver that believes nothing: it moves octets like any driver and checks, call by call, what session.hpp promises.
// Dialogues, unit tests and fuzzers all play their sessions through it.
#ifndef TESTS_HARNESS_HPP
#define TESTS_HARNESS_HPP

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <mailwire/scram.hpp>
#include <pop3/session.hpp>

namespace tests {

// ---- octets made visible ----------------------------------------------------------------------------------------

inline std::string visible(std::string_view octets) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '\r')
      text += "\\r";
    else if (c == '\n')
      text += "\\n";
    else if (c == '"' || c == '\\')
      (text += '\\') += c;
    else if (octet < 0x20 || octet > 0x7E)
      ((text += "\\x") += digits[octet >> 4]) += digits[octet & 15];
    else
      text += c;
  }
  return text;
}
inline std::string in_quotes(std::string_view octets) { return '"' + visible(octets) + '"'; }
inline std::string yes_no(bool fact) { return fact ? "yes" : "no"; }

// ---- events as text -----------------------------------------------------------------------------------------------

struct EventText {
  std::string operator()(const pop3::AuthRequest& r) const {
    return "AuthRequest user=" + in_quotes(r.user) + " password=" + in_quotes(r.password.reveal()) + method(r.method) +
           " encrypted=" + yes_no(r.encrypted) + authzid(r.authzid) + " attempt=" + std::to_string(r.attempt);
  }
  std::string operator()(const pop3::DigestRequest& r) const {
    return "DigestRequest user=" + in_quotes(r.user) + " digest=" + in_quotes(r.digest) +
           " challenge=" + in_quotes(r.challenge) + method(r.method) + " attempt=" + std::to_string(r.attempt);
  }
  std::string operator()(const pop3::ScramRequest& r) const {
    return "ScramRequest user=" + in_quotes(r.user) + method(r.method) + authzid(r.authzid) +
           " attempt=" + std::to_string(r.attempt);
  }
  std::string operator()(const pop3::SaslRequest& r) const {
    return "SaslRequest mechanism=" + std::string(r.mechanism) + " data=" + in_quotes(r.data) +
           " first=" + yes_no(r.first) + " attempt=" + std::to_string(r.attempt);
  }
  std::string operator()(const pop3::TlsRequest&) const { return "TlsRequest"; }
  std::string operator()(const pop3::CommandRequest& r) const {
    return "CommandRequest verb=" + std::string(r.verb) + " argument=" + in_quotes(r.argument);
  }
  std::string operator()(const pop3::LoginFailed& n) const {
    return "LoginFailed fault=" + std::string(to_string(n.fault)) + " user=" + in_quotes(n.user) + method(n.method);
  }
  std::string operator()(const pop3::ListRequest& r) const { return "ListRequest user=" + in_quotes(r.user); }
  std::string operator()(const pop3::RetrieveRequest& r) const {
    return "RetrieveRequest number=" + std::to_string(r.number) + " uid=" + in_quotes(r.uid) +
           " size=" + std::to_string(r.size) + (r.top_lines ? " top=" + std::to_string(*r.top_lines) : "") +
           (r.surrogate ? " surrogate=yes" : "");
  }
  std::string operator()(const pop3::BodyRequest& r) const {
    return "BodyRequest number=" + std::to_string(r.number) + " offset=" + std::to_string(r.offset);
  }
  std::string operator()(const pop3::CommitRequest& r) const {
    std::string numbers;
    for (const std::uint32_t number : r.numbers) numbers += (numbers.empty() ? "" : ",") + std::to_string(number);
    return "CommitRequest numbers=" + numbers;
  }
  std::string operator()(const pop3::BodyDone& n) const {
    return "BodyDone number=" + std::to_string(n.number) + " complete=" + yes_no(n.complete) +
           " octets=" + std::to_string(n.octets);
  }
  std::string operator()(const pop3::Closed& n) const {
    return "Closed " + std::string(pop3::to_string(n.reason)) + " release=" + yes_no(n.release);
  }

 private:
  static std::string method(pop3::AuthMethod m) { return " method=" + std::string(to_string(m)); }
  static std::string authzid(std::string_view name) { return name.empty() ? "" : " authzid=" + in_quotes(name); }
};

inline constexpr pop3::TimePoint start_of_time{std::chrono::hours(1)};

// A program can put a session of its own in the middle (faults/heap.hpp).
#ifndef TESTS_SESSION
#define TESTS_SESSION pop3::Session
#endif

// ---- the driver -----------------------------------------------------------------------------------------------------

class Harness {
 public:
  explicit Harness(const pop3::Config& config, pop3::Connection connection = {}) : session(config, connection) {}

  TESTS_SESSION session;
  pop3::TimePoint now = start_of_time;
  std::string output;               // all that was consumed
  std::vector<std::string> events;  // all that were returned
  std::string faults;               // broken promises, a line each; to be empty

  bool closed() const { return closed_; }
  std::uint64_t fed() const { return fed_; }
  bool committing() const { return committed_; }
  unsigned answers_taken() const { return answers_taken_; }
  std::size_t lent() const { return chunk_ ? chunk_->size() : 0; }

  std::optional<pop3::Event> poll() {
    const auto event = session.poll(now);
    if (event) {
      events.push_back(std::visit(EventText{}, *event));
      if (closed_) check(false, "an event after Closed: " + events.back());
      note(*event);
    } else {
      const auto deadline = session.deadline();
      check(!deadline || *deadline > now, "nothing to do, but the deadline is not later than now");
      check(!closed_ || session.finished(), "Closed, but not finished");
      check(!session.finished() || !session.wants_output(), "output after the end");
    }
    check(!event || (session.pending() != nullptr) == is_request(*event), "pending() is wrong");
    check_frozen();
    return event;
  }

  // A read begins, as with an asynchronous driver: octets come to its room whatever happens meanwhile.
  void begin_read() {
    if (!reading_) read_ = session.input_buffer();
    reading_ = read_.size > 0;
  }
  bool reading() const { return reading_; }
  // It ends with as much of `octets` as its room takes; none = it was given up. Returns how many.
  std::size_t end_read(std::string_view octets) {
    if (!reading_) return 0;
    reading_ = false;
    const std::size_t n = std::min(read_.size, octets.size());
    if (n > 0) std::memcpy(read_.data, octets.data(), n);
    session.commit_input(n);
    fed_ += n;
    check(session.counters().octets_in == fed_, "octets_in does not add up");
    check_frozen();
    return n;
  }
  // As much of `octets` as the session takes, read into its own room; returns how many.
  std::size_t feed(std::string_view octets) {
    std::size_t taken = end_read(octets);
    fed_ -= taken;
    while (taken < octets.size()) {
      const auto room = session.input_buffer();
      check((room.size > 0) == session.wants_input(), "wants_input() and input_buffer() disagree");
      if (room.size == 0) break;
      const std::size_t n = std::min(room.size, octets.size() - taken);
      std::memcpy(room.data, octets.data() + taken, n);
      session.commit_input(n);
      taken += n;
    }
    fed_ += taken;
    check(session.counters().octets_in == fed_, "octets_in does not add up");
    check_frozen();
    return taken;
  }
  // The same by receive(), when no read is under way.
  std::size_t receive(std::string_view octets) {
    if (reading_) return feed(octets);
    const std::size_t taken = session.receive(octets);
    fed_ += taken;
    check(session.counters().octets_in == fed_, "octets_in does not add up");
    check(taken == octets.size() || !session.wants_input(), "receive() leaves octets, although there is room");
    check_frozen();
    return taken;
  }

  // Looks at the output without consuming it, and from now on checks that it stays what it was.
  void hold_output() {
    pop3::ConstBuffer runs[4];
    const std::size_t count = session.gather(runs, 4);
    held_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      check(runs[i].size > 0, "an empty run");
      held_.push_back({runs[i].data, std::string(runs[i].data, runs[i].size)});
    }
    check(session.wants_output() == (count > 0 || session.promised_output() > 0), "wants_output() is wrong");
  }

  // Consumes up to `most` octets of output; returns how many.
  std::size_t take_output(std::size_t most) {
    check_frozen();
    pop3::ConstBuffer runs[4];
    const std::size_t count = session.gather(runs, 4);
    check_still_there(runs, count);
    if (count == 0 && session.promised_output() > 0) return send_promised(most);
    check(session.wants_output() == (count > 0), "wants_output() and gather() disagree");
    std::size_t n = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t part = std::min(runs[i].size, most - n);
      output.append(runs[i].data, part);
      n += part;
    }
    held_.clear();
    session.consume_output(n);
    check(session.counters().octets_out == output.size(), "octets_out does not add up");
    return n;
  }
  // The same by copy_output().
  std::size_t copy_output(std::size_t most) {
    check_frozen();
    held_.clear();
    std::string block(most, '\0');
    const std::size_t n = session.copy_output(block.data(), most);
    if (n == 0 && most > 0 && session.promised_output() > 0) return send_promised(most);
    output.append(block, 0, n);
    check(session.counters().octets_out == output.size(), "octets_out does not add up");
    return n;
  }

  void end_of_input() { session.end_of_input(), check_frozen(); }
  void shutdown(pop3::Refusal why = {}) { session.shutdown(why), check_frozen(); }
  void disconnect() {
    if (!held_.empty()) held_.clear(), session.consume_output(0);  // no write is under way
    session.disconnect();
  }

  // ---- answers: their effect on the maildrop's lock is kept count of
  template <class Request>
  pop3::Outcome accept(const Request& request) {
    return answered(session.accept(request.token));
  }
  pop3::Outcome accept(const pop3::CommitRequest& request, std::size_t removed) {
    return answered(session.accept(request.token, removed));
  }
  pop3::Outcome accept(const pop3::CommitRequest& request, pop3::Numbers removed) {
    return answered(session.accept(request.token, removed));
  }
  template <class Request>
  pop3::Outcome accept(const Request& request, std::string_view user) {
    return answered(session.accept(request.token, user));
  }
  pop3::Outcome accept(const pop3::ScramRequest& request, const mailwire::ScramKeys& keys, std::string_view user = {}) {
    return answered(session.accept(request.token, keys, user));
  }
  pop3::Outcome accept(const pop3::SaslRequest& request, std::string_view user, std::string_view data = {}) {
    return answered(session.accept(request.token, user, data));
  }
  pop3::Outcome challenge(const pop3::SaslRequest& request, std::string_view data) {
    return answered(session.challenge(request.token, data));
  }
  pop3::Outcome accept(const pop3::TlsRequest& request, const pop3::TlsFacts& facts = {}) {
    const auto outcome = answered(session.accept(request.token, facts));
    if (outcome == pop3::Outcome::applied)
      check(session.encrypted() && session.unread_input().empty(), "octets from before TLS are left after it");
    return outcome;
  }
  pop3::Outcome proceed(const pop3::CommandRequest& request) { return answered(session.proceed(request.token)); }
  pop3::Outcome accept(const pop3::ListRequest& request, pop3::Listing listing, const pop3::Account& account = {}) {
    const auto outcome = answered(session.accept(request.token, listing, account));
    if (outcome == pop3::Outcome::applied) check(!open_, "a second maildrop was opened"), open_ = true;
    return outcome;
  }
  template <class Request>
  pop3::Outcome refuse(const Request& request, pop3::Refusal why = {}) {
    return answered(session.refuse(request.token, why));
  }
  template <class Request>
  pop3::Outcome send(const Request& request, std::string_view octets, pop3::Chunk last) {
    return answered(session.send_body(request.token, std::string(octets), last));
  }
  // Lends a copy that is destroyed as soon as the session said that it does not need it any more: a sanitizer sees
  // every octet that is looked at too late.
  template <class Request>
  pop3::Outcome lend(const Request& request, std::string_view octets, pop3::Chunk last) {
    auto chunk = std::make_unique<std::string>(octets);
    chunk->shrink_to_fit();
    const auto outcome = answered(session.lend_body(request.token, *chunk, last));
    if (outcome == pop3::Outcome::applied) chunk_ = std::move(chunk);
    return outcome;
  }
  // Octets that this driver will send when their turn has come.
  pop3::Outcome promise(const pop3::RetrieveRequest& request, std::string_view octets) {
    const auto outcome = answered(session.promise_body(request.token, octets.size()));
    if (outcome == pop3::Outcome::applied) promised_ = octets;
    return outcome;
  }
  pop3::Outcome abort(const pop3::BodyRequest& request) { return answered(session.abort_body(request.token)); }

  void check(bool fact, std::string_view otherwise) {
    if (!fact) (faults += otherwise) += '\n';
  }

 private:
  struct Run {
    const char* data;
    std::string octets;
  };

  static bool is_request(const pop3::Event& event) {
    return !std::holds_alternative<pop3::BodyDone>(event) && !std::holds_alternative<pop3::LoginFailed>(event) &&
           !std::holds_alternative<pop3::Closed>(event);
  }

  void note(const pop3::Event& event) {
    if (std::holds_alternative<pop3::BodyRequest>(event)) {
      give_back();
    } else if (std::holds_alternative<pop3::RetrieveRequest>(event) ||
               std::holds_alternative<pop3::CommandRequest>(event)) {
      body_ = true;
    } else if (std::holds_alternative<pop3::TlsRequest>(event)) {
      check(!session.wants_input() && !session.wants_output(), "TLS begins, but octets are still moved in the clear");
    } else if (std::holds_alternative<pop3::BodyDone>(event)) {
      check(body_, "BodyDone without a body");
      check(!std::get<pop3::BodyDone>(event).complete || promised_.empty(), "done, but not all was sent");
      give_back();
      body_ = false;
    } else if (const auto* commit = std::get_if<pop3::CommitRequest>(&event)) {
      check(open_ && !committed_, "CommitRequest without an open maildrop");
      check(commit->numbers.count >= session.counters().marked, "CommitRequest with fewer numbers than were marked");
      committed_ = true;
    } else if (const auto* end = std::get_if<pop3::Closed>(&event)) {
      check(end->release == (open_ && !committed_), "the maildrop is not released exactly once");
      check(chunk_ == nullptr, "Closed, but the lent chunk was not given back");
      closed_ = true;
    }
  }
  pop3::Outcome answered(pop3::Outcome outcome) {
    if (outcome != pop3::Outcome::stale) ++answers_taken_;
    check_frozen();
    return outcome;
  }
  std::size_t send_promised(std::size_t most) {
    check(session.promised_output() == promised_.size(), "octets were promised, others are wanted");
    const std::size_t n = std::min(most, promised_.size());
    output.append(promised_, 0, n);
    promised_.erase(0, n);
    held_.clear();
    session.consume_output(n);
    check(session.counters().octets_out == output.size(), "octets_out does not add up");
    return n;
  }
  void give_back() {
    promised_.clear();
    for (const Run& run : held_)
      check(!chunk_ || run.data < chunk_->data() || run.data >= chunk_->data() + chunk_->size() || given_up(),
            "a lent chunk was given back while it is being sent");
    if (given_up()) held_.clear();
    chunk_.reset();
  }
  // What was handed out before is handed out again, at the same place, with at most more behind it.
  void check_still_there(const pop3::ConstBuffer* runs, std::size_t count) {
    if (given_up()) return;
    check(held_.size() <= count, "octets handed out are not there any more");
    for (std::size_t i = 0; i < std::min(count, held_.size()); ++i)
      check(runs[i].data == held_[i].data && runs[i].size >= held_[i].octets.size(), "octets handed out have moved");
  }
  // After a write stall or a disconnect, whoever was still writing has given that up.
  bool given_up() const { return !session.wants_output(); }
  void check_frozen() {
    if (session.finished()) held_.clear();
    for (const Run& run : held_)
      check(std::memcmp(run.data, run.octets.data(), run.octets.size()) == 0, "octets handed out have changed");
  }

  std::vector<Run> held_;               // handed out, not consumed
  std::unique_ptr<std::string> chunk_;  // lent
  std::string promised_;                // and not sent
  pop3::MutableBuffer read_{};          // of the read under way
  bool reading_ = false;
  std::uint64_t fed_ = 0;
  unsigned answers_taken_ = 0;
  bool body_ = false, open_ = false, committed_ = false, closed_ = false;
};

}  // namespace tests

#endif
