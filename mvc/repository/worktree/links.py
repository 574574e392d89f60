"""Followed links: a symbolic link in the working tree whose target's content is stored in the version.

    last.ckpt -> epoch=3.ckpt          versioned as last.ckpt, with the bytes of epoch=3.ckpt
    model.bin -> ../../blobs/4f1c…     likewise, once the user allowed this repository to read files outside

`model.follow_links` lists the roles whose links are followed. A link to a folder, a broken link, and a loop are errors.
Only reads follow a link: a write replaces the link itself.
"""

from __future__ import annotations

import errno
import os
import stat as stat_module
from typing import NamedTuple

from mvc import errors
from mvc.model import credential_names, paths
from mvc.model.ids import FileId
from mvc.model.manifest import Manifest
from mvc.repository.parts import Parts
from mvc.storage.disk import hashing

KEY = ("model", "follow_links")
OUTSIDE = "links.outside"
"""The user's setting that lists the repositories whose links may point outside of them."""


class Follow(NamedTuple):
    """The roles whose links are followed, and whether they may point out of the repository."""

    roles: frozenset[str] = frozenset()
    outside: bool = False


NONE = Follow()
"""No link is followed."""


def of(repository: Parts, manifest: Manifest) -> Follow:
    """Return the links that a manifest and the user's settings allow."""
    roles = frozenset(manifest.model.get(KEY[1], ()))
    return Follow(roles, bool(roles) and is_approved(repository))


def is_approved(repository: Parts) -> bool:
    """Return whether the user allowed this repository to read files outside through its links."""
    return os.path.realpath(repository.root) in _approved(repository)


def approve(repository: Parts) -> None:
    """Allow this repository, in the user's settings, to read files outside through its links."""
    if not is_approved(repository):
        roots = [*_approved(repository), os.path.realpath(repository.root)]
        repository.config.set(OUTSIDE, os.pathsep.join(roots), user=True)


def is_outside(root: str, target: str) -> bool:
    """Return whether the resolved path `target` is outside the repository at `root`."""
    return not target.startswith(f"{os.path.realpath(root)}/")


def resolve(root: str, place: str, path: str, *, outside: bool) -> tuple[str, os.stat_result]:
    """Return the resolved path and the stat of the file that the link at `place`, named `path`, points to.

    Raises BrokenLink, LinkOutside, NotRegularFile, UnsafePath.
    """
    shown = paths.escape_name(path)
    try:
        target = os.path.realpath(place, strict=True)
        status = os.stat(target)
    except OSError as error:
        reason = "the links form a loop" if error.errno == errno.ELOOP else str(error.strerror)
        raise errors.BrokenLink(path=shown, target=paths.escape_name(os.readlink(place)), reason=reason) from None
    if not stat_module.S_ISREG(status.st_mode):
        kind = "a folder" if stat_module.S_ISDIR(status.st_mode) else "a special file"
        raise errors.NotRegularFile(path=shown, kind=f"a symbolic link to {kind}")
    if any(map(paths.is_reserved, target.split("/"))):
        raise errors.UnsafePath(path=shown, reason="it is a link into a version control folder (such as .git)")
    if credential_names.is_path(target):
        raise errors.UnsafePath(path=shown, reason="it is a link to a file that looks like credentials")
    if is_outside(root, target) and not outside:
        raise errors.LinkOutside(path=shown, target=paths.escape_name(target))
    return target, status


def content(repository: Parts, path: str) -> FileId | None:
    """Return the id of the target of the link at `path`, from the root; None unless it is a file.

    It is read for a comparison, and not stored.
    """
    root = os.fspath(repository.root)
    try:
        target, _ = resolve(root, f"{root}/{path}", path, outside=True)
        fd = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (errors.MvcError, OSError):
        return None
    try:
        return hashing.file_id(fd) if stat_module.S_ISREG(os.fstat(fd).st_mode) else None
    finally:
        os.close(fd)


def _approved(repository: Parts) -> list[str]:
    text = repository.config.get(OUTSIDE)
    return str(text).split(os.pathsep) if text else []
