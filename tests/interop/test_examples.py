# SPDX-License-Identifier: MIT
"""The small servers: epoll and asio (many connections on one thread), and stdio (one session, as inetd starts it)."""
import base64
import concurrent.futures
import hashlib
import hmac
import os
import pathlib
import poplib
import re
import select
import socket
import subprocess
import time

import case
from case import Case, program

LOGIN = b'USER demo\r\nPASS demo\r\n'
DIALOGUE = LOGIN + (b'STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nRETR 2\r\nRETR 3\r\nTOP 2 1\r\nDELE 2\r\nLIST\r\nFOO\r\n'
                    b'RETR 2\r\nRSET\r\nNOOP\r\nCAPA\r\nDELE 1\r\nQUIT\r\n')


def cuts(octets):
    """The same octets in pieces of other sizes."""
    yield [octets]
    yield [octets[i:i + 1] for i in range(len(octets))]
    yield re.split(rb'(?<=\r)', octets)
    yield [octets[i:i + 7] for i in range(0, len(octets), 7)]


class Examples(Case):
    def assertIsWholeSession(self, transcript):
        lines = transcript.split(b'\r\n')
        self.assertEqual(lines[-2:], [b'+OK bye', b''])
        self.assertEqual(sum(line.startswith(b'-ERR') for line in lines), 2)
        self.assertIn(b'\r\n..\r\n...\r\n..hidden\r\n', transcript)  # the demo's message of dots
        self.assertIn(b'as RFC 1939 wants it.\r\n.\r\n', transcript)  # the one without a final line end

    def assertOneTranscript(self, transcripts):
        self.assertIsWholeSession(transcripts[0])
        for transcript in transcripts[1:]:
            self.assertSame(transcript, transcripts[0])


