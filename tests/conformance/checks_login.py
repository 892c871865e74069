# SPDX-License-Identifier: MIT
"""USER, PASS, APOP, and the lock that a login takes (RFC 1939, 4 and 7; RFC 2449, 8)."""
import hashlib
import re

from harness import MAY, MUST, SHOULD, NotApplicable, Skip, code_of, quit_and_close, rule, scan, stat
from wire import Wrong, is_err, is_ok


def user(t, client):
    """USER, which has to work for a user that there is."""
    said = client.ask(b'USER ' + t.user)
    if not is_ok(said):
        raise Wrong(said, '+OK to USER')


@rule('R61', MUST, '1939 7', 'USER is taken after the greeting and after a failed PASS')
@rule('R65', MUST, '1939 7', 'a failed PASS leaves one where one was, and USER has to be said again')
@rule('R166', MUST, '3206 5', 'AUTH-RESP-CODE: a wrong password gets [AUTH]')
@rule('R165', MUST, '3206 4', 'a wrong password gets no [SYS/...]')
def failed_pass(t):
    t.may_log_in_by('USER')
    client = t.greeted()
    user(t, client)
    said = client.ask(b'PASS not-' + t.password)
    if not is_err(said):
        raise Wrong(said, '-ERR to a wrong password')
    code = code_of(said)
    if 'AUTH-RESP-CODE' not in t.tags():
        t.instead('R166', 'n/a', 'no AUTH-RESP-CODE')
    elif code != b'AUTH':
        t.wrong(said, '[AUTH], since AUTH-RESP-CODE is announced', ['R166'])
    if code is not None and code.startswith(b'SYS'):
        t.wrong(said, 'no [SYS/...] for a wrong password', ['R165'])
    if not client.open or client.silent(0.1) == b'' and not client.open:
        t.remark('it closes then')
        return
    if is_ok(said := client.ask('NOOP')):
        t.wrong(said, '-ERR to NOOP after a failed login', ['R65'])
    if is_ok(said := client.ask(b'PASS ' + t.password)):
        t.wrong(said, '-ERR to PASS without a new USER', ['R65'])
        return
    if not is_ok(said := t.log_in(client)):
        t.wrong(said, '+OK to a second try', ['R61'])


@rule('R167', MUST, '3206 6', 'AUTH-RESP-CODE: a name that does not exist gets [AUTH] too')
@rule('R62', MAY, '1939 13', 'no reply tells whether a name exists')
def unknown_name(t):
    t.may_log_in_by('USER')
    client = t.greeted()
    first = client.ask('USER nobody-has-this-name')
    second = client.ask('PASS wrong') if is_ok(first) else first
    if is_ok(second):
        raise Wrong(second, '-ERR to a login of nobody')
    if 'AUTH-RESP-CODE' in t.tags() and is_ok(first) and code_of(second) != b'AUTH':
        t.wrong(second, '[AUTH], since AUTH-RESP-CODE is announced', ['R167'])
    elif 'AUTH-RESP-CODE' not in t.tags():
        t.instead('R167', 'n/a', 'no AUTH-RESP-CODE')
    t.leave()
    client = t.greeted()
    user(t, client)
    wrong = client.ask(b'PASS not-' + t.password)
    if (is_ok(first), second) != (True, wrong):
        t.warn(first if is_err(first) else second, f'what a wrong password gets: {wrong.decode("latin-1")}', ['R62'])


@rule('R63', MUST, '1939 7', 'PASS is for directly after USER')
def pass_first(t):
    t.may_log_in_by('USER')
    client = t.greeted()
    if is_ok(said := client.ask(b'PASS ' + t.password)):
        t.wrong(said, '-ERR to PASS without USER')


@rule('R63a', SHOULD, '1939 7', 'another command between USER and PASS: USER has to be said again')
def pass_later(t):
    t.may_log_in_by('USER')
    client = t.greeted()
    user(t, client)
    client.ask('NOOP')
    if client.open and is_ok(said := client.ask(b'PASS ' + t.password)):
        t.wrong(said, '-ERR: PASS was not directly behind USER')


@rule('R64', MAY, '1939 7', 'spaces are part of a password')
def spaces(t):
    t.may_log_in_by('USER')
    for password in (t.password + b' ', b' ' + t.password):
        client = t.greeted()
        user(t, client)
        if is_ok(said := client.ask(b'PASS ' + password)):
            t.wrong(said, '-ERR to a password with one space more')
        t.leave()


