"""An edit that leaves no trace in a file's stamps: every verb sees it, and none writes over it."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mvc import errors
from mvc.storage.disk import primitives, timestamps
from mvc.storage.disk.file_stat import Stat
from mvc.storage.records.statcache import StatCache
from tests.cli.shell import Shell, begin
from tests.conftest import absent

OLD = b"old bytes" * 1000
NEW = b"new bytes" * 1000
EDIT = b"EDIT"
EDITED = EDIT + OLD[len(EDIT) :]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`main` has OLD, and `side` and `main` of origin have NEW."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "r").mkdir()
        shell = begin(folder / "r", patch)
        shell.write("w.bin", OLD)
        shell.write("other.txt", b"other")
        shell.ok("add", "w.bin", "other.txt")
        shell.commit("one")
        shell.ok("switch", "-c", "side")
        shell.write("w.bin", NEW)
        shell.write("new.txt", b"new")
        shell.ok("add", "new.txt")
        shell.commit("two")
        shell.ok("remote", "add", "origin", f"file://{folder}/origin")
        shell.ok("push", "origin", "side:main")
        shell.ok("switch", "main")
    return folder


@pytest.fixture(params=["disk", "memory"])
def shell(request: pytest.FixtureRequest, template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    root = Path(request.getfixturevalue("tmp_path" if request.param == "disk" else "memory")) / "r"
    shutil.copytree(template / "r", root)
    return Shell(root, monkeypatch)


@pytest.fixture
def pages(shell: Shell) -> Iterator[mmap.mmap]:
    """The weights as a program has them mapped, which wrote to them before they were read last."""
    with (shell.folder / "w.bin").open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:1] = OLD[:1]
        _wait_until_settled(shell.folder / "w.bin")
        assert "Nothing to commit" in shell.ok("status").out
        yield mapped


def _wait_until_settled(path: Path) -> None:
    while time.time_ns() < path.stat().st_ctime_ns + timestamps.SETTLED_NS + 20_000_000:
        time.sleep(0.01)


def test_status_and_diff_show_it(shell: Shell, pages: mmap.mmap) -> None:
    pages[: len(EDIT)] = EDIT
    assert shell("status", "--exit-code").code == 1
    assert "w.bin" in shell.ok("diff").out


def test_commit_stores_it(shell: Shell, pages: mmap.mmap) -> None:
    pages[: len(EDIT)] = EDIT
    shell.commit("edited")
    assert shell.raw("cat", "HEAD:w")[1] == EDITED


def test_restore_undoes_it(shell: Shell, pages: mmap.mmap) -> None:
    pages[: len(EDIT)] = EDIT
    shell.ok("restore", "w")
    assert (shell.folder / "w.bin").read_bytes() == OLD


def test_a_file_that_switch_placed_and_a_program_edits_through_a_map(shell: Shell) -> None:
    shell.ok("switch", "side")
    assert "Nothing to commit" in shell.ok("status").out
    with (shell.folder / "w.bin").open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        for number in range(3):
            mapped[: len(EDIT)] = EDIT
            assert shell("status", "--exit-code").code == 1, number
            mapped[: len(EDIT)] = NEW[: len(EDIT)]
            assert shell("status", "--exit-code").code == 0, number


@pytest.mark.parametrize(
    "words",
    [("switch", "side"), ("merge", "side"), ("pull", "origin", "main"), ("reset", "--keep", "side"), ("rm", "w")],
    ids=lambda words: words[0],
)
def test_no_verb_writes_over_it(shell: Shell, pages: mmap.mmap, words: tuple[str, ...]) -> None:
    pages[: len(EDIT)] = EDIT
    assert shell(*words).code == (errors.OnlyHere if words[0] == "rm" else errors.InTheWay).exit_code
    assert (shell.folder / "w.bin").read_bytes() == EDITED


def test_an_edit_between_the_plan_and_the_change_is_left_alone(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is as young as an edit that follows at once, and its stamps may be those of that edit."""
    with (shell.folder / "w.bin").open("r+b") as file, mmap.mmap(file.fileno(), 0) as pages:
        pages[:1] = OLD[:1]

        def edit(name: str, path: str) -> None:
            if name == "link" and Path(path).name == "journal":
                pages[: len(EDIT)] = EDIT

        monkeypatch.setattr(primitives, "on_step", edit)
        said = shell.ok("switch", "side")
        assert said.err == "warning: kept files modified while the command was running: w.bin\n"
    assert (shell.folder / "w.bin").read_bytes() == EDITED


