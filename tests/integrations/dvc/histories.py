"""Random histories of DVC repositories, written by dvc itself, and compared with what `dvc checkout` writes."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dvc.repo import Repo

import mvc

WEIGHTS = ("best.pt", "head.onnx", "export/helmet.safetensors")
FOLDER = "models"
INSIDE = ("models/a.pt", "models/config.json", "models/deep/labels.txt", "models/left.tmp")
WHO = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")


@dataclass
class DvcHistory:
    """A DVC repository at `place`; `lost` are the files of its cache that were deleted, `commits` those of Git in order."""

    place: Path
    rng: random.Random
    commits: list[str] = field(default_factory=list)
    lost: set[Path] = field(default_factory=set)

    def git(self, *arguments: str) -> str:
        """Run git, and return its output."""
        command = ["git", *WHO, *arguments]
        return subprocess.run(command, cwd=self.place, check=True, capture_output=True, text=True).stdout.strip()

    def write(self, commits: int) -> DvcHistory:
        """Make the repository with its commits, on a few branches."""
        self.place.mkdir()
        self.git("init", "-q", "-b", "main")
        with _inside(self.place):
            repo = Repo.init(".")
            (self.place / ".dvcignore").write_text("*.tmp\n", encoding="utf-8")
            self._change_weights(repo, "best.pt")
            for number in range(commits):
                for _ in range(self.rng.randrange(1, 3)):
                    self._change(repo)
                self._commit(f"Commit {number}")
                if self.rng.random() < 0.3:
                    branches = self.git("branch", "--format=%(refname:short)").split()
                    self._switch(repo, self.rng.choice(branches), f"side{number}")
            self._lose()
        return self

    def checked_out(self, commit: str) -> dict[str, bytes] | None:
        """The weights that `dvc checkout` writes at a commit; None if it cannot, since the cache lacks some."""
        with _inside(self.place):
            self.git("checkout", "-q", "--force", commit)
            self.git("clean", "-q", "--force", "-d", "-x", "--exclude=.dvc")
            try:
                Repo(".").checkout(force=True)
            except Exception:  # noqa: BLE001 - of any kind; those that matter are of files that were lost
                return None
        paths = [path for path in self.place.rglob("*") if path.is_file() and ".dvc" not in path.parts]
        named = {path.relative_to(self.place).as_posix(): path for path in paths if ".git" not in path.parts}
        taken = {name for name in named if name in WEIGHTS or name.startswith(f"{FOLDER}/")}
        return {name: named[name].read_bytes() for name in taken}

    # --- inside

    def _change(self, repo: Repo) -> None:
        kind = self.rng.randrange(6)
        if kind == 0:
            (self.place / "params.yaml").write_text(f"lr: 0.{self.rng.randrange(1, 99)}\n", encoding="utf-8")
        elif kind == 1:
            self._change_folder(repo)
        elif kind == 2:
            self._train(repo)
        elif kind == 3 and (self.place / "best.pt.dvc").is_file():
            repo.remove("best.pt.dvc", outs=True)
            self._change_weights(repo, "best.pt")
        else:
            self._change_weights(repo, self.rng.choice(WEIGHTS))

    def _change_weights(self, repo: Repo, path: str) -> None:
        if path == "head.onnx" and (self.place / "dvc.yaml").is_file():
            return  # the stage has it
        place = self.place / path
        place.parent.mkdir(exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(self._content())
        repo.add([path])

    def _change_folder(self, repo: Repo) -> None:
        (self.place / FOLDER).mkdir(exist_ok=True)
        for path in self.rng.sample(INSIDE, self.rng.randrange(1, len(INSIDE) + 1)):
            place = self.place / path
            place.parent.mkdir(exist_ok=True)
            place.unlink(missing_ok=True)
            place.write_bytes(self._content())
        if not (self.place / "models/a.pt").exists():
            (self.place / "models/a.pt").write_bytes(self._content())
        repo.add([FOLDER])

    def _train(self, repo: Repo) -> None:
        """Change the output and the metrics of a stage, as `dvc commit` records them."""
        if (self.place / "head.onnx.dvc").is_file():
            return
        (self.place / "params.yaml").write_text(f"lr: 0.{self.rng.randrange(1, 99)}\n", encoding="utf-8")
        if not (self.place / "dvc.yaml").is_file():
            stage = "stages:\n  train:\n    cmd: python train.py\n    params: [lr]\n    outs: [head.onnx]\n"
            (self.place / "dvc.yaml").write_text(
                f"{stage}    metrics:\n    - metrics.json:\n        cache: false\n", encoding="utf-8"
            )
        (self.place / "head.onnx").unlink(missing_ok=True)
        (self.place / "head.onnx").write_bytes(self._content())
        (self.place / "metrics.json").write_text(f'{{"acc": 0.{self.rng.randrange(1, 99)}}}', encoding="utf-8")
        Repo(".").commit("train", force=True)

    def _content(self) -> bytes:
        kind = self.rng.randrange(5)
        if kind == 0:
            return b"a text\r\nwith lines " + self.rng.randbytes(3).hex().encode() + b"\r\n"
        if kind == 1:  # a text that dvc reads in two blocks
            return b"text\r\n" * 180_000 + self.rng.randbytes(3).hex().encode() + b"\r\n"
        return self.rng.randbytes(self.rng.choice([0, 1, 700, 3000]))

    def _commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.commits.append(self.git("rev-parse", "HEAD"))

    def _switch(self, repo: Repo, branch: str, new: str) -> None:
        self.git("checkout", "-q", "--force", branch)
        self.git("checkout", "-q", "-b", new)
        self.git("clean", "-q", "--force", "-d", "-x", "--exclude=.dvc")  # dvc leaves what it ignores
        repo = Repo(".")
        repo.checkout(force=True)

    def _lose(self) -> None:
        cache = self.place / ".dvc" / "cache"
        files = sorted(path for path in cache.rglob("*") if path.is_file() and not path.name.endswith(".dir"))
        self.lost = {path for path in files if self.rng.random() < 0.1}
        for path in self.lost:
            path.unlink()


def compare(history: DvcHistory, here: Path) -> None:
    """Import a history, and compare each version with what dvc checks out at its commit."""
    repo = mvc.init(here, model="other")
    done = repo.imports.dvc(history.place)
    outcomes = {step.key: step for step in done.versions}
    for commit in history.commits:
        outcome = outcomes.get(commit)
        if outcome is None:
            continue  # as the commit before, which the next test proves
        expected = history.checked_out(commit)
        assert (outcome.id is None) == (expected is None), (commit, outcome)
        if expected is None:
            assert outcome.missing
            continue
        version = repo.model(done.model)[str(outcome.id)]
        read = {file.name: file.read() for file in version.files.values()}
        assert {path: data for path, data in read.items() if _is_of_dvc(path)} == expected


def unchanged(history: DvcHistory, here: Path) -> None:
    """A commit without a version has the files of DVC, and the values, of one of its ancestors that has one."""
    done = mvc.init(here, model="other").imports.dvc(history.place, dry_run=True)
    keys = {step.key for step in done.versions}
    for commit in set(history.commits) - keys:
        ancestors = [each for each in history.git("rev-list", commit).split() if each in keys]
        assert any(_state(history, each) == _state(history, commit) for each in ancestors)


def _state(history: DvcHistory, commit: str) -> set[str]:
    lines = history.git("ls-tree", "-r", commit).splitlines()
    return {line for line in lines if line.endswith((".dvc", "dvc.lock", "params.yaml", "metrics.json"))}


def _is_of_dvc(path: str) -> bool:
    return path in WEIGHTS or path.startswith(f"{FOLDER}/")


@contextlib.contextmanager
def _inside(place: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(place)
    try:
        yield
    finally:
        os.chdir(before)
