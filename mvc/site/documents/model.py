"""The document of a model: the index of its versions, newest first, by columns.

{"schema":"mvc.site.model/1","key":"helmet","versions":{"id":["9f86…"],"number":[7],"parents":[[1]],…},
 "metrics":{"mAP50":[0.61,null]},"evaluations":{"eval.night.mAP50":[0.58,null]},"lowest":[],"refs":{"branches":[{"name":"main","row":0}],…},"aliases":{"prod":[…]},…}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.porcelain.alias import ROLLED_BACK
from mvc.repository import history
from mvc.repository.model import Model
from mvc.site.documents import evaluations, people
from mvc.site.documents.options import Options
from mvc.site.documents.rows import Row, Rows
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefEntry

SCHEMA = "mvc.site.model/1"
Entries = dict[VersionId, Row]
_REFS = {"branches": HEADS, "tags": TAGS, "aliases": ALIASES}
_MAIN = "main"


@dataclass(frozen=True, slots=True)
class Index:
    """A model with the rows of its versions, newest first."""

    model: Model
    rows: Rows
    entries: Entries


def read(model: Model) -> Index:
    """Return the versions that refs of `model` reach. Raises NoModel, Missing, Damaged."""
    rows = Rows(model)
    entries = dict(history.walk(rows, history.tips(model)))
    rows.save(list(entries))
    return Index(model, rows, entries)


def document(
    index: Index,
    options: Options,
    *,
    about: Mapping[str, Any],
    states: Mapping[VersionId, str],
    evaluated: evaluations.Columns,
    compared: Sequence[tuple[VersionId, VersionId]],
    damaged: Mapping[VersionId, str],
    parents: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the document: `about` is what the newest version says of the model, `states` the files of states by id.

    `evaluated` are the columns of evaluations.
    """
    model, entries = index.model, index.entries
    at = {id_: row for row, id_ in enumerate(entries)}
    authors = list(dict.fromkeys((row.name, row.email) for row in entries.values()))
    author_at = {author: number for number, author in enumerate(authors)}
    branches = _branches(index)
    rows = entries.values()
    metrics = sorted({each for row in rows for each in row.metrics})
    return {
        "schema": SCHEMA,
        "key": model.key,
        "name": model.key,
        "about": about,
        "head": {"branch": model.head.branch, "row": None if model.current is None else at.get(model.current)},
        "authors": [people.person(row.author, redact=options.redact) for row in _firsts(index, authors)],
        "versions": {
            "id": list(entries),
            "number": [row.number for row in rows],
            "parents": [[at[parent] for parent in row.parents if parent in at] for row in rows],
            "author": [author_at[row.name, row.email] for row in rows],
            "time": [str(row.time) for row in rows],
            "subject": [row.subject for row in rows],
            "branch": [branches.get(id_) for id_ in entries],
            "breaking": [row.breaking for row in rows],
            "bytes": [row.size for row in rows],
            "damaged": [damaged.get(id_) for id_ in entries],
            "state": [states.get(id_) for id_ in entries],
        },
        "metrics": {name: [row.metrics.get(name) for row in rows] for name in metrics},
        "evaluations": evaluations.by_name(evaluated),
        "lowest": evaluations.lowest([*(("metrics", name) for name in metrics), *evaluated]),
        "refs": {name: _refs(model, kind, at) for name, kind in _REFS.items()},
        "aliases": {
            name: _moves(model, name, options)
            for name in sorted(ref.name for ref in model.repository.refs.all(model.key, ALIASES))
        },
        "parents": parents,
        "compared": [list(pair) for pair in compared],
    }


def _firsts(index: Index, authors: Sequence[tuple[str, str]]) -> list[Row]:
    """Return a row of each author."""
    found = {(row.name, row.email): row for row in index.entries.values()}
    return [found[author] for author in authors]


def _branches(index: Index) -> dict[VersionId, str]:
    """Return the branch of each version: the first one that has it in its first-parent history, HEAD's before others."""
    model = index.model
    tips = _targets(model, HEADS)
    first = (model.head.branch, _MAIN)
    found: dict[VersionId, str] = {}
    for name in sorted(tips, key=lambda name: (first.index(name) if name in first else len(first), name)):
        for id_, _ in history.line(index.rows, tips[name]):
            if id_ in found:
                break
            found[id_] = name
    return found


def _refs(model: Model, kind: str, at: Mapping[VersionId, int]) -> list[dict[str, Any]]:
    return [{"name": name, "row": at[target]} for name, target in _targets(model, kind).items() if target in at]


def _targets(model: Model, kind: str) -> dict[str, VersionId]:
    """Return the versions of the refs of one kind by their names, sorted."""
    found = {ref.name: target for ref, target in model.targets(kind).items() if target is not None}
    return dict(sorted(found.items()))


def _moves(model: Model, name: str, options: Options) -> list[dict[str, Any]]:
    """Return every move of an alias, newest first."""
    return [
        {
            "time": str(entry.move.at),
            "actor": people.line(entry.move.by, redact=options.redact),
            "from": entry.old,
            "to": entry.new,
            "reason": entry.move.reason,
            "action": _action(entry),
        }
        for entry in reversed(model.repository.refs.entries(model.ref(ALIASES, name)))
    ]


def _action(entry: RefEntry) -> str:
    if entry.new is None:
        return "remove"
    if entry.move.reason.startswith(ROLLED_BACK):
        return "rollback"
    return "set" if entry.old is None else "move"
