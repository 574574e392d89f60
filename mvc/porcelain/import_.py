"""`mvc import`: versions of a registry become versions here, with the ids that they had where they were made.

    every version there ─► its files ─► its marker ─┬─ valid ─► the same version: its files, each hashing to its id
                                                    └─ none, or it no longer agrees ─► made by hand: a version of its own
    each version: files ─► objects ─► durable ─► told where it is (the commit point) ─► at last branches

A version is taken whole or not at all; what was taken before something went wrong is not taken again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mvc import errors
from mvc.model import names, paths
from mvc.model.ids import VersionId
from mvc.registry import compare, handmade, imported_branches, marker, published
from mvc.registry.imported_branches import Settled
from mvc.registry.importing import Taken, Taking
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteModel, RemoteVersion
from mvc.registry.published import read_marker
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.progress import Progress
from mvc.storage.records import import_notes
from mvc.storage.records.promised import State

SAME, BY_HAND, CHANGED, KNOWN, LEFT_OUT = "published", "by hand", "changed", "known", "left out"
"""How a version came: as it was published; made there by hand; published, but changed there; it was here; not at all."""


@dataclass(frozen=True, slots=True)
class ImportedVersion:
    """What became of a version there. `id` is None when it was left out, for the reason that `notes` begin with."""

    number: int
    name: str
    how: str
    id: VersionId | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"number": self.number, "name": self.name, "how": self.how, "id": self.id, "notes": list(self.notes)}


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of each version, which branches lead there, and which parents were never published.

    `model` is the key here, None when nothing could be taken; `created` when it is new here. `received` is in bytes.
    """

    organization: str
    there: str
    model: str | None
    created: bool
    versions: tuple[ImportedVersion, ...]
    branches: tuple[Settled, ...] = ()
    absent: tuple[VersionId, ...] = ()
    received: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out."""
        return all(each.how != LEFT_OUT for each in self.versions)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "organization": self.organization,
            "registry_model": self.there,
            "model": self.model,
            "created": self.created,
            "versions": [each.to_json() for each in self.versions],
            "branches": [each.to_json() for each in self.branches],
            "absent": list(self.absent),
            "bytes": self.received,
        }


Recorded = Mapping[str, tuple[str, Mapping[VersionId, None]]]
"""By id there: the model here, and the versions of it that are told to be there."""


@dataclass(frozen=True, slots=True)
class _Look:
    """A version there, looked at: its files, and its marker if it has a valid one; `doubt` says what is wrong with it."""

    version: RemoteVersion
    files: Sequence[RemoteFile]
    marker: Marker | None = None
    doubt: str = ""

    @property
    def is_published(self) -> bool:
        """Whether it has a marker of its own, also where that was not read since the version is known."""
        marked = any(file.name == marker.NAME for file in self.files)
        return self.marker is not None or (marked and published.is_version_name(self.version.name))


@writes
def import_model(
    repository: Repository,
    registry: Registry,
    name: str,
    actor: Actor,
    *,
    version: str | None = None,
    model: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Have the versions here that the model `name` of `registry` has, or only `version`, by its number or name.

    `model` is the key here of a model that is new here; without it, the one that the versions were published with, or else
    the name there. Of a version that somebody made by hand, those before it come along. Raises NotOnRegistry, and as
    the registry does; InTheWay when files of the current branch are, after all else was done.
    """
    found = registry.find_model(name)
    if found is None:
        known = ", ".join(each.name for each in registry.models()) or "none"
        raise errors.NotOnRegistry(registry=registry.organization, what=f"model {name!r}", known=known)
    return _Import(repository, registry, found, actor, progress).run(version, model)


