"""Undo: random histories are undone to any point, and redone; what was discarded is restored byte for byte.

A file is changed by verbs, and by hand. An undo reverses verbs: each file gets the bytes from before the first later verb
that changed it, and stays as it is if none did.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.repository.model import Model
from mvc.storage.records import operations
from tests.cli.shell import MODEL, Shell, begin

WEIGHTS = ("a.bin", "b.bin", "data/x.bin")
VERBS = 30
ROUNDS, DEEP_ROUNDS = 1, 60


@dataclass
class Picture:
    """Everything that a user can tell: refs, HEAD and files; `touched` are the files that the next verb changed."""

    refs: dict[tuple[str, str], str]
    head: str
    files: dict[str, bytes]
    operation: int
    touched: set[str] = field(default_factory=set)


class History:
    """A repository in which random verbs run, and the picture before each."""

    def __init__(self, shell: Shell, rng: random.Random) -> None:
        self.shell, self.rng = shell, rng
        self.pictures: list[Picture] = []
        self.done: list[tuple[str, ...]] = []
        for path in WEIGHTS:
            shell.write(path, rng.randbytes(40_000))
        self.verb("add", "a.bin", "b.bin", "data")
        self.verb("commit", "-m", "first")

    def picture(self) -> Picture:
        repository = self.shell.repository
        model = Model(repository, MODEL)
        refs = {(ref.kind, ref.name): str(repository.refs.target(ref)) for ref in model.targets()}
        top = self.shell.folder
        files = {
            path.relative_to(top).as_posix(): path.read_bytes()
            for path in top.rglob("*")
            if path.is_file() and ".mvc" not in path.relative_to(top).parts
        }
        newest = max(operations.numbers(repository.door), default=0)
        return Picture(
            {ref: target for ref, target in refs.items() if target != "None"}, str(model.head), files, newest
        )

    def verb(self, *arguments: str) -> bool:
        """Run a verb; remember the picture before it if it counts as an operation."""
        self.shell.tick()
        before = self.picture()
        said = self.shell(*arguments)
        assert said.code in (0, 1, 2, 13, 16), (arguments, said)
        after = self.picture()
        if after.operation == before.operation:
            assert after == before, (arguments, said)
            return False
        before.touched = {
            path for path in {*before.files, *after.files} if before.files.get(path) != after.files.get(path)
        }
        self.pictures.append(before)
        self.done.append(arguments)
        return True

    def edit(self) -> None:
        path = self.rng.choice(WEIGHTS)
        if self.rng.random() < 0.1:
            (self.shell.folder / path).unlink(missing_ok=True)
        else:
            self.shell.write(path, self.rng.randbytes(self.rng.choice((10, 30_000, 40_000))))

    def step(self) -> None:
        """One verb of a day, after an edit by hand or not."""
        if self.rng.random() < 0.5:
            self.edit()
        choose, versions = self.rng.choice, self._versions()
        branch, version = choose(("main", "dev", "fix")), choose(versions)
        name = choose(("one", "two", "prod", "edge"))
        verbs = (
            ("commit", "-m", f"number {len(self.done)}"),
            ("commit", "-m", f"number {len(self.done)}", "--tag", f"t{len(self.done)}", "--alias", "prod"),
            ("commit", "--amend", "-m", f"better {len(self.done)}"),
            ("set", f"parameters.lr={self.rng.randint(0, 9)}"),
            ("unset", "parameters.lr"),
            ("switch", branch),
            ("switch", "--force", choose((branch, version))),
            ("switch", "-c", branch),
            ("branch", branch, version),
            ("branch", "-D", branch),
            ("branch", "-m", branch, f"{branch}-{len(self.done)}"),
            ("reset", version),
            ("reset", "--keep", version),
            ("reset", "--hard", version),
            ("restore", "."),
            ("restore", "--source", version, choose(("a", "b", "data"))),
            ("tag", name, version),
            ("tag", "-d", name),
            ("alias", "set", name, version),
            ("alias", "rm", name),
            ("alias", "rollback", name),
            ("rm", "--force", choose(("a", "b"))),
            ("rm", "--cached", choose(("a", "b"))),
            ("add", "a.bin", "b.bin"),
            ("merge", branch),
            ("merge", "--theirs", branch),
            ("merge", "--abort"),
            ("revert", version),
            ("cherry-pick", version),
            ("stash",),
            ("stash", "pop"),
            ("merge", "--continue"),
            ("undo",),
            ("redo",),
        )
        self.verb(*choose(verbs))

    def _versions(self) -> list[str]:
        objects, found = self.shell.repository.objects, list[str]()
        for id_ in objects.loose():
            with contextlib.suppress(errors.Damaged):  # a tree, or a manifest
                objects.version(VersionId(id_))
                found.append(id_[:12])
        return found

    def expected(self, number: int, now: Picture) -> dict[str, bytes]:
        """The files once everything since picture `number` is undone."""
        files = dict(now.files)
        for picture in reversed(self.pictures[number:]):
            for path in picture.touched:
                if path in picture.files:
                    files[path] = picture.files[path]
                else:
                    files.pop(path, None)
        return files


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return begin(tmp_path, monkeypatch)


def _assert_like(now: Picture, before: Picture, files: dict[str, bytes], when: Any) -> None:
    assert (now.refs, now.head) == (before.refs, before.head), when
    assert now.files.keys() == files.keys(), when
    assert [path for path in files if now.files[path] != files[path]] == [], when


def test_random_histories_are_undone_to_any_point_and_redone(
    shell: Shell, rng: random.Random, *, deep: bool, tmp_path: Path
) -> None:
    for round_ in range(DEEP_ROUNDS if deep else ROUNDS):
        folder = tmp_path / f"round{round_}"
        folder.mkdir()
        patch = shell._patch
        history = History(begin(folder, patch), rng)
        while len(history.done) < VERBS:
            history.step()
        last = history.picture()
        shell_ = history.shell
        for number in rng.sample(range(1, len(history.pictures)), 4):
            before = history.pictures[number]
            now = history.picture()
            files = history.expected(number, last)
            said = shell_("op", "restore", str(before.operation))
            assert said.code == 0, (history.done, number, said)
            _assert_like(history.picture(), before, files, (history.done, number))
            assert shell_("undo").code == 0, history.done
            _assert_like(history.picture(), last, now.files, (history.done, number, "undone"))
            shell_.ok("redo")
            _assert_like(history.picture(), before, files, (history.done, number, "redone"))
            shell_.ok("undo")
        shell_.ok("fsck", "--read-data")


def test_undo_by_undo_goes_back_and_redo_forward(shell: Shell, rng: random.Random) -> None:
    history = History(shell, rng)
    while len(history.done) < VERBS // 2:
        history.step()
    history.verb("set", "parameters.last=1")  # nothing is left to redo
    states = [history.picture()]
    while (said := shell("undo")).code == 0:
        states.append(history.picture())
        assert len(states) <= 2 * len(history.done), history.done
    assert said.code == 1, (history.done, said)
    while len(states) > 1:
        _assert_like(history.picture(), states[-1], states[-1].files, history.done)
        states.pop()
        said = shell("redo")
        assert said.code == 0, (history.done, said)
    _assert_like(history.picture(), states[0], states[0].files, history.done)
    assert shell("redo").code == 1
