"""`mvc fetch`: learn what a remote has: its names, and the metadata of all versions that they lead to.

    names there ─► metadata packs ─► every version that is new here is whole ─► files: promised ─► names: seen

The bytes of files come when they are asked for. Until the names are noted, nothing here has changed that anybody sees.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model.ids import FileId, VersionId
from mvc.registry import place_sync
from mvc.remotes.inventory import Inventory
from mvc.remotes.remote import Remote
from mvc.repository import history, refnames
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.disk.workers import Workers
from mvc.storage.records.promised import PROMISED
from mvc.storage.records.reflog import ALIASES, TAGS, RefEntry, RefName
from mvc.transport import presence, tracking


@dataclass(frozen=True, slots=True)
class FetchedRef:
    """A name on the remote that moved since it was last seen; `old` is None for a new one, `new` for one that is gone."""

    ref: RefName
    old: VersionId | None
    new: VersionId | None

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"model": self.ref.model, "ref": self.ref.text, "old": self.old, "new": self.new}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What moved, how many versions are new here, the bytes that came; `others` are models there that are not here.

    `ignored` are names there that mvc would not make.
    """

    remote: str
    refs: tuple[FetchedRef, ...]
    versions: int
    received: int
    others: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "remote": self.remote,
            "refs": [ref.to_json() for ref in self.refs],
            "versions": self.versions,
            "bytes": self.received,
            "other_models": list(self.others),
            "ignored": list(self.ignored),
        }


@dataclass(frozen=True, slots=True)
class Look:
    """The names on a remote at one moment: those of models that are asked for, each with its newest entry.

    `told` are the logs there that tell where versions of these models are on a registry, each with its newest number.
    """

    tips: dict[RefName, RefEntry]
    models: tuple[str, ...]
    ignored: tuple[str, ...]
    told: dict[RefName, int]


@writes
def fetch(
    repository: Repository, remote: Remote, actor: Actor, *, models: Iterable[str] | None = None, prune: bool = False
) -> Fetched:
    """Learn what `remote` has of `models`, or of all that are here.

    With `prune`, names that are gone there are gone here. Raises NoRemoteYet, NotARemote, RemoteVanished,
    RemoteRewritten, RemoteUnreachable, RemoteDenied, Damaged and Missing for a remote that lacks what its names lead to.
    """
    wanted = set(repository.heads.models() if models is None else models)
    presence.check(repository, remote)
    there = look(repository, remote, wanted)
    inventory, versions = learn(repository, remote, there.tips, actor)
    refs = note(repository, remote, there.tips, actor, prune=prune)
    place_sync.receive(repository, remote, there.told, actor)
    others = tuple(model for model in there.models if model not in wanted)
    return Fetched(remote.name, refs, versions, inventory.received, others, there.ignored)


def look(repository: Repository, remote: Remote, wanted: set[str] | None) -> Look:
    """The names on `remote`, of the models `wanted` or of all; raises RemoteRewritten."""
    numbers, told, strange = remote.refs.everything()
    sound = {ref: number for ref, number in numbers.items() if tracking.is_sound(ref)}
    ignored = sorted(strange | {f"{ref.model}: {ref.text}" for ref in numbers.keys() - sound.keys()})
    chosen = [(ref, number) for ref, number in sound.items() if wanted is None or ref.model in wanted]
    last = {ref: tracking.last(repository, remote.name, ref) for ref, _ in chosen}
    with Workers(remote.jobs) as workers:
        entries = list(workers.ahead(lambda each: remote.refs.at(*each, last[each[0]]), chosen, 4 * remote.jobs))
    tips = {ref: entry for (ref, _), entry in zip(chosen, entries, strict=True)}
    _check_none_vanished(repository, remote, wanted, tips)
    return Look(tips, tuple(sorted({ref.model for ref in sound})), tuple(ignored), place_sync.of_models(told, wanted))


def learn(repository: Repository, remote: Remote, tips: dict[RefName, RefEntry], actor: Actor) -> tuple[Inventory, int]:
    """Have the metadata here that `tips` lead to; what the remote has, and the number of versions that are new here.

    What is missing is looked for a second time: it may have been moved since the first listing. Raises Missing, Damaged.
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
    """Check that all is here that the tips lead to, and note which files the remote promises; the number of new versions."""
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
    """Raise RemoteRewritten when a name that was there has no log any more: logs never go."""
    for ref, _ in tracking.all_refs(repository, remote.name, wanted):
        if ref not in tips:
            raise errors.RemoteRewritten(remote=remote.backend.where, reason=f"{ref.text} of {ref.model} is gone")


def note(
    repository: Repository, remote: Remote, tips: dict[RefName, RefEntry], actor: Actor, *, prune: bool
) -> tuple[FetchedRef, ...]:
    """Note where the names stand; have tags and aliases here go along."""
    moved = []
    with repository.locked():
        for ref in sorted(tips):
            entry, before = tips[ref], repository.refs.target(ref.tracking_ref(remote.name))
            if entry.new is None and (not prune or before is None):
                continue
            if (
                entry.new != before
            ):  # first: once it is noted where the remote's stands, nobody would know what to follow
                _follow(repository, ref, before, entry.new, actor)
            if tracking.record(repository, remote.name, ref, entry, actor, "fetch") and entry.new != before:
                moved.append(FetchedRef(ref, before, entry.new))
    return tuple(moved)


def _follow(
    repository: Repository, ref: RefName, before: VersionId | None, new: VersionId | None, actor: Actor
) -> None:
    """Have a tag here that is not here yet; and an alias that still stands where the remote's stood go where it went."""
    if ref.kind not in (TAGS, ALIASES) or new is None:
        return
    tip = repository.refs.tip(ref)
    if tip is not None and (ref.kind == TAGS or tip.new != before):
        return
    try:
        refnames.check_new(Model(repository, ref.model), ref.kind, ref.name)
    except errors.RefRejected:  # a name here is in its way, and stays
        return
    repository.refs.append(ref, tip, new, actor.move("fetch"))
