# SPDX-License-Identifier: MIT
"""Puts lcov reports together: coverage.py PERCENT FOLDER REPORT... A line counts as run when any report says so.

Prints the lines of FOLDER that were never run, then the totals; fails under PERCENT of the lines.
"""
import pathlib
import sys


def read(reports, folder):
    """({(file, line): count}, {(file, line, branch): count})"""
    lines, branches = {}, {}
    for report in reports:
        file = None
        for record in pathlib.Path(report).read_text().splitlines():
            kind, _, rest = record.partition(':')
            if kind == 'SF':
                path = pathlib.Path(rest).resolve()
                file = path.relative_to(folder) if folder in path.parents else None
            elif file and kind == 'DA':
                line, count = rest.split(',')[:2]
                key = file, int(line)
                lines[key] = lines.get(key, 0) + int(count)
            elif file and kind == 'BRDA':
                line, block, branch, count = rest.split(',')
                key = file, int(line), block, branch
                branches[key] = branches.get(key, 0) + (0 if count == '-' else int(count))
    return lines, branches


def percent(counts):
    return 100 * sum(1 for count in counts.values() if count) / len(counts)


def main():
    least, folder, *reports = sys.argv[1:]
    lines, branches = read(reports, pathlib.Path(folder).resolve())
    for file, line in sorted(key for key, count in lines.items() if not count):
        print(f'never run: {folder}/{file}:{line}')
    for file, line in sorted({key[:2] for key, count in branches.items() if not count and lines.get(key[:2])}):
        print(f'one way only: {folder}/{file}:{line}')
    print(f'figure: {folder}/ lines {percent(lines):.2f} % of {len(lines)}, '
          f'branches {percent(branches):.2f} % of {len(branches)}')
    return 1 if percent(lines) < float(least) else 0


if __name__ == '__main__':
    sys.exit(main())
