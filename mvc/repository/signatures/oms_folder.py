"""Folders with an OMS signature, verified: of `mvc export`, of `model_signing`, and of other programs.

model.sig ─► envelope ─ by the key? ─► statement ─► the same files in the folder? ─► digest of each

The format is OpenSSF Model Signing 1.0 with one key. Digests may be SHA-256, BLAKE2b or BLAKE3, of whole files.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.ids import Hasher
from mvc.repository.signatures import dsse
from mvc.repository.signatures.oms import CURVES, PAYLOAD, PREDICATE, STATEMENT
from mvc.storage.disk import confined

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
else:
    exceptions = lazy.Module("cryptography.exceptions")
    hashes = lazy.Module("cryptography.hazmat.primitives.hashes")
    serialization = lazy.Module("cryptography.hazmat.primitives.serialization")
    ec = lazy.Module("cryptography.hazmat.primitives.asymmetric.ec")

MAX_BUNDLE = 256 << 20
"""Bytes of a signature file, at most: some 100 for each file of the folder."""
_BLOCK = 1 << 20
_MAX_KEY = 1 << 20
"""Bytes of a public key that are read, at most."""
_HASHES: dict[str, Callable[[], Any]] = {"sha256": hashlib.sha256, "blake2b": hashlib.blake2b, "blake3": Hasher}
"""Algorithms of digests by their names in statements."""


class PublicKey:
    """A public key in a PEM file, on the curve P-256, P-384 or P-521."""

    def __init__(self, path: Path) -> None:
        """Read the key. Raises MissingPackage, NoPublicKey."""
        try:
            key: Any = serialization.load_pem_public_key(confined.read_given(path, _MAX_KEY))
            self._key, self._hash = key, getattr(hashes, CURVES[key.curve.name])()
        except ImportError as error:
            raise errors.MissingPackage(what="Verifying an OMS signature", package="modelvc[sign]") from error
        except OSError as error:
            raise errors.NoPublicKey(path=path, reason=error.strerror or str(error)) from error
        except (AttributeError, KeyError, TypeError, ValueError, exceptions.UnsupportedAlgorithm) as error:
            reason = "it is not a public key in PEM on the curve P-256, P-384 or P-521"
            raise errors.NoPublicKey(path=path, reason=reason) from error

    @property
    def hint(self) -> str:
        """The name of the key in a bundle: the SHA-256 of its PEM text."""
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        return hashlib.sha256(self._key.public_bytes(serialization.Encoding.PEM, info)).hexdigest()

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Return whether a signature in DER is one of the message by this key."""
        try:
            self._key.verify(signature, message, ec.ECDSA(self._hash))
        except exceptions.InvalidSignature:
            return False
        return True


class Bundle(NamedTuple):
    """A signature file: the statement in its envelope, the signatures, and the hint of the key, "" for none."""

    payload: bytes
    signatures: tuple[bytes, ...]
    hint: str


@dataclass(frozen=True, slots=True)
class Signed:
    """The content of a statement about a folder: the digest of each file, as algorithm and hex, and paths that are ignored."""

    files: Mapping[str, tuple[str, str]]
    ignored: tuple[PurePosixPath, ...]
    with_links: bool
    version: str | None


class Differences(NamedTuple):
    """Paths of a folder that are not as a statement says; `ignored` are files that it does not cover."""

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    ignored: tuple[str, ...]


def bundle(path: Path) -> Bundle:
    """Return the signature in a file. Raises BadOmsSignature."""
    try:
        data = confined.read_given(path, MAX_BUNDLE + 1)
        if len(data) > MAX_BUNDLE:
            raise errors.BadOmsSignature(path=path, reason="it is too long")
        whole = json.loads(data)
        material, envelope = whole["verificationMaterial"], whole["dsseEnvelope"]
        if "publicKey" not in material:
            reason = "it was made with a certificate or without a key; mvc verifies signatures by a key only"
            raise errors.BadOmsSignature(path=path, reason=reason)
        if envelope["payloadType"] != PAYLOAD:
            raise errors.BadOmsSignature(path=path, reason="its envelope has no statement of in-toto")
        hint = str((material["publicKey"] or {}).get("hint") or "")
        signatures = tuple(_decoded(signature["sig"]) for signature in envelope["signatures"])
        return Bundle(_decoded(envelope["payload"]), signatures, hint)
    except OSError as error:
        raise errors.BadOmsSignature(path=path, reason=error.strerror or str(error)) from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise errors.BadOmsSignature(
            path=path, reason="it is not a Sigstore bundle with an envelope of DSSE"
        ) from error