def test_a_file_that_switch_deletes_is_not_said_to_be_kept(shell: Shell) -> None:
    assert shell.ok("switch", "side").err == ""
    assert shell.ok("switch", "main").err == ""
    assert not (shell.folder / "new.txt").exists()


@pytest.mark.parametrize("changes", [False, True], ids=["whole", "being-written"])
def test_a_file_that_appears_after_the_plan_is_left_alone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, *, changes: bool
) -> None:
    path = shell.folder / "new.txt"

    def appear(name: str, step: str) -> None:
        if name == "link" and Path(step).name == "journal":
            path.write_bytes(b"mine")
            if changes:
                monkeypatch.setattr(StatCache, "identify", lambda *_: None)

    monkeypatch.setattr(primitives, "on_step", appear)
    shell("switch", "side")
    assert path.read_bytes() == b"mine"


# --- a file system with stamps of one second


@pytest.fixture
def seconds(tmp_path: Path) -> Iterator[Path]:
    """A folder whose files have stamps of whole seconds."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        absent("only root can mount an image, and it takes mkfs.ext4")
    image, folder = tmp_path / "image", tmp_path / "mounted"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    steps = (["mkfs.ext4", "-q", "-I", "128", str(image)], ["mount", "-o", "loop", str(image), str(folder)])
    for step in steps:
        if subprocess.run(step, check=False, capture_output=True).returncode != 0:
            absent(f"{step[0]} failed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_an_edit_within_the_second_of_the_commit_is_seen(seconds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = _begin(seconds, monkeypatch)
    path = shell.folder / "w.bin"

    def write_and_commit(number: int) -> None:
        path.write_bytes(OLD[:-4] + f"{number:4}".encode())
        _wait_until_settled(path)
        shell.commit(f"try {number}")

    _edit_in_the_second_of(write_and_commit, path)
    while time.time_ns() < path.stat().st_mtime_ns + timestamps.COARSE_NS:
        time.sleep(0.01)
    shell.write("other.txt", b"edited")
    shell.ok("restore", "other.txt")  # writes the stat cache, and has not read the weights
    assert shell("status", "--exit-code").code == 1
    assert shell("switch", "--detach", "v1").code == errors.InTheWay.exit_code


def test_an_edit_within_the_second_of_a_switch_is_seen(seconds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = _begin(seconds, monkeypatch)
    shell.write("w.bin", NEW)
    shell.commit("two")

    def switch(_: int) -> None:
        shell.ok("restore", "w")
        shell.ok("switch", "--detach", "v1")
        shell.ok("switch", "main")

    _edit_in_the_second_of(switch, shell.folder / "w.bin")
    assert shell("status", "--exit-code").code == 1


def _begin(root: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (root / "r").mkdir()
    shell = begin(root / "r", monkeypatch)
    shell.write("w.bin", OLD)
    shell.write("other.txt", b"other")
    shell.ok("add", "w.bin", "other.txt")
    shell.commit("one")
    return shell


def _edit_in_the_second_of(act: Callable[[int], None], path: Path) -> None:
    """`act`, then edit the file and set its mtime back, so that its stat is as before; a slow machine gets more tries."""
    for number in range(20):
        while time.time() % 1 > 0.3:
            time.sleep(0.01)
        act(number)
        before = path.stat()
        with path.open("r+b") as file:
            file.write(EDIT)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        if Stat.of(path.stat()) == Stat.of(before):
            return
    pytest.skip("this machine is too slow to do all that in one second")
