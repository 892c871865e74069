# SPDX-License-Identifier: MIT
"""Counts the instructions of fixed pieces of work and compares them with instructions.txt.

  instructions.py [--write] [--compiler g++] [--keep FOLDER]

Time is noise on a shared machine, instructions are not: a count that grows by more than 3 % fails, unless instructions.txt
is renewed (--write) in the same commit. One that shrinks by more than 3 % is told, so that what was won is kept.

What may differ from machine to machine is held fast: one compiler, fixed flags, a static program, an empty environment,
and of libc's functions for memory the variants for the first x86-64 (GLIBC_TUNABLES), whatever the processor has. So the
counts belong to a toolchain (Debian 12: g++ 12, glibc 2.36) and not to a processor. They are counts of octets looked at
16 at a time; where libc has something better, memchr and memcpy cost less than that.
--keep leaves callgrind's files in a folder, for callgrind_annotate: one for each piece of work.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KEPT = HERE / 'instructions.txt'
LIMIT = 0.03
FLAGS = ['-std=c++17', '-O2', '-g', '-DNDEBUG', '-static', f'-I{ROOT / "include"}']
# Features that choose among libc's variants. A name that libc does not know does no harm.
TUNABLES = 'glibc.cpu.hwcaps=' + ','.join('-' + name for name in '''
    AVX512F AVX512VL AVX512BW AVX512DQ AVX2 AVX BMI1 BMI2 ERMS FSRM LZCNT MOVBE POPCNT RTM SSSE3 SSE4_1 SSE4_2 FMA FMA4
    AVX_Fast_Unaligned_Load Fast_Unaligned_Copy Prefer_ERMS Prefer_FSRM Slow_BSF Slow_SSE4_2
'''.split())


def build(compiler, folder):
    subprocess.run([*compiler, *FLAGS, str(HERE / 'instructions.cpp'), '-o', str(folder / 'instructions')], check=True)


def measure(folder):
    """[(name, things done, what they are, instructions)]"""
    ran = subprocess.run(
        ['valgrind', '--tool=callgrind', '--collect-atstart=no', '--callgrind-out-file=callgrind.out', './instructions'],
        cwd=folder,
        env={'GLIBC_TUNABLES': TUNABLES, 'PATH': '/usr/bin:/bin'}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if ran.returncode != 0:
        sys.exit(ran.stderr.decode() + f'valgrind gave {ran.returncode}')
    counts = {}
    for dump in folder.glob('callgrind.out.*'):
        text = dump.read_text()
        name = re.search(r'^desc: Trigger: Client Request: (\S+)$', text, re.M)
        if name:
            counts[name[1]] = int(re.search(r'^(?:totals|summary): (\d+)', text, re.M)[1])
            dump.rename(folder / f'{name[1]}.callgrind')
    lines = [line.split() for line in ran.stdout.decode().splitlines()]
    return [(name, int(things), what, counts[name]) for name, things, what in lines]


def kept():
    """{name: instructions}; what is no such line, after a merge say, is no count."""
    text = KEPT.read_text() if KEPT.exists() else ''
    return {name: int(count) for name, count in re.findall(r'^(\w+) (\d+)$', text, re.M)}


def write(measured):
    lines = ['# Instructions of the work in instructions.cpp, with g++ 12 and glibc 2.36 on x86-64.',
             '# Made by: python3 tests/bench/instructions.py --write',
             *(f'{name} {count}' for name, _, _, count in measured)]
    KEPT.write_text('\n'.join(lines) + '\n')


def compare(measured):
    """Prints a table; returns what is wrong."""
    before = kept()
    wrong = [f'{name}: no longer measured' for name in before if name not in {row[0] for row in measured}]
    print('| work | instructions | kept | change | |')
    print('| --- | ---: | ---: | ---: | --- |')
    for name, things, what, count in measured:
        each = f'{count / things:,.2f} per {what}' if things > 1 else f'per {what}'
        old = before.get(name)
        change = '' if old is None else f'{count / old - 1:+.1%}'
        print(f'| {name} | {count:,} | {"" if old is None else f"{old:,}"} | {change} | {each} |')
        if old is None:
            wrong.append(f'{name}: not in {KEPT.name}')
        elif count > old * (1 + LIMIT):
            wrong.append(f'{name}: {count:,} instructions, {change}')
        elif count < old * (1 - LIMIT):
            print(f'<!-- {name} shrank by more than {LIMIT:.0%}: keep it with instructions.py --write -->')
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--write', action='store_true', help='renew instructions.txt')
    parser.add_argument('--compiler', nargs='+', default=['g++'])
    parser.add_argument('--keep', type=pathlib.Path, help="a folder for callgrind's files")
    options = parser.parse_args()
    # The program's path is on its stack, and moves what is behind it: always as long as this, or counts differ by 0.1 %.
    with tempfile.TemporaryDirectory(dir='/tmp') as name:
        folder = pathlib.Path(name)
        build(options.compiler, folder)
        measured = measure(folder)
        if options.keep:
            shutil.copytree(folder, options.keep, dirs_exist_ok=True)
    wrong = compare(measured)
    if options.write:
        write(measured)
        return 0
    for line in wrong:
        print(f'GROWN OR UNKNOWN: {line}')
    if wrong:
        print('If that is meant: python3 tests/bench/instructions.py --write, in the same commit.')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
