# SPDX-License-Identifier: MIT
"""Fetching with poplib and curl: octet for octet what is in the file, with its line ends as CRLF."""
import poplib
import re
import ssl
import time

import corpus
from case import Case, program
from server import CERTIFICATE

poplib._MAXLINE = 1 << 20  # its own bound of 2048 octets is about servers that never end a line


def rejoined(lines):
    return b''.join(line + b'\r\n' for line in lines)


class Fetch(Case):
    """The whole corpus and, where it is there, real mail, in two maildrops of one server."""

    def setUp(self):
        self.server = self.serve('--log-level', 'warning', users={'corpus': 'c o r p u s', 'real': 'sesame'}, tls=True)
        self.messages = {'corpus': corpus.messages(), 'real': corpus.real_mail()}
        for user, messages in self.messages.items():
            for number, (_, octets) in enumerate(messages):
                self.server.maildirs[user].deliver(octets, folder=('new', 'cur')[number % 2])
        self.trusting = ssl.create_default_context(cafile=CERTIFICATE)

    def poplib(self, user, tls=False):
        """A poplib session in TRANSACTION."""
        if tls:
            client = poplib.POP3_SSL(*self.server.tls, timeout=10, context=self.trusting)
        else:
            client = poplib.POP3(*self.server.plain, timeout=10)
        self.addCleanup(client.close)
        client.user(user)
        client.pass_(self.server.users[user])
        return client

    def expected(self, user):
        messages = self.messages[user]
        if not messages:
            self.skipTest('no folder of real messages: MAILWIRE_MAIL names one')
        return [(number, name, octets) for number, (name, octets) in enumerate(messages, 1)]

    # ---- poplib ----

    def fetch_by_poplib(self, user, tls):
        expected = self.expected(user)
        client = self.poplib(user, tls)
        self.assertEqual(client.stat(), (len(expected), sum(len(corpus.wire_form(o)) for _, _, o in expected)))
        for number, name, octets in expected:
            _, lines, _ = client.retr(number)
            self.assertSame(rejoined(lines), corpus.wire_form(octets), name)
        self.assertRegex(client.quit(), rb'\A\+OK')

    def test_poplib_corpus(self):
        """R11 R12 R13 R38 F-DOT F-PE3: poplib gets every message of the corpus unchanged"""
        self.fetch_by_poplib('corpus', tls=False)

    def test_poplib_corpus_tls(self):
        """R11 R12 R13 R38: poplib gets every message of the corpus unchanged over TLS"""
        self.fetch_by_poplib('corpus', tls=True)

    def test_poplib_real(self):
        """R38 R74: poplib gets real mail unchanged"""
        self.fetch_by_poplib('real', tls=False)

    def test_poplib_real_tls(self):
        """R38 R74: poplib gets real mail unchanged over TLS"""
        self.fetch_by_poplib('real', tls=True)

    # ---- curl ----

    def curl(self, user, path, *options, tls=False):
        address = self.server.tls if tls else self.server.plain
        url = f'pop3{"s" if tls else ""}://{address[0]}:{address[1]}/{path}'
        return self.run_program('curl', '-q', '-k', '--silent', '--show-error', '--max-time', '40', '--user',
                                f'{user}:{self.server.users[user]}', *options, url)

    def fetch_by_curl(self, user, tls):
        expected = self.expected(user)
        folder = self.folder()
        done = self.curl(user, f'[1-{len(expected)}]', '--output', folder / '#1', tls=tls)
        self.assertEqual((done.returncode, done.stderr), (0, b''))
        for number, name, octets in expected:
            # curl counts the line end in front of the final dot to the message, also where there is no message.
            self.assertSame((folder / str(number)).read_bytes(), corpus.wire_form(octets) or b'\r\n', name)

    @program('curl')
    def test_curl_corpus(self):
        """R11 R12 R13 R38 F-DOT: curl gets every message of the corpus unchanged"""
        self.fetch_by_curl('corpus', tls=False)

    @program('curl')
    def test_curl_corpus_tls(self):
        """R11 R12 R13 R38: curl gets every message of the corpus unchanged over TLS"""
        self.fetch_by_curl('corpus', tls=True)

    @program('curl')
    def test_curl_real(self):
        """R38 R74: curl gets real mail unchanged"""
        self.fetch_by_curl('real', tls=False)

    @program('curl')
    def test_curl_real_tls(self):
        """R38 R74: curl gets real mail unchanged over TLS"""
        self.fetch_by_curl('real', tls=True)

    @program('curl')
    def test_curl_other_commands(self):
        """R34 R35 R57 R94: curl lists, and sends STAT, UIDL, TOP and CAPA"""
        sizes = [len(corpus.wire_form(octets)) for _, _, octets in self.expected('corpus')]
        listed = self.curl('corpus', '').stdout
        self.assertEqual(listed, b''.join(b'%d %d\r\n' % pair for pair in enumerate(sizes, 1)))
        for command in ('STAT', 'NOOP', 'RSET', 'LIST 1'):
            done = self.curl('corpus', '', '--request', command, '--head')
            self.assertEqual((command, done.returncode, done.stderr), (command, 0, b''))
        self.assertEqual(self.curl('corpus', '', '--request', 'UIDL').stdout.count(b'\r\n'), len(sizes))
        self.assertEqual(self.curl('corpus', '', '--request', 'TOP 1 0').stdout, corpus.HEADER)
        self.assertIn(b'PIPELINING\r\n', self.curl('corpus', '', '--request', 'CAPA').stdout)

    @program('curl')
    def test_curl_wrong_password(self):
        """R65: curl with a wrong password is refused, and gets nothing"""
        self.server.users['corpus'] = 'wrong'
        done = self.curl('corpus', '1')
        self.assertEqual((done.returncode, done.stdout), (67, b''))  # CURLE_LOGIN_DENIED

    # ---- what is told about messages ----

    def test_sizes(self):
        """R33 R35 R37 R74: LIST, LIST n, STAT and RETR tell the octets that RETR sends, dots not counted"""
        client = self.poplib('corpus')
        _, listing, _ = client.list()
        sizes = dict(map(int, line.split(b' ')) for line in listing)
        expected = self.expected('corpus')
        self.assertEqual(list(sizes), [number for number, _, _ in expected])
        for number, name, octets in expected:
            size = len(corpus.wire_form(octets))
            self.assertEqual((name, sizes[number], client.list(number)), (name, size, b'+OK %d %d' % (number, size)))
        self.assertEqual(client.stat(), (len(expected), sum(sizes.values())))

    def test_sizes_without_deleted(self):
        """R32 R40 F-LIST F-PE8: STAT, LIST and UIDL leave out what is marked deleted"""
        client = self.poplib('corpus')
        expected = self.expected('corpus')
        left = [number for number, _, _ in expected if number % 3]
        for number, _, _ in expected:
            if number not in left:
                client.dele(number)
        for listing in (client.list(), client.uidl()):
            self.assertEqual([int(line.split()[0]) for line in listing[1]], left)
        octets = sum(len(corpus.wire_form(octets)) for number, _, octets in expected if number in left)
        self.assertEqual(client.stat(), (len(left), octets))
        client.rset()
        self.assertEqual(client.stat()[0], len(expected))

    def test_top(self):
        """R53 R54 R55 F-TOP: TOP sends the header, the empty line and n lines, by another cut than ours"""
        expected = self.expected('corpus')[:-1]
        client = self.poplib('corpus')
        for count in (0, 1, 2, 7):
            for number, name, octets in expected:
                self.assertSame(rejoined(client.top(number, count)[1]), corpus.top(octets, count), f'{name}, {count}')
        for number, name, octets in expected:
            for count in (100_000, 2**32, 2**64 - 1):
                self.assertSame(rejoined(client.top(number, count)[1]), corpus.wire_form(octets), f'{name}, {count}')

    def test_top_of_large(self):
        """R53 R54 R55: TOP of 5 MB is cut where it should be"""
        number, name, octets = self.expected('corpus')[-1]
        client = self.poplib('corpus')
        for count in (0, 1, 1000, 10**6):
            self.assertSame(rejoined(client.top(number, count)[1]), corpus.top(octets, count), f'{name}, {count}')

    def test_top_real(self):
        """R53 R54 R55: TOP of real mail"""
        client = self.poplib('real') if self.messages['real'] else None
        for number, name, octets in self.expected('real'):
            for count in (0, 3, 50):
                self.assertSame(rejoined(client.top(number, count)[1]), corpus.top(octets, count), f'{name}, {count}')

    def test_unique_ids(self):
        """R57 R58 R59 F-UID: unique-ids are right in form, unlike, the same in UIDL n, the next session and on cur/"""
        client = self.poplib('corpus')
        uids = dict(line.split(b' ') for line in client.uidl()[1])
        self.assertEqual(len(set(uids.values())), len(self.expected('corpus')))
        for number, uid in uids.items():
            self.assertRegex(uid, rb'\A[\x21-\x7e]{1,70}\Z')
            self.assertEqual(client.uidl(int(number)), b'+OK %s %s' % (number, uid))
        client.dele(1)
        client.close()  # without QUIT
        maildir = self.server.maildirs['corpus']
        for path in sorted((maildir.path / 'new').iterdir())[::2]:
            maildir.see(path)
        for path in sorted((maildir.path / 'cur').iterdir())[::3]:
            maildir.see(path, flags='FRS')
        time.sleep(0.05)  # the lock of the first session
        client = self.poplib('corpus', tls=True)
        self.assertEqual(dict(line.split(b' ') for line in client.uidl()[1]), uids)
        self.assertSame(rejoined(client.retr(1)[1]), corpus.wire_form(self.messages['corpus'][0][1]))

    def test_capabilities(self):
        """R94 R95 R104 R105 R114 R124: what CAPA announces to poplib is true in both states"""
        client = poplib.POP3(*self.server.plain, timeout=10)
        self.addCleanup(client.close)
        before = client.capa()
        client.user('corpus')
        client.pass_(self.server.users['corpus'])
        after = client.capa()
        for name in ('TOP', 'UIDL', 'USER', 'PIPELINING', 'RESP-CODES'):
            self.assertIn(name, before)
            self.assertIn(name, after)
        self.assertLessEqual(set(before) - {'STLS'}, set(after))  # which is announced where it is permitted (RFC 2595, 4)


