// SPDX-License-Identifier: MIT
#include <mailwire/token.hpp>

#include <doctest/doctest.h>

#include <type_traits>

namespace {

struct One;
struct Other;
using mailwire::Token;

template <class A, class B, class = void>
struct Compares : std::false_type {};
template <class A, class B>
struct Compares<A, B, std::void_t<decltype(std::declval<A>() == std::declval<B>())>> : std::true_type {};

}  // namespace

TEST_CASE("a token is a number of one kind of question, another kind does not compile") {
  static_assert(std::is_trivially_copyable_v<Token<One>> && sizeof(Token<One>) == 8);
  static_assert(!std::is_convertible_v<Token<One>, Token<Other>> && !std::is_constructible_v<Token<One>, Token<Other>>);
  static_assert(!std::is_convertible_v<std::uint64_t, Token<One>>);
  static_assert(Compares<Token<One>, Token<One>>::value && !Compares<Token<One>, Token<Other>>::value);

  CHECK(Token<One>().value() == 0);
  CHECK(Token<One>(~std::uint64_t{0}).value() == ~std::uint64_t{0});
  CHECK(Token<One>(7) == Token<One>(7));
  CHECK_FALSE(Token<One>(7) != Token<One>(7));
  CHECK(Token<One>(7) != Token<One>(8));
  CHECK_FALSE(Token<One>(7) == Token<One>(std::uint64_t{1} << 32 | 7));  // another connection's
}

TEST_CASE("a token tells its connection") {
  struct Request {};
  static_assert(mailwire::Token<Request>((std::uint64_t{77} << 32) | 5).connection() == 77);
  CHECK(mailwire::Token<Request>().connection() == 0);
}
