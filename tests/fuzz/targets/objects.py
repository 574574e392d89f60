"""Objects and records of a store: canonical JSON, with the checksum made right, so that its content is reached."""

from __future__ import annotations

import base64
import json
from typing import Any

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.model.version import Timestamp, Version
from mvc.remotes.push_session import ACTIVE
from mvc.repository.imports.unfinished import Unfinished
from mvc.storage import decoded, plain_ref_entry, plain_version
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.packs.gc import Expiry
from mvc.storage.records import expired, promised, sealed
from mvc.storage.records.annotations import brief
from mvc.storage.records.annotations.attestations import Attestation
from mvc.storage.records.annotations.evaluations import Evaluation
from mvc.storage.records.annotations.log import Annotation
from mvc.storage.records.annotations.remarks import Note
from mvc.storage.records.annotations.signatures import Signature
from mvc.storage.records.clone_source import CloneSource
from mvc.storage.records.heads import Head
from mvc.storage.records.import_notes import ImportNote
from mvc.storage.records.journal import Journal
from mvc.storage.records.merges import MergeState
from mvc.storage.records.operations import Operation
from mvc.storage.records.record import Record
from mvc.storage.records.reflog import PUBLISHED, RefEntry
from mvc.storage.records.sparse import Sparse
from mvc.storage.records.stashes import StashEntry
from mvc.storage.records.unfinished.bisections import Bisection
from mvc.storage.records.unfinished.publications import Publishing
from tests.fuzz.target import Target

_ABSENCES = tuple(promised.Absence.__subclasses__())
RECORDS: tuple[type[Record], ...] = (
    Attestation, Bisection, CloneSource, Expiry, Head, ImportNote, Journal, MergeState, Note, Operation, Publishing, RefEntry,
    Signature, Sparse, StashEntry, Unfinished, decoded.Verified, expired.Pruned, *_ABSENCES,
)  # fmt: skip
_DAMAGE = (errors.Damaged, errors.NotCanonical)


def sealed_again(data: bytes) -> bytes:
    """Return a record with the right checksum; the bytes as they are if they are no record."""
    try:
        record = json.loads(data)
        return sealed.seal({key: value for key, value in record.items() if key != sealed.SUM})
    except (errors.MvcError, AttributeError, TypeError, ValueError, RecursionError):
        return data


def kind_of(data: bytes) -> Any:
    """Return the kind that a record states."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return record.get("kind") if isinstance(record, dict) else None


def _object(kind: Any, data: bytes) -> None:
    assert kind.decode(data).encode() == data


def _version(data: bytes) -> None:
    """Read a version in both ways: they accept the same bytes, and read the same."""
    try:
        found = plain_version.decode(data)
    except errors.NotCanonical:
        found = None
    try:
        assert Version.decode(data) == found
    except errors.NotCanonical:
        assert found is None
        raise
    assert Version.decode(data).encode() == data


def _record(data: bytes) -> None:
    data, kind = sealed_again(data), kind_of(data)
    for each in RECORDS:
        if kind == each.KIND:
            found = each.decode(data)
            assert each.decode(found.encode()) == found  # the bytes may lack fields that were added later
            if isinstance(found, Annotation):
                assert found.order


def _ref_entry(data: bytes) -> None:
    """Read an entry in both ways: where the fast one reads it, the other reads the same."""
    data = sealed_again(data)
    plain = plain_ref_entry.parse(data)
    is_left_to_it = plain is None or plain.ref.startswith(f"{PUBLISHED}/") or not _is_time(plain)
    try:
        entry = RefEntry.decode(data)
    except errors.Damaged:
        assert is_left_to_it
        raise
    if plain is not None and not is_left_to_it:
        assert plain[:4] == (entry.ref, entry.seq, entry.old, entry.new)
        assert (plain.prev, plain.by, plain.reason) == (entry.prev, entry.move.by, entry.move.reason)


def _is_time(plain: plain_ref_entry.Plain) -> bool:
    try:
        Timestamp.from_json({"seconds": plain.seconds, "offset": plain.offset})
    except errors.NotCanonical:
        return False
    return True


def _evaluation(data: bytes) -> None:
    data = sealed_again(data)
    record = json.loads(data) if kind_of(data) == Evaluation.KIND else {}
    brief._read(data, VersionId(record.get("version", "")), record.get("seq", 0))
    assert Evaluation.decode(data).encode() == data


def _attestation(data: bytes) -> None:
    """Read a record of an attestation whose statement is the input."""
    record = {
        "at": {"offset": 0, "seconds": 1}, "by": "Ana", "dsse": "AAAA", "key": "SHA256:" + "a" * 43, "key_id": "ab" * 32,
        "kind": Attestation.KIND, "known": 0, "nonce": "0" * 32, "payload": base64.b64encode(data).decode(), "seq": 1,
        "signature": "AAAA", "v": 1, "version": "ab" * 32,
    }  # fmt: skip
    found = Attestation.decode(sealed.seal(record))
    assert canonical.encode(found.statement) == data
    assert found.type
    assert found.envelope["payload"]
    assert Attestation.decode(found.encode()) == found


def _recipe(data: bytes) -> None:
    recipe = Recipe.decode(data)
    assert recipe.encode() == data
    assert Recipe._decode(data) == recipe


def _flag(data: bytes) -> None:
    sealed.unseal(sealed_again(data), what=ACTIVE, kind="gc")


TARGETS = (
    Target("canonical-json", canonical.decode, _DAMAGE),
    Target("version", _version, _DAMAGE),
    Target("manifest", lambda data: _object(Manifest, data), _DAMAGE),
    Target("tree", lambda data: _object(Tree, data), _DAMAGE),
    Target("recipe", _recipe, _DAMAGE),
    Target("ref-entry", _ref_entry, _DAMAGE),
    Target("evaluation-record", _evaluation, _DAMAGE),
    Target("attestation", _attestation, _DAMAGE),
    Target("records", _record, _DAMAGE),
    Target("collection-flag", _flag, _DAMAGE),
)
