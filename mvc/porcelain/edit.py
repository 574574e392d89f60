"""`mvc rm`, `set`, `unset`, `get`: edits of model.toml, which describes the next version.

Each command changes the file atomically; comments and order stay.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model import document, paths
from mvc.model.ids import FileId, digest
from mvc.model.manifest import Manifest
from mvc.model.roles import LABELMAP, roles_by_path
from mvc.model.toml import keys, parse, pinned, schema, vocabulary
from mvc.model.toml.rules import WARNING, Problem
from mvc.model.toml.value_file import KEY as FROM
from mvc.model.toml.value_file import ValueFile
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Repository, writes_as
from mvc.repository.worktree import apply, checkout, links, model_file, typed, value_edit
from mvc.repository.worktree import scan as worktree
from mvc.repository.worktree.value_reader import ValueReader
from mvc.storage.disk import confined, hashing
from mvc.storage.records.journal import FileStep, Journal

if TYPE_CHECKING:
    from mvc.formats.values import labels, sections
    from mvc.model.query import parse as query
    from mvc.model.query import subject, suggest
    from mvc.model.toml import edit as toml_edit
else:
    query = lazy.Module("mvc.model.query.parse")
    subject = lazy.Module("mvc.model.query.subject")
    suggest = lazy.Module("mvc.model.query.suggest")
    labels = lazy.Module("mvc.formats.values.labels")
    sections = lazy.Module("mvc.formats.values.sections")
    toml_edit = lazy.Module("mvc.model.toml.edit")


@dataclass(frozen=True, slots=True)
class Edited(document.Document):
    """A key of model.toml with its value before and after; None where it is not set."""

    key: str
    old: Any
    new: Any


# --- values


@writes_as("set")
def set_values(model: Model, assignments: Sequence[str], *, kind: str | None = None) -> list[Edited]:
    """Set each `key=value`, typed by the schema or by `kind`; raise UnknownKey, WrongType, BadValue and the like.

    Another image or tag removes a pinned docker digest, unless it is set too. A value file is read first, and replaces the
    values of its keys. Raises SetInFile for a key that a value file has.
    """
    pairs = _spelled(keys.parse_assignment(text, kind) for text in assignments)
    for key, value in pairs:
        if key == ("model", "name") and value != model.key:
            raise errors.OtherName(path="model.name", name=value, model=model.key)
    keys_by_order = dict.fromkeys(key[:2] if key[0] == FROM else key for key, _ in pairs)

    def change(text: str) -> str:
        return _settled(model, text, value_edit.set_keys(text, pairs), keys_by_order)

    return rewrite(model, change, keys_by_order)


@writes_as("set")
def renumber(model: Model, first: int) -> list[Edited]:
    """Renumber the classes of the labelmap, so that the first is `first`; classes of a file become those of model.toml.

    Gaps stay. Raises NoValue without a class, and the errors of reading the file.
    """
    folder = model.folder
    changed: dict[schema.Path, None] = {}

    def change(text: str) -> str:
        where = model_file.path(folder)
        manifest = parse.parse(text.encode(), where=where, reader=ValueReader(model.repository, folder))
        old = manifest.labelmap
        if not old:
            raise errors.NoValue(key="labelmap", suggestion="")
        new = {str(number + first - old[0][0]): name for number, name in old}
        known = parse.load(text.encode(), where=where).get("labelmap", {})
        replaced = value_edit.FROM_LABELS if LABELMAP in manifest.value_files else ("labelmap",)
        changed.update(dict.fromkeys([replaced] if len(replaced) > 1 else []))
        changed.update(dict.fromkeys(("labelmap", key) for key in [*known, *new]))
        return toml_edit.set_keys(toml_edit.unset_key(text, replaced), [(("labelmap",), new)])

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


@writes_as("set")
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
        return _settled(model, before, value_edit.set_keys(text, assignments), looked_at)

    edited = rewrite(model, change, looked_at.keys())
    return Updated(tuple(each for each in edited if each.old != each.new), left_out or {}, warnings(edited))


def warnings(edited: Sequence[Edited]) -> tuple[Problem, ...]:
    """Return a warning for each type or framework that Picsellia does not know, and for a docker digest that was removed."""
    unknown = filter(None, (unknown_word(each.key, each.new) for each in edited))
    digests = [each.old for each in edited if each.key == schema.dotted(pinned.DIGEST) and each.new is None]
    changed = {each.key for each in edited if each.old != each.new}
    is_other = any(schema.dotted(key) in changed for key in pinned.IMAGE)
    return (*unknown, *(pinned.REMOVED for old in digests if old is not None and is_other))


@dataclass(frozen=True, slots=True)
class FileValues(document.Document):
    """The values of a section in its file, by key; classes by number."""

    section: str
    path: str
    values: Mapping[str, Any]
    warnings: tuple[Problem, ...] = ()


def read_files(model: Model, edited: Sequence[Edited]) -> tuple[FileValues, ...]:
    """Return the values of the files that edited keys of `[from]` name."""
    sections = dict.fromkeys(path[1] for each in edited if each.new and (path := keys.parse_key(each.key))[0] == FROM)
    if not sections:
        return ()
    files = parse.parse(_read(model, model.folder), where=model_file.path(model.folder)).value_files
    return tuple(_file_values(model, section, files[section]) for section in sections if section in files)


@writes_as("set")
def copy(model: Model, path: Path, section: str | None, file: ValueFile) -> tuple[Updated, FileValues]:
    """Set the values of the file at `path` in model.toml, once; classes replace the labelmap.

    Without a `section`, the file's form decides. Raises NoSuchFile, UnreadableFile, BadValueFile, BadLabels, SetInFile.
    """
    data = _contents(path)
    section = section or sections.likely(data, file)
    if section == LABELMAP:
        values: Mapping[str, Any] = {str(number): name for number, name in labels.read(data, file.path, file.key)}
        warning = ""
    else:
        read = sections.read(data, file, section, sections.Request())
        values, warning = read.values, sections.warning(read)
    replaced = [LABELMAP] if section == LABELMAP else []
    done = update(model, [((section, key), value) for key, value in values.items()], replaced=replaced)
    problems = (Problem(WARNING, section, f"{paths.escape_name(file.path)}: {warning}"),) if warning else ()
    return done, FileValues(section, file.path, values, problems)


def _contents(path: Path) -> bytes:
    """Return the bytes of a file, at most one more than allowed."""
    shown = paths.escape_name(os.fspath(path))
    if not path.exists():
        raise errors.NoSuchFile(path=shown)
    if not path.is_file():
        raise errors.NotComparable(path=shown, kind=confined.kind_of(path.stat().st_mode), expected="a file")
    try:
        with path.open("rb") as file:
            return file.read(sections.MAX_BYTES + 1)
    except OSError as error:
        raise errors.UnreadableFile(path=shown, reason=error.strerror) from error


def _file_values(model: Model, section: str, file: ValueFile) -> FileValues:
    reader = ValueReader(model.repository, model.folder)
    values = value_edit.read(reader, section, file)
    return FileValues(section, file.path, values, tuple(reader.warnings))


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


@writes_as("unset")
def unset(model: Model, names: Sequence[str]) -> list[Edited]:
    """Unset keys; raise UnknownKey, NoValue. Without its image or tag, a pinned docker digest is removed too."""
    given = [keys.parse_key(name) for name in names]
    if ("model", "name") in given:
        raise errors.NoModelName(where=model_file.NAME)
    edited = dict.fromkeys(given)

    def change(text: str) -> str:
        before = text
        for key in given:
            try:
                text = toml_edit.unset_key(text, key)
            except errors.NoValue:
                raise value_edit.source_of(model.repository, model.folder, before, key) or errors.NoValue(
                    key=schema.dotted(key), suggestion=""
                ) from None
        return _without_stale_digest(before, text, edited)

    return rewrite(model, change, edited)


def get(model: Model, name: str | None) -> Any:
    """Return the value of a key, or all values; raise UnknownKey, NoValue, and the errors of reading model.toml."""
    return got(model, name).value


@dataclass(frozen=True, slots=True)
class Got(document.Document):
    """A value, or all, with the files that values come from: `from` has the path by section."""

    KEYS = document.keys("key value from=origins")

    key: str | None
    value: Any
    origins: Mapping[str, str]

    def origin(self, key: schema.Path) -> str | None:
        """Return the file that the value of a key comes from; None for a value of model.toml."""
        return self.origins.get(key[0]) if key[:2] not in self.own else None

    own: frozenset[schema.Path] = frozenset()
    """The keys that model.toml has itself, of the sections in `origins`."""


def got(model: Model, name: str | None) -> Got:
    """Return the value of a key, or all values, and where they come from; raise as `get`."""
    folder = model.folder
    reader = ValueReader(model.repository, folder)
    manifest = parse.parse(_read(model, folder), where=model_file.path(folder), reader=reader)
    value = _named(manifest, name) if name else manifest.resolved()
    origins = {section: file.path for section, file in manifest.value_files.items()}
    own = {(section, key) for section in manifest.value_paths for key in manifest.own(section)}
    return Got(name, value, origins, frozenset(own))


def _named(manifest: Manifest, name: str) -> Any:
    """Return the value of a key; raise UnknownKey, NoValue, with the nearest key that has one."""
    try:
        return keys.get_value(manifest, keys.parse_key(name))
    except (errors.NoValue, errors.UnknownKey) as error:
        known = dict.fromkeys(key for key, _ in subject.leaves(manifest.resolved()))
        with contextlib.suppress(errors.BadQuery):
            key = query.parse_key(name)
            if suggest.nearest(key, known) is not None:
                suggestion = suggest.suggestion(key, known)
                if isinstance(error, errors.NoValue):
                    raise errors.NoValue(key=schema.dotted(key), suggestion=f"{suggestion} ") from None
                raise errors.UnknownKey(key=schema.dotted(key), suggestion=suggestion) from None
        raise


# --- files


@writes_as("rm")
def remove(
    model: Model,
    names: Sequence[str],
    *,
    cached: bool = False,
    force: bool = False,
    discard: bool = False,
    dry_run: bool = False,
    below: str = "",
    on_delete: Callable[[Sequence[str]], None] = lambda _: None,
) -> list[Edited]:
    """Stop tracking roles, or paths relative to the folder `below` the model's.

    With `cached` the files stay; otherwise files that the store can restore are deleted. `on_delete` is called with
    their paths before anything changes; a `dry_run` ends after it. What `force` deletes comes back with `mvc undo`,
    unless it is to `discard`. Raises NotTracked, TooMuchToKeep, OnlyHere (for a file that is stored nowhere else).
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
        before = _read(model, folder).decode()
        text = untracked(before, roles)
        place, old = model_file.path(folder), FileId(digest(before.encode()))
        steps = [FileStep(place, checkout.store_small(repository, text.encode()), old=old)]
        steps += [FileStep(path, None, old=file, anything=force) for path, file in doomed.items()]
        apply.change(repository, Journal("rm", model.key, files=tuple(steps)), discard=discard)
    return [Edited(role, tracked[role], None) for role in roles]


