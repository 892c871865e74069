// SPDX-License-Identifier: MIT
#include "asio.hpp"  // first: see there

#include "connection.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <variant>

namespace pop3d {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t body_chunk = 64 * 1024;
constexpr std::size_t top_chunk = 8 * 1024;  // mostly, TOP wants the header and a few lines
constexpr auto handshake_limit = 15s;
constexpr auto goodbye_limit = 1s;
constexpr std::string_view going_down = "the server is going down";

bool has_to_wait(const Tried& tried) {
  return tried.result == Tried::wait_readable || tried.result == Tried::wait_writable;
}

std::string address_of(const Socket& socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return {};
  const std::string address = peer.address().to_string();
  return (peer.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(peer.port());
}

Address party_address(const Socket& socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  return error ? Address() : Address::parse(peer.address().to_string()).value_or(Address());
}

std::string_view to_string(Users::Verdict verdict) {
  switch (verdict) {
    case Users::Verdict::accepted: break;
    case Users::Verdict::wrong_password: return "wrong_password";
    case Users::Verdict::unknown_user: return "unknown_user";
    case Users::Verdict::barred: return "barred";
  }
  return "accepted";
}

}  // namespace

Connection::Connection(Services& services, Socket socket, pop3::SessionId id, bool tls)
    : services_(services),
      socket_(std::move(socket)),
      stream_(socket_.native_handle(), tls ? services.tls.get() : nullptr),
      session_(services.config, {id, tls, {}}),
      timer_(socket_.get_executor()),
      address_(address_of(socket_)),
      from_(party_address(socket_)),
      admission_(services.throttle.enter(from_, began_)) {
  error_code ignored;  // a peer that is gone already is found out by the first read
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Connection::~Connection() {
  if (admission_ == Throttle::Admission::admitted) services_.throttle.leave(from_);
  if (!counted_user_.empty()) services_.throttle.leave(counted_user_);
}

void Connection::refuse() { session_.shutdown({pop3::Code::sys_temp, "too many connections, try again later"}); }

void Connection::refuse_unless_admitted() {
  if (admission_ == Throttle::Admission::too_many)
    session_.shutdown({pop3::Code::sys_temp, "too many connections from your address, try again later"});
  if (admission_ == Throttle::Admission::banned)
    session_.shutdown({pop3::Code::sys_temp, "too many failed logins, try again later"});
}

Awaitable<> Connection::run() {
  refuse_unless_admitted();
  LogLine(services_.log, Level::debug, "connection")
      .add("address", address_)
      .add("tls", stream_.encrypted() ? "yes" : "no");
  if (!stream_.encrypted() || co_await handshake()) co_await serve();
  message_.reset();
  maildrop_.reset();
  log_end();
  if (reason_ != to_string(pop3::CloseReason::disconnected)) co_await say_goodbye();
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

Awaitable<bool> Connection::handshake() {
  const pop3::TimePoint until = Clock::now() + handshake_limit;
  while (stop_ == Stop::no && Clock::now() < until) {
    const Tried tried = stream_.handshake();
    if (tried.result == Tried::done) co_return true;
    if (!has_to_wait(tried)) co_return false;
    co_await wait(tried.result, until);
  }
  co_return false;
}

// The one law: after anything has happened, poll() until it returns nothing, then look at the octets.
Awaitable<> Connection::serve() {
  for (;;) {
    if (stop_ == Stop::now) session_.shutdown({pop3::Code::sys_temp, going_down});
    if (stop_ == Stop::at_once) session_.disconnect();
    while (const auto event = session_.poll(Clock::now()))
      co_await std::visit([this](const auto& what) { return answer(what); }, *event);
    if (session_.finished()) co_return;
    const Tried::Result next = exchange_octets();
    if (next == Tried::done) continue;
    const auto until = session_.deadline();
    if (next == Tried::end)
      co_await nap(until);
    else
      co_await wait(next, until);
    if (until && Clock::now() >= *until) session_.consume_output(0);  // a write that could not be made is given up
  }
}

// Sends if there is anything to send, else reads; tells what to wait for. `end`: only for the deadline.
Tried::Result Connection::exchange_octets() {
  pop3::ConstBuffer runs[4];
  if (const std::size_t count = session_.gather(runs, 4); count > 0) return send(runs, count);
  if (stop_ == Stop::when_idle) {
    session_.shutdown({pop3::Code::sys_temp, going_down});
    return Tried::done;
  }
  return session_.wants_input() ? receive() : Tried::end;
}

Tried::Result Connection::send(const pop3::ConstBuffer* runs, std::size_t count) {
  const Tried tried = stream_.write(runs, count);
  if (has_to_wait(tried)) return tried.result;
  if (tried.result == Tried::done)
    session_.consume_output(tried.octets);
  else
    session_.disconnect();
  return Tried::done;
}

Tried::Result Connection::receive() {
  if (!readable_ && !stream_.has_read_ahead()) {
    session_.trim();  // who waits holds no buffers
    return Tried::wait_readable;
  }
  readable_ = false;
  const pop3::MutableBuffer room = session_.input_buffer();
  const Tried tried = stream_.read(room.data, room.size);
  session_.commit_input(tried.octets);
  if (tried.result == Tried::end) session_.end_of_input();
  if (tried.result == Tried::failed) session_.disconnect();
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

Awaitable<> Connection::answer(pop3::AuthRequest ask) {
  user_ = ask.user;  // also of a login that fails, for the log
  if (services_.throttle.banned(from_, Clock::now())) {
    session_.refuse(ask.token);
    co_return;
  }
  std::optional<Users::Verdict> verdict;
  co_await on(services_.hashing,
              [&] { verdict = services_.users.now()->check(ask.user, ask.password.reveal(), from_); });
  if (!verdict)
    session_.refuse(ask.token, {pop3::Code::sys_temp, "the password cannot be checked"});
  else if (*verdict != Users::Verdict::accepted)
    co_await refuse_login(ask.token, *verdict);
  else
    admit(ask.token, prepare_user(ask.user).value_or(""));
}

// All who fail get the same reply. It waits for as long as the throttle says, or for what the session itself holds it
// back, whichever is longer.
Awaitable<> Connection::refuse_login(pop3::Token<pop3::AuthRequest> token, Users::Verdict why) {
  const pop3::TimePoint now = Clock::now(), until = now + services_.throttle.failed(from_, now);
  LogLine(services_.log, Level::info, "failed_login")
      .add("user", user_)
      .add("address", address_)
      .add("why", to_string(why));
  while (stop_ == Stop::no && Clock::now() < until) co_await nap(until);
  session_.refuse(token);
}

// The password was right, and only who knows it learns of these limits.
void Connection::admit(pop3::Token<pop3::AuthRequest> token, const std::string& user) {
  if (counted_user_ != user) {
    if (!counted_user_.empty()) services_.throttle.leave(std::exchange(counted_user_, {}));
    if (services_.throttle.enter(user)) counted_user_ = user;
  }
  if (counted_user_.empty())
    session_.refuse(token, {pop3::Code::sys_temp, "too many connections of this user"});
  else if (services_.last_login.wait(user, Clock::now()) > Clock::duration::zero())
    session_.refuse(token, {pop3::Code::login_delay, "this user has logged in a short time ago"});
  else
    session_.accept(token);
}

Awaitable<> Connection::answer(pop3::ApopRequest ask) {  // not offered
  session_.refuse(ask.token);
  co_return;
}

Awaitable<> Connection::answer(pop3::ListRequest ask) {
  std::unique_ptr<Maildrop> maildrop;
  Contents contents;
  bool in_use = false;
  const std::string user = prepare_user(ask.user).value_or("");
  co_await blocking([&] {
    auto opened = services_.store->open(user);
    in_use = opened == nullptr;
    if (opened) contents = opened->contents();
    maildrop = std::move(opened);
  });
  if (in_use) {
    session_.refuse(ask.token, {pop3::Code::in_use, "another session has this maildrop"});
  } else if (!maildrop) {
    session_.refuse(ask.token, {pop3::Code::sys_temp, "the maildrop cannot be opened"});
  } else if (session_.accept(ask.token, contents.messages) == pop3::Outcome::applied) {
    maildrop_ = std::move(maildrop);
    user_ = user;
    services_.last_login.note(user, Clock::now());
  }  // else it is still ours, and unlocked here
}

Awaitable<> Connection::answer(pop3::RetrieveRequest ask) {
  std::optional<std::string_view> octets;
  co_await blocking([&] {
    message_ = maildrop_->open_message(ask.number);
    if (message_) octets = message_->read(0, ask.top_lines ? top_chunk : body_chunk);
  });
  if (octets)
    lend(ask, 0, *octets);
  else
    session_.refuse(ask.token, {pop3::Code::none, message_ ? "the message cannot be read" : "the message is gone"});
}

Awaitable<> Connection::answer(pop3::BodyRequest ask) {
  std::optional<std::string_view> octets;
  co_await blocking([&] { octets = message_->read(ask.offset, body_chunk); });
  if (octets)
    lend(ask, ask.offset, *octets);
  else
    session_.abort_body(ask.token);
}

// The octets stay in `message_` until the next one is asked for, or until BodyDone.
template <class Request>
void Connection::lend(const Request& ask, std::uint64_t offset, std::string_view octets) {
  const bool last = offset + octets.size() >= message_->size();
  session_.lend_body(ask.token, octets, last ? pop3::Chunk::last : pop3::Chunk::more);
}

Awaitable<> Connection::answer(pop3::BodyDone) {
  message_.reset();
  co_return;
}

Awaitable<> Connection::answer(pop3::CommitRequest ask) {
  std::size_t removed = 0;
  co_await blocking([&] {
    removed = maildrop_->remove(ask.numbers);
    maildrop_.reset();  // before the answer: whoever reads it may log in again
  });
  session_.accept(ask.token, removed);
}

Awaitable<> Connection::answer(pop3::Closed closed) {
  reason_ = to_string(closed.reason);
  co_return;  // run() unlocks the maildrop, if there still is one
}

// ---- waiting ------------------------------------------------------------------------------------------------------

// Does `work` on a thread that may block, then goes on here. What is thrown there is logged; `work` has to leave its
// results so that they tell of the failure. Nothing else happens to the connection meanwhile.
template <class Work>
Awaitable<> Connection::blocking(Work work) {
  return on(services_.blocking, std::move(work));
}

template <class Work>
Awaitable<> Connection::on(asio::thread_pool& pool, Work work) {
  const auto there_and_back = [this, &pool](auto handler, Work todo) {
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

// Both end early when wake() is called.
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

void Connection::log_end() {
  const pop3::Counters& counters = session_.counters();
  LogLine(services_.log, Level::info, "session")
      .add("user", user_)
      .add("address", address_)
      .add("tls", stream_.encrypted() ? "yes" : "no")
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
