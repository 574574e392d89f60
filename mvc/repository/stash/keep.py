"""Uncommitted changes stored as a version whose parent is HEAD, while no ref moves; a record of the caller names it.

    store    the whole working tree: model.toml, and every tracked file that exists           `mvc stash`
    keep     the files at given paths, model.toml like any other, each under its path as role  a command that discards edits

Both store bytes as `commit` does (stat cache, chunks, deltas against HEAD), and call `record` with the id under the lock,
once everything is durable: a version without a record is garbage. A discarding command goes on from what was kept:

    paths = checkout.overwritten(model, base=base, wanted=wanted)
    id_ = keep(model, actor, paths, "restore", record=…)
    checkout.move(model, "restore", base=overlaid(base, kept(model, id_)), wanted=wanted)   no `force`: an edit since refuses

The opposite move restores the edits: `wanted=overlaid(base, kept(model, id_))`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.manifest import Manifest
from mvc.model.toml import parse
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.repository import delta_bases
from mvc.repository.model import Model
from mvc.repository.record.draft import Draft, Signature
from mvc.repository.repository import Actor, Repository
from mvc.repository.worktree import checkout, model_file, snapshot
from mvc.repository.worktree import scan as worktree
from mvc.repository.worktree.scan import WorkFile
from mvc.repository.worktree.snapshot import Found
from mvc.storage.progress import Progress

Record = Callable[[VersionId], None]
"""A function that records the id of a kept version, so that garbage collection keeps it."""
EXT = "mvc"
UNPARSED = "unparsed"
"""True in the `ext` of a stored version whose model.toml could not be parsed: its values and roles are those of HEAD."""
_DELETED = (errors.MissingFile, errors.RoleWithoutFile)


Accept = Callable[[Tree], bool]
"""A function that sees the files, model.toml among them, before a version is made of them; False gives it up."""


def store(
    model: Model,
    actor: Actor,
    message: str,
    *,
    record: Record,
    accept: Accept = lambda _: True,
    progress: Progress | None = None,
) -> VersionId | None:
    """Store the working tree of `model`, and return its version; None unless `accept` does. The caller holds no lock.

    The values may break the rules of a commit, tracked files may be absent, and model.toml may be invalid: its bytes
    are kept. Raises NoVersionYet, NoModelToml, the faults of tracked files, FileChanged, CollectedMeanwhile, DiskFailed.
    """
    repository, head = model.repository, model.current
    if head is None:
        raise errors.NoVersionYet(model=model.key)
    draft = Draft(repository, progress)
    try:
        found, is_parsed = _working(model, head, draft, progress)
        if not accept(_with_toml(found.snapshot.tree, found.model_toml)):
            draft.discard()
            return None
        version = draft.stage(
            found.snapshot.manifest,
            found.snapshot.tree,
            found.model_toml,
            Signature(actor.person, actor.at, message),
            parents=(head,),
            number=repository.objects.version(head).number + 1,
        )
        if not is_parsed:
            version = replace(version, ext={EXT: {UNPARSED: True}})
        return draft.keep(version, record)
    except BaseException:
        draft.discard()
        raise


def keep(
    model: Model,
    actor: Actor,
    paths: Iterable[str],
    message: str,
    *,
    record: Record,
    progress: Progress | None = None,
) -> VersionId:
    """Store the files at `paths`, in the model's folder, as they are now; the caller does not hold the lock.

    Links and folders are left out, and so are paths without a file. Raises FileChanged, UnreadableFile,
    CollectedMeanwhile, DiskFailed.
    """
    repository, head = model.repository, model.current
    parent = repository.objects.version(head) if head is not None else None
    manifest = repository.objects.manifest(parent.manifest) if parent is not None else Manifest({"name": model.key})
    text = model_file.of_version(repository, parent, model.key) if parent is not None else parse.render(manifest)
    draft = Draft(repository, progress)
    try:
        draft.ingest.bases = delta_bases.bases(model, manifest, [head] if head else [])
        entries = [_entry(repository, draft, file, parent) for file in _files(model, paths)]
        version = draft.stage(
            manifest,
            Tree.of(entries),
            text,
            Signature(actor.person, actor.at, message),
            parents=[head] if head else [],
            number=parent.number + 1 if parent is not None else 1,
        )
        return draft.keep(version, record)
    except BaseException:
        draft.discard()
        raise


def is_unparsed(version: Version) -> bool:
    """Return whether `store` could not parse the model.toml of a version."""
    ext = version.ext.get(EXT)
    return isinstance(ext, Mapping) and ext.get(UNPARSED) is True


def files_of(model: Model, version: Version) -> Tree:
    """Return the files that `store` stored, model.toml among them as its bytes were. Raises Missing, Damaged."""
    repository = model.repository
    data = text_of(model, version)
    if digest(data) != version.model_toml:  # the model was renamed since: store its edited model.toml
        checkout.store_small(repository, data)
    return _with_toml(repository.objects.tree(version.tree), data)


def text_of(model: Model, version: Version) -> bytes:
    """Return the model.toml that `store` stored, with the present name of the model if it can be parsed."""
    repository = model.repository
    if is_unparsed(version):
        return repository.extract.small(version.model_toml)
    return model_file.of_version(repository, version, model.key)


def kept(model: Model, id_: VersionId) -> Tree:
    """Return the files that `keep` stored; raise Missing, Damaged."""
    objects = model.repository.objects
    return objects.tree(objects.version(id_).tree)


def overlaid(tree: Tree, files: Tree) -> Tree:
    """Return `tree` with `files` in place of those at their paths."""
    return Tree.of([*(entry for entry in tree.entries if entry.path not in files.by_path), *files.entries])


class Unsaved(NamedTuple):
    """A file whose bytes are not stored."""

    path: str
    size: int


def unsaved(model: Model, paths: Iterable[str]) -> tuple[Unsaved, ...]:
    """Return the files at `paths` whose bytes are not stored, with their sizes: what `keep` would add to the store."""
    repository = model.repository
    identify = snapshot.by_reading(repository)
    files = _files(model, paths)
    return tuple(
        Unsaved(file.path, file.stat.size) for file in files if repository.recipes.best(identify(file)) is None
    )


def _working(model: Model, head: VersionId, draft: Draft, progress: Progress | None) -> tuple[Found, bool]:
    """Return the working tree as a version, and whether its model.toml could be parsed; else HEAD's says what is tracked."""
    repository = model.repository
    version = repository.objects.version(head)
    parsed: list[Manifest] = []

    def ready(manifest: Manifest, files: Sequence[WorkFile], _: Sequence[TreeEntry]) -> None:
        parsed.append(manifest)
        unread = [file for file in files if repository.stats.lookup(file.root_path, file.stat) is None]
        if unread:
            draft.ingest.bases = delta_bases.bases(model, manifest, [head])
        if progress is not None:
            progress.expect(sum(file.stat.size for file in unread))

    def take(data: bytes | None) -> Found:
        found = snapshot.take(
            repository,
            model.key,
            model.folder,
            repository.objects.tree(version.tree),
            identify=draft.identify,
            ready=ready,
            tolerant=True,
            data=data,
        )
        worktree.require(problem for problem in found.problems if not isinstance(problem, _DELETED))
        entries = tuple(entry for entry in found.snapshot.tree.entries if entry.file != snapshot.UNREAD)
        return replace(found, snapshot=replace(found.snapshot, tree=Tree(entries)))

    data = model_file.read(repository, model.folder)
    try:
        return take(data), True
    except errors.Usage:
        if parsed or data is None:
            raise
    return replace(take(model_file.of_version(repository, version, model.key)), model_toml=data), False


def _with_toml(tree: Tree, data: bytes) -> Tree:
    return Tree.of([*tree.entries, TreeEntry(model_file.NAME, model_file.NAME, len(data), FileId(digest(data)))])


def _files(model: Model, paths: Iterable[str]) -> list[WorkFile]:
    """Return the regular files at `paths`, each with its path as role."""
    tree, folder = model.repository.tree, model.folder
    above = f"{folder}/" if folder else ""
    stats = ((path, tree.stat(above + path)) for path in sorted(set(paths)))
    return [WorkFile(path, path, stat, above + path) for path, stat in stats if stat is not None and stat.is_file]


def _entry(repository: Repository, draft: Draft, file: WorkFile, parent: Version | None) -> TreeEntry:
    recorded = repository.objects.tree(parent.tree).by_path.get(file.path) if parent is not None else None
    executable = repository.tree.is_executable(file.stat, recorded=recorded is not None and recorded.exec)
    return TreeEntry(file.path, file.role, file.stat.size, FileId(draft.identify(file)), executable)
