# SPDX-License-Identifier: MIT
"""STLS and TLS (RFC 2595, RFC 8314)."""
import ssl
import warnings

from harness import MAY, MUST, SHOULD, NotApplicable, Skip, quit_and_close, rule
from wire import Ended, Silence, Wrong, is_err, is_ok, shown


def before_stls(t):
    """A greeted connection in the clear to a server that has STLS."""
    if t.settings.tls:
        raise Skip('needs a connection in the clear')
    client = t.clear()
    if 'STLS' not in (t.capabilities(client) or {}):
        raise NotApplicable('no STLS')
    return client


def in_tls(t, context=None):
    if t.settings.tls:
        client = t.connect(False)
        t.start_tls(client, context)
        client.reply()
        return client
    return t.stls(before_stls(t), context)


@rule('R136', MUST, '2595 4', 'STLS: CAPA is there too')
def with_capa(t):
    if t.settings.tls:
        raise Skip('needs a connection in the clear')
    client = t.clear()
    if t.capabilities(client) is None:
        if is_ok(said := client.ask('STLS')):
            raise Wrong(said, 'CAPA, since there is STLS')
        raise NotApplicable('no STLS')
    before_stls(t)


@rule('R137', MUST, '2595 4', 'STLS: announced only where it is taken: not within TLS, not after the login')
def announced(t):
    client = before_stls(t)
    tags = t.capabilities(t.stls(client))
    if tags is None:
        t.wrong('-ERR to CAPA within TLS', 'capabilities')
    elif 'STLS' in tags:
        t.wrong('STLS within TLS', 'no STLS there')
    if 'STLS' in t.tags('transaction'):
        t.warn('STLS after the login', 'no STLS there (RFC 2595, 4; but RFC 2449, 5)')


@rule('R138', MUST, '2595 4', 'STLS takes no argument')
def argument(t):
    before_stls(t)
    t.refused(['STLS now'], lambda: before_stls(t))


@rule('R139', MUST, '2595 4', 'STLS: not after the login')
def after_login(t):
    before_stls(t)
    client = t.entered()
    if not is_err(said := client.ask('STLS')):
        raise Wrong(said, '-ERR to STLS after the login')


@rule('R140', MAY, '2595 4', 'STLS: not within TLS')
def within_tls(t):
    if not is_err(said := in_tls(t).ask('STLS')):
        raise Wrong(said, '-ERR to STLS within TLS')


@rule('R141', MUST, '2595 4', 'STLS: nothing in the clear behind its reply')
@rule('R144', MUST, '2595 4', 'STLS: no second greeting')
def no_second_greeting(t):
    client = before_stls(t)
    client.ok('STLS')
    if surplus := client.silent():
        t.wrong(surplus, 'nothing in the clear behind the reply to STLS', ['R141'])
    t.start_tls(client)
    if surplus := client.silent(0.5):
        t.wrong(surplus, 'no second greeting', ['R144'])


@rule('R142', MUST, '2595 4', 'STLS: what was sent in the clear behind it is never a command')
def injection(t):
    for injected, ends in ((b'CAPA\r\n', b''), (b'CA', b'PA\r\n'), (b'FOOO\r\n', b'')):
        client = before_stls(t)
        client.send(b'STLS\r\n' + injected)
        if not is_ok(client.reply(b'STLS')):
            continue  # refused so
        try:
            t.start_tls(client)
        except Wrong:
            continue  # the handshake fails: those octets were taken for its own
        if said := client.silent(0.7):
            t.wrong(said, f'no reply to {shown(injected)}, which came in the clear')
        elif ends:
            client.send(ends)
            said = client.silent(1)
            if is_ok(said):
                t.wrong(said, f'-ERR to {shown(ends)}: what came before it was in the clear')


@rule('R143', MUST, '2595 4', 'STLS: back to AUTHORIZATION, and a USER of before is forgotten')
def forgets(t):
    t.may_log_in_by('USER')
    client = before_stls(t)
    client.ask(b'USER ' + t.user)
    try:
        t.stls(client)
    except (Wrong, Ended):
        raise NotApplicable('no STLS behind USER') from None
    if is_ok(said := client.ask('NOOP')):
        t.wrong(said, '-ERR to NOOP behind the handshake')
    client = before_stls(t)
    client.ask(b'USER ' + t.user)
    t.stls(client)
    if is_ok(said := client.ask(b'PASS ' + t.password)):
        t.warn(said, '-ERR to PASS: USER was said before the handshake')


@rule('R238', MUST, '8314 4.1', 'a refusal for lack of TLS does not tell whether the password is right')
def refusal_tells_nothing(t):
    client = before_stls(t)
    said = t.log_in(client, how='USER')
    if is_ok(said):
        raise NotApplicable('one may log in without TLS')
    client = before_stls(t)
    if (other := t.log_in(client, t.password + b'-not', how='USER')) != said:
        raise Wrong(other, f'what the right password gets: {said.decode("latin-1")}')


@rule('R232', MUST, '8314 3.1', 'TLS from the start: the greeting comes within it')
def implicit(t):
    if not t.settings.tls:
        raise Skip('needs --tls')
    client = t.connect(False)
    if said := client.silent(0.5):
        raise Wrong(said, 'nothing in the clear')
    t.start_tls(client)
    if not is_ok(said := client.reply()):
        raise Wrong(said, 'a greeting')


@rule('R237', MUST, '8997', 'TLS 1.2 or later works, 1.0 and 1.1 do not')
def versions(t):
    in_tls(t)
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        context.set_ciphers('ALL:@SECLEVEL=0')
        try:
            in_tls(t, context)
        except Wrong:
            continue
        t.wrong(version.name, 'TLS 1.2 or later')


@rule('R235', SHOULD, '8314 3.4', 'TLS is ended by an alert, not by the end of the connection alone')
def close_alert(t):
    client = in_tls(t)
    quit_and_close(client)
    if not client.carrier.was_closed_cleanly:
        raise Wrong('the end of the connection', 'a close alert before it')


@rule('X4', MUST, '2595 4', 'TLS: what is no handshake ends the connection, and nobody else\'s')
def no_handshake(t):
    if t.settings.tls:
        client = t.connect(False)
    else:
        client = before_stls(t)
        client.ok('STLS')
    client.send(b'USER ann\r\n' * 3)
    try:
        said = client.raw_line(timeout=5)
        if is_ok(said) or is_err(said):
            t.wrong(said, 'no reply in the clear')
    except (Ended, Silence):
        pass
    quit_and_close(in_tls(t))
