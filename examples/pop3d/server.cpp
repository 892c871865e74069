// SPDX-License-Identifier: MIT
#include "asio.hpp"  // first: see there

#include "server.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <deque>
#include <thread>
#include <unordered_set>

#include "connection.hpp"
#include "settings.hpp"

namespace pop3d {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

constexpr std::size_t refused_at_once = 64;  // connections over the limit that are told so at the same time
constexpr auto accept_pause = 100ms;

// Each check may take tens of MiB (ARGON2ID), so there are no more at once than the processors can do.
std::size_t hashing_threads() { return std::max(1U, std::thread::hardware_concurrency()); }

bool is_out_of_resources(error_code error) {
  return error == boost::system::errc::too_many_files_open ||
         error == boost::system::errc::too_many_files_open_in_system || error == boost::system::errc::no_buffer_space ||
         error == boost::system::errc::not_enough_memory;
}

Awaitable<> sleep(Timer::duration time, Executor executor) {
  Timer timer(executor, time);
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
}

// An event loop and what lives on it. Only its own thread touches it, but for the posts.
struct Worker {
  asio::io_context context{1};
  asio::executor_work_guard<Executor> work{context.get_executor()};
  Timer patience{context};
  std::unordered_set<Connection*> connections;
  bool stopping = false;

  void begin(Connection& connection) {
    connections.insert(&connection);
    if (stopping) connection.stop(Connection::Stop::when_idle);
  }
  void end(Connection& connection) {
    connections.erase(&connection);
    if (stopping && connections.empty()) patience.cancel();
  }
  // Idle connections end now; the others have some seconds, then a second, then nothing.
  Awaitable<> stop() {
    using Stop = Connection::Stop;
    stopping = true;
    for (const auto& [how, time] : {std::pair(Stop::when_idle, 5s), {Stop::now, 1s}, {Stop::at_once, 0s}}) {
      for (Connection* const connection : connections) connection->stop(how);
      if (connections.empty()) break;
      patience.expires_after(time);
      error_code ignored;
      co_await patience.async_wait(asio::redirect_error(use_awaitable, ignored));
    }
    work.reset();  // run() returns when nothing is left
  }
};

struct Listener {
  Acceptor acceptor;
  bool tls;
};

}  // namespace

struct Server::Implementation {
  Implementation(const Options& options, Reloadable<Users>::Load users, std::unique_ptr<Store> store,
                 Reloadable<TlsContext>::Load tls)
      : max_connections(options.max_connections),
        workers(options.threads),
        services{options.hostname,
                 options.apop,
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
                 asio::thread_pool(std::max(4U, options.threads)),
                 asio::thread_pool(hashing_threads())} {
    if (!options.demo()) hangup.add(SIGHUP);
  }

  Awaitable<> accept(Listener& listener);
  void begin(Worker& worker, Socket socket, bool tls, bool refused);
  Awaitable<> stop_at_signal();
  void reload_at_signal();
  void reload();
  template <class T>
  void reload(Reloadable<T>& what, std::string_view name);

  const std::size_t max_connections;
  std::atomic<std::size_t> connections = 0;
  std::atomic<pop3::SessionId> last_id = 0;
  std::size_t turn = 0;
  bool ending = false;         // of the first worker's thread
  std::deque<Worker> workers;  // the first one accepts for all of them
  std::deque<Listener> listeners;
  asio::basic_signal_set<Executor> signals{workers.front().context.get_executor(), SIGTERM, SIGINT};
  asio::basic_signal_set<Executor> hangup{workers.front().context.get_executor()};
  Services services;
};

Server::Server(const Options& options, Reloadable<Users>::Load users, std::unique_ptr<Store> store,
               Reloadable<TlsContext>::Load tls)
    : implementation_(std::make_unique<Implementation>(options, std::move(users), std::move(store), std::move(tls))) {}
Server::~Server() = default;

