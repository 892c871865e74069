# SPDX-License-Identifier: MIT
"""Calls of the system that fail when a test wants it: the test's side of tests/faults/shim.cpp."""
import errno
import mmap
import os
import pathlib
import shutil
import struct
import subprocess
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parent.parent / 'faults' / 'shim.cpp'
CALLS = ('pread', 'sendfile', 'openat', 'fstatat', 'readdir', 'flock', 'unlinkat', 'fsync', 'log')
EVERY = 1_000_000_000


class Shim:
    """Compiled into `folder`; a pop3d with prefix() has it."""

    def __init__(self, folder):
        compiler = os.environ.get('CXX', 'c++').split()
        if shutil.which(compiler[0]) is None:
            raise unittest.SkipTest('no compiler for the shim')
        self.library, self.file = folder / 'shim.so', folder / 'faults'
        subprocess.run([*compiler, '-std=c++17', '-shared', '-fPIC', SOURCE, '-o', self.library, '-ldl'], check=True)
        self.file.write_bytes(bytes(16 * len(CALLS)))
        with open(self.file, 'r+b') as file:
            self.memory = mmap.mmap(file.fileno(), 0)

    def prefix(self):
        # AddressSanitizer wants to be the first library, and need not be.
        sanitizer = f'{os.environ.get("ASAN_OPTIONS", "")}:verify_asan_link_order=0'
        return ['env', f'LD_PRELOAD={self.library}', f'FAULTS={self.file}', f'ASAN_OPTIONS={sanitizer}']

    def fail(self, call, error=errno.EIO, passes=0, times=EVERY):
        """From now on so many calls pass, and so many behind them fail."""
        at = 16 * CALLS.index(call)
        self.memory[at:at + 16] = struct.pack('iiii', 0, passes, times, 0)
        self.memory[at:at + 4] = struct.pack('i', error)

    def failed(self, call, patience=0):
        """How many have failed; `patience`: seconds that the first one may take."""
        until = time.monotonic() + patience
        while self.count(call) == 0 and time.monotonic() < until:
            time.sleep(0.005)
        return self.count(call)

    def count(self, call):
        return struct.unpack_from('i', self.memory, 16 * CALLS.index(call) + 12)[0]

    def stop(self):
        self.memory[:] = bytes(16 * len(CALLS))