@dataclass
class _Import:
    """One import under way."""

    repository: Repository
    registry: Registry
    there: RemoteModel
    actor: Actor
    progress: Progress | None
    done: dict[str, ImportedVersion] = field(default_factory=dict)
    ids: dict[VersionId, int] = field(default_factory=dict)

    def run(self, wanted: str | None, model: str | None) -> Imported:
        listed = sorted(self.registry.versions(self.there), key=lambda each: (each.number, each.id))
        recorded = self._recorded()
        looks = self._looks(self._chosen(listed, wanted), recorded)
        if wanted is not None:  # of those before it, the ones that its line consists of
            line = (
                each
                for each in looks[:-1]
                if not each.is_published and not published.is_version_name(each.version.name)
            )
            looks = [*line, *looks[-1:]]
        key = self._key(model, looks, recorded)
        created = self.repository.heads.get(key) is None
        unborn = created or self.repository.current(key) is None  # also after an import that was interrupted
        taking = Taking(self.repository, self.registry, key, self.actor, self.progress)
        marked = [look for look in looks if look.marker is not None and look.version.id not in self.done]
        for look in sorted(marked, key=lambda each: (_of(each).version.number, each.version.number)):
            self._take_published(taking, look)
        self._take_by_hand(taking, looks, recorded)
        branches = (
            imported_branches.settle(
                self.repository, key, self.ids, self.actor, check_out=unborn, progress=self.progress
            )
            if self.ids
            else ()
        )
        versions = tuple(self.done[look.version.id] for look in looks)
        if wanted is not None and versions and versions[-1].how == LEFT_OUT:
            raise errors.Unimportable(version=versions[-1].name, reason=versions[-1].notes[0])
        return Imported(
            self.registry.organization,
            self.there.name,
            key if self.ids else None,
            created and bool(self.ids),
            versions,
            branches,
            tuple(dict.fromkeys(taking.absent)),
            taking.received,
        )

    # --- looking

    def _recorded(self) -> Recorded:
        """Of the versions that are told to be there, those that are whole here."""
        found: dict[str, tuple[str, dict[VersionId, None]]] = {}
        for model in self.repository.refs.models():
            for id_, place in places.every(Model(self.repository, model)):
                if place.host == self.registry.host and self._is_whole(id_):
                    found.setdefault(place.id, (model, {}))[1][id_] = None
        return found

    def _is_whole(self, id_: VersionId) -> bool:
        repository = self.repository
        if not repository.objects.has(id_):
            return False
        tree = repository.objects.tree(repository.objects.version(id_).tree)
        return all(repository.promised.state(entry.file) is not State.MISSING for entry in tree.entries)

    def _chosen(self, listed: list[RemoteVersion], wanted: str | None) -> list[RemoteVersion]:
        """Those that are asked for, and if somebody made it by hand, those before it: its id rests on them."""
        if wanted is None:
            return listed
        number = wanted.removeprefix("#")
        found = [each for each in listed if str(each.number) == number] or [
            each for each in listed if each.name == wanted
        ]
        if not found:
            known = ", ".join(f"#{each.number} {each.name}" for each in listed[-10:]) or "none"
            raise errors.NotOnRegistry(registry=self.there.name, what=f"version {wanted!r}", known=known)
        if self._marker(found[0], self.registry.files(found[0])).marker is not None:
            return [found[0]]
        return listed[: listed.index(found[0]) + 1]

    def _looks(self, chosen: Sequence[RemoteVersion], recorded: Recorded) -> list[_Look]:
        """All of them that are not gone since they were listed: what only one answer says is gone would be missing in the line."""
        versions = [(each, self.registry.version(each.id)) for each in chosen]
        gone = {each.id: each.name for each, version in versions if version is None}
        still = [each.name for each in (self.registry.versions(self.there) if gone else ()) if each.id in gone]
        if still:
            reason = f"it lists the version {still[0]!r}, and does not find it"
            raise errors.RegistryFault(registry=self.registry.organization, reason=reason)
        return [self._look(version, recorded) for _, version in versions if version is not None]

    def _look(self, version: RemoteVersion, recorded: Recorded) -> _Look:
        """What there is of a version."""
        files = self.registry.files(version)
        here = recorded.get(version.id, ("", {}))[1]
        known = [id_ for id_ in here if self._agrees(id_, version, files)]
        if known:
            self._note(version, KNOWN, known[-1])
            return _Look(version, files)
        return self._marker(version, files)

    def _agrees(self, id_: VersionId, there: RemoteVersion, files: Sequence[RemoteFile]) -> bool:
        """Whether a version here still is what is there, as far as can be told without reading the files."""
        objects = self.repository.objects
        version = objects.version(id_)
        by_hand = places.is_by_hand(version)
        tree = objects.tree(version.tree)
        known = compare.records(import_notes.read(self.repository.door, places.PICSELLIA, there.id))
        changed = compare.changed_fields(objects.manifest(version.manifest), there, by_hand=by_hand)
        return not changed and not compare.changed_files(tree, files, known, by_hand=by_hand)

    def _marker(self, version: RemoteVersion, files: Sequence[RemoteFile]) -> _Look:
        """The version with the marker that is its own, if it has one."""
        doubt = ""
        for file in files:
            if file.name == marker.NAME:
                found, doubt = read_marker(self.registry, file)
                if found is None:  # what came once may be no more than half an answer
                    found, doubt = read_marker(self.registry, file)
                if found is not None and found.model_version == version.id:
                    return _Look(version, files, found)
                doubt = doubt or "it has the marker of another version, as what is made from one may have"
        return _Look(version, files, None, doubt)

    def _key(self, model: str | None, looks: Sequence[_Look], recorded: Recorded) -> str:
        """The model here: where versions of this one are already, else as asked, as published, or as it is called there."""
        here = {recorded[look.version.id][0] for look in looks if look.version.id in recorded}
        keys = {look.marker.manifest.name for look in looks if look.marker is not None}
        if len(here) == 1:
            return next(iter(here))
        if model is not None:
            names.check_model_key(model)
            return model
        key = next(iter(keys)) if len(keys) == 1 else handmade.model_key(self.there.name)
        try:
            names.check_model_key(key)
        except errors.BadModelKey:
            return handmade.model_key(self.there.name)
        return key

    # --- taking

    def _take_published(self, taking: Taking, look: _Look) -> None:
        """A version with its marker; where it no longer agrees with that, what is there now as a child of it."""
        found = _of(look)
        reason = _unfit(found) or self._out_of_line(found)
        if reason:
            self._note(look.version, LEFT_OUT, None, reason)
            return
        changed = compare.changed_fields(found.manifest, look.version, by_hand=False)
        other = compare.changed_files(found.tree, look.files, {}, by_hand=False)
        if not other:
            taken = taking.published(look.version, look.files, found, tell=not changed)
            other = () if isinstance(taken, Taken) else taken
        if not other and not changed:
            self._note(look.version, SAME, found.id)
            return
        if not other:  # its files are whole, and so is it, although what is there now is another
            self.ids[found.id] = look.version.number
        what = ", ".join([*(each.key for each in changed), *(f"{each.role} ({each.what})" for each in other)])
        self._by_hand(taking, look, found.id, found.version.number, f"changed there since it was published: {what}")

    def _take_by_hand(self, taking: Taking, looks: Sequence[_Look], recorded: Recorded) -> None:
        """Versions without a marker, each a child of the one before it by number."""
        above: tuple[VersionId, int] | None = None
        for look in sorted(looks, key=lambda each: (each.version.number, each.version.id)):
            here = {} if look.is_published else recorded.get(look.version.id, ("", {}))[1]
            first = self._first_by_hand(here)
            if look.version.id not in self.done:
                if published.is_version_name(look.version.name) and first is None:
                    reason = f"it looks as if its publishing had not ended{f', or {look.doubt}' if look.doubt else ''}"
                    self._note(look.version, LEFT_OUT, None, f"{reason}; `mvc publish` of that version ends it")
                    continue
                if first is not None:
                    self._by_hand(taking, look, *first, "changed there since it was imported")
                else:
                    parent, number = above or (None, 0)
                    first = self._by_hand(taking, look, parent, number, look.doubt)
            above = first or above

    def _first_by_hand(self, ids: Mapping[VersionId, None]) -> tuple[VersionId, int] | None:
        """The first version here that was made of one there, and its number; None when there is none."""
        objects = self.repository.objects
        found = [(objects.version(id_).number, id_) for id_ in ids if places.is_by_hand(objects.version(id_))]
        found = [each for each in found if not set(objects.version(each[1]).parents) & set(ids)]
        return (min(found)[1], min(found)[0]) if found else None

    def _by_hand(
        self, taking: Taking, look: _Look, parent: VersionId | None, number: int, note: str
    ) -> tuple[VersionId, int] | None:
        try:
            taken = taking.by_hand(look.version, look.files, parent, number + 1)
        except errors.Unimportable as error:
            self._note(look.version, LEFT_OUT, None, str(error.fields["reason"]))
            return None
        how = CHANGED if look.marker is not None else BY_HAND
        self._note(look.version, how, taken.id, *([note] if note else []), *taken.warnings)
        return taken.id, number + 1

    def _note(self, version: RemoteVersion, how: str, id_: VersionId | None, *told: str) -> None:
        self.done[version.id] = ImportedVersion(version.number, version.name, how, id_, told)
        if id_ is not None:
            self.ids[id_] = version.number

    def _out_of_line(self, found: Marker) -> str:
        """Whether its number does not follow its parent's, as far as that is here."""
        objects, parents = self.repository.objects, found.version.parents
        before = 0 if not parents else objects.version(parents[0]).number if objects.has(parents[0]) else None
        return "its number does not follow its parent's" if before not in (None, found.version.number - 1) else ""


def _of(look: _Look) -> Marker:
    assert look.marker is not None  # noqa: S101 - only such are asked
    return look.marker


def _unfit(found: Marker) -> str:
    """What keeps a version from being taken in, whoever made it: paths that are not written, a key that is none."""
    listed = [entry.path for entry in found.tree.entries]
    try:
        for path in listed:
            paths.check_path(path)
        names.check_model_key(found.manifest.name)
    except errors.MvcError as error:
        return error.message.rstrip(".")
    clash = paths.collisions(listed)
    return f"{clash[0][0]} and {clash[0][1]} are one name on some systems" if clash else ""
