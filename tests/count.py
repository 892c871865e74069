# SPDX-License-Identifier: MIT
"""Counts what Meson ran: count.py TESTLOG_JSON. The last line is "N passed, N failed, N skipped".

A doctest program counts its test cases, a TAP program its points, any other test is one. A program that did not come
to its end (crash, time-out, too few points) is one failure more, whatever it had printed by then.
"""
import json
import pathlib
import re
import sys

DOCTEST = re.compile(r'^\[doctest\] test cases: +\d+ \| +(\d+) passed \| +(\d+) failed \| +(\d+) skipped', re.M)
COLOUR = re.compile(r'\x1b\[[\d;]*m')  # doctest paints where it takes its output for a terminal, as under Node
POINT = re.compile(r'^(not )?ok\b(.*)', re.M)


def count(test):
    """(passed, failed, skipped) of one test."""
    good = test['result'] in ('OK', 'EXPECTEDFAIL')
    if test['result'] == 'SKIP':
        return 0, 0, 1
    output = COLOUR.sub('', test.get('stdout') or '')
    passed = failed = skipped = 0
    if summary := DOCTEST.search(output):
        passed, failed, skipped = map(int, summary.groups())
    elif re.search(r'^(1\.\.\d|(not )?ok \d)', output, re.M):
        points = POINT.findall(output)
        skips = [point for point in points if re.search(r'# *skip', point[1], re.I)]
        skipped = len(skips)
        failed = sum(1 for point in points if point[0] and point not in skips)
        passed = len(points) - failed - skipped
    elif good:
        passed = 1
    # A program that says that all is well, and yet did not end well, has lied or died.
    if not good and not failed:
        failed = 1
    return passed, failed, skipped


def main():
    log = pathlib.Path(sys.argv[1])
    tests = [json.loads(line) for line in log.read_text(encoding='utf-8').splitlines()] if log.is_file() else []
    if not tests:
        print('no test ran: the build failed, or there was nothing to run')
    total = [sum(column) for column in zip(*map(count, tests))] or [0, 1, 0]
    for test in tests:
        if count(test)[1]:
            print(f'failed: {test["name"]} ({test["result"]})')
    print('{} passed, {} failed, {} skipped'.format(*total))
    return 0 if total[0] and not total[1] else 1


if __name__ == '__main__':
    sys.exit(main())
