"""Versions selected by an expression, ordered by keys, each with the values of some keys.

walk ─► where ─► sort ─► count ─► values        a key that no version has: an error with a suggestion
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mvc import errors, lazy
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.query import order, suggest
from mvc.model.query.subject import FIELDS, Entry, Notes, leaves, spelled
from mvc.model.toml.schema import Path
from mvc.model.tree import Tree
from mvc.model.version import Version, VersionFields
from mvc.repository import history, refnames
from mvc.repository.history import Versions
from mvc.repository.model import Model
from mvc.repository.query.branches import elsewhere
from mvc.repository.query.cached import CachedHistory
from mvc.repository.query.criteria import Query

if TYPE_CHECKING:
    from mvc.readiness import evaluation, subject
    from mvc.repository import contents
    from mvc.storage.records.annotations import evaluations, remarks
else:
    contents = lazy.Module("mvc.repository.contents")
    evaluation = lazy.Module("mvc.readiness.evaluation")
    evaluations = lazy.Module("mvc.storage.records.annotations.evaluations")
    subject = lazy.Module("mvc.readiness.subject")
    remarks = lazy.Module("mvc.storage.records.annotations.remarks")

_VALUES = ("metrics", "parameters")
"""The sections that `values` adds."""
_Entry = tuple[VersionId, VersionFields]


class Row(NamedTuple):
    """A selected version: its values by key, and a branch that has it if the current one has not."""

    id: VersionId
    version: Version
    values: Mapping[str, Any] | None
    branch: str | None


def versions(model: Model, query: Query) -> Versions[VersionFields]:
    """Return where a query reads versions: from the cache if it searches, since it then reads all of them."""
    return CachedHistory(model) if query.searches else model.repository.objects


def select(
    model: Model, source: Versions[VersionFields], entries: Iterable[_Entry], query: Query, count: int | None
) -> list[Row]:
    """Return the first `count` of the `entries`, which are read from `source`, that fulfil `query`, in its order.

    What is returned is read from objects. Raises NoVersionHasKey, UnknownUse, Missing, Damaged.
    """
    absent = query.keys() - {(name,) for name in FIELDS}
    subjects = _matching(_seen(_subjects(model, source, entries), absent), query)
    if query.sort:
        for sort_key in reversed(query.sort):
            value = operator.methodcaller("value", sort_key.key)
            subjects = iter(order.ordered(subjects, value, sort_key.key, reverse=sort_key.reverse))
    selected = list(itertools.islice(subjects, count))
    if absent:
        _require(model, source, absent)
    branches = elsewhere(model, [each.id for each in selected], source)
    if isinstance(source, CachedHistory):
        source.save()
    return list(_rows(model, selected, query, branches))


def _rows(model: Model, selected: Sequence[Entry], query: Query, branches: Mapping[VersionId, str]) -> Iterator[Row]:
    objects = model.repository.objects
    versions = [(each.id, objects.version(each.id)) for each in selected]
    stored = _made(model, objects, versions, {each.id: list(each.names) for each in selected})
    for (id_, version), entry_ in zip(versions, stored, strict=True):
        yield Row(id_, version, _values(entry_, query), branches.get(id_))


def known_keys(model: Model) -> list[Path]:
    """Return every key that a version at a ref of `model` has, for completion."""
    objects = model.repository.objects
    entries = ((id_, objects.version(id_)) for id_ in history.tips(model))
    return list(dict.fromkeys(key for each in _subjects(model, objects, entries) for key in each.known_keys()))


def entry(model: Model, id_: VersionId, names: Iterable[tuple[str, str]] = ()) -> Entry:
    """Return one version as the subject of expressions."""
    objects = model.repository.objects
    return next(_made(model, objects, [(id_, objects.version(id_))], {id_: list(names)}))


def _subjects(model: Model, source: Versions[VersionFields], entries: Iterable[_Entry]) -> Iterator[Entry]:
    return _made(model, source, entries, refnames.decorations(model).names)


def _made(
    model: Model,
    source: Versions[VersionFields],
    entries: Iterable[_Entry],
    names: Mapping[VersionId, list[tuple[str, str]]],
) -> Iterator[Entry]:
    objects, evaluate = model.repository.objects, partial(_ready, model)
    noted, evaluated = model.noted(), model.evaluated()

    def manifest(entry: Entry) -> Manifest:
        return objects.manifest(entry.version.manifest)

    def tree(entry: Entry) -> Tree:
        return objects.tree(entry.version.tree)

    values = source.values if isinstance(source, CachedHistory) else None
    read: Callable[[VersionId], Mapping[str, Any]] = partial(_evaluations, model)
    answer = None
    if evaluated and isinstance(source, CachedHistory):
        answer, read = source.evaluations.answer, source.evaluations.read
    for id_, version in entries:
        notes = partial(_notes, model, id_) if id_ in noted else None
        found = partial(read, id_) if id_ in evaluated else None
        yield Entry(id_, version, tuple(names.get(id_, ())), manifest, tree, evaluate, values, notes, found, answer)


def _notes(model: Model, id_: VersionId) -> Notes:
    notes = model.repository.remarks.current(model.key, id_)
    return Notes(tuple(note.text for note in notes if note.text), remarks.values(notes))


def _evaluations(model: Model, id_: VersionId) -> dict[str, dict[str, Any]]:
    """Return the newest evaluation of a version on each dataset, and on each version of one."""
    newest = evaluations.newest(model.repository.evaluations.current(model.key, id_))
    return {name: evaluations.values(each) for name, each in newest.items()}


def _ready(model: Model, version: Entry, use: str) -> bool:
    stored = contents.stored(model.repository)
    return evaluation.evaluate(subject.Subject(version.manifest, version.tree, stored), use).ready


def _seen(subjects: Iterator[Entry], absent: set[Path]) -> Iterator[Entry]:
    """Yield `subjects`, and remove from `absent` each key that one of them has."""
    for each in subjects:
        absent.difference_update([key for key in absent if each.value(key) is not None])
        yield each
        if not absent:
            break
    yield from subjects


def _matching(subjects: Iterable[Entry], query: Query) -> Iterator[Entry]:
    where = query.where
    return iter(subjects) if where is None else (each for each in subjects if where.test(each) is True)


def _require(model: Model, source: Versions[VersionFields], absent: set[Path]) -> None:
    """Raise NoVersionHasKey if one of `absent` is in no version of `model`."""
    known: dict[Path, None] = {}
    for each in _subjects(model, source, history.walk(source, history.tips(model))):
        absent.difference_update([key for key in absent if each.value(key) is not None])
        if not absent:
            return
        known.update(dict.fromkeys(each.known_keys()))
    absent.difference_update(known)  # a forged cache may deny a key
    if not absent:
        return
    key = min(absent)
    raise errors.NoVersionHasKey(model=model.key, key=spelled(key), suggestion=suggest.suggestion(key, known.keys()))


def _values(version: Entry, query: Query) -> dict[str, Any] | None:
    if not query.columns and not query.values:
        return None
    keys = list(query.columns)
    if query.values:
        keys += [(name, *path) for name in _VALUES for path, _ in leaves(getattr(version.manifest, name))]
    return {spelled(key): version.value(key) for key in dict.fromkeys(keys)}
