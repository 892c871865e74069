# SPDX-License-Identifier: MIT
"""Maildirs: what other programs do to them meanwhile, and what is left whatever happens to the server."""
import contextlib
import multiprocessing
import os
import random
import shutil
import socket
import subprocess
import time
import unittest

from case import Case
from wire import Wire


class OtherPrograms(Case):
    """Messages that change under an open session."""

    def setUp(self):
        self.server = self.serve()
        self.maildir = self.server.maildir
        self.paths = [self.maildir.deliver(b'Subject: %d\n\nbody\n' % number) for number in range(1, 6)]
        self.wire = self.logged_in(self.server)

    def body(self, number):
        return b'Subject: %d\r\n\r\nbody\r\n' % number

    def left(self):
        names = self.maildir.names()
        return [number for number, path in enumerate(self.paths, 1) if path.name in names]

    def test_deleted_by_others(self):
        """R28 R39 R57: messages that others deleted answer -ERR, and the numbers of the rest stay"""
        before = self.wire.ask_all(b'LIST'), self.wire.ask_all(b'UIDL'), self.wire.ask(b'STAT')
        self.paths[1].unlink()
        self.paths[2].unlink()
        for command in (b'RETR 2', b'RETR 3', b'TOP 2 0'):
            self.assertErr(self.wire.ask(command))
        for number in (1, 4, 5):
            self.assertEqual(self.wire.ask_all(b'RETR %d' % number)[1], self.body(number))
        self.assertEqual((self.wire.ask_all(b'LIST'), self.wire.ask_all(b'UIDL'), self.wire.ask(b'STAT')), before)
        # To remove what is gone already is no failure.
        for number in (2, 4):
            self.assertOk(self.wire.ask(b'DELE %d' % number))
        self.assertOk(self.wire.ask(b'QUIT'))
        self.assertEqual(self.left(), [1, 5])

    def test_renamed_by_others(self):
        """R28 R48: messages that another program moves to cur/, or flags, are served and removed all the same"""
        for number, flags in ((1, ''), (2, 'S'), (3, 'RS')):
            moved = self.maildir.see(self.paths[number - 1], flags)
            self.assertEqual(self.wire.ask_all(b'RETR %d' % number)[1], self.body(number))
            self.maildir.see(moved, 'FS')
            self.assertEqual(self.wire.ask_all(b'TOP %d 1' % number)[1], self.body(number))
        self.assertOk(self.wire.ask(b'DELE 2'))
        self.assertOk(self.wire.ask(b'DELE 5'))
        self.maildir.see(self.maildir.path / 'cur' / f'{self.paths[1].name}:2,FS', 'T')
        self.assertOk(self.wire.ask(b'QUIT'))
        self.assertEqual(self.left(), [1, 3, 4])

    def test_flags_all_the_time(self):
        """R28 R38: a program that flags and flags does not make messages vanish"""
        with self.flagging(pause=0.005):
            for _ in range(20):
                for number in range(1, 6):
                    self.assertEqual(self.wire.ask_all(b'RETR %d' % number)[1], self.body(number))

    def test_flags_without_a_pause(self):
        """R46 R47 F-QUIT: messages that were not found where they were a moment ago do not count as removed"""
        with self.flagging(pause=0):
            missed, until = 0, time.monotonic() + 1
            while missed < 20 and time.monotonic() < until:
                missed += self.wire.ask_all(b'RETR 1')[1] is None
        for number in range(1, 6):
            self.wire.ask(b'DELE %d' % number)
        reply = self.wire.ask(b'QUIT')
        if self.left():
            self.assertErr(reply)
        else:
            self.assertOk(reply)

    @contextlib.contextmanager
    def flagging(self, pause):
        """A program that gives all messages other flags, again and again."""
        def flag():
            paths = list(self.paths)
            while True:
                for flags in ('S', 'FS', 'RS', '', 'T'):
                    paths = [self.maildir.see(path, flags) for path in paths]
                    time.sleep(pause)
        process = multiprocessing.get_context('fork').Process(target=flag, daemon=True)
        process.start()
        try:
            yield
        finally:
            process.kill()
            process.join()

    def test_new_mail(self):
        """R28: mail that comes during a session is seen in the next one"""
        before = self.wire.ask(b'STAT')
        self.maildir.deliver(b'late\r\n')
        self.assertEqual(self.wire.ask(b'STAT'), before)
        self.assertErr(self.wire.ask(b'RETR 6'))
        self.wire.ask(b'QUIT')
        self.assertEqual(self.logged_in(self.server).ask(b'LIST 6'), b'+OK 6 6')

    def test_replaced_by_others(self):
        """R38 R48 R60: another file under the name of a message is not that message"""
        other = self.maildir.path / 'tmp' / 'other'
        other.write_bytes(b'not what was listed\n')
        os.replace(other, self.paths[0])
        self.assertErr(self.wire.ask(b'RETR 1'))
        self.wire.ask(b'DELE 1')
        self.wire.ask(b'QUIT')
        self.assertEqual(self.paths[0].read_bytes(), b'not what was listed\n')

    def test_changed_by_others(self):
        """R37: a message that has another size than was listed is not served as if it had not"""
        self.paths[0].write_bytes(b'short\n')
        self.assertErr(self.wire.ask(b'RETR 1'))
        with open(self.paths[1], 'ab') as file:
            file.write(b'more\n')
        self.assertErr(self.wire.ask(b'RETR 2'))
        self.assertEqual(self.wire.ask_all(b'RETR 3')[1], self.body(3))

    def test_shrinks_during_retr(self):
        """R50: a message that is cut while it is sent ends the session without the final dot"""
        self.wire.ask(b'QUIT')
        path = self.maildir.deliver(b'0123456789\r\n' * 2_000_000)
        wire = self.logged_in(self.server, receive_buffer=8192)
        wire.ask(b'DELE 1')
        wire.send(b'RETR 6\r\n')
        self.assertOk(wire.line())
        with open(path, 'r+b') as file:
            file.truncate(10)
        octets = wire.rest()
        self.assertLess(len(octets), 24_000_000)
        self.assertFalse(octets.endswith(b'\r\n.\r\n'))
        self.assertEqual(len(self.maildir.files()), 6)

    def test_unreadable(self):
        """R39: a message that turns into something else is -ERR, and does not stop the session"""
        kinds = {0: os.mkfifo, 1: os.mkdir, 2: lambda path: os.symlink('/etc/passwd', path)}
        for index, make in kinds.items():
            self.paths[index].unlink()
            make(self.paths[index])
            self.assertErr(self.wire.ask(b'RETR %d' % (index + 1)))
            self.wire.ask(b'DELE %d' % (index + 1))
        self.assertEqual(self.wire.ask_all(b'RETR 4')[1], self.body(4))
        self.wire.ask(b'QUIT')
        for index in kinds:
            self.assertTrue(os.path.lexists(self.paths[index]))


