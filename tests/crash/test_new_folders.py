"""A command that creates a folder, while another one creates the same folder: neither fails, nor removes what is not its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.crash.child import Act
from tests.crash.harness import command, memory_folder, mvc
from tests.crash.scenarios import side

DOWNLOAD = ("download", "origin#helmets@v1", "new/out")
VERBS = {
    "download": DOWNLOAD,
    "clone": ("clone", "origin", "new/out"),
    "export": ("-C", "made", "export", "v1", "../new/out"),
    "page": ("-C", "made", "ui", "--export", "../new/out"),
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with a repository, `made`, and its remote, `origin`."""
    with memory_folder(tmp_path) as folder:
        (folder / "made").mkdir()
        side(folder / "made")
        mvc(folder / "made", "remote", "add", "origin", "../origin")
        mvc(folder / "made", "push", "origin", "--all", "--tags")
        yield folder


def _files(folder: Path) -> dict[str, bytes]:
    """The files outside `.mvc`."""
    names = [path for path in folder.rglob("*") if path.is_file() and ".mvc" not in path.relative_to(folder).parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in names}


def _created_first(folder: Path) -> Act:
    """Create `new` and `new/out` just before the command does."""

    def act(count: int, name: str, path: str) -> None:
        if name == "mkdir" and os.path.abspath(path) in (str(folder / "new"), str(folder / "new" / "out")):
            os.mkdir(path)

    return act


@pytest.mark.parametrize("arguments", VERBS.values(), ids=VERBS)
def test_a_folder_that_another_command_creates_first(place: Path, arguments: Sequence[str]) -> None:
    alone = command(place, arguments)
    assert alone.code == 0, alone.output
    expected = _files(place / "new")
    shutil.rmtree(place / "new")
    outcome = command(place, arguments, _created_first(place))
    assert outcome.code == 0, outcome.output
    assert _files(place / "new") == expected


def _meanwhile(folder: Path, arguments: Sequence[str], path: Path) -> Act:
    """Run another command from its start to its end, once, before the command makes or renames `path`."""
    left = [arguments]

    def act(count: int, name: str, at: str) -> None:
        if left and name in ("mkdir", "rename") and os.path.abspath(at) == str(path):
            mvc(folder, *left.pop())

    return act


def test_a_download_that_fails_leaves_what_another_has_written(place: Path) -> None:
    out = place / "new" / "out"
    unknown = ("download", "origin#helmets@v9", "new/out")
    failed = command(place, unknown, _meanwhile(place, DOWNLOAD, out / ".download.mvc-tmp"))
    assert failed.code != 0
    assert sorted(_files(out)) == ["model.toml", "notes.txt", "weights/best.onnx"]
    assert sorted(path.name for path in out.iterdir()) == ["model.toml", "notes.txt", "weights"]
    assert command(place, ("download", "origin#helmets@v9", "new/other")).code == failed.code
    assert not (place / "new" / "other").exists()


def test_a_repository_that_another_command_creates_first(place: Path) -> None:
    outcome = command(place, ("init",), _meanwhile(place, ("init",), place / ".mvc"))
    assert outcome.code == 0, outcome.output
    assert "Created" not in outcome.output
    assert not list(place.glob(".mvc-*"))


def test_a_clone_into_what_another_has_cloned_leaves_it(place: Path) -> None:
    out = place / "new" / "out"
    refused = command(place, VERBS["clone"], _meanwhile(place, VERBS["clone"], out / ".mvc"))
    assert refused.code == 16, refused.output
    assert mvc(out, "status", "--porcelain") == ""
    assert mvc(out, "fsck")


def test_an_export_into_what_another_has_exported_is_refused(place: Path) -> None:
    out = place / "new" / "out"
    refused = command(place, VERBS["export"], _meanwhile(place, VERBS["export"], out))
    assert refused.code == 16, refused.output
    assert sorted(_files(out)) == ["model.toml", "notes.txt", "weights/best.onnx"]
    assert [path.name for path in out.parent.iterdir()] == ["out"]
