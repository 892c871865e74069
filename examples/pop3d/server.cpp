// SPDX-License-Identifier: MIT
#include "server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <deque>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "settings.hpp"
#include "worker.hpp"

namespace pop3d {
namespace {

using asio::ip::tcp;

// Each check may take tens of MiB (ARGON2ID), so there are no more at once than the processors can do.
std::size_t hashing_threads() { return std::max(1U, std::thread::hardware_concurrency()); }

void set(int socket, int level, int option) {
  const int on = 1;
  if (::setsockopt(socket, level, option, &on, sizeof on) != 0)
    throw std::system_error(errno, std::generic_category(), "listening socket");
}

// What it accepts sends at once what there is to send: Nagle's algorithm would wait for acknowledgements.
Descriptor open_socket(const tcp::endpoint& endpoint) {
  const bool v6 = endpoint.protocol() == tcp::v6();
  Descriptor socket(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  set(socket.get(), SOL_SOCKET, SO_REUSEADDR);
  set(socket.get(), IPPROTO_TCP, TCP_NODELAY);
  if (v6) set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  return socket;
}

void bind(const Descriptor& socket, const tcp::endpoint& endpoint) {
  if (::bind(socket.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0)
    throw std::system_error(errno, std::generic_category());
}

tcp::endpoint name_of(const Descriptor& socket) {
  tcp::endpoint name;
  auto size = static_cast<socklen_t>(name.capacity());
  if (::getsockname(socket.get(), name.data(), &size) != 0) throw std::system_error(errno, std::generic_category());
  name.resize(size);
  return name;
}

// So many sockets at one address, among which the kernel deals out the connections. The first one does not share it yet
// when it is bound: so nobody else has it.
std::vector<Descriptor> listen_at(const tcp::endpoint& endpoint, std::size_t count) {
  std::vector<Descriptor> sockets;
  sockets.push_back(open_socket(endpoint));
  bind(sockets[0], endpoint);
  const tcp::endpoint bound = name_of(sockets[0]);
  if (count > 1) set(sockets[0].get(), SOL_SOCKET, SO_REUSEPORT);
  while (sockets.size() < count) {
    sockets.push_back(open_socket(bound));
    set(sockets.back().get(), SOL_SOCKET, SO_REUSEPORT);
    bind(sockets.back(), bound);
  }
  for (const Descriptor& socket : sockets)
    if (::listen(socket.get(), SOMAXCONN) != 0) throw std::system_error(errno, std::generic_category());
  return sockets;
}

// "HOST:PORT", "[HOST]:PORT"
std::string text_of(const tcp::endpoint& endpoint) {
  const bool v6 = endpoint.address().is_v6();
  std::string text(v6 ? "[" : "");
  text += endpoint.address().to_string();
  text += v6 ? "]:" : ":";
  text += std::to_string(endpoint.port());
  return text;
}

}  // namespace

struct Server::Implementation {
  Implementation(const Options& options, Reloadable<Users>::Load users, std::unique_ptr<Store> store,
                 Reloadable<TlsContext>::Load tls)
      : services{options.hostname,
                 options.apop,
                 options.max_connections,
                 Reloadable<Users>(std::move(users)),
                 Reloadable<Tokens>([settings = options.tokens] {
                   return settings.wanted() ? std::make_shared<const Tokens>(Tokens::read(settings)) : nullptr;
                 }),
                 Reloadable<TlsContext>(std::move(tls)),
                 Reloadable<pop3::Config>([this, options] {
                   return std::make_shared<const pop3::Config>(make_settings(options, *services.users.get()));
                 }),
                 std::move(store),
                 Log(options.log_level),
                 options.proxies,
                 options.tls.client_name,
                 Throttle(options.throttle),
                 LastLogin(options.login_delay),
                 asio::thread_pool(std::max(4U, options.workers)),
                 asio::thread_pool(hashing_threads())} {
    if (!options.demo()) hangup.add(SIGHUP);
    for (unsigned i = 0; i < options.workers; ++i) workers.emplace_back(services);
  }

  void stop_at_signal();
  void reload_at_signal();
  void reload();
  template <class T>
  void reload(Reloadable<T>& what, std::string_view name);

  asio::io_context context{1};  // of the thread that looks after signals, and after nothing else
  asio::signal_set signals{context, SIGTERM, SIGINT};
  asio::signal_set hangup{context};
  bool ending = false;
  Services services;
  std::deque<Worker> workers;
};

Server::Server(const Options& options, Reloadable<Users>::Load users, std::unique_ptr<Store> store,
               Reloadable<TlsContext>::Load tls)
    : implementation_(std::make_unique<Implementation>(options, std::move(users), std::move(store), std::move(tls))) {}
Server::~Server() = default;

std::vector<std::string> Server::listen(const Listen& where) try {
  auto& workers = implementation_->workers;
  tcp::resolver resolver(implementation_->context);
  std::vector<std::string> names;
  for (const auto& found : resolver.resolve(where.host, where.port, asio::ip::resolver_base::passive)) {
    std::vector<Descriptor> sockets = listen_at(found.endpoint(), workers.size());
    names.push_back(text_of(name_of(sockets[0])));
    for (std::size_t i = 0; i < workers.size(); ++i) workers[i].listen(std::move(sockets[i]), where.tls);
  }
  return names;
} catch (const std::system_error& error) {
  throw std::runtime_error("cannot listen on " + where.host + " port " + where.port + ": " + error.code().message());
} catch (const boost::system::system_error& error) {
  throw std::runtime_error("cannot listen on " + where.host + " port " + where.port + ": " + error.code().message());
}

void Server::run() {
  Implementation& own = *implementation_;
  own.stop_at_signal();
  own.reload_at_signal();
  std::vector<std::thread> threads;
  for (Worker& worker : own.workers) threads.emplace_back([&worker] { worker.run(); });
  own.context.run();
  for (std::thread& thread : threads) thread.join();
  own.services.blocking.join();
  own.services.hashing.join();
}

void Server::Implementation::stop_at_signal() {
  signals.async_wait([this](error_code error, int) {
    if (error) return;
    signals.clear();  // a second one ends the process as usual
    ending = true;
    hangup.cancel();  // but SIGHUP has no effect any more
    for (Worker& worker : workers) worker.stop();
  });
}

// One at a time. A signal that comes meanwhile is waiting afterwards.
void Server::Implementation::reload_at_signal() {
  if (ending) return;
  hangup.async_wait([this](error_code error, int) {
    if (error) return;
    reload();
    reload_at_signal();
  });
}

void Server::Implementation::reload() try {
  reload(services.users, "users");
  if (services.tokens.get()) reload(services.tokens, "tokens");
  if (services.tls.get()) reload(services.tls, "tls");
  services.config.reload();  // what is offered depends on the users
} catch (const std::exception& error) {
  LogLine(services.log, Level::error, "reload").add("kept", "settings").add("what", error.what());
}

// What is wrong with the files is no reason to end: the old ones stay in use.
template <class T>
void Server::Implementation::reload(Reloadable<T>& what, std::string_view name) try {
  what.reload();
  LogLine(services.log, Level::info, "reload").add("read", name);
} catch (const std::exception& error) {
  LogLine(services.log, Level::error, "reload").add("kept", name).add("what", error.what());
}

}  // namespace pop3d