class SentBySystem(Case):
    """Large messages that need no change, once they were read: sendfile()."""

    LINES = [b'', b'one two three', b'x' * 900, b'a dot . inside', b'\r', b'end.']

    def setUp(self):
        self.server = self.serve()
        self.octets = [b'\r\n'.join(self.LINES * count) + b'\r\n' for count in (1, 100, 5000)]
        self.paths = [self.server.maildir.deliver(octets) for octets in self.octets]
        time.sleep(2.1)  # what was changed a moment ago is not trusted yet
        self.wire = self.logged_in(self.server)
        for number, octets in enumerate(self.octets, 1):
            self.assertSame(self.wire.ask_all(b'RETR %d' % number)[1], octets)

    def test_octets(self):
        """R37 R38 R41: the octets are the same as before, also in a pipeline, and TOP cuts"""
        sizes = [len(octets) for octets in self.octets]
        self.wire.send(b'RETR 3\r\nTOP 3 1\r\nRETR 2\r\nNOOP\r\nRETR 3\r\nDELE 2\r\nSTAT\r\n')
        for number in (3, 0, 2):
            self.assertOk(self.wire.line())
            expected = self.octets[number - 1] if number else b'\r\none two three\r\n'
            self.assertSame(self.wire.body(), expected)
        self.assertEqual(self.wire.line()[:3], b'+OK')
        self.assertOk(self.wire.line())
        self.assertSame(self.wire.body(), self.octets[2])
        self.assertOk(self.wire.line())
        self.assertEqual(self.wire.line(), b'+OK 2 %d' % (sizes[0] + sizes[2]))

    def test_slow_reader(self):
        """R38: the same through a small window"""
        wire = self.greeted(self.server.plain, receive_buffer=4096)
        self.wire.ask(b'QUIT')
        self.assertOk(wire.login('ann', 'sesame'))
        for number in (2, 3):
            self.assertSame(wire.ask_all(b'RETR %d' % number)[1], self.octets[number - 1])

    def test_no_step(self):
        """No reply waits for a timer of TCP"""
        since = time.monotonic()
        for _ in range(50):
            self.wire.ask_all(b'RETR 2')
        took = time.monotonic() - since
        self.note(f'50 times RETR of {len(self.octets[1])} octets: {1000 * took:.0f} ms')
        self.assertLess(took, 50 * 0.04)

    def test_changed_in_place(self):
        """R41 R44: a file that is not what it was is looked at again, whatever its size and time say"""
        status = self.paths[1].stat()
        changed = self.octets[1].replace(b'\r\none two three', b'\r\n.ne two three')
        self.assertEqual(len(changed), status.st_size)
        self.paths[1].write_bytes(changed)
        os.utime(self.paths[1], ns=(status.st_atime_ns, status.st_mtime_ns))
        self.assertSame(self.wire.ask_all(b'RETR 2')[1], changed)

    def test_not_in_memory(self):
        """R38: a file that has to be read from the disk"""
        with open(self.paths[2], 'r+b') as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self.assertSame(self.wire.ask_all(b'RETR 3')[1], self.octets[2])

    def test_cut_while_it_is_sent(self):
        """R50: a file that is cut while it is sent ends the session without the final dot"""
        octets = b'0123456789\r\n' * 2_000_000
        path = self.server.maildir.deliver(octets)
        time.sleep(2.1)
        self.wire.ask(b'QUIT')
        wire = self.logged_in(self.server)
        self.assertSame(wire.ask_all(b'RETR 4')[1], octets)
        wire.ask(b'QUIT')
        wire = self.logged_in(self.server, receive_buffer=8192)
        wire.ask(b'DELE 1')
        wire.send(b'RETR 4\r\n')
        self.assertOk(wire.line())
        with open(path, 'r+b') as file:
            file.truncate(10)
        left = wire.rest()
        self.assertLess(len(left), len(octets))
        self.assertFalse(left.endswith(b'\r\n.\r\n'))
        self.assertEqual(len(self.server.maildir.files()), 4)


