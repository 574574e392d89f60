"""A folder that the Hub's library downloaded, or that `mvc export --hf` wrote, as a history of one step; no network.

    models--acme--helmet/refs/main                   3f9c2a…             the commit
                        /snapshots/3f9c2a…/best.pt   ─► ../../blobs/…    links, to files named by their checksums
                        /blobs/60ab…                 SHA-256 (64 digits), or the id of a Git blob (40)
    helmet/best.pt, .cache/huggingface/download/best.pt.metadata         the commit and the checksum

A snapshot has neither the time nor the author of its commit; the version has 1970 and `huggingface`, the same for everybody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.paths import escape_name
from mvc.model.version import Person, Timestamp
from mvc.registry.handmade import model_key
from mvc.registry.hubs import version_objects
from mvc.registry.huggingface.hub import BRANCH
from mvc.registry.huggingface.steps import Origin, Steps, name_of
from mvc.repository.imports.source import Checksum, SourceFile, SourceHistory

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_CHECKSUM = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_METADATA = Path(".cache/huggingface/download")
_MAX_METADATA = 4096
_MAX_FILES = 100_000
_AUTHOR = Person("huggingface", "")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A folder with the files of a commit, None if it is not known; its links are to `blobs`."""

    folder: Path
    name: str
    commit: str | None
    blobs: Path | None = None


def history(folder: Path, revision: str | None = None) -> SourceHistory:
    """Return the history of a folder; of a cache, the snapshot of `revision` or of main. Raises UnknownSource."""
    snapshot = _find(Path(os.path.realpath(folder)), revision or BRANCH)
    files = {file.path: file for file in _files(snapshot)}
    if snapshot.commit is None and version_objects.NAME not in files:
        raise _unknown(folder, f"it has neither {version_objects.NAME} nor the commit of a download")
    contents = {path: file.checksum.digest if file.checksum else "" for path, file in files.items()}
    key = snapshot.commit or version_objects.NAME
    steps = Steps()
    steps.add(
        Origin(key, _AUTHOR, Timestamp(0), f"Snapshot {key[:10]} of {snapshot.name}"),
        files,
        contents,
        lambda path, limit: _read(files[path], limit),
    )
    branches = {BRANCH: key} if steps.steps else {}
    name = name_of(steps.steps, model_key(snapshot.name.rpartition("/")[2]))
    return SourceHistory(snapshot.name, name, tuple(steps.steps), branches)


def _find(folder: Path, revision: str) -> _Snapshot:
    """Return the snapshot in a folder: of a cache, one of its snapshots, or a folder with the files themselves."""
    if (folder / "snapshots").is_dir():
        return _of_cache(folder, revision)
    if folder.parent.name == "snapshots" and _COMMIT.match(folder.name):
        cache = folder.parent.parent
        return _Snapshot(folder, _name(cache), folder.name, cache / "blobs")
    return _Snapshot(folder, folder.name, _downloaded_commit(folder))


def _of_cache(cache: Path, revision: str) -> _Snapshot:
    """Return the snapshot of a cache that a ref names, else the only one. Raises UnknownSource."""
    present = sorted(name for name in os.listdir(cache / "snapshots") if _COMMIT.match(name))
    ref = cache / "refs" / revision
    named = _text(ref).strip() if ref.parent.resolve().is_relative_to(cache) else ""
    commit = next((name for name in present if name in {named, revision}), None)
    if commit is None and len(present) != 1:
        raise _unknown(
            cache, f"it has {len(present)} snapshots, and none for {escape_name(revision)}; name one of them"
        )
    commit = commit or present[0]
    return _Snapshot(cache / "snapshots" / commit, _name(cache), commit, cache / "blobs")


def _name(cache: Path) -> str:
    """Return the repository of a cache: models--acme--helmet is acme/helmet."""
    return cache.name.removeprefix("models--").replace("--", "/") or "model"


def _files(snapshot: _Snapshot) -> Iterator[SourceFile]:
    """Yield the files of a snapshot, links as the blobs that are their targets. Raises UnknownSource for any other link."""
    count = 0
    for top, folders, names in os.walk(snapshot.folder):
        folders[:] = sorted(name for name in folders if name not in {".cache", ".git"})
        for name in (*names, *(folder for folder in folders if (Path(top) / folder).is_symlink())):
            count += 1
            if count > _MAX_FILES:
                raise _unknown(snapshot.folder, f"it has more than {_MAX_FILES} files")
            place = Path(top) / name
            yield _file(snapshot, place, place.relative_to(snapshot.folder).as_posix())


def _file(snapshot: _Snapshot, place: Path, path: str) -> SourceFile:
    digest = _recorded(snapshot.folder, path)
    if place.is_symlink():
        target = Path(os.path.realpath(place))
        if snapshot.blobs is None or target.parent != snapshot.blobs or not _CHECKSUM.match(target.name):
            raise _unknown(snapshot.folder, f"{escape_name(path)} is a link out of the folder")
        place, digest = target, target.name
    algorithm = "sha256" if len(digest) == 64 else "git-sha1"
    size = place.stat().st_size if place.exists() else None
    return SourceFile(path, "", place, size, Checksum(algorithm, digest) if digest else None)


def _recorded(folder: Path, path: str) -> str:
    """Return the checksum that the library noted for a file of a plain folder; empty for none."""
    lines = _text(folder / _METADATA / f"{path}.metadata").split("\n")
    return lines[1] if len(lines) > 1 and _CHECKSUM.match(lines[1]) else ""


def _downloaded_commit(folder: Path) -> str | None:
    """Return the commit that the library noted for all files of a plain folder; None for none, or several."""
    top = folder / _METADATA
    notes = sorted(top.rglob("*.metadata"))[:_MAX_FILES] if top.is_dir() else []
    commits = {_text(note).split("\n")[0] for note in notes}
    commit = commits.pop() if len(commits) == 1 else ""
    return commit if _COMMIT.match(commit) else None


def _text(path: Path) -> str:
    """Return the start of a small text file; empty if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_METADATA).decode("ascii", "replace")
    except OSError:
        return ""


def _read(file: SourceFile, limit: int) -> bytes:
    """Return the bytes of a small file. Raises UnknownSource if it is larger than `limit`."""
    place = file.content
    assert isinstance(place, Path)  # noqa: S101 - as `_file` made it
    with open(place, "rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise _unknown(place, f"it is larger than {limit >> 10} KiB")
    return data


def _unknown(folder: Path, reason: str) -> errors.UnknownSource:
    return errors.UnknownSource(path=escape_name(os.fspath(folder)), reason=reason, flags="--folders for other folders")
