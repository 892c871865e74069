# SPDX-License-Identifier: MIT
"""A connection as octets: it says what it is told to, and nothing by itself."""
import socket
import ssl
import struct


class Wire:
    def __init__(self, address, tls=None, receive_buffer=None, timeout=10, name=None, session=None, source=None):
        """`tls`: a context; `name`: of the server; `session`: to be resumed; `source`: the client's address."""
        self.socket = socket.socket(socket.AF_INET6 if ':' in address[0] else socket.AF_INET)
        if receive_buffer:  # before the connection is made: it bounds the window
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name or address[0], session=session)
        self.buffer, self.at = b'', 0  # what was received, and how far it was read

    # ---- out ----

    def send(self, octets):
        self.socket.sendall(octets)

    def send_octets(self, octets):
        """Each in a segment of its own, as far as TCP_NODELAY can tell."""
        for i in range(len(octets)):
            self.socket.sendall(octets[i:i + 1])

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    # ---- in ----

    @property
    def unread(self):
        return self.buffer[self.at:]

    def line(self):
        """The next line without its CRLF."""
        while (end := self.buffer.find(b'\n', self.at)) < 0:
            octets = self.socket.recv(65536)
            if not octets:
                raise EOFError(f'the connection ended behind {self.unread[-100:]!r}')
            self.buffer, self.at = self.unread + octets, 0
        line, self.at = self.buffer[self.at:end], end + 1
        if not line.endswith(b'\r'):
            raise ValueError(f'a line without CR: {line[-100:]!r}')
        return line[:-1]

    def body(self):
        """The lines of a multi-line reply up to its dot, as one string of octets, dots undone."""
        lines = []
        while (line := self.line()) != b'.':
            lines.append(line[1:] if line.startswith(b'.') else line)
        return b''.join(line + b'\r\n' for line in lines)

    def rest(self):
        """All there is up to the end of the connection, a reset too."""
        parts = [self.unread]
        self.buffer, self.at = b'', 0
        try:
            while octets := self.socket.recv(65536):
                parts.append(octets)
        except (ConnectionResetError, ssl.SSLEOFError):
            pass
        return b''.join(parts)

    def is_over(self):
        """Whether the other side has ended the connection and sent nothing more."""
        return self.rest() == b''

    # ---- both ----

    def ask(self, command):
        """A command, and the first line of its reply."""
        self.send(command + b'\r\n')
        return self.line()

    def ask_all(self, command):
        """A command with a multi-line reply: (first line, body)."""
        first = self.ask(command)
        return first, self.body() if first.startswith(b'+OK') else None

    def login(self, user, password):
        first = self.ask(b'USER ' + user.encode())
        return self.ask(b'PASS ' + password.encode()) if first.startswith(b'+OK') else first