class WhatIsNoMail(Case):
    def test_ignored(self):
        """F-LIST: FIFOs, links, folders, sockets and dot files in new/ and cur/ are no messages, and block nothing"""
        server = self.serve()
        secret = server.folder / 'secret'
        secret.write_bytes(b'not for ann\n')
        sockets = []
        for folder in ('new', 'cur'):
            place = server.maildir.path / folder
            os.mkfifo(place / '1700000000.fifo')
            (place / '1700000000.link').symlink_to(secret)
            (place / '1700000000.dangling').symlink_to(place / 'nowhere')
            (place / '1700000000.folder').mkdir()
            (place / '.hidden').write_bytes(b'hidden\n')
            here = socket.socket(socket.AF_UNIX)
            self.addCleanup(here.close)
            here.bind(os.path.relpath(place / '1700000000.socket'))
            sockets.append(here)
        (server.maildir.path / 'tmp' / '1700000000.half').write_bytes(b'not delivered yet\n')
        server.maildir.deliver(b'real\n')
        since = time.monotonic()
        wire = self.logged_in(server)
        self.assertEqual(wire.ask(b'STAT'), b'+OK 1 6')
        self.assertEqual(wire.ask_all(b'RETR 1')[1], b'real\r\n')
        self.assertLess(time.monotonic() - since, 2)

    def test_odd_names(self):
        """R57 R58 R59: names that are no unique-ids get some that are, always the same"""
        server = self.serve()
        names = ['1.\u00fc', '2.with space', '3.' + 'x' * 200, '4.\n', '5.\x7f', '6.' + 'y' * 68, '7', 'no-number',
                 '8.:2,', '9.a:2,S', '9.b;2,S', '-1', '99999999999999999999.x', '0', 'a:b', '10.%', '\\', '11.\x1b[31m']
        for name in names:
            server.maildir.deliver(b'x\n', name)
        server.maildir.deliver(b'x\n', '9.a', folder='cur')  # a unique name that is there twice
        wire = self.logged_in(server)
        uids = wire.ask_all(b'UIDL')[1].split(b'\r\n')[:-1]
        self.assertEqual(len({uid.split(b' ')[1] for uid in uids}), len(names) + 1)
        for uid in uids:
            self.assertRegex(uid, rb'\A[0-9]+ [\x21-\x7e]{1,70}\Z')
        for number in range(1, len(uids) + 1):
            self.assertEqual(wire.ask_all(b'RETR %d' % number)[1], b'x\r\n')
        wire.ask(b'QUIT')
        server.kill()
        server.start()
        self.assertEqual(self.logged_in(server).ask_all(b'UIDL')[1].split(b'\r\n')[:-1], uids)


