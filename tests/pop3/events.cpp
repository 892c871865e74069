// SPDX-License-Identifier: MIT
#include <pop3/events.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string_view>
#include <type_traits>

namespace {

template <class Event>
struct AllPlain;
template <class... Alternatives>
struct AllPlain<std::variant<Alternatives...>> {
  static constexpr bool value = (std::is_trivially_copyable_v<Alternatives> && ...);
};

}  // namespace

TEST_CASE("events are plain values: copied without allocation") {
  static_assert(AllPlain<pop3::Event>::value);
  static_assert(std::is_trivially_copyable_v<pop3::Event>);
  static_assert(std::is_nothrow_copy_constructible_v<std::optional<pop3::Event>>);
  // libstdc++ 12 makes a switch of std::visit up to 11 alternatives, and a table of pointers beyond; what that costs
  // tests/header_cost.py measures.
  static_assert(std::variant_size_v<pop3::Event> == 13);
  static_assert(sizeof(void*) != 8 || sizeof(pop3::Event) == 72);

  CHECK(pop3::AuthRequest{}.token.value() == 0);  // belongs to no question
  CHECK(pop3::RetrieveRequest{}.top_lines.has_value() == false);
}

TEST_CASE("every fault of a login has a name of its own, and what is none has none") {
  std::set<std::string_view> names;
  unsigned faults = 0;
  for (; faults < 255; ++faults) {
    const auto name = to_string(static_cast<pop3::LoginFailed::Fault>(faults));
    if (name.empty()) break;
    names.insert(name);
  }
  CHECK(faults == 7);
  CHECK(names.size() == faults);
}

TEST_CASE("a request that nobody has made says that it came in the clear, and counts no attempt") {
  const pop3::AuthRequest request;
  CHECK_FALSE(request.encrypted);
  CHECK(request.attempt == 0);
  CHECK(request.method == pop3::AuthMethod::user_pass);
}
