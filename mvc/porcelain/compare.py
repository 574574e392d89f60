"""`mvc compare`: the values and files in which several versions differ, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.document import Document
from mvc.model.ids import VersionId
from mvc.model.query import order
from mvc.model.query.subject import Entry, spelled
from mvc.model.toml.schema import Path
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.query import select
from mvc.repository.query.branches import elsewhere

LEAST, MOST = 2, 20
"""Versions that can be compared."""
_SECTIONS = ("metrics", "parameters", "labelmap", "model", "docker", "source", "intent", "file", "code")
"""The keys that are compared, in their order, by their first part."""


@dataclass(frozen=True, slots=True)
class ComparedVersion(Document):
    """A compared version; `branch` is a branch that has it if the history of HEAD has not."""

    id: VersionId
    model: str
    number: int
    branch: str | None


@dataclass(frozen=True, slots=True)
class ComparedKey(Document):
    """A key with its value in each version, null where it has none; `best` are the positions of the best metrics."""

    key: str
    values: tuple[Any, ...]
    best: tuple[int, ...]


@dataclass(frozen=True, repr=False, slots=True)
class Comparison(Result):
    """Versions, and the keys in which they differ."""

    versions: tuple[ComparedVersion, ...]
    keys: tuple[ComparedKey, ...]

    def summary(self) -> str:
        """Return what matters most, in one line."""
        names = ", ".join(f"{version.model} v{version.number}" for version in self.versions)
        return f"{names}: {len(self.keys)} key{'s' * (len(self.keys) != 1)} differ{'s' * (len(self.keys) == 1)}"


def compare(model: Model, texts: Sequence[str]) -> Comparison:
    """Compare the versions that `texts` name, each once, in their order.

    Raises WrongVersionCount, UnknownRevision, Missing, Damaged and the like.
    """
    compared = versions(model, texts)
    return Comparison(compared, tuple(_differing([select.entry(model, each.id) for each in compared])))


def versions(model: Model, texts: Sequence[str]) -> tuple[ComparedVersion, ...]:
    """Return the versions that `texts` name, each once. Raises as `compare`."""
    of_version = {revisions.resolve(model, text): revisions.model_of(model, text) for text in texts}
    if not LEAST <= len(of_version) <= MOST:
        raise errors.WrongVersionCount(least=LEAST, most=MOST, count=len(of_version))
    branches = elsewhere(model, [id_ for id_, key in of_version.items() if key == model.key])
    objects = model.repository.objects
    return tuple(
        ComparedVersion(id_, key, objects.version(id_).number, branches.get(id_)) for id_, key in of_version.items()
    )


def _differing(entries: Sequence[Entry]) -> Iterator[ComparedKey]:
    keys = dict.fromkeys(key for entry in entries for key in _keys(entry))
    for key in sorted(keys, key=lambda key: _SECTIONS.index(key[0])):
        values = tuple(entry.value(key) for entry in entries)
        if len({repr(value) for value in values}) > 1:
            yield ComparedKey(spelled(key), values, order.best(key, values))


def _keys(entry: Entry) -> Iterator[Path]:
    """Yield the keys of a version that are compared: a class by its number only, a labelmap by its classes."""
    for key in entry.known_keys():
        is_class_name = key[0] == "labelmap" and (len(key) == 1 or not key[1].isdecimal())
        if key[0] in _SECTIONS and not is_class_name:
            yield key
