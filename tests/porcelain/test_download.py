"""`mvc download`: one version's files from a remote, without a repository; lock files; what is refused."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc import errors
from mvc.model import canonical
from mvc.model.ids import FileId, VersionId
from mvc.model.tree import TreeEntry
from mvc.remotes.backends.local import LocalBackend
from mvc.transport import download_target, lockfile
from mvc.transport.lockfile import Lock
from tests.cli.shell import MODEL, Shell, begin

BIG = random.Random(1).randbytes(100_000)
LATER = random.Random(2).randbytes(100_000)
STATE = ".download.mvc-tmp"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A remote with v1 and v2 on main, v3 on side, a tag and an alias."""
    folder = tmp_path_factory.mktemp("ana") / "ana"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        shell = begin(folder, patch)
        shell.write("weights/best.onnx", BIG)
        shell.write("weights/last.onnx", BIG[1:])
        shell.write("run.sh", b"#!/bin/sh\n")
        (folder / "run.sh").chmod(0o755)
        for path, role in (("weights/best.onnx", "onnx-best"), ("weights/last.onnx", "onnx-last"), ("run.sh", "run")):
            shell.ok("add", path, "--as", role)
        shell.commit("one", "--tag", "first")
        shell.write("weights/best.onnx", LATER)
        shell.commit("two", "--alias", "prod")
        shell.ok("switch", "-c", "side")
        shell.write("run.sh", b"#!/bin/bash\n")
        shell.commit("three")
        shell.ok("remote", "add", "origin", "../origin")
        shell.ok("push", "--all", "--tags")
    return folder.parent / "origin"


@pytest.fixture
def shell(origin: Path, tmp_path: Path, monkeypatch: Any) -> Shell:
    """A folder without a repository, with a copy of the remote."""
    shutil.copytree(origin, tmp_path / "origin")
    return Shell(tmp_path, monkeypatch)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_files_of_a_version_and_nothing_else(shell: Shell) -> None:
    shell.ok("download", "origin", "out")
    files = _files(shell.folder / "out")
    assert files.keys() == {"model.toml", "run.sh", "weights/best.onnx", "weights/last.onnx"}
    assert files["weights/best.onnx"] == LATER
    assert os.access(shell.folder / "out" / "run.sh", os.X_OK)
    assert {path.name for path in shell.folder.iterdir()} == {"origin", "out"}


@pytest.mark.parametrize(
    ("source", "best", "run"),
    [
        (f"origin#{MODEL}", LATER, b"#!/bin/sh\n"),
        ("origin#@v1", BIG, b"#!/bin/sh\n"),
        ("origin#@first", BIG, b"#!/bin/sh\n"),
        (f"origin#{MODEL}@prod", LATER, b"#!/bin/sh\n"),
        ("origin#@aliases/prod~1", BIG, b"#!/bin/sh\n"),
        ("origin#@side", LATER, b"#!/bin/bash\n"),
    ],
)
def test_a_revision_is_resolved_on_the_remote(shell: Shell, source: str, best: bytes, run: bytes) -> None:
    shell.ok("download", source, "out")
    files = _files(shell.folder / "out")
    assert (files["weights/best.onnx"], files["run.sh"]) == (best, run)


def test_an_id_and_its_beginning(shell: Shell) -> None:
    id_ = shell.ok("-q", "download", "origin#@side", "out").out.strip()
    assert shell.ok("-q", "download", f"origin#@{id_}", "out").out.strip() == id_
    assert shell.ok("-q", "download", f"origin#@{id_[:10]}", "out").out.strip() == id_


@pytest.mark.parametrize(
    ("names", "paths"),
    [
        (["run"], {"run.sh"}),
        (["onnx*"], {"weights/best.onnx", "weights/last.onnx"}),
        (["weights", "model.toml"], {"model.toml", "weights/best.onnx", "weights/last.onnx"}),
        (["weights/best.onnx"], {"weights/best.onnx"}),
    ],
)
def test_only_the_named_files(shell: Shell, names: list[str], paths: set[str]) -> None:
    shell.ok("download", "origin", *names, "out")
    assert _files(shell.folder / "out").keys() == paths


