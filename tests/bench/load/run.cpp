// SPDX-License-Identifier: MIT
#include "run.hpp"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "util.hpp"

namespace load {
namespace {

double own_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Users::Users(const std::string& pattern, int count, const std::string* expect) {
  const std::size_t at = pattern.find("%d");
  for (int i = 0; i < count; ++i) {
    std::string name = pattern;
    if (at != std::string::npos) name.replace(at, 2, std::to_string(i));
    users_.push_back(std::make_unique<User>(name, expect));
  }
}

User& Users::of(int slot, long serial, int slots) {
  const auto count = static_cast<long>(users_.size());
  const long laps = std::max(1L, count / slots);
  const long index = slot + slots * (serial % laps);
  return *users_[static_cast<std::size_t>(index % count)];
}

Run::Run(const Options& options) : options_(options), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  address_.sin_family = AF_INET;
  if (::inet_pton(AF_INET, options.host.c_str(), &address_.sin_addr) != 1) fail("--host is no IPv4 address");
  if (ntohl(address_.sin_addr.s_addr) >> 24 != 127) fail("--host is another machine: loads are for loopback");
}

void Run::got_body(std::uint64_t octets) {
  if (measuring_) body_octets_ += octets;
}

Connection& Run::add_connection() { return connections_.emplace_back(static_cast<int>(connections_.size())); }

void Run::open(Connection& connection, User& user) {
  connection.step = 0;
  connection.since = time_;
  const auto turn = static_cast<std::size_t>(connection.slot()) % options_.ports.size();
  address_.sin_port = htons(static_cast<std::uint16_t>(options_.ports[turn]));
  connection.open(epoll_, address_, options_.tls, user, *this);
}

bool Run::log_in(Connection& connection) {
  switch (connection.step++) {
    case 0: connection.ask_login(Command::user, connection.user().name()); break;
    case 1: connection.ask_login(Command::pass, options_.password); break;
    default: return true;
  }
  connection.flush();
  return false;
}

void Run::poll(int milliseconds) {
  epoll_event events[512];
  const int count = ::epoll_wait(epoll_, events, 512, milliseconds);
  time_ = now();
  if (count > 0 || last_event_ == 0) last_event_ = time_;
  for (int i = 0; i < count; ++i)
    static_cast<Connection*>(events[i].data.ptr)->handle(events[i].events, options_.quickack);
  check_stall();
}

void Run::check_stall() {
  if (time_ - last_event_ < options_.stall) return;
  for (const Connection& connection : connections_)
    if (const std::string what = connection.waits_for(); !what.empty()) fail("stalled; waiting: " + what);
  last_event_ = time_;  // nobody waits
}

void Run::begin_measure() {
  before_ = usage_of(options_.servers, With::cpu);
  client_cpu_ = own_cpu();
  begin_ = time_ = last_event_ = now();
  deadline_ = options_.count > 0 ? begin_ + 1e9 : begin_ + options_.seconds;
  measuring_ = true;
}

void Run::end_measure() {
  end_ = now();
  client_cpu_ = own_cpu() - client_cpu_;
  measuring_ = false;
  ::usleep(150'000);  // the server may have something left to do
  after_ = usage_of(options_.servers, With::cpu);
}

void Run::count(double since, long n) {
  if (!measuring_) return;
  done_ += n;
  samples_.push_back(static_cast<float>((now() - since) * 1e6));
}

void Run::print_common() const {
  std::printf("mode=%s connections=%d depth=%d n=%ld seconds=%.3f per_second=%.1f client_cpu_s=%.2f",
              name_of(options_.mode), options_.connections, options_.depth, done_, seconds(),
              static_cast<double>(done_) / seconds(), client_cpu_);
  if (options_.servers.empty()) return;
  std::printf(" server_user_s=%.2f server_system_s=%.2f", after_.user - before_.user, after_.system - before_.system);
}

void Run::print_latency(const char* name, std::vector<float>& samples) const {
  const double p50 = percentile(samples, 0.5), p99 = percentile(samples, 0.99), most = percentile(samples, 1);
  std::printf(" %sp50_us=%.0f %sp99_us=%.0f %smax_us=%.0f", name, p50, name, p99, name, most);
}

}  // namespace load
