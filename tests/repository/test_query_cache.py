"""The query cache: it answers as the objects do, whatever it has, and none of its bytes is believed before it was checked."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import VersionId, digest
from mvc.model.query.parse import parse
from mvc.model.version import Person, Timestamp
from mvc.porcelain.commit import commit
from mvc.porcelain.gc import gc
from mvc.porcelain.init import init
from mvc.porcelain.log import Filter, log
from mvc.repository.model import Model
from mvc.repository.query import cached
from mvc.repository.query.criteria import Query, SortKey
from mvc.repository.repository import Actor, Repository
from mvc.storage.objects import Objects
from mvc.storage.records import querycache
from mvc.storage.records.reflog import HEADS

PEOPLE = (Person("Ana", "ana@example.org"), Person("Ben", "ben@example.org"))
NAME = querycache.name("m")
KEYS = (
    "metrics.a",
    "metrics.b",
    "parameters.p.q",
    "parameters.list",
    "labelmap.x",
    "number",
    "author",
    "time",
    "message",
)
SIGNS = ("==", "!=", "<", ">=", "~", "has")
VALUES = ("0", "1", "0.5", "true", "Ana", '"x"', "2026-02-03")


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is written from the first object on."""
    monkeypatch.setattr(cached, "MANY", 1)


def grown(root: Path, rng: random.Random, count: int) -> Model:
    """A model with `count` versions made of objects, with merges, on two branches."""
    init(root, model="m")
    (root / "model.toml").write_text('[model]\nname = "m"\n', encoding="utf-8")
    repository = Repository(root)
    model, objects = Model(repository, "m"), repository.objects
    commit(model, "first", Actor(PEOPLE[0], Timestamp(1_770_000_000, 0)))
    assert model.current is not None
    ids, first = [model.current], objects.version(model.current)
    versions = {model.current: first}
    manifest = objects.manifest(first.manifest)
    values: list[Any] = [0, 1, 0.5, 1.0, True, False, "x", "Ana", [1, "x"], {"q": 1}, {"q": {"r": 0.5}}]
    for number in range(2, count + 1):
        numbers = [rng.choice([0, 1, 1.0, 0.5]) for _ in range(2)]
        changed = replace(
            manifest,
            metrics={key: value for key, value in zip("ab", numbers, strict=True) if rng.random() < 0.7},
            parameters={key: rng.choice(values) for key in ("p", "list") if rng.random() < 0.6},
            labelmap=((0, "x"),) if rng.random() < 0.3 else (),
        )
        parents = [rng.choice(ids[-4:]), *(rng.sample(ids, 1) if rng.random() < 0.2 else ())]
        version = replace(
            first,
            parents=tuple(dict.fromkeys(parents)),
            number=versions[parents[0]].number + 1,
            author=rng.choice(PEOPLE),
            time=Timestamp(1_770_000_000 + rng.randint(0, 9) * 86_400, rng.choice([0, 60])),
            message=f"version {number}",
            manifest=objects.put_manifest(changed),
        )
        ids.append(objects.put_version(version))
        versions[ids[-1]] = version
    repository.door.barrier()
    _point(model, "main", ids[-1])
    _point(model, "side", ids[-3])
    return Model(Repository(root), "m")


def _point(model: Model, branch: str, id_: VersionId) -> None:
    ref, refs = model.ref(HEADS, branch), model.repository.refs
    with model.repository.locked():
        refs.append(ref, refs.tip(ref), id_, Actor(PEOPLE[0], Timestamp(1_780_000_000, 0)).move("test"))


def _query(rng: random.Random) -> tuple[Query, dict[str, Any]]:
    text = " and ".join(
        f"{rng.choice(['', 'not '])}{rng.choice(KEYS[:5] + KEYS[6:8])} {rng.choice(SIGNS)} {rng.choice(VALUES[:6])}"
        for _ in range(rng.randint(1, 2))
    ).replace("time == ", "number == ")
    sort = tuple(SortKey.parse(rng.choice(["", "-"]) + key) for key in rng.sample(KEYS, rng.randint(0, 2)))
    try:
        where = parse(text) if rng.random() < 0.6 or not sort else None
    except errors.MvcError:
        where = parse("number > 2")
    options: dict[str, Any] = {"first_parent": rng.random() < 0.2, "count": rng.choice([None, 3])}
    if rng.random() < 0.3:
        options["texts"] = [rng.choice(["main", "side..main", "HEAD"])]
    if rng.random() < 0.2:
        options["wanted"] = Filter(author="ana", grep="1", merges=rng.choice([None, False]))
    return Query(where, sort, (("metrics", "a"), ("labelmap", "x")), rng.random() < 0.3), options


