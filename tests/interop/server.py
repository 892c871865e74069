# SPDX-License-Identifier: MIT
"""pop3d in a folder of its own: Maildirs, a users file, its ports, its log, its memory."""
import os
import pathlib
import re
import signal
import subprocess
import time

CERTIFICATE = pathlib.Path(__file__).resolve().parent / 'certificate.pem'
KEY = pathlib.Path(__file__).resolve().parent / 'key.pem'


class Maildir:
    """A Maildir, and what other mail programs do to it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        for folder in ('tmp', 'new', 'cur'):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        self.delivered = 0

    def deliver(self, octets, name=None, folder='new'):
        """A message; later ones come later in a listing. Returns its file."""
        self.delivered += 1
        path = self.path / folder / (name or f'{1700000000 + self.delivered}.M{self.delivered}P1.host')
        path.write_bytes(octets)
        return path

    def files(self):
        """All messages: unique name -> octets."""
        return {path.name.partition(':')[0]: path.read_bytes()
                for folder in ('new', 'cur') for path in (self.path / folder).iterdir() if path.is_file()}

    def names(self):
        """The same without reading them."""
        return {name.partition(':')[0] for folder in ('new', 'cur') for name in os.listdir(self.path / folder)}

    def see(self, path, flags='S'):
        """What a mail reader does with a message that was seen: new/x -> cur/x:2,S, or other flags in cur/."""
        return path.rename(self.path / 'cur' / f'{path.name.partition(":")[0]}:2,{flags}')


class Server:
    """`users`: name -> password, each with a Maildir. `lines`: what the users file says of them instead of {PLAIN}.

    `tls`: listens with TLS as well. `prefix`: runs pop3d. `throttled`: with the limits for one address, which all tests
    have in common.
    """

    def __init__(self, program, folder, *options, users=None, lines=None, tls=False, prefix=(),
                 listen=('127.0.0.1:0',), throttled=False):
        self.folder = pathlib.Path(folder)
        self.users = {'ann': 'sesame'} if users is None else users
        self.mail = self.folder / 'mail'
        self.mail.mkdir()
        self.maildirs = {user: Maildir(self.mail / user) for user in self.users}
        self.users_file = self.folder / 'users'
        lines = lines or [f'{user}:{{PLAIN}}{password}' for user, password in self.users.items()]
        self.users_file.write_text(''.join(f'{line}\n' for line in lines))
        self.command = [*prefix, program, '--mail', self.mail, '--users', self.users_file, '--allow-plaintext']
        if not throttled:
            self.command += ['--max-connections-per-address', '0', '--failed-logins-per-address', '0']
        for address in listen:
            self.command += ['--listen', address]
        if tls:
            self.command += ['--listen-tls', '127.0.0.1:0', '--cert', CERTIFICATE, '--key', KEY]
        self.command = [str(word) for word in [*self.command, *options]]
        self.listeners = self.command.count('--listen') + self.command.count('--listen-tls')
        self.process = None

    @property
    def maildir(self):
        return next(iter(self.maildirs.values()))

    # ---- life ----

    def start(self):
        self.listening = {'plain': [], 'tls': []}
        out, log = self.folder / 'out', self.folder / 'log'
        with open(out, 'wb') as stdout, open(log, 'ab') as stderr:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                            cwd=self.folder)
        patience = time.monotonic() + 10
        while True:
            ended = self.process.poll() is not None
            found = re.findall(r'^listening (plain|tls) (\S+):(\d+)\n', out.read_text(), re.MULTILINE)
            if len(found) == self.listeners:
                break
            if ended or time.monotonic() > patience:
                self.kill()
                raise RuntimeError(f'pop3d does not listen: {out.read_text()}{self.log()}')
            time.sleep(0.005)
        for kind, host, port in found:
            self.listening[kind].append((host.strip('[]'), int(port)))

    @property
    def plain(self):
        return self.listening['plain'][0]

    @property
    def tls(self):
        return self.listening['tls'][0]

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, timeout=20):
        """The exit status."""
        return self.process.wait(timeout)

    def stop(self, timeout=20):
        self.signal()
        return self.wait(timeout)

    def kill(self):
        """kill -9, and nothing is left of the process afterwards."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # ---- looks ----

    def log(self):
        """Its whole lines: one that crosses a page of the file can be seen half written."""
        octets = (self.folder / 'log').read_bytes()
        return octets[:octets.rfind(b'\n') + 1].decode('ascii')

    def session_lines(self, count=1, patience=5):
        """The log lines of ended sessions, once there are so many: a list of {key: value}."""
        until = time.monotonic() + patience
        while True:
            lines = [line for line in self.log().splitlines() if ' session ' in f'{line} ']
            if len(lines) >= count or time.monotonic() > until:
                return [dict(re.findall(r'(\S+?)=(\S*)', line)) for line in lines]
            time.sleep(0.01)

    def status(self, key):
        """Octets, of a line of /proc/PID/status."""
        text = pathlib.Path(f'/proc/{self.process.pid}/status').read_text()
        return 1024 * int(re.search(rf'^{key}:\s*(\d+) kB', text, re.MULTILINE)[1])

    def cpu(self):
        """Seconds of the processor that it has used."""
        fields = pathlib.Path(f'/proc/{self.process.pid}/stat').read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def memory(self):
        return self.status('VmRSS')

    def forget_peak(self):
        """From now on peak() counts."""
        pathlib.Path(f'/proc/{self.process.pid}/clear_refs').write_text('5')

    def peak(self):
        return self.status('VmHWM')

    def is_sanitized(self):
        """Whether memory says nothing: AddressSanitizer reserves terabytes and keeps what was freed."""
        return self.status('VmSize') > 1 << 40
