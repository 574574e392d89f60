"""The files of DVC in Git: which outputs a commit has, and the checksums of their contents.

    best.pt.dvc     outs: [{path: best.pt, md5: 3f…, size: 5431213, hash: md5}]
    dvc.lock        stages: {train: {outs: [{path: models, md5: 9c….dir}]}}          for the stages of dvc.yaml
    dvc.yaml        metrics and params of stages; artifacts: {helmet: {path: best.pt, type: model}}

Before DVC 3 there was no `hash`: the checksum of a text is that of its lines with line feeds alone (`md5-dos2unix`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any

from mvc.deferred import dataclass
from mvc.formats.values import yaml_text
from mvc.formats.values.malformed import MalformedError
from mvc.model import textfile
from mvc.model.paths import escape_name

MAX_BYTES = 4 << 20
"""Bytes of a file of DVC, at most."""
PIPELINE, LOCK, SUFFIX = "dvc.yaml", "dvc.lock", ".dvc"
MD5, LEGACY = "md5", "md5-dos2unix"
FOLDER = ".dir"
"""The end of a checksum of a list of files."""
_CHECKSUM = re.compile(r"[0-9a-f]{32}(?:\.dir)?\Z")
_TEMPLATE = "${"
_PARAMS = "params.yaml"


@dataclass(frozen=True, slots=True)
class Output:
    """An output: its path in the repository, its checksum and the kind of it; a folder if the checksum ends with `.dir`.

    `files` are those of a folder, if Git lists them instead of the cache.
    """

    path: str
    checksum: str
    algorithm: str
    size: int | None = None
    executable: bool = False
    files: tuple[Output, ...] = ()

    @property
    def is_folder(self) -> bool:
        """True for a folder."""
        return self.checksum.endswith(FOLDER)


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact of dvc.yaml: its path, its labels, its description."""

    path: str
    labels: tuple[str, ...] = ()
    description: str = ""


@dataclass(slots=True)
class DvcFiles:
    """The outputs of a commit by path, its artifacts by name, the files of its parameters and metrics, and what was not understood."""

    outputs: dict[str, Output] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def is_dvc(path: str) -> bool:
    """Return whether a path is that of a file of DVC."""
    return posixpath.basename(path) in (PIPELINE, LOCK) or (
        path.endswith(SUFFIX) and posixpath.basename(path) != SUFFIX
    )


def read(paths: Iterable[str], load: Callable[[str], bytes]) -> DvcFiles:
    """Return what the files of DVC among `paths` say; `load` returns the bytes of one, at most one more than allowed."""
    found, ordered = DvcFiles(), sorted(path for path in paths if is_dvc(path))
    parsed = {path: _parsed(path, load(path), found) for path in ordered}
    for path in ordered:
        name, folder = posixpath.basename(path), posixpath.dirname(path)
        if name == PIPELINE:
            _pipeline(folder, parsed[path], _table(parsed.get(posixpath.join(folder, LOCK))), found)
        elif name != LOCK:
            _outputs(_joined(folder, parsed[path].get("wdir")), parsed[path].get("outs"), path, found)
    return found


def _parsed(path: str, data: bytes, found: DvcFiles) -> Mapping[str, Any]:
    try:
        if len(data) > MAX_BYTES:
            raise MalformedError(f"it is larger than {MAX_BYTES >> 20} MiB")
        value = yaml_text.load(textfile.decode(data))
        if not isinstance(value, Mapping):
            raise MalformedError("it is not a table")
    except (MalformedError, textfile.TextError) as error:
        found.warnings.append(f"{escape_name(path)} is not read: {error.reason}")
        return {}
    return value


