# SPDX-License-Identifier: MIT
"""TLS of pop3d: certificates, versions, ciphers, clients with certificates, files that are read again, load."""
import json
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import case
from case import Case, program
from certificates import Authority


@program('openssl')
class TlsCase(Case):
    """`self.authority` signs. The server has --cert and --key of `self.pairs`."""

    def setUp(self):
        self.place = self.folder()
        self.authority = Authority(self.place)

    def serve_tls(self, *pairs, options=(), log_level='debug', **settings):
        words = [word for certificate, key in pairs for word in ('--cert', certificate, '--key', key)]
        return self.serve('--listen-tls', '127.0.0.1:0', '--log-level', log_level, *words, *options, **settings)

    def install(self, name):
        """Puts a new certificate where the server reads its own: self.live."""
        for source, target in zip(self.authority.issue(name), self.live):
            shutil.copyfile(source, target)

    def trusting(self, *pair, most=None):
        """A client that trusts our authority, whatever name the server has; with a certificate of its own?"""
        context = ssl.create_default_context(cafile=self.authority.certificate)
        context.check_hostname = False
        if most is not None:
            context.maximum_version = most
        if pair:
            context.load_cert_chain(*pair)
        return context

    def shown(self, server, name=None, context=None):
        """The CN of the certificate that a client gets to see who asks for `name`."""
        wire = self.greeted(server.tls, tls=context or self.trusting(), name=name)
        subject = wire.socket.getpeercert()['subject']
        self.assertOk(wire.ask(b'QUIT'))
        wire.close()
        return dict(part for parts in subject for part in parts)['commonName']

    def tls_lines(self, server, count=1):
        """The facts that the server logged of its connections."""
        until = time.monotonic() + 5
        while True:
            lines = [line for line in server.log().splitlines() if ' debug tls ' in line]
            if len(lines) >= count or time.monotonic() > until:
                return [dict(re.findall(r'(\S+?)=(\S*)', line)) for line in lines]
            time.sleep(0.01)


class Certificates(TlsCase):
    def test_sni(self):
        """R153: the name that a client asks for chooses the certificate; the first is for all other names, and none"""
        issue = self.authority.issue
        server = self.serve_tls(issue('first', names='DNS:first.example.org'),
                                issue('wild', names='DNS:*.example.org'),
                                issue('exact', names='DNS:pop.example.org,DNS:POP3.example.ORG,DNS:*.deep.example.net'),
                                issue('later', names='DNS:pop.example.org'),
                                issue('common', subject='/CN=cn.example.com'),
                                issue('hidden', subject='/CN=cn.example.net', names='DNS:other.example.net'),
                                issue('partial', names='DNS:w*.example.com'))
        for name, expected in (('first.example.org', 'first'), ('pop.example.org', 'exact'),
                               ('pop3.example.org', 'exact'), ('PoP.eXample.org', 'exact'),
                               ('x.example.org', 'wild'), ('x.y.example.org', 'first'), ('example.org', 'first'),
                               ('a.deep.example.net', 'exact'), ('deep.example.net', 'first'),
                               ('cn.example.com', 'cn.example.com'), ('cn.example.net', 'first'),
                               ('other.example.net', 'cn.example.net'), ('www.example.com', 'first'),
                               ('unknown', 'first'), (None, 'first')):
            for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with self.subTest(name, version=most):
                    self.assertEqual(self.shown(server, name, self.trusting(most=most)), expected)
        self.assertEqual(self.tls_lines(server)[0]['sni'], 'first.example.org')

    def test_two_kinds_of_keys(self):
        """Of two certificates for one name the client gets the one that it can use"""
        issue = self.authority.issue
        server = self.serve_tls(issue('default'), issue('curve', names='DNS:pop.example.org'),
                                issue('rsa', names='DNS:pop.example.org', kind='rsa'))
        for ciphers, expected in (('ECDHE-RSA-AES128-GCM-SHA256', 'rsa'), ('ECDHE-ECDSA-AES128-GCM-SHA256', 'curve')):
            context = self.trusting(most=ssl.TLSVersion.TLSv1_2)
            context.set_ciphers(ciphers)
            self.assertEqual(self.shown(server, 'pop.example.org', context), expected)

    def test_pairs(self):
        """--cert and --key come in pairs, and belong together"""
        good, other = self.authority.issue('good'), self.authority.issue('other')
        users, mail = self.place / 'users', self.place / 'mail'
        users.write_text('ann:{PLAIN}sesame\n')
        mail.mkdir()
        serve = ('--mail', mail, '--users', users, '--listen-tls', '127.0.0.1:0', '--cert', good[0], '--key', good[1])
        for options, status, word in ((('--cert', other[0]), 2, '--key'), (('--key', other[1]), 2, '--cert'),
                                      (('--cert', other[0], '--key', good[1]), 1, 'good.key'),
                                      (('--require-client-cert',), 2, '--client-ca'),
                                      (('--client-ca', 'no-ca'), 1, 'no-ca'), (('--client-ca', users), 1, 'users'),
                                      (('--client-ca', ''), 2, '--client-ca'),
                                      (('--client-cert-name', 'shoe'), 2, '--client-cert-name')):
            with self.subTest(options):
                done = self.run_program(case.POP3D, *serve, *options, timeout=5)
                self.assertEqual((done.returncode, done.stdout), (status, b''))
                self.assertIn(word, done.stderr.decode())