class Locks(Case):
    def test_lock_goes_with_the_process(self):
        """R49 F-LOCK: after kill -9 the maildrop is free, and nothing was removed"""
        server = self.serve()
        server.maildir.deliver(b'x\n')
        before = sorted(path.relative_to(server.mail) for path in server.mail.rglob('*'))
        wire = self.logged_in(server)
        wire.ask(b'DELE 1')
        server.kill()
        self.assertEqual(sorted(path.relative_to(server.mail) for path in server.mail.rglob('*')), before)
        server.start()
        self.assertEqual(self.logged_in(server).ask(b'STAT'), b'+OK 1 3')

    def test_lock_holds_between_processes(self):
        """R23 R134: two servers on the same Maildirs share the lock"""
        server = self.serve()
        command = [word for word in server.command if word != '127.0.0.1:0'] + ['127.0.0.1:0']
        command.remove('--listen')
        command.insert(-1, '--listen')
        other = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        self.addCleanup(other.stdout.close)
        port = int(other.stdout.readline().rpartition(b':')[2])
        first = self.logged_in(server)
        second = self.greeted(('127.0.0.1', port))
        self.assertErr(second.login('ann', 'sesame'), b'IN-USE')
        first.ask(b'QUIT')
        self.assertOk(second.login('ann', 'sesame'))


class KillDuringQuit(Case):
    ROUNDS, MESSAGES, MARKED = 9, 1000, 500

    def test_kill(self):
        """R46 R48 R50 F-QUIT: kill -9 during QUIT, at random moments: no message but the marked ones is gone"""
        server = self.serve('--log-level', 'error')
        chance = random.Random(9)
        octets = {}
        for number in range(1, self.MESSAGES + 1):
            noise = chance.randbytes(chance.randrange(200)).hex().encode()
            octets[f'{number}.M.host'] = b'Subject: %d\r\n\r\n' % number + noise
        time_of_a_quit, removed_in_rounds = None, []
        for round_ in range(self.ROUNDS):
            self.fill(server.maildir, octets)
            marked = sorted(chance.sample(range(1, self.MESSAGES + 1), self.MARKED))
            wire = self.logged_in(server)
            wire.send(b''.join(b'DELE %d\r\n' % number for number in marked))
            for _ in marked:
                self.assertOk(wire.line())
            since = time.monotonic()
            wire.send(b'QUIT\r\n')
            if round_ == 0:  # how long it takes when nobody is killed
                self.assertOk(wire.line())
                time_of_a_quit = time.monotonic() - since
            else:
                if round_ % 2:  # as soon as one of the first ones is gone
                    self.wait_until_gone(server.maildir.path / 'new' / f'{marked[chance.randrange(200)]}.M.host')
                else:
                    time.sleep(time_of_a_quit * chance.uniform(0, 0.5))
                server.kill()
            said_ok = round_ == 0 or b'+OK' in wire.rest()
            left = server.maildir.files()
            names = {f'{number}.M.host' for number in marked}
            gone = set(octets) - set(left)
            self.assertLessEqual(gone, names)
            self.assertEqual(left, {name: octets[name] for name in octets if name not in gone})
            if said_ok:
                self.assertEqual(gone, names)
            removed_in_rounds.append(len(gone))
            if round_ > 0:
                server.start()
        self.note(f'QUIT of {self.MARKED} takes {1000 * time_of_a_quit:.1f} ms; removed before the kill: '
                  f'{removed_in_rounds[1:]}')
        self.assertEqual(removed_in_rounds[0], self.MARKED)

    def wait_until_gone(self, path):
        until = time.monotonic() + 5
        while path.exists() and time.monotonic() < until:
            pass

    def fill(self, maildir, octets):
        present = maildir.names()
        for name, content in octets.items():
            if name not in present:
                maildir.deliver(content, name)


