// SPDX-License-Identifier: MIT
#include <mailwire/secret.hpp>

#include <doctest/doctest.h>

#include <ostream>
#include <string>
#include <type_traits>

namespace {

template <class T, class = void>
struct Prints : std::false_type {};
template <class T>
struct Prints<T, std::void_t<decltype(std::declval<std::ostream&>() << std::declval<T>())>> : std::true_type {};

}  // namespace

TEST_CASE("wipe zeroes exactly the octets it was given") {
  for (std::size_t size = 0; size <= 40; ++size) {
    std::string block(42, 'x');
    mailwire::wipe(block.data() + 1, size);
    CHECK(block == 'x' + std::string(size, '\0') + std::string(41 - size, 'x'));
  }
  mailwire::wipe(nullptr, 0);
}

TEST_CASE("R68: secrets are compared whole, wherever the difference is, and a wrong length is a difference") {
  using mailwire::equals_in_constant_time;
  const std::string secret("p\0ss w\xF6rd", 9);
  CHECK(equals_in_constant_time(secret, std::string(secret)));
  CHECK(equals_in_constant_time("", ""));
  for (std::size_t i = 0; i < secret.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = secret;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      CAPTURE(i);
      CHECK_FALSE(equals_in_constant_time(secret, other));
    }
    CHECK_FALSE(equals_in_constant_time(secret, secret.substr(0, i)));
    CHECK_FALSE(equals_in_constant_time(secret.substr(0, i), secret));
  }
  static_assert(equals_in_constant_time("abc", "abc") && !equals_in_constant_time("abc", "abd"));
}

TEST_CASE("F-LOG: a secret cannot be printed or become a string by accident") {
  static_assert(Prints<std::string_view>::value && !Prints<mailwire::Secret>::value);
  static_assert(!std::is_convertible_v<mailwire::Secret, std::string_view>);
  static_assert(!std::is_convertible_v<std::string_view, mailwire::Secret>);
  static_assert(std::is_trivially_copyable_v<mailwire::Secret>);
  const std::string password = "pass phrase";
  CHECK(mailwire::Secret(password).reveal().data() == password.data());
  CHECK(mailwire::Secret(password).reveal().size() == password.size());
  CHECK(mailwire::Secret().reveal().empty());
}
