"""A version on a remote and its files, found in the metadata that a store has of it.

metadata ─► version ─► tree, model.toml ─► by role, path or pattern: `selected`
                                        └► exactly those of a lock file: `locked`
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.model import paths, roles
from mvc.model.ids import SHORT, FileId, VersionId
from mvc.model.paths import escape_name
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.remotes import expiries
from mvc.remotes.inventory import Inventory
from mvc.remotes.remote import Remote
from mvc.repository import history
from mvc.repository.repository import Repository
from mvc.repository.retention import dropped
from mvc.repository.worktree import model_file
from mvc.storage.records.promised import Dropped
from mvc.transport import lockfile, remote_revision
from mvc.transport.download_target import STATE
from mvc.transport.lockfile import Lock
from mvc.transport.remote_revision import RemoteRefNames


class RemoteVersion(NamedTuple):
    """A version of a model, and some of its files, model.toml among them.

    `by_role` are the same files with the roles that were asked for: a file with two of them occurs twice.
    """

    model: str
    id: VersionId
    number: int
    files: tuple[TreeEntry, ...]
    by_role: tuple[TreeEntry, ...] = ()


def with_metadata(repository: Repository, remote: Remote, find: Callable[[], RemoteVersion]) -> RemoteVersion:
    """Return the version that `find` finds in the metadata; fetch that again if a compaction moved it meanwhile."""
    Inventory(repository, remote.backend, remote.jobs)
    with contextlib.suppress(errors.Missing):
        return find()
    again = Inventory(repository, remote.backend, remote.jobs)
    try:
        return find()
    except errors.Missing:
        for error in again.damaged.values():
            raise error from None
        raise


def selected(
    repository: Repository,
    remote: Remote,
    refs: RemoteRefNames,
    revision: str,
    names: Sequence[str],
) -> RemoteVersion:
    """Return the version that `revision` names, with the files that `names` select; none select all.

    Raises UnknownRevision and the like, NotInRemoteVersion, Missing, Damaged, UnsafePath, UnportablePath.
    """
    id_ = refs.resolve(repository, revision)
    whole = _whole(repository, remote, refs.model, id_)
    served = _served(repository, whole)
    chosen: set[str] = set()
    for name in names:
        selected = {entry.path for entry in served if roles.selects(name, entry)}
        if not selected:
            known = ", ".join(entry.role for entry in served)
            raise errors.NotInRemoteVersion(version=history.label(repository, id_), name=name, known=known)
        chosen |= selected
    files = tuple(entry for entry in whole.files if entry.path in chosen) if names else whole.files
    exact = tuple(entry for entry in served if entry.role in names)
    paths_of_exact = {entry.path for entry in exact}
    return whole._replace(
        files=files, by_role=(*exact, *(entry for entry in files if entry.path not in paths_of_exact))
    )


def locked(repository: Repository, remote: Remote, lock: Lock, path: Path) -> RemoteVersion:
    """Return the version and the files of the lock file at `path`. Raises LockMismatch, Missing, Damaged."""

    def mismatch(reason: str) -> errors.LockMismatch:
        return errors.LockMismatch(remote=remote.backend.where, lock=path, reason=reason)

    try:
        whole = _whole(repository, remote, lock.model, lock.version)
    except errors.NotCanonical:
        raise mismatch(f"{lock.version[:SHORT]} is not a version") from None
    except errors.Missing as error:
        if error.fields.get("id") != lock.version:
            raise
        raise mismatch(f"it has no version {lock.version[:SHORT]}") from None
    known = {entry._replace(exec=False): entry for entry in _served(repository, whole)}
    for entry in lock.files:
        if entry not in known:
            reason = f"{escape_name(entry.path)} of version {lock.version[:SHORT]} is another file, or has another role"
            raise mismatch(reason)
    chosen = {entry.path for entry in lock.files}
    files = tuple(entry for entry in whole.files if entry.path in chosen)
    return whole._replace(files=files, by_role=tuple(known[entry] for entry in lock.files))


def check_dropped(repository: Repository, remote: Remote, version: RemoteVersion, chunk: object) -> None:
    """Raise ExpiredThere if the remote lacks `chunk` because `version` dropped a file with it there.

    `repository` has the metadata of the remote. Raises Damaged, and errors of the remote.
    """
    recorded = Dropped(expiries.read(remote.backend))
    for entry in version.files:
        record = recorded.record(version.id, entry.file)
        if record is None or chunk not in _chunks(repository, entry.file):
            continue
        raise errors.ExpiredThere(
            file=escape_name(entry.path),
            remote=remote.backend.where,
            by=record.by,
            at=record.at.local().strftime("%Y-%m-%d"),
            reason=record.reason,
            nearest=_nearest(repository, remote, version, recorded),
        )


def _chunks(repository: Repository, file: FileId) -> Collection[str]:
    return {chunk for recipe in repository.recipes.for_file(file) for chunk, _ in recipe.chunks}


def _nearest(repository: Repository, remote: Remote, version: RemoteVersion, recorded: Dropped) -> str:
    """Return a sentence that names the version nearest to `version` of which the remote dropped no file."""

    def is_complete(id_: VersionId, found: Version) -> bool:
        return not any(recorded.record(id_, entry.file) for entry in repository.objects.tree(found.tree).entries)

    refs = remote_revision.sound_refs(remote)
    tips = [remote.refs.at(ref, seq).new for ref, seq in refs.items() if ref.model == version.model]
    here = [tip for tip in tips if tip is not None and repository.objects.has(tip)]
    near = dropped.nearest(repository, here, version.id, is_complete)
    if near is None:
        return "No version is complete there."
    return f"The nearest version that is complete there is {history.label(repository, near)}: name it by {near[:10]}."


def _whole(repository: Repository, remote: Remote, model: str, id_: VersionId) -> RemoteVersion:
    """Return a version with all files, its model.toml first. Raises Missing, Damaged, UnsafePath and the like."""
    version = repository.objects.version(id_)
    toml = TreeEntry(model_file.NAME, model_file.NAME, 0, version.model_toml)
    recipe = next(iter(repository.recipes.for_file(toml.file)), None)
    if recipe is None:
        raise errors.MissingThere(remote=remote.backend.where, what="the recipe of file", id=toml.file)
    files = (toml._replace(size=recipe.size), *repository.objects.tree(version.tree).entries)
    lockfile.check_paths(files)
    for entry in files:
        if paths.fold(entry.path.partition("/")[0]) == STATE:
            raise errors.UnsafePath(path=entry.path, reason="it is where a download keeps what it has fetched")
    return RemoteVersion(model, id_, version.number, files)


def _served(repository: Repository, whole: RemoteVersion) -> list[TreeEntry]:
    """Return an entry for each role of the files."""
    version = repository.objects.version(whole.id)
    toml, *entries = whole.files
    return [toml, *roles.expanded(repository.objects.manifest(version.manifest), Tree(tuple(entries))).entries]
