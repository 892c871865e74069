// SPDX-License-Identifier: MIT
// Bodies, in blocks of 64 KiB: octets of the message per second.
#include <mailwire/dot_stuffer.hpp>

#include <memory>

#include "bench.hpp"
#include "corpus.hpp"

namespace {

using mailwire::DotStuffer;

constexpr std::size_t block = 64 * 1024;

// As the session does it with lent octets: what is clean is not copied, the octets around a dot are.
void scan(std::string_view mail) {
  DotStuffer stuffer;
  while (!mail.empty()) {
    const std::string_view part = mail.substr(0, block);
    const std::size_t clean = stuffer.clean_prefix(part);
    stuffer.pass(part.substr(0, clean));
    mail.remove_prefix(clean);
    if (clean == part.size()) continue;
    char few[2];
    mail.remove_prefix(stuffer.copy(mail.substr(0, 1), few, sizeof few).taken);
    benchmark::DoNotOptimize(few);
  }
  benchmark::DoNotOptimize(stuffer.octets());
}

void copy(std::string_view mail) {
  static char out[2 * block];
  DotStuffer stuffer;
  while (!mail.empty()) {
    mail.remove_prefix(stuffer.copy(mail.substr(0, block), out, sizeof out).taken);
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(stuffer.octets());
}

void count_octets(std::string_view mail) {
  mailwire::OctetCounter counter;
  for (; !mail.empty(); mail.remove_prefix(mail.size() < block ? mail.size() : block))
    counter.add(mail.substr(0, block));
  benchmark::DoNotOptimize(counter.octets());
}

using Work = void (*)(std::string_view);

void measure(benchmark::State& state, Work work, const std::vector<std::string>& mails) {
  std::size_t octets = 0;
  for (const std::string& mail : mails) octets += mail.size();
  for ([[maybe_unused]] auto _ : state)
    for (const std::string& mail : mails) work(mail);
  bench::count(state, mails.size(), octets);
}

void add_all(const std::string& name, const bench::Corpus& mail) {
  const auto add = [&](const char* what, Work work, const std::vector<std::string>& mails) {
    bench::add(std::string(what) + '/' + name,
               [work, &mails](benchmark::State& state) { measure(state, work, mails); });
  };
  add("stuffer/scan_crlf", scan, mail.crlf);
  add("stuffer/copy_crlf", copy, mail.crlf);
  add("stuffer/repair_lf", copy, mail.lf);
  add("stuffer/count_crlf", count_octets, mail.crlf);
  add("stuffer/count_lf", count_octets, mail.lf);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::pair<std::string, std::unique_ptr<bench::Corpus>>> mails;
  mails.reserve(bench::kinds.size() + 2);
  for (const bench::Kind kind : bench::kinds)
    mails.emplace_back(to_string(kind), std::make_unique<bench::Corpus>(bench::of_kind(kind)));
  mails.emplace_back("dense_dots", std::make_unique<bench::Corpus>(bench::dense_dots()));
  mails.emplace_back("only_dots", std::make_unique<bench::Corpus>(bench::only_dots()));
  for (const auto& [name, mail] : mails) add_all(name, *mail);
  add_all("corpus", bench::corpus());
  return bench::run(argc, argv);
}
