"""Private keys in files, for attestations: in PEM or as OpenSSH writes them, Ed25519, ECDSA or RSA, without a passphrase.

One key signs twice: raw, as DSSE has it, for programs of others, and as `ssh-keygen -Y sign` does. The library is
`cryptography`, the extra `sign`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.repository.signatures import sshsig
from mvc.repository.signatures.sshsig import SshSignature
from mvc.repository.signatures.trust import Keys
from mvc.storage.disk import confined

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
else:
    exceptions = lazy.Module("cryptography.exceptions")
    _PRIMITIVES = "cryptography.hazmat.primitives"
    hashes = lazy.Module(f"{_PRIMITIVES}.hashes")
    serialization = lazy.Module(f"{_PRIMITIVES}.serialization")
    ec, ed25519, padding, rsa, utils = (
        lazy.Module(f"{_PRIMITIVES}.asymmetric.{name}") for name in ("ec", "ed25519", "padding", "rsa", "utils")
    )

_CURVES = {
    "secp256r1": ("nistp256", "SHA256"),
    "secp384r1": ("nistp384", "SHA384"),
    "secp521r1": ("nistp521", "SHA512"),
}
"""OpenSSH's name of a curve, and the hash of its signatures."""
_HASH = "sha512"
"""The hash of messages in SSH signatures, the default of ssh-keygen."""
_SSH_RSA = "rsa-sha2-512"
_KINDS, _COMMAND = "Ed25519, ECDSA or RSA", "ssh-keygen -t ed25519 -N '' -f attest.key"
MAX_BYTES = 1 << 20
"""Bytes of a private key that are read, at most."""
LEAST_BITS = 2048
"""Bits of an RSA key, at least."""


class PrivateKey:
    """An Ed25519, ECDSA or RSA key."""

    def __init__(self, path: Path) -> None:
        """Read the key in a file. Raises MissingPackage, NoKeyFile."""
        try:
            self._key = _checked(load(confined.read_given(path, MAX_BYTES)))
        except ImportError as error:
            raise errors.MissingPackage(what="An attestation", package="modelvc[sign]") from error
        except OSError as error:
            raise _no_key(f"cannot read {path}: {error.strerror}") from error
        except (TypeError, ValueError) as error:
            raise _no_key(f"{path} is {error}") from error
        self._public = self._key.public_key()

    @classmethod
    def of(cls, keys: Keys, given: str | None) -> PrivateKey:
        """Return the key in the file `given`, else that of sign.key. Raises MissingPackage, NoKeyFile, BadSetting."""
        try:
            path = keys.key(given)
        except errors.NoSigningKey as error:
            raise _no_key(str(error.fields["reason"])) from None
        return cls(path)

    def sign(self, message: bytes) -> bytes:
        """Return the raw signature: of ECDSA in DER, of RSA in PSS with SHA-256, as `securesystemslib` takes it by default."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(message, ec.ECDSA(self._curve_hash))
        sha256 = hashes.SHA256()
        pss = padding.PSS(mgf=padding.MGF1(sha256), salt_length=padding.PSS.DIGEST_LENGTH)
        return bytes(self._key.sign(message, pss, sha256))

    @property
    def key_id(self) -> str:
        """The name of the key in an envelope, the one that `securesystemslib` gives it: a SHA-256 of the public key."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            kind, scheme = "ed25519", "ed25519"
            public = self._public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
        else:
            is_rsa = isinstance(self._key, rsa.RSAPrivateKey)
            kind, scheme = ("rsa", "rsassa-pss-sha256") if is_rsa else ("ecdsa", f"ecdsa-sha2-{self._curve}")
            info = serialization.PublicFormat.SubjectPublicKeyInfo
            public = self._public.public_bytes(serialization.Encoding.PEM, info).decode()
        # canonical JSON of OLPC, which leaves line ends in texts as they are
        quoted = public.replace("\\", "\\\\").replace('"', '\\"')
        whole = f'{{"keytype":{json.dumps(kind)},"keyval":{{"public":"{quoted}"}},"scheme":{json.dumps(scheme)}}}'
        return hashlib.sha256(whole.encode()).hexdigest()

    def ssh_signature(self, namespace: str, message: bytes) -> SshSignature:
        """Return the SSH signature of a message, as `ssh-keygen -Y sign` makes it (PROTOCOL.sshsig)."""
        digest = hashlib.new(_HASH, message).digest()
        parts = [_text(namespace.encode()), _text(b""), _text(_HASH.encode())]
        signed = sshsig.MAGIC + b"".join([*parts, _text(digest)])
        blob = sshsig.MAGIC + struct.pack(">I", 1) + _text(self._ssh_public)
        return sshsig.parse(blob + b"".join([*parts, _text(self._ssh_blob(signed))]))

    @property
    def _ssh_public(self) -> bytes:
        line = self._public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        return base64.b64decode(line.split()[1])

    def _ssh_blob(self, message: bytes) -> bytes:
        """Return the signature of a message in the form of SSH's protocol."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return _text(b"ssh-ed25519") + _text(self._key.sign(message))
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            pair = utils.decode_dss_signature(self.sign(message))
            return _text(f"ecdsa-sha2-{self._curve}".encode()) + _text(b"".join(_text(_number(each)) for each in pair))
        made = self._key.sign(message, padding.PKCS1v15(), hashes.SHA512())
        return _text(_SSH_RSA.encode()) + _text(made)

    @property
    def _curve(self) -> str:
        return _CURVES[self._key.curve.name][0]

    @property
    def _curve_hash(self) -> Any:
        return getattr(hashes, _CURVES[self._key.curve.name][1])()


def _no_key(reason: str) -> errors.NoKeyFile:
    return errors.NoKeyFile(purpose="an attestation", reason=reason, kinds=_KINDS, command=_COMMAND)


def load(data: bytes) -> Any:
    """Return a private key of any kind, in PEM or of OpenSSH. Raises ImportError, and ValueError with what it is instead."""
    read: Any = (
        serialization.load_ssh_private_key if b" OPENSSH PRIVATE KEY-" in data else serialization.load_pem_private_key
    )
    try:
        return read(data, None)
    except TypeError as error:
        raise ValueError("protected by a passphrase") from error
    except (ValueError, exceptions.UnsupportedAlgorithm) as error:
        raise ValueError("not a private key in PEM or of OpenSSH") from error


def _checked(key: Any) -> Any:
    """Return a key that can sign attestations. Raises ValueError."""
    is_curve = isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES
    is_rsa = isinstance(key, rsa.RSAPrivateKey) and key.key_size >= LEAST_BITS
    if not (is_curve or is_rsa or isinstance(key, ed25519.Ed25519PrivateKey)):
        raise ValueError(f"not a key of Ed25519, P-256, P-384 or P-521, or of RSA with {LEAST_BITS} bits or more")
    return key


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _number(value: int) -> bytes:
    """Return a number above zero as SSH writes it: no zero byte in front, but one where it would be negative."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")
