from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from mvc import errors
from mvc.model import canonical, tree
from mvc.model.ids import FileId, digest
from mvc.model.tree import Tree, TreeEntry
from tests.model.strategies import trees

FILE = FileId(digest(b"abc"))
ROW = {"path": "a", "role": "r", "size": 3, "file": FILE}


@given(trees(ext=True))
def test_a_tree_decodes_to_itself(value: Tree) -> None:
    assert Tree.decode(value.encode()) == value
    assert value.id() == digest(value.encode())


@given(trees())
def test_entries_are_found_by_path_and_by_role(value: Tree) -> None:
    assert all(value.by_path[entry.path] is entry and value.by_role[entry.role] is entry for entry in value.entries)
    assert len(value.by_path) == len(value.by_role) == len(value.entries)


def test_entries_lie_in_the_order_of_their_bytes() -> None:
    names = ["é", "z", "B", "a/b", "a", "a.b"]
    made = Tree.of([TreeEntry(path, path, 0, FILE) for path in names])
    assert [entry.path for entry in made.entries] == sorted(names, key=str.encode)


def record(*rows: dict[str, Any], **more: Any) -> bytes:
    return canonical.encode({"kind": "tree", "entries": list(rows), **more})


@pytest.mark.parametrize(
    "data",
    [
        record({**ROW, "size": -1}),
        record({**ROW, "size": 1.0}),
        record({**ROW, "size": True}),
        record({**ROW, "file": "ab"}),
        record({**ROW, "exec": False}),
        record({**ROW, "exec": 1}),
        record({**ROW, "mode": 1}),
        record({**ROW, "role": ""}),
        record(ROW, ROW),
        record(ROW, {**ROW, "path": "b"}),
        record({**ROW, "path": "b", "role": "s"}, ROW),
        record(ROW, ext={}),
        record(ROW, other=1),
        canonical.encode([]),
        canonical.encode({"kind": "manifest"}),
        canonical.encode({"kind": "tree"}),
        record({"path": "a"}),
        canonical.encode({"kind": "tree", "entries": [1]}),
    ],
)
def test_anything_else_is_no_tree(data: bytes) -> None:
    with pytest.raises(errors.NotCanonical):
        Tree.decode(data)


def test_a_tree_above_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_ENTRIES", 1)
    Tree.decode(record(ROW))
    with pytest.raises(errors.NotCanonical, match="at most 1"):
        Tree.decode(record(ROW, {**ROW, "path": "b", "role": "s"}))
