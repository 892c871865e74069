# SPDX-License-Identifier: MIT
"""Every rule of the RFC checklist that concerns this release is named by a test: r_ids.py TESTS_FOLDER.

A test names rules as R12, or as a range R12-R15: in the name of a TEST_CASE, in the comment that a dialogue begins
with, or in the name or docstring of an interop test.
"""
import ast
import pathlib
import re
import sys

# What a server has to keep (S and B in the checklist). The other ids are for clients.
CLIENT = [100, 101, 102, 103, 113, 115, 117, 126, 127, 129, 130, 131, *range(147, 155), 162, 168, 169, 170, 176, 181, 185,
          186, 189, 210, 214, 216, 217, 231, 234, *range(241, 248)]
RELEASE = [number for number in [*range(1, 75), *range(88, 259)] if number not in CLIENT]
LAYERS = 'no mechanism of the library has a security layer: TLS is what protects a connection'
LEFT_OUT = {
    171: 'the case of response codes matters to who reads them; a server writes them in upper case',
    196: 'no mechanism of the library uses a service name (GSSAPI and DIGEST-MD5 would)',
    197: LAYERS,
    199: LAYERS,
    212: 'the application converts messages; it can refuse those that it cannot convert with [UTF8]',
}
LAST = 258  # of the whole checklist

MENTION = re.compile(r'(?<![A-Za-z0-9])R(\d+)(?:\s*-\s*R?(\d+))?(?![0-9])')


def texts(folder):
    """(file, text) of everything that counts as the name of a test."""
    for path in sorted(folder.rglob('*.cpp')):
        code = path.read_text(encoding='utf-8')
        for match in re.finditer(r'\bTEST_CASE(?:_FIXTURE|_TEMPLATE)?\s*\(([^{;]*?)\)\s*\{', code):
            yield path, ' '.join(re.findall(r'"((?:\\.|[^"\\])*)"', match[1]))
    for path in sorted((folder / 'dialogues').glob('*.txt')):
        head = []
        for line in path.read_text(encoding='utf-8', errors='replace').splitlines():
            if not line.startswith('#'):
                break
            head.append(line)
        yield path, '\n'.join(head)
    for path in sorted((folder / 'interop').glob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name.lower().startswith('test'):
                yield path, f'{node.name} {ast.get_docstring(node) or ""}'


def main():
    folder = pathlib.Path(sys.argv[1])
    named, problems = {}, []
    for path, text in texts(folder):
        for match in MENTION.finditer(text):
            first, last = int(match[1]), int(match[2] or match[1])
            if not 1 <= first <= last <= LAST:
                problems.append(f'{path.relative_to(folder)}: {match[0]} is no rule')
            for number in range(first, last + 1):
                named.setdefault(number, set()).add(path)

    wanted = [number for number in RELEASE if number not in LEFT_OUT]
    missing = [number for number in wanted if number not in named]
    if missing:
        problems.append('named by no test: ' + ' '.join(f'R{number}' for number in missing))
    print('\n'.join(problems))
    print(f'{len(wanted) - len(missing)} of {len(wanted)} rules are named by a test, {len(LEFT_OUT)} are left out')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
