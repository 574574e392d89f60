"""`mvc add`, `rm`, `set`, `unset`, `get`: changes of model.toml, the one editable description of the next version.

Each command changes the file in one step, or not at all; comments and order stay.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mvc import errors, lazy
from mvc.model import keys, modeltoml, paths, schema
from mvc.model.ids import FileId, digest
from mvc.model.manifest import Manifest
from mvc.porcelain import moving
from mvc.repository import apply, globs, modelfile, stored, worktree
from mvc.repository.repository import Repository, writes
from mvc.repository.snapshot import read_labels_of
from mvc.storage import hashing
from mvc.storage.journal import FileStep, Journal


@dataclass(frozen=True, slots=True)
class Edited:
    """One key of model.toml: its value before and after, None where it was not set."""

    key: str
    old: Any
    new: Any

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"key": self.key, "old": self.old, "new": self.new}


# --- values


@writes
def set_values(
    repository: Repository, model: str, assignments: Sequence[str], *, kind: str | None = None
) -> list[Edited]:
    """Set each `key=value`, typed by the schema or by `kind`. Raises UnknownKey, WrongType, BadValue and the like."""
    pairs = [keys.parse_assignment(text, kind) for text in assignments]
    for key, value in pairs:
        if key == ("model", "name") and value != model:
            raise errors.OtherName(path="model.name", name=value, model=model)
    edit = lazy.load("mvc.model.edit")
    return rewrite(repository, model, lambda text: edit.set_keys(text, pairs), [key for key, _ in pairs])


@writes
def unset(repository: Repository, model: str, names: Sequence[str]) -> list[Edited]:
    """Remove keys. Raises UnknownKey, NoValue."""
    found = [keys.parse_key(name) for name in names]
    if ("model", "name") in found:
        raise errors.NoModelName(where=modelfile.NAME)
    edit = lazy.load("mvc.model.edit")

    def change(text: str) -> str:
        for key in found:
            text = edit.unset_key(text, key)
        return text

    return rewrite(repository, model, change, found)


def get(repository: Repository, model: str, name: str | None) -> Any:
    """The value of a key, or of the whole model.toml. Raises UnknownKey, NoValue, and what is wrong with model.toml."""
    folder = repository.head(model).folder
    manifest = modeltoml.parse(
        _read(repository, model, folder), where=modelfile.path(folder), read_labels=read_labels_of(repository, folder)
    )
    return keys.get_value(manifest, keys.parse_key(name)) if name else manifest.to_toml()


# --- files


@writes
def add(repository: Repository, model: str, given: Sequence[Path], *, role: str | None = None) -> list[Edited]:
    """Track the files or folders at the absolute paths `given`; no byte is read.

    Without `role` it is the file's stem, or the folder's name. Raises NotInModel, MissingFile, NotRegularFile,
    UnsafePath, RoleInUse, TrackedAlready, OneRole.
    """
    if role is not None and len(given) > 1:
        raise errors.OneRole(role=role, count=len(given))
    folder = repository.head(model).folder
    wanted = [(role, *_trackable(repository, folder, path)) for path in given]
    tracked = dict(_files(repository, model, folder))
    done: list[Edited] = []
    for name, pattern, stem in wanted:
        chosen = _role(tracked, name or stem, pattern, asked=name is not None)
        if tracked.get(chosen) != pattern:
            tracked[chosen] = pattern
            done.append(Edited(chosen, None, pattern))
    edit = lazy.load("mvc.model.edit")

    def change(text: str) -> str:
        for each in done:
            text = edit.add_file(text, each.key, each.new)
        return text

    if done:
        rewrite(repository, model, change, [])
    return done


@writes
def remove(
    repository: Repository, model: str, names: Sequence[str], *, cached: bool = False, force: bool = False
) -> list[Edited]:
    """Stop tracking roles or paths; with `cached` the files stay, else those that the store can give back are deleted.

    Raises NotTracked, OnlyHere (for a file that is nowhere else).
    """
    edit = lazy.load("mvc.model.edit")
    with repository.writing():
        folder = repository.head(model).folder
        tracked = _files(repository, model, folder)
        roles = list(dict.fromkeys(_tracked_role(tracked, name) for name in names))
        doomed = {} if cached else _doomed(repository, model, folder, tracked, set(roles), force=force)
        text = before = _read(repository, model, folder).decode()
        for role in roles:
            text = edit.remove_file(text, role)
        place, old = modelfile.path(folder), FileId(digest(before.encode()))
        steps = [FileStep(place, moving.keep(repository, text.encode()), old=old)]
        steps += [FileStep(path, None, old=file, anything=force) for path, file in doomed.items()]
        apply.change(repository, Journal("rm", model, files=tuple(steps)), {}, None)
    return [Edited(role, tracked[role], None) for role in roles]


# --- inside


def rewrite(
    repository: Repository, model: str, change: Callable[[str], str], looked_at: Sequence[schema.Path]
) -> list[Edited]:
    """Write model.toml anew, with its text changed; what the keys `looked_at` held before and hold now."""
    with repository.writing():
        folder = repository.head(model).folder
        before = _read(repository, model, folder)
        after = change(before.decode()).encode()
        if after != before:
            repository.tree.write(modelfile.path(folder), after)
            repository.tree.sync()
    old, new = (modeltoml.load(data, where=modelfile.path(folder)) for data in (before, after))
    return [Edited(schema.dotted(key), _value(old, key), _value(new, key)) for key in looked_at]


def _value(values: dict[str, Any], key: schema.Path) -> Any:
    try:
        return keys.get_value(values, key)
    except errors.NoValue:
        return None


def _read(repository: Repository, model: str, folder: str) -> bytes:
    data = modelfile.read(repository, folder)
    if data is None:
        raise errors.NoModelToml(path=modelfile.path(folder), model=model)
    return data


def _files(repository: Repository, model: str, folder: str) -> dict[str, str]:
    manifest: Manifest = modeltoml.parse(_read(repository, model, folder), where=modelfile.path(folder))
    return dict(manifest.files)


def _trackable(repository: Repository, folder: str, path: Path) -> tuple[str, str]:
    """What `[files]` is to say of a path, and the role it has when none is asked for."""
    top = repository.root / folder
    place = Path(os.path.realpath(path.parent)) / path.name
    try:
        relative = place.relative_to(os.path.realpath(top)).as_posix()
        relative.encode("utf-8")
    except (ValueError, UnicodeEncodeError):
        raise errors.NotInModel(path=paths.escape_name(os.fspath(path)), folder=folder or "the top") from None
    if globs.is_glob(relative) and not os.path.lexists(place):
        return relative, PurePosixPath(globs.fixed_part(relative) or "files").name
    if os.path.isdir(place) and not os.path.islink(place):
        if relative == ".":
            return "**", "files"
        paths.check_path(relative)
        return f"{_literal(relative)}/**", place.name
    if not os.path.lexists(place):
        raise errors.NoSuchFile(path=paths.escape_name(relative))
    scan = worktree.scan(repository.root, folder, {"x": _literal(relative)})
    worktree.require(each for each in scan.problems)
    return _literal(relative), place.name.partition(".")[0] or place.name


def _literal(path: str) -> str:
    """A path as `[files]` writes it: as it is, unless it would be taken for a glob."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _role(tracked: dict[str, str], role: str, pattern: str, *, asked: bool) -> str:
    """The role, if it is free, or the path's own already; raises TrackedAlready, or RoleInUse with another proposed."""
    same = [each for each, other in tracked.items() if other == pattern]
    if same and not asked:
        return same[0]
    if tracked.get(role) == pattern:
        return role
    if same:
        raise errors.TrackedAlready(path=paths.escape_name(pattern), role=same[0])
    if role not in tracked:
        return role
    proposed = PurePosixPath(pattern.removesuffix("/**")).as_posix().replace("/", "-").replace(".", "-")
    raise errors.RoleInUse(role=role, path=tracked[role], proposed=proposed if proposed != role else f"{role}-2")


