"""Annotations: notes, evaluations and signatures, which people add to a version after the fact; not part of its identity.

    <kind>/<model>/<version id>/0000000001   {"by":"Ana <…>","nonce":"5d…",…}
    <kind>/<model>/<version id>/0000000002   {"by":"Ben <…>","nonce":"77…","withdraws":"5d…",…}

A log of numbered entries, each created once; an annotation is removed by an entry that withdraws it. A remote has the same
logs, and merging two of them is the union of their entries by nonce. The order of annotations is that of their times, and
within a second that of the entries `known` to their authors, so it is the same in every repository.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from typing import Annotated, ClassVar, Generic, Self, TypeVar

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.ids import VersionId, is_id
from mvc.model.version import Timestamp
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import config
from mvc.storage.records.record import OMITTED, Record
from mvc.storage.records.reflog import Nonce, RefLogs, RefName

_NONCE = re.compile(rb'"nonce":"([0-9a-f]{32})"')
MAX_ENTRIES = 10_000
"""Entries of one log, at most."""


@dataclass(frozen=True, slots=True)
class Annotation(Record):
    """An entry: an annotation, or with `withdraws` the removal of the one with that nonce.

    `known` is the number of entries that were in the log of its author. FOLDER is the folder below `.mvc`, and the kind of
    these logs on a remote: `refs/<model>/<FOLDER>/<version id>/…`; MAX_BYTES are the bytes of an entry, at most.
    """

    FOLDER: ClassVar[str]
    MAX_BYTES: ClassVar[int]
    FEATURE: ClassVar[str | None] = None
    """The feature that a store with such entries requires; None if an older mvc may ignore them."""

    version: VersionId
    seq: Annotated[int, (0).__lt__]
    by: str
    at: Timestamp
    nonce: Nonce
    known: Annotated[int, (-1).__lt__] = 0
    withdraws: Nonce | None = field(default=None, metadata=OMITTED)

    def check(self) -> None:
        """Raise ValueError for an invalid entry."""
        if self._content_fault() is not None:
            raise ValueError

    @property
    def order(self) -> tuple[int, int, str]:
        """The key of its place among annotations."""
        return self.at.seconds, self.known, self.nonce

    @property
    def fault(self) -> str | None:
        """The reason why the entry cannot be added; None for a valid one."""
        too_long = f"it has more than {self.MAX_BYTES >> 10} KiB"
        return self._content_fault() or (too_long if len(self.encode()) > self.MAX_BYTES else None)

    def _content_fault(self) -> str | None:
        return self.content_fault() if self.withdraws is None else None

    def content_fault(self) -> str | None:
        """Return the reason why the content is invalid; None for a valid one."""
        raise NotImplementedError

    @classmethod
    def refusal(cls, reason: str) -> errors.MvcError:
        """Return the error for an entry that cannot be added."""
        raise NotImplementedError

    @classmethod
    def read(cls, data: bytes, version: str, seq: int) -> Self:
        """Return entry `seq` of the log of `version`; raise Damaged."""
        what = f"{cls.NOUN} {seq} of version {version[:10]}"
        if len(data) > cls.MAX_BYTES:
            raise errors.Damaged(what=what, reason="it is too long")
        found = cls.decode(data, what=what)
        if (found.version, found.seq) != (version, seq):
            raise errors.Damaged(what=what, reason=f"it is {cls.NOUN} {found.seq} of version {found.version[:10]}")
        return found


Entry = TypeVar("Entry", bound=Annotation)


def current(entries: Iterable[Entry]) -> list[Entry]:
    """Return the annotations among the entries of a version that are not removed, oldest first."""
    entries = sorted(entries, key=lambda entry: entry.order)
    removed = {entry.withdraws for entry in entries}
    return [entry for entry in entries if entry.withdraws is None and entry.nonce not in removed]


class Logs(Generic[Entry]):
    """The logs of one kind in a repository."""

    def __init__(self, door: StoreDoor, kind: type[Entry]) -> None:
        """Read and write entries of `kind` below `door`."""
        self._door = door
        self.kind = kind
        self.unreadable: dict[str, errors.Damaged] = {}
        """The damaged entries that were skipped, by their paths."""

    def ref(self, model: str, version: VersionId) -> RefName:
        """Return the name of a log on a remote."""
        return RefName(model, self.kind.FOLDER, version)

    def folder(self, model: str, version: VersionId | str | None = None) -> str:
        """Return the folder of a version's log, or of all logs of a model, below `.mvc`."""
        top = f"{self.kind.FOLDER}/{names.encode_component(model)}"
        return top if version is None else f"{top}/{version}"

    def _path(self, model: str, version: VersionId, seq: int) -> str:
        return f"{self.folder(model, version)}/{seq:010d}"

    def versions(self, model: str) -> list[VersionId]:
        """Return the versions of `model` that have a log."""
        return [VersionId(name) for name in self._door.names(self.folder(model)) if is_id(name)]

    def numbers(self, model: str, version: VersionId) -> list[int]:
        """Return the numbers of the entries, ascending."""
        return RefLogs.numbered(self._door.names(self.folder(model, version)))

    def entry(self, model: str, version: VersionId, seq: int) -> Entry:
        """Return one entry; raise Damaged, Missing."""
        return self.kind.read(self.data(model, version, seq), version, seq)

    def data(self, model: str, version: VersionId, seq: int) -> bytes:
        """Return the bytes of an entry, which may be damaged; raise Damaged for too many, Missing."""
        name = self._path(model, version, seq)
        try:
            return self._door.read(name)
        except FileNotFoundError:
            raise errors.Missing(what=self.kind.NOUN, id=name) from None

    def entries(self, model: str, version: VersionId) -> list[Entry]:
        """Return the entries of a version, removals included, in the order of their times.

        Damaged ones are left out, and `unreadable` then has them.
        """
        found: dict[str, Entry] = {}
        for seq in self.numbers(model, version):
            path = self._path(model, version, seq)
            try:
                entry = self.entry(model, version, seq)
            except errors.Damaged as error:
                self.unreadable[path] = error
            else:
                self.unreadable.pop(path, None)
                found.setdefault(entry.nonce, entry)  # one that was repaired may be there twice
        return sorted(found.values(), key=lambda entry: entry.order)

    def faults(self, model: str, version: VersionId) -> dict[int, errors.Damaged]:
        """Return the errors of the damaged entries of a version that were met, by number."""
        paths = {self._path(model, version, seq): seq for seq in self.numbers(model, version)}
        return {paths[path]: error for path, error in self.unreadable.items() if path in paths}

    def nonce_of(self, model: str, version: VersionId, seq: int) -> str | None:
        """Return the nonce in the bytes of a damaged entry; None if it is lost."""
        match = _NONCE.search(self._door.read(self._path(model, version, seq)))
        return match[1].decode() if match else None

    def replace(self, model: str, seq: int, entry: Entry) -> Entry:
        """Write an entry in place of the damaged one with number `seq`. The caller holds the lock."""
        stored = replace(entry, seq=seq)
        path = self._path(model, entry.version, seq)
        self._door.replace(path, stored.encode())
        self.unreadable.pop(path, None)
        return stored

    def withdraw(
        self,
        model: str,
        version: VersionId,
        numbers: Sequence[int] | None,
        removal: Callable[[], Entry],
        missing: Callable[[int], errors.MvcError],
    ) -> list[Entry]:
        """Append the removal of annotations by their numbers, None for all; return what each withdraws.

        `removal` returns a new entry to be that. In place of a damaged annotation, the removal is written, too. Raises the
        error that `missing` returns for a number that there is not, and the refusal of an entry. The caller holds the lock.
        """
        found = {entry.seq: entry for entry in self.current(model, version)}
        damaged = self.faults(model, version)
        for number in numbers or ():
            if number not in found and number not in damaged:
                raise missing(number)
        chosen = dict.fromkeys([*found, *damaged] if numbers is None else numbers)
        return [self._withdraw(model, number, found.get(number), removal) for number in chosen]

    def _withdraw(self, model: str, number: int, found: Entry | None, removal: Callable[[], Entry]) -> Entry:
        """Withdraw one annotation, None for a damaged one; one that has lost its nonce is given another."""
        made = removal()
        nonce = found.nonce if found is not None else self.nonce_of(model, made.version, number) or removal().nonce
        stored = self.add(model, replace(made, withdraws=nonce))
        return found or self.replace(model, number, stored)

    def current(self, model: str, version: VersionId) -> list[Entry]:
        """Return the annotations of a version that are not removed, oldest first, without damaged ones."""
        return current(self.entries(model, version))

    def require_sound(self) -> None:
        """Raise Damaged if an entry that was read is damaged: for a decision that it may change."""
        for error in self.unreadable.values():
            raise error

    def add(self, model: str, entry: Entry) -> Entry:
        """Append a new entry, which knows the number of those before it; raise its refusal. The caller holds the lock."""
        try:
            fault = entry.fault
        except errors.NotCanonical as error:
            fault = str(error.fields["reason"])
        if fault is not None:
            raise entry.refusal(fault)
        return self.append(model, replace(entry, known=len(self.numbers(model, entry.version))))

    def append(self, model: str, entry: Entry) -> Entry:
        """Create the entry under the lowest free number, and return it as stored. The caller holds the lock."""
        return replace(entry, seq=self._create(model, entry.version, entry))

    def _create(self, model: str, version: VersionId, content: Entry | bytes) -> int:
        """Write an entry, or its bytes as they are, under the lowest free number, and return that."""
        if self.kind.FEATURE is not None:
            config.require(self._door, [self.kind.FEATURE])
        taken = set(self.numbers(model, version))
        for seq in range(1, MAX_ENTRIES + 1):
            if seq not in taken:
                data = content if isinstance(content, bytes) else replace(content, seq=seq).encode()
                if self._door.create(self._path(model, version, seq), data):
                    return seq
        raise self.kind.refusal(f"the version has {MAX_ENTRIES:,} {self.kind.NOUN}s already")

    def merge(self, model: str, version: VersionId, others: Iterable[Entry]) -> int:
        """Add the entries that are missing here; return how many annotations are new. The caller holds the lock."""
        known = {entry.nonce for entry in self.entries(model, version)}
        missing = {entry.nonce: entry for entry in others if entry.nonce not in known}
        for entry in missing.values():
            self.append(model, entry)
        return sum(entry.withdraws is None for entry in missing.values())

    def rename(self, old: str, new: str) -> None:
        """Move the logs of the model `old` to `new`; again after an interruption. The caller holds the lock."""
        if not self._door.exists(self.kind.FOLDER):
            return
        if self._door.exists(self.folder(old)) and not self._door.exists(self.folder(new)):
            self._door.rename_folder(self.folder(old), self.folder(new))
        self._door.make_durable(self.kind.FOLDER)  # a command that was killed may have renamed it before the fsync
        self._door.barrier()
        for version in self.versions(old):
            self.merge(new, version, self.entries(old, version))
            for seq in self.faults(old, version):  # kept as it is: a remote may have a copy of it
                self._create(new, version, self._door.read(self._path(old, version, seq)))
            self.remove(old, version)

    def remove(self, model: str, version: VersionId) -> None:
        """Delete the log of a version that no longer exists. The caller holds the lock."""
        log = self.folder(model, version)
        self._door.remove_all([f"{log}/{name}" for name in self._door.names(log)])
