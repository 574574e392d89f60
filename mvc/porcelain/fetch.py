"""`mvc fetch`: download the refs of a remote and the metadata of all versions they reach.

remote's refs ─► metadata packs ─► check new versions ─► record promised files ─► notes, signatures ─► the reader's gate
                                                                                         remote-tracking refs ◄─┘

The content of files is fetched lazily. Nothing visible changes until the remote-tracking refs move.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import FileId, VersionId
from mvc.registry import place_sync
from mvc.remotes.inventory import Inventory
from mvc.remotes.remote import Remote
from mvc.repository import history, refnames
from mvc.repository.model import Model
from mvc.repository.policy import override, take
from mvc.repository.policy.take import Offer, Reader, RefusedRef
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.disk.workers import Workers
from mvc.storage.records.promised import PROMISED
from mvc.storage.records.reflog import ALIASES, TAGS, RefEntry, RefName
from mvc.transport import annotation_sync, expiry_sync, presence, tracking

_NO_MESSAGE = "push"
"""The reason of a tag that was pushed by a version of mvc which did not send its message."""


@dataclass(frozen=True, slots=True)
class FetchedRef(Document):
    """A remote ref that moved since the last fetch; `old` is None for a new ref, `new` for a deleted one."""

    KEYS = keys("model=ref.model ref=ref.text old new")

    ref: RefName
    old: VersionId | None
    new: VersionId | None


@dataclass(frozen=True, slots=True)
class Fetched(Document):
    """The refs that moved, the number of new versions, and the bytes fetched; `others` are models missing here.

    `ignored` are refs with names that mvc would not create. `notes`, `evaluations`, `signatures` and `attestations` count the new ones;
    `unreadable` are reasons why others are left out. `refused` are refs that rules on `take:` keep from being taken. `dropped` counts the versions whose bytes were dropped there since the last fetch, `dropped_kept` the
    files of these that are complete here.
    """

    KEYS = keys(
        "remote refs versions bytes_received=received other_models=others ignored notes evaluations "
        "unreadable_notes=unreadable dropped dropped_kept signatures refused attestations"
    )

    remote: str
    refs: tuple[FetchedRef, ...]
    versions: int
    received: int
    others: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    notes: int = 0
    evaluations: int = 0
    signatures: int = 0
    attestations: int = 0
    unreadable: tuple[str, ...] = ()
    dropped: int = 0
    dropped_kept: int = 0
    refused: tuple[RefusedRef, ...] = ()

    def check(self) -> None:
        """Raise TakeRefused if a ref was not taken."""
        if self.refused:
            raise take.error(self.refused)


@dataclass(frozen=True, slots=True)
class Look:
    """The refs of a remote at one moment, for the requested models, each with its newest entry.

    `place_logs` are the remote's logs of registry versions of these models, each with its newest number; `annotations`
    the numbers of all its notes and evaluations.
    """

    tips: dict[RefName, RefEntry]
    models: tuple[str, ...]
    ignored: tuple[str, ...]
    place_logs: dict[RefName, int]
    annotations: dict[RefName, list[int]]


class Taken(NamedTuple):
    """The remote-tracking refs that moved, and the refs that were refused."""

    refs: tuple[FetchedRef, ...]
    refused: tuple[RefusedRef, ...]


@writes
def fetch(
    repository: Repository, remote: Remote, actor: Actor, *, models: Iterable[str] | None = None, prune: bool = False
) -> Fetched:
    """Fetch `models` of `remote`, or all models of this repository.

    `prune` deletes remote-tracking refs that the remote no longer has. A ref that rules refuse stays where it is, and is in
    `refused`; the others are taken. Raises BadPolicy, BadSetting, NoSignersFile, NoRemoteYet, NotARemote, RemoteVanished,
    RemoteRewritten, RemoteUnreachable, RemoteDenied; Damaged and Missing for a remote that lacks reachable objects.
    """
    wanted = set(repository.heads.models() if models is None else models)
    presence.check(repository, remote)
    there = look(repository, remote, wanted)
    inventory, versions = learn(repository, remote, there.tips, actor)
    dropped = expiry_sync.receive(repository, remote)
    received = annotation_sync.receive(repository, remote, there.annotations, wanted)  # signatures, which rules ask for
    refs, refused = note(repository, remote, there.tips, actor, prune=prune)
    place_sync.receive(repository, remote, there.place_logs, actor)
    others = tuple(model for model in there.models if model not in wanted)
    return Fetched(
        remote.name,
        refs,
        versions,
        inventory.received,
        others,
        there.ignored,
        notes=received.notes,
        evaluations=received.evaluations,
        signatures=received.signatures,
        attestations=received.attestations,
        unreadable=received.unreadable,
        dropped=dropped.versions,
        dropped_kept=dropped.kept,
        refused=refused,
    )


def look(repository: Repository, remote: Remote, wanted: set[str] | None) -> Look:
    """Read the refs of `remote`, for the models `wanted` or all; raise RemoteRewritten."""
    numbers, place_logs, annotations, strange = remote.refs.everything()
    sound = {ref: number for ref, number in numbers.items() if tracking.is_sound(ref)}
    ignored = sorted(strange | {f"{ref.model}: {ref.text}" for ref in numbers.keys() - sound.keys()})
    chosen = [(ref, number) for ref, number in sound.items() if wanted is None or ref.model in wanted]
    last = {ref: tracking.last(repository, remote.name, ref) for ref, _ in chosen}
    with Workers(remote.jobs) as workers:
        entries = list(workers.ahead(lambda each: remote.refs.at(*each, last[each[0]]), chosen, 4 * remote.jobs))
    tips = {ref: entry for (ref, _), entry in zip(chosen, entries, strict=True)}
    _check_none_vanished(repository, remote, wanted, tips)
    models = tuple(sorted({ref.model for ref in sound}))
    return Look(tips, models, tuple(ignored), place_sync.of_models(place_logs, wanted), annotations)


def learn(repository: Repository, remote: Remote, tips: dict[RefName, RefEntry], actor: Actor) -> tuple[Inventory, int]:
    """Fetch the metadata reachable from `tips`; return the remote's inventory and the number of new versions.

    A missing object is looked up a second time, since compaction may have moved it. Raises Missing, Damaged.
    """
    try:
        return Inventory(repository, remote.backend, remote.jobs), take_in(repository, remote, tips, actor)
    except errors.Missing:
        again = Inventory(repository, remote.backend, remote.jobs)
        try:
            return again, take_in(repository, remote, tips, actor)
        except errors.Missing:
            for error in again.damaged.values():
                raise error from None
            raise


def take_in(repository: Repository, remote: Remote, tips: dict[RefName, RefEntry], actor: Actor) -> int:
    """Check that everything reachable from the tips is here, and record promised files.

    Return the number of new versions.
    """
    targets = [entry.new for entry in tips.values() if entry.new is not None]
    known = [tip for model in repository.refs.models() for tip in history.tips(Model(repository, model))]
    fresh = list(history.walk(repository.objects, targets, exclude=known))
    files: dict[FileId, None] = {}
    for id_, version in fresh:
        history.check_number(repository.objects, id_, version)
        repository.objects.manifest(version.manifest)
        tree = repository.objects.tree(version.tree)
        for file in (version.model_toml, *(entry.file for entry in tree.entries)):
            if file not in files and not repository.recipes.any_for(file):
                what = f"for version {id_[:10]} the recipe of file"
                raise errors.MissingThere(remote=remote.backend.where, what=what, id=file)
            files[file] = None
    repository.door.make_packs_durable()
    repository.door.barrier()
    if files:
        with repository.locked():
            repository.promised.add(PROMISED, files, reason=remote.name, by=str(actor.person), at=actor.at)
    return len(fresh)


def _check_none_vanished(
    repository: Repository, remote: Remote, wanted: set[str] | None, tips: dict[RefName, RefEntry]
) -> None:
    """Raise RemoteRewritten if a ref seen before has no log any more: logs are never deleted."""
    for ref, _ in tracking.all_refs(repository, remote.name, wanted):
        if ref not in tips:
            raise errors.RemoteRewritten(remote=remote.backend.where, reason=f"{ref.text} of {ref.model} was deleted")


def note(
    repository: Repository,
    remote: Remote,
    tips: dict[RefName, RefEntry],
    actor: Actor,
    *,
    prune: bool,
    reader: Reader | None = None,
) -> Taken:
    """Move the remote-tracking refs that may be taken, and update tags and aliases that follow them.

    All are judged before one moves, by `reader` if the caller has judged the same refs. Raises as `Reader.breaches`.
    """
    moved = []
    offers = offered(repository, remote, tips, prune=prune)
    with repository.locked():
        reader = reader or Reader(repository)
        judged = {offer.ref: take.TAKEN if offer.taken else reader.judge(offer) for offer in offers}
        for ref, (refused, passed) in judged.items():
            if refused is not None:
                continue
            entry, before = tips[ref], repository.refs.target(ref.tracking_ref(remote.name))
            if entry.new != before:  # first: once the remote-tracking ref has moved, the ref to follow is not known
                _follow(repository, ref, before, entry, actor)
            reason = override.noted("fetch", passed)
            if tracking.record(repository, remote.name, ref, entry, actor, reason) and entry.new != before:
                moved.append(FetchedRef(ref, before, entry.new))
    return Taken(tuple(moved), tuple(each.refused for each in judged.values() if each.refused is not None))


def offered(
    repository: Repository, remote: Remote, tips: dict[RefName, RefEntry], *, prune: bool = False
) -> list[Offer]:
    """Return the refs of a remote that a fetch would take, deleted ones with `prune` only."""
    reader, found = Reader(repository), []
    for ref in sorted(tips):
        offer = tracking.offer(repository, remote, ref, tips[ref])
        if offer.new is None and (not prune or offer.last is None):
            continue
        if not offer.taken and reader.reads_log(offer):
            with contextlib.suppress(errors.Damaged, errors.Missing):  # which the judgement reports
                offer.earlier()  # now: the lock is not held while a remote is read
        found.append(offer)
    return found


def _follow(repository: Repository, ref: RefName, before: VersionId | None, entry: RefEntry, actor: Actor) -> None:
    """Create a missing tag; move an alias that still points to where the remote's was. Both keep who did it, and why."""
    new = entry.new
    if ref.kind not in (TAGS, ALIASES) or new is None:
        return
    tip = repository.refs.tip(ref)
    if tip is not None and tip.new == new:
        repository.refs.settle(ref)  # an interrupted fetch may have moved it before it was durable
        return
    if tip is not None and (ref.kind == TAGS or tip.new != before):
        return
    try:
        refnames.check_new(Model(repository, ref.model), ref.kind, ref.name)
    except (errors.RefRejected, errors.BadRefName):  # a local ref has the name, or it would be read as another ref
        return
    there = entry.move
    reason = there.reason if ref.kind == ALIASES or there.reason != _NO_MESSAGE else ""
    move = replace(actor.move(reason), by=there.by, at=there.at)
    repository.refs.take(ref, tip, new, move)