@pytest.fixture
def read(monkeypatch: Any) -> list[int]:
    """The sizes of the ranges that are read from packs."""
    sizes: list[int] = []
    inner = LocalBackend.read_range

    def counting(self: LocalBackend, name: str, offset: int, size: int) -> bytes:
        sizes.append(size)
        return inner(self, name, offset, size)

    monkeypatch.setattr(LocalBackend, "read_range", counting)
    return sizes


def test_only_the_ranges_of_these_files_are_read(shell: Shell, read: list[int]) -> None:
    shell.ok("download", "origin#@first", "run", "out")
    assert not read  # it is inline in the metadata
    shell.ok("download", "origin#@first", "onnx-best", "out")
    assert len(BIG) <= sum(read) <= len(BIG) + 1_000


def test_what_is_not_there_is_named(shell: Shell) -> None:
    for source, names, text in (
        ("origin#hats", [], f"has no model hats (known: {MODEL})"),
        ("origin#@nosuch", [], "aliases of helmets there: prod, main, side, first"),
        ("origin#@v9", [], "has no version v9"),
        ("origin", ["nosuch"], "roles: model.toml, run, onnx-best, onnx-last"),
        ("nowhere", [], "There is no folder"),
        ("picsellia://acme", [], "`mvc clone URL`"),
    ):
        said = shell("download", source, *names, "out")
        assert (said.code, text in said.err) == (2, True), said
        assert not (shell.folder / "out").exists(), source


def test_one_of_several_models_must_be_named(shell: Shell) -> None:
    shell.ok("clone", "origin", "ben")
    shell.folder /= "ben"
    shell.ok("init", "--model", "hats", "sub")
    shell.folder /= "sub"
    shell.ok("commit", "--allow-empty", "-m", "hats")
    shell.ok("push", "origin", "main")
    shell.folder = shell.folder.parents[1]
    said = shell("download", "origin#@v1", "out")
    assert (said.code, "#: 'origin#hats@v1'" in said.err) == (2, True), said
    shell.ok("download", f"origin#{MODEL}@v1", "run", "out")
    shell.ok("download", "--model", MODEL, "origin", "run", "out")


# --- files that are there


def test_equal_files_are_kept_and_others_refused(shell: Shell) -> None:
    shell.ok("download", "origin#@v1", "out")
    inode = (shell.folder / "out" / "weights" / "last.onnx").stat().st_ino
    (shell.folder / "out" / "mine.txt").write_text("mine")
    said = shell("download", "origin#@v2", "out")
    assert (said.code, "weights/best.onnx" in said.err, "last.onnx" in said.err) == (16, True, False), said
    assert (shell.folder / "out" / "weights" / "best.onnx").read_bytes() == BIG
    assert not (shell.folder / "out" / STATE).exists()
    done = shell.ok("--json", "download", "origin#@v2", "out", "--force").json
    assert [file["path"] for file in done["files"] if file["written"]] == ["weights/best.onnx"]
    assert (shell.folder / "out" / "weights" / "last.onnx").stat().st_ino == inode
    assert _files(shell.folder / "out")["mine.txt"] == b"mine"


def test_no_link_is_followed_and_no_folder_replaced(shell: Shell) -> None:
    out, away = shell.folder / "out", shell.folder / "away"
    out.mkdir()
    away.mkdir()
    (out / "weights").symlink_to(away)
    assert shell("download", "origin", "out").code == 17
    (out / "weights").unlink()
    (out / "run.sh").symlink_to(away / "run.sh")
    assert shell("download", "origin", "out").code == 16
    shell.ok("download", "origin", "out", "--force")
    assert not (out / "run.sh").is_symlink()
    (out / "run.sh").unlink()
    (out / "run.sh").mkdir()
    assert shell("download", "origin", "out", "--force").code == 128
    assert not list(away.iterdir())


def test_not_into_a_store(shell: Shell) -> None:
    assert shell("download", "origin", "x/.mvc/packs").code == 2
    (shell.folder / "out").mkdir()
    (shell.folder / "out" / STATE).symlink_to(shell.folder / "origin")
    assert shell("download", "origin", "out").code == 14


