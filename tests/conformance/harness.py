# SPDX-License-Identifier: MIT
"""What checks are made of: rules with their ids, how a session is had, and what was said in all sessions together."""
import base64
import dataclasses
import hashlib
import re
import ssl
import time

import mail
from wire import Client, Ended, Pipe, Silence, Tcp, Wrong, is_err, is_ok, shown

MUST, SHOULD, MAY = 'MUST', 'SHOULD', 'MAY'
TIME_FOR_A_CHECK = 90  # seconds


@dataclasses.dataclass
class Rule:
    id: str
    level: str
    section: str
    title: str


RULES = {}   # by their ids
CHECKS = {}  # each with the ids of its rules, in the order in which they are run and printed


def rule(name, level, section, title):
    """A check of this rule; a check may be of several rules."""
    def register(check):
        assert name not in RULES, name
        RULES[name] = Rule(name, level, section if section.startswith('draft') else f'RFC {section}', title)
        CHECKS.setdefault(check, []).insert(0, name)  # Python begins with the decorator below
        return check
    return register


class NotApplicable(Exception):
    """The server does not have what the rule is about, which it need not have."""


class Skip(Exception):
    """Cannot be found out this way."""


CODE = re.compile(rb'\[([\x21-\x2e\x30-\x5c\x5e-\x7e]+(?:/[\x21-\x2e\x30-\x5c\x5e-\x7e]+)*)\](?: |\Z)')
CODES = {b'LOGIN-DELAY', b'IN-USE', b'SYS/TEMP', b'SYS/PERM', b'AUTH', b'UTF8'}
LOGIN_VERBS = {b'AUTH', b'PASS', b'APOP', b'USER'}


def code_of(said):
    """The response code of a reply, in upper case, or None."""
    found = CODE.match(said.partition(b' ')[2])
    return found[1].upper() if found else None


class Witness:
    """Hears all that the server says, and notes what no server may say whatever it was asked."""

    def __init__(self):
        self.complaints = {}  # id -> {(said, expected): None}
        self.heard = {}       # id -> how often something was heard that the rule is about
        self.stamps = []

    def expect(self, name, right, said, expected):
        self.heard[name] = self.heard.get(name, 0) + 1
        if not right:
            self.complaints.setdefault(name, {})[shown(said), expected] = None

    def reply(self, client, command, line):
        verb = b'AUTH' if client.exchange else command[:5].strip().upper().partition(b' ')[0]
        text = line.rstrip(b'\r\n')
        self.expect('R9', line.endswith(b'\r\n'), line[-60:], 'a line that ends with CRLF')
        self.expect('R7', len(line) <= 512, line, 'at most 512 octets')
        if client.exchange and text[:1] == b'+' and text[:3] != b'+OK':
            return
        self.expect('R8', is_ok(text) or is_err(text), text, '"+OK" or "-ERR", in upper case, with a space behind it')
        self.expect('X1', not re.search(rb'[\0-\x1f\x7f]', text), text, 'no NUL, no control octet')
        if not client.utf8:
            self.expect('R207', not re.search(rb'[\x80-\xff]', text), text, 'ASCII before UTF8 or LANG')
        self.codes(verb, text)

    def codes(self, verb, text):
        rest = text.partition(b' ')[2]
        if not rest.startswith(b'['):
            return
        code = code_of(text)
        self.expect('R92', code is not None, text, 'a response code: levels with "/" in between, then "]" and a space')
        if code is None:
            return
        self.expect('R107', code in CODES or code.startswith(b'X-'), text, 'a code that is registered')
        level = code.partition(b'/')[0]
        if level == b'SYS':
            self.expect('R163', code[4:8] in (b'TEMP', b'PERM'), text, '[SYS/TEMP] or [SYS/PERM]')
        if level in (b'SYS', b'AUTH', b'IN-USE', b'LOGIN-DELAY'):
            self.expect('R128', is_err(text), text, 'this code on an -ERR only')
        if level == b'LOGIN-DELAY':
            self.expect('R132', verb in LOGIN_VERBS, text, 'this code in a login only')
        if level == b'IN-USE':
            self.expect('R134', verb in LOGIN_VERBS - {b'USER'}, text, 'this code in a login only')
        if level == b'AUTH':
            self.expect('R173', verb in LOGIN_VERBS, text, 'this code in a login only')
            self.expect('R172', verb != b'USER', text, 'no [AUTH] to USER: it would tell which names there are')

    def greeting(self, text):
        stamps = re.findall(rb'<[^>]*>', text)
        self.expect('R93', len(stamps) <= 1 and (not stamps or b'@' in stamps[0]), text, 'one <...> at most, of APOP')
        if stamps:
            self.stamps.append(stamps[0])

    def listed(self, line):
        self.expect('R9', line.endswith(b'\r\n'), line[-60:], 'a line that ends with CRLF')
        self.expect('R96', len(line) <= 512, line, 'at most 512 octets')

    def body_line(self, line):
        self.expect('R10', line == b'.\r\n', line, 'a dot and CRLF at the end of a reply of many lines')


