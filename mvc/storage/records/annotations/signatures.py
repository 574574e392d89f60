"""Signatures of a version, and of the moves of tags and aliases to it.

signatures/<model>/<version id>/0000000001   {"by":"Ana <…>","format":"sshsig","key":"SHA256:…","signature":"U1NI…",…}
signatures/<model>/<version id>/0000000002   {…,"move":{"entry":"5d…","model":"helmets","ref":"aliases/prod","seq":12},"what":"ref"}

A record says what was signed; the statement that is verified is made from the version and the ref's log.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from mvc import errors
from mvc.deferred import dataclass, regex
from mvc.storage.records.annotations.log import Annotation
from mvc.storage.records.config import SIGNATURES as FEATURE
from mvc.storage.records.record import OMITTED, Component, Id
from mvc.storage.records.reflog import ALIASES, SIGNATURES, TAGS

SSHSIG = "sshsig"
"""The format of signatures by `ssh-keygen -Y sign`."""
VERSION = "version"
REF = "ref"
WHATS = (VERSION, REF)
_WORD = regex(r"[a-z0-9-]{1,32}\Z")
_KEY = regex(r"[!-~]{1,200}\Z")
_BASE64 = regex(r"[A-Za-z0-9+/]{4,8000}={0,2}\Z")
_SIGNED = (f"{TAGS}/", f"{ALIASES}/")


@dataclass(frozen=True, slots=True)
class SignedMove:
    """An entry of the log of a tag or an alias, here or on a remote: its number, and the id of its bytes."""

    model: Component
    ref: str
    seq: Annotated[int, (0).__lt__]
    entry: Id


@dataclass(frozen=True, slots=True)
class Signature(Annotation):
    """A signature of the version, or with `move` of an entry that moved a ref to it.

    `signature` is base64 of the bytes that `format` has; `key` is the fingerprint of the key. A record may have a
    format that this mvc does not know.
    """

    KIND = "signature"
    NOUN = "signature"
    FOLDER = SIGNATURES
    MAX_BYTES = 16 * 1024
    FEATURE = FEATURE

    what: str = VERSION
    format: str = ""
    key: str = ""
    signature: str = ""
    move: SignedMove | None = field(default=None, metadata=OMITTED)

    def content_fault(self) -> str | None:
        """Return the reason why the record is invalid; None for a valid one."""
        if self.what not in WHATS or (self.move is not None) != (self.what == REF):
            return "it does not say what is signed"
        if self.move is not None and not self.move.ref.startswith(_SIGNED):
            return "it is of a move of neither a tag nor an alias"
        if not (_WORD.match(self.format) and _KEY.match(self.key) and _BASE64.match(self.signature)):
            return "it has no signature"
        return None

    @classmethod
    def refusal(cls, reason: str) -> errors.MvcError:
        """Return the error for a signature that cannot be added."""
        return errors.BadSignature(reason=reason)
