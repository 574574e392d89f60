"""Dropped versions on a remote: the log `expired/`, which `mvc prune --remote` appends to and every client reads.

    expired/0000000001   {"files":["60…"],"versions":["9f…"],"reason":"prune --keep-last 5","prev":null,…}
    expired/0000000002   {"files":[],"revived":["9f…"],"reason":"push --revive",…}

Entries are created if absent, as those of refs. Who finds the next number taken appends after it: records are independent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mvc import errors
from mvc.model.ids import FileId, VersionId, digest
from mvc.remotes.backends.backend import Backend, Outcome
from mvc.remotes.refs import Pause
from mvc.remotes.store import Store
from mvc.remotes.upload_plan import DroppedFiles, Fresh
from mvc.storage.records.promised import EXPIRED, Cause, Dropped, Expired

MAX_RECORD = 64 * 1024
"""The largest record, in bytes."""
_IDS = 800
"""The most ids of one record, which keeps it below that size."""
_NAME = re.compile(rf"{EXPIRED}/[0-9]{{10}}")
TRIES = 20
"""Attempts to append."""


def read(backend: Backend) -> list[Expired]:
    """Return all records, oldest first. Raises RemoteUnreachable, RemoteDenied, EntryDamagedThere.

    Other files there are ignored, such as those of a file manager or the copies of a program that synchronises folders.
    """
    records: list[Expired] = []
    for name in sorted(listed.name for listed in backend.list(EXPIRED) if _NAME.fullmatch(listed.name)):
        record = _record(backend, name)
        if name == _path(record.seq):
            records.append(record)
    return records


def append(backend: Backend, record: Expired, pause: Pause) -> Expired:
    """Append a record, with the next number. Raises PushUncertain, and as `read`."""
    before = read(backend)
    for attempt in range(TRIES):
        last = before[-1] if before else None
        made = replace(record, seq=last.seq + 1 if last else 1, prev=digest(last.encode()) if last else None)
        try:
            if backend.create(_path(made.seq), made.encode()) is Outcome.CREATED:
                return made
        except errors.RemoteUnreachable:
            pause(attempt + 1)
        before = read(backend)
        if before and before[-1] == made:
            return made
    raise errors.PushUncertain(remote=backend.where, ref=EXPIRED)


def drop(backend: Backend, dropped: Mapping[VersionId, Iterable[FileId]], cause: Cause, pause: Pause) -> None:
    """Record versions as dropped, each with its files. Raises as `append`."""
    for files, versions in _batches(dropped):
        append(backend, Expired(1, None, *cause, tuple(sorted(files)), tuple(sorted(versions))), pause)


def dropped_files(
    store: Store, records: Sequence[Expired], fresh: Fresh, revived: Iterable[VersionId] = ()
) -> DroppedFiles:
    """Return the files to skip in a push of `fresh`, as each version that uses them dropped them; all dropped are doubted.

    Versions in `revived` get their bytes again.
    """
    dropped = Dropped(records)
    for id_ in revived:
        dropped.versions.pop(id_, None)
    if not dropped.files:
        return DroppedFiles()
    pairs = [(id_, entry.file) for id_, version in fresh for entry in store.objects.tree(version.tree).entries]
    kept = {file for id_, file in pairs if not dropped.record(id_, file)}
    skip = {file for _, file in pairs} - kept - {version.model_toml for _, version in fresh}
    return DroppedFiles(skip, set(dropped.files))


def revive(backend: Backend, versions: Iterable[VersionId], cause: Cause, pause: Pause) -> None:
    """Record that dropped versions have their bytes again. Raises as `append`."""
    append(backend, Expired(1, None, *cause, (), revived=tuple(sorted(versions))), pause)


def _batches(dropped: Mapping[VersionId, Iterable[FileId]]) -> Iterator[tuple[set[FileId], set[VersionId]]]:
    """Yield files and versions for one record each; a version with many files is in several."""
    files, versions = set[FileId](), set[VersionId]()
    for id_, own in dropped.items():
        left = sorted(own)
        while left:
            part, left = left[:_IDS], left[_IDS:]
            if files and len(files) + len(versions) + len(part) > _IDS:
                yield files, versions
                files, versions = set(), set()
            files.update(part)
            versions.add(id_)
    if files:
        yield files, versions


def _record(backend: Backend, name: str) -> Expired:
    data = backend.read(name, MAX_RECORD)
    try:
        return Expired.decode(data[: MAX_RECORD + 1], what=name)
    except errors.Damaged as error:
        reason = error.fields["reason"]
        raise errors.EntryDamagedThere(what=name, remote=backend.where, reason=reason, path=name) from error


def _path(seq: int) -> str:
    return f"{EXPIRED}/{seq:010d}"
