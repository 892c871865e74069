# SPDX-License-Identifier: MIT
"""ports.py PLATFORM TESTLOG_JSON SECONDS: one line of the table that ports.sh prints.

Where OpenSSL is found there is a test against it, which is left out here: cross compilers find none.
"""
import json
import pathlib
import re
import sys

from count import COLOUR, count

ASSERTIONS = re.compile(r'^\[doctest\] assertions: +\d+ \| +(\d+) passed', re.M)
PLAYS = re.compile(r'^# \d+ dialogues, (\d+) plays, 0 failed', re.M)
PLATFORM = re.compile(r'^(.*, \d+ bits, \w+ endian)\s*$', re.M)


def main():
    name, log, seconds = sys.argv[1:]
    log = pathlib.Path(log)
    tests = [json.loads(line) for line in log.read_text(encoding='utf-8').splitlines()] if log.is_file() else []
    tests = [test for test in tests if not test['name'].endswith('openssl')]
    passed, failed, _ = [sum(column) for column in zip(*map(count, tests))] or (0, 0, 0)
    output = '\n'.join(COLOUR.sub('', test.get('stdout') or '') for test in tests)

    def total(pattern):
        return sum(int(number) for number in pattern.findall(output))

    platform = PLATFORM.search(output)
    print(
        f'{name:8} {platform[1] if platform else "?":40} {passed} cases passed, {failed} failed, '
        f'{total(ASSERTIONS)} assertions, {total(PLAYS)} plays, {seconds} s'
    )
    return 0 if passed and not failed else 1


if __name__ == '__main__':
    sys.exit(main())
