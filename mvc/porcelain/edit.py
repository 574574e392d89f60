"""`mvc rm`, `set`, `unset`, `get`: edits of model.toml, which describes the next version.

Each command changes the file atomically; comments and order stay.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.model import document, paths
from mvc.model.ids import FileId, digest
from mvc.model.manifest import Manifest
from mvc.model.roles import roles_by_path
from mvc.model.toml import keys, parse, pinned, schema, vocabulary
from mvc.model.toml.rules import WARNING, Problem
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Repository, writes
from mvc.repository.worktree import apply, checkout, links, model_file, typed
from mvc.repository.worktree import scan as worktree
from mvc.repository.worktree.snapshot import read_labels_of
from mvc.storage.disk import hashing
from mvc.storage.records.journal import FileStep, Journal

if TYPE_CHECKING:
    from mvc.model.toml import edit as toml_edit
else:
    toml_edit = lazy.Module("mvc.model.toml.edit")


LABELS_PATH = ("labelmap", "path")
"""The key of the file that has the classes; it excludes classes in model.toml."""


@dataclass(frozen=True, slots=True)
class Edited(document.Document):
    """A key of model.toml with its value before and after; None where it is not set."""

    key: str
    old: Any
    new: Any


# --- values


@writes
def set_values(model: Model, assignments: Sequence[str], *, kind: str | None = None) -> list[Edited]:
    """Set each `key=value`, typed by the schema or by `kind`; raise UnknownKey, WrongType, BadValue and the like.

    Another image or tag removes a pinned docker digest, unless it is set too.
    """
    pairs = _spelled(keys.parse_assignment(text, kind) for text in assignments)
    for key, value in pairs:
        if key == ("model", "name") and value != model.key:
            raise errors.OtherName(path="model.name", name=value, model=model.key)
    keys_by_order = dict.fromkeys(key for key, _ in pairs)

    def change(text: str) -> str:
        if LABELS_PATH in keys_by_order:
            text, classes = _without_classes(model, text, dict(pairs)[LABELS_PATH])
            keys_by_order.update(dict.fromkeys(key for key in classes if key not in keys_by_order))
        return _without_stale_digest(text, toml_edit.set_keys(text, pairs), keys_by_order)

    return rewrite(model, change, keys_by_order)


@writes
def renumber(model: Model, first: int) -> list[Edited]:
    """Renumber the classes of the labelmap, so that the first is `first`; classes of a file become those of model.toml.

    Gaps stay. Raises NoValue without a class, and the errors of reading the file.
    """
    folder = model.folder
    changed: dict[schema.Path, None] = {}

    def change(text: str) -> str:
        where, read = model_file.path(folder), read_labels_of(model.repository, folder)
        old = parse.parse(text.encode(), where=where, read_labels=read).labelmap
        if not old:
            raise errors.NoValue(key="labelmap")
        new = {str(number + first - old[0][0]): name for number, name in old}
        known = parse.load(text.encode(), where=where)["labelmap"]
        changed.update(dict.fromkeys(("labelmap", key) for key in [*known, *new]))
        return toml_edit.set_keys(toml_edit.unset_key(text, ("labelmap",)), [(("labelmap",), new)])

    return [edited for edited in rewrite(model, change, changed) if edited.old != edited.new]


@dataclass(frozen=True, slots=True)
class Updated(document.Document):
    """The changed keys of model.toml; `left_out` are metrics that are not finite, which no version can hold.

    `warnings` are about a type or framework that Picsellia does not know, and about a docker digest that was removed
    together with its image.
    """

    KEYS = document.keys("changes left_out=left_out_texts warnings")

    changes: tuple[Edited, ...]
    left_out: Mapping[str, float]
    warnings: tuple[Problem, ...] = ()

    @property
    def left_out_texts(self) -> dict[str, str]:
        """The values left out, as texts: JSON has no infinity."""
        return {key: str(value) for key, value in self.left_out.items()}


@writes
def update(
    model: Model,
    assignments: Sequence[tuple[schema.Path, Any]],
    *,
    removed: Collection[schema.Path] = (),
    replaced: Collection[str] = (),
    left_out: Mapping[str, float] | None = None,
) -> Updated:
    """Set typed values, unset keys, and remove all other keys of the sections `replaced`, in one edit.

    Raises OtherName, UnknownKey, WrongType and the like.
    """
    for key, value in assignments:
        if key == ("model", "name") and value != model.key:
            raise errors.OtherName(path="model.name", name=value, model=model.key)
    assignments = _spelled(assignments)
    wanted = {key for key, _ in assignments}
    looked_at: dict[schema.Path, None] = {}

    def change(text: str) -> str:
        before, known = text, parse.load(text.encode(), where=model_file.NAME)
        old = [(name, key) for name in replaced for key in known.get(name, {}) if (name, key) not in wanted]
        gone = [key for key in dict.fromkeys([*old, *removed]) if key[1] in known.get(key[0], {})]
        for key in gone:
            if key == ("model", "name"):
                continue
            text = toml_edit.unset_key(text, key)
        looked_at.update(dict.fromkeys([*gone, *(key for key, _ in assignments)]))
        after = toml_edit.set_keys(text, assignments) if assignments else text
        return _without_stale_digest(before, after, looked_at)

    edited = rewrite(model, change, looked_at.keys())
    return Updated(tuple(each for each in edited if each.old != each.new), left_out or {}, warnings(edited))


def warnings(edited: Sequence[Edited]) -> tuple[Problem, ...]:
    """Return a warning for each type or framework that Picsellia does not know, and for a docker digest that was removed."""
    unknown = filter(None, (unknown_word(each.key, each.new) for each in edited))
    digests = [each.old for each in edited if each.key == schema.dotted(pinned.DIGEST) and each.new is None]
    changed = {each.key for each in edited if each.old != each.new}
    is_other = any(schema.dotted(key) in changed for key in pinned.IMAGE)
    return (*unknown, *(pinned.REMOVED for old in digests if old is not None and is_other))


def unknown_word(key: str, value: Any) -> Problem | None:
    """Return the warning about a type or framework that Picsellia does not know; None for any other value."""
    path = keys.parse_key(key)
    if value is None or vocabulary.is_known(path, value):
        return None
    near = vocabulary.nearest(path, str(value))
    known = ", ".join(word for word in vocabulary.WORDS[path] if word != vocabulary.UNSET)
    fix = f"`mvc set {key}={near}`" if near else f"it knows {known}"
    return Problem(WARNING, key, f"Picsellia does not know {value!r}", fix)


def _spelled(assignments: Iterable[tuple[schema.Path, Any]]) -> list[tuple[schema.Path, Any]]:
    """Return the assignments with known words in capitals."""
    return [(key, vocabulary.spelled(key, value)) for key, value in assignments]


@writes
def unset(model: Model, names: Sequence[str]) -> list[Edited]:
    """Unset keys; raise UnknownKey, NoValue. Without its image or tag, a pinned docker digest is removed too."""
    given = [keys.parse_key(name) for name in names]
    if ("model", "name") in given:
        raise errors.NoModelName(where=model_file.NAME)
    edited = dict.fromkeys(given)

    def change(text: str) -> str:
        before = text
        for key in given:
            text = toml_edit.unset_key(text, key)
        return _without_stale_digest(before, text, edited)

    return rewrite(model, change, edited)


def get(model: Model, name: str | None) -> Any:
    """Return the value of a key, or all of model.toml; raise UnknownKey, NoValue, and the errors of reading it."""
    folder = model.folder
    manifest = parse.parse(
        _read(model, folder), where=model_file.path(folder), read_labels=read_labels_of(model.repository, folder)
    )
    return keys.get_value(manifest, keys.parse_key(name)) if name else manifest.to_toml()


# --- files


@writes
def remove(
    model: Model,
    names: Sequence[str],
    *,
    cached: bool = False,
    force: bool = False,
    dry_run: bool = False,
    below: str = "",
    on_delete: Callable[[Sequence[str]], None] = lambda _: None,
) -> list[Edited]:
    """Stop tracking roles, or paths relative to the folder `below` the model's.

    With `cached` the files stay; otherwise files that the store can restore are deleted. `on_delete` is called with
    their paths before anything changes; a `dry_run` ends after it. Raises NotTracked, OnlyHere (for a file that is
    stored nowhere else).
    """
    repository = model.repository
    with repository.writing():
        folder = model.folder
        tracked = _files(model, folder)
        named = (_tracked_roles(tracked, name, repository.root / folder, below) for name in names)
        roles = list(dict.fromkeys(role for roles_ in named for role in roles_))
        doomed = {} if cached else _doomed(model, folder, tracked, set(roles), force=force)
        above = f"{folder}/" if folder else ""
        on_delete([path.removeprefix(above) for path in doomed])
        if dry_run:
            return [Edited(role, tracked[role], None) for role in roles]
        text = before = _read(model, folder).decode()
        for role in roles:
            text = toml_edit.remove_file(text, role)
        text = _without_links(text, roles)
        place, old = model_file.path(folder), FileId(digest(before.encode()))
        steps = [FileStep(place, checkout.store_small(repository, text.encode()), old=old)]
        steps += [FileStep(path, None, old=file, anything=force) for path, file in doomed.items()]
        apply.change(repository, Journal("rm", model.key, files=tuple(steps)))
    return [Edited(role, tracked[role], None) for role in roles]


# --- inside


def _without_classes(model: Model, text: str, path: str) -> tuple[str, list[schema.Path]]:
    """Return `text` without its classes, which the file at `path` replaces, and their keys; raise if it has none."""
    classes = [key for key in parse.load(text.encode(), where=model_file.NAME).get("labelmap", {}) if key != "path"]
    if not classes:
        return text, []
    if not read_labels_of(model.repository, model.folder)(path):
        raise errors.BadLabels(where=paths.escape_name(path), reason="it has no class")
    return toml_edit.unset_key(text, ("labelmap",)), [("labelmap", key) for key in classes]


def _without_stale_digest(before: str, after: str, edited: dict[schema.Path, None]) -> str:
    """Return `after` without the docker digest that was pinned `before` for another image; add its key to `edited`."""
    section = pinned.DIGEST[0]
    old, new = (parse.load(text.encode(), where=model_file.NAME).get(section, {}) for text in (before, after))
    if pinned.DIGEST in edited or not pinned.is_stale(old, new):
        return after
    edited[pinned.DIGEST] = None
    return toml_edit.unset_key(after, pinned.DIGEST)


def _without_links(text: str, roles: Sequence[str]) -> str:
    """Return `text` without the links of `roles` in follow_links."""
    old = keys.get_value(parse.load(text.encode(), where=model_file.NAME), ("model",)).get(links.KEY[1], [])
    left = [role for role in old if role not in roles]
    if left == old:
        return text
    return toml_edit.set_keys(text, [(links.KEY, left)]) if left else toml_edit.unset_key(text, links.KEY)


def rewrite(
    model: Model, change: Callable[[str], str], looked_at: Iterable[schema.Path], *, dry_run: bool = False
) -> list[Edited]:
    """Rewrite model.toml with its text changed; return the values of the keys `looked_at` before and after.

    A `dry_run` computes the change and writes nothing.
    """
    repository = model.repository
    with repository.writing():
        folder = model.folder
        before = _read(model, folder)
        parse.load(before, where=model_file.path(folder))  # invalid TOML cannot be edited
        after = change(before.decode()).encode()
        if dry_run:
            pass
        elif after != before:
            repository.tree.write(model_file.path(folder), after)
        else:
            repository.tree.touch(
                model_file.path(folder)
            )  # an interrupted command may have written it before its fsync
        if not dry_run:
            repository.tree.sync()
    old, new = (parse.load(data, where=model_file.path(folder)) for data in (before, after))
    return [Edited(schema.dotted(key), _value(old, key), _value(new, key)) for key in looked_at]


def _value(values: dict[str, Any], key: schema.Path) -> Any:
    try:
        return keys.get_value(values, key)
    except errors.NoValue:
        return None


def _read(model: Model, folder: str) -> bytes:
    data = model_file.read(model.repository, folder)
    if data is None:
        raise errors.NoModelToml(path=model_file.path(folder), model=model.key)
    return data


def _files(model: Model, folder: str) -> dict[str, str]:
    manifest: Manifest = parse.parse(_read(model, folder), where=model_file.path(folder))
    return dict(manifest.files)


def _tracked_roles(tracked: dict[str, str], name: str, folder: Path, below: str) -> list[str]:
    """Return the role of that name, or all roles of that path."""
    for candidate in typed.candidates(folder, below, name):
        if candidate.name in tracked:
            return [candidate.name]
        plain = candidate.name.removeprefix("./").rstrip("/")
        roles = [role for role, pattern in tracked.items() if pattern in (plain, f"{plain}/**")]
        if roles and not candidate.is_role:
            return roles
    raise errors.NotTracked(name=name, roles=", ".join(tracked) or "none")


def _doomed(model: Model, folder: str, files: dict[str, str], roles: set[str], *, force: bool) -> dict[str, FileId]:
    """Return the files, relative to the root, that only `roles` track.

    Raises OnlyHere if the store cannot restore one.
    """
    repository = model.repository
    manifest = parse.parse(_read(model, folder), where=model_file.path(folder))
    scan = worktree.scan(repository.root, folder, files, follow=links.of(repository, manifest))
    repository.tree.follow(scan.followed)
    current = history.snapshot(repository, model.current)
    kept = {entry.path: entry.file for entry in current.tree.entries} if current else {}
    named = roles_by_path(files, manifest.labelmap_path)
    owners = {file: named.get(file.path, (_owner(file.role, files),)) for file in scan.tracked}
    gone = [file for file, owned_by in owners.items() if roles.issuperset(owned_by)]
    found = {file: _id(repository, file.root_path) for file in gone}
    lost = [file.path for file, id_ in found.items() if id_ != kept.get(file.path)]
    if lost and not force:
        raise errors.OnlyHere(count=len(lost), listed="\n".join(f"  {paths.escape_name(path)}" for path in lost))
    return {file.root_path: id_ for file, id_ in found.items()}


def _owner(role: str, files: dict[str, str]) -> str:
    """Return the entry of `[files]` that a file's role comes from: its own, or the glob's."""
    while role not in files and "/" in role:
        role = role.rpartition("/")[0]
    return role


def _id(repository: Repository, path: str) -> FileId:
    fd = repository.tree.open(path)
    try:
        return hashing.file_id(fd)
    finally:
        os.close(fd)
