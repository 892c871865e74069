#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of compare.sh: medians, ratios, and whether what is wanted holds."""
import argparse
import json
import re
import statistics

D, N = 'dovecot', 'null'
# title, test, value, unit, what it is divided by, most times Dovecot, most times null
ROWS = (
    ('login', 'login', 'cpu_s_per_1000', 'CPU s/1,000', 1, 1 / 7, 2.0),
    ('pop', 'pop', 'cpu_s_per_1000', 'CPU s/1,000', 1, 1 / 5, 1.94),
    ('retr, LF files', 'retr', 'cpu_s_per_GB', 'CPU s/GB', 1, 1 / 4, 2.0),
    ('retr, CRLF files', 'crlf', 'cpu_s_per_GB', 'CPU s/GB', 1, 1 / 10, 1.375),
    ('cmds1', 'cmds1', 'cpu_us_per_command', 'CPU us', 1, None, 1.15),
    ('cmds1, pinned', 'cmds1p', 'cpu_us_per_command', 'CPU us', 1, None, 1.15),
    ('cmds64, mix', 'cmds64', 'cpu_us_per_command', 'CPU us', 1, 1 / 10, 2.14),
    ('noop64', 'noop64', 'cpu_us_per_command', 'CPU us', 1, 0.15 / 0.81, 1.53),
    ('retr p50, no quickack', 'retr', 'p50_us', 'ms', 1e3, None, 2.0),
    ('pop p50, no quickack', 'pop', 'p50_us', 'ms', 1e3, None, 2.0),
)
# title, test, value, unit, what it is divided by, most of each of ours
ABSOLUTE = (
    ('idle', 'idle', 'pss_per_session', 'PSS octets', 1, {'pop3d': 2500, 'epoll': 1000}),
    ('system calls, login', 'calls-login', 'calls_per_session', 'calls', 1, {'pop3d': 25, 'epoll': 25}),
    ('system calls, pop', 'calls-pop', 'calls_per_session', 'calls', 1, {'pop3d': 90, 'epoll': 90}),
    ('NOOP among idle, p99', 'crowd', 'noop_p99_us', 'ms', 1e3, {'pop3d': 5, 'epoll': 5}),
    ('the same, TLS', 'crowdtls', 'noop_p99_us', 'ms', 1e3, {'pop3d': 5}),
)
PLAIN = (
    ('NOOP among idle, p50', 'crowd', 'noop_p50_us', 'ms', 1e3),
    ('PSS a session in the crowd', 'crowd', 'pss_per_session', 'octets', 1),
    ('NOOP among idle, p50, TLS', 'crowdtls', 'noop_p50_us', 'ms', 1e3),
    ('PSS a session in the crowd, TLS', 'crowdtls', 'pss_per_session', 'octets', 1),
    ('retr, TLS', 'tls', 'cpu_s_per_GB', 'CPU s/GB', 1),
)
OURS = ('pop3d', 'epoll')


def number(value):
    if value is None:
        return '-'
    return f'{value:,.0f}' if value >= 1000 else f'{value:.3g}'


def ratio(value, base):
    return None if value is None or not base else value / base


def read(path):
    runs, failures = {}, []
    with open(path, encoding='utf-8', errors='replace') as lines:
        for line in lines:
            test, server = re.match(r'test=(\S+) server=(\S+)', line).groups()
            if ' FAIL ' in line:
                failures.append(f'{server}, {test}: {line.split(" FAIL ", 1)[1].strip()}')
            else:
                runs.setdefault((test, server), []).append(dict(re.findall(r'(\S+?)=(\S+)', line)))
    return runs, failures


class Table:
    def __init__(self, runs, servers):
        self.runs, self.servers = runs, servers
        self.ours = [server for server in servers if server in OURS]

    def median(self, test, server, key, divisor):
        values = [float(run[key]) / divisor for run in self.runs.get((test, server), ()) if key in run]
        return statistics.median(values) if values else None

    def medians(self, test, key, divisor):
        return {server: self.median(test, server, key, divisor) for server in self.servers}

    def print(self):
        head = ['work', 'unit', *self.servers]
        for server in self.ours:
            head += [f'{server} / Dovecot', f'{server} / null']
        head += ['wanted', *(f'{server} holds' for server in self.ours)]
        lines = [head, ['---'] * len(head)]
        lines += [line for row in ROWS if (line := self.relative(*row))]
        lines += [line for row in ABSOLUTE if (line := self.absolute(*row))]
        lines += [line for row in PLAIN if (line := self.absolute(*row, {}))]
        for line in lines:
            print('| ' + ' | '.join(line) + ' |')

    def start(self, title, test, key, unit, divisor):
        got = self.medians(test, key, divisor)
        if all(value is None for value in got.values()):
            return None, got
        line = [title, unit, *(number(got[server]) for server in self.servers)]
        for server in self.ours:
            line += [number(ratio(got[server], got.get(D))), number(ratio(got[server], got.get(N)))]
        return line, got

    def relative(self, title, test, key, unit, divisor, most_dovecot, most_null):
        line, got = self.start(title, test, key, unit, divisor)
        if line is None:
            return None
        limits = [(D, most_dovecot), (N, most_null)]
        wanted = [f'{limit:.3g} x {"Dovecot" if peer == D else peer}' for peer, limit in limits if limit]
        line.append('<= ' + ', '.join(wanted))
        for server in self.ours:
            judged = {peer: ratio(got[server], got.get(peer)) <= limit
                      for peer, limit in limits if limit and ratio(got[server], got.get(peer)) is not None}
            line.append(self.verdict(judged))
        return line

    @staticmethod
    def verdict(judged):
        if not judged:
            return '-'
        if all(judged.values()):
            return 'yes'
        return 'to ' + ', '.join(peer for peer, holds in judged.items() if holds) if any(judged.values()) else 'no'

    def absolute(self, title, test, key, unit, divisor, most):
        line, got = self.start(title, test, key, unit, divisor)
        if line is None:
            return None
        wanted = sorted({most[server] for server in self.ours if server in most}, reverse=True)
        line.append('<= ' + ', '.join(f'{limit:,}' for limit in wanted) if wanted else '')
        for server in self.ours:
            known = server in most and got[server] is not None
            line.append('-' if not known else 'yes' if got[server] <= most[server] else 'no')
        return line


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('raw')
    parser.add_argument('--servers', required=True)
    parser.add_argument('--json')
    wanted = parser.parse_args()
    runs, failures = read(wanted.raw)
    table = Table(runs, wanted.servers.split(','))
    table.print()
    for failure in failures:
        print(f'\n- FAIL {failure}')
    if wanted.json:
        medians = {}
        for title, test, key, unit, divisor, *_ in ROWS + ABSOLUTE + PLAIN:
            medians[title] = {'unit': unit, **table.medians(test, key, divisor)}
        with open(wanted.json, 'w', encoding='utf-8') as file:
            json.dump(medians, file, indent=2)


if __name__ == '__main__':
    main()
