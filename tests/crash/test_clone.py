"""A clone that was stopped or failed at any step is resumed by the same command, and by nothing else."""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc import errors
from mvc.porcelain import clone, fsck
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records.reflog import HEADS
from tests.crash.harness import KILLED, Fail, KillBefore, State, assert_sound, command, memory_folder, mvc, state
from tests.crash.scenarios import side

VERB = ("clone", "origin", "copy")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with a remote that has two branches, a tag and an alias, and another one."""
    with memory_folder(tmp_path) as folder:
        made = folder / "made"
        made.mkdir()
        side(made)
        for name in ("origin", "other"):
            mvc(made, "remote", "add", name, f"../{name}")
            mvc(made, "push", name, "--all", "--tags")
        yield folder


def _cloned(place: Path) -> tuple[State, int]:
    """What an uninterrupted clone makes, and its number of steps."""
    outcome = command(place, VERB)
    assert outcome.code == 0, outcome.output
    done = state(place / "copy")
    shutil.rmtree(place / "copy")
    return done, outcome.steps


def test_killed_before_any_step_and_repeated(place: Path, rng: random.Random, *, deep: bool) -> None:
    done, steps = _cloned(place)
    for number in range(1, steps + 1) if deep else sorted(rng.sample(range(1, steps + 1), 16)):
        when = f"killed before step {number} of {steps}"
        assert command(place, VERB, KillBefore(number)).code == KILLED, when
        _resume(place, done, when)


def test_a_failing_disk_at_any_step_and_repeated(place: Path, rng: random.Random, *, deep: bool) -> None:
    done, steps = _cloned(place)
    for number in range(1, steps + 1) if deep else sorted(rng.sample(range(1, steps + 1), 8)):
        when = f"EIO at step {number} of {steps}"
        failed = command(place, VERB, Fail(number, errno.EIO, rng.random() < 0.5))
        assert failed.code in (0, 128), f"{when}: {failed.output}"
        assert "Traceback" not in failed.output, failed.output
        if failed.code != 0 and clone.is_unfinished(place / "copy"):
            assert "run the same `mvc clone` again" in failed.output, when
        if failed.code == 0:
            assert_sound(place / "copy")
            shutil.rmtree(place / "copy")
        else:
            _resume(place, done, when)


def _resume(place: Path, done: State, when: str) -> None:
    copy = place / "copy"
    if clone.is_unfinished(copy):
        report = fsck.fsck(Repository(copy, unfinished=True), read_data=True)
        assert (report.findings, report.cloning) == ((), str(place / "origin")), when
        with pytest.raises(errors.UnfinishedClone):
            Repository(copy)
    complete = (copy / ".mvc").exists() and not clone.is_unfinished(copy)
    again = command(place, VERB)
    assert again.code == (16 if complete else 0), f"{when}, then repeated: {again.output}"
    assert state(copy) == done, when
    assert not list(copy.glob(".mvc.init-*")), when
    assert_sound(copy)
    shutil.rmtree(copy)


def test_what_was_fetched_is_not_fetched_again(place: Path) -> None:
    _, steps = _cloned(place)
    assert command(place, VERB, KillBefore(steps - 4)).code == KILLED
    fetched = {path: path.stat().st_ino for path in (place / "copy" / ".mvc").rglob("*.pack")}
    assert len(fetched) > 1
    mvc(place, *VERB)
    now = {path: path.stat().st_ino for path in (place / "copy" / ".mvc").rglob("*.pack")}
    assert now == fetched


def test_every_other_command_refuses_an_unfinished_clone_and_names_the_way_out(place: Path) -> None:
    _, steps = _cloned(place)
    assert command(place, VERB, KillBefore(steps - 4)).code == KILLED
    copy = place / "copy"
    for verb in (("status",), ("log",), ("commit", "-m", "x"), ("gc",), ("pull",), ("init", "--model", "x")):
        said = mvc(copy, *verb, code=10)
        assert "is an incomplete clone of" in said
        assert "Run the same `mvc clone` again" in said
    assert "run the same `mvc clone` again" in mvc(copy, "fsck")
    before = sorted(copy.rglob("*"))
    mvc(place, "clone", "other", "copy", code=16)
    mvc(place, "clone", "origin", "copy", "--model", "helmets", code=16)
    assert sorted(copy.rglob("*")) == before


def test_an_error_before_anything_was_fetched_leaves_nothing(place: Path) -> None:
    (place / "empty").mkdir()
    (place / "mine").mkdir()
    mvc(place, "clone", "empty", "copy", code=2)
    assert not (place / "copy").exists()
    mvc(place, "clone", "empty", "mine", code=2)
    assert list((place / "mine").iterdir()) == []
    (place / "mine" / "notes.txt").write_text("mine")
    mvc(place, "clone", "origin", "mine", code=16)
    assert [path.name for path in (place / "mine").iterdir()] == ["notes.txt"]


def test_a_clone_of_several_models_is_resumed(place: Path) -> None:
    (place / "made" / "hats").mkdir()
    mvc(place / "made", "init", "hats", "--model", "hats")
    mvc(place / "made" / "hats", "commit", "--allow-empty", "-m", "hats")
    mvc(place / "made" / "hats", "push", "origin")
    done, steps = _cloned(place)
    for number in (steps - 1, steps // 2):
        assert command(place, VERB, KillBefore(number)).code == KILLED
        _resume(place, done, f"killed before step {number}")


# --- a branch, a tag or a version


@pytest.mark.parametrize(
    ("name", "branch", "same"),
    [("side", "side", "side"), ("kept", None, "side"), ("prod", None, "side"), ("v1", None, "main~1")],
)
def test_a_clone_checks_out_what_is_named(place: Path, name: str, branch: str | None, same: str) -> None:
    mvc(place, "clone", "-b", name, "origin", "copy")
    repository = Repository(place / "copy")
    head = repository.head("helmets")
    made = Model(Repository(place / "made"), "helmets")
    assert (head.branch, repository.current("helmets")) == (branch, revisions.resolve(made, same))
    assert "working tree clean" in mvc(place / "copy", "status")
    assert branch is not None or not repository.refs.all("helmets", HEADS)


def test_a_name_that_the_remote_lacks_leaves_nothing(place: Path) -> None:
    for name in ("nosuch", "v9", "abcd12"):
        assert "has no version" in mvc(place, "clone", "-b", name, "origin", "copy", code=2)
        assert not (place / "copy").exists()


def test_a_clone_of_a_tag_is_resumed(place: Path, rng: random.Random) -> None:
    verb = ("clone", "-b", "kept", "origin", "copy")
    outcome = command(place, verb)
    done = state(place / "copy")
    shutil.rmtree(place / "copy")
    for number in rng.sample(range(1, outcome.steps + 1), 6):
        assert command(place, verb, KillBefore(number)).code == KILLED
        if clone.is_unfinished(place / "copy"):
            assert command(place, VERB).code == 16  # it is another clone
        if not (place / "copy" / ".mvc").exists() or clone.is_unfinished(place / "copy"):
            mvc(place, *verb)
        assert state(place / "copy") == done, number
        assert_sound(place / "copy")
        shutil.rmtree(place / "copy")