class Handshake(TlsCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve_tls(self.authority.issue('curve', names='DNS:localhost'),
                                     self.authority.issue('rsa', names='DNS:rsa.example.org', kind='rsa'))

    def offer(self, *options, name='localhost'):
        """What became of the handshake of `openssl s_client`: (version, cipher), or the alert."""
        done = subprocess.run(['openssl', 's_client', '-connect', '{}:{}'.format(*self.server.tls), '-servername', name,
                               '-quiet', '-brief', *options], input=b'QUIT\r\n', capture_output=True, check=False,
                              timeout=20)
        said = (done.stderr + done.stdout).decode(errors='replace')
        version, cipher = re.search(r'^Protocol version: (\S+)', said, re.M), re.search(r'^Ciphersuite: (\S+)', said, re.M)
        if version and cipher and b'+OK' in done.stdout:
            return version[1], cipher[1]
        alert = re.search(r'alert ([a-z ]+)', said)
        return alert[1] if alert else said

    def test_versions(self):
        """R237 R248: 1.2 and 1.3 are spoken, and nothing older; the log tells which"""
        for version in ('-tls1', '-tls1_1'):
            self.assertEqual(self.offer(version, '-cipher', 'ALL:@SECLEVEL=0'), 'protocol version')
        self.assertEqual(self.offer('-tls1_2')[0], 'TLSv1.2')
        self.assertEqual(self.offer('-tls1_3')[0], 'TLSv1.3')
        lines = self.tls_lines(self.server, 2)
        self.assertEqual([line['version'] for line in lines], ['TLSv1.2', 'TLSv1.3'])
        self.assertEqual(lines[0]['cipher'], self.offer('-tls1_2')[1])

    def test_ciphers(self):
        """R237: each cipher of Mozilla's intermediate list is taken, and no other"""
        for cipher in ('AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'):
            for kind, name in (('ECDSA', 'localhost'), ('RSA', 'rsa.example.org')):
                self.assertEqual(self.offer('-tls1_2', '-cipher', f'ECDHE-{kind}-{cipher}', name=name),
                                 ('TLSv1.2', f'ECDHE-{kind}-{cipher}'))
        for cipher in ('TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'):
            self.assertEqual(self.offer('-tls1_3', '-ciphersuites', cipher), ('TLSv1.3', cipher))
        strong = 'ECDHE+AESGCM:ECDHE+CHACHA20'
        for name in ('localhost', 'rsa.example.org'):
            self.assertEqual(self.offer('-tls1_2', '-cipher', f'ALL:COMPLEMENTOFALL:!{strong.replace(":", ":!")}:'
                                        '@SECLEVEL=0', name=name), 'handshake failure')

    def test_client_chooses(self):
        """The client's order of ciphers counts: all of them are strong"""
        for first, second in (('AES128-GCM-SHA256', 'AES256-GCM-SHA384'), ('AES256-GCM-SHA384', 'AES128-GCM-SHA256')):
            self.assertEqual(self.offer('-tls1_2', '-cipher', f'ECDHE-ECDSA-{first}:ECDHE-ECDSA-{second}')[1],
                             f'ECDHE-ECDSA-{first}')

    def test_alpn(self):
        """RFC 7301: "pop3" is agreed on where it is offered; who offers something else only is stopped"""
        for offered, agreed in ((['pop3'], 'pop3'), (['http/1.1', 'pop3'], 'pop3'), ([], None)):
            context = self.trusting()
            context.set_alpn_protocols(offered)
            wire = self.greeted(self.server.tls, tls=context)
            self.assertEqual(wire.socket.selected_alpn_protocol(), agreed)
        for offered in (['imap', 'pop'], ['pop33'], ['http/1.1']):
            context = self.trusting()
            context.set_alpn_protocols(offered)
            with self.assertRaises(ssl.SSLError):
                self.greeted(self.server.tls, tls=context)

    def test_renegotiation(self):
        """A client that wants to renegotiate is refused"""
        done = subprocess.Popen(['openssl', 's_client', '-connect', '{}:{}'.format(*self.server.tls), '-tls1_2'],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(done.kill)
        until = time.monotonic() + 5
        while not self.tls_lines(self.server) and time.monotonic() < until:
            time.sleep(0.01)
        said = done.communicate(b'R\n', timeout=10)[0]
        self.assertIn(b'no renegotiation', said)

    def test_resumption(self):
        """A session of TLS is resumed"""
        context = self.trusting(most=ssl.TLSVersion.TLSv1_2)
        wire = self.greeted(self.server.tls, tls=context)
        session = wire.socket.session
        self.assertOk(wire.ask(b'QUIT'))
        wire.close()
        again = self.greeted(self.server.tls, tls=context, session=session)
        self.assertTrue(again.socket.session_reused)
        self.assertOk(again.ask(b'QUIT'))

    def test_close_notify(self):
        """R235: the server ends TLS before it ends the connection, after QUIT, at SIGTERM and when it has had enough"""
        for end in (lambda wire: wire.send(b'QUIT\r\n'), lambda wire: wire.send(b'FOO\r\n' * 20),
                    lambda wire: self.server.signal()):
            for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                if self.server.process.poll() is not None:
                    self.server.start()
                wire = self.greeted(self.server.tls, tls=self.trusting(most=most))
                since = time.monotonic()
                end(wire)
                while wire.socket.recv(4096):  # would raise ssl.SSLEOFError without close_notify
                    pass
                self.assertLess(time.monotonic() - since, 5)
                wire.close()
                if end.__code__.co_names == ('server', 'signal'):
                    self.assertEqual(self.server.wait(), 0)


class Records(TlsCase):
    """Records of TLS that come in other pieces than they were made."""

    def setUp(self):
        super().setUp()
        self.server = self.serve_tls(self.authority.issue('cut'))
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.trusting().wrap_bio(self.incoming, self.outgoing)
        self.socket = socket.create_connection(self.server.tls, timeout=10)
        self.addCleanup(self.socket.close)
        self.until_done(self.tls.do_handshake)
        self.assertOk(self.read())

    def until_done(self, work):
        while True:
            try:
                return work()
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.socket.recv(65536))

    def flush(self):
        self.socket.sendall(self.outgoing.read())

    def read(self):
        return self.until_done(lambda: self.tls.read(1000))

    def test_many_in_one_piece(self):
        """R153: several records that come at once are all read, also where the last one is not whole"""
        for _ in range(5):
            self.tls.write(b'CAPA\r\n')
        octets = self.outgoing.read()
        self.socket.sendall(octets[:-9])
        replies = b''
        while replies.count(b'\r\n.\r\n') < 4:
            replies += self.read()
        self.assertEqual(replies.count(b'\r\n.\r\n'), 4)
        before = self.server.cpu()
        time.sleep(0.5)
        self.assertLess(self.server.cpu() - before, 0.2)  # it waits for the rest, and does not look for it all the time
        self.socket.sendall(octets[-9:])
        self.assertOk(self.read())


class ClientCertificates(TlsCase):
    def setUp(self):
        super().setUp()
        self.pair = self.authority.issue('server')
        self.clients = Authority(self.folder(), 'clients')
        self.ann = self.clients.issue('ann', subject='/O=Example/CN=ann/UID=u-ann', usage='clientAuth',
                                      names='email:ann@example.org,DNS:x.example.org')

    def serve_clients(self, *options):
        return self.serve_tls(self.pair, options=('--client-ca', self.clients.certificate, *options))

    def refused(self, server, *pair):
        """The alert that ends the handshake of a client with that certificate; for TLS 1.2 and 1.3."""
        alerts = set()
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.assertRaises(ssl.SSLError) as caught:
                wire = self.connect(server.tls, tls=self.trusting(*pair, most=most))
                wire.line()  # the answer to a client of TLS 1.3 comes after its handshake
            alerts.add(re.search(r'alert ([a-z ]+)', str(caught.exception))[1].strip())
        return alerts

    def test_optional(self):
        """--client-ca: who has a certificate is known by its CN, who has none is served, a bad one is refused"""
        server = self.serve_clients()
        stranger = self.authority.issue('stranger', usage='clientAuth')
        wrong_use = self.clients.issue('wrong-use', usage='serverAuth')
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for pair in (self.ann, ()):
                wire = self.greeted(server.tls, tls=self.trusting(*pair, most=most))
                self.assertOk(wire.login('ann', 'sesame'))
                self.assertOk(wire.ask(b'QUIT'))
                wire.close()
        self.assertEqual([line['client'] for line in self.tls_lines(server, 4)], ['ann', '-', 'ann', '-'])
        self.assertEqual(self.refused(server, *stranger), {'unknown ca'})
        self.assertEqual(self.refused(server, *wrong_use), {'unsupported certificate'})
        self.assertEqual({line['reason'] for line in server.session_lines(8)[4:]}, {'tls_handshake'})

    def test_required(self):
        """--require-client-cert: without one there is no TLS"""
        server = self.serve_clients('--require-client-cert')
        self.assertOk(self.greeted(server.tls, tls=self.trusting(*self.ann)).ask(b'QUIT'))
        self.assertEqual(self.refused(server), {'certificate required', 'handshake failure'})  # 1.3, 1.2

    def test_resumed(self):
        """A client with a certificate is known when its session of TLS is resumed"""
        server = self.serve_clients()
        context = self.trusting(*self.ann, most=ssl.TLSVersion.TLSv1_2)
        wire = self.greeted(server.tls, tls=context)
        session = wire.socket.session
        self.assertOk(wire.ask(b'QUIT'))
        wire.close()
        self.assertTrue(self.greeted(server.tls, tls=context, session=session).socket.session_reused)
        self.assertEqual([line['client'] for line in self.tls_lines(server, 2)], ['ann', 'ann'])

    def test_name(self):
        """--client-cert-name: which part names the user; a certificate with two names of that kind names nobody"""
        two = self.clients.issue('two', subject='/CN=ann/CN=bob/UID=a/UID=b', usage='clientAuth',
                                 names='email:a@example.org,email:b@example.org')
        bare = self.clients.issue('bare', subject='/O=Example', usage='clientAuth')
        for part, name in (('cn', 'ann'), ('uid', 'u-ann'), ('email', 'ann@example.org')):
            server = self.serve_clients('--client-cert-name', part)
            for number, (pair, expected) in enumerate(((self.ann, name), (two, '-'), (bare, '-')), 1):
                self.greeted(server.tls, tls=self.trusting(*pair))
                self.assertEqual(self.tls_lines(server, number)[-1]['client'], expected)
            server.kill()


class Reload(TlsCase):
    """SIGHUP."""

    def setUp(self):
        super().setUp()
        self.live = self.authority.paths('live')
        self.install('old')
        self.server = self.serve_tls(self.live)

    def reload(self, users, tls):
        """Sends SIGHUP, and waits for what the log says: "read" or "kept"."""
        before = len(self.server.log())
        self.server.signal(signal.SIGHUP)
        until = time.monotonic() + 5
        found = []
        while len(found) < 2 and time.monotonic() < until:
            found = re.findall(r' reload (\S+=\S+)(.*)\n', self.server.log()[before:])
            time.sleep(0.01)
        self.assertEqual([what for what, _ in found], [f'{users}=users', f'{tls}=tls'])
        return found

    def test_new_certificate(self):
        """After SIGHUP new connections get the new certificate; an old session goes on, and its QUIT removes"""
        self.server.maildir.deliver(b'x\n', 'x')
        old = self.greeted(self.server.tls, tls=self.trusting())
        self.assertOk(old.login('ann', 'sesame'))
        self.assertOk(old.ask(b'DELE 1'))
        self.install('new')
        self.assertEqual(self.shown(self.server), 'old')
        self.reload('read', 'read')
        self.assertEqual(self.shown(self.server), 'new')
        self.assertOk(old.ask(b'NOOP'))
        self.assertOk(old.ask(b'QUIT'))
        self.assertEqual(old.socket.recv(10), b'')
        self.assertEqual(self.server.maildir.names(), set())

    def test_broken_files(self):
        """What is broken at SIGHUP is logged, and the old stays in use, until it is right"""
        for target, octets in ((self.live[0], b'junk'), (self.live[1], b''), (self.live[0], None)):
            saved = target.read_bytes()
            target.write_bytes(octets) if octets is not None else target.unlink()
            self.assertIn(target.name, self.reload('read', 'kept')[1][1])
            self.assertEqual(self.shown(self.server), 'old')
            target.write_bytes(saved)
        self.live[1].write_bytes(self.authority.issue('other')[1].read_bytes())
        self.reload('read', 'kept')
        self.assertEqual(self.shown(self.server), 'old')
        self.install('new')
        self.reload('read', 'read')
        self.assertEqual(self.shown(self.server), 'new')

    def test_users(self):
        """The users file is read again too: logins from then on; a broken one keeps the old, and no secret is logged"""
        users = self.server.folder / 'users'
        waiting = self.greeted(self.server.plain)
        self.assertOk(waiting.ask(b'USER ann'))
        users.write_text('ann:{PLAIN}changed\n')
        self.reload('read', 'read')
        self.assertOk(waiting.ask(b'PASS changed'))
        self.assertOk(waiting.ask(b'QUIT'))
        users.write_text('ann:CANARY\n')
        self.assertNotIn('CANARY', self.reload('kept', 'read')[0][1])
        self.assertOk(self.greeted(self.server.plain).login('ann', 'changed'))

    def test_at_once(self):
        """From the first listening line on SIGHUP does not end the server, not even after SIGTERM"""
        for _ in range(5):
            self.server.stop()
            self.server.start()
            self.server.signal(signal.SIGHUP)
            self.assertEqual(self.shown(self.server), 'old')
        self.server.maildir.deliver(b'0123456789\r\n' * 1_000_000)
        wire = self.greeted(self.server.tls, tls=self.trusting(), receive_buffer=65536)
        self.assertOk(wire.login('ann', 'sesame'))
        wire.send(b'RETR 1\r\n')
        self.assertOk(wire.line())
        self.server.signal(signal.SIGTERM)
        self.server.signal(signal.SIGHUP)
        time.sleep(0.1)
        self.server.signal(signal.SIGHUP)
        self.assertEqual(wire.body(), b'0123456789\r\n' * 1_000_000)
        wire.close()
        self.assertEqual(self.server.wait(), 0)


class Load(TlsCase):
    """Signals while 200 sessions are at work: half of them with TLS, each with a maildrop of its own."""

    SESSIONS = 200
    LARGE = b'Subject: large\r\n\r\n' + b''.join(b'%07d.\r\n.\r\n' % number for number in range(80_000))
    ON_THE_WIRE = LARGE.replace(b'\r\n.', b'\r\n..') + b'.\r\n'
    SMALL = [b'Subject: %d\r\n\r\nsmall\r\n' % number for number in range(4)]
    NAMES = {'a-large', *(f'small{number}' for number in range(len(SMALL)))}  # as UIDL lists them: 1, 2, ...

    def setUp(self):
        super().setUp()
        self.live = self.authority.paths('live')
        self.install('server')
        self.users = {f'user{number}': 'sesame' for number in range(self.SESSIONS)}
        self.server = self.serve_tls(self.live, users=self.users, log_level='info')
        self.failures, self.lock = [], threading.Lock()
        self.context = self.trusting()
        self.large = self.place / 'large'
        self.large.write_bytes(self.LARGE)

    def fill(self):
        for maildir in self.server.maildirs.values():
            for path in (maildir.path / 'new').iterdir():
                path.unlink()
            (maildir.path / 'new' / 'a-large').hardlink_to(self.large)
            for number, octets in enumerate(self.SMALL):
                maildir.deliver(octets, f'small{number}')

    def begin(self, play):
        """play(number, user, wire), logged in, on a thread for each session; when all are, they go on together."""
        ready = threading.Barrier(self.SESSIONS + 1, timeout=40)

        def run(number, user):
            try:
                address, tls = (self.server.tls, self.context) if number % 2 else (self.server.plain, None)
                wire = self.connect(address, timeout=40, tls=tls)
                self.expect(wire.line().startswith(b'+OK'), 'greeting')
                self.expect(wire.login(user, 'sesame').startswith(b'+OK'), 'login')
                ready.wait()
                play(number, user, wire)
                wire.close()
            except Exception as error:  # pylint: disable=broad-except
                ready.abort()
                with self.lock:
                    self.failures.append(f'{user}: {error!r}')
        threads = [threading.Thread(target=run, args=(number, user)) for number, user in enumerate(self.users)]
        for thread in threads:
            thread.start()
        return threads, ready

    @staticmethod
    def expect(right, what):
        if not right:
            raise AssertionError(what)

    def fetch(self, wire, number, expected):
        """RETR: the message, whole; False if the server says that it is going down instead."""
        if not wire.ask(b'RETR %d' % number).startswith(b'+OK'):
            return False
        got = bytearray(wire.unread)
        while len(got) < len(expected):
            octets = wire.socket.recv(65536)
            self.expect(octets, 'a message that is not whole')
            got += octets
        wire.buffer, wire.at = bytes(got[len(expected):]), 0
        self.expect(got[:len(expected)] == expected, 'a message with other octets')
        return True

    def test_reload(self):
        """SIGHUP 20 times under load: nobody is dropped, every message arrives whole and once"""
        self.fill()
        over = threading.Event()

        def play(number, _, wire):
            while not over.is_set():  # idle, in small commands, in transfers
                if number % 4 < 2:
                    time.sleep(0.2)
                elif number % 4 == 2:
                    self.expect(wire.ask(b'NOOP').startswith(b'+OK'), 'NOOP')
                    time.sleep(0.02)
                else:
                    self.expect(self.fetch(wire, 1, self.ON_THE_WIRE), 'RETR')
            for message, octets in enumerate(self.SMALL, 2):
                self.expect(self.fetch(wire, message, octets + b'.\r\n'), 'RETR')
            self.expect(self.fetch(wire, 1, self.ON_THE_WIRE), 'RETR')
            self.expect(wire.ask(b'DELE 1').startswith(b'+OK'), 'DELE')
            self.expect(wire.ask(b'QUIT').startswith(b'+OK'), 'QUIT')
            self.expect(wire.is_over(), 'more than the answer to QUIT')
        threads, ready = self.begin(play)
        ready.wait()
        users = self.server.folder / 'users'
        right = users.read_text()
        for number in range(20):
            self.install(f'server{number}')
            users.write_text('broken\n' if number % 4 == 3 else right)
            self.server.signal(signal.SIGHUP)
            time.sleep(0.05)
        over.set()
        for thread in threads:
            thread.join()
        self.assertEqual(self.failures, [])
        for user, maildir in self.server.maildirs.items():
            self.assertEqual(maildir.names(), self.NAMES - {'a-large'}, user)
        self.assertEqual({line['reason'] for line in self.server.session_lines(self.SESSIONS)}, {'quit'})
        self.assertGreater(self.server.log().count(' reload read=tls'), 10)
        self.assertGreater(self.server.log().count(' reload kept=users'), 1)
        self.assertEqual(self.server.stop(), 0)

    def test_stop(self):
        """R50: SIGTERM under load: what +OK confirmed is removed, and nothing else; transfers end whole"""
        for delay in (0.1, 0.5):
            self.fill()
            removed, cut = {user: set() for user in self.users}, []

            def play(number, user, wire):
                kind = number % 5
                chance = random.Random(number)
                time.sleep(chance.uniform(0, 2 * delay))
                marked = chance.sample(range(2, 6), 1 + number % 4)
                try:
                    if kind == 0:
                        self.expect(wire.rest() == b'-ERR [SYS/TEMP] the server is going down\r\n', 'idle')
                    if kind in (1, 2):
                        self.fetch(wire, 1, self.ON_THE_WIRE)
                    if kind in (2, 3, 4):
                        if all([wire.ask(b'DELE %d' % one).startswith(b'+OK') for one in marked]) and \
                                wire.ask(b'QUIT').startswith(b'+OK'):
                            removed[user] = {f'small{one - 2}' for one in marked}
                except (EOFError, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                    cut.append(user)  # the server was the first to end
            threads, ready = self.begin(play)
            ready.wait()
            time.sleep(delay)
            self.server.signal()
            self.assertEqual(self.server.wait(), 0)
            for thread in threads:
                thread.join()
            self.assertEqual(self.failures, [])
            for user, maildir in self.server.maildirs.items():
                self.assertEqual(maildir.names(), self.NAMES - removed[user], user)
            count = sum(1 for names in removed.values() if names)
            self.note(f'SIGTERM after {delay} s: {count} QUITs of 200 sessions were confirmed, {len(cut)} found the end')
            self.assertGreater(count, 0)
            self.assertLess(count, 3 * self.SESSIONS // 5)
            self.server.start()


class Scan(TlsCase):
    """testssl.sh looks for everything that is known to be wrong with a TLS server."""

    time_limit = 300  # half a minute, with a processor of its own

    EXPECTED = {
        # Mozilla: with nothing but strong ciphers the client may choose. Later versions of testssl say so too.
        'cipher_order',
    }

    def scan(self, *options, port):
        report = self.place / 'report.json'
        scan = self.run_program('testssl', '--quiet', '--color', '0', '--warnings', 'off', '-n', 'none', '--add-ca',
                                self.authority.certificate, '--jsonfile', report, '-p', '-s', '-f', '-P', '-S', '-U',
                                *options, f'localhost:{port}', timeout=self.time_limit - 10)
        findings = json.loads(report.read_text())
        severity = {finding['id']: finding['severity'] for finding in findings}
        # So that a scan that looked at nothing is none.
        for name in ('TLS1_2', 'TLS1_3', 'cipherlist_NULL', 'heartbleed', 'ROBOT', 'LUCKY13', 'cert_chain_of_trust'):
            self.assertEqual(severity.get(name), 'OK', f'{name}: {scan.stdout[-2000:]!r}')
        bad = [finding for finding in findings if finding['severity'] in ('MEDIUM', 'HIGH', 'CRITICAL', 'FATAL')
               and finding['id'] not in self.EXPECTED]
        self.assertEqual(bad, [])

    def server_to_scan(self):
        # The list of revoked certificates is named, but nobody asks for it: testssl does so only with --phone-out.
        return self.serve_tls(self.authority.issue('localhost', names='DNS:localhost,IP:127.0.0.1', extensions=(
            'crlDistributionPoints=URI:http://127.0.0.1/crl',)))

    @program('testssl')
    def test_implicit(self):
        """R232 R237: testssl.sh finds nothing of severity MEDIUM or worse on the TLS port"""
        self.scan(port=self.server_to_scan().tls[1])

    @program('testssl')
    def test_starttls(self):
        """R137 R237: nor on the plain port, by STLS"""
        server = self.server_to_scan()
        self.assertIn(b'STLS\r\n', self.greeted(server.plain).ask_all(b'CAPA')[1])
        self.scan('--starttls', 'pop3', port=server.plain[1])
