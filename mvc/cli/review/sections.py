"""The sections of a review: what breaks consumers, metrics, classes, values, files and tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mvc import lazy
from mvc.cli.app import render
from mvc.cli.app.table import ABSENT
from mvc.cli.app.terminal import size
from mvc.cli.review.page import Section
from mvc.model.compare.diff import SECTIONS, Change, VersionDiff
from mvc.model.compare.files import FileChange
from mvc.model.compare.labels import LabelDiff
from mvc.model.compare.metrics import moved
from mvc.porcelain.changelog import ChangedEvaluation
from mvc.repository.tensors import FileTensors

if TYPE_CHECKING:
    from mvc.cli.app import tensors
    from mvc.cli.output import onnx
    from mvc.model.compare import moves
    from mvc.porcelain.diff_onnx import FileGraphs
else:
    onnx = lazy.Module("mvc.cli.output.onnx")
    tensors = lazy.Module("mvc.cli.app.tensors")
    moves = lazy.Module("mvc.model.compare.moves")

_LONG = 200
"""Characters of a path or a line that are shown."""
_KINDS = {"A": "added", "D": "deleted", "M": "modified", "R": "renamed"}
Row = tuple[str, ...]


def of(
    difference: VersionDiff,
    old: str,
    new: str,
    tensor_changes: Iterable[FileTensors] = (),
    *,
    graph_changes: Iterable[FileGraphs] = (),
    extra: Iterable[Section] = (),
) -> list[Section]:
    """Return the sections of a difference, the most important first; `extra` ones follow the metrics.

    `old` and `new` are the names of its sides.
    """
    labels, sides = difference.labelmap, (old, new)
    metrics = tuple(map(_metric, difference.section("metrics")))
    files = tuple(map(_file, difference.files))
    layers = tuple(row for file in tensor_changes for row in _tensors(file))
    operators = tuple(row for file in graph_changes for row in _graphs(file))
    return [
        Section("Breaking", ("class", *sides, "the old number is now"), tuple(_breaking(labels)), important=True),
        Section("Classes", ("class", "change", *sides), tuple(_classes(labels))),
        Section("Metrics", ("metric", *sides, "difference"), metrics, right=(1, 2, 3)),
        *extra,
        Section("Values", ("key", *sides), tuple(_values(difference))),
        Section("Files", ("file", "role", "change", "size", "new bytes"), files, right=(3, 4), folded=True),
        Section("Graphs", ("file", "declares", *sides), operators),
        Section("Tensors", ("file", "module", "change"), layers, folded=True),
    ]


def evaluations(changes: Iterable[ChangedEvaluation], old: str, new: str) -> Section:
    """Return the section of metrics on datasets; `old` and `new` are the names of the versions."""
    rows = tuple(map(_evaluation, changes))
    head = ("dataset", "class", "metric", old, new, "difference")
    return Section("Evaluations", head, rows, right=(3, 4, 5))


def _evaluation(change: ChangedEvaluation) -> Row:
    versions = "..".join(dict.fromkeys(filter(None, change.versions)))
    values = _metric(Change(change.metric, *map(_rounded, change.values)))[1:]
    return cut(f"{change.dataset}@{versions}"), cut(change.class_name or "all"), cut(change.metric), *values


def _rounded(value: float | None) -> float | None:
    """Return a value to six digits: means over classes have more."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def cut(value: str) -> str:
    """Return a text as long as a cell may be."""
    return value if len(value) <= _LONG else f"{value[:_LONG]}…"


def _breaking(labels: LabelDiff) -> Iterator[Row]:
    """Yield the classes that no longer have their numbers, and the classes that have these now."""
    now = {change.new: change.name for change in labels.reindexed}
    now |= {change.index: change.new for change in labels.renamed} | dict(labels.added)
    for change in labels.reindexed:
        other = render.shown(now[change.old]) if change.old in now else "no class"
        yield render.shown(change.name), str(change.old), str(change.new), other
    yield from ((render.shown(one.old), str(one.index), ABSENT, render.shown(one.new)) for one in labels.renamed)
    yield from ((render.shown(name), str(number), ABSENT, "no class") for number, name in labels.removed)


def _metric(change: Change) -> Row:
    """Return name, old and new value and their difference, which is exact."""
    by = ""
    if change.old is not None and change.new is not None:
        by = f"{float(moved(change.old, change.new)):+.4g}"
    return cut(change.key), *_sides(change), by


def _sides(change: Change) -> tuple[str, str]:
    old, new = (ABSENT if side is None else render.shown(side) for side in (change.old, change.new))
    return old, new


def _classes(labels: LabelDiff) -> Iterator[Row]:
    """Yield the classes whose change breaks no consumer."""
    yield from ((str(number), "added", ABSENT, render.shown(name)) for number, name in labels.added)


def _values(difference: VersionDiff) -> Iterator[Row]:
    """Yield the changed values but the metrics; of the paths of roles, those that no changed file shows."""
    for name, changes in difference.values.items():
        if name != "metrics":
            rows = moves.unshown(changes, difference.files) if name == "tracked" else changes
            yield from ((cut(_key(name, change.key)), *_sides(change)) for change in rows)


def _key(name: str, key: str) -> str:
    """Return a key as in model.toml; those of value files are whole already."""
    return key if name == "tracked" and key.startswith(("from.", "labelmap.")) else f"{SECTIONS[name]}.{key}"


def _file(change: FileChange) -> Row:
    entry, kind = change.entry, _KINDS[change.kind]
    path = entry.path
    if change.old is not None and change.old.path != path:
        path = moves.braced(change.old.path, path)
        kind += ", content changed" if change.bytes_changed and change.new is not None else ""
    old_role = change.old.role if change.old is not None else entry.role
    role = entry.role if old_role == entry.role else f"{old_role} -> {entry.role}"
    new = "" if change.new_bytes is None or change.new is None else size(change.new_bytes)
    return cut(path), cut(role), kind, size(entry.size), new


def _graphs(file: FileGraphs) -> Iterator[Row]:
    """Yield a row for each change of a graph, or that it is the same."""
    path = cut(file.file.entry.path)
    if file.reason is not None:
        yield path, f"cannot be compared: {cut(file.reason)}", "", ""
    elif not file.changes and file.new is not None:
        yield path, f"unchanged: {onnx.summary(file.new)}", "", ""
    for change in file.changes:
        yield path, cut(change.key), *_sides(change)


def _tensors(file: FileTensors) -> Iterator[Row]:
    """Yield a summary of a file, and a row for each of its modules with changes."""
    path, changes = cut(file.file.entry.path), file.difference
    if changes is None:
        return
    yield path, "", cut(changes.summary())
    for group in changes.groups:
        yield "", cut(group.label), cut(tensors.described(group.members))
