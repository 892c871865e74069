# SPDX-License-Identifier: MIT
"""AUTH (RFC 5034) and its mechanisms."""
import base64
import binascii
import hmac
import pathlib
import re
import sys

from harness import MUST, SHOULD, NotApplicable, Skip, code_of, rule, stat
from wire import Ended, Wrong, is_err, is_ok

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / 'interop'))
from sasl import Scram  # noqa: E402  the client's side

WITHOUT_PASSWORD = {'EXTERNAL', 'ANONYMOUS', 'GSSAPI', 'GSS-SPNEGO', 'OAUTHBEARER', 'XOAUTH2', 'NTLM'}


def mechanisms(t):
    t.needs('SASL')
    return t.tags()['SASL']


def needs(t, mechanism):
    if mechanism not in mechanisms(t):
        raise NotApplicable(f'no SASL {mechanism}')


def begin(client, mechanism):
    """AUTH without an initial response: the challenge as it came."""
    client.exchange = True
    said = client.ask(f'AUTH {mechanism}')
    if not said.startswith(b'+') or is_ok(said):
        raise Wrong(said, f'a challenge to AUTH {mechanism}')
    return said


def answer(client, response):
    """The reply that ends an exchange."""
    said = client.ask(response)
    client.exchange = False
    return said


def challenge_of(said):
    return base64.b64decode(said[2:], validate=True)


@rule('R106', MUST, '2449 6.3', 'SASL: AUTH works, with an initial response')
@rule('R191', MUST, '5034 4', 'AUTH PLAIN: the right password opens the maildrop')
def plain(t):
    needs(t, 'PLAIN')
    client = t.greeted()
    if not is_ok(said := client.ask(b'AUTH PLAIN ' + t.plain())):
        t.wrong(said, '+OK to AUTH PLAIN with an initial response', ['R106'])
    else:
        stat(client)
    t.leave()
    client = t.greeted()
    begin(client, 'PLAIN')
    if not is_ok(said := answer(client, t.plain())):
        t.wrong(said, '+OK to AUTH PLAIN', ['R191'])
    else:
        stat(client)


@rule('R174', MUST, '5034 3', 'SASL: each mechanism that is announced is taken')
@rule('R180', MUST, '5034 4', 'AUTH: a challenge is "+", a space, BASE64')
@rule('R182', MUST, '5034 4', 'AUTH: "*" cancels, with -ERR')
def challenges(t):
    for mechanism in mechanisms(t):
        client = t.greeted()
        client.exchange = True
        said = client.ask(f'AUTH {mechanism}')
        if is_err(said):
            if mechanism not in WITHOUT_PASSWORD:
                t.wrong(said, f'a challenge to AUTH {mechanism}', ['R174'])
        elif not re.fullmatch(rb'\+ (?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?', said):
            t.wrong(said, '"+", a space, BASE64', ['R180'])
        else:
            said = answer(client, '*')
            if not is_err(said):
                t.wrong(said, '-ERR to "*"', ['R182'])
            if not is_ok(said := client.ask('CAPA')):
                t.wrong(said, 'a session that goes on behind "*"', ['R182'])
            else:
                client.body_lines()
        t.leave()


@rule('R179', MUST, '5034 4', 'AUTH: an unknown mechanism gets -ERR, names are taken in any case')
def names(t):
    needs(t, 'PLAIN')
    t.refused(['AUTH NO-SUCH', 'AUTH ' + 'X' * 30], t.greeted)
    client = t.greeted()
    if not is_ok(said := client.ask(b'aUTH pLAIN ' + t.plain())):
        t.wrong(said, '+OK to AUTH pLAIN')


@rule('R178', MUST, '5034 4', 'AUTH: not after a login')
def after_login(t):
    t.needs('SASL')
    client = t.entered()
    if not is_err(said := client.ask(b'AUTH PLAIN ' + t.plain())):
        raise Wrong(said, '-ERR to AUTH after the login')
    stat(client)


@rule('R193', MUST, '5034 4', 'AUTH PLAIN: a wrong password gets -ERR, and all is as before')
@rule('R167a', MUST, '3206 6', 'AUTH-RESP-CODE: it gets [AUTH] here too')
def wrong_password(t):
    needs(t, 'PLAIN')
    client = t.greeted()
    said = client.ask(b'AUTH PLAIN ' + t.plain(password=t.password + b'-not'))
    if not is_err(said):
        raise Wrong(said, '-ERR to a wrong password')
    if 'AUTH-RESP-CODE' in t.tags() and code_of(said) != b'AUTH':
        t.wrong(said, '[AUTH], since AUTH-RESP-CODE is announced', ['R167a'])
    elif 'AUTH-RESP-CODE' not in t.tags():
        t.instead('R167a', 'n/a', 'no AUTH-RESP-CODE')
    if is_ok(said := client.ask('NOOP')):
        t.wrong(said, '-ERR to NOOP: nobody is logged in', ['R193'])
    if not is_ok(said := client.ask(b'AUTH PLAIN ' + t.plain())):
        t.wrong(said, '+OK to a second try', ['R193'])


