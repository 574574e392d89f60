"""The plan of a recorded version: its branch and parent, the path of each file, its values; or a refusal.

    parent's values ─ changed ─► manifest ─► rules, secrets
    role ─► its path in the options, else the parent's for it, else its own

Nothing is stored, and no file is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.model import paths
from mvc.model.ids import FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.roles import expanded
from mvc.model.toml import parse, pinned, render, rules, schema
from mvc.model.toml.rules import Problem
from mvc.model.toml.value_file import KEY
from mvc.model.tree import TreeEntry
from mvc.model.version import Version, check_message
from mvc.repository import merge_state, refnames
from mvc.repository.model import Model
from mvc.repository.record import draft
from mvc.repository.record.options import Changes, Options
from mvc.repository.worktree import globs, model_file
from mvc.storage.records.reflog import HEADS, RefEntry, RefName

OWN = ("metrics", "source")
"""Sections that are not inherited from the parent: they describe its weights and their source."""
_FIRST = ("model", "labelmap", "docker", "intent")
"""Sections of model.toml that do not describe one training."""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file at `path`, such as a temporary one; for a role that the parent lacks, its path in the version is `name`.

    Without `name`, that path is the role with the file's suffix. `id` is the content that the file must have, if it is known.
    `label` is the name in messages of a file whose path its user does not know.
    """

    path: Path
    name: str | None = None
    id: FileId | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A small file that is given as bytes; for a role that the parent lacks, its path in the version is `name`."""

    data: bytes
    name: str


Given = Path | NamedFile | Content | TreeEntry
"""A file to record: anywhere, in memory, or of an earlier version."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The branch to move and its `tip`, the parent as far as it is known, the path of each role, and the values.

    `known` are the parent's files by role.
    """

    branch: RefName
    tip: RefEntry | None
    parent: VersionId | None
    base: Version | None
    known: Mapping[str, TreeEntry]
    places: Mapping[str, str]
    manifest: Manifest
    warnings: tuple[Problem, ...]


def plan(model: Model, files: Mapping[str, Given], message: str, changes: Changes, options: Options) -> Plan:
    """Return the plan of a version of `files`; raise as `record_files` does before it reads them."""
    check_message(message)
    branch, tip, parent = _start(model, options)
    objects = model.repository.objects
    base = objects.version(parent) if parent is not None else None
    known: Mapping[str, TreeEntry] = {}
    if base is not None:
        known = expanded(objects.manifest(base.manifest), objects.tree(base.tree)).by_role
    places = dict(_places(files, known, options.names))
    manifest, removed = _manifest(model, base, changes, places)
    warnings = (*draft.check(manifest, message.strip(), allow_secret=options.allow_secret), *removed)
    return Plan(branch, tip, parent, base, known, places, manifest, warnings)


def _start(model: Model, options: Options) -> tuple[RefName, RefEntry | None, VersionId | None]:
    """Return the branch to move, its tip, and its parent as far as it is known."""
    head = model.head
    name = options.branch or head.branch
    if name is None:
        raise errors.Detached(model=model.key, version=head.at()[:10])
    if name == head.branch:
        merge_state.refuse(model)
    branch = model.ref(HEADS, name)
    tip = model.repository.refs.tip(branch)
    at = tip.new if tip is not None else None
    if at is None:
        refnames.check_new(model, HEADS, name)
    refnames.check_all(model, options.tags, options.aliases, None)
    require_tip(options, branch, at)
    return branch, tip, at or options.parent or model.current


def require_tip(options: Options, branch: RefName, at: VersionId | None) -> None:
    """Raise NotAtTip unless the requested parent is the tip: a branch only fast-forwards."""
    wanted = options.parent
    if wanted is not None and at is not None and at != wanted:
        raise errors.NotAtTip(branch=branch.name, tip=at[:10], parent=wanted[:10])


def _places(
    files: Mapping[str, Given], known: Mapping[str, TreeEntry], names: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Return the path of each role: that in `names`, else the parent's, else the role with the file's suffix.

    Roles of a file may share one.
    """
    found: dict[str, str] = {}
    for role, file in files.items():
        fault = rules.role_fault(role)
        if fault:
            raise errors.BadRole(role=paths.escape_name(role), reason=fault)
        shares = [other for other, path in found.items() if role in known and path == known[role].path]
        own = role not in known or not all(_are_same(files[other], file) for other in shares)  # shared so far only
        kept = _own_path(role, file) if own else _kept_path(known[role].path, _own_path(role, file))
        found[role] = names.get(role, kept)
        paths.check_path(found[role])
        yield role, found[role]
    owners: dict[str, str] = {}
    for role, path in found.items():
        first = owners.setdefault(path, role)
        if not _are_same(files[first], files[role]):
            raise errors.CollidingPaths(first=path, second=path)
    for one, other in paths.collisions(owners):
        raise errors.CollidingPaths(first=one, second=other)


def _manifest(
    model: Model, base: Version | None, changes: Changes, places: Mapping[str, str]
) -> tuple[Manifest, Sequence[Problem]]:
    """Return the parent's values with the changes, and the warning if that removes a pinned docker digest."""
    sections = dict(_first_sections(model)) if base is None else {}
    if base is not None:
        old = model.repository.objects.manifest(base.manifest)
        sections = {name: values for name, values in old.resolved().items() if name not in (*OWN, KEY)}
        sections["labelmap"] = {str(number): name for number, name in old.labelmap}
    new = changes.of(sections)
    removed = _remove_stale_digest(sections.get("docker", {}), new, changes)
    new["model"] = {**new.get("model", {}), "name": model.key}
    new["files"] = {role: globs.literal(path) for role, path in places.items()}
    text = render.document({name: new[name] for name in schema.MODEL_TOML.keys if new.get(name)})
    return parse.parse(text.encode(), where=model_file.NAME), removed


def _first_sections(model: Model) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the sections of model.toml that the first version of a model has, which has no parent."""
    try:
        written = parse.load(model_file.read(model.repository, model.folder) or b"", where=model_file.NAME)
    except errors.MvcError:
        return
    for name in _FIRST:
        found = written.get(name, {})
        if isinstance(found, Mapping) and not (name == "labelmap" and "path" in found):
            yield name, found


def _own_path(role: str, file: Given) -> str:
    """Return the path of a file whose role the parent lacks."""
    if isinstance(file, Content):
        return file.name
    if isinstance(file, NamedFile):
        return file.name or f"{role}{file.path.suffix}"
    return f"{role}{PurePosixPath(file.path).suffix if isinstance(file, TreeEntry) else file.suffix}"


def _kept_path(path: str, own: str) -> str:
    """Return the parent's path of a role, with the suffix of the new file if weights of another format take its place."""
    old, new = (PurePosixPath(one).suffix.lower() for one in (path, own))
    is_other = old != new and {old, new} <= {*WEIGHT_SUFFIXES}
    return str(PurePosixPath(path).with_suffix(PurePosixPath(own).suffix)) if is_other else path


def _are_same(one: Given, other: Given) -> bool:
    if isinstance(one, TreeEntry) and isinstance(other, TreeEntry):
        return (one.file, one.exec) == (other.file, other.exec)
    return one == other


def _remove_stale_digest(old: Mapping[str, Any], new: dict[str, dict[str, Any]], changes: Changes) -> Sequence[Problem]:
    """Remove the docker digest that was pinned for another image, unless it is set too; return the warning."""
    is_set = any(key == pinned.DIGEST for key, _ in changes.assignments)
    if is_set or not pinned.is_stale(old, new.get("docker", {})):
        return ()
    del new["docker"]["digest"]
    return (pinned.REMOVED,)
