"""The version that a recording is about to make, for the rules of a policy: its files are not read yet."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping

from mvc.formats.source import Source
from mvc.model.ids import FileId
from mvc.model.tree import Tree, TreeEntry
from mvc.repository import contents as file_contents
from mvc.repository.contents import Contents
from mvc.repository.policy.candidate import NEW, Candidate
from mvc.repository.record.plan import Content, Given, NamedFile, Plan
from mvc.repository.repository import Repository
from mvc.repository.worktree.snapshot import UNREAD


def candidate(repository: Repository, plan: Plan, files: Mapping[str, Given]) -> Candidate:
    """Return the version that `plan` makes of files by role."""
    by_path = {path: (role, files[role]) for role, path in plan.places.items()}
    tree = Tree.of([_entry(path, role, file) for path, (role, file) in by_path.items()])
    parents = (plan.parent,) if plan.parent is not None else ()
    given = {path: file for path, (_, file) in by_path.items()}
    return Candidate(repository, NEW, None, parents, plan.manifest, tree, _contents(repository, given))


def _entry(path: str, role: str, file: Given) -> TreeEntry:
    if isinstance(file, TreeEntry):
        return file._replace(path=path, role=role)
    if isinstance(file, Content):
        return TreeEntry(path, role, len(file.data), FileId(UNREAD))
    try:
        size = os.stat(_place(file)).st_size
    except OSError:  # storing the file reports that
        size = 0
    return TreeEntry(path, role, size, FileId(UNREAD))


def _contents(repository: Repository, files: Mapping[str, Given]) -> Contents:
    """Return the contents of the given files by their paths in the version."""
    stored = file_contents.stored(repository)

    @contextlib.contextmanager
    def opened(entry: TreeEntry) -> Iterator[Source | None]:
        file = files[entry.path]
        if isinstance(file, TreeEntry):
            with stored.opened(file._replace(path=entry.path)) as source:
                yield source
        elif isinstance(file, Content):
            data = file.data
            yield Source(lambda offset, size: data[offset : offset + size], len(data), entry.path)
        else:
            try:
                fd = os.open(_place(file), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except OSError:
                yield None
                return
            try:
                is_file = stat.S_ISREG(os.fstat(fd).st_mode)  # storing anything else is an error
                yield Source.of(fd, entry.path) if is_file else None
            finally:
                os.close(fd)

    return Contents(opened)


def _place(file: Given) -> str:
    assert not isinstance(file, TreeEntry | Content)  # noqa: S101 - these have no place outside
    return os.fspath(file.path if isinstance(file, NamedFile) else file)
