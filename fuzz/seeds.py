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
# Long enough to be looked through in blocks, with the dot in each place of them.
BODIES += [b'x' * before + b'\r\n.y' + b'z' * 70 for before in range(60, 126, 7)]
# Messages of SASL clients: BASE64, PLAIN, CRAM-MD5, OAUTHBEARER, XOAUTH2, ANONYMOUS, names of mechanisms.
SASL = [b'', b'Zm9vYg==', b'Zm9vYmE=', b'Zm9vYmFy', b'Zm9vYh==', b'=AAA', b'AAA=BBB', b'AA A=', b'AAAA=', b'A',
        b'\0tim\0tanstaaftanstaaf', b'Ursel\0Kurt\0xipj3plmq', b'\0a\0', b'tim b913a602c7eda7a495b4e6e7334d3890',
        b'n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRh==\1\1',
        b'n,,\1auth=bearer  t\1\1', b'y,a=a=2Cb=3D,\1auth=Bearer t\1x=y\1\1', b'user=a@b\1auth=Bearer ya29.vF9dft4qm\1\1',
        'sirhc \u00fc\u20ac\U0001f600'.encode(), b'\xed\xa0\x80', b'SCRAM-SHA-256-PLUS']
# First messages of SCRAM: (header, the rest).
SCRAM = [(b'n,,', b'n=user,r=fyko+d2lbbFgONRv9qkxdawL'), (b'y,a=boss,', b'n=a=2Cb=3D,r=x,x=1'),
         (b'p=tls-exporter,,', b'n=user,r=x'), (b'p=tls-unique,a=a=3D,', 'n=\u00fc,r=x'.encode())]


def tlv(kind, value):
    return bytes([kind]) + len(value).to_bytes(2, 'big') + value


def proxy_block(command, family, block):
    return b'\r\n\r\n\0\r\nQUIT\n' + bytes([command, family]) + len(block).to_bytes(2, 'big') + block


# PROXY headers, some with octets behind them, and addresses alone.
TCP4 = bytes.fromhex('c0000201 c6336407 c350 006e')
TCP6 = bytes.fromhex('20010db8000000000000000000000001 00000000000000000000ffffc0000201 ffff 03e3')
TLS = tlv(0x20, b'\x07\0\0\0\0' + tlv(0x21, b'TLSv1.3') + tlv(0x22, b'ann') + tlv(0x23, b'TLS_AES_128_GCM_SHA256'))
NAMES = tlv(1, b'pop3') + tlv(2, b'mail.example.org') + tlv(4, b'') + tlv(0xE0, b'own')
SUM = tlv(3, bytes.fromhex('68c2f5ff')) + tlv(5, b'id')
PROXY_LINES = [b'TCP4 192.0.2.1 198.51.100.7 50000 110\r\nUSER ann\r\n', b'TCP6 2001:db8::1 ::ffff:1.2.3.4 1 995\r\n',
               b'TCP4 01.2.3.4 5.6.7.8 1 2\r\n', b'TCP4 1.2.3.4 5.6.7.8 1 65536\r\n', b'TCP6 1:2::3::4 :: 0 0\r\n',
               b'UNKNOWN\r\n', b'UNKNOWN ' + b'x' * 91 + b'\r\n']
PROXY_BLOCKS = [(0x20, 0, b''), (0x21, 0, b'?'), (0x21, 0x11, TCP4), (0x21, 0x11, TCP4 + NAMES + TLS),
                (0x21, 0x11, TCP4 + SUM), (0x21, 0x11, TCP4 + b'\x04\0\x09'), (0x21, 0x11, TCP4 + tlv(4, b'x' * 505)),
                (0x21, 0x22, TCP6 + TLS), (0x21, 0x31, b'/run/a'.ljust(108, b'\0') + b'b' * 108)]
PROXY = [b'PROXY ' + line for line in PROXY_LINES] + [proxy_block(*block) for block in PROXY_BLOCKS]
PROXY += [b'\x16\x03\x01\x02\0\x01', proxy_block(0x21, 0x11, TCP4) + b'CAPA\r\n', b'2001:DB8:0:0:1::1', b'192.0.2.1',
          b'::ffff:192.0.2.1', b'1::', b'1:2:3:4:5:6:7:8', b'::1.2.3.256', b'1:2:3:4:5:6:1.2.3.4', b'1:2:3:4:5:6:7::8', b'192.0.2.77/26', b'10.0.0.0/0',
          b'2001:db8::77/121', b'::/128', b'192.0.2.1/33']

