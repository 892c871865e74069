// SPDX-License-Identifier: MIT
#include <mailwire/macros.hpp>

#include <doctest/doctest.h>

#include <string>

// How a broken precondition is noticed is shown by misuse.cpp.

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

TEST_CASE("without POP3_SEPARATE all functions are inline, and a precondition that holds changes nothing") {
  CHECK(std::string(TEXT(POP3_INLINE)) == "inline");
  int held = 0;
  if (held == 0)
    POP3_ASSERT(held == 0);  // one statement
  else
    held = 1;
  CHECK(held == 0);
}
