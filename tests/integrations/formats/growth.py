"""What the versions of one file cost: the bytes that the store grows by, in per cent of what is committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import mvc

MODEL = "helmet-detector"
ROLE = "model-latest"
NOISE = 0.3
"""Per cent of a file of 11 MB: the version itself, its list of chunks and the ref entry."""

Write = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Growth:
    """The share of each version in per cent, and the tensors of the first, by name."""

    shares: tuple[float, ...]
    tensors: dict[str, tuple[str, tuple[int, ...] | None]]

    def __str__(self) -> str:
        return ", ".join(f"{share:.1f} %" for share in self.shares)


def measured(folder: Path, name: str, writers: Iterable[Write]) -> Growth:
    """Commit what each writer writes, then compare every version with what was written, and check the store.

    A writer gets the path of the file `name` in an empty folder; what it makes beside it belongs to the version too.
    """
    project = folder / "project"
    project.mkdir(parents=True)
    mvc.init(project, model=MODEL)
    model = mvc.open(project).model(MODEL)
    shares, contents = [], []
    for number, write in enumerate(writers):
        content = _written(write, folder / str(number), name)
        _replace(project, content)
        if number == 0:
            for path in content:
                model.add(project / path, role=ROLE if path == name else None)
        before = _stored(project)
        model.commit(f"version {number + 1}")
        shares.append(100 * (_stored(project) - before) / sum(map(len, content.values())))
        contents.append(content)
    _check(project, contents)
    first = mvc.open(project).model(MODEL)["v1"].files[ROLE]
    tensors = {tensor.name: (tensor.dtype, tensor.shape) for tensor in first.tensors.values()}
    return Growth(tuple(shares), tensors)


def _written(write: Write, folder: Path, name: str) -> dict[str, bytes]:
    """Return what a writer writes, by path."""
    folder.mkdir()
    write(folder / name)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _replace(project: Path, content: dict[str, bytes]) -> None:
    for path, data in content.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(data)


def _stored(project: Path) -> int:
    """Return the bytes of the store without its cache, which can be rebuilt."""
    store = project / ".mvc"
    paths = (path for path in store.rglob("*") if "cache" not in path.relative_to(store).parts)
    return sum(path.stat().st_size for path in paths if path.is_file())


def _check(project: Path, contents: list[dict[str, bytes]]) -> None:
    repository = mvc.open(project)
    for number, content in enumerate(contents):
        files = repository.model(MODEL)[f"v{number + 1}"].files
        assert {file.name: file.read() for file in files.values()} == content
    assert repository.fsck(read_data=True).findings == ()
