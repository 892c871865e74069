# SPDX-License-Identifier: MIT
"""The client's side of SASL: GNU SASL's program as an engine, our own SCRAM, and channel bindings of Python's TLS."""
import base64
import hashlib
import hmac
import os
import re
import select
import ssl
import struct
import subprocess


class Gsasl:
    """`gsasl --client`, which speaks no POP3: challenges go in as lines of base64, responses come out as such.

    `bindings`: type -> octets. It asks for tls-exporter first, and for tls-unique where there is none.
    """

    PROMPT = re.compile(rb'Enter base64 encoded \S+ channel binding: ')

    def __init__(self, mechanism, user, password, bindings=None):
        command = ['gsasl', '--client', '--quiet', '--mechanism', mechanism, '--authentication-id', user, '--password',
                   password]
        plus = mechanism.endswith('-PLUS')
        command += [] if plus else ['--no-cb']
        command += ['--authorization-id', user] if mechanism == 'EXTERNAL' else []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, bufsize=0)
        if plus:
            exporter, unique = (bindings.get(kind, b'') for kind in ('tls-exporter', 'tls-unique'))
            self.tell(base64.b64encode(exporter))
            if not exporter:
                self.tell(base64.b64encode(unique))
        self.said()  # the mechanism's name
        self.first = self.said()

    def tell(self, line):
        self.process.stdin.write(line + b'\n')

    def said(self):
        line = b''
        while not line.endswith(b'\n'):
            if not select.select([self.process.stdout], [], [], 10)[0]:
                raise TimeoutError(f'gsasl asks for more: {line!r}')
            octets = self.process.stdout.read(1)
            if not octets:
                raise EOFError(f'gsasl has ended behind {line!r}')
            line += octets
        return self.PROMPT.sub(b'', line).rstrip(b'\n')

    def step(self, challenge):
        self.tell(challenge)
        return self.said()

    def finished(self):
        """Whether it is content with the server, too; which it tells when it is given one line more."""
        self.tell(b'')
        self.process.communicate(timeout=10)
        return self.process.returncode == 0

    def close(self):
        self.process.kill()
        self.process.communicate()


class Scram:
    """RFC 5802, with or without channel binding: `binding` is (type, octets)."""

    def __init__(self, mechanism, user, password, binding=None):
        self.hash = 'sha256' if '-256' in mechanism else 'sha1'
        self.password, self.server_signature = password.encode(), None
        kind, octets = binding or (None, b'')
        header = f'p={kind},,'.encode() if kind else b'n,,'
        self.binding = base64.b64encode(header + octets)
        self.nonce = base64.b64encode(os.urandom(18))
        self.bare = b'n=' + user.encode() + b',r=' + self.nonce
        self.first = base64.b64encode(header + self.bare)

    def mac(self, key, text):
        return hmac.digest(key, text, self.hash)

    def step(self, challenge):
        octets = base64.b64decode(challenge, validate=True)
        fields = dict(field.split(b'=', 1) for field in octets.split(b','))
        return self.proof(octets, fields) if self.server_signature is None else self.check(fields)

    def proof(self, octets, fields):
        if not fields[b'r'].startswith(self.nonce) or fields[b'r'] == self.nonce:
            raise ValueError('not an answer to our nonce')
        salt, count = base64.b64decode(fields[b's'], validate=True), int(fields[b'i'])
        salted = hashlib.pbkdf2_hmac(self.hash, self.password, salt, count)
        without_proof = b'c=' + self.binding + b',r=' + fields[b'r']
        text = b','.join([self.bare, octets, without_proof])
        key = self.mac(salted, b'Client Key')
        signature = self.mac(hashlib.new(self.hash, key).digest(), text)
        self.server_signature = self.mac(self.mac(salted, b'Server Key'), text)
        proof = bytes(one ^ other for one, other in zip(key, signature))
        return base64.b64encode(without_proof + b',p=' + base64.b64encode(proof))

    def check(self, fields):
        if base64.b64decode(fields[b'v'], validate=True) != self.server_signature:
            raise ValueError('the server does not know the password')
        return b''


# ---- channel bindings -----------------------------------------------------------------------------------------------

def exporter(connection, key_log):
    """tls-exporter (RFC 9266) of TLS 1.3. Python does not tell it, but writes a secret that it follows from."""
    found = re.findall(r'^EXPORTER_SECRET \S+ (\S+)$', key_log.read_text(), re.MULTILINE)
    name = 'sha384' if connection.cipher()[0].endswith('SHA384') else 'sha256'
    empty = hashlib.new(name).digest()

    def expand(secret, label, size):  # RFC 8446, 7.1; one block of HKDF is enough for all there is here
        label = b'tls13 ' + label
        info = struct.pack('!HB', size, len(label)) + label + struct.pack('!B', len(empty)) + empty
        return hmac.digest(secret, info + b'\1', name)[:size]
    return expand(expand(bytes.fromhex(found[-1]), b'EXPORTER-Channel-Binding', len(empty)), b'exporter', 32)


def server_end_point(connection):
    """tls-server-end-point (RFC 5929, 4) of a certificate that is signed with SHA-256."""
    return hashlib.sha256(connection.getpeercert(binary_form=True)).digest()


def bindings(connection, key_log):
    """All that there are: type -> octets. `key_log`: what the context writes its secrets to."""
    found = {'tls-server-end-point': server_end_point(connection)}
    if connection.version() == 'TLSv1.3':
        found['tls-exporter'] = exporter(connection, key_log)
    else:
        found['tls-unique'] = connection.get_channel_binding('tls-unique')
    return found


def binding_context(certificate, key_log, most=ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context(cafile=certificate)
    context.keylog_filename = key_log
    context.maximum_version = most
    return context
