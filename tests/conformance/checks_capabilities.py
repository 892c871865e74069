# SPDX-License-Identifier: MIT
"""CAPA: its form, and whether it tells the truth (RFC 2449, 5 and 6)."""
import re

from harness import MUST, SHOULD, NotApplicable, rule
from wire import Wrong, is_err, is_ok

KNOWN = {'TOP', 'USER', 'SASL', 'RESP-CODES', 'LOGIN-DELAY', 'PIPELINING', 'EXPIRE', 'UIDL', 'IMPLEMENTATION', 'STLS',
         'AUTH-RESP-CODE', 'UTF8', 'LANG'}  # registered with IANA


@rule('R94', MUST, '2449 5', 'CAPA: before and after the login, without argument')
def both_states(t):
    t.needs_capa()
    for state, tags in t.capable.items():
        if tags is None:
            t.wrong('-ERR', f'CAPA in {state}')
    t.refused(['CAPA x'], t.greeted, judge=t.warn)


@rule('R95', MUST, '2449 5', 'CAPA: a tag and its parameters, one space between')
@rule('R97', MUST, '2449 3', 'CAPA: a tag has printable octets and no dot')
def form(t):
    t.needs_capa()
    for client in (t.greeted(), t.entered() if t.how else None):
        if client is None:
            continue
        t.capabilities(client)
        for line in t.capa_lines:
            tag = line.partition(b' ')[0]
            if not re.fullmatch(rb'[\x21-\x2d\x2f-\x7e]+', tag):
                t.wrong(line, 'a tag', ['R97'])
            if not re.fullmatch(rb'[\x21-\x7e]+(?: [\x21-\x7e]+)*', line):
                t.wrong(line, 'printable words, one space between', ['R95'])


@rule('R98', MUST, '2449 5', 'CAPA: what is announced before the login is announced after it (but STLS)')
def kept(t):
    t.needs_capa()
    after = t.capable.get('transaction')
    if after is None:
        raise NotApplicable('no CAPA after the login')
    if missing := [tag for tag in t.tags() if tag not in after and tag not in ('STLS', 'SASL')]:
        t.wrong(f'{", ".join(missing)} before the login only', 'all of them in both states')


@rule('R175', MUST, '5034 3', 'CAPA: SASL stays after the login')
def sasl_kept(t):
    t.needs('SASL')
    if 'SASL' not in t.tags('transaction'):
        t.wrong('no SASL after the login', 'SASL in both states')


@rule('R104', MUST, '2449 6.1', 'CAPA: TOP if there is TOP')
@rule('R124', MUST, '2449 6.8', 'CAPA: UIDL if there is UIDL')
def truth(t):
    t.needs_capa()
    client, count = t.some_message()
    for verb, command, name in ('TOP', 'TOP 1 0', 'R104'), ('UIDL', 'UIDL', 'R124'):
        works = is_ok(client.ask(command))
        if works:
            client.body_lines()
        if works != (verb in t.tags('transaction')):
            said = f'{verb} {"works" if works else "does not work"}'
            t.wrong(said, f'that CAPA announces {verb} if it works', [name])


@rule('R105', MUST, '2449 6.2', 'CAPA: USER if there are USER and PASS')
def truth_of_user(t):
    t.needs_capa()
    client = t.greeted()
    works = is_ok(t.log_in(client, how='USER'))
    if works != ('USER' in t.tags()):
        (t.wrong if works else t.warn)(f'a login by USER and PASS {"works" if works else "does not work"}',
                                       'that CAPA announces USER if so')


@rule('R108', MUST, '2449 6.5', 'CAPA: LOGIN-DELAY has seconds')
def login_delay(t):
    numbers(t, 'LOGIN-DELAY', r'\d+( USER)?')


@rule('R118', MUST, '2449 6.7', 'CAPA: EXPIRE has days, or NEVER')
def expire(t):
    numbers(t, 'EXPIRE', r'(\d+|NEVER)( USER)?')


def numbers(t, tag, form_of_it):
    t.needs(tag)
    for state, tags in t.capable.items():
        said = ' '.join((tags or {}).get(tag, []))
        if said and not re.fullmatch(form_of_it, said):
            t.wrong(f'{tag} {said} in {state}', form_of_it)


@rule('R135', SHOULD, '2449 9', 'CAPA: tags that are not registered begin with X')
def private(t):
    t.needs_capa()
    tags = {tag for tags in t.capable.values() for tag in tags or {}}
    if others := sorted(tag for tag in tags - KNOWN if not tag.startswith('X')):
        t.wrong(', '.join(others), 'registered tags, or X...')


@rule('R109', SHOULD, '2449 6.5', 'LOGIN-DELAY: who comes too early is refused')
def delay_is_enforced(t):
    t.needs('LOGIN-DELAY')
    if not int(t.tags('transaction').get('LOGIN-DELAY', ['0'])[0]):
        raise NotApplicable('it is 0')
    t.entered()
    t.leave()
    client = t.greeted()
    if not is_err(said := t.log_in(client)):
        raise Wrong(said, '-ERR [LOGIN-DELAY]')
