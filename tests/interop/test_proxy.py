# SPDX-License-Identifier: MIT
"""Behind a proxy: PROXY headers by hand, and a real haproxy in front of pop3d."""
import poplib
import re
import shlex
import socket
import ssl
import struct
import subprocess
import time

from case import Case, program
from server import CERTIFICATE, KEY

PROXY = '127.0.0.1'     # is believed
STRANGER = '127.0.0.2'  # is not
HEADER = b'Subject: x\r\n\r\n'
SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'


def v2(command, family, block=b''):
    return SIGNATURE + struct.pack('!BBH', command, family, len(block)) + block


def v2_tcp4(source, port, tlvs=b''):
    ends = socket.inet_aton(source) + socket.inet_aton('198.51.100.7') + struct.pack('!HH', port, 110)
    return v2(0x21, 0x11, ends + tlvs)


def v2_tcp6(source, port):
    ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, '::1')
    return v2(0x21, 0x21, ends + struct.pack('!HH', port, 110))


# header -> the address in the log
GOOD = {
    b'PROXY TCP4 192.0.2.1 198.51.100.7 50000 110\r\n': '192.0.2.1:50000',
    b'PROXY TCP6 2001:DB8:0:0::1 ::1 1 110\r\n': '[2001:db8::1]:1',
    b'PROXY TCP6 ::ffff:192.0.2.9 ::ffff:192.0.2.10 7 110\r\n': '192.0.2.9:7',
    v2_tcp4('192.0.2.2', 65535): '192.0.2.2:65535',
    v2_tcp4('192.0.2.3', 3, b'\x04\0\x02xx\xe0\0\0'): '192.0.2.3:3',
    v2_tcp6('2001:db8::2', 4): '[2001:db8::2]:4',
}
# These do not say whose connection it is.
SILENT = (b'PROXY UNKNOWN\r\n', b'PROXY UNKNOWN 192.0.2.1 192.0.2.2 1 2\r\n', v2(0x20, 0x00), v2(0x20, 0x11, b'x' * 12),
          v2(0x21, 0x00, b'skipped'), v2(0x21, 0x31, b'/run/a'.ljust(108, b'\0') + b'/run/b'.ljust(108, b'\0')))
# header -> the reason in the log
BAD = {
    b'CAPA\r\n': 'no_header',
    b'\x16\x03\x01\x02\0\x01': 'no_header',
    b'PROXY TCP4 192.0.2.1 198.51.100.7 50000 110\nCAPA\r\n': 'bad_line',
    b'PROXY TCP4 192.0.2.1  198.51.100.7 50000 110\r\n': 'bad_line',
    b'PROXY TCP4 192.0.2.01 198.51.100.7 50000 110\r\n': 'bad_address',
    b'PROXY TCP4 192.0.2.1 198.51.100.7 65536 110\r\n': 'bad_port',
    b'PROXY UNKNOWN ' + b'x' * 94 + b'\r\n': 'too_long',
    SIGNATURE + b'\x31\x11\0\0': 'bad_version',
    v2(0x22, 0x11, b'x' * 12): 'bad_command',
    v2(0x21, 0x51, b'x' * 12): 'bad_family',
    v2(0x21, 0x11, b'x' * 11): 'short_addresses',
    v2(0x21, 0x00, b'x' * 521): 'too_long',
    v2_tcp4('192.0.2.1', 1, b'\x04\0\x01'): 'bad_tlv',
    v2_tcp4('192.0.2.1', 1, b'\x03\0\x04sum?'): 'bad_checksum',
}
SESSION = b'USER ann\r\nPASS sesame\r\nSTAT\r\nQUIT\r\n'


def fields(line):
    return dict(re.findall(r'(\S+?)=(\S*)', line))