@rule('R183', MUST, '5034 4', 'AUTH: what is no BASE64 gets -ERR')
@rule('R184', MUST, '5034 4', 'AUTH: octets outside the alphabet are not skipped')
def no_base64(t):
    needs(t, 'PLAIN')
    right = t.plain()
    spoilt = {'R183': [b'!!!!', b'=AAA', b'AAA=BBB', b'A'],
              'R184': [right[:4] + b'!' + right[4:], right[:4] + b' ' + right[4:], b'=' + right, right + b'.']}
    for name, responses in spoilt.items():
        for response in responses:
            client = t.greeted()
            begin(client, 'PLAIN')
            if not is_err(said := answer(client, response)):
                t.wrong(said, f'-ERR to the response {response.decode()}', [name])
            t.leave()


@rule('R187', MUST, '5034 4', 'AUTH: "=" is an initial response, an empty one')
def empty_initial(t):
    needs(t, 'PLAIN')
    client = t.greeted()
    client.exchange = True
    said = client.ask('AUTH PLAIN =')
    if not is_err(said):
        raise Wrong(said, '-ERR: PLAIN with an empty response')


@rule('R188', MUST, '5034 4', 'AUTH: an initial response where the server has to begin gets -ERR')
def initial_for_cram(t):
    needs(t, 'CRAM-MD5')
    client = t.greeted()
    client.exchange = True
    said = client.ask('AUTH CRAM-MD5 ' + base64.b64encode(b'user 00').decode())
    if not is_err(said):
        raise Wrong(said, '-ERR')


@rule('R190', MUST, '5034 4', 'AUTH: long responses are read whole')
@rule('R161', MUST, '2595 6', 'PLAIN: three names of 255 octets each are taken')
def long_response(t):
    needs(t, 'PLAIN')
    client = t.greeted()
    begin(client, 'PLAIN')
    try:
        said = answer(client, t.plain(b'u' * 255, b'p' * 255, b'u' * 255))
        if not is_err(said):
            t.wrong(said, '-ERR: there is no such user')
        elif surplus := client.silent(0.2):
            t.wrong(surplus, 'one reply')
        elif 'AUTH-RESP-CODE' in t.tags() and code_of(said) != b'AUTH':
            t.warn(said, '[AUTH], as wrong names get')
    except Ended as ended:
        t.wrong(str(ended), 'a reply to a response of 1,024 octets')


@rule('R203', MUST, '5034 4', 'AUTH: a line within it is a response, also QUIT')
def quit_within(t):
    needs(t, 'PLAIN')
    client = t.greeted()
    begin(client, 'PLAIN')
    said = answer(client, 'QUIT')  # BASE64 of three octets, as it happens
    if not is_err(said):
        raise Wrong(said, '-ERR: a response that is no PLAIN')
    if not is_ok(said := client.ask('QUIT')):
        t.wrong(said, '+OK to QUIT, which is a command again')


@rule('R249', MUST, '4616 2', 'PLAIN: what has not the form of it gets -ERR')
def malformed_plain(t):
    needs(t, 'PLAIN')
    user, password = t.user, t.password
    right = b'\0' + user + b'\0' + password
    for message in (right[1:], right + b'\0', right + b'\0x', b'\0\0' + password, b'\0' + user + b'\0', b'\0' + user):
        client = t.greeted()
        if is_ok(said := client.ask(b'AUTH PLAIN ' + base64.b64encode(message))):
            t.wrong(said, f'-ERR to {message.count(0)} NUL, in other places')
        t.leave()


@rule('R250', SHOULD, '4616 2', 'PLAIN: nobody gets the maildrop of another by an authorization identity')
def authzid(t):
    needs(t, 'PLAIN')
    client = t.greeted()
    if is_ok(said := client.ask(b'AUTH PLAIN ' + t.plain(authzid=b'somebody-else'))):
        t.wrong(said, '-ERR, or that this user may act for all')


