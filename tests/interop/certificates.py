# SPDX-License-Identifier: MIT
"""Certificates that are made for one test, by the openssl program."""
import subprocess


def openssl(*words, **settings):
    """What it says on standard output."""
    done = subprocess.run(['openssl', *(str(word) for word in words)], capture_output=True, check=False, timeout=30,
                          stdin=subprocess.DEVNULL, **settings)
    if done.returncode:
        raise RuntimeError(f'openssl {words[0]}: {done.stderr.decode(errors="replace")}')
    return done.stdout


KINDS = {'ecdsa': ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'), 'rsa': ('-newkey', 'rsa:2048')}


class Authority:
    """Signs certificates, NAME.pem with the key NAME.key in its folder."""

    def __init__(self, folder, name='authority'):
        self.folder = folder
        self.certificate, self.key = self.paths(name)
        openssl('req', '-x509', *KINDS['ecdsa'], '-nodes', '-days', '90', '-subj', f'/CN={name}', '-keyout', self.key,
                '-out', self.certificate, '-addext', 'keyUsage=critical,keyCertSign,cRLSign')

    def paths(self, name):
        return self.folder / f'{name}.pem', self.folder / f'{name}.key'

    def issue(self, name, subject=None, names='', usage='serverAuth', kind='ecdsa', extensions=()):
        """Returns (certificate, key). `names`: of the subjectAltName, as openssl writes them."""
        paths = self.paths(name)
        extensions = ['basicConstraints=critical,CA:false', 'keyUsage=digitalSignature', f'extendedKeyUsage={usage}',
                      *([f'subjectAltName={names}'] if names else []), *extensions]
        openssl('req', '-x509', *KINDS[kind], '-nodes', '-days', '90', '-subj', subject or f'/CN={name}',
                '-CA', self.certificate, '-CAkey', self.key, '-keyout', paths[1], '-out', paths[0],
                *(word for extension in extensions for word in ('-addext', extension)))
        return paths
