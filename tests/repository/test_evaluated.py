"""The cache of what queries ask of evaluations: it answers as the evaluations do, and its bytes are not believed."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
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
from mvc.storage.records import sealed
from mvc.storage.records.annotations import brief, evaluations
from mvc.storage.records.annotations.evaluations import Cell, ClassResult, Curve, Evaluation, Matrix, Point
from mvc.storage.records.annotations.log import Logs
from tests.repository.test_query_cache import grown

KEY = "eval.night.mAP50"
CLASS_KEY = "eval.night.class.helmet.AP"


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


def _add(model: Model, id_: VersionId, value: float, *, seconds: float = 3_600, withdraws: str | None = None) -> None:
    """Add an evaluation; the log is `seconds` old then."""
    number = len(model.repository.evaluations.numbers(model.key, id_))
    results: dict[str, Any] = {
        "dataset": "night",
        "dataset_version": "3",
        "metrics": {"mAP50": value, "loss": 1 - value},
        "classes": (ClassResult("helmet", {"AP": value / 2}),),
        "values": {"conf": 0.25},
    }
    if withdraws is not None:
        results = {"withdraws": withdraws}
    at, nonce = Timestamp(number), digest(f"{id_}{number}".encode())[:32]
    model.repository.evaluations.append(model.key, Evaluation(id_, 1, "Ana", at, nonce, number, **results))
    folder = model.repository.door.folder(model.repository.evaluations.folder(model.key, id_))
    time = folder.stat().st_mtime_ns - int((seconds - number) * 1e9)
    os.utime(folder, ns=(time, time))


def _ordered(model: Model, key: str = KEY) -> list[VersionId]:
    model.repository.read_again()
    return [row.id for row in log(model, [], query=Query(sort=(SortKey.parse(key),)))]


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
    """Also one by another metric, or by another version of the dataset; a class is read once."""
    _ordered(model)
    read: list[VersionId] = []
    plain = Logs.data

    def counted(logs: Logs[Any], key: str, id_: VersionId, seq: int) -> bytes:
        read.append(id_)
        return plain(logs, key, id_, seq)

    monkeypatch.setattr(Logs, "data", counted)
    first = _ordered(model)
    for key in ('eval."night@3".mAP50', "eval.night.loss", "eval.night.conf"):
        _ordered(model, key)
    assert read == []
    by_class = _ordered(model, CLASS_KEY)
    assert set(read) == set(model.evaluated())
    read.clear()
    assert (_ordered(model, CLASS_KEY), _ordered(model), read) == (by_class, first, [])
    _add(model, first[0], 0.0)
    read.clear()
    _ordered(model)
    assert set(read) == {first[0]}


def test_a_removal_a_repair_and_entries_of_a_remote_are_seen(model: Model) -> None:
    logs, (best, *_) = model.repository.evaluations, _ordered(model)
    first = logs.entry(model.key, best, 1)
    _add(model, best, 0.0, withdraws=first.nonce)
    assert _values(model) == _expected(model)
    assert best not in _ordered(model)[:5]
    _add(model, best, 2.0)
    assert _ordered(model)[0] == best
    path = model.repository.door.path(f"{logs.folder(model.key, best)}/0000000003")
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole.replace(b"2.0", b"3.0"))
    assert _ordered(model)[0] != best, "it is damaged, and left out"
    logs.replace(model.key, 3, Evaluation.read(whole, best, 3))
    assert _ordered(model)[0] == best
    other = _ordered(model)[-1]
    logs.merge(model.key, other, [replace(Evaluation.read(whole, best, 3), version=other, metrics={"mAP50": 5.0})])
    assert _ordered(model)[0] == other


def test_what_is_read_in_brief_is_what_is_read_in_full(model: Model, rng: random.Random) -> None:
    """Any entry that reading in full would not take as it is makes reading in brief give up."""
    id_, logs = _ids(model)[0], model.repository.evaluations
    evil = '"matrix":{"cells":[1],"curves":[{"name":"x"}],"dataset":"y","sum":"' + "0" * 64 + '"'
    for number in range(30):
        names = rng.sample(["helmet", "head", evil, "é\u2028\\"], 3)
        cells = tuple(Cell(row, column, rng.choice((1, 0.5))) for row in range(3) for column in range(3))
        curve = Curve("", (Point(0.5, rng.random(), None, 1),))
        rows = tuple(ClassResult(name, {evil: rng.random()}, rng.choice((None, 7))) for name in names)
        results: dict[str, Any] = {
            "dataset": rng.choice(["night", "day", evil, "a@b"]),
            "dataset_version": str(rng.randrange(2)),
            "metrics": {name: rng.choice((rng.random(), 3)) for name in names},
            "classes": rows if rng.random() < 0.7 else (),
            "matrix": Matrix((*names,), cells) if rng.random() < 0.7 else None,
            "curves": (curve,) if rng.random() < 0.5 else (),
            "values": {evil: evil, "sum": "0" * 64, "b": True},
        }
        withdrawn = rng.choice(logs.entries(model.key, id_) or [None]) if rng.random() < 0.2 else None
        at, nonce = Timestamp(rng.randrange(5)), f"{number:032x}"
        removal = {} if withdrawn is None else {"withdraws": withdrawn.nonce}
        logs.append(model.key, Evaluation(id_, 1, evil, at, nonce, number, **(removal or results)))
        newest = evaluations.newest(logs.current(model.key, id_))
        in_full = {name: evaluations.values(each) for name, each in newest.items()}
        in_brief = brief.newest(logs, model.key, id_)
        assert in_brief == in_full
        assert repr(in_brief) == repr(in_full), "5 and 5.0 are not the same"
    path = model.repository.door.path(f"{logs.folder(model.key, id_)}/{rng.choice(logs.numbers(model.key, id_)):010d}")
    whole = path.read_bytes()
    for _ in range(60):
        at_, bit = rng.randrange(len(whole)), 1 << rng.randrange(8)
        path.chmod(0o644)
        path.write_bytes(whole[:at_] + bytes([whole[at_] ^ bit]) + whole[at_ + 1 :])
        assert brief.newest(logs, model.key, id_) is None, f"byte {at_}, bit {bit}"
    record = {key: value for key, value in json.loads(whole).items() if key != "sum"}
    forgeries: tuple[dict[str, Any], ...] = (
        *({"metrics": {"m": value}} for value in ("x", None, True, [1], {"a": 1})),
        *({"values": {"m": value}} for value in ([1], None, {"a": 1})),
        *({"classes": value} for value in ([1], [{"name": "x"}], [{"name": "x", "metrics": {"m": "x"}}], 1)),
        *({key: [1]} for key in ("dataset", "known", "nonce", "at", "version", "seq", "kind")),
    )
    for forged in forgeries:
        path.write_bytes(sealed.seal({**record, **forged}))
        assert brief.newest(logs, model.key, id_) is None, forged


def test_a_log_that_just_grew_is_read_again(model: Model) -> None:
    id_ = _ids(model)[0]
    _add(model, id_, 0.5, seconds=0)
    _ordered(model)
    assert id_ not in json.loads(_cache(model).read_bytes().split(b"\n")[1])["ids"]


def test_no_byte_of_the_cache_is_believed(model: Model, rng: random.Random) -> None:
    """A damaged one is not read; a forged one may choose the order, and ends no query."""
    _ordered(model)
    whole, ids = _cache(model).read_bytes(), set(_ids(model))
    at = rng.randrange(len(whole))
    for damaged in (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole[:at], b""):
        _cache(model).write_bytes(damaged)
        assert _values(model) == _expected(model), f"byte {at}"
    head, *lines = whole.split(b"\n")[1:]
    one, key = json.loads(head), b"night.mAP50"
    count, at = len(one["times"]), one["keys"].index("night.mAP50")
    wrong: list[Any] = [[], "x", [1.5], [[]], {}, None]
    heads: list[Any] = [[], {}, 1, *({**one, name: each} for name in one for each in wrong)]
    columns: list[Any] = [{}, 1, "x", [1], [{}] * count, [[1]] * count, ["x"] * count, [1e999] * count, [None] * count]
    forgeries = [json.dumps(each).encode() + b"\n" + b"\n".join(lines) for each in heads]
    forgeries += [b"\n".join([head, *lines[:at], json.dumps(each).encode(), *lines[at + 1 :]]) for each in columns]
    for body in (*forgeries, head, b"", key):
        _cache(model).write_bytes(b"2 " + digest(body).encode() + b"\n" + body)
        assert set(_ordered(model)) == ids, body[:200]
