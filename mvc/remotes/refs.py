"""Names on a remote: the same numbered logs as here, of which only the next entry is ever created, by whoever comes first.

    read    gallop from the last number seen: 42? 43? 45? 49? ─ absent ─ bisect ─► the tip
    move    create entry tip+1 ─► created: ours
                               └► taken, or no answer: read it back ─ our nonce: ours · another's: beaten · absent: again

A lost answer can hide a success, and a store that tries again by itself reports its own success as somebody else's; what
is there, with its nonce, is the only truth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from mvc import errors
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.remotes.backends.backend import Backend, Outcome
from mvc.storage.records.reflog import ALIASES, HEADS, PUBLISHED, REFS, TAGS, Move, Place, RefEntry, RefName, Seen

MAX_ENTRY = 64 * 1024
"""Bytes of an entry, at most."""
TRIES = 6
"""How often an entry is created again whose fate is open."""
_KINDS = (HEADS, TAGS, ALIASES)
_TOLD = re.compile(rf"{REFS}/([^/]+)/{PUBLISHED}/([a-z]+)/([0-9a-f]{{64}})/([0-9]{{10}})\Z")
_PATH = re.compile(rf"{REFS}/([^/]+)/({'|'.join(_KINDS)})/([^/]+)/([0-9]{{10}})\Z")

Pause = Callable[[int], None]
"""Waits before try number n, from 1."""


class RemoteRefs:
    """The names on one remote. Reading raises RemoteUnreachable, RemoteDenied, and Damaged for what is no entry."""

    def __init__(self, backend: Backend, pause: Pause) -> None:
        """Read and create by `backend`."""
        self._backend = backend
        self._pause = pause

    def entry(self, ref: RefName, seq: int) -> RefEntry | None:
        """Entry number `seq`, None when there is none."""
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
        """The newest entry, None when the name was never made; `seen` is one that was there when last looked at.

        Raises RemoteRewritten when it is not there any more.
        """
        last = self._as_seen(ref, seen) if seen is not None else None
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
        """Entry `seq`, which was listed as the newest. Raises RemoteRewritten as `tip`, MissingThere."""
        found = self.entry(ref, seq)
        if found is None:
            raise errors.MissingThere(remote=self._backend.where, what="the entry", id=ref.path(seq))
        if seen is not None and seen != (found.seq, found.id):
            before = self._as_seen(ref, seen)
            if before.seq >= seq:
                raise errors.RemoteRewritten(remote=self._backend.where, reason=f"{ref.text} of {ref.model} went back")
        return found

    def numbers(self, model: str | None = None) -> dict[RefName, int]:
        """The newest number of each name, of one model or of all, by a listing; names that were removed included."""
        return self.everything(model)[0]

    def published(self, model: str) -> dict[RefName, int]:
        """The newest number of each log that tells where a version of `model` is on a registry."""
        return _newest(self._listed(f"{REFS}/{names.encode_component(model)}/{PUBLISHED}", _told))

    def everything(self, model: str | None = None) -> tuple[dict[RefName, int], dict[RefName, int], set[str]]:
        """Both of these, by one listing; and the folders of names that stand for none, as they are spelled there."""
        strange: set[str] = set()
        folder = REFS if model is None else f"{REFS}/{names.encode_component(model)}"
        found = _newest(self._listed(folder, lambda path: _named(path) or _told(path), strange))
        told = {ref: seq for ref, seq in found.items() if ref.kind.startswith(f"{PUBLISHED}/")}
        return {ref: seq for ref, seq in found.items() if ref not in told}, told, strange

    def move(self, ref: RefName, tip: RefEntry | None, new: VersionId | None, move: Move) -> RefEntry:
        """Have `ref` go on from `tip` to `new`: the commit point.

        Raises RefMoved when somebody else was first, PushUncertain when the remote does not tell.
        """
        return self._create(ref, RefEntry.after(ref, tip, new, move))

    def tell(self, ref: RefName, tip: RefEntry | None, place: Place, move: Move) -> RefEntry:
        """Have the log `ref` tell of one more place after `tip`; raises as `move`."""
        return self._create(ref, RefEntry.telling(ref, tip, place, move))

    def _create(self, ref: RefName, entry: RefEntry) -> RefEntry:
        body = entry.encode()
        for attempt in range(TRIES):
            if attempt:
                self._pause(attempt)
            try:
                if self._backend.create(ref.path(entry.seq), body) is Outcome.CREATED:
                    return entry
                there = self.entry(ref, entry.seq)
            except errors.RemoteUnreachable:
                there = self._after_silence(ref, entry)
            if there is not None:
                return self._verdict(ref, entry, there)
        raise errors.PushUncertain(remote=self._backend.where, ref=ref.name)

    def _as_seen(self, ref: RefName, seen: Seen) -> RefEntry:
        found = self.entry(ref, seen.seq)
        if found is None or found.id != seen.entry:
            reason = f"entry {seen.seq} of {ref.text} of {ref.model} is {'gone' if found is None else 'another one'}"
            raise errors.RemoteRewritten(remote=self._backend.where, reason=reason)
        return found

    def _after_silence(self, ref: RefName, entry: RefEntry) -> RefEntry | None:
        """What is there after a create or a read that got no answer; None for nothing, or no answer again."""
        try:
            return self.entry(ref, entry.seq)
        except errors.RemoteUnreachable:
            return None

    @staticmethod
    def _verdict(ref: RefName, ours: RefEntry, there: RefEntry) -> RefEntry:
        if there.move.nonce == ours.move.nonce:
            return there
        raise errors.RefMoved(ref=ref.name, by=there.move.by, reason=there.move.reason)

    def _listed(
        self, folder: str, read: Callable[[str], tuple[RefName, int] | None], strange: set[str] | None = None
    ) -> Iterator[tuple[RefName, int]]:
        """Each entry's name and number; what mvc cannot have written there is none, and its folder goes to `strange`."""
        for listed in self._backend.list(folder):
            try:
                found = read(listed.name)
            except errors.Damaged:
                if strange is not None:
                    strange.add(listed.name.removeprefix(f"{REFS}/").rpartition("/")[0])
                continue
            if found is not None:
                yield found


def _newest(listed: Iterable[tuple[RefName, int]]) -> dict[RefName, int]:
    found: dict[RefName, int] = {}
    for ref, seq in listed:
        found[ref] = max(seq, found.get(ref, 0))
    return found


def _named(path: str) -> tuple[RefName, int] | None:
    """The name and number of an entry of a branch, tag or alias that lies at `path`; raises Damaged."""
    match = _PATH.match(path)
    if match is None:
        return None
    return RefName(names.decode_component(match[1]), match[2], names.decode_component(match[3])), int(match[4])


def _told(path: str) -> tuple[RefName, int] | None:
    """The same of an entry that tells where a version is on a registry."""
    match = _TOLD.match(path)
    if match is None:
        return None
    return RefName(names.decode_component(match[1]), f"{PUBLISHED}/{match[2]}", match[3]), int(match[4])
