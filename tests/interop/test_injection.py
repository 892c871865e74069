# SPDX-License-Identifier: MIT
"""What somebody else puts into a connection around STLS is never executed (CVE-2011-0411 and its many brothers)."""
import base64
import re
import ssl

from case import Case
from server import CERTIFICATE
from test_proxy import client_hello

COMMANDS = {
    'USER': b'USER eve\r\n',
    'PASS': b'PASS sesame\r\n',  # after USER ann: it would log in
    'AUTH': b'AUTH PLAIN ' + base64.b64encode(b'\0ann\0sesame') + b'\r\n',
    'CAPA': b'CAPA\r\n',
    'QUIT': b'QUIT\r\n',
}
WAYS = ('whole', 'half', 'same segment', 'next segment', 'one octet', 'after +OK')


class Client:
    """TLS over a Wire, begun whenever a test likes."""

    def __init__(self, wire):
        self.wire = wire
        context = ssl.create_default_context(cafile=CERTIFICATE)
        self.tls, self.incoming, self.outgoing = client_hello(context, 'localhost')
        self.hello = self.outgoing.read()
        if wire.unread:
            self.incoming.write(wire.unread)

    def until_done(self, step):
        """Exchanges octets until this is done."""
        while True:
            try:
                done = step()
                break
            except ssl.SSLWantReadError:
                self.flush()
                octets = self.wire.socket.recv(65536)
                if not octets:
                    raise EOFError('the connection ended') from None
                self.incoming.write(octets)
        self.flush()
        return done

    def flush(self):
        if octets := self.outgoing.read():
            self.wire.send(octets)

    def handshake(self):
        self.until_done(self.tls.do_handshake)

    def say(self, octets):
        self.tls.write(octets)
        self.flush()

    def ask(self, octets, replies=1):
        """Says this, and returns as many lines."""
        self.say(octets)
        said = b''
        while said.count(b'\r\n') < replies:
            said += self.until_done(lambda: self.tls.read(65536))
        return said