class Epoll(Examples):
    def server(self):
        return case.EPOLL

    def setUp(self):
        self.process = subprocess.Popen([self.server(), '127.0.0.1:0'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.addCleanup(self.process.stdout.close)
        said = self.process.stdout.readline().decode()
        host, port = re.fullmatch(r'listening plain (\S+):(\d+)\n', said).groups()
        self.address = (host, int(port))

    def logged_in(self, **settings):
        wire = self.greeted(self.address, **settings)
        self.assertOk(wire.login('demo', 'demo'))
        return wire

    def memory(self):
        text = pathlib.Path(f'/proc/{self.process.pid}/status').read_text()
        return int(re.search(r'^VmRSS:\s*(\d+)', text, re.MULTILINE)[1])

    def test_cuts(self):
        """R2 R16 R114 F-PE1 F-PE2: epoll: a dialogue in pieces of any size gets the same answers"""
        transcripts = []
        for pieces in cuts(DIALOGUE):
            wire = self.connect(self.address)
            for piece in pieces:
                wire.send(piece)
            transcripts.append(wire.rest())
        self.assertOneTranscript(transcripts)

    def test_read_octet_by_octet(self):
        """R38 F-DOT: epoll: answers that are read octet by octet, from a small window"""
        whole = self.connect(self.address)
        whole.send(DIALOGUE)
        wire = self.connect(self.address, receive_buffer=1)
        wire.send(DIALOGUE)
        octets = bytearray()
        while octet := wire.socket.recv(1):
            octets += octet
        self.assertOneTranscript([whole.rest(), bytes(octets)])

    def test_stalled_peer(self):
        """R116 F-DOS: epoll: peers that do not read hold up nobody, and get all in the end"""
        stalled = [self.logged_in(receive_buffer=4096) for _ in range(3)]
        commands = 30_000
        for wire in stalled:
            wire.socket.setblocking(False)
        sent = [0, 0, 0]
        request = b'RETR 1\r\n' * commands
        before = self.memory()
        while any(select.select([], [wire.socket for wire in stalled], [], 0.3)[1]):
            for index, wire in enumerate(stalled):
                try:
                    sent[index] += wire.socket.send(request[sent[index]:])
                except BlockingIOError:
                    pass
            if min(sent) == len(request):
                break
        since = time.monotonic()
        self.assertOk(self.logged_in().ask(b'STAT'))
        self.assertLess(time.monotonic() - since, 1)
        self.note(f'3 stalled peers: {self.memory() - before} KiB more')
        self.assertLess(self.memory() - before, 1024)
        message = self.logged_in().ask_all(b'RETR 1')[1]
        for wire in stalled:
            wire.socket.settimeout(10)
        for _ in range(100):
            self.assertOk(stalled[0].line())
            self.assertEqual(stalled[0].body(), message)

    def test_many_connections(self):
        """F-DOS F-SHARED: epoll: 400 sessions at once, each with its own state"""
        before = self.memory()
        wires = [self.logged_in() for _ in range(400)]
        self.note(f'400 sessions: {(self.memory() - before) * 1024 // 400} octets each')
        for number, wire in enumerate(wires):
            self.assertOk(wire.ask(b'DELE %d' % (1 + number % 3)))
        for number, wire in enumerate(wires):
            self.assertEqual(wire.ask(b'STAT')[:6], b'+OK 2 ')
            self.assertErr(wire.ask(b'RETR %d' % (1 + number % 3)))
        for wire in wires[::2]:
            wire.reset()
        for wire in wires[1::2]:
            self.assertOk(wire.ask(b'QUIT'))
            self.assertTrue(wire.is_over())

    def test_failed_login(self):
        """R65: epoll: a wrong password takes its time and holds up nobody"""
        wire = self.greeted(self.address)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            since = time.monotonic()
            reply = pool.submit(wire.login, 'demo', 'wrong')
            self.logged_in()
            self.assertLess(time.monotonic() - since, 1)
            self.assertErr(reply.result(), b'AUTH')
        self.assertGreater(time.monotonic() - since, 1)

    def scram(self, password):
        """The reply to a login by SCRAM-SHA-256, and the server's part of the nonce."""
        wire = self.greeted(self.address)

        def say(words, text):
            reply = wire.ask(words + base64.b64encode(text))
            return base64.b64decode(reply[2:]) if reply.startswith(b'+ ') else reply

        def mac(key, text):
            return hmac.digest(key, text, 'sha256')

        bare = b'n=demo,r=ours'
        challenge = say(b'AUTH SCRAM-SHA-256 ', b'n,,' + bare)
        nonce, salt, rounds = (part[2:] for part in challenge.split(b','))
        salted = hashlib.pbkdf2_hmac('sha256', password, base64.b64decode(salt), int(rounds))
        key, final = mac(salted, b'Client Key'), b'c=biws,r=' + nonce
        signed = b','.join((bare, challenge, final))
        proof = bytes(map(int.__xor__, key, mac(hashlib.sha256(key).digest(), signed)))
        reply = say(b'', final + b',p=' + base64.b64encode(proof))
        if not reply.startswith(b'-ERR'):
            self.assertEqual(reply, b'v=' + base64.b64encode(mac(mac(salted, b'Server Key'), signed)))
            reply = wire.ask(b'')
        return reply, nonce.removeprefix(b'ours')

    def test_scram(self):
        """R252: epoll: SCRAM-SHA-256, with a nonce of its own for each connection"""
        (first, one), (second, two) = self.scram(b'demo'), self.scram(b'demo')
        self.assertOk(first)
        self.assertOk(second)
        self.assertNotEqual(one, two)
        self.assertGreaterEqual(len(one), 16)
        self.assertErr(self.scram(b'wrong')[0], b'AUTH')

    def test_half_close_and_drop(self):
        """R50: epoll: a half-close is served to its end, drops do no harm"""
        for _ in range(50):
            wire = self.connect(self.address)
            wire.send(LOGIN + b'RETR 1\r\n')
            wire.reset()
        wire = self.connect(self.address)
        wire.send(DIALOGUE)
        wire.end_sending()
        self.assertIsWholeSession(wire.rest())
        wire = self.connect(self.address)
        wire.send(LOGIN + b'DELE 1\r\nQUIT')
        wire.end_sending()
        self.assertTrue(wire.rest().endswith(b'\r\n+OK marked deleted\r\n'))

    def test_endless_line(self):
        """R14 F-DOS: epoll: a line that does not end is given up"""
        wire = self.greeted(self.address)
        try:
            for _ in range(20):
                wire.send(b'x' * 1_000_000)
        except OSError:
            pass
        self.assertRegex(wire.rest(), rb'\A(-ERR [^\r\n]*\r\n)?\Z')
        self.assertOk(self.logged_in().ask(b'QUIT'))

    def test_poplib(self):
        """R38: epoll: poplib"""
        client = poplib.POP3(*self.address, timeout=10)
        self.addCleanup(client.close)
        client.user('demo')
        client.pass_('demo')
        sizes = dict(map(int, line.split()) for line in client.list()[1])
        for number, size in sizes.items():
            self.assertEqual(sum(len(line) + 2 for line in client.retr(number)[1]), size)
        client.quit()

    @program('curl')
    def test_curl(self):
        """R38: epoll: curl"""
        host, port = self.address
        done = self.run_program('curl', '-q', '-sS', '--max-time', '10', f'pop3://demo:demo@{host}:{port}/2')
        self.assertEqual((done.returncode, done.stderr), (0, b''))
        self.assertIn(b'\r\n.\r\n..\r\n.hidden\r\n', done.stdout)

    def test_command_line(self):
        """epoll: wrong use is exit status 2, a taken port 1"""
        for arguments, status in ((['nonsense'], 2), (['a', 'b'], 2), (['%s:%d' % self.address], 1)):
            done = self.run_program(self.server(), *arguments, timeout=5)
            self.assertEqual((arguments, done.returncode, done.stdout), (arguments, status, b''))
            self.assertTrue(done.stderr)


class Asio(Epoll):
    """The same promises, kept by coroutines."""

    def server(self):
        return case.ASIO

    def shortDescription(self):
        return super().shortDescription().replace('epoll:', 'asio:', 1)


class Stdio(Examples):
    def start(self, **streams):
        process = subprocess.Popen([case.STDIO], stderr=subprocess.PIPE, bufsize=0,
                                   **{'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, **streams})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                self.addCleanup(stream.close)
        return process

    def assertEnded(self, process):
        self.assertEqual((process.wait(10), process.stderr.read()), (0, b''))

    def read_all(self, process, step=65536):
        parts = []
        while octets := process.stdout.read(step):
            parts.append(octets)
        return b''.join(parts)

    def test_cuts(self):
        """R2 R16 R114: stdio: a dialogue in pieces of any size, over a pair of pipes"""
        transcripts = []
        for pieces in cuts(DIALOGUE):
            process = self.start()
            for piece in pieces:
                process.stdin.write(piece)
            transcripts.append(self.read_all(process, 1 if len(pieces) == 1 else 65536))
            self.assertEnded(process)
        self.assertOneTranscript(transcripts)

    def test_one_by_one(self):
        """R16 R21: stdio: each command is answered before the next is sent"""
        process = self.start()
        self.assertOk(process.stdout.read(65536).removesuffix(b'\r\n'))
        for command in DIALOGUE.split(b'\r\n')[:-1]:
            process.stdin.write(command + b'\r\n')
            self.assertRegex(process.stdout.read(65536), rb'\A(\+OK|-ERR)')
        self.assertEnded(process)

    def test_end_of_input(self):
        """R50: stdio: the end of input ends the session, and what came before is served"""
        for octets, last in ((b'', b'ready'), (b'NOOP', b'ready'), (LOGIN + b'DELE 1\r\nQUIT', b'marked deleted'),
                             (DIALOGUE, b'bye')):
            process = self.start()
            process.stdin.write(octets)
            process.stdin.close()
            answers = self.read_all(process)
            self.assertEnded(process)
            if last != b'ready':
                self.assertTrue(answers.endswith(last + b'\r\n'), answers[-80:])
            else:
                self.assertEqual(answers.count(b'\r\n'), 1)

    def test_stalled_reader(self):
        """R116 F-DOS: stdio: who does not read is waited for, and gets everything"""
        process = self.start()
        count = 20_000
        request = LOGIN + b'RETR 1\r\n' * count + b'QUIT\r\n'
        os.set_blocking(process.stdin.fileno(), False)
        sent = 0
        while sent < len(request) and select.select([], [process.stdin], [], 0.3)[1]:
            sent += process.stdin.write(request[sent:sent + 512]) or 0
        self.assertLess(sent, len(request))  # it has stopped reading
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answers = pool.submit(self.read_all, process)
            os.set_blocking(process.stdin.fileno(), True)
            while sent < len(request):
                sent += process.stdin.write(request[sent:sent + 512])
            answers = answers.result()
        self.assertEnded(process)
        self.assertEqual(answers.count(b'\r\n.\r\n'), count)
        self.assertTrue(answers.endswith(b'\r\n.\r\n+OK bye\r\n'))

    def test_reader_goes_away(self):
        """R50: stdio: the program ends when nobody reads any more"""
        process = self.start()
        process.stdout.close()
        try:
            process.stdin.write(LOGIN + b'RETR 1\r\n' * 100)
        except BrokenPipeError:
            pass
        process.wait(10)

    def test_on_a_socket(self):
        """R38 R114: stdio: one socket for both directions, as inetd gives it"""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = self.start(stdin=theirs, stdout=theirs)
            theirs.close()
            ours.settimeout(10)
            ours.sendall(DIALOGUE)
            answers = bytearray()
            while octets := ours.recv(3):
                answers += octets
            self.assertIsWholeSession(bytes(answers))
            self.assertEnded(process)

    def test_non_blocking_streams(self):
        """R16: stdio: pipes that somebody made non-blocking are no reason to end or to spin"""
        process = self.start()
        for stream in (process.stdin, process.stdout):
            os.set_blocking(stream.fileno(), False)
        time.sleep(0.3)
        used = pathlib.Path(f'/proc/{process.pid}/stat').read_text().rpartition(')')[2].split()
        self.assertLess(int(used[11]) + int(used[12]), 10)  # clock ticks
        process.stdin.write(DIALOGUE)
        os.set_blocking(process.stdout.fileno(), True)
        self.assertIsWholeSession(self.read_all(process))
        self.assertEnded(process)
