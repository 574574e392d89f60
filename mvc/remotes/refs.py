"""Refs on a remote: numbered logs as in a repository; a move is a create-if-absent of the next entry.

    read    gallop from the last known number: 42? 43? 45? 49? ─ absent ─ bisect ─► the tip
    move    create entry tip+1 ─► created: ours
                               └► taken, or no answer: read it ─ our nonce: ours · another: rejected · absent: retry

A lost answer can hide a success, and a store that retries by itself reports its own success as TAKEN. Only the nonce in the
entry identifies its author.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from mvc import errors
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.remotes.backends.backend import Backend, Outcome
from mvc.storage.records.reflog import (
    ALIASES,
    ANNOTATIONS,
    HEADS,
    PUBLISHED,
    REFS,
    TAGS,
    Move,
    Place,
    RefEntry,
    RefName,
    Seen,
)

MAX_ENTRY = 64 * 1024
"""The largest entry, in bytes."""
TRIES = 6
"""Attempts to create an entry when it is unknown whether it was created."""
_KINDS = (HEADS, TAGS, ALIASES)
_PUBLISHED_PATH = re.compile(rf"{REFS}/([^/]+)/{PUBLISHED}/([a-z]+)/([0-9a-f]{{64}})/([0-9]{{10}})\Z")
_ANNOTATION_PATH = re.compile(rf"{REFS}/([^/]+)/({'|'.join(ANNOTATIONS)})/([0-9a-f]{{64}})/([0-9]{{10}})\Z")
_REF_PATH = re.compile(rf"{REFS}/([^/]+)/({'|'.join(_KINDS)})/([^/]+)/([0-9]{{10}})\Z")

T = TypeVar("T")
Pause = Callable[[int], None]
"""A function that waits after n failed attempts, from 1."""


class Listing(NamedTuple):
    """The logs on a remote, each with its newest number; `strange` are folders that are none.

    `refs` are branches, tags and aliases, deleted ones included, `published` the places of versions, `annotations` the
    notes on them, their evaluations and signatures, with all numbers.
    """

    refs: dict[RefName, int]
    published: dict[RefName, int]
    annotations: dict[RefName, list[int]]
    strange: set[str]


class RemoteRefs:
    """The refs of one remote. Reading raises RemoteUnreachable, RemoteDenied, and EntryDamagedThere."""

    def __init__(self, backend: Backend, pause: Pause) -> None:
        """Read and create entries by `backend`, with `pause` between attempts."""
        self._backend = backend
        self._pause = pause

    def entry(self, ref: RefName, seq: int) -> RefEntry | None:
        """Return entry number `seq`, None for none."""
        what, where = f"Entry {seq} of {ref.text} of {ref.model}", self._backend.where
        try:
            data = self._backend.read(ref.path(seq), MAX_ENTRY)
        except FileNotFoundError:
            return None
        try:
            if len(data) > MAX_ENTRY:
                raise errors.Damaged(what=what, reason="it is too long")
            entry = RefEntry.decode(data, what=what)
            if entry.ref != ref.text or entry.seq != seq or entry.seen is not None:
                raise errors.Damaged(what=what, reason=f"it is entry {entry.seq} of {entry.ref}")
        except errors.Damaged as error:
            reason = error.fields["reason"]
            raise errors.EntryDamagedThere(what=what, remote=where, reason=reason, path=ref.path(seq)) from error
        return entry

    def tip(self, ref: RefName, seen: Seen | None = None) -> RefEntry | None:
        """Return the newest entry, None for a ref that never existed.

        `seen` is the newest entry at the last contact.

        Raises RemoteRewritten if that entry no longer exists.
        """
        last = self._check_tracked(ref, seen) if seen is not None else None
        low, step, high = (seen.seq if seen else 0), 1, 0
        while not high:
            found = self.entry(ref, low + step)
            if found is None:
                high = low + step
            else:
                last, low, step = found, low + step, step * 2
        while high - low > 1:
            middle = (low + high) // 2
            found = self.entry(ref, middle)
            if found is None:
                high = middle
            else:
                last, low = found, middle
        return last

    def at(self, ref: RefName, seq: int, seen: Seen | None = None) -> RefEntry:
        """Return entry `seq`, which was listed as the newest. Raises RemoteRewritten as `tip`, MissingThere."""
        found = self.entry(ref, seq)
        if found is None:
            raise errors.MissingThere(remote=self._backend.where, what="the entry", id=ref.path(seq))
        if seen is not None and seen != (found.seq, found.id):
            before = self._check_tracked(ref, seen)
            if before.seq >= seq:
                raise errors.RemoteRewritten(
                    remote=self._backend.where, reason=f"{ref.text} of {ref.model} lost its newest log entries"
                )
        return found

    def numbers(self, model: str | None = None) -> dict[RefName, int]:
        """Return the newest number of each ref, deleted ones included, of one model or of all, by a listing."""
        return self.everything(model).refs

    def published(self, model: str) -> dict[RefName, int]:
        """Return the newest number of each log of published places of `model`'s versions."""
        return _newest(self._listed(f"{REFS}/{names.encode_component(model)}/{PUBLISHED}", _published_path))

    def annotated(self, kind: str, model: str, version: VersionId | None = None) -> dict[RefName, list[int]]:
        """Return the numbers of the annotations of a kind on each of `model`'s versions, or on one."""
        folder = f"{REFS}/{names.encode_component(model)}/{kind}{f'/{version}' if version else ''}"
        return _numbers(self._listed(folder, _annotation_path))

    def everything(self, model: str | None = None) -> Listing:
        """Return the newest number of each log, by one listing. Kinds that this version does not know are ignored."""
        strange: set[str] = set()
        folder = REFS if model is None else f"{REFS}/{names.encode_component(model)}"
        listed = list(
            self._listed(
                folder, lambda path: _ref_path(path) or _published_path(path) or _annotation_path(path), strange
            )
        )
        annotations = _numbers(entry for entry in listed if entry[0].kind in ANNOTATIONS)
        newest = _newest(entry for entry in listed if entry[0].kind not in ANNOTATIONS)
        published = {ref: seq for ref, seq in newest.items() if ref.kind.startswith(f"{PUBLISHED}/")}
        refs = {ref: seq for ref, seq in newest.items() if ref not in published}
        return Listing(refs, published, annotations, strange)

    def move(self, ref: RefName, tip: RefEntry | None, new: VersionId | None, move: Move) -> RefEntry:
        """Move `ref` from `tip` to `new`: the commit point of a push.

        Raises RefMoved if another client moved it first, PushUncertain if the remote does not answer.
        """
        return self._create(ref, RefEntry.after(ref, tip, new, move))

    def record_place(self, ref: RefName, tip: RefEntry | None, place: Place, move: Move) -> RefEntry:
        """Record one more place in the log `ref`, after `tip`. Raises as `move`."""
        return self._create(ref, RefEntry.for_place(ref, tip, place, move))

    def _create(self, ref: RefName, entry: RefEntry) -> RefEntry:
        there = self.create(ref.path(entry.seq), entry.encode(), lambda: self.entry(ref, entry.seq), ref.name)
        return entry if there is None else self._check_ours(ref, entry, there)

    def create(self, path: str, body: bytes, read: Callable[[], T | None], called: str) -> T | None:
        """Create an entry; return None if this call has created it, else the entry that `read` finds there.

        That may be the same one, if an answer was lost. Raises PushUncertain if the remote does not answer.
        """
        for attempt in range(TRIES):
            if attempt:
                self._pause(attempt)
            try:
                if self._backend.create(path, body) is Outcome.CREATED:
                    return None
                there = read()
            except errors.RemoteUnreachable:
                there = _after_no_answer(read)
            if there is not None:
                return there
        raise errors.PushUncertain(remote=self._backend.where, ref=called)

    def _check_tracked(self, ref: RefName, seen: Seen) -> RefEntry:
        found = self.entry(ref, seen.seq)
        if found is None or found.id != seen.entry:
            reason = f"entry {seen.seq} of {ref.text} of {ref.model} is {'gone' if found is None else 'another one'}"
            raise errors.RemoteRewritten(remote=self._backend.where, reason=reason)
        return found

    @staticmethod
    def _check_ours(ref: RefName, ours: RefEntry, found: RefEntry) -> RefEntry:
        if found.move.nonce == ours.move.nonce:
            return found
        raise errors.RefMoved(ref=ref.name, by=found.move.by, reason=found.move.why)

    def _listed(
        self, folder: str, read: Callable[[str], tuple[RefName, int] | None], strange: set[str] | None = None
    ) -> Iterator[tuple[RefName, int]]:
        """Yield the name and number of each entry.

        A path of another form is skipped, and its folder added to `strange`.
        """
        for listed in self._backend.list(folder):
            try:
                found = read(listed.name)
            except errors.Damaged:
                if strange is not None:
                    strange.add(listed.name.removeprefix(f"{REFS}/").rpartition("/")[0])
                continue
            if found is not None:
                yield found


