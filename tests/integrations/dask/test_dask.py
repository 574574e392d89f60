"""A Dask cluster reads versions through `mvc://`: bytes, tensors, and open files that were pickled."""

from __future__ import annotations

import json
import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import fsspec
import numpy as np
import pytest
from dask.bytes import read_bytes
from distributed import Client, LocalCluster

import mvc
from mvc.filesystem import MvcFileSystem
from tests import weights

MODEL = "helmets"
WEIGHTS = "weights/best.safetensors"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A remote in a folder, with two versions of a network."""
    folder = tmp_path_factory.mktemp("ana")
    network = weights.network(random.Random(1))
    repository = mvc.init(folder / "repository", model=MODEL)
    model = repository.model(MODEL)
    path = folder / "repository" / WEIGHTS
    path.parent.mkdir()
    path.write_bytes(weights.safetensors(network))
    model.add(path, role="weights")
    model.commit("one", author="Ana <ana@example.org>")
    path.write_bytes(weights.safetensors(weights.tuned(network, random.Random(2))))
    model.commit("two", author="Ana <ana@example.org>")
    repository.remotes.add("origin", str(folder / "origin"))
    model.push("main", remote="origin")
    return folder / "origin"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Two processes with two threads each, in another folder than the repository's."""
    options = {"n_workers": 2, "threads_per_worker": 2, "processes": True, "dashboard_address": None}
    folder = str(tmp_path_factory.mktemp("workers"))
    with LocalCluster(host="127.0.0.1", local_directory=folder, **options) as cluster, Client(cluster) as client:
        _register()
        client.run(_register)
        yield client


@pytest.fixture(params=["repository", "remote"])
def repo(request: pytest.FixtureRequest, origin: Path) -> str:
    """The repository, and the URL of the remote, which each worker opens without a clone."""
    return str(origin.parent / "repository") if request.param == "repository" else f"file://{origin}"


def test_blocks_of_a_file_are_read_by_all_workers(client: Client, origin: Path, repo: str) -> None:
    expected = (origin.parent / "repository" / WEIGHTS).read_bytes()
    _, blocks = read_bytes(f"mvc://{MODEL}@v2/{WEIGHTS}", blocksize=300_000, sample=False, repo=repo)
    read = client.map(lambda block: (os.getpid(), dask.compute(block, scheduler="sync")[0]), blocks[0])
    found = client.gather(read)
    assert len(found) > 5
    assert b"".join(data for _, data in found) == expected
    assert os.getpid() not in {process for process, _ in found}


def test_workers_read_tensors_of_several_versions(client: Client, repo: str) -> None:
    filesystem = MvcFileSystem(repo=repo)
    names = [name for name, _ in _header(filesystem, "v1").items() if name != "__metadata__"]
    tasks = [(version, name) for version in ("v1", "v2") for name in names]
    sums = client.gather([client.submit(_sum, filesystem, *task) for task in tasks])
    assert sums == [_sum(filesystem, *task) for task in tasks]
    assert len(set(sums)) == len(tasks)


def test_an_open_file_is_handed_to_a_worker_at_its_version(client: Client, origin: Path) -> None:
    data = (origin.parent / "repository" / WEIGHTS).read_bytes()
    filesystem = MvcFileSystem(repo=origin.parent / "repository")
    with filesystem.open(f"{MODEL}@main/weights") as file:
        file.seek(11)
        assert client.submit(lambda file: file.read(1000), file).result() == data[11:1011]
    opened = fsspec.open(f"mvc://{MODEL}@v2/weights", repo=f"file://{origin}")
    assert client.submit(_read, opened).result() == data


def _register() -> None:
    """Do what the entry point of an installed mvc does."""
    fsspec.register_implementation("mvc", "mvc.filesystem.MvcFileSystem", clobber=True)


def _read(opened: Any) -> bytes:
    with opened as file:
        return bytes(file.read())


def _header(filesystem: MvcFileSystem, version: str) -> dict[str, Any]:
    name = f"{MODEL}@{version}/weights"
    (size,) = struct.unpack("<Q", filesystem.cat_file(name, 0, 8))
    return dict(json.loads(filesystem.cat_file(name, 8, 8 + size)))


def _sum(filesystem: MvcFileSystem, version: str, tensor: str) -> float:
    name = f"{MODEL}@{version}/weights"
    (size,) = struct.unpack("<Q", filesystem.cat_file(name, 0, 8))
    start, end = _header(filesystem, version)[tensor]["data_offsets"]
    return float(np.frombuffer(filesystem.cat_file(name, 8 + size + start, 8 + size + end), "<f4").sum())
