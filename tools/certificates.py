"""Certificates for the test servers and clients, made anew each time."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

SERVER_NAMES = ("localhost", "a.example", "b.example")


class Authority:
    """A certificate authority that writes PEM and DER files into a folder.

    `kind` is "ecdsa" (P-256) or "rsa" (2048 bits).
    """

    def __init__(self, folder, name="tlsresume test CA", kind="ecdsa"):
        self.folder = folder
        self.kind = kind
        self._key = _new_key(kind)
        self._name = _subject(name)
        certificate = self._sign(self._name, self._key, ca=True)
        _write(folder, f"ca-{kind}", certificate, None)
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        self.pem = str(folder / f"ca-{kind}.pem")

    def issue(self, name, server=False, length=1, names=SERVER_NAMES, until=None):
        """Write NAME.pem, NAME.key, NAME.der, NAME.key.der and return the path without suffix.

        A server's is for `names`. The chain in NAME.pem has `length` certificates, all below this
        authority's own. It is good for ten years, or `until` (a datetime).
        """
        if length > 1:
            between = self._intermediate(f"{name}-{self.kind}-{length}")
            path = between.issue(name, server, length - 1, names)
            with path.with_suffix(".pem").open("a") as chain:
                chain.write(Path(between.pem).read_text())
            return path
        key = _new_key(self.kind)
        names = names if server else ()
        certificate = self._sign(_subject(name), key, names=names, until=until)
        return _write(self.folder, f"{name}-{self.kind}", certificate, key)

    def _intermediate(self, name):
        folder = self.folder / name
        folder.mkdir()
        between = Authority(folder, name, self.kind)
        certificate = self._sign(between._name, between._key, ca=True)
        _write(folder, f"ca-{self.kind}", certificate, None)
        return between

    def _sign(self, subject, key, ca=False, names=(), until=None):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(until or now + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            names = [x509.DNSName(n) for n in names]
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _new_key(kind):
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def _subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _write(folder, stem, certificate, key):
    path = folder / stem
    encoding = serialization.Encoding
    path.with_suffix(".pem").write_bytes(certificate.public_bytes(encoding.PEM))
    path.with_suffix(".der").write_bytes(certificate.public_bytes(encoding.DER))
    if key is not None:
        for suffix, form in ((".key", encoding.PEM), (".key.der", encoding.DER)):
            path.with_suffix(suffix).write_bytes(
                key.private_bytes(
                    form,
                    serialization.PrivateFormat.TraditionalOpenSSL,
                    serialization.NoEncryption(),
                )
            )
    return path
