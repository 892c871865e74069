# SPDX-License-Identifier: MIT
"""Mail programs log in by every mechanism they know, and fetch a message: on the plain port, by STLS, on the TLS port.

A row of a table is a mechanism, and the ways it is tried; or why the program cannot do it, which becomes a note. That
the mechanism and TLS really were used is seen in pop3d's log.
"""
import base64
import concurrent.futures
import hashlib
import hmac
import importlib.util
import os
import poplib
import pty
import select
import shutil
import ssl
import subprocess
import time
import unittest

import case
from case import program
from certificates import Authority
from sasl import Gsasl, Scram, binding_context, bindings
from server import CERTIFICATE
from test_proxy import PROXY, Behind

MESSAGE = b'Subject: one\r\nFrom: bob@example.org\r\n\r\n.\r\n..dots\r\nend \xc3\xbc\r\n'
PASSWORD = 'open sesame'
HOST = 'localhost'  # the name in the certificate

TLS = ('stls', 'tls')
ALL = ('plain', *TLS)
TLS_PORT = ('tls',)
NOT_STLS = ('plain', 'tls')
SCRAMS = ('SCRAM-SHA-1', 'SCRAM-SHA-256')
PLUSES = ('SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS')


def rows(ways, *mechanisms):
    return dict.fromkeys(mechanisms, ways)


