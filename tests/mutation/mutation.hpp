// SPDX-License-Identifier: MIT
// Included before everything else (-include) in programs whose headers hold mutants: which of them lives is said by
// MUTANT in the environment, or by MUTANT_LIVES at compile time, for those that only the compiler ever looks at.
// At the end of a program its seconds and the numbers of those that were reached are written to the file
// MUTANTS_REACHED.
#ifndef MUTATION_HPP
#define MUTATION_HPP

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

namespace mutation {

inline unsigned lives = 0;
inline bool reached[MUTANTS] = {};

inline void write_reached() {
  FILE* const file = fopen(getenv("MUTANTS_REACHED"), "w");
  if (file == nullptr) return;
  fprintf(file, "%.3f\n", static_cast<double>(clock()) / CLOCKS_PER_SEC);
  for (unsigned number = 0; number < MUTANTS; ++number)
    if (reached[number]) fprintf(file, "%u\n", number);
  fclose(file);
}

inline bool start() {
  if (const char* const number = getenv("MUTANT")) lives = static_cast<unsigned>(atoi(number));
  if (getenv("MUTANTS_REACHED") != nullptr) atexit(write_reached);
  return true;
}
inline const bool started = start();

inline bool is_alive(unsigned number) {
  reached[number] = true;
  return number == lives;
}

}  // namespace mutation

#ifdef MUTANT_LIVES
constexpr bool mutant(unsigned number) { return number == MUTANT_LIVES; }
#else
constexpr bool mutant(unsigned number) { return !__builtin_is_constant_evaluated() && mutation::is_alive(number); }
#endif

#endif
