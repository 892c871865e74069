# SPDX-License-Identifier: MIT
"""UTF8 (RFC 6856): messages that only some clients can read, and names and passwords that are more than ASCII."""
import base64
import hashlib
import os
import re
import ssl
import time

from case import Case

GREETING = 'Grüße'.encode()
MESSAGES = {  # name -> octets as stored
    '1.ascii': b'Subject: plain\n\nbody\n',
    '2.utf8': b'Subject: ' + GREETING + b'\n\nbody\n',
    '3.body': b'Subject: 8bit\nContent-Transfer-Encoding: 8bit\n\n' + GREETING + b'\n',
    '4.latin1': 'Subject: Grüße\r\n\r\nbody\r\n'.encode('latin-1'),
    '5.folded': b'Subject: x\r\nFrom: "\r\n ' + GREETING + b'" <ann@example.org>\r\n\r\n.body\r\n',
    '6.told,S=21,W=26': b'To: ' + GREETING + b'\nX: y\n\nb\n\n',
    '7.told,S=22,W=27': b'To: Gruesse\nX: y\n\n\xc3\xbc\n\n',
    '8.empty': b'',
    '9.no-body': b'X: ' + GREETING,
}
NEED_UTF8 = {2, 4, 5, 6, 9}


def as_sent(octets):
    octets = re.sub(rb'(?<!\r)\n', b'\r\n', octets)
    return octets if octets.endswith(b'\r\n') else octets + b'\r\n' if octets else octets