# --- what interrupts it


def test_what_was_fetched_is_not_fetched_again(shell: Shell, read: list[int], monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("mvc.transport.download_target.Target.write", _unplugged)
        said = shell("download", "origin", "out")
        assert (said.code, "run the same command again to resume it" in said.err) == (15, True), said
    assert read
    read.clear()
    shell.ok("download", "origin", "out")
    assert not read
    assert not (shell.folder / "out" / STATE).exists()


def _unplugged(*_: Any) -> None:
    raise errors.RemoteUnreachable(remote="it", reason="unplugged")


def test_a_damaged_state_is_discarded(shell: Shell, monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("mvc.transport.download_target.Target.write", _unplugged)
        shell("download", "origin", "out")
    for pack in (shell.folder / "out" / STATE / ".mvc" / "packs").rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        for place in range(100, len(data), 50):
            data[place] ^= 0xFF
        pack.chmod(0o644)
        pack.write_bytes(data)
    shell.ok("download", "origin", "out")
    assert _files(shell.folder / "out")["weights/best.onnx"] == LATER


def test_a_state_of_another_remote_is_not_used(shell: Shell, monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("mvc.transport.download_target.Target.write", _unplugged)
        shell("download", "origin", "out")
    shutil.copytree(shell.folder / "origin", shell.folder / "other")
    shutil.rmtree(shell.folder / "other" / "packs")
    assert shell("download", "other", "out").code == 14
    assert "weights" not in {path.name for path in (shell.folder / "out").iterdir()}


@pytest.mark.parametrize("how", ["truncated", "flipped", "gone"])
def test_damage_on_the_remote_writes_no_file(shell: Shell, how: str) -> None:
    for pack in (shell.folder / "origin" / "packs").rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        pack.chmod(0o644)
        if how == "gone":
            pack.unlink()
        elif how == "truncated":
            pack.write_bytes(data[: len(data) // 2])
        else:
            data[len(data) // 2] ^= 0xFF
            pack.write_bytes(data)
    said = shell("download", "origin#@v1", "out")
    assert said.code == 14, said
    assert not (shell.folder / "out" / "weights").exists()


# --- names by role


def test_by_role_a_file_has_the_same_path_for_every_version(shell: Shell) -> None:
    shell.ok("clone", "origin", "ana")
    shell.folder /= "ana"
    shell.ok("mv", "weights/best.onnx", "runs/exp8/best.onnx")
    shell.ok("set", "files.pretrained-weights=runs/exp8/best.onnx")
    shell.commit("moved")
    shell.ok("push")
    shell.folder = shell.folder.parent
    for revision, content in (("v1", BIG), ("main", LATER)):
        shell.ok("download", f"origin#@{revision}", "onnx-best", revision, "--by-role")
        assert _files(shell.folder / revision) == {"onnx-best.onnx": content}
    shell.ok("download", "origin", "all", "--by-role")
    assert _files(shell.folder / "all").keys() == {"model.toml", "run.sh", "onnx-best.onnx", "onnx-last.onnx"}
    done = shell.ok(
        "--json", "download", "origin", "onnx-best", "pretrained-weights", "two", "--by-role", "--lock", "mvc.lock"
    ).json
    assert sorted((file["path"], file["target"]) for file in done["files"]) == [
        ("runs/exp8/best.onnx", "onnx-best.onnx"),
        ("runs/exp8/best.onnx", "pretrained-weights.onnx"),
    ]
    shell.ok("download", "--locked", "mvc.lock", "again", "--by-role")
    assert _files(shell.folder / "again") == _files(shell.folder / "two")
    shell.ok("download", "--locked", "mvc.lock", "paths")
    assert _files(shell.folder / "paths") == {"runs/exp8/best.onnx": LATER}
    mvc.download(str(shell.folder / "origin"), shell.folder / "python", roles="onnx-best", by_role=True)
    assert _files(shell.folder / "python") == {"onnx-best.onnx": LATER}


def test_by_role_resumes_and_replaces_only_by_force(shell: Shell) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mvc.transport.download_target.Target.write", _unplugged)
        assert shell("download", "origin#@v1", "out", "--by-role").code != 0
    assert (shell.folder / "out" / STATE).is_dir()
    shell.ok("download", "origin#@v1", "out", "--by-role")
    assert shell("download", "origin#@v2", "out", "--by-role").code == 16
    assert _files(shell.folder / "out")["onnx-best.onnx"] == BIG
    shell.ok("download", "origin#@v2", "out", "--by-role", "--force")
    assert _files(shell.folder / "out")["onnx-best.onnx"] == LATER


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ((("x.pt", "a"), ("y.pt", "a.pt")), errors.SameNames),
        ((("x.toml", "model"), ("model.toml", "model.toml")), errors.SameNames),
        ((("x.pt", "a"), ("y.PT", "A")), errors.CollidingPaths),
        ((("x.pt", "a"), ("y/z.pt", "a.pt/z")), errors.CollidingPaths),
        ((("x.txt", "con"),), errors.UnportablePath),
    ],
)
def test_names_by_role_that_collide_are_refused(
    entries: tuple[tuple[str, str], ...], error: type[errors.MvcError]
) -> None:
    with pytest.raises(error):
        download_target.by_role([TreeEntry(path, role, 3, FileId("1" * 64)) for path, role in entries])


# --- lock files


def test_a_lock_fetches_the_same_whatever_moves(shell: Shell) -> None:
    shell.ok("download", "origin#@prod", "onnx*", "out", "--lock", "mvc.lock")
    first = (shell.folder / "mvc.lock").read_bytes()
    shell.ok("clone", "origin", "ben")
    shell.folder /= "ben"
    shell.ok("alias", "set", "prod", "v1", "-m", "back")
    shell.ok("push", "origin", "prod")
    shell.folder = shell.folder.parent
    shell.ok("download", "--locked", "mvc.lock", "again")
    assert _files(shell.folder / "again") == _files(shell.folder / "out")
    shell.ok("download", "origin#@prod", "onnx*", "new", "--lock", "new.lock")
    before, now = first.decode().splitlines(), (shell.folder / "new.lock").read_text().splitlines()
    assert sum(old != new for old, new in zip(before, now, strict=True)) == 2  # one file, and the version
    shell.ok("download", "origin#@v2", "onnx-best", "weights/last.onnx", "out", "--lock", "same.lock")
    assert (shell.folder / "same.lock").read_bytes() == first


def test_a_mirror_takes_the_place_of_the_remote(shell: Shell) -> None:
    shell.ok("download", "origin", "out", "--lock", "mvc.lock")
    (shell.folder / "origin").rename(shell.folder / "mirror")
    assert shell("download", "--locked", "mvc.lock", "again").code == 2
    shell.ok("download", "--locked", "mvc.lock", "again", "--url", "mirror")
    assert _files(shell.folder / "again") == _files(shell.folder / "out")


def test_a_version_that_vanished_and_other_bytes(shell: Shell) -> None:
    shell.ok("download", "origin#@v1", "run", "out", "--lock", "mvc.lock")
    record = json.loads((shell.folder / "mvc.lock").read_text())
    for change, reason in (
        ({"version": "0" * 64}, "it has no version"),
        ({"version": record["files"][0]["file"]}, "it has no version"),
        ({"files": [{**record["files"][0], "file": "0" * 64}]}, "is another file"),
        ({"files": [{**record["files"][0], "size": 1 << 60}]}, "is another file"),
        ({"files": [{**record["files"][0], "path": "other.sh"}]}, "is another file"),
    ):
        (shell.folder / "bad.lock").write_text(json.dumps(record | change))
        said = shell("download", "--locked", "bad.lock", "new")
        assert (said.code, reason in said.err) == (14, True), said
        assert not (shell.folder / "new").exists()


ENTRY = TreeEntry("a.bin", "a", 3, FileId("1" * 64))
LOCK = Lock("s3://team/x", MODEL, VersionId("2" * 64), (ENTRY,), {"region": "eu-west-3"})


def test_a_lock_file_reads_back() -> None:
    assert lockfile.decode(LOCK.encode(), "x") == LOCK


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", "a/../../x", ".git/hooks/x", ".mvc/x", "a//b", "con", "a\\b", "e\u0301"]
)
def test_a_hostile_path_is_refused(path: str) -> None:
    data = json.dumps(json.loads(LOCK.encode()) | {"files": [ENTRY._replace(path=path).to_json()]}).encode()
    with pytest.raises((errors.UnsafePath, errors.UnportablePath)):
        lockfile.decode(data, "x")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "tree"}, {"v": 2}, {"more": 1}, {"files": []}, {"files": {}}, {"files": [1]}, {"url": 1}, {"version": "x"},
        {"settings": [1]}, {"settings": {"a": 1}}, {"files": [{**ENTRY.to_json(), "size": -1}]},
        {"files": [{**ENTRY.to_json(), "size": True}]}, {"files": [{**ENTRY.to_json(), "exec": True}]},
        {"files": [{**ENTRY.to_json(), "file": "x"}]}, {"files": [{**ENTRY.to_json(), "role": "x" * 10_000}]},
    ],
)  # fmt: skip
def test_a_hostile_record_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(errors.BadLockFile):
        lockfile.decode(json.dumps(json.loads(LOCK.encode()) | change).encode(), "x")


