#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A POP3 server that does one thing wrong: model.py MAILDIR [FAULT], on standard input and output.

For test_faults.py, which shows by it that conformance.py finds what is wrong. Its user is ann, with the password pass.
"""
import base64
import fcntl
import hashlib
import os
import pathlib
import re
import ssl
import sys

BASE64 = re.compile(rb'(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?')


class Model:
    def __init__(self, maildir, fault):
        self.maildir, self.fault = pathlib.Path(maildir), fault
        self.user, self.entered, self.ending = None, False, False
        self.stamp = b'<1.2@model.example>' if self.has('same-stamp') else b'<%d.%s@model.example>' % (
            os.getpid(), os.urandom(6).hex().encode())
        self.pending, self.tls = b'', None

    def has(self, fault):
        return self.fault == fault

    # ---- lines ----

    def receive(self):
        if self.tls is None:
            return os.read(0, 65536)
        try:
            return self.drive(lambda: self.tls.read(65536))
        except ssl.SSLError:
            return b''

    def drive(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.write_raw(self.outgoing.read())
                if not (octets := os.read(0, 65536)):
                    return b''
                self.incoming.write(octets)

    def write(self, octets):
        if self.tls is not None:
            self.tls.write(octets)
            octets = self.outgoing.read()
        self.write_raw(octets)

    def write_raw(self, octets):
        end = 0
        while end < len(octets):
            end += os.write(1, octets[end:])

    def reply(self, text):
        if self.has('lower-case'):
            text = text.replace(b'+OK', b'+ok', 1)
        self.write(text + (b'\n' if self.has('lf') else b'\r\n'))

    def ok(self, text=b'done'):
        again = b'\r\n+OK again' if self.has('two-lines') and text == b'noop' else b''
        self.reply(b'+OK ' + text + again)

    def err(self, text=b'no'):
        if self.has('long-reply'):
            text += b'x' * 600
        if self.has('bad-code'):
            text = b'[not a code] ' + text
        if self.has('control'):
            text += b'\0\x1b'
        self.reply(b'-ERR ' + text)

    def lines(self, lines):
        self.write(b''.join(line + b'\r\n' for line in lines) + b'.\r\n')

    def line(self):
        while b'\r\n' not in self.pending:
            octets = self.receive()
            if not octets:
                return None
            self.pending += octets
        line, _, self.pending = self.pending.partition(b'\r\n')
        if self.has('loses-pipelined') and self.pending.count(b'\r\n') > 20:
            self.pending = b''
        return line

    # ---- the maildrop ----

    def listing(self):
        paths = sorted((path for folder in ('new', 'cur') for path in (self.maildir / folder).iterdir()),
                       key=lambda path: path.name)
        self.paths, self.marked = paths, set()
        self.bodies = []
        for path in paths:
            octets = re.sub(rb'\r?\n', b'\r\n', path.read_bytes())
            if not octets.endswith(b'\r\n') and not self.has('open-end'):
                octets += b'\r\n'
            self.bodies.append(octets)

    def lock(self):
        self.held = os.open(self.maildir, os.O_RDONLY)
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self.has('no-lock')
        return True

    def enter(self, right):
        if not right:
            return self.err(b'[IN-USE] wrong' if self.has('in-use-for-all') else b'[AUTH] wrong')
        if not self.lock():
            return self.err(b'[IN-USE] locked')
        self.listing()
        self.entered = True
        if self.has('marks-at-login'):
            self.marked.add(0)
        return self.ok(b'welcome')

    def size(self, index):
        body = self.bodies[index]
        if self.has('size-lf'):
            return len(body) - body.count(b'\n')
        return len(self.stuffed(body)) if self.has('size-stuffed') else len(body)

    def uid(self, index):
        if self.has('number-uids'):
            return b'%d' % (index + 1)
        if self.has('new-uids'):
            return os.urandom(8).hex().encode()
        return self.paths[index].name.encode() + b'x' * 70 * self.has('long-uids')

    def stuffed(self, body):
        if self.has('no-stuffing'):
            return body
        return body.replace(b'.', b'..') if self.has('all-dots') else re.sub(rb'(?m)^\.', b'..', body)

    def present(self):
        return [index for index in range(len(self.bodies)) if index not in self.marked or self.has('lists-marked')]

    def index(self, argument):
        """Of a message that is there, or None."""
        if self.has('atoi'):
            argument = (re.match(rb'\+?\d*', argument)[0].lstrip(b'+')) or b'0'
        if not re.fullmatch(rb'[1-9][0-9]{0,8}', argument) or int(argument) > len(self.bodies):
            return None
        index = int(argument) - 1
        return index if index not in self.marked or self.has('finds-marked') else None

    # ---- commands ----

    def run(self):
        if not self.has('no-greeting'):
            self.ok(b'model ' + self.stamp)
        while not self.ending and (line := self.line()) is not None:
            self.command(line)
        if self.entered and not self.ending and self.has('removes-at-end'):
            self.remove()
        if self.tls is not None and not self.has('no-alert'):
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass
            self.write_raw(self.outgoing.read())

    def command(self, line):
        verb, *arguments = line.split(b' ')
        name = verb.decode('latin-1').upper()
        if self.has('case') and verb != verb.upper():
            return self.err()
        if name != 'PASS' and not (name == 'STLS' and self.has('keeps-user')):
            self.user = None
        before = {'STLS': (0, 1) if self.has('stls-argument') else 0, 'USER': 1, 'PASS': None, 'APOP': 2, 'AUTH': (1, 2),
                  'CAPA': 0, 'QUIT': 0}
        within = {'STAT': 0, 'LIST': (0, 1), 'RETR': 1, 'DELE': 1, 'NOOP': 0, 'RSET': 0, 'TOP': 2, 'UIDL': (0, 1),
                  'CAPA': 0, 'QUIT': 0}
        if self.has('stls-after-login'):
            within['STLS'] = 0
        if self.has('noop-before-login'):
            before['NOOP'] = 0
        counts = (within if self.entered else before).get(name, ())
        counts = counts if isinstance(counts, tuple) else (counts,)
        surplus = self.has('surplus') and name in ('NOOP', 'STAT')
        if None not in counts and len(arguments) not in counts and not surplus or not all(arguments) and name != 'PASS':
            return self.err()
        if name == 'NOOP' and self.has('hangs'):
            return None
        return getattr(self, 'do_' + name.lower())(*([] if surplus else arguments))

    def do_user(self, user):
        self.user = user
        self.ok()

    def do_pass(self, *words):
        user, self.user = self.user, None
        if user is None and not self.has('pass-first'):
            return self.err()
        return self.enter(user in (b'ann', None) and b' '.join(words) == b'pass')

    def do_apop(self, user, digest):
        right = hashlib.md5(self.stamp + b'pass').hexdigest().encode()
        self.enter(user == b'ann' and (digest == right or self.has('any-digest')))

    def do_auth(self, mechanism, response=None):
        if mechanism.upper() != b'PLAIN':
            return self.err()
        if response is None:
            self.reply(b'+ go on' if self.has('text-challenge') else b'+ ')
            response = self.line() or b'*'
        elif response == b'=':
            response = b''
        if response == b'*' and self.has('no-cancel'):
            return self.ok()
        if self.has('lax-sasl'):
            response = re.sub(rb'[^A-Za-z0-9+/]', b'', response)
            response += b'=' * (-len(response) % 4)
        if not BASE64.fullmatch(response):
            return self.err()
        return self.enter(base64.b64decode(response) in (b'\0ann\0pass', b'ann\0ann\0pass'))

    def do_capa(self):
        self.ok()
        tags = [b'USER', b'TOP', b'UIDL', b'SASL PLAIN', b'PIPELINING', b'AUTH-RESP-CODE', b'RESP-CODES']
        if not self.entered and (self.tls is None or self.has('stls-announced')):
            tags.append(b'STLS')
        if self.has('hidden-uidl'):
            tags.remove(b'UIDL')
        if self.has('hidden-codes'):
            tags.remove(b'RESP-CODES')
        if self.has('less-after-login') and self.entered:
            tags = tags[1:]
        if self.has('wide-capa'):
            tags[0] += b'  X'
        self.lines(tags)

    def do_stls(self, *_):
        if self.tls is not None and not self.has('stls-within-tls'):
            return self.err()
        self.ok()
        if self.has('talks-before-tls'):
            self.ok()
        if not self.has('keeps-plaintext'):
            self.pending = b''
        if self.tls is not None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        folder = pathlib.Path(__file__).resolve().parent.parent / 'interop'
        context.load_cert_chain(folder / 'certificate.pem', folder / 'key.pem')
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        try:
            self.drive(tls.do_handshake)
        except ssl.SSLError:
            self.ending = True
            return None
        self.write_raw(self.outgoing.read())
        self.tls = tls
        if self.has('greets-twice'):
            self.ok(b'model ' + self.stamp)
        return None

    def do_noop(self):
        self.ok(b'noop')

    def do_stat(self):
        zeros = b'0' * self.has('zeros')
        size = sum(self.size(index) for index in self.present())
        self.ok(b'%d %s%d%s' % (len(self.present()), zeros, size, b' octets' * self.has('talks')))

    def rows(self, what):
        rows = [(index + 1, what(index)) for index in self.present()]
        if self.has('renumbers'):
            rows = [(number, value) for number, (_, value) in enumerate(rows, 1)]
        return [b'%d %s' % (number, value) for number, value in rows]

    def show(self, what, argument):
        if not argument:
            self.ok()
            rows = self.rows(what)
            if self.has('floods'):
                while True:
                    self.write(b'1 1\r\n' * 10000)
            return self.lines(rows)
        index = self.index(argument[0])
        return self.err() if index is None else self.ok(b'%d %s' % (index + 1, what(index)))

    def do_list(self, *argument):
        self.show(lambda index: b'%d' % self.size(index), argument)

    def do_uidl(self, *argument):
        self.show(self.uid, argument)

    def do_retr(self, argument):
        index = self.index(argument)
        if index is None or self.has('no-lock') and not self.paths[index].exists():
            return self.err()
        self.ok()
        body = self.bodies[index]
        if self.has('changes-octets'):
            body = body.replace(b'\xff', b'?')
        return self.write(self.stuffed(body) + b'\r\n' * (not body.endswith(b'\r\n')) + b'.\r\n')

    def do_top(self, argument, count):
        index = self.index(argument)
        if index is None or not re.fullmatch(rb'[0-9]{1,9}', count) and not self.has('lax-top'):
            return self.err()
        header, separator, body = self.bodies[index].partition(b'\r\n\r\n')
        most = int(count) + self.has('top-too-long') if count.isdigit() else 0
        lines = body.splitlines(keepends=True)[:most]
        self.ok()
        separator = b'\r\n' if self.has('top-joins') else separator
        return self.write(self.stuffed(header + separator + b''.join(lines)) + b'.\r\n')

    def do_dele(self, argument):
        index = self.index(argument)
        if index is None:
            return self.err()
        self.marked.add(index)
        if self.has('removes-at-once'):
            self.paths[index].unlink(missing_ok=True)
        return self.ok()

    def do_rset(self):
        if not self.has('rset-forgets'):
            self.marked = set()
        self.ok()

    def remove(self):
        doomed = range(len(self.paths)) if self.has('removes-all') and self.marked else self.marked
        for index in doomed:
            self.paths[index].unlink(missing_ok=True)

    def do_quit(self):
        self.ending = not self.has('stays')
        if self.entered and not self.has('removes-nothing'):
            self.remove()
        self.ok()

    def __getattr__(self, name):
        if name.startswith('do_'):
            return lambda *_: self.err()
        raise AttributeError(name)


if __name__ == '__main__':
    Model(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None).run()
