# SPDX-License-Identifier: MIT
"""A disk that fails, files that change under a session, kill -9: nothing is lost that was not committed."""
import collections
import errno
import os
import pathlib
import sys
import time

import case
from case import Case
from faults import CALLS, EVERY, Shim
from wire import Wire

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'faults'))
import kill  # tests/faults/kill.py


MORE = 4_000_000  # octets: more than buffers of a connection hold


def stuffed(octets):
    """As it goes over the wire, without the dot behind it."""
    return b''.join(b'.' * line.startswith(b'.') + line + b'\r\n' for line in octets.split(b'\r\n')[:-1])


class Faults(Case):
    def assertEndsWell(self):
        """Built with a sanitizer, pop3d looks for leaks when it ends."""
        self.assertEqual(self.server.stop(), 0)
        self.assertNotRegex(self.server.log(), 'Sanitizer|runtime error')


class FailingCalls(Faults):
    """A whole session, and each call of the system that it makes fails in turn."""

    time_limit = 300
    # Sent by the system; read and repaired; small; and two that go.
    WIRE = [b'0123456789\r\n' * 90_000, b'.a line\r\n' * 20_000, b'Subject: small\r\n\r\nx\r\n', b'four\r\n', b'five\r\n']
    STORED = [WIRE[0], WIRE[1].replace(b'\r\n', b'\n'), *WIRE[2:]]
    MARKED = (4, 5)
    ERRORS = {'pread': (errno.EIO,), 'sendfile': (errno.EIO,), 'openat': (errno.EIO, errno.EMFILE),
              'fstatat': (errno.EIO,), 'readdir': (errno.EIO,), 'flock': (errno.EIO, errno.ENOLCK),
              'unlinkat': (errno.EIO, errno.ENOSPC, errno.EROFS), 'fsync': (errno.EIO, errno.ENOSPC),
              'log': (errno.ENOSPC, errno.EIO)}

    def setUp(self):
        self.shim = Shim(self.folder())
        self.server = self.serve(prefix=self.shim.prefix())
        self.names = [f'{1700000000 + number}.x' for number in range(1, 6)]
        self.fill()
        time.sleep(2.1)  # what was changed a moment ago is not trusted yet
        self.session()
        self.fill()

    def fill(self):
        for number, name in enumerate(self.names, 1):
            if name not in self.server.maildir.names():
                self.server.maildir.deliver(self.STORED[number - 1], name)

    def retrieve(self, wire, number):
        """Right and whole, or -ERR, or cut without a final dot. False: the connection is over."""
        wire.send(b'RETR %d\r\n' % number)
        expected = stuffed(self.WIRE[number - 1])
        first = wire.line()
        if not first.startswith(b'+OK'):
            return self.assertErr(first) or True
        lines, seen = [], 0
        try:
            while (line := wire.line()) != b'.':
                lines.append(line + b'\r\n')
        except (EOFError, ConnectionError):
            came = b''.join(lines) + wire.unread
            self.assertTrue(expected.startswith(came), 'a cut message is not the beginning of that message')
            self.outcomes['cut without a dot'] += 1
            return False
        self.assertSame(b''.join(lines), expected)
        return True

    def session(self):
        """Returns (said QUIT, its reply or None); the checks of what was sent are in it."""
        self.outcomes = getattr(self, 'outcomes', collections.Counter())
        wire = Wire(self.server.plain)
        try:
            wire.line()
            if not wire.login('ann', 'sesame').startswith(b'+OK'):
                self.outcomes['no login'] += 1
                return False, None
            if not all(self.retrieve(wire, number) for number in (1, 2, 3)):
                return False, None
            for number in self.MARKED:
                self.assertOk(wire.ask(b'DELE %d' % number))
            return True, wire.ask(b'QUIT')
        finally:
            wire.close()

    def one_fault(self, call, error, passes, times):
        """Whether there was one."""
        self.shim.fail(call, error, passes, times)
        try:
            said_quit, reply = self.session()
        finally:
            # The log has a session's line once the connection is closed.
            failed = self.shim.failed(call, 2 if call == 'log' and passes < 1 else 0)
            self.shim.stop()
            left = self.server.maildir.files()
            self.fill()
        self.counts[call] += 1 if failed else 0
        gone = {number for number, name in enumerate(self.names, 1) if name not in left}
        self.assertLessEqual(gone, set(self.MARKED) if said_quit else set())
        for number, name in enumerate(self.names, 1):
            if name in left:
                self.assertSame(left[name], self.STORED[number - 1])
        if reply is not None and reply.startswith(b'+OK'):
            self.assertEqual(gone, set(self.MARKED))
        elif reply is not None:
            self.assertErr(reply)
            self.outcomes['QUIT -ERR'] += 1
        # No lock is left, and who comes next sees what there is.
        wire = self.logged_in(self.server)
        self.assertEqual(wire.ask(b'STAT').split()[1], b'%d' % len(self.names))
        self.assertOk(wire.ask(b'QUIT'))
        wire.close()
        return failed > 0

    def test_every_call(self):
        """R39 R46 R47 R48 R49 R50 F-LOCK F-QUIT: EIO, ENOSPC, EMFILE at each call of a session, once and from there on"""
        self.counts = collections.Counter()
        descriptors = pathlib.Path(f'/proc/{self.server.process.pid}/fd')
        before = len(list(descriptors.iterdir()))
        for call in CALLS:
            for error in self.ERRORS[call]:
                for times in (1, EVERY):
                    passes = 0
                    with self.subTest(call=call, error=errno.errorcode[error], times=times):
                        while self.one_fault(call, error, passes, times) and passes < 100:
                            passes += 1 if passes < 12 else 7
        self.assertIsNone(self.server.process.poll())
        until = time.monotonic() + 5
        while len(list(descriptors.iterdir())) > before and time.monotonic() < until:
            time.sleep(0.01)
        self.assertLessEqual(len(list(descriptors.iterdir())), before)
        self.note(f'sessions with calls that failed: {dict(self.counts)}; {dict(self.outcomes)}')
        for call in CALLS:
            self.assertGreater(self.counts[call], 0, call)
        self.assertEndsWell()

    def test_disk_full_at_quit(self):
        """R47 R48: what cannot be removed, or not for certain, is -ERR, and the log tells how many are gone"""
        for call, gone in (('unlinkat', set()), ('fsync', set(self.MARKED))):
            self.shim.fail(call, errno.ENOSPC)
            reply = self.session()[1]
            self.shim.stop()
            self.assertErr(reply, b'SYS/TEMP')
            names = self.server.maildir.names()
            self.assertEqual({number for number, name in enumerate(self.names, 1) if name not in names}, gone)
            self.fill()

    def test_disk_full_for_the_log(self):
        """A log that cannot be written stops nobody"""
        self.shim.fail('log', errno.ENOSPC)
        for _ in range(3):
            self.assertOk(self.session()[1])
            self.fill()
        self.assertGreater(self.shim.failed('log', 5), 0)

    def test_log_tells(self):
        """A message that the disk does not give is cut, or -ERR, and the log says so"""
        for call, passes in (('pread', 0), ('pread', 3), ('sendfile', 0), ('sendfile', 1)):
            self.shim.fail(call, errno.EIO, passes)
            before = len(self.server.log())
            self.session()
            self.shim.stop()
            self.fill()
            log = self.server.log()[before:]
            self.assertRegex(log, r' warning message user=ann number=\d what=cannot', (call, passes))


