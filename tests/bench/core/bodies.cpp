// SPDX-License-Identifier: MIT
// RETR of lent bodies in chunks of 64 KiB, through the session: octets of the messages per second.
#include "../served.hpp"
#include "bench.hpp"
#include "corpus.hpp"

namespace {

void retrieve(benchmark::State& state, const std::vector<std::string>& mails, std::size_t octets) {
  const bench::OwnListing listing(mails.size());
  const std::vector<std::string_view> views(mails.begin(), mails.end());
  bench::LoggedIn served(listing.messages, views.data());
  std::vector<std::string> commands;
  for (std::size_t i = 1; i <= mails.size(); ++i) commands.push_back("RETR " + std::to_string(i) + "\r\n");
  std::uint64_t sent = 0;
  const std::size_t before = bench::heap.live;
  bench::heap.peak = before;
  {
    const bench::CountHeap counted(state, mails.size());
    for ([[maybe_unused]] auto _ : state)
      for (const std::string& command : commands) sent += served.say(command);
  }
  bench::require(sent >= octets, "all messages were sent");
  state.counters["octets_held"] = static_cast<double>(bench::heap.peak - before);
  bench::count(state, mails.size(), octets);
}

}  // namespace

int main(int argc, char** argv) {
  static const bench::Corpus text = bench::of_kind(bench::Kind::text), base64 = bench::of_kind(bench::Kind::base64),
                             dense = bench::dense_dots(), dots = bench::only_dots();
  const std::pair<const char*, const bench::Corpus*> all[] = {
      {"text", &text}, {"base64", &base64}, {"dense_dots", &dense}, {"only_dots", &dots}, {"corpus", &bench::corpus()}};
  for (const auto& [name, mail] : all) {
    const std::size_t octets = mail->octets;
    bench::add(std::string("retr/crlf/") + name,
               [mails = &mail->crlf, octets](benchmark::State& state) { retrieve(state, *mails, octets); });
    bench::add(std::string("retr/lf/") + name,
               [mails = &mail->lf, octets](benchmark::State& state) { retrieve(state, *mails, octets); });
  }
  return bench::run(argc, argv);
}
