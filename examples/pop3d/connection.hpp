// SPDX-License-Identifier: MIT
// The driver: one coroutine for each connection, on the thread of its io_context.
#ifndef POP3D_CONNECTION_HPP
#define POP3D_CONNECTION_HPP

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "asio.hpp"
#include "last_login.hpp"
#include "log.hpp"
#include "pop3/session.hpp"
#include "proxy.hpp"
#include "reloadable.hpp"
#include "store.hpp"
#include "stream.hpp"
#include "throttle.hpp"
#include "tokens.hpp"
#include "users.hpp"

namespace pop3d {

// What all connections share.
struct Services {
  std::string hostname;
  bool apop;
  Reloadable<Users> users;
  Reloadable<Tokens> tokens;        // null: none are taken
  Reloadable<TlsContext> tls;       // null: there is none
  Reloadable<pop3::Config> config;  // made of the others
  std::unique_ptr<Store> store;
  Log log;
  Networks proxies;        // whose connections begin with a PROXY header
  ClientName client_name;  // a PROXY header has the CN only
  Throttle throttle;
  LastLogin last_login;
  asio::thread_pool blocking;  // for what may take its time: files
  asio::thread_pool hashing;   // password checks: guesses must not hold up those who are logged in
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // How hard the server wants a connection to end.
  enum class Stop : std::uint8_t {
    no,
    when_idle,  // as soon as it waits for a command
    now,        // what is queued may leave; a transfer is cut
    at_once,
  };

  Connection(Services& services, Socket socket, pop3::SessionId id, bool tls);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Awaitable<> run();  // from the first octet to the last
  void refuse();      // before run(): there are too many, of all addresses
  void stop(Stop how);

 private:
  // connection.cpp: octets, time, mail
  Awaitable<bool> read_proxy_header();
  Awaitable<bool> handshake();
  Awaitable<> serve();
  Tried::Result exchange_octets();
  Tried::Result send(const pop3::ConstBuffer* runs, std::size_t count);
  Tried::Result sent(const Tried& tried);
  bool sends_file();
  Awaitable<Tried::Result> send_file();
  Tried::Result receive();
  Awaitable<> say_goodbye();

  Awaitable<> answer(pop3::RetrieveRequest ask);
  Awaitable<> answer(pop3::BodyRequest ask);
  Awaitable<> answer(pop3::CommitRequest ask);
  Awaitable<> answer(pop3::CommandRequest ask);
  Awaitable<> answer(pop3::BodyDone done);
  Awaitable<> answer(pop3::Closed closed);
  void promise(const pop3::RetrieveRequest& ask);
  template <class Request>
  void lend(const Request& ask, std::uint64_t offset, std::string_view octets);

  Awaitable<> on(asio::thread_pool& pool, std::function<void()> work);
  Awaitable<> wait(Tried::Result what, std::optional<pop3::TimePoint> until);
  Awaitable<> nap(std::optional<pop3::TimePoint> until);
  void watch(pop3::TimePoint deadline);
  void wake();
  void log_tls();
  void log_trace();
  void log_end();

  // login.cpp: who it is, and what he may
  void make_session();
  Awaitable<> answer(pop3::TlsRequest ask);
  void enter();
  std::optional<std::string_view> certified_identity() const;
  bool banned();
  Awaitable<> answer(pop3::AuthRequest ask);
  void decide_by_token(const pop3::AuthRequest& ask, const Tokens::Checked& token, const Users& users);
  Awaitable<> answer(pop3::DigestRequest ask);
  Awaitable<> answer(pop3::ScramRequest ask);
  Awaitable<> answer(pop3::SaslRequest ask);
  Awaitable<> answer(pop3::LoginFailed failed);
  Awaitable<> answer(pop3::ListRequest ask);
  template <class Request>
  void decide(const Request& ask, std::optional<Users::Verdict> verdict);
  template <class Request>
  void turn_down(const Request& ask, std::string_view why);
  bool admit(const std::string& user, pop3::Token<pop3::ListRequest> token);
  void log_failure(std::string_view why);

  Services& services_;
  const std::shared_ptr<const pop3::Config> config_;  // outlives the session
  const pop3::SessionId id_;
  Socket socket_;
  Stream stream_;
  std::optional<pop3::Session> session_;  // from the moment on that its first octet may be sent
  Timer timer_;
  Timer* nap_ = nullptr;
  pop3::TimePoint due_ = pop3::TimePoint::max();  // of the wait that is under way
  pop3::TimePoint timer_set_ = pop3::TimePoint::max();
  const pop3::TimePoint began_ = Clock::now();
  Stop stop_ = Stop::no;
  std::string_view refusal_;  // what a connection that is not admitted is told; empty: it is
  bool readable_ = false;     // the last wait said so
  std::string_view reason_ = "tls_handshake";
  mailwire::IpEndpoint client_;  // whose connection it is, for all who ask: the peer, or whom a proxy names
  bool proxied_tls_ = false;     // a proxy has ended the client's TLS
  bool proxy_ends_tls_ = false;  // then TLS of ours is with the proxy, not with the client
  std::string proxied_identity_;
  std::string user_;
  std::string_view method_ = "-";
  std::optional<mailwire::IpAddress> counted_address_;  // for the throttle: to be given back
  std::string counted_user_;
  std::unique_ptr<Maildrop> maildrop_;
  std::unique_ptr<Message> message_;
};

}  // namespace pop3d

#endif
