"""`mvc publish`: create versions on a registry, complete and once; they are never changed there.

    the place on record, or the version of that name ─┬─ complete ─────────────────────────────────► place recorded
                                                      ├─ begun ──┐
                                                      └─ none ─► create ─► files ─► thumbnail ─► marker ─► place recorded
                                                                                                 (complete)

The marker is uploaded last. An interrupted publish is resumed by the next one. A version that was imported from one made on
the registry is there already, and is not published as a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import roles
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.toml import secrets
from mvc.plural import count
from mvc.readiness import saved_model
from mvc.readiness.saved_model import MAIN_FILES
from mvc.registry import fields, publishing, recorded_places
from mvc.registry.compare import FileDrift
from mvc.registry.contents import Contents, of_version
from mvc.registry.fields import FieldChange
from mvc.registry.files import additions, listing
from mvc.registry.files.listing import Listed
from mvc.registry.lookup import Lookup
from mvc.registry.marker import Branch
from mvc.registry.protocol import Registry, RemoteModel, RemoteVersion
from mvc.registry.published import Candidate, State
from mvc.registry.publishing import LocalVersion, Publisher
from mvc.registry.tags.follow import TagChange
from mvc.repository import history, places, refnames
from mvc.repository.model import Model
from mvc.repository.parts import MAIN
from mvc.repository.policy import gate, override
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import HEADS, Place

_FOLDER = "a job that expects one archive needs a zip with the role itself"
_SAVED_MODEL = (
    "a SavedModel with saved_model.pb at the top of the folder is published as the one zip that the job expects"
)
NEW, RESUMED, THERE, SUPERSEDED, LEFT_OUT = "*", "+", "=", "-", "!"
"""The outcome for a version: created; completed after an interruption; there before; imported from a registry version that has
changed since, as a later version records; left out."""
_REFUSALS = (errors.PublicationChanged, errors.ImportChanged, errors.NoContext, errors.NeedsMemory)
"""Errors of one version, after which others can be published."""


@dataclass(frozen=True, slots=True)
class PublishedVersion(Document):
    """A version and its outcome: `flag` is `*` new, `+` resumed, `=` there before, `-` superseded, `!` left out.

    A new one has no place in a dry run. `notes` name values that the registry does not accept, values that look like secrets,
    what was `edited` and `added` on the registry since, and why a version was left out. One that was `made_there` is an
    imported one.
    """

    id: VersionId
    number: int
    name: str
    flag: str
    place: Place | None
    page: str | None
    notes: tuple[str, ...] = ()
    edited: tuple[FieldChange, ...] = ()
    added: tuple[FileDrift, ...] = ()
    made_there: bool = False


@dataclass(frozen=True, slots=True)
class Published(Document):
    """The outcome for each version, and the model of the registry; `duplicates` are names that several versions there have.

    `sent` is in bytes; `done` is False after a dry run. `renamed_from` is the recorded name of a model that was renamed there;
    `tags` are the tags that were changed there on request.
    """

    KEYS = keys("organization model=registry_model renamed_from versions duplicates tags bytes_sent=sent done")

    organization: str
    registry_model: str
    versions: tuple[PublishedVersion, ...]
    duplicates: tuple[str, ...] = ()
    sent: int = 0
    done: bool = True
    renamed_from: str | None = None
    tags: tuple[TagChange, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True if no version was left out."""
        return all(version.flag != LEFT_OUT for version in self.versions)


def everything(model: Model) -> list[VersionId]:
    """Return every version that is reachable from a branch, tag or alias of `model`, parents first."""
    kinds = ((kind, name) for kind in refnames.KINDS for name in model.names(kind))
    tips = [model.target(kind, name) for kind, name in kinds]
    return [id_ for id_, _ in history.walk(model.repository.objects, [tip for tip in tips if tip is not None])][::-1]


