// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>

namespace load {
namespace {

constexpr const char* help =
    R"(load: a load generator for POP3 servers on this machine. One thread, a closed loop: a connection asks again when it has
its reply. Every reply is checked, every message octet for octet; what fails a check has no numbers.

  load --port N[,N...] --mode MODE [options]        several ports: connections go to them in turn

  login   connect, USER, PASS, STAT, QUIT, wait for the server's close
  pop     connect, USER, PASS, CAPA, STAT, UIDL, RETR x 10, QUIT, wait for the close
  retr    connections that are logged in RETR their messages round and round
  cmds    connections that are logged in send --depth commands in one write and wait for all replies
  idle    log in, hold, read the server's memory
  crowd   hold --connections idle sessions while --workers others do all of login, pop and NOOP; NOOPs of idle ones
          are timed

  --host A              numeric IPv4 address (127.0.0.1)
  --tls                 TLS from the start
  --user-pattern P      with one %d (u%d)       --password P   of all users (pass)
  --users N             how many different users (as many as connections)
  --connections N       (16)
  --seconds S           of the measured part (3)    --count N      or: so many sessions
  --warmup N            sessions before it (0)
  --depth N             commands in one write (1)
  --retr N              messages a session of pop (10)
  --mix LIST            of noop,stat,list,uidl,top
  --hold S              idle: seconds (3)
  --stall S             fail after S seconds without an octet (30)
  --workers N           crowd (200)   --worker-pattern P (u%d)   --worker-users N (512)
  --pause S             crowd: of a worker between two sessions (1)
  --expect DIR          Maildirs DIR/USER: messages must match their files
  --server PID,...      measure CPU and memory of these processes and all that descend from them
  --no-capa             no CAPA in pop
  --quickack            acknowledge at once: hides the 40 ms of servers without TCP_NODELAY
)";

[[noreturn]] void usage(const std::string& why) {
  std::fprintf(stderr, "load: %s (--help shows the options)\n", why.c_str());
  std::exit(64);
}

const std::map<std::string, Mode> modes = {{"login", Mode::login}, {"pop", Mode::pop},   {"retr", Mode::retr},
                                           {"cmds", Mode::cmds},   {"idle", Mode::idle}, {"crowd", Mode::crowd}};

std::vector<int> numbers(const std::string& list) {
  std::vector<int> found;
  std::stringstream words(list);
  for (std::string word; std::getline(words, word, ',');) found.push_back(std::atoi(word.c_str()));
  return found;
}

}  // namespace

const char* name_of(Mode mode) {
  for (const auto& [name, value] : modes)
    if (value == mode) return name.c_str();
  return "";
}

Options parse_options(int argc, char** argv) {
  Options options;
  bool has_mode = false;
  using Value = const std::string&;
  const auto text = [](std::string& to) { return [&to](Value v) { to = v; }; };
  const auto number = [](auto& to) {
    return [&to](Value v) { to = static_cast<std::decay_t<decltype(to)>>(std::atof(v.c_str())); };
  };
  const std::map<std::string, std::function<void(Value)>> with_value = {
      {"--host", text(options.host)},
      {"--port", [&](Value v) { options.ports = numbers(v); }},
      {"--user-pattern", text(options.user_pattern)},
      {"--password", text(options.password)},
      {"--users", number(options.users)},
      {"--connections", number(options.connections)},
      {"--seconds", number(options.seconds)},
      {"--count", number(options.count)},
      {"--warmup", number(options.warmup)},
      {"--depth", number(options.depth)},
      {"--retr", number(options.retr)},
      {"--mix", text(options.mix)},
      {"--hold", number(options.hold)},
      {"--stall", number(options.stall)},
      {"--workers", number(options.workers)},
      {"--worker-pattern", text(options.worker_pattern)},
      {"--worker-users", number(options.worker_users)},
      {"--pause", number(options.pause)},
      {"--expect", text(options.expect)},
      {"--server", [&](Value v) { options.servers = numbers(v); }},
      {"--mode",
       [&](Value v) {
         const auto found = modes.find(v);
         if (found == modes.end()) usage("unknown mode " + v);
         options.mode = found->second;
         has_mode = true;
       }},
  };
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help") {
      std::fputs(help, stdout);
      std::exit(0);
    }
    if (name == "--tls") {
      options.tls = true;
    } else if (name == "--no-capa") {
      options.capa = false;
    } else if (name == "--quickack") {
      options.quickack = true;
    } else if (const auto found = with_value.find(name); found == with_value.end()) {
      usage("unknown option " + name);
    } else if (++i == argc) {
      usage("a value is missing for " + name);
    } else {
      found->second(argv[i]);
    }
  }
  if (!has_mode) usage("--mode is missing");
  if (options.ports.empty()) usage("--port is empty");
  if (options.connections < 1 || options.depth < 1) usage("--connections and --depth must be positive");
  if (options.users <= 0) options.users = options.connections;
  return options;
}

}  // namespace load
