// SPDX-License-Identifier: MIT
#include "connection.hpp"

#include <sys/epoll.h>

#include <cerrno>
#include <functional>
#include <variant>

#include "block.hpp"
#include "elsewhere.hpp"
#include "page_cache.hpp"

namespace pop3d {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t body_chunk = Block::full_size;
constexpr std::size_t top_chunk = 16 * 1024;  // mostly, TOP wants the header and a few lines
constexpr std::size_t file_chunk = 1024 * 1024;
constexpr std::uint64_t file_from = 16 * 1024;  // a message of this size is sent by the system, if it can be
constexpr int most_steps = 16;                  // before others have their turn
constexpr auto proxy_limit = 10s;
constexpr auto handshake_limit = 15s;
constexpr auto goodbye_limit = 1s;
constexpr std::string_view going_down = "the server is going down";
constexpr std::uint32_t reading = EPOLLIN | EPOLLRDHUP | EPOLLET;

bool has_to_wait(const Tried& tried) {
  return tried.result == Tried::wait_readable || tried.result == Tried::wait_writable;
}

}  // namespace

// ---- waiting ------------------------------------------------------------------------------------------------------

Connection::Connection(Worker& worker, Descriptor socket, const mailwire::IpEndpoint& peer, pop3::SessionId id,
                       bool tls)
    : worker_(worker),
      services_(worker.services()),
      config_(services_.config.get()),
      id_(id),
      socket_(std::move(socket)),
      client_(peer),
      stream_(socket_.get()) {
  if (tls) stream_.start_tls(services_.tls.get(), {});
  if (!worker_.loop().watch(socket_.get(), *this, reading)) throw std::bad_alloc();
}

// Edge-triggered: tells what has come up, once. What a read or a write has used up is noted there.
void Connection::on_ready(std::uint32_t events) {
  hung_up_ = hung_up_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  readable_ = readable_ || hung_up_ || (events & EPOLLIN) != 0;
  writable_ = writable_ || hung_up_ || (events & EPOLLOUT) != 0;
  if ((awaited_ == Tried::wait_readable && readable_) || (awaited_ == Tried::wait_writable && writable_)) advance();
}

// The deadlines of a session mostly move on, since something happened. So the timer is set again only when it would
// come too late; when it comes too early, it looks at the deadline of that time.
bool Connection::wait(Tried::Result what, std::optional<pop3::TimePoint> until) {
  awaited_ = what;
  due_ = until.value_or(pop3::TimePoint::max());
  if (until && !worker_.loop().wakes_by(*this, due_)) worker_.loop().set_timer(*this, due_);
  if (what == Tried::wait_writable && !std::exchange(watches_writing_, true))
    worker_.loop().watch_for(socket_.get(), *this, reading | EPOLLOUT);
  return false;
}

void Connection::on_time() {
  if (busy_ || !socket_ || due_ == pop3::TimePoint::max()) return;
  if (Clock::now() < due_) return worker_.loop().set_timer(*this, due_);
  if (phase_ == Phase::session) session_->consume_output(0);  // a write that could not be made is given up
  advance();
}

void Connection::stop(Stop how) noexcept {
  stop_ = how;
  advance();
}

void Connection::advance() noexcept try {
  if (busy_ || !socket_) return;
  awaited_ = Tried::end;
  now_ = Clock::now();
  for (int steps = most_steps; step();)
    if (--steps == 0) return worker_.loop().again(*this);
} catch (const std::exception&) {
  LogLine(services_.log, Level::error, "connection").add("what", "ended by an exception");
  worker_.end(*this);
}

bool Connection::step() {
  switch (phase_) {
    case Phase::proxy_header: return read_proxy_header();
    case Phase::handshake: return handshake();
    case Phase::session: return serve();
    case Phase::held_back: return hold_back();
    case Phase::close_notify: return close_notify();
    case Phase::last_octets: return hear_out();
    case Phase::over: break;
  }
  worker_.end(*this);
  return false;
}

// What it held is free before the peer, or who reads the log, can know of its end.
void Connection::close() noexcept try {
  message_.reset();
  maildrop_.reset();
  leave_throttle();
  if (std::exchange(is_known_, false)) log_end();
  socket_.reset();
} catch (const std::bad_alloc&) {  // no line in the log
  socket_.reset();
}

void Connection::enter(Phase phase, pop3::Duration limit) {
  phase_ = phase;
  due_ = Clock::now() + limit;
}

bool Connection::may_go_on() const { return stop_ == Stop::no && Clock::now() < due_; }

// ---- the phases ---------------------------------------------------------------------------------------------------

