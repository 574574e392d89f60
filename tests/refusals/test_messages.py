"""Bad input gets a clear message, the documented exit code, and leaves repository and files as they were."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.harness import Interrupt, command, mvc
from tests.crash.scenarios import side, tracked, two_versions
from tests.refusals.cases import (
    COMMIT,
    REQUIRES,
    Case,
    Change,
    Prepare,
    check,
    configured,
    edited,
    everything,
    files,
    toml,
    unchanged,
)


def _link(root: Path) -> None:
    (root / "weights" / "best.onnx").unlink()
    (root / "weights" / "best.onnx").symlink_to("elsewhere.onnx")


def _fifo(root: Path) -> None:
    (root / "weights" / "best.onnx").unlink()
    os.mkfifo(root / "weights" / "best.onnx")


def _folder(root: Path) -> None:
    (root / "weights" / "best.onnx").unlink()
    (root / "weights" / "best.onnx").mkdir()


def _not_utf8(root: Path) -> None:
    (root / "glob").mkdir()
    with open(os.fsencode(root) + b"/glob/\xff.bin", "wb") as file:
        file.write(b"x")
    files('g = "glob/**"')(root)


def _twins(first: str, second: str) -> Change:
    def change(root: Path) -> None:
        (root / "glob").mkdir()
        for name in (first, second):
            (root / "glob" / name).write_bytes(b"x")
        files('g = "glob/**"')(root)

    return change


def _untracked(root: Path) -> None:
    (root / "notes.txt").write_bytes(b"not what v1 has")


def _other_folder(root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub" / "model.toml").write_text('[model]\nname = "helmets"\n', encoding="utf-8")


def _not_ready(root: Path) -> None:
    """A version, and files that differ from it, which are not ready for what they are meant for."""
    mvc(root, "set", "intent.ready_for=deployment")
    mvc(root, "commit", "-m", "Not ready")
    edited(root)


def _detached_and_edited(root: Path) -> None:
    mvc(root, "switch", "v1")
    edited(root)


CASES = (
    Case(("status",), 10, ("No mvc repository", "mvc init"), prepare=unchanged),
    Case(("set", "parmeters.epochs=1"), 2, ("parmeters", "parameters")),
    Case(("set", "docker.tga=1"), 2, ("docker.tga", "docker.tag")),
    Case(("set", "metrics.map=high"), 2, ("metrics.map", "number")),
    Case(("set", "parameters.x=nan"), 2, ("parameters.x",)),
    Case(("set", "labelmap.x=helmet"), 2, ("labelmap",)),
    Case(("set", "nothing"), 2, ("nothing", "=")),
    Case(COMMIT, 2, ("unknwon", "model.toml"), toml('[docker]\nunknwon = "x"\n')),
    Case(COMMIT, 2, ("docker.tag", "text"), toml("[docker]\ntag = 1.10\n")),
    Case(COMMIT, 2, ("parameters.x",), toml("[parameters]\nx = nan\n")),
    Case(COMMIT, 2, ("parameters.x",), toml("[parameters]\nx = inf\n")),
    Case(COMMIT, 2, ("parameters.when",), toml("[parameters]\nwhen = 2026-02-03\n")),
    Case(COMMIT, 17, ("class 1", "labelmap"), toml('[labelmap]\n0 = "a"\n2 = "b"\n')),
    Case(COMMIT, 17, ("share the name 'a'",), toml('[labelmap]\n0 = "a"\n1 = "a"\n')),
    Case(COMMIT, 17, ("has no name",), toml('[labelmap]\n0 = "a"\n1 = ""\n')),
    Case(COMMIT, 2, ("line 6", "column"), toml("[docker\n")),
    Case(COMMIT, 2, ("line 8",), toml("[parameters]\na = 1\na = 2\n")),
    Case(COMMIT, 2, ("nested",), toml("[parameters]\nx = " + "[" * 3_000 + "]" * 3_000 + "\n")),
    Case(COMMIT, 2, ("parts",), toml("[parameters]\n" + ".".join("a" * 2_000) + " = 1\n")),
    Case(COMMIT, 2, ("digits",), toml("[parameters]\nx = " + "1" * 5_000 + "\n")),
    Case(COMMIT, 2, ("weights/best.onnx", "missing"), lambda root: (root / "weights" / "best.onnx").unlink()),
    Case(COMMIT, 2, ("weights/best.onnx", "symbolic link to elsewhere.onnx"), _link),
    Case(COMMIT, 2, ("weights/best.onnx", "pipe"), _fifo),
    Case(COMMIT, 2, ("weights/best.onnx", "folder"), _folder),
    Case(COMMIT, 17, ("../x",), files('x = "../x"')),
    Case(COMMIT, 17, ("/etc/passwd",), files('x = "/etc/passwd"')),
    Case(COMMIT, 17, (".mvc",), files('x = ".mvc/config.toml"')),
    Case(COMMIT, 17, (".GIT",), files('x = ".GIT/config"')),
    Case(COMMIT, 17, ("model.toml",), files('x = "model.toml"')),
    Case(COMMIT, 2, ("Two patterns", "weights/best.onnx"), files('a = "weights/*"\nb = "weights/b*"')),
    Case(COMMIT, 2, ("a", "no file"), files('a = "nothing/*.bin"')),
    Case(COMMIT, 17, ("\\xff",), _not_utf8),
    Case(COMMIT, 17, ("A.bin", "a.bin"), _twins("A.bin", "a.bin")),
    Case(COMMIT, 17, ("glob",), _twins(unicodedata.normalize("NFD", "é.bin"), "x.bin")),
    Case(COMMIT, 1, ("Nothing to commit", "--allow-empty")),
    Case(("commit", "-m", " "), 2, ("message",), edited),
    Case(("commit", "-m", "x", "--date", "yesterday-ish"), 2, ("yesterday-ish",), edited),
    Case(("commit", "-m", "x", "--author", "Ana"), 2, ("'Ana'", "NAME <EMAIL>"), edited),
    Case(("commit", "-m", "x", "--tag", "v7"), 2, ("v7",), edited),
    Case(("commit", "-m", "x", "--tag", "kept"), 13, ("kept", "never move"), edited, side),
    Case(("commit", "-m", "token ghp_" + "a1B2" * 9), 17, ("message", "--allow-secret"), edited),
    Case(COMMIT, 17, ("parameters.key", "--allow-secret"), toml('[parameters]\nkey = "AKIAIOSFODNN7EXAMPLQ"\n')),
    Case(COMMIT, 13, ("switch -c",), _detached_and_edited),
    Case(("commit", "--amend", "-m", "x"), 13, ("kept",), lambda root: mvc(root, "switch", "side"), side),
    Case(("commit", "--amend", "-m", "x"), 2, ("no version yet",), prepare=tracked),
    Case(("add", "nosuch.onnx"), 2, ("nosuch.onnx",)),
    Case(("add", "../outside.onnx"), 17, ("outside",)),
    Case(("add", ".mvc/config.toml"), 17, (".mvc",)),
    Case(("rm", "nosuch"), 2, ("nosuch", "model-latest")),
    Case(("rm", "model-latest"), 16, ("weights/best.onnx", "--cached"), edited),
    Case(("show", "nosuch"), 2, ("nosuch",)),
    Case(("show", "mian"), 2, ("mian", "main")),
    Case(("show", "v99"), 2, ("v99",)),
    Case(("show", "main~9"), 2, ("main~9", "parent")),
    Case(("show", "main@{9}"), 2, ("main", "9")),
    Case(("cat", "v1"), 2, ("REV:ROLE",)),
    Case(("cat", "v1:nosuch"), 2, ("nosuch", "mvc ls")),
    Case(("switch", "nosuch"), 2, ("nosuch",)),
    Case(("switch", "v1"), 16, ("weights/best.onnx", "--force"), edited),
    Case(("switch", "v1"), 16, ("notes.txt", "not tracked"), _untracked),
    Case(("switch", "v1"), 16, ("model.toml",), lambda root: mvc(root, "set", "parameters.a=1")),
    Case(("switch", "-c", "main"), 13, ("main",)),
    *(
        Case(("branch", "--", name), 2, (name.strip(),))
        for name in (
            "v7",
            "HEAD",
            "git",
            "deadbeef",
            "a..b",
            "a@b",
            "-x",
            ".x",
            "x.lock",
            "a~b",
            "a^b",
            "a:b",
            "con",
            "x/",
        )
    ),
    Case(("branch", "Main"), 13, ("Main", "main")),
    Case(("branch", "prod"), 13, ("prod",), prepare=side),
    Case(
        ("branch", "-d", "side"),
        13,
        ("side", "-D"),
        lambda root: (mvc(root, "tag", "-d", "kept"), mvc(root, "alias", "rm", "prod")),
        side,
    ),
    Case(("branch", "-d", "main"), 13, ("main",)),
    Case(("tag", "kept", "v1"), 13, ("kept", "alias"), prepare=side),
    Case(("alias", "rm", "nosuch"), 2, ("nosuch",)),
    Case(("check", "--for", "deploy"), 2, ("'deploy'", "deployment/serving", "intent.require")),
    Case(("check", "v9"), 2, ("v9",)),
    Case(("check", "--list", "v9"), 2, ("v9",)),
    Case(("alias", "set", "prod"), 17, ("deployment/serving", "model.type", "mvc check", "--force"), _not_ready),
    Case(("commit", "-m", "x", "--alias", "prod"), 17, ("deployment/serving", "mvc check", "--force"), _not_ready),
    Case(("models", "rename", "helmets", "a@b"), 2, ("a@b",)),
    Case(("models", "rename", "nosuch", "x"), 2, ("nosuch", "helmets")),
    Case(("init", "--model", "other"), 2, ("helmets", "other")),
    Case(("-C", "sub", "status"), 2, ("helmets", "sub"), _other_folder),
    Case(("export", "v1", "weights"), 16, ("weights",)),
    Case(("config", "user.nmae", "x"), 2, ("user.nmae", "user.name")),
    Case(("config", "core.lock-timeout", "soon"), 2, ("number",)),
    Case(("status",), 128, ("format 2", "newer mvc"), configured("format = 1", "format = 2")),
    Case(("status",), 128, ("warp", "newer mvc"), configured(REQUIRES, 'requires = ["warp"]')),
    Case(("status",), 2, ("config.toml",), configured("format = 1", "format = = 1")),
    Case(("log", "--format", "{nosuch}"), 2, ("nosuch", "subject")),
    Case(("frobnicate",), 2, ("frobnicate",)),
    Case(("comit",), 2, ("commit",)),
    Case(("status", "--nosuch"), 2, ("--nosuch",)),
    Case(("reset", "--keep", "--hard"), 2, ("--keep and --hard",)),
    *(Case(("--model", name, "status"), 2, ("No model",)) for name in ("..", ".", "x" * 300)),
    *(Case(("show", name), 2, ("has no version",)) for name in ("..@v1", "x" * 300, "heads/..")),
    Case(("models", "rename", "..", "x"), 2, ("No model",)),
    Case(
        COMMIT,
        2,
        ("model.toml",),
        lambda root: (root / "model.toml").write_text('[model]\nname = ".."\n', encoding="utf-8"),
    ),
    Case(("--model", "nosuch", "status"), 2, ("nosuch", "helmets")),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bad_input(case: Case, copy: Callable[[Prepare], Path]) -> None:
    check(case, copy)


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("log",),
        ("show",),
        ("diff", "v1", "v2"),
        ("ls",),
        ("cat", "v1:notes"),
        ("fsck",),
        ("branch",),
        ("du",),
    ],
)
def test_reading_verbs_work_in_a_store_that_cannot_be_written(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    two_versions(tmp_path)
    before = everything(tmp_path)

    def read_only(count: int, name: str, path: str) -> None:
        raise OSError(30, "Read-only file system", path)

    outcome = command(tmp_path, arguments, read_only)
    assert outcome.code == 0, outcome.output
    assert everything(tmp_path) == before


def test_writing_verbs_say_that_the_store_is_read_only(tmp_path: Path) -> None:
    two_versions(tmp_path)
    edited(tmp_path)

    def read_only(count: int, name: str, path: str) -> None:
        raise OSError(30, "Read-only file system", path)

    for arguments in (COMMIT, ("tag", "x"), ("restore", "."), ("set", "parameters.a=1")):
        outcome = command(tmp_path, arguments, read_only)
        assert outcome.code == 128, outcome.output
        assert "is read-only" in outcome.output


@pytest.mark.parametrize("undo", [("restore", "model.toml"), ("reset", "--hard"), ("switch", "--force", "main")])
def test_a_broken_model_toml_can_be_undone(tmp_path: Path, undo: tuple[str, ...]) -> None:
    two_versions(tmp_path)
    before = (tmp_path / "model.toml").read_bytes()
    (tmp_path / "model.toml").write_text("foo = [", encoding="utf-8")
    assert command(tmp_path, ("status",)).code == 2
    mvc(tmp_path, *undo)
    assert (tmp_path / "model.toml").read_bytes() == before


def test_all_of_a_folder_is_added_with_a_dot(tmp_path: Path) -> None:
    tracked(tmp_path)
    mvc(tmp_path, "rm", "notes", "--cached")
    mvc(tmp_path, "add", ".")
    assert "notes.txt" in mvc(tmp_path, "commit", "-m", "all")


def test_nothing_a_terminal_obeys_is_printed(tmp_path: Path) -> None:
    two_versions(tmp_path)
    evil = "\x1b[31mred\x9b\u202e\x07"
    (tmp_path / "weights" / "best.onnx").write_bytes(b"other")
    mvc(tmp_path, "commit", "--allow-empty", "-m", f"message {evil}")
    mvc(tmp_path, "alias", "set", "prod", "HEAD", "-m", evil)
    mvc(tmp_path, "set", f"parameters.note={evil}")
    for arguments in (
        ("log",),
        ("show",),
        ("status",),
        ("alias",),
        ("alias", "log", "prod"),
        ("reflog",),
        ("branch", "-v"),
        ("diff",),
        ("log", "--format", "{message}"),
    ):
        text = mvc(tmp_path, *arguments)
        assert not set(text) & set("\x1b\x9b\u202e\x07"), (arguments, text)
    assert "\\x1b[31mred" in mvc(tmp_path, "log")


def test_json_errors_are_json_on_stderr(tmp_path: Path) -> None:
    two_versions(tmp_path)
    outcome = command(tmp_path, ("show", "nosuch", "--json"))
    assert outcome.code == 2
    assert '"kind": "unknown-revision"' in outcome.output


def test_a_refused_commit_reads_no_file_and_leaves_nothing_in_tmp(tmp_path: Path) -> None:
    tracked(tmp_path)
    mvc(tmp_path, "set", "labelmap.0=a", "labelmap.2=b")
    outcome = command(tmp_path, COMMIT)
    assert outcome.code == 17, outcome.output
    assert list((tmp_path / ".mvc" / "tmp").iterdir()) == []
    assert not (tmp_path / ".mvc" / "cache" / "chunks.sqlite").exists()


def test_an_interrupted_commit_leaves_nothing_in_tmp(copy: Callable[[Prepare], Path]) -> None:
    steps = command(copy(tracked), COMMIT).steps

    for number in range(1, steps + 1):
        root = copy(tracked)
        outcome = command(root, COMMIT, Interrupt(number))
        assert outcome.code in (0, 130), outcome.output
        assert list((root / ".mvc" / "tmp").iterdir()) == [], f"step {number} of {steps}"


def test_init_in_a_folder_of_a_repository_makes_no_second_one(tmp_path: Path) -> None:
    two_versions(tmp_path)
    mvc(tmp_path, "init", "deep/er", "--model", "other")
    assert not (tmp_path / "deep" / "er" / ".mvc").exists()
    assert "deep/er" in mvc(tmp_path, "models")
