"""The tools that 1 GB of weights is kept with, each as its manual says; every one keeps one file, `weights`, in a folder.

folder/work/weights     what is kept          folder/store     where, if not beside it
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import measure

MVC = str(Path(sys.executable).with_name("mvc"))
BUILD = Path(__file__).resolve().parents[2] / "build"
Commands = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Peer:
    """A tool: the programs it needs and how to get them, and what makes a store, keeps the file, brings it back."""

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

    def begin(self, folder: Path, weights: Path) -> None:
        """An empty store, and the weights in the working folder."""
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "work").mkdir(parents=True)
        self.change(folder, weights)
        run(self.make, folder)

    def change(self, folder: Path, weights: Path) -> None:
        """Other weights in the working folder, and nothing left to be written by the system."""
        (folder / "work" / "weights").unlink(missing_ok=True)
        shutil.copyfile(weights, folder / "work" / "weights")
        run([["sync"]], folder)

    def store(self, folder: Path) -> measure.Times:
        """Keep the file as it stands."""
        return run(self.keep, folder)

    def restore(self, folder: Path) -> measure.Times:
        """Bring the file back after it was lost."""
        (folder / "work" / "weights").unlink()
        run([["sync"]], folder)
        return run(self.bring_back, folder)


def find(program: str) -> str | None:
    """Where a program lies: on PATH, beside this Python, or in an environment of its own in build/."""
    places = [Path(sys.executable).parent, *BUILD.glob("*/bin")]
    return shutil.which(program) or next((str(p / program) for p in places if (p / program).exists()), None)


def run(commands: Commands, folder: Path) -> measure.Times:
    """Run programs in the working folder: their seconds together, and the most memory any of them held."""
    done = [measure.timed([find(words[0]) or words[0], *words[1:]], folder / "work") for words in commands]
    return measure.Times((sum(seconds for seconds, _ in done),), max((memory for _, memory in done), default=0))


def below(*parts: str) -> Callable[[Path], int]:
    """The bytes of all files below that place."""

    def size(folder: Path) -> int:
        return sum(path.stat().st_size for path in folder.joinpath(*parts).rglob("*") if path.is_file())

    return size


COPY = Peer(
    "cp + fsync",
    ("cp", "sync"),
    "coreutils",
    [["mkdir", "../store"]],
    [["cp", "weights", "../store/weights"], ["sync", "../store/weights"]],
    [["cp", "../store/weights", "weights"], ["sync", "weights"]],
    below("store"),
)
MVC_ITSELF = Peer(
    "mvc",
    ("mvc",),
    "make bench",
    [["mvc", "init", "--model", "bench"], ["mvc", "add", "weights", "--as", "model-latest"]],
    [["mvc", "commit", "-m", "weights"]],
    [["mvc", "restore", "model-latest"]],
    below("work", ".mvc"),
)
OTHERS = (
    Peer(
        "borg",
        ("borg",),
        "apt install borgbackup",
        [["borg", "init", "--encryption=none", "../store"]],
        [["borg", "create", "--compression=zstd,1", "../store::{utcnow:%s.%f}", "weights"]],
        [["sh", "-c", "borg extract ../store::$(borg list --last 1 --short ../store)"]],
        below("store"),
    ),
    Peer(
        "restic",
        ("restic",),
        "apt install restic",
        [["restic", "init", "--repo", "../store"]],
        [["restic", "backup", "--no-cache", "--repo", "../store", "weights"]],
        [["restic", "restore", "latest", "--no-cache", "--repo", "../store", "--target", "."]],
        below("store"),
    ),
    Peer(
        "dvc",
        ("dvc", "git"),
        "python -m venv build/dvc && build/dvc/bin/pip install dvc",
        [["git", "init", "-q"], ["dvc", "init", "-q"]],
        [["dvc", "add", "-q", "weights"]],
        [["dvc", "checkout", "-q"]],
        below("work", ".dvc", "cache"),
    ),
    Peer(
        "git-lfs",
        ("git", "git-lfs"),
        "apt install git-lfs",
        [["git", "init", "-q"], ["git", "lfs", "install", "--local"], ["git", "lfs", "track", "weights"]],
        [["git", "add", "."], ["git", "commit", "-q", "-m", "weights"]],
        [["git", "checkout", "--", "weights"]],
        below("work", ".git", "lfs"),
    ),
)
