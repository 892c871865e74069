// SPDX-License-Identifier: MIT
// Separate compilation: the bodies of the whole library, compiled once, however often this is included.
#include <pop3/src.hpp>
#include <pop3/src.hpp>
