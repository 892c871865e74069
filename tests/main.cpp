// SPDX-License-Identifier: MIT
// doctest's implementation and main; nothing else, since it is compiled without the sanitizers.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