class Order(Case):
    def test_order_is_kept(self):
        """R28: numbers follow the delivery, also when names have other flags and folders"""
        server = self.serve()
        paths = [server.maildir.deliver(b'%d\r\n' % number) for number in range(1, 60)]
        for path in paths[::2]:
            server.maildir.see(path)
        wire = self.logged_in(server)
        first = wire.ask_all(b'UIDL')
        for number in (1, 2, 30, 59):
            self.assertEqual(wire.ask_all(b'RETR %d' % number)[1], b'%d\r\n' % number)
        self.assertOk(wire.ask(b'QUIT'))
        for path in paths[1::2]:
            server.maildir.see(path, flags='RS')
        self.assertTrue(wire.is_over())
        self.assertEqual(self.logged_in(server).ask_all(b'UIDL'), first)


class SizesInNames(Case):
    """Maildir names may tell sizes: ,S= octets of the file, ,W= octets with CRLF."""

    MESSAGE = b'Subject: size\n\n.\nbody\n'

    def listed(self, name):
        server = self.serve()
        server.maildir.deliver(self.MESSAGE, name)
        wire = self.logged_in(server)
        listed = int(re.fullmatch(rb'\+OK 1 (\d+)', wire.ask(b'LIST 1'))[1])
        self.assertSame(wire.ask_all(b'RETR 1')[1], corpus.wire_form(self.MESSAGE))
        wire.ask(b'QUIT')
        wire.is_over()
        again = int(re.fullmatch(rb'\+OK 1 (\d+)', self.logged_in(server).ask(b'LIST 1'))[1])
        return listed, again

    def test_true(self):
        """R37: sizes in a name that are true are what LIST tells"""
        stored, sent = len(self.MESSAGE), len(corpus.wire_form(self.MESSAGE))
        self.assertEqual(self.listed(f'1.host,S={stored},W={sent}'), (sent, sent))
        self.assertEqual(self.listed(f'1.host,S={stored}:2,S'), (sent, sent))

    def test_false(self):
        """R37: sizes in a name that cannot be true are not believed"""
        stored, sent = len(self.MESSAGE), len(corpus.wire_form(self.MESSAGE))
        for sizes in (f'S={stored + 1},W={sent}', f'S=1,W=1', f'S={stored},W={stored - 1}', f'S={stored},W=99999',
                      'S=,W=', 'S=x,W=y', f'S={stored},W={2**64 + sent}', f'W={sent + 2}'):
            with self.subTest(sizes):
                self.assertEqual(self.listed(f'1.host,{sizes}'), (sent, sent))

    def test_false_but_possible(self):
        """R37: a ,W= that is wrong although possible is put right by the first RETR"""
        stored, sent = len(self.MESSAGE), len(corpus.wire_form(self.MESSAGE))
        self.assertEqual(self.listed(f'1.host,S={stored},W={stored + 1}')[1], sent)


