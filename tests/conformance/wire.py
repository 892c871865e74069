# SPDX-License-Identifier: MIT
"""Connections to a server that is not trusted: over TCP or pipes, with or without TLS, never waiting for ever."""
import os
import re
import select
import shlex
import signal
import socket
import ssl
import struct
import subprocess
import time

MOST = 64 << 20  # octets that are kept of one line or one reply
MOST_LINES = 500_000


class Wrong(Exception):
    """What the server said, and what was expected."""

    def __init__(self, said, expected):
        super().__init__(f'said {shown(said)}; expected {expected}')


class Silence(Wrong):
    """Nothing came in time."""


class Ended(Wrong):
    """The server has closed the connection."""


def shown(said):
    """Octets for a person: short, and without anything that a terminal would act upon."""
    if isinstance(said, bytes):
        text = repr(said[:100])[1:]
        return f'{text}... ({len(said)} octets)' if len(said) > 100 else text
    return str(said)


# ---- what carries octets --------------------------------------------------------------------------------------------

class Tcp:
    def __init__(self, address, timeout):
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, octets, timeout):
        self.socket.settimeout(max(timeout, 0.01))
        self.socket.sendall(octets)

    def receive(self, timeout):
        """Octets, b'' at the end, or None if there was nothing in time."""
        if not select.select([self.socket], [], [], max(timeout, 0))[0]:
            return None
        try:
            return self.socket.recv(65536)
        except ConnectionError:
            return b''

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class Pipe:
    """A command that is a server on its standard input and output, started for this connection."""

    def __init__(self, command):
        self.process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                                        start_new_session=True)
        os.set_blocking(self.process.stdin.fileno(), False)

    def send(self, octets, timeout):
        until = time.monotonic() + timeout
        while octets:
            if not select.select([], [self.process.stdin], [], max(0, until - time.monotonic()))[1]:
                raise TimeoutError
            octets = octets[self.process.stdin.write(octets) or 0:]

    def receive(self, timeout):
        if not select.select([self.process.stdout], [], [], max(timeout, 0))[0]:
            return None
        return self.process.stdout.read(65536)

    def end_sending(self):
        self.process.stdin.close()

    def reset(self):
        self.close()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Tls:
    """TLS over any of them. It works in memory, so that nothing is read or sent that was not asked for."""

    def __init__(self, carrier, context, name, timeout):
        self.carrier = carrier
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.was_closed_cleanly = False
        until = time.monotonic() + timeout
        self.drive(self.tls.do_handshake, until)
        self.flush(timeout)

    def flush(self, timeout):
        if octets := self.outgoing.read():
            self.carrier.send(octets, timeout)

    def drive(self, step, until):
        """Runs a step until it needs no more octets. None if they did not come in time."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                left = until - time.monotonic()
                self.flush(max(left, 0.01))
                octets = self.carrier.receive(left)
                if octets is None:
                    raise TimeoutError('TLS: nothing came in time') from None
                if octets:
                    self.incoming.write(octets)
                else:
                    self.incoming.write_eof()

    def send(self, octets, timeout):
        self.tls.write(octets)
        self.flush(timeout)

    def receive(self, timeout):
        try:
            octets = self.drive(lambda: self.tls.read(65536), time.monotonic() + timeout)
        except TimeoutError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError) as end:
            self.was_closed_cleanly = isinstance(end, ssl.SSLZeroReturnError)
            return b''
        except (ssl.SSLError, ConnectionError):
            return b''
        self.was_closed_cleanly = not octets
        return octets

    def end_sending(self):
        self.carrier.end_sending()

    def reset(self):
        self.carrier.reset()

    def close(self):
        self.carrier.close()


# ---- POP3 on top ----------------------------------------------------------------------------------------------------

class Client:
    """One connection. It says what it is told to; what it hears, it also tells `witness`."""

    def __init__(self, carrier, witness, timeout, until):
        self.carrier, self.witness, self.timeout, self.until = carrier, witness, timeout, until
        self.buffer, self.at, self.open = bytearray(), 0, True  # what was received, how far it was read
        self.utf8 = False      # whether texts may be UTF-8 by now
        self.exchange = False  # whether a challenge of AUTH may come
        self.greeting = None

    def left(self, timeout=None):
        return max(0.01, min(self.timeout if timeout is None else timeout, self.until - time.monotonic()))

    def start_tls(self, context, name, keep=False):
        """`keep`: what came in the clear behind the reply is looked at by the caller."""
        if not keep:
            self.buffer, self.at = bytearray(), 0
        self.carrier = Tls(self.carrier, context, name, self.left())

    @property
    def unread(self):
        return bytes(self.buffer[self.at:])

    def send(self, octets):
        try:
            self.carrier.send(octets, self.left())
        except TimeoutError:
            raise Silence('it reads no more', 'that commands are read') from None
        except (OSError, ssl.SSLError, ValueError):
            self.open = False  # what it said before that may still be there to be read

    def more(self, timeout):
        octets = self.carrier.receive(timeout)
        if octets:
            del self.buffer[:self.at]
            self.at = 0
            self.buffer += octets
            if len(self.buffer) > MOST:
                raise Wrong(f'{len(self.buffer)} octets without an end', 'an end')
        elif octets is not None:
            self.open = False
        return octets

    def half_said(self):
        return f', behind {shown(self.unread)}' if self.unread else ''

    def raw_line(self, expected='a line', timeout=None):
        """The next line as it came, LF and all."""
        until = time.monotonic() + self.left(timeout)
        searched = self.at
        while (end := self.buffer.find(b'\n', searched)) < 0:
            searched = len(self.buffer) - self.at
            octets = self.more(until - time.monotonic())
            searched += self.at
            if octets is None:
                raise Silence(f'nothing in time{self.half_said()}', expected)
            if not octets:
                raise Ended(f'nothing and closed the connection{self.half_said()}', expected)
        line, self.at = bytes(self.buffer[self.at:end + 1]), end + 1
        return line

    def reply(self, command=b'', timeout=None):
        """The first line of a reply, without its line end."""
        line = self.raw_line(f'a reply to {shown(command)}' if command else 'a reply', timeout)
        self.witness.reply(self, command, line)
        return line.rstrip(b'\r\n')

    def body_lines(self):
        """The lines of a multi-line reply as they came, up to the dot and without it."""
        lines = []
        octets = 0
        while (line := self.raw_line('a line, or the dot that ends the reply')).rstrip(b'\r\n') != b'.':
            lines.append(line)
            octets += len(line)
            if octets > MOST or len(lines) > MOST_LINES:
                raise Wrong(f'{octets} octets without a final dot', 'an end')
        self.witness.body_line(line)
        return lines

    def ask(self, command, timeout=None):
        command = command.encode() if isinstance(command, str) else command
        self.send(command + b'\r\n')
        return self.reply(command, timeout)

    def ok(self, command, timeout=None):
        """A command that has to succeed; returns the text behind +OK."""
        said = self.ask(command, timeout)
        if not is_ok(said):
            raise Wrong(said, f'+OK to {shown(command.encode() if isinstance(command, str) else command)}')
        return said[4:]

    def raw_body(self, command):
        """The body as it came: stuffed, without the final dot."""
        self.ok(command)
        return b''.join(self.body_lines())

    def listing(self, command):
        """The lines of a multi-line reply without line ends, dots undone."""
        self.ok(command)
        lines = self.body_lines()
        for line in lines:
            self.witness.listed(line)
        return [line.rstrip(b'\r\n')[line.startswith(b'.'):] for line in lines]

    def body(self, command):
        """The body with dots undone."""
        return unstuffed(self.raw_body(command))

    def silent(self, seconds=0.3):
        """What it says though nothing was asked: b'' is right."""
        until = time.monotonic() + seconds
        while self.open and not self.unread and (left := until - time.monotonic()) > 0:
            self.more(left)
        return self.unread

    def rest(self, timeout=None):
        """All there is up to the end of the connection, or None if it does not end."""
        until = time.monotonic() + self.left(timeout)
        while self.open:
            if (left := until - time.monotonic()) <= 0 or self.more(left) is None:
                return None
        rest = self.unread
        self.buffer, self.at = bytearray(), 0
        return rest

    def drop(self):
        """Ends without QUIT, and gives the server a moment to see it."""
        try:
            self.carrier.end_sending()
            self.rest(2)
        except (OSError, ssl.SSLError, ValueError, Wrong):
            pass
        self.close()

    def close(self):
        self.open = False
        try:
            self.carrier.close()
        except (OSError, ValueError):
            pass


def is_ok(said):
    return re.match(rb'\+OK(?: |\Z)', said) is not None


def is_err(said):
    return re.match(rb'-ERR(?: |\Z)', said) is not None


def unstuffed(raw):
    return re.sub(rb'(?m)^\.', b'', raw)


def stuffed(body):
    return re.sub(rb'(?m)^\.', b'..', body)