class Messages(Case):
    def setUp(self):
        self.server = self.serve('--utf8')
        self.paths = [self.server.maildir.deliver(octets, name) for name, octets in MESSAGES.items()]
        self.sent = {number: as_sent(octets) for number, octets in enumerate(MESSAGES.values(), 1)}

    def session(self, utf8, server=None):
        wire = self.greeted((server or self.server).plain)
        if utf8:
            self.assertOk(wire.ask(b'UTF8'))
        self.assertOk(wire.login('ann', 'sesame'))
        return wire

    def needing(self, wire):
        """The numbers for which the server wants UTF8."""
        return {number for number in self.sent if wire.ask(b'LIST %d' % number).startswith(b'-ERR [UTF8] ')}

    def test_sizes(self):
        """R208 R213: LIST and STAT tell of all messages, with and without UTF8, and the same"""
        listing = b''.join(b'%d %d\r\n' % (number, len(octets)) for number, octets in self.sent.items())
        total = sum(map(len, self.sent.values()))
        for utf8 in (False, True):
            wire = self.session(utf8)
            self.assertEqual(wire.ask_all(b'LIST')[1], listing)
            self.assertEqual(wire.ask(b'STAT'), b'+OK %d %d' % (len(self.sent), total))
            self.assertEqual(wire.ask_all(b'UIDL')[1].count(b'\r\n'), len(self.sent))
            self.assertOk(wire.ask(b'QUIT'))

    def test_without_utf8(self):
        """R207 R208 R209: an 8-bit header is refused with [UTF8], an 8-bit body is not; DELE and UIDL work"""
        wire = self.session(False)
        for number, octets in self.sent.items():
            replies = [wire.ask_all(b'RETR %d' % number), wire.ask_all(b'TOP %d 100' % number),
                       wire.ask_all(b'TOP %d 0' % number), (wire.ask(b'LIST %d' % number), None)]
            if number in NEED_UTF8:
                for reply, _ in replies:
                    self.assertErr(reply, b'UTF8')
                    self.assertTrue(reply.isascii())
            else:
                self.assertEqual([body for _, body in replies[:2]], [octets, octets], number)
                self.assertTrue(replies[2][1].isascii())
                self.assertEqual(replies[3][0], b'+OK %d %d' % (number, len(octets)))
            self.assertOk(wire.ask(b'UIDL %d' % number))
        self.assertOk(wire.ask(b'DELE 2'))
        self.assertErr(wire.ask(b'UTF8'))  # too late (R205)
        self.assertErr(wire.ask(b'RETR 4'), b'UTF8')
        self.assertOk(wire.ask(b'QUIT'))
        self.assertEqual(self.server.maildir.names(), set(MESSAGES) - {'2.utf8'})

    def test_with_utf8(self):
        """R204 R207: after UTF8 all messages come as they are"""
        wire = self.session(True)
        self.assertEqual(self.needing(wire), set())
        for number, octets in self.sent.items():
            self.assertSame(wire.ask_all(b'RETR %d' % number)[1], octets)
            self.assertSame(wire.ask_all(b'TOP %d 100' % number)[1], octets)
            self.assertEqual(wire.ask(b'LIST %d' % number), b'+OK %d %d' % (number, len(octets)))

    def test_capability(self):
        """R204 R205: CAPA shows UTF8 USER in both states; the command has no argument"""
        wire = self.greeted(self.server.plain)
        self.assertIn(b'UTF8 USER\r\n', wire.ask_all(b'CAPA')[1])
        self.assertErr(wire.ask(b'UTF8 USER'))
        self.assertOk(wire.ask(b'utf8'))
        self.assertOk(wire.ask(b'UTF8'))
        self.assertOk(wire.login('ann', 'sesame'))
        self.assertIn(b'UTF8 USER\r\n', wire.ask_all(b'CAPA')[1])

    def test_off(self):
        """Without --utf8 there is no such command, and messages come as they are"""
        server = self.serve()
        for name, octets in MESSAGES.items():
            server.maildir.deliver(octets, name)
        wire = self.greeted(server.plain)
        self.assertNotIn(b'UTF8', wire.ask_all(b'CAPA')[1])
        self.assertErr(wire.ask(b'UTF8'))
        self.assertErr(wire.ask('USER änn'.encode()))
        self.assertOk(wire.login('ann', 'sesame'))
        for number, octets in self.sent.items():
            self.assertSame(wire.ask_all(b'RETR %d' % number)[1], octets)

    def test_cache(self):
        """A header is read once, whatever flags the file gets, until a RETR finds the file changed"""
        wire = self.session(False)
        self.assertEqual(self.needing(wire), NEED_UTF8)
        wire.ask(b'QUIT')
        for index, octets in ((0, b'\xfc'), (1, b'u')):  # behind the cache's back: the same size, the same time
            status = self.paths[index].stat()
            with open(self.paths[index], 'r+b') as file:
                file.seek(9)
                file.write(octets)
            os.utime(self.paths[index], ns=(status.st_atime_ns, status.st_mtime_ns))
        self.paths[5] = self.server.maildir.see(self.paths[5])
        wire = self.session(False)
        self.assertEqual(self.needing(wire), NEED_UTF8)
        wire.ask(b'QUIT')
        os.utime(self.paths[0])
        wire = self.session(False)
        self.assertOk(wire.ask_all(b'RETR 1')[0])
        wire.ask(b'QUIT')
        self.assertEqual(self.needing(self.session(False)), NEED_UTF8 | {1})

    def test_long_header(self):
        """64 KiB of a header are looked at: a file without an end of it costs no more"""
        for path in self.paths:
            path.unlink()
        size = 1 << 30
        path = self.server.maildir.deliver(b'', f'1.x,S={size},W={size + 2}')
        os.truncate(path, size)  # NULs, which take no room on the disk
        for number, padding in ((2, 65526), (3, 65527)):
            self.server.maildir.deliver(b'Subject: ' + b'x' * padding + b'\xfc\n\n', f'{number}.x')
        since, before = time.monotonic(), self.server.memory()
        wire = self.session(False)
        took, grown = time.monotonic() - since, self.server.peak() - before
        self.note(f'login with a header of 1 GiB: {took:.3f} s, {grown // 1024} KiB')
        self.assertLess(took, 1)
        if not self.server.is_sanitized():
            self.assertLess(grown, 4 << 20)
        self.assertEqual(wire.ask(b'LIST 1'), b'+OK 1 %d' % (size + 2))
        self.assertErr(wire.ask(b'LIST 2'), b'UTF8')
        self.assertOk(wire.ask(b'LIST 3'))

    def test_many(self):
        """10,000 messages: what a login costs with --utf8 and without, when nothing is known of them yet and later"""
        count = 10_000
        header = b''.join(b'X-Header-%d: %s\n' % (i, b'x' * 60) for i in range(30))
        figures = {}
        for options in ((), ('--utf8',)):
            server = self.serve(*options)
            for number in range(1, count + 1):
                octets = b'Subject: %s\n%s\nbody\n' % (GREETING if number % 10 == 0 else b'x', header)
                sent = len(octets) + octets.count(b'\n')
                server.maildir.deliver(octets, f'{number}.x,S={len(octets)},W={sent}')
            for pass_ in ('first', 'second'):
                before, since = server.memory(), time.monotonic()
                wire = self.session(False, server)
                figures[bool(options), pass_] = time.monotonic() - since
                self.note(f'{" ".join(options) or "no --utf8"}, {pass_} login: '
                          f'{1000 * figures[bool(options), pass_]:.0f} ms, {(server.peak() - before) // 1024} KiB')
                if pass_ == 'second':
                    wire.send(b''.join(b'LIST %d\r\n' % number for number in range(1, count + 1)))
                    refused = sum(wire.line().startswith(b'-ERR [UTF8]') for _ in range(count))
                    self.assertEqual(refused, count // 10 if options else 0)
                self.assertOk(wire.ask(b'QUIT'))
                wire.close()
                if not server.is_sanitized():
                    self.assertLess(server.peak() - before, 16 << 20)
            server.kill()
        self.assertLess(figures[True, 'second'], 5 * figures[False, 'second'] + 0.1)


class Names(Case):
    """Users of which each is the same to SASLprep however it is typed."""

    USERS = {'éva': 'Ⅸ pässe', 'ann': 'sesame'}
    LINES = [f'{user}:{{PLAIN}}{password}' for user, password in USERS.items()]
    FORMS = ('éva', 'IX pässe'), ('e\u0301va', 'Ⅸ\u00a0pa\u0308sse'), ('ｅ\u0301va', 'IX pä\u00adsse')

    def server(self, *options, **settings):
        return self.serve(*options, users=self.USERS, lines=self.LINES, **settings)

    def test_forms(self):
        """R194 R217 R219 R222: composed and decomposed names and passwords are the same, before UTF8 and after it"""
        server = self.server('--utf8')
        server.maildirs['éva'].deliver(b'for Eva\r\n')
        for utf8 in (False, True):
            for user, password in self.FORMS:
                wire = self.greeted(server.plain)
                if utf8:
                    self.assertOk(wire.ask(b'UTF8'))
                self.assertOk(wire.login(user, password))
                self.assertEqual(wire.ask(b'STAT'), b'+OK 1 9')
                self.assertOk(wire.ask(b'QUIT'))
        users = {line['user'] for line in server.session_lines(2 * len(self.FORMS))}
        self.assertEqual(users, {r'\xC3\xA9va'})

    def test_apop_and_auth(self):
        """R220: APOP is computed of what SASLprep makes of name and password; AUTH PLAIN needs no UTF8"""
        server = self.server('--utf8', '--apop')
        wire = self.connect(server.plain)
        challenge = re.search(rb'<.*>', wire.line())[0]
        digest = hashlib.md5(challenge + 'IX pässe'.encode()).hexdigest()
        self.assertOk(wire.ask(f'APOP e\u0301va {digest}'.encode()))
        self.assertOk(wire.ask(b'QUIT'))
        for options in ((), ('--utf8',)):
            wire = self.greeted(self.server(*options).plain)
            message = base64.b64encode('\0e\u0301va\0Ⅸ pässe'.encode())
            self.assertOk(wire.ask(b'AUTH PLAIN ' + message))

    def test_refused(self):
        """R218 R221: prohibited characters and what is not UTF-8 do not log in, and tell nothing"""
        server = self.server('--utf8')
        right = 'IX pässe'.encode()
        for line in (b'USER \xe9va', b'USER \xc3', b'USER \xc0\xaf', b'USER \xed\xa0\x80', b'USER \xf4\x90\x80\x80'):
            self.assertErr(self.greeted(server.plain).ask(line))
        tries = [('éva\ue000'.encode(), right), ('é\u200eva'.encode(), right), ('éva\ufffd'.encode(), right),
                 ('éva'.encode(), right + '\ue000'.encode()), ('éva'.encode(), right + '\u0080'.encode()),
                 ('éva'.encode(), 'IX passe'.encode()), ('Éva'.encode(), right), ('nöbody'.encode(), right)]
        wires = [self.greeted(server.plain) for _ in tries]
        for wire, (user, password) in zip(wires, tries):
            wire.send(b'USER ' + user + b'\r\nPASS ' + password + b'\r\n')
        replies = set()
        for wire in wires:
            self.assertOk(wire.line())
            replies.add(wire.line())
        self.assertEqual(len(replies), 1)
        self.assertErr(replies.pop(), b'AUTH')
        wire = self.greeted(server.plain)
        self.assertOk(wire.ask('USER éva'.encode()))
        self.assertErr(wire.ask(b'PASS IX p\xe4sse'))  # of no charset that is known: no command

    def test_stls(self):
        """R214 R215: STLS is refused once UTF8 was said, and offered before"""
        server = self.server('--utf8', tls=True)
        wire = self.greeted(server.plain)
        self.assertIn(b'STLS\r\n', wire.ask_all(b'CAPA')[1])
        self.assertOk(wire.ask(b'UTF8'))
        self.assertNotIn(b'STLS\r\n', wire.ask_all(b'CAPA')[1])
        self.assertErr(wire.ask(b'STLS'))
        self.assertOk(wire.login('ann', 'sesame'))
        wire = self.greeted(server.plain)
        self.assertOk(wire.ask(b'STLS'))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        wire.socket = context.wrap_socket(wire.socket)
        self.assertOk(wire.ask(b'UTF8'))
        self.assertOk(wire.login(*self.FORMS[1]))
