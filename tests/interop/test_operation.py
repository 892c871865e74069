# SPDX-License-Identifier: MIT
"""Running pop3d: its command line, its log, its end, TLS, the demo."""
import pathlib
import re
import select
import signal
import socket
import ssl
import subprocess
import time

import case
from case import Case, program
from server import CERTIFICATE, KEY


def trusting():
    return ssl.create_default_context(cafile=CERTIFICATE)


def has_ipv6():
    try:
        socket.create_server(('::1', 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


class CommandLine(Case):
    def setUp(self):
        self.place = self.folder()
        (self.place / 'mail').mkdir()
        (self.place / 'users').write_text('ann:{PLAIN}sesame\n')

    def pop3d(self, *options):
        return self.run_program(case.POP3D, *options, cwd=self.place, timeout=5)

    SERVE = ('--mail', 'mail', '--users', 'users', '--allow-plaintext')

    def test_help_and_version(self):
        """--help and --version go to standard output, and the exit status is 0"""
        for option, word in (('--help', b'--listen-tls'), ('--version', b'mailwire')):
            done = self.pop3d(option)
            self.assertEqual((done.returncode, done.stderr), (0, b''))
            self.assertIn(word, done.stdout)
        for option in ('listen', 'listen-tls', 'mail', 'users', 'cert', 'key', 'client-ca',
                       'require-client-cert', 'client-cert-name', 'allow-plaintext', 'proxy-from', 'hostname', 'workers', 'threads',
                       'max-connections', 'max-connections-per-address', 'max-connections-per-user',
                       'failed-logins-per-address', 'ban-time', 'login-delay', 'mechanisms', 'expire', 'apop',
                       'utf8', 'hash-password', 'scheme', 'user', 'log-level', 'help', 'version'):
            self.assertIn(f'--{option} '.encode(), self.pop3d('--help').stdout)

    def test_wrong_use(self):
        """Wrong options: exit status 2, a message that names the option, nothing on standard output"""
        serve = (*self.SERVE, '--listen', '127.0.0.1:0')
        for options, word in (
                (('--no-such-option',), '--no-such-option'),
                (('stray',), 'option'),
                (('--listen',), '--listen'),
                ((*serve, '--listen', 'nonsense'), '--listen'),
                ((*serve, '--listen', '127.0.0.1'), '--listen'),
                ((*serve, '--listen', '127.0.0.1:'), '--listen'),
                ((*serve, '--listen', ':110'), '--listen'),
                ((*serve, '--listen', '127.0.0.1:65536'), '--listen'),
                ((*serve, '--listen', '127.0.0.1:-1'), '--listen'),
                ((*serve, '--listen', '127.0.0.1:pop3'), '--listen'),
                ((*serve, '--listen', '::1:110'), '--listen'),
                (self.SERVE, '--listen'),
                (('--mail', 'mail', '--listen', '127.0.0.1:0'), '--users'),
                (('--users', 'users', '--listen', '127.0.0.1:0'), '--mail'),
                ((*serve, '--mail', ''), '--mail'),
                ((*serve, '--listen-tls', '127.0.0.1:0'), '--cert'),
                ((*serve, '--listen-tls', '127.0.0.1:0', '--cert', CERTIFICATE), '--key'),
                ((*serve, '--key', KEY), '--cert'),
                ((*serve, '--workers', '0'), '--workers'),
                ((*serve, '--workers', '257'), '--workers'),
                ((*serve, '--threads', '0'), '--threads'),
                ((*serve, '--mechanisms', 'PLAIN,NTLM'), '--mechanisms'),
                ((*serve, '--threads', 'many'), '--threads'),
                ((*serve, '--max-connections', '0'), '--max-connections'),
                ((*serve, '--max-connections', '-5'), '--max-connections'),
                ((*serve, '--max-connections-per-address', '-1'), '--max-connections-per-address'),
                ((*serve, '--max-connections-per-user', 'few'), '--max-connections-per-user'),
                ((*serve, '--failed-logins-per-address', '1.5'), '--failed-logins-per-address'),
                ((*serve, '--ban-time', '0'), '--ban-time'),
                ((*serve, '--login-delay', '1h'), '--login-delay'),
                ((*serve, '--scheme', 'CRYPT'), '--scheme'),
                ((*serve, '--user', 'ann'), '--user'),
                ((*serve, '--log-level', 'loud'), '--log-level'),
                ((*serve, '--hostname', 'two words'), '--hostname'),
                *(((*serve, '--proxy-from', network), '--proxy-from')
                  for network in ('', 'localhost', '127.0.0.1:25', '10.0.0.0/33', '10.0.0.0/', '10.0/8', '::1/129')),
                ((*serve, '--mai', 'mail'), '--mai')):
            with self.subTest(options):
                done = self.pop3d(*options)
                self.assertEqual((done.returncode, done.stdout), (2, b''))
                self.assertIn(word, done.stderr.decode())
                self.assertLess(len(done.stderr.splitlines()), 4)

    def test_what_is_not_there(self):
        """Files that are missing or wrong: exit status 1, and a message that names them and no secret"""
        (self.place / 'outside').write_text('../ann:{PLAIN}CANARY\n')
        (self.place / 'scheme').write_text('ann:{ROT13}CANARY\n')
        (self.place / 'bare').write_text('ann:CANARY\n')
        (self.place / 'twice').write_text('ann:{PLAIN}CANARY\nann:{PLAIN}CANARY2\n')
        (self.place / 'nothing').write_text('CANARY\n')
        serve = (*self.SERVE, '--listen', '127.0.0.1:0')
        tls = ('--listen-tls', '127.0.0.1:0')
        for options, word in (((*self.SERVE[2:], *serve[-2:], '--mail', 'no-mail'), 'no-mail'),
                              ((*serve, *tls, '--cert', 'no-cert', '--key', KEY), 'no-cert'),
                              ((*serve, *tls, '--cert', CERTIFICATE, '--key', 'no-key'), 'no-key'),
                              ((*serve, *tls, '--cert', CERTIFICATE, '--key', CERTIFICATE), 'certificate'),
                              *(((*self.SERVE[:2], *serve[-2:], '--users', users), users)
                                for users in ('no-users', 'outside', 'scheme', 'bare', 'twice', 'nothing'))):
            with self.subTest(options):
                done = self.pop3d(*options)
                self.assertEqual((done.returncode, done.stdout), (1, b''))
                self.assertIn(word, done.stderr.decode())
                self.assertNotIn(b'CANARY', done.stderr)

    def test_taken_port(self):
        """A port that is taken: exit status 1, and a message that names it"""
        taken = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        done = self.pop3d(*self.SERVE, '--listen', f'127.0.0.1:{port}')
        self.assertEqual((done.returncode, done.stdout), (1, b''))
        self.assertIn(str(port), done.stderr.decode())

    def test_many_listeners(self):
        """--listen and --listen-tls may be given many times; IPv6 too"""
        listen = ['127.0.0.1:0', '127.0.0.2:0']
        if has_ipv6():
            listen.append('[::1]:0')
        server = self.serve('--listen-tls', '127.0.0.3:0', tls=True, listen=listen)
        hosts = [host for host, _ in server.listening['plain']]
        self.assertEqual(hosts, ['127.0.0.1', '127.0.0.2', '::1'][:len(listen)])
        for address in server.listening['plain']:
            self.assertOk(self.greeted(address).ask(b'QUIT'))
        self.assertOk(self.greeted(server.tls, tls=trusting()).ask(b'QUIT'))

    def test_hostname(self):
        """R21: the greeting tells the name that was given"""
        server = self.serve('--hostname', 'pop.example.org')
        self.assertIn(b'pop.example.org', self.connect(server.plain).line())

    def test_workers(self):
        """R38: one worker, and many, serve the same; --threads is an old name for them"""
        for options in (('--workers', '1'), ('--workers', '7'), ('--threads', '2')):
            server = self.serve(*options)
            server.maildir.deliver(b'x\n')
            wire = self.logged_in(server)
            self.assertEqual(wire.ask_all(b'RETR 1')[1], b'x\r\n')
            wire.close()
            self.assertEqual(server.stop(), 0)

    def threads_at_work(self, server):
        """The threads that have used more than a tick of processor time: those of the workers, when nothing blocks."""
        ticks = [[int(n) for n in (task / 'stat').read_text().rpartition(')')[2].split()[11:13]]
                 for task in pathlib.Path(f'/proc/{server.process.pid}/task').iterdir()]
        return sum(sum(pair) > 1 for pair in ticks)

    def test_workers_share(self):
        """Connections are dealt out among the workers, limits and locks hold for all of them"""
        server = self.serve('--workers', '4', '--max-connections', '40')
        wires = [self.greeted(server.plain) for _ in range(40)]
        for _ in range(4):
            refused = self.connect(server.plain)
            self.assertErr(refused.line(), b'SYS/TEMP')
            refused.close()
        until = time.monotonic() + 10
        while self.threads_at_work(server) < 3 and time.monotonic() < until:
            for wire in wires:
                wire.send(b'CAPA\r\n' * 20)
            for wire in wires:
                for _ in range(20):
                    wire.line(), wire.body()
        self.assertGreaterEqual(self.threads_at_work(server), 3)
        replies = [wire.login('ann', 'sesame') for wire in wires[:10]]
        self.assertEqual(sum(reply.startswith(b'+OK') for reply in replies), 1)
        self.assertTrue(all(b'IN-USE' in reply for reply in replies[1:]))
        self.assertEqual(server.stop(), 0)

    def test_taken_port(self):
        """A port that another pop3d listens at is not shared with it"""
        for count in ('1', '3'):
            server = self.serve('--workers', count)
            port = f'127.0.0.1:{server.plain[1]}'
            for other in ('1', '3'):
                again = subprocess.run([server.command[0], '--listen', port, '--workers', other], capture_output=True,
                                       timeout=10)
                self.assertEqual(again.returncode, 1)
                self.assertIn(b'cannot listen on 127.0.0.1 port', again.stderr)

    def test_max_connections(self):
        """F-DOS: over --max-connections a connection is told so, and the others stay"""
        server = self.serve('--max-connections', '3', tls=True)
        wires = [self.logged_in(server), self.greeted(server.plain), self.greeted(server.tls, tls=trusting())]
        for _ in range(3):
            refused = self.connect(server.plain)
            self.assertErr(refused.line(), b'SYS/TEMP')
            self.assertTrue(refused.is_over())
            refused.close()
        for wire in wires:
            self.assertOk(wire.ask_all(b'CAPA')[0])
        self.assertOk(wires[1].ask(b'QUIT'))
        wires[1].is_over()
        wires[1].close()
        self.until_greeted(server.plain)

    def until_greeted(self, address, patience=3):
        until = time.monotonic() + patience
        while (reply := self.connect(address).line())[:3] != b'+OK':
            self.assertLess(time.monotonic(), until, reply)
            time.sleep(0.02)


class End(Case):
    """SIGTERM and SIGINT."""

    def setUp(self):
        self.server = self.serve(tls=True)

    def test_idle_sessions(self):
        """R50: SIGTERM tells idle sessions [SYS/TEMP], removes nothing, and the exit status is 0"""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.server.maildir.deliver(b'x\n', 'x')
            wires = [self.logged_in(self.server), self.greeted(self.server.plain),
                     self.greeted(self.server.tls, tls=trusting())]
            self.assertOk(wires[0].ask(b'DELE 1'))
            silent = socket.create_connection(self.server.tls)  # without a handshake
            self.addCleanup(silent.close)
            time.sleep(0.05)
            since = time.monotonic()
            self.server.signal(number)
            for wire in wires:
                self.assertErr(wire.line(), b'SYS/TEMP')
                self.assertTrue(wire.is_over())
                wire.close()
            self.assertEqual(self.server.wait(), 0)
            self.assertLess(time.monotonic() - since, 3)
            self.assertEqual(self.server.maildir.files(), {'x': b'x\n'})
            self.server.start()

    def test_no_session(self):
        """SIGTERM without sessions ends the server at once"""
        since = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - since, 1)

    def test_transfer_is_finished(self):
        """R38: a transfer that is under way at SIGTERM is finished, and nobody new is let in"""
        octets = b'0123456789\r\n' * 1_500_000
        self.server.maildir.deliver(octets)
        for tls in (None, trusting()):
            address = self.server.tls if tls else self.server.plain
            wire = self.greeted(address, receive_buffer=65536, tls=tls)
            self.assertOk(wire.login('ann', 'sesame'))
            wire.send(b'RETR 1\r\n')
            self.assertOk(wire.line())
            self.server.signal()
            time.sleep(0.2)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(self.server.plain, timeout=5)
            time.sleep(0.5)
            rest = wire.rest()
            self.assertTrue(rest.startswith(octets + b'.\r\n'), rest[-50:])
            self.assertErr(rest[len(octets) + 3:].removesuffix(b'\r\n'), b'SYS/TEMP')
            wire.close()
            self.assertEqual(self.server.wait(), 0)
            self.server.start()

    def test_transfer_that_stalls(self):
        """R50: a peer that does not read does not keep the server from ending within some seconds"""
        self.server.maildir.deliver(b'0123456789\r\n' * 1_500_000)
        wire = self.logged_in(self.server, receive_buffer=4096)
        wire.send(b'DELE 1\r\nRSET\r\nRETR 1\r\n')
        time.sleep(0.2)
        since = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.note(f'with a peer that does not read the server ended after {time.monotonic() - since:.1f} s')
        self.assertLess(time.monotonic() - since, 12)
        self.assertEqual(len(self.server.maildir.names()), 1)


class Log(Case):
    def test_session_line(self):
        """F-LOG: the end of a session is one line with user, address, commands, octets, retrieved, deleted, reason"""
        server = self.serve()
        for _ in range(3):
            server.maildir.deliver(b'0123456789\r\n')
        wire = self.greeted(server.plain)
        address = '%s:%d' % wire.socket.getsockname()
        commands = b'USER ann\r\nPASS sesame\r\nRETR 1\r\nRETR 2\r\nTOP 3 0\r\nDELE 1\r\nFOO\r\nQUIT\r\n'
        wire.send(commands)
        out = len(wire.rest())
        line, = server.session_lines()
        expected = {'user': 'ann', 'address': address, 'commands': '8', 'bad': '1', 'octets_in': str(len(commands)),
                    'retrieved': '2', 'top': '1', 'deleted': '1', 'reason': 'quit'}
        self.assertEqual({key: line[key] for key in expected}, expected)
        self.assertGreater(int(line['octets_out']), out)  # the greeting was read before

    def test_reasons(self):
        """F-LOG R50: the line tells why a session ended"""
        server = self.serve(tls=True)
        self.logged_in(server).close()
        self.assertEqual(server.session_lines(1)[-1]['reason'], 'end_of_input')
        self.logged_in(server).reset()
        self.assertEqual(server.session_lines(2)[-1]['reason'], 'disconnected')
        self.greeted(server.plain).send(b'x' * 70_000)
        self.assertEqual(server.session_lines(3)[-1]['reason'], 'endless_line')
        self.greeted(server.plain).send(b'x\r\n' * 20)
        self.assertEqual(server.session_lines(4)[-1]['reason'], 'bad_commands')
        self.connect(server.tls).send(b'USER ann\r\n')
        self.assertEqual(server.session_lines(5)[-1]['reason'], 'tls_handshake')
        wire = self.greeted(server.plain)
        server.stop()
        wire.close()
        self.assertEqual(server.session_lines(6)[-1]['reason'], 'shutdown')

    def test_no_secret(self):
        """F-LOG F-N3c: no password is in the log, at log level debug, whatever happens to it"""
        secrets = {'ann': 'CANARY phrase CANARY', 'eve': 'CANARY-eve'}
        server = self.serve('--log-level', 'debug', users=secrets, tls=True)
        server.maildir.deliver(b'Subject: CANARY\r\n\r\nCANARY\r\n')
        wires = [self.connect(server.plain) for _ in range(5)] + [self.connect(server.tls, tls=trusting())]
        for wire, octets in zip(wires, (
                b'USER ann\r\nPASS CANARY phrase CANARY\r\nRETR 1\r\nQUIT\r\n',
                b'USER ann\r\nPASS CANARY-wrong\r\nQUIT\r\n',
                b'USER nobody\r\nPASS CANARY\r\nUSER x\r\nPASS CANARY\x1b\r\nPASS CANARY\r\n PASS CANARY\r\nQUIT\r\n',
                b'PASS CANARY' + b'CANARY' * 100 + b'\r\nAPOP ann CANARY\r\nAUTH PLAIN CANARY\r\nQUIT\r\n',
                b'USER eve\r\nPASS CANARY',
                b'USER eve\r\nPASS CANARY-eve\r\nQUIT\r\n')):
            wire.send(octets)
        wires[4].end_sending()
        for wire in wires:
            wire.rest()
        server.session_lines(6)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(len(server.session_lines(6)), 6)
        self.assertNotIn('CANARY', server.log())
        self.assertNotIn('phrase', server.log())

    def test_hostile_user_name(self):
        """F-LOG: what a client sends does not forge log lines"""
        server = self.serve()
        wire = self.connect(server.plain)
        wire.send(b'USER x"\\=y:%s%n\r\nPASS x\r\nUSER a reason=quit\r\nFOO\x1b[31m\r\nQUIT\r\n')
        wire.rest()
        line, = server.session_lines()
        self.assertEqual(line['user'], r'x\x22\x5C=y:%s%n')
        failed, session = server.log().splitlines()
        self.assertRegex(failed, r'\A\S+ info failed_login user=x\\x22\\x5C=y:%s%n address=\S+ method=USER why=unknown_user\Z')
        self.assertRegex(session, r'\A\S+ info session user=x[\x20-\x7e]*\Z')

    def test_levels(self):
        """--log-level warning leaves out the ends of sessions"""
        server = self.serve('--log-level', 'warning')
        self.greeted(server.plain).ask(b'QUIT')
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.log(), '')


