"""Division of the arguments of a verb into revisions and paths, as in Git.

log dev -- model.toml        a revision, and a path
diff weights/best.onnx       a path, since no revision has that name
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.cli.app.command import divided
from mvc.cli.app.invocation import Invocation
from mvc.repository import revisions
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.cli import restore
    from mvc.repository.worktree import typed
else:
    restore = lazy.Module("mvc.cli.restore")
    typed = lazy.Module("mvc.repository.worktree.typed")


def revisions_and_paths(
    invocation: Invocation, model: Model, words: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the revisions among `words`, and the paths: all after `--`, or from the first that only a file has.

    Paths are relative to the model's folder, as versions have them.
    """
    before, paths = divided(words)
    for number, word in enumerate(before):
        if not _is_revision(model, word) and _is_file(invocation, model, word):
            before, paths = before[:number], (*before[number:], *paths)
            break
    return before, tuple(name for path in paths for name in _names(invocation, model, path))


def _is_revision(model: Model, text: str) -> bool:
    try:
        revisions.resolve_range(model, text)
    except errors.UnknownRevision:
        return False
    return True


def _is_file(invocation: Invocation, model: Model, name: str) -> bool:
    """Return whether `name` is a file here, or a path or role of the current version."""
    if os.path.exists(invocation.cwd / name):  # False for a name that no file can have
        return True
    current = model.current
    if current is None:
        return False
    objects = model.repository.objects
    entries = objects.tree(objects.version(current).tree).entries
    return bool({*_names(invocation, model, name)} & {text for entry in entries for text in (entry.path, entry.role)})


def _names(invocation: Invocation, model: Model, name: str) -> Iterator[str]:
    """Return what `name` may mean; raise PathOutsideModel for a path that leaves the model's folder."""
    folder = model.repository.root / model.folder
    below = restore.below(invocation, folder)
    if ".." in name.split("/") or os.path.isabs(name):
        place = os.path.join(os.path.realpath(invocation.cwd), os.path.normpath(name))
        if not Path(os.path.normpath(place)).is_relative_to(os.path.realpath(folder)):
            raise errors.PathOutsideModel(path=name, folder=model.folder or ".")
    return (candidate.name for candidate in typed.candidates(folder, below, name))
