"""`mvc attest`: signed statements about a version, in the format of in-toto: its provenance, a scan, or any other predicate.

An attestation is not part of a version's identity, and travels with push and fetch, as signatures do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import mvc
from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.porcelain import scan
from mvc.registry.documents import documented_version, provenance
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.repository.signatures import attested
from mvc.repository.signatures.private_key import PrivateKey
from mvc.storage.disk import confined
from mvc.storage.records.annotations.attestations import Attestation

PROVENANCE, SCAN = "provenance", "scan"
TYPES = {PROVENANCE: provenance.TYPE, SCAN: "urn:mvc:scan:v1"}
"""The types of predicates with a name, and the URI of each."""
FILE = "attestations.intoto.jsonl"
"""The name of the file in an export: an envelope a line, a bundle of in-toto."""
MAX_FILES = 1_000
"""Files that a statement names as subjects, at most; of a larger version it names the version only."""
MAX_PREDICATE = 2 << 20
"""Bytes of a predicate in a file, at most."""
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~%!$&'()*+,;=:@/?#\[\]-]{1,490}")


@dataclass(frozen=True, slots=True)
class ListedAttestation(Document):
    """An attestation of a version, as recorded: nothing is verified.

    `type` is the URI of its predicate, `envelope` the envelope of DSSE with the statement, `key` the fingerprint of the key,
    `by` who signed as they say.
    """

    KEYS = keys("number type key by time removed envelope")

    number: int
    type: str
    key: str
    by: str
    time: Timestamp
    removed: bool
    envelope: dict[str, Any]

    @classmethod
    def of(cls, record: Attestation, *, removed: bool = False) -> ListedAttestation:
        """Return a record."""
        is_whole = record.withdraws is None
        return cls(
            record.seq,
            record.type if is_whole else "",
            record.key,
            record.by,
            record.at,
            removed,
            record.envelope if is_whole else {},
        )


@dataclass(frozen=True, slots=True)
class Attested(Document):
    """The attestations of a version that a command made, found or removed."""

    KEYS = keys("model id number attestations")

    model: str
    id: VersionId
    number: int
    attestations: tuple[ListedAttestation, ...]


def type_uri(name: str) -> str:
    """Return the URI of a type of predicates, of `provenance` and `scan` or of itself."""
    return TYPES.get(name, name)


def is_uri(text: str) -> bool:
    """Return whether a text is a URI: a scheme, and what may follow in one."""
    return _URI.fullmatch(text) is not None


def of_provenance(model: Model, id_: VersionId, builder: str | None = None) -> dict[str, Any]:
    """Return the predicate of SLSA about a version, from what it records; `builder` is a URI. Raises Missing, Damaged."""
    return provenance.predicate(documented_version.of(model, id_), builder)


def of_scan(model: Model, id_: VersionId, allow: Sequence[str] = ()) -> dict[str, Any]:
    """Return the predicate about a scan of the files of a version, by the rules of mvc only.

    Classes that settings and policies allow, or `allow`, are left out, and named. Raises NotScanned, Missing, Damaged, BadPolicy.
    """
    result = scan.of_version(model, id_, allow, ask=False)
    for file in result.files:
        if file.report is None:
            label = history.label(model.repository, id_)
            raise errors.NotScanned(version=label, path=file.path, absent=file.absent)
    return {
        "scanner": {"name": "mvc", "version": mvc.__version__, "rules": result.rules},
        "verdict": result.verdict or "plain",
        "allowed": [*result.allowed],
        "files": [_scanned(file) for file in result.files],
    }


def of_file(path: Path) -> dict[str, Any]:
    """Return the predicate in a JSON file. Raises BadPredicate."""
    try:
        data = confined.read_given(path, MAX_PREDICATE + 1)
        if len(data) > MAX_PREDICATE:
            raise errors.BadPredicate(path=path, reason=f"it has more than {MAX_PREDICATE >> 20} MiB")
        found = json.loads(data, parse_constant=_no_number, object_pairs_hook=_unique)
    except OSError as error:
        raise errors.BadPredicate(path=path, reason=error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise errors.BadPredicate(path=path, reason=f"it is not JSON: {error}") from error
    if not isinstance(found, dict) or not found:
        raise errors.BadPredicate(path=path, reason="it is not a JSON object with a key")
    return found


@writes
def attest(
    model: Model, id_: VersionId, type_: str, predicate: Mapping[str, Any], key: PrivateKey, actor: Actor
) -> Attested:
    """Sign a statement about a version; `type_` is a name in TYPES or a URI. Raises BadAttestation, Missing, Damaged."""
    version = documented_version.of(model, id_)
    subjects = [(f"{version.manifest.name}@{version.name}", str(id_))]
    if len(version.tree.entries) <= MAX_FILES:
        subjects += [(entry.path, str(entry.file)) for entry in version.tree.entries]
    made = attested.add(model, id_, subjects, type_uri(type_), predicate, key, actor)
    return _result(model, id_, [ListedAttestation.of(made)])


@writes
def remove(model: Model, id_: VersionId, numbers: Sequence[int], actor: Actor) -> Attested:
    """Remove attestations of a version by their numbers; they stay in the history. Raises NoSuchAttestation.

    A damaged one is replaced by its removal.
    """
    with model.repository.locked():
        removed = model.repository.attestations.withdraw(
            *(model.key, id_, numbers),
            lambda: Attestation(id_, 1, str(actor.person), actor.at, actor.nonce()),
            lambda number: errors.NoSuchAttestation(
                version=history.label(model.repository, id_), number=number, id=id_[:10]
            ),
        )
    return _result(model, id_, [ListedAttestation.of(record, removed=True) for record in removed])


def listed(model: Model, id_: VersionId) -> Attested:
    """Return the intact attestations of a version, oldest first; nothing is verified."""
    return _result(model, id_, [ListedAttestation.of(record) for record in attested.current(model, id_)])


def lines(model: Model, id_: VersionId) -> bytes:
    """Return the envelopes of a version's attestations, one a line. Raises NotAttested, Damaged."""
    records = attested.current(model, id_)
    model.repository.attestations.require_sound()
    if not records:
        raise errors.NotAttested(version=history.label(model.repository, id_), id=id_[:10])
    return "".join(f"{json.dumps(record.envelope, sort_keys=True)}\n" for record in records).encode()


def _result(model: Model, id_: VersionId, attestations: Iterable[ListedAttestation]) -> Attested:
    return Attested(model.key, id_, model.repository.objects.version(id_).number, tuple(attestations))


def _scanned(file: scan.ScannedFile) -> dict[str, Any]:
    findings = [{"rule": finding.rule, "verdict": finding.verdict.word} for finding in file.findings]
    digest = {"digest": {"blake3": str(file.file)}} if file.file is not None else {}
    return {"name": file.path, **digest, "verdict": file.verdict, "findings": findings}


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found
