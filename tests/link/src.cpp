// SPDX-License-Identifier: MIT
// Separate compilation: the bodies of the whole library, compiled once ...
#include <pop3/src.hpp>
// ... however often this is included.
#include <pop3/src.hpp>
