"""Attestations: signed statements about a version, in the format of in-toto, that programs of others read.

attestations/<model>/<version id>/0000000001   {"by":"Ana <…>","dsse":"MEUC…","key":"SHA256:…","payload":"eyJf…","signature":"U1NI…",…}

`payload` is a statement of in-toto v1 whose first subject is the version. It is signed twice by one key: in the envelope of DSSE
for the programs of others, and with that envelope by an SSH signature, whose key, namespace and time mvc decides about.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mvc import errors
from mvc.deferred import dataclass, regex
from mvc.model import canonical
from mvc.model.ids import VersionId
from mvc.storage.records.annotations.log import Annotation
from mvc.storage.records.annotations.signatures import SSHSIG
from mvc.storage.records.config import ATTESTATIONS as FEATURE
from mvc.storage.records.reflog import ATTESTATIONS

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
BLAKE3 = "blake3"
"""The name of the digest of versions and files in statements."""
_KEY = regex(r"[!-~]{1,200}\Z")
_KEY_ID = regex(r"[0-9a-f]{64}\Z")
_BASE64 = regex(r"[A-Za-z0-9+/]{4,8000}={0,2}\Z")
_MAX_TYPE = 500
"""Characters of a predicate type, at most."""


@dataclass(frozen=True, slots=True)
class Attestation(Annotation):
    """A statement of in-toto about the version, in base64, with its signatures.

    `dsse` is base64 of the signature in its envelope, `key_id` the name of the key there; `signature` is base64 of an SSH
    signature of the envelope, `key` the fingerprint of the key.
    """

    KIND = "attestation"
    NOUN = "attestation"
    FOLDER = ATTESTATIONS
    MAX_BYTES = 4 << 20
    FEATURE = FEATURE
    what: ClassVar[str] = "attestation"
    format: ClassVar[str] = SSHSIG

    payload: str = ""
    dsse: str = ""
    key_id: str = ""
    key: str = ""
    signature: str = ""

    @property
    def statement(self) -> dict[str, Any]:
        """The statement of in-toto. Raises ValueError, NotCanonical."""
        return dict(canonical.decode(base64.b64decode(self.payload, validate=True)))

    @property
    def type(self) -> str:
        """The type of its predicate, a URI."""
        return str(self.statement["predicateType"])

    @property
    def envelope(self) -> dict[str, Any]:
        """The envelope of DSSE, which others verify."""
        signatures = [{"keyid": self.key_id, "sig": self.dsse}]
        return {"payload": self.payload, "payloadType": PAYLOAD_TYPE, "signatures": signatures}

    def content_fault(self) -> str | None:
        """Return the reason why the record is invalid; None for a valid one."""
        if not all(map(_BASE64.match, (self.dsse, self.signature))):
            return "it has no signature"
        if not (_KEY_ID.match(self.key_id) and _KEY.match(self.key)):
            return "it does not name its key"
        try:
            if base64.b64encode(base64.b64decode(self.payload, validate=True)).decode() != self.payload:
                return "its base64 is not canonical"
            return _fault(self.statement, self.version)
        except (binascii.Error, errors.NotCanonical, TypeError, ValueError):
            return "its statement is not canonical JSON"

    @classmethod
    def refusal(cls, reason: str) -> errors.MvcError:
        """Return the error for an attestation that cannot be added."""
        return errors.BadAttestation(reason=reason)


def payload(version: VersionId, subjects: Sequence[tuple[str, str]], type_: str, predicate: Mapping[str, Any]) -> bytes:
    """Return the statement about a version; `subjects` are names and BLAKE3 of it and of its files. Raises BadAttestation."""
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {BLAKE3: digest}} for name, digest in subjects],
        "predicateType": type_,
        "predicate": dict(predicate),
    }
    try:
        fault, data = _fault(statement, version), canonical.encode(statement)
    except errors.NotCanonical as error:
        raise errors.BadAttestation(reason=error.fields["reason"]) from error
    if fault is not None:
        raise errors.BadAttestation(reason=fault)
    return data


def _fault(statement: Any, version: VersionId) -> str | None:
    """Return the reason why a statement is not one about the version."""
    if not isinstance(statement, dict) or statement.keys() != {"_type", "subject", "predicateType", "predicate"}:
        return "it is not a statement of in-toto"
    type_, subjects, predicate = (statement[key] for key in ("predicateType", "subject", "predicate"))
    if statement["_type"] != STATEMENT or not isinstance(type_, str) or not 0 < len(type_) <= _MAX_TYPE:
        return "it is not a statement of in-toto v1"
    if not isinstance(predicate, dict) or not predicate:
        return "its predicate is not a JSON object with a key"
    first = subjects[0] if isinstance(subjects, list) and subjects else None
    if not isinstance(first, dict) or first.get("digest") != {BLAKE3: version}:
        return "it is not about this version"
    return None
