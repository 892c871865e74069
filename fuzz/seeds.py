# SPDX-License-Identifier: MIT
"""Makes the seeds of the fuzz targets, most of them from the dialogues: seeds.py [--check].

Seeds are committed under corpus/<target>/ with names that begin with "seed-"; inputs with other names were found by a
fuzzer and are left alone. --check writes nothing and fails when a seed is missing, stale or changed.
"""
import base64
import hashlib
import hmac
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
DIALOGUES = HERE.parent / 'tests' / 'dialogues'
ESCAPES = {'r': b'\r', 'n': b'\n', 't': b'\t', '0': b'\0', '\\': b'\\', '"': b'"'}
# Bodies for the dot-stuffer: what it must double, repair or leave.
BODIES = [b'', b'.', b'..', b'.\r\n', b'a', b'a\r\n', b'a\n.b\n', b'a\r\n.\r\nb', b'\r', b'\n', b'\r\r\n', b'a\r.b', b'\n.',
          b'a\r\n..\r\n', b'Subject: x\r\n\r\n.dot\r\nno end', b'\0\x80\xff\r\n', b'\r\n.\r\n', b'x' * 1000 + b'\r\n.y']
# Messages of SASL clients: BASE64, PLAIN, CRAM-MD5, OAUTHBEARER, XOAUTH2, ANONYMOUS, names of mechanisms.
SASL = [b'', b'Zm9vYg==', b'Zm9vYmE=', b'Zm9vYmFy', b'Zm9vYh==', b'=AAA', b'AAA=BBB', b'AA A=', b'AAAA=', b'A',
        b'\0tim\0tanstaaftanstaaf', b'Ursel\0Kurt\0xipj3plmq', b'\0a\0', b'tim b913a602c7eda7a495b4e6e7334d3890',
        b'n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRh==\1\1',
        b'n,,\1auth=bearer  t\1\1', b'y,a=a=2Cb=3D,\1auth=Bearer t\1x=y\1\1', b'user=a@b\1auth=Bearer ya29.vF9dft4qm\1\1',
        'sirhc \u00fc\u20ac\U0001f600'.encode(), b'\xed\xa0\x80', b'SCRAM-SHA-256-PLUS']
# First messages of SCRAM: (header, the rest).
SCRAM = [(b'n,,', b'n=user,r=fyko+d2lbbFgONRv9qkxdawL'), (b'y,a=boss,', b'n=a=2Cb=3D,r=x,x=1'),
         (b'p=tls-exporter,,', b'n=user,r=x'), (b'p=tls-unique,a=a=3D,', 'n=\u00fc,r=x'.encode())]


def octets(text):
    def replace(match):
        word = match[1]
        return bytes([int(word[1:], 16)]) if word[0] == 'x' else ESCAPES[word]
    parts = re.split(r'(\\(?:x[0-9A-Fa-f]{2}|.))', text)
    return b''.join(replace(re.match(r'\\(.*)', part)) if part.startswith('\\') else part.encode('utf-8')
                    for part in parts)


def digest(data):
    return hashlib.sha256(data).hexdigest()[:12]


def client(path):
    """What the client of a dialogue sends, line by line."""
    for line in path.read_text(encoding='utf-8').splitlines():
        if line == 'C:' or line.startswith('C: '):
            yield octets(line[3:]) + b'\r\n'
        elif line.startswith('C- '):
            yield octets(line[3:])


def bodies(path):
    """The messages of a dialogue."""
    for line in path.read_text(encoding='utf-8').splitlines():
        if match := re.match(r'message: \S+ "(.*)"$', line):
            yield octets(match[1])


def scram(header, bare, hash_name):
    """Both messages of a right client, for the salt, nonce and binding of fuzz_sasl.cpp, and its decisions."""
    plus, password = header.startswith(b'p'), b'pencil'
    begin = bare.index(b',r=') + 3
    nonce = bare[begin:].split(b',')[0] + b'3rfcNHYJY1ZVvWVs7j'
    binding = base64.b64encode(header + (b'binding data' if plus else b''))
    without_proof = b'c=' + binding + b',r=' + nonce + b',x=1'
    challenge = b'r=' + nonce + b',s=' + base64.b64encode(b'some salt') + b',i=1'

    def mac(key, message):
        return hmac.digest(key, message, hash_name)
    client_key = mac(hashlib.pbkdf2_hmac(hash_name, password, b'some salt', 1), b'Client Key')
    signature = mac(hashlib.new(hash_name, client_key).digest(), b','.join([bare, challenge, without_proof]))
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature)))
    # hash, plus, and, where that is not decided, whether plus is offered; where to change the message, and how
    decisions = bytes([hash_name == 'sha1', plus] + ([] if plus else [0]) + [7, 0])
    return header + bare + b'\n' + without_proof + b',p=' + proof + b'\xff' + decisions + password


def seeds():
    """{(target, name): octets}"""
    made = {}

    def add(target, name, data):
        made[target, f'seed-{name}'] = data

    for path in sorted(DIALOGUES.glob('*.txt')):
        lines = list(client(path))
        if lines:
            add('fuzz_session', path.stem, b''.join(lines))
            add('fuzz_cuts', path.stem, b''.join(lines))
        for line in lines:
            if len(line) <= 600:
                add('fuzz_command', digest(line), line)
        for body in bodies(path):
            add('fuzz_dots', digest(body), body)
    for body in BODIES:
        add('fuzz_dots', digest(body), body)
    for message in SASL + [scram(*first, name) for first in SCRAM for name in ('sha1', 'sha256')]:
        add('fuzz_sasl', digest(message), message)
    return made


def main():
    wanted = {HERE / 'corpus' / target / name: data for (target, name), data in seeds().items()}
    present = set((HERE / 'corpus').glob('*/seed-*'))
    stale = sorted(present - set(wanted))
    changed = sorted(path for path, data in wanted.items() if path not in present or path.read_bytes() != data)
    if sys.argv[1:] == ['--check']:
        for path in stale + changed:
            print(f'not up to date: {path.relative_to(HERE)}')
        print(f'{len(wanted)} seeds')
        if stale or changed:
            print('run python3 fuzz/seeds.py')
        return 1 if stale or changed else 0
    for path in stale:
        path.unlink()
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[path])
    print(f'{len(wanted)} seeds: {len(changed)} written, {len(stale)} removed')
    return 0


if __name__ == '__main__':
    sys.exit(main())
