#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of pop3d at random moments, under load: kill.py POP3D [KILLS [SEED]]

Clients log in, retrieve, delete and quit, or hang up, and a program delivers new mail meanwhile. After each kill:
 - no message is gone but those that were marked in a session that had said QUIT
 - all of those are gone whose QUIT was answered with +OK
 - each message that is there is whole, and there once; nothing else lies anywhere
 - after a restart, everybody can log in at once, and is shown just what is there
"""
import collections
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'interop'))
sys.dont_write_bytecode = True

from server import Server
from wire import Wire

USERS = {'ann': 'sesame', 'bob': 'open', 'eve': 'apple'}
CLIENTS = 2  # for each user: one of them finds the maildrop locked now and then
MESSAGES = 60  # at the beginning of a round


class Lost(AssertionError):
    pass


def claim(fact, what):
    if not fact:
        raise Lost(what)


class Box:
    """What is known of one user's mail."""

    def __init__(self, maildir):
        self.maildir = maildir
        self.octets = {}  # name -> octets, of all that was delivered and is not known to be gone
        self.may_go, self.must_go = set(), set()
        self.lock = threading.Lock()
        self.number = 0

    def deliver(self, chance):
        """As mail programs do: written in tmp/, renamed to new/."""
        with self.lock:
            self.number += 1
            name = f'{1700000000 + self.number}.M{self.number}P1.host'
            size = 100_000 if self.number % 40 == 0 else chance.randrange(2000)
            lines = b'x' * 60 + (b'\r\n' if self.number % 2 else b'\n')
            octets = b'Subject: %d\n\n.dot\n' % self.number + lines * (size // 60)
            self.octets[name] = octets
        path = self.maildir.path / 'tmp' / name
        path.write_bytes(octets)
        path.rename(self.maildir.path / 'new' / name)

    def wire_form(self, name):
        with self.lock:
            return self.octets[name].replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')

    def check(self):
        """After a kill, when nobody does anything. Returns how many messages are gone."""
        folders = {str(path.relative_to(self.maildir.path)) for path in self.maildir.path.rglob('*')}
        files = self.maildir.files()
        claim(len(folders) == 3 + len(files), f'something else was left: {sorted(folders)[:5]}')
        gone = set(self.octets) - set(files)
        claim(not set(files) - set(self.octets), 'a file that nobody delivered')
        claim(gone <= self.may_go, f'lost, and not committed: {sorted(gone - self.may_go)[:5]}')
        claim(self.must_go <= gone, f'committed, and there again: {sorted(self.must_go - gone)[:5]}')
        for name, octets in files.items():
            claim(octets == self.octets[name], f'{name} is not whole')
        self.octets = files
        self.may_go, self.must_go = set(), set()
        return len(gone)


class Client(threading.Thread):
    """Session after session, until the server is gone."""

    def __init__(self, rounds, user, seed):
        super().__init__(daemon=True)
        self.rounds, self.user, self.box = rounds, user, rounds.boxes[user]
        self.chance = random.Random(seed)
        self.fault = None
        self.counts = collections.Counter()
        self.waits_for_quit = False

    def run(self):
        try:
            while not self.rounds.killed:
                self.session()
        except Lost as error:
            self.fault = error
        except (OSError, EOFError) as error:
            if not self.rounds.killed:
                self.fault = error
        except Exception as error:  # whatever else: the thread must not end silently
            self.fault = error

    def session(self):
        wire = Wire(self.rounds.server.plain)
        try:
            wire.line()
            reply = wire.login(self.user, USERS[self.user])
            if not reply.startswith(b'+OK'):
                claim(reply.startswith(b'-ERR [IN-USE]'), reply)
                self.counts['logins that found the maildrop locked'] += 1
                return
            lines = wire.ask_all(b'UIDL')[1].decode().split('\r\n')[:-1]
            names = [line.split(' ')[1] for line in lines]
            for number in self.chance.sample(range(1, len(names) + 1), min(2, len(names))):
                octets = wire.ask_all(b'RETR %d' % number)[1]
                claim(octets == self.box.wire_form(names[number - 1]), f'RETR {number}: not what was delivered')
                self.counts['RETR'] += 1
            marked = self.chance.sample(range(1, len(names) + 1), self.chance.randrange(len(names) // 2 + 1))
            wire.send(b''.join(b'DELE %d\r\n' % number for number in marked))
            for _ in marked:
                claim(wire.line().startswith(b'+OK'), 'DELE')
            self.counts['sessions'] += 1
            if self.chance.random() < 0.7:
                self.quit(wire, {names[number - 1] for number in marked})
            else:
                self.counts['sessions that hung up with marks'] += 1
        finally:
            wire.close()

    def quit(self, wire, names):
        with self.box.lock:
            self.box.may_go |= names
        self.waits_for_quit = True
        self.rounds.quitting.set()
        wire.send(b'QUIT\r\n')
        reply = wire.line()
        self.waits_for_quit = False
        claim(reply.startswith(b'+OK'), f'QUIT: {reply}')
        with self.box.lock:
            self.box.must_go |= names
        self.counts['messages removed, and told so'] += len(names)


class Rounds:
    def __init__(self, program, folder, seed=1, prefix=()):
        self.chance = random.Random(seed)
        self.server = Server(program, folder, '--log-level', 'error', users=USERS, prefix=prefix)
        self.boxes = {user: Box(self.server.maildirs[user]) for user in USERS}
        self.counts = collections.Counter()
        self.killed = False
        self.quitting = threading.Event()

    def run(self, kills):
        """What was counted; raises Lost."""
        try:
            self.server.start()
            for _ in range(kills):
                self.round()
            self.check_server()
        finally:
            self.server.kill()
        return self.counts

    def round(self):
        for box in self.boxes.values():
            while len(box.octets) < MESSAGES:
                box.deliver(self.chance)
        self.check_server()
        self.killed = False
        self.quitting.clear()
        clients = [Client(self, user, self.chance.random()) for user in USERS for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        deliverer = threading.Thread(target=self.deliver, daemon=True)
        deliverer.start()
        if self.chance.random() < 0.5:
            time.sleep(self.chance.uniform(0, 0.1))
        else:
            self.quitting.wait(5)
            time.sleep(self.chance.uniform(0, 0.003))
        self.killed = True
        self.server.kill()
        for thread in (*clients, deliverer):
            thread.join(20)
            claim(not thread.is_alive(), 'a client hangs')
        inside = any(client.waits_for_quit for client in clients)
        for client in clients:
            self.counts.update(client.counts)
            if client.fault:
                raise client.fault
        gone = {user: box.check() for user, box in self.boxes.items()}
        self.counts['kills'] += 1
        self.counts['kills while a QUIT was not answered'] += inside
        self.counts['messages gone'] += sum(gone.values())
        self.server.start()

    def deliver(self):
        chance = random.Random(self.counts['kills'])
        while not self.killed:
            self.boxes[chance.choice(sorted(USERS))].deliver(chance)
            time.sleep(0.01)

    def check_server(self):
        """No lock is left, and what is shown is what is there."""
        for user, box in self.boxes.items():
            wire = Wire(self.server.plain)
            wire.line()
            claim(wire.login(user, USERS[user]).startswith(b'+OK'), f'{user} cannot log in after the kill')
            shown = wire.ask_all(b'UIDL')[1].decode().split('\r\n')[:-1]
            claim([line.split(' ')[1] for line in shown] == sorted(box.octets), 'what is shown is not what is there')
            claim(wire.ask(b'QUIT').startswith(b'+OK'), 'QUIT')
            wire.close()


def main():
    if len(sys.argv) < 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    program = str(pathlib.Path(sys.argv[1]).resolve())
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='mailwire-') as folder:
        rounds = Rounds(program, folder, seed)
        try:
            rounds.run(kills)
        except Lost as error:
            print(f'not ok - {error} (seed {seed}, after {rounds.counts["kills"]} kills)')
            return 1
        finally:
            for what, count in rounds.counts.items():
                print(f'# {what}: {count}')
    print(f'ok - nothing lost, no lock left (seed {seed}, {time.monotonic() - since:.1f} s)')
    return 0


if __name__ == '__main__':
    sys.exit(main())
