// SPDX-License-Identifier: MIT
// The driver: moves octets between a socket and a session, and answers what the session asks.
#ifndef POP3D_CONNECTION_HPP
#define POP3D_CONNECTION_HPP

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "descriptor.hpp"
#include "loop.hpp"
#include "pop3/session.hpp"
#include "services.hpp"
#include "stream.hpp"

namespace pop3d {

class Worker;

// Does in each phase what can be done at once; then its loop wakes it up: for the socket, for the time, or because
// another thread has found an answer.
class Connection final : public Watched {
 public:
  // How hard the server wants a connection to end.
  enum class Stop : std::uint8_t {
    no,
    when_idle,  // as soon as it waits for a command
    now,        // what is queued may leave; a transfer is cut
    at_once,
  };

  Connection(Worker& worker, Descriptor socket, const mailwire::IpEndpoint& peer, pop3::SessionId id, bool tls);
  ~Connection() override { close(); }

  // `refused`: there are too many, of all addresses. From here on it looks after itself, until Worker::end().
  void begin(bool refused) noexcept;
  void stop(Stop how) noexcept;
  void close() noexcept;  // for the worker: this was all

  std::size_t place = 0;  // among the worker's

 private:
  enum class Phase : std::uint8_t {
    proxy_header,
    handshake,
    session,
    held_back,     // the reply to a failed login
    close_notify,  // TLS says that this was all
    last_octets,   // we have said all, the peer maybe not
    over,
  };

  // connection.cpp: octets, time, mail
  void on_ready(std::uint32_t events) override;
  void on_time() override;
  void on_turn() override { advance(); }
  void advance() noexcept;
  // Each returns whether there is more to do now; else it waits.
  bool step();
  bool read_proxy_header();
  bool handshake();
  bool serve();
  bool hold_back();
  bool close_notify();
  bool hear_out();
  bool wait(Tried::Result what, std::optional<pop3::TimePoint> until);

  void enter(Phase phase, pop3::Duration limit);
  bool may_go_on() const;
  void admit_client();
  void begin_handshake();
  void greet();
  void end_session();
  void say_goodbye();
  Tried::Result exchange_octets();
  Tried::Result send(const pop3::ConstBuffer* runs, std::size_t count);
  Tried::Result send_file();
  Tried::Result sent(const Tried& tried);
  Tried::Result receive();

  void answer(const pop3::RetrieveRequest& ask);
  void answer(const pop3::BodyRequest& ask);
  void answer(const pop3::CommitRequest& ask);
  void answer(const pop3::CommandRequest& ask);
  void answer(const pop3::BodyDone& done);
  void answer(const pop3::Closed& closed);
  bool may_be_sent() const;
  void promise(const pop3::RetrieveRequest& ask);
  using Octets = std::optional<std::string_view>;
  template <class Request>
  void lend(const Request& ask, std::uint64_t offset, Octets octets);
  void fail_to_lend(pop3::Token<pop3::RetrieveRequest> token);
  void fail_to_lend(pop3::Token<pop3::BodyRequest> token);

  // elsewhere.hpp. Does `work` on a thread that may block, then `then` with its result here. What is thrown there is
  // logged; the result is empty then. Nothing else happens to the connection meanwhile, so what a request refers to
  // stays.
  template <class Work, class Then>
  void on(asio::thread_pool& pool, Work work, Then then);
  template <class Work>
  std::invoke_result_t<Work&> try_to(Work& work) noexcept;
  template <class Then>
  void resume(Then then) noexcept;

  void log_tls();
  void log_trace();
  void log_message(std::string_view what) const;
  void log_end();

  // login.cpp: who it is, and what he may
  void make_session();
  void enter_throttle();
  void leave_throttle() noexcept;
  void answer(const pop3::TlsRequest& ask);
  void end_stls(bool done);
  std::optional<std::string_view> certified_identity() const;
  bool banned();
  void answer(const pop3::AuthRequest& ask);
  void decide_by_token(const pop3::AuthRequest& ask, const Tokens::Checked& token, const Users& users);
  void answer(const pop3::DigestRequest& ask);
  void answer(const pop3::ScramRequest& ask);
  void answer(const pop3::SaslRequest& ask);
  void answer(const pop3::LoginFailed& failed);
  void answer(const pop3::ListRequest& ask);
  void show(const pop3::ListRequest& ask, const std::string& user, std::unique_ptr<Maildrop> maildrop);
  template <class Request>
  void decide(const Request& ask, std::optional<Users::Verdict> verdict);
  template <class Request>
  void turn_down(const Request& ask, std::string_view why);
  bool admit(const std::string& user, pop3::Token<pop3::ListRequest> token);
  void log_failure(std::string_view why);

  // What a proxy has told.
  struct Proxied {
    bool tls = false;       // it has ended the client's TLS
    bool ends_tls = false;  // then TLS of ours is with the proxy, not with the client
    std::string identity;
  };

  Worker& worker_;
  Services& services_;
  const std::shared_ptr<const pop3::Config> config_;  // outlives the session
  const pop3::SessionId id_;
  pop3::TimePoint due_ = pop3::TimePoint::max();  // of what it does now
  const pop3::TimePoint began_ = Clock::now();
  pop3::TimePoint now_ = began_;  // when advance() began
  Descriptor socket_;
  Phase phase_ = Phase::session;
  Stop stop_ = Stop::no;
  Tried::Result awaited_ = Tried::end;  // end: nothing of the socket
  bool readable_ = false;               // as far as is known
  bool writable_ = true;
  bool hung_up_ = false;  // what comes last is still to be read
  bool watches_writing_ = false;
  bool is_known_ = false;        // to the log
  bool busy_ = false;            // another thread looks for an answer
  bool body_follows_ = false;    // more of the message than was lent
  mailwire::IpEndpoint client_;  // whose connection it is, for all who ask: the peer, or whom a proxy names
  Stream stream_;
  std::optional<pop3::Session> session_;  // from the moment on that its first octet may be sent
  pop3::Token<pop3::TlsRequest> stls_{};  // of the handshake that is under way
  std::string_view refusal_;              // what a connection that is not admitted is told; empty: it is
  std::string_view reason_ = "tls_handshake";
  std::string_view method_ = "-";
  std::string user_;
  std::unique_ptr<ProxyReader> proxy_;
  std::unique_ptr<Proxied> proxied_;
  std::optional<mailwire::IpAddress> counted_address_;  // for the throttle: to be given back
  std::string counted_user_;
  std::unique_ptr<Maildrop> maildrop_;
  std::unique_ptr<Message> message_;
  std::uint32_t reading_ = 0;  // its number
  bool whole_ = false;         // for RETR, not TOP
};

}  // namespace pop3d

#endif
