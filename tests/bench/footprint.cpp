// SPDX-License-Identifier: MIT
// What sessions hold that wait for their clients: "name octets", a line each, for footprint.py.
#include <cstdio>
#include <memory>

#include "heap.hpp"
#include "served.hpp"

namespace {

// With the object and what malloc adds to each block, the mean of 100 sessions.
std::size_t held(std::string_view said, const bench::Store& store, const pop3::Connection& connection = {}) {
  constexpr std::size_t count = 100;
  const pop3::Config config = bench::plain_config();
  std::vector<std::unique_ptr<pop3::Session>> sessions;
  sessions.reserve(count);
  const std::size_t before = bench::heap.live;
  for (std::size_t i = 0; i < count; ++i) {
    sessions.push_back(std::make_unique<pop3::Session>(config, connection));
    bench::converse(*sessions.back(), store, said);
    sessions.back()->trim();
  }
  return (bench::heap.live - before) / count;
}

}  // namespace

int main() {
  const bench::OwnListing one(1), hundred(100);
  pop3::Connection connection;
  connection.nonce = "0123456789abcdef0123456789abcdef";
  connection.apop_challenge = "<1896.697170952@pop.example.org>";
  std::printf("sizeof_session %zu\n", sizeof(pop3::Session));
  std::printf("before_login %zu\n", held({}, {}));
  std::printf("before_login_with_nonce_and_apop %zu\n", held({}, {}, connection));
  std::printf("one_message %zu\n", held(bench::login, {one.messages}));
  std::printf("hundred_messages %zu\n", held(bench::login, {hundred.messages}));
}
