# SPDX-License-Identifier: MIT
"""Makes Markdown tables of what the benchmark programs have measured: report.py FILE.json...

First what is wanted of the core, with the figures beside it, then all that was measured. Each figure is the best of its
repetitions, since other work on the machine only ever makes it worse; time is CPU time.
"""
import json
import sys

MILLION = 1_000_000
GB = 1_000_000_000

# What is wanted, benchmark, figure, target; "<=" is at most, ">=" at least.
WANTED = [
    ('NOOP, STAT, LIST n, UIDL n in turn, 64 pipelined', 'session/mix/64', 'items', '>=', 15 * MILLION),
    ('  allocations a command after login', 'session/mix/64', 'allocations', '<=', 0),
    ('login to QUIT (USER, PASS, STAT, QUIT), 10 messages', 'session/login_to_quit', 'seconds', '<=', 2e-6),
    ('  allocations', 'session/login_to_quit', 'allocations', '<=', 6),
    ('  the same with a nonce and an APOP challenge', 'session/login_to_quit/nonce_and_apop', 'seconds', '<=', 2e-6),
    ('  allocations', 'session/login_to_quit/nonce_and_apop', 'allocations', None, None),
    ('lent CRLF body, corpus: scanned', 'stuffer/scan_crlf/corpus', 'octets', '>=', 6 * GB),
    ('  through RETR', 'retr/crlf/corpus', 'octets', '>=', 6 * GB),
    ('LF body, corpus: repaired', 'stuffer/repair_lf/corpus', 'octets', '>=', 4 * GB),
    ('  through RETR', 'retr/lf/corpus', 'octets', '>=', 4 * GB),
    ('a dot on every line, CRLF', 'stuffer/copy_crlf/dense_dots', 'octets', '>=', 2 * GB),
    ('  through RETR', 'retr/crlf/dense_dots', 'octets', '>=', 2 * GB),
    ('  LF, through RETR', 'retr/lf/dense_dots', 'octets', '>=', 2 * GB),
    ('LIST of 1,000,000 messages', 'listing/LIST/1000000', 'seconds', None, None),
    ('  octets held for it', 'listing/LIST/1000000', 'held', '<=', 64 * 1024),
    ('UIDL of 1,000,000 messages', 'listing/UIDL/1000000', 'seconds', None, None),
    ('  octets held for it', 'listing/UIDL/1000000', 'held', '<=', 64 * 1024),
    *((f'accept(ListRequest), {what}, {count:,} messages, each', f'listing/accept/{name}/{count}', 'each', '<=', 60e-9)
      for what, name in (('equal unique-ids allowed', 'allow'), ('refused', 'refuse'),
                         ('renamed', 'rename'), ('renamed, 1 of 10', 'rename_10_percent'))
      for count in (10, 1000, 100_000, MILLION)),
    ('idle session, octets with the object: before login', 'session/idle/before_login', 'held', None, None),
    ('  logged in, 100 messages', 'session/idle/100_messages', 'held', None, None),
]

SECONDS = {'ns': 1e-9, 'us': 1e-6, 'ms': 1e-3, 's': 1.0}


def read(paths):
    """{benchmark: {figure: best}}"""
    best = {}
    for path in paths:
        with open(path, encoding='utf-8') as file:
            runs = json.load(file)['benchmarks']
        for run in runs:
            if run.get('run_type') == 'aggregate':
                continue
            name = run['run_name']
            figures = best.setdefault(name, {})
            seconds = run['cpu_time'] * SECONDS[run['time_unit']]
            figures.setdefault('order', (path, run['family_index']))
            found = {'seconds': seconds, 'items': run.get('items_per_second'), 'octets': run.get('bytes_per_second'),
                     'allocations': run.get('allocations'), 'held': run.get('octets_held')}
            if found['items']:
                found['each'] = 1 / found['items']
            for figure, value in found.items():
                if value is not None:
                    better = max if figure in ('items', 'octets') else min
                    figures[figure] = better(figures.get(figure, value), value)
    return best


def time_text(seconds):
    for unit, size in (('s', 1), ('ms', 1e-3), ('us', 1e-6)):
        if seconds >= size:
            return f'{seconds / size:.3g} {unit}'
    return f'{seconds * 1e9:.3g} ns'


def text(figure, value):
    if value is None:
        return ''
    if figure in ('seconds', 'each'):
        return time_text(value)
    if figure == 'items':
        return f'{value / MILLION:.3g} million/s' if value >= MILLION / 10 else f'{value:,.0f} /s'
    if figure == 'octets':
        return f'{value / GB:.2f} GB/s'
    if figure == 'allocations':
        return f'{value:.2f}'.rstrip('0').rstrip('.')
    return f'{value:,.0f}'


def main():
    best = read(sys.argv[1:])
    print('| work | measured | wanted | |\n| --- | ---: | ---: | --- |')
    for what, name, figure, relation, target in WANTED:
        value = best.get(name, {}).get(figure)
        wanted = '' if relation is None else f'{relation} {text(figure, target)}'
        verdict = ''
        if relation is not None and value is not None:
            # A buffer that grows once in a million commands is no allocation a command.
            slack = 0.001 if figure == 'allocations' else 0
            holds = value >= target if relation == '>=' else value <= target + slack
            verdict = 'yes' if holds else 'NO'
        indent = what.replace('  ', '&nbsp;&nbsp;')
        print(f'| {indent} | {text(figure, value)} | {wanted} | {verdict} |')
    print('\n| benchmark | CPU time a round | things/s | octets/s | allocations a thing | octets held |')
    print('| --- | ---: | ---: | ---: | ---: | ---: |')
    for name, figures in sorted(best.items(), key=lambda item: item[1]['order']):
        cells = [text(figure, figures.get(figure)) for figure in ('seconds', 'items', 'octets', 'allocations', 'held')]
        print(f'| {name} | {" | ".join(cells)} |')


if __name__ == '__main__':
    main()