@rule('R251', MUST, '2195 2', 'CRAM-MD5: it works, and its challenge is new each time')
def cram_md5(t):
    needs(t, 'CRAM-MD5')
    seen = set()
    for password in (t.password, t.password + b'x'):
        client = t.greeted()
        challenge = challenge_of(begin(client, 'CRAM-MD5'))
        if not re.fullmatch(rb'<[^<>@]+@[^<>@]+>', challenge):
            t.wrong(challenge, '<...@...>')
        seen.add(challenge)
        response = t.user + b' ' + hmac.new(password, challenge, 'md5').hexdigest().encode()
        said = answer(client, base64.b64encode(response))
        if password != t.password and is_ok(said):
            t.wrong(said, '-ERR to a wrong password')
        if password == t.password and is_err(said):
            t.warn(said, '+OK, if the server knows the password itself')
        t.leave()
    if len(seen) != 2:
        t.wrong('the same challenge twice', 'a new one each time')


@rule('R252', MUST, '5802 5', 'SCRAM: it works, both sides prove that they know the password')
@rule('R192', MUST, '5034 4', 'AUTH: what a success says is a challenge, answered by an empty line')
def scram(t):
    offered = [name for name in mechanisms(t) if re.fullmatch(r'SCRAM-SHA-(1|256)', name)]
    if not offered:
        raise NotApplicable('no SASL SCRAM')
    for mechanism in offered:
        client = t.greeted()
        side = Scram(mechanism, t.settings.user, t.settings.password)
        begin(client, mechanism)
        first = client.ask(side.first)
        if is_err(first):
            t.warn(first, f'a challenge to {mechanism}, if there are keys for this user')
            continue
        try:
            last = client.ask(side.step(first[2:]))
            if is_err(last):
                t.warn(last, f'the signature of {mechanism}, if there are keys for this user')
                continue
            if is_ok(last):
                t.wrong(last, 'the signature as a challenge', ['R192'])
                continue
            if not is_ok(said := answer(client, side.step(last[2:]))):
                t.wrong(said, '+OK to the empty line behind the signature', ['R192'])
        except (ValueError, KeyError, binascii.Error) as error:
            t.wrong(str(error), f'an exchange of {mechanism}', ['R252'])
        t.leave()


@rule('R253', SHOULD, '5802 5', 'SCRAM: a name that does not exist gets a salt too, always the same')
def scram_for_nobody(t):
    offered = [name for name in mechanisms(t) if re.fullmatch(r'SCRAM-SHA-(1|256)', name)]
    if not offered:
        raise NotApplicable('no SASL SCRAM')
    salts = set()
    for _ in range(2):
        client = t.greeted()
        side = Scram(offered[0], 'nobody-has-this-name', t.settings.password)
        begin(client, offered[0])
        said = client.ask(side.first)
        if is_err(said):
            raise Wrong(said, 'a challenge, as others get')
        salts.add(re.search(rb's=([^,]*)', challenge_of(said))[1])
        if not is_err(said := answer(client, side.step(said[2:]))):
            t.wrong(said, '-ERR to a proof of nobody')
        t.leave()
    if len(salts) > 1:
        t.wrong('another salt the second time', 'the same, as others have')


@rule('R258', SHOULD, 'draft-murchison-sasl-login', 'LOGIN: asks for a name, then for a password')
def login(t):
    needs(t, 'LOGIN')
    client = t.greeted()
    first = challenge_of(begin(client, 'LOGIN'))
    second = challenge_of(client.ask(base64.b64encode(t.user)))
    if not first.lower().startswith(b'user') or not second.lower().startswith(b'pass'):
        t.warn(first + b', ' + second, 'Username: and Password:')
    if not is_ok(said := answer(client, base64.b64encode(t.password))):
        t.wrong(said, '+OK to AUTH LOGIN')


@rule('R200', MUST, '5034 7', 'PLAIN is there within TLS')
def plain_within_tls(t):
    if not (t.settings.tls or t.settings.stls):
        raise Skip('needs --tls or --stls')
    t.needs_capa()
    if 'PLAIN' not in t.tags().get('SASL', []):
        raise Wrong('no SASL PLAIN', 'it, within TLS')


@rule('R160', MUST, '2595 6', 'PLAIN: not announced and not taken without encryption (unless the server is set up so)')
def plain_in_the_clear(t):
    if not t.settings.stls:
        raise Skip('needs --stls')
    client = t.clear()
    tags = t.capabilities(client) or {}
    said = client.ask(b'AUTH PLAIN ' + t.plain())
    if is_ok(said) or 'PLAIN' in tags.get('SASL', []):
        t.warn(said if is_ok(said) else 'SASL PLAIN in the clear', 'no PLAIN before TLS; but it may be set up so')
