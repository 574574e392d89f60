from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from mvc.model.compare import diff
from mvc.model.compare.diff import Change, Snapshot
from mvc.model.ids import FileId, digest
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from tests.model.strategies import manifests, trees


def shot(tree: Tree | None = None, **sections: Any) -> Snapshot:
    return Snapshot(Manifest(**{"model": {"name": "x"}, **sections}), tree or Tree())


def changes(old: Snapshot, new: Snapshot) -> dict[str, list[tuple[str, Any, Any]]]:
    values = diff.compare(old, new).values
    return {name: [(each.key, each.old, each.new) for each in found] for name, found in values.items()}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"epochs": 1}, {"epochs": 2}, [("epochs", 1, 2)]),
        ({"epochs": 1}, {"epochs": 1.0}, [("epochs", 1, 1.0)]),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": 0.0}, {"a": -0.0}, [("a", 0.0, -0.0)]),
        ({"a": 1}, {"b": 1}, [("a", 1, None), ("b", None, 1)]),
        ({"o": {"lr": 1, "b": 2}}, {"o": {"lr": 3, "b": 2}}, [("o.lr", 1, 3)]),
        ({"o": {"lr": 1}}, {"o": 5}, [("o.lr", 1, None), ("o", None, 5)]),
        ({"o": {}}, {"o": {"x.y": 1}}, [("o", {}, None), ('o."x.y"', None, 1)]),
        ({"l": [1, 2]}, {"l": [2, 1]}, [("l", [1, 2], [2, 1])]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
    ],
)
def test_parameters_are_compared_key_by_key(old: Any, new: Any, expected: list[tuple[str, Any, Any]]) -> None:
    found = changes(shot(parameters=old), shot(parameters=new))
    assert found == ({"parameters": expected} if expected else {})
    assert repr(found.get("parameters", [])) == repr(expected)


def test_every_section_has_its_changes() -> None:
    old = shot(model={"name": "x", "tags": ["a"]}, docker={"tag": "1"}, metrics={"m": 0.5}, files={"r": "a"})
    new = shot(
        model={"name": "x", "tags": ["a", "b"]},
        docker={"tag": "2", "env": {"A": "1"}},
        metrics={"m": 0.6},
        files={"r": "b"},
        source={"datasets": [{"alias": "train", "version": "v1"}]},
        intent={"ready_for": ["deployment"]},
        labelmap_path="l.json",
    )
    assert changes(old, new) == {
        "about": [("tags", ["a"], ["a", "b"])],
        "metrics": [("m", 0.5, 0.6)],
        "docker": [("tag", "1", "2"), ("env.A", None, "1")],
        "source": [("datasets.train.alias", None, "train"), ("datasets.train.version", None, "v1")],
        "intent": [("ready_for", None, ["deployment"])],
        "tracked": [("r", "a", "b"), ("labelmap.path", None, "l.json")],
    }


def test_datasets_are_compared_by_alias() -> None:
    old = shot(source={"datasets": [{"alias": "train", "version": "v12"}, {"alias": "val", "version": "v1"}]})
    new = shot(source={"datasets": [{"alias": "val", "version": "v1"}, {"alias": "train", "version": "v13"}]})
    assert changes(old, new) == {"source": [("datasets.train.version", "v12", "v13")]}


def test_datasets_without_unique_aliases_are_compared_by_position() -> None:
    old = shot(source={"datasets": [{"alias": "a", "version": "1"}, {"alias": "a", "version": "2"}]})
    new = shot(source={"datasets": [{"alias": "a", "version": "1"}, {"alias": "a", "version": "3"}]})
    assert changes(old, new) == {"source": [("datasets.1.version", "2", "3")]}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (("auto", None), ("auto", "sha256:a"), []),
        (("auto", "sha256:a"), ("auto", None), []),
        (("auto", "sha256:a"), ("auto", "sha256:b"), [("digest", "auto (sha256:a)", "auto (sha256:b)")]),
        (("auto", None), "sha256:a", [("digest", "auto", "sha256:a")]),
    ],
)
def test_a_digest_not_looked_up_yet_equals_what_it_resolved_to(old: Any, new: Any, expected: list[Any]) -> None:
    def docker(digest_: Any) -> dict[str, Any]:
        return {
            "digest": dict(zip(("asked", "resolved"), digest_, strict=True)) if isinstance(digest_, tuple) else digest_
        }

    assert changes(shot(docker=docker(old)), shot(docker=docker(new))).get("docker", []) == expected


@given(manifests(), manifests(), trees(), trees())
def test_only_what_differs_is_said_and_machines_can_read_it(a: Manifest, b: Manifest, s: Tree, t: Tree) -> None:
    assert diff.compare(Snapshot(a, s), Snapshot(a, s)).is_empty
    found = diff.compare(Snapshot(a, s), Snapshot(b, t))
    assert found.is_empty == (a == b and s == t)
    record = found.to_json()
    assert bool(record) != found.is_empty
    assert json.loads(json.dumps(record)) == record


@given(manifests(), trees())
def test_against_nothing_all_is_new(manifest: Manifest, tree: Tree) -> None:
    found = diff.compare(None, Snapshot(manifest, tree))
    assert found.labelmap.added == manifest.labelmap
    assert all(change.old is None for section in found.values.values() for change in section)
    assert Change("name", None, manifest.name) in found.section("about")
    assert len(found.files) == len(tree.entries)


def test_bytes_new_to_the_store_count_once_for_equal_files() -> None:
    file = FileId(digest(b"x"))
    tree = Tree.of([TreeEntry("a", "r", 9, file), TreeEntry("b", "s", 9, file)])
    assert diff.compare(None, shot(tree), new_bytes={file: 5}).new_bytes == 5
    assert diff.compare(None, shot(tree), new_bytes={}).new_bytes == 0
    assert diff.compare(None, shot(tree)).new_bytes is None
    assert diff.compare(shot(tree), shot()).new_bytes == 0


def test_reindexing_is_marked_as_breaking() -> None:
    found = diff.compare(shot(labelmap=((0, "a"), (1, "b"))), shot(labelmap=((0, "b"), (1, "a"))))
    assert found.breaking
    assert found.to_json()["labelmap"]["breaking"] is True