def _answer(root: Path, query: Query, options: dict[str, Any]) -> Any:
    try:
        return [entry.to_json() for entry in log(Model(Repository(root), "m"), query=query, **options)]
    except errors.MvcError as error:
        return error.message


def test_answers_are_the_same_without_a_cache_with_one_and_with_a_part_of_one(
    tmp_path: Path, rng: random.Random, deep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = grown(tmp_path, rng, 40)
    for _ in range(400 if deep else 60):
        query, options = _query(rng)
        with monkeypatch.context() as plain:
            plain.setattr(querycache, "load", lambda *_: querycache.Table())
            plain.setattr(querycache, "save", lambda *_: None)
            right = _answer(tmp_path, query, options)
        if rng.random() < 0.2:
            querycache.forget(model.repository.door)
        assert _answer(tmp_path, query, options) == right
        assert _answer(tmp_path, query, options) == right
    assert model.repository.door.exists(NAME)


def test_a_second_query_reads_only_what_it_shows(
    tmp_path: Path, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(tmp_path, rng, 40)
    read: list[str] = []
    whole = Objects.read

    def counted(self: Objects, id_: str, what: str = "object") -> bytes:
        read.append(what)
        return whole(self, id_, what)

    monkeypatch.setattr(Objects, "read", counted)
    query = Query(sort=(SortKey(("metrics", "a")),), columns=(("metrics", "a"),))
    first = _answer(tmp_path, query, {"count": 2})
    assert read.count("manifest") > 4
    read.clear()
    assert _answer(tmp_path, query, {"count": 2}) == first
    assert sorted(read) == ["manifest"] * 2 + ["version"] * 2


def test_a_version_that_came_after_the_cache_has_its_own_values(tmp_path: Path, rng: random.Random) -> None:
    grown(tmp_path, rng, 12)
    query = Query(parse("metrics.a == 7"))
    assert _answer(tmp_path, query, {}) == []
    (tmp_path / "model.toml").write_text('[model]\nname = "m"\n\n[metrics]\na = 7\n', encoding="utf-8")
    later = commit(Model(Repository(tmp_path), "m"), "later", Actor(PEOPLE[0], Timestamp(1_790_000_000, 0)))
    assert [each["id"] for each in _answer(tmp_path, query, {})] == [later.id]


def test_a_version_that_is_shown_is_checked(tmp_path: Path, rng: random.Random) -> None:
    grown(tmp_path, rng, 12)
    query = Query(sort=(SortKey(("number",)),))
    best = _answer(tmp_path, query, {"count": 1})[0]["id"]
    path = tmp_path / ".mvc" / "objects" / best[:2] / best
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"version ", b"edition "))
    assert "checksum mismatch" in _answer(tmp_path, query, {"count": 1})


def _flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _sealed(change: Callable[[dict[str, Any], list[Any]], None]) -> Callable[[bytes, random.Random], bytes]:
    """Change the content, and write the checksum of what results."""

    def damage(data: bytes, _: random.Random) -> bytes:
        head, *lines = data.partition(b"\n")[2].split(b"\n")
        columns, sections = json.loads(head), [json.loads(line) for line in lines]
        change(columns, sections)
        body = "\n".join(map(json.dumps, [columns, *sections])).encode()
        return b"2 " + digest(body).encode() + b"\n" + body

    return damage


