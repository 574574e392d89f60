"""Attestations of a version: new ones, and whether trusted keys signed those it has.

predicate ─► statement of in-toto ─► envelope of DSSE, for programs of others ─► SSH signature of the envelope, for mvc
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.repository.model import Model
from mvc.repository.repository import Actor
from mvc.repository.signatures import dsse, verify
from mvc.repository.signatures.private_key import PrivateKey
from mvc.repository.signatures.statements import NAMESPACES, statement
from mvc.repository.signatures.trust import Signers
from mvc.storage.records.annotations.attestations import PAYLOAD_TYPE, Attestation, payload


@dataclass(frozen=True, slots=True)
class CheckedAttestation(Document):
    """An attestation and the status of its signature, as of CheckedSignature; `type` is the URI of its predicate."""

    KEYS = keys("number status principal key type by time reason")

    number: int
    status: str
    principal: str | None
    key: str
    type: str
    by: str
    time: Timestamp | None
    reason: str


def add(
    model: Model,
    id_: VersionId,
    subjects: Sequence[tuple[str, str]],
    type_: str,
    predicate: Mapping[str, Any],
    key: PrivateKey,
    actor: Actor,
) -> Attestation:
    """Sign a statement about a version, and append the record. Raises BadAttestation."""
    data = payload(id_, subjects, type_, predicate)
    plain = Attestation(
        id_,
        1,
        str(actor.person),
        actor.at,
        actor.nonce(),
        payload=base64.b64encode(data).decode(),
        dsse=base64.b64encode(key.sign(dsse.encoded(PAYLOAD_TYPE, data))).decode(),
        key_id=key.key_id,
    )
    made = key.ssh_signature(NAMESPACES[plain.what], statement(model.repository, plain))
    record = replace(plain, key=made.fingerprint, signature=made.text)
    with model.repository.locked():
        return model.repository.attestations.add(model.key, record)


def current(model: Model, id_: VersionId) -> list[Attestation]:
    """Return the intact attestations of a version that were not removed, oldest first."""
    return model.repository.attestations.current(model.key, id_) if id_ in model.attested() else []


def check(model: Model, id_: VersionId, signers: Signers) -> tuple[CheckedAttestation, ...]:
    """Return the attestations of a version with their statuses, damaged ones included. Raises Missing, NoSshKeygen."""
    checked = [_checked(model, record, signers) for record in current(model, id_)]
    faults = model.repository.attestations.faults(model.key, id_) if id_ in model.attested() else {}
    for seq, error in sorted(faults.items()):
        reason = str(error.fields["reason"])
        checked.append(CheckedAttestation(seq, verify.DAMAGED, None, "", "", "", None, reason))
    return tuple(checked)


def _checked(model: Model, record: Attestation, signers: Signers) -> CheckedAttestation:
    status, principal, reason = verify.status(model, record, signers)
    return CheckedAttestation(record.seq, status, principal, record.key, record.type, record.by, record.at, reason)
