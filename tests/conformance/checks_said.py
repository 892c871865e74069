# SPDX-License-Identifier: MIT
"""What was said in all these sessions together: the form of replies (RFC 1939, 3; RFC 2449, 3 and 8; RFC 3206)."""
from harness import MUST, SHOULD, NotApplicable, rule


@rule('R8', MUST, '1939 3', 'a reply begins with "+OK" or "-ERR", in upper case')
def status(t):
    t.said_in_all()


@rule('R9', MUST, '1939 3', 'each line ends with CRLF')
def crlf(t):
    t.said_in_all()


@rule('R7', MUST, '1939 3', 'the first line of a reply has at most 512 octets')
def length(t):
    t.said_in_all()


@rule('R10', MUST, '1939 3', 'a reply of many lines ends with a dot and CRLF')
def dot(t):
    t.said_in_all()


@rule('R96', MUST, '2449 5', 'a line of CAPA, LIST, UIDL has at most 512 octets')
def listed(t):
    t.said_in_all()


@rule('X1', SHOULD, '1939 3', 'no NUL and no control octet in a reply')
def printable(t):
    t.said_in_all()


@rule('R207', MUST, '6856 2.1', 'replies are ASCII before UTF8 or LANG (a warning only where there is no UTF8)')
def ascii_only(t):
    t.said_in_all('UTF8' in t.tags())


@rule('R93', MUST, '2449 3', 'a greeting has one <...> at most, and it is APOP\'s')
def stamp(t):
    if not t.witness.stamps:
        raise NotApplicable('no <...> in the greeting')
    t.said_in_all()


@rule('R92', MUST, '2449 3', 'what begins with "[" is a response code')
def form_of_codes(t):
    t.said_in_all()


@rule('R107', SHOULD, '2449 6.4', 'response codes are registered ones')
def known_codes(t):
    t.said_in_all()


@rule('R107a', MUST, '2449 6.4', 'RESP-CODES is announced if there are codes')
def codes_are_announced(t):
    if not t.witness.heard.get('R92'):
        raise NotApplicable('no codes were heard')
    if t.capable.get('authorization') is not None and 'RESP-CODES' not in t.tags():
        t.wrong('texts that begin with "["', 'RESP-CODES in CAPA')


@rule('R128', MUST, '2449 8', 'codes for failures stand behind -ERR')
def place_of_codes(t):
    t.said_in_all()


@rule('R132', MUST, '2449 8.1.1', '[LOGIN-DELAY] in a login only')
def delay(t):
    t.said_in_all()


@rule('R163', MUST, '3206 4', '[SYS] has TEMP or PERM behind it')
def system(t):
    t.said_in_all()


@rule('R172', SHOULD, '3206 7', 'no [AUTH] to USER')
def auth_to_user(t):
    t.said_in_all()


@rule('R173', MUST, '3206 6', '[AUTH] in a login only')
def auth(t):
    t.said_in_all()