void Connection::begin(bool refused) noexcept try {
  LogLine(services_.log, Level::debug, "connection")
      .add("address", client_.text().view())
      .add("tls", stream_.encrypted() ? "yes" : "no");
  if (refused) refusal_ = "too many connections, try again later";
  if (is_proxy(services_.proxies, client_.address)) {
    proxy_ = std::make_unique<ProxyReader>(socket_.get());
    enter(Phase::proxy_header, proxy_limit);
  } else {
    admit_client();
  }
  advance();
} catch (const std::exception&) {
  phase_ = Phase::over;
  advance();
}

// A proxy that is known has to say whose connection it is, before anything else. Who is not known to be one is never
// asked: anybody could take any address then.
bool Connection::read_proxy_header() {
  const Tried tried = proxy_->read();
  if (tried.result == Tried::wait_readable && may_go_on()) return wait(tried.result, due_);
  const bool done = tried.result == Tried::done;
  LogLine line(services_.log, done ? Level::debug : Level::warning, "proxy");
  line.add("peer", client_.text().view());
  if (done) {
    client_ = proxy_->client(client_);
    const bool knows_name = services_.client_name == ClientName::common_name;
    proxied_ = std::make_unique<Proxied>(Proxied{proxy_->encrypted(), proxy_->tells_of_tls(),
                                                 std::string(knows_name ? proxy_->identity() : std::string_view())});
    line.add("address", client_.text().view());
    proxy_->add_facts(line);
  } else {
    line.add("reason", stop_ == Stop::no ? proxy_->reason(tried.result) : "shutdown");
  }
  proxy_.reset();
  if (done)
    admit_client();
  else
    say_goodbye();
  return true;
}

void Connection::admit_client() {
  is_known_ = true;
  enter_throttle();
  if (!stream_.encrypted()) return greet();
  if (refusal_.empty()) return begin_handshake();
  reason_ = "refused";  // a handshake is too much for the answer
  phase_ = Phase::over;
}

void Connection::greet() {
  make_session();
  if (!refusal_.empty()) session_->shutdown({pop3::Code::sys_temp, refusal_});
  phase_ = Phase::session;
}

void Connection::begin_handshake() { enter(Phase::handshake, handshake_limit); }

// The client speaks first; behind STLS it may have done so already.
bool Connection::handshake() {
  const Tried tried = readable_ || session_ ? stream_.handshake() : Tried{Tried::wait_readable};
  readable_ = hung_up_ || tried.result != Tried::wait_readable;
  if (has_to_wait(tried) && may_go_on()) return wait(tried.result, due_);
  const bool done = tried.result == Tried::done;
  if (done) log_tls();
  if (session_) {
    end_stls(done);
  } else if (done) {
    greet();
  } else {
    say_goodbye();
  }
  return true;
}

// The one law: after anything has happened, poll() until it returns nothing, then look at the octets.
bool Connection::serve() {
  if (stop_ == Stop::now) session_->shutdown({pop3::Code::sys_temp, going_down});
  if (stop_ == Stop::at_once) session_->disconnect();
  while (const auto event = session_->poll(now_)) {
    std::visit([this](const auto& what) { answer(what); }, *event);
    if (busy_) return false;
    if (phase_ != Phase::session) return true;
  }
  log_trace();
  if (session_->finished()) {
    end_session();
    return true;
  }
  const Tried::Result next = exchange_octets();
  if (busy_) return false;
  return next == Tried::done || wait(next, session_->deadline());
}

// Sends if there is anything to send, else reads; tells what to wait for. `end`: only for the deadline.
Tried::Result Connection::exchange_octets() {
  pop3::ConstBuffer runs[4];
  if (const std::size_t count = session_->gather(runs, 4); count > 0) return send(runs, count);
  if (message_ && session_->promised_output() > 0) return send_file();
  if (stop_ == Stop::when_idle) {
    session_->shutdown({pop3::Code::sys_temp, going_down});
    return Tried::done;
  }
  return session_->wants_input() ? receive() : Tried::end;
}

Tried::Result Connection::send(const pop3::ConstBuffer* runs, std::size_t count) {
  if (!writable_) return Tried::wait_writable;
  return sent(stream_.write(runs, count, body_follows_));
}

