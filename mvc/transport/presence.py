"""Presence check of a remote that was used before: an unmounted folder looks like an empty remote.

no `format` ─► used before (remote-tracking refs, or the record of its probe)? ─ no ─► a new remote
                                                                     └ yes ─► refused; nothing is created
"""

from __future__ import annotations

from mvc import errors
from mvc.model.ids import digest
from mvc.remotes import remote as remotes
from mvc.remotes.remote import Remote
from mvc.repository.repository import Repository
from mvc.transport import tracking


def check(repository: Repository, remote: Remote) -> None:
    """Raise RemoteVanished, FormatLost, or as `mvc.remotes.remote.check`, unless mvc can read `remote`."""
    try:
        remotes.check(remote.backend)
    except errors.NoRemoteYet:
        if is_known(repository, remote):
            raise errors.RemoteVanished(remote=remote.backend.where, name=remote.name) from None
        raise
    except errors.NotARemote:
        if is_known(repository, remote):
            raise errors.FormatLost(remote=remote.backend.where) from None
        raise


def is_known(repository: Repository, remote: Remote) -> bool:
    """Return whether this repository has fetched from `remote` or pushed to it."""
    return repository.door.exists(_record(remote.backend.where)) or any(
        True for _ in tracking.all_refs(repository, remote.name)
    )


def is_probed(repository: Repository, remote: Remote) -> bool:
    """Return whether a probe of this repository found that the remote supports create-if-absent."""
    return repository.door.exists(_record(remote.backend.where))


def record_probe(repository: Repository, remote: Remote) -> None:
    """Record that the probe of a remote passed."""
    repository.door.cache(_record(remote.backend.where), b"its create was seen to be exclusive\n")


def forget(repository: Repository, where: str) -> None:
    """Delete the record of the probe of the remote at `where`."""
    repository.door.forget(_record(where))


def _record(where: str) -> str:
    return f"cache/remotes/{digest(where.encode())}"
