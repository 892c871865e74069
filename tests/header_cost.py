# SPDX-License-Identifier: MIT
"""What the library costs its users to compile: header_cost.py INCLUDE_FOLDER COMPILER...

User CPU seconds, medians of three. The targets are for a quiet machine; the test fails at four times the target.
"""
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

INCLUDE = '#include <pop3.hpp>\n'
# A driver with every kind of answer, so that each function of the session is compiled.
USE = INCLUDE + '''
void serve(pop3::Session& session, pop3::TimePoint now) {
  while (const auto event = session.poll(now)) {
    std::visit(pop3::overloaded{
                   [&](const pop3::AuthRequest& request) { session.accept(request.token); },
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
            failed |= cost > 4 * target  # other work on the machine must not fail it
            print(f'{what}: {cost:.2f} s, target {target} s')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