def client_hello(context, name):
    """A TLS client of which the first octets are still to be sent: (object, in, out)."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return client, incoming, outgoing


class Behind(Case):
    """What the tests here have in common."""

    def serve_behind(self, *options, **settings):
        server = self.serve('--log-level', 'debug', *options, **settings)
        server.maildir.deliver(HEADER + b'first\r\n')
        return server

    def lines(self, server, event, count=1, patience=5):
        """The log lines of this event, once there are so many, as {key: value}."""
        until = time.monotonic() + patience
        while True:
            found = [line for line in server.log().splitlines() if f' {event} ' in line]
            if len(found) >= count or time.monotonic() > until:
                return [fields(line) for line in found]
            time.sleep(0.01)

    def address(self, server, count=1):
        """That of the session that ended last, of so many."""
        lines = server.session_lines(count)
        self.assertEqual(len(lines), count)
        return lines[-1]['address']

    def front(self, to, settings, tls=''):
        """A haproxy that passes connections on; its address. It listens on a socket of ours, so no port is guessed."""
        listener = socket.create_server((PROXY, 0))
        self.addCleanup(listener.close)
        folder = self.folder()
        configuration = folder / 'haproxy.cfg'
        configuration.write_text(f'''
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen front
  bind fd@{listener.fileno()} {tls}
  server pop3d {to[0]}:{to[1]} {settings}
''')
        with open(folder / 'log', 'wb') as log:
            process = subprocess.Popen(['haproxy', '-db', '-f', str(configuration)], pass_fds=[listener.fileno()],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return listener.getsockname()


class Headers(Behind):
    def setUp(self):
        self.server = self.serve_behind('--proxy-from', PROXY, tls=True)

    def assertServed(self, answers):
        self.assertRegex(answers, rb'\A\+OK [^\r]+\r\n\+OK [^\r]+\r\n\+OK [^\r]+\r\n\+OK 1 21\r\n\+OK bye\r\n\Z')

    def test_one_segment(self):
        """PROXY: a header and the first commands in one segment, versions 1 and 2; the log has the client's address"""
        for count, (header, address) in enumerate(GOOD.items(), 1):
            with self.subTest(header):
                wire = self.connect(self.server.plain)
                wire.send(header + SESSION)
                self.assertServed(wire.rest())
                self.assertEqual(self.address(self.server, count), address)

    def test_single_octets(self):
        """PROXY: the same octet by octet; nothing is said before the header is whole"""
        for count, (header, address) in enumerate(GOOD.items(), 1):
            with self.subTest(header):
                wire = self.connect(self.server.plain)
                wire.send_octets(header[:-1])
                wire.socket.settimeout(0.05)
                self.assertRaises(TimeoutError, wire.line)
                wire.socket.settimeout(10)
                wire.send_octets(header[-1:] + SESSION)
                self.assertServed(wire.rest())
                self.assertEqual(self.address(self.server, count), address)

    def test_tls(self):
        """PROXY: a header in front of TLS, in one segment with the ClientHello and octet by octet"""
        context = ssl.create_default_context(cafile=CERTIFICATE)
        ways = [(header, send) for header in GOOD for send in ('send', 'send_octets')]
        for count, (header, send) in enumerate(ways, 1):
            with self.subTest(header=header, send=send):
                wire = self.connect(self.server.tls)
                client, incoming, outgoing = client_hello(context, '127.0.0.1')
                getattr(wire, send)(header + outgoing.read())
                answers = b''
                todo = [client.do_handshake, lambda c=client: c.write(SESSION)]
                while todo or not answers.endswith(b'bye\r\n'):
                    try:
                        if todo:
                            todo[0]()
                            todo.pop(0)
                        else:
                            answers += client.read(4096)
                    except ssl.SSLWantReadError:
                        wire.send(outgoing.read())
                        octets = wire.socket.recv(65536)
                        self.assertTrue(octets, answers)
                        incoming.write(octets)
                self.assertServed(answers)
                wire.close()
                self.assertEqual(self.address(self.server, count), GOOD[header])
                self.assertEqual(self.server.session_lines(count)[-1]['tls'], 'yes')

    def test_silent(self):
        """PROXY: LOCAL, UNKNOWN and the like leave the address as it is"""
        for count, header in enumerate(SILENT, 1):
            with self.subTest(header):
                wire = self.connect(self.server.plain)
                port = wire.socket.getsockname()[1]
                wire.send(header + SESSION)
                self.assertServed(wire.rest())
                self.assertEqual(self.address(self.server, count), f'{PROXY}:{port}')

    def test_bad(self):
        """PROXY: a bad header, or none, ends the connection without a word, and makes one line in the log"""
        listeners = self.server.plain, self.server.tls
        bad = [(octets, reason, address) for octets, reason in BAD.items() for address in listeners]
        for count, (octets, reason, address) in enumerate(bad, 1):
            with self.subTest(octets):
                wire = self.connect(address)
                port = wire.socket.getsockname()[1]
                wire.send(octets + SESSION)
                self.assertTrue(wire.is_over())
                lines = self.lines(self.server, 'warning proxy', count)
                self.assertEqual(len(lines), count)
                self.assertEqual(lines[-1], {'peer': f'{PROXY}:{port}', 'reason': reason})
        self.assertNotIn(' session ', self.server.log())

    def test_cut_off(self):
        """PROXY: whoever hangs up in the middle of a header is noticed"""
        for count, header in enumerate((b'', b'P', b'PROXY UNKNOWN\r', SIGNATURE, v2_tcp4('192.0.2.1', 1)[:-1]), 1):
            wire = self.connect(self.server.plain)
            wire.send(header)
            wire.end_sending()
            self.assertTrue(wire.is_over())
            lines = self.lines(self.server, 'warning proxy', count)
            self.assertEqual([line['reason'] for line in lines], ['hung_up'] * count)

    def test_too_late(self):
        """PROXY: a header has 10 s, and single octets earn no delay; TLS comes after it"""
        wires = [self.connect(where, timeout=20) for where in (self.server.plain, self.server.plain, self.server.tls)]
        since = time.monotonic()
        wires[1].send(b'PROXY UNK')
        for octet in b'PROXY UNK':
            time.sleep(1)
            wires[2].send(bytes([octet]))
        for wire in wires:
            self.assertTrue(wire.is_over())
            self.assertTrue(9.5 < time.monotonic() - since < 13, time.monotonic() - since)
        self.assertEqual([line['reason'] for line in self.lines(self.server, 'warning proxy', 3)], ['timeout'] * 3)

    def test_stranger(self):
        """PROXY: from everybody else a header is a bad command like any other, and changes no address"""
        wire = self.connect(self.server.plain, source=STRANGER)
        own = '%s:%d' % wire.socket.getsockname()
        self.assertOk(wire.line())  # without a header
        self.assertErr(wire.ask(b'PROXY TCP4 192.0.2.1 198.51.100.7 50000 110'))
        self.assertOk(wire.login('ann', 'sesame'))
        self.assertOk(wire.ask(b'QUIT'))
        self.assertEqual(self.address(self.server), own)
        # Version 2 was made so that POP3 servers hang up: it says QUIT.
        wire = self.connect(self.server.plain, source=STRANGER)
        own = '%s:%d' % wire.socket.getsockname()
        wire.send(v2_tcp4('192.0.2.1', 1) + SESSION)
        self.assertNotIn(b'+OK 1 21', wire.rest())
        self.assertEqual(self.address(self.server, 2), own)
        # In front of TLS it is no TLS.
        wire = self.connect(self.server.tls, source=STRANGER)
        wire.send(b'PROXY UNKNOWN\r\n')
        self.assertEqual(self.server.session_lines(3)[-1]['reason'], 'tls_handshake')
        self.assertNotIn('warning proxy', self.server.log())

    def test_stop(self):
        """PROXY: a connection whose header is awaited does not hold up the end of the server"""
        wire = self.connect(self.server.plain)
        wire.send(b'PROXY ')
        time.sleep(0.1)
        since = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - since, 3)
        self.assertTrue(wire.is_over())