def test_a_hostile_text_is_refused(shell: Shell) -> None:
    for data in (
        b"",
        b"[" * 100_000,
        b"[]," * 1_000_000,
        b"\xff",
        b"{}",
        b'{"a":1' * 10,
        b"null",
        b" " * canonical.MAX_BYTES + b"  ",
    ):
        with pytest.raises(errors.BadLockFile):
            lockfile.decode(data, "x")
    assert shell("download", "--locked", "nosuch", "out").code == 2
    assert shell("download", "--locked", "origin", "out").code == 2


def test_the_host_of_a_lock_must_be_approved(shell: Shell) -> None:
    lock = Lock("s3://team/x", MODEL, VersionId("2" * 64), (ENTRY,), {"endpoint": "https://evil.example"})
    (shell.folder / "mvc.lock").write_bytes(lock.encode())
    said = shell("download", "--locked", "mvc.lock", "out")
    assert (said.code, "evil.example" in said.err, "--url s3://team/x" in said.err) == (12, True, True), said
    assert not (shell.folder / "out").exists()


# --- from Python


def test_from_python(shell: Shell) -> None:
    folder = shell.folder
    done = mvc.download(f"{folder}/origin#{MODEL}@prod", folder / "out", roles="onnx-best", lock=folder / "mvc.lock")
    assert [(file.entry.role, file.written) for file in done.files] == [("onnx-best", True)]
    again = mvc.download_locked(folder / "mvc.lock", folder / "out")
    assert (again.version, again.received, again.files[0].written) == (done.version, 0, False)


