# SPDX-License-Identifier: MIT
"""Compiles every ```cpp block of the README, runs it, and compares what it says: readme.py CXX.

A block with main() is a whole program; the ```console block behind it tells how it is run and what it prints. Any other
block has a comment in the line above it that says where its paragraphs belong, the last place takes the rest:

    <!-- in: config, handler -->

    config        statements, with a pop3::Config `config`
    connection    statements, with a pop3::Connection `connection`, before the session is made
    session       statements, with the pop3::Session `session`, before its first poll()
    driver        statements, with the same, whenever poll() has returned nothing
    handler       members of a class derived from the first program's Mail

What such a block does is told by a ```text block under the comment <!-- dialogue --> (lines "C: " are sent, one after
the other, and lines "S: " expected), <!-- dialogue after login -->, or <!-- log --> (what it wrote to `log`), or by
readme.txt.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / 'README.md').read_text(encoding='utf-8')
UNSEEN = (ROOT / 'tests' / 'readme.txt').read_text(encoding='utf-8')
PLACES = ('config', 'connection', 'session', 'driver', 'handler')
LOGIN = ['USER ann', 'PASS secret']
LOGIN_LINES = 5  # with the greeting and the answers
compiler = sys.argv[1:] or ['c++']

# What the blocks use and do not define: a program's own affairs.
FRAME = '''
#include <cstddef>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <mailwire/proxy_header.hpp>
#include <mailwire/scram.hpp>
#include <pop3/digest.hpp>

using namespace std::chrono_literals;

struct Tls {  // a TLS library with one certificate
  explicit Tls(std::string_view already_read) : client_hello(already_read) {}
  bool handshake() { return client_hello.empty(); }
  std::string certificate_name() const { return "ann"; }
  std::string exporter() const { return "12345678901234567890123456789012"; }
  std::string_view client_hello;
};
inline std::optional<std::string> user_of_token(std::string_view token) {
  return token == "good" ? std::optional<std::string>("ann") : std::nullopt;
}

struct Frame : Mail {
  std::ostringstream log;
  std::string_view octets;
  std::optional<Tls> tls;
  const unsigned connections = 1000, most_connections = 1000;
  const std::string unique = "1896.697170952", random_octets = "0123456789abcdef", secret = "f2a90c5d1be47038";
  static std::string random_salt() { return "4125c247e43ab1e9"; }
  std::optional<pop3::TimePoint> last_login;
  bool needs_no_change = true;
  // What sendfile() would do with a file that has the demo message.
  static std::size_t send_file(std::size_t octets) {
    std::cout << "S* " << octets << '\\n';
    return octets;
  }

  void before() {}
  void config(pop3::Config&) {}
  template <class Start>
  void connect(Start start) { start(pop3::Connection()); }
  void session(pop3::Session&) {}
  void driver(pop3::Session&) {}
};

// Says what is on standard input, line by line, and prints what is said on both sides. Time goes by as it is wanted.
template <class Example>
void play() {
  static Example example;
  static pop3::Config config;
  config.login_needs_tls = false;
  config.limits.failed_login_delay = {};
  example.before();
  example.config(config);
  example.connect([](pop3::Connection connection) {
    pop3::Session session(config, connection);
    pop3::TimePoint now{};
    const auto print = [&] {
      const std::string out(session.output());
      session.consume_output(out.size());
      for (std::size_t at = 0; at < out.size();) {
        const std::size_t end = out.find("\\r\\n", at);
        std::cout << "S: " << out.substr(at, end - at) << '\\n';
        at = end == out.npos ? end : end + 2;
      }
    };
    const auto settle = [&] {
      for (;;) {
        pop3::dispatch(session, now, example);
        example.driver(session);
        const auto due = session.deadline();
        if (session.wants_output())
          print();
        else if (due && *due <= now + 1min)
          now = *due;
        else
          return;
      }
    };
    example.session(session);
    settle();
    (void)session.receive(example.octets);
    settle();
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << "C: " << line << '\\n';
      (void)session.receive(line + "\\r\\n");
      settle();
    }
  });
  std::cout << "log:\\n" << example.log.str();
}
'''


class Block:
    def __init__(self, match):
        self.line = README.count('\n', 0, match.start(2)) + 1
        self.code = match[2]
        self.places = match[1].replace(',', ' ').split() if match[1] else []
        self.title = re.findall(r'^##+ (.*)$', README[:match.start()], re.M)[-1:]
        self.before, self.dialogue, self.log, self.after_login = '', [], [], False
        # Everything up to the next block belongs to this one.
        end = README.find('```cpp', match.end())
        behind = README[match.end():end if end >= 0 else len(README)]
        console = re.search(r'```console\n\$ (.*?)\n(.*?)```', behind, re.S)
        self.console = console.groups() if console else None
        for what, login, text in re.findall(r'<!-- (dialogue|log)( after login)? -->\n```text\n(.*?)```', behind, re.S):
            self.after_login = self.after_login or bool(login)
            (self.log if what == 'log' else self.dialogue).extend(text.splitlines())
        for line in unseen.pop(self.title[0], '').splitlines() if self.title else []:
            self.add_unseen(line)

    def add_unseen(self, line):
        mark, _, text = line.partition(': ')
        if mark == 'before':
            self.before = text
        elif mark == 'login:':
            self.after_login = True
        elif mark == 'log':
            self.log.append(text)
        elif line:
            self.dialogue.append(line)

    @property
    def where(self):
        return f'README.md:{self.line}'

    @property
    def is_program(self):
        return 'int main(' in self.code

    def parts(self):
        """Its paragraphs by their places, each behind a line that tells the compiler where it stands."""
        paragraphs = self.code.split('\n\n', len(self.places) - 1)
        if not self.places or len(paragraphs) != len(self.places) or set(self.places) - set(PLACES):
            sys.exit(f'{self.where}: where do its paragraphs belong?')
        line, parts = self.line, {}
        for place, paragraph in zip(self.places, paragraphs):
            parts[place] = f'#line {line} "README.md"\n{paragraph}\n'
            line += paragraph.count('\n') + 2
        return parts


def example(number, block):
    """A class that has a block's paragraphs in their places."""
    parts = block.parts()
    functions = {'config': 'void config(pop3::Config& config)', 'session': 'void session(pop3::Session& session)',
                 'driver': 'void driver(pop3::Session& session)'}
    code = f'struct Example{number} : Frame {{\nusing Frame::on;\n{parts.get("handler", "")}'
    if block.before:
        code += f'void before() {{ {block.before} }}\n'
    for place, head in functions.items():
        if place in parts:
            code += f'{head} {{\n{parts[place]}}}\n'
    if 'connection' in parts:
        code += ('template <class Start>\nvoid connect(Start start) {\npop3::Connection connection;\n'
                 f'{parts["connection"]}start(connection);\n}}\n')
    return code + '};\n'


