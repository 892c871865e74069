# SPDX-License-Identifier: MIT
"""Do the tests notice when the library is wrong? mutate.py [--work FOLDER] [--only TEXT] [--sample N] [--again] | --check

Each mutant is one small change of include/ (mutants.py makes them; one build holds all). A test that fails kills it.
What survives is printed, and is to be killed by a new test or explained in survivors.txt. What becomes of a mutant is
written to FOLDER/results.txt at once, and holds as long as its header does not change: a run that is stopped goes on
where it was, and the figures at the end are those of all runs in the folder.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import mutants as maker

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAMS = [['misuse_test'], ['secrets_test'], ['memory_test', '32']]
REPLAYS = ['session', 'cuts', 'dots', 'command', 'proxy', 'sasl']
MEMORY = 512 << 20  # octets of address space: a mutant may ask for any amount

# `command` and then `items`: a program stops at the first of its items that fails.
Test = collections.namedtuple('Test', 'name command items', defaults=[()])


def run(command, seconds, **environment):
    """(passed, what it printed). Time is that of the processor: other work on the machine kills no mutant."""
    limited = ['prlimit', f'--cpu={seconds}', f'--as={MEMORY}', '--core=0', *map(str, command)]
    try:
        done = subprocess.run(limited, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=20 * seconds + 60, env={**os.environ, **environment}, check=False)
        return done.returncode == 0, done.stdout
    except subprocess.TimeoutExpired:
        return False, b''


class Build:
    """A copy of the project whose headers hold the mutants, and its programs."""

    def __init__(self, work):
        self.source, self.build = work / 'source', work / 'build'
        self.sources = maker.find(ROOT / 'include')
        self.left_out = set()
        self.made = len(maker.number(self.sources, ROOT / 'include', ()))

    def make(self, jobs):
        self.write_headers()
        self.update(ROOT / 'meson.build', ROOT / 'meson_options.txt')
        for name in ('tests', 'fuzz'):
            self.update(*(path for path in (ROOT / name).rglob('*') if path.is_file()))
        if not (self.build / 'build.ninja').exists():
            arguments = ['-w', '-Wno-c++11-narrowing', '-include', str(self.source / 'mutation.hpp')]
            subprocess.run(['meson', 'setup', self.source, self.build, '-Dtests=enabled', '-Dexamples=disabled',
                            '-Doptimization=1', '-Ddebug=false', '-Dwarning_level=0', f'-Dcpp_args={arguments}'],
                           env={**os.environ, 'CXX': 'clang++'}, stdout=subprocess.DEVNULL, check=True)
        subprocess.run(['ninja', '--quiet', f'-j{jobs}', '-C', self.build, 'tests/unit', 'tests/dialogues',
                        *(f'tests/{program[0]}' for program in PROGRAMS), *(f'fuzz/replay_{name}' for name in REPLAYS)],
                       stdout=subprocess.DEVNULL, check=True)

    def update(self, *paths):
        for path in paths:
            self.write(path.relative_to(ROOT), path.read_bytes())

    def write(self, name, octets):
        to = self.source / name
        if not to.exists() or to.read_bytes() != octets:
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(octets)

    def write_headers(self):
        """A line with a mutant that does not compile holds none in the next attempt."""
        folder = ROOT / 'include'
        self.update(*(path for path in folder.rglob('*') if path.is_file() and path not in self.sources))
        for _ in range(20):
            self.mutants = maker.number(self.sources, folder, self.left_out)
            count = f'#define MUTANTS {self.made + 1}\n'
            self.write('mutation.hpp', count.encode() + (HERE / 'mutation.hpp').read_bytes())
            for name, text in maker.rewrite(self.sources, folder, self.mutants).items():
                self.write('include/' + name, text.encode())
            includes = ''.join(f'#include "{self.source}/include/{path.relative_to(folder)}"\n'
                               for path in self.sources if path.suffix == '.hpp')
            done = subprocess.run(
                ['clang++', '-std=c++17', '-w', '-Wno-c++11-narrowing', '-ferror-limit=0', '-fsyntax-only', '-include',
                 self.source / 'mutation.hpp', '-x', 'c++', '-'], input=includes, stderr=subprocess.PIPE, text=True,
                check=False)
            errors = done.stderr
            wrong = {(os.path.relpath(path, self.source / 'include'), int(line)) for path, line in
                     re.findall(r'^(\S+?):(\d+):\d+: (?:fatal )?error: ', errors, re.MULTILINE)}
            if not wrong and done.returncode == 0:
                return
            if not wrong:
                break
            self.left_out |= wrong
        sys.exit('the mutated headers do not compile:\n' + errors)

    def tests(self):
        tests = [Test(f'unit {path.relative_to(ROOT / "tests")}',
                      [self.build / 'tests/unit', '--abort-after=1', f'-sf=*{path.relative_to(ROOT)}'])
                 for name in ('mailwire', 'pop3') for path in sorted((ROOT / 'tests' / name).rglob('*.cpp'))]
        tests += [Test('dialogues', [self.build / 'tests/dialogues', '--stop'],
                       sorted((ROOT / 'tests/dialogues').glob('*.txt')))]
        tests += [Test(name, [self.build / 'tests' / name, *arguments]) for name, *arguments in PROGRAMS]
        tests += [Test(f'replay_{name}', [self.build / 'fuzz' / f'replay_{name}', ROOT / 'fuzz/corpus' / f'fuzz_{name}'])
                  for name in REPLAYS]
        return tests


class Trial:
    """Runs tests against mutants."""

    def __init__(self, build, work, jobs):
        self.build, self.work, self.jobs = build, work, jobs
        self.reached = collections.defaultdict(lambda: collections.defaultdict(list))  # number: {test's name: items}
        self.tests = {}
        self.seconds = {}  # of the processor, by test and item
        self.kills = collections.Counter()  # by file of the mutant, and test or item
        self.spent = collections.defaultdict(float)  # by file of the mutant, and test

    def record(self):
        """Which mutants each test reaches, and how long it takes. All tests have to pass when no mutant lives."""
        tests = self.build.tests()
        self.tests = {test.name: test for test in tests}
        parts = [(test, item) for test in tests for item in test.items or [None]]
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for (test, item), numbers in zip(parts, pool.map(self.reach, parts)):
                for number in numbers:
                    self.reached[number][test.name].append(item)

    def reach(self, part):
        test, item = part
        path = self.work / ('reached-' + re.sub('[/ ]', '-', f'{test.name}-{item.stem if item else ""}'))
        newest = max(file.stat().st_mtime for file in (test.command[0], item) if file)
        if not path.exists() or path.stat().st_mtime < newest:
            path.unlink(missing_ok=True)
            passed, _ = run([*test.command, *([item] if item else [])], 300, MUTANTS_REACHED=str(path))
            if not passed or not path.exists():
                sys.exit(f'{test.name} {item or ""} fails without any mutant')
        seconds, *numbers = path.read_text().split()
        self.seconds[test.name, item] = float(seconds)
        return [int(number) for number in numbers]

    def price(self, file, name, items):
        """What it costs to kill a neighbour with this test: seconds for each that it killed."""
        seconds = sum(self.seconds[name, item] for item in items)
        return (seconds + self.spent[file, name]) / (1 + self.kills[file, name])

    def try_mutant(self, mutant):
        """The name of the test that kills it, or None."""
        reached, file = self.reached.get(mutant.number, {}), mutant.file
        for name in sorted(reached, key=lambda name: self.price(file, name, reached[name])):
            test, items = self.tests[name], sorted(reached[name], key=lambda item: -self.kills[file, item])
            seconds = sum(self.seconds[name, item] for item in items)
            begun = time.monotonic()
            passed, said = run([*test.command, *filter(None, items)], 1 + int(4 * seconds), MUTANT=str(mutant.number))
            self.spent[file, name] += time.monotonic() - begun
            if not passed:
                self.kills[file, name] += 1
                # A dialogue that crashes or does not end has printed nothing: it is the one behind the last that passed.
                at = said.count(b'\nok ')
                if test.items and at < len(items):
                    self.kills[file, items[at]] += 1
                    return f'{name} {items[at].stem}'
                return name
        return self.try_constant(mutant) if mutant.constant else None

    def try_constant(self, mutant):
        """The compiler may be the one who sees it: the unit test of its header is compiled with it, and run."""
        test = (self.build.source / 'tests' / mutant.file).with_suffix('.cpp')
        commands = json.loads((self.build.build / 'compile_commands.json').read_text())
        command = [entry['command'] for entry in commands if entry['file'].endswith(f'/tests/{mutant.file[:-4]}.cpp')]
        if not command:
            return None
        with tempfile.TemporaryDirectory() as folder:
            words = [word for word in shlex.split(command[0])]
            for flag in ('-o', '-MF', '-MQ'):
                at = words.index(flag)
                del words[at:at + 2]
            words = [word for word in words if word not in ('-c', '-MD', '-O1')]
            library = self.build.build / 'tests/libdoctest_main.a'
            words += [f'-DMUTANT_LIVES={mutant.number}', '-O0', '-o', f'{folder}/test', '-Wl,--whole-archive', str(library),
                      '-Wl,--no-whole-archive']
            compiled = subprocess.run(words, cwd=self.build.build, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      check=False)
            if compiled.returncode != 0:
                return f'compiling {test.name}'
            return None if run([f'{folder}/test', '--abort-after=1'], 10)[0] else f'unit {mutant.file}'

    def try_all(self, chosen, results):
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for done, (mutant, killer) in enumerate(zip(chosen, pool.map(self.try_mutant, chosen)), 1):
                results.add(mutant, killer)
                if killer is None:
                    print(f'# survived: {mutant.line} {name_of(mutant)}', file=sys.stderr, flush=True)
                if done % 200 == 0:
                    print(f'# {done} of {len(chosen)}, {time.monotonic() - begun:.0f} s', file=sys.stderr, flush=True)
        results.add_seconds(time.monotonic() - begun)


class Results:
    """What became of mutants, in this run and in those before it: in a file, a line each."""

    def __init__(self, path, build):
        hashes = {str(name.relative_to(ROOT / 'include')): hashlib.sha256(source.text).hexdigest()[:12]
                  for name, source in build.sources.items()}
        count = collections.Counter()
        self.keys = {}  # its header, and its place among the header's mutants
        for mutant in build.mutants:
            count[mutant.file] += 1
            self.keys[mutant.number] = f'{mutant.file}@{hashes[mutant.file]}#{count[mutant.file]}'
        lines = path.read_text().splitlines() if path.exists() else []
        self.known = dict(line.split('\t') for line in lines)
        self.file = path.open('a')

    def add(self, mutant, killer):
        self.write(self.keys[mutant.number], killer or '')

    def write(self, key, value):
        self.known[key] = value
        self.file.write(f'{key}\t{value}\n')
        self.file.flush()

    def add_seconds(self, seconds):
        self.write('seconds', f'{self.seconds() + seconds:.0f}')

    def seconds(self):
        return float(self.known.get('seconds', 0))

    def has(self, mutant):
        return self.keys[mutant.number] in self.known

    def killer(self, mutant):
        return self.known[self.keys[mutant.number]]

    def survived(self, mutant):
        return self.has(mutant) and not self.killer(mutant)


def name_of(mutant):
    """As survivors.txt has it: the line, and what is changed in it."""
    line = (ROOT / 'include' / mutant.file).read_text().splitlines()[mutant.line - 1].strip()
    return f'{mutant.file}: {line}\n  `{mutant.text}` -> `{mutant.change}`'


def read_excuses():
    text = (HERE / 'survivors.txt').read_text() if (HERE / 'survivors.txt').exists() else ''
    return set(re.findall(r'^[^#\n ].*\n  `.*` -> `.*`$', text, re.MULTILINE))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true', help='builds and runs nothing: all mutants compile, and those that '
                        'are explained exist')
    parser.add_argument('--sample', type=int, help='so many mutants, by lot, instead of all')
    parser.add_argument('--seed', type=int, default=1, help='of the lot')
    parser.add_argument('--only', default='', help='files whose names contain this')
    parser.add_argument('--again', action='store_true', help='only what survived the runs before in this folder')
    parser.add_argument('--work', type=pathlib.Path, help='is kept, and makes the next run faster')
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('--least', type=float, default=0, help='per cent that have to be killed')
    options = parser.parse_args()

    work = (options.work or pathlib.Path(tempfile.mkdtemp())).resolve()
    try:
        return judge(options, work)
    finally:
        if not options.work:
            shutil.rmtree(work)


def check(build):
    build.write_headers()
    wrong = read_excuses() - {name_of(mutant) for mutant in build.mutants}
    for name in sorted(wrong):
        print(f'explained in survivors.txt, but it does not exist:\n{name}')
    print(f'figure: {len(build.mutants)} mutants of include/ compile, {build.made - len(build.mutants)} are left out; '
          f'{len(read_excuses())} kinds are explained')
    return 1 if wrong else 0


def judge(options, work):
    build = Build(work)
    if options.check:
        return check(build)
    build.make(options.jobs)
    trial = Trial(build, work, options.jobs)
    trial.record()

    results = Results(work / 'results.txt', build)
    chosen = [mutant for mutant in build.mutants if options.only in mutant.file]
    if options.sample and options.sample < len(chosen):
        chosen = sorted(random.Random(options.seed).sample(chosen, options.sample))
    to_run = [mutant for mutant in chosen
              if (results.survived(mutant) if options.again else not results.has(mutant))]
    random.Random(options.seed).shuffle(to_run)  # costly neighbours do not come all at once
    trial.try_all(to_run, results)
    return report(options, build, trial, results, [mutant for mutant in chosen if results.has(mutant)])


def report(options, build, trial, results, chosen):
    """`chosen` have all been run, now or before."""
    excuses = read_excuses()
    names = {mutant: name_of(mutant) for mutant in build.mutants}
    survivors = [mutant for mutant in chosen if results.survived(mutant)]
    excused = [mutant for mutant in survivors if names[mutant] in excuses]
    unexplained = [mutant for mutant in survivors if names[mutant] not in excuses]
    for mutant in unexplained:
        reach = '' if mutant.number in trial.reached else '  (constant)' if mutant.constant else '  (never reached)'
        print(f'{mutant.line}{reach}\n{names[mutant]}')
    # Of equal changes of equal lines one may be killed and another not.
    wrong = excuses - set(names.values())
    wrong |= excuses & {names[mutant] for mutant in chosen} - {names[mutant] for mutant in survivors}
    for name in sorted(wrong):
        print(f'explained in survivors.txt, but it is killed or does not exist:\n{name}')

    files = {mutant.file for mutant in chosen}
    print(f'{"":32} {"run":>6} {"killed":>6} {"explained":>9} {"survived":>8} {"score":>7}')
    for file in [*sorted(files), '']:
        run_, explained, survived = (sum(1 for mutant in group if file in ('', mutant.file))
                                     for group in (chosen, excused, unexplained))
        score = 100 * (1 - survived / max(run_ - explained, 1))
        print(f'{file or "all":32} {run_:6} {run_ - explained - survived:6} {explained:9} {survived:8} {score:5.1f} %')
    constants = sum(1 for mutant in chosen if results.killer(mutant).startswith('compiling'))
    print(f'figure: {build.made} mutants, {build.made - len(build.mutants)} left out (no switch compiles there); '
          f'{len(chosen)} run, {len(chosen) - len(survivors)} killed, {constants} of them by the compiler, '
          f'{len(excused)} explained, {len(unexplained)} survived: {score:.1f} % in {results.seconds():.0f} s')
    return 1 if score < options.least or wrong else 0


if __name__ == '__main__':
    sys.exit(main())
