# SPDX-License-Identifier: MIT
"""An issuer of bearer tokens (JWT), made of the openssl program and what Python has.

In a test:                issuer = Issuer(folder); issuer.token(email='ann')
From the command line:    python3 tokens.py FOLDER [ALGORITHM [CLAIM=VALUE...]]

The latter makes FOLDER/key.pem and FOLDER/public.pem unless they are there, and prints a token.
"""
import base64
import json
import pathlib
import subprocess
import sys
import time

# How openssl makes a key for an algorithm, and signs with it.
KEY_OPTIONS = {
    'RS256': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
    'PS256': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
    'ES256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    'ES384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    'EdDSA': ['-algorithm', 'ED25519'],
}
SIGN_OPTIONS = {
    'RS256': ['-digest', 'sha256'],
    'PS256': ['-digest', 'sha256', '-pkeyopt', 'rsa_padding_mode:pss', '-pkeyopt', 'rsa_pss_saltlen:digest'],
    'ES256': ['-digest', 'sha256'],
    'ES384': ['-digest', 'sha384'],
    'EdDSA': [],
}
EC_SIZES = {'ES256': 32, 'ES384': 48}


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b'=').decode()


def openssl(*arguments):
    return subprocess.run(['openssl', *map(str, arguments)], check=True, capture_output=True).stdout


def der_integers(der):
    """Of SEQUENCE { INTEGER, ... }, shorter than 128 octets as all of these are."""
    assert der[0] == 0x30 and der[1] == len(der) - 2
    at, found = 2, []
    while at < len(der):
        assert der[at] == 0x02
        found.append(int.from_bytes(der[at + 2:at + 2 + der[at + 1]], 'big'))
        at += 2 + der[at + 1]
    return found


class Issuer:
    """Signs tokens with a key of its own; `public` is the file for --oauth-key."""

    def __init__(self, folder, algorithm='ES256', name='https://id.example', audience='mail'):
        self.folder, self.algorithm = pathlib.Path(folder), algorithm
        self.name, self.audience = name, audience
        self.private, self.public = self.folder / 'key.pem', self.folder / 'public.pem'
        if not self.private.exists():
            openssl('genpkey', *KEY_OPTIONS[algorithm], '-out', self.private)
            openssl('pkey', '-in', self.private, '-pubout', '-out', self.public)

    @property
    def options(self):
        """For pop3d."""
        return ['--oauth-key', self.public, '--oauth-issuer', self.name, '--oauth-audience', self.audience]

    def sign(self, octets):
        text = self.folder / 'to-sign'  # Ed25519 is not taken from a pipe
        text.write_bytes(octets)
        signature = openssl('pkeyutl', '-sign', '-rawin', '-inkey', self.private, *SIGN_OPTIONS[self.algorithm],
                            '-in', text)
        size = EC_SIZES.get(self.algorithm)
        # RFC 7518, 3.4: r and s with all their octets, not DER
        return b''.join(part.to_bytes(size, 'big') for part in der_integers(signature)) if size else signature

    def token(self, header=None, **claims):
        """Good for five minutes. None = without this claim."""
        now = int(time.time())
        claims = {'iss': self.name, 'aud': self.audience, 'iat': now, 'exp': now + 300, **claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        parts = ({'alg': self.algorithm, 'typ': 'JWT', **(header or {})}, claims)
        text = '.'.join(base64url(json.dumps(part).encode()) for part in parts)
        return f'{text}.{base64url(self.sign(text.encode()))}'


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, *rest = sys.argv[1:]
    issuer = Issuer(folder, rest[0] if rest else 'ES256')
    print(issuer.token(**dict(word.split('=', 1) for word in rest[1:])))


if __name__ == '__main__':
    main()
