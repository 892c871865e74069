# SPDX-License-Identifier: MIT
"""Who may log in, how their passwords are kept, and what guessing costs."""
import base64
import concurrent.futures
import hashlib
import hmac
import os
import poplib
import pty
import shutil
import ssl
import subprocess
import time
import unittest
import warnings

import case
from case import Case
from sasl import Scram

with warnings.catch_warnings():
    warnings.simplefilter('ignore', DeprecationWarning)
    try:
        import crypt
    except ImportError:  # Python 3.13
        crypt = None

PASSWORD = 'open sesame: {1}'


def hash_password(*options, password=PASSWORD):
    """What pop3d --hash-password prints."""
    return subprocess.run([case.POP3D, '--hash-password', *options], input=password.encode(), capture_output=True,
                          check=False, timeout=20)


def unverified():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def scram(algorithm, iterations=4096):
    """As Dovecot keeps it, by Python."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac(algorithm, PASSWORD.encode(), salt, iterations)
    client_key = hmac.digest(salted, b'Client Key', algorithm)
    keys = hashlib.new(algorithm, client_key).digest(), hmac.digest(salted, b'Server Key', algorithm)
    return ','.join([str(iterations), *(base64.b64encode(octets).decode() for octets in (salt, *keys))])


class Schemes(Case):
    MADE_HERE = ('CRYPT', 'SHA512-CRYPT', 'BLF-CRYPT', 'ARGON2ID', 'SCRAM-SHA-256')

    def fields(self):
        """name -> field, of PASSWORD."""
        fields = {}
        for scheme in (None, *self.MADE_HERE):
            done = hash_password(*(() if scheme is None else ('--scheme', scheme)))
            self.assertEqual((done.returncode, done.stderr), (0, b''))
            fields[f'own-{scheme}'] = done.stdout.decode().rstrip('\n')
        fields['plain'] = '{PLAIN.b64}' + base64.b64encode(PASSWORD.encode()).decode()
        fields['scram1'] = '{SCRAM-SHA-1}' + scram('sha1')
        fields['scram256'] = '{scram-sha-256}' + scram('sha256')
        for name, prefix in (('sha512', '$6$'), ('sha256', '$5$'), ('bcrypt', '$2b$06$'), ('yescrypt', '$y$j9T$')):
            if crypt is not None:
                salt = 'N0tRand0mSaltOf22Chars' if name == 'bcrypt' else 'N0tRand0mSalt.'
                fields[name] = '{CRYPT}' + crypt.crypt(PASSWORD, prefix + salt + ('' if name == 'bcrypt' else '$'))
        if shutil.which('openssl'):
            for option, scheme in (('-6', 'SHA512-CRYPT'), ('-5', 'SHA256-CRYPT')):
                made = subprocess.run(['openssl', 'passwd', option, '-stdin'], input=PASSWORD, text=True,
                                      capture_output=True, check=True).stdout.strip()
                fields[f'openssl{option}'] = f'{{{scheme}}}{made}'
                fields[f'openssl{option}-bare'] = made
        return fields

    def test_login(self):
        """R65: every scheme, made by pop3d and by other programs, logs in with the right password and no other"""
        fields = self.fields()
        self.note(f'{len(fields)} kinds of password')
        server = self.serve(users=dict.fromkeys(fields, PASSWORD),
                            lines=[f'{user}:{field}:1000:1000::/home/{user}:/bin/sh:x=y'
                                   for user, field in fields.items()])
        for user in fields:
            with self.subTest(user):
                client = poplib.POP3(*server.plain, timeout=10)
                self.addCleanup(client.close)
                client.user(user)
                client.pass_(PASSWORD)
                self.assertEqual(client.stat(), (0, 0))
                client.quit()
        with concurrent.futures.ThreadPoolExecutor(2 * len(fields)) as pool:
            wires = [(self.greeted(server.plain), user, wrong)
                     for user in fields for wrong in (PASSWORD + 'x', PASSWORD[:-1])]
            replies = set(pool.map(lambda what: what[0].login(*what[1:]), wires))
        self.assertEqual(len(replies), 1)
        self.assertErr(replies.pop(), b'AUTH')
        self.assertNotIn('sesame', server.log())

    def test_nobody(self):
        """R65: wrong password, unknown user, nologin and a wrong network get the same answer"""
        hashed = hash_password().stdout.decode().strip()
        users = {user: PASSWORD for user in ('ann', 'out', 'far', 'near')}
        server = self.serve(users=users, lines=[
            f'ann:{hashed}', f'out:{hashed}::::::nologin', f'far:{hashed}::::::allow_nets=192.0.2.0/24',
            f'near:{hashed}::::::allow_nets=192.0.2.0/24,127.0.0.0/8'])
        tries = {'ann': 'wrong', 'eve': PASSWORD, 'out': PASSWORD, 'far': PASSWORD}
        with concurrent.futures.ThreadPoolExecutor() as pool:
            wires = {user: self.greeted(server.plain) for user in tries}
            replies = list(pool.map(lambda user: wires[user].login(user, tries[user]), tries))
        self.assertErr(replies[0], b'AUTH')
        self.assertEqual(replies, replies[:1] * len(tries))
        self.logged_in(server, 'near')
        for user, why in (('ann', 'wrong_password'), ('eve', 'unknown_user'), ('out', 'barred'), ('far', 'barred')):
            self.assertRegex(server.log(), rf' failed_login user={user} address=127\.0\.0\.1:\d+ method=USER why={why}\n')

    @unittest.skipIf(crypt is None, 'this Python has no crypt')
    def test_slow_hash(self):
        """A hash that takes its time does not delay other sessions of the same thread"""
        slow = crypt.crypt(PASSWORD, '$2b$14$N0tRand0mSaltOf22Chars')
        server = self.serve('--threads', '1', users={'ann': PASSWORD, 'bob': 'open'},
                            lines=[f'ann:{slow}', 'bob:{PLAIN}open'])
        server.maildirs['bob'].deliver(b'Subject: x\r\n\r\n')
        bob = self.logged_in(server, 'bob')
        guessers = [self.greeted(server.plain) for _ in range(6)]  # more than there are threads for it
        for wire in guessers:
            wire.send(b'USER ann\r\nPASS wrong\r\n')
        with concurrent.futures.ThreadPoolExecutor() as pool:
            since = time.monotonic()
            login = pool.submit(lambda: (self.logged_in(server, 'ann', timeout=50), time.monotonic() - since)[1])
            longest = commands = 0
            while not login.done():
                before = time.monotonic()
                self.assertOk(bob.ask(b'NOOP'))
                self.assertOk(bob.ask_all(b'RETR 1')[0])
                longest = max(longest, time.monotonic() - before)
                commands += 2
                time.sleep(0.01)
            took = login.result()
        self.note(f'the login took {took:.2f} s, {commands} commands meanwhile, the slowest two {longest:.3f} s')
        self.assertGreater(took, 1)
        self.assertLess(longest, took / 3)
        self.assertGreater(commands, 10)


class Files(Case):
    def test_wrong_lines(self):
        """F-LOG: a users file that is wrong is refused with the number of its line, without its secrets"""
        place = self.folder()
        (place / 'mail').mkdir()
        for line in ('CANARY', 'ann:CANARY', 'ann:{CANARY}CANARY', 'ann:{PLAIN}', 'ann:{CRYPT}$6$CANARY',
                     'ann:{CRYPT}CANARYCANARY1', 'ann:{SCRAM-SHA-256}4096,CANARY', 'ann:{ARGON2ID}$argon2id$CANARY',
                     'ann:{PLAIN.b64}CANARY', 'bob:{PLAIN}CANARY', '../x:{PLAIN}CANARY',
                     'ann:{PLAIN}CANARY::::::allow_nets=CANARY'):
            with self.subTest(line):
                (place / 'users').write_text(f'# people\nbob:{{PLAIN}}CANARY\n\n{line}\n')
                done = self.run_program(case.POP3D, '--mail', 'mail', '--users', 'users', '--listen', '127.0.0.1:0',
                                        cwd=place, timeout=5)
                self.assertEqual((done.returncode, done.stdout), (1, b''))
                self.assertRegex(done.stderr, rb'\Apop3d: users, line 4: [ -~]+\n\Z')
                self.assertNotIn(b'CANARY', done.stderr)


class HashPassword(Case):
    def test_line(self):
        """--hash-password --user prints the line of a user, --hash-password what stands behind the colon"""
        done = hash_password('--user', 'ann', password=PASSWORD + '\n')
        self.assertRegex(done.stdout, rb'\Aann:\{CRYPT\}\$y\$[!-~]+\n\Z')
        self.assertRegex(hash_password('--scheme', 'scram-sha-256').stdout, rb'\A\{SCRAM-SHA-256\}\d+(,[^,:]+){3}\n\Z')
        self.assertNotEqual(hash_password().stdout, hash_password().stdout)

    def test_wrong(self):
        """--hash-password refuses what nobody could log in with, and quotes no password"""
        for options, password in (((), ''), ((), '\n'), ((), 'CANARY\x07'), ((), 'CANARY' * 1000),
                                  (('--user', '../CANARY'), 'x'), (('--scheme', 'DES'), 'CANARY'),
                                  (('--scheme', 'BLF-CRYPT'), 'CANARY' * 13)):
            with self.subTest(options):
                done = hash_password(*options, password=password)
                self.assertEqual((done.returncode, done.stdout), (1, b''))
                self.assertRegex(done.stderr, rb'\Apop3d: [ -~]+\n\Z')
                self.assertNotIn(b'CANARY', done.stderr)

    def on_terminal(self, *answers):
        """Status, all that the terminal showed, standard output."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen([case.POP3D, '--hash-password'], stdin=theirs, stderr=theirs,
                                   stdout=subprocess.PIPE, start_new_session=True)
        self.addCleanup(process.kill)
        os.close(theirs)
        shown = b''
        for answer, question in zip(answers, (b'Password: ', b'Again: ')):
            while not shown.endswith(question):
                shown += os.read(ours, 1000)
            os.write(ours, answer + b'\n')
        out = process.communicate(timeout=10)[0]
        try:
            while octets := os.read(ours, 1000):
                shown += octets
        except OSError:  # the terminal has no other side any more
            pass
        return process.returncode, shown, out

    def test_terminal(self):
        """--hash-password asks a terminal twice, and shows nothing of the answers"""
        status, shown, out = self.on_terminal(b'sesame', b'sesame')
        self.assertEqual((status, out[:10]), (0, b'{CRYPT}$y$'))
        self.assertEqual(shown.replace(b'\r', b''), b'Password: \nAgain: \n')
        status, shown, out = self.on_terminal(b'sesame', b'simsim')
        self.assertEqual((status, out), (1, b''))
        self.assertNotRegex(shown, b's[ei][ms]')


