r"""The answers of evaluations to queries, by key, so that `mvc log --sort eval.night.mAP50` reads each log once.

    cache/evaluations/<model>   2 <BLAKE3 of the rest>\n
                                {"ids":"9f86…60ab…","times":[…],"keys":["night.mAP50",…]}\n
                                [0.61,0.58,…]\n                              the values of a key, [] for one that is not known
                                …

A log only grows, and its folder then has another time. A log that is read gives the answers to all metrics of its datasets, since
the next query is often about another one; those of classes are kept once they were asked for. As with the query cache, an answer
selects and orders versions; what is shown of them is read from their evaluations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mvc import errors
from mvc.model import names
from mvc.model.ids import DIGITS, VersionId, digest
from mvc.model.query.subject import CLASS, spelled
from mvc.model.toml.schema import Path
from mvc.repository.model import Model
from mvc.storage.disk import primitives
from mvc.storage.records.annotations import brief, evaluations

MANY = 64
"""New answers from which on the cache is written: fewer are read again sooner than a cache is written."""
MAX_KEYS = 64
"""Keys whose answers are kept, those that were asked last."""
MAX_BYTES = 64 << 20
_FORMAT = b"2 "
_HEAD = len(_FORMAT) + DIGITS + 1
_YOUNG = 2_000_000_000
"""Nanoseconds for which a log that has grown is not kept: it may grow again without another time."""
_PLAIN = frozenset({type(None), bool, int, float, str})
_UNKNOWN: list[Any] = []
_Column = Sequence[Any]


class _Stored:
    """A cache file: versions with the time of their logs, and a column of values for each key, decoded when it is asked for."""

    def __init__(self, data: bytes) -> None:
        """Read nothing if it is corrupt, since it may come from anybody."""
        self.at: dict[VersionId, int] = {}
        self.times: list[int] = []
        self._lines: dict[str, bytes] = {}
        self._columns: dict[str, _Column] = {}
        head, body = data[:_HEAD], data[_HEAD:]
        if head != _FORMAT + digest(body).encode() + b"\n":
            return
        first, *lines = body.split(b"\n")
        try:
            content = json.loads(first)
            ids, times, keys = content["ids"], content["times"], content["keys"]
            texts = [ids[start : start + DIGITS] for start in range(0, len(ids), DIGITS)]
            sound = {type(ids)} == {str} and {int} >= {*map(type, times)} and {str} >= {*map(type, keys)}
        except (KeyError, TypeError, ValueError, RecursionError):
            return
        if sound and len(texts) == len(times) and len(keys) == len(lines):
            self.at = {VersionId(id_): place for place, id_ in enumerate(texts)}
            self.times, self._lines = times, dict(zip(keys, lines, strict=True))

    @property
    def keys(self) -> list[str]:
        """The keys, those that were asked last at the end."""
        return [*self._lines]

    def column(self, key: str) -> _Column:
        """Return the values of a key by the places of versions; none for a key that is absent or corrupt."""
        if key not in self._columns:
            self._columns[key] = self._decoded(self._lines.get(key, b"[]"))
        return self._columns[key]

    def answer(self, id_: VersionId, time: int, key: str) -> Any:
        """Return the value of a key of a version whose log has that time; `_UNKNOWN` if it is not known."""
        place = self.at.get(id_)
        if place is None or self.times[place] != time:
            return _UNKNOWN
        column = self.column(key)
        return column[place] if place < len(column) else _UNKNOWN

    def _decoded(self, line: bytes) -> _Column:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return ()
        sound = isinstance(found, list) and len(found) == len(self.times) and {*map(type, found)} <= {*_PLAIN, list}
        return found if sound else ()


class CachedEvaluations:
    """The answers of the evaluations of a model."""

    def __init__(self, model: Model) -> None:
        """Read the cache on first use."""
        self._model, self._logs, self._door = model.key, model.repository.evaluations, model.repository.door
        self._name = f"cache/evaluations/{names.encode_component(model.key)}"
        self._file: _Stored | None = None
        self._asked: dict[str, None] = {}
        self._answers: dict[str, dict[VersionId, Any]] = {}
        self._spelled: dict[Path, str] = {}
        self._times: dict[VersionId, int] = {}
        self._fresh = 0
        self._oldest = primitives.now_ns() - _YOUNG

    def answer(self, id_: VersionId, key: Path, read: Callable[[Path], Any]) -> Any:
        """Return the value of a key of the evaluations of a version, which `read` returns if it is not known."""
        text, time = self._text(key), self._time(id_)
        self._asked[text] = None
        known = self._answers.get(text, {}).get(id_, _UNKNOWN)
        if isinstance(known, list):
            known = self._stored.answer(id_, time, text)
        if not isinstance(known, list):
            return known
        value = read(key)
        if type(value) in _PLAIN:  # a condition asks for the names of a table only
            self._keep(id_, text, value)
        return value

    def read(self, id_: VersionId) -> Mapping[str, Mapping[str, Any]]:
        """Return the values of the newest evaluation of a version on each dataset, and keep the answers to its metrics."""
        self._time(id_)  # of before the log is read: it may grow meanwhile
        found = brief.newest(self._logs, self._model, id_)
        if found is None:
            newest = evaluations.newest(self._logs.current(self._model, id_))
            return {name: evaluations.values(each) for name, each in newest.items()}
        for dataset, values in found.items():
            for name, value in values.items():
                if name != CLASS:
                    self._keep(id_, self._text((dataset, name)), value)
        return found

    def save(self) -> None:
        """Write the cache, if many answers are new; ignore a read-only store."""
        if self._fresh < MANY:
            return
        self._fresh = 0
        stored = self._stored
        known = [key for key in (*stored.keys, *self._answers) if key not in self._asked]
        keys = [*dict.fromkeys([*known, *self._asked])][-MAX_KEYS:]
        times = dict(zip(stored.at, stored.times, strict=True)) | {
            id_: self._times[id_] for answers in self._answers.values() for id_ in answers
        }
        head = {"ids": "".join(times), "times": [*times.values()], "keys": keys}
        lines = [head, *([*self._column(key, times)] for key in keys)]
        body = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines).encode()
        if len(body) < MAX_BYTES:
            self._door.cache(self._name, _FORMAT + digest(body).encode() + b"\n" + body)

    def _column(self, key: str, times: Mapping[VersionId, int]) -> Iterator[Any]:
        """Yield the answers to a key for some versions with the times of their logs."""
        answers = self._answers.get(key, {})
        for id_, time in times.items():
            yield answers[id_] if id_ in answers else self._stored.answer(id_, time, key)

    def _keep(self, id_: VersionId, key: str, value: Any) -> None:
        if self._times[id_] < self._oldest:
            self._answers.setdefault(key, {})[id_] = value
            self._fresh += 1

    @property
    def _stored(self) -> _Stored:
        if self._file is None:
            try:
                data = self._door.read(self._name, MAX_BYTES)
            except (OSError, errors.MvcError):
                data = b""
            self._file = _Stored(data)
        return self._file

    def _text(self, key: Path) -> str:
        if key not in self._spelled:
            self._spelled[key] = spelled(key)
        return self._spelled[key]

    def _time(self, id_: VersionId) -> int:
        """Return the time at which the log of a version has grown last."""
        if id_ not in self._times:
            self._times[id_] = self._door.stat(self._logs.folder(self._model, id_)).mtime_ns
        return self._times[id_]
