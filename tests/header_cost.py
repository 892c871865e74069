# SPDX-License-Identifier: MIT
"""What the library costs its users to compile: header_cost.py INCLUDE_FOLDER COMPILER...

User CPU seconds, medians of three. The targets are for a quiet machine, and are missed: a session with SASL, LANG and a
trace takes 3.2 s to use. The test fails at eight times the target, which is no aim but says when something has gone wrong.
Then what one std::visit of an event costs with all its alternatives, and with 11 of them, up to which libstdc++ 12 makes
a switch: figures to be stated, no limit.
"""
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

INCLUDE = '#include <pop3.hpp>\n'
# A driver with every kind of answer, so that each function of the session is compiled.
USE = '#include <mailwire/scram.hpp>\n' + INCLUDE + '''
void serve(pop3::Session& session, pop3::TimePoint now) {
  while (const auto event = session.poll(now)) {
    std::visit(pop3::overloaded{
                   [&](const pop3::AuthRequest& request) { session.accept(request.token); },
                   [&](const pop3::DigestRequest& request) { session.accept(request.token); },
                   [&](const pop3::ScramRequest& request) { session.accept(request.token, mailwire::ScramKeys{}); },
                   [&](const pop3::SaslRequest& request) { session.challenge(request.token, "x"); },
                   [&](const pop3::TlsRequest& request) { session.accept(request.token); },
                   [&](const pop3::CommandRequest& request) { session.proceed(request.token); },
                   [&](const pop3::ListRequest& request) { (void)session.accept(request.token, {}); },
                   [&](const pop3::CommitRequest& request) { session.accept(request.token); },
                   [&](const pop3::RetrieveRequest& request) { session.accept(request.token); },
                   [&](const pop3::BodyRequest& request) {
                     session.lend_body(request.token, "hello\\r\\n", pop3::Chunk::last);
                   },
                   [&](const auto&) {},
               },
               *event);
  }
  session.consume_output(session.output().size());
}

int main() {
  pop3::Config config;
  pop3::Session session{config};
  serve(session, {});
}
'''
MEASURES = [('include', INCLUDE, 0.35), ('use', USE, 1.0)]

# Every alternative adds something else, so that no two become one. The order is mixed, as a session's is not: a session
# asks the same few questions over and over, which is what processors guess well.
VISIT = INCLUDE + '''
#include <cstdio>
#include <vector>

template <class Variant, std::size_t... index>
std::variant<std::variant_alternative_t<index, Variant>...> first_of(std::index_sequence<index...>);
template <std::size_t count>
using First = decltype(first_of<pop3::Event>(std::make_index_sequence<count>()));

template <class Variant, std::size_t index = 0>
Variant make(std::size_t wanted) {
  if constexpr (index + 1 < std::variant_size_v<Variant>)
    if (index != wanted) return make<Variant, index + 1>(wanted);
  return std::variant_alternative_t<index, Variant>{};
}

template <class Variant, bool mixed>
double nanoseconds() {
  std::vector<Variant> events;
  std::uint32_t random = 1;
  for (int i = 0; i < 4096; ++i) {
    random = random * 1664525 + 1013904223;
    // Alternatives that both have.
    events.push_back(make<Variant>(mixed ? (random >> 16) % 11 : 5 + static_cast<std::size_t>(i) % 3));
  }
  std::uint64_t sum = 0;
  const auto visitor = [&sum](const auto& event) {
    using Kind = std::decay_t<decltype(event)>;
    if constexpr (std::is_same_v<Kind, pop3::BodyDone>) sum += event.octets + 1;
    else if constexpr (std::is_same_v<Kind, pop3::Closed>) sum ^= event.release ? 1 : 2;
    else if constexpr (std::is_same_v<Kind, pop3::LoginFailed>) sum += event.user.size() + 3;
    else sum = sum * (sizeof(Kind) | 1) + event.token.value();
  };
  double best = 1e9;
  for (int round = 0; round < 20; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i)
      for (const Variant& event : events) std::visit(visitor, event);
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    best = time.count() / (50.0 * 4096) < best ? time.count() / (50.0 * 4096) : best;
  }
  return sum == 42 ? 0 : best;
}

int main() {
  constexpr std::size_t all = std::variant_size_v<pop3::Event>;
  std::printf("one std::visit of an event, %zu alternatives: %.2f ns in the order of a session, %.2f ns mixed\\n", all,
              nanoseconds<pop3::Event, false>(), nanoseconds<pop3::Event, true>());
  std::printf("the same with 11 alternatives: %.2f ns, %.2f ns mixed\\n", nanoseconds<First<11>, false>(),
              nanoseconds<First<11>, true>());
}
'''


def seconds(command, folder, code):
    source = folder / 'cost.cpp'
    source.write_text(code)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([*command, '-c', str(source), '-o', str(folder / 'cost.o')], check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main():
    include, *compiler = sys.argv[1:]
    command = [*compiler, '-std=c++17', '-O2', f'-I{include}']
    failed = False
    with tempfile.TemporaryDirectory() as name:
        for what, code, target in MEASURES:
            cost = statistics.median(seconds(command, pathlib.Path(name), code) for _ in range(3))
            failed |= cost > 8 * target  # other work on the machine must not fail it
            print(f'{what}: {cost:.2f} s, target {target} s')
        source, program = pathlib.Path(name, 'visit.cpp'), pathlib.Path(name, 'visit')
        source.write_text(VISIT)
        subprocess.run([*command, str(source), '-o', str(program)], check=True)
        print(subprocess.run([str(program)], check=True, stdout=subprocess.PIPE).stdout.decode(), end='')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