def status_of(name):
    """What it is called that this rule is broken."""
    return 'FAIL' if RULES[name].level == MUST else 'WARN'


class Checker:
    """Runs checks against one server; what it is told of the server is in `settings` (the arguments of the program)."""

    def __init__(self, settings, store):
        self.settings, self.store, self.witness = settings, store, Witness()
        self.clients, self.results = [], {}
        self.how = None      # how one logs in here, once that is known
        self.capable = {}    # state -> {tag: [parameters]}; None without CAPA
        self.variant = 1
        self.open_end = True  # whether a message is there whose last line has no end
        self.until = 0
        self.context = ssl.create_default_context()
        self.context.check_hostname = False  # it is the server's POP3 that is looked at, not who it is
        self.context.verify_mode = ssl.CERT_NONE
        self.context.options &= ~getattr(ssl, 'OP_IGNORE_UNEXPECTED_EOF', 0)  # or a lost alert would not be seen (R235)

    # ---- connections ----

    def carrier(self):
        if self.settings.exec:
            return Pipe(self.settings.exec)
        return Tcp((self.settings.host, self.settings.port), self.settings.timeout)

    def connect(self, tls=None):
        """A connection of which nothing was read."""
        try:
            client = Client(self.carrier(), self.witness, self.settings.timeout, self.until)
        except OSError as error:
            raise Wrong(f'no connection: {error}', 'a connection') from None
        self.clients.append(client)
        if self.settings.tls if tls is None else tls:
            self.start_tls(client)
        return client

    def start_tls(self, client, context=None):
        try:
            client.start_tls(context or self.context, self.settings.host or 'localhost')
        except (OSError, ssl.SSLError) as error:
            raise Wrong(f'no TLS: {error}', 'a handshake') from None

    def clear(self):
        """Greeted, and TLS not begun by STLS."""
        client = self.connect()
        client.greeting = client.reply()
        self.witness.greeting(client.greeting)
        if not is_ok(client.greeting):
            raise Wrong(client.greeting, 'a greeting')
        return client

    def stls(self, client, context=None):
        client.ok('STLS')
        self.start_tls(client, context)
        return client

    def greeted(self):
        """In AUTHORIZATION, where one may log in."""
        client = self.clear()
        return self.stls(client) if self.settings.stls else client

    @property
    def user(self):
        return self.settings.user.encode()

    @property
    def password(self):
        return self.settings.password.encode()

    def plain(self, user=None, password=None, authzid=b''):
        user = self.user if user is None else user
        password = self.password if password is None else password
        return base64.b64encode(b'\0'.join([authzid, user, password]))

    def log_in(self, client, password=None, how=None):
        """The last reply."""
        password = self.password if password is None else password
        how = how or self.how
        if how == 'USER':
            said = client.ask(b'USER ' + self.user)
            return client.ask(b'PASS ' + password) if is_ok(said) else said
        if how == 'APOP':
            stamp = re.search(rb'<[^>]*>', client.greeting)[0]
            return client.ask(b'APOP ' + self.user + b' ' + hashlib.md5(stamp + password).hexdigest().encode())
        return client.ask(b'AUTH PLAIN ' + self.plain(password=password))

    def entered(self):
        """In TRANSACTION. Servers may need a moment to see that the session before is over."""
        if self.how is None:
            raise Skip('no login works')
        patience = time.monotonic() + self.settings.timeout
        while True:
            client = self.greeted()
            said = self.log_in(client)
            if is_ok(said):
                return client
            client.drop()
            if time.monotonic() > patience:
                raise Wrong(said, '+OK to a login that has worked before')
            time.sleep(0.3)

    def after_end(self):
        """The next session, when all others have ended."""
        self.leave()
        return self.entered()

    def leave(self):
        for client in self.clients:
            client.drop()
        self.clients = []

    # ---- what the server can ----

    def capabilities(self, client):
        said = client.ask('CAPA')
        if not is_ok(said):
            return None
        lines = client.body_lines()
        for line in lines:
            self.witness.listed(line)
        self.capa_lines = [line.rstrip(b'\r\n') for line in lines]
        tags = {}
        for line in self.capa_lines:
            tag, *parameters = line.decode('latin-1').split(' ')
            tags[tag.upper()] = parameters
        return tags

    def learn(self):
        """What is there to check: how to log in, and the capabilities. Returns the last reply to a login."""
        said = self.try_logins()
        if self.how is None and self.store.can_choose:  # is it the maildrop?
            self.refused_maildrop, self.open_end = said, False
            self.fill()
            said = self.try_logins()
        return said

    def try_logins(self):
        self.until = time.monotonic() + TIME_FOR_A_CHECK
        first = self.greeted()
        has_stamp = b'<' in first.greeting
        self.capable['authorization'] = self.capabilities(first)
        self.leave()
        first_said = None
        for how in ('USER', 'PLAIN', 'APOP'):
            if how == 'PLAIN' and 'PLAIN' not in self.tags().get('SASL', []) or how == 'APOP' and not has_stamp:
                continue
            client = self.greeted()
            said = self.log_in(client, how=how)
            if is_ok(said):
                self.how = how
                self.capable['transaction'] = self.capabilities(client)
                break
            first_said = first_said or said
            self.leave()
        self.leave()
        return first_said

    def tags(self, state='authorization'):
        return self.capable.get(state) or {}

    def needs_capa(self):
        if self.capable['authorization'] is None:
            raise NotApplicable('no CAPA')

    def needs(self, tag, *parameters):
        if tag not in self.tags() or any(parameter not in self.tags()[tag] for parameter in parameters):
            raise NotApplicable(f'no {" ".join([tag, *parameters])}')

    def needs_fill(self):
        if not self.store.can_fill:
            raise Skip('needs --maildir, --mbox or --refill')

    def may_log_in_by(self, how):
        if self.how != how:
            raise NotApplicable(f'login is by {self.how}')

    # ---- the maildrop ----

    def fill(self, contents=None):
        self.leave()
        if contents is not None and not self.store.can_choose:
            raise Skip('needs --maildir or --mbox')
        self.store.fill(mail.messages(self.variant, self.open_end) if contents is None else contents)

    def may_mark(self):
        if not (self.store.can_fill or self.settings.mark):
            raise Skip('needs --maildir, --mbox, --refill or --mark')
        self.refill = self.store.can_fill

    def deleting(self, least=3):
        """A session in which messages are removed; the maildrop is filled anew after the check."""
        self.needs_fill()
        return self.marking(least)

    def marking(self, least=3):
        """A session in which DELE is tried, and no QUIT. Returns (client, count)."""
        self.may_mark()
        client = self.entered()
        count = stat(client)[0]
        if count < least:
            raise Skip(f'needs {least} messages, there are {count}')
        return client, count

    def some_message(self):
        client = self.entered()
        count = stat(client)[0]
        if not count:
            raise Skip('the maildrop is empty')
        return client, count

    # ---- judgements ----

    def wrong(self, said, expected, names=None):
        """Goes on: more may be wrong."""
        for name in names or self.names:
            self.found[name].append((status_of(name), f'said {shown(said)}; expected {expected}'))

    def warn(self, said, expected, names=None):
        """Where the RFC leaves room, or what many do."""
        for name in names or self.names:
            self.found[name].append(('WARN', f'said {shown(said)}; expected {expected}'))

    def instead(self, name, status, reason):
        """For one rule of several: "n/a" or "skip", unless something was wrong."""
        self.others[name] = (status, [reason])

    def remark(self, text):
        for name in self.names:
            self.remarks.setdefault(name, []).append(text)

    def refused(self, commands, again, names=None, judge=None):
        """Each command gets -ERR, or the end of the connection, and no second line. `again` makes a session."""
        client = again()
        for command in commands:
            shown_command = shown(command if isinstance(command, bytes) else command.encode())
            try:
                if not client.open:
                    self.leave()
                    client = again()
                said = client.ask(command)
                if not is_err(said):
                    (judge or self.wrong)(said, f'-ERR to {shown_command}', names)
                    self.leave()  # whatever it has done
                    client = again()
                elif surplus := client.silent(0.02):
                    if is_err(surplus.rstrip(b'\r\n')) and client.rest(1) is not None:
                        self.remark(f'behind {shown_command} it says {shown(surplus)} and closes')
                    else:
                        self.wrong(surplus, f'one reply to {shown_command}', names)
                    self.leave()
                    client = again()
            except Ended:
                client.open = False
            except Silence:
                self.wrong('nothing', f'a reply to {shown_command}', names)
                self.leave()
                client = again()

    def said_in_all(self, counts=True):
        """For rules that the witness looks after."""
        for name in self.names:
            for said, expected in list(self.witness.complaints.get(name, {}))[:3]:
                (self.wrong if counts else self.warn)(said, expected, [name])
        if not any(self.witness.heard.get(name) for name in self.names):
            raise NotApplicable('never heard')

    def run(self, check, names):
        """Runs a check, for all its rules."""
        self.names, self.found, self.remarks, self.others = names, {name: [] for name in names}, {}, {}
        self.until = time.monotonic() + TIME_FOR_A_CHECK + getattr(check, 'extra_time', 0)
        self.refill = False
        try:
            check(self)
        except NotApplicable as reason:
            self.others = {name: ('n/a', [str(reason)]) for name in names} | self.others
        except Skip as reason:
            self.others = {name: ('skip', [str(reason)]) for name in names} | self.others
        except Wrong as wrong:
            for name in names:
                self.found[name].append((status_of(name), str(wrong)))
        except (OSError, ValueError, IndexError, TypeError, KeyError) as error:  # an answer that makes no sense
            for name in names:
                self.found[name].append(('FAIL', f'{type(error).__name__}: {error}'))
        self.leave()
        if self.refill:
            self.fill()
        for name in names:
            found = self.found[name]
            if found:
                worst = 'FAIL' if any(status == 'FAIL' for status, _ in found) else 'WARN'
                self.results[name] = (worst, [text for _, text in found])
            else:
                self.results[name] = self.others.get(name) or ('pass', self.remarks.get(name, []))

    def run_all(self, wanted, report):
        for check, names in CHECKS.items():
            if not wanted or wanted.intersection(names):
                self.run(check, names)
                for name in names:
                    report(RULES[name], *self.results[name])


# ---- what many checks need ------------------------------------------------------------------------------------------

NUMBER = rb'(0|[1-9][0-9]*)'


def stat(client):
    """(count, octets)."""
    said = client.ask('STAT')
    found = re.match(rb'\+OK ' + NUMBER + b' ' + NUMBER + rb'(?: |\Z)', said)
    if not found:
        raise Wrong(said, '"+OK", the number of messages, their octets')
    return int(found[1]), int(found[2])


def scan(client, verb='LIST'):
    """number -> size, or unique-id."""
    found = {}
    for line in client.listing(verb):
        number, _, rest = line.partition(b' ')
        if not re.fullmatch(NUMBER, number) or not rest:
            raise Wrong(line, f'a number, a space and more in {verb}')
        if int(number) in found:
            raise Wrong(line, f'each number once in {verb}')
        found[int(number)] = int(rest.partition(b' ')[0]) if verb == 'LIST' else rest
    return found


def quit_and_close(client):
    """The reply to QUIT; the server closes."""
    said = client.ask('QUIT')
    rest = client.rest()
    if rest is None:
        raise Wrong('the connection stays open', 'the end of the connection after QUIT')
    if rest:
        raise Wrong(rest, 'nothing behind the reply to QUIT')
    return said
