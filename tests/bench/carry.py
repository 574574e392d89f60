"""Carries files as a bare fsspec filesystem does, or the files of a version as mvc does: what the benchmark times as a process.

    carry.py put URL OPTIONS STREAMS FOLDER     every file in FOLDER to URL, and nothing else
    carry.py get URL OPTIONS STREAMS FOLDER     every file below URL to FOLDER, each durable
    carry.py fetch FOLDER                       the files of the version that a clone in FOLDER, made with --meta, stands on

OPTIONS are those of fsspec, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mvc.cli.app.main import settle
from mvc.model.ids import FileId
from mvc.repository.repository import Repository
from mvc.storage.records.promised import PROMISED, read_log
from mvc.transport import promisor


def carry(act: str, url: str, options: str, streams: str, *, folder: Path) -> None:
    """Put or get all files."""
    import fsspec  # noqa: PLC0415 - the other acts do without

    filesystem, there = fsspec.core.url_to_fs(url, **json.loads(options))
    local = "file" in filesystem.protocol

    def put(path: Path) -> None:
        target = f"{there}/{path.name}"
        filesystem.put_file(str(path), target)
        if local:
            _sync(Path(target))

    def get(name: str) -> None:
        target = folder / name.rpartition("/")[2]
        filesystem.get_file(name, str(target))
        _sync(target)

    with ThreadPoolExecutor(int(streams)) as threads:
        if act == "put":
            filesystem.makedirs(there, exist_ok=True)
            list(threads.map(put, folder.iterdir()))
        else:
            folder.mkdir()
            list(threads.map(get, filesystem.find(there)))


def fetch(folder: Path) -> None:
    """Have every file here that a remote promises, in a process set up as the program sets up its own."""
    settle()
    repository = Repository(folder)
    promised = [FileId(id_) for each in read_log(repository.door, PROMISED) for id_ in each.ids]
    promisor.fetch_files(repository, {file: file for file in promised})


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


if __name__ == "__main__":
    if sys.argv[1] == "fetch":
        fetch(Path(sys.argv[2]))
    else:
        carry(*sys.argv[1:5], folder=Path(sys.argv[5]))
