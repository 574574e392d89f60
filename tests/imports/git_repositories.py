"""Git repositories with weights, in Git and in Git LFS, written by `git fast-import`: one process a history."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

V1 = "https://git-lfs.github.com/spec/v1"
HAWSER = "https://hawser.github.com/spec/v1"
Files = dict[str, bytes]


def pointer(content: bytes, *, version: str = V1, lines: Iterable[str] = (), end: bytes = b"\n") -> bytes:
    """A pointer as git-lfs writes it; `lines` go before the oid."""
    oid = hashlib.sha256(content).hexdigest()
    text = [f"version {version}", *lines, f"oid sha256:{oid}", f"size {len(content)}"]
    return b"".join(line.encode() + end for line in text)


@dataclass
class Repository:
    """A repository at `folder`, of which each commit has all its files given."""

    folder: Path
    stream: list[bytes] = field(default_factory=list)
    commits: int = 0

    def git(self, *arguments: str) -> str:
        """Run git, and return its output."""
        command = ["git", "-C", os.fspath(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(
        self,
        files: Files,
        parents: Sequence[int] = (),
        *,
        branch: str = "main",
        message: str = "",
        author: str = "Ana <ana@example.org> 1770109200 +0100",
    ) -> int:
        """Add a commit of these files, and return its number."""
        self.commits += 1
        message = message or f"Commit {self.commits}"
        lines = [f"commit refs/heads/{branch}", f"mark :{self.commits}", f"author {author}"]
        lines += [f"committer Ben <ben@example.org> {1770109200 + self.commits} +0000", _data(message)]
        lines += [f"{word} :{number}" for word, number in zip(["from", *["merge"] * 64], parents, strict=False)]
        self.stream += ["\n".join([*lines, "deleteall", ""]).encode()]
        for path, data in files.items():
            self.stream += [f"M 100644 inline {path}\ndata {len(data)}\n".encode(), data, b"\n"]
        return self.commits

    def tag(self, name: str, number: int, message: str = "", when: int = 1770109200) -> None:
        """Add a tag: annotated with a message."""
        if message:
            lines = [f"tag {name}", f"from :{number}", f"tagger Cleo <cleo@example.org> {when} +0200", _data(message)]
        else:
            lines = [f"reset refs/tags/{name}", f"from :{number}", ""]
        self.stream.append("\n".join([*lines, ""]).encode())

    def write(self, *, bare: bool = False) -> Repository:
        """Make the repository, and return it."""
        options = ["--bare"] if bare else []
        subprocess.run(["git", "init", "-q", "-b", "main", *options, self.folder], check=True)
        command = ["git", "-C", os.fspath(self.folder), "fast-import", "--quiet", "--force"]
        subprocess.run(command, input=b"".join(self.stream), check=True)
        return self

    def parents(self) -> dict[str, list[str]]:
        """The parents of each commit."""
        return {line.split()[0]: line.split()[1:] for line in self.git("rev-list", "--all", "--parents").splitlines()}

    def ancestors(self, commit: str) -> set[str]:
        """The ancestors of a commit, without it."""
        return set(self.git("rev-list", commit).split()) - {commit}

    def weights(self, commit: str) -> dict[str, str]:
        """The ids in Git of a commit's weights by path."""
        lines = (line.split("\t") for line in self.git("ls-tree", "-r", commit).splitlines())
        return {path: meta.split()[2] for meta, path in lines if path in WEIGHTS}

    def blob(self, oid: str) -> bytes:
        """A content in Git."""
        command = ["git", "-C", os.fspath(self.folder), "cat-file", "blob", oid]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def add_lfs_object(self, content: bytes) -> Path:
        """Add an object of Git LFS, and return its file."""
        oid = hashlib.sha256(content).hexdigest()
        common = Path(self.git("rev-parse", "--path-format=absolute", "--git-common-dir").strip())
        path = common / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"


@dataclass
class History:
    """A random history: its repository, and the contents of the objects of Git LFS that it lacks."""

    repository: Repository
    missing: set[bytes]


WEIGHTS = (
    "best.pt",
    "runs/exp1/weights/best.pt",
    "runs/exp1/weights/last.pt",
    "export/helmet.onnx",
    "head.safetensors",
)
VALUES = ("params.yaml", "metrics.json", "runs/exp1/args.yaml", "runs/exp1/results.csv")


def random_history(folder: Path, rng: random.Random, commits: int) -> History:
    """A history with branches, merges, renames, missing objects and pointers of every form."""
    repository, objects, missing = Repository(folder), list[bytes](), set[bytes]()
    states: dict[int, Files] = {}
    tips: dict[str, int] = {}

    def weights() -> bytes:
        content = rng.randbytes(rng.choice([0, 1, 200, 3000]))
        form = rng.randrange(10)
        if form == 0:
            return content  # in Git itself
        if form == 1:  # looks like a pointer, and is none
            return pointer(content, version="https://git-lfs.github.com/spec/v9")
        if form == 2 and content:
            missing.add(content)
        else:
            objects.append(content)
        if form == 3:
            return pointer(content, version=rng.choice([HAWSER, "http://git-media.io/v/2"]))
        if form == 4:
            return b"\n" + pointer(content, end=b"\r\n") + b"\n" * rng.choice([0, 2000])
        if form in (5, 6):
            original = content if form == 5 else rng.randbytes(20)
            name = "same" if form == 5 else "flip"
            return pointer(content, lines=[f"ext-0-{name} sha256:{hashlib.sha256(original).hexdigest()}"])
        return pointer(content)

    for number in range(1, commits + 1):
        branch = rng.choice([*tips, f"branch{number}"]) if number > 1 else "main"
        parents = [tips[branch]] if branch in tips else [rng.choice(list(tips.values()))] if tips else []
        others = [tip for tip in tips.values() if tip not in parents]
        files = dict(states[parents[0]]) if parents else {"best.pt": weights(), "train.py": b"# 1"}
        if others and rng.random() < 0.3:
            parents.append(rng.choice(others))
            files |= {path: data for path, data in states[parents[1]].items() if rng.random() < 0.7}
        for _ in range(rng.randrange(3)):
            _change(files, rng, weights)
        states[number] = files
        tips[branch] = repository.commit(files, parents, branch=branch)
    repository.write()
    for content in objects:
        repository.add_lfs_object(content)
    return History(repository, missing)


def _change(files: Files, rng: random.Random, weights: Callable[[], bytes]) -> None:
    own = [path for path in files if path in WEIGHTS]
    kind = rng.randrange(6)
    if kind == 0:
        files["train.py"] = rng.randbytes(5).hex().encode()
    elif kind == 1 and own:
        old, new = rng.choice(own), rng.choice(WEIGHTS)
        files[new] = files.pop(old)
    elif kind == 2 and len(own) > 1:
        del files[rng.choice(own)]
    elif kind == 3:
        path = rng.choice(VALUES)
        value = str(rng.randrange(100))
        files[path] = {"json": f'{{"mAP50": 0.{value}}}', "csv": f"epoch,mAP50\n1,0.{value}\n"}.get(
            path.rpartition(".")[2], f"lr: 0.{value}\n"
        ).encode()
    else:
        files[rng.choice(WEIGHTS)] = weights()
