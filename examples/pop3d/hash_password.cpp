// SPDX-License-Identifier: MIT
#include "hash_password.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "password.hpp"
#include "saslprep.hpp"
#include "secret_text.hpp"
#include "users.hpp"

namespace pop3d {
namespace {

// Signals wait until the terminal shows again what is typed.
class NoEcho {
 public:
  NoEcho() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) ::sigaddset(&signals, number);
    ::sigprocmask(SIG_BLOCK, &signals, &signals_);
    ::tcgetattr(STDIN_FILENO, &terminal_);
    termios quiet = terminal_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_);
    std::fputc('\n', stderr);
    ::sigprocmask(SIG_SETMASK, &signals_, nullptr);
  }

 private:
  termios terminal_{};
  sigset_t signals_{};
};

// Octet by octet: a buffer would keep what is behind the line, and a copy of the password.
SecretText read_line() {
  std::string line;
  line.reserve(longest_prepared + 1);
  char c = 0;
  ssize_t n = 0;
  while (line.size() <= longest_prepared && (n = ::read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') line += c;
  if (n < 0) throw std::system_error(errno, std::generic_category(), "standard input");
  return SecretText(std::move(line));
}

SecretText ask(const char* question) {
  const NoEcho quiet;
  std::fputs(question, stderr);
  return read_line();
}

SecretText read_password() {
  if (::isatty(STDIN_FILENO) == 0) return read_line();
  SecretText first = ask("Password: ");
  if (ask("Again: ").view() != first.view()) throw std::runtime_error("the two passwords differ");
  return first;
}

}  // namespace

std::string hash_password(const std::string& scheme, const std::string& user) {
  const auto name = prepare_user(user);
  if (!user.empty() && !name) throw std::runtime_error("--user: no user can be called so");
  auto prepared = saslprep(read_password().view(), Prepare::stored);
  if (!prepared || prepared->empty())
    throw std::runtime_error("the password is empty, too long, or has characters that SASLprep does not allow");
  const SecretText password(std::move(*prepared));
  const std::string field = make_password_field(scheme, password.view());
  return user.empty() ? field : *name + ":" + field;
}

}  // namespace pop3d
