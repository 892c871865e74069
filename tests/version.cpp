// SPDX-License-Identifier: MIT
// The version is told by the build system and by the headers; EXPECTED is the build system's.
#include <mailwire/version.hpp>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

constexpr bool same(const char* a, const char* b) { return *a == *b && (*a == '\0' || same(a + 1, b + 1)); }

static_assert(same(MAILWIRE_VERSION, EXPECTED), "mailwire/version.hpp and meson.build differ");
static_assert(same(TEXT(MAILWIRE_VERSION_MAJOR) "." TEXT(MAILWIRE_VERSION_MINOR) "." TEXT(MAILWIRE_VERSION_PATCH),
                   EXPECTED),
              "the numbers and the string of mailwire/version.hpp differ");

int main() {}
