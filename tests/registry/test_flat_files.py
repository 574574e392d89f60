"""Any listing of a registry becomes files with distinct, portable paths."""

from __future__ import annotations

import random

import pytest

from mvc.model import paths
from mvc.model.ids import FileId
from mvc.model.manifest import Manifest
from mvc.model.toml import rules
from mvc.model.tree import TreeEntry
from mvc.registry.files.flat_files import RegistryFile, base_name, filenames, place, role

HOSTILE = (
    "../../etc/passwd", "..", ".", "", "/", "C:\\windows\\x.dll", "nul.txt", "CON", ".git", ".mvc", "GIT~1", "a\u202eb",
    "model.toml", "MODEL.TOML", ".mvcignore", "x" * 400 + ".onnx", "e\u0301.pt", "\u00e9.pt", "a:b", "[best].pt", "*.pt",
    "best.pt", "Best.pt", "\ud800", "a\nb", " x ", "x. ", "-x", "a/b", "a\\b", "\x00", "日本.onnx", ".lock", "ﬁ.pt",
)  # fmt: skip


@pytest.mark.parametrize(
    ("filename", "kept"),
    [
        ("best.onnx", "best.onnx"),
        ("../../.ssh/keys", "keys"),
        ("C:\\x\\best.pt", "best.pt"),
        ("nul.txt", "_nul.txt"),
        (".git", "_git"),
        ("model.toml", "_model.toml"),
        ("..", "_"),
        ("", "file"),
        ("[best].pt", "_best_.pt"),
    ],
)
def test_a_base_name_is_changed_as_little_as_possible(filename: str, kept: str) -> None:
    assert base_name(filename) == kept


def test_names_that_collide_on_some_systems_go_below_their_roles() -> None:
    listed = [RegistryFile("a", "x.pt", "1"), RegistryFile("b", "X.pt", "2"), RegistryFile("c", "y.pt", "3")]
    assert [placed.path for placed in place(listed)] == ["a/x.pt", "b/X.pt", "y.pt"]


def test_two_files_with_one_name_are_both_kept() -> None:
    listed = [RegistryFile("model-latest", "x.pt", "2"), RegistryFile("model-latest", "x.pt", "1")]
    assert [placed.role for placed in place(listed)] == ["model-latest-2", "model-latest"]
    assert len({placed.path for placed in place(listed)}) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_any_role_becomes_a_valid_role(name: str) -> None:
    assert not rules.check(Manifest({"name": "m"}, {role(name): "x"}))


def test_any_listing_becomes_distinct_paths_in_any_order(rng: random.Random) -> None:
    for _ in range(200):
        listed = [
            RegistryFile(rng.choice(HOSTILE), rng.choice(HOSTILE), f"{rng.randrange(4)}")
            for _ in range(rng.randrange(1, 9))
        ]
        placed = place(listed)
        for each in placed:
            paths.check_path(each.path)
        assert not paths.collisions([each.path for each in placed])
        files = {each.role: each.path for each in placed}
        assert len(files) == len(listed)
        assert not rules.check(Manifest({"name": "m"}, files), [each.path for each in placed])
        shuffled = rng.sample(range(len(listed)), len(listed))
        again = place([listed[number] for number in shuffled])
        assert sorted(zip(listed, placed, strict=True)) == sorted(
            zip((listed[number] for number in shuffled), again, strict=True)
        )


def _entry(path: str, role: str) -> TreeEntry:
    return TreeEntry(path, role, 1, FileId("9" * 64))


def test_published_files_keep_their_base_names_where_these_differ() -> None:
    entries = [
        _entry("weights/best.onnx", "model-latest"),
        _entry("notes/a/same.txt", "notes/a/same.txt"),
        _entry("notes/b/Same.txt", "notes/b/Same.txt"),
    ]
    assert filenames(entries) == {
        "model-latest": "best.onnx",
        "notes/a/same.txt": "notes-a-same.txt",
        "notes/b/Same.txt": "notes-b-Same.txt",
    }


def test_a_file_of_two_roles_is_published_under_both_names() -> None:
    entries = [_entry("best.onnx", "model-latest"), _entry("best.onnx", "pretrained-weights")]
    assert filenames(entries) == {
        "model-latest": "model-latest-best.onnx",
        "pretrained-weights": "pretrained-weights-best.onnx",
    }


def test_the_file_name_of_the_marker_is_not_used() -> None:
    assert filenames([_entry("a/mvc-manifest.json", "x")]) == {"x": "a-mvc-manifest.json"}


def test_file_names_are_distinct_whatever_the_paths_are(rng: random.Random) -> None:
    parts = ("a", "b", "a-b", "A", "b-a", "x" * 150)
    for _ in range(300):
        chosen = {"/".join(rng.choices(parts, k=rng.randint(1, 3))) for _ in range(rng.randint(1, 12))}
        entries = [_entry(path, f"{path}{'/r' * number}") for path in chosen for number in range(rng.randint(1, 2))]
        names = filenames(entries)
        assert names.keys() == {entry.role for entry in entries}
        assert len({paths.fold(name) for name in names.values()}) == len(names)
        assert all(len(name.encode()) <= 220 for name in names.values())
        rng.shuffle(entries)
        assert filenames(entries) == names
