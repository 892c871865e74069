// SPDX-License-Identifier: MIT
// Listings: taken over at login, and told by LIST and UIDL.
#include <memory>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "../served.hpp"
#include "bench.hpp"

namespace {

// Sessions that have asked for their listing.
class Asking {
 public:
  Asking(const pop3::Config& config, std::size_t count) {
    const bench::Store store;
    for (std::size_t i = 0; i < count; ++i) {
      sessions_.push_back(std::make_unique<pop3::Session>(config));
      pop3::Session& session = *sessions_.back();
      bench::require(session.receive(bench::login) == bench::login.size(), "room for a login");
      while (const auto event = session.poll(bench::now)) {
        if (const auto* const list = std::get_if<pop3::ListRequest>(&*event))
          tokens_.push_back(list->token);
        else
          pop3::dispatch_event(session, *event, store);
      }
    }
    bench::require(tokens_.size() == count, "questions for listings");
  }
  void accept(pop3::Listing listing) {
    for (std::size_t i = 0; i < sessions_.size(); ++i)
      bench::require(sessions_[i]->accept(tokens_[i], listing) == pop3::Outcome::applied, "a listing is accepted");
  }

 private:
  std::vector<std::unique_ptr<pop3::Session>> sessions_;
  std::vector<pop3::Token<pop3::ListRequest>> tokens_;
};

using Order = bench::OwnListing::Order;

// Small ones by the hundred, so that stopping the clock does not count.
void accept(benchmark::State& state, pop3::EqualUids equal_uids, std::size_t messages, Order order, std::size_t again) {
  pop3::Config config = bench::plain_config();
  config.equal_uids = equal_uids;
  const bench::OwnListing listing(messages, order, again);
  const std::size_t sessions = messages < 10'000 ? 10'000 / messages : 1;
  double held = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto asking = std::make_unique<Asking>(config, sessions);
    const std::size_t before = bench::heap.live;
    state.ResumeTiming();
    asking->accept(listing.messages);
    state.PauseTiming();
    held = bench::held_since(before);
    asking.reset();
    state.ResumeTiming();
  }
  bench::count(state, sessions * messages);
  state.counters["octets_held"] = held / static_cast<double>(sessions * messages);
}

void list_all(benchmark::State& state, std::string_view command, std::size_t messages) {
  const bench::OwnListing listing(messages);
  bench::LoggedIn served(listing.messages);
  served.session.trim();
  const std::size_t before = bench::heap.live;
  bench::heap.peak = before;
  std::uint64_t sent = 0;
  for ([[maybe_unused]] auto _ : state) sent = served.say(command);
  state.counters["octets_held"] = static_cast<double>(bench::heap.peak - before);
  bench::count(state, messages, sent);
}

}  // namespace

int main(int argc, char** argv) {
  using pop3::EqualUids;
#if defined(__GLIBC__)
  // Memory is used again instead of being given back to the system and taken from it page by page, which for a million
  // messages takes many times as long as what is measured here.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
  for (const std::size_t messages : {10U, 1000U, 100'000U, 1'000'000U}) {
    const auto add = [messages](const char* name, EqualUids equal_uids, Order order, std::size_t again) {
      bench::add(std::string("listing/accept/") + name + '/' + std::to_string(messages),
                 [=](benchmark::State& state) { accept(state, equal_uids, messages, order, again); });
    };
    add("allow", EqualUids::allow, Order::mixed, 0);
    add("refuse", EqualUids::refuse, Order::mixed, 0);
    add("refuse_ascending", EqualUids::refuse, Order::ascending, 0);
    add("rename", EqualUids::rename, Order::mixed, 0);
    add("rename_10_percent", EqualUids::rename, Order::mixed, 10);
    for (const std::string_view command : {"LIST", "UIDL"})
      bench::add("listing/" + std::string(command) + '/' + std::to_string(messages),
                 [octets = std::string(command) + "\r\n", messages](benchmark::State& state) {
                   list_all(state, octets, messages);
                 });
  }
  return bench::run(argc, argv);
}
