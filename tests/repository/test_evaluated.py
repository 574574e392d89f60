"""The cache of what queries ask of evaluations: it answers as the evaluations do, and its bytes are not believed."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import VersionId, digest
from mvc.model.version import Timestamp
from mvc.porcelain.log import log
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.query import evaluated
from mvc.repository.query.criteria import Query, SortKey
from mvc.storage.records.annotations.evaluations import Evaluation
from mvc.storage.records.annotations.log import Logs
from tests.repository.test_query_cache import grown

KEY = "eval.night.mAP50"


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is written from the first answer on."""
    monkeypatch.setattr(evaluated, "MANY", 1)


@pytest.fixture
def model(tmp_path: Path, rng: random.Random) -> Model:
    """A model whose versions have one evaluation or none."""
    made = grown(tmp_path, rng, 40)
    for id_ in _ids(made):
        if rng.random() < 0.8:
            _add(made, id_, rng.random())
    return made


def _ids(model: Model) -> list[VersionId]:
    return sorted(history.ancestors(model.repository.objects, history.tips(model)))


def _add(model: Model, id_: VersionId, value: float, *, seconds: float = 3_600) -> None:
    """Add an evaluation; the log is `seconds` old then."""
    number = len(model.repository.evaluations.numbers(model.key, id_))
    results: dict[str, Any] = {"dataset": "night", "dataset_version": "3", "metrics": {"mAP50": value}}
    at, nonce = Timestamp(number), digest(f"{id_}{number}".encode())[:32]
    model.repository.evaluations.append(model.key, Evaluation(id_, 1, "Ana", at, nonce, number, **results))
    folder = model.repository.door.folder(model.repository.evaluations.folder(model.key, id_))
    time = folder.stat().st_mtime_ns - int((seconds - number) * 1e9)
    os.utime(folder, ns=(time, time))


def _ordered(model: Model) -> list[VersionId]:
    model.repository.read_again()
    return [row.id for row in log(model, [], query=Query(sort=(SortKey.parse(KEY),)))]


def _expected(model: Model) -> list[float | None]:
    """The values of the newest evaluations, the best first."""
    found = [model.repository.evaluations.current(model.key, id_) for id_ in _ids(model)]
    values = [entries[-1].metrics["mAP50"] for entries in found if entries]
    return [*sorted(values, reverse=True), *[None] * (len(found) - len(values))]


def _values(model: Model) -> list[float | None]:
    found = [model.repository.evaluations.current(model.key, id_) for id_ in _ordered(model)]
    return [entries[-1].metrics["mAP50"] if entries else None for entries in found]


def _cache(model: Model) -> Path:
    return model.repository.door.path("cache/evaluations/m")


def test_answers_follow_the_logs(model: Model, rng: random.Random) -> None:
    for _ in range(4):
        assert _values(model) == _expected(model)
        assert _cache(model).exists()
        for id_ in rng.sample(_ids(model), 5):
            _add(model, id_, rng.random())


def test_a_second_query_reads_what_it_shows(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    _ordered(model)
    read: list[VersionId] = []
    plain = Logs.entry

    def counted(logs: Logs[Any], key: str, id_: VersionId, seq: int) -> Any:
        read.append(id_)
        return plain(logs, key, id_, seq)

    monkeypatch.setattr(Logs, "entry", counted)
    first = _ordered(model)
    assert read == []
    _add(model, first[0], 0.0)
    read.clear()
    _ordered(model)
    assert set(read) == {first[0]}


def test_a_log_that_just_grew_is_read_again(model: Model) -> None:
    id_ = _ids(model)[0]
    _add(model, id_, 0.5, seconds=0)
    _ordered(model)
    assert id_ not in json.loads(_cache(model).read_bytes().split(b"\n", 1)[1])["night.mAP50"]


def test_no_byte_of_the_cache_is_believed(model: Model, rng: random.Random) -> None:
    """A damaged one is not read; a forged one may choose the order, and ends no query."""
    _ordered(model)
    whole, ids = _cache(model).read_bytes(), set(_ids(model))
    at = rng.randrange(len(whole))
    for damaged in (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole[:at], b""):
        _cache(model).write_bytes(damaged)
        assert _values(model) == _expected(model), f"byte {at}"
    one = next(iter(ids))
    rows: list[Any] = [[], {"x": 1}, {one: [0, {}]}, {one: [0, "x", 1]}, {one: ["0", 1]}]
    for forged in ([], *({"night.mAP50": each} for each in rows)):
        body = json.dumps(forged).encode()
        _cache(model).write_bytes(f"1 {digest(body)}\n".encode() + body)
        assert set(_ordered(model)) == ids
