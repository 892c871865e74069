# SPDX-License-Identifier: MIT
"""Do the tests notice when the library is wrong? mutate.py [--sample N] [--only TEXT] [--work FOLDER] [--again] | --check

Each mutant is one small change of include/ (mutants.py makes them; one build holds all). A test that fails kills it.
What survives is printed, and is to be killed by a new test or explained in survivors.txt.
"""
import argparse
import collections
import concurrent.futures
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
PROGRAMS = ['misuse_test', 'secrets_test', 'memory_test']
REPLAYS = ['session', 'cuts', 'dots', 'command', 'proxy', 'sasl']
MEMORY = 2 << 30  # octets of address space: a mutant may ask for any amount

Test = collections.namedtuple('Test', 'name command')


def run(command, seconds, **environment):
    """(passed, seconds). Time is that of the processor: other work on the machine kills no mutant."""
    before = time.monotonic()
    limited = ['prlimit', f'--cpu={seconds}', f'--as={MEMORY}', '--core=0', *map(str, command)]
    try:
        done = subprocess.run(limited, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20 * seconds + 60,
                              env={**os.environ, **environment}, check=False)
        return done.returncode == 0, time.monotonic() - before
    except subprocess.TimeoutExpired:
        return False, time.monotonic() - before


class Build:
    """A copy of the project whose headers hold the mutants, and its programs."""

    def __init__(self, work):
        self.source, self.build = work / 'source', work / 'build'
        self.sources = maker.find(ROOT / 'include')
        self.left_out = set()
        self.made = len(maker.number(self.sources, ROOT / 'include', ()))

    def make(self):
        self.write_headers()
        self.update(ROOT / 'meson.build', ROOT / 'meson_options.txt')
        for name in ('tests', 'fuzz'):
            self.update(*(path for path in (ROOT / name).rglob('*') if path.is_file()))
        if not (self.build / 'build.ninja').exists():
            arguments = ['-w', '-Wno-c++11-narrowing', '-include', str(self.source / 'mutation.hpp')]
            subprocess.run(['meson', 'setup', self.source, self.build, '-Dtests=enabled', '-Dexamples=disabled',
                            '-Doptimization=1', '-Ddebug=false', '-Dwarning_level=0', f'-Dcpp_args={arguments}'],
                           env={**os.environ, 'CXX': 'clang++'}, stdout=subprocess.DEVNULL, check=True)
        subprocess.run(['ninja', '--quiet', '-C', self.build, 'tests/unit', 'tests/dialogues',
                        *(f'tests/{name}' for name in PROGRAMS), *(f'fuzz/replay_{name}' for name in REPLAYS)],
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
                      [self.build / 'tests/unit', f'-sf=*{path.relative_to(ROOT)}'])
                 for name in ('mailwire', 'pop3') for path in sorted((ROOT / 'tests' / name).rglob('*.cpp'))]
        tests += [Test(f'dialogue {path.stem}', [self.build / 'tests/dialogues', path])
                  for path in sorted((ROOT / 'tests/dialogues').glob('*.txt'))]
        tests += [Test(name, [self.build / 'tests' / name]) for name in PROGRAMS]
        tests += [Test(f'replay_{name}', [self.build / 'fuzz' / f'replay_{name}', ROOT / 'fuzz/corpus' / f'fuzz_{name}'])
                  for name in REPLAYS]
        return tests


