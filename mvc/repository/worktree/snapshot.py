"""A snapshot of a model's working tree: its manifest and tree; the stat cache saves most reads.

model.toml ─ parse ─ Manifest ─ scan ─ tracked files ─ identify ─ Tree
                                                         │
                     commit: from the stat cache, or read once and stored
                     status: from the stat cache, or read, or known to differ by size without reading
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model import canonical, paths
from mvc.model.compare.diff import Snapshot
from mvc.model.ids import FileId
from mvc.model.manifest import Manifest
from mvc.model.toml import parse
from mvc.model.tree import ENTRY, MAX_ENTRIES, Tree, TreeEntry
from mvc.repository.parts import Parts
from mvc.repository.worktree import links, model_file, partial
from mvc.repository.worktree import scan as worktree
from mvc.repository.worktree.scan import Scan, WorkFile
from mvc.storage.disk import hashing

if TYPE_CHECKING:
    from mvc.model.toml.rules import Problem
    from mvc.repository.worktree import value_reader
else:
    value_reader = lazy.Module("mvc.repository.worktree.value_reader")

Identify = Callable[[WorkFile], FileId]
"""A function that returns the id of a tracked file's bytes."""
Ready = Callable[[Manifest, Sequence[WorkFile], Sequence[TreeEntry]], None]
"""A function that receives the files to be read, and those that are tracked but not checked out."""
UNREAD = FileId("")
"""The id of an unread file, which no stored file has; a tree with it cannot be stored."""
TRIES = 3
"""Attempts to read a file that changes during the read."""
_LARGE = 64 * 1024
"""Bytes of a file from which the order of reading matters."""


def _unfit() -> tuple[type[errors.MvcError], ...]:
    """Return the faults of a file; not a constant, since looking up a class loads all errors."""
    return (errors.NotRegularFile, errors.UnsafePath, errors.FileChanged, errors.MissingFile, errors.UnreadableFile)


@dataclass(frozen=True, slots=True)
class Found:
    """The working tree as a version: its snapshot, the tracked files, and the bytes of model.toml.

    `problems` are faults that were tolerated. `skipped` are files that a pattern matches and that look like
    credentials; `elsewhere` are the files of the tree that are not checked out. `warnings` are about value files.
    """

    snapshot: Snapshot
    files: tuple[WorkFile, ...]
    model_toml: bytes
    problems: tuple[errors.MvcError, ...] = ()
    skipped: tuple[str, ...] = ()
    elsewhere: tuple[TreeEntry, ...] = ()
    warnings: tuple[Problem, ...] = ()


def take(
    repository: Parts,
    model: str,
    folder: str,
    base: Tree | None,
    *,
    identify: Identify,
    ready: Ready | None = None,
    tolerant: bool = False,
    data: bytes | None = None,
) -> Found:
    """Return the working tree of `model` in `folder` as a version; `identify` returns the id of each tracked file.

    `ready` is called once the files are known and before one is read; it may raise. Files that are not checked out are
    taken from `base`, the tree of HEAD. `data` is read instead of the model.toml in the working tree.

    Raises BadToml and the like, NoModelToml, OtherName, and the faults of tracked files. With `tolerant`, faults are
    returned, and an unreadable file has the id UNREAD.
    """
    data = model_file.read(repository, folder) if data is None else data
    if data is None:
        raise errors.NoModelToml(path=model_file.path(folder), model=model)
    reader = value_reader.ValueReader(repository, folder, tolerant=tolerant)
    manifest = parse.parse(data, where=model_file.path(folder), reader=reader)
    if manifest.name != model:
        raise errors.OtherName(path=model_file.path(folder), name=manifest.name, model=model)
    follow = links.of(repository, manifest)
    values = manifest.value_paths
    scan = worktree.scan(repository.root, folder, manifest.files, manifest.labelmap_path, values=values, follow=follow)
    repository.tree.follow(scan.followed)
    elsewhere = _elsewhere(repository, model, manifest, base, scan)
    entries = list(elsewhere)
    problems = [problem for problem in scan.problems if not _is_about(problem, elsewhere)]
    problems += worktree.clashes(scan.tracked, elsewhere) if elsewhere else ()
    problems += [*reader.problems, *_too_big(model, scan.tracked, elsewhere)]
    if not tolerant:
        worktree.require(problems)
    if ready is not None:
        ready(manifest, scan.tracked, elsewhere)
    by_path = base.by_path if base else {}
    is_executable = repository.tree.is_executable
    for file in sorted(scan.tracked, key=_precedence):
        path, role, stat, _ = file
        try:
            id_ = identify(file)
        except (errors.MvcError, OSError) as error:
            if isinstance(error, errors.MvcError) and not isinstance(error, _unfit()):
                raise
            problem = _problem(file, error)
            if not tolerant:
                raise problem from error
            problems.append(problem)
            id_ = UNREAD
        recorded = by_path.get(path)
        executable = is_executable(stat, recorded=recorded is not None and recorded.exec)
        entries.append(TreeEntry(path, role, stat.size, id_, executable))
    tree = Tree.of(entries)
    reader.check(tree)
    snapshot = Snapshot(manifest, tree)
    return Found(snapshot, scan.tracked, data, tuple(problems), scan.skipped, elsewhere, tuple(reader.warnings))


