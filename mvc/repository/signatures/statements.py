"""Statements: the exact bytes that are signed, made from a version and the record of its signature.

mvc.version   {"id":"9f86…","kind":"statement","model":"helmets","nonce":"5d…","signer":"Ana <…>","time":{…},"v":1,"what":"version"}
mvc.ref       {"entry":"77aa…","kind":"statement","model":"helmets","new":"9f86…","nonce":…,"ref":"aliases/prod","seq":12,…,"what":"ref"}

mvc.attestation   {"envelope":"60c1…","id":"9f86…","kind":"statement","nonce":…,"what":"attestation"}

The id of a version covers its files, values and all ancestors; that of an entry its author, reason, and all entries before
it. So neither statement can be used for another version, name, model or move.
"""

from __future__ import annotations

from mvc.model import canonical
from mvc.model.ids import digest
from mvc.repository.repository import Repository
from mvc.storage.records.annotations.attestations import Attestation
from mvc.storage.records.annotations.signatures import REF, VERSION, Signature

NAMESPACES = {VERSION: "mvc.version", REF: "mvc.ref", Attestation.what: "mvc.attestation"}
"""The namespace of each kind of statement; a key may be trusted for one of them only."""
FORMAT = 1

Signed = Signature | Attestation
"""A record with an SSH signature."""


def statement(repository: Repository, signature: Signed) -> bytes:
    """Return the bytes that the record is a signature of. Raises Missing, Damaged."""
    common = {
        "kind": "statement",
        "nonce": signature.nonce,
        "signer": signature.by,
        "time": signature.at.to_json(),
        "v": FORMAT,
        "what": signature.what,
    }
    if isinstance(signature, Attestation):
        envelope = digest(canonical.encode(signature.envelope))
        return canonical.encode({**common, "envelope": envelope, "id": signature.version})
    if signature.move is not None:
        move = signature.move
        parts = {"entry": move.entry, "model": move.model, "new": signature.version, "ref": move.ref, "seq": move.seq}
        return canonical.encode({**common, **parts})
    version = repository.objects.version(signature.version)
    name = repository.objects.manifest(version.manifest).name  # as it was committed: a model may be renamed since
    return canonical.encode({**common, "id": signature.version, "model": name})
