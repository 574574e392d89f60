"""`mvc mv`: move or rename tracked files and folders, and their paths in model.toml, in one step.

weights/best.pt → weights/v2.pt     the file is renamed            model-latest = "weights/v2.pt"
weights → nets                      the folder is renamed          onnx = "nets/*.onnx"

No byte is read or copied. A journal makes both one change, which is rolled forward after an interruption.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import paths
from mvc.model.document import Document, keys, rows
from mvc.model.ids import FileId, digest
from mvc.model.manifest import Manifest
from mvc.model.paths import escape_name
from mvc.model.toml import edit as toml_edit
from mvc.model.toml import parse, value_file
from mvc.model.toml.schema import Path
from mvc.repository.model import Model
from mvc.repository.repository import writes
from mvc.repository.worktree import apply, checkout, globs, links, model_file, scan, typed
from mvc.repository.worktree.scan import WorkFile
from mvc.storage.records import sparse
from mvc.storage.records.journal import FileStep, Journal, MoveStep


@dataclass(frozen=True, slots=True)
class MovedFile:
    """A tracked file: its old and new path in the model's folder, and its new role."""

    old: str
    new: str
    role: str


@dataclass(frozen=True, slots=True)
class Renamed(Document):
    """The files and folders that were moved, each with its new path, and the tracked files among them."""

    KEYS = keys({"moved": rows("moves", "old=0 new=1")}, "files dry_run")

    moves: tuple[tuple[str, str], ...]
    files: tuple[MovedFile, ...]
    dry_run: bool = False


@writes
def mv(model: Model, sources: Sequence[str], target: str, *, below: str = "", dry_run: bool = False) -> Renamed:
    """Move the tracked files and folders `sources` to the path `target`, or into it if it is a folder.

    Paths are relative to the folder `below` the model's; a source may be a role. Raises NotTracked, TargetExists,
    NotInModel, UnsafePath, UnportablePath, CollidingPaths, MissingFile, NoLongerTracked.
    """
    with model.repository.writing():
        plan = _Plan(model, below)
        into = plan.is_folder(target)
        if len(sources) > 1 and not into:
            raise errors.NotAFolder(path=escape_name(target))
        for source in sources:
            plan.add(source, target, into=into)
        text = plan.text()
        done = Renamed(tuple(plan.moves.items()), plan.files(text), dry_run)
        if not dry_run:
            plan.apply(text)
    return done


