"""The values of one version by key, for expressions, columns and orders.

metrics.mAP50, parameters.a.b, model.type …   as in model.toml        number, id, author, email, time, message, subject
labelmap                 the names of its classes                     tag, alias             the refs that point to it
labelmap.0               the name of class 0                          code                   the Git commit
labelmap.helmet          the number of class helmet                   format                 suffixes of its files
file.ROLE.size           also .path and .id                       notes.incident         the newest value in its notes
                                                                   notes                  the texts of its notes
eval.night.mAP50         of its newest evaluation on a dataset    eval                   the datasets of its evaluations
eval."night@3.1".mAP50   on one version of the dataset            eval.night.class.helmet.AP50   of one class
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any, NamedTuple

from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest, digest_of
from mvc.model.roles import expanded
from mvc.model.toml.schema import Path, dotted
from mvc.model.tree import Tree
from mvc.model.version import VersionFields

Loader = Callable[[], Any]
NOTES = "notes"
"""The section of the values in notes."""
EVAL = "eval"
"""The section of evaluations: by dataset, and by dataset and version."""
CLASS = "class"
"""The part of an evaluation with the results of classes."""
SECTIONS = ("model", "files", "parameters", "metrics", "docker", "source", "intent")
"""The parts of model.toml whose keys are values; the labelmap is apart."""
_PARTS_OF_FILE = ("size", "path", "id")


def _formats(subject: Entry) -> tuple[str, ...]:
    suffixes = (posixpath.splitext(entry.path)[1][1:].lower() for entry in subject.tree.entries)
    return tuple(sorted({suffix for suffix in suffixes if suffix}))


FIELDS: dict[str, Callable[[Entry], Any]] = {
    "id": lambda subject: subject.id,
    "number": lambda subject: subject.version.number,
    "author": lambda subject: subject.version.author.name,
    "email": lambda subject: subject.version.author.email,
    "time": lambda subject: subject.version.time,
    "subject": lambda subject: subject.version.subject,
    "message": lambda subject: subject.version.message,
    "tag": lambda subject: subject.refs("tag"),
    "alias": lambda subject: subject.refs("alias"),
    "code": lambda subject: subject.version.code.commit if subject.version.code else None,
    "format": _formats,
    "notes": lambda subject: subject.notes.texts,
    EVAL: lambda subject: tuple(subject.evaluations),
}
"""The keys that are not in model.toml, but of files."""


class Notes(NamedTuple):
    """The texts of a version's notes, and their values by key: the newest of each."""

    texts: tuple[str, ...]
    values: Mapping[str, Any]


