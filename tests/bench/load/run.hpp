// SPDX-License-Identifier: MIT
// What all modes share: connections, the loop, what is measured and printed.
#ifndef LOAD_RUN_HPP
#define LOAD_RUN_HPP

#include <netinet/in.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "connection.hpp"
#include "mail.hpp"
#include "options.hpp"
#include "process.hpp"

namespace load {

// As many users as the pattern's "%d" counts.
class Users {
 public:
  Users(const std::string& pattern, int count, const std::string* expect);
  // Whose session is the connection's next. No two connections share a maildrop at one time if there are enough.
  User& of(int slot, long serial, int slots);

 private:
  std::vector<std::unique_ptr<User>> users_;
};

class Run : public Plan {
 public:
  explicit Run(const Options& options);
  virtual ~Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  virtual void run() = 0;  // and print
  void got_body(std::uint64_t octets) override;

 protected:
  const Options& options() const { return options_; }
  const std::string* expect() const { return options_.expect.empty() ? nullptr : &options_.expect; }

  Connection& add_connection();
  void open(Connection& connection, User& user);
  // The greeting has come: USER; then PASS. True when logged in.
  bool log_in(Connection& connection);
  void poll(int milliseconds = 200);
  double time() const { return time_; }  // of the events that are handled now

  void begin_measure();
  void end_measure();
  bool is_measuring() const { return measuring_; }
  bool is_over() const { return time_ >= deadline_; }
  void count(double since, long n = 1);  // so many things were done, the time is one sample
  long done() const { return done_; }
  void print_common() const;
  void print_latency(const char* name, std::vector<float>& samples) const;
  std::vector<float>& samples() { return samples_; }
  double seconds() const { return end_ - begin_; }
  std::uint64_t body_octets() const { return body_octets_; }
  double server_cpu() const { return after_.cpu() - before_.cpu(); }

 private:
  void check_stall();

  const Options& options_;
  sockaddr_in address_{};
  int epoll_;
  std::deque<Connection> connections_;
  double time_ = 0, last_event_ = 0;
  bool measuring_ = false;
  double begin_ = 0, end_ = 0, deadline_ = 0, client_cpu_ = 0;
  long done_ = 0;
  std::uint64_t body_octets_ = 0;
  std::vector<float> samples_;  // microseconds
  Usage before_, after_;
};

std::unique_ptr<Run> make_run(const Options& options);

}  // namespace load

#endif
