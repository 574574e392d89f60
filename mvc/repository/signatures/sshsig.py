"""SSH signatures: their bytes, as OpenSSH's PROTOCOL.sshsig specifies them, and their armored text.

"SSHSIG" · version 1 · public key · namespace · reserved · hash algorithm · signature      (texts after their length)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct

from mvc.deferred import dataclass

MAGIC = b"SSHSIG"
"""The first bytes of a signature, and of what is signed."""
_VERSION = 1
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_COLUMNS = 70
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class SshSignature:
    """A signature: its bytes, the public key in them, and its namespace."""

    data: bytes
    key: bytes
    namespace: str

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key, as `ssh-keygen -l` prints it."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.key).digest()).decode().rstrip('=')}"

    @property
    def key_text(self) -> str:
        """The key in base64, as a line of a file of keys has it."""
        return base64.b64encode(self.key).decode()

    @property
    def algorithm(self) -> str:
        """The algorithm of the key, such as `ssh-ed25519`."""
        return key_type(self.key)

    @property
    def text(self) -> str:
        """The signature in base64."""
        return base64.b64encode(self.data).decode()

    @property
    def armored(self) -> bytes:
        """The text that `ssh-keygen -Y verify` reads."""
        rows = [self.text[at : at + _COLUMNS] for at in range(0, len(self.text), _COLUMNS)]
        return "\n".join([_BEGIN, *rows, _END, ""]).encode()


def key_type(key: bytes) -> str:
    """Return the algorithm of a public key, such as `ssh-ed25519`. Raises ValueError."""
    return _text(key, 0)[0].decode("ascii", "replace")


def parse(data: bytes) -> SshSignature:
    """Return the signature in `data`. Raises ValueError."""
    if not data.startswith(MAGIC):
        raise ValueError("it does not begin as an SSH signature")
    at = len(MAGIC) + _LENGTH.size
    if data[len(MAGIC) : at] != _LENGTH.pack(_VERSION):
        raise ValueError("it has another version")
    key, at = _text(data, at)
    namespace, at = _text(data, at)
    for _ in ("reserved", "hash algorithm", "signature"):
        _, at = _text(data, at)
    if at != len(data):
        raise ValueError("it has a wrong length")
    _text(key, 0)
    return SshSignature(data, key, namespace.decode())


def of_base64(text: str) -> SshSignature:
    """Return the signature in a base64 text. Raises ValueError."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("its base64 is not canonical")
    return parse(data)


def of_armored(text: str) -> SshSignature:
    """Return the signature in an armored text. Raises ValueError."""
    body = text.strip()
    if not (body.startswith(_BEGIN) and body.endswith(_END)):
        raise ValueError("it is not an armored SSH signature")
    rows = body.removeprefix(_BEGIN).removesuffix(_END)
    try:
        return parse(base64.b64decode("".join(rows.split()), validate=True))
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the text at an offset, and the offset after it. Raises ValueError."""
    start = at + _LENGTH.size
    if start > len(data):
        raise ValueError("it is truncated")
    end = start + _LENGTH.unpack(data[at:start])[0]
    if end > len(data):
        raise ValueError("it is truncated")
    return data[start:end], end
