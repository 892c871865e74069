# SPDX-License-Identifier: MIT
"""What all tests have in common. run.py says where the programs are."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from server import Server
from wire import Wire

POP3D = EPOLL = ASIO = STDIO = ''


class Case(unittest.TestCase):
    """A test with a folder of its own and servers that end with it."""

    maxDiff = 400

    def folder(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix='mailwire-'))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def serve(self, *options, **settings):
        """A pop3d that listens, and stops when the test is over."""
        server = Server(POP3D, self.folder(), *options, **settings)
        self.addCleanup(server.kill)
        server.start()
        return server

    def connect(self, address, **settings):
        """A connection of which the greeting is still to be read."""
        wire = Wire(address, **settings)
        self.addCleanup(wire.close)
        return wire

    def greeted(self, address, **settings):
        wire = self.connect(address, **settings)
        self.assertOk(wire.line())
        return wire

    def logged_in(self, server, user='ann', **settings):
        """A session in TRANSACTION."""
        wire = self.greeted(server.plain, **settings)
        self.assertOk(wire.login(user, server.users[user]))
        return wire

    def assertOk(self, reply):
        self.assertRegex(reply, rb'\A\+OK( |\Z)')

    def assertErr(self, reply, code=None):
        self.assertRegex(reply, rb'\A-ERR( |\Z)')
        if code is not None:
            self.assertTrue(reply.startswith(b'-ERR [' + code + b'] '), reply)

    def assertSame(self, fetched, expected, what=''):
        """Equal octets; tells where they differ and not all of them."""
        if fetched == expected:
            return
        common = os.path.commonprefix([fetched, expected])
        at = len(common)
        self.fail(f'{what}: {len(fetched)} octets, not {len(expected)}; they differ from octet {at} on: '
                  f'{fetched[max(0, at - 20):at + 40]!r}, not {expected[max(0, at - 20):at + 40]!r}')

    def note(self, text):
        print(f'# {text}')
        sys.stdout.flush()

    def run_program(self, *command, **settings):
        """Runs a mail program to its end, with nothing of ours around it."""
        settings.setdefault('timeout', 50)
        environment = {**os.environ, 'LC_ALL': 'C', **settings.pop('env', {})}
        return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True,
                              env=environment, check=False, **settings)


def program(name):
    """Skips a test where a program is not installed."""
    return unittest.skipUnless(shutil.which(name), f'{name} is not installed')
