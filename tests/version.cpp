// SPDX-License-Identifier: MIT
// The version is told by the build system and by the headers; EXPECTED is the build system's. What is printed tells
// tests/ports.py by what this was compiled, and for what.
#include <mailwire/version.hpp>

#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstring>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

constexpr bool same(const char* a, const char* b) { return *a == *b && (*a == '\0' || same(a + 1, b + 1)); }

static_assert(same(MAILWIRE_VERSION, EXPECTED), "mailwire/version.hpp and meson.build differ");
static_assert(same(TEXT(MAILWIRE_VERSION_MAJOR) "." TEXT(MAILWIRE_VERSION_MINOR) "." TEXT(MAILWIRE_VERSION_PATCH),
                   EXPECTED),
              "the numbers and the string of mailwire/version.hpp differ");

#ifdef __clang__
#define COMPILER "clang " TEXT(__clang_major__)
#else
#define COMPILER "gcc " TEXT(__GNUC__)
#endif
#ifdef _LIBCPP_VERSION
#define LIBRARY "libc++"
#else
#define LIBRARY "libstdc++"
#endif

int main() {
  const std::uint16_t number = 1;
  unsigned char first = 0;
  std::memcpy(&first, &number, 1);
  std::printf("%s, %s, %u bits, %s endian\n", COMPILER, LIBRARY, unsigned{sizeof(void*) * CHAR_BIT},
              first == 1 ? "little" : "big");
}
