"""`mvc cat`: the bytes of one file of a version, each piece checked before it is given out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mvc.model.ids import Buffer, FileId
from mvc.repository import history, revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.repository.worktree import model_file
from mvc.storage.disk import exportdoor
from mvc.transport import promises


@dataclass(frozen=True, slots=True)
class Content:
    """One file: its path in the model's folder, its size in bytes, its id (None: made for this reading), its bytes."""

    path: str
    size: int
    file: FileId | None
    pieces: Iterable[Buffer]


def cat(repository: Repository, model: str, text: str) -> Content:
    """The file that `text` (REV:ROLE, REV:./PATH, REV:model.toml) names; its pieces are read as they are asked for.

    Raises what resolving raises, BadFileRevision, NotInVersion, RoleHasMany; while reading: Missing, Damaged.
    """
    revision, name = revisions.split_file(text)
    id_ = revisions.resolve(Model(repository, model), revision)
    version = repository.objects.version(id_)
    if name.removeprefix("./") == model_file.NAME:
        data = model_file.of_version(repository, version, revisions.model_of(Model(repository, model), revision))
        return Content(model_file.NAME, len(data), None, (data,))
    tree = repository.objects.tree(version.tree)
    entry = revisions.find_file(tree, name, history.label(repository, id_).partition(" ")[0])
    promises.ensure_present(repository, [entry])
    return Content(entry.path, entry.size, entry.file, repository.extract.stream(entry.file))


def save(content: Content, target: Path, progress: Callable[[int], None] | None = None) -> None:
    """Write `content` to `target`: a file is replaced whole or not at all, a pipe or device gets the bytes as they come.

    Raises InsideStore, NotWritable, DiskFailed, Damaged.
    """
    with exportdoor.output(target) as write:
        for piece in content.pieces:
            write(piece)
            if progress is not None:
                progress(len(piece))
