"""`mvc cat`: the content of one file of a version, verified piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from mvc.deferred import dataclass
from mvc.model import roles
from mvc.model.ids import Buffer, FileId
from mvc.repository import history, revisions
from mvc.repository.model import Model
from mvc.repository.policy import take
from mvc.repository.worktree import model_file
from mvc.storage.disk import exportdoor
from mvc.transport import promises


@dataclass(frozen=True, slots=True)
class Content:
    """A file: path in the model's folder, size in bytes, id (None: generated for this reading), and content."""

    path: str
    size: int
    file: FileId | None
    pieces: Iterable[Buffer]


def cat(model: Model, text: str) -> Content:
    """Open the file that `text` names (REV:ROLE, REV:./PATH, REV:model.toml); its pieces are read on demand.

    Raises NotInVersion, RoleHasMany, TakeRefused, and as resolving does; while reading: Missing, Damaged.
    """
    repository = model.repository
    revision, name = revisions.split_file(text)
    id_ = take.resolve(model, revision)
    version = repository.objects.version(id_)
    if name.removeprefix("./") == model_file.NAME:
        data = model_file.of_version(repository, version, revisions.model_of(model, revision))
        return Content(model_file.NAME, len(data), None, (data,))
    tree = repository.objects.tree(version.tree)
    served = roles.expanded(repository.objects.manifest(version.manifest), tree)
    entry = revisions.find_file(served, name, history.label(repository, id_))
    promises.ensure_present(repository, [entry])
    return Content(entry.path, entry.size, entry.file, repository.extract.stream(entry.file))


def save(content: Content, target: Path, progress: Callable[[int], None] | None = None) -> None:
    """Write `content` to `target`: a file is replaced atomically, a pipe or device is streamed to.

    Raises InsideStore, NotWritable, DiskFailed, Damaged.
    """
    with exportdoor.output(target) as write:
        for piece in content.pieces:
            write(piece)
            if progress is not None:
                progress(len(piece))
