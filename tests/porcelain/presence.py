"""A model whose files are here in every degree, and a remote that answers, is gone, or has lost them.

full   every file checked out                        origin   v1 ─ v2 (main)     weights, tool and runs/a are larger than
only   a clone with `--only weights`                          ├─ side            16 KiB, so their bytes do not come with the
meta   a clone with `--meta`                                  └─ clash           metadata; cfg and runs/b are smaller
read   as meta, then each file was read once
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mvc.model.ids import FileId
from mvc.repository.repository import Repository
from mvc.storage.records.promised import State
from tests.cli.shell import Shell, begin

PRESENCES = ("full", "only", "meta", "read")
LARGE = ("weights.bin", "tool.sh", "runs/a.bin")
SMALL = ("cfg.yaml", "runs/b.txt")
SIZE = 40_000
_VOLATILE = ("cache", "lock", "tmp")


def build(top: Path, monkeypatch: Any) -> None:
    """The remote `top/origin` and a clone for each of PRESENCES."""
    draw = random.Random(4)
    (top / "ana").mkdir()
    shell = begin(top / "ana", monkeypatch)
    for path in LARGE:
        shell.write(path, draw.randbytes(SIZE))
    (shell.folder / "tool.sh").chmod(0o755)
    for path in SMALL:
        shell.write(path, path.encode() * 10)
    for path, role in (("weights.bin", "weights"), ("tool.sh", "tool"), ("cfg.yaml", "cfg"), ("runs", "runs")):
        shell.ok("add", path, "--as", role)
    shell.set(parameters__lr=1)
    shell.commit("one")
    for branch, path, key in (("side", "runs/a.bin", "side"), ("clash", "weights.bin", "clash")):
        shell.ok("switch", "-c", branch, "v1")
        shell.write(path, draw.randbytes(SIZE))
        shell.set(**{f"parameters__{key}": 2})
        shell.commit(branch)
        shell.ok("switch", "main")
    shell.write("weights.bin", draw.randbytes(SIZE))
    shell.commit("two")
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push", "--all", "--tags")
    shell.folder = top
    shell.ok("clone", "origin", "full")
    shell.ok("clone", "--only", "weights", "origin", "only")
    shell.ok("clone", "--meta", "origin", "meta")
    shutil.copytree(top / "meta", top / "read")
    shell.folder = top / "read"
    for path in LARGE:
        shell.ok("cat", f"HEAD:./{path}", "-o", "../away")


@dataclass(frozen=True)
class Place:
    """A copy of a clone and of its remote, which a test may do anything to."""

    shell: Shell
    origin: Path

    @property
    def repository(self) -> Repository:
        return self.shell.repository

    def lose(self) -> None:
        """The remote loses its packs of chunks."""
        shutil.rmtree(self.origin / "packs")

    def away(self) -> None:
        """The remote is not there at all, like a disk that is not mounted."""
        self.origin.rename(self.origin.with_name("unplugged"))

    def forget(self) -> None:
        """The remote is none of this repository any more."""
        self.repository.config.set_remote("origin", None)

    def back(self) -> None:
        """The remote is there again."""
        self.origin.with_name("unplugged").rename(self.origin)

    def bytes(self) -> dict[str, tuple[bytes, bool]]:
        """All files that count, of the repository and the working tree: their bytes, and whether they are executable."""
        top = self.shell.folder
        files = [path for path in top.rglob("*") if path.is_file()]
        kept = [path for path in files if path.relative_to(top).parts[:2] not in {(".mvc", each) for each in _VOLATILE}]
        return {
            path.relative_to(top).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & 0o100)) for path in kept
        }

    def promised(self) -> set[FileId]:
        """The files whose bytes are at the remote only."""
        promised = self.repository.promised
        return {file for file in promised.all_promised() if promised.state(file) is State.PROMISED}


def place(world: Path, tmp_path: Path, monkeypatch: Any, presence: str) -> Place:
    """A copy of the clone that is called `presence`, with a remote of its own."""
    top = tmp_path / presence
    shutil.copytree(world / "origin", top / "origin")
    shutil.copytree(world / presence, top / "here")
    shell = Shell(top / "here", monkeypatch)
    shell.repository.config.set_remote("origin", {"url": str(top / "origin")})
    shell.tick(900_000)
    return Place(shell, top / "origin")
