# SPDX-License-Identifier: MIT
"""The greeting, lines, and what is no command (RFC 1939, 3 and 4)."""
import re
import time

from harness import MUST, SHOULD, Skip, quit_and_close, rule, stat
from wire import Ended, Silence, Wrong, is_err, is_ok


@rule('R21', MUST, '1939 4', 'the greeting is one positive line, and the first thing said')
def greeting(t):
    client = t.clear()
    if surplus := client.silent(0.5):
        t.wrong(surplus, 'nothing more than one line')


@rule('R22', MUST, '1939 4', 'one can log in')
def login_works(t):
    if t.how is None:
        raise Wrong('-ERR to all', '+OK to USER and PASS, AUTH PLAIN or APOP')
    t.remark(f'by {t.how}')


@rule('R1', MUST, '1939 3', 'verbs are taken in any case')
def case(t):
    client = t.entered()
    for command in ('nOOp', 'stat', 'List', 'quit'):
        client.ok(command)
        if command == 'List':
            client.body_lines()


@rule('R2', MUST, '1939 3', 'a command ends with CRLF, and what is behind it belongs to the next one')
def line_ends(t):
    client = t.entered()
    client.send(b'NOOP\r\nNO')
    if not is_ok(said := client.reply(b'NOOP')):
        t.wrong(said, '+OK to NOOP')
    if surplus := client.silent():
        t.wrong(surplus, 'nothing: the second command is not complete')
    client.send(b'OP\r')
    time.sleep(0.1)
    client.send(b'\n')
    if not is_ok(said := client.reply(b'NOOP')):
        t.wrong(said, '+OK to a NOOP in pieces')
    client.send(b'NOOP\rNOOP\r\n')
    said = client.reply()
    if is_ok(said) or client.silent():
        t.warn('a CR alone ends a command', 'one -ERR: CR alone ends nothing')


@rule('R2a', SHOULD, '1939 3', 'LF alone ends no command (our reading; many take it, for people who type)')
def bare_lf(t):
    client = t.entered()
    client.send(b'NOOP\n')
    if said := client.silent(0.7):
        t.warn(said, 'nothing before CRLF')


@rule('R3', SHOULD, '1939 3', 'one space is between a verb and its arguments')
def spaces(t):
    t.some_message()
    t.leave()
    t.refused(['LIST  1', 'LIST\t1', ' NOOP', 'TOP 1  0'], t.entered)


@rule('R4', SHOULD, '1939 3', 'NUL, control octets and 8-bit octets are no part of a command')
def odd_octets(t):
    t.refused([b'NOOP\0', b'NO\0OP', b'\xcc\xcf\xcf\xd0', b'LIST \x011', b'NOOP \xff', b'STAT\x7f'], t.entered)


@rule('R5', MUST, '1939 3', 'verbs of other lengths are none')
def verb_lengths(t):
    t.refused(['N', 'NO', 'NOOPS', 'STATUS', 'X' * 40], t.entered)


@rule('R6', MUST, '1939 3', 'an argument may have 40 octets')
@rule('R88', MUST, '2449 4', 'a command may have 255 octets')
def long_arguments(t):
    client = t.greeted()
    short = client.ask('USER nobody-here')
    for size, name in (40, 'R6'), (255 - len('USER \r\n'), 'R88'):
        t.leave()
        client = t.greeted()
        try:
            said = client.ask('USER ' + 'n' * size)
            if name == 'R88' and t.capable['authorization'] is None:
                t.instead(name, 'n/a', 'no CAPA')
            elif is_ok(said) != is_ok(short):
                t.wrong(said, f'what a short name gets: {short.decode("latin-1")}', [name])
            elif surplus := client.silent(0.1):
                t.wrong(surplus, 'one reply', [name])
            elif is_ok(said):  # what follows is a command again
                client.reply(client.send(b'QUIT\r\n') or b'QUIT')
        except (Ended, Silence) as wrong:
            t.wrong(str(wrong), f'a reply to a command of {size + 7} octets', [name])


@rule('R14', MUST, '1939 3', 'what is no command gets -ERR: unknown, empty, arguments missing or too many')
def no_command(t):
    t.refused(['FOOO', '', 'USER', 'AUTH NO-SUCH-MECHANISM'], t.greeted)
    client = t.entered()
    count = stat(client)[0]
    t.leave()
    commands = ['FOOO', '', 'NOOP 1', 'STAT 1', 'RSET 1', 'RETR', 'DELE']
    if count:
        commands += ['LIST 1 1', 'RETR 1 1'] + ['DELE 1 1'] * t.store.can_fill
    t.refill = t.store.can_fill
    t.refused(commands, t.entered)


