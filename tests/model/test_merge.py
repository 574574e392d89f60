"""Three-way merges: what they keep of both sides, what they refuse to decide, and the laws that hold of all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.model.compare.diff import Snapshot
from mvc.model.ids import FileId, digest
from mvc.model.manifest import Manifest
from mvc.model.merge import text as mergetext
from mvc.model.merge.merge import OURS, THEIRS, merge
from mvc.model.toml import parse
from mvc.model.tree import Tree, TreeEntry
from tests.model.strategies import manifests, trees


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    tree = draw(trees().filter(lambda each: not {"a", "a/b"} <= set(each.by_path)))  # no disk can have both
    files = {entry.role: entry.path for entry in tree.entries}
    return Snapshot(replace(draw(manifests()), model={"name": "m"}, files=files), tree)


def entry(role: str, content: str, path: str = "", executable: bool = False) -> TreeEntry:
    return TreeEntry(path or f"{role}.bin", role, len(content), FileId(digest(content.encode())), executable)


def version(*entries: TreeEntry, labels: tuple[str, ...] = (), **sections: Any) -> Snapshot:
    files = {each.role: each.path for each in entries}
    about = {"name": "m", **sections.pop("model", {})}
    return Snapshot(Manifest(about, files, tuple(enumerate(labels)), **sections), Tree.of(list(entries)))


@settings(max_examples=60)
@given(snapshots(), snapshots())
def test_one_side_alone_is_taken(base: Snapshot, changed: Snapshot) -> None:
    for ours, theirs in ((changed, base), (base, changed), (changed, changed)):
        merged = merge(base, ours, theirs)
        assert not merged.fields
        assert merged.snapshot == Snapshot(changed.manifest, Tree(changed.tree.entries))


@settings(max_examples=60)
@given(snapshots(), snapshots(), snapshots())
def test_both_people_see_the_same(base: Snapshot, one: Snapshot, two: Snapshot) -> None:
    left, right = merge(base, one, two), merge(base, two, one)
    assert left.fields == right.fields
    assert [(c.ours, c.theirs) for c in left.conflicts] == [(c.theirs, c.ours) for c in right.conflicts]
    if not left.conflicts:
        assert left.snapshot == right.snapshot
    taken = merge(base, one, two, dict.fromkeys(left.fields, OURS))
    assert not taken.conflicts
    assert taken.snapshot == left.snapshot
    assert merge(base, two, one, dict.fromkeys(left.fields, THEIRS)).snapshot == taken.snapshot
    taken.snapshot.tree.encode()
    taken.snapshot.manifest.encode()


@pytest.mark.parametrize("section", ["parameters", "metrics", "docker", "source", "intent", "model"])
def test_values_merge_by_key(section: str) -> None:
    key, other = {"docker": ("tag", "image"), "model": ("license", "description")}.get(section, ("a", "b"))

    def having(values: dict[str, Any]) -> Snapshot:
        sections: dict[str, Any] = {section: {**named, **values}}
        return replace(version(), manifest=replace(version().manifest, **sections))

    named = {"name": "m"} if section == "model" else {}
    base, ours, theirs = having({key: 1}), having({key: 2}), having({key: 1, other: 3})
    merged = merge(base, ours, theirs)
    assert not merged.conflicts
    expected = {key: 2, other: 3}
    assert {k: v for k, v in getattr(merged.snapshot.manifest, section).items() if k != "name"} == expected
    (conflict,) = merge(base, ours, having({key: 4})).conflicts
    assert (conflict.field, conflict.ours, conflict.theirs, conflict.base) == (f"{section}.{key}", 2, 4, 1)


def test_nested_tables_merge_by_leaf_and_a_removed_table_against_a_change_is_a_conflict() -> None:
    base = version(parameters={"opt": {"lr": 0.1, "name": "sgd"}})
    ours = version(parameters={"opt": {"lr": 0.2, "name": "sgd"}})
    theirs = version(parameters={"opt": {"lr": 0.1, "name": "adam"}})
    assert merge(base, ours, theirs).snapshot.manifest.parameters == {"opt": {"lr": 0.2, "name": "adam"}}
    assert merge(base, ours, version()).fields == ("parameters.opt.lr",)
    assert merge(base, base, version()).snapshot.manifest.parameters == {}


def test_tags_are_a_set_and_other_lists_are_whole() -> None:
    base = version(model={"tags": ["a", "b"]}, parameters={"sizes": [1]})
    ours = version(model={"tags": ["b", "a", "z"]}, parameters={"sizes": [1, 2]})
    theirs = version(model={"tags": ["a", "c"]}, parameters={"sizes": [1, 3]})
    merged = merge(base, ours, theirs)
    assert merged.snapshot.manifest.model["tags"] == ["a", "c", "z"]
    assert merged.fields == ("parameters.sizes",)


def test_classes_merge_by_number() -> None:
    base = version(labels=("cat",))
    both = merge(base, version(labels=("cat", "dog")), version(labels=("feline",)))
    assert both.snapshot.manifest.labelmap == ((0, "feline"), (1, "dog"))
    assert merge(base, version(labels=("cat", "dog")), version(labels=("cat", "bus"))).fields == ("labelmap.1",)


def test_a_class_never_comes_to_two_numbers() -> None:
    base, ours = version(labels=("cat",)), version(labels=("cat", "dog"))
    theirs = replace(ours, manifest=replace(ours.manifest, labelmap=((0, "cat"), (2, "dog"))))
    assert merge(base, ours, theirs).fields == ("labelmap",)


@pytest.mark.parametrize("labels", [("dog", "cat"), ("cat", "bus")])
def test_other_numbers_under_trained_weights_are_a_conflict(labels: tuple[str, ...]) -> None:
    base = version(entry("model", "old"), labels=("cat", "dog"))
    indexed = version(entry("model", "old"), labels=labels)
    trained = version(entry("model", "new"), labels=("cat", "dog"))
    for ours, theirs in ((indexed, trained), (trained, indexed)):
        merged = merge(base, ours, theirs)
        assert merged.fields == ("labelmap",)
        assert merged.conflicts[0].reason
        assert merged.snapshot.tree.by_role["model"] == entry("model", "new")


def test_classes_in_a_file_go_with_that_file() -> None:
    def labelled(content: str, *labels: str) -> Snapshot:
        plain = version(labels=labels)
        tree = Tree.of([entry("labelmap", content, "labels.json")])
        return Snapshot(replace(plain.manifest, labelmap_path="labels.json"), tree)

    base, ours, theirs = labelled("1", "cat"), labelled("2", "cat", "dog"), labelled("1", "cat")
    assert merge(base, ours, theirs).snapshot == ours
    assert merge(base, theirs, ours).snapshot == ours
    merged = merge(base, ours, labelled("3", "cat", "bus"), {"labelmap": THEIRS})
    assert merged.fields == ("labelmap",)
    assert merged.snapshot == labelled("3", "cat", "bus")


def test_files_are_whole_but_place_and_mode_merge_beside_the_bytes() -> None:
    base, trained = version(entry("w", "old")), version(entry("w", "new"))
    moved = version(entry("w", "old", "elsewhere.bin", executable=True))
    merged = merge(base, trained, moved)
    assert merged.snapshot == version(entry("w", "new", "elsewhere.bin", executable=True))
    assert merge(base, trained, version(entry("w", "other"))).fields == ("files.w",)
    assert merge(base, trained, version()).fields == ("files.w",)
    assert merge(base, version(), base).snapshot == version()


def test_two_roles_at_one_path_are_a_conflict() -> None:
    ours, theirs = version(entry("a", "1", "same")), version(entry("b", "2", "same"))
    merged = merge(version(), ours, theirs)
    assert merged.fields == ("files.a", "files.b")
    assert merged.snapshot == ours
    assert merge(version(), ours, theirs, {"files.a": THEIRS, "files.b": THEIRS}).snapshot == theirs


def test_a_file_below_another_is_a_conflict() -> None:
    merged = merge(version(), version(entry("a", "1", "x")), version(entry("b", "2", "x/y")))
    assert merged.fields == ("files.a", "files.b")


TEXT = """\
[model]
name = "m"

