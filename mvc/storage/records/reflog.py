"""Refs as logs: numbered entries that are created once and never changed; the highest number is the tip.

    refs/<model>/heads/main/0000000001   old: none        new: 9f86…   "commit: First baseline"
    refs/<model>/heads/main/0000000002   old: 9f86…       new: 60ab…   "commit: More night images"

    refs/<model>/published/picsellia/9f86…/0000000001   new: none   place: version 9f86… is #3 of a model there

The creation of the next entry is the only commit point. It is a create-if-absent, so a concurrent move is never lost, and
the log is also the history of the ref. Each entry has the checksum of its predecessor (`prev`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, field, replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from mvc import errors, lazy
from mvc.deferred import dataclass, regex
from mvc.model import names
from mvc.model.ids import VersionId, digest
from mvc.model.version import Timestamp
from mvc.storage.caches.tips import Tip, TipsCache
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import INLINE, OMITTED, Id, Record

if TYPE_CHECKING:
    from mvc.storage import plain_ref_entry
else:  # most commands read a few entries
    plain_ref_entry = lazy.Module("mvc.storage.plain_ref_entry")

REFS = "refs"
HEADS = "heads"
TAGS = "tags"
ALIASES = "aliases"
REMOTES = "remotes"
PUBLISHED = "published"
REMARKS = "remarks"
EVALUATIONS = "evaluations"
SIGNATURES = "signatures"
ATTESTATIONS = "attestations"
ANNOTATIONS = (REMARKS, EVALUATIONS, SIGNATURES, ATTESTATIONS)
"""The kinds of logs of what is added to a version later."""
BISECTS = "bisects"
"""The folder of bisects in progress: it is looked for without loading their module."""
_NUMBER = regex(r"[0-9]{10}\Z")
_NONCE = regex(r"[0-9a-f]{32}\Z")
_FEW = 64
"""The number of entries that are decoded one by one; for more of them, it pays to prepare."""
Nonce = Annotated[str, _NONCE.match]
"""32 random hex digits, by which the author of an entry recognizes it."""


@dataclass(frozen=True, slots=True, order=True)
class RefName:
    """The full name of a ref of a model: `kind` is heads, tags, aliases, or remotes/<remote>/<one of these>.

    Of kind published/<registry> the name is a version's id: such a log records its places, and keeps no version reachable.
    Of one of the kinds ANNOTATIONS, on a remote only, it is one too: such a log has its notes, evaluations, signatures or attestations.
    """

    model: str
    kind: str
    name: str

    @property
    def text(self) -> str:
        """The ref within its model, as entries record it: `heads/main`."""
        return f"{self.kind}/{self.name}"

    def tracking_ref(self, remote: str) -> RefName:
        """Return the remote-tracking ref of this ref on `remote`."""
        return RefName(self.model, f"{REMOTES}/{remote}/{self.kind}", self.name)

    @property
    def folder(self) -> str:
        """The name of its log, below `.mvc`."""
        return f"{_folder(self.model, self.kind)}/{names.encode_component(self.name)}"

    def path(self, seq: int) -> str:
        """Return the name of entry `seq`, below `.mvc`."""
        return f"{self.folder}/{seq:010d}"


@dataclass(frozen=True, slots=True)
class Move:
    """The author, time and reason of a ref's move; `nonce` is 32 random hex digits."""

    by: str
    at: Timestamp
    reason: str
    nonce: Nonce

    @property
    def why(self) -> str:
        """The reason, in words also where none was given."""
        return self.reason or "no reason given"


def _is_number(seq: int) -> bool:
    return seq > 0


class Seen(NamedTuple):
    """An entry of a remote's log: its number, and the id of its bytes."""

    seq: Annotated[int, _is_number]
    entry: Id


