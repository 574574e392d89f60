"""`mvc publish`: versions become versions on a registry, complete and traceable, once each, and are never changed there.

    where it was told to be, or what has its name ─┬─ complete ─────────────────────────────────────────► told here
                                                   ├─ begun ────────┐
                                                   └─ nothing ─► create ─► files ─► thumbnail ─► marker ─► told here
                                                                                                 (complete)

The marker is sent last. Whatever stops it before, the next try looks what is there, and goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mvc.model.ids import VersionId
from mvc.model.toml import secrets
from mvc.registry import fields, published
from mvc.registry import publishing as filling
from mvc.registry.protocol import Registry, RemoteModel, RemoteVersion
from mvc.registry.published import Candidate, State
from mvc.registry.publishing import Filling, Subject
from mvc.repository import history, refnames
from mvc.repository import places as publications
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import Place, RefName

NEW, RESUMED, THERE = "*", "+", "="
"""What became of a version: it is new there; it was begun there, and is complete now; it was complete there."""


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """One version: `flag` is `*` new, `+` gone on with, `=` there already; a dry run of a new one knows no place and page.

    `notes` say what the registry has no word for, and what is worth a look.
    """

    id: VersionId
    number: int
    name: str
    flag: str
    place: Place | None
    page: str | None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "id": self.id,
            "number": self.number,
            "name": self.name,
            "flag": self.flag,
            "place": self.place.to_json() if self.place is not None else None,
            "page": self.page,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Published:
    """What became of each version; `there` is the model on the registry. `duplicates` are names that several have there.

    `sent` is in bytes; `done` is False after a dry run.
    """

    organization: str
    there: str
    versions: tuple[PublishedVersion, ...]
    duplicates: tuple[str, ...] = ()
    sent: int = 0
    done: bool = True

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "organization": self.organization,
            "model": self.there,
            "versions": [each.to_json() for each in self.versions],
            "duplicates": list(self.duplicates),
            "bytes": self.sent,
            "done": self.done,
        }


def everything(repository: Repository, model: str) -> list[VersionId]:
    """Every version that a branch, tag or alias of `model` leads to, parents first."""
    kinds = ((kind, name) for kind in refnames.KINDS for name in repository.refs.names(model, kind))
    tips = [repository.refs.target(RefName(model, kind, name)) for kind, name in kinds]
    return [id_ for id_, _ in history.walk(repository.objects, [tip for tip in tips if tip is not None])][::-1]


@writes
def publish(
    repository: Repository,
    model: str,
    registry: Registry,
    versions: Sequence[VersionId],
    actor: Actor,
    *,
    there: str | None = None,
    dry_run: bool = False,
    allow_memory: bool = False,
    progress: Progress | None = None,
) -> Published:
    """Publish versions of `model`, in this order, to the model `there`: by default the one that others are in, or of its name.

    Raises RegistryUnreachable, RegistryUncertain, RegistryDenied, RegistryFault, PublicationChanged, NeedsMemory, RoleReserved,
    and as reading files does. What was done until then stays, and is found by the next try.
    """
    called = there if there is not None else _usual(repository, model, registry)
    subjects = [filling.subject(repository, id_) for id_ in dict.fromkeys(versions)]
    if progress is not None:
        progress.expect(sum(subject.size for subject in subjects))
    report = progress if progress is not None else lambda _: None
    way = Filling(repository, registry, called, registry.find_model(called), allow_memory, report)
    publishing = _Publishing(repository, model, registry, actor, way)
    if dry_run:
        told = tuple(publishing.foretell(subject) for subject in subjects)
        return Published(registry.organization, called, told, done=False)
    with repository.locked():
        repository.door.sweep()
    done = tuple(publishing.publish(subject) for subject in subjects)
    made = {each.name for each in done if each.flag != THERE}
    return Published(registry.organization, called, done, _duplicates(registry, way.model, made), way.sent)


def _usual(repository: Repository, model: str, registry: Registry) -> str:
    """The model there that other versions are in, the one told of last; else the one of the same name."""
    here = [place for _, place in publications.every(Model(repository, model)) if _is_at(place, registry)]
    return here[-1].model if here else model


def _is_at(place: Place, registry: Registry) -> bool:
    return (place.host, place.organization) == (registry.host, registry.organization)


def _duplicates(registry: Registry, model: RemoteModel | None, made: set[str]) -> tuple[str, ...]:
    """The names that several versions there have, of those that were made now."""
    numbers: dict[str, list[int]] = {}
    for version in registry.versions(model) if made and model is not None else ():
        numbers.setdefault(version.name, []).append(version.number)
    several = {name: found for name, found in numbers.items() if name in made and len(found) > 1}
    return tuple(f"{name}: {', '.join(f'#{number}' for number in found)}" for name, found in several.items())


@dataclass(frozen=True, slots=True)
class _Publishing:
    """One run."""

    repository: Repository
    model: str
    registry: Registry
    actor: Actor
    way: Filling

    def publish(self, subject: Subject) -> PublishedVersion:
        """Have a version be there, complete, and told of here."""
        found = self._found(subject)
        if found is not None and found.state is State.CHANGED:
            raise self.way.changed(subject, found.reason)
        if found is not None and found.state is State.COMPLETE:
            there, flag = found.there, THERE
            self.way.report(subject.size)
        else:
            there, flag = self.way.fill(subject, found), NEW if found is None else RESUMED
        place = self._place(there)
        with self.repository.locked():
            publications.record(Model(self.repository, self.model), subject.id, place, self.actor.move("publish"))
            self.way.finish(subject)
        return self._told(subject, flag, there)

    def foretell(self, subject: Subject) -> PublishedVersion:
        """What would become of a version; raises PublicationChanged."""
        found = self._found(subject)
        if found is None:
            return self._told(subject, NEW, None)
        if found.state is State.CHANGED:
            raise self.way.changed(subject, found.reason)
        return self._told(subject, THERE if found.state is State.COMPLETE else RESUMED, found.there)

    def _found(self, subject: Subject) -> Candidate | None:
        """The version there that was told of before, the one with the lowest number; else what has its name."""
        places = publications.places(Model(self.repository, self.model), subject.id)
        mine = [place for place in places if _is_at(place, self.registry) and place.model == self.way.called]
        for place in sorted(mine, key=lambda each: each.number):
            there = self.registry.version(place.id)
            found = published.look(self.registry, there, subject.id) if there is not None else None
            if found is not None and found.state is State.COMPLETE:
                return found
        if self.way.model is None:
            return None
        return published.chosen(published.candidates(self.registry, self.way.model, subject.name, subject.id))

    def _place(self, there: RemoteVersion) -> Place:
        model, registry = there.model, self.registry
        return Place(registry.host, registry.organization, model.name, model.id, there.number, there.name, there.id)

    def _told(self, subject: Subject, flag: str, there: RemoteVersion | None) -> PublishedVersion:
        place = self._place(there) if there is not None else None
        page = self.registry.page(there.id) if there is not None else None
        return PublishedVersion(subject.id, subject.version.number, subject.name, flag, place, page, _notes(subject))


def _notes(subject: Subject) -> tuple[str, ...]:
    """What the registry has no word for, and what everybody there will read."""
    manifest = subject.manifest
    unsent = fields.unsent(manifest)
    notes = [f"{key} = {value} is in the marker only: the registry takes no such word" for key, value in unsent.items()]
    thumbnail = manifest.model.get("thumbnail")
    if thumbnail is not None and subject.thumbnail is None:
        notes.append(f"the thumbnail {thumbnail} is no file of the version, and is not sent")
    notes += [f"{leak.key} looks like a secret, and everybody there can read it" for leak in secrets.find(manifest)]
    return tuple(notes)
