"""A private authority and certificates that it issues, made for one test run."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


@dataclass
class Authority:
    """An authority whose certificate is the file `path`, in `folder`."""

    folder: Path
    name: str = "Acme authority"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        usage = x509.KeyUsage(
            *(False,) * 5, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False
        )
        made = self._certificate(self.name, self.key, 30 * DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.path = self.folder / f"{self.name}.pem"
        self.path.write_bytes(_pem(made.add_extension(usage, critical=True).sign(self.key, hashes.SHA256())))

    def server(self, *names: str, valid: dt.timedelta = DAY) -> ssl.SSLContext:
        """The settings of a server with a certificate for these host names and addresses; `valid` may be in the past."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = [_host(name) for name in names]
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        made = self._certificate("server", key, valid).add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        signed = made.add_extension(authority, critical=False).sign(self.key, hashes.SHA256())
        both = self.folder / f"server-{signed.serial_number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        both.write_bytes(private + _pem(signed))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        return context

    def _certificate(self, name: str, key: ec.EllipticCurvePrivateKey, valid: dt.timedelta) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder(_name(self.name), _name(name), key.public_key(), x509.random_serial_number())
        return (
            builder.not_valid_before(now - 60 * DAY)
            .not_valid_after(now + valid)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
