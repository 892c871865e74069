# SPDX-License-Identifier: MIT
"""What is in the maildrop: messages of our own, put into a Maildir or an mbox, or what the user says that is there."""
import os
import pathlib
import re
import subprocess
import time


def header(number, variant):
    return (f'From: Conformance <conformance@example.org>\nTo: you@example.org\n'
            f'Date: Mon, 5 Oct 2026 10:00:{number:02} +0000\nSubject: message {number}\n'
            f'Message-ID: <conformance-{number}.{variant}@example.org>\n').encode()


def bodies():
    yield b'A short message.\n'
    yield b'.\n..\n...\n.dots at the start\na.dot inside.\n .not at the start\n.\n\n.\nthe last line is a dot\n.\n'
    yield b'x' * 998 + b'\n' + b'y' * 5000 + b'\n' + b'short\n'
    yield b''  # a header and the empty line behind it
    yield b''.join(b'line %d\n' % number for number in range(1, 201))
    yield b'8 bits: gr\xc3\xbc\xc3\x9fe, Latin-1 \xe9\xff, a tab\there, blanks at the end  \n'
    yield b'+OK it looks like a reply\n-ERR so does this\n+ and this\nQUIT\n\n\n\n'
    yield b'the last line has no end'
    # Lines of many lengths, most with a dot at the start: wherever blocks are cut, a dot is near.
    yield b''.join(b'.' * (number % 3) + b'z' * (number % 79) + b'\n' for number in range(5000))


def messages(variant=1, open_end=True):
    """As a Unix program stores them, with LF. `open_end`: with one whose last line has no end."""
    found = [header(number, variant) + b'\n' + body for number, body in enumerate(bodies(), 1)]
    return [octets for octets in found if open_end or octets.endswith(b'\n')]


def on_the_wire(message):
    """With CRLF, also at the end, and without stuffing (RFC 1939, 11)."""
    octets = re.sub(rb'\r?\n', b'\r\n', message)
    return octets if octets.endswith(b'\r\n') or not octets else octets + b'\r\n'


def name_of(octets):
    """What tells a message from others: its Message-ID."""
    found = re.search(rb'(?mi)^message-id:[ \t]*(<[^>\r\n]*>)', octets.partition(b'\r\n\r\n')[0])
    return found[1] if found else octets[:200]


class Store:
    """Where nothing can be put in, and nobody knows what is there."""

    can_fill = can_choose = False
    keeps_open_end = False  # whether a message may lack its last line end
    known = None  # the messages, as they should come

    def files(self):
        """How many messages are stored, where that can be seen."""
        return None


class Maildir(Store):
    can_fill = can_choose = keeps_open_end = True

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.filled = 0
        for folder in ('tmp', 'new', 'cur'):
            (self.path / folder).mkdir(parents=True, exist_ok=True)

    def entries(self):
        return [entry for folder in ('new', 'cur') for entry in (self.path / folder).iterdir() if entry.is_file()]

    def fill(self, contents):
        for entry in self.entries():
            entry.unlink()
        owner = self.path.stat()
        for octets in contents:
            self.filled += 1  # never a name twice: it is what many servers make unique-ids from
            name = f'{int(time.time())}.M{self.filled:06}P{os.getpid()}.example'
            temporary = self.path / 'tmp' / name
            temporary.write_bytes(octets)
            if os.geteuid() == 0:
                os.chown(temporary, owner.st_uid, owner.st_gid)
            temporary.rename(self.path / 'new' / name)
        self.known = [on_the_wire(octets) for octets in contents]

    def files(self):
        return len(self.entries())


class Mbox(Store):
    can_fill = can_choose = True

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def fill(self, contents):
        contents = [octets if octets.endswith(b'\n') else octets + b'\n' for octets in contents]
        before = self.path.stat() if self.path.exists() else self.path.parent.stat()
        with open(self.path, 'wb') as file:
            file.write(b''.join(b'From conformance@example.org Mon Oct  5 10:00:00 2026\n' + octets + b'\n'
                                for octets in contents))
        if os.geteuid() == 0:
            os.chown(self.path, before.st_uid, before.st_gid)
        self.known = [on_the_wire(octets) for octets in contents]

    def files(self):
        return self.path.read_bytes().count(b'From conformance@example.org Mon')


class Command(Store):
    """`command` puts the messages back; `folder` has them, a file for each, if somebody says so."""

    can_fill = True

    def __init__(self, command, folder):
        self.command = command
        self.can_fill = command is not None
        if folder is not None:
            paths = sorted(path for path in pathlib.Path(folder).rglob('*') if path.is_file())
            contents = [path.read_bytes() for path in paths]
            self.known = [on_the_wire(octets) for octets in contents]
            self.keeps_open_end = any(not octets.endswith(b'\n') for octets in contents)

    def fill(self, _):
        subprocess.run(self.command, shell=True, check=True, timeout=60, stdin=subprocess.DEVNULL)
