# SPDX-License-Identifier: MIT
"""Pastes the headers into one file: single_header.py [--forward] [--depfile FILE] INCLUDE_FOLDER OUTPUT.

--forward also writes headers of all the usual names beside OUTPUT, which include OUTPUT and nothing else: a program
that was written for the folder then compiles against the single header.
"""
import argparse
import pathlib
import re

QUOTED = re.compile(r'\s*#\s*include\s+"([^"]+)"')
ANGLED = re.compile(r'\s*#\s*include\s+(<[^>]+>)')
TOP = """\
// SPDX-License-Identifier: MIT
// mailwire {version}: the whole library in one header. Generated, do not edit.
//
{licence}
"""


def roots(include):
    """Every header in the order of the layers, so that nothing is first met inside another header's #ifndef."""
    names = [path.relative_to(include) for path in include.rglob('*.hpp')]
    layer = ['mailwire/*', '*/detail/*', '*/*', '*']
    rank = {name: next(i for i, pattern in enumerate(layer) if name.match(pattern)) for name in names}
    # src.hpp is the other half of separate compilation; with one header there is only one half.
    return [include / name for name in sorted(names, key=lambda n: (rank[n], n)) if name.name != 'src.hpp']


class Paste:
    def __init__(self):
        self.seen = []
        self.system = set()
        self.lines = []

    def add(self, path, include):
        path = path.resolve()
        if path in self.seen:
            return
        self.seen.append(path)
        # The guards stay: a program may meet a header of the folder and this file in one source file.
        depth = 0
        for line in path.read_text(encoding='utf-8').splitlines():
            depth += bool(re.match(r'\s*#\s*if', line)) - bool(re.match(r'\s*#\s*endif', line))
            if quoted := QUOTED.match(line):
                self.add(path.parent / quoted[1], include)
            elif depth <= 1 and (angled := ANGLED.match(line)):  # one under a condition stays where it is
                self.system.add(angled[1])
            elif not line.startswith('// SPDX-'):
                self.lines.append(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--forward', action='store_true')
    parser.add_argument('--depfile', type=pathlib.Path)
    parser.add_argument('include', type=pathlib.Path)
    parser.add_argument('output', type=pathlib.Path)
    args = parser.parse_args()
    include = args.include.resolve()

    paste = Paste()
    for root in roots(include):
        paste.add(root, include)
    version = re.search(r'MAILWIRE_VERSION "(.+)"', (include / 'mailwire/version.hpp').read_text())[1]
    licence = (include.parent / 'LICENSE').read_text(encoding='utf-8').splitlines()
    text = TOP.format(version=version, licence='\n'.join(f'// {line}'.rstrip() for line in licence))
    text += '\n' + ''.join(f'#include {name}\n' for name in sorted(paste.system)) + '\n'
    text += re.sub(r'\n{3,}', '\n\n', '\n'.join(paste.lines)) + '\n'
    args.output.write_text(text, encoding='utf-8')

    if args.forward:
        for path in paste.seen:
            target = args.output.parent / path.relative_to(include)
            if target.name != args.output.name and target.suffix == '.hpp':
                target.parent.mkdir(parents=True, exist_ok=True)
                up = '../' * (len(path.relative_to(include).parts) - 1)
                target.write_text(f'#include "{up}{args.output.name}"\n')
    if args.depfile:
        args.depfile.write_text(f'{args.output}: {" ".join(map(str, paste.seen))}\n')


if __name__ == '__main__':
    main()
