"""The JSON schema of model.toml is one, accepts what the parser accepts, and rejects what it rejects."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from mvc import errors
from mvc.model.toml import json_schema, parse, schema
from mvc.model.toml.schema import ListOf, PathOr, Table, Type

TOP = Path(__file__).resolve().parents[2]
VALIDATOR = Draft7Validator(json_schema.document())
BLOCKS = [
    (page.name, block)
    for page in (TOP / "docs").rglob("*.md")
    for block in re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if "[model]\nname" in block
]
FILES = [
    (str(path.relative_to(TOP)), path.read_text(encoding="utf-8"))
    for path in (TOP / ".mvc-example").rglob("model.toml")
]
NAMED = '[model]\nname = "m"\n'
GOOD = [
    'type = "anything"\ntags = ["a"]\nlabelmap_sparse = true',
    '[files]\nmodel-latest = "w.pt"\n"a b" = "*.onnx"',
    '[from]\nlabelmap = "data.yaml"\nmetrics = { path = "r.csv", best = "mAP50", mode = "max", select = ["m*"] }',
    '[labelmap]\n0 = "helmet"\n10 = "head"',
    '[labelmap]\npath = "labels.json"',
    "[parameters]\na = 1\nb = [1, 'x', { c = true }]\n[parameters.d.e]\nf = 0.5",
    "[metrics]\nmAP50 = 1\nloss = 0.5",
    '[docker]\nimage = "a/b"\nflags = ["--gpus"]\nenv = { A = "1" }',
    '[[source.datasets]]\nalias = "train"\n[source.experiment]\nid = "1"\nparameters = { a = 1 }',
    '[[intent.require]]\nuse = "edge"\nmetric = "mAP50"\nmin = 0.5',
]
BAD = [
    "typ = 'x'",
    "type = 3",
    "tags = 'a'",
    "tags = [1]",
    "labelmap_sparse = 'yes'",
    "[file]\na = 'b'",
    "[files]\na = ['b']",
    "[from]\nmodel = 'x'",
    "[from]\nmetrics = { best = 'mAP50' }",
    "[from]\nmetrics = { path = 'r.csv', mode = 'most' }",
    "[from]\nlabelmap = { path = 'r.csv', best = 'x' }",
    "[labelmap]\nhelmet = 'x'",
    "[labelmap]\n01 = 'x'",
    "[labelmap]\n0 = 1",
    "[metrics]\nmAP50 = 'high'",
    "[metrics]\nmAP50 = true",
    "[parameters]\nday = 2026-01-01",
    "[docker]\nenv = { A = 1 }",
    "[[source.datasets]]\nsize = 1",
    "[[intent.require]]\nmin = 'x'",
]


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(json_schema.document())


@pytest.mark.parametrize(("place", "text"), [*FILES, *BLOCKS, *(("good", f"{NAMED}{each}") for each in GOOD)])
def test_what_mvc_reads_is_valid(place: str, text: str) -> None:
    parse.parse(text.encode(), where=place)
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))] == []


@pytest.mark.parametrize("text", [*(f"{NAMED}{each}" for each in BAD), "", "[model]\ntype = 'x'"])
def test_what_mvc_refuses_is_invalid(text: str) -> None:
    with pytest.raises(errors.MvcError):
        parse.parse(text.encode(), where="bad")
    assert not VALIDATOR.is_valid(tomllib.loads(text))


def _tables(type_: Type, key: schema.Path = ()) -> Iterator[schema.Path]:
    """The keys of tables with a description of their own: those of model.toml, and of what `[from]` has."""
    type_ = type_.table if isinstance(type_, PathOr) else type_.item if isinstance(type_, ListOf) else type_
    if isinstance(type_, Table) and (len(key) < 2 or key[0] == "from"):
        for name, child in type_.keys.items():
            yield (*key, name)
            yield from _tables(child, (*key, name))


@pytest.mark.parametrize("key", list(_tables(schema.MODEL_TOML)), ids=".".join)
def test_each_key_has_a_description(key: schema.Path) -> None:
    at: Any = json_schema.document()
    for name in key:
        at = next(part for part in (at, *at.get("anyOf", ())) if "properties" in part)["properties"][name]
    assert at["description"].endswith(".")