@rule('R15', MUST, '1939 3', 'a command in the wrong state gets -ERR, and nothing comes of it')
def wrong_state(t):
    client = t.entered()
    for command in (b'USER ' + t.user, b'PASS ' + t.password, b'APOP ' + t.user + b' ' + b'0' * 32):
        said = client.ask(command)
        if is_ok(said):
            t.wrong(said, f'-ERR to {command[:4].decode()} behind the login')
    stat(client)


@rule('R45', MUST, '1939 4', 'commands for a maildrop get -ERR before the login')
def before_login(t):
    t.refused(['STAT', 'LIST', 'LIST 1', 'RETR 1', 'DELE 1', 'NOOP', 'RSET', 'TOP 1 0', 'UIDL'], t.greeted)


@rule('R16', MUST, '1939 3', 'each command gets one reply')
def one_reply(t):
    client = t.entered()
    for command in ('NOOP', 'FOOO', 'STAT', '', 'RETR 99999999', 'NOOP'):
        said = client.ask(command)
        if surplus := client.silent(0.15):
            raise Wrong(said + b'\r\n' + surplus, f'one line as the reply to "{command}"')


@rule('R30', MUST, '1939 4', 'QUIT before the login: +OK, and the end of the connection')
def quit_before_login(t):
    said = quit_and_close(t.greeted())
    if not is_ok(said):
        t.wrong(said, '+OK to QUIT')


@rule('R17', MUST, '1939 3', 'nobody is thrown out before ten minutes are over')
def autologout(t):
    if not t.settings.slow:
        raise Skip('needs --slow')
    client = t.entered()
    try:
        said = client.raw_line(timeout=595)
    except Silence:
        client.ok('NOOP')
    except Ended:
        raise Wrong('closed the connection', 'ten minutes of patience') from None
    else:
        raise Wrong(said, 'nothing for ten minutes')


autologout.extra_time = 600


@rule('X2', SHOULD, '1939 3', 'a line of 200,000 octets does no harm: it is refused, or ends the session')
def endless_line(t):
    client = t.greeted()
    for _ in range(20):
        client.send(b'x' * 10_000)
        if not client.open:
            break
    client.send(b'\r\n')
    replies = []
    try:
        while True:
            replies.append(client.reply(timeout=2 if replies else None))
    except (Ended, Silence):
        pass
    if any(not is_err(said) for said in replies):
        t.wrong(next(said for said in replies if not is_err(said)), '-ERR, or the end')
    if len(replies) > 1:
        t.wrong(f'{len(replies)} replies', 'one')
    if not replies and client.open:
        t.wrong('nothing', '-ERR, or the end')
    quit_and_close(t.greeted())  # others are served


@rule('X3', MUST, '1939 3', 'commands octet by octet are answered as others are')
def octet_by_octet(t):
    client = t.greeted()
    for octet in b'QUIT\r\n':
        client.send(bytes([octet]))
        time.sleep(0.02)
    if not re.match(rb'\+OK', said := client.reply(b'QUIT')):
        t.wrong(said, '+OK to QUIT')


@rule('R51', MUST, '1939 6', 'nothing behind QUIT is a command')
def behind_quit(t):
    client = t.entered()
    client.send(b'NOOP\r\nQUIT\r\nNOOP\r\nSTAT\r\nQUIT\r\n')
    client.reply(b'NOOP')
    try:
        if not is_ok(said := client.reply(b'QUIT')):
            t.wrong(said, '+OK to QUIT')
    except Ended:  # a reset, since it had not read all, has taken the reply with it
        t.remark('the reply to QUIT is lost')
    rest = client.rest()
    if rest or rest is None:
        t.wrong(rest or 'the connection stays open', 'the end behind the reply to QUIT')


@rule('R114', MUST, '2449 6.6', 'PIPELINING: many commands at once are answered in turn')
def pipelining(t):
    t.needs('PIPELINING')
    client = t.entered()
    count = stat(client)[0]
    commands = [b'NOOP', b'STAT', b'CAPA', b'LIST', b'RETR 0'] * 60
    client.send(b'\r\n'.join(commands) + b'\r\n')
    for number, command in enumerate(commands, 1):
        said = client.reply(command)
        right = is_err(said) if command == b'RETR 0' else is_ok(said)
        if command == b'STAT':
            right = said.startswith(b'+OK %d ' % count)
        if not right:
            raise Wrong(said, f'the reply to command {number} of {len(commands)}, {command.decode()}')
        if command in (b'LIST', b'CAPA') and (lines := len(client.body_lines())) != count and command == b'LIST':
            raise Wrong(f'{lines} lines', f'{count} lines for LIST')
    if surplus := client.silent(0.1):
        t.wrong(surplus, 'no more replies')