// A message that was promised: the system sends it. What is not in its memory would hold up everybody, so that is left
// to a thread that may block.
Tried::Result Connection::send_file() {
  if (!writable_) return Tried::wait_writable;
  const std::size_t left = session_->promised_output(), piece = std::min(left, file_chunk);
  const std::uint64_t offset = message_->size() - left;
  const auto send = [this, offset, piece] {
    const Tried tried = stream_.send_file(message_->file_as_is(), offset, piece);
    const bool cut_short = tried.result == Tried::done && tried.octets == 0;
    const bool disk_failed = tried.result == Tried::failed && errno == EIO;
    if (cut_short || disk_failed) log_message(cut_short ? "shrank while it was sent" : "cannot be read");
    return cut_short ? Tried{} : tried;
  };
  if (seems_cached(message_->file_as_is(), offset)) return sent(send());
  on(services_.blocking, send, [this](const Tried& tried) { sent(tried); });
  return Tried::done;
}

Tried::Result Connection::sent(const Tried& tried) {
  writable_ = tried.result != Tried::wait_writable && !tried.used_up;
  if (has_to_wait(tried)) return tried.result;
  if (tried.result == Tried::done)
    session_->consume_output(tried.octets);
  else
    session_->disconnect();
  return Tried::done;
}

Tried::Result Connection::receive() {
  if (!readable_ && !stream_.has_read_ahead()) {
    session_->trim();  // who waits holds no buffers
    return Tried::wait_readable;
  }
  const pop3::MutableBuffer room = session_->input_buffer();
  const Tried tried = stream_.read(room.data, room.size);
  readable_ = hung_up_ || (tried.result == Tried::done && !tried.used_up);
  session_->commit_input(tried.octets);
  if (tried.result == Tried::end) session_->end_of_input();
  if (tried.result == Tried::failed) session_->disconnect();
  return tried.result == Tried::wait_writable ? tried.result : Tried::done;
}

bool Connection::hold_back() {
  if (may_go_on()) return wait(Tried::end, due_);
  phase_ = Phase::session;
  return true;
}

void Connection::end_session() {
  message_.reset();
  maildrop_.reset();
  if (reason_ == to_string(pop3::CloseReason::disconnected))
    phase_ = Phase::over;
  else
    say_goodbye();
}

// A socket that is closed while octets are unread resets the connection, and the peer may lose what was sent last. So:
// say that this was all, then listen until the peer hangs up, but not for long. Whoever said QUIT says no more.
void Connection::say_goodbye() {
  const bool quit = session_ && reason_ == to_string(pop3::CloseReason::quit);
  if (quit && !readable_ && !stream_.encrypted())
    phase_ = Phase::over;
  else
    enter(Phase::close_notify, goodbye_limit);
}

bool Connection::close_notify() {
  const Tried tried = stream_.close_notify();
  if (has_to_wait(tried) && stop_ != Stop::at_once && Clock::now() < due_) return wait(tried.result, due_);
  stream_.shut_sending();
  phase_ = Phase::last_octets;
  return true;
}

bool Connection::hear_out() {
  if (stop_ == Stop::at_once || Clock::now() >= due_) phase_ = Phase::over;
  if (phase_ != Phase::over && !readable_) return wait(Tried::wait_readable, due_);
  const Tried tried = stream_.discard();
  readable_ = tried.result == Tried::done;
  if (tried.result == Tried::end || tried.result == Tried::failed) phase_ = Phase::over;
  return true;
}

// ---- what the session asks ----------------------------------------------------------------------------------------

// What the kernel has in memory is read here: a thread that may block costs more than the reading.
void Connection::answer(const pop3::RetrieveRequest& ask) {
  reading_ = ask.number;
  whole_ = !ask.top_lines;
  const std::size_t room = whole_ ? body_chunk : top_chunk;
  message_ = whole_ ? maildrop_->open_at_once(ask.number) : maildrop_->open_head_at_once(ask.number);
  if (may_be_sent()) return promise(ask);
  if (message_)
    if (const auto octets = message_->read_at_once(0, room)) return lend(ask, 0, octets);
  const auto open = [this, ask, room] {
    if (!message_) message_ = maildrop_->open_message(ask.number);
    return message_ && !may_be_sent() ? message_->read(0, room) : std::nullopt;
  };
  on(services_.blocking, open, [this, ask](Octets octets) { may_be_sent() ? promise(ask) : lend(ask, 0, octets); });
}

bool Connection::may_be_sent() const {
  return message_ && whole_ && stream_.sends_files() && message_->size() >= file_from && message_->file_as_is() >= 0;
}

void Connection::promise(const pop3::RetrieveRequest& ask) {
  session_->promise_body(ask.token, static_cast<std::size_t>(message_->size()));
}