def is_signed(found: Bundle, key: PublicKey) -> bool:
    """Return whether the one signature of a bundle is by the key."""
    message = dsse.encoded(PAYLOAD, found.payload)
    return len(found.signatures) == 1 and key.signed(found.signatures[0], message)


def statement(path: Path, payload: bytes) -> Signed:
    """Return what the statement in `path` says; call it for one that is signed. Raises BadOmsSignature."""
    try:
        whole = json.loads(payload)
        predicate, subjects = whole["predicate"], whole["subject"]
        serialization_ = predicate["serialization"]
        if (whole["_type"], whole["predicateType"]) != (STATEMENT, PREDICATE):
            raise errors.BadOmsSignature(path=path, reason=f"its type is {whole['predicateType']}, not {PREDICATE}")
        if serialization_["method"] != "files":
            raise errors.BadOmsSignature(path=path, reason="it is of parts of files, which mvc does not verify")
        resources = predicate["resources"]
        files = {_text(each["name"]): (_text(each["algorithm"]), _text(each["digest"]).lower()) for each in resources}
        digests = b"".join(bytes.fromhex(each["digest"]) for each in resources)
        if len(files) < len(resources) or [each["digest"]["sha256"] for each in subjects] != [_sha256(digests)]:
            raise errors.BadOmsSignature(path=path, reason="its digests contradict each other")
        ignored = tuple(PurePosixPath(_text(each)) for each in serialization_.get("ignore_paths", ()))
        versions = (each.get("annotations", {}).get("mvc.version") for each in resources)
        version = next((_text(each) for each in versions if each is not None), None)
        return Signed(files, ignored, serialization_.get("allow_symlinks") is True, version)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise errors.BadOmsSignature(path=path, reason="its statement is not one of OMS 1.0") from error


def compare(folder: Path, signed: Signed, signature: Path) -> Differences:
    """Return how the files of a folder differ from what was signed; `signature` is left out. Raises UnreadablePath."""
    changed: list[str] = []
    extra: list[str] = []
    ignored: list[str] = []
    missing = set(signed.files)
    own = os.path.realpath(signature)
    for path, place in _files(folder):
        missing.discard(path)
        if path in signed.files and _is_file(place, with_links=signed.with_links):
            algorithm, digest = signed.files[path]
            if _digest(place, path, algorithm) != digest:
                changed.append(path)
        elif os.path.realpath(place) == own and not os.path.islink(place):
            continue
        else:
            (ignored if _is_below(path, signed.ignored) else extra).append(path)
    return Differences(*(tuple(sorted(paths)) for paths in (changed, missing, extra, ignored)))


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield path and place of what is below a folder and is not a folder itself: files, links and the rest.

    A single file has the path that its statement has for it, a dot.
    """
    if folder.is_file():
        yield ".", os.fspath(folder)
        return
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        place = os.path.join(folder, prefix)
        try:
            with os.scandir(place) as entries:
                listed = list(entries)
        except OSError as error:
            raise errors.UnreadablePath(path=place, reason=error.strerror or str(error)) from error
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry.path


def _is_file(place: str, *, with_links: bool) -> bool:
    return stat.S_ISREG(os.stat(place, follow_symlinks=with_links).st_mode) if os.path.exists(place) else False


def _is_below(path: str, ignored: tuple[PurePosixPath, ...]) -> bool:
    pure = PurePosixPath(path)
    return any(pure == above or above in pure.parents for above in ignored if above.parts)


def _digest(place: str, path: str, algorithm: str) -> str:
    """Return the digest of a file in hex; "" for an algorithm that is not known. Raises UnreadablePath."""
    if algorithm not in _HASHES:
        return ""
    hasher = _HASHES[algorithm]()
    try:
        fd = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return ""
            while block := file.read(_BLOCK):
                hasher.update(block)
    except OSError as error:
        raise errors.UnreadablePath(path=path, reason=error.strerror or str(error)) from error
    return str(hasher.digest() if isinstance(hasher, Hasher) else hasher.hexdigest())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _decoded(text: Any) -> bytes:
    return base64.b64decode(text, validate=True)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
