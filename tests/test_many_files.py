"""Many files at once: no verb opens more of them than the usual limits allow, and small ones cost few syncs."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from mvc.porcelain.init import init
from mvc.storage.chunks import ingest
from mvc.storage.chunks.recipes import MAX_INLINE
from mvc.storage.disk import door as door_module
from mvc.storage.fsck import Sound, check
from tests.storage.parts import Parts

DESCRIPTORS = 64
"""macOS gives a process 256, Linux 1,024."""
_RUN = f"""
import json, resource, sys
from mvc.cli.app.main import run
resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))
for arguments in json.loads(sys.argv[1]):
    print(*arguments, file=sys.stderr)
    code = run(arguments)
    if code:
        sys.exit(code)
"""


def _mvc(root: Path, *commands: list[str]) -> None:
    """Run commands, one after the other, in a process that may open few files."""
    environ = os.environ | {"MVC_AUTHOR_NAME": "Ana", "MVC_AUTHOR_EMAIL": "ana@example.org"}
    command = [sys.executable, "-c", _RUN, json.dumps([["--progress", "none", *each] for each in commands])]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_no_verb_needs_more_descriptors_than_there_are(tmp_path: Path, deep: bool) -> None:
    root, many = tmp_path / "r", tmp_path / "r" / "d"
    many.mkdir(parents=True)
    for number in range(1_500 if deep else 500):
        (many / f"{number}.txt").write_text(f"{number}\n", encoding="utf-8")
    for number in range(2 * DESCRIPTORS):  # too long to lie in their recipes
        (many / f"{number}.bin").write_bytes(b"%06d" % number * 3_000)
    before = _files(many)
    _mvc(
        root,
        ["init", "--model", "m"],
        ["add", "d"],
        ["commit", "-m", "many"],
        ["remote", "add", "origin", str(tmp_path / "remote")],
        ["push"],
        ["switch", "-c", "few"],
    )
    for path in list(many.iterdir())[1:]:
        path.unlink()
    _mvc(
        root,
        ["commit", "-m", "few"],
        ["switch", "main"],
        ["gc"],
        ["fsck"],
        ["export", "main", str(tmp_path / "out")],
        ["clone", str(tmp_path / "remote"), str(tmp_path / "clone")],
    )
    assert _files(many) == before
    assert _files(tmp_path / "clone" / "d") == before
    assert _files(tmp_path / "out" / "d") == before
    _mvc(root, ["merge", "few"], ["fsck"])
    assert len(_files(many)) == 1


def test_the_recipes_of_many_small_files_are_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MANY", many_files := 20)
    parts = Parts(tmp_path)
    contents = [b"%d" % number for number in range(many_files)]
    few = parts.store(*contents[: many_files - 1])
    assert not list(tmp_path.glob("meta/*"))
    assert len(list(tmp_path.glob("recipes/*/*/*"))) == many_files - 1
    many = parts.store(*[b"more " + each for each in contents])
    assert len(list(tmp_path.glob("meta/*.pack"))) == 1
    assert len(list(tmp_path.glob("recipes/*/*/*"))) == many_files - 1
    for reader in (parts, Parts(tmp_path)):  # the one that stored them finds them too
        assert [reader.load(each.file) for each in few] == contents[: many_files - 1]
        assert [reader.load(each.file) for each in many] == [b"more " + each for each in contents]
    assert all(stored.new_bytes == 0 for stored in parts.store(*[b"more " + each for each in contents]))
    assert len(list(tmp_path.glob("meta/*.pack"))) == 1


def test_what_is_given_up_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MANY", 3)
    parts = Parts(tmp_path)
    begun = ingest.Ingest(parts.door, parts.recipes, parts.reader)
    for number in range(5):
        begun.add_bytes(b"%d" % number)
    begun.discard()
    parts.door.discard_staged()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_staged_files_are_closed_before_they_are_too_many(tmp_path: Path) -> None:
    door = door_module.StoreDoor(tmp_path)
    before = len(os.listdir("/dev/fd"))
    for number in range(200):
        door.stage(f"objects/{number}", b"x")
        assert len(os.listdir("/dev/fd")) - before < DESCRIPTORS
    assert not (tmp_path / "objects").exists()
    door.barrier()
    assert len(os.listdir(tmp_path / "objects")) == 200
    assert not os.listdir(tmp_path / "tmp")


def test_fsck_does_not_keep_the_bytes_of_small_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path, model="m")
    parts = Parts(tmp_path / ".mvc")
    parts.store(*[bytes([number]) * MAX_INLINE for number in range(20)])
    monkeypatch.setattr(ingest, "MANY", 3)  # these are in a metadata pack
    parts.store(*[bytes([number]) * MAX_INLINE for number in range(20, 40)])
    sound = Sound()
    assert not [finding for finding in check(parts.door, sound) if finding.kind == "recipe"]
    assert len(sound.recipes) == 40
    assert len(pickle.dumps(sound)) < 40 * MAX_INLINE / 10
