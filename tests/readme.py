# SPDX-License-Identifier: MIT
"""Compiles the README's first program, runs it as the README does, and compares what it prints: readme.py CXX."""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
compiler = sys.argv[1:] or ['c++']
readme = (ROOT / 'README.md').read_text(encoding='utf-8')
program = re.search(r'```cpp\n(.*?)```', readme, re.S)[1]
command, expected = re.search(r'```console\n\$ (.*?)\n(.*?)```', readme, re.S).groups()

with tempfile.TemporaryDirectory() as folder:
    source = pathlib.Path(folder, 'sample.cpp')
    source.write_text(program, encoding='utf-8')
    subprocess.run([*compiler, '-std=c++17', '-Wall', '-Wextra', '-Werror', '-I', ROOT / 'include', source, '-o',
                    source.with_name('sample')], check=True)
    # The shell's printf, as in the README.
    printed = subprocess.run(command, shell=True, cwd=folder, check=True, stdout=subprocess.PIPE, timeout=20).stdout
if printed.replace(b'\r\n', b'\n').decode() != expected:
    sys.exit(f'the sample prints\n{printed.decode()}\nbut the README says\n{expected}')
print('the README\'s sample prints what the README says')