@writes
def publish(
    model: Model,
    registry: Registry,
    versions: Sequence[VersionId],
    actor: Actor,
    *,
    registry_model: str | None = None,
    dry_run: bool = False,
    allow_memory: bool = False,
    require_context: bool = False,
    keep_going: bool = False,
    progress: Progress | None = None,
) -> Published:
    """Publish versions of `model`, in this order, to `registry_model`: by default that of earlier ones, else of the same name.

    A version that names its experiment gets a context there; where it cannot, a note says why, or `require_context` refuses it.
    With `keep_going`, a version that is refused is left out, and the others are published.

    Raises RegistryUnreachable, RegistryUncertain, RegistryDenied, RegistryFault, PublicationChanged, ImportChanged, NoContext,
    NeedsMemory, and as reading files does. The next call resumes where this one stopped.
    """
    repository = model.repository
    passed = gate.sent(repository, f"publish:{registry.organization}", model.key, dict.fromkeys(versions))
    name, existing = _registry_model(model, registry, registry_model)
    locals_ = [publishing.local_version(repository, id_) for id_ in dict.fromkeys(versions)]
    if progress is not None:
        progress.expect(sum(local.size for local in locals_))
    report = progress if progress is not None else lambda _: None
    renamed_from = name if existing is not None and existing.name != name else None
    name = existing.name if existing is not None else name
    publisher = Publisher(
        repository, registry, name, existing, allow_memory, report, require_context, _branches(model, versions)
    )
    lookup = Lookup(repository, registry, recorded_places.on_registry(model, registry))
    run = _Run(
        *(repository, model, registry, actor, publisher, lookup),
        reason=override.noted("publish", passed),
        is_dry_run=dry_run,
        keep_going=keep_going,
    )
    run.read_recorded(locals_)
    if dry_run:
        planned = tuple(run.outcome(local) for local in locals_)
        return Published(registry.organization, name, planned, done=False, renamed_from=renamed_from)
    with repository.locked():
        repository.door.sweep()
        repository.note(model.key)
    done = tuple(run.outcome(local) for local in locals_)
    created = {version.name for version in done if version.flag in (NEW, RESUMED)}
    duplicates = _duplicates(registry, publisher.model, created)
    return Published(registry.organization, name, done, duplicates, publisher.sent, renamed_from=renamed_from)


def _branches(model: Model, versions: Sequence[VersionId]) -> dict[VersionId, Branch]:
    """Return a branch for each version that is reachable from one: the current branch, main, or the first by name."""
    current, branches = model.head.branch, dict[VersionId, Branch]()
    for name in sorted(model.names(HEADS), key=lambda name: (name != current, name != MAIN, name)):
        tip = model.target(HEADS, name)
        missing = set(versions) - set(branches)
        reachable = history.ancestors(model.repository.objects, [tip]) if tip is not None and missing else set()
        branches |= {id_: Branch(name, name == current) for id_ in missing & set(reachable)}
    return branches


def _registry_model(model: Model, registry: Registry, name: str | None) -> tuple[str, RemoteModel | None]:
    """Return the name as given or recorded, and the registry's model, which may have another name by now."""
    if name is None:
        return recorded_places.default_model(model, registry)
    return name, recorded_places.find_model(model.repository, registry, name)


def _duplicates(registry: Registry, model: RemoteModel | None, created: set[str]) -> tuple[str, ...]:
    """Return the created names that several versions there have, with their numbers."""
    numbers: dict[str, list[int]] = {}
    for version in registry.versions(model) if created and model is not None else ():
        numbers.setdefault(version.name, []).append(version.number)
    repeated = {name: same for name, same in numbers.items() if name in created and len(same) > 1}
    return tuple(f"{name}: {', '.join(f'#{number}' for number in same)}" for name, same in repeated.items())


