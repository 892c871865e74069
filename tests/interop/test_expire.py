# SPDX-License-Identifier: MIT
"""EXPIRE and LOGIN-DELAY (RFC 2449): what is announced, and what --expire 0 removes."""
import os

from case import Case

MESSAGE = b'Subject: %d\r\n\r\nfirst\r\nsecond\r\n'


class Expire(Case):
    def setUp(self):
        self.server = self.serve('--expire', '0')
        self.paths = [self.server.maildir.deliver(MESSAGE % number, f'{number}.x') for number in range(1, 6)]

    def left(self):
        return {int(name.partition('.')[0]) for name in self.server.maildir.names()}

    def retrieve(self, wire, *numbers):
        for number in numbers:
            self.assertEqual(wire.ask_all(b'RETR %d' % number)[1], MESSAGE % number)

    def test_announced(self):
        """R108 R118 R121: CAPA shows EXPIRE and LOGIN-DELAY as they were given, in both states"""
        for options, lines in (((), set()), (('--expire', '0'), {b'EXPIRE 0'}), (('--expire', '30'), {b'EXPIRE 30'}),
                               (('--expire', 'never'), {b'EXPIRE NEVER'}), (('--login-delay', '0'), set()),
                               (('--expire', '7', '--login-delay', '900'), {b'EXPIRE 7', b'LOGIN-DELAY 900'})):
            wire = self.greeted(self.serve(*options).plain)
            for _ in range(2):
                capabilities = wire.ask_all(b'CAPA')[1].split(b'\r\n')
                shown = {line for line in capabilities if line.startswith((b'EXPIRE', b'LOGIN-DELAY'))}
                self.assertEqual(shown, lines, options)
                wire.login('ann', 'sesame')

    def test_retrieved(self):
        """R119: with EXPIRE 0 a QUIT removes what was retrieved or marked, and nothing else"""
        wire = self.logged_in(self.server)
        self.retrieve(wire, 1, 3)
        self.assertOk(wire.ask_all(b'TOP 2 0')[0])
        self.assertOk(wire.ask(b'DELE 5'))
        self.assertEqual(self.left(), {1, 2, 3, 4, 5})
        self.retrieve(wire, 1)  # it is there until then
        self.assertOk(wire.ask(b'QUIT'))
        self.assertEqual(self.left(), {2, 4})
        self.assertEqual(self.server.session_lines()[0]['deleted'], '3')
        self.assertEqual(self.logged_in(self.server).ask_all(b'UIDL')[1], b'1 2.x\r\n2 4.x\r\n')

    def test_top(self):
        """R73 R119: with EXPIRE 0 TOP gives the header and not the body, and removes nothing"""
        wire = self.logged_in(self.server)
        for lines in (0, 1, 1000):
            self.assertEqual(wire.ask_all(b'TOP 1 %d' % lines)[1], b'Subject: 1\r\n\r\n')
        self.assertOk(wire.ask(b'QUIT'))
        self.assertEqual(self.left(), {1, 2, 3, 4, 5})

    def test_without_quit(self):
        """R49 R119: a session that ends without QUIT removes nothing, whatever was retrieved"""
        for end in ('end_sending', 'reset', 'stop'):
            wire = self.logged_in(self.server)
            self.retrieve(wire, 1, 2)
            self.assertOk(wire.ask(b'DELE 3'))
            if end == 'stop':
                self.assertEqual(self.server.stop(), 0)
            else:
                getattr(wire, end)()
                self.server.session_lines(1 if end == 'end_sending' else 2)
            self.assertEqual(self.left(), {1, 2, 3, 4, 5}, end)

    def test_not_sent_whole(self):
        """R119: a message that was not sent does not count as retrieved"""
        server = self.serve('--expire', '0', '--utf8')
        server.maildir.deliver(b'Subject: \xc3\xbc\n\n', '1.x')
        path = server.maildir.deliver(b'Subject: cut\n\n', '2.x')
        server.maildir.deliver(b'Subject: x\n\n', '3.x')
        wire = self.logged_in(server)
        os.truncate(path, 3)
        for number, code in ((1, b'UTF8'), (2, None)):
            self.assertErr(wire.ask(b'RETR %d' % number), code)
        self.assertOk(wire.ask_all(b'RETR 3')[0])
        self.assertOk(wire.ask(b'QUIT'))
        self.assertEqual(server.maildir.names(), {'1.x', '2.x'})

    def test_other_days(self):
        """R118 R120: with any other EXPIRE a QUIT removes what was marked"""
        for days in ('1', 'never'):
            server = self.serve('--expire', days)
            for number in (1, 2):
                server.maildir.deliver(MESSAGE % number, f'{number}.x')
            wire = self.logged_in(server)
            self.retrieve(wire, 1, 2)
            self.assertEqual(wire.ask_all(b'TOP 1 1')[1], b'Subject: 1\r\n\r\nfirst\r\n')
            self.assertOk(wire.ask(b'DELE 2'))
            self.assertOk(wire.ask(b'QUIT'))
            self.assertEqual(server.maildir.names(), {'1.x'})