def page(host: str, version_id: str) -> str:
    """Return the URL of a version's page on the platform at `host`."""
    return f"{host}/model/version/{version_id}"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a version on a registry: `organization`, `host` and model, and its number, name and id there."""

    host: str
    organization: str
    model: str
    model_id: str
    number: int
    name: str
    id: str

    @property
    def page(self) -> str:
        """Return the URL of the version's page."""
        return page(self.host, self.id)

    def to_json(self) -> dict[str, Any]:
        """Return the place as a JSON value."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RefEntry(Record):
    """One move of a ref. `old` and `new` are None where the ref did not, or does not, exist.

    `seen` is the remote's entry, for a ref under `remotes/`: by it, a remote that was rolled back is detected. `place` is
    for an entry under `published/`, which moves nothing.
    """

    KIND = "ref"
    NOUN = "ref entry"

    ref: str
    seq: int
    old: VersionId | None
    new: VersionId | None
    prev: Id | None
    move: Move = field(metadata=INLINE)
    seen: Seen | None = field(default=None, metadata=OMITTED)
    place: Place | None = field(default=None, metadata=OMITTED)

    def check(self) -> None:
        """Raise ValueError for a `seen` outside `remotes/`, a place outside `published/`, or no place in it."""
        if self.seen is not None and not self.ref.startswith(f"{REMOTES}/"):
            raise ValueError
        if (self.place is not None) != self.ref.startswith(f"{PUBLISHED}/"):
            raise ValueError

    @classmethod
    def after(
        cls, ref: RefName, tip: RefEntry | None, new: VersionId | None, move: Move, seen: Seen | None = None
    ) -> RefEntry:
        """Return the entry that moves `ref` from `tip` to `new`."""
        if tip is None:
            return RefEntry(ref.text, 1, None, new, None, move, seen)
        return RefEntry(ref.text, tip.seq + 1, tip.new, new, tip.id, move, seen)

    @classmethod
    def for_place(cls, ref: RefName, tip: RefEntry | None, place: Place, move: Move) -> RefEntry:
        """Return the entry after `tip` that records one more place."""
        return replace(cls.after(ref, tip, None, move), place=place)

    @property
    def id(self) -> str:
        """The id of the entry's bytes."""
        return digest(self.encode())


class Moved(NamedTuple):
    """The versions of a ref entry, its number, and its time in seconds since 1970."""

    seq: int
    old: VersionId | None
    new: VersionId | None
    seconds: int


Before = Callable[[RefName, RefEntry, bool], RefEntry]
"""Returns the entry to append, or raises; True is for a move that a remote has made."""
After = Callable[[RefName, RefEntry], None]
"""Called with an entry that was appended."""


