// SPDX-License-Identifier: MIT
#include <mailwire/version.hpp>

#include <doctest/doctest.h>

#include <string>

TEST_CASE("the three numbers make the version") {
  CHECK(std::to_string(MAILWIRE_VERSION_MAJOR) + '.' + std::to_string(MAILWIRE_VERSION_MINOR) + '.' +
            std::to_string(MAILWIRE_VERSION_PATCH) ==
        MAILWIRE_VERSION);
}
