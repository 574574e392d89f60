"""`mvc restore`: restore files of the working tree from a version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.tree import Tree, TreeEntry
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Repository, writes
from mvc.repository.worktree import checkout, model_file, typed
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress
from mvc.transport import promises


@writes
def restore(
    model: Model,
    names: Sequence[str],
    *,
    source: VersionId | None = None,
    below: str = "",
    discard: bool = False,
    progress: Progress | None = None,
) -> Moved:
    """Overwrite the files named by `names` with those of `source`, by default the current version.

    Edits come back with `mvc undo`, unless they are to `discard`.

    A name is a role, a glob's role, a path or a folder, relative to the folder `below` the model's, or `model.toml`; no
    names mean all files. Raises NoVersionYet, NotInVersion, TooMuchToKeep, Damaged.
    """
    repository = model.repository
    source = source or model.current
    if source is None:
        raise errors.NoVersionYet(model=model.key)
    version = repository.objects.version(source)
    named = _named(
        repository,
        promises.entries_by_role(repository, source),
        names,
        source,
        repository.root / model.folder,
        below,
    )
    promises.ensure_present(repository, named, progress)
    with repository.writing():
        tree = repository.objects.tree(version.tree)
        if any(entry.path == model_file.NAME for entry in named):
            tree = checkout.files_of(model, source)
        chosen = {entry.path for entry in named}
        wanted = Tree(tuple(entry for entry in tree.entries if entry.path in chosen))
        return checkout.move(
            model, "restore", base=wanted, wanted=wanted, force=True, discard=discard, progress=progress
        )


def _named(
    repository: Repository,
    files: Sequence[TreeEntry],
    names: Sequence[str],
    source: VersionId,
    folder: Path,
    below: str,
) -> list[TreeEntry]:
    if not names:
        return list({entry.path: entry for entry in files}.values())
    found: dict[str, TreeEntry] = {}
    for name in names:
        tried = ([entry for entry in files if _matches(entry, each)] for each in typed.candidates(folder, below, name))
        matching = next(filter(None, tried), [])
        if not matching:
            version = history.label(repository, source).partition(" ")[0]
            raise errors.NotInVersion(version=version, name=name)
        found |= {entry.path: entry for entry in matching}
    return list(found.values())


def _matches(entry: TreeEntry, candidate: typed.Candidate) -> bool:
    name = candidate.name
    if candidate.is_role:
        return name == entry.role or entry.role.startswith(f"{name}/")
    plain = name.removeprefix("./").rstrip("/")
    below = plain in {"", "."} or entry.path.startswith(f"{plain}/")
    return name == entry.role or plain == entry.path or below or entry.role.startswith(f"{name}/")
