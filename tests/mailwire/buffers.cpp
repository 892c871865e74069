// SPDX-License-Identifier: MIT
#include <mailwire/buffers.hpp>

#include <doctest/doctest.h>

#include <type_traits>

TEST_CASE("buffers are plain pairs that begin as nothing") {
  static_assert(std::is_trivially_copyable_v<mailwire::ConstBuffer>);
  static_assert(std::is_trivially_copyable_v<mailwire::MutableBuffer>);
  const mailwire::ConstBuffer read{};
  const mailwire::MutableBuffer write{};
  CHECK(read.data == nullptr);
  CHECK(read.size == 0);
  CHECK(write.data == nullptr);
  CHECK(write.size == 0);
}
