"""A killed export of the page leaves the old page or the new one, whole, and the next one leaves nothing else."""

from __future__ import annotations

import errno
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.harness import KILLED, Fail, KillBefore, command, made_once, memory_folder, mvc
from tests.crash.scenarios import two_versions

VERB = ("ui", "--export", "../page")
Files = dict[str, bytes]


@made_once
def exported(folder: Path) -> None:
    """A repository, `made`, whose page changed since it was exported to `before`."""
    made = folder / "made"
    made.mkdir()
    two_versions(made)
    mvc(made, "ui", "--export", "../before")
    mvc(made, "set", "metrics.mAP50=0.99")
    mvc(made, "commit", "-m", "Better")
    mvc(made, "notes", "add", "v1", "superseded")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A copy of it."""
    with memory_folder(tmp_path) as folder:
        exported(folder)
        yield folder


def _files(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _restore(place: Path, *, empty: bool) -> None:
    shutil.rmtree(place / "page", ignore_errors=True)
    if not empty:
        shutil.copytree(place / "before", place / "page")


def _is_whole(found: Files, page: Files) -> bool:
    """Whether `found` has the page: its index.html, and every file that it needs."""
    return page.items() <= found.items()


def _done(place: Path, *, empty: bool) -> tuple[Files, int]:
    """The new page, and the number of steps that writing it took."""
    _restore(place, empty=empty)
    outcome = command(place / "made", VERB)
    assert outcome.code == 0, outcome.output
    return _files(place / "page"), outcome.steps


@pytest.mark.parametrize("empty", [True, False], ids=["new", "again"])
@pytest.mark.parametrize("fails", [False, True], ids=["killed", "full disk"])
def test_the_old_page_or_the_new_one(place: Path, rng: random.Random, *, empty: bool, fails: bool, deep: bool) -> None:
    _done(place, empty=empty)  # the next one has the cache
    new, steps = _done(place, empty=empty)
    old = {} if empty else _files(place / "before")
    for number in range(1, steps + 1) if deep else sorted(rng.sample(range(1, steps + 1), 2)):
        when = f"step {number} of {steps}"
        _restore(place, empty=empty)
        code = command(place / "made", VERB, Fail(number, errno.ENOSPC) if fails else KillBefore(number)).code
        assert fails or code == KILLED, when
        found = _files(place / "page")
        if found.get("index.html") == new["index.html"]:
            assert _is_whole(found, new), when
        else:
            assert _is_whole(found, old), when
            assert found.get("index.html") == old.get("index.html"), when
        mvc(place / "made", *VERB)
        assert _files(place / "page") == new, when
    assert {path.name for path in place.iterdir()} <= {"made", "before", "page"}


def test_what_a_kill_left_goes_even_if_the_page_changed_since(place: Path, rng: random.Random, *, deep: bool) -> None:
    _, steps = _done(place, empty=False)
    root = place / "made"
    for number, step in enumerate(range(1, steps) if deep else rng.sample(range(1, steps), 1)):
        _restore(place, empty=False)
        command(root, VERB, KillBefore(step))
        mvc(root, "notes", "add", "v1", f"note {number}")
        mvc(root, *VERB)
        mvc(root, "ui", "--export", f"../fresh{number}")
        assert _files(place / "page") == _files(place / f"fresh{number}"), f"step {step} of {steps}"


def test_a_listing_names_every_file(place: Path) -> None:
    new, _ = _done(place, empty=True)
    (listing,) = [name for name in new if re.match(r"files-[0-9a-f]{16}\.txt\Z", name)]
    assert {*new[listing].decode().split("\n"), listing, "index.html"} == new.keys()