def _tracked_role(tracked: dict[str, str], name: str) -> str:
    plain = name.removeprefix("./").rstrip("/")
    if name in tracked:
        return name
    for role, pattern in tracked.items():
        if pattern in (plain, f"{plain}/**"):
            return role
    raise errors.NotTracked(name=name, roles=", ".join(tracked) or "none")


def _doomed(
    repository: Repository, model: str, folder: str, files: dict[str, str], roles: set[str], *, force: bool
) -> dict[str, FileId]:
    """The files that only `roles` track, from the root; raises OnlyHere for those that the store could not give back."""
    scan = worktree.scan(repository.root, folder, files)
    current = stored.snapshot_of(repository, repository.current(model))
    kept = {entry.path: entry.file for entry in current.tree.entries} if current else {}
    gone = [file for file in scan.tracked if _owner(file.role, files) in roles]
    found = {file: _id(repository, file.root_path) for file in gone}
    lost = [file.path for file, id_ in found.items() if id_ != kept.get(file.path)]
    if lost and not force:
        raise errors.OnlyHere(count=len(lost), listed="\n".join(f"  {paths.escape_name(path)}" for path in lost))
    return {file.root_path: id_ for file, id_ in found.items()}


def _owner(role: str, files: dict[str, str]) -> str:
    """The entry of `[files]` that a file's role comes from: itself, or the glob's that begins it."""
    while role not in files and "/" in role:
        role = role.rpartition("/")[0]
    return role


def _id(repository: Repository, path: str) -> FileId:
    fd = repository.tree.open(path)
    try:
        return hashing.file_id(fd)
    finally:
        os.close(fd)
