"""Synchronise the notes on versions with a remote, on push and fetch.

    here    remarks/<model>/<version id>/…        ◄─ notes that only the remote has, on fetch
    there   refs/<model>/remarks/<version id>/…   ─► notes that only this repository has, on push

Both sides then have the union of their entries by nonce. Logs that are equal on both sides are read once: a fetch without
new notes lists the remote's refs, which it does anyway, and reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.remotes import notes
from mvc.remotes.remote import Remote
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records import remarks
from mvc.storage.records.reflog import RefName
from mvc.storage.records.remarks import Note
from mvc.transport import tracking
from mvc.transport.synced_logs import SyncedLogs

Numbers = Mapping[RefName, list[int]]
"""The numbers of the entries of each log on a remote."""


@dataclass(frozen=True, slots=True)
class ReceivedNotes:
    """The number of new notes, and the entries that cannot be read, each with the reason."""

    count: int
    unreadable: tuple[str, ...]


def receive(repository: Repository, remote: Remote, listed: Numbers, models: Iterable[str] | None) -> ReceivedNotes:
    """Record the notes listed on the remote, of `models` or all, on versions that are here.

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
    found: dict[RefName, list[Note]] = {log: [] for log in unread}
    unreadable: dict[RefName, list[str]] = {}
    for log, entry in notes.read(remote, unread):
        if isinstance(entry, Note):
            found[log].append(entry)
        else:
            unreadable.setdefault(log, []).append(entry.message)
    count = 0
    for log, entries in found.items():
        equal = synced.is_sent(log) if synced.known(log) else _has_all(repository, log, entries)
        with repository.locked():
            count += repository.remarks.merge(log.model, VersionId(log.name), entries)
        if equal and log not in unreadable:
            synced.add(log, len(listed[log]))
    synced.save()
    return ReceivedNotes(count, tuple(reason for reasons in unreadable.values() for reason in reasons))


def send(model: Model, remote: Remote) -> int:
    """Add the notes on versions that the remote has to its logs; return how many were new there.

    Notes that only the remote has are recorded here. Raises PushUncertain.
    """
    repository = model.repository
    synced = _synced(repository, remote)
    waiting = [log for id_ in model.noted() if not synced.is_sent(log := remarks.ref(model.key, id_))]
    if not waiting:
        return 0
    there = _versions(model, remote)
    waiting = [log for log in waiting if log.name in there]
    listed = remote.refs.noted(model.key) if waiting else {}
    numbers = {log: listed.get(log, []) for log in waiting}
    found: dict[RefName, list[Note]] = {log: [] for log in waiting}
    for log, entry in notes.read(remote, numbers):
        if isinstance(entry, Note):
            found[log].append(entry)
    count = sum(_send(repository, remote, log, (numbers[log], entries), synced) for log, entries in found.items())
    synced.save()
    return count


def withdrawal(remote: Remote, model: str, id_: VersionId) -> Note | None:
    """Return the note on the remote that withdraws a version from use; None if it is in use."""
    entries = [entry for _, entry in notes.read(remote, remote.refs.noted(model, id_)) if isinstance(entry, Note)]
    return remarks.withdrawal(remarks.current(entries))


def _send(
    repository: Repository, remote: Remote, log: RefName, there: tuple[list[int], list[Note]], synced: SyncedLogs
) -> int:
    """Exchange the entries of one log; return how many notes are new there."""
    (numbers, entries), id_ = there, VersionId(log.name)
    known = {entry.nonce for entry in entries}
    missing = [note for note in repository.remarks.entries(log.model, id_) if note.nonce not in known]
    newest = start = numbers[-1] if numbers else 0
    for note in missing:
        newest = notes.append(remote, log, newest, note)
    with repository.locked():
        repository.remarks.merge(log.model, id_, entries)
    if len(entries) == len(numbers) and newest - start == len(missing):  # nobody else has added some meanwhile
        synced.add(log, len(numbers) + len(missing))
    return sum(note.withdraws is None for note in missing)


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


def _is_new(repository: Repository, synced: SyncedLogs, log: RefName, there: int) -> bool:
    """Return whether a log has to be read: it is not equal on both sides, and its version is here."""
    return not synced.has(log, there) and tracking.is_model(log.model) and repository.objects.has(VersionId(log.name))


def _has_all(repository: Repository, log: RefName, entries: Iterable[Note]) -> bool:
    """Return whether the remote has every entry of a log that is here."""
    there = {entry.nonce for entry in entries}
    return all(entry.nonce in there for entry in repository.remarks.entries(log.model, VersionId(log.name)))


def _synced(repository: Repository, remote: Remote) -> SyncedLogs:
    """Return the logs that have equal notes on both sides."""
    return SyncedLogs(
        repository.door, "notes", remote, lambda log: len(repository.remarks.numbers(log.model, VersionId(log.name)))
    )
