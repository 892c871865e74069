#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The example programs over real sockets: run.py POP3D EPOLL ASIO STDIO [WORD...]

Prints TAP, one point for each test. With WORDs only the tests that have one of them in their names are run; with !WORDs
none of those that have one of these.
"""
import pathlib
import signal
import sys
import time
import unittest

sys.dont_write_bytecode = True  # nothing is left behind

import case

TIME_FOR_A_TEST = 60  # seconds; most take less than one


class Tap(unittest.TestResult):
    """Prints one line for each test, as it ends."""

    def startTest(self, test):
        super().startTest(test)
        self.wrong = []
        self.skipped_because = None
        self.since = time.monotonic()
        signal.alarm(time_for(test))

    def stopTest(self, test):
        signal.alarm(0)
        self.point(test.shortDescription() or test.id(), test.id())
        super().stopTest(test)

    def point(self, title, name):
        self.points = getattr(self, 'points', 0) + 1
        directive = f' # SKIP {self.skipped_because}' if self.skipped_because and not self.wrong else ''
        # "#" would begin a directive.
        print(f'{"not " if self.wrong else ""}ok {self.points} - {title.replace("#", "No. ")}{directive}')
        for line in '\n'.join(self.wrong).splitlines():
            print(f'#   {line}')
        if self.wrong:  # "meson test" shows of a TAP test nothing else
            print(f'{name}: {title}', *self.wrong, sep='\n', file=sys.stderr, flush=True)
        seconds = time.monotonic() - self.since
        if self.wrong or seconds > 2:
            print(f'#   {name}: {seconds:.1f} s')
        sys.stdout.flush()

    def add(self, test, error, list_of_all):
        text = self._exc_info_to_string(error, test)
        list_of_all.append((test, text))
        if isinstance(test, unittest.TestCase):
            self.wrong.append(text)
        else:  # setUpClass failed: its tests do not run
            self.wrong, self.skipped_because, self.since = [text], None, time.monotonic()
            self.point(str(test), str(test))

    def addError(self, test, err):
        self.add(test, err, self.errors)

    def addFailure(self, test, err):
        self.add(test, err, self.failures)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.wrong.append(f'{subtest.id()}\n{self._exc_info_to_string(err, test)}')
            self.failures.append((subtest, ''))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skipped_because = reason
        if not isinstance(test, unittest.TestCase):
            self.wrong, self.since = [], time.monotonic()
            self.point(str(test), str(test))


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def time_for(test):
    return getattr(test, 'time_limit', TIME_FOR_A_TEST)


def too_long(*_):
    raise TimeoutError('the test took too long')


def main():
    if len(sys.argv) < 5:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    case.POP3D, case.EPOLL, case.ASIO, case.STDIO = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:5])
    words = [word for word in sys.argv[5:] if not word.startswith('!')]
    others = [word[1:] for word in sys.argv[5:] if word.startswith('!')]
    signal.signal(signal.SIGALRM, too_long)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped

    found = unittest.defaultTestLoader.discover(str(pathlib.Path(__file__).parent), pattern='test_*.py')
    chosen = [test for test in tests_of(found) if (not words or any(word in test.id() for word in words))
              and not any(word in test.id() for word in others)]
    result = Tap()
    unittest.TestSuite(chosen).run(result)
    print(f'1..{getattr(result, "points", 0)}')
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


if __name__ == '__main__':
    sys.exit(main())
