# SPDX-License-Identifier: MIT
"""Sessions octet by octet: what real clients never send, and what attackers and bad networks do."""
import concurrent.futures
import re
import time

from case import Case

HEADER = b'Subject: x\r\n\r\n'


class Sessions(Case):
    def setUp(self):
        self.server = self.serve(users={'ann': 'sesame', 'bob': 'open'})
        self.paths = [self.server.maildir.deliver(HEADER + b'%d\r\n' % number) for number in range(1, 6)]

    def names(self):
        """The numbers of the messages that are left."""
        left = self.server.maildir.names()
        return [number for number, path in enumerate(self.paths, 1) if path.name.partition(':')[0] in left]

    def assertGone(self, wire):
        """The server has ended the connection, after nothing more."""
        self.assertTrue(wire.is_over())

    # ---- lines and their cuts ----

    PIPELINED = (b'USER ann\r\nPASS sesame\r\nSTAT\r\nLIST 1\r\nRETR 2\r\nNOOP\r\nFOO\r\nDELE 3\r\nLIST\r\nRSET\r\n'
                 b'UIDL 1\r\nTOP 1 0\r\nCAPA\r\nDELE 1\r\nQUIT\r\n')

    def transcript(self, send):
        """All that the server says to a whole session; the messages are there again afterwards."""
        files = self.server.maildir.files()
        wire = self.connect(self.server.plain)
        send(wire)
        answers = wire.rest()
        self.assertNotEqual(self.server.maildir.files(), files)
        for name, octets in files.items():
            (self.server.maildir.path / 'new' / name).write_bytes(octets)
        return answers

    def test_pipelining(self):
        """R2 R16 R114 F-PE1 F-PE2: one segment, single octets and single commands get the same answers"""
        whole = self.transcript(lambda wire: wire.send(self.PIPELINED))
        self.assertEqual(whole.count(b'-ERR'), 1)
        self.assertTrue(whole.endswith(b'\r\n+OK marked deleted\r\n+OK bye\r\n'), whole[-80:])
        self.assertEqual(self.transcript(lambda wire: wire.send_octets(self.PIPELINED)), whole)

        def one_by_one(wire):
            for command in self.PIPELINED.split(b'\r\n')[:-1]:
                wire.send(command + b'\r\n')
                time.sleep(0.01)
        self.assertEqual(self.transcript(one_by_one), whole)

        def cut_in_crlf(wire):
            for part in re.split(rb'(?<=\r)', self.PIPELINED):
                wire.send(part)
                time.sleep(0.002)
        self.assertEqual(self.transcript(cut_in_crlf), whole)

    def test_nothing_is_kept_for_later(self):
        """R53: TOP that ends inside a large message, and RETR of one, leave whole at once: no packet waits for another"""
        lines = [b'%06d ' % number + 71 * b'x' for number in range(2000)]
        for end in (b'\r\n', b'\n'):
            self.server.maildir.deliver(HEADER + end.join(lines) + end)
        wire = self.logged_in(self.server)
        for command in (b'TOP 6 450', b'TOP 6 1500', b'TOP 7 450', b'TOP 7 1500', b'RETR 6', b'RETR 7'):
            times = []
            for _ in range(10):
                begin = time.monotonic()
                self.assertOk(wire.ask_all(command)[0])
                times.append(time.monotonic() - begin)
            self.assertLess(min(times), 0.03, command)  # a packet that waits takes more, each time

    def test_greeting_first(self):
        """R21 R90 R93: one greeting line, before anything was sent and whatever was"""
        wire = self.connect(self.server.plain)
        greeting = wire.line()
        self.assertOk(greeting)
        self.assertLessEqual(len(greeting), 510)
        self.assertNotRegex(greeting, rb'[<>]')  # no APOP here
        early = self.connect(self.server.plain)
        early.send(b'CAPA\r\n')
        self.assertEqual(early.line(), greeting)
        self.assertOk(early.line())

    def test_case_of_verbs(self):
        """R1: verbs in any case"""
        wire = self.greeted(self.server.plain)
        self.assertOk(wire.ask(b'uSeR ann'))
        self.assertOk(wire.ask(b'pass sesame'))
        self.assertOk(wire.ask(b'sTaT'))

    def test_bare_lf(self):
        """F-EMPTY: a person who types into nc ends lines with LF, and is answered; an empty line too"""
        wire = self.greeted(self.server.plain)
        wire.send(b'USER ann\n')
        self.assertOk(wire.line())
        wire.send(b'PASS sesame\nSTAT\n\nRETR 1\r\nDELE 1\nQUIT\n')
        self.assertOk(wire.line())
        self.assertEqual(wire.line()[:6], b'+OK 5 ')
        self.assertErr(wire.line())
        self.assertOk(wire.line())
        self.assertEqual(wire.body(), HEADER + b'1\r\n')
        self.assertOk(wire.line())
        self.assertOk(wire.line())
        self.assertGone(wire)
        self.assertEqual(self.names(), [2, 3, 4, 5])

    def test_bare_cr(self):
        """R2: a CR alone ends no line"""
        wire = self.logged_in(self.server)
        wire.send(b'DELE 1\rDELE 2\rQUIT\r')
        wire.send(b'\r\n')
        self.assertErr(wire.line())
        self.assertEqual(wire.ask(b'STAT')[:6], b'+OK 5 ')

    def test_octets_that_do_not_belong(self):
        """R4 R14 R16: NUL, control octets and 8-bit make one -ERR and have no effect"""
        wire = self.logged_in(self.server)
        for command in (b'DELE 1\0', b'\0DELE 1', b'DE\0LE 1', b'DELE\0 1', b'DELE 1\0 junk', b'NOOP\0', b'DELE \xb9',
                        b'DELE 1\x0b', b'DELE 1\t', b'DELE\t1', b'\xffNOOP', b'NOOP\x1b[2J', b'\xef\xbb\xbfSTAT', b':'):
            with self.subTest(command):
                wire.send(command + b'\r\nSTAT\r\n')
                self.assertErr(wire.line())
                self.assertEqual(wire.line()[:6], b'+OK 5 ')

    def test_octets_in_login(self):
        """R4 R65: NUL and 8-bit in a user name or a password make one -ERR"""
        for first, second in ((b'USER ann\0', None), (b'USER \xe4nn', None), (b'USER ann', b'PASS sesame\0'),
                              (b'USER ann', b'PASS ses\0ame'), (b'USER ann', b'PASS \xff')):
            with self.subTest(first=first, second=second):
                wire = self.greeted(self.server.plain)
                reply = wire.ask(first)
                if second is not None:
                    self.assertOk(reply)
                    reply = wire.ask(second)
                self.assertErr(reply)
                self.assertErr(wire.ask(b'STAT'))
                self.assertOk(wire.ask(b'QUIT'))

    def test_nothing_is_reflected(self):
        """R7: what a client sent does not come back in a reply"""
        wire = self.greeted(self.server.plain)
        for command in (b'CANARY', b'USER CANARY', b'PASS', b'LIST CANARY', b'\x1b]CANARY\x07', b'CANARY' * 70):
            self.assertNotIn(b'CANARY', wire.ask(command))

    def test_numbers(self):
        """R36 R39 R42 R52 R56 F-NUM: only digits that fit make a number, and nothing wraps"""
        wire = self.logged_in(self.server)
        wrong = [b'0', b'6', b'-1', b'+1', b'1a', b'0x1', b'1.0', b'1,2', b' 1', b'1 ', b'', b'*', b'one']
        wrong += [b'%d' % (2**bits + 1) for bits in (8, 16, 31, 32, 63, 64, 128)] + [b'1' * 200]
        for number in wrong:
            for verb in (b'LIST', b'UIDL', b'RETR', b'DELE'):
                with self.subTest(verb=verb, number=number):
                    self.assertErr(wire.ask(verb + b' ' + number))
            with self.subTest(verb=b'TOP', number=number):
                self.assertErr(wire.ask(b'TOP ' + number + b' 0'))
            self.assertOk(wire.ask(b'NOOP'))  # too many in a row would end the session
        for count in (b'', b' ', b' -1', b' x', b' 1 1', b' +1'):
            with self.subTest(top=count):
                self.assertErr(wire.ask(b'TOP 1' + count))
        self.assertEqual(wire.ask(b'STAT')[:6], b'+OK 5 ')

    def test_long_line(self):
        """R14 R16 R88: a line of 600 octets gets one -ERR, one of 255 is taken"""
        wire = self.logged_in(self.server)
        for line in (b'N' * 600, b'NOOP ' + b' ' * 595, b'DELE 1' + b'\r' * 594, b'QUIT\0' * 120, b'x' * 60_000):
            wire.send(line + b'\r\nSTAT\r\n')
            self.assertErr(wire.line())
            self.assertEqual(wire.line()[:6], b'+OK 5 ')
        other = self.greeted(self.server.plain)
        self.assertOk(other.ask(b'USER ' + b'b' * 248))
        self.assertErr(other.ask(b'PASS ' + b'b' * 248), b'AUTH')

    def test_states(self):
        """R15 R43 R44 R45 R61 R63 F-STATE: commands out of place get -ERR"""
        wire = self.greeted(self.server.plain)
        for command in (b'STAT', b'LIST', b'RETR 1', b'DELE 1', b'NOOP', b'RSET', b'TOP 1 0', b'UIDL', b'PASS sesame'):
            self.assertErr(wire.ask(command))
            self.assertOk(wire.ask_all(b'CAPA')[0])
        self.assertOk(wire.login('ann', 'sesame'))
        for command in (b'USER ann', b'PASS sesame', b'APOP ann ' + b'0' * 32, b'STLS', b'AUTH PLAIN'):
            self.assertErr(wire.ask(command))
        self.assertOk(wire.ask(b'NOOP'))

    def test_bad_commands_end_it(self):
        """R50: too many bad commands in a row end the session, and nothing is removed"""
        wire = self.logged_in(self.server)
        wire.ask(b'DELE 1')
        wire.send(b'FOO\r\n' * 100 + b'QUIT\r\n')
        replies = wire.rest().splitlines()
        self.assertLess(len(replies), 100)
        for reply in replies:
            self.assertErr(reply)
        self.assertEqual(self.names(), [1, 2, 3, 4, 5])

    # ---- what removes messages, and what does not ----

    def test_quit_removes_the_marked(self):
        """R40 R41 R46 R48 R49 F-PE9: QUIT removes the marked messages, no other one, and not before"""
        wire = self.logged_in(self.server)
        for number in (2, 4):
            self.assertOk(wire.ask(b'DELE %d' % number))
            for command in (b'DELE', b'RETR', b'LIST', b'UIDL'):
                self.assertErr(wire.ask(b'%s %d' % (command, number)))
            self.assertErr(wire.ask(b'TOP %d 0' % number))
        self.assertEqual(self.names(), [1, 2, 3, 4, 5])
        self.assertOk(wire.ask(b'QUIT'))
        self.assertEqual(self.names(), [1, 3, 5])  # the answer comes after the deed
        self.assertEqual(self.logged_in(self.server).ask(b'STAT')[:6], b'+OK 3 ')  # and the lock is free
        self.assertGone(wire)

    def test_retr_removes_nothing(self):
        """R46: messages that were fetched and not marked stay"""
        wire = self.logged_in(self.server)
        for number in range(1, 6):
            wire.ask_all(b'RETR %d' % number)
        self.assertOk(wire.ask(b'QUIT'))
        self.assertEqual(self.names(), [1, 2, 3, 4, 5])

    def test_rset(self):
        """R44 F-AX: RSET takes the marks back"""
        wire = self.logged_in(self.server)
        before = wire.ask_all(b'UIDL'), wire.ask_all(b'LIST'), wire.ask(b'STAT')
        for number in (1, 2, 3):
            wire.ask(b'DELE %d' % number)
        self.assertOk(wire.ask(b'RSET'))
        self.assertEqual((wire.ask_all(b'UIDL'), wire.ask_all(b'LIST'), wire.ask(b'STAT')), before)
        self.assertOk(wire.ask(b'DELE 5'))
        self.assertOk(wire.ask(b'QUIT'))
        self.assertEqual(self.names(), [1, 2, 3, 4])

    def test_nothing_behind_quit(self):
        """R51: what follows QUIT is not run"""
        wire = self.logged_in(self.server)
        wire.send(b'QUIT\r\nDELE 1\r\nRETR 1\r\nQUIT\r\n')
        self.assertEqual(wire.rest().count(b'\r\n'), 1)
        self.assertEqual(self.names(), [1, 2, 3, 4, 5])

    def test_quit_before_login(self):
        """R30: QUIT before login says goodbye"""
        wire = self.greeted(self.server.plain)
        self.assertOk(wire.ask(b'QUIT'))
        self.assertGone(wire)

    def test_unterminated_quit(self):
        """R50: a QUIT that is not ended when the stream ends is no QUIT"""
        for end in (b'QUIT', b'QUIT\r', b'QUI', b'QUIT '):
            with self.subTest(end):
                wire = self.logged_in(self.server)
                wire.send(b'DELE 1\r\n' + end)
                wire.end_sending()
                self.assertEqual(wire.rest(), b'+OK marked deleted\r\n')
                self.assertEqual(self.names(), [1, 2, 3, 4, 5])

    def test_dropped(self):
        """R50 F-TIMER: a dropped connection removes nothing, and frees the lock"""
        def close(wire):
            wire.close()

        def reset(wire):
            wire.reset()

        def half_close(wire):
            wire.end_sending()
            self.assertGone(wire)
        for end in (close, reset, half_close):
            with self.subTest(end.__name__):
                wire = self.logged_in(self.server)
                self.assertOk(wire.ask(b'DELE 1'))
                end(wire)
                self.wait_for_lock()
                self.assertEqual(self.names(), [1, 2, 3, 4, 5])

    def wait_for_lock(self, user='ann', patience=3):
        """Logs in as soon as nobody else is; fails if that takes long."""
        until = time.monotonic() + patience
        while True:
            wire = self.greeted(self.server.plain)
            reply = wire.login(user, self.server.users[user])
            if reply.startswith(b'+OK') or time.monotonic() > until:
                self.assertOk(reply)
                self.assertOk(wire.ask(b'QUIT'))
                self.assertGone(wire)
                return
            self.assertErr(reply, b'IN-USE')

    def test_half_close(self):
        """R38 R46 R114: after the client has said all, the rest is still served"""
        wire = self.connect(self.server.plain)
        wire.send(b'USER ann\r\nPASS sesame\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n')
        wire.end_sending()
        self.assertEqual(wire.rest().partition(b'octets)\r\n')[2],
                         b'+OK 17 octets\r\n' + HEADER + b'1\r\n.\r\n+OK marked deleted\r\n+OK bye\r\n')
        self.assertEqual(self.names(), [2, 3, 4, 5])

    def test_half_close_of_large(self):
        """R38: and so is a large message"""
        octets = HEADER + b'0123456789\r\n' * 500_000
        self.server.maildirs['bob'].deliver(octets)
        wire = self.connect(self.server.plain)
        wire.send(b'USER bob\r\nPASS open\r\nRETR 1\r\nSTAT\r\n')
        wire.end_sending()
        time.sleep(0.2)  # both ends' buffers are full now
        self.assertIn(octets + b'.\r\n+OK 1 %d\r\n' % len(octets), wire.rest())

    # ---- login ----

    def test_in_use(self):
        """R23 R25 R134 F-LOCK: [IN-USE] is told to the right password only, and frees nobody's lock"""
        first = self.logged_in(self.server)
        right = self.greeted(self.server.plain)
        self.assertErr(right.login('ann', 'sesame'), b'IN-USE')
        with concurrent.futures.ThreadPoolExecutor() as pool:  # these are held back for a while
            wires = {what: self.greeted(self.server.plain) for what in (('ann', 'wrong'), ('eve', 'sesame'))}
            replies = [pool.submit(wire.login, *what) for what, wire in wires.items()]
            replies = [reply.result() for reply in replies]
        for reply in replies:
            self.assertErr(reply, b'AUTH')
        self.assertEqual(*replies)  # who exists is not told
        # Those who were refused leave, or say goodbye; the lock stays.
        self.assertOk(right.ask(b'QUIT'))
        for wire in wires.values():
            wire.reset()
        time.sleep(0.1)
        self.assertErr(self.greeted(self.server.plain).login('ann', 'sesame'), b'IN-USE')
        self.assertOk(self.logged_in(self.server, 'bob').ask(b'NOOP'))  # another maildrop is another matter
        # After a refusal the same connection may try again, once the maildrop is free.
        waiting = self.greeted(self.server.plain)
        self.assertErr(waiting.login('ann', 'sesame'), b'IN-USE')
        self.assertOk(first.ask(b'QUIT'))
        self.assertOk(waiting.login('ann', 'sesame'))

    def test_failed_login(self):
        """R25 R62 R65 F-AUTHLOOP: a wrong password takes its time, blocks nobody, and a few end the session"""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            guesser = self.greeted(self.server.plain)
            since = time.monotonic()
            reply = pool.submit(guesser.login, 'ann', 'wrong')
            self.logged_in(self.server).close()
            self.assertLess(time.monotonic() - since, 1)
            self.assertErr(reply.result(), b'AUTH')
            self.assertGreater(time.monotonic() - since, 1)
        self.assertErr(guesser.ask(b'PASS sesame'))  # a new USER is required
        guesser.send(b'USER ann\r\nPASS x\r\nUSER ann\r\nPASS y\r\nUSER ann\r\nPASS sesame\r\nSTAT\r\n')
        self.assertEqual([reply[:3] for reply in guesser.rest().splitlines()], [b'+OK', b'-ER', b'+OK', b'-ER'])

    def test_user_names_stay_in_their_folder(self):
        """R65: no user name leads out of the folder of maildrops"""
        outside = self.server.folder / 'outside'
        for folder in ('new', 'cur', 'tmp'):
            (outside / folder).mkdir(parents=True)
        (self.server.mail / 'link').symlink_to(outside)
        names = ['../outside', '..', '.', '/', './ann', 'ann/', 'ann/.', str(outside), '..%2foutside', 'link',
                 'a' * 240, 'ann\\..', '~', '%00', 'ann%00', '{PLAIN}sesame', 'ann:{PLAIN}sesame']
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            wires = [self.greeted(self.server.plain) for _ in names]
            replies = list(pool.map(lambda wire, name: wire.login(name, 'sesame'), wires, names))
        for name, reply in zip(names, replies):
            with self.subTest(name):
                self.assertErr(reply, b'AUTH')

    def test_folder_that_is_a_link(self):
        """R25: a user's folder that is a link is not followed, even for a user that exists"""
        self.server.kill()
        bob = self.server.mail / 'bob'
        bob.rename(self.server.folder / 'elsewhere')
        bob.symlink_to(self.server.folder / 'elsewhere')
        self.server.start()
        wire = self.greeted(self.server.plain)
        self.assertErr(wire.login('bob', 'open'))
        self.assertErr(wire.ask(b'STAT'))
        self.assertOk(wire.login('ann', 'sesame'))

    def test_empty_maildrop(self):
        """R10 R34 R57 F-EMPTY: an empty maildrop has empty listings that end; so has one without a folder"""
        for name in ('new', 'cur', 'tmp', ''):
            wire = self.logged_in(self.server, 'bob')
            self.assertEqual(wire.ask(b'STAT'), b'+OK 0 0')
            for command in (b'LIST', b'UIDL'):
                first, body = wire.ask_all(command)
                self.assertOk(first)
                self.assertEqual(body, b'')
            self.assertErr(wire.ask(b'LIST 1'))
            self.assertOk(wire.ask(b'QUIT'))
            self.assertGone(wire)
            (self.server.maildirs['bob'].path / name).rmdir()

    def test_passwords(self):
        """R64 F-PE13 F-LOG: spaces in a password belong to it"""
        passwords = {'in': 'open sesame now', 'front': ' open', 'back': 'open ', 'signs': '{x}"\\<>&%\'#'}
        server = self.serve(users=passwords)
        for user in passwords:
            with self.subTest(user):
                self.assertOk(self.logged_in(server, user).ask(b'STAT'))