std::vector<std::string> Server::listen(const Listen& where) try {
  asio::io_context& context = implementation_->workers.front().context;
  asio::ip::basic_resolver<tcp, Executor> resolver(context);
  std::vector<std::string> names;
  for (const auto& found : resolver.resolve(where.host, where.port, asio::ip::resolver_base::passive)) {
    const tcp::endpoint endpoint = found.endpoint();
    Acceptor acceptor(context, endpoint.protocol());
    acceptor.set_option(Acceptor::reuse_address(true));
    if (endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(true));
    acceptor.bind(endpoint);
    acceptor.listen();
    const tcp::endpoint bound = acceptor.local_endpoint();
    const std::string address = bound.address().to_string();
    names.push_back((bound.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(bound.port()));
    implementation_->listeners.push_back({std::move(acceptor), where.tls});
  }
  return names;
} catch (const boost::system::system_error& error) {
  throw std::runtime_error("cannot listen on " + where.host + " port " + where.port + ": " + error.code().message());
}

void Server::run() {
  Implementation& own = *implementation_;
  Worker& first = own.workers.front();
  for (Listener& listener : own.listeners) asio::co_spawn(first.context, own.accept(listener), asio::detached);
  asio::co_spawn(first.context, own.stop_at_signal(), asio::detached);
  own.reload_at_signal();
  std::vector<std::thread> threads;
  for (Worker& worker : own.workers)
    if (&worker != &first) threads.emplace_back([&worker] { worker.context.run(); });
  first.context.run();
  for (std::thread& thread : threads) thread.join();
  own.services.blocking.join();
  own.services.hashing.join();
}

// Over the limit a connection is told so; far over it, or without descriptors, the next ones wait in the kernel.
Awaitable<> Server::Implementation::accept(Listener& listener) {
  bool told = false;
  while (listener.acceptor.is_open()) {
    Worker& worker = workers[turn++ % workers.size()];
    error_code error;
    Socket socket = co_await listener.acceptor.async_accept(worker.context, asio::redirect_error(use_awaitable, error));
    if (!error) {
      const bool refused = ++connections > max_connections;
      asio::post(worker.context, [this, &worker, socket = std::move(socket), tls = listener.tls, refused]() mutable {
        begin(worker, std::move(socket), tls, refused);
      });
      told = false;
    } else if (is_out_of_resources(error)) {
      if (!std::exchange(told, true)) LogLine(services.log, Level::warning, "accept").add("what", error.message());
      co_await sleep(accept_pause, listener.acceptor.get_executor());
    }
    while (connections >= max_connections + refused_at_once && listener.acceptor.is_open())
      co_await sleep(accept_pause, listener.acceptor.get_executor());
  }
}

// On the worker's thread.
void Server::Implementation::begin(Worker& worker, Socket socket, bool tls, bool refused) {
  std::shared_ptr<Connection> connection;
  try {
    connection = std::make_shared<Connection>(services, std::move(socket), ++last_id, tls);
    if (refused) connection->refuse();
    worker.begin(*connection);
    asio::co_spawn(worker.context, connection->run(), [this, &worker, connection](std::exception_ptr error) mutable {
      worker.end(*connection);
      connection.reset();
      --connections;
      if (error) LogLine(services.log, Level::error, "connection").add("what", "ended by an exception");
    });
  } catch (const std::bad_alloc&) {  // it never ran
    if (connection) worker.end(*connection);
    --connections;
  }
}

Awaitable<> Server::Implementation::stop_at_signal() {
  co_await signals.async_wait(use_awaitable);
  signals.clear();  // a second one ends the process as usual
  ending = true;
  hangup.cancel();  // but SIGHUP has no effect any more
  for (Listener& listener : listeners) listener.acceptor.close();
  for (Worker& worker : workers) asio::co_spawn(worker.context, worker.stop(), asio::detached);
}

// One at a time, on a thread that may read files. A signal that comes meanwhile is waiting afterwards.
void Server::Implementation::reload_at_signal() {
  if (ending) return;
  Worker& first = workers.front();
  hangup.async_wait([this, &first](error_code error, int) {
    if (error) return;
    asio::post(services.blocking, [this, &first] {
      reload();
      asio::post(first.context, [this] { reload_at_signal(); });
    });
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
