"""Repositories that have grown in one way, each made by the code that is then measured on it.

    python -m tests.bench.growth_repositories KIND FOLDER COUNT

FOLDER/work is the repository, FOLDER/remote its remote; some kinds have a FOLDER/clone. Nothing is flushed to the disk.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

from mvc.cli.app.main import run
from mvc.model.version import Timestamp
from mvc.porcelain.commit import commit
from mvc.porcelain.init import init
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.parts import MAIN
from mvc.repository.repository import Actor, Repository
from mvc.storage.chunks import chunking, ingest
from mvc.storage.records import sparse
from mvc.storage.records.annotations.evaluations import Cell, ClassResult, Evaluation, Matrix
from mvc.storage.records.reflog import HEADS, TAGS
from tests.bench.measure import ENVIRONMENT
from tests.bench.repositories import ANA, MODEL, START
from tests.weights import Tensors, safetensors, tuned

_MODEL_TOML = '[model]\nname = "bench"\n\n[parameters]\nepochs = {}\n'
_FILES = '\n[files]\ndata = "data/**"\n'
_CHUNKED = 20
"""The files among which the chunks are divided."""
_CHUNK = 312
"""The mean size of a chunk in bytes, cut as `chunks` does."""
_AGED = 2.1
"""Seconds until a file is older than every timestamp that an edit could get."""


def versions(place: Path, count: int) -> None:
    """Make `count` versions of one parameter each, with a ref entry each, and push them."""
    repository = _begin(place)
    model, objects = Model(repository, MODEL), repository.objects
    _commit(repository, "Version 1")
    branch = model.ref(HEADS, MAIN)
    tip = repository.refs.tip(branch)
    assert tip is not None
    assert tip.new is not None
    version = objects.version(tip.new)
    manifest = objects.manifest(version.manifest)
    with repository.locked():
        for number in range(2, count + 1):
            store = repository.ingest()
            at = Timestamp(START + 60 * number, 0)
            version = replace(
                version,
                parents=(tip.new,),
                number=number,
                time=at,
                message=f"Version {number}",
                manifest=objects.put_manifest(replace(manifest, parameters={"epochs": number})),
                model_toml=store.add_bytes(_MODEL_TOML.format(number).encode()),
            )
            store.close()
            tip = repository.refs.append(
                branch, tip, objects.put_version(version), Actor(ANA, at).move("commit: Version")
            )
    (place / "work" / "model.toml").write_text(_MODEL_TOML.format(count), encoding="utf-8")
    _mvc(place / "work", "push", "--all")


def evaluations(place: Path, count: int) -> None:
    """Make `count` versions with an evaluation each: of 20 classes, with a matrix in which no cell is zero."""
    versions(place, count)
    repository = Repository(place / "work")
    model, rng = Model(repository, MODEL), random.Random(count)
    names = [f"class {number}" for number in range(20)]
    at = [(row, column) for row in range(len(names)) for column in range(len(names))]
    with repository.locked():
        for id_ in sorted(history.ancestors(repository.objects, history.tips(model))):
            metrics = [{name: rng.random() for name in ("AP50", "AP", "precision", "recall")} for _ in names]
            entry = Evaluation(
                *(id_, 1, str(ANA), Timestamp(START), f"{rng.getrandbits(128):032x}"),
                dataset="night",
                dataset_version="3",
                metrics={"mAP50": rng.random(), "mAP50-95": rng.random()},
                classes=tuple(ClassResult(*each, 100) for each in zip(names, metrics, strict=True)),
                matrix=Matrix(tuple(names), tuple(Cell(*pair, rng.randint(1, 500)) for pair in at)),
            )
            repository.evaluations.append(MODEL, entry)


def files(place: Path, count: int) -> None:
    """Track `count` files of 1 KiB, whose recipes are loose and, after a push, in a metadata pack too."""
    repository = _begin(place, _FILES)
    for number in range(count):
        file = place / "work" / "data" / f"{number // 100:03}" / f"{number:05}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"{number:015}\n".encode() * 64)
    with mock.patch.object(ingest, "MANY", sys.maxsize):
        _commit(repository, "files")
    _mvc(place / "work", "push", "--all")
    _clone(place)


def chunks(place: Path, count: int) -> None:
    """Track a few files of `count` chunks, which are on the remote too; the clone has none of them."""
    repository = _begin(place, _FILES)
    rng = random.Random(count)
    (place / "work" / "data").mkdir()
    for number in range(_CHUNKED):
        (place / "work" / "data" / f"{number}.bin").write_bytes(rng.randbytes(count // _CHUNKED * _CHUNK))
    with mock.patch.multiple(chunking, MIN=64, AVERAGE=256, MAX=1024):
        _commit(repository, "chunks")
    _mvc(place / "work", "push", "--all")
    _clone(place)


def tensors(place: Path, count: int) -> None:
    """Track a file of `count` tensors of 1 KiB, all of which moved in version 2."""
    repository = _begin(place, _FILES)
    rng = random.Random(count)
    (place / "work" / "data").mkdir()
    network: Tensors = {f"layer.{n}.bias": ("F32", (256,), rng.randbytes(1024)) for n in range(count)}
    for number in (1, 2):
        (place / "work" / "data" / "w.safetensors").write_bytes(safetensors(network))
        _commit(repository, f"Version {number}")
        network = tuned(network, rng)


def refs(place: Path, count: int) -> None:
    """Make `count` refs of one version, half of them branches and half of them tags."""
    repository = _begin(place)
    _commit(repository, "Version 1")
    model = Model(repository, MODEL)
    with repository.locked():
        for number in range(count // 2):
            for kind in (HEADS, TAGS):
                ref = model.ref(kind, f"name-{number:05}")
                repository.refs.append(ref, None, model.current, Actor(ANA, Timestamp(START, 0)).move("bench"))
    _mvc(place / "work", "push")


def pushes(place: Path, count: int) -> None:
    """Make `count` versions, and push each before the next one is made."""
    repository = _begin(place)
    _commit(repository, "Version 0")
    for number in range(count):
        _mvc(place / "work", "set", f"parameters.epochs={number + 2}")
        _mvc(place / "work", "commit", "-m", f"Version {number + 2}")
        _mvc(place / "work", "push")


def _begin(place: Path, more: str = "") -> Repository:
    """Return a new repository with a remote, and its first model.toml."""
    work = place / "work"
    work.mkdir(parents=True)
    init(work, model=MODEL)
    (work / "model.toml").write_text(_MODEL_TOML.format(1) + more, encoding="utf-8")
    _mvc(work, "remote", "add", "origin", str(place / "remote"))
    return Repository(work)


def _commit(repository: Repository, message: str) -> None:
    commit(Model(repository, MODEL), message, Actor(ANA, Timestamp(START, 0)))


def _clone(place: Path) -> None:
    """Clone the metadata, without the list of files that are not checked out: each is looked up, as after a pull."""
    _mvc(place, "clone", "--meta", str(place / "remote"), str(place / "clone"))
    shutil.rmtree(place / "clone" / ".mvc" / sparse.FOLDER, ignore_errors=True)


def _mvc(folder: Path, *arguments: str) -> None:
    """Run a verb in this process. Raises RuntimeError."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        with open(os.devnull, "w", encoding="utf-8") as null, contextlib.redirect_stdout(null):
            code = run(["--progress", "none", *arguments])
        if code:
            raise RuntimeError(f"mvc {' '.join(arguments)} ended with {code}")
    finally:
        os.chdir(before)


KINDS: dict[str, Callable[[Path, int], None]] = {
    "versions": versions,
    "evaluations": evaluations,
    "files": files,
    "chunks": chunks,
    "tensors": tensors,
    "refs": refs,
    "pushes": pushes,
}


def main(arguments: Sequence[str]) -> None:
    """Make one repository, and let `status` read it once its files are old enough to be cached."""
    kind, folder, count = arguments
    os.environ.update(ENVIRONMENT)
    with mock.patch("os.fsync"), mock.patch("os.fdatasync", create=True):
        KINDS[kind](Path(folder), int(count))
        time.sleep(_AGED)
        for name in ("work", "clone"):
            if (Path(folder) / name).is_dir():
                _mvc(Path(folder) / name, "status")


if __name__ == "__main__":
    main(sys.argv[1:])