class _Plan:
    """A move that is being planned: `moves` are the old and new paths in the model's folder."""

    def __init__(self, model: Model, below: str) -> None:
        self._model, self._below = model, below
        self._repository, self._folder = model.repository, model.folder
        self._prefix = f"{self._folder}/" if self._folder else ""
        data = model_file.read(self._repository, self._folder)
        if data is None:
            raise errors.NoModelToml(path=model_file.path(self._folder), model=model.key)
        self._text = data.decode()
        self._manifest = self._parsed(self._text)
        follow = links.of(self._repository, self._manifest)
        self._scan = scan.scan(
            self._repository.root,
            self._folder,
            self._manifest.files,
            self._manifest.labelmap_path,
            values=self._manifest.value_paths,
            follow=follow,
        )
        self._absent = sorted(sparse.paths(self._repository.door, model.key))
        self.moves: dict[str, str] = {}

    def is_folder(self, target: str) -> bool:
        """Return whether `target` is a folder, or written as one."""
        path = self._inside(target)
        stat = self._stat(path) if path else None
        return not path or target.endswith("/") or (stat is not None and stat.is_folder)

    def add(self, source: str, target: str, *, into: bool) -> None:
        """Plan the move of `source`. Raises as `mv`."""
        old = self._source(source)
        new = self._inside(target)
        if into:
            new = f"{new}/{old.rpartition('/')[2]}".removeprefix("/")
        self._check_whole(old)
        if f"{new}/".startswith(f"{old}/") and new != old:
            raise errors.IntoItself(path=escape_name(old))
        paths.check_path(new)
        if new in self.moves.values() or self._stat(new) is not None:
            raise errors.TargetExists(path=escape_name(new))
        self._check_writable(old, new)
        self.moves[old] = new

    def text(self) -> str:
        """Return model.toml with the new paths. Raises CannotEdit."""
        changed: list[tuple[Path, Any]] = [
            (("files", role), new)
            for role, value in self._manifest.files.items()
            if (new := self._pattern(value)) != value
        ]
        for key, path in _named_files(parse.load(self._text.encode(), where=model_file.path(self._folder))):
            if self._path(path) != path:
                changed.append((key, self._path(path)))
        return toml_edit.set_keys(self._text, changed) if changed else self._text

    def files(self, text: str) -> tuple[MovedFile, ...]:
        """Return the tracked files that move, with their roles by `text`.

        Raises NoLongerTracked if none of its patterns matches one, CollidingPaths, UnportablePath.
        """
        after = self._parsed(text)
        root, labels, values = self._repository.root, after.labelmap_path, after.value_paths
        role_of = scan.roles_of(root, self._folder, after.files, labels, values)
        found = []
        for file in self._tracked():
            new = self._path(file.path)
            paths.check_path(new)
            role = role_of(new)
            if role is None:
                raise errors.NoLongerTracked(path=escape_name(file.path), role=file.role, new=escape_name(new))
            found.append(MovedFile(file.path, new, role))
        for first, second in paths.collisions(self._path(file.path) for file in self._scan.tracked):
            raise errors.CollidingPaths(first=first, second=second)
        return tuple(found)

    def apply(self, text: str) -> None:
        """Carry out the move, with `text` as model.toml."""
        before = FileId(digest(self._text.encode()))
        steps: tuple[FileStep, ...] = ()
        if text != self._text:
            new = checkout.store_small(self._repository, text.encode())
            steps = (FileStep(model_file.path(self._folder), new, old=before),)
        moves = tuple(MoveStep(self._prefix + old, self._prefix + new) for old, new in self.moves.items())
        for file in self._tracked():
            self._repository.stats.forget(file.root_path)
        apply.change(self._repository, Journal("mv", self._model.key, files=steps, moves=moves))

    # --- inside

    def _source(self, name: str) -> str:
        """Return the path of a file or folder with tracked files, or of a role. Raises NotTracked."""
        files: Mapping[str, str] = self._manifest.files
        literal = {role: path for role, value in files.items() if globs.literal(path := _unescaped(value)) == value}
        known = [*(file.path for file in self._scan.tracked), *literal.values(), *self._absent]
        for candidate in typed.candidates(self._repository.root / self._folder, self._below, name):
            path = candidate.name.removeprefix("./").rstrip("/")
            if not candidate.is_role and any(_is_in(each, path) for each in known):
                return path
            if candidate.name in literal:
                return literal[candidate.name]
        raise errors.NotTracked(name=name, roles=", ".join(files) or "none")

    def _inside(self, target: str) -> str:
        """Return a path in the model's folder, which is "". Raises NotInModel."""
        first = next(typed.candidates(self._repository.root / self._folder, self._below, target))
        path = first.name if os.path.isabs(target) else os.path.normpath(os.path.join(self._below, target))
        if os.path.isabs(path) or path.partition("/")[0] == "..":
            raise errors.NotInModel(path=escape_name(target), folder=self._folder or ".")
        return "" if path == "." else path

    def _check_whole(self, old: str) -> None:
        """Raise MissingFile if a tracked file is absent, NotRegularFile for a link, UnsafePath for another model."""
        for role, value in self._manifest.files.items():
            path = _unescaped(value)
            if globs.literal(path) == value and _is_in(path, old) and self._stat(path) is None:
                raise errors.MissingFile(path=escape_name(path), role=role)
        absent = next((path for path in self._absent if _is_in(path, old)), None)
        if absent is not None:
            raise errors.MissingFile(path=escape_name(absent), role="not checked out")
        stat = self._stat(old)
        if stat is None or stat.is_link:
            raise errors.NotRegularFile(path=escape_name(old), kind="a symbolic link")
        for key in self._repository.heads.models():
            folder = self._repository.head(key).folder
            if key != self._model.key and _is_in(folder, self._prefix + old):
                raise errors.UnsafePath(path=escape_name(old), reason=f"the model {key} is in it")

    def _check_writable(self, old: str, new: str) -> None:
        """Raise NotWritable if a rename would fail: other file systems, or no permission."""
        source, target = (self._existing(path.rpartition("/")[0]) for path in (old, new))
        if os.lstat(source).st_dev != os.lstat(target).st_dev or os.path.ismount(self._absolute(old)):
            raise errors.NotWritable(path=escape_name(new), reason="it is on another file system")
        for place in (source, target):
            if not os.access(place, os.W_OK | os.X_OK):
                raise errors.NotWritable(path=place, reason="its permissions do not allow it")

    def _existing(self, folder: str) -> str:
        """Return the absolute path of a folder, or of the first one above it that exists."""
        while folder and self._stat(folder) is None:
            folder = folder.rpartition("/")[0]
        stat = self._stat(folder) if folder else None
        if stat is not None and not stat.is_folder:
            raise errors.TargetExists(path=escape_name(folder))
        return self._absolute(folder)

    def _absolute(self, path: str) -> str:
        return os.path.join(self._repository.root, f"{self._prefix}{path}".rstrip("/"))

    def _stat(self, path: str) -> Any:
        return self._repository.tree.stat(self._prefix + path)

    def _tracked(self) -> list[WorkFile]:
        return [file for file in self._scan.tracked if any(_is_in(file.path, old) for old in self.moves)]

    def _path(self, path: str) -> str:
        """Return the new path of a file."""
        for old, new in self.moves.items():
            if _is_in(path, old):
                return new + path[len(old) :]
        return path

    def _pattern(self, value: str) -> str:
        """Return a path or pattern of [files] after the move: what it begins with is replaced."""
        anchor, bare = ("/", value[1:]) if value.startswith("/") else ("", value)
        for old, new in self.moves.items():
            start = globs.literal(old)
            if bare == start or bare.startswith(f"{start}/"):
                return anchor + globs.literal(new) + bare[len(start) :]
        return value

    def _parsed(self, text: str) -> Manifest:
        return parse.parse(text.encode(), where=model_file.path(self._folder))


def _named_files(values: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield the keys of model.toml, besides [files], that name a file, and the paths."""
    if "path" in values.get("labelmap", {}):
        yield ("labelmap", "path"), values["labelmap"]["path"]
    for section, value in values.get(value_file.KEY, {}).items():
        if isinstance(value, str):
            yield (value_file.KEY, section), value
        else:
            yield (value_file.KEY, section, "path"), value["path"]


def _is_in(path: str, folder: str) -> bool:
    """Return whether a path is `folder`, or in it."""
    return path == folder or path.startswith(f"{folder}/")


def _unescaped(value: str) -> str:
    """Return the path that `globs.literal` would write as `value`, if there is one."""
    for letter in "*?[":
        value = value.replace(f"[{letter}]", letter)
    return value
