"""What the tour versions: four published releases of a real text reader, or our own small models where there is no network.

release   networks     settings
1.1.15    PP-OCRv3     config.yaml
1.2.13    the same     shorter
1.3.0     PP-OCRv4     of the new networks
1.4.4     the same     with threads and limits
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "rapidocr-onnxruntime"
RELEASES = ("1.1.15", "1.2.13", "1.3.0", "1.4.4")
KEPT = {
    "_det_infer.onnx": "detection.onnx",
    "_cls_infer.onnx": "direction.onnx",
    "_rec_infer.onnx": "recognition.onnx",
    "rapidocr_onnxruntime/config.yaml": "config.yaml",
}
"""The files of a wheel by the ends of their names, and where a training would write each."""
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
    """What is versioned: its key and type, its releases, and the classes before and after.

    `latest` is the file of the latest weights; `rest` are the arguments of `mvc add` for the other files.
    """

    key: str
    type: str
    latest: str
    rest: tuple[str, ...]
    first_labels: tuple[str, ...]
    later_labels: tuple[str, ...]
    releases: tuple[Release, ...]


def published(cache: Path) -> Model | None:
    """Four releases of rapidocr-onnxruntime (Apache-2.0), fetched with pip into `cache`; None without a network."""
    for release in RELEASES:
        if not _wheel(cache, release) and not _fetch(cache, release):
            return None
    releases = tuple(Release(release, dict(_files(_wheel(cache, release)[0]))) for release in RELEASES)
    latest = "detection.onnx"
    rest = tuple(f"weights/{name}" for name in sorted(KEPT.values()) if name != latest)
    return Model("text-reader", "OBJECT_DETECTION", latest, rest, ("text",), ("background", "text"), releases)


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
    rest, later = ("weights", "--as", "variants"), ("background", *shapes, "cross")
    return Model("shapes-base", "CLASSIFICATION", "model.safetensors", rest, shapes, later, releases)


def _wheel(cache: Path, release: str) -> list[Path]:
    return sorted(cache.glob(f"rapidocr_onnxruntime-{release}-*.whl"))


def _fetch(cache: Path, release: str) -> bool:
    asked = ["download", "-qqq", "--no-deps", "--only-binary", ":all:", "--retries", "1", "--dest", str(cache)]
    words = [sys.executable, "-m", "pip", *asked, f"{PACKAGE}=={release}"]
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _files(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            for end, kept in KEPT.items():
                if name.endswith(end):
                    yield kept, archive.read(name)
