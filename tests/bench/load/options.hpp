// SPDX-License-Identifier: MIT
#ifndef LOAD_OPTIONS_HPP
#define LOAD_OPTIONS_HPP

#include <string>
#include <vector>

namespace load {

enum class Mode { login, pop, retr, cmds, idle, crowd };

struct Options {
  Mode mode = Mode::login;
  std::string host = "127.0.0.1";
  std::vector<int> ports = {110};  // in turn
  bool tls = false;
  std::string user_pattern = "u%d", password = "pass";
  int users = 0;  // 0: as many as connections
  int connections = 16;
  double seconds = 3;
  long count = 0;   // sessions, instead of `seconds`
  long warmup = 0;  // sessions before those that are measured
  int depth = 1;    // commands in one write
  int retr = 10;    // messages fetched in a session
  std::string mix = "noop,stat,list,uidl,top";
  double hold = 3;    // idle: seconds
  double stall = 30;  // seconds without any octet after which a run has failed
  int workers = 200;  // crowd: connections that work
  std::string worker_pattern = "u%d";
  int worker_users = 512;
  double pause = 1;    // crowd: seconds of a worker between two sessions
  std::string expect;  // Maildirs whose files the messages must match
  std::vector<int> servers;
  bool capa = true, quickack = false;
};

// Ends the program with status 64 and what is wrong, or with 0 after --help.
Options parse_options(int argc, char** argv);
const char* name_of(Mode mode);

}  // namespace load

#endif