@dataclass(frozen=True)
class _Run:
    """One run of the verb; `read` has the registry versions at the recorded places, by id, as they were when it began.

    `reason` is that of the entries with the new places.
    """

    repository: Repository
    model: Model
    registry: Registry
    actor: Actor
    publisher: Publisher
    lookup: Lookup
    reason: str = "publish"
    is_dry_run: bool = False
    keep_going: bool = False
    read: dict[str, Listed] = field(default_factory=dict)

    def read_recorded(self, locals_: Sequence[LocalVersion]) -> None:
        """Read the registry versions at recorded places, several at a time."""
        model = self.publisher.model
        if model is not None:
            ids = [place.id for local in locals_ for place in self._places(local.id)]
            self.read.update(listing.read_of(self.registry, model, ids))

    def outcome(self, local: LocalVersion) -> PublishedVersion:
        """Publish a version, or only look in a dry run; without `keep_going`, raise if it is refused."""
        try:
            imported = self._imported(local)
            return (
                imported if imported is not None else self._dry_run(local) if self.is_dry_run else self._publish(local)
            )
        except _REFUSALS as error:
            if not self.keep_going:
                raise
            place = next(iter(self._places(local.id)), None)
            page = self.registry.page(place.id) if place is not None else None
            number = local.version.number
            return PublishedVersion(local.id, number, local.name, LEFT_OUT, place, page, (error.message.rstrip("."),))

    def _publish(self, local: LocalVersion) -> PublishedVersion:
        """Complete a version on the registry, and record its place."""
        existing, added = self._unchanged(local) or self._existing(local), tuple[FileDrift, ...]()
        if existing is not None and existing.state is State.COMPLETE:
            remote, flag = existing.version, THERE
            added = self._check_files(local, existing)
            self.publisher.report(local.size)
        else:
            remote, flag = self.publisher.complete(local, existing), NEW if existing is None else RESUMED
        self._record(local, remote)
        return self._outcome(local, flag, remote, added)

    def _record(self, local: LocalVersion, remote: RemoteVersion) -> None:
        place = recorded_places.place_of(self.registry, remote)
        with self.repository.locked():
            places.record(self.model, local.id, place, self.actor.move(self.reason))
            self.publisher.end_journal(local)

    def _dry_run(self, local: LocalVersion) -> PublishedVersion:
        """Return the outcome that `_publish` would have. Raises PublicationChanged."""
        existing = self._unchanged(local) or self._existing(local)
        if existing is None or existing.state is not State.COMPLETE:
            self.registry.check_storage()
        if existing is None:
            self.publisher.plan_export(local)
            return self._outcome(local, NEW, None)
        is_complete = existing.state is State.COMPLETE
        added = self._check_files(local, existing) if is_complete else ()
        return self._outcome(local, THERE if is_complete else RESUMED, existing.version, added)

    def _unchanged(self, local: LocalVersion) -> Candidate | None:
        """Return the version at a recorded place if it is as it was noted; None if more than that must be looked at."""
        for place in self._places(local.id):
            listed = self.read.get(place.id)
            if listed is None:
                continue
            contents = of_version(self.repository, self.registry, listed.version, listed.files)
            is_noted = contents.has_marker(local.id) and contents.has_noted(local.manifest, local.tree)
            if is_noted and not fields.changes(fields.request(local.manifest), listed.version.raw):
                return Candidate(listed.version, listed.files, State.COMPLETE)
        return None

    def _existing(self, local: LocalVersion) -> Candidate | None:
        """Return the version on the registry, complete or begun; None for none. Raises PublicationChanged."""
        model = self.publisher.model
        existing = self.lookup.find(model, local.id, local.name) if model is not None else None
        if existing is not None and existing.state is State.CHANGED:
            raise self.publisher.changed(local, existing.reason)
        return existing

    def _places(self, id_: VersionId) -> list[Place]:
        """Return the recorded places of a version in the registry's model, by number."""
        return self.lookup.places(self.publisher.model, id_)

    def _check_files(self, local: LocalVersion, existing: Candidate) -> tuple[FileDrift, ...]:
        """Return the files that were added to a complete version and never imported. Raises PublicationChanged for any other change."""
        contents = of_version(self.repository, self.registry, existing.version, existing.files)
        if existing.marker is not None:
            contents.trust(existing.marker, existing.record)
        added = self.publisher.check_files(local, contents, write=not self.is_dry_run)
        recorded = self.lookup.recorded_at(existing.version.id)
        return additions.untaken(self.repository, contents, local.id, recorded) if added else ()

    def _imported(self, local: LocalVersion) -> PublishedVersion | None:
        """Return the outcome for a version that was imported from one made on the registry; None if that is not there.

        Raises ImportChanged if it was edited since.
        """
        if not places.is_by_hand(local.version):
            return None
        made_there = [place for place in self._places(local.id) if place.name != local.name]  # others are copies
        listed = next((self.read[place.id] for place in reversed(made_there) if place.id in self.read), None)
        return self._imported_from(local, listed) if listed is not None else None

    def _imported_from(self, local: LocalVersion, listed: Listed) -> PublishedVersion | None:
        remote = listed.version
        contents = of_version(self.repository, self.registry, remote, listed.files)
        recorded = self.lookup.recorded_at(remote.id)
        differences = additions.differences(self.repository, contents, local.id, recorded)
        if listed.is_row and differences.fields:  # a row of a listing is not the last word
            again = listing.read(self.registry, [remote.id], {}).get(remote.id)
            return self._imported_from(local, again) if again is not None else None
        if not self.is_dry_run:
            contents.write(self.repository)
        if differences.is_changed:
            return self._superseded(local, contents, recorded, str(differences))
        if not self.is_dry_run:
            self._record(local, remote)
        self.publisher.report(local.size)
        return self._outcome(local, THERE, remote, differences.added)

    def _superseded(
        self, local: LocalVersion, contents: Contents, recorded: Sequence[VersionId], reason: str
    ) -> PublishedVersion:
        """Return the outcome for a version if another one records what its registry version is now. Raises ImportChanged."""
        remote = contents.version
        others = (id_ for id_ in recorded if id_ != local.id and self.repository.objects.has(id_))
        present = [
            id_ for id_ in others if not additions.differences(self.repository, contents, id_, recorded).is_changed
        ]
        if not (present and self.keep_going):
            registry = f"{remote.model.name} of {self.registry.organization}"
            name = f"#{remote.number} {remote.name}"
            raise errors.ImportChanged(version=f"v{local.version.number}", name=name, registry=registry, reason=reason)
        number = self.repository.objects.version(present[-1]).number
        note = f"#{remote.number} was edited on the registry since, and is now v{number} here"
        return replace(self._outcome(local, SUPERSEDED, remote), notes=(note,))

    def _outcome(
        self, local: LocalVersion, flag: str, remote: RemoteVersion | None, added: tuple[FileDrift, ...] = ()
    ) -> PublishedVersion:
        place = recorded_places.place_of(self.registry, remote) if remote is not None else None
        page = self.registry.page(remote.id) if remote is not None else None
        made_there = places.is_by_hand(local.version) and flag in (THERE, SUPERSEDED)
        name = remote.name if made_there and remote is not None else local.name
        edited = _edited(local, remote) if flag == THERE and remote is not None and not made_there else ()
        notes = (*(self.publisher.notes if flag == NEW else ()), *_notes(local)) if flag in (NEW, RESUMED) else ()
        notes = (*notes, *self._warnings(edited, added))
        return PublishedVersion(
            local.id, local.version.number, name, flag, place, page, notes, edited, added, made_there
        )

    def _warnings(self, edited: Sequence[FieldChange], added: Sequence[FileDrift]) -> Iterator[str]:
        """Yield what was edited in a complete version since, and what was added to it."""
        if edited:
            keys = ", ".join(change.key for change in edited)
            yield f"edited on the registry since it was published: {keys}"
        if added:
            command = additions.import_command(self.registry.organization, self.publisher.model_name)
            pronoun = "it" if len(added) == 1 else "them"
            files = f"{count(len(added), 'file was', 'files were')} added on the registry: {additions.listed(added)}"
            yield f"{files}; `{command}` imports {pronoun} as a child version"