class Programs(Behind):
    """Each method that is called like a program logs in, fetches the only message and returns its octets."""

    options = ()

    def setUp(self):
        self.home = self.folder()
        self.clients = Authority(self.folder(), 'clients')
        self.certificate, self.key = self.clients.issue('ann', usage='clientAuth')
        self.server = self.serve('--apop', '--hostname', HOST, '--client-ca', self.clients.certificate, *self.options,
                                 users={'ann': PASSWORD}, tls=True)
        self.server.maildir.deliver(MESSAGE)
        self.ports = {'plain': self.server.plain[1], 'stls': self.server.plain[1], 'tls': self.server.tls[1]}

    def try_all(self, table, fetch, **settings):
        """fetch(method, way, **settings) for all of a table."""
        for method, ways in table.items():
            if isinstance(ways, str):
                self.note(f'{fetch.__name__} and {method}: {ways}')
                continue
            for way in ways:
                with self.subTest(fetch.__name__, method=method, way=way, **settings):
                    before = len(self.server.session_lines(0))
                    fetched = fetch(method, way, **settings)
                    self.assertSame(self.with_crlf(fetched), MESSAGE, method)
                    self.assertUsed(self.server.session_lines(before + 1)[before:], method, way)

    def assertUsed(self, lines, method, way):
        """One session, of which the log says all that has to be."""
        self.assertEqual(len(lines), 1, lines)
        said = {key: lines[0][key] for key in ('user', 'method', 'tls', 'retrieved', 'failed_logins', 'reason')}
        self.assertEqual(said, {'user': 'ann', 'method': method, 'tls': 'no' if way == 'plain' else 'yes',
                                'retrieved': '1', 'failed_logins': '0', 'reason': 'quit'})

    @staticmethod
    def with_crlf(octets):
        """Programs that deliver write LF."""
        return octets.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')

    def run_well(self, *command, **settings):
        home = {'HOME': str(self.home), 'FETCHMAILHOME': str(self.home)}
        done = self.run_program(*command, cwd=self.home, env=home, timeout=20, **settings)
        self.assertEqual(done.returncode, 0, done.stdout[-500:] + done.stderr[-500:])
        return done.stdout

    def configure(self, text):
        path = self.home / 'configuration'
        path.write_text(text)
        path.chmod(0o600)
        return path

    def take(self, name='got'):
        """What a program delivered to this file."""
        octets = (self.home / name).read_bytes()
        (self.home / name).unlink()
        return octets

    # ---- the programs ----

    def curl(self, method, way, early=False, token=None, more=()):
        """`early`: with an initial response."""
        scheme = 'pop3s' if way == 'tls' else 'pop3'
        options = ['--sasl-ir'] if early else []
        options += ['--ssl-reqd'] if way == 'stls' else []
        if method == 'EXTERNAL':
            options += ['--cert', self.certificate, '--key', self.key, '--user', 'ann:']
        elif token:
            options += ['--oauth2-bearer', token, '--user', 'ann:']
        else:
            options += ['--user', f'ann:{PASSWORD}']
        return self.run_well('curl', '--silent', '--show-error', '--cacert', CERTIFICATE, '--login-options',
                             f'AUTH={"+APOP" if method == "APOP" else method}', *options, *more,
                             f'{scheme}://{HOST}:{self.ports[way]}/1')

    def mpop(self, method, way, token=None):
        lines = {'plain': 'tls off', 'stls': 'tls on\ntls_starttls on', 'tls': 'tls on\ntls_starttls off'}[way]
        if way != 'plain':
            lines += f'\ntls_trust_file {CERTIFICATE}'
        if method == 'EXTERNAL':
            lines += f'\ntls_cert_file {self.certificate}\ntls_key_file {self.key}'
        self.run_well('mpop', '--quiet', '--file', self.configure(f'''
account default
host {HOST}
port {self.ports[way]}
{lines}
auth {method.lower()}
user ann
password {token or PASSWORD}
delivery mda cat > {self.home}/got
uidls_file {self.home}/uidls
received_header off
keep on
'''))
        (self.home / 'uidls').unlink()  # else it would know the message next time
        return self.take()

    def fetchmail(self, method, way, certificate=False):
        tls = f'sslcertck sslcertfile {CERTIFICATE}'
        tls += f' sslcert {self.certificate} sslkey {self.key}' if certificate else ''
        security = {'plain': 'sslproto ""', 'stls': f'sslproto tls1+ {tls}', 'tls': f'ssl {tls}'}[way]
        protocol, auth = {'USER': ('pop3', 'auth password'), 'CRAM-MD5': ('pop3', 'auth cram-md5'),
                          'APOP': ('apop', '')}[method]
        self.run_well('fetchmail', '--nodetach', '--nosyslog', '--pidfile', self.home / 'pid', '--fetchmailrc',
                      self.configure(f'''
set invisible
set no bouncemail
poll {HOST} service {self.ports[way]} protocol {protocol} no dns {auth} bad-header accept:
  user ann password "{PASSWORD}" is ann here {security} keep fetchall
  no rewrite no mimedecode no stripcr no forcecr no dropstatus no dropdelivered pass8bits
  mda "cat > {self.home}/got"
'''))
        return self.take()

    def getmail(self, method, way, certificate=False):
        tls = f'ca_certs = {CERTIFICATE}\n' if way == 'tls' else ''
        tls += f'keyfile = {self.key}\ncertfile = {self.certificate}\n' if certificate else ''
        configuration = self.configure(f'''
[retriever]
type = SimplePOP3{'SSL' if way == 'tls' else ''}Retriever
server = {HOST}
port = {self.ports[way]}
username = ann
password = {PASSWORD}
use_apop = {'true' if method == 'APOP' else 'false'}
{tls}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > {self.home}/got")
allow_root_commands = true
[options]
received = false
delivered_to = false
''')
        try:
            self.run_well('getmail', '--getmaildir', self.home, '--quiet', '--rcfile', configuration)
        except subprocess.TimeoutExpired:  # on a busy machine it can miss the end of the program that delivers
            self.skipTest('getmail waits for itself')
        line, _, message = self.take().partition(b'\n')  # it adds this one
        self.assertEqual(line, b'Return-Path: <unknown>')
        return message

    PERL = r'''
use strict; use warnings; use Net::POP3; use Authen::SASL;
my ($way, $port, $method, $password, $ca, @pair) = @ARGV;
my %tls = (SSL_ca_file => $ca, @pair ? (SSL_cert_file => $pair[0], SSL_key_file => $pair[1]) : ());
my $pop = Net::POP3->new('localhost', Port => $port, Timeout => 10, $way eq 'tls' ? (SSL => 1, %tls) : ()) or die $@;
$way eq 'stls' and ($pop->starttls(%tls) or die 'STLS: ', $pop->message);
my $count = $method eq 'USER' ? $pop->login('ann', $password)
          : $method eq 'APOP' ? $pop->apop('ann', $password)
          : $pop->auth(Authen::SASL->new(mechanism => $method,
                                         callback => {user => 'ann', pass => $password, authname => ''}));
$count or die "$method: ", $pop->message;
binmode STDOUT;
print @{$pop->get(1)};
$pop->quit;
'''

    def perl(self, method, way):
        pair = (self.certificate, self.key) if method == 'EXTERNAL' else ()
        return self.run_well('perl', '-e', self.PERL, way, self.ports[way], method, PASSWORD, CERTIFICATE, *pair)

    def mutt(self, method, way):
        """`method` '': what it likes best."""
        url = f'{"pops" if way == "tls" else "pop"}://{HOST}:{self.ports[way]}/'
        both = self.home / 'both.pem'
        both.write_text(self.certificate.read_text() + self.key.read_text())
        yes = {False: 'no', True: 'yes'}
        self.on_terminal('mutt', '-n', '-F', self.configure(f'''
set ssl_ca_certificates_file="" certificate_file="{CERTIFICATE}" ssl_verify_host=yes
set ssl_starttls={yes[way == 'stls']} ssl_force_tls={yes[way != 'plain']}
set pop_authenticators="{method.lower()}" pop_user=ann pop_pass="{PASSWORD}" pop_delete=no
set folder="{self.home}" wait_key=no quit=yes sleep_time=0 pipe_decode=no
{f'set ssl_client_cert="{both}"' if method == 'EXTERNAL' else ''}
push "<pipe-message>cat > {self.home}/got<enter><quit>"
'''), '-f', url)
        return self.take()

    def on_terminal(self, *command):
        """Runs a program that wants to see one, to its end; returns what it showed."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        environment = {**os.environ, 'TERM': 'vt100', 'LC_ALL': 'C', 'HOME': str(self.home)}
        process = subprocess.Popen([str(word) for word in command], stdin=theirs, stdout=theirs, stderr=theirs,
                                   cwd=self.home, env=environment, start_new_session=True)
        os.close(theirs)
        shown, until = b'', time.monotonic() + 20
        try:
            while time.monotonic() < until:
                if select.select([ours], [], [], 0.5)[0]:
                    shown += os.read(ours, 4096)
        except OSError:  # the terminal has no other side any more
            pass
        if process.poll() is None and time.monotonic() >= until:
            process.kill()
        process.wait(5)
        return shown

    # ---- clients of our own ----

    def context(self, method):
        context = ssl.create_default_context(cafile=CERTIFICATE)
        if method == 'EXTERNAL':
            context.load_cert_chain(self.certificate, self.key)
        return context

    def python(self, method, way, early=False, token=None):
        """poplib; AUTH by hand, since it knows none."""
        context = self.context(method)
        if way == 'tls':
            client = poplib.POP3_SSL(HOST, self.ports[way], timeout=10, context=context)
        else:
            client = poplib.POP3(HOST, self.ports[way], timeout=10)
        self.addCleanup(client.close)
        if way == 'stls':
            client.stls(context)
        if method == 'USER':
            client.user('ann')
            client.pass_(PASSWORD)
        elif method == 'APOP':
            client.apop('ann', PASSWORD)
        else:
            self.authenticate(client, method, early, token)
        _, lines, _ = client.retr(1)
        client.quit()
        return b''.join(line + b'\r\n' for line in lines)

    def authenticate(self, client, method, early, token):
        encode = lambda text: base64.b64encode(text.encode()).decode()
        responses = {'PLAIN': [f'\0ann\0{PASSWORD}'], 'LOGIN': ['ann', PASSWORD], 'EXTERNAL': ['ann'],
                     'OAUTHBEARER': [f'n,a=ann,\1auth=Bearer {token}\1\1'],
                     'XOAUTH2': [f'user=ann\1auth=Bearer {token}\1\1']}.get(method, [])
        first, *rest = [*(encode(response) for response in responses), ''] if early else [None]
        said = client._shortcmd(f'AUTH {method} {first}' if early else f'AUTH {method}')  # pylint: disable=W0212
        responses = rest[:-1] if early else [encode(response) for response in responses]
        if method == 'CRAM-MD5':
            challenge = base64.b64decode(said.partition(b' ')[2], validate=True)
            responses = [encode(f'ann {hmac.new(PASSWORD.encode(), challenge, hashlib.md5).hexdigest()}')]
        for response in responses:
            self.assertTrue(said.startswith(b'+ '), said)
            said = client._shortcmd(response)  # pylint: disable=W0212
        self.assertOk(said)

    def engine_session(self, engine, method, way, context, early):
        """AUTH as `engine(connection)` wants it, for a client that is SASL and nothing else."""
        wire = self.greeted((PROXY, self.ports[way]), tls=context if way == 'tls' else None, name=HOST)
        if way == 'stls':
            self.assertOk(wire.ask(b'STLS'))
            wire.socket = context.wrap_socket(wire.socket, server_hostname=HOST)
        engine = engine(wire.socket)
        if early:
            said = wire.ask(b'AUTH ' + method.encode() + b' ' + engine.first)
        else:
            said = wire.ask(b'AUTH ' + method.encode())
            if engine.first:  # it wants no challenge, not even LOGIN's
                self.assertIn(said, (b'+ ', b'+ ' + base64.b64encode(b'Username:')))
                said = wire.ask(engine.first)
        while said.startswith(b'+ '):
            said = wire.ask(engine.step(said[2:]))
        if not said.startswith(b'+OK'):
            wire.close()
            return said
        if isinstance(engine, Gsasl) and 'SCRAM' in method:
            self.assertTrue(engine.finished())
        body = wire.ask_all(b'RETR 1')[1]
        self.assertOk(wire.ask(b'QUIT'))
        wire.close()
        return body

    def gsasl(self, method, way, early=False, most=ssl.TLSVersion.TLSv1_3):
        """`most`: TLS 1.2 has tls-unique, 1.3 has tls-exporter."""
        log = self.folder() / 'secrets'
        context = binding_context(CERTIFICATE, log, most)
        if method == 'EXTERNAL':
            context.load_cert_chain(self.certificate, self.key)

        def engine(connection):
            made = Gsasl(method, 'ann', PASSWORD, bindings(connection, log) if method in PLUSES else {})
            self.addCleanup(made.close)
            return made
        return self.engine_session(engine, method, way, context, early)

    def scram(self, method, way, early=False, kind=None, most=ssl.TLSVersion.TLSv1_3, spoil=0):
        """Our own client, with a binding of this kind; `spoil` changes it."""
        log = self.folder() / 'secrets'
        context = binding_context(CERTIFICATE, log, most)

        def engine(connection):
            if kind is None:
                return Scram(method, 'ann', PASSWORD)
            octets = bindings(connection, log)[kind]
            return Scram(method, 'ann', PASSWORD, (kind, bytes([octets[0] ^ spoil]) + octets[1:]))
        return self.engine_session(engine, method, way, context, early)


def has_perl(*modules):
    if not shutil.which('perl'):
        return False
    return subprocess.run(['perl', *(f'-M{module}' for module in modules), '-e', '1'], capture_output=True,
                          check=False).returncode == 0


class Mechanisms(Programs):
    @program('curl')
    def test_curl(self):
        """R174: curl, with --sasl-ir and without: PLAIN LOGIN CRAM-MD5 EXTERNAL APOP"""
        has_scram = b'gsasl' in self.run_well('curl', '--version')
        table = {
            **rows(ALL, 'PLAIN', 'LOGIN', 'CRAM-MD5', 'APOP'), 'EXTERNAL': TLS,
            **rows(ALL if has_scram else 'it is built without libgsasl, as Debian does', *SCRAMS),
            'USER': 'it does so only where the server has no SASL',
            **rows('it binds no channels', *PLUSES),
        }
        for early in (False, True):
            self.try_all(table, self.curl, early=early)

    @program('mpop')
    def test_mpop(self):
        """R174: mpop: USER PLAIN LOGIN CRAM-MD5 SCRAM EXTERNAL APOP"""
        self.try_all({
            **rows(ALL, 'USER', 'APOP', 'PLAIN', 'LOGIN', 'CRAM-MD5', *SCRAMS), 'EXTERNAL': TLS,
            **rows('it binds no channels before 1.4.20', *PLUSES),
        }, self.mpop)

    @program('fetchmail')
    def test_fetchmail(self):
        """R174: fetchmail, with a client certificate and without: USER CRAM-MD5 APOP"""
        self.try_all({
            **rows(ALL, 'USER', 'CRAM-MD5'), 'APOP': NOT_STLS,
            'APOP by STLS': 'protocol apop asks for no CAPA, and so for no STLS, whatever sslproto demands',
            'EXTERNAL': 'only with IMAP',
            **rows('unknown to it', 'PLAIN', 'LOGIN', *SCRAMS, *PLUSES),
        }, self.fetchmail)
        self.try_all({'USER': TLS, 'CRAM-MD5': TLS, 'APOP': TLS_PORT}, self.fetchmail, certificate=True)

    @program('getmail')
    def test_getmail(self):
        """getmail, with a client certificate and without: USER APOP"""
        self.try_all({
            **rows(NOT_STLS, 'USER', 'APOP'), 'STLS': 'unknown to it',
            **rows('unknown to it', 'PLAIN', 'LOGIN', 'CRAM-MD5', *SCRAMS, *PLUSES, 'EXTERNAL'),
        }, self.getmail)
        self.try_all({'USER': TLS_PORT}, self.getmail, certificate=True)

    @unittest.skipUnless(has_perl('Net::POP3', 'IO::Socket::SSL', 'Authen::SASL', 'Digest::HMAC_MD5'),
                         'Perl with IO::Socket::SSL, Authen::SASL and Digest::HMAC_MD5 is not installed')
    def test_perl(self):
        """R174: Perl's Net::POP3: USER APOP PLAIN LOGIN CRAM-MD5 EXTERNAL"""
        self.try_all({
            **rows(ALL, 'USER', 'APOP', 'PLAIN', 'LOGIN', 'CRAM-MD5'), 'EXTERNAL': TLS,
            **rows('Authen::SASL 2.16 has none', *SCRAMS, *PLUSES),
        }, self.perl)

    @program('mutt')
    def test_mutt(self):
        """R174: mutt, on a terminal: USER APOP PLAIN LOGIN CRAM-MD5 SCRAM EXTERNAL"""
        self.try_all({
            **rows(ALL, 'USER', 'APOP', 'PLAIN', 'LOGIN', 'CRAM-MD5', *SCRAMS), 'EXTERNAL': TLS,
            **rows('with GNU SASL it chooses this, but binds no channels, and fails: set pop_authenticators', *PLUSES),
        }, self.mutt)

    def test_python(self):
        """R174: Python's poplib, and AUTH by hand: USER APOP PLAIN LOGIN CRAM-MD5 EXTERNAL"""
        table = {**rows(ALL, 'PLAIN', 'LOGIN'), 'EXTERNAL': TLS}
        self.try_all({**table, **rows(ALL, 'USER', 'APOP', 'CRAM-MD5')}, self.python)
        self.try_all(table, self.python, early=True)

    @program('gsasl')
    def test_gsasl(self):
        """R251 R252 R256: gsasl: PLAIN LOGIN CRAM-MD5 SCRAM EXTERNAL, and -PLUS with tls-unique and tls-exporter"""
        mechanisms = {**rows(ALL, 'PLAIN', 'LOGIN', *SCRAMS), 'EXTERNAL': TLS}
        self.try_all({**mechanisms, 'CRAM-MD5': ALL}, self.gsasl)
        self.try_all(mechanisms, self.gsasl, early=True)
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for early in (False, True):
                self.try_all(rows(TLS, *PLUSES), self.gsasl, early=early, most=most)

    @program('gsasl')
    def test_keys_of_gsasl(self):
        """A line that gsasl --mkpasswd has made logs in: {SCRAM-SHA-1}, {SCRAM-SHA-256}"""
        for method in SCRAMS:
            field = self.run_well('gsasl', '--mkpasswd', '--mechanism', method, '--password', PASSWORD,
                                  '--iteration-count', '4096').decode().strip()
            self.server = self.serve('--hostname', HOST, users={'ann': PASSWORD}, lines=[f'ann:{field}'], tls=True)
            self.server.maildir.deliver(MESSAGE)
            self.ports = {'plain': self.server.plain[1], 'tls': self.server.tls[1]}
            self.try_all({method: NOT_STLS}, self.gsasl)
            self.try_all({'PLAIN': NOT_STLS}, self.python)

    KINDS = (('tls-unique', ssl.TLSVersion.TLSv1_2), ('tls-exporter', ssl.TLSVersion.TLSv1_3),
             ('tls-server-end-point', ssl.TLSVersion.TLSv1_2), ('tls-server-end-point', ssl.TLSVersion.TLSv1_3))

    def test_bindings(self):
        """R252: SCRAM with each channel binding, and without, by a client of our own"""
        for kind, most in self.KINDS:
            self.try_all(rows(TLS, *PLUSES), self.scram, early=True, kind=kind, most=most)
        self.try_all(rows(ALL, *SCRAMS), self.scram)

    def test_wrong_bindings(self):
        """R252: SCRAM: who binds another channel is refused, though the password is right"""
        tries = [{'kind': kind, 'most': most} for kind, most in self.KINDS]
        with concurrent.futures.ThreadPoolExecutor(len(PLUSES) * len(tries)) as pool:  # since the replies are delayed
            replies = [pool.submit(self.scram, method, way, spoil=1, **how)
                       for how in tries for method, way in zip(PLUSES, TLS)]
        for reply in replies:
            self.assertErr(reply.result(), b'AUTH')
        found = self.server.log().count(' why=wrong_binding\n')
        self.assertEqual(found, len(replies))


