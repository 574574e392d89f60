from __future__ import annotations

import pytest
from hypothesis import given

from mvc.model.compare.files import FileChange, compare_trees
from mvc.model.ids import FileId, digest
from mvc.model.tree import Tree, TreeEntry
from tests.model.strategies import trees


def tree(*rows: str) -> Tree:
    """Rows such as `path role content` and, if executable, `x`."""
    entries = []
    for row in rows:
        path, role, content, *flag = row.split()
        entries.append(TreeEntry(path, role, len(content), FileId(digest(content.encode())), bool(flag)))
    return Tree.of(entries)


def said(changes: tuple[FileChange, ...]) -> list[tuple[str, str | None, str | None]]:
    return [(each.kind, each.old and each.old.path, each.new and each.new.path) for each in changes]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (tree("a r 1"), tree("a r 1"), []),
        (tree(), tree("a r 1"), [("A", None, "a")]),
        (tree("a r 1"), tree(), [("D", "a", None)]),
        (tree("a r 1"), tree("a r 2"), [("M", "a", "a")]),
        (tree("a r 1"), tree("a r 1 x"), [("M", "a", "a")]),
        (tree("a r 1"), tree("b r 1"), [("R", "a", "b")]),
        (tree("a r 1"), tree("b s 1"), [("R", "a", "b")]),
        (tree("a r 1"), tree("a s 1"), [("R", "a", "a")]),
        (tree("a r 1"), tree("b r 2"), [("R", "a", "b")]),
        (tree("a r 1"), tree("b s 2"), [("D", "a", None), ("A", None, "b")]),
        (tree("a r 1", "b s 2"), tree("a r 2", "b s 1"), [("M", "a", "a"), ("M", "b", "b")]),
        (tree("x/a r 1", "x/b s 1"), tree("y/b t 1", "y/a u 1"), [("R", "x/a", "y/a"), ("R", "x/b", "y/b")]),
        (tree("a r 1", "b s 1"), tree("c s 1", "d r 1"), [("R", "b", "c"), ("R", "a", "d")]),
    ],
)
def test_files_are_paired_by_path_then_by_bytes_then_by_role(
    old: Tree, new: Tree, expected: list[tuple[str, str | None, str | None]]
) -> None:
    assert said(compare_trees(old, new)) == expected


@given(trees(), trees())
def test_the_changes_carried_out_give_the_new_tree(old: Tree, new: Tree) -> None:
    changes = compare_trees(old, new)
    files = dict(old.by_path)
    for each in changes:
        if each.old is not None:
            del files[each.old.path]
    files |= {each.new.path: each.new for each in changes if each.new is not None}
    assert files == new.by_path
    assert bool(changes) == (old.entries != new.entries)


@given(trees())
def test_against_nothing_all_is_added(new: Tree) -> None:
    assert [each.new for each in compare_trees(None, new)] == list(new.entries)
    assert {each.kind for each in compare_trees(new, None)} <= {"D"}


def test_only_files_whose_bytes_changed_bring_bytes() -> None:
    old, new = tree("a r 1", "b s 2", "c t 3"), tree("a r 9", "d s 2", "e u 5")
    counted = {FileId(digest(b"9")): 7, FileId(digest(b"2")): 100}
    assert [(each.entry.path, each.new_bytes) for each in compare_trees(old, new, counted)] == [
        ("a", 7),
        ("c", None),
        ("d", 0),
        ("e", 0),
    ]
    assert {each.new_bytes for each in compare_trees(old, new)} == {None}


def test_a_change_says_what_of_the_file_changed() -> None:
    (mode,) = compare_trees(tree("a r 1"), tree("a r 1 x"))
    assert (mode.mode_changed, mode.bytes_changed) == (True, False)
    (both,) = compare_trees(tree("a r 1"), tree("a r 2 x"))
    assert (both.mode_changed, both.bytes_changed) == (True, True)
    assert both.to_json()["new"]["exec"] is True