class Injection(Case):
    def setUp(self):
        self.server = self.serve('--log-level', 'debug', '--hostname', 'localhost', users={'ann': 'sesame', 'eve': 'x'},
                                 tls=True)
        self.server.maildir.deliver(b'Subject: x\r\n\r\n')

    def said_to(self, session):
        """The commands and events of this session, in the order of the log, as the trace has them."""
        ids = re.findall(r' trace id=(\d+) line=S:\\x20\+OK\\x20localhost', self.server.log())
        lines = re.findall(rf' trace id={ids[session]} line=(\S+)', self.server.log())
        return [line.replace(r'\x20', ' ') for line in lines if line.startswith((r'C:', 'event:'))]

    def assertNothingRun(self, count, before):
        """Of the last of so many sessions only what the client said before STLS, and STLS, was run."""
        line = self.server.session_lines(count)[count - 1]
        said = {key: line[key] for key in ('user', 'tls', 'method', 'commands', 'bad', 'failed_logins', 'reason')}
        self.assertEqual(said, {'user': '-', 'tls': 'no', 'method': '-', 'commands': str(len(before) + 1), 'bad': '0',
                                'failed_logins': '0', 'reason': 'tls_failed'})
        self.assertEqual(self.said_to(count - 1), [*(f'C: {command}' for command in before), 'C: STLS',
                                                   'event: TlsRequest', 'event: Closed tls_failed release=no'])

    def begin(self, command):
        """A session before STLS: (wire, what it said)."""
        wire = self.greeted(self.server.plain)
        before = ['USER ann'] if command == 'PASS' else []
        for line in before:
            self.assertOk(wire.ask(line.encode()))
        return wire, before

    def inject(self, wire, client, line, way):
        """STLS with something behind it, and the client's first octets of TLS."""
        half = line[:len(line) // 2]
        if way == 'whole':  # with STLS, before the server has answered; then the client goes on
            wire.send(b'STLS\r\n' + line)
            reply = wire.line()
            wire.send(client.hello)
        elif way == 'half':  # the client's octets would complete the line
            wire.send(b'STLS\r\n' + half)
            reply = wire.line()
            wire.send(client.hello + line[len(half):])
        elif way == 'same segment':
            wire.send(b'STLS\r\n' + line + client.hello)
            reply = wire.line()
        elif way == 'next segment':
            wire.send(b'STLS\r\n')
            wire.send(line)
            reply = wire.line()
            wire.send(client.hello)
        elif way == 'after +OK':
            reply = wire.ask(b'STLS')
            wire.send(line)
            wire.send(client.hello)
        else:
            wire.send(b'STLS\r\n' + line[:1])
            reply = wire.line()
            wire.send(client.hello)
        return reply

    def assertOnlyAlerts(self, wire):
        """All there is up to the end is TLS's own, and says that it failed: no octet of POP3."""
        octets = wire.rest()
        while octets:
            kind, size = octets[0], int.from_bytes(octets[3:5], 'big')
            self.assertEqual((kind, size), (21, 2), octets)  # an alert (RFC 8446, 5.1)
            octets = octets[5 + size:]

    def test_matrix(self):
        """R142: 5 commands by 6 ways behind STLS: nothing is executed, TLS fails, the connection ends"""
        cells = [(way, name) for way in WAYS for name in COMMANDS]
        for count, (way, name) in enumerate(cells, 1):
            with self.subTest(way=way, command=name):
                wire, before = self.begin(name)
                client = Client(wire)
                try:
                    self.assertEqual(self.inject(wire, client, COMMANDS[name], way), b'+OK begin TLS')
                    self.assertOnlyAlerts(wire)
                except ConnectionError:  # what it sent too late was not read
                    pass
                wire.close()
                self.assertNothingRun(count, before)
        self.assertEqual(len(self.server.session_lines(0)), len(cells))
        self.assertEqual(len(self.server.maildir.names()), 1)
        self.note(f'{len(cells)} injections, 0 octets executed')

    def test_flood(self):
        """R142: many commands behind STLS, more than fit into a buffer, are not run either"""
        for count, line in enumerate((COMMANDS['AUTH'], COMMANDS['CAPA'], b'NOOP\r\n'), 1):
            wire, _ = self.begin('')
            try:
                wire.send(b'STLS\r\n' + line * (100_000 // len(line)))
                self.assertEqual(wire.line(), b'+OK begin TLS')
                self.assertOnlyAlerts(wire)
            except ConnectionError:
                pass
            self.assertNothingRun(count, [])

    def test_pipelined_hello(self):
        """R144: the client's own first octets may come with STLS; the first reply is to the first command inside TLS"""
        wire, _ = self.begin('')
        client = Client(wire)
        wire.send(b'STLS\r\n' + client.hello)
        self.assertEqual(wire.line(), b'+OK begin TLS')
        client.incoming.write(wire.unread)
        client.handshake()
        self.assertIn(b'in this state', client.ask(b'STAT\r\n'))  # nobody is logged in
        self.assertEqual(client.ask(b'QUIT\r\n'), b'+OK bye\r\n')
        self.assertEqual(self.server.session_lines()[0]['commands'], '3')

    def test_plain_before(self):
        """R143: what came before STLS is answered before it, and then forgotten: no USER, no LANG remains"""
        wire, _ = self.begin('')
        client = Client(wire)
        wire.send(b'LANG de\r\nUSER ann\r\nSTLS\r\n')
        for reply in (b'+OK de Sprache gewechselt', b'+OK jetzt PASS senden', b'+OK jetzt mit TLS beginnen'):
            self.assertEqual(wire.line(), reply)
        wire.send(client.hello)
        client.handshake()
        self.assertTrue(client.ask(b'PASS sesame\r\n').startswith(b'-ERR '))
        self.assertIn(b'send PASS', client.ask(b'USER ann\r\n'))
        self.assertTrue(client.ask(b'PASS sesame\r\n').startswith(b'+OK '))
        self.assertEqual(client.ask(b'QUIT\r\n'), b'+OK bye\r\n')
        line = self.server.session_lines()[0]
        self.assertEqual((line['user'], line['method'], line['tls'], line['reason']), ('ann', 'USER', 'yes', 'quit'))

    def test_early_commands(self):
        """R144: commands in the same flight as the end of the handshake belong to TLS, and are run once, in order"""
        wire, _ = self.begin('')
        client = Client(wire)
        self.assertOk(wire.ask(b'STLS'))
        wire.send(client.hello)
        while True:
            try:
                client.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.incoming.write(wire.socket.recv(65536))
        client.tls.write(b'USER ann\r\nPASS sesame\r\nSTAT\r\nQUIT\r\n')
        replies = client.ask(b'', 4)
        self.assertRegex(replies, rb'\A\+OK [^\r]+\r\n\+OK [^\r]+\r\n\+OK 1 14\r\n\+OK bye\r\n\Z')

    def test_no_tls(self):
        """R141: who says STLS and then goes on in plain text is not understood"""
        for count, line in enumerate(COMMANDS.values(), 1):
            wire, _ = self.begin('')
            self.assertOk(wire.ask(b'STLS'))
            wire.send(line)
            self.assertOnlyAlerts(wire)
            wire.close()
            self.assertNothingRun(count, [])
