"""The tools that versions of weights are kept with, each as its manual says; every one keeps the files of one folder.

folder/work/weights/    what is kept          folder/store     where, if not beside it
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench import measure

MVC = str(Path(sys.executable).with_name("mvc"))
BUILD = Path(__file__).resolve().parents[2] / "build"
Commands = Sequence[Sequence[str]]
"""Programs with their arguments; `VERSION` in one is the name of the version meant."""


@dataclass(frozen=True)
class Peer:
    """A tool: the programs it needs and how to get them, and what makes a store, keeps a version, brings one back."""

    name: str
    programs: tuple[str, ...]
    install: str
    make: Commands
    keep: Commands
    bring_back: Commands
    size: Callable[[Path], int]

    def absent(self) -> str | None:
        """Why it takes no part, if it does not."""
        missing = [program for program in self.programs if find(program) is None]
        return f"{self.name}: {', '.join(missing)} is not installed ({self.install})" if missing else None

    def begin(self, folder: Path, weights: Path, name: str) -> None:
        """An empty store, and the first weights in the working folder."""
        remove(folder)
        (folder / "work").mkdir(parents=True)
        self.change(folder, weights, name)
        self._run(self.make, folder, "")

    def change(self, folder: Path, weights: Path, name: str) -> None:
        """Other weights under that name in place of what was kept, and nothing left for the system to write."""
        kept = folder / "work" / "weights"
        remove(kept)
        kept.mkdir()
        shutil.copyfile(weights, kept / name)
        self._run([["sync"]], folder, "")

    def store(self, folder: Path, version: str) -> measure.Times:
        """Keep the files as they stand."""
        return self._settled(self.keep, folder, version)

    def restore(self, folder: Path, version: str) -> measure.Times:
        """Bring the files of a version back after all were lost."""
        remove(folder / "work" / "weights")
        self._run([["sync"]], folder, "")
        return self._settled(self.bring_back, folder, version)

    def _settled(self, commands: Commands, folder: Path, version: str) -> measure.Times:
        """The programs' times, and what the system then takes until all is on disk: not every tool waits for that."""
        measure.have_memory_at_hand()
        times = self._run(commands, folder, version)
        return replace(times, later=self._run([["sync"]], folder, version).seconds)

    def _run(self, commands: Commands, folder: Path, version: str) -> measure.Times:
        given = [[word.replace("VERSION", version) for word in words] for words in commands]
        runs = [measure.command([find(words[0]) or words[0], *words[1:]], folder / "work") for words in given]
        return measure.in_sequence(runs)


def present(*peers: Peer) -> tuple[list[Peer], list[str]]:
    """Those of the tools that are installed, and why each of the others is left out."""
    reasons = [reason for peer in peers if (reason := peer.absent())]
    return [peer for peer in peers if peer.absent() is None], reasons


def find(program: str) -> str | None:
    """Where a program lies: on PATH, beside this Python, or in an environment of its own in build/."""
    places = [Path(sys.executable).parent, *BUILD.glob("*/bin")]
    return shutil.which(program) or next((str(p / program) for p in places if (p / program).exists()), None)


def remove(folder: Path) -> None:
    """Delete a folder, also one that a tool protects against it."""
    if folder.exists():
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
        shutil.rmtree(folder)


def below(*parts: str) -> Callable[[Path], int]:
    """The bytes of all files below that place."""

    def size(folder: Path) -> int:
        files = folder.joinpath(*parts).rglob("*")
        return sum(path.stat().st_size for path in files if path.is_file() and not path.is_symlink())

    return size


def borg(compression: str) -> Peer:
    """Borg with that compression."""
    return Peer(
        f"borg {compression}",
        ("borg",),
        "apt install borgbackup",
        [["borg", "init", "--encryption=none", "../store"]],
        [["borg", "create", f"--compression={compression}", "../store::VERSION", "weights"]],
        [["borg", "extract", "../store::VERSION"]],
        below("store"),
    )


def restic(compression: str) -> Peer:
    """Restic with that compression."""
    there = ("--repo", "../store")
    return Peer(
        f"restic {compression}",
        ("restic",),
        "apt install restic",
        [["restic", "init", *there]],
        [["restic", "backup", "--no-cache", f"--compression={compression}", *there, "--tag", "VERSION", "weights"]],
        [["restic", "restore", "latest", "--no-cache", *there, "--tag", "VERSION", "--target", "."]],
        below("store"),
    )


COPY = Peer(
    "cp + fsync",
    ("cp", "sync"),
    "coreutils",
    [["mkdir", "../store"]],
    [["cp", "-r", "weights", "../store/VERSION"], ["sh", "-c", "sync ../store/VERSION/*"]],
    [["cp", "-r", "../store/VERSION", "weights"], ["sh", "-c", "sync weights/*"]],
    below("store"),
)
MVC_ITSELF = Peer(
    "mvc",
    ("mvc",),
    "make bench",
    [["mvc", "init", "--model", "bench"], ["mvc", "add", "weights"]],
    [["mvc", "commit", "-m", "VERSION"]],
    [["mvc", "restore", "--source", "VERSION", "weights"]],
    below("work", ".mvc"),
)
_COMMIT = (["git", "add", "-A", "."], ["git", "commit", "-q", "-m", "weights"], ["git", "tag", "VERSION"])
DVC = Peer(
    "dvc",
    ("dvc", "git"),
    "python -m venv build/dvc && build/dvc/bin/pip install dvc",
    [["git", "init", "-q"], ["dvc", "init", "-q"]],
    [["dvc", "add", "-q", "weights"], *_COMMIT],
    [["git", "checkout", "-q", "VERSION", "--", "weights.dvc"], ["dvc", "checkout", "-q"]],
    below("work", ".dvc", "cache"),
)
LFS = Peer(
    "git-lfs",
    ("git", "git-lfs"),
    "apt install git-lfs",
    [["git", "init", "-q"], ["git", "lfs", "install", "--local"], ["git", "lfs", "track", "weights/**"]],
    _COMMIT,
    [["git", "checkout", "-q", "VERSION", "--", "weights"]],
    below("work", ".git", "lfs"),
)
ANNEX = Peer(
    "git-annex",
    ("git", "git-annex"),
    "apt install git-annex",
    [["git", "init", "-q"], ["git", "annex", "init", "-q"], ["git", "config", "annex.addunlocked", "true"]],
    [["git", "annex", "add", "-q", "weights"], *_COMMIT],
    [["git", "checkout", "-q", "VERSION", "--", "weights"], ["git", "annex", "smudge", "--update"]],
    below("work", ".git", "annex"),
)
