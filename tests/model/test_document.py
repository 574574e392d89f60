"""A result becomes JSON by what its class declares, and its schema says the same of the keys."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pytest

from mvc.model.document import Document, Field, keys, rows, schema, to_json
from mvc.model.ids import FileId
from mvc.model.tree import TreeEntry
from mvc.model.version import Timestamp

ENTRY = TreeEntry("w.onnx", "model-latest", 3, FileId("f" * 64))


class State(enum.Enum):
    WHOLE = "whole"


class Point(NamedTuple):
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Named(Document):
    KEYS = keys("name time=since by=origin.x")

    name: str
    since: Timestamp | None = None
    origin: Point | None = None


@dataclass(frozen=True)
class Whole(Document):
    KEYS = keys(
        "*entry count=len(pairs)",
        {"pairs": rows("pairs", "role=0 path=1"), "place": keys("x=point.x y=point.y")},
        "state *more",
        {"named": rows("named", "* upper")},
        "note *late",
    )
    OPTIONAL = ("note",)

    entry: TreeEntry
    pairs: tuple[tuple[str, str], ...]
    point: Point | None
    state: State
    more: Mapping[str, Any]
    named: tuple[Upper, ...] = ()
    note: str | None = None
    late: Named | None = None


@dataclass(frozen=True)
class Upper:
    name: str

    @property
    def upper(self) -> str:
        return self.name.upper()


def test_without_keys_the_fields_are_written_in_their_order() -> None:
    assert list(to_json(Upper("a")).items()) == [("name", "a")]
    assert to_json(Point(1, 2)) == {"x": 1, "y": 2}


def test_a_key_is_the_attribute_that_it_names_or_null_where_there_is_none() -> None:
    assert Named("a", Timestamp(0, 60), Point(1, 2)).to_json() == {"name": "a", "time": "1970-01-01T00:00:00Z", "by": 1}
    assert Named("a").to_json() == {"name": "a", "time": None, "by": None}


def test_everything_that_can_be_declared() -> None:
    full = Whole(ENTRY, (("a", "b"),), Point(1, 2), State.WHOLE, {"z": (1,)}, (Upper("a"),), "n", Named("late"))
    assert list(full.to_json().items()) == [
        ("path", "w.onnx"),
        ("role", "model-latest"),
        ("size", 3),
        ("file", "f" * 64),
        ("count", 1),
        ("pairs", [{"role": "a", "path": "b"}]),
        ("place", {"x": 1, "y": 2}),
        ("state", "whole"),
        ("z", [1]),
        ("named", [{"name": "a", "upper": "A"}]),
        ("note", "n"),
        ("name", "late"),
        ("time", None),
        ("by", None),
    ]


def test_an_optional_key_is_left_out_while_it_is_empty_and_an_object_is_null() -> None:
    bare = Whole(ENTRY._replace(exec=True), (), None, State.WHOLE, {}).to_json()
    assert (bare["exec"], bare["place"], bare["pairs"]) == (True, None, [])
    assert not bare.keys() & {"note", "name", "time", "by"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PurePosixPath("a/b"), "a/b"),
        (frozenset({1}), [1]),
        ((x for x in "ab"), ["a", "b"]),
        ({"a": Point(1, 2)}, {"a": {"x": 1, "y": 2}}),
        (
            ENTRY._replace(exec=True),
            {"path": "w.onnx", "role": "model-latest", "size": 3, "file": "f" * 64, "exec": True},
        ),
        (1.5, 1.5),
    ],
)
def test_other_values(value: Any, expected: Any) -> None:
    assert to_json(value) == expected


def test_the_schema_has_the_keys_with_their_types() -> None:
    found = schema(Whole)
    assert list(found) == [
        *("path", "role", "size", "file", "exec", "count", "pairs", "place", "state", "…", "named", "note"),
        *("name", "time", "by"),
    ]
    assert found["exec"] == Field(bool, optional=True)
    assert found["note"] == Field(str, optional=True)
    assert found["count"] == Field(int)
    assert found["pairs"] == Field([{"role": Field(str), "path": Field(str)}])
    assert found["place"] == Field(({"x": Field(int), "y": Field(int | None)}, None))
    assert found["time"] == Field(Timestamp | None, optional=True)
    assert schema(Named)["by"] == Field(int | None)


def test_a_key_that_is_no_attribute_is_found_by_the_schema() -> None:
    class Wrong(Document):
        KEYS = keys("a=b")

    with pytest.raises(AttributeError):
        schema(Wrong)
