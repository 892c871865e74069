# SPDX-License-Identifier: MIT
"""Peers that want too much: memory stays what it was, and everybody else is served meanwhile."""
import os
import pathlib
import resource
import select
import socket
import ssl
import threading
import time

from case import Case

MEGABYTE = 1 << 20
MAY_GROW = 4 * MEGABYTE
MAY_WAIT = 1  # second


def unchecked():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Resources(Case):
    def setUp(self):
        self.server = self.serve('--log-level', 'warning', users={'ann': 'sesame', 'bob': 'open'}, tls=True)
        self.server.maildirs['bob'].deliver(b'Subject: bob\r\n\r\n' + b'x' * 70 + b'\r\n' * 1000)
        for _ in range(3):  # what first sessions bring into memory: code, threads
            self.serve_one(self.greeted(self.server.plain))
            self.serve_one(self.greeted(self.server.tls, tls=unchecked()))
        self.server.forget_peak()
        self.before = self.server.memory()

    def serve_one(self, wire):
        """A whole session; how long it took."""
        since = time.monotonic()
        self.assertOk(wire.login('bob', 'open'))
        self.assertEqual(wire.ask(b'STAT')[:6], b'+OK 1 ')
        self.assertOk(wire.ask_all(b'RETR 1')[0])
        self.assertOk(wire.ask(b'QUIT'))
        self.assertTrue(wire.is_over())
        wire.close()
        return time.monotonic() - since

    def assertOthersServed(self):
        for address, settings in ((self.server.plain, {}), (self.server.tls, {'tls': unchecked()})):
            since = time.monotonic()
            self.serve_one(self.greeted(address, **settings))
            self.assertLess(time.monotonic() - since, MAY_WAIT)

    def assertMemoryKept(self, what, may_grow=MAY_GROW):
        grown = self.server.peak() - self.before
        self.note(f'{what}: memory of pop3d grew by {grown // 1024} KiB at most, from {self.before // 1024} KiB')
        if not self.server.is_sanitized():
            self.assertLess(grown, may_grow)

    def large_message(self, size):
        """It takes no room on the disk: one line of NULs."""
        path = self.server.maildirs['ann'].path / 'cur' / f'1.x,S={size},W={size + 2}'
        with open(path, 'wb') as file:
            file.truncate(size)

    # ---- in ----

    def test_pipelined_noops(self):
        """R114 R116 F-DOS: 50 MB of NOOPs without reading a reply: the server stops reading until we read"""
        command, total = b'NOOP\r\n', 50_000_000 // 6
        octets = memoryview(command * total)
        wire = self.logged_in(self.server)
        connection, sent = wire.socket, 0
        connection.setblocking(False)
        while sent < len(octets) and select.select([], [connection], [], 1)[1]:
            sent += connection.send(octets[sent:sent + MEGABYTE])
        self.assertLess(sent, len(octets) // 2)
        self.assertOthersServed()
        self.assertMemoryKept(f'50 MB of NOOPs, of which {sent / 1e6:.1f} MB left us')

        connection.settimeout(10)
        expected, received = b'+OK\r\n' * (sent // len(command)), bytearray()
        while len(received) < len(expected):
            replies = connection.recv(MEGABYTE)
            self.assertTrue(replies, f'it ends after {len(received)} octets')
            received += replies
        self.assertSame(bytes(received), expected, 'replies')
        wire.send(octets[sent:sent + -sent % len(command)])  # the rest of the last command
        if sent % len(command):
            self.assertOk(wire.line())
        self.assertOk(wire.ask(b'QUIT'))
        self.assertMemoryKept('the same, answered')

    def endless_line(self, wire):
        """Sends 100 MB without a line end, as far as it is wanted; returns what is answered."""
        def send():
            try:
                for _ in range(100):
                    wire.send(b'x' * 1_000_000)
            except OSError:
                pass  # the server has had enough
        thread = threading.Thread(target=send)
        thread.start()
        answer = wire.rest()
        thread.join()
        return answer

    def test_endless_line(self):
        """R14 R50 F-DOS: a line of 100 MB gets one -ERR and ends the session, before and after login"""
        self.server.maildirs['ann'].deliver(b'x\r\n')
        for wire in (self.greeted(self.server.plain), self.logged_in(self.server)):
            answer = self.endless_line(wire)
            self.assertRegex(answer, rb'\A-ERR [^\r\n]*\r\n\Z')
            self.assertOthersServed()
        self.assertMemoryKept('a line of 100 MB')

    def test_endless_line_tls(self):
        """R14 F-DOS: the same over TLS"""
        wire = self.greeted(self.server.tls, tls=unchecked())
        # One thread, and the reply first: a TLS object of Python's must not be read and written by two at a time.
        wire.send(b'x' * 70_000)
        self.assertRegex(wire.line(), rb'\A-ERR ')
        try:
            for _ in range(100):
                wire.send(b'x' * 1_000_000)
        except OSError:
            pass  # the server has had enough
        self.assertEqual(wire.rest(), b'')
        self.assertOthersServed()
        self.assertMemoryKept('a line of 100 MB over TLS')

    def test_many_large_commands(self):
        """R116 F-DOS: RETR of 5 MB, asked for 300 times in one go, without reading"""
        self.server.maildirs['ann'].deliver(b'x' * 78 + b'\r\n' * 2_500_000)
        wire = self.logged_in(self.server)
        wire.send(b'RETR 1\r\n' * 300)
        time.sleep(0.5)
        self.assertOthersServed()
        self.assertMemoryKept('300 x 5 MB asked for and not read')

    # ---- out ----

    def read_slowly(self, wire, seconds=5):
        """1 KB in a second."""
        until = time.monotonic() + seconds
        read = 0
        while time.monotonic() < until:
            time.sleep(0.1)
            read += len(wire.socket.recv(102))
        return read

    def test_slow_reader(self):
        """R38 F-DOS: 1 GB read at 1 KB/s, in the clear and over TLS at once"""
        self.large_message(1 << 30)
        wire = self.logged_in(self.server, receive_buffer=4096)
        self.assertEqual(wire.ask(b'LIST 1'), b'+OK 1 %d' % ((1 << 30) + 2))
        wire.send(b'RETR 1\r\n')
        self.read_slowly(wire, 3)
        self.assertOthersServed()
        self.assertMemoryKept('1 GB read at 1 KB/s')
        wire.reset()
        time.sleep(0.1)
        wire = self.greeted(self.server.tls, tls=unchecked(), receive_buffer=4096)
        self.assertOk(wire.login('ann', 'sesame'))
        wire.send(b'RETR 1\r\n')
        self.read_slowly(wire, 2)
        self.assertOthersServed()
        self.assertMemoryKept('1 GB read at 1 KB/s over TLS')

    def test_fast_reader(self):
        """R38: 256 MB as fast as it goes"""
        size = 1 << 28
        self.large_message(size)
        wire = self.logged_in(self.server)
        wire.send(b'RETR 1\r\n')
        self.assertOk(wire.line())
        received, block = len(wire.unread), bytearray(MEGABYTE)
        wire.buffer = b''
        since = time.monotonic()
        while received < size + 5:
            count = wire.socket.recv_into(block)
            self.assertTrue(count)
            received += count
        seconds = time.monotonic() - since
        self.assertEqual(received, size + 5)  # CRLF, dot, CRLF
        self.assertEqual(bytes(block[max(0, count - 5):count]), b'\r\n.\r\n'[-count:])
        self.assertOk(wire.ask(b'QUIT'))
        self.assertMemoryKept(f'256 MB read at {size / seconds / 1e6:.0f} MB/s')

    def test_large_listing(self):
        """R34 R57: LIST and UIDL of many messages, not read, hold no large output"""
        maildir = self.server.maildirs['ann']
        first = maildir.deliver(b'', '0.x,S=0,W=0', folder='cur')
        for number in range(1, 10_000):
            os.link(first, first.with_name(f'{number}.x,S=0,W=0:2,S'))
        wire = self.logged_in(self.server)
        self.server.forget_peak()
        self.before = self.server.memory()
        wire.send(b'LIST\r\nUIDL\r\n' * 200)
        time.sleep(0.5)
        self.assertOthersServed()
        self.assertMemoryKept('LIST and UIDL of 10,000 messages, 200 times, not read', MEGABYTE)
        for _ in range(3):
            for _ in ('LIST', 'UIDL'):
                self.assertOk(wire.line())
                self.assertEqual(wire.body().count(b'\r\n'), 10_000)

    # ---- many ----

    def processor_seconds(self):
        fields = pathlib.Path(f'/proc/{self.server.process.pid}/stat').read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def test_idle_connections(self):
        """F-DOS: 200 idle connections cost little, and one that works is served"""
        wires = [self.greeted(self.server.plain) for _ in range(200)]
        used = self.processor_seconds()
        self.assertOthersServed()
        worker = self.logged_in(self.server)
        for _ in range(1000):
            self.assertOk(worker.ask(b'NOOP'))
        time.sleep(0.5)
        grown = self.server.memory() - self.before
        self.note(f'200 idle connections: {grown // 1024} KiB, {grown // 200} octets each; '
                  f'{self.processor_seconds() - used:.2f} s of processor time with one that works')
        if not self.server.is_sanitized():
            self.assertLess(grown, MAY_GROW)
        for wire in wires:
            self.assertOk(wire.ask_all(b'CAPA')[0])

    def test_burst(self):
        """F-DOS: what many connections at once took is given back, or used by the next ones"""
        count = 4000
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < count + 100:
            self.skipTest('too few descriptors')
        held, kept = [], []
        for _ in range(3):
            wires = [self.greeted(self.server.plain) for _ in range(count)]
            held.append(self.server.memory() - self.before)
            for wire in wires:
                wire.close()
            time.sleep(1.5)  # they are heard out for a second
            kept.append(self.server.memory() - self.before)
        self.note(f'{count} connections: {held[0] // 1024} KiB, {kept[-1] // 1024} KiB when they were over')
        if not self.server.is_sanitized():
            self.assertLess(kept[-1], held[0])
            self.assertLess(held[-1], held[0] * 1.25)  # nothing is lost each time

    def test_no_descriptors_left(self):
        """F-DOS: without descriptors new connections wait, nothing spins, and the others are served"""
        server = self.serve('--log-level', 'error', prefix=('sh', '-c', 'ulimit -n 60 && exec "$0" "$@"'))
        if server.is_sanitized():
            self.skipTest('UBSan, too, needs descriptors to look at memory')
        self.server = server
        worker = self.logged_in(server)
        wires = [self.connect(server.plain) for _ in range(100)]
        time.sleep(0.3)
        used = self.processor_seconds()
        time.sleep(1)
        self.assertLess(self.processor_seconds() - used, 0.3)
        self.assertOk(worker.ask(b'NOOP'))
        self.assertGreater(sum(bool(select.select([wire.socket], [], [], 0)[0]) for wire in wires), 20)
        for wire in wires:
            wire.close()
        server.maildir.deliver(b'x\r\n')
        self.assertOk(worker.ask(b'QUIT'))
        self.assertEqual(self.logged_in(server).ask(b'STAT'), b'+OK 1 3')

    def test_connections_that_come_and_go(self):
        """F-DOS: what sessions took is given back"""
        def come_and_go(count):
            for number in range(count):
                wire = self.connect(self.server.plain)
                if number % 3 == 0:
                    wire.reset()
                elif number % 3 == 1:
                    wire.send(b'USER ann\r\nPASS sesame\r\nSTAT\r\nQUIT\r\n')
                    wire.rest()
                    wire.close()
                else:
                    wire.socket.shutdown(socket.SHUT_RDWR)
                    wire.close()
        come_and_go(300)
        before = self.server.memory()
        come_and_go(1500)
        grown = self.server.memory() - before
        self.note(f'1500 connections that came and went: {grown // 1024} KiB')
        if not self.server.is_sanitized():
            self.assertLess(grown, MEGABYTE)
        descriptors = os.listdir(f'/proc/{self.server.process.pid}/fd')
        self.assertLess(len(descriptors), 60)
