"""Renamed files are grouped by the folders between which they moved, and nothing is lost in it."""

from __future__ import annotations

import random

import pytest

from mvc.model.compare import moves
from mvc.model.compare.files import compare_trees
from mvc.model.ids import FileId
from mvc.model.tree import Tree, TreeEntry


def tree(*files: tuple[str, str, int]) -> Tree:
    """A tree of files: path, role, and a number for the content."""
    return Tree.of([TreeEntry(path, role, 10, FileId(f"{content:064x}"), exec=False) for path, role, content in files])


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("runs/exp2/best.pt", "runs/exp3/best.pt", "runs/{exp2 => exp3}/best.pt"),
        ("exp2/best.pt", "exp3/best.pt", "{exp2 => exp3}/best.pt"),
        ("a/b/c", "a/c", "a/{b => }/c"),
        ("a/c", "a/b/c", "a/{ => b}/c"),
        ("runs/a.pt", "runs/b.pt", "runs/{a.pt => b.pt}"),
        ("a.pt", "b.pt", "a.pt => b.pt"),
        ("a/a/a", "a/a", "a/a/{a => }"),
        ("runs/exp2/a.pt", "a.pt", "runs/exp2/a.pt => a.pt"),
        ("runs/exp2", "runs/exp3", "runs/{exp2 => exp3}"),
    ],
)
def test_a_rename_is_written_as_git_writes_it(old: str, new: str, text: str) -> None:
    assert moves.braced(old, new) == text


def test_files_that_moved_together_are_one_move() -> None:
    old = tree(("r/e2/w/b.pt", "m", 1), ("r/e2/a.yaml", "a", 2), ("x.txt", "x", 3), ("r/e2/only", "o", 4))
    new = tree(("r/e3/w/b.pt", "m", 9), ("r/e3/a.yaml", "a", 2), ("y.txt", "x", 3), ("r/e3/other", "p", 5))
    (move,) = moves.folders(compare_trees(old, new))
    assert (move.old, move.new, move.changed) == ("r/e2/", "r/e3/", 1)
    assert [change.entry.path for change in move.files] == ["r/e3/a.yaml", "r/e3/w/b.pt"]


def test_a_role_finds_its_file_before_equal_content_does() -> None:
    old = tree(("e2/best.pt", "model-latest", 1), ("e2/last.pt", "last", 2))
    new = tree(("e3/best.pt", "model-latest", 2), ("e3/last.pt", "last", 3))  # trained on from the last one
    pairs = [(change.old.path, change.new.path) for change in compare_trees(old, new) if change.old and change.new]
    assert pairs == [("e2/best.pt", "e3/best.pt"), ("e2/last.pt", "e3/last.pt")]


def test_files_of_a_pattern_are_matched_by_their_place_below_its_fixed_part() -> None:
    old = tree(("e2/p/a.png", "plots/p/a.png", 1), ("e2/p/b.png", "plots/p/b.png", 2))
    new = tree(("e3/p/a.png", "plots/p/a.png", 3), ("e3/p/c.png", "plots/p/c.png", 4))
    kinds = [(change.kind, change.entry.path) for change in compare_trees(old, new)]
    assert kinds == [("D", "e2/p/b.png"), ("R", "e3/p/a.png"), ("A", "e3/p/c.png")]


def test_every_renamed_file_with_its_name_is_in_one_move(rng: random.Random) -> None:
    for _ in range(200):
        paths = [(_path(rng), _path(rng), number) for number in range(rng.randrange(8))]
        old = {before: (f"r{number}", rng.randrange(3)) for before, _, number in paths}
        new = {after: (f"r{number}", rng.randrange(3)) for _, after, number in paths}
        changes = compare_trees(tree(*((p, *e) for p, e in old.items())), tree(*((p, *e) for p, e in new.items())))
        moved = moves.folders(changes)
        for move in moved:
            for change in move.files:
                assert change.old is not None
                assert change.new is not None
                assert change.old.path.removeprefix(move.old) == change.new.path.removeprefix(move.new)
                assert change.old.path.startswith(move.old)
        files = [change.entry.path for move in moved for change in move.files]
        assert len(files) == len(set(files))
        named = [
            c.new.path for c in changes if c.old and c.new and c.old.path != c.new.path and _name(c.old) == _name(c.new)
        ]
        assert sorted(files) == sorted(named)


def _path(rng: random.Random) -> str:
    return "/".join(rng.choice("abc") for _ in range(rng.randrange(3))) + rng.choice(["/x", "/y"])[1:]


def _name(entry: TreeEntry) -> str:
    return entry.path.rpartition("/")[2]
