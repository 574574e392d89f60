"""Roles that only the manifest has: the tree keeps one entry for a file."""

from __future__ import annotations

from mvc.model import roles
from mvc.model.ids import FileId, digest
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry


def entry(role: str, path: str) -> TreeEntry:
    return TreeEntry(path, role, 3, FileId(digest(path.encode())))


def manifest(files: dict[str, str], labelmap_path: str | None = None) -> Manifest:
    return Manifest({"name": "m"}, files, labelmap_path=labelmap_path)


def test_an_entry_for_each_literal_path() -> None:
    tree = Tree.of([entry("a", "best.onnx"), entry("runs/x", "runs/x")])
    both = roles.expanded(manifest({"b": "best.onnx", "a": "best.onnx", "runs": "runs/**"}), tree)
    assert sorted((found.role, found.path) for found in both.entries) == [
        ("a", "best.onnx"), ("b", "best.onnx"), ("runs/x", "runs/x")
    ]  # fmt: skip
    assert both.by_path["best.onnx"].role == "a", "by path, it is the tree's own"


def test_a_tree_without_such_roles_is_the_same_object() -> None:
    tree = Tree.of([entry("a", "best.onnx")])
    assert roles.expanded(manifest({"a": "best.onnx"}), tree) is tree
    assert roles.expanded(manifest({"a": "best.onnx", "b": "absent", "c": "absent"}), tree) is tree


def test_the_tree_decides_where_somebodys_manifest_disagrees() -> None:
    tree = Tree.of([entry("a", "one"), entry("b", "two")])
    both = roles.expanded(manifest({"a": "one", "b": "one"}), tree)
    assert both.by_role["b"].path == "two"
    assert len(both.entries) == 2


def test_the_labelmaps_path_is_a_role() -> None:
    tree = Tree.of([entry("classes", "labels.json")])
    found = manifest({"classes": "labels.json"}, "labels.json")
    assert roles.expanded(found, tree).by_role["labelmap"].path == "labels.json"
    assert roles.roles_of(found, tree.entries[0]) == ("classes", "labelmap")
