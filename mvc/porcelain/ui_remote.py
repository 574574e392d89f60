"""`mvc ui --remote`: a remote as a repository for reading, without a clone: its refs, metadata, notes, and no file.

remote's refs and metadata ─► .mvc in a temporary folder ─► its branches and aliases as those of a repository

The bytes of files are fetched when they are read.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.porcelain import clone, fetch
from mvc.remotes import remote as remotes
from mvc.remotes.backends import address
from mvc.remotes.remote import Remote
from mvc.repository.policy import take
from mvc.repository.policy.take import RefusedRef
from mvc.repository.repository import Actor, Repository
from mvc.repository.upstream import ORIGIN
from mvc.storage.disk.outside import discard_folder
from mvc.storage.disk.workers import Workers
from mvc.storage.records.clone_source import CloneSource
from mvc.storage.records.heads import Head
from mvc.storage.records.reflog import ALIASES, RefEntry, RefName
from mvc.transport import annotation_sync, connection, expiry_sync, trust

_MOVES = 100
"""The newest moves of an alias that are read."""


class Opened(NamedTuple):
    """The temporary folder, and the refs that the user's policy refuses, which are left out."""

    folder: Path
    refused: tuple[RefusedRef, ...]


@contextlib.contextmanager
def opened(
    url: str,
    *,
    base: Path,
    actor: Actor,
    name: str = ORIGIN,
    settings: Mapping[str, str] | None = None,
    user_config: Path | None = None,
    trusted_hosts: str = "",
    model: str | None = None,
    force_policy: str = "",
) -> Iterator[Opened]:
    """Copy the refs and metadata of the remote at `url` to a temporary folder, which is removed at the end.

    `settings` are those of the configured remote `name`, whose host must be approved; without them, the host of `url` is
    approved for this copy. `model` is the one that is read, by default all. A ref that the user's policy
    refuses is left out. Raises NoRemoteFolder, NotThere, TakeRefused if no branch is left, and as `fetch`.
    """
    where = address.parse(url, base)
    temporary = Path(tempfile.mkdtemp(prefix="mvc-ui-"))
    folder = temporary / clone.folder_of(where.text)  # whose name is the title of the page
    try:
        with clone.resumable(folder, CloneSource(where.text, model), user_config, trusted_hosts) as repository:
            repository.force_policy = force_policy
            if settings is None:
                trust.approve_typed(repository, where, {}, keep=False)
            repository.config.set_remote(name, {"url": where.text, **(settings or {})})
            with connection.open_remote(repository, name) as remote:
                refused = _copy(repository, remote, actor, model)
        yield Opened(folder, tuple(refused))
    finally:
        discard_folder(temporary)


def _copy(repository: Repository, remote: Remote, actor: Actor, model: str | None) -> list[RefusedRef]:
    """Copy the refs that the user's policy does not refuse; return those that it refuses. Raises TakeRefused for all of them."""
    remotes.check(remote.backend)
    there = fetch.look(repository, remote, {model} if model is not None else None)
    if not clone.branches_of(there.tips):
        what = f"model {model}" if model is not None else "branch"
        raise errors.NotThere(remote=remote.name, what=what, known=", ".join(there.models) or "none")
    fetch.learn(repository, remote, there.tips, actor)
    annotation_sync.receive(repository, remote, there.annotations, {model} if model is not None else None)
    refused = take.Reader(repository).refused(fetch.offered(repository, remote, there.tips))
    tips = {ref: entry for ref, entry in there.tips.items() if ref not in {each.ref for each in refused}}
    branches = clone.branches_of(tips)
    if not branches:
        raise take.error(refused, "Nothing is shown.")
    with Workers(remote.jobs) as workers:
        logs = dict(zip(tips, workers.ahead(lambda each: _log(remote, *each), tips.items(), 32), strict=True))
    with repository.writing():
        for key, branch in branches.items():
            repository.heads.set(key, Head(key if len(branches) > 1 else "", branch))
        for ref, log in logs.items():
            tip = None
            for entry in log:
                tip = repository.refs.take(ref, tip, entry.new, entry.move)
    expiry_sync.receive(repository, remote)
    return refused


def _log(remote: Remote, ref: RefName, tip: RefEntry) -> list[RefEntry]:
    """Return the newest entries of an alias, oldest first; of other refs only the last one."""
    first = max(1, tip.seq - _MOVES + 1) if ref.kind == ALIASES else tip.seq
    return [*(remote.refs.at(ref, seq) for seq in range(first, tip.seq)), tip]
