# SPDX-License-Identifier: MIT
"""play.py DIALOGUE COMMAND...: plays the client ("C: ") against a program and expects what stands there ("S: ").

Prints what is said, then what the program wrote to its standard error; fails when anything differs.
"""
import pathlib
import subprocess
import sys
import threading

SECONDS = 60


def play(lines, server):
    """What is wrong, or None."""
    for number, line in enumerate(lines, 1):
        print(line, flush=True)
        side, text = line[:2], line[3:]
        if side == 'C:':
            server.stdin.write(text.encode() + b'\r\n')
            server.stdin.flush()
        else:
            said = server.stdout.readline()
            if said.rstrip(b' \r\n') != text.encode() or not said.endswith(b'\r\n'):
                return f'line {number}: the server says {said!r}'
    # The input stays open: the end is the server's.
    rest = server.stdout.read()
    return f'the server says more: {rest!r}' if rest else None


def main():
    lines = pathlib.Path(sys.argv[1]).read_text(encoding='ascii').splitlines()
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watch = threading.Timer(SECONDS, server.kill)
    watch.start()
    fault = play(lines, server)
    if fault:
        server.kill()
    _, told = server.communicate()
    watch.cancel()
    print(told.decode(), end='')
    if not fault and server.returncode != 0:
        fault = f'the server ended with {server.returncode}'
    if fault:
        print(f'FAILED: {fault}')
    return 1 if fault else 0


if __name__ == '__main__':
    sys.exit(main())