[parameters]
lr = 0.1   # ours, and why
old = true

# what it sees
[labelmap]
0 = "cat"
"""


def test_the_text_of_a_merge_keeps_our_comments() -> None:
    old = parse.parse(TEXT.encode(), where="x")
    new = replace(old, parameters={"lr": 0.2, "opt": {"name": "adam"}}, labelmap=((0, "cat"), (1, "dog")))
    text = mergetext.rewrite(TEXT, old, new)
    assert parse.parse(text.encode(), where="x") == new
    assert "lr = 0.2   # ours, and why" in text
    assert "# what it sees" in text


def test_a_file_that_is_taken_from_a_removed_folder_brings_its_pattern() -> None:
    """One side stopped tracking the folder, the other changed a file in it: no file may be without a pattern."""

    def folder(content: str) -> Snapshot:
        tree = Tree.of([entry("data/a.bin", content, "data/a.bin"), entry("data/b.bin", "same", "data/b.bin")])
        return Snapshot(Manifest({"name": "m"}, {"data": "data/**"}, ()), tree)

    base, ours, theirs = folder("old"), version(), folder("new")
    (field,) = merge(base, ours, theirs).fields
    kept = merge(base, ours, theirs, {field: THEIRS}).snapshot
    assert (kept.manifest.files, [*kept.tree.by_role]) == ({"data": "data/**"}, ["data/a.bin"])
    gone = merge(base, ours, theirs, {field: OURS}).snapshot
    assert (gone.manifest.files, [*gone.tree.by_role]) == ({}, [])