def _precedence(file: WorkFile) -> int:
    """Return the sort key of the order of reading: large files first, the largest of them before its copies of fewer bits."""
    return min(0, _LARGE - file.stat.size)


def _elsewhere(
    repository: Parts, model: str, manifest: Manifest, base: Tree | None, scan: Scan
) -> tuple[TreeEntry, ...]:
    """Return the files of `base` that are not checked out and that `[files]` still tracks, with their new roles."""
    left_out = partial.not_checked_out(repository, model, base, {file.path for file in scan.tracked})
    if not left_out:
        return ()
    folder = repository.head(model).folder
    roles = worktree.roles_of(repository.root, folder, manifest.files, manifest.labelmap_path, manifest.value_paths)
    named = ((entry, roles(entry.path)) for entry in left_out)
    return tuple(entry._replace(role=role) for entry, role in named if role is not None)


def _is_about(problem: errors.MvcError, entries: Sequence[TreeEntry]) -> bool:
    """Return whether a problem is the absence of one of these files in the working tree."""
    if isinstance(problem, errors.MissingFile):
        return problem.fields["path"] in {paths.escape_name(entry.path) for entry in entries}
    if isinstance(problem, errors.RoleWithoutFile):
        return any(entry.role.startswith(f"{problem.fields['role']}/") for entry in entries)
    return False


def _too_big(model: str, files: Sequence[WorkFile], elsewhere: Sequence[TreeEntry]) -> Iterator[errors.TooBig]:
    """Yield the error for too many files for one tree, before any of them is read."""
    what = f"The model {model}"
    count = len(files) + len(elsewhere)
    names = [name for file in files for name in file[:2]]
    names += [name for entry in elsewhere for name in entry[:2]]
    size = len("".join(names).encode()) + ENTRY * count
    if count > MAX_ENTRIES:
        reason = f"it tracks {count} files, and a version has at most {MAX_ENTRIES}; pack small files into archives"
        yield errors.TooBig(what=what, reason=reason)
    elif size > canonical.MAX_BYTES:
        reason = f"the paths and roles of its {count} files take more than {canonical.MAX_BYTES >> 20} MiB"
        yield errors.TooBig(what=what, reason=reason)


def unread(files: Sequence[WorkFile], elsewhere: Sequence[TreeEntry] = ()) -> Tree:
    """Return the tree of these files before any is read, with those that are not checked out."""
    here = [TreeEntry(path, role, stat.size, UNREAD, stat.executable) for path, role, stat, _ in files]
    return Tree.of([*elsewhere, *here])


def by_reading(repository: Parts) -> Identify:
    """Return a function that identifies files by the stat cache, or by reading them."""

    def identify(file: WorkFile) -> FileId:
        known = repository.stats.lookup(file.root_path, file.stat)
        return known or read_steadily(repository, file, hashing.file_id)

    return identify


def by_need(repository: Parts, base: Tree | None) -> Identify:
    """Return a function as `by_reading` that reads a file only if it could equal one of `base`.

    A file has the id UNREAD if its size differs from the entry at its path, or from all entries if there is none at its
    path: for a comparison with `base`, that is sufficient.
    """
    by_path = base.by_path if base else {}
    sizes = {entry.size for entry in by_path.values()}
    lookup = repository.stats.lookup

    def identify(file: WorkFile) -> FileId:
        known = lookup(file.root_path, file.stat)
        if known is not None:
            return known
        entry = by_path.get(file.path)
        needed = file.stat.size == entry.size if entry else file.stat.size in sizes
        return read_steadily(repository, file, hashing.file_id) if needed else UNREAD

    return identify


def read_steadily(repository: Parts, file: WorkFile, read: Callable[[int], FileId]) -> FileId:
    """Return the result of `read` for the open file, and record the id in the stat cache.

    Raises FileChanged if it changed during each of TRIES reads, MissingFile, UnreadableFile, NotRegularFile, UnsafePath.
    """
    for _ in range(TRIES):
        fd = _open(repository, file)
        try:
            id_ = repository.stats.read(file.root_path, fd, read)
            size = os.fstat(fd).st_size
        finally:
            os.close(fd)
        if id_ is not None and size == file.stat.size:
            return id_
    raise errors.FileChanged(path=file.path)


def _problem(file: WorkFile, error: Exception) -> errors.MvcError:
    """Return the error for a file that could not be identified."""
    if isinstance(error, OSError):
        return errors.UnreadableFile(path=file.path, reason=error.strerror or str(error))
    assert isinstance(error, errors.MvcError)  # noqa: S101 - nothing else is caught
    return error


def _open(repository: Parts, file: WorkFile) -> int:
    try:
        return repository.tree.open(file.root_path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise errors.MissingFile(path=file.path, role=file.role) from error
