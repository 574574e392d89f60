"""One new version: its files and objects are stored, then a branch moves to it.

    Draft ─ store files (no lock) ─ tree, manifest, version ─ durable ─► lock ─► ref entry: the commit point

`commit` creates versions of the working tree this way, and `record_files` of files anywhere. A stash is kept by a record
of its own instead of a branch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.toml import rules, secrets
from mvc.model.toml.rules import Problem
from mvc.model.tree import Tree
from mvc.model.version import Code, Person, Timestamp, Version
from mvc.repository.repository import Repository
from mvc.repository.worktree import snapshot
from mvc.repository.worktree.scan import WorkFile
from mvc.storage.chunks.ingest import Ingest, Stored
from mvc.storage.packs import gc
from mvc.storage.progress import Progress
from mvc.storage.records import config
from mvc.storage.records.reflog import Move, RefEntry, RefName


@dataclass(frozen=True, slots=True)
class Signature:
    """The author, time and message of a version, and the training code's commit."""

    author: Person
    time: Timestamp
    message: str
    code: Code | None = None


class Draft:
    """A version that is being created. An interrupted change is rolled forward first; a failure leaves nothing."""

    def __init__(self, repository: Repository, progress: Progress | None = None) -> None:
        """Start: read the mark of the last garbage collection before any lookup of stored objects."""
        self._repository = repository
        self._progress = progress
        self.fresh: dict[FileId, int] = {}
        """The bytes newly stored for each file."""
        self._trusted: frozenset[FileId] = frozenset()
        with repository.writing():
            self._generation = gc.generation(repository.door)

    def trust(self, tree: Tree) -> None:
        """Take the files of `tree`, that of the parent version, as stored unless records say otherwise.

        Asking for each chunk of 10,000 unchanged files takes longer than the rest of a commit; `mvc fsck` finds damage.
        """
        self._trusted = frozenset(entry.file for entry in tree.entries)

    @cached_property
    def ingest(self) -> Ingest:
        """The writer of files, created with the first file."""
        return self._repository.ingest(self._progress)

    def store(self, fd: int, path: str, role: str) -> Stored:
        """Store the open file `fd`. Raises DiskFailed, OSError."""
        stored = self.ingest.add(fd, path, role)
        self.fresh[stored.file] = self.fresh.get(stored.file, 0) + stored.new_bytes
        return stored

    def identify(self, file: WorkFile) -> FileId:
        """Return the id of a file of the working tree, storing its content unless it is stored.

        Raises FileChanged, MissingFile, UnreadableFile, NotRegularFile, UnsafePath, DiskFailed.
        """
        repository = self._repository
        known = repository.stats.lookup(file.root_path, file.stat)
        if known is not None and known in self._trusted and repository.promised.is_presumed(known, file.stat.size):
            return known
        recipe = repository.recipes.best(known) if known is not None else None
        if known is not None and recipe is not None:
            repository.door.make_durable(recipe.folder)
            return known
        size = file.stat.size

        def store(fd: int) -> FileId:
            nonlocal size
            stored = self.store(fd, file.path, file.role)
            size = stored.size
            return stored.file

        id_ = snapshot.read_steadily(repository, file, store)
        if size != file.stat.size:  # a network file system may report another size than it reads
            raise errors.FileChanged(path=file.path)
        return id_

    def stage(
        self,
        manifest: Manifest,
        tree: Tree,
        model_toml: bytes,
        signature: Signature,
        *,
        parents: Sequence[VersionId],
        number: int,
    ) -> Version:
        """Stage the objects of a version, and return it."""
        objects = self._repository.objects
        return Version(
            parents=tuple(parents),
            number=number,
            author=signature.author,
            time=signature.time,
            message=signature.message,
            manifest=objects.put_manifest(manifest),
            tree=objects.put_tree(tree),
            model_toml=self.ingest.add_bytes(model_toml),
            code=signature.code,
        )

    def publish(
        self,
        branch: RefName,
        move: Move,
        version: Callable[[], tuple[RefEntry | None, Version]],
        after: Callable[[], None] = lambda: None,
    ) -> VersionId:
        """Make everything durable, then move `branch`: the commit point. `version` and `after` are called under the lock.

        `version` returns the tip that the branch moves from, and the version; it may raise. Raises RefMoved,
        CollectedMeanwhile.
        """
        repository = self._repository
        self.ingest.close()
        with repository.locked():
            tip, new = version()
            id_ = self._put(new)
            repository.refs.append(branch, tip, id_, move)
            after()
        repository.stats.save()
        return id_

    def keep(self, version: Version, record: Callable[[VersionId], None]) -> VersionId:
        """Make `version` durable without moving a ref; `record` is called under the lock, and keeps it from collection.

        Raises CollectedMeanwhile.
        """
        repository = self._repository
        self.ingest.close()
        with repository.locked():
            id_ = self._put(version)
            repository.door.barrier()
            record(id_)
        repository.stats.save()
        return id_

    def discard(self) -> None:
        """Discard everything that was stored."""
        if "ingest" in self.__dict__:
            self.ingest.discard()
        self._repository.door.discard_staged()

    def _put(self, version: Version) -> VersionId:
        """Stage the version; the caller holds the lock. Raises CollectedMeanwhile."""
        door = self._repository.door
        if gc.generation(door) != self._generation:
            raise errors.CollectedMeanwhile
        config.require(door, self.ingest.features)
        return self._repository.objects.put_version(version)


def check(manifest: Manifest, message: str, *, allow_secret: bool) -> tuple[Problem, ...]:
    """Return the warnings about the values of a version. Raises RulesBroken, SecretFound."""
    problems = rules.check(manifest)
    broken = [problem for problem in problems if problem.severity == rules.ERROR]
    if broken:
        listed = "\n".join(f"  {p.key}: {p.message}{f' ({p.fix})' if p.fix else ''}" for p in broken)
        raise errors.RulesBroken(count=len(broken), problems=listed)
    leaked = secrets.find(manifest, message)
    if leaked and not allow_secret:
        raise errors.SecretFound(findings="; ".join(f"{leak.key}: {leak.kind} {leak.masked}" for leak in leaked))
    return problems
