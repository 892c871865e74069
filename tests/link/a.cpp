// SPDX-License-Identifier: MIT
// Two files of one program use the library: a function without `inline` would be defined twice here.
#include <cstdio>

#include "session.hpp"

bool b_greets_and_quits();

int main() {
  std::printf("sizeof(pop3::Session) = %zu\n", sizeof(pop3::Session));
  return greets_and_quits() && b_greets_and_quits() ? 0 : 1;
}