def untracked(text: str, roles: Sequence[str]) -> str:
    """Return the text of a model.toml without these roles of `[files]`."""
    for role in roles:
        text = toml_edit.remove_file(text, role)
    return _without_links(text, roles) if roles else text


# --- inside


def _settled(model: Model, before: str, after: str, edited: dict[schema.Path, None]) -> str:
    """Return `after` without the values that its value files and its docker image replace; add their keys to `edited`."""
    after, removed = value_edit.settle(model.repository, model.folder, after, edited.keys())
    edited.update(dict.fromkeys(key for key in removed if key not in edited))
    return _without_stale_digest(before, after, edited)


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
            if repository.recorder is not None:
                repository.recorder.text(model.key, model_file.path(folder), before, after)
            repository.tree.write(model_file.path(folder), after)
        else:
            repository.tree.touch(
                model_file.path(folder)
            )  # an interrupted command may have written it before its fsync
        if not dry_run:
            repository.tree.sync()
    return [*edits_of(before, after, looked_at)]


def edits_of(before: bytes, after: bytes, looked_at: Iterable[schema.Path]) -> tuple[Edited, ...]:
    """Return the values of the keys `looked_at` in two texts of model.toml."""
    old, new = (parse.load(data, where=model_file.NAME) for data in (before, after))
    return tuple(Edited(schema.dotted(key), _value(old, key), _value(new, key)) for key in looked_at)


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
    """Return the role of that name, or all roles of that path, or else of the files in that folder."""
    for candidate in typed.candidates(folder, below, name):
        if candidate.name in tracked:
            return [candidate.name]
        plain = candidate.name.removeprefix("./").rstrip("/")
        roles = [role for role, pattern in tracked.items() if pattern in (plain, f"{plain}/**")]
        roles = roles or [role for role, pattern in tracked.items() if plain == "." or pattern.startswith(f"{plain}/")]
        if roles and not candidate.is_role:
            return roles
    raise errors.NotTracked(name=name, roles=", ".join(tracked) or "none")


def _doomed(model: Model, folder: str, files: dict[str, str], roles: set[str], *, force: bool) -> dict[str, FileId]:
    """Return the files, relative to the root, that only `roles` track.

    Raises OnlyHere if the store cannot restore one.
    """
    repository = model.repository
    manifest = parse.parse(_read(model, folder), where=model_file.path(folder))
    values = manifest.value_paths
    scan = worktree.scan(repository.root, folder, files, values=values, follow=links.of(repository, manifest))
    repository.tree.follow(scan.followed)
    current = history.snapshot(repository, model.current)
    kept = {entry.path: entry.file for entry in current.tree.entries} if current else {}
    named = roles_by_path(files, manifest.labelmap_path)
    named |= {path: (*named.get(path, ()), section) for section, path in values.items() if section not in files}
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
