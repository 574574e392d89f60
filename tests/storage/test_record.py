"""Records: the bytes of each kind, and a field of any other type, name or number is damage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from mvc import errors
from mvc.model.ids import FileId, VersionId
from mvc.model.version import Timestamp
from mvc.storage.packs.gc import Expiry
from mvc.storage.records import sealed
from mvc.storage.records.clone_source import CloneSource
from mvc.storage.records.heads import Head
from mvc.storage.records.import_notes import ImportNote
from mvc.storage.records.journal import FileStep, Journal, RefStep
from mvc.storage.records.merges import MergeState
from mvc.storage.records.record import ADDED, OMITTED, Component, Id, InsidePath, Record
from mvc.storage.records.reflog import Move, Place, RefEntry, RefName, Seen
from mvc.storage.records.sparse import Sparse
from mvc.storage.records.unfinished.bisections import Bisection, Mark
from mvc.storage.records.unfinished.publications import Publishing

A, B, FILE = VersionId("a" * 64), VersionId("b" * 64), FileId("f" * 64)
NOW = Timestamp(1_770_112_800, 60)
MOVE = Move("Ana <a@b>", NOW, "commit: One", "0" * 31 + "1")
PLACE = Place("https://app", "acme", "helmets", "01", 3, "night", "02")
MERGE = MergeState("helmets", A, A, B, "Merge", {"parameters.lr": "theirs"})
FIRST = RefEntry("heads/main", 1, None, A, None, MOVE)
MOVED = f'"at":{{"offset":60,"seconds":1770112800}},"by":"Ana <a@b>","kind":"ref","new":"{A}","nonce":"{"0" * 31}1","old":null'
FIRST_TEXT = f'{{{MOVED},"prev":null,"reason":"commit: One","ref":"heads/main","seq":1,"v":1}}'

WRITTEN: list[tuple[Record, str]] = [
    (FIRST, FIRST_TEXT),
    (
        RefEntry("remotes/o/heads/main", 1, None, A, B, MOVE, Seen(7, B)),
        f'{{{MOVED},"prev":"{B}","reason":"commit: One","ref":"remotes/o/heads/main","seen":[7,"{B}"],"seq":1,"v":1}}',
    ),
    (
        RefEntry(f"published/p/{A}", 2, None, A, None, MOVE, place=PLACE),
        (f'{{{MOVED},"place":{{"host":"https://app","id":"02","model":"helmets","model_id":"01","name":"night","number":3,'
        f'"organization":"acme"}},"prev":null,"reason":"commit: One","ref":"published/p/{A}","seq":2,"v":1}}'),
    ),
    (Head("cv", "main"), '{"branch":"main","folder":"cv","kind":"head","v":1}'),
    (Head("", version=A), f'{{"folder":"","kind":"head","v":1,"version":"{A}"}}'),
    (
        MERGE,
        (f'{{"base":"{A}","kind":"merge","message":"Merge","model":"helmets","ours":"{A}","takes":{{"parameters.lr":"theirs"}},'
        f'"theirs":"{B}","v":1}}'),
    ),
    (
        Bisection("helmets", True, (Mark("bad", A), Mark("skip", B))),
        f'{{"first_parent":true,"kind":"bisect","marks":[["bad","{A}"],["skip","{B}"]],"model":"helmets","v":1}}',
    ),
    (Sparse("helmets", ("w", "x/y")), '{"kind":"sparse","model":"helmets","paths":["w","x/y"],"v":1}'),
    (CloneSource("s3://models"), '{"kind":"clone","model":null,"url":"s3://models","v":1}'),
    (ImportNote("{}"), '{"answer":"{}","kind":"note","v":1}'),
    (Expiry(12), '{"kind":"collected","since":12,"v":1}'),
    (
        Publishing(A, "https://app", "acme", "helmets", "0197", {"w": "0198"}),
        ('{"files":{"w":"0198"},"host":"https://app","kind":"publishing","model":"helmets","model_version":"0197",'
        f'"organization":"acme","v":1,"version":"{A}"}}'),
    ),
    (
        Journal(
            "merge", "helmets", (RefStep(RefName("helmets", "heads", "main"), FIRST),),
            (FileStep("w", FILE, executable=True, old=None, staged=None, anything=True),), Head("", "main"), merge=MERGE, sparse=(),
        ),
        (f'{{"files":[["w","{FILE}",true,null,null,true]],"head":{{"branch":"main","folder":"","kind":"head","v":1}},'
        f'"kind":"journal","merge":{{"base":"{A}","kind":"merge","message":"Merge","model":"helmets","ours":"{A}",'
        f'"takes":{{"parameters.lr":"theirs"}},"theirs":"{B}","v":1}},"merged":false,"model":"helmets",'
        f'"refs":[["heads","main",{json.dumps(FIRST.encode().decode())}]],"rename":null,"sparse":[],"v":1,"verb":"merge"}}'),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("record", "text"), WRITTEN, ids=[type(record).__name__ for record, _ in WRITTEN])
def test_a_record_has_these_bytes_and_comes_back(record: Record, text: str) -> None:
    assert record.encode() == sealed.seal(json.loads(text))
    assert sealed.unseal(record.encode(), what="x", kind=record.KIND) == json.loads(text)
    assert type(record).decode(record.encode()) == record


@pytest.mark.parametrize("record", [record for record, _ in WRITTEN], ids=lambda record: type(record).__name__)
def test_no_field_may_be_missing_or_added_or_of_another_type(record: Record) -> None:
    whole = record.to_json()
    for key in whole:
        for wrong in ([{"x": 1.5}], 1.5):
            with pytest.raises(errors.Damaged):
                type(record).from_json({**whole, key: wrong})
        if key not in {"sparse", "seen"}:  # these may be absent
            with pytest.raises(errors.Damaged):
                type(record).from_json({name: value for name, value in whole.items() if name != key})
    with pytest.raises(errors.Damaged):
        type(record).from_json({**whole, "more": None})


@pytest.mark.parametrize("old", [None, FILE, ""])
def test_a_step_of_a_journal_may_replace_nothing_a_file_or_one_that_was_not_read(old: str | None) -> None:
    journal = Journal("switch", "helmets", files=(FileStep("w", FILE, old=old, anything=True),))
    assert Journal.decode(journal.encode()) == journal


def test_a_journal_of_an_earlier_mvc_has_no_sparse() -> None:
    journal = Journal("switch", "helmets")
    values = journal.to_json()
    del values["sparse"]
    assert Journal.from_json(values) == journal


class _Row(NamedTuple):
    path: InsidePath
    number: int = 0


@dataclass(frozen=True, slots=True)
class _Everything(Record):
    KIND = "everything"
    NOUN = "test"

    name: Component
    id: Id | None
    rows: tuple[_Row, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    flag: bool = False
    late: str | None = field(default=None, metadata=ADDED)
    rare: str | None = field(default=None, metadata=OMITTED)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": ".."}, {"id": "A" * 64}, {"id": ""}, {"rows": {}}, {"rows": [["w"]]}, {"rows": [["w", True]]},
        {"rows": [["../w", 1]]}, {"rows": ["wx"]}, {"texts": []}, {"texts": {"a": None}}, {"flag": 0}, {"late": 1},
        {"rare": None}, {"v": 2}, {"v": None}, {"kind": "other"},
    ],
)  # fmt: skip
def test_what_a_field_does_not_take_is_damage_that_names_the_record(change: dict[str, Any]) -> None:
    sound = _Everything("m", A, (_Row("w", 2),), {"a": "b"})
    assert _Everything.from_json(sound.to_json()) == sound
    with pytest.raises(errors.Damaged, match=r"the third is damaged: its fields are not those of a test"):
        _Everything.from_json({**sound.to_json(), **change}, what="the third")


@pytest.mark.parametrize("values", [None, 1, [], "x", [1, 2], {}])
def test_what_is_no_map_is_damage(values: object) -> None:
    with pytest.raises(errors.Damaged):
        _Everything.from_json(values)


def test_damage_in_a_part_names_the_part_and_the_record() -> None:
    values = {**Journal("switch", "helmets").to_json(), "head": Head("../x", "main").to_json()}
    with pytest.raises(errors.Damaged, match="the head in the journal"):
        Journal.from_json(values)