def without_privileges():
    """A command prefix with which root, too, has to respect permissions; None if there is none."""
    if os.geteuid() != 0:
        return []
    prefix = ['setpriv', '--inh-caps=-all', '--bounding-set=-all']
    if not shutil.which(prefix[0]):
        return None
    probe = [*prefix, 'grep', '-q', '^CapEff:.0*$', '/proc/self/status']
    return prefix if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0 else None


class CannotRemove(Case):
    """A folder without write permission: its messages cannot be removed."""

    def setUp(self):
        prefix = without_privileges()
        if prefix is None:
            raise unittest.SkipTest('root cannot be kept from removing files here')
        self.server = self.serve(prefix=prefix)
        self.maildir = self.server.maildir
        self.addCleanup(self.allow, 'cur')
        self.addCleanup(self.allow, 'new')
        for number in range(1, 5):
            self.maildir.deliver(b'x\r\n', f'{number}.x', folder='cur' if number % 2 else 'new')

    def allow(self, folder):
        (self.maildir.path / folder).chmod(0o755)

    def forbid(self, folder):
        (self.maildir.path / folder).chmod(0o555)

    def quit(self, *marked):
        wire = self.logged_in(self.server)
        for number in marked:
            self.assertOk(wire.ask(b'DELE %d' % number))
        reply = wire.ask(b'QUIT')
        self.assertTrue(wire.is_over())
        return reply

    def test_nothing_removed(self):
        """R47 R48 R49 F-QUIT F-PE10: messages that cannot be removed make QUIT -ERR, and the lock is free again"""
        self.forbid('cur')
        self.assertErr(self.quit(1, 3))
        self.assertEqual(self.maildir.names(), {'1.x', '2.x', '3.x', '4.x'})
        self.assertOk(self.quit())

    def test_some_removed(self):
        """R47 R48: some removed and some not is -ERR as well, and the log tells how many"""
        self.forbid('cur')
        self.assertErr(self.quit(1, 2, 3, 4))
        self.assertEqual(self.maildir.names(), {'1.x', '3.x'})
        self.assertEqual(self.server.session_lines()[0]['deleted'], '2')
        self.allow('cur')
        self.assertOk(self.quit(1))
        self.assertEqual(self.maildir.names(), {'3.x'})

    def test_unreadable_message(self):
        """R39: a message without read permission is -ERR, the others are served"""
        (self.maildir.path / 'cur' / '1.x').chmod(0)
        wire = self.logged_in(self.server)
        self.assertErr(wire.ask(b'RETR 1'))
        self.assertOk(wire.ask_all(b'RETR 2')[0])

    def test_unreadable_folder(self):
        """R25 R26: a maildrop that cannot be opened is -ERR, and the session goes on before login"""
        folder = self.maildir.path / 'cur'
        folder.chmod(0)
        wire = Wire(self.server.plain)
        self.addCleanup(wire.close)
        wire.line()
        self.assertErr(wire.login('ann', 'sesame'), b'SYS/TEMP')
        self.assertErr(wire.ask(b'STAT'))
        folder.chmod(0o755)
        self.assertOk(wire.login('ann', 'sesame'))