# Mechanisms of fuzz/play.hpp: a client that knows the answers logs in by each, in the clear and under TLS.
MECHANISMS = ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS',
              'OAUTHBEARER', 'XOAUTH2', 'EXTERNAL', 'ANONYMOUS', 'X-OWN', 'X-FIRST']


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
    """What the client of a dialogue sends, line by line; 0xFC to 0xFE as in fuzz/play.hpp."""
    for line in path.read_text(encoding='utf-8').splitlines():
        if line == 'C:' or line.startswith('C: '):
            yield octets(line[3:]) + b'\r\n'
        elif line.startswith('C- '):
            yield octets(line[3:])
        elif line.startswith('C* '):
            yield b'x' * int(line[3:]) + b'\r\n'
        elif line.startswith('tls:'):
            yield b'\xfe'
        elif match := re.match(r'C= (AUTH SCRAM-\S+)', line):
            yield match[1].encode() + b'\r\n'
            yield b'\xfd'
        elif re.match(r'C= (first|final|verify|cram)\b', line):
            yield b'\xfc' if 'wrong' in line else b'\xfd'
        elif line.startswith('C= '):
            parts = re.split(r'\{(.*?)\}', line[3:])
            yield b''.join(base64.b64encode(octets(part)) if i % 2 else octets(part)
                           for i, part in enumerate(parts)) + b'\r\n'


# What a line of a dialogue says of its session, and the bits of scene() in fuzz/play.hpp that come next to it: limits,
# protocols, maildrop, policy. What is not here is played as every other scene.
FACTS = [(r'failed_login_delay=[1-9]', 0, 1), (r'\b(answer|apop)=', 0, 2), (r'body_lines=verbatim', 0, 4),
         (r'output_high=', 0, 8), (r'input_buffer=', 0, 16), (r'command_line=', 0, 32), (r'endless_line=', 0, 64),
         (r'bad_commands=0', 0, 128),
         (r'offer_stls=yes', 1, 1), (r'login_needs_tls=yes', 1, 2), (r'encrypted=yes', 1, 4), (r'identity=', 1, 16),
         (r'utf8=yes', 1, 64), (r'utf8=user', 1, 128),
         (r'^message: .* needs_utf8', 2, 2), (r'equal_uids=refuse', 2, 12), (r'equal_uids=rename', 2, 20),
         (r'expire=\d', 2, 32), (r'(read_only|login_delay)=', 2, 64), (r'^account: .*language=|expire=never', 2, 128),
         (r'tolerate=', 3, 1), (r'trace=yes', 3, 2), (r'command=', 3, 12), (r'^language:', 3, 16),
         (r'capability|hide=', 3, 32), (r'\b(top|uidl)=no', 3, 64)]


def decisions(path):
    """The scene of a dialogue."""
    scene = [0, 0, 0, 0]
    for line in path.read_text(encoding='utf-8').splitlines():
        if re.match(r'(config|connection|account|language|message):', line):
            for fact, place, bits in FACTS:
                if re.search(fact, line):
                    scene[place] |= bits
    return bytes(scene)


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
            said, scene = b''.join(lines), decisions(path)
            if any(scene) or b'\xff' in said:
                said += b'\xff' + scene
            add('fuzz_session', path.stem, said)
            add('fuzz_cuts', path.stem, said)
        for line in lines:
            if len(line) <= 600 and line not in (b'\xfc', b'\xfd', b'\xfe'):
                add('fuzz_command', digest(line), line)
        for body in bodies(path):
            add('fuzz_dots', digest(body), body)
    for body in BODIES:
        add('fuzz_dots', digest(body), body)
    for mechanism in MECHANISMS:
        login = f'AUTH {mechanism}\r\n'.encode() + b'\xfd\xfd\xfdSTAT\r\nLIST 1\r\nQUIT\r\n'
        for target in ('fuzz_session', 'fuzz_cuts'):
            add(target, f'auth-{mechanism.lower()}', login + b'\xff\0\0\0\2')
            add(target, f'auth-{mechanism.lower()}-guess', login.replace(b'\xfd', b'\xfc') + b'\xff\0\0\0\2')
            add(target, f'auth-{mechanism.lower()}-tls', b'STLS\r\n\xfe' + login + b'\xff\0\x11\0\2')
    for message in SASL + [scram(*first, name) for first in SCRAM for name in ('sha1', 'sha256')]:
        add('fuzz_sasl', digest(message), message)
    for header in PROXY:
        add('fuzz_proxy', digest(header), header)
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