DAMAGE: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "empty": lambda *_: b"",
    "truncated": lambda data, rng: data[: rng.randrange(len(data))],
    "one bit": _flip,
    "another value": lambda data, _: data.replace(b'"a":0.5', b'"a":9.5').replace(b'"a":0,', b'"a":7,'),
    "a manifest out of range": _sealed(lambda columns, _: columns["manifest"].__setitem__(0, 9_999)),
    "another version": lambda data, _: b"1" + data[1:],
    "not JSON": lambda *_: b"2 " + digest(b"{").encode() + b"\n{",
    "no columns": _sealed(lambda columns, _: columns.clear()),
    "a number that is text": _sealed(lambda columns, _: columns["numbers"].__setitem__(0, "1")),
    "a time out of range": _sealed(lambda columns, _: columns["seconds"].__setitem__(0, 1 << 62)),
    "a parent out of range": _sealed(lambda columns, _: columns["first"].__setitem__(0, 1 << 30)),
    "a merge out of range": _sealed(lambda columns, _: columns["merged"].append([9_999, 0])),
    "ids of other letters": _sealed(lambda columns, _: columns.update(ids="../x" * 16 + columns["ids"][64:])),
    "a short column": _sealed(lambda columns, _: columns["offsets"].pop()),
    "an unknown author": _sealed(lambda columns, _: columns["authors"].__setitem__(0, 99)),
    "an author without a name": _sealed(lambda columns, _: columns["persons"].__setitem__(0, [1, 2])),
    "a section that is a list": _sealed(lambda _, sections: sections.__setitem__(3, [[[]], [0]])),
    "a position out of range": _sealed(lambda _, sections: sections[3][1].__setitem__(0, 9_999)),
    "no sections": _sealed(lambda _, sections: sections.clear()),
    "nested": lambda *_: b"2 " + digest(b"[" * 99_999).encode() + b"\n" + b"[" * 99_999,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_cache_is_ignored_and_written_again(kind: str, tmp_path: Path, rng: random.Random) -> None:
    door = grown(tmp_path, rng, 16).repository.door
    query = Query(sort=(SortKey(("metrics", "a")), SortKey(("time",))), columns=(("metrics", "a"),), values=True)
    right = _answer(tmp_path, query, {})
    whole = door.read(NAME)
    (tmp_path / ".mvc" / NAME).write_bytes(DAMAGE[kind](whole, rng))
    assert _answer(tmp_path, query, {}) == right
    assert _answer(tmp_path, query, {}) == right
    assert querycache.load(door, "m").rows.keys() == {VersionId(entry["id"]) for entry in right}


def test_a_forged_cache_ends_and_shows_what_objects_have(tmp_path: Path, rng: random.Random) -> None:
    """Its checksum is right, so its order is believed; but a circle ends, and no value that is shown comes from it."""
    grown(tmp_path, rng, 12)
    query = Query(sort=(SortKey(("metrics", "a")),), columns=(("metrics", "a"),))
    right = {entry["id"]: entry for entry in _answer(tmp_path, query, {})}

    def forge(columns: dict[str, Any], sections: list[Any]) -> None:
        columns["first"] = [(at + 1) % len(columns["first"]) for at in range(len(columns["first"]))]
        for values in sections[3][0]:
            values["a"] = 99

    path = tmp_path / ".mvc" / NAME
    path.write_bytes(_sealed(forge)(path.read_bytes(), rng))
    shown = _answer(tmp_path, query, {})
    assert isinstance(shown, str) or all(entry == right[entry["id"]] for entry in shown)


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path: Path, rng: random.Random) -> None:
    model = grown(tmp_path, rng, 12)
    query = Query(sort=(SortKey(("number",)),))
    right = _answer(tmp_path, query, {})
    querycache.forget(model.repository.door)
    folder = tmp_path / ".mvc" / querycache.FOLDER
    folder.rmdir()
    folder.write_bytes(b"")
    assert _answer(tmp_path, query, {}) == right


def test_versions_that_were_collected_are_not_shown(tmp_path: Path, rng: random.Random) -> None:
    model = grown(tmp_path, rng, 12)
    query = Query(sort=(SortKey(("number",)),))
    before = _answer(tmp_path, query, {})
    _point(model, "main", VersionId(before[-1]["id"]))
    _point(model, "side", VersionId(before[-1]["id"]))
    gc(model.repository, Actor(PEOPLE[0], Timestamp(1_900_000_000, 0)), grace=0)
    assert [entry["id"] for entry in _answer(tmp_path, query, {})] == [before[-1]["id"]]
    assert querycache.load(model.repository.door, "m").rows.keys() == {before[-1]["id"]}


def test_a_section_has_one_place_for_each_manifest() -> None:
    section = querycache.Section()
    for manifest in (0, 1):
        section.put(manifest, {"number": manifest})
    assert section.at == [0, 1]
