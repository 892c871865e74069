// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>

#include "run.hpp"
#include "util.hpp"

namespace load {
namespace {

constexpr int opening_at_once = 64;
constexpr int logins_at_once = 16;  // of those that stay; with 64 Dovecot's queue between processes overflows

std::vector<Command> session_script(const Options& options, bool pop) {
  std::vector<Command> script;
  if (pop && options.capa) script.push_back(Command::capa);
  script.push_back(Command::stat);
  if (pop) script.push_back(Command::uidl);
  if (pop) script.insert(script.end(), static_cast<std::size_t>(options.retr), Command::retr);
  script.push_back(Command::quit);
  return script;
}

// Sends the next command of a script to a connection that has logged in; `step` began with the two of the login.
void follow(Connection& connection, const std::vector<Command>& script) {
  const std::size_t at = connection.step - 3;
  if (at >= script.size()) return;  // QUIT is answered
  Command command = script[at];
  const std::uint32_t count = connection.user().count();
  if (command == Command::retr && count == 0) {
    command = Command::quit;
    connection.step = script.size() + 3;
  }
  connection.ask(command, command == Command::retr ? connection.next++ % count + 1 : 0);
  connection.flush();
}

// ---- login, pop: sessions one after the other -----------------------------------------------------------------------

class Sessions : public Run {
 public:
  explicit Sessions(const Options& options)
      : Run(options),
        users_(options.user_pattern, options.users, expect()),
        script_(session_script(options, options.mode == Mode::pop)) {}

  void run() override {
    for (int i = 0; i < options().connections; ++i) slots_.push_back(&add_connection());
    play(options().warmup);
    begin_measure();
    play(options().count);
    end_measure();
    print_common();
    print_latency("", samples());
    const double n = static_cast<double>(std::max(1L, done()));
    if (!options().servers.empty()) std::printf(" cpu_s_per_1000=%.5f", server_cpu() / n * 1e3);
    std::printf("\n");
  }

  void replied(Connection& connection) override {
    if (connection.step == 0) --opening_;
    if (log_in(connection)) follow(connection, script_);
    open_more();
  }
  void closed(Connection& connection) override {
    --open_;
    count(connection.since);
    free_.push_back(&connection);
    open_more();
  }

 private:
  // `most`: so many sessions; 0: until the time is over, which it is where nothing is measured.
  void play(long most) {
    if (most == 0 && !is_measuring()) return;
    left_ = most > 0 ? most : -1;
    free_.assign(slots_.begin(), slots_.end());
    open_more();
    while (open_ > 0) poll();
  }
  void open_more() {
    while (left_ != 0 && !free_.empty() && opening_ < opening_at_once && !(is_measuring() && is_over())) {
      Connection& connection = *free_.back();
      free_.pop_back();
      if (left_ > 0) --left_;
      ++open_;
      ++opening_;
      open(connection, users_.of(connection.slot(), connection.serial, options().connections));
    }
  }

  Users users_;
  const std::vector<Command> script_;
  std::vector<Connection*> slots_, free_;
  long left_ = 0;
  int open_ = 0, opening_ = 0;
};

// ---- those that log in and stay
// ---------------------------------------------------------------------------------------

class Stay : public Run {
 public:
  Stay(const Options& options, std::vector<Command> first)
      : Run(options), users_(options.user_pattern, options.users, expect()), first_(std::move(first)) {}

  void replied(Connection& connection) override {
    if (phase_ == Phase::work) return worked(connection);
    if (phase_ == Phase::quit) return;
    if (connection.step == 0) --opening_;
    if (!log_in(connection)) return;
    const std::size_t at = connection.step - 3;
    if (at < first_.size()) {
      connection.ask(first_[at]);
    } else if (learns_ && at - first_.size() < connection.user().count()) {
      connection.ask(Command::retr, static_cast<std::uint32_t>(at - first_.size()) + 1);
    } else {
      ++ready_;
      return;
    }
    connection.flush();
  }
  void closed(Connection&) override { ++closed_; }

 protected:
  enum class Phase { login, work, quit };

  virtual void worked(Connection& connection) = 0;