class RefLogs:
    """All ref logs of a repository."""

    def __init__(
        self, door: StoreDoor, before: Before = lambda _, entry, __: entry, after: After = lambda _, __: None
    ) -> None:
        """Read and write below `door`; `before` is called before an entry is appended, `after` once it is."""
        self._door = door
        self._before = before
        self._after = after
        self._tips = TipsCache(door)
        self._decodings = 0
        self.ends: dict[RefName, int] = {}
        """The numbers of the last entries that are read, of logs that are read as they were."""

    def tip(self, ref: RefName) -> RefEntry | None:
        """Return the newest entry, None if the ref never existed; raise Damaged."""
        numbers = self.numbers(ref)
        return self.entry(ref, numbers[-1]) if numbers else None

    def target(self, ref: RefName) -> VersionId | None:
        """Return the version that the ref points to; None if it does not exist, or was deleted."""
        tip = self.tip(ref)
        return tip.new if tip else None

    def targets(self, model: str, kind: str) -> dict[RefName, VersionId | None]:
        """Return the targets of all refs of a kind, as `target`, by a cache; raise Damaged."""
        return {ref: tip.target for ref, tip in self.tips(model, kind).items()}

    def tips(self, model: str, kind: str) -> dict[RefName, Tip]:
        """Return the targets of all refs of a kind, and the reasons of tags as far as a cache has them; raise Damaged."""
        if self.ends:
            return {ref: Tip(self.target(ref)) for ref in self.all(model, kind)}

        def read(name: str, number: str | None) -> Tip:
            ref = RefName(model, kind, names.decode_component(name))
            if number is None or not names.has_component(ref.name):
                return Tip(self.target(ref))
            entry = self.entry(ref, int(number))
            return Tip(entry.new, entry.move.reason if kind == TAGS else None)

        found = self._tips.tips(_folder(model, kind), read)
        return {RefName(model, kind, names.decode_component(name)): tip for name, tip in found}

    def numbers(self, ref: RefName) -> list[int]:
        """Return the numbers of the entries, ascending."""
        if not all(map(names.has_component, (ref.model, *ref.kind.split("/"), ref.name))):
            return []
        listed = self.numbered(self._door.names(ref.folder))
        return [seq for seq in listed if seq <= self.ends[ref]] if ref in self.ends else listed

    @staticmethod
    def numbered(listed: Iterable[str]) -> list[int]:
        """Return the numbers of the entries among the names in the folder of a log."""
        return [int(name) for name in listed if _NUMBER.match(name)]

    def entry(self, ref: RefName, seq: int) -> RefEntry:
        """Return entry number `seq`; raise Damaged, Missing."""
        return self._read(ref, seq)[0]

    def identified(self, ref: RefName, seq: int) -> tuple[RefEntry, str]:
        """Return entry number `seq`, and the id of its bytes; raise Damaged, Missing."""
        entry, data = self._read(ref, seq)
        return entry, digest(data)

    def _read(self, ref: RefName, seq: int) -> tuple[RefEntry, bytes]:
        what = f"entry {seq} of {ref.text} of {ref.model}"
        try:
            data = self._door.read(ref.path(seq))
            entry = self._decoded(data, what)
        except FileNotFoundError:
            raise errors.Missing(what="ref entry", id=ref.path(seq)) from None
        if entry.ref != ref.text or entry.seq != seq:
            raise errors.Damaged(what=what, reason=f"it is entry {entry.seq} of {entry.ref}")
        return entry, data

    def _decoded(self, data: bytes, what: str) -> RefEntry:
        self._decodings += 1
        plain = plain_ref_entry.parse(data) if self._decodings > _FEW else None
        if plain is None or plain.ref.startswith(f"{PUBLISHED}/"):
            return RefEntry.decode(data, what=what)
        try:
            at = Timestamp.from_json({"seconds": plain.seconds, "offset": plain.offset})
        except errors.NotCanonical:
            return RefEntry.decode(data, what=what)  # which names the fault
        move = Move(plain.by, at, plain.reason, plain.nonce)
        return RefEntry(plain.ref, plain.seq, plain.old, plain.new, plain.prev, move)

    def entries(self, ref: RefName) -> list[RefEntry]:
        """Return every entry, oldest first; raise Damaged, Missing."""
        return [self.entry(ref, seq) for seq in self.numbers(ref)]

    def moves(self, ref: RefName) -> list[Moved]:
        """Return what every entry moved, oldest first, by its checksum; its other fields are not checked.

        Raises Damaged, Missing.
        """
        folder, text = ref.folder, ref.text  # made once: a log may have thousands of entries
        return [self._moved(ref, seq, f"{folder}/{seq:010d}", text) for seq in self.numbers(ref)]

    def _moved(self, ref: RefName, seq: int, path: str, text: str) -> Moved:
        with contextlib.suppress(FileNotFoundError):
            plain = plain_ref_entry.parse(self._door.read(path))
            if plain is not None and (plain.ref, plain.seq) == (text, seq):
                return Moved(seq, plain.old, plain.new, plain.seconds)
        entry = self.entry(ref, seq)  # which is of another form, or names the fault
        return Moved(entry.seq, entry.old, entry.new, entry.move.at.seconds)

    def append(
        self, ref: RefName, tip: RefEntry | None, new: VersionId | None, move: Move, seen: Seen | None = None
    ) -> RefEntry:
        """Move `ref` from `tip` to `new`: the commit point. Raises RefMoved if somebody else moved it first."""
        entry = self._before(ref, RefEntry.after(ref, tip, new, move, seen), False)
        self.create(ref, entry)
        self._after(ref, entry)
        return entry

    def take(self, ref: RefName, tip: RefEntry | None, new: VersionId | None, move: Move) -> RefEntry:
        """Follow the move of a ref on a remote; as `append`."""
        entry = self._before(ref, RefEntry.after(ref, tip, new, move), True)
        self.create(ref, entry)
        return entry

    def create(self, ref: RefName, entry: RefEntry) -> None:
        """Create `entry`; accept one with the same nonce, from an earlier attempt. Raises RefMoved."""
        if self._door.create(ref.path(entry.seq), entry.encode()):
            return
        winner = self.entry(ref, entry.seq)
        if winner.move.nonce != entry.move.nonce:
            raise errors.RefMoved(ref=ref.name, by=winner.move.by, reason=winner.move.why)

    def settle(self, ref: RefName) -> None:
        """Make the entries of a log durable: an interrupted command may not have synced its folder."""
        if self._door.exists(ref.folder):
            self._door.make_durable(ref.folder)
            self._door.barrier()

    def models(self) -> list[str]:
        """Return the models that have a ref log."""
        return [names.decode_component(name) for name in self._door.names(REFS)]

    def kinds(self, model: str, *, published: bool = False) -> list[str]:
        """Return the kinds of refs that `model` has, remote-tracking ones included; `published` adds those of places."""
        top = f"{REFS}/{names.encode_component(model)}"
        kinds = [kind for kind in self._door.names(top) if kind not in (REMOTES, PUBLISHED)]
        registries = self._door.names(f"{top}/{PUBLISHED}") if published else ()
        kinds += [f"{PUBLISHED}/{names.decode_component(each)}" for each in registries]
        for remote in self._door.names(f"{top}/{REMOTES}"):
            plain = names.decode_component(remote)
            kinds += [f"{REMOTES}/{plain}/{kind}" for kind in self._door.names(f"{top}/{REMOTES}/{remote}")]
        return kinds

    def all(self, model: str, kind: str) -> list[RefName]:
        """Return every ref of a kind, deleted ones included."""
        return [RefName(model, kind, names.decode_component(name)) for name in self._door.names(_folder(model, kind))]

    def names(self, model: str, kind: str) -> list[str]:
        """Return the names of the existing refs of a kind, sorted."""
        return sorted(ref.name for ref, target in self.targets(model, kind).items() if target is not None)


def _folder(model: str, kind: str) -> str:
    """Return the folder of the logs of a kind, below `.mvc`."""
    return "/".join([REFS, *map(names.encode_component, (model, *kind.split("/")))])
