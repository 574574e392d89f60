"""Annotations on a remote: a log for each version and kind, to which entries are only added.

    refs/<model>/remarks/<version id>/0000000001       as `.mvc/remarks/<model>/<version id>/0000000001`
    refs/<model>/evaluations/<version id>/0000000001   likewise
    refs/<model>/signatures/<version id>/0000000001    likewise
    refs/<model>/attestations/<version id>/0000000001  likewise

The second to create an entry creates the next one, so no annotation is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mvc import errors
from mvc.remotes.remote import Remote
from mvc.storage.disk.workers import Workers
from mvc.storage.records.annotations.attestations import Attestation
from mvc.storage.records.annotations.evaluations import Evaluation
from mvc.storage.records.annotations.log import MAX_ENTRIES, Annotation
from mvc.storage.records.annotations.remarks import Note
from mvc.storage.records.annotations.signatures import Signature
from mvc.storage.records.reflog import RefName

KINDS: dict[str, type[Annotation]] = {kind.FOLDER: kind for kind in (Note, Evaluation, Signature, Attestation)}
"""The kinds, by the kind of their logs."""
Read = tuple[RefName, Annotation | errors.MvcError]
"""A log, and an entry of it or the reason why that cannot be read."""


def read(remote: Remote, numbers: Mapping[RefName, Sequence[int]]) -> Iterator[Read]:
    """Yield the listed entries of logs, several at a time; an error for one that is damaged or gone."""
    wanted = ((log, seq) for log, seqs in numbers.items() for seq in seqs[:MAX_ENTRIES])
    with Workers(remote.jobs) as workers:
        for (log, seq), entry in workers.ahead(lambda each: (each, _entry(remote, *each)), wanted, 4 * remote.jobs):
            what = f"the {KINDS[log.kind].NOUN}"
            gone = errors.MissingThere(remote=remote.backend.where, what=what, id=log.path(seq))
            yield log, entry if entry is not None else gone


def append(remote: Remote, log: RefName, after: int, entry: Annotation) -> int:
    """Create the entry after number `after`, or after those that others create; return its number. Raises PushUncertain."""
    for seq in range(after + 1, MAX_ENTRIES + 1):
        body = replace(entry, seq=seq).encode()
        there = remote.refs.create(log.path(seq), body, lambda seq=seq: _entry(remote, log, seq), log.name)  # type: ignore[misc]
        if there is None or (isinstance(there, Annotation) and there.nonce == entry.nonce):
            return seq
    raise entry.refusal(f"the version has {MAX_ENTRIES:,} {entry.NOUN}s on {remote.name}")


def _entry(remote: Remote, log: RefName, seq: int) -> Annotation | errors.Damaged | None:
    """Return an entry, or an error for a damaged one; None for none. Raises RemoteUnreachable, RemoteDenied."""
    kind = KINDS[log.kind]
    try:
        return kind.read(remote.backend.read(log.path(seq), kind.MAX_BYTES), log.name, seq)
    except FileNotFoundError:
        return None
    except errors.Damaged as error:
        return error