def _after_no_answer(read: Callable[[], T | None]) -> T | None:
    """Return the entry after a create or a read without an answer; None for no entry, or no answer again."""
    try:
        return read()
    except errors.RemoteUnreachable:
        return None


def _newest(listed: Iterable[tuple[RefName, int]]) -> dict[RefName, int]:
    found: dict[RefName, int] = {}
    for ref, seq in listed:
        found[ref] = max(seq, found.get(ref, 0))
    return found


def _numbers(listed: Iterable[tuple[RefName, int]]) -> dict[RefName, list[int]]:
    found: dict[RefName, list[int]] = {}
    for ref, seq in sorted(listed):
        found.setdefault(ref, []).append(seq)
    return found


def _ref_path(path: str) -> tuple[RefName, int] | None:
    """Return the ref and number of an entry of a branch, tag or alias; None for another path. Raises Damaged."""
    match = _REF_PATH.match(path)
    if match is None:
        return None
    return RefName(names.decode_component(match[1]), match[2], names.decode_component(match[3])), int(match[4])


def _published_path(path: str) -> tuple[RefName, int] | None:
    """Return the log and number of an entry about a published version; None for another path. Raises Damaged."""
    match = _PUBLISHED_PATH.match(path)
    if match is None:
        return None
    return RefName(names.decode_component(match[1]), f"{PUBLISHED}/{match[2]}", match[3]), int(match[4])


def _annotation_path(path: str) -> tuple[RefName, int] | None:
    """Return the log and number of a note, an evaluation or a signature; None for another path. Raises Damaged."""
    match = _ANNOTATION_PATH.match(path)
    return None if match is None else (RefName(names.decode_component(match[1]), match[2], match[3]), int(match[4]))
