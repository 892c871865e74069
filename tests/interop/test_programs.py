# SPDX-License-Identifier: MIT
"""Mail programs that people use: fetchmail, mpop, getmail."""
import re
import subprocess

import corpus
from case import Case, program
from server import CERTIFICATE, Maildir

FETCHMAIL_LINE = 8190  # octets of a header line that it keeps in one piece


class Programs(Case):
    def setUp(self):
        self.server = self.serve(tls=True)
        self.home = self.folder()
        self.inbox = Maildir(self.home / 'inbox')

    def deliver_real(self):
        messages = corpus.real_mail()
        if not messages:
            self.skipTest('no folder of real messages: MAILWIRE_MAIL names one')
        for _, octets in messages:
            self.server.maildir.deliver(octets)
        return messages

    def deliver_few(self):
        messages = [(str(n), b'Subject: %d\r\n\r\n.\r\n..\r\nbody %d\r\n' % (n, n)) for n in range(1, 8)]
        for _, octets in messages:
            self.server.maildir.deliver(octets)
        return messages

    def configure(self, text):
        path = self.home / 'configuration'
        path.write_text(text)
        path.chmod(0o600)
        return path

    def run_here(self, *command, status=0, **settings):
        home = {'HOME': str(self.home), 'FETCHMAILHOME': str(self.home)}
        done = self.run_program(*command, cwd=self.home, env=home, **settings)
        self.assertEqual(done.returncode, status, done.stdout[-500:] + done.stderr[-500:])
        return done

    def fetched(self):
        """In the order of fetching."""
        files = sorted((self.inbox.path / 'new').iterdir(), key=lambda path: [*map(int, re.findall(r'\d+', path.name))])
        return [path.read_bytes() for path in files]

    def to_inbox(self):
        """A shell command that delivers: programs change less for it than for a mailbox of their own."""
        return f'cat > {self.inbox.path}/new/$(ls {self.inbox.path}/new | wc -l)'

    def session(self):
        """What the log tells of the only session."""
        lines = self.server.session_lines()
        self.assertEqual([line['reason'] for line in lines], ['quit'])
        return lines[0]

    # ---- fetchmail ----

    def fetchmail(self, options='', protocol='pop3', tls=False, status=0):
        port = (self.server.tls if tls else self.server.plain)[1]  # by name: it finds no addresses in certificates
        security = f'ssl sslcertck sslcertfile {CERTIFICATE}' if tls else 'sslproto ""'
        return self.run_here('fetchmail', '--nodetach', '--nosyslog', '--pidfile', self.home / 'pid', '--fetchmailrc',
                             self.configure(f'''
set invisible
set no bouncemail
poll localhost service {port} protocol {protocol} no dns auth password bad-header accept:
  user ann password {self.server.users['ann']} is ann here {security} {options}
  no rewrite no mimedecode no stripcr no forcecr no dropstatus no dropdelivered pass8bits
  mda "{self.to_inbox()}"
'''), status=status)

    @program('fetchmail')
    def test_fetchmail(self):
        """R38 R74: fetchmail gets real mail unchanged, but for what it does to all mail"""
        messages = self.deliver_real()
        self.fetchmail('keep fetchall')
        fetched = self.fetched()
        self.assertEqual(len(fetched), len(messages))
        for (name, octets), got in zip(messages, fetched):
            expected = corpus.wire_form(octets)
            if expected.startswith(b'From '):  # the mark of an mbox file is no header for it
                expected = expected.partition(b'\n')[2]
            if not expected:  # it makes a header
                self.assertRegex(got, rb'\AFrom: FETCHMAIL-DAEMON\r\n')
                continue
            if max(map(len, expected.split(b'\n'))) > FETCHMAIL_LINE:  # it breaks them, with NUL and chance
                got = re.sub(rb'\0.\r\n', b'', got, flags=re.DOTALL)
            self.assertSame(got, expected, name)
        self.assertEqual(len(self.server.maildir.files()), len(messages))

    @program('fetchmail')
    def test_fetchmail_removes(self):
        """R46 F-QUIT: fetchmail, with TLS and the certificate checked, gets mail and removes it"""
        messages = self.deliver_few()
        self.fetchmail('fetchall', tls=True)
        self.assertEqual(self.fetched(), [octets for _, octets in messages])
        self.assertEqual(self.server.maildir.files(), {})
        self.assertEqual((self.session()['tls'], self.session()['deleted']), ('yes', '7'))

    @program('fetchmail')
    def test_fetchmail_keeps(self):
        """R59: fetchmail keeps mail on the server and knows by UIDL what it has"""
        self.deliver_few()
        self.fetchmail('keep', 'pop3 uidl')
        self.fetchmail('keep', 'pop3 uidl', status=1)  # no new mail
        late = self.server.maildir.deliver(b'Subject: late\r\n\r\n')
        self.server.maildir.see(late, flags='')
        self.fetchmail('keep', 'pop3 uidl')
        self.assertEqual((len(self.fetched()), self.fetched()[-1]), (8, b'Subject: late\r\n\r\n'))

    # ---- mpop ----

    def mpop(self, options, tls=False):
        host, port = self.server.tls if tls else self.server.plain
        security = f'tls on\ntls_starttls off\ntls_trust_file {CERTIFICATE}' if tls else 'tls off'
        self.run_here('mpop', '--quiet', '--file', self.configure(f'''
account default
host {host}
port {port}
{security}
auth user
user ann
password {self.server.users['ann']}
delivery maildir {self.inbox.path}
uidls_file {self.home}/uidls
received_header off
{options}
'''))

    def assertFetchedByMpop(self, messages):
        """It delivers with LF."""
        self.assertEqual(len(self.fetched()), len(messages))
        for (name, octets), got in zip(messages, self.fetched()):
            self.assertSame(got, corpus.wire_form(octets).replace(b'\r\n', b'\n'), name)

    @program('mpop')
    def test_mpop(self):
        """R38 R74 R114: mpop, which pipelines, gets real mail unchanged"""
        messages = self.deliver_real()
        self.mpop('keep on')
        self.assertFetchedByMpop(messages)
        self.assertEqual(len(self.server.maildir.files()), len(messages))

    @program('mpop')
    def test_mpop_removes(self):
        """R46 F-QUIT: mpop, with TLS and the certificate checked, gets mail and removes it"""
        messages = self.deliver_few()
        self.mpop('keep off', tls=True)
        self.assertFetchedByMpop(messages)
        self.assertEqual(self.server.maildir.files(), {})
        self.assertEqual((self.session()['tls'], self.session()['deleted']), ('yes', '7'))

    @program('mpop')
    def test_mpop_keeps(self):
        """R59: mpop keeps mail on the server and knows by UIDL what it has"""
        messages = self.deliver_few()
        self.mpop('keep on')
        self.server.maildir.see(next((self.server.maildir.path / 'new').iterdir()))
        self.mpop('keep on')
        self.assertFetchedByMpop(messages)

    # ---- getmail ----

    def getmail(self, options=''):
        host, port = self.server.plain
        configuration = self.configure(f'''
[retriever]
type = SimplePOP3Retriever
server = {host}
port = {port}
username = ann
password = {self.server.users['ann']}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "{self.to_inbox()}")
allow_root_commands = true
[options]
received = false
delivered_to = false
read_all = false
{options}
''')
        try:
            self.run_here('getmail', '--getmaildir', self.home, '--quiet', '--rcfile', configuration, timeout=25)
        except subprocess.TimeoutExpired:  # on a busy machine it can miss the end of the program that delivers
            self.skipTest('getmail waits for itself')

    @program('getmail')
    def test_getmail(self):
        """R38 R59: getmail gets every real message once"""
        messages = self.deliver_real()
        self.getmail()
        self.getmail()
        self.assertEqual(len(self.fetched()), len(messages))
        # It writes headers anew, and repairs MIME; so only what it has no reason to touch is compared.
        text = [(name, corpus.wire_form(octets).replace(b'\r\n', b'\n'), got)
                for (name, octets), got in zip(messages, self.fetched())]
        same = sum(octets.partition(b'\n\n')[2] == got.partition(b'\n\n')[2] for _, octets, got in text)
        self.assertGreater(same, len(messages) // 2)

    @program('getmail')
    def test_getmail_removes(self):
        """R46 F-QUIT: getmail removes what it got"""
        self.deliver_few()
        self.getmail('delete = true')
        self.assertEqual(len(self.fetched()), 7)
        self.assertEqual(self.server.maildir.files(), {})