class Tokens(Programs):
    """Bearer tokens."""

    def setUp(self):
        if '--oauth-key' not in self.run_program(case.POP3D, '--help').stdout.decode() or \
                importlib.util.find_spec('tokens') is None:
            self.skipTest('this pop3d takes no tokens')
        from tokens import Issuer  # pylint: disable=import-outside-toplevel
        issuer = Issuer(self.folder())
        self.options = [str(word) for word in issuer.options]
        self.token = issuer.token(email='ann')
        super().setUp()

    @program('curl')
    def test_curl(self):
        """curl, with --sasl-ir and without: OAUTHBEARER, and XOAUTH2 where there is nothing else for a token"""
        for method in ('OAUTHBEARER', 'XOAUTH2'):
            if method == 'XOAUTH2':  # with --oauth2-bearer curl takes the former if it can, whatever it is told
                self.options += ['--mechanisms', 'PLAIN,XOAUTH2']
                super().setUp()
            for early in (False, True):
                self.try_all(rows(ALL, method), self.curl, early=early, token=self.token)

    @program('mpop')
    def test_mpop(self):
        """mpop: OAUTHBEARER XOAUTH2"""
        self.try_all(rows(ALL, 'OAUTHBEARER', 'XOAUTH2'), self.mpop, token=self.token)

    def test_python(self):
        """Python: OAUTHBEARER XOAUTH2"""
        for early in (False, True):
            self.try_all(rows(ALL, 'OAUTHBEARER', 'XOAUTH2'), self.python, early=early, token=self.token)


