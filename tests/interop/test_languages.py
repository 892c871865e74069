# SPDX-License-Identifier: MIT
"""LANG over the wire (RFC 6856, 3), and the list that Outlook asks for."""
import re
import ssl

from case import Case, program
from server import CERTIFICATE


class Languages(Case):
    def setUp(self):
        self.server = self.serve('--apop', '--hostname', 'localhost', tls=True)
        self.server.maildir.deliver(b'Subject: x\r\n\r\n')

    def test_list(self):
        """R228: LANG lists the languages, each with its tag and its own name, in UTF-8"""
        wire = self.greeted(self.server.plain)
        capabilities = wire.ask_all(b'CAPA')[1].split(b'\r\n')
        self.assertIn(b'LANG', capabilities)
        first, body = wire.ask_all(b'LANG')
        self.assertOk(first)
        listed = dict(line.split(' ', 1) for line in body.decode('utf-8').splitlines())
        self.assertEqual(listed['de'].lower(), 'deutsch')
        self.assertIn('en', listed)
        self.assertTrue(any(ord(c) > 127 for c in ''.join(listed.values())))

    def test_every_language(self):
        """R224 R225 R230: each language that is listed can be chosen; texts are UTF-8, codes and numbers stay"""
        wire = self.greeted(self.server.plain)
        tags = [line.split(b' ')[0] for line in wire.ask_all(b'LANG')[1].splitlines()]
        self.assertGreater(len(tags), 2)
        texts = {}
        for tag in tags:
            with self.subTest(tag):
                wire = self.greeted(self.server.plain)
                self.assertRegex(wire.ask(b'LANG ' + tag), rb'\A\+OK ' + tag + rb' ')
                texts[tag] = wire.ask(b'FOO').decode('utf-8')
                self.assertOk(wire.login('ann', 'sesame'))
                self.assertEqual(wire.ask(b'STAT'), b'+OK 1 14')
                other = self.greeted(self.server.plain)
                self.assertOk(other.ask(b'LANG ' + tag))
                reply = other.login('ann', 'sesame')
                self.assertErr(reply, b'IN-USE')
                self.assertGreater(len(reply.decode('utf-8')), len('-ERR [IN-USE] '))
                self.assertOk(wire.ask(b'QUIT'))
                for one in (wire, other):
                    one.close()
        self.assertEqual(len(set(texts.values())), len(tags), texts)

    def test_german(self):
        """R223 R225 R226 R227: LANG de: texts in German, UTF-8; LANG * the default; an unknown one changes nothing"""
        wire = self.greeted(self.server.plain)
        english = wire.ask(b'FOO')
        self.assertEqual(wire.ask(b'LANG de'), b'+OK de Sprache gewechselt')
        self.assertEqual(wire.ask(b'FOO'), b'-ERR unbekannter Befehl')
        self.assertErr(wire.ask(b'LANG tlh'))
        self.assertEqual(wire.ask(b'FOO'), b'-ERR unbekannter Befehl')
        self.assertOk(wire.login('ann', 'sesame'))
        self.assertEqual(wire.ask(b'DELE 1').decode('utf-8'), '+OK zum Löschen vorgemerkt')
        self.assertOk(wire.ask(b'RSET'))
        self.assertRegex(wire.ask(b'LANG *'), rb'\A\+OK \S+ ')
        self.assertEqual(wire.ask(b'FOO'), english)
        self.assertOk(wire.ask(b'QUIT'))

    @program('curl')
    def test_curl(self):
        """R224 R228: curl asks for the list of languages, and for one"""
        def ask(*options):
            done = self.run_program('curl', '--silent', '--show-error', '--verbose', '--user', 'ann:sesame', *options,
                                    'pop3://127.0.0.1:%d/' % self.server.plain[1], timeout=10)
            self.assertEqual(done.returncode, 0, done.stderr[-500:])
            return done
        listed = ask('--request', 'LANG').stdout.decode('utf-8')
        self.assertRegex(listed, r'(?m)^de ')
        self.assertTrue(any(ord(c) > 127 for c in listed))
        # --head: of one line
        replies = re.findall(r'^< (.*?)\r?$', ask('--head', '--request', 'LANG de').stderr.decode('utf-8'), re.M)
        self.assertIn('+OK de Sprache gewechselt', replies)

    def test_outlook(self):
        """R174: AUTH alone, as Outlook says it, lists what CAPA lists, by TLS too, and leaves the session usable"""
        trusting = ssl.create_default_context(cafile=CERTIFICATE)
        for settings in ({'address': self.server.plain}, {'address': self.server.tls, 'tls': trusting}):
            self.list_and_log_in(self.greeted(**settings), 'tls' in settings)

    def list_and_log_in(self, wire, bound):
        offered = re.search(rb'^SASL (.*)\r$', wire.ask_all(b'CAPA')[1], re.MULTILINE)[1].split()
        first, body = wire.ask_all(b'AUTH')
        self.assertOk(first)
        self.assertEqual(body.split(), offered)
        self.assertEqual(b'SCRAM-SHA-256-PLUS' in offered, bound)
        self.assertOk(wire.login('ann', 'sesame'))
        self.assertOk(wire.ask(b'QUIT'))
        wire.close()
