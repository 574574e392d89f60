"""One remote: the file `format` that marks a store as an mvc remote, its check and its upgrade.

format     {"hash":"blake3","kind":"remote","requires":["cast","delta","planes"],"sum":…,"v":1}
packs/ meta/ refs/ intents/ gc/ probe/

Writers use only encodings whose feature is in `requires`. `upgrade` adds those that this version knows.
"""

from __future__ import annotations

import os
from typing import NoReturn

from mvc import errors
from mvc.deferred import dataclass
from mvc.remotes.backends.backend import Backend
from mvc.remotes.refs import Pause, RemoteRefs
from mvc.storage.chunks import encodings
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.primitives import STORE
from mvc.storage.records import sealed, unknown_features

NAME = "format"
VERSION = 1
FEATURES = sorted(set(encodings.FEATURES.values()))
"""Features of the encodings that this version may write; the record of a new remote lists them all."""
JOBS = 4
"""Concurrent transfers by default."""
_MAX = 64 * 1024
_OWN = ("intents/", "gc/", "probe/")
"""Folders that may exist before the record."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote, by its name in this repository: `jobs` concurrent transfers, `pause` between attempts to move a ref.

    `limit` is the rate limit of its backend in bytes a second, None for none.
    """

    name: str
    backend: Backend
    pause: Pause
    jobs: int = JOBS
    limit: float | None = None

    @property
    def refs(self) -> RemoteRefs:
        """The refs of the remote."""
        return RemoteRefs(self.backend, self.pause)


def check(backend: Backend) -> None:
    """Raise NoRemoteYet, NoRemoteFolder, IsRepository, NotARemote, NewerFormat or UnknownFeature if it cannot be read."""
    features(backend)


def features(backend: Backend) -> frozenset[str]:
    """Return the features that the record lists: entries that need another one must not be uploaded. Raises as `check`."""
    data = _read(backend)
    if data is None:
        _refuse(backend)
    try:
        record = sealed.unseal(data, what=NAME, kind="remote")
    except errors.Damaged as error:
        raise errors.FormatDamaged(remote=backend.where, reason=error.fields["reason"]) from error
    if record.get("v") != VERSION or record.get("hash") != "blake3":
        raise errors.NewerFormat(found=record.get("v"), known=VERSION)
    requires = record.get("requires")
    if not isinstance(requires, list) or not set(map(str, requires)) <= set(FEATURES):
        raise unknown_features.error(requires, FEATURES, where=backend.where)
    return frozenset(requires)


def _refuse(backend: Backend) -> NoReturn:
    """Raise the error for a store without the record."""
    others = [each.name for each in backend.list("") if not each.name.startswith(_OWN)]
    if any(name.startswith(f"{STORE}/") for name in others):
        raise errors.IsRepository(remote=backend.where)
    if others:
        raise errors.NotARemote(remote=backend.where)
    if os.path.isabs(backend.where) and not os.path.isdir(backend.where):
        raise errors.NoRemoteFolder(remote=backend.where)
    raise errors.NoRemoteYet(remote=backend.where)


def begin(backend: Backend) -> None:
    """Make an empty store a remote. Raises as `check`."""
    try:
        check(backend)
    except errors.NoRemoteYet:
        mark(backend)


def mark(backend: Backend) -> None:
    """Create the record that makes a store a remote. Raises as `check`."""
    backend.create(NAME, _record())
    check(backend)  # another client may have been first, or the answer was lost


def upgrade(backend: Backend, door: StoreDoor) -> frozenset[str]:
    """Replace the record by one with all FEATURES; return those that are new. `door` is that of the local store.

    The only file of a remote that is ever replaced. Raises RemoteDenied for a key that may neither overwrite nor delete,
    and as `check`.
    """
    new = frozenset(FEATURES) - features(backend)
    if new:
        _replace(backend, door)
        if features(backend) != set(FEATURES):
            raise errors.RemoteDenied(remote=backend.where, reason=f"its file `{NAME}` was not replaced")
    return new


def _replace(backend: Backend, door: StoreDoor) -> None:
    temporary = door.temporary()
    try:
        temporary.write(_record())
        temporary.close()
        backend.put(NAME, temporary.path)
    except errors.RemoteDenied:  # a collector's key may delete, but perhaps not overwrite
        backend.delete([NAME])
        backend.create(NAME, _record())
    finally:
        temporary.discard()


def _record() -> bytes:
    return sealed.seal({"kind": "remote", "v": VERSION, "hash": "blake3", "requires": FEATURES})


def _read(backend: Backend) -> bytes | None:
    try:
        return backend.read(NAME, _MAX)
    except FileNotFoundError:
        return None
