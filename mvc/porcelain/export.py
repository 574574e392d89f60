"""`mvc export`: the files of a version in a plain folder, each verified while it is written, or before it is shared.

--link: chunks ─ decode ─► cache/files ─ verify ─► reflink or hard link in the folder
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import paths
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.tree import Tree, TreeEntry
from mvc.porcelain import attest
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.repository.signatures.oms import FILE, IGNORED, OmsKey, bundle, statement
from mvc.repository.worktree import model_file
from mvc.storage.chunks.recipes import MAX_INLINE
from mvc.storage.decoded import DecodedFiles, Progress
from mvc.storage.disk.exportdoor import HARD, ExportDoor, Link, outside_store
from mvc.transport import promises


@dataclass(frozen=True, slots=True)
class Exported(Document):
    """The folder written, the number of files, and their bytes.

    `linked` of the files share their bytes with the cache; `copied` is the reason if none could. `signature` is the name of
    the file with the OMS signature, `attestations` that of the file with the attestations, None for none.
    """

    KEYS = keys("version directory files bytes_total=bytes linked copied signature attestations")

    version: VersionId
    directory: Path
    files: int
    bytes: int
    linked: int = 0
    copied: str | None = None
    signature: str | None = None
    attestations: str | None = None


def export(
    model: Model,
    id_: VersionId,
    directory: Path,
    *,
    link: Link | None = None,
    oms: OmsKey | None = None,
    attestations: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write the files of version `id_` and its model.toml to `directory`, which must be absent or empty.

    With `link`, files of more than 16 KiB share their bytes with a cache of decoded files: by reflinks, or by copies where
    the file system has none; or by read-only hard links. With `oms`, the folder has a signature of all its files; with `attestations`, a file with those of the version. The folder is built under a temporary name and renamed last, so
    it is complete or absent. Raises InsideStore, NotEmpty, Damaged, UnportablePath, NotWritable, DiskFailed; CannotLink
    for links that cannot be made, FileChanged if a cached file is edited meanwhile, NotForOms, NotAttested.
    """
    repository = model.repository
    version = repository.objects.version(id_)
    tree = repository.objects.tree(version.tree)
    check_target(tree, directory)
    envelopes = _envelopes(model, id_, tree) if attestations else None
    if oms is not None:
        _check_signable(model, id_, tree)
    promises.ensure_version_present(repository, id_)
    linked = 0
    with ExportDoor(directory) as door:
        copied = None if link is None else _reason_to_copy(repository, door, link, directory)
        cache = DecodedFiles(repository.door, repository.extract) if link is not None and copied is None else None
        for entry in tree.entries:
            if cache is not None and link is not None and entry.size > MAX_INLINE:
                try:
                    _share(cache, door, entry, link, progress)
                except OSError as error:  # too many links, a file of another user, no space
                    raise _cannot_link(repository, directory, error.strerror or str(error)) from error
                linked += 1
            else:
                with door.file(entry.path, executable=entry.exec) as temporary:
                    repository.extract.to_temporary(entry.file, temporary, progress=progress)
        with door.file(model_file.NAME, executable=False) as temporary:
            temporary.write(model_file.of_version(repository, version, model.key))
        added = [model_file.NAME]
        if envelopes is not None:
            with door.file(attest.FILE, executable=False) as temporary:
                temporary.write(envelopes)
            added.append(attest.FILE)
        if oms is not None:
            _sign(door, id_, directory, [*(entry.path for entry in tree.entries), *added], oms)
        door.finish()
    return Exported(
        id_,
        directory,
        len(tree.entries),
        sum(entry.size for entry in tree.entries),
        linked,
        copied,
        FILE if oms else None,
        attest.FILE if envelopes is not None else None,
    )


def _envelopes(model: Model, id_: VersionId, tree: Tree) -> bytes:
    """Return the content of the file of attestations. Raises CollidingPaths for a file in its place, NotAttested."""
    if attest.FILE in tree.by_path:
        raise errors.CollidingPaths(first=attest.FILE, second="the file of attestations")
    return attest.lines(model, id_)


def _check_signable(model: Model, id_: VersionId, tree: Tree) -> None:
    """Raise NotForOms for a file that verifiers would ignore, or that has the place of the signature."""
    for entry in tree.entries:
        if entry.path.partition("/")[0] in (*IGNORED, FILE):
            raise errors.NotForOms(version=history.label(model.repository, id_), path=entry.path)


def _sign(door: ExportDoor, id_: VersionId, directory: Path, files: Sequence[str], key: OmsKey) -> None:
    """Write the signature of the files."""
    digests = {path: door.sha256(path) for path in files}
    payload = statement(directory.name, digests, {model_file.NAME: {"mvc.version": id_}})
    with door.file(FILE, executable=False) as temporary:
        temporary.write(bundle(payload, key))


def _reason_to_copy(repository: Repository, door: ExportDoor, link: Link, directory: Path) -> str | None:
    """Return why files must be copied; None if they can be shared. Raises CannotLink, ReadOnlyStore for hard links."""
    try:
        repository.door.sweep()  # of killed exports, which may have left files as large as the version's
        reason = door.cannot_share(repository.door, link)
    except errors.ReadOnlyStore as error:
        if link == HARD:
            raise
        return error.message.rstrip(".")
    if reason is not None and link == HARD:
        raise _cannot_link(repository, directory, reason)
    return reason


def _cannot_link(repository: Repository, directory: Path, reason: str) -> errors.CannotLink:
    return errors.CannotLink(path=directory, store=repository.door.root, reason=reason)


def _share(cache: DecodedFiles, door: ExportDoor, entry: TreeEntry, link: Link, progress: Progress | None) -> None:
    """Put a file of the cache into the folder, by a link of that kind."""
    is_link = link == HARD
    share = partial(cache.share, entry.file, executable=entry.exec, is_link=is_link, progress=progress)
    if is_link:
        share(lambda fd, source: door.link(entry.path, source, fd))
        return
    with door.file(entry.path, executable=entry.exec) as temporary:
        share(lambda fd, _: temporary.clone(fd))


def check_target(tree: Tree, directory: Path) -> None:
    """Raise unless `directory` is absent or empty, outside of a store, and can have every file of `tree`.

    Raises InsideStore, NotEmpty, UnportablePath, UnsafePath, CollidingPaths.
    """
    outside_store(directory)
    for entry in tree.entries:
        paths.check_path(entry.path)
    for first, second in paths.collisions(entry.path for entry in tree.entries):
        raise errors.CollidingPaths(first=first, second=second)
    if os.path.lexists(directory) and (not directory.is_dir() or any(directory.iterdir())):
        raise errors.NotEmpty(path=directory)