def _edited(local: LocalVersion, remote: RemoteVersion) -> tuple[FieldChange, ...]:
    """Return the fields of a complete version that were edited since, its name among them."""
    renamed = (FieldChange("name", local.name, remote.name),) if remote.name != local.name else ()
    return (*renamed, *fields.changes(fields.request(local.manifest), remote.raw))


def _notes(local: LocalVersion) -> tuple[str, ...]:
    """Return the values that the registry does not accept, and those that look like secrets."""
    unsent = fields.unsent(local.manifest)
    notes = [f"{key} = {value} is in the marker only: the registry does not accept it" for key, value in unsent.items()]
    thumbnail = local.manifest.model.get("thumbnail")
    if thumbnail is not None and local.thumbnail is None:
        notes.append(f"thumbnail not uploaded: {thumbnail} is not a file of the version")
    notes += _folders(local)
    leaks = secrets.find(local.manifest)
    notes += [f"{leak.key} looks like a secret, and everybody on the registry can read it" for leak in leaks]
    return tuple(notes)


def _folders(local: LocalVersion) -> Iterator[str]:
    """Yield a warning for each folder that is not sent as one archive: the platform has files only."""
    for role, pattern in local.manifest.files.items():
        inside = [entry for entry in local.tree.entries if entry.role.startswith(f"{role}/")]
        if inside and roles.is_glob(pattern) and role not in local.archives:
            note = f"{role}: {count(len(inside), 'file')} of {pattern} published one by one, as {inside[0].role}"
            is_saved_model = any(entry.path.rpartition("/")[2] in MAIN_FILES for entry in inside)
            yield f"{note}; {_SAVED_MODEL if is_saved_model and role in saved_model.ROLES else _FOLDER}"