  void learn_messages() { learns_ = true; }
  void log_all_in() {
    for (int i = 0; i < options().connections; ++i) held_.push_back(&add_connection());
    for (std::size_t next = 0; ready_ < held_.size(); poll()) {
      for (; next < held_.size() && opening_ < logins_at_once; ++next, ++opening_) {
        held_[next]->next = static_cast<std::uint32_t>(next);
        open(*held_[next], users_.of(static_cast<int>(next), 0, options().connections));
      }
    }
  }
  void begin_work() { phase_ = Phase::work; }
  void all_quit() {
    phase_ = Phase::quit;
    for (std::size_t next = 0; closed_ < held_.size(); poll()) {
      for (int batch = 0; next < held_.size() && batch < opening_at_once; ++next, ++batch) {
        held_[next]->ask(Command::quit);
        held_[next]->flush();
      }
    }
  }
  const std::vector<Connection*>& held() const { return held_; }

 private:
  Users users_;
  const std::vector<Command> first_;
  bool learns_ = false;
  Phase phase_ = Phase::login;
  std::vector<Connection*> held_;
  std::size_t ready_ = 0, closed_ = 0;
  int opening_ = 0;
};

std::vector<Command> read_mix(const std::string& list) {
  static const std::map<std::string, Command> known = {{"noop", Command::noop},
                                                       {"stat", Command::stat},
                                                       {"list", Command::list_n},
                                                       {"uidl", Command::uidl_n},
                                                       {"top", Command::top}};
  std::vector<Command> mix;
  std::stringstream words(list);
  for (std::string word; std::getline(words, word, ',');) {
    const auto found = known.find(word);
    if (found == known.end()) fail("unknown command in --mix: " + word);
    mix.push_back(found->second);
  }
  if (mix.empty()) fail("--mix is empty");
  return mix;
}

// retr, cmds: batch after batch
class Work : public Stay {
 public:
  explicit Work(const Options& options)
      : Stay(options, options.mode == Mode::retr ? std::vector{Command::stat, Command::list, Command::uidl}
                                                 : std::vector{Command::stat}),
        mix_(options.mode == Mode::retr ? std::vector{Command::retr} : read_mix(options.mix)) {
    if (options.mode == Mode::retr) learn_messages();
  }

  void run() override {
    log_all_in();
    begin_work();
    begin_measure();
    working_ = held().size();
    for (Connection* const connection : held()) send_batch(*connection);
    while (working_ > 0) poll();
    end_measure();
    all_quit();
    print_common();
    print_latency("", samples());
    const double megabytes = static_cast<double>(body_octets()) / 1e6;
    if (options().mode == Mode::retr) std::printf(" MB=%.1f MB_per_s=%.1f", megabytes, megabytes / seconds());
    if (!options().servers.empty()) {
      std::printf(" cpu_us_per_command=%.4f", server_cpu() / static_cast<double>(std::max(1L, done())) * 1e6);
      if (options().mode == Mode::retr)
        std::printf(" cpu_s_per_GB=%.4f", server_cpu() / std::max(megabytes, 1e-6) * 1e3);
    }
    std::printf("\n");
  }

 protected:
  void worked(Connection& connection) override {
    count(connection.since, options().depth);
    send_batch(connection);
  }

 private:
  void send_batch(Connection& connection) {
    if (is_over()) {
      --working_;
      return;
    }
    const std::uint32_t messages = connection.user().count();
    if (messages == 0) fail("the maildrop of " + connection.user().name() + " is empty");
    connection.since = time();
    for (int i = 0; i < options().depth; ++i, ++connection.next) {
      const auto kinds = static_cast<std::uint32_t>(mix_.size());
      const Command command = mix_[connection.next % kinds];
      const bool alone = command == Command::noop || command == Command::stat;
      connection.ask(command, alone ? 0 : connection.next / kinds % messages + 1);
    }
    connection.flush();
  }

  const std::vector<Command> mix_;
  std::size_t working_ = 0;
};

// ---- idle, crowd
// --------------------------------------------------------------------------------------------------------

// What the server holds for each session, against what it held before there was any.
class Memory {
 public:
  explicit Memory(const Options& options) : options_(options), before_(read()) {}
  void look() { held_ = read(); }
  void print(double sessions) const {
    if (options_.servers.empty()) return;
    std::printf(" processes=%ld pss_MB=%.1f pss_per_session=%.0f rss_per_session=%.0f", held_.processes,
                held_.pss / 1e6, (held_.pss - before_.pss) / sessions, (held_.rss - before_.rss) / sessions);
  }

 private:
  Usage read() const { return usage_of(options_.servers, With::cpu_and_memory); }

  const Options& options_;
  Usage before_, held_;
};

class Idle : public Stay {
 public:
  explicit Idle(const Options& options) : Stay(options, {}), memory_(options) {}

