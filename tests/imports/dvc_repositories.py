"""DVC repositories written from the description of their format: `*.dvc`, `dvc.lock` and the cache in both layouts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.imports.git_repositories import Files, Repository

NEW, OLD = "since DVC 3", "before DVC 3"


def md5(data: bytes, layout: str = NEW) -> str:
    """The checksum of a content; before DVC 3, that of a text is without carriage returns."""
    is_text = b"\0" not in data[:512] and layout == OLD
    return hashlib.md5(data.replace(b"\r\n", b"\n") if is_text else data).hexdigest()


@dataclass
class DvcRepository:
    """A DVC repository at `folder`, whose Git repository is there, too."""

    folder: Path
    layout: str = NEW
    cache: Path | None = None
    git: Repository = field(init=False)

    def __post_init__(self) -> None:
        self.git = Repository(self.folder)

    def write(self, config: str = "") -> DvcRepository:
        """Make the repository."""
        self.git.write()
        (self.folder / ".dvc").mkdir(exist_ok=True)
        (self.folder / ".dvc" / "config").write_text(config, encoding="utf-8")
        return self

    def place(self, checksum: str) -> Path:
        """The file of the cache for a checksum."""
        folder = self.cache or self.folder / ".dvc" / "cache"
        return folder / ("files/md5" if self.layout == NEW else ".") / checksum[:2] / checksum[2:]

    def cached(self, data: bytes, end: str = "") -> str:
        """Add a content to the cache, and return its checksum."""
        checksum = md5(data, self.layout) + end
        self.place(checksum).parent.mkdir(parents=True, exist_ok=True)
        self.place(checksum).write_bytes(data)
        return checksum

    def out(self, path: str, data: bytes | Mapping[str, bytes]) -> str:
        """The lines of an output: a file, or a folder of files."""
        if isinstance(data, bytes):
            checksum, size = self.cached(data), len(data)
        else:
            listed = [{"md5": self.cached(each), "relpath": name} for name, each in sorted(data.items())]
            checksum = self.cached(json.dumps(listed).encode(), ".dir")
            size = sum(map(len, data.values()))
        hash_ = "  hash: md5\n" if self.layout == NEW else ""
        return f"- md5: {checksum}\n  size: {size}\n{hash_}  path: {path}\n"

    def tracked(self, path: str, data: bytes | Mapping[str, bytes]) -> Files:
        """The files in Git for an output that `dvc add` tracks."""
        return {f"{path}.dvc": f"outs:\n{self.out(path.rpartition('/')[2], data)}".encode()}
