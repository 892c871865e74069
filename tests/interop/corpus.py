# SPDX-License-Identifier: MIT
"""Messages that are hard to transport, always the same ones, and what is right to get for them."""
import os
import pathlib
import random
import re

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
HEADER = b'From: a@example.org\r\nSubject: test\r\n\r\n'


def wire_form(octets):
    """What a client must get: every line end CRLF, the last one supplied; nothing else changed."""
    octets = re.sub(rb'(?<!\r)\n', b'\r\n', octets)
    return octets if not octets or octets.endswith(b'\r\n') else octets + b'\r\n'


def top(octets, count):
    """What TOP must give: the header, the empty line, `count` lines of the body."""
    lines = wire_form(octets).split(b'\n')[:-1]
    header = lines.index(b'\r') + 1 if b'\r' in lines else len(lines)
    return b''.join(line + b'\n' for line in lines[:header + count])


def fixed():
    lf = HEADER.replace(b'\r\n', b'\n')
    yield 'crlf', HEADER + b'one\r\ntwo\r\n'
    yield 'lf', lf + b'one\ntwo\n'
    yield 'mixed line ends', lf + b'one\r\ntwo\nthree\r\n\n\r\n\n'
    yield 'no final line end', HEADER + b'one\r\ntwo'
    yield 'no final line end, lf', lf + b'one\ntwo'
    yield 'empty', b''
    yield 'header only', HEADER
    yield 'header only, lf', lf
    yield 'header without the empty line', b'Subject: nothing follows\r\n'
    yield 'header without any line end', b'Subject: nothing follows'
    yield 'no header', b'\r\nbody\r\n'
    yield 'one lf', b'\n'
    yield 'one crlf', b'\r\n'
    yield 'one cr', b'\r'
    # The first octet is the first of a line. Mail that ends its own transfer is the oldest trick there is.
    yield 'a dot', b'.'
    yield 'a dot and crlf', b'.\r\n'
    yield 'a dot and lf', b'.\n'
    yield 'two dots', b'..'
    yield 'begins with a false end', b'.\r\n+OK fake\r\n1 fake\r\n.\r\n' + HEADER
    yield 'begins with a false end, lf', b'.\n+OK fake\n1 fake\n.\n' + lf
    yield 'begins with a dot', b'.Subject: dot\r\n\r\n.\r\n'
    yield 'dots', HEADER + b'.\r\n..\r\n...\r\n.a\r\n..a\r\na.\r\n. \r\n .\r\n.\r\n'
    yield 'dots, lf', lf + b'.\n..\n...\n.a\n..a\na.\n. \n .\n.\n'
    yield 'ends with a dot', HEADER + b'.'
    yield 'ends with a dot, lf', lf + b'a\n.'
    yield 'ends with a dot and cr', HEADER + b'.\r'
    yield 'many lines of a dot', HEADER + b'.\r\n' * 20_000
    yield 'many lines of a dot, lf', lf + b'.\n' * 20_000
    yield 'one line of dots', HEADER + b'.' * 100_000
    yield 'a cr ends no line', HEADER + b'a\r.\rb\r\r.\r\n\r.\r\n'
    yield 'cr cr lf', HEADER + b'a\r\r\n\r\r\n.\r\r\n'
    yield 'lf cr', lf + b'a\n\rb\n\r.\n\r'
    yield 'ends with cr', HEADER + b'a\r'
    yield 'only cr', b'\r' * 500
    yield 'only lf', b'\n' * 500
    yield 'long line', HEADER + b'x' * 100_000 + b'\r\n'
    yield 'long line, nothing behind', HEADER + b'y' * 100_000
    yield 'lines of many lengths', HEADER + b''.join(b'z' * n + b'\r\n' for n in (76, 510, 512, 998, 2048, 4096, 9000))
    yield 'long header line', b'X-Long: ' + b'h' * 9000 + b'\r\n\r\nbody\r\n'
    yield 'latin-1', HEADER + bytes(range(0xA0, 0x100)) + b'\r\n'
    yield 'utf-8', 'Subject: gr\u00fc\u00dfe\n\n\u65e5\u672c\u8a9e\n'.encode()
    yield 'not utf-8', HEADER + b'\xff\xfe\xc0\x80\xed\xa0\x80\r\n'
    yield 'nul', HEADER + b'a\0b\r\n\0\r\n\0.\r\n.\0\r\n'
    yield 'nul in front', b'\0' + HEADER
    yield 'all octets', HEADER + bytes(range(256)) * 4


def at_borders():
    """Line ends and dots that fall on the ends of blocks of usual sizes, and beside them."""
    for size in (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072):
        for name, pattern, before in (('crlf and dot', b'\r\n.x', 2), ('lf and dot', b'\n.\n', 1)):
            octets = bytearray(b'a' * (2 * size))
            for shift in (-2, -1, 0, 1):
                start = size + 40 * shift - before + shift
                octets[start:start + len(pattern)] = pattern
            start = size - before
            octets[start:start + len(pattern)] = pattern
            yield f'{name} at {size}', bytes(octets)


def at_random(seed=1939):
    chance = random.Random(seed)
    for number in range(30):
        length = chance.randrange(1, 600)
        yield f'random {number}', bytes(chance.choices(b'.\r\n\0a\xff', (4, 3, 4, 1, 2, 1), k=length))


def large(size=5_000_000, seed=5):
    """Lines of all lengths and ends."""
    chance = random.Random(seed)
    noise = chance.randbytes(4096).translate(bytes(range(256)), b'\r\n')
    parts, total = [HEADER], len(HEADER)
    while total < size:
        start = chance.randrange(3000)
        line = chance.choice((b'', b'.', b'..')) + noise[start:start + chance.randrange(120)]
        parts += [line, chance.choice((b'\r\n', b'\n', b'\n', b'\r\n'))]
        total += len(line) + 2
    return b''.join(parts)


def messages():
    """(name, octets) of all of them, but `large`, which comes last."""
    return [*fixed(), *at_borders(), *at_random(), ('large', large())]


def real_mail():
    """(name, octets) of real messages, which lie beside the repository and not in it; none where they do not."""
    folder = pathlib.Path(os.environ.get('MAILWIRE_MAIL') or REPOSITORY.parent / 'shared' / 'mail')
    return [(path.name, path.read_bytes()) for path in sorted(folder.glob('*.eml'))]
