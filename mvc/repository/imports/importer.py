"""The recording of a source's steps as versions, each durable before the next, so that a repeated import goes on.

    step ─ its files identified ─► version id ─ here, with all its bytes? ─ yes ─► known
              └ missing, or not what the source says ─► left out        └ no ─► packs, objects ─► durable (the commit point)

Children of a step that is left out become those of its parents. Refs are moved afterwards (`refs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.paths import escape_name
from mvc.model.toml import secrets
from mvc.model.tree import TreeEntry
from mvc.model.version import Timestamp, Version
from mvc.repository.imports import snapshot as snapshots
from mvc.repository.imports import unfinished, version_store, versions
from mvc.repository.imports.contents import Content, Contents
from mvc.repository.imports.scanned import ImportScan
from mvc.repository.imports.snapshot import Snapshot
from mvc.repository.imports.source import SourceHistory, Step
from mvc.repository.imports.versions import Place
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.packs import gc
from mvc.storage.progress import Progress
from mvc.storage.records import promised
from mvc.storage.records.promised import ABSENT, Cause

NEW, KNOWN, LEFT_OUT = "new", "known", "left out"
"""The outcome for a step: a new version, one that the model has, or none."""
_UNFIT = (errors.ContentDiffers, errors.NoSuchFile, errors.NotRegularFile, errors.UnreadableFile, errors.Damaged)
"""Errors of a file for which its step is left out; others, such as those of a network, end the import."""


@dataclass(frozen=True, slots=True)
class ImportedStep(Document):
    """A step and its outcome, `how`; one that was left out has no `id`, and the reason as first of its `notes`.

    In a dry run, the id of a version with files that must be downloaded is not known.
    """

    KEYS = keys("key how id number time author message files bytes_total=size missing notes")

    key: str
    how: str
    id: VersionId | None
    number: int | None
    time: Timestamp
    author: str
    message: str
    files: int
    size: int | None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Importer:
    """An import into the model `key`; a dry run stores nothing. `places` has those of the steps so far, by their keys."""

    repository: Repository
    key: str
    history: SourceHistory
    actor: Actor
    dry_run: bool = False
    progress: Progress | None = None
    allow_unsafe: bool = False
    """Store files whatever a loader of them would run."""
    spool: Path | None = None
    """A folder for a dry run to keep a file in while it is scanned; without it, a dry run scans nothing."""
    places: dict[str, Place] = field(default_factory=dict)
    absent: list[VersionId] = field(default_factory=list)
    unscanned: dict[str, None] = field(default_factory=dict)
    """The paths of files whose bytes a dry run does not have."""

    def __post_init__(self) -> None:
        """Roll an interrupted command forward and record the import, unless it is a dry run; import nothing yet."""
        self._expired = frozenset(file for record in self.history.expired for file in record.files)
        self.contents = Contents(self.repository, dry_run=self.dry_run, progress=self.progress, spool=self.spool)
        self._scan = ImportScan(self.repository, allow_unsafe=self.allow_unsafe, dry_run=self.dry_run)
        if self.dry_run:
            self._generation = b""
            return
        with self.repository.writing():
            self._generation = gc.generation(self.repository.door)
            unfinished.begin(self.repository.door, self.key, self.history.origin)

    def run(self) -> tuple[ImportedStep, ...]:
        """Import all steps, in their order; then refs name them, and `end` is called.

        Raises ImportUnsafe, ImportWouldBeUnsafe, CollectedMeanwhile, DiskFailed, and errors of the source.
        """
        try:
            return tuple([self.step(step) for step in self.history.steps])
        finally:
            self.contents.save()

    def end(self) -> None:
        """Record that the import ended."""
        unfinished.end(self.repository.door, self.key)

    def step(self, step: Step) -> ImportedStep:
        """Import one step, after its parents. Raises as `run`."""
        parents = self._parents(step)
        if step.missing:
            return self._left_out(step, parents, _missing(step.missing))
        with self.contents.step():
            try:
                expected = step.objects.tree.by_path if step.objects is not None else {}
                found = [self.contents.identify(step.key, file, expected.get(file.path)) for file in step.files]
            except _UNFIT as error:
                return self._left_out(step, parents, error.message)
            contents = [content for content in found if content is not None]
            if len(contents) < len(found):
                self.places[step.key] = Place((None,), parents.number + 1)
                return self._outcome(step, NEW, None, parents.number + 1, self._scanned(step, found))
            try:
                snapshot = self._snapshot(step, contents)
                version = versions.of_step(step, parents, snapshot)
            except (errors.Usage, errors.Refused, errors.NotCanonical, errors.ContentDiffers) as error:
                return self._left_out(step, parents, error.message)
            return self._imported(step, contents, snapshot, version or parents.number + 1)

    # --- one step

    def _imported(
        self, step: Step, contents: Sequence[Content], snapshot: Snapshot, version: Version | int
    ) -> ImportedStep:
        """Store a version unless it is known; in a dry run, it may be its number alone."""
        id_ = version.id() if isinstance(version, Version) else None
        number = version.number if isinstance(version, Version) else version
        how, notes = self._how(id_, snapshot), tuple[str, ...]()
        if how == NEW:
            notes = self._scanned(step, contents)
        if isinstance(version, Version) and not self.dry_run:
            if how == NEW:
                self._store(step, contents, snapshot, version)
            else:  # an interrupted import may have stored it, and not yet recorded what it lacks
                self._record_absent(version)
        self.places[step.key] = Place((id_,), number)
        return self._outcome(step, how, id_, number, (*snapshot.warnings, *_secrets(snapshot, step), *notes))

    def _scanned(self, step: Step, found: Sequence[Content | None]) -> tuple[str, ...]:
        """Return notes on what loaders of the files would run; None is content that a dry run does not have.

        Raises ImportUnsafe before any is stored, ImportWouldBeUnsafe in a dry run.
        """
        if self.dry_run and self.spool is None:
            return ()
        readers = {}
        for file, content in zip(step.files, found, strict=True):
            if content is None or not self.contents.can_read(file, content, expected=step.objects is not None):
                self.unscanned[file.path] = None
                continue
            entry = TreeEntry(file.path, file.role, content.size, content.file)
            if not self._scan.has_seen(entry):
                readers[entry] = self.contents.reader(step.key, file, content)
        return self._scan.check(step.key, readers)

    def _parents(self, step: Step) -> Place:
        """Return the versions that are the parents of a step, and the number of the first."""
        places = [self.places[key] for key in step.parents if key in self.places and self.places[key].ids]
        ids = dict.fromkeys(id_ for place in places for id_ in place.ids)
        return Place(tuple(ids), places[0].number if places else 0)

    def _left_out(self, step: Step, parents: Place, reason: str) -> ImportedStep:
        self.places[step.key] = parents
        return self._outcome(step, LEFT_OUT, None, None, (reason,))

    @staticmethod
    def _outcome(step: Step, how: str, id_: VersionId | None, number: int | None, notes: Sequence[str]) -> ImportedStep:
        sizes = [file.size for file in step.files]
        return ImportedStep(
            step.key,
            how,
            id_,
            number,
            step.time,
            str(step.author),
            step.message.partition("\n")[0],
            len(step.files),
            sum(size for size in sizes if size is not None) if None not in sizes else None,
            step.missing,
            (*notes, *step.warnings),
        )

    def _snapshot(self, step: Step, contents: Sequence[Content]) -> Snapshot:
        if step.objects is None:
            return snapshots.of_step(step, self.history.model, contents, self.contents.small)
        self._check_number(step.objects.version)
        return versions.exact(step, contents, self._expired)

    def _check_number(self, version: Version) -> None:
        """Raise NotCanonical unless a version's number is that of its first parent plus one, or that is not here."""
        objects, first = self.repository.objects, next(iter(version.parents), None)
        if first is None or objects.has(first):
            above = objects.version(first).number if first is not None else 0
            if version.number != above + 1:
                raise errors.NotCanonical(reason=f"a version is numbered {version.number}, not {above + 1}")

    def _how(self, id_: VersionId | None, snapshot: Snapshot) -> str:
        """Return KNOWN for a version that is here with all its bytes, but for those that the source dropped."""
        objects = self.repository.objects
        if id_ is None or not objects.has(id_):
            return NEW
        files = (objects.version(id_).model_toml, *(entry.file for entry in snapshot.tree.entries))
        return KNOWN if all(file in self._expired or self.contents.is_stored(file) for file in files) else NEW

    # --- storing

    def _store(self, step: Step, contents: Sequence[Content], snapshot: Snapshot, version: Version) -> None:
        """Store a version and its files, and make all of it durable."""
        with self._storing(snapshot, version) as ingest:
            for file, content in zip(step.files, contents, strict=True):
                self.contents.store(ingest, step.key, file, content)
            ingest.add_bytes(snapshot.model_toml)
            objects = self.repository.objects
            objects.put_manifest(snapshot.manifest)
            objects.put_tree(snapshot.tree)
            objects.put_version(version)
            self._commit(ingest, version)

    def _storing(self, snapshot: Snapshot, version: Version) -> AbstractContextManager[Ingest]:
        return version_store.ingest(Model(self.repository, self.key), snapshot.manifest, version.parents)

    def _commit(self, ingest: Ingest, version: Version) -> None:
        repository = self.repository
        with version_store.durable(repository, ingest, self._generation):
            pass
        self._record_absent(version)
        self.absent += [id_ for id_ in version.parents if not repository.objects.has(id_)]

    def _record_absent(self, version: Version) -> None:
        """Record the parents that the source does not have."""
        objects = self.repository.objects
        missing = [id_ for id_ in objects.parents(version) if not objects.has(id_)]
        if missing:
            cause = Cause(self.history.origin, str(self.actor.person), self.actor.at)
            with self.repository.locked():
                promised.append(self.repository.door, ABSENT, missing, cause)
            objects.forget_absent()


def _missing(files: Sequence[str]) -> str:
    named = ", ".join(map(escape_name, files))
    return f"the source lacks {named}"


def _secrets(snapshot: Snapshot, step: Step) -> tuple[str, ...]:
    leaks = secrets.find(snapshot.manifest, step.message)
    return tuple(f"{leak.key} looks like a secret: {leak.kind}" for leak in leaks)
