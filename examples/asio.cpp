// SPDX-License-Identifier: MIT
// The demo maildrop with Boost.Asio: one coroutine for each connection. asio [HOST:PORT]
//
// Needs C++20, and with Boost 1.74 g++.
#include <utility>  // awaitable.hpp of Boost 1.74 forgets it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "demo.hpp"

namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// New for every connection: challenges are made of it. (On Linux std::random_device asks the kernel.)
std::string make_nonce() {
  static std::random_device device;
  std::string nonce(16, '\0');
  for (char& octet : nonce) octet = static_cast<char>(device());
  return nonce;
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const pop3::Config& config, pop3::SessionId id)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        session_(config, {id, false, {}, {}, make_nonce()}) {
    socket_.non_blocking(true);
  }

  // The one law: after anything has happened, dispatch(), then look at the octets.
  awaitable<void> run() {
    for (;;) {
      pop3::dispatch(session_, Clock::now(), app_);
      if (session_.finished()) break;
      set_timer(session_.deadline());
      std::array<pop3::ConstBuffer, 4> runs;
      if (const std::size_t count = session_.gather(runs.data(), runs.size()); count > 0)
        co_await send(runs.data(), count);
      else if (session_.wants_input())
        co_await receive();
      else
        co_await nap();
    }
    co_await say_goodbye();
    timer_.cancel();
  }

 private:
  awaitable<void> send(const pop3::ConstBuffer* runs, std::size_t count) {
    std::array<asio::const_buffer, 4> buffers;
    for (std::size_t i = 0; i < count; ++i) buffers[i] = asio::buffer(runs[i].data, runs[i].size);
    error_code error;
    const std::size_t n = co_await socket_.async_write_some(buffers, redirect_error(use_awaitable, error));
    session_.consume_output(n);  // 0: the write was given up
    if (error && error != asio::error::operation_aborted) session_.disconnect();
  }

  // Who waits holds no buffers: there is room to read into only when there is something to read.
  awaitable<void> receive() {
    session_.trim();
    error_code error;
    co_await socket_.async_wait(tcp::socket::wait_read, redirect_error(use_awaitable, error));
    if (error) co_return;  // the time is over
    const pop3::MutableBuffer room = session_.input_buffer();
    const std::size_t n = socket_.read_some(asio::buffer(room.data, room.size), error);
    session_.commit_input(n);
    if (error == asio::error::eof)
      session_.end_of_input();
    else if (error && error != asio::error::would_block)
      session_.disconnect();
  }

  // Neither to be written nor to be read: the reply to a failed login is held back.
  awaitable<void> nap() {
    asio::steady_timer timer(socket_.get_executor(), session_.deadline().value_or(Clock::now() + 1s));
    error_code ignored;
    co_await timer.async_wait(redirect_error(use_awaitable, ignored));
  }

  // At that time whatever is waited for is given up.
  void set_timer(std::optional<pop3::TimePoint> deadline) {
    timer_.expires_at(deadline.value_or(pop3::TimePoint::max()));
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->socket_.cancel(error);
    });
  }

  // A socket that is closed while octets are unread resets the connection, and the last reply may be lost. So the peer
  // has a second to hang up.
  awaitable<void> say_goodbye() {
    error_code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    set_timer(Clock::now() + 1s);
    std::array<char, 4096> nowhere;
    while (!error) co_await socket_.async_read_some(asio::buffer(nowhere), redirect_error(use_awaitable, error));
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  pop3::Session session_;
  demo::App app_;
};

awaitable<void> accept_for_ever(tcp::acceptor acceptor) {
  const pop3::Config config = demo::config();
  pop3::SessionId last = 0;
  for (;;) {
    error_code error;
    tcp::socket socket = co_await acceptor.async_accept(redirect_error(use_awaitable, error));
    if (error) {  // out of descriptors, say
      asio::steady_timer pause(acceptor.get_executor(), 100ms);
      co_await pause.async_wait(use_awaitable);
      continue;
    }
    socket.set_option(tcp::no_delay(true), error);
    auto connection = std::make_shared<Connection>(std::move(socket), config, ++last);
    asio::co_spawn(
        acceptor.get_executor(), [connection] { return connection->run(); }, asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:1110";
  const std::size_t colon = address.rfind(':');
  if (argc > 2 || colon == std::string::npos) {
    std::fprintf(stderr, "usage: asio [HOST:PORT]\n");
    return 2;
  }
  try {
    asio::io_context context(1);
    const auto port = static_cast<unsigned short>(std::stoul(address.substr(colon + 1)));
    tcp::acceptor acceptor(context, {asio::ip::make_address(address.substr(0, colon)), port});
    std::printf("listening plain %s:%u\n", acceptor.local_endpoint().address().to_string().c_str(),
                static_cast<unsigned>(acceptor.local_endpoint().port()));
    std::fflush(stdout);
    asio::co_spawn(context, accept_for_ever(std::move(acceptor)), asio::detached);
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "asio: %s: %s\n", address.c_str(), error.what());
    return 1;
  }
}