class Throttle(Case):
    def assertRefused(self, wire, what):
        """Told so instead of greeted, and that was all."""
        self.assertEqual(wire.line(), b'-ERR [SYS/TEMP] ' + what + b', try again later')
        self.assertTrue(wire.is_over())

    def failed_logins(self, server, count):
        """Waits until the log tells of so many."""
        until = time.monotonic() + 10
        while server.log().count(' failed_login ') < count and time.monotonic() < until:
            time.sleep(0.01)

    def test_delay_and_ban(self):
        """F-AUTHLOOP: failed logins slow an address down, too many have it refused, until the ban time is over"""
        server = self.serve('--failed-logins-per-address', '2', '--ban-time', '3', throttled=True, tls=True,
                            users={'ann': 'sesame', 'bob': 'open'})
        inside, early = self.logged_in(server, 'bob'), self.greeted(server.plain)
        guessers = [self.greeted(server.plain) for _ in range(2)]
        since = time.monotonic()
        for count, wire in enumerate(guessers, 1):
            wire.send(b'USER ann\r\nPASS wrong\r\n')
            self.failed_logins(server, count)
        self.assertRefused(self.connect(server.plain), b'too many failed logins')
        self.assertTrue(self.connect(server.tls).is_over())  # before any handshake
        early.send(b'USER ann\r\nPASS sesame\r\n')  # who guesses right by now does not learn it
        for wire, delay in zip(guessers, (2, 4)):
            self.assertOk(wire.line())
            self.assertErr(wire.line(), b'AUTH')
            self.assertGreater(time.monotonic() - since, delay - 0.1)
        self.assertOk(early.line())
        self.assertErr(early.line(), b'AUTH')
        self.assertOk(inside.ask(b'NOOP'))
        self.assertEqual(server.log().count(' failed_login '), 2)
        self.logged_in(server).close()  # 4 s are over

    def test_ban_time(self):
        """F-AUTHLOOP: a ban lasts as long as it is said to"""
        server = self.serve('--failed-logins-per-address', '1', '--ban-time', '2', throttled=True)
        self.greeted(server.plain).send(b'USER ann\r\nPASS wrong\r\n')
        since = time.monotonic()
        self.failed_logins(server, 1)
        while (greeting := self.connect(server.plain).line()).startswith(b'-ERR [SYS/TEMP] too many failed logins'):
            self.assertLess(time.monotonic() - since, 10)
            time.sleep(0.05)
        self.assertOk(greeting)
        self.assertGreater(time.monotonic() - since, 1.8)

    def test_end_while_a_reply_waits(self):
        """SIGTERM does not wait for the reply to a failed login"""
        server = self.serve(throttled=True)
        wires = [self.greeted(server.plain) for _ in range(4)]
        for wire in wires:
            wire.send(b'USER ann\r\nPASS wrong\r\n')
        self.failed_logins(server, 4)  # the last one would wait for 16 s
        since = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - since, 9)

    def test_connections_of_an_address(self):
        """--max-connections-per-address: further ones are refused until one leaves"""
        server = self.serve('--max-connections-per-address', '2', throttled=True)
        first, second = self.logged_in(server), self.greeted(server.plain)
        for _ in range(3):
            self.assertRefused(self.connect(server.plain), b'too many connections from your address')
        self.assertOk(first.ask(b'QUIT'))
        self.assertTrue(first.is_over())
        first.close()
        server.session_lines(4)
        self.logged_in(server)
        self.assertOk(second.ask(b'CAPA'))

    def test_silent_handshakes(self):
        """--max-connections-per-address: connections that begin no TLS count, and further ones get no handshake"""
        # One worker: it lets them in, in the order in which they come.
        server = self.serve('--max-connections-per-address', '2', '--workers', '1', throttled=True, tls=True)
        silent = [self.connect(server.tls) for _ in range(2)]
        self.assertTrue(self.connect(server.tls).is_over())
        self.assertEqual([line['reason'] for line in server.session_lines(1)], ['refused'])
        self.assertRefused(self.connect(server.plain), b'too many connections from your address')
        self.greeted(server.tls, tls=unverified(), source='127.0.0.9')
        silent[0].close()
        server.session_lines(3)
        wire = self.greeted(server.tls, tls=unverified())
        self.assertOk(wire.login('ann', 'sesame'))
        self.assertOk(wire.ask(b'QUIT'))
        line = server.session_lines(4)[-1]
        self.assertEqual((line['tls'], line['tls_version']), ('yes', wire.socket.version()))
        self.assertEqual(line['cipher'], wire.socket.cipher()[0])

    def prove(self, server, method, user, password):
        """AUTH with a proof: (reply, seconds that it took). A signature of the server's would be a reply, too."""
        return self.prove_on(self.greeted(server.plain), method, user, password)

    def prove_on(self, wire, method, user, password):
        if method == 'CRAM-MD5':
            challenge = base64.b64decode(wire.ask(b'AUTH CRAM-MD5').partition(b' ')[2])
            digest = hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()
            proof = base64.b64encode(f'{user} {digest}'.encode())
        else:
            client = Scram(method, user, password)
            proof = client.step(wire.ask(b'AUTH ' + method.encode() + b' ' + client.first).partition(b' ')[2])
        since = time.monotonic()
        return wire.ask(proof), time.monotonic() - since

    def test_barred(self):
        """R65: whoever may not log in learns by no mechanism that the password was right, nor waits for another time"""
        server = self.serve(users={'ann': 'sesame'}, lines=[
            'ann:{PLAIN}sesame', 'out:{PLAIN}sesame::::::nologin', 'far:{PLAIN}sesame::::::allow_nets=192.0.2.0/24'])
        methods = ('CRAM-MD5', 'SCRAM-SHA-256', 'SCRAM-SHA-1')
        tries = (('ann', 'wrong'), ('out', 'sesame'), ('out', 'wrong'), ('far', 'sesame'))
        with concurrent.futures.ThreadPoolExecutor(len(methods) * len(tries)) as pool:  # they wait for 2 s each
            results = {(method, *one): pool.submit(self.prove, server, method, *one)
                       for method in methods for one in tries}
        for method in methods:
            self.assertRegex(self.prove(server, method, 'ann', 'sesame')[0], rb'\A\+')
            wrong, usual = results[method, 'ann', 'wrong'].result()
            self.assertErr(wrong, b'AUTH')
            for one in tries:
                with self.subTest(method, one=one):
                    reply, seconds = results[(method, *one)].result()
                    self.assertEqual(reply, wrong)
                    self.assertAlmostEqual(seconds, usual, delta=0.5)

    def test_banned(self):
        """F-AUTHLOOP: connections from before a ban learn by no mechanism that a password was right"""
        server = self.serve('--failed-logins-per-address', '1', throttled=True)
        methods = ('CRAM-MD5', 'SCRAM-SHA-256', 'SCRAM-SHA-1')
        early = [self.greeted(server.plain) for _ in methods]
        self.greeted(server.plain).send(b'USER ann\r\nPASS wrong\r\n')
        self.failed_logins(server, 1)
        for wire, method in zip(early, methods):
            with self.subTest(method):
                self.assertErr(self.prove_on(wire, method, 'ann', 'sesame')[0], b'AUTH')
        self.assertEqual(server.log().count(' failed_login '), 1)

    def test_connections_of_a_user(self):
        """--max-connections-per-user: counted are those with the right password"""
        server = self.serve('--max-connections-per-user', '2', users={'ann': 'sesame', 'bob': 'open'})
        first = self.logged_in(server)
        waiting = self.greeted(server.plain)
        self.assertErr(waiting.login('ann', 'sesame'), b'IN-USE')
        third = self.greeted(server.plain)
        self.assertErr(third.login('ann', 'sesame'), b'SYS/TEMP')
        self.assertErr(third.login('ann', 'wrong'), b'AUTH')
        self.assertOk(third.login('bob', 'open'))
        self.assertOk(first.ask(b'QUIT'))
        self.assertOk(waiting.login('ann', 'sesame'))

    def test_login_delay(self):
        """--login-delay: announced, and told to who has the right password"""
        server = self.serve('--login-delay', '3', users={'ann': 'sesame', 'bob': 'open'})
        first = self.greeted(server.plain)
        self.assertIn(b'\r\nLOGIN-DELAY 3\r\n', b'\r\n' + first.ask_all(b'CAPA')[1])
        self.assertOk(first.login('ann', 'sesame'))
        since = time.monotonic()
        self.assertOk(first.ask(b'QUIT'))
        self.logged_in(server, 'bob')
        wire = self.greeted(server.plain)
        self.assertErr(wire.login('ann', 'sesame'), b'LOGIN-DELAY')
        self.assertErr(self.greeted(server.plain).login('ann', 'wrong'), b'AUTH')
        while (reply := wire.login('ann', 'sesame')).startswith(b'-ERR [LOGIN-DELAY] '):
            self.assertLess(time.monotonic() - since, 10)
            wire = self.greeted(server.plain)
        self.assertOk(reply)
        self.assertGreater(time.monotonic() - since, 2.9)
