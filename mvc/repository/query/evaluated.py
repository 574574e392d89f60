"""The answers of evaluations to queries, by key, so that `mvc log --sort eval.night.mAP50` reads each log once.

    cache/evaluations/<model>   {"eval.night.mAP50": {"9f86…": [mtime of the log, 0.61], …}, …}

A log only grows, and its folder then has another time. As with the query cache, an answer selects and orders versions; what is
shown of them is read from their evaluations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mvc.model import names
from mvc.model.ids import VersionId
from mvc.model.query.subject import spelled
from mvc.model.toml.schema import Path
from mvc.repository.model import Model
from mvc.storage.caches import cachefile
from mvc.storage.disk import primitives

MANY = 64
"""New answers from which on the cache is written: fewer are read again sooner than a cache is written."""
MAX_KEYS = 16
"""Keys whose answers are kept, those that were asked last."""
MAX_BYTES = 64 << 20
_FORMAT = 1
_YOUNG = 2_000_000_000
"""Nanoseconds for which a log that has grown is not kept: it may grow again without another time."""
_PLAIN = frozenset({type(None), bool, int, float, str})
_Answers = dict[str, dict[str, list[Any]]]


class CachedEvaluations:
    """The answers of the evaluations of a model."""

    def __init__(self, model: Model) -> None:
        """Read the cache on first use."""
        self._door, self._folder = model.repository.door, model.repository.evaluations.folder
        self._model = model.key
        self._name = f"cache/evaluations/{names.encode_component(model.key)}"
        self._stored: _Answers | None = None
        self._asked: _Answers = {}
        self._times: dict[VersionId, int] = {}
        self._fresh = 0
        self._oldest = primitives.now_ns() - _YOUNG

    def answer(self, id_: VersionId, key: Path, read: Callable[[Path], Any]) -> Any:
        """Return the value of a key of the evaluations of a version, which `read` returns if it is not known."""
        answers, time = self._answers(spelled(key)), self._time(id_)
        row = answers.get(id_)
        if row is not None and row[0] == time:
            return row[1]
        value = read(key)
        if isinstance(value, Mapping):  # a condition asks for its names only
            return value
        if time < self._oldest:
            answers[id_] = [time, value]
            self._fresh += 1
        return value

    def save(self) -> None:
        """Write the cache, if many answers are new."""
        if self._fresh >= MANY:
            kept = {key: rows for key, rows in (self._stored or {}).items() if key not in self._asked}
            last = [*kept.items(), *self._asked.items()][-MAX_KEYS:]
            cachefile.write(self._door, self._name, _FORMAT, dict(last))
            self._fresh = 0

    def _answers(self, key: str) -> dict[str, list[Any]]:
        if key not in self._asked:
            if self._stored is None:
                self._stored = _sound(cachefile.read(self._door, self._name, _FORMAT, MAX_BYTES))
            self._asked[key] = self._stored.get(key, {})
        return self._asked[key]

    def _time(self, id_: VersionId) -> int:
        """Return the time at which the log of a version has grown last."""
        if id_ not in self._times:
            self._times[id_] = self._door.stat(self._folder(self._model, id_)).mtime_ns
        return self._times[id_]


def _sound(content: Any) -> _Answers:
    """Return the answers in a cache; none if one is invalid."""
    try:
        rows = [row for answers in content.values() for row in answers.values()]
        sound = {list} >= {*map(type, rows)} and {2} >= {*map(len, rows)}
        sound = sound and {int} >= {type(time) for time, _ in rows} and {type(value) for _, value in rows} <= _PLAIN
    except (AttributeError, TypeError, ValueError):
        return {}
    found: _Answers = content if sound else {}
    return found
