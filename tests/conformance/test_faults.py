#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""conformance.py finds what is wrong: model.py without a fault keeps all rules, with one it breaks those named here.

test_faults.py    prints TAP
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
FAULTS = {
    'all-dots': 'R12', 'any-digest': 'R69', 'atoi': 'R36 R39 R42 R56 R57', 'bad-code': 'R92', 'case': 'R1',
    'changes-octets': 'R38', 'control': 'X1', 'finds-marked': 'R40', 'floods': 'R34', 'greets-twice': 'R144',
    'hangs': 'R43', 'hidden-codes': 'R107a', 'hidden-uidl': 'R124', 'in-use-for-all': 'R134', 'keeps-plaintext': 'R142',
    'keeps-user': 'R143', 'lax-sasl': 'R184', 'lax-top': 'R52', 'less-after-login': 'R98', 'lf': 'R9',
    'lists-marked': 'R32a R34a', 'long-reply': 'R7', 'long-uids': 'R58', 'loses-pipelined': 'R114', 'lower-case': '',
    'marks-at-login': 'R28', 'new-uids': 'R57 R59', 'no-alert': 'R235', 'no-cancel': 'R182', 'no-greeting': '',
    'no-lock': 'R23 R23a', 'no-stuffing': 'R11', 'noop-before-login': 'R45 R65', 'number-uids': 'R59 R60',
    'open-end': 'R37', 'pass-first': 'R63', 'removes-all': 'R48', 'removes-at-end': 'R24 R50',
    'removes-at-once': 'R24 R41 R50', 'removes-nothing': 'R34a R46', 'renumbers': 'R32a', 'rset-forgets': 'R44',
    'same-stamp': 'R67', 'size-lf': 'R37 R74', 'size-stuffed': 'R37', 'stays': 'R30 R49 R51',
    'stls-after-login': 'R139', 'stls-announced': 'R137', 'stls-argument': 'R138', 'stls-within-tls': 'R140',
    'surplus': 'R14', 'talks': 'R33', 'talks-before-tls': 'R141', 'text-challenge': 'R180', 'top-joins': 'R54',
    'top-too-long': 'R53', 'two-lines': 'R16', 'wide-capa': 'R95', 'zeros': 'R29',
}
NOTHING = {'lower-case', 'no-greeting'}  # nobody can log in: exit status 2


def run(fault, only):
    """(exit status, {id: (status, texts)}, seconds)."""
    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='mailwire-') as folder:
        command = shlex.join([sys.executable, '-B', '-S', str(HERE / 'model.py'), folder, *([fault] if fault else [])])
        done = subprocess.run(
            [sys.executable, HERE / 'conformance.py', '--exec', command, '--user', 'ann', '--password', 'pass',
             '--maildir', folder, '--json', '--timeout', '5' if fault else '20', *(['--only', only] if only else [])],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=200, check=False)
    rules = json.loads(done.stdout)['rules'] if done.stdout else {}
    results = {name: (its['status'], its['texts']) for name, its in rules.items()}
    return done.returncode, results, time.monotonic() - since


def judge(fault):
    """What is wrong with what conformance.py says."""
    wanted = FAULTS.get(fault, '').split()
    # Rules about all that was said need something that is said.
    status, results, seconds = run(fault, ','.join([*wanted, 'R14', 'R43', 'R65']) if fault and wanted else '')
    if fault in NOTHING:
        return [] if status == 2 else [f'exit status {status}'], seconds
    bad = {name for name, (what, _) in results.items() if what in ('FAIL', 'WARN')}
    if not results:
        return [f'nothing was checked: exit status {status}'], seconds
    if fault is None:
        return [f'{name}: {results[name][1]}' for name in sorted(bad)], seconds
    return [f'{name} is {results[name][0]}, not broken' for name in wanted if name not in bad], seconds


def main():
    known = set(re.findall(r"has\('([a-z-]+)'\)", (HERE / 'model.py').read_text()))
    wrong = [f'model.py and this file know other faults: {sorted(known ^ set(FAULTS))}'] if known != set(FAULTS) else []
    cases = [None, *FAULTS]
    print(f'1..{len(cases) + 1}')
    print(f'{"not " * bool(wrong)}ok 1 - each fault of model.py has its rules', *wrong, flush=True)
    failed = bool(wrong)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for number, (fault, (wrong, seconds)) in enumerate(zip(cases, pool.map(judge, cases)), 2):
            title = 'a server without a fault breaks no rule'
            if fault:
                title = f'"{fault}" is found: {FAULTS[fault] or "no login"}'
            print(f'{"not " * bool(wrong)}ok {number} - {title}', flush=True)
            for line in wrong + [f'{seconds:.1f} s'] * (seconds > 5):
                print(f'#   {line}')
            for line in wrong:
                print(f'{title}: {line}', file=sys.stderr)
            failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