void Connection::answer(const pop3::BodyRequest& ask) {
  if (const auto octets = message_->read_at_once(ask.offset, body_chunk)) return lend(ask, ask.offset, octets);
  const auto read = [this, ask] { return message_->read(ask.offset, body_chunk); };
  on(services_.blocking, read, [this, ask](Octets octets) { lend(ask, ask.offset, octets); });
}

// The octets stay in `message_` until the next one is asked for, or until BodyDone.
template <class Request>
void Connection::lend(const Request& ask, std::uint64_t offset, Octets octets) {
  if (!octets) return fail_to_lend(ask.token);
  const bool more = offset + octets->size() < message_->size();
  body_follows_ = more && whole_;  // the session may cut TOP here
  session_->lend_body(ask.token, *octets, more ? pop3::Chunk::more : pop3::Chunk::last);
}

void Connection::fail_to_lend(pop3::Token<pop3::RetrieveRequest> token) {
  log_message(message_ ? "cannot be read" : "cannot be opened, or is not what was listed");
  session_->refuse(token, {pop3::Code::none, message_ ? "the message cannot be read" : "the message is gone"});
}

void Connection::fail_to_lend(pop3::Token<pop3::BodyRequest> token) {
  log_message("cannot be read any more");
  session_->abort_body(token);
}

void Connection::answer(const pop3::CommandRequest& ask) { session_->proceed(ask.token); }  // none is set up

void Connection::answer(const pop3::BodyDone& done) {
  if (done.complete && whole_) maildrop_->sent(done.number, done.octets);
  if (std::exchange(body_follows_, false)) stream_.push();  // the last octets need not wait
  message_.reset();
}

void Connection::answer(const pop3::CommitRequest& ask) {
  const auto accept = [this, ask](std::size_t removed) {
    if (removed < ask.numbers.count)
      LogLine(services_.log, Level::warning, "quit")
          .add("user", user_)
          .add("marked", ask.numbers.count)
          .add("removed", removed);
    maildrop_.reset();  // before the answer: whoever reads it may log in again
    session_->accept(ask.token, removed);
  };
  if (ask.numbers.empty()) return accept(0);
  on(
      services_.blocking, [this, ask] { return maildrop_->remove(ask.numbers); }, accept);
}

void Connection::answer(const pop3::Closed& closed) {  // end_session() unlocks the maildrop, if there still is one
  reason_ = to_string(closed.reason);
  if (!counted_user_.empty()) services_.throttle.leave(std::exchange(counted_user_, {}));  // a client may be quick
}

// ---- the log ------------------------------------------------------------------------------------------------------

void Connection::log_tls() {
  if (!services_.log.shows(Level::debug)) return;
  const TlsDetails details = stream_.tls_details();
  LogLine(services_.log, Level::debug, "tls")
      .add("address", client_.text().view())
      .add("version", details.version)
      .add("cipher", details.cipher)
      .add("sni", details.sni)
      .add("alpn", details.alpn)
      .add("client", details.identity);
}

// A disk that fails, or somebody who changes what was delivered: whoever runs the server should know.
void Connection::log_message(std::string_view what) const {
  LogLine(services_.log, Level::warning, "message").add("user", user_).add("number", reading_).add("what", what);
}

// Secrets are not in it, whatever the client said.
void Connection::log_trace() {
  if (!config_->trace) return;
  const std::string trace = session_->take_trace();
  for (std::size_t start = 0; start < trace.size();) {
    const std::size_t end = trace.find('\n', start);
    LogLine(services_.log, Level::debug, "trace").add("id", id_).add("line", trace.substr(start, end - start));
    start = end + 1;
  }
}

void Connection::log_end() {
  if (!services_.log.shows(Level::info)) return;
  const TlsDetails tls = stream_.shook_hands() ? stream_.tls_details() : TlsDetails{};
  const pop3::Counters counters = session_ ? session_->counters() : pop3::Counters{};
  LogLine(services_.log, Level::info, "session")
      .add("user", user_)
      .add("address", client_.text().view())
      .add("tls", stream_.shook_hands() ? "yes" : "no")  // not where TLS failed
      .add("tls_version", tls.version.empty() ? "-" : tls.version)
      .add("cipher", tls.cipher.empty() ? "-" : tls.cipher)
      .add("method", method_)
      .add("commands", counters.commands)
      .add("bad", counters.bad_commands)
      .add("failed_logins", counters.failed_logins)
      .add("octets_in", counters.octets_in)
      .add("octets_out", counters.octets_out)
      .add("retrieved", counters.retrieved)
      .add("top", counters.tops)
      .add("deleted", counters.removed)
      .add("seconds", std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began_))
      .add("reason", reason_);
}

}  // namespace pop3d
