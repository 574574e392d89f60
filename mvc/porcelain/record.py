"""`mvc record`: a version of files anywhere, and of a recording that failed before.

record   files, values ─► plan ─► stored ─► version ─► branch              no working tree, no HEAD
resume   request ─► recorded already? ─ yes ─► the refs that it lacks
                         └─ no ─► the files are those that are meant ─► record
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import paths
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.roles import expanded
from mvc.model.toml.rules import Problem
from mvc.model.tree import TreeEntry
from mvc.repository import history, refnames
from mvc.repository.model import Model
from mvc.repository.record import plan as plans
from mvc.repository.record.files import Recorded, record_files
from mvc.repository.record.options import Changes, CodeOf, Options
from mvc.repository.record.plan import Content, Given, NamedFile
from mvc.repository.record.request import RecordRequest, RequestedFile
from mvc.repository.repository import Actor, writes
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS


@writes
def record(
    model: Model,
    files: Mapping[str, Given],
    message: str,
    actor: Actor,
    *,
    changes: Changes | None = None,
    options: Options | None = None,
    code: CodeOf = lambda _: None,
    progress: Progress | None = None,
) -> Recorded:
    """Create a version of `files` by role, and move a branch to it. Raises as `record_files`."""
    return record_files(model, files, message, actor, changes=changes, options=options, code=code, progress=progress)


class _RecordedError(Exception):
    """Another command recorded the same request meanwhile."""

    def __init__(self, known: VersionId) -> None:
        self.known = known


@writes
def resume(
    model: Model,
    request: RecordRequest,
    actor: Actor,
    *,
    options: Options | None = None,
    changed: Collection[str] = (),
    progress: Progress | None = None,
) -> Recorded:
    """Record a request, unless a version of the model is what it asks for; set the refs that this version lacks.

    `options` replace those of the request. Files of the roles `changed` are recorded as they are now. Raises FileReplaced,
    BadRole, and as `record_files`.
    """
    chosen = options or request.options
    for role in changed:
        if role not in request.files:
            raise errors.BadRole(role=paths.escape_name(role), reason="the request has no file with this role")
    given = {role: RequestedFile(file.path) if role in changed else file for role, file in request.files.items()}
    wanted = {role: file.settled() for role, file in given.items()}

    def known() -> VersionId | None:
        return next(_versions(model, request, wanted), None)

    def unless() -> None:
        found = known()
        if found is not None:
            raise _RecordedError(found)

    try:
        unless()
        for role, file in wanted.items():
            if file.id is None and file.stamp is not None:
                raise errors.FileReplaced(path=paths.escape_name(os.fspath(file.path)), role=role)
        return record_files(
            model,
            {role: NamedFile(file.path, id=wanted[role].id if file.stamp else file.id) for role, file in given.items()},
            request.message,
            actor,
            changes=request.changes,
            options=replace(chosen, author=request.author, date=request.time),
            code=lambda _: request.code,
            progress=progress,
            unless=unless,
        )
    except _RecordedError as error:
        return _recorded_before(model, error.known, chosen, actor)
    except errors.NamesNotSet:
        raise
    except errors.RefRejected:  # such as its own tag, which another command has just created
        found = known()
        if found is None:
            raise
        return _recorded_before(model, found, chosen, actor)


@dataclass(frozen=True, slots=True)
class PlannedFile(Document):
    """A file that would be recorded: its path in the version, and its source: a path, or a version's file."""

    KEYS = keys("role path source")

    role: str
    path: str
    source: str


@dataclass(frozen=True, slots=True)
class Planned(Document):
    """The version that would be recorded."""

    KEYS = keys("model branch parent files warnings")

    model: str
    branch: str
    parent: VersionId | None
    files: tuple[PlannedFile, ...]
    warnings: tuple[Problem, ...]


def plan(
    model: Model,
    files: Mapping[str, Given],
    message: str,
    *,
    changes: Changes | None = None,
    options: Options | None = None,
) -> Planned:
    """Return what `record` would do; raise as it does before it reads a file."""
    found = plans.plan(model, files, message, changes or Changes(), options or Options())
    planned = (PlannedFile(role, path, _source(files[role])) for role, path in found.places.items())
    return Planned(model.key, found.branch.name, found.parent, tuple(planned), found.warnings)


def parent_values(model: Model, options: Options) -> Manifest:
    """Return the values that a recorded version inherits: those of the parent, without one only the model's name."""
    tip = model.target(HEADS, options.branch) if options.branch is not None else None
    parent = tip or options.parent or model.current
    objects = model.repository.objects
    return objects.manifest(objects.version(parent).manifest) if parent is not None else Manifest({"name": model.key})


# --- inside


def _source(file: Given) -> str:
    if isinstance(file, TreeEntry):
        return file.file
    if isinstance(file, Content):
        return "this process"
    path = file.path if isinstance(file, NamedFile) else file
    return os.path.join(os.path.realpath(path.parent), path.name) if ".." in path.parts else os.fspath(path)


def _versions(model: Model, request: RecordRequest, files: Mapping[str, RequestedFile]) -> Iterator[VersionId]:
    """Yield the versions that are what `request` asks for: its author, time, message, metrics, and the content by role.

    The content of a file that has changed since is not known: any is what the request asks for.
    """
    objects = model.repository.objects
    metrics = {key: value for (section, key, *_), value in request.changes.assignments if section == "metrics"}
    contents = {role: file.id for role, file in files.items() if file.id is not None or file.stamp is None}
    for id_, version in history.walk(objects, history.tips(model)):
        if (version.author, version.time, version.message) != (request.author, request.time, request.message.strip()):
            continue
        manifest = objects.manifest(version.manifest)
        tree = expanded(manifest, objects.tree(version.tree))
        stored = {role: entry.file for role, entry in tree.by_role.items()}
        if manifest.metrics == metrics and stored.keys() == files.keys() and contents.items() <= stored.items():
            yield id_


def _recorded_before(model: Model, known: VersionId, options: Options, actor: Actor) -> Recorded:
    """Set the tags and aliases that never pointed to a version, and return it."""
    repository = model.repository
    version = repository.objects.version(known)
    tags = [name for name in options.tags if not _pointed(model, TAGS, name, known)]
    aliases = [name for name in options.aliases if not _pointed(model, ALIASES, name, known)]
    named = refnames.set_all(model, known, tags, aliases, actor)
    entries = repository.objects.tree(version.tree).entries
    return Recorded(
        known,
        version,
        model.key,
        _branch(model, known, options),
        0,
        sum(entry.size for entry in entries),
        named=named,
        files=entries,
        created=False,
    )


def _pointed(model: Model, kind: str, name: str, version: VersionId) -> bool:
    """Return whether a ref is or was at a version: one that was moved since stays where it is."""
    return any(entry.new == version for entry in model.repository.refs.entries(model.ref(kind, name)))


def _branch(model: Model, known: VersionId, options: Options) -> str:
    """Return a branch that has the version: the requested one, else the first by name."""
    objects = model.repository.objects
    names: Sequence[str] = [*filter(None, [options.branch]), *model.names(HEADS)]
    tips = ((name, model.target(HEADS, name)) for name in names)
    return next((name for name, tip in tips if tip is not None and history.is_ancestor(objects, known, tip)), "")
