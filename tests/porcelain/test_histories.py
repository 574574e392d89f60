"""Random histories of all writing verbs, in two clones and with their remote: after each risky one, all is still sound.

    ana ─► origin ◄─ ben        commit, amend, stash, undo, prune, gc, push, … in any order, with edits between them

A command ends with a code for what it refused, never with damage; what an undo keeps is there, and the settings require
the features that protect it. A failure prints the seed and the history. `MVC_TEST_SEED` repeats it; `--deep` runs many.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import FileId, VersionId
from mvc.storage.records import config, operations, stashes
from tests.cli.shell import Shell, begin

HISTORIES, STEPS = 3, 25
HISTORIES_DEEP, STEPS_DEEP = 60, 60
PATHS = ("a.bin", "b.bin", "data/x.bin")
REFUSALS = {0, 1, 2, 13, 14, 16}
"""The codes of what may happen: nothing to do, a usage error, a refusal, dropped bytes, a file in the way."""
ABSENT = {"reset", "switch", "restore", "cherry-pick", "revert", "prune"}
"""The verbs that may need bytes that were dropped."""
RISKY = {"gc", "prune", "undo", "redo", "op", "stash", "fetch", "push", "pull", "fsck"}
"""The verbs after which everything is checked."""
NOW = ("gc", "--grace", "0")


class History:
    """Two clones of a remote, and what was done to them."""

    def __init__(self, top: Path, rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rng = rng
        self.steps: list[tuple[str, ...]] = []
        self.kept: set[tuple[int, int, str]] = set()
        pool = [rng.randbytes(size) for size in (30_000, 40_000, 40_000, 50_000, 20)]
        self.contents = pool + [data[:15_000] + rng.randbytes(9) + data[15_000:] for data in pool[:3]]
        (top / "ana").mkdir(parents=True)
        ana = begin(top / "ana", monkeypatch)
        ana.ok("remote", "add", "origin", "../origin")
        for path in PATHS:
            ana.write(path, rng.choice(self.contents))
        ana.ok("add", "a.bin", "b.bin", "data")
        ana.commit("first")
        ana.ok("push", "origin", "main")
        Shell(top, monkeypatch).ok("clone", "origin", "ben")
        self.shells = (ana, Shell(top / "ben", monkeypatch))

    def step(self) -> None:
        """Edit a file perhaps, run a verb, and check what it left."""
        number = self.rng.randrange(2)
        shell = self.shells[number]
        if self.rng.random() < 0.6:
            self._edit(shell)
        before = set(operations.numbers(shell.repository.door))
        shell.tick(3_600)
        verb = self.rng.choice(self._verbs(_versions(shell)))
        said = shell(*verb)
        self.steps.append((shell.folder.name, *verb, f"-> {said.code}"))
        assert said.code in REFUSALS, said
        assert said.code != 14 or verb[0] in ABSENT or not _says_damage(said.err), said
        live = operations.sound(shell.repository.door)
        self.kept |= {(number, each, file) for each in live.keys() - before for file in live[each].kept}
        if verb[0] in RISKY:
            self.check()

    def check(self) -> None:
        """Check every byte of both clones, what operations keep, and perhaps the remote."""
        for number, shell in enumerate(self.shells):
            said = shell("--json", "fsck", "--read-data")
            assert said.code == 0, said
            assert not said.json["findings"], said
            repository = shell.repository
            live = operations.sound(repository.door)
            self.kept = {each for each in self.kept if each[0] != number or each[1] in live}
            lost = [each for each in self.kept if each[0] == number and not repository.recipes.best(FileId(each[2]))]
            assert not lost, f"edits kept by operations are lost: {lost}"
            if any(record.kept for record in live.values()):
                assert config.requires(repository.door, config.OPERATIONS)
            if stashes.exist(repository.door):
                assert config.requires(repository.door, config.STASHES)
        if self.rng.random() < 0.3:
            self.shells[0].ok("fsck", "--remote", "origin", "--read-data")

    def _edit(self, shell: Shell) -> None:
        path = self.rng.choice(PATHS)
        if self.rng.random() < 0.1:
            (shell.folder / path).unlink(missing_ok=True)
            self.steps.append((shell.folder.name, "unlink", path))
        else:
            number = self.rng.randrange(len(self.contents))
            shell.write(path, self.contents[number])
            self.steps.append((shell.folder.name, "write", path, str(number)))

    def _verbs(self, versions: list[str]) -> list[tuple[str, ...]]:
        """Return every writing verb, each with arguments drawn for it; those that do more are there more often."""
        choice, count = self.rng.choice, len(self.steps)
        version, branch, name = choice(versions), choice(("main", "dev", "fix")), choice(("one", "prod"))
        operation, role = str(self.rng.randint(1, 30)), choice(("a", "b", "data"))
        commit = ("commit", "-m", f"m{count}")
        prune = ("prune", "--yes")
        return [
            *[commit] * 3, (*commit, "--tag", f"t{count}"), (*commit, "--amend"), ("set", f"parameters.lr={count}"),
            ("record", "-m", f"r{count}", "--file", "a=a.bin"), ("record", "-m", f"r{count}", "--file", "b=b.bin", "--branch", branch),
            ("switch", branch), ("switch", "--force", choice((branch, version))), ("switch", "-c", branch),
            ("branch", branch, version), ("branch", "-D", branch), ("reset", version), ("reset", "--hard", version),
            ("reset", "--hard", "HEAD"), ("restore", "."), ("restore", "--source", version, role),
            ("tag", name, version), ("tag", "-d", name), ("alias", "set", name, version), ("alias", "rm", name),
            ("rm", "--force", choice(("a", "b"))), ("rm", "--cached", choice(("a", "b"))), ("add", "a.bin", "b.bin"),
            ("add", "data"), ("mv", "data/x.bin", "data/y.bin"), ("mv", "data/y.bin", "data/x.bin"),
            ("merge", branch), ("merge", "--theirs", branch), ("merge", "--abort"), ("merge", "--continue"),
            ("revert", version), ("cherry-pick", version), *[("stash",)] * 2, ("stash", "pop"), ("stash", "apply"),
            ("stash", "drop"), *[("undo",)] * 2, ("redo",), ("op", "restore", operation), ("undo", "--op", operation),
            *[NOW] * 2, ("gc",), (*prune, version), (*prune, version, choice(versions)),
            (*prune, "--keep-last", choice("012"), "--unpushed"), (*prune, "--keep-last", "1", "--roles", role, "--unpushed"),
            (*prune, "--remote", "origin", "--keep-last", "1"), ("gc", "--remote", "origin", "--grace", "0"),
            ("notes", "add", version, f"note {count}"), ("push", "origin", branch), ("push",),
            ("push", "origin", branch, "--revive"), ("fetch",), ("pull",), ("fsck", "--repair", "--from", "origin"),
        ]  # fmt: skip


def _versions(shell: Shell) -> list[str]:
    objects, found = shell.repository.objects, []
    for id_ in sorted({*objects.loose(), *shell.repository.metapacks.object_ids()}):
        with contextlib.suppress(errors.MvcError):  # an object of another kind
            objects.version(VersionId(id_))
            found.append(id_[:12])
    return found


def _says_damage(text: str) -> bool:
    return any(word in text.lower() for word in ("checksum", "damage", "missing"))


def test_random_histories_stay_sound(
    tmp_path: Path, rng: random.Random, monkeypatch: pytest.MonkeyPatch, *, deep: bool
) -> None:
    for number in range(HISTORIES_DEEP if deep else HISTORIES):
        history = History(tmp_path / str(number), rng, monkeypatch)
        try:
            for _ in range(STEPS_DEEP if deep else STEPS):
                history.step()
            history.check()
        except BaseException:
            print(f"history {number}:", *map(" ".join, history.steps), sep="\n    ")  # noqa: T201 - shown with a failure
            raise