def test_a_withdrawn_version_is_warned_about(shell: Shell, tmp_path: Path) -> None:
    shell.ok("clone", "--meta", "origin", "ana")
    ana = Shell(tmp_path / "ana", shell._patch)
    ana.ok("notes", "add", "v1", "misses people", "withdrawn=true")
    ana.ok("push")
    said = shell.ok("download", "origin#@v1", "one")
    assert "was withdrawn by Ana on 2026-02-03: misses people" in said.err
    assert shell.ok("download", "origin#@v1", "one", "--json").json["withdrawn"]["text"] == "misses people"
    said = shell.ok("download", "origin#@v2", "two")
    assert "withdrawn" not in said.err
    ana.ok("notes", "add", "v2", "which is damaged there")
    ana.ok("push")
    (note,) = (
        path for path in (tmp_path / "origin/refs").glob("*/remarks/*/*") if b"damaged there" in path.read_bytes()
    )
    note.write_bytes(b"{}")
    assert "ignored a note, which may withdraw the version: " in shell.ok("download", "origin#@v2", "two").err
    assert len(shell.ok("download", "origin#@v2", "two", "--json").json["unreadable_notes"]) == 1
    ana.ok("notes", "rm", "v1", "1")
    ana.ok("push")
    assert "withdrawn" not in shell.ok("download", "origin#@v1", "one").err
