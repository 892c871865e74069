#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tells what a POP3 server - any - makes of the RFCs: one line for each rule that can be seen from outside.

  conformance.py --host localhost --port 110 --user ann --password secret
  conformance.py --port 110 --stls --user ann --password secret --maildir /var/mail/ann
  conformance.py --exec '/usr/sbin/pop3d --inetd' --user ann --password secret

What DELE and QUIT do, and whether each octet of a message is right, can only be told where messages can be put back:
--maildir and --mbox name a maildrop of the server's that this program fills by itself (what was in it is LOST), or
--refill is a command that puts messages back. Without one of them no message is marked; but --mark lets DELE be tried
where RSET, or the end of the connection, has to undo it.

FAIL: a rule that is a MUST, or a plain sentence of RFC 1939, is broken. WARN: one that is a SHOULD, or where the RFC
leaves room. n/a: the server does not have what the rule is about. skip: not to be found out this way. Exit status: 1 if
anything has failed, 2 if there was nothing to check.
"""
import argparse
import json
import os
import sys

sys.dont_write_bytecode = True  # nothing is left behind

import mail
from harness import CHECKS, RULES, Checker
from wire import Wrong
import checks_basic  # noqa: F401  they register themselves, and this is the order of the lines
import checks_login  # noqa: F401
import checks_maildrop  # noqa: F401
import checks_capabilities  # noqa: F401
import checks_tls  # noqa: F401
import checks_sasl  # noqa: F401
import checks_utf8  # noqa: F401
import checks_said  # noqa: F401


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--port', type=int, help='110, or 995 with --tls')
    parser.add_argument('--exec', metavar='COMMAND', help='a server on standard input and output, instead of a port')
    parser.add_argument('--user')
    parser.add_argument('--password', help='or in the environment as POP3_PASSWORD, where no other user sees it')
    parser.add_argument('--tls', action='store_true', help='TLS from the start')
    parser.add_argument('--stls', action='store_true', help='STLS before every login')
    parser.add_argument('--maildir', metavar='FOLDER', help='the maildrop, to be filled: ALL THAT IS IN IT IS LOST')
    parser.add_argument('--mbox', metavar='FILE', help='the same')
    parser.add_argument('--refill', metavar='COMMAND', help='puts the messages back after they were deleted')
    parser.add_argument('--mark', action='store_true', help='try DELE, with RSET and without QUIT, in any case')
    parser.add_argument('--maildrop', metavar='FOLDER', help='a file for each message that there is (after --refill)')
    parser.add_argument('--timeout', type=float, default=15, help='seconds that a reply may take; default: 15')
    parser.add_argument('--slow', action='store_true', help='check also what takes ten minutes')
    parser.add_argument('--only', metavar='IDS', help='these rules alone: R34,R35')
    parser.add_argument('--json', action='store_true', help='one object of JSON instead of lines')
    parser.add_argument('--list', action='store_true', help='the rules that are known, and no more')
    settings = parser.parse_args()
    settings.port = settings.port or (995 if settings.tls else 110)
    settings.password = settings.password if settings.password is not None else os.environ.get('POP3_PASSWORD')
    if not settings.list and (settings.user is None or settings.password is None):
        parser.error('--user and --password are needed')
    if settings.tls and settings.stls:
        parser.error('--tls or --stls, not both')
    if sum(way is not None for way in (settings.maildir, settings.mbox, settings.refill)) > 1:
        parser.error('only one of --maildir, --mbox and --refill')
    settings.only = set(settings.only.split(',')) if settings.only else set()
    if unknown := settings.only - set(RULES):
        parser.error(f'unknown: {", ".join(sorted(unknown))}')
    return settings


def store_of(settings):
    if settings.maildir:
        return mail.Maildir(settings.maildir)
    if settings.mbox:
        return mail.Mbox(settings.mbox)
    return mail.Command(settings.refill, settings.maildrop)


def summary(results):
    counts = {status: 0 for status in ('pass', 'FAIL', 'WARN', 'n/a', 'skip')}
    for status, _ in results.values():
        counts[status] += 1
    return counts


def print_line(rule, status, texts):
    reason = f' ({texts[0]})' if status in ('n/a', 'skip') else ''
    print(f'{rule.id:<5} {status:<4}{reason}  {rule.title} [{rule.section}]')
    for text in texts if not reason else []:
        print(f'      {text}')
    sys.stdout.flush()


def main():
    settings = arguments()
    if settings.list:
        for rule in (RULES[name] for names in CHECKS.values() for name in names):
            print(f'{rule.id:<5} {rule.level:<6} {rule.section:<16} {rule.title}')
        return 0
    checker = Checker(settings, store_of(settings))
    try:
        if checker.store.can_fill:
            checker.fill()
        said = checker.learn()
    except (Wrong, OSError) as error:
        print(f'conformance.py: nothing to check: {error}', file=sys.stderr)
        return 2
    if checker.how is None:
        print(f'conformance.py: no login works; the last reply was {said!r}', file=sys.stderr)
    checker.run_all(settings.only, (lambda *_: None) if settings.json else print_line)
    counts = summary(checker.results)
    if settings.json:
        print(json.dumps({
            'summary': counts,
            'rules': {name: {'status': status, 'texts': texts, 'level': RULES[name].level,
                             'section': RULES[name].section, 'title': RULES[name].title}
                      for name, (status, texts) in checker.results.items()}}, indent=1))
    else:
        print(', '.join(f'{count} {status}' for status, count in counts.items()))
    return 1 if counts['FAIL'] else 0


if __name__ == '__main__':
    sys.exit(main())
