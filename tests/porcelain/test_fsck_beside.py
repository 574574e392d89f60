"""fsck beside gc and other commands: what a collection took is no damage, and a store that changes meanwhile is no finding."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.model.ids import VersionId
from mvc.porcelain.fsck import fsck
from mvc.porcelain.gc import gc
from mvc.repository.repository import Repository
from mvc.storage.disk import primitives
from mvc.storage.disk.door import StoreDoor
from tests.cli.shell import MODEL, Shell, begin

WEIGHTS = "w.bin"
DROPPED = "dropped"


class Stopped(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`here`: a version was pushed and then replaced, so a metadata pack holds it for good; its id lies in `dropped`.

    One pack is needed no more, of another a small part is.
    """
    top = tmp_path_factory.mktemp("beside")
    draw = random.Random(7)
    with pytest.MonkeyPatch.context() as patch:
        (top / "here").mkdir()
        shell = begin(top / "here", patch)
        shell.write(WEIGHTS, draw.randbytes(60_000))
        shell.ok("add", WEIGHTS, "--as", "weights")
        shell.commit("one")
        shell.write(WEIGHTS, draw.randbytes(60_000))
        shell.write("big.bin", draw.randbytes(200_000))
        notes = draw.randbytes(40_000)
        shell.write("notes.bin", notes)
        shell.ok("add", "big.bin", "notes.bin")
        dropped = shell.commit("two")
        shell.ok("remote", "add", "origin", "../origin")
        shell.ok("push")
        shell.ok("reset", "--hard", "v1")
        shell.write(WEIGHTS, draw.randbytes(60_000))
        shell.write("notes.bin", notes)
        shell.ok("add", "notes.bin")
        shell.commit("other two")
        shell.ok("push", "--force-with-lease")
        shell.ok("config", "gc.reflog-expire", "0")
        (top / DROPPED).write_text(dropped, encoding="ascii")
    return top


@pytest.fixture
def here(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return copy(world, tmp_path / "0", monkeypatch)


def copy(world: Path, to: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shutil.copytree(world / "here", to)
    shell = Shell(to, monkeypatch)
    shell.tick(900_000)
    return shell


def collect(shell: Shell) -> None:
    gc(shell.repository, shell.actor, grace=0)


def test_a_version_whose_bytes_were_collected_is_no_damage(here: Shell, world: Path) -> None:
    dropped = VersionId((world / DROPPED).read_text(encoding="ascii"))
    collect(here)
    repository = here.repository
    version = repository.objects.version(dropped)  # the metadata pack that has it holds more
    files = [entry.file for entry in repository.objects.tree(version.tree).entries]
    assert [repository.recipes.best(file) for file in files].count(None) == 2, (
        "big.bin and w.bin are of no other version"
    )
    assert fsck(repository).findings == ()
    assert fsck(repository, read_data=True).findings == ()
    here.ok("config", "gc.reflog-expire", "90")
    collect(here)
    assert fsck(here.repository).findings == ()


def test_what_was_lost_after_the_collection_is_damage(here: Shell, rng: random.Random) -> None:
    collect(here)
    before = set((here.folder / ".mvc" / "packs").rglob("*.pack"))
    here.write(WEIGHTS, rng.randbytes(60_000))
    here.commit("three")
    (fresh,) = set((here.folder / ".mvc" / "packs").rglob("*.pack")) - before
    here.ok("reset", "HEAD~1")  # only the log names it now, and the log is younger than the collection
    assert fsck(here.repository).findings == ()
    fresh.unlink()
    (finding,) = fsck(here.repository).findings
    assert finding.kind == "missing"
    assert WEIGHTS in finding.path


def test_without_a_collection_it_is_damage(here: Shell) -> None:
    shutil.rmtree(here.folder / ".mvc" / "packs")
    assert {finding.path for finding in fsck(here.repository).findings} == {WEIGHTS, "big.bin", "notes.bin"}


def test_a_collection_that_was_stopped_leaves_nothing_that_looks_damaged(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deep: bool
) -> None:
    steps: list[str] = []
    monkeypatch.setattr(primitives, "on_step", lambda name, path: steps.append(f"{name} {path}"))
    collect(copy(world, tmp_path / "counted", monkeypatch))
    monkeypatch.setattr(primitives, "on_step", None)
    assert len(steps) > 20
    for stop in range(0, len(steps), 1 if deep else 3):
        shell = copy(world, tmp_path / str(stop), monkeypatch)
        left = iter(range(stop))

        def step(_: str, __: str, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise Stopped

        monkeypatch.setattr(primitives, "on_step", step)
        with pytest.raises(Stopped):
            collect(shell)
        monkeypatch.setattr(primitives, "on_step", None)
        assert fsck(shell.repository).findings == (), f"stopped before step {stop}: {steps[stop]}"
        collect(shell)
        assert fsck(shell.repository, read_data=True).findings == (), stop
        shutil.rmtree(shell.folder)


def test_every_step_of_a_collection_and_a_commit_is_sound_for_fsck(
    here: Shell, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    found: list[object] = []
    asleep = False

    def look(name: str, path: str) -> None:
        nonlocal asleep
        if not asleep:
            asleep = True
            found.extend((name, path, finding) for finding in fsck(Repository(here.folder)).findings)
            asleep = False

    here.write(WEIGHTS, rng.randbytes(60_000))
    here.write("small.txt", b"small")
    here.ok("add", "small.txt")
    monkeypatch.setattr(primitives, "on_step", look)
    here.commit("seen at each step")
    collect(here)
    here.ok("switch", "--detach", "v1")
    assert found == []


def _collect_and_commit(shell: Shell) -> None:
    collect(shell)
    shell.write(WEIGHTS, b"new" * 30_000)
    shell.commit("meanwhile")


def _rename(shell: Shell) -> None:
    shell.ok("models", "rename", MODEL, "hats")
    shell.ok("alias", "set", "prod", "HEAD")


@pytest.mark.parametrize("meanwhile", [_collect_and_commit, _rename], ids=["gc and commit", "rename"])
def test_whatever_happens_while_fsck_looks_is_no_finding(
    meanwhile: Callable[[Shell], None], world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deep: bool
) -> None:
    """The other command runs, whole, before one of the reads of fsck: each in turn, or one of them in eleven."""
    total = _reads_until(copy(world, tmp_path / "counted", monkeypatch), None, lambda: None, monkeypatch)
    assert total > 100
    for number in range(0, total, 1 if deep else total // 11):
        shell = copy(world, tmp_path / str(number), monkeypatch)
        _reads_until(shell, number, lambda shell=shell: meanwhile(shell), monkeypatch)  # type: ignore[misc]
        shutil.rmtree(shell.folder)


def _reads_until(shell: Shell, number: int | None, act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> int:
    """Check the store, with `act` before read `number`; how many reads that took. Asserts that nothing is found."""
    count = 0
    with monkeypatch.context() as patch:

        def watched(name: str) -> None:
            real = getattr(StoreDoor, name)

            def read(self: StoreDoor, *arguments: object, **named: object) -> object:
                nonlocal count
                count += 1
                if count - 1 == number:
                    act()
                return real(self, *arguments, **named)

            patch.setattr(StoreDoor, name, read)

        for name in ("read", "open", "names"):
            watched(name)
        report = fsck(Repository(shell.folder), read_data=True)
    assert report.findings == (), f"before read {number}"
    assert report.hits == ()
    return count
