"""Stores that cannot be written, are of a later format, or were left by a writer that was stopped."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash import harness
from tests.crash.harness import KillBefore, assert_sound, command, mvc
from tests.crash.scenarios import edited, two_versions
from tests.refusals.cases import COMMIT, REQUIRES, Prepare, configured, everything, refuse

READING = (
    ("status",), ("log", "--stat", "--graph"), ("show", "v1"), ("diff",), ("diff", "v1", "v2"), ("ls", "v1"), ("cat", "v1:notes"), ("fsck",),
    ("fsck", "--read-data"), ("branch", "-v"), ("tag",), ("alias",), ("reflog",), ("models",), ("du",), ("get", "model.name"),
    ("config", "--list"), ("status", "--json"),
)  # fmt: skip
WRITING = (
    COMMIT, ("tag", "t"), ("alias", "set", "a", "v1"), ("branch", "b"), ("switch", "-c", "b"), ("restore", "."), ("reset", "--hard"),
    ("switch", "--force", "v1"), ("set", "parameters.a=1"), ("rm", "log"), ("config", "user.name", "Ana"), ("models", "rename", "helmets", "x"),
    ("init", "sub", "--model", "sub"),
)  # fmt: skip
CODES = (errno.EROFS, errno.EACCES, errno.EPERM)


def _read_only(top: Path, code: int) -> Callable[[int, str, str], None]:
    """Every step below `top` fails with `code`."""

    def act(count: int, name: str, path: str) -> None:
        if not path.startswith("/") or Path(path).is_relative_to(top):
            raise OSError(code, os.strerror(code), path)

    return act


@pytest.mark.parametrize("verb", READING, ids=" ".join)
def test_reading_verbs_work_where_nothing_can_be_written(
    verb: tuple[str, ...], copy: Callable[[Prepare], Path]
) -> None:
    root = copy(edited)
    before = everything(root)
    for code in CODES:
        outcome = command(root, verb, _read_only(root, code))
        assert outcome.code == 0, outcome.output
    assert everything(root) == before


@pytest.mark.parametrize("verb", WRITING, ids=" ".join)
def test_writing_verbs_say_why_they_cannot(verb: tuple[str, ...], copy: Callable[[Prepare], Path]) -> None:
    root = copy(edited)
    before = everything(root)
    for code in CODES:
        outcome = command(root, verb, _read_only(root, code))
        assert outcome.code == 128, outcome.output
        assert os.strerror(code) in outcome.output
        assert "is read-only" in outcome.output
        assert "Commands that only read" in outcome.output
        assert "Traceback" not in outcome.output
        assert everything(root) == before


def test_a_version_is_exported_out_of_a_store_that_cannot_be_written(
    copy: Callable[[Prepare], Path], tmp_path: Path
) -> None:
    root = copy(two_versions)
    before = everything(root)
    outcome = command(root, ("export", "v1", str(tmp_path / "out")), _read_only(root, errno.EROFS))
    assert outcome.code == 0, outcome.output
    assert (tmp_path / "out" / "notes.txt").read_bytes() == b"small"
    assert everything(root) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_without_permission_to_write(copy: Callable[[Prepare], Path]) -> None:
    root = copy(edited)
    folders = [root / ".mvc", *(path for path in (root / ".mvc").rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        for verb in READING:
            mvc(root, *verb)
        refuse(root, COMMIT, 128, "is read-only")
    finally:
        for folder in folders:
            folder.chmod(0o755)


@pytest.mark.parametrize(
    "verb", [("status",), ("log",), ("fsck",), ("config", "--list"), ("config", "user.name", "x"), COMMIT, ("init",)]
)
@pytest.mark.parametrize(("old", "new", "words"), [
    ("format = 1", "format = 2", ("format 2", "format 1")),
    ("format = 1", "", ("format None",)),
    ("format = 1", 'format = "1"', ("format 1",)),
    (REQUIRES, 'requires = ["warp", "weft"]', ("warp, weft",)),
    (REQUIRES, 'requires = "warp"', ("warp",)),
    (REQUIRES, "requires = [[1]]", ("[1]",)),
])  # fmt: skip
def test_a_later_format_is_left_alone(
    old: str, new: str, words: tuple[str, ...], verb: tuple[str, ...], copy: Callable[[Prepare], Path]
) -> None:
    root = copy(edited)
    configured(old, new)(root)
    refuse(root, verb, 128, "Install a newer mvc", *words)


@pytest.mark.parametrize(
    "text", ["", "= 1", "a = [" * 2_000, "a." * 20_000 + "b = 1", "x = " + "1" * 5_000, "\xff"], ids=lambda t: t[:9]
)
def test_a_config_that_cannot_be_read(text: str, copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    (root / ".mvc" / "config.toml").chmod(0o644)
    (root / ".mvc" / "config.toml").write_bytes(text.encode("latin-1"))
    said = refuse(root, ("status",), 128 if not text else 2)
    assert "config.toml" in said or "Install a newer mvc" in said


@pytest.mark.parametrize(
    "text",
    ["= 1", "a = [" * 2_000, "a." * 20_000 + "b = 1", "x = " + "1" * 5_000, "[user]\nname = 3"],
    ids=lambda t: t[:9],
)
@pytest.mark.parametrize("verb", [("status",), COMMIT])
def test_a_persons_settings_that_cannot_be_read(text: str, verb: tuple[str, ...], copy: Callable[[Prepare], Path], tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    root = copy(edited)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    monkeypatch.setitem(harness.ENVIRONMENT, "MVC_CONFIG", str(tmp_path / "mine.toml"))
    outcome = command(root, verb)
    assert outcome.code in ((0, 2) if "[user]" in text else (2,)), outcome.output
    assert "internal error" not in outcome.output
    if outcome.code:
        assert "mine.toml" in outcome.output or "user.name" in outcome.output


def test_what_a_stopped_writer_left_is_in_nobodys_way(copy: Callable[[Prepare], Path]) -> None:
    root = copy(edited)
    steps = command(copy(edited), COMMIT).steps
    for number in range(3, steps - 4, 9):  # the last four write a cache, or do not: the clock decides
        root = copy(edited)
        before = everything(root)
        assert command(root, COMMIT, KillBefore(number)).code == 137
        left = {path.name for path in (root / ".mvc" / "tmp").iterdir()}
        for verb in (("status",), ("log",), ("fsck",)):
            mvc(root, *verb)
        assert {path.name for path in (root / ".mvc" / "tmp").iterdir()} == left
        assert everything(root).keys() >= before.keys()
        assert command(root, COMMIT).code in (0, 1)
        mvc(root, "tag", "after", code=0)
        mvc(root, "switch", "-c", "elsewhere")
        assert not list((root / ".mvc" / "tmp").iterdir())
        assert_sound(root)


def test_a_writer_at_work_elsewhere_keeps_its_files(copy: Callable[[Prepare], Path]) -> None:
    """Files of another machine, of a living process, or of nobody are left alone; `fsck` does not mind them."""
    root = copy(edited)
    tmp = root / ".mvc" / "tmp"
    names = ["00000000.0.1.1.0.0", "strange", "a.b.c.d.e.f", f"{socket.gethostname()}.x"]
    for name in names:
        (tmp / name).write_bytes(b"half")
    mvc(root, *COMMIT)
    assert {path.name for path in tmp.iterdir()} == set(names)
    assert_sound(root)


def test_a_journal_that_is_damaged_is_named(copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    (root / ".mvc" / "journal").write_bytes(b'{"kind":"journal"')
    refuse(root, ("set", "parameters.a=1"), 14, "journal is damaged", "mvc fsck")
    refuse(root, ("restore", "."), 14, "journal is damaged")
    for verb in (("status",), ("log",), ("show",)):
        outcome = command(root, verb)
        assert outcome.code in (0, 14), outcome.output
        assert "Traceback" not in outcome.output


def test_another_writer_at_work(copy: Callable[[Prepare], Path]) -> None:
    root = copy(edited)
    with (root / ".mvc" / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.lockf(lock, fcntl.LOCK_EX)
        refuse(root, ("--lock-timeout", "0", *COMMIT), 11, "Another mvc command", "--lock-timeout")
        mvc(root, "status")


@pytest.mark.parametrize(
    "verb", [("status",), ("log",), COMMIT, ("add", "x"), ("fsck",), ("config", "user.name", "x"), ("models",)]
)
def test_no_repository(verb: tuple[str, ...], tmp_path: Path) -> None:
    refuse(tmp_path, verb, 10, "No mvc repository at or above", "mvc init --model NAME")


def test_half_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".mvc").mkdir()
    refuse(tmp_path, ("status",), 10, "no config.toml", "mvc init")
    mvc(tmp_path, "init", "--model", "m")
    mvc(tmp_path, "status")
