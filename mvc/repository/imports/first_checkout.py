"""The files that an import writes into the folder of a model without versions, as the source names them.

They are known before anything is stored, so that an import that could not write them reads and stores nothing.
"""

from __future__ import annotations

import contextlib

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import paths
from mvc.model.paths import escape_name
from mvc.repository.imports import model_folder
from mvc.repository.imports.contents import Contents
from mvc.repository.imports.source import SourceFile, SourceHistory, Step
from mvc.repository.parts import MAIN
from mvc.repository.repository import Repository
from mvc.repository.worktree import model_file
from mvc.storage.records.heads import Head
from mvc.storage.records.reflog import HEADS


def head(repository: Repository, key: str) -> Head:
    """Return the head of a model; of a new one, in a folder that it may have."""
    found = repository.heads.get(key)
    if found is not None:
        return found
    return Head(model_folder.of_new_model(repository, key), MAIN)


@dataclass(frozen=True, slots=True)
class FirstCheckout:
    """The `step` that is checked out in `folder`, a path from the repository's root; "" is the root."""

    repository: Repository
    folder: str
    step: Step

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that are written, by their paths in the folder."""
        return (*sorted(file.path for file in self.step.files), model_file.NAME)

    def require_free(self) -> None:
        """Raise ImportInTheWay if other files are at the places of those of the step."""
        listed = [f"  {escape_name(path)}: not tracked, and in the way" for path in self.blocked()]
        if listed:
            raise errors.ImportInTheWay(count=len(listed), listed="\n".join(listed))

    def blocked(self) -> list[str]:
        """Return the paths at which there is something else already, as far as that is known without a download."""
        contents, prefix = Contents(self.repository, dry_run=True), f"{self.folder}/" if self.folder else ""
        try:
            for file in self.step.files:
                paths.check_path(file.path)
        except errors.MvcError:  # the step is left out
            return []
        return sorted(file.path for file in self.step.files if self._is_blocked(file, prefix + file.path, contents))

    def _is_blocked(self, file: SourceFile, place: str, contents: Contents) -> bool:
        stat = self.repository.tree.stat(place)
        if stat is None:
            return False
        if not stat.is_file or file.size not in (None, stat.size):
            return True
        expected = self.step.objects.tree.by_path.get(file.path) if self.step.objects is not None else None
        with contextlib.suppress(errors.MvcError, OSError):  # the step is left out, or its errors come later
            content = contents.identify(self.step.key, file, expected)
            return content is not None and self.repository.stats.identify(place, stat) != content.file
        return False


def of(repository: Repository, key: str, history: SourceHistory) -> FirstCheckout | None:
    """Return the first checkout of a model; None if it has branches, or its first version is not known yet."""
    found = head(repository, key)
    if repository.heads.get(key) is not None and repository.refs.names(key, HEADS):
        return None
    name = found.branch if found.branch in history.branches else next(iter(history.branches), None)
    tip = history.branches.get(name) if name is not None else None
    step = next((step for step in history.steps if step.key == tip), None)
    return FirstCheckout(repository, found.folder, step) if step is not None and not step.missing else None