class ChangingFiles(Faults):
    """What other programs do to a message between login and RETR, and while it is being sent to a slow reader."""

    KINDS = {'read': b'0123456789\n' * (MORE // 11), 'sent by the system': b'0123456789\r\n' * (MORE // 12)}

    def setUp(self):
        self.server = self.serve()
        self.paths = {kind: self.server.maildir.deliver(octets) for kind, octets in self.KINDS.items()}
        self.other = self.server.maildir.deliver(b'other\r\n')
        time.sleep(2.1)  # what was changed a moment ago is not trusted yet
        wire = self.logged_in(self.server)
        for number in (1, 2):
            wire.ask_all(b'RETR %d' % number)
        wire.ask(b'QUIT')
        wire.close()

    def begin(self, kind):
        """A RETR of which little was read."""
        wire = self.logged_in(self.server, receive_buffer=4096)
        names = sorted(self.server.maildir.names())
        self.assertOk(wire.ask(b'DELE %d' % len(names)))
        wire.send(b'RETR %d\r\n' % (1 + names.index(self.paths[kind].name)))
        self.assertOk(wire.line())
        return wire

    def changed(self, kind, change):
        """(what was read, what was to be read) when `change(path)` comes in the middle of it."""
        wire = self.begin(kind)
        change(self.paths[kind])
        wire.send(b'QUIT\r\n')
        read = wire.rest()
        wire.close()
        return read, self.KINDS[kind].replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')

    def assertCut(self, read, whole):
        self.assertLess(len(read), len(whole))
        # What sendfile() has handed to the socket is the file's own memory, in which the kernel zeroes what is cut off.
        at = len(os.path.commonprefix([read, whole]))
        zeros = len(read[at:]) - len(read[at:].lstrip(b'\0'))
        self.assertSame(read[:at] + whole[at:at + zeros] + read[at + zeros:], whole[:len(read)])
        self.assertTrue(self.other.exists(), 'QUIT behind a message that was cut removes nothing')
        wire = self.logged_in(self.server)  # no lock is left
        self.assertOk(wire.ask(b'QUIT'))
        wire.close()
        self.assertRegex(self.server.log(), r' warning message user=ann number=\d+ what=')

    def test_vanishes(self):
        """R38: a file that goes away while it is sent is sent to its end all the same"""
        for kind in self.KINDS:
            with self.subTest(kind):
                read, whole = self.changed(kind, os.unlink)
                self.assertSame(read[:len(whole)], whole)
                self.assertRegex(read[len(whole):], rb'\A\.\r\n\+OK')
                self.other.write_bytes(b'other\r\n')

    def test_vanishes_before(self):
        """R39: one that goes away between login and RETR is -ERR, and the session goes on"""
        wire = self.logged_in(self.server)
        for number, path in enumerate(self.paths.values(), 1):
            path.unlink()
            self.assertErr(wire.ask(b'RETR %d' % number))
            self.assertErr(wire.ask(b'TOP %d 1' % number))
        self.assertOk(wire.ask_all(b'RETR 3')[0])
        self.assertOk(wire.ask(b'QUIT'))
        self.assertIn('what=cannot\\x20be\\x20opened', self.server.log())

    def test_grows(self):
        """R37 R38: one that grows while it is sent ends where it ended when it was listed"""
        def grow(path):
            with open(path, 'ab') as file:
                file.write(b'more\r\n' * 1000)
        for kind in self.KINDS:
            with self.subTest(kind):
                read, whole = self.changed(kind, grow)
                self.assertSame(read[:len(whole)], whole)
                self.assertRegex(read[len(whole):], rb'\A\.\r\n\+OK')
                self.other.write_bytes(b'other\r\n')

    def test_shrinks(self):
        """R50: one that shrinks while it is sent ends without the final dot, and a QUIT behind it is not heard"""
        for kind in self.KINDS:
            with self.subTest(kind):
                self.assertCut(*self.changed(kind, lambda path: os.truncate(path, 100_000)))
        self.assertEndsWell()

    def test_unreadable(self):
        """R39: a file that turns into a folder, a FIFO or a link to another message is -ERR"""
        wire = self.logged_in(self.server)
        path = self.paths['read']
        for make in (os.mkdir, os.mkfifo, lambda path: os.symlink(self.other, path)):
            path.rename(path.with_name('aside'))
            make(path)
            self.assertErr(wire.ask(b'RETR 1'))
            path.rmdir() if path.is_dir() else path.unlink()
            path.with_name('aside').rename(path)
        self.assertOk(wire.ask_all(b'RETR 1')[0])


class Killed(Case):
    """tests/faults/kill.py says what is checked; by itself it kills more often."""

    time_limit = 300

    def test_kill(self):
        """R46 R48 R49 R50 F-LOCK F-QUIT: kill -9 under load: nothing is lost that was not committed, no lock is left"""
        counts = kill.Rounds(case.POP3D, self.folder()).run(30)
        self.note(f'{dict(counts)}')
        self.assertEqual(counts['kills'], 30)
        self.assertGreater(counts['kills while a QUIT was not answered'], 0)
        self.assertGreater(counts['messages gone'], 0)

    def test_what_would_be_found(self):
        """The checks after a kill see a message that is lost, cut, there again, or there twice"""
        rounds = kill.Rounds(case.POP3D, self.folder())
        box = rounds.boxes['ann']
        for _ in range(4):
            box.deliver(rounds.chance)
        self.assertEqual(box.check(), 0)
        path = next((box.maildir.path / 'new').iterdir())
        octets = path.read_bytes()

        def truncate():
            path.write_bytes(octets[:-1])
        wrongs = (path.unlink, truncate, lambda: box.must_go.add(path.name),
                  lambda: path.with_name('twice').write_bytes(octets),
                  lambda: (box.maildir.path / 'lock').write_bytes(b''))
        for wrong in wrongs:
            wrong()
            with self.assertRaises(kill.Lost):
                box.check()
            path.write_bytes(octets)
            path.with_name('twice').unlink(missing_ok=True)
            (box.maildir.path / 'lock').unlink(missing_ok=True)
            box.must_go.clear()
            self.assertEqual(box.check(), 0)
