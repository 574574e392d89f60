"""`mvc fsck`: verify this repository, and name the files of versions that damage affects.

Every record is checked against its id or checksum, then every reachable version down to its chunks. With `read_data`,
every file is also rebuilt and hashed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import paths
from mvc.model.document import Document
from mvc.model.ids import FileId, ManifestId, TreeId, VersionId
from mvc.model.tree import Tree
from mvc.model.version import Version
from mvc.repository import history, reachable
from mvc.repository.repository import Repository
from mvc.repository.retention.leftovers import Leftovers
from mvc.storage import fsck as store
from mvc.storage import usage
from mvc.storage.fsck import Finding, Sound
from mvc.storage.packs import gc
from mvc.storage.progress import Progress
from mvc.storage.records import clone_source, journal, operations, stashes
from mvc.storage.records.promised import State
from mvc.storage.records.reflog import HEADS, RefName
from mvc.storage.records.stashes import StashEntry

T = TypeVar("T")
_NONE: list[str] = []
_NO_REFS: list[RefName] = []
_NO_STASHES: list[StashEntry] = []
LOOKS = 3
"""Repetitions of a check during which the store changed, at most."""


@dataclass(frozen=True, slots=True)
class Hit(Document):
    """A file (path None: the whole version) that cannot be rebuilt, and the version it belongs to."""

    version: VersionId
    number: int | None
    models: tuple[str, ...]
    path: str | None


@dataclass(frozen=True, slots=True)
class Report(Document):
    """The findings, the files of versions they affect, and the amounts checked.

    `pending` is the verb of an interrupted change to be rolled forward; `cloning` the URL of an interrupted clone;
    `pruning` the number of chunks that an interrupted prune has not removed yet. `subset` is the part of a remote's packs
    that was read, such as 2/5; null for all or none.
    """

    findings: tuple[Finding, ...]
    hits: tuple[Hit, ...]
    counts: dict[str, int]
    pending: str | None
    cloning: str | None = None
    pruning: int = 0
    subset: str | None = None


def fsck(repository: Repository, *, read_data: bool = False, progress: Progress | None = None) -> Report:
    """Check the whole repository; writes nothing and takes no lock.

    If the store changed during the check, only findings count that a second check, without caches, confirms.
    """
    before = usage.stamp(repository.door)
    report = _check(repository, read_data=read_data, progress=progress)
    for _ in range(LOOKS):
        if not report.findings:
            break
        after = usage.stamp(repository.door)
        if after == before:
            break
        before = after
        report = _both(report, _check(_anew(repository), read_data=read_data, progress=None))
    return report


def _check(repository: Repository, *, read_data: bool, progress: Progress | None) -> Report:
    sound = Sound()
    findings = list(store.check(repository.door, sound, progress))
    if progress is not None and read_data:
        progress.expect(0)  # the number of files is known only during the walk
    walk = _Walk(repository, sound, read_data=read_data, progress=progress)
    findings += walk.run()
    pending = None
    if not any(finding.kind == "journal" for finding in findings):
        unfinished = journal.pending(repository.door)
        pending = unfinished.verb if unfinished else None
    source = None
    if not any(finding.kind == "clone" for finding in findings):
        source = clone_source.unfinished(repository.door)
    left = Leftovers(repository, sound)
    findings += left.findings()
    counts = {**sound.counts, "versions": len(walk.seen) + len(walk.old), **walk.promised()}
    return Report(
        tuple(findings), tuple(walk.hits), counts, pending, source.url if source is not None else None, left.unfinished
    )


def _both(one: Report, two: Report) -> Report:
    """Return the later report with the findings of both."""
    findings = tuple(finding for finding in two.findings if finding in set(one.findings))
    return replace(two, findings=findings, hits=tuple(hit for hit in two.hits if hit in set(one.hits)))


def _anew(repository: Repository) -> Repository:
    """Return the same repository without cached state."""
    return Repository(repository.root)


class _Walk:
    """A walk from every ref down to the chunks. `old` are versions that only expired ref log entries name.

    Garbage collection may have deleted parts of old versions: missing parts of these are no damage, corrupt ones are.
    """

    def __init__(self, repository: Repository, sound: Sound, *, read_data: bool, progress: Progress | None) -> None:
        self.repository = repository
        self.sound = sound
        self.read_data = read_data
        self.progress = progress
        self.seen: dict[VersionId, set[str]] = {}
        self.old: dict[VersionId, set[str]] = {}
        self._needed: set[FileId] = set()
        self.hits: list[Hit] = []
        self._states: dict[FileId, str | None] = {}
        self._last: tuple[str, Tree] = ("", Tree(()))

    def run(self) -> Iterator[Finding]:
        roots = list(self._roots())
        for model, version, kept in roots:
            if kept:
                self._reach(model, version, self.seen)
        for model, version, kept in roots:
            if not kept and version not in self.seen:
                self._reach(model, version, self.old)
        yield from self._lost_logs()
        for id_ in self.seen:
            yield from self._version(id_)
        for id_ in self.old.keys() - self.seen.keys():
            yield from self._old_version(id_)
        yield from self._kept_edits()

    def _kept_edits(self) -> Iterator[Finding]:
        """Report edits that `mvc undo` could not restore."""
        for number, record in operations.sound(self.repository.door).items():
            for file in record.kept:
                fault = self._file(file, None)
                if fault is not None:
                    yield Finding("missing", operations.path(number), f"an edit that it keeps for `mvc undo`: {fault}")

    def _lost_logs(self) -> Iterator[Finding]:
        """Report a current branch without a log that had one, and an upstream without a remote-tracking ref."""
        repository = self.repository
        for model in unless_damaged(repository.heads.models, _NONE):
            try:
                reachable.check_log(repository, model)
            except errors.LogLost as error:
                yield Finding("ref", RefName(model, HEADS, str(error.fields["branch"])).folder, error.message)
            except errors.MvcError:
                continue  # a damaged head or log is reported already
        for model, branch, remote, name in repository.config.upstreams():
            ref = RefName(model, HEADS, name).tracking_ref(remote)
            if not repository.refs.numbers(ref):
                called = f"the log of {remote}/{name}, the upstream of {branch} of {model}, is missing"
                yield Finding("ref", ref.folder, f"{called}; `mvc fetch {remote}` creates it again")

    def promised(self) -> dict[str, int]:
        """Return the number of files of versions whose content is at one remote only, by remote."""
        promised, found = self.repository.promised, dict[str, int]()
        for file in self._needed:
            if (
                not self.sound.complete(file)
                and unless_damaged(partial(promised.recorded, file), None) is State.PROMISED
            ):
                what = f"files promised by {promised.promisors(file)[0]}"
                found[what] = found.get(what, 0) + 1
        return found

    def _roots(self) -> Iterator[tuple[str, VersionId, bool]]:
        """Yield every version that a ref or HEAD names, and former ones that still exist.

        Each comes with whether it must be complete: expired log entries do not keep versions alive, and before the first
        garbage collection none is expired.
        """
        repository = self.repository
        since = unless_damaged(partial(gc.recorded_expiry, repository.door), None)
        for model in unless_damaged(repository.refs.models, _NONE):
            for ref in unless_damaged(partial(self._refs, model), _NO_REFS):
                numbers = repository.refs.numbers(ref)
                for number in numbers:
                    old, new, at = self._move(ref, number)
                    if new is not None and number == numbers[-1]:
                        yield model, new, True
                        continue
                    kept = since is None or at > since
                    yield from ((model, id_, kept) for id_ in (new, old) if id_ and (kept or self._is_here(id_)))
        for model in unless_damaged(repository.heads.models, _NONE):
            head = unless_damaged(partial(repository.heads.get, model), None)
            if head is not None and head.version is not None:
                yield model, head.version, True
        for model in unless_damaged(partial(stashes.models, repository.door), _NONE):
            entries = unless_damaged(partial(stashes.read, repository.door, model), _NO_STASHES)
            yield from (
                (model, entry.version, True) for entry in stashes.standing(entries) if entry.version is not None
            )

    def _move(self, ref: RefName, number: int) -> store.Move:
        """Return the versions and the time of a ref entry; read it if it was not intact, or not there, in the check of the logs."""
        if (ref, number) in self.sound.moves:
            return self.sound.moves.pop((ref, number))
        entry = unless_damaged(partial(self.repository.refs.entry, ref, number), None)
        return (None, None, 0) if entry is None else (entry.old, entry.new, entry.move.at.seconds)

    def _is_here(self, id_: VersionId) -> bool:
        """Return whether a former version has not been garbage-collected."""
        try:
            self._load(id_)
        except errors.Missing:
            return False
        except errors.Damaged:
            return True
        return True

    def _refs(self, model: str) -> list[RefName]:
        refs = self.repository.refs
        return [ref for kind in refs.kinds(model) for ref in refs.all(model, kind)]

    def _reach(self, model: str, version: VersionId, seen: dict[VersionId, set[str]]) -> None:
        def parents(id_: VersionId) -> tuple[VersionId, ...]:
            found = None if model in seen[id_] else unless_damaged(partial(self._load, id_), None)
            seen[id_].add(model)
            return self.repository.objects.parents(found) if found else ()

        for id_ in history.reach([version], parents):
            seen.setdefault(id_, set())

    def _load(self, id_: VersionId) -> Version:
        return self.sound.versions.get(id_) or self.repository.objects.version(id_)

    def _tree(self, id_: TreeId) -> Tree:
        """Return a tree; most versions have the one of the version before."""
        if id_ != self._last[0]:
            self._last = id_, self.repository.objects.tree(id_)
        return self._last[1]

    def _version(self, id_: VersionId) -> Iterator[Finding]:
        try:
            version = self._load(id_)
        except errors.Damaged as error:
            yield self._hit(error, id_, None, None)
            return
        try:
            self._check_manifest(version.manifest)
            tree = self._tree(version.tree)
        except errors.Damaged as error:
            yield self._hit(error, id_, version, None)
            return
        yield from self._number(id_, version)
        yield from self._paths(id_, version, [entry.path for entry in tree.entries])
        files = [(entry.path, entry.file, entry.size) for entry in tree.entries]
        self._needed.update(file for _, file, _ in files)
        for path, file, size in [*files, ("model.toml", version.model_toml, None)]:
            fault = self._file(file, size)
            if fault is not None:
                self.hits.append(Hit(id_, version.number, self._models(id_), path))
                yield Finding(
                    "content" if self.read_data else "missing", path, f"v{version.number} {id_[:10]}: {fault}"
                )

    def _old_version(self, id_: VersionId) -> Iterator[Finding]:
        """Return the damage of a version that may be garbage-collected: corrupt parts, not missing ones."""
        try:
            version = self._load(id_)
            self._check_manifest(version.manifest)
            tree = self._tree(version.tree)
        except errors.Missing:
            return
        except errors.Damaged as error:
            yield self._hit(error, id_, None, None)
            return
        for entry in tree.entries:
            fault = self._file(entry.file, entry.size) if self.sound.complete(entry.file) else None
            if fault is not None:
                self.hits.append(Hit(id_, version.number, self._models(id_), entry.path))
                yield Finding("content", entry.path, f"v{version.number} {id_[:10]}: {fault}")

    def _check_manifest(self, id_: ManifestId) -> None:
        """Raise Missing, Damaged unless the manifest is intact."""
        if id_ not in self.sound.manifests:
            self.repository.objects.manifest(id_)

    def _models(self, id_: VersionId) -> tuple[str, ...]:
        return tuple(sorted(self.seen.get(id_) or self.old.get(id_) or ()))

    def _paths(self, id_: VersionId, version: Version, listed: list[str]) -> Iterator[Finding]:
        """Report paths that a checkout would refuse to write."""
        for path in listed:
            try:
                paths.check_path(path)
            except errors.MvcError as error:
                yield Finding("path", paths.escape_name(path), f"v{version.number} {id_[:10]}: {error.message}")
        for first, second in paths.collisions(listed):
            yield Finding("path", paths.escape_name(first), f"v{version.number} {id_[:10]}: collides with {second}")

    def _number(self, id_: VersionId, version: Version) -> Iterator[Finding]:
        parent = history.first_parent(self.repository.objects, version)
        first = unless_damaged(partial(self._load, parent), None) if parent is not None else None
        if version.parents and first is None:
            return
        expected = first.number + 1 if first else 1
        if version.number != expected:
            yield Finding("number", f"objects/{id_[:2]}/{id_}", f"it is numbered {version.number}, not {expected}")

    def _hit(self, error: errors.Damaged, id_: VersionId, version: Version | None, path: str | None) -> Finding:
        number = version.number if version else None
        self.hits.append(Hit(id_, number, self._models(id_), path))
        called = f"v{number} {id_[:10]}" if number else f"version {id_[:10]}"
        kind = "missing" if isinstance(error, errors.Missing) else "object"
        return Finding(kind, called, error.message)

    def _file(self, file: FileId, size: int | None) -> str | None:
        """Return why a file cannot be rebuilt; None if it can, or its absence is recorded."""
        if file not in self._states:
            self._states[file] = self._fault(file)
        fault = self._states[file]
        recipes = self.sound.recipes.get(file, ())
        if fault is None and size is not None and recipes and all(recipe.size != size for recipe in recipes):
            return f"its recipe says another size than {size}"
        return fault

    def _fault(self, file: FileId) -> str | None:
        if self.sound.complete(file):
            return self._content(file) if self.read_data else None
        state = unless_damaged(partial(self.repository.promised.recorded, file), None)
        if state in (State.PROMISED, State.EXPIRED):
            return None
        if file not in self.sound.recipes:
            return f"no whole recipe of file {file[:10]} is here"
        return f"chunks of file {file[:10]} are not here"

    def _content(self, file: FileId) -> str | None:
        try:
            for block in self.repository.extract.stream(file):
                if self.progress is not None:
                    self.progress(len(block))
        except errors.MvcError as error:
            return error.message
        return None


def unless_damaged(read: Callable[[], T], damaged: T) -> T:
    """Return the result of `read`, or `damaged` if the record was already found damaged."""
    try:
        return read()
    except errors.Damaged:
        return damaged
