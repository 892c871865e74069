// SPDX-License-Identifier: MIT
// The driver: one coroutine for each connection, on the thread of its io_context.
#ifndef POP3D_CONNECTION_HPP
#define POP3D_CONNECTION_HPP

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "address.hpp"
#include "asio.hpp"
#include "last_login.hpp"
#include "log.hpp"
#include "pop3/session.hpp"
#include "store.hpp"
#include "stream.hpp"
#include "throttle.hpp"
#include "users.hpp"

namespace pop3d {

// What all connections share.
struct Services {
  pop3::Config config;
  SharedUsers users;
  std::unique_ptr<Store> store;
  TlsContext tls;
  Log log;
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
  void refuse_unless_admitted();
  Awaitable<bool> handshake();
  Awaitable<> serve();
  Tried::Result exchange_octets();
  Tried::Result send(const pop3::ConstBuffer* runs, std::size_t count);
  Tried::Result receive();
  Awaitable<> say_goodbye();

  Awaitable<> answer(pop3::AuthRequest ask);
  Awaitable<> refuse_login(pop3::Token<pop3::AuthRequest> token, Users::Verdict why);
  void admit(pop3::Token<pop3::AuthRequest> token, const std::string& user);
  Awaitable<> answer(pop3::ApopRequest ask);
  Awaitable<> answer(pop3::ListRequest ask);
  Awaitable<> answer(pop3::RetrieveRequest ask);
  Awaitable<> answer(pop3::BodyRequest ask);
  Awaitable<> answer(pop3::CommitRequest ask);
  Awaitable<> answer(pop3::BodyDone done);
  Awaitable<> answer(pop3::Closed closed);
  template <class Request>
  void lend(const Request& ask, std::uint64_t offset, std::string_view octets);

  template <class Work>
  Awaitable<> blocking(Work work);  // for files
  template <class Work>
  Awaitable<> on(asio::thread_pool& pool, Work work);
  Awaitable<> wait(Tried::Result what, std::optional<pop3::TimePoint> until);
  Awaitable<> nap(std::optional<pop3::TimePoint> until);
  void watch(pop3::TimePoint deadline);
  void wake();
  void log_end();

  Services& services_;
  Socket socket_;
  Stream stream_;
  pop3::Session session_;
  Timer timer_;
  Timer* nap_ = nullptr;
  pop3::TimePoint due_ = pop3::TimePoint::max();  // of the wait that is under way
  pop3::TimePoint timer_set_ = pop3::TimePoint::max();
  const pop3::TimePoint began_ = Clock::now();
  Stop stop_ = Stop::no;
  bool readable_ = false;  // the last wait said so
  std::string_view reason_ = "tls_handshake";
  std::string address_, user_;
  const Address from_;
  const Throttle::Admission admission_;  // once it is asked for, nothing in the constructor may fail
  std::string counted_user_;             // whose connection this is for the throttle
  std::unique_ptr<Maildrop> maildrop_;
  std::unique_ptr<Message> message_;
};

}  // namespace pop3d

#endif
