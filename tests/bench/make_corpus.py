#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes Maildirs for benchmarks; the same arguments give the same octets.

  big<i>    few, large messages: log-normal sizes from 2 KB to 5 MB, 20 MB a mailbox, LF line ends
  crlf<i>   the same messages with CRLF line ends and no line that begins with a dot: nothing is to be changed
  u<i>      12 messages of about 6 KB
  t<i>      one message of 2 KB, for sessions that are held
  many<n>   n messages of 200 octets
  one<size> one message of so many KB

Plain text, quoted-printable HTML, 8-bit UTF-8, base64 attachments, texts with lines that begin with dots or are
nothing but dots, overlong lines. No line begins with "From ", so that the mbox form (--mbox) is the same message.
File names tell the size (",S=") and the size on the wire (",W="), as deliverers have them do.
"""
import argparse
import base64
import math
import pathlib
import random

KB = 1024
EPOCH = 1_700_000_000
WORDS = ('the of and to in is that for it as was with be by on not he his but at are this have from or had an they which '
         'one you were her all their there would when who will more if no out so said what up its about into than them '
         'can only other new some could time these two may then do first any my now such like our over man me even most '
         'invoice meeting project deadline attached regards schedule server release patch review').split()
UTF8_WORDS = ('größe übermäßig façade naïve señor mañana Ελληνικά привет мир 東京 こんにちは zażółć gęślą jaźń '
              'Ångström œuvre 한국어 العربية עברית').split()
DOTTY = (b'.', b'..', b'...', b'.hidden', b'. a dot and a space', b'.\t', b'....................', b'.TH MAN 1', b'.PP',
         b'./configure --prefix=/usr')


def sentence(rng, words, count):
    return ' '.join(rng.choices(words, k=count)).capitalize() + '.'


def safe(line):
    return b'x' + line[1:] if line.startswith(b'From ') else line


def prose(rng, octets, words=WORDS):
    lines, used = [], 0
    while used < octets:
        line = '' if rng.random() < 0.12 else sentence(rng, words, rng.randint(4, 12))
        if line and rng.random() < 0.25:
            line = '> ' + line
        lines.append(safe(line.encode()))
        used += len(lines[-1]) + 2
    return lines


def dotty(rng, octets):
    lines, used = [], 0
    while used < octets:
        lines.append(rng.choice(DOTTY) if rng.random() < 0.35 else safe(sentence(rng, WORDS, rng.randint(3, 10)).encode()))
        used += len(lines[-1]) + 2
    return lines


def overlong(rng, octets):
    lines, used = [], 0
    while used < octets:
        size = rng.choice((998, 998, 400, 5000, 120))
        lines.append(safe((sentence(rng, WORDS, size // 4).encode() * 2)[:size]))
        used += size + 2
    return lines


def html(rng, octets):
    lines, used = [b'<html><body style=3D"font: 12px sans-serif">'], 46
    while used < octets:
        line = f'<p class=3D"c{rng.randint(0, 9)}">{sentence(rng, WORDS, rng.randint(5, 9))}</p>=20'.encode()
        used += len(line)
        while len(line) > 75:
            lines.append(line[:75] + b'=')
            line = safe(line[75:])
            if line.startswith(b'.'):
                line = b'=2E' + line[1:]
        lines.append(line)
    return lines + [b'</body></html>']


def attachment(rng, octets):
    encoded = base64.b64encode(rng.randbytes(max(57, octets * 57 // 78)))
    return [encoded[i:i + 76] for i in range(0, len(encoded), 76)]


def header(rng, number, user, more):
    token = base64.b64encode(rng.randbytes(51)).decode()
    return [line.encode() for line in (
        f'Return-Path: <sender{rng.randint(1, 999)}@example.org>',
        f'Received: from mail{rng.randint(1, 9)}.example.net ([192.0.2.{rng.randint(1, 254)}])',
        f'\tby mx.example.com with ESMTPS id {rng.getrandbits(48):012x}',
        f'\tfor <{user}@example.com>; Tue, 14 Nov 2023 22:13:20 +0000',
        'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=k1;',
        f'\tbh={base64.b64encode(rng.randbytes(32)).decode()};',
        f'\tb={token}',
        f'\t {token}',
        f'Date: Tue, 14 Nov 2023 22:{rng.randint(0, 59):02}:{rng.randint(0, 59):02} +0000',
        f'From: Sender Number {rng.randint(1, 999)} <sender@example.org>',
        f'To: {user} <{user}@example.com>',
        f'Subject: {sentence(rng, WORDS, rng.randint(2, 7))}',
        f'Message-ID: <{user}.{number}.{rng.getrandbits(48):012x}@example.org>',
        'MIME-Version: 1.0', *more)] + [b'']


def part(boundary, kind, encoding, lines):
    return [b'--' + boundary, b'Content-Type: ' + kind, b'Content-Transfer-Encoding: ' + encoding, b'', *lines]


def message(rng, number, user, octets, with_dots=True):
    """The lines of a message of about so many octets."""
    kinds = {'text': 34, 'html': 22, 'utf8': 12, 'dots': 12 if with_dots else 0, 'long': 6, 'attachment': 14}
    kind = 'attachment' if octets > 48 * KB else rng.choices(list(kinds), list(kinds.values()))[0]
    room = max(200, octets - 900)
    if kind in ('html', 'attachment'):
        boundary = f'=_{rng.getrandbits(96):024x}'
        text = min(room // 4, 8 * KB)
        lines = prose(rng, text)
        if kind == 'html':
            second = (b'text/html; charset=us-ascii', b'quoted-printable', html(rng, room - text - 300))
        else:
            second = (b'application/octet-stream', b'base64', attachment(rng, room - text - 420))
        mark = boundary.encode()
        body = (part(mark, b'text/plain; charset=us-ascii', b'7bit', lines) + part(mark, *second) + [b'--' + mark + b'--'])
        return header(rng, number, user, [f'Content-Type: multipart/mixed; boundary="{boundary}"']) + body
    body = {'text': lambda: prose(rng, room), 'utf8': lambda: prose(rng, room, WORDS + UTF8_WORDS * 4),
            'dots': lambda: dotty(rng, room), 'long': lambda: overlong(rng, room)}[kind]()
    charset = 'utf-8' if kind == 'utf8' else 'us-ascii'
    return header(rng, number, user, [f'Content-Type: text/plain; charset={charset}']) + body


def sizes(rng, count, total, median, sigma, most):
    """Log-normal sizes that add up to about `total`."""
    raw = [median * math.exp(sigma * rng.gauss(0, 1)) for _ in range(count)]
    factor = 1.0
    for _ in range(30):
        factor *= total / sum(min(most, max(2 * KB, size * factor)) for size in raw)
    return [int(min(most, max(2 * KB, size * factor))) for size in raw]


class Writer:
    def __init__(self, out, mbox):
        self.out, self.mbox = out, mbox
        if mbox:
            mbox.mkdir(parents=True, exist_ok=True)

    def mailbox(self, user, messages, line_end=b'\n', mbox=False):
        folder = self.out / user / 'cur'
        for name in ('cur', 'new', 'tmp'):
            (self.out / user / name).mkdir(parents=True, exist_ok=True)
        copy = open(self.mbox / user, 'wb') if mbox and self.mbox else None
        for number, lines in enumerate(messages):
            data = line_end.join(lines) + line_end
            wire = sum(map(len, lines)) + 2 * len(lines)
            name = f'{EPOCH + number}.M{number:06}P1Q{number}.corpus,S={len(data)},W={wire}:2,S'
            (folder / name).write_bytes(data)
            if copy:
                copy.write(b'From sender@example.org Tue Nov 14 22:13:20 2023\n' + b'\n'.join(lines) + b'\n\n')
        if copy:
            copy.close()


def made(user, wanted, with_dots=True):
    for number, size in enumerate(wanted):
        yield message(random.Random(f'{user}/{number}'), number, user, size, with_dots)


def without_dots(messages):
    for lines in messages:
        yield [b'x' + line[1:] if line.startswith(b'.') else line for line in lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=pathlib.Path, help='folder to fill')
    parser.add_argument('--big', type=int, default=4)
    parser.add_argument('--big-octets', type=int, default=20_000_000)
    parser.add_argument('--small', type=int, default=512)
    parser.add_argument('--tiny', type=int, default=0)
    parser.add_argument('--many', type=int, nargs='*', default=[], metavar='N')
    parser.add_argument('--one', type=int, nargs='*', default=[], metavar='KB')
    parser.add_argument('--mbox', type=pathlib.Path, help='also write u<i> and big<i> as mbox files into this folder')
    wanted = parser.parse_args()
    writer = Writer(wanted.out, wanted.mbox)
    for i in range(wanted.big):
        few = sizes(random.Random(f'big{i}'), 200, wanted.big_octets, 20 * KB, 1.8, 5 * KB * KB)
        writer.mailbox(f'big{i}', made(f'big{i}', few), mbox=True)
        writer.mailbox(f'crlf{i}', without_dots(made(f'crlf{i}', few, False)), b'\r\n')
    for i in range(wanted.small):
        some = sizes(random.Random(f'u{i}'), 12, 12 * 6 * KB, 4 * KB, 0.8, 5 * KB * KB)
        writer.mailbox(f'u{i}', made(f'u{i}', some), mbox=True)
    for i in range(wanted.tiny):
        writer.mailbox(f't{i}', made(f't{i}', [2 * KB]))
    for count in wanted.many:
        short = [b'Subject: one of many', b'', b'x' * 70, b'y' * 70]
        writer.mailbox(f'many{count}', ([b'Message-ID: <%d@example.org>' % n] + short for n in range(count)))
    for size in wanted.one:
        rng = random.Random(f'one{size}')
        block = attachment(rng, min(size, 64) * KB)
        lines = [b'Subject: large', b''] + block * max(1, size // 64)
        writer.mailbox(f'one{size}', [lines])


if __name__ == '__main__':
    main()
