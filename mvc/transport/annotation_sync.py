"""Synchronise the notes on versions, their evaluations, signatures and attestations with a remote, on push and fetch.

    here    remarks/<model>/<version id>/…        ◄─ notes that only the remote has, on fetch
    there   refs/<model>/remarks/<version id>/…   ─► notes that only this repository has, on push

Both sides then have the union of their entries by nonce; the other kinds likewise. Logs that are equal on both
sides are read once: a fetch without new entries lists the remote's refs, which it does anyway, and reads nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.remotes import annotation_logs
from mvc.remotes.remote import Remote
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records.annotations import remarks
from mvc.storage.records.annotations.log import Annotation, Logs, current
from mvc.storage.records.annotations.remarks import Note
from mvc.storage.records.annotations.signatures import Signature
from mvc.storage.records.reflog import ANNOTATIONS, REMARKS, SIGNATURES, RefName
from mvc.transport import tracking
from mvc.transport.synced_logs import SyncedLogs

Numbers = Mapping[RefName, list[int]]
"""The numbers of the entries of each log on a remote."""


@dataclass(frozen=True, slots=True)
class Received:
    """The numbers of new annotations of each kind, and the entries that cannot be read, each with the reason."""

    notes: int
    evaluations: int
    signatures: int
    attestations: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """The numbers of annotations of each kind that were new on the remote."""

    notes: int
    evaluations: int
    signatures: int
    attestations: int


def receive(repository: Repository, remote: Remote, listed: Numbers, models: Iterable[str] | None) -> Received:
    """Record the annotations listed on the remote, of `models` or all, on versions that are here.

    An entry that cannot be read is reported, and left out.
    """
    synced = _synced(repository, remote)
    synced.check({log.folder: len(seqs) for log, seqs in listed.items()})
    wanted = None if models is None else set(models)
    unread = {
        log: seqs[synced.known(log) :]
        for log, seqs in listed.items()
        if (wanted is None or log.model in wanted) and _is_new(repository, synced, log, len(seqs))
    }
    found: dict[RefName, list[Annotation]] = {log: [] for log in unread}
    unreadable: dict[RefName, list[str]] = {}
    for log, entry in annotation_logs.read(remote, unread):
        if isinstance(entry, Annotation):
            found[log].append(entry)
        else:
            unreadable.setdefault(log, []).append(entry.message)
    counts = Counter[str]()
    for log, entries in found.items():
        equal = synced.is_sent(log) if synced.known(log) else _has_all(repository, log, entries)
        with repository.locked():
            counts[log.kind] += _logs(repository, log).merge(log.model, VersionId(log.name), entries)
        if equal and log not in unreadable:
            synced.add(log, len(listed[log]))
    synced.save()
    reasons = tuple(reason for reasons in unreadable.values() for reason in reasons)
    return Received(*_numbers(counts), reasons)


def send(model: Model, remote: Remote) -> Sent:
    """Add the annotations on versions that the remote has to its logs; return how many were new there.

    Those that only the remote has are recorded here. Raises PushUncertain.
    """
    synced = _synced(model.repository, remote)
    waiting = [
        log
        for kind in ANNOTATIONS
        for id_ in model.annotated(kind)
        if not synced.is_sent(log := RefName(model.key, kind, id_))
    ]
    if not waiting:
        return Sent(0, 0, 0, 0)
    there = _versions(model, remote)
    waiting = [log for log in waiting if log.name in there]
    listed: dict[RefName, list[int]] = {}
    for kind in sorted({log.kind for log in waiting}):
        listed |= remote.refs.annotated(kind, model.key)
    numbers = {log: listed.get(log, []) for log in waiting}
    found: dict[RefName, list[Annotation]] = {log: [] for log in waiting}
    for log, entry in annotation_logs.read(remote, numbers):
        if isinstance(entry, Annotation):
            found[log].append(entry)
    counts = Counter[str]()
    for log, entries in found.items():
        counts[log.kind] += _send(model.repository, remote, log, (numbers[log], entries), synced)
    synced.save()
    return Sent(*_numbers(counts))


def _numbers(counts: Mapping[str, int]) -> tuple[int, int, int, int]:
    """Return the numbers of notes, evaluations, signatures and attestations."""
    notes, evaluations, signatures, attestations = (counts[kind] for kind in ANNOTATIONS)
    return notes, evaluations, signatures, attestations


def withdrawal(remote: Remote, model: str, id_: VersionId) -> tuple[Note | None, tuple[str, ...]]:
    """Return the note on the remote that withdraws a version from use, None if it is in use; and why others cannot be read."""
    listed = remote.refs.annotated(REMARKS, model, id_)
    entries = [entry for _, entry in annotation_logs.read(remote, listed)]
    notes = current(entry for entry in entries if isinstance(entry, Note))
    return remarks.withdrawal(notes), tuple(entry.message for entry in entries if not isinstance(entry, Annotation))


def receive_signatures(repository: Repository, remote: Remote, model: str, id_: VersionId) -> None:
    """Record the remote's signatures of one version; those that cannot be read are left out."""
    listed = remote.refs.annotated(SIGNATURES, model, id_)
    entries = [entry for _, entry in annotation_logs.read(remote, listed) if isinstance(entry, Signature)]
    with repository.locked():
        repository.signatures.merge(model, id_, entries)


