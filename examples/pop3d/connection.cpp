// SPDX-License-Identifier: MIT
#include "asio.hpp"  // first: see there

#include "connection.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <variant>

#include "block.hpp"
#include "page_cache.hpp"

namespace pop3d {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t body_chunk = Block::full_size;
constexpr std::uint64_t file_from = 64 * 1024;       // a message of this size is sent by the system, if it can be
constexpr std::size_t fair_share = 16 * body_chunk;  // then others have their turn
constexpr std::size_t top_chunk = 8 * 1024;          // mostly, TOP wants the header and a few lines
constexpr auto proxy_limit = 10s;
constexpr auto handshake_limit = 15s;
constexpr auto goodbye_limit = 1s;
constexpr std::string_view going_down = "the server is going down";

bool has_to_wait(const Tried& tried) {
  return tried.result == Tried::wait_readable || tried.result == Tried::wait_writable;
}

}  // namespace

Connection::Connection(Services& services, Socket socket, pop3::SessionId id, bool tls)
    : services_(services),
      config_(services.config.get()),
      id_(id),
      socket_(std::move(socket)),
      stream_(socket_.native_handle()),
      timer_(socket_.get_executor()),
      client_(peer_of(socket_.native_handle())) {
  if (tls) stream_.start_tls(services.tls.get(), {});
  error_code ignored;  // a peer that is gone already is found out by the first read
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

void Connection::refuse() { refusal_ = "too many connections, try again later"; }

Awaitable<> Connection::run() {
  LogLine(services_.log, Level::debug, "connection")
      .add("address", client_.text().view())
      .add("tls", stream_.encrypted() ? "yes" : "no");
  const bool known = !is_proxy(services_.proxies, client_.address) || co_await read_proxy_header();
  if (known) enter();
  const bool unheard = !refusal_.empty() && stream_.encrypted();  // a handshake is too much for the answer
  if (unheard) {
    reason_ = "refused";
  } else if (known && (!stream_.encrypted() || co_await handshake())) {
    make_session();
    if (!refusal_.empty()) session_->shutdown({pop3::Code::sys_temp, refusal_});
    co_await serve();
  }
  message_.reset();
  maildrop_.reset();
  if (known) log_end();
  if (!unheard && reason_ != to_string(pop3::CloseReason::disconnected)) co_await say_goodbye();
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

// A proxy that is known has to say whose connection it is, before anything else. Who is not known to be one is never
// asked: anybody could take any address then.
Awaitable<bool> Connection::read_proxy_header() {
  const pop3::TimePoint until = Clock::now() + proxy_limit;
  ProxyReader reader(socket_.native_handle());
  Tried tried = reader.read();
  while (tried.result == Tried::wait_readable && stop_ == Stop::no && Clock::now() < until) {
    co_await wait(tried.result, until);
    tried = reader.read();
  }
  const bool done = tried.result == Tried::done;
  LogLine line(services_.log, done ? Level::debug : Level::warning, "proxy");
  line.add("peer", client_.text().view());
  if (done) {
    client_ = reader.client(client_);
    proxied_tls_ = reader.encrypted();
    proxy_ends_tls_ = reader.tells_of_tls();
    if (services_.client_name == ClientName::common_name) proxied_identity_ = reader.identity();
    line.add("address", client_.text().view());
    reader.add_facts(line);
  } else {
    line.add("reason", stop_ == Stop::no ? reader.reason(tried.result) : "shutdown");
  }
  co_return done;
}

Awaitable<bool> Connection::handshake() {
  const pop3::TimePoint until = Clock::now() + handshake_limit;
  while (stop_ == Stop::no && Clock::now() < until) {
    const Tried tried = stream_.handshake();
    if (tried.result == Tried::done) {
      log_tls();
      co_return true;
    }
    if (!has_to_wait(tried)) co_return false;
    co_await wait(tried.result, until);
  }
  co_return false;
}

// The one law: after anything has happened, poll() until it returns nothing, then look at the octets.
Awaitable<> Connection::serve() {
  for (;;) {
    if (stop_ == Stop::now) session_->shutdown({pop3::Code::sys_temp, going_down});
    if (stop_ == Stop::at_once) session_->disconnect();
    while (const auto event = session_->poll(Clock::now()))
      co_await std::visit([this](const auto& what) { return answer(what); }, *event);
    log_trace();
    if (session_->finished()) co_return;
    const Tried::Result next = sends_file() ? co_await send_file() : exchange_octets();
    if (next == Tried::done) continue;
    const auto until = session_->deadline();
    if (next == Tried::end)
      co_await nap(until);
    else
      co_await wait(next, until);
    if (until && Clock::now() >= *until) session_->consume_output(0);  // a write that could not be made is given up
  }
}

// Sends if there is anything to send, else reads; tells what to wait for. `end`: only for the deadline.
Tried::Result Connection::exchange_octets() {
  pop3::ConstBuffer runs[4];
  if (const std::size_t count = session_->gather(runs, 4); count > 0) return send(runs, count);
  if (stop_ == Stop::when_idle) {
    session_->shutdown({pop3::Code::sys_temp, going_down});
    return Tried::done;
  }
  return session_->wants_input() ? receive() : Tried::end;
}

Tried::Result Connection::send(const pop3::ConstBuffer* runs, std::size_t count) {
  return sent(stream_.write(runs, count));
}

Tried::Result Connection::sent(const Tried& tried) {
  if (has_to_wait(tried)) return tried.result;
  if (tried.result == Tried::done)
    session_->consume_output(tried.octets);
  else
    session_->disconnect();
  return Tried::done;
}

// Is it the turn of a message that was promised?
bool Connection::sends_file() { return message_ && session_->promised_output() > 0 && session_->output().empty(); }

// The system sends it. What is not in its memory would hold up everybody, so that is left to a thread that may block.
Awaitable<Tried::Result> Connection::send_file() {
  const std::size_t left = session_->promised_output(), piece = std::min(left, fair_share);
  const std::uint64_t offset = message_->size() - left;
  const int file = message_->file_as_is();
  Tried tried{Tried::failed};
  if (seems_cached(file, offset, piece))
    tried = stream_.send_file(file, offset, piece);
  else
    co_await on(services_.blocking, [&] { tried = stream_.send_file(file, offset, piece); });
  const bool cut_short = tried.result == Tried::done && tried.octets == 0;
  if (cut_short) tried.result = Tried::failed;
  if (tried.result == Tried::done && left > piece) co_await asio::post(socket_.get_executor(), use_awaitable);
  co_return sent(tried);
}

Tried::Result Connection::receive() {
  if (!readable_ && !stream_.has_read_ahead()) {
    session_->trim();  // who waits holds no buffers
    return Tried::wait_readable;
  }
  readable_ = false;
  const pop3::MutableBuffer room = session_->input_buffer();
  const Tried tried = stream_.read(room.data, room.size);
  session_->commit_input(tried.octets);
  if (tried.result == Tried::end) session_->end_of_input();
  if (tried.result == Tried::failed) session_->disconnect();
  return tried.result == Tried::wait_writable ? tried.result : Tried::done;
}

// A socket that is closed while octets are unread resets the connection, and the peer may lose what was sent last. So:
// say that this was all, then listen until the peer hangs up, but not for long.
Awaitable<> Connection::say_goodbye() {
  const pop3::TimePoint until = Clock::now() + goodbye_limit;
  const auto go_on = [&] { return stop_ != Stop::at_once && Clock::now() < until; };
  Tried tried = stream_.close_notify();
  while (has_to_wait(tried) && go_on()) {
    co_await wait(tried.result, until);
    tried = stream_.close_notify();
  }
  stream_.shut_sending();
  for (tried = stream_.discard(); tried.result != Tried::end && tried.result != Tried::failed && go_on();
       tried = stream_.discard())
    co_await wait(Tried::wait_readable, until);
}

// ---- what the session asks ----------------------------------------------------------------------------------------

// What the kernel has in memory is read here: a thread that may block costs more than the reading.
Awaitable<> Connection::answer(pop3::RetrieveRequest ask) {
  const std::size_t room = ask.top_lines ? top_chunk : body_chunk;
  std::optional<std::string_view> octets;
  message_ = maildrop_->open_at_once(ask.number);
  const auto may_be_sent = [&] {
    return !ask.top_lines && stream_.sends_files() && message_->size() >= file_from && message_->file_as_is() >= 0;
  };
  bool promised = message_ && may_be_sent();
  if (message_ && !promised) octets = message_->read_at_once(0, room);
  if (!octets && !promised) {
    co_await on(services_.blocking, [&] {
      if (!message_) message_ = maildrop_->open_message(ask.number);
      promised = message_ && may_be_sent();
      if (message_ && !promised) octets = message_->read(0, room);
    });
  }
  if (promised)
    promise(ask);
  else if (octets)
    lend(ask, 0, *octets);
  else
    session_->refuse(ask.token, {pop3::Code::none, message_ ? "the message cannot be read" : "the message is gone"});
}

// The line before it, the file and the line behind it leave as one, whatever calls it takes to send them.
void Connection::promise(const pop3::RetrieveRequest& ask) {
  stream_.cork(true);
  session_->promise_body(ask.token, static_cast<std::size_t>(message_->size()));
}

Awaitable<> Connection::answer(pop3::BodyRequest ask) {
  if (ask.offset % fair_share < body_chunk) co_await asio::post(socket_.get_executor(), use_awaitable);
  auto octets = message_->read_at_once(ask.offset, body_chunk);
  if (!octets) co_await on(services_.blocking, [&] { octets = message_->read(ask.offset, body_chunk); });
  if (octets)
    lend(ask, ask.offset, *octets);
  else
    session_->abort_body(ask.token);
}

// The octets stay in `message_` until the next one is asked for, or until BodyDone.
template <class Request>
void Connection::lend(const Request& ask, std::uint64_t offset, std::string_view octets) {
  const bool last = offset + octets.size() >= message_->size();
  session_->lend_body(ask.token, octets, last ? pop3::Chunk::last : pop3::Chunk::more);
}

Awaitable<> Connection::answer(pop3::CommandRequest ask) {  // none is set up
  session_->proceed(ask.token);
  co_return;
}

Awaitable<> Connection::answer(pop3::BodyDone) {
  if (message_ && message_->file_as_is() >= 0) stream_.cork(false);
  message_.reset();
  co_return;
}

Awaitable<> Connection::answer(pop3::CommitRequest ask) {
  std::size_t removed = 0;
  if (!ask.numbers.empty()) co_await on(services_.blocking, [&] { removed = maildrop_->remove(ask.numbers); });
  maildrop_.reset();  // before the answer: whoever reads it may log in again
  session_->accept(ask.token, removed);
}

Awaitable<> Connection::answer(pop3::Closed closed) {
  reason_ = to_string(closed.reason);
  if (!counted_user_.empty()) services_.throttle.leave(std::exchange(counted_user_, {}));  // a client may be quick
  co_return;  // run() unlocks the maildrop, if there still is one
}

// ---- waiting ------------------------------------------------------------------------------------------------------

// Does `work` on a thread that may block, then goes on here. What is thrown there is logged; `work` has to leave its
// results so that they tell of the failure. Nothing else happens to the connection meanwhile.
Awaitable<> Connection::on(asio::thread_pool& pool, std::function<void()> work) {
  const auto there_and_back = [this, &pool](auto handler, auto todo) {
    asio::post(pool, [this, handler = std::move(handler), todo = std::move(todo),
                      stay = asio::make_work_guard(socket_.get_executor())]() mutable {
      try {
        todo();
      } catch (const std::exception& error) {
        LogLine(services_.log, Level::error, "failure").add("user", user_).add("what", error.what());
      }
      asio::post(stay.get_executor(), std::move(handler));
    });
  };
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(there_and_back, use_awaitable,
                                                                             std::move(work));
}

// The other two end early when wake() is called.
Awaitable<> Connection::wait(Tried::Result what, std::optional<pop3::TimePoint> until) {
  const bool reads = what == Tried::wait_readable;
  error_code error;
  watch(until.value_or(pop3::TimePoint::max()));
  co_await socket_.async_wait(reads ? Socket::wait_read : Socket::wait_write,
                              asio::redirect_error(use_awaitable, error));
  due_ = pop3::TimePoint::max();
  readable_ = reads && !error;
}

// For a session that is neither to be written nor to be read: the reply to a failed login is held back.
Awaitable<> Connection::nap(std::optional<pop3::TimePoint> until) {
  Timer timer(socket_.get_executor(), until.value_or(pop3::TimePoint::max()));
  nap_ = &timer;
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
  nap_ = nullptr;
}

// Deadlines mostly move on, since something happened. So the timer is set again only when it would come too late; when
// it comes too early, it looks at the deadline of that time.
void Connection::watch(pop3::TimePoint deadline) {
  due_ = deadline;
  if (due_ >= timer_set_) return;
  timer_set_ = due_;
  timer_.expires_at(due_);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error) return;
    self->timer_set_ = pop3::TimePoint::max();
    if (Clock::now() >= self->due_)
      self->wake();
    else
      self->watch(self->due_);
  });
}

void Connection::wake() {
  error_code ignored;
  socket_.cancel(ignored);
  if (nap_ != nullptr) nap_->cancel();
}

void Connection::stop(Stop how) {
  stop_ = how;
  wake();
}

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