class Trial:
    """Runs tests against mutants."""

    def __init__(self, build, work, jobs):
        self.build, self.work, self.jobs = build, work, jobs
        self.reached = collections.defaultdict(list)  # number: tests
        self.seconds = {}
        self.kills = collections.defaultdict(collections.Counter)  # file: Counter of tests that killed there

    def record(self):
        """Which mutants each test reaches, and how long it takes. All tests have to pass when no mutant lives."""
        tests = self.build.tests()
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for test, numbers in zip(tests, pool.map(self.reach, tests)):
                for number in numbers:
                    self.reached[number].append(test)

    def reach(self, test):
        path = self.work / f'reached-{test.name.replace("/", "-").replace(" ", "-")}'
        path.unlink(missing_ok=True)
        passed, self.seconds[test.name] = run(test.command, 300, MUTANTS_REACHED=str(path))
        if not passed or not path.exists():
            sys.exit(f'{test.name} fails without any mutant')
        return [int(line) for line in path.read_text().split()]

    def try_mutant(self, mutant):
        """The name of the test that kills it, or None."""
        if mutant.number not in self.reached:
            return self.try_constant(mutant) if mutant.constant else None
        kills = self.kills[mutant.file]
        # First what killed its neighbours, and what is quick.
        for test in sorted(self.reached[mutant.number], key=lambda test: (-kills[test.name], self.seconds[test.name])):
            limit = 2 + int(5 * self.seconds[test.name])
            if not run(test.command, limit, MUTANT=str(mutant.number))[0]:
                kills[test.name] += 1
                return test.name
        return None

    def try_constant(self, mutant):
        """Only the compiler looks at it: the unit test of its header is compiled with it, and run."""
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
            return None if run([f'{folder}/test'], 60)[0] else f'unit {mutant.file}'

    def try_all(self, chosen):
        results, begun = {}, time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for done, (mutant, killer) in enumerate(zip(chosen, pool.map(self.try_mutant, chosen)), 1):
                results[mutant.number] = killer
                if killer is None:
                    print(f'# survived: {mutant.line} {name_of(mutant)}', file=sys.stderr, flush=True)
                if done % 200 == 0:
                    survived = sum(1 for name in results.values() if name is None)
                    print(f'# {done} of {len(chosen)}, {survived} survived, {time.monotonic() - begun:.0f} s',
                          file=sys.stderr, flush=True)
        return results


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
    parser.add_argument('--again', action='store_true', help='only what survived the last run in this folder')
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
    build.make()
    trial = Trial(build, work, options.jobs)
    trial.record()

    excuses = read_excuses()
    named = {mutant.number: name_of(mutant) for mutant in build.mutants}
    chosen = [mutant for mutant in build.mutants if options.only in mutant.file]
    last = work / 'survivors.json'
    if options.again:
        survived = set(json.loads(last.read_text()))
        chosen = [mutant for mutant in chosen if named[mutant.number] in survived]
    if options.sample and options.sample < len(chosen):
        chosen = sorted(random.Random(options.seed).sample(chosen, options.sample))
    random.Random(options.seed).shuffle(chosen)  # costly neighbours do not come all at once
    results = trial.try_all(chosen)

    survivors = [mutant for mutant in sorted(chosen) if results[mutant.number] is None]
    last.write_text(json.dumps([named[mutant.number] for mutant in survivors]))
    excused = [mutant for mutant in survivors if named[mutant.number] in excuses]
    unexplained = [mutant for mutant in survivors if mutant not in excused]
    for mutant in unexplained:
        reach = '' if mutant.number in trial.reached else '  (constant)' if mutant.constant else '  (never reached)'
        print(f'{mutant.line}{reach}\n{named[mutant.number]}')
    wrong = excuses - set(named.values())
    killed = [mutant for mutant in chosen if results[mutant.number] is not None]
    wrong |= excuses & {named[mutant.number] for mutant in killed} - {named[mutant.number] for mutant in survivors}
    for name in sorted(wrong):
        print(f'explained in survivors.txt, but it is killed or does not exist:\n{name}')

    files = collections.Counter(mutant.file for mutant in unexplained)
    print('survivors by file:', ', '.join(f'{file} {count}' for file, count in files.most_common()) or 'none')
    judged = len(killed) + len(unexplained)
    score = 100 * len(killed) / judged if judged else 100
    constants = sum(1 for mutant in chosen if mutant.constant and mutant.number not in trial.reached)
    print(f'figure: {build.made} mutants, {build.made - len(build.mutants)} left out (no switch compiles there); '
          f'{len(chosen)} run, {constants} of them by compiling: {len(killed)} killed, {len(excused)} explained, '
          f'{len(unexplained)} survived: {score:.1f} %')
    return 1 if score < options.least or wrong else 0


if __name__ == '__main__':
    sys.exit(main())
