from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import digest
from mvc.model.manifest import Manifest
from tests.model.strategies import manifests

NAMED = {"kind": "manifest", "model": {"name": "x"}}


@given(manifests())
def test_a_manifest_decodes_to_itself(value: Manifest) -> None:
    decoded = Manifest.decode(value.encode())
    assert decoded == value
    assert decoded.encode() == value.encode()
    assert value.id() == digest(value.encode())


def test_numbers_of_another_type_are_another_manifest() -> None:
    made = [Manifest({"name": "x"}, parameters={"a": value}) for value in (1, 1.0, True)]
    assert len(set(made)) == 3


def test_empty_sections_are_absent() -> None:
    assert Manifest({"name": "x"}).encode() == b'{"kind":"manifest","model":{"name":"x"}}'


def test_keys_and_words_of_later_releases_are_kept() -> None:
    later = {
        **NAMED,
        "model": {"name": "x", "framework": "JAX", "stage": 3},
        "docker": {"platform": ["arm64"]},
        "ext": {"a": 1},
    }
    data = canonical.encode(later)
    assert Manifest.decode(data).encode() == data


def test_gaps_between_classes_are_no_matter_of_decoding() -> None:
    data = canonical.encode({**NAMED, "labelmap": [[0, "a"], [7, "a"], [9, ""]]})
    assert Manifest.decode(data).labelmap == ((0, "a"), (7, "a"), (9, ""))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "tree"},
        {"model": {}},
        {"model": {"name": 1}},
        {"other": {}},
        {"docker": {}},
        {"docker": []},
        {"labelmap": []},
        {"labelmap": [[1, "a"], [0, "b"]]},
        {"labelmap": [[0, "a"], [0, "b"]]},
        {"labelmap": [[-1, "a"]]},
        {"labelmap": [[0]]},
        {"labelmap": [[True, "a"]]},
        {"labelmap": {"0": "a"}},
        {"labelmap": [[0, 1]]},
        {"labelmap_path": 1},
        {"metrics": {"a": "b"}},
        {"files": {"a": 1}},
        {"parameters": {"a": None}},
        {"parameters": {"a": [{"b": None}]}},
        {"docker": {"env": {"A": 1}}},
        {"docker": {"digest": {"asked": "auto"}}},
        {"docker": {"digest": 5}},
        {"source": {"datasets": {}}},
        {"intent": {"require": [1]}},
    ],
)
def test_another_shape_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(errors.NotCanonical):
        Manifest.decode(canonical.encode({**NAMED, **change}))


def test_the_same_is_refused_when_writing() -> None:
    with pytest.raises(errors.NotCanonical):
        Manifest({"name": "x"}, parameters={"a": None}).encode()


def test_a_digest_that_is_looked_up_is_kept_as_asked_for_and_found() -> None:
    for resolved in (None, "sha256:" + "0" * 64):
        made = Manifest({"name": "x"}, docker={"digest": {"asked": "auto", "resolved": resolved}})
        assert Manifest.decode(made.encode()) == made
        assert made.to_toml()["docker"] == {"digest": "auto"}


@pytest.mark.parametrize(
    "entries",
    [
        3,
        [],
        {"metrics": 3},
        {"metrics": {"path": 3}},
        {"metrics": {"path": ""}},
        {"metrics": {"path": "a.csv", "select": "all"}},
        {"metrics": {"path": "a.csv", "select": [1]}},
        {"metrics": {"best": "acc"}},
        {"docker": {"path": "a.csv"}},
    ],
    ids=str,
)
def test_value_files_of_another_form_are_ignored(entries: object) -> None:
    made = Manifest(model={"name": "x"}, metrics={"acc": 1}, ext={"mvc": {"from": entries}})
    assert Manifest.decode(made.encode()).value_files == {}
    assert made.to_toml() == {"model": {"name": "x"}, "metrics": {"acc": 1}}
    other = Manifest(
        model={"name": "x"}, metrics={"acc": 1}, ext={"mvc": {"from": {"metrics": {"path": "a", "own": 3}}}}
    )
    assert (other.own("metrics"), other.resolved()["metrics"]) == ({}, {"acc": 1})