def _send(
    repository: Repository,
    remote: Remote,
    log: RefName,
    there: tuple[list[int], list[Annotation]],
    synced: SyncedLogs,
) -> int:
    """Exchange the entries of one log; return how many annotations are new there."""
    (numbers, entries), id_, logs = there, VersionId(log.name), _logs(repository, log)
    known = {entry.nonce for entry in entries}
    missing = [entry for entry in logs.entries(log.model, id_) if entry.nonce not in known]
    newest = start = numbers[-1] if numbers else 0
    for entry in missing:
        newest = annotation_logs.append(remote, log, newest, entry)
    with repository.locked():
        logs.merge(log.model, id_, entries)
    if (
        not logs.faults(log.model, id_) and len(entries) == len(numbers) and newest - start == len(missing)
    ):  # nobody else has added some meanwhile
        synced.add(log, len(numbers) + len(missing))
    return sum(entry.withdraws is None for entry in missing)


def _versions(model: Model, remote: Remote) -> set[VersionId]:
    """Return the versions that the remote is known to have."""
    tips = [
        tip
        for ref, _ in tracking.all_refs(model.repository, remote.name, [model.key])
        if (tip := _target(model, remote, ref))
    ]
    return history.ancestors(model.repository.objects, tips)


def _target(model: Model, remote: Remote, ref: RefName) -> VersionId | None:
    return model.repository.refs.target(ref.tracking_ref(remote.name))


def _logs(repository: Repository, log: RefName) -> Logs[Any]:
    return repository.annotations[log.kind]


def _is_new(repository: Repository, synced: SyncedLogs, log: RefName, there: int) -> bool:
    """Return whether a log has to be read: it is not equal on both sides, and its version is here."""
    return not synced.has(log, there) and tracking.is_model(log.model) and repository.objects.has(VersionId(log.name))


def _has_all(repository: Repository, log: RefName, entries: Iterable[Annotation]) -> bool:
    """Return whether the remote has every entry of a log that is here."""
    there = {entry.nonce for entry in entries}
    logs, id_ = _logs(repository, log), VersionId(log.name)
    return all(entry.nonce in there for entry in logs.entries(log.model, id_)) and not logs.faults(log.model, id_)


def _synced(repository: Repository, remote: Remote) -> SyncedLogs:
    """Return the logs that have equal entries on both sides."""
    return SyncedLogs(
        repository.door,
        "notes",
        remote,
        lambda log: len(_logs(repository, log).numbers(log.model, VersionId(log.name))),
    )
