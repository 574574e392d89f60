"""A request to read the history of a source outside mvc.

Each kind of source has a module with one function:

    @contextlib.contextmanager
    def opened(request: Request) -> Iterator[SourceHistory]

The history's files may be read until the context ends. The module raises the errors of its source; it writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from mvc.deferred import dataclass
from mvc.repository.repository import Actor, Repository
from mvc.storage.progress import Progress


@dataclass(frozen=True, slots=True)
class Request:
    """An import into `repository`: `places` are URLs or absolute paths.

    `model` is the key that the user chose, None for none; `current` the model of the current folder. `branch` is a branch
    of the source, or the branch to create of one without branches. `settings` are those of the command line (`-o`);
    `options` those of the kind, such as patterns.
    """

    repository: Repository
    places: Sequence[str]
    actor: Actor
    environ: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    current: str | None = None
    branch: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dry_run: bool = False
    progress: Progress | None = None
    allow_unsafe: bool = False
    """Store files whatever a loader of them would run."""

    @property
    def folder(self) -> Path:
        """The only place, as a path."""
        return Path(self.places[0])