class Networks(Behind):
    def test_networks(self):
        """PROXY: --proxy-from may be given many times, with networks and addresses of both families"""
        server = self.serve_behind('--proxy-from', '10.0.0.0/8', '--proxy-from', '127.0.0.4/31', '--proxy-from', '::1',
                                   '--proxy-from', '127.0.0.9', listen=('127.0.0.1:0', '[::1]:0'))
        inside = ['127.0.0.4', '127.0.0.5', '127.0.0.9', '::1']
        outside = ['127.0.0.3', '127.0.0.6', '127.0.0.8', '127.0.0.1']
        for source in inside + outside:
            with self.subTest(source):
                wire = self.connect(server.listening['plain'][':' in source], source=source)
                wire.send(b'PROXY UNKNOWN\r\nQUIT\r\n')
                answers = wire.rest()
                self.assertEqual(b'-ERR' in answers, source in outside)
                self.assertEqual(answers.count(b'+OK'), 2)

    def test_off(self):
        """PROXY: without --proxy-from nobody is believed"""
        server = self.serve_behind()
        wire = self.greeted(server.plain)
        self.assertErr(wire.ask(b'PROXY TCP4 192.0.2.1 198.51.100.7 50000 110'))

    def external(self, name):
        """The answer to EXTERNAL of whom a header calls CN=ann."""
        server = self.serve_behind('--proxy-from', PROXY, '--client-ca', CERTIFICATE, '--client-cert-name', name, tls=True)
        facts = b'\x07\0\0\0\0\x22\0\x03ann'  # TLS, with a certificate in it, which was checked
        wire = self.connect(server.plain)
        wire.send(v2_tcp4('192.0.2.1', 1, b'\x20' + struct.pack('!H', len(facts)) + facts))
        self.assertOk(wire.line())
        return wire.ask(b'AUTH EXTERNAL =')

    def test_external(self):
        """PROXY R174: the CN in a header names the user where --client-cert-name says so, and only there"""
        self.assertOk(self.external('cn'))
        for name in ('email', 'uid'):
            self.assertErr(self.external(name))


