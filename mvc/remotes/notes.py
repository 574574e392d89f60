"""Notes on a remote: a log for each version, to which entries are only added.

    refs/<model>/remarks/<version id>/0000000001   as `.mvc/remarks/<model>/<version id>/0000000001`

The second to create an entry creates the next one, so no note is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mvc import errors
from mvc.remotes.refs import MAX_ENTRY
from mvc.remotes.remote import Remote
from mvc.storage.disk.workers import Workers
from mvc.storage.records.reflog import RefName
from mvc.storage.records.remarks import MAX_NOTES, Note

Read = tuple[RefName, Note | errors.MvcError]
"""A log, and an entry of it or the reason why that cannot be read."""


def read(remote: Remote, numbers: Mapping[RefName, Sequence[int]]) -> Iterator[Read]:
    """Yield the listed entries of logs, several at a time; an error for one that is damaged or gone."""
    wanted = ((log, seq) for log, seqs in numbers.items() for seq in seqs[:MAX_NOTES])
    with Workers(remote.jobs) as workers:
        for (log, seq), entry in workers.ahead(lambda each: (each, _entry(remote, *each)), wanted, 4 * remote.jobs):
            gone = errors.MissingThere(remote=remote.backend.where, what="the note", id=log.path(seq))
            yield log, entry if entry is not None else gone


def append(remote: Remote, log: RefName, after: int, note: Note) -> int:
    """Create the entry after number `after`, or after those that others create; return its number. Raises PushUncertain."""
    for seq in range(after + 1, MAX_NOTES + 1):
        body = replace(note, seq=seq).encode()
        there = remote.refs.create(log.path(seq), body, lambda seq=seq: _entry(remote, log, seq), log.name)  # type: ignore[misc]
        if there is None or (isinstance(there, Note) and there.nonce == note.nonce):
            return seq
    raise errors.BadNote(reason=f"the version has {MAX_NOTES:,} notes on {remote.name}")


def _entry(remote: Remote, log: RefName, seq: int) -> Note | errors.Damaged | None:
    """Return an entry, or an error for a damaged one; None for none. Raises RemoteUnreachable, RemoteDenied."""
    what = f"note {seq} of version {log.name[:10]}"
    try:
        data = remote.backend.read(log.path(seq), MAX_ENTRY)
        if len(data) > MAX_ENTRY:
            raise errors.Damaged(what=what, reason="it is too long")
        note = Note.decode(data, what=what)
        if (note.version, note.seq) != (log.name, seq):
            raise errors.Damaged(what=what, reason=f"it is note {note.seq} of version {note.version[:10]}")
    except FileNotFoundError:
        return None
    except errors.Damaged as error:
        return error
    return note
