#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""conformance.py against our own servers: nothing fails, and no warning that is not explained here.

test_ours.py POP3D EPOLL STDIO    prints TAP
"""
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing is left behind
HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / 'interop'))
from server import CERTIFICATE, KEY, Server  # noqa: E402

EXPLAINED = {
    'R2a': 'an LF alone is taken on purpose (Config::tolerate.bare_lf), for people who type',
    'R23': 'the examples lock nothing, since their maildrop never changes; pop3d does, and has it in its list below',
}

PATIENCE = 300  # seconds


class NoResults(Exception):
    """conformance.py has nothing to tell: why."""


def conformance(*options):
    """The results: id -> (status, what was said)."""
    try:
        done = subprocess.run([sys.executable, HERE / 'conformance.py', '--json', *map(str, options)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise NoResults(f'conformance.py took longer than {PATIENCE} s') from None
    if done.returncode not in (0, 1):
        raise NoResults(f'conformance.py ended with {done.returncode}: {done.stderr[-1000:].strip()}')
    rules = json.loads(done.stdout)['rules']
    return {name: (result['status'], result['texts']) for name, result in rules.items()}


def served(pop3d, *options, tls=False, plaintext=True):
    """pop3d, started; its Maildir is to be filled by conformance.py."""
    folder = tempfile.TemporaryDirectory(prefix='mailwire-')
    server = Server(pop3d, folder.name, *options, tls=tls)
    server.keep = folder
    if not plaintext:
        server.command.remove('--allow-plaintext')
    server.start()
    return server


def put_back(server):
    """Options for a maildrop that a command fills, with messages of which copies are in a folder."""
    copies, path = server.folder / 'copies', server.maildir.path
    copies.mkdir()
    for number, text in enumerate((b'.\n..\n', b'one\n.two\n', b'no end', b'', b'three\n\n'), 1):
        (copies / f'{number}.M1.example').write_bytes(b'Subject: %d\n\n' % number + text)
    return ['--refill', f'rm -f {path}/new/* {path}/cur/* && cp {copies}/* {path}/new', '--maildrop', copies]


def of_pop3d(pop3d, kind):
    certificate = ('--cert', CERTIFICATE, '--key', KEY)
    server = {
        'plain': lambda: served(pop3d, *certificate, '--apop', '--expire', '30'),
        'refill': lambda: served(pop3d),
        'utf8': lambda: served(pop3d, '--utf8', '--expire', 'never'),
        'tls': lambda: served(pop3d, tls=True),
        'stls': lambda: served(pop3d, *certificate, plaintext=False),
    }[kind]()
    try:
        port = server.tls[1] if kind == 'tls' else server.plain[1]
        how = [f'--{kind}'] if kind in ('tls', 'stls') else []
        how += put_back(server) if kind == 'refill' else ['--maildir', server.maildir.path]
        return conformance('--port', port, '--user', 'ann', '--password', 'sesame', *how)
    finally:
        server.kill()


def of_epoll(epoll):
    command = [epoll, '127.0.0.1:0']
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            port = re.fullmatch(r'listening plain \S+:(\d+)\n', line)
            if port is None:
                raise NoResults(f'examples/epoll said {line!r}')
            return conformance('--port', port[1], '--user', 'demo', '--password', 'demo', '--mark')
        finally:
            process.kill()


def of_stdio(stdio):
    return conformance('--exec', stdio, '--user', 'demo', '--password', 'demo', '--mark')


def judged(run, wanted):
    """(results, what is wrong with them) of a future."""
    try:
        results = run.result()
    except (NoResults, OSError, RuntimeError, ValueError, KeyError) as error:  # one server's trouble, not that of all
        return {}, [f'{type(error).__name__}: {error}']
    wrong = [f'{name} {status}: {"; ".join(texts)}' for name, (status, texts) in results.items()
             if status == 'FAIL' or status == 'WARN' and name not in EXPLAINED]
    for name in wanted:
        status, texts = results.get(name, ('not there', []))
        if status != 'pass':
            wrong.append(f'{name} is {status}: {texts}')
    return results, wrong


# What only a few of them can show has to pass there: otherwise a check that is never made would look right.
def main():
    pop3d, epoll, stdio = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
    cases = {
        'pop3d, in the clear, with APOP': (lambda: of_pop3d(pop3d, 'plain'),
                                           'R22 R23 R38 R46 R50 R60 R68 R69 R118 R142 R252'),
        'pop3d, messages put back by a command': (lambda: of_pop3d(pop3d, 'refill'),
                                                  'R11 R12 R13 R23 R38 R46 R48 R50 R59'),
        'pop3d --utf8': (lambda: of_pop3d(pop3d, 'utf8'), 'R23 R38 R46 R204 R205 R208 R209 R213 R218 R230 R253'),
        'pop3d, TLS from the start': (lambda: of_pop3d(pop3d, 'tls'), 'R23 R38 R46 R200 R232 R235 R237'),
        'pop3d, STLS': (lambda: of_pop3d(pop3d, 'stls'), 'R23 R38 R46 R137 R143 R160 R200 R238'),
        'examples/epoll': (lambda: of_epoll(epoll), 'R22 R37 R24 R40 R44 R50 R53 R58 R114'),
        'examples/stdio, through pipes': (lambda: of_stdio(stdio), 'R22 R37 R24 R40 R44 R50 R53 R58 R114'),
    }
    failed = False
    print(f'1..{len(cases)}')
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:  # they mostly wait, for refused logins
        runs = [(title, pool.submit(run), wanted.split()) for title, (run, wanted) in cases.items()]
        for number, (title, run, wanted) in enumerate(runs, 1):
            results, wrong = judged(run, wanted)
            passed = sum(status == 'pass' for status, _ in results.values())
            print(f'{"not " * bool(wrong)}ok {number} - {title}: {passed} of {len(results)} rules pass', flush=True)
            for line in '\n'.join(wrong).splitlines():
                print(f'#   {line}')
                print(f'{title}: {line}', file=sys.stderr)
            failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