@program('haproxy')
class Proxied(Programs):
    """The same behind haproxy, which passes TLS through."""

    options = ('--proxy-from', PROXY, '--log-level', 'debug')
    VERSIONS = {'1': 'send-proxy', '2': 'send-proxy-v2'}

    def through_haproxy(self, table, fetch, **settings):
        for version, option in self.VERSIONS.items():
            plain, tls = (self.front(to, option)[1] for to in (self.server.plain, self.server.tls))
            self.ports = {'plain': plain, 'stls': plain, 'tls': tls}
            before = len(self.lines(self.server, 'debug proxy', 0))
            self.try_all(table, fetch, **settings)
            said = {line['version'] for line in self.lines(self.server, 'debug proxy', 0)[before:]}
            self.assertEqual(said, {version})

    @program('curl')
    def test_curl(self):
        """PROXY: curl through haproxy, with headers of both versions: PLAIN CRAM-MD5 EXTERNAL APOP"""
        self.through_haproxy({**rows(ALL, 'PLAIN', 'CRAM-MD5', 'APOP'), 'EXTERNAL': TLS}, self.curl, early=True)
        # The client's own address is the one in the log.
        own = self.run_well('curl', '--silent', '--output', self.home / 'got', '--write-out',
                            '%{local_ip}:%{local_port}', '--user', f'ann:{PASSWORD}',
                            f'pop3://{PROXY}:{self.ports["plain"]}/1').decode()
        count = len(self.server.session_lines(0))
        self.assertIn(own, [line['address'] for line in self.server.session_lines(count)][-2:])

    @program('mpop')
    def test_mpop(self):
        """PROXY: mpop through haproxy, with headers of both versions: USER SCRAM-SHA-256 EXTERNAL"""
        self.through_haproxy({**rows(ALL, 'USER', 'SCRAM-SHA-256'), 'EXTERNAL': TLS}, self.mpop)

    def test_python(self):
        """PROXY: Python through haproxy, with headers of both versions: USER APOP LOGIN, SCRAM-SHA-256-PLUS"""
        self.through_haproxy(rows(ALL, 'USER', 'APOP', 'LOGIN'), self.python)
        self.through_haproxy({'SCRAM-SHA-256-PLUS': TLS}, self.scram, kind='tls-exporter')