def _pipeline(folder: str, pipeline: Mapping[str, Any], lock: Mapping[str, Any], found: DvcFiles) -> None:
    """Add the outputs of the stages of a dvc.yaml, as its dvc.lock has them, and what it says about values and artifacts."""
    locked = _table(lock.get("stages")) if "schema" in lock else lock
    stages = _table(pipeline.get("stages"))
    for name, stage in locked.items():
        declared = stages.get(name.partition("@")[0])
        if declared is None:
            continue  # a stage that was removed; its outputs are not checked out
        work = _joined(folder, _table(declared).get("wdir") or _table(_table(declared).get("do")).get("wdir"))
        _outputs(work, _table(stage).get("outs"), posixpath.join(folder, LOCK), found)
    for stage in map(_table, stages.values()):
        work = _joined(folder, stage.get("wdir"))
        _paths(work, stage.get("metrics"), found.metrics)
        _paths(work, [each for each in _list(stage.get("params")) if isinstance(each, Mapping)], found.parameters)
        if any(isinstance(each, str) for each in _list(stage.get("params"))):
            _paths(work, [_PARAMS], found.parameters)
    _paths(folder, pipeline.get("metrics"), found.metrics)
    _paths(folder, pipeline.get("params"), found.parameters)
    for name, entry in _table(pipeline.get("artifacts")).items():
        entry = _table(entry)
        path = _inside(folder, entry.get("path"))
        if path is not None and entry.get("type", "model") in ("model", ""):
            labels = tuple(label for label in _list(entry.get("labels")) if isinstance(label, str))
            description = entry.get("desc", "")
            full = f"{folder}={name}" if folder else name
            found.artifacts[full] = Artifact(path, labels, description if isinstance(description, str) else "")


def _outputs(folder: str, outs: Any, where: str, found: DvcFiles) -> None:
    for out in map(_table, _list(outs)):
        path = _inside(folder, out.get("path"))
        checksum = out.get("md5")
        if path is None or not isinstance(checksum, str) or not _CHECKSUM.match(checksum):
            if out.get("cache") != "false":
                shown = escape_name(str(out.get("path", ""))[:80])
                found.warnings.append(
                    f"{escape_name(where)}: the output {shown} is left out: its path or MD5 is not usable"
                )
            continue
        algorithm = MD5 if out.get("hash") == MD5 else LEGACY
        files = tuple(_listed(path, out.get("files"), algorithm))
        found.outputs[path] = Output(
            path, checksum, algorithm, _size(out.get("size")), out.get("isexec") == "true", files
        )


def _listed(folder: str, files: Any, algorithm: str) -> Iterator[Output]:
    """Yield the files of a folder that are listed in Git, as for a remote with versions of its own."""
    for entry in map(_table, _list(files)):
        path, checksum = _inside(folder, entry.get("relpath")), entry.get("md5")
        if path is not None and isinstance(checksum, str) and _CHECKSUM.match(checksum):
            yield Output(path, checksum, algorithm, _size(entry.get("size")), entry.get("isexec") == "true")


def _paths(folder: str, entries: Any, paths: list[str]) -> None:
    """Add the paths of a list whose items are paths, or tables with a path as the only key."""
    for entry in _list(entries):
        name = next(iter(entry), None) if isinstance(entry, Mapping) else entry
        path = _inside(folder, name)
        if path is not None and path not in paths:
            paths.append(path)


def _inside(folder: str, path: Any) -> str | None:
    """Return a path in the repository; None for one outside, or one that has to be filled in."""
    if not isinstance(path, str) or not path or _TEMPLATE in path or "\0" in path or posixpath.isabs(path):
        return None
    joined = posixpath.normpath(posixpath.join(folder, path.replace("\\", "/")))
    return None if joined in (".", "..") or joined.startswith("../") else joined


def _joined(folder: str, work: Any) -> str:
    """Return the folder to which the paths of a stage are relative."""
    if not isinstance(work, str) or not work or work == "." or _TEMPLATE in work:
        return folder
    joined = posixpath.normpath(posixpath.join(folder, work))
    return "" if joined == "." else joined


def _size(text: Any) -> int | None:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 19 else None


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
