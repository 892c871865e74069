# SPDX-License-Identifier: MIT
"""Puts lcov reports together: coverage.py LINES BRANCHES FOLDER EXPLAINED REPORT...

A line counts as run when any report says so, and a branch as taken. Prints what of FOLDER was never run, and the totals;
fails under LINES or BRANCHES per cent of what the file EXPLAINED does not speak of, and when that file speaks of
something that does not exist, or is covered. In it stand "file: text of the line", below reasons that begin with "#".
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
                file = str(path.relative_to(folder)) if folder in path.parents else None
            elif file and kind == 'DA':
                line, count = rest.split(',')[:2]
                key = file, int(line)
                lines[key] = lines.get(key, 0) + int(count)
            elif file and kind == 'BRDA':
                line, block, branch, count = rest.split(',')
                key = file, int(line), block, branch
                branches[key] = branches.get(key, 0) + (0 if count == '-' else int(count))
    return lines, branches


class Texts:
    """The lines of files."""

    def __init__(self, folder):
        self.folder, self.files = folder, {}

    def of(self, file, line):
        if file not in self.files:
            self.files[file] = (self.folder / file).read_text().splitlines()
        return self.files[file][line - 1].strip()

    def name(self, file, line):
        """What stands for a line in the file of explanations: a short line goes with the one before it."""
        text = self.of(file, line)
        return (file, text if len(text) > 20 else f'{self.of(file, line - 1)} {text}')

    def is_code(self, file, line):
        """Behind a "return" the reports count comments as lines that were not run."""
        return not self.of(file, line).startswith(('//', '#')) and self.of(file, line) != ''


def percent(counts, spared=()):
    judged = [count for key, count in counts.items() if key not in spared]
    return 100 * sum(1 for count in judged if count) / len(judged)


def main():
    least_lines, least_branches, folder, explained_file, *reports = sys.argv[1:]
    root = pathlib.Path(folder).resolve()
    texts = Texts(root)
    lines, branches = read(reports, root)
    lines = {key: count for key, count in lines.items() if texts.is_code(*key)}
    # In a line that was never run no branch was taken either: that is said once.
    branches = {key: count for key, count in branches.items() if count or lines.get(key[:2])}

    explained = {tuple(text.split(': ', 1)) for text in pathlib.Path(explained_file).read_text().splitlines()
                 if text and not text.startswith('#')}
    left = {**{key: 'never run' for key, count in lines.items() if not count},
            **{key: 'one way only' for key, count in branches.items() if not count}}
    spared = {key for key in left if texts.name(*key[:2]) in explained}
    for what, file, line in sorted({(left[key], *key[:2]) for key in left if key not in spared}):
        print(f'{what}: {folder}/{file}:{line}: {texts.of(file, line)}')
    needless = explained - {texts.name(*key[:2]) for key in spared}
    for file, text in sorted(needless):
        print(f'explained, but covered or not there: {folder}/{file}: {text}')

    kept_lines, kept_branches = percent(lines, spared), percent(branches, spared)
    print(f'figure: {folder}/ lines {percent(lines):.2f} % of {len(lines)}, branches {percent(branches):.2f} % of '
          f'{len(branches)}; without the {len(spared & lines.keys())} lines and {len(spared & branches.keys())} branches '
          f'that are explained: {kept_lines:.2f} % and {kept_branches:.2f} %')
    return 1 if needless or kept_lines < float(least_lines) or kept_branches < float(least_branches) else 0


if __name__ == '__main__':
    sys.exit(main())