def build(folder, name, program):
    source = pathlib.Path(folder, name + '.cpp')
    source.write_text(program, encoding='utf-8')
    subprocess.run([*compiler, '-std=c++17', '-Wall', '-Wextra', '-Werror', '-I', ROOT / 'include', source, '-o',
                    source.with_suffix('')], check=True)
    return source.with_suffix('')


def check(where, said, expected):
    """But for spaces at the ends of lines, which one does not see in a README."""
    said, expected = ([line.rstrip() for line in lines] for lines in (said, expected))
    if said != expected:
        sys.exit('\n'.join([f'{where} says', *said, 'but the README says', *expected]))


def run_program(folder, block):
    build(folder, 'sample', block.code)
    if block.console is None:
        return
    command, expected = block.console
    # The shell's printf, as in the README.
    printed = subprocess.run(command, shell=True, cwd=folder, check=True, stdout=subprocess.PIPE, timeout=20).stdout
    check(block.where, printed.decode().splitlines(), expected.splitlines())


def run_example(program, number, block):
    client = LOGIN * block.after_login + [line[3:] for line in block.dialogue if line.startswith('C:')]
    done = subprocess.run([program, str(number)], input=''.join(line + '\n' for line in client), check=True,
                          stdout=subprocess.PIPE, encoding='utf-8', timeout=20).stdout
    said, log = done.split('log:\n')
    check(block.where, said.splitlines()[LOGIN_LINES * block.after_login:], block.dialogue)
    check(block.where, log.splitlines(), block.log)


unseen = dict(part.split('\n', 1) for part in UNSEEN.split('\n## ')[1:])
blocks = [Block(match) for match in re.finditer(r'(?:<!-- in: ([^\n]*) -->\n)?```cpp\n(.*?)```', README, re.S)]
programs = [block for block in blocks if block.is_program]
examples = [block for block in blocks if not block.is_program]
silent = [block.where for block in examples if not block.dialogue]
if silent or unseen:
    sys.exit(f'nothing says what these do: {silent}; there is no example for these: {list(unseen)}')

with tempfile.TemporaryDirectory() as scratch:
    for sample in programs:
        run_program(scratch, sample)
    if examples:
        # One program of all of them, since the headers are what takes the time.
        mail = programs[0].code.split('int main(')[0]
        source = mail + FRAME + ''.join(example(*numbered) for numbered in enumerate(examples))
        source += 'int main(int, char** argv) {\nswitch (std::stoi(argv[1])) {\n'
        for number in range(len(examples)):
            source += f'case {number}: play<Example{number}>(); break;\n'
        binary = build(scratch, 'examples', source + '}\n}\n')
        for number, block in enumerate(examples):
            run_example(binary, number, block)
print(f'{len(programs)} program(s) and {len(examples)} examples of the README do what it says')
