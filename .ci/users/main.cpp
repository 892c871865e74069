// SPDX-License-Identifier: MIT
// What a program has to do to serve its first reply; built in each way in which mailwire can be added to a project.
#include <pop3.hpp>

#include <cstdio>

int main() {
  const pop3::Config config;
  pop3::Session session{config};
  while (session.poll({})) {
  }
  const auto greeting = session.output();
  std::fwrite(greeting.data(), 1, greeting.size(), stdout);
  return greeting == "+OK POP3 server ready\r\n" ? 0 : 1;
}
