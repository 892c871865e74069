# SPDX-License-Identifier: MIT
"""UTF8 and LANG (RFC 6856)."""
import re

from harness import MUST, Skip, code_of, rule, stat
from wire import Wrong, is_err, is_ok


@rule('R204', MUST, '6856 2', 'UTF8: announced in both states, with USER or nothing behind it')
def announced(t):
    t.needs('UTF8')
    for state, tags in t.capable.items():
        if (tags or {}).get('UTF8') not in ([], ['USER']):
            t.wrong(f'UTF8 {(tags or {}).get("UTF8")} in {state}', 'UTF8, or UTF8 USER')


@rule('R205', MUST, '6856 2', 'UTF8: without argument, and before the login only')
def command(t):
    t.needs('UTF8')
    t.refused(['UTF8 1'], t.greeted)
    t.refused(['UTF8'], t.entered)
    client = t.greeted()
    client.utf8 = True
    if is_err(client.ask('UTF8')):
        t.remark('UTF8 is refused here')


@rule('R218', MUST, '6856 2.2', 'UTF8 USER: a name that is no UTF-8 is refused')
def bad_names(t):
    t.needs('UTF8', 'USER')
    for name in (b'\xc0\xaf', b'\xed\xa0\x80', b'ann\xff'):
        client = t.greeted()
        said = client.ask(b'USER ' + name)
        if is_ok(said):
            said = client.ask(b'PASS ' + t.password)
        if is_ok(said):
            t.wrong(said, '-ERR to a name that is no UTF-8')
        t.leave()


@rule('R213', MUST, '6856 2.1', 'UTF8: sizes are right in this mode too')
def sizes(t):
    t.needs('UTF8')
    client = t.greeted()
    client.utf8 = True
    client.ok('UTF8')
    if not is_ok(said := t.log_in(client)):
        raise Wrong(said, '+OK to a login behind UTF8')
    for line in client.listing('LIST')[:20]:
        number, size = map(int, line.split()[:2])
        if (found := len(client.body(f'RETR {number}'))) != size:
            t.wrong(f'{size} for message {number}', f'{found}, as RETR sends')


@rule('R208', MUST, '6856 2.1', 'UTF8: a message with UTF-8 in its header is refused, or another sent, before UTF8')
@rule('R209', MUST, '6856 5', 'UTF8: the refusal says [UTF8], and behind UTF8 the message comes')
def utf8_messages(t):
    t.needs('UTF8')
    t.refill = t.store.can_choose
    message = 'From: gr\u00fc\u00df@example.org\nSubject: \u00e4\n\nbody\n'.encode()
    t.fill([message])
    client = t.entered()
    for command in ('RETR 1', 'TOP 1 0'):
        said = client.ask(command)
        if is_ok(said):
            t.instead('R209', 'n/a', 'it is not refused')
            header = b''.join(client.body_lines()).partition(b'\r\n\r\n')[0]
            if not header.isascii():
                t.wrong(header, f'a header in ASCII, or -ERR to {command}', ['R208'])
        elif code_of(said) != b'UTF8':
            t.wrong(said, '-ERR [UTF8]', ['R209'])
    t.leave()
    client = t.greeted()
    client.utf8 = True
    if is_ok(client.ask('UTF8')) and is_ok(t.log_in(client)):
        if client.body('RETR 1') != t.store.known[0]:
            t.wrong('another message', 'the message as it is, behind UTF8', ['R209'])


def language_list(t, client):
    t.needs('LANG')
    client.utf8 = True
    said = client.ask('LANG')
    if is_err(said):
        raise Skip('LANG alone is refused, as it may be')
    return [line.rstrip(b'\r\n') for line in client.body_lines()]


@rule('R223', MUST, '6856 3.1', 'LANG works before and after the login')
@rule('R224', MUST, '6856 3.2', 'LANG: "+OK", the language, a text')
@rule('R228', MUST, '6856 3.2', 'LANG alone: a line for each language')
@rule('R230', MUST, '6856 3.2', 'LANG: numbers are not translated')
def language(t):
    within = t.entered()
    for client in (t.greeted(), within):
        lines = language_list(t, client)
        for line in lines:
            if not re.match(rb'[A-Za-z0-9-]{1,35}(?: |\Z)', line):
                t.wrong(line, 'a language, and a description', ['R228'])
        for wanted in [line.partition(b' ')[0] for line in lines[:3]] + [b'*']:
            said = client.ask(b'LANG ' + wanted)
            if not re.match(rb'\+OK [A-Za-z0-9-]{1,35}(?: |\Z)', said):
                t.wrong(said, f'+OK and the language to LANG {wanted.decode("latin-1")}', ['R223', 'R224'])
            if client is within:
                stat(client)


@rule('R226', MUST, '6856 3.2', 'LANG: an unknown language gets -ERR')
def unknown(t):
    t.needs('LANG')
    t.refused(['LANG x-nobody-speaks-this'], t.greeted)
    client = t.entered()
    if is_ok(said := client.ask('LANG i-no-such')):
        raise Wrong(said, '-ERR to a language that there is not')
    stat(client)
