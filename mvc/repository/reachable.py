"""Reachability: the versions that garbage collection keeps, with their ancestors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.model.ids import FileId, TreeId, VersionId
from mvc.model.version import Version
from mvc.repository import history
from mvc.repository.imports import unfinished
from mvc.storage import objects
from mvc.storage.records import config, journal, merges, operations, promised, stashes
from mvc.storage.records.reflog import HEADS, REFS, RefName

if TYPE_CHECKING:
    from mvc.repository.repository import Repository
    from mvc.repository.retention import dropped
    from mvc.storage.packs import gc
    from mvc.storage.packs.gc import Live
    from mvc.storage.records.unfinished import bisections
else:  # a commit checks the log only
    dropped = lazy.Module("mvc.repository.retention.dropped")
    gc = lazy.Module("mvc.storage.packs.gc")
    bisections = lazy.Module("mvc.storage.records.unfinished.bisections")

Versions = dict[VersionId, Version]
_MANIFEST = b'"kind":"manifest"'
"""In every manifest; nothing else of it counts for reachability, so it is not decoded."""
_NONE: Mapping[VersionId, Version] = MappingProxyType({})


class Root(NamedTuple):
    """A version that is kept: by a ref or a head (no `cause`), or else by that cause, for a reflog entry made at `at`."""

    version: VersionId
    cause: str = ""
    at: int | None = None


def reachable(repository: Repository, since: int) -> Versions:
    """Return the reachable versions, with all their ancestors.

    Roots are refs, heads, an interrupted change, merges and bisects in progress, stashes, detached heads of operations, and entries of
    ref logs made after `since`, in seconds since 1970. Raises Missing, Damaged.
    """
    ids = [root.version for root in roots(repository, since)]
    return history.reachable(ids, repository.objects.version, repository.objects.parents)


def roots(repository: Repository, since: int) -> list[Root]:
    """Return what keeps versions reachable. Raises as `reachable`."""
    named = [*_heads(repository), *_named(repository, since), *_pending(repository), *_merging(repository)]
    return [*named, *_bisected(repository), *_stashed(repository), *_of_operations(repository)]


def young(repository: Repository, versions: Versions, cutoff: int) -> Versions:
    """Return the other young loose versions, with their present ancestors; they stay, too, with their files.

    Young ones are not older than `cutoff`, in nanoseconds since 1970.
    """
    door = repository.door
    ids = set(repository.objects.loose()).difference(versions)
    for version in versions.values():  # these are no versions: `live` checks it
        ids -= {version.manifest, version.tree}
    roots = [VersionId(id_) for id_ in sorted(ids) if door.stat(objects.path(id_)).mtime_ns >= cutoff]
    return history.reachable(
        roots, lambda id_: None if id_ in versions else _readable(repository, id_), repository.objects.parents
    )


def live(repository: Repository, versions: Versions, spared: Versions, drop: promised.Dropped | None = None) -> Live:
    """Return the objects and files that `versions` need, and the present ones that `spared` need.

    The bytes of dropped versions are not needed: those of the records, or else of `drop`. Raises Missing, Damaged.
    """
    _check_operations(repository)
    recorded = drop or promised.dropped(repository.door)
    every = {**versions, **spared}
    ids: set[str] = {*versions, *spared}
    files: set[FileId] = set()
    trees: set[TreeId] = set()
    for version in versions.values():
        if _MANIFEST not in repository.objects.read(version.manifest, "manifest"):
            raise errors.Damaged(what=f"manifest {version.manifest}", reason="it is an object of another kind")
        ids |= {version.manifest, version.tree}
        files.add(version.model_toml)
        if version.tree not in trees:  # most versions have the tree of another one
            trees.add(version.tree)
            files |= _files(repository, version)
    extra: set[FileId] = set()
    for version in spared.values():
        ids |= {version.manifest, version.tree}
        try:
            extra |= _files(repository, version)
        except errors.Damaged:
            extra.add(version.model_toml)
    staged = held(repository)
    if not recorded.versions:
        return gc.Live(ids, files, extra | staged)
    gone = dropped.files(repository, every, recorded) - staged
    groups = dropped.groups(repository, versions, gone) if gone else ()
    return gc.Live(ids, files | (gone & extra), (extra | staged) - gone, gone, groups)


def check_log(repository: Repository, model: str) -> None:
    """Raise LogLost if the log of the current branch of `model` was lost; before its first commit there is none, either."""
    found = lost(repository, model)
    if found:
        branch = repository.head(model).branch
        newest = history.label(repository, found[0])
        raise errors.LogLost(branch=branch, model=model, count=len(found), newest=newest, id=found[0][:10])


def lost(repository: Repository, model: str) -> list[VersionId]:
    """Return the versions that prove the log of the current branch of `model` lost, newest first; [] if it is not.

    A version is committed on a tip, so one whose parent is here had a log. A first version alone proves nothing while
    `refs` is there: an interrupted first commit leaves one. Nor does a version in a metadata pack: an interrupted clone
    or fetch has it before any ref; nor do versions of an import in progress.
    """
    head = repository.heads.get(model)
    if head is None or head.branch is None or repository.refs.numbers(RefName(model, HEADS, head.branch)):
        return []
    if unfinished.exists(repository.door, model):
        return []
    versions = all_versions(repository)
    logged = {id_ for ref in _logs(repository) for entry in _readable_entries(repository, ref) for id_ in entry if id_}
    for id_ in history.reachable(logged, versions.get):
        del versions[id_]
    found = {id_ for id_ in map(VersionId, repository.objects.loose()) if id_ in versions}
    if repository.door.exists(REFS):
        links = [(id_, parent) for id_ in found for parent in versions[id_].parents if parent in versions]
        found = {id_ for link in links for id_ in link}
    own = [id_ for id_ in found if _name(repository, versions[id_]) == model]
    return sorted(own, key=lambda id_: (-versions[id_].number, id_))


def all_versions(repository: Repository, known: Mapping[VersionId, Version] = _NONE) -> Versions:
    """Return every version that is here, reachable or not; those that are `known` are not read again."""
    ids = {*repository.objects.loose(), *repository.metapacks.object_ids()}.difference(known)
    for version in known.values():
        ids -= {version.manifest, version.tree}
    found = ((VersionId(id_), _readable(repository, VersionId(id_))) for id_ in ids)
    return {**known, **{id_: version for id_, version in found if version is not None}}


def _readable_entries(repository: Repository, ref: RefName) -> Iterator[tuple[VersionId | None, VersionId | None]]:
    """Yield the old and the new version of each entry of a log that can be read."""
    for number in repository.refs.numbers(ref):
        with contextlib.suppress(errors.Damaged):
            entry = repository.refs.entry(ref, number)
            yield entry.old, entry.new


def _name(repository: Repository, version: Version) -> str | None:
    """Return the name of the model that a version was committed with; None if its manifest cannot be read."""
    try:
        return repository.objects.manifest(version.manifest).name
    except errors.MvcError:
        return None


def _files(repository: Repository, version: Version) -> set[FileId]:
    return {version.model_toml, *(entry.file for entry in repository.objects.tree(version.tree).entries)}


def _heads(repository: Repository) -> Iterator[Root]:
    for model in {*repository.refs.models(), *repository.heads.models()}:
        head = repository.heads.get(model)
        if head is None:  # it may be the only ref to a version
            raise errors.Missing(what="the head of", id=model)
        check_log(repository, model)
        if head.version is not None:
            yield Root(head.version)


def _named(repository: Repository, since: int) -> Iterator[Root]:
    """Yield the version of each ref, and the present versions of its entries made after `since`."""
    for ref in _logs(repository):
        moves = repository.refs.moves(ref)
        _check(ref, [move.seq for move in moves])
        yield from (Root(move.new) for move in moves[-1:] if move.new is not None)
        recent = {id_: move.seconds for move in moves if move.seconds > since for id_ in (move.old, move.new) if id_}
        for id_, seconds in recent.items():
            if _is_here(repository, id_):
                yield Root(id_, f"the reflog of {ref.name}", seconds)


def _logs(repository: Repository) -> Iterator[RefName]:
    refs = repository.refs
    for model in refs.models():
        for kind in refs.kinds(model):
            yield from refs.all(model, kind)


def _check(ref: RefName, numbers: list[int]) -> None:
    """Raise Damaged if an entry of a log is missing, as it may be the only one that names a version."""
    if numbers != list(range(1, len(numbers) + 1)):
        raise errors.Damaged(what=f"the log of {ref.text} of {ref.model}", reason="an entry is missing from it")


def _pending(repository: Repository) -> Iterator[Root]:
    pending = journal.pending(repository.door)
    if pending is not None:
        cause = f"an interrupted {pending.verb}"
        yield from (Root(step.entry.new, cause) for step in pending.refs if step.entry.new is not None)
        yield from (Root(pending.head.version, cause),) if pending.head is not None and pending.head.version else ()


def _merging(repository: Repository) -> Iterator[Root]:
    pending = journal.pending(repository.door)
    states = [merges.recorded(repository.door, model) for model in merges.models(repository.door)]
    for state in [*states, pending.merge if pending is not None else None]:
        if state is not None:
            ids = (id_ for id_ in (state.base, state.ours, state.theirs) if _is_here(repository, id_))
            yield from (Root(id_, "a merge in progress") for id_ in ids)


def _bisected(repository: Repository) -> Iterator[Root]:
    for model in bisections.models(repository.door):
        state = bisections.recorded(repository.door, model)
        ids = dict.fromkeys(mark.version for mark in state.marks) if state is not None else ()
        yield from (Root(id_, "a bisect in progress") for id_ in ids if _is_here(repository, id_))


def _stashed(repository: Repository) -> Iterator[Root]:
    for model in stashes.models(repository.door):
        entries = stashes.standing(stashes.read(repository.door, model))
        yield from (Root(entry.version, "a stash") for entry in entries if entry.version is not None)


def held(repository: Repository) -> set[FileId]:
    """Return the files that no version holds: of an interrupted change, and of edits that `mvc undo` restores."""
    return _staged(repository) | _kept(repository)


def _staged(repository: Repository) -> set[FileId]:
    """Return the files that an interrupted change is about to write."""
    pending = journal.pending(repository.door)
    return {step.file for step in pending.files if step.file is not None} if pending is not None else set()


def _of_operations(repository: Repository) -> Iterator[Root]:
    """Yield the versions to which the undo of an operation detaches HEAD."""
    for record in operations.sound(repository.door).values():
        for head in (record.head, record.head_after):
            if head is not None and head.version is not None and _is_here(repository, head.version):
                yield Root(head.version, "an operation", record.at.seconds)


def _kept(repository: Repository) -> set[FileId]:
    """Return the files that operations kept for `mvc undo`."""
    return {file for record in operations.sound(repository.door).values() for file in record.kept}


def _check_operations(repository: Repository) -> None:
    """Raise Damaged for an operation that cannot be read if one keeps edits: it may be the only one that names them."""
    door = repository.door
    if config.requires(door, config.OPERATIONS):
        for number in operations.numbers(door):
            with contextlib.suppress(FileNotFoundError):  # it has expired since
                operations.read(door, number)


def _is_here(repository: Repository, id_: VersionId) -> bool:
    try:
        repository.objects.version(id_)
    except errors.Missing:
        return False
    return True


def _readable(repository: Repository, id_: VersionId) -> Version | None:
    try:
        return repository.objects.version(id_)
    except errors.MvcError:  # damaged, or an object of another kind
        return None
