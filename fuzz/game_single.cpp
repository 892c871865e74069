// SPDX-License-Identifier: MIT
// game.cpp with the single header, which lies where pop3.hpp and all the others are looked for. All that is in both
// goes by other names, so that both fit into one program; and without SIMD, so that both ways to look through lines
// are compared, too.
#define mailwire mailwire_single
#define pop3 pop3_single
#define tests tests_single
#define fuzz fuzz_single
#define MAILWIRE_NO_SIMD
#include "game.cpp"
