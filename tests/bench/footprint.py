# SPDX-License-Identifier: MIT
"""What the library costs besides time, as a Markdown table: footprint.py [COMPILER...]

Octets of sessions that wait, octets of code, seconds of compiling (user CPU, the least of five, -O2).
"""
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parent.parent / 'include'
sys.path.insert(0, str(HERE.parent))
import header_cost  # noqa: E402  what is compiled, and how it is timed, is the same

SMALL = ['-Os', '-DNDEBUG', '-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections']
LABELS = {
    'sizeof_session': '`sizeof(pop3::Session)`, octets',
    'before_login': 'an idle session before login, octets with the object',
    'before_login_with_nonce_and_apop': 'the same with a nonce and an APOP challenge',
    'one_message': 'an idle session after login, 1 message',
    'hundred_messages': 'the same, 100 messages with unique-ids of 24 octets',
}


def row(what, value):
    print(f'| {what} | {value} |', flush=True)


def build(command, program, *sources):
    subprocess.run([*command, *(str(HERE / source) for source in sources), '-o', str(program)], check=True)


def text_size(program):
    """Octets of code and constants, as size(1) counts them."""
    return int(subprocess.run(['size', str(program)], check=True, stdout=subprocess.PIPE).stdout.split()[6])


def least(command, folder, code, times=5):
    return min(header_cost.seconds(command, folder, code) for _ in range(times))


def main():
    compiler = sys.argv[1:] or ['g++']
    command = [*compiler, '-std=c++17', f'-I{INCLUDE}']
    print('| what | measured |\n| --- | ---: |')
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        build([*command, '-O2', '-DNDEBUG'], folder / 'footprint', 'footprint.cpp', 'heap.cpp')
        lines = subprocess.run([str(folder / 'footprint')], check=True, stdout=subprocess.PIPE).stdout.decode().split('\n')
        for what, octets in (line.split() for line in lines if line):
            row(LABELS[what], f'{int(octets):,}')

        (folder / 'empty.cpp').write_text('int main() {}\n')
        build([*command, *SMALL], folder / 'empty', folder / 'empty.cpp')
        build([*command, *SMALL], folder / 'minimal', 'minimal.cpp')
        build([*command, *SMALL, '-O2'], folder / 'fast', 'minimal.cpp')
        empty = text_size(folder / 'empty')
        row('code of a minimal server (tests/bench/minimal.cpp), -Os, beyond that of an empty program',
            f'{text_size(folder / "minimal") - empty:,}')
        build([*command, *SMALL, '-fno-exceptions', '-fno-rtti'], folder / 'bare', 'minimal.cpp')
        row('the same, -Os -fno-exceptions -fno-rtti', f'{text_size(folder / "bare") - empty:,}')
        row('the same, -O2', f'{text_size(folder / "fast") - empty:,}')

        fast = [*command, '-O2']
        separate = [*fast, '-DPOP3_SEPARATE']
        src = '#include <pop3/src.hpp>\n'
        for what, flags, code in (
                ('compiling a file that includes <pop3.hpp>', fast, header_cost.INCLUDE),
                ('compiling a driver with every kind of answer', fast, header_cost.USE),
                ('POP3_SEPARATE: a file that includes <pop3.hpp>', separate, header_cost.INCLUDE),
                ('POP3_SEPARATE: the same driver', separate, header_cost.USE),
                ('POP3_SEPARATE: <pop3/src.hpp>, once a program', separate, src)):
            row(what, f'{least(flags, folder, code):.2f} s')


if __name__ == '__main__':
    main()