  void run() override {
    const double start = now();
    log_all_in();
    const double seconds = now() - start;
    begin_work();
    for (const double end = now() + options().hold; now() < end;) poll();
    memory_.look();
    all_quit();
    std::printf("mode=idle connections=%d logins_per_s=%.1f", options().connections, options().connections / seconds);
    memory_.print(options().connections);
    std::printf("\n");
  }

 protected:
  void worked(Connection&) override {}

 private:
  Memory memory_;
};

class Crowd : public Stay {
 public:
  explicit Crowd(const Options& options)
      : Stay(options, {}),
        memory_(options),
        worker_users_(options.worker_pattern, options.worker_users, expect()),
        scripts_{session_script(options, false), session_script(options, true), noop_script()} {}

  void run() override {
    log_all_in();
    ::usleep(300'000);
    memory_.look();
    begin_work();
    for (int i = 0; i < options().workers; ++i) workers_.push_back(&add_connection());
    begin_measure();
    for (std::size_t i = 0; i < workers_.size(); ++i)
      resting_.push_back({time() + options().pause * static_cast<double>(i) / options().workers, workers_[i]});
    for (std::size_t i = 0; i < samplers && i < held().size(); ++i) sample(*held()[i]);
    while (working_ > 0 || sampling_ > 0 || !is_over()) {
      start_rested();
      sample_rested();
      poll(1);
    }
    end_measure();
    all_quit();
    print_common();
    print_latency("", samples());
    print_latency("noop_", noops_);
    std::printf(" noops=%zu", noops_.size());
    memory_.print(options().connections);
    std::printf("\n");
  }

  void replied(Connection& connection) override {
    if (!is_worker(connection)) return Stay::replied(connection);
    if (log_in(connection)) follow(connection, scripts_[static_cast<std::size_t>(connection.serial) % 3]);
  }
  void closed(Connection& connection) override {
    if (!is_worker(connection)) return Stay::closed(connection);
    count(connection.since);
    --working_;
    resting_.push_back({time() + options().pause, &connection});
  }

 protected:
  // A NOOP of an idle session is answered.
  void worked(Connection& connection) override {
    noops_.push_back(static_cast<float>((now() - connection.since) * 1e6));
    --sampling_;
    sampled_.push_back({time() + sample_pause, &connection});
  }

 private:
  static constexpr std::size_t samplers = 8;  // NOOPs under way at a time, at most
  static constexpr double sample_pause = 0.01;

  static std::vector<Command> noop_script() {
    std::vector<Command> script(20, Command::noop);
    script.push_back(Command::quit);
    return script;
  }
  bool is_worker(const Connection& connection) const { return connection.slot() >= options().connections; }
  void start_rested() {
    for (; !resting_.empty() && resting_.front().first <= time() && !is_over(); resting_.pop_front())
      start(*resting_.front().second);
  }
  // The next session is some way off, so that all have their turn.
  void sample_rested() {
    for (; !sampled_.empty() && sampled_.front().first <= time(); sampled_.pop_front()) {
      Connection& last = *sampled_.front().second;
      Connection* const next = held()[(static_cast<std::size_t>(last.slot()) + samplers) % held().size()];
      sample(next->has_asked() ? last : *next);
    }
  }
  void start(Connection& worker) {
    ++working_;
    const int of_workers = worker.slot() - options().connections;
    open(worker, worker_users_.of(of_workers, worker.serial, options().workers));
  }
  void sample(Connection& idle) {
    if (is_over()) return;
    ++sampling_;
    idle.since = time();
    idle.ask(Command::noop);
    idle.flush();
  }

  Memory memory_;
  Users worker_users_;
  const std::vector<Command> scripts_[3];
  std::vector<Connection*> workers_;
  std::deque<std::pair<double, Connection*>> resting_;  // until when; all pauses are equally long
  std::deque<std::pair<double, Connection*>> sampled_;  // the same for sessions whose NOOP was answered
  std::vector<float> noops_;
  long working_ = 0, sampling_ = 0;
};

}  // namespace

std::unique_ptr<Run> make_run(const Options& options) {
  switch (options.mode) {
    case Mode::login:
    case Mode::pop: return std::make_unique<Sessions>(options);
    case Mode::retr:
    case Mode::cmds: return std::make_unique<Work>(options);
    case Mode::idle: return std::make_unique<Idle>(options);
    case Mode::crowd: return std::make_unique<Crowd>(options);
  }
  return nullptr;
}

}  // namespace load