@rule('R66', MUST, '1939 7', 'APOP: the stamp in the greeting is a msg-id')
@rule('R67', MUST, '1939 7', 'APOP: it is never the same')
def stamps(t):
    if not t.witness.stamps:
        raise NotApplicable('no APOP')
    for stamp in t.witness.stamps:
        if not re.fullmatch(rb'<[\x21-\x3b\x3d\x3f\x41-\x7e]+@[\x21-\x3b\x3d\x3f\x41-\x7e]+>', stamp):
            t.wrong(stamp, '<...@...>', ['R66'])
            break
    t.greeted()
    t.greeted()
    if len(set(t.witness.stamps)) != len(t.witness.stamps):
        t.wrong('a stamp for the second time', 'a new one in each greeting', ['R67'])


def digest(client, password):
    stamp = re.search(rb'<[^>]*>', client.greeting)
    if stamp is None:
        raise NotApplicable('no APOP')
    return hashlib.md5(stamp[0] + password).hexdigest().encode()


@rule('R68', MUST, '1939 7', 'APOP: the right digest opens the maildrop')
def apop(t):
    client = t.greeted()
    said = client.ask(b'APOP ' + t.user + b' ' + digest(client, t.password))
    if is_err(said):
        raise Skip('the server has no APOP secret for this user, or another one')
    stat(client)


@rule('R69', MUST, '1939 7', 'APOP: wrong digests do not')
def wrong_apop(t):
    client = t.greeted()
    for wrong in (digest(client, t.password + b'x'), digest(client, t.password)[:31], b'', b'x' * 32):
        client = t.greeted()
        digest(client, b'')
        said = client.ask(b'APOP ' + t.user + b' ' + wrong)
        if is_ok(said):
            raise Wrong(said, '-ERR to a wrong digest')
        t.leave()


# ---- the lock -------------------------------------------------------------------------------------------------------

@rule('R23', SHOULD, '1939 4', 'a maildrop is locked: a second session at the same time is refused')
@rule('R25', MUST, '1939 4', 'who is refused so is still in AUTHORIZATION, or the connection ends')
@rule('R134', MUST, '2449 8.1.2', 'RESP-CODES: the refusal is [IN-USE], and only for the right password')
def lock(t):
    first = t.entered()
    second = t.greeted()
    said = t.log_in(second)
    if is_ok(said):
        t.warn(said, '-ERR while another session has the maildrop', ['R23'])
        t.instead('R25', 'n/a', 'no lock')
        t.instead('R134', 'n/a', 'no lock')
        return
    codes = 'RESP-CODES' in t.tags()
    if codes and code_of(said) != b'IN-USE':
        t.warn(said, '[IN-USE], since RESP-CODES is announced', ['R134'])
    second.silent(0.2)
    if second.open and is_ok(said := second.ask('NOOP')):
        t.wrong(said, '-ERR to NOOP: the login has failed', ['R25'])
    third = t.greeted()
    said = t.log_in(third, t.password + b'-not')
    if is_ok(said) or code_of(said) == b'IN-USE':
        t.wrong(said, 'the refusal of a wrong password, not of a locked maildrop', ['R134'])
    stat(first)  # who has the lock does not notice


@rule('R23a', MUST, '1939 4', 'no other session takes away what a session has seen')
def lock_holds(t):
    first, _ = t.deleting()
    sizes = scan(first)
    second = t.greeted()
    if is_err(t.log_in(second)):
        return  # locked out, as R23 wants it
    said = second.ask('DELE 1')
    quit_and_close(second)
    if is_ok(said):
        said = first.ask('RETR 1')
        if is_err(said):
            raise Wrong(said, 'message 1, which another session has deleted since it was listed')
        if (size := len(b''.join(line[line.startswith(b'.'):] for line in first.body_lines()))) != sizes[1]:
            raise Wrong(f'{size} octets', f'{sizes[1]} as LIST has said: another session has deleted it since')


@rule('R49', MUST, '1939 6', 'after QUIT the lock is gone and the connection closed')
def lock_goes(t):
    client = t.entered()
    if not is_ok(said := quit_and_close(client)):
        t.wrong(said, '+OK to QUIT')
    client = t.greeted()
    if not is_ok(said := t.log_in(client)):
        t.wrong(said, '+OK: the session before has ended')


@rule('R24', MUST, '1939 4', 'after the login nothing is marked')
def nothing_marked(t):
    client, count = t.marking()
    client.ok('DELE 1')
    if (found := stat(t.after_end())[0]) != count:
        raise Wrong(f'{found} messages', f'{count}, as before a session that ended without QUIT')
