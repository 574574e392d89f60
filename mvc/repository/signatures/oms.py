"""OMS signatures: a Sigstore bundle with a DSSE envelope of an in-toto statement about the files of a folder.

OpenSSF Model Signing 1.0: each file with its SHA-256, the SHA-256 of all of these as the subject, signed with a key on
the curve P-256, P-384 or P-521. `model_signing verify key` accepts it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mvc import errors, lazy
from mvc.repository.signatures import dsse, private_key
from mvc.storage.disk import confined

FILE = "model.sig"
"""The name of the signature in the folder."""
IGNORED = (".git", ".gitattributes", ".github", ".gitignore")
"""What verifiers ignore at the top of a folder, whatever a signature says."""
PAYLOAD = "application/vnd.in-toto+json"
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://model_signing/signature/v1.0"
CURVES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}
"""The hash of a signature by the curve of its key."""
_COMMAND = "openssl ecparam -name prime256v1 -genkey -noout -out key.pem"


class OmsKey:
    """A private key in a file, in PEM or as OpenSSH writes it."""

    def __init__(self, path: Path) -> None:
        """Read the key. Raises MissingPackage, NoKeyFile."""
        try:
            serialization = lazy.load("cryptography.hazmat.primitives.serialization")
            self._primitives = lazy.load("cryptography.hazmat.primitives.hashes")
            self._ec = lazy.load("cryptography.hazmat.primitives.asymmetric.ec")
        except ImportError as error:
            raise errors.MissingPackage(what="A signature of an export", package="modelvc[sign]") from error
        try:
            key = private_key.load(confined.read_given(path, private_key.MAX_BYTES))
            self._hash = CURVES[key.curve.name]
        except OSError as error:
            raise _no_key(f"cannot read {path}: {error.strerror}") from error
        except (AttributeError, KeyError) as error:
            raise _no_key(f"{path} is a key of another kind") from error
        except (TypeError, ValueError) as error:
            raise _no_key(f"{path} is {error}") from error
        self._key: Any = key
        public = serialization.PublicFormat.SubjectPublicKeyInfo
        self._public: bytes = key.public_key().public_bytes(serialization.Encoding.PEM, public)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, in DER."""
        algorithm = self._ec.ECDSA(getattr(self._primitives, self._hash)())
        return bytes(self._key.sign(message, algorithm))

    @property
    def hint(self) -> str:
        """The name of the public key in a bundle: the SHA-256 of its PEM text."""
        return hashlib.sha256(self._public).hexdigest()


def _no_key(reason: str) -> errors.NoKeyFile:
    kinds = "ECDSA on the curve P-256, P-384 or P-521, in PEM or of OpenSSH"
    return errors.NoKeyFile(purpose="an OMS signature", reason=reason, kinds=kinds, command=_COMMAND)


def statement(name: str, digests: Mapping[str, str], annotations: Mapping[str, Mapping[str, str]]) -> bytes:
    """Return the statement about files with these SHA-256 in hex, by path; `annotations` are those of some files."""
    resources = [
        {
            "name": path,
            "algorithm": "sha256",
            "digest": digests[path],
            **({"annotations": dict(annotations[path])} if path in annotations else {}),
        }
        for path in sorted(digests)
    ]
    root = hashlib.sha256(b"".join(bytes.fromhex(digests[path]) for path in sorted(digests))).hexdigest()
    serialization = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": [FILE]}
    whole = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": root}}],
        "predicateType": PREDICATE,
        "predicate": {"serialization": serialization, "resources": resources},
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True).encode()


def bundle(payload: bytes, key: OmsKey) -> bytes:
    """Return the bundle with a signed statement."""
    signature = base64.b64encode(key.sign(dsse.encoded(PAYLOAD, payload))).decode()
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD,
        "signatures": [{"sig": signature, "keyid": ""}],
    }
    material = {"publicKey": {"hint": key.hint}, "tlogEntries": []}
    whole = {"mediaType": _BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}
    return f"{json.dumps(whole, indent=2)}\n".encode()