@dataclass(slots=True)
class Entry:
    """One version; its manifest and its tree are read when a key needs them, or only its values by section."""

    id: VersionId
    version: VersionFields
    names: tuple[tuple[str, str], ...]
    read_manifest: Callable[[Entry], Manifest]
    read_tree: Callable[[Entry], Tree]
    evaluate: Callable[[Entry, str], bool]
    read_values: Callable[[VersionFields, str], Mapping[str, Any]] | None = None
    read_notes: Callable[[], Notes] | None = None
    read_evaluations: Callable[[], Mapping[str, Any]] | None = None
    answer: Callable[[VersionId, Path, Callable[[Path], Any]], Any] | None = None
    _manifest: Manifest | None = field(default=None, init=False)
    _tree: Tree | None = field(default=None, init=False)
    _notes: Notes | None = field(default=None, init=False)
    _evaluations: Mapping[str, Any] | None = field(default=None, init=False)

    @property
    def manifest(self) -> Manifest:
        """The manifest."""
        if self._manifest is None:
            self._manifest = self.read_manifest(self)
        return self._manifest

    @property
    def tree(self) -> Tree:
        """The tree."""
        if self._tree is None:
            self._tree = self.read_tree(self)
        return self._tree

    @property
    def notes(self) -> Notes:
        """Its notes."""
        if self._notes is None:
            self._notes = self.read_notes() if self.read_notes is not None else Notes((), {})
        return self._notes

    @property
    def evaluations(self) -> Mapping[str, Any]:
        """Its newest evaluation on each dataset: metrics by name, and those of classes below `class`."""
        if self._evaluations is None:
            self._evaluations = self.read_evaluations() if self.read_evaluations is not None else {}
        return self._evaluations

    def refs(self, kind: str) -> tuple[str, ...]:
        """Return the names of the refs of one kind that point to it."""
        return tuple(name for of_kind, name in self.names if of_kind == kind)

    def ready(self, use: str) -> bool:
        """Return whether it is ready for a use; raise UnknownUse."""
        return self.evaluate(self, use)

    def value(self, key: Path) -> Any:
        """Return the value of a key; None if it has none."""
        head = key[0]
        if head in SECTIONS:
            return self._in_section(key)
        if head == "labelmap":
            return self._in_labelmap(key[1:])
        if head == "file":
            return self._in_file(key[1:])
        if head == EVAL:
            return self._in_evaluations(key[1:])
        if head == NOTES and len(key) > 1:
            return self.notes.values.get(dotted(key[1:]))
        return FIELDS[head](self) if len(key) == 1 and head in FIELDS else None

    def known_keys(self) -> Iterator[Path]:
        """Yield every key that it has a value of."""
        yield from (key for name in FIELDS if self.value(key := (name,)) is not None)
        for section in SECTIONS:
            yield from ((section, *path) for path, _ in leaves(getattr(self.manifest, section)))
        if self.manifest.labelmap:
            yield ("labelmap",)
        for number, name in self.manifest.labelmap:
            yield from (("labelmap", str(number)), ("labelmap", name))
        for role in expanded(self.manifest, self.tree).by_role:
            yield from (("file", role, part) for part in _PARTS_OF_FILE)
        yield from ((EVAL, *path) for path, _ in leaves(self.evaluations))
        yield from ((NOTES, *name.split(".")) for name in self.notes.values if '"' not in name)

    def _in_section(self, key: Path) -> Any:
        value = _below(self._section(key[0]), key[1:])
        if key == ("docker", "digest"):
            return digest_of(value)
        return value or None if len(key) == 1 else value

    def _section(self, name: str) -> Mapping[str, Any]:
        if self._manifest is None and self.read_values is not None:
            return self.read_values(self.version, name)
        values: Mapping[str, Any] = getattr(self.manifest, name)
        return values

    def _in_labelmap(self, key: Path) -> Any:
        labels = self.manifest.labelmap
        if not key:
            return tuple(name for _, name in labels) or None
        if key == ("path",) and self.manifest.labelmap_path is not None:
            return self.manifest.labelmap_path
        if len(key) > 1:
            return None
        names = [name for number, name in labels if str(number) == key[0]]
        return names[0] if names else tuple(number for number, name in labels if name == key[0]) or None

    def _in_evaluations(self, key: Path) -> Any:
        """Return a value of the newest evaluation on a dataset, as known before or as read."""
        if not key or self.read_evaluations is None or self.answer is None:
            return self._evaluated(key)
        return self.answer(self.id, key, self._evaluated)

    def _evaluated(self, key: Path) -> Any:
        """Read a value of the newest evaluation on a dataset; without a dataset, the datasets."""
        if not key:
            return tuple(self.evaluations)
        evaluation = self.evaluations.get(key[0])
        if evaluation is None or len(key) < 3 or key[1] == CLASS:
            return _below(evaluation, key[1:])
        return evaluation.get(dotted(key[1:]))

    def _in_file(self, key: Path) -> Any:
        if not key or len(key) > 2 or key[1:2] not in ((), *((part,) for part in _PARTS_OF_FILE)):
            return None
        entry = expanded(self.manifest, self.tree).by_role.get(key[0])
        if entry is None:
            return None
        return {"size": entry.size, "path": entry.path, "id": entry.file}[key[1] if len(key) > 1 else "path"]


def leaves(values: Any, above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield each value of nested tables with its key."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from leaves(value, (*above, name))
    else:
        yield above, values


def spelled(key: Path) -> str:
    """Return a key as an expression writes it."""
    return dotted(key)


def _below(value: Any, path: Path) -> Any:
    """Return the value at a path in nested tables and lists; None for none."""
    for part in path:
        index = value[int(part)] if _is_index(part, value) else None
        value = value.get(part) if isinstance(value, Mapping) else index
    return value


def _is_index(part: str, value: Any) -> bool:
    return isinstance(value, list) and part.isdecimal() and len(part) < 7 and int(part) < len(value)
