"""Real loaders, run in a process of their own: `python loaders.py FOLDER` loads each file of a list, and says what ran.

Each line of FOLDER/list.txt is a loader and a file; the payload makes a file in the current folder, which is one for each.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import lzma
import os
import pickle
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def _pickles(data: bytes) -> None:
    file = io.BytesIO(data)
    while file.tell() < len(data):
        pickle.load(file)


def _zip_member(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.endswith("pkl"):
                pickle.loads(archive.read(name))


def _tar_member(data: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive.getmembers():
            if member.name.endswith("pkl") and (content := archive.extractfile(member)):
                pickle.loads(content.read())


def _arrays(data: bytes) -> None:
    file = io.BytesIO(data)
    while file.tell() < len(data):
        np.load(file, allow_pickle=True)


class _Torch(pickle.Unpickler):
    """An unpickler as torch's, which finds storages by their persistent ids."""

    def persistent_load(self, pid: Any) -> Any:
        return pid


def _torch(data: bytes) -> None:
    """Load as `torch.load(weights_only=False)` does; only the storages are not made."""
    if data[:4] == b"PK\3\4":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            root = archive.namelist()[0].partition("/")[0]
            _Torch(io.BytesIO(archive.read(f"{root}/data.pkl"))).load()
        return
    file = io.BytesIO(data)
    for _ in range(3):
        pickle.load(file)
    _Torch(file).load()
    pickle.load(file)


LOADERS: dict[str, Callable[[bytes], object]] = {
    "pickle": pickle.loads,
    "pickle-python": getattr(pickle, "_loads"),  # noqa: B009 - CPython's unpickler in Python
    "pickles": _pickles,
    "gzip": lambda data: pickle.loads(gzip.decompress(data)),
    "gzip-file": lambda data: pickle.load(gzip.GzipFile(fileobj=io.BytesIO(data))),
    "lzma-file": lambda data: pickle.loads(lzma.decompress(data)),
    "zip": _zip_member,
    "tar": _tar_member,
    "torch": _torch,
    "numpy": lambda data: np.load(io.BytesIO(data), allow_pickle=True),
    "numpy-arrays": _arrays,
    "numpy-member": lambda data: [np.load(io.BytesIO(data), allow_pickle=True)[name] for name in ("a",)],
}


def main(folder: Path) -> None:
    """Print the number of each line whose payload ran."""
    sys.stdin.close()
    for number, line in enumerate((folder / "list.txt").read_text(encoding="utf-8").splitlines()):
        loader, path = line.split(" ", 1)
        place = folder / str(number)
        place.mkdir()
        os.chdir(place)
        with contextlib.suppress(BaseException):  # what runs may raise
            LOADERS[loader]((folder / path).read_bytes())
        if any(place.iterdir()):
            print(number, file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
