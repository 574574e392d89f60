"""`mvc ci check`, `mvc ci committed` and `mvc ci no-weights`: the files that are about to go into Git.

Only `committed` needs a repository of mvc: the others read model.toml files, which are in Git.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import changed
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.formats.values import labels, sections
from mvc.model.compare.diff import Snapshot, compare
from mvc.model.document import Document
from mvc.model.ids import digest
from mvc.model.labelmap import Labelmap
from mvc.model.manifest import Manifest
from mvc.model.paths import check_path, escape_name
from mvc.model.roles import is_glob
from mvc.model.toml import parse, rules
from mvc.model.toml.value_file import KEY, LABELMAP, ValueFile
from mvc.repository import history
from mvc.repository.git import command as git
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.repository.worktree import globs
from mvc.repository.worktree.value_reader import ValueReader

_FILE = "model.toml"
_ADD = "git add it with model.toml; or name it in .gitignore, if it is on your machine only"


@dataclass(frozen=True, slots=True)
class Fault(Document):
    """A fault of a file, and how to correct it."""

    path: str
    message: str
    hint: str = ""


def check(folder: Path, files: Iterable[str]) -> list[Fault]:
    """Check model.toml files, by their paths from `folder`: keys, types, rules, and the files that values come from."""
    return [fault for file in files for fault in _checked(folder / file, file)]


def _checked(path: Path, shown: str) -> Iterator[Fault]:
    reader = _ValueFiles(path.parent)
    try:
        manifest = parse.parse(_model_toml(path, shown), where=escape_name(shown), reader=reader)
    except errors.NoTomlFile as error:
        yield Fault(shown, f"cannot be read: {error.fields['reason']}", error.hint)
        return
    except errors.MvcError as error:
        yield Fault(shown, re.sub(rf"^{re.escape(escape_name(shown))}(: |, )", "", error.message), error.hint)
        return
    for name, section in reader.missing.items():
        if not (_tracks(manifest, name) or _is_ignored(path.parent, name)):
            message = f"{escape_name(name)}, which {section} are taken from, does not exist"
            yield Fault(shown, message.replace("labelmap are", "the labelmap is"), _ADD)
    for problem in rules.check(manifest):
        if problem.severity == rules.ERROR:
            yield Fault(shown, f"{problem.key}: {problem.message}", problem.fix)


class _ValueFiles:
    """Reads the files beside a model.toml that it takes values from; `missing` are the others, with the section of each."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet."""
        self._folder = folder
        self.missing: dict[str, str] = {}

    def labels(self, file: ValueFile) -> Labelmap:
        """Return the classes of a file; none if it is missing. Raises BadLabels, UnreadableFile."""
        data = self._read(file.path, LABELMAP, labels.MAX_BYTES)
        return () if data is None else labels.read(data, file.path, file.key)

    def values(self, section: str, file: ValueFile) -> Mapping[str, Any]:
        """Return the values of a file; none if it is missing. Raises BadValueFile, UnreadableFile."""
        data = self._read(file.path, section, sections.MAX_BYTES)
        return {} if data is None else sections.read(data, file, section, sections.Request(f"{KEY}.{section}")).values

    def _read(self, name: str, section: str, limit: int) -> bytes | None:
        check_path(name)
        if (self._folder / name).is_file():
            return _read(self._folder / name, limit)
        self.missing.setdefault(name, section)
        return None


def _is_ignored(folder: Path, name: str) -> bool:
    """Return whether Git ignores a file, so that it is on the machine of its author only."""
    return git.run(folder, "check-ignore", "--quiet", "--", name).code == 0


def _model_toml(path: Path, shown: str) -> bytes:
    """Return the bytes of a model.toml; raise NoTomlFile."""
    try:
        return _read(path, parse.MAX_BYTES)
    except errors.UnreadableFile as error:
        raise errors.NoTomlFile(path=escape_name(shown), reason=error.fields["reason"]) from error


def _read(path: Path, limit: int) -> bytes:
    """Return the bytes of a file, at most one more than allowed; raise UnreadableFile."""
    try:
        with open(path, "rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise errors.UnreadableFile(path=escape_name(os.fspath(path)), reason=error.strerror) from error


def committed(repository: Repository, path: Path, shown: str) -> Iterator[Fault]:
    """Yield the fault of a model.toml that is that of no version. Raises the errors of reading it, Damaged."""
    data = _model_toml(path, shown)
    folder = os.path.relpath(os.path.realpath(path.parent), os.path.realpath(repository.root)).removeprefix(".")
    manifest = parse.parse(data, where=escape_name(shown), reader=ValueReader(repository, folder))
    model = Model(repository, manifest.name)
    if repository.heads.get(model.key) is None:
        yield Fault(shown, f"{model.key} is not a model of this repository", f"mvc init --model {model.key}")
        return
    text = digest(data)
    if any(version.model_toml == text for _, version in history.walk(repository.objects, history.tips(model))):
        return
    base = history.snapshot(repository, model.current, model.key)
    difference = compare(base, Snapshot(manifest, base.tree)) if base is not None else None
    if difference is None or not difference.is_empty:
        what = f" ({changed(difference)})" if difference is not None else ""
        yield Fault(shown, f"no version has these values{what}", "mvc commit")


def no_weights(folder: Path, files: Iterable[str]) -> Iterator[Fault]:
    """Yield the weight files that a model.toml above them tracks. A model.toml that cannot be read tracks nothing."""
    tracked = _Tracked()
    for file in files:
        if file.lower().endswith(WEIGHT_SUFFIXES):
            model = tracked.by(Path(os.path.abspath(folder / file)))
            if model is not None:
                hint = f"git rm --cached {file}, and add it to .gitignore"
                yield Fault(file, f"mvc tracks it in {model}, so its bytes do not belong in Git", hint)


class _Tracked:
    """The patterns of model.toml files, each read once."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._manifests: dict[Path, Manifest | None] = {}

    def by(self, path: Path) -> str | None:
        """Return the model that tracks a file; None for none. The top of the Git repository is the last folder."""
        for folder in path.parents:
            manifest = self._manifest(folder)
            if manifest is not None and _tracks(manifest, path.relative_to(folder).as_posix()):
                return manifest.name
            if (folder / ".git").exists():
                break
        return None

    def _manifest(self, folder: Path) -> Manifest | None:
        if folder not in self._manifests:
            try:
                self._manifests[folder] = parse.parse(_read(folder / _FILE, parse.MAX_BYTES), where=_FILE)
            except errors.MvcError:
                self._manifests[folder] = None
        return self._manifests[folder]


def _tracks(manifest: Manifest, path: str) -> bool:
    return any(_matches(pattern, path) for pattern in manifest.files.values())


def _matches(pattern: str, path: str) -> bool:
    if not is_glob(pattern):
        return pattern == path
    try:
        return globs.compile_glob(pattern).match(path) is not None
    except errors.MvcError:
        return False
