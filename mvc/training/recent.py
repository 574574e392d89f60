"""The versions that a model got since a moment: a training that records itself is not recorded once more."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Self

from mvc.deferred import dataclass
from mvc.model.ids import FileId, VersionId
from mvc.repository import history
from mvc.repository.model import Model
from mvc.storage.disk import hashing
from mvc.storage.records.reflog import HEADS

_MAX_VERSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Recent:
    """The tips of a model's branches at a moment, by name."""

    tips: Mapping[str, VersionId | None] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Model) -> Self:
        """Return the tips now."""
        return cls(_tips(model))

    def version_of(self, model: Model, weights: Path | None) -> str | None:
        """Return a version since then that has the file `weights`, as `v7 3f9c2ab1d0`; None if none has it."""
        new = {tip for name, tip in _tips(model).items() if tip is not None and tip != self.tips.get(name)}
        if weights is None or not new:
            return None
        with contextlib.suppress(OSError), open(os.open(weights, os.O_RDONLY | os.O_CLOEXEC), "rb") as file:
            id_ = hashing.file_id(file.fileno())
            return next((history.label(model.repository, one) for one in self._since(model, new, id_)), None)
        return None

    def _since(self, model: Model, new: set[VersionId], file: FileId) -> Iterator[VersionId]:
        """Yield the versions since then that have a file."""
        objects = model.repository.objects
        known = [tip for tip in self.tips.values() if tip is not None]
        for id_, version in itertools.islice(history.walk(objects, new, exclude=known), _MAX_VERSIONS):
            if any(entry.file == file for entry in objects.tree(version.tree).entries):
                yield id_


def _tips(model: Model) -> dict[str, VersionId | None]:
    return {name: model.target(HEADS, name) for name in model.names(HEADS)}