class Tls(Case):
    def setUp(self):
        self.server = self.serve(tls=True)

    def test_versions(self):
        """TLS 1.2 and 1.3 are spoken, 1.1 and 1.0 are refused by the server"""
        for version, spoken in ((ssl.TLSVersion.TLSv1, False), (ssl.TLSVersion.TLSv1_1, False),
                                (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
            context = trusting()
            context.set_ciphers('ALL:@SECLEVEL=0')  # so that the client does not refuse
            with self.subTest(version), warnings_ignored():
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = version
                if spoken:
                    self.assertOk(self.greeted(self.server.tls, tls=context).ask(b'QUIT'))
                else:
                    with self.assertRaisesRegex(ssl.SSLError, '(?i)alert protocol version'):
                        self.connect(self.server.tls, tls=context)

    def test_nothing_before_the_handshake(self):
        """R21: nothing is sent in clear on the TLS port, and junk ends that connection only"""
        quiet = self.connect(self.server.tls)
        self.assertEqual(select.select([quiet.socket], [], [], 0.3)[0], [])
        for junk in (b'USER ann\r\nPASS sesame\r\n', b'\x16\x03\x01\x00\x05junk!', b'\0' * 5000, b'GET / HTTP/1.0\r\n'):
            wire = self.connect(self.server.tls)
            wire.send(junk)
            self.assertNotIn(b'+OK', wire.rest())
        self.assertOk(self.greeted(self.server.tls, tls=trusting()).ask(b'QUIT'))

    def test_end(self):
        """R50: QUIT ends with close_notify; an end without it removes nothing"""
        self.server.maildir.deliver(b'x\n', 'x')
        wire = self.greeted(self.server.tls, tls=trusting())
        wire.login('ann', 'sesame')
        self.assertOk(wire.ask(b'DELE 1'))
        wire.close()  # Python sends no close_notify
        self.assertEqual(self.server.session_lines()[0]['deleted'], '0')
        wire = self.greeted(self.server.tls, tls=trusting())
        wire.login('ann', 'sesame')
        self.assertOk(wire.ask(b'QUIT'))
        self.assertEqual(wire.socket.recv(10), b'')  # would raise ssl.SSLEOFError without close_notify
        self.assertEqual(self.server.maildir.files(), {'x': b'x\n'})

    def test_octet_by_octet(self):
        """R2 R38: records of one octet are as good as any"""
        octets = b'Subject: x\r\n\r\n' + b'.\r\n' * 50_000
        self.server.maildir.deliver(octets)
        wire = self.connect(self.server.tls, tls=trusting())
        wire.send_octets(b'USER ann\r\nPASS sesame\r\nRETR 1\r\nQUIT\r\n')
        self.assertTrue(wire.rest().endswith(octets.replace(b'\r\n.', b'\r\n..') + b'.\r\n+OK bye\r\n'))

    def test_login_needs_tls(self):
        """R22 R105: without --allow-plaintext a password is taken over TLS only, and USER is announced there only"""
        self.server.kill()
        self.server.command.remove('--allow-plaintext')
        self.server.start()
        wire = self.greeted(self.server.plain)
        self.assertNotIn(b'USER\r\n', wire.ask_all(b'CAPA')[1])
        self.assertErr(wire.ask(b'USER ann'))
        self.assertErr(wire.ask(b'PASS sesame'))
        wire = self.greeted(self.server.tls, tls=trusting())
        self.assertIn(b'USER\r\n', wire.ask_all(b'CAPA')[1])
        self.assertOk(wire.login('ann', 'sesame'))


class warnings_ignored:
    """Old versions are asked for on purpose."""

    def __enter__(self):
        import warnings
        self.saved = warnings.catch_warnings()
        self.saved.__enter__()
        warnings.simplefilter('ignore')

    def __exit__(self, *what):
        return self.saved.__exit__(*what)


class Demo(Case):
    """pop3d without --mail."""

    def start(self, *options, listeners=2):
        output = self.folder() / 'out'
        with open(output, 'wb') as out:
            process = subprocess.Popen([case.POP3D, *options], stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until = time.monotonic() + 10
        while output.read_text().count('listening ') < listeners or 'curl' not in output.read_text():
            self.assertIsNone(process.poll(), output.read_text())
            self.assertLess(time.monotonic(), until, output.read_text())
            time.sleep(0.01)
        return process, output.read_text()

    @program('curl')
    def test_default_ports(self):
        """The demo listens on 1110 and 1995, and tells who may log in and what to try, which works"""
        for port in (1110, 1995):
            try:
                socket.create_server(('127.0.0.1', port)).close()
            except OSError:
                self.skipTest(f'port {port} is taken')
        process, output = self.start()
        self.assertEqual(output.splitlines()[:2], ['listening plain 127.0.0.1:1110', 'listening tls 127.0.0.1:1995'])
        self.assertIn('user demo, password demo\n', output)
        self.assertIn('curl pop3://demo:demo@127.0.0.1:1110/', output)
        for url in ('pop3://demo:demo@127.0.0.1:1110/', 'pop3s://demo:demo@127.0.0.1:1995/'):
            done = self.run_program('curl', '-q', '-sS', '-k', '--max-time', '10', url)
            self.assertEqual((done.returncode, done.stderr), (0, b''))
            self.assertRegex(done.stdout, rb'\A(\d+ \d+\r\n)+\Z')
        process.terminate()
        self.assertEqual(process.wait(10), 0)

    def test_session(self):
        """R31 R34 R38 R46: the demo on any port: a session, by a person who types"""
        process, output = self.start('--listen', '127.0.0.1:0', listeners=1)
        port = int(re.search(r'listening plain 127.0.0.1:(\d+)\n', output)[1])
        wire = self.greeted(('127.0.0.1', port))
        wire.send(b'USER demo\nPASS demo\n')
        self.assertOk(wire.line())
        self.assertOk(wire.line())
        sizes = dict(line.split() for line in wire.ask_all(b'LIST')[1].splitlines())
        self.assertGreater(len(sizes), 1)
        for number, size in sizes.items():
            self.assertEqual(len(wire.ask_all(b'RETR ' + number)[1]), int(size))
        self.assertOk(wire.ask(b'DELE 1'))
        self.assertOk(wire.ask(b'QUIT'))
        process.terminate()
        self.assertEqual(process.wait(10), 0)
