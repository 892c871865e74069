# SPDX-License-Identifier: MIT
"""Results of conformance.py as Markdown: table.py SERVERS FOLDER [--short]. For compare.sh.

SERVERS has a line for each server, name|version|maildrop; FOLDER has NAME.json.
"""
import argparse
import json
import pathlib

CELL = {'pass': 'yes', 'FAIL': '**NO**', 'WARN': 'no', 'n/a': '-', 'skip': '?'}
# Of what is wrong somewhere, what hurts the user of a server most.
TELLING = ['R13', 'R14', 'R17', 'R23a', 'R36', 'R37', 'R38', 'R40', 'R44', 'R50', 'R53', 'R63a', 'R98', 'R137', 'R142',
           'R143', 'R188', 'R237', 'X2']
NOTES = '''`yes`: holds to it. **NO**: breaks a MUST, or a plain sentence of RFC 1939. `no`: does not hold to what is only
recommended, or where the RFC leaves room. `-`: does not have what the rule is about. `?`: not found out in this run.
Rules called X are ours; a letter behind a number (R23a) is a part, or a reading, of that rule.'''


class Results:
    def __init__(self, servers, folder):
        self.servers = [line.split('|') for line in pathlib.Path(servers).read_text().splitlines()]
        self.names = [name for name, _, _ in self.servers]
        self.of = {name: json.loads((folder / f'{name}.json').read_text()) for name in self.names}
        self.rules = self.of[self.names[0]]['rules']

    def result(self, name, rule):
        return self.of[name]['rules'][rule]

    def row(self, rule):
        cells = [CELL[self.result(name, rule)['status']] for name in self.names]
        return f'| {rule} | {escaped(self.rules[rule]["title"])} | {" | ".join(cells)} |'

    def table(self, rules):
        return '\n'.join([f'| rule | | {" | ".join(self.names)} |', '| --- | --- |' + ' --- |' * len(self.names),
                          *(self.row(rule) for rule in rules)])

    def summary(self):
        lines = ['| server | version | maildrop | yes | NO | no | - | ? |', '| --- | --- | --- |' + ' ---: |' * 5]
        for name, version, kind in self.servers:
            counts = [str(self.of[name]['summary'][status]) for status in CELL]
            lines.append(f'| {name} | {version} | {kind} | {" | ".join(counts)} |')
        return '\n'.join(lines)

    def sections(self):
        """The RFC -> its rules."""
        found = {}
        for rule, facts in self.rules.items():
            found.setdefault(' '.join(facts['section'].split()[:2]), []).append(rule)
        return found

    def differences(self):
        for rule, facts in self.rules.items():
            wrong = [name for name in self.names if self.result(name, rule)['status'] in ('FAIL', 'WARN')]
            lines = [f'  - {name}: {escaped(text)}' for name in wrong for text in self.result(name, rule)['texts'][:3]]
            if lines:
                head = f'- **{rule}** {escaped(facts["title"])} ({facts["section"]}, {facts["level"]})'
                yield '\n'.join([head, *lines])


def escaped(text):
    """No octet of a server's becomes Markdown."""
    for character in '\\`*_|<[':
        text = text.replace(character, f'\\{character}')
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('servers')
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--short', action='store_true')
    settings = parser.parse_args()
    results = Results(settings.servers, settings.folder)
    if settings.short:
        print(results.summary(), results.table([rule for rule in TELLING if rule in results.rules]), sep='\n\n')
        return
    print('# POP3 servers and the RFCs\n\nMade by `bash tests/conformance/compare.sh`; do not edit.\n')
    print(NOTES, results.summary(), sep='\n\n')
    for section, rules in results.sections().items():
        print(f'\n## {section}\n\n{results.table(rules)}')
    print('\n## What was said\n')
    print('\n'.join(results.differences()))


if __name__ == '__main__':
    main()