class FromStranger:
    """Makes poplib's connections come from an address of their own, and keeps it."""

    def _create_socket(self, timeout):
        plain = socket.create_connection((self.host, self.port), timeout, source_address=(STRANGER, 0))
        self.own = '%s:%d' % plain.getsockname()
        return self.wrap(plain)

    def wrap(self, plain):
        return plain


class Plain(FromStranger, poplib.POP3):
    pass


class Tls(FromStranger, poplib.POP3_SSL):
    def wrap(self, plain):
        return self.context.wrap_socket(plain, server_hostname='localhost')  # no address: it goes into SNI


@program('haproxy')
class Haproxy(Behind):
    def setUp(self):
        self.server = self.serve_behind('--proxy-from', PROXY, tls=True)
        self.trusting = ssl.create_default_context(cafile=CERTIFICATE)

    def session(self, client):
        """All that a mail program does; the client's own address has to be the one in the log."""
        client.user('ann')
        client.pass_('sesame')
        self.assertEqual(client.stat()[0], 1)
        _, lines, _ = client.retr(1)
        self.assertEqual(b'\r\n'.join(lines) + b'\r\n', HEADER + b'first\r\n')
        client.dele(1)
        client.quit()
        line = self.server.session_lines()[-1]
        self.assertEqual((line['address'], line['deleted'], line['user']), (client.own, '1', 'ann'))
        self.assertEqual(self.server.maildir.files(), {})
        return line

    def test_version_1(self):
        """PROXY: a whole session through haproxy with send-proxy"""
        self.session(Plain(*self.front(self.server.plain, 'send-proxy'), timeout=10))
        self.assertEqual(self.lines(self.server, 'debug proxy')[0]['version'], '1')

    def test_version_2(self):
        """PROXY: a whole session through haproxy with send-proxy-v2, with a checksum"""
        self.session(Plain(*self.front(self.server.plain, 'send-proxy-v2 proxy-v2-options crc32c'), timeout=10))
        self.assertEqual(self.lines(self.server, 'debug proxy')[0]['version'], '2')

    def test_tls_passed(self):
        """PROXY: haproxy passes TLS through, behind headers of both versions"""
        for settings in ('send-proxy', 'send-proxy-v2'):
            with self.subTest(settings):
                server = self.server = self.serve_behind('--proxy-from', PROXY, tls=True)
                client = Tls(*self.front(server.tls, settings), timeout=10, context=self.trusting)
                self.assertEqual(self.session(client)['tls'], 'yes')

    def terminating(self):
        both = self.folder() / 'both.pem'
        both.write_text(CERTIFICATE.read_text() + KEY.read_text())
        return self.front(self.server.plain, 'send-proxy-v2-ssl-cn proxy-v2-options crc32c,authority,ssl-cipher',
                          f'ssl crt {shlex.quote(str(both))} verify optional ca-file {shlex.quote(str(CERTIFICATE))}')

    def test_tls_ended(self):
        """PROXY: haproxy ends TLS, and the facts of it arrive"""
        client = Tls(*self.terminating(), timeout=10, context=self.trusting)
        cipher, version, _ = client.sock.cipher()
        self.assertEqual(self.session(client)['tls'], 'no')  # none of pop3d's own
        facts = self.lines(self.server, 'debug proxy')[0]
        told = [facts[key] for key in ('version', 'client_tls', 'tls_version', 'cipher', 'authority')]
        self.assertEqual(told, ['2', 'yes', version, cipher, 'localhost'])
        self.assertNotIn('certificate', facts)

    def test_client_certificate(self):
        """PROXY: haproxy tells of a client's certificate"""
        self.trusting.load_cert_chain(CERTIFICATE, KEY)
        client = Tls(*self.terminating(), timeout=10, context=self.trusting)
        subject = {key: value for part in client.sock.getpeercert()['subject'] for key, value in part}
        self.session(client)
        self.assertEqual(self.lines(self.server, 'debug proxy')[0]['certificate'],
                         subject['commonName'].replace(' ', r'\x20'))

    def test_health_check(self):
        """PROXY: haproxy's own health checks say that they are its own"""
        self.front(self.server.plain, 'send-proxy-v2 check inter 100ms')
        line = self.lines(self.server, 'debug proxy')[0]
        self.assertEqual((line['local'], line['address']), ('yes', line['peer']))
