"""`mvc clone`: a new repository with the refs and versions of a remote.

    empty folder ─► .mvc, the remote's settings ─► refs and metadata ─► heads ─► remote-tracking refs ─► files

Until it is complete, `.mvc/clone` names its source. The same command resumes an interrupted clone; a clone that has
fetched nothing is removed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.porcelain import fetch
from mvc.porcelain.init import is_building, make_repository
from mvc.registry import place_sync
from mvc.remotes import remote as remotes
from mvc.remotes.backends import address
from mvc.remotes.remote import Remote
from mvc.repository import history, revisions
from mvc.repository.model import Model
from mvc.repository.parts import DIRECTORY, MAIN
from mvc.repository.policy import take
from mvc.repository.policy.take import RefusedRef
from mvc.repository.repository import Actor, Repository
from mvc.repository.upstream import ORIGIN
from mvc.repository.worktree.checkout import Moved
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.outside import discard_folder, make_folder, remove_outside
from mvc.storage.packs import metapacks
from mvc.storage.progress import Progress
from mvc.storage.records import clone_source, heads
from mvc.storage.records.clone_source import CloneSource
from mvc.storage.records.heads import Head
from mvc.storage.records.reflog import HEADS, RefEntry, RefName
from mvc.transport import annotation_sync, connection, expiry_sync, fast_forward, trust
from mvc.transport.fast_forward import Select
from mvc.transport.remote_revision import RemoteRefNames


@dataclass(frozen=True, slots=True)
class Cloned(Document):
    """The models and versions fetched, the bytes of metadata and of files, and the checked-out version.

    `checked_out` is None for several models, of which none is checked out. `ignored` are refs with names that mvc would not
    create, `unreadable` reasons why notes and evaluations are left out, `refused` refs that rules keep from being taken.
    """

    KEYS = keys(
        "models versions metadata_bytes=metadata bytes_received=received model=checked_out branch id=version",
        "written=moved.written ignored unreadable_notes=unreadable refused",
    )

    models: tuple[str, ...]
    versions: int
    metadata: int
    received: int
    checked_out: str | None
    branch: str | None
    version: VersionId | None
    moved: Moved
    ignored: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    refused: tuple[RefusedRef, ...] = ()

    def check(self) -> None:
        """Raise TakeRefused if a ref was not taken."""
        if self.refused:
            raise take.error(self.refused)


def folder_of(url: str) -> str:
    """Return the default folder for a clone of `url`: the last part of the URL."""
    return url.rstrip("/").rpartition("/")[2].rpartition(":")[2] or "clone"


def clone(
    url: str,
    folder: Path,
    *,
    base: Path,
    actor: Actor,
    settings: Mapping[str, str] | None = None,
    user_config: Path | None = None,
    trusted_hosts: str = "",
    remember: bool = True,
    model: str | None = None,
    revision: str | None = None,
    select: Select = fast_forward.everything,
    unborn: bool = False,
    force_policy: str = "",
    jobs: int = remotes.JOBS,
    limit: float | None = None,
    progress: Progress | None = None,
) -> Cloned:
    """Clone the remote at `url` into `folder`, which must be absent or empty.

    `revision` is checked out, a branch of the remote (default: main) or, with a detached HEAD, a tag, alias or version. If
    the user's policy refuses it, the clone is removed, or with `unborn`, nothing is checked out; other names that it refuses
    are left out. `force_policy` is the reason for which rules are passed.

    A relative `url` is resolved against `base`. Its host is approved for credentials, with `remember` in the user's
    settings. An interrupted clone of the same `url`, `model` and `revision` in `folder` is resumed. Raises NotEmpty, BadRemoteUrl,
    NoRemoteYet, NoRemoteFolder, IsRepository, NotARemote, TakeRefused, and as `fill`; whatever was fetched stays for the next attempt.
    """
    where = address.parse(url, base)
    with resumable(folder, CloneSource(where.text, model, revision), user_config, trusted_hosts) as repository:
        repository.force_policy = force_policy
        trust.approve_typed(repository, where, settings or {}, keep=remember)
        repository.config.set_remote(ORIGIN, {"url": where.text, **(settings or {})})
        with connection.open_remote(repository, ORIGIN, jobs=jobs, limit=limit) as remote:
            return fill(
                repository,
                remote,
                actor,
                model=model,
                revision=revision,
                select=select,
                unborn=unborn,
                progress=progress,
            )


@contextlib.contextmanager
def resumable(
    folder: Path, source: CloneSource, user_config: Path | None = None, trusted_hosts: str = ""
) -> Iterator[Repository]:
    """Create the repository for a clone of `source`, or open that of an interrupted one in `folder`.

    The clone is complete when the block ends. After an error it stays to be resumed, or is removed if nothing was
    fetched, or if it was refused. Raises NotEmpty.
    """
    made = _prepare(folder, source)
    try:
        if make_repository(folder, source) is None and not _is_clone_of(folder, source):
            raise errors.NotEmpty(path=folder)
    except BaseException:
        _remove_made(folder, made=made)
        raise
    try:
        repository = Repository(folder, user_config=user_config, trusted_hosts=trusted_hosts, unfinished=True)
        repository.roll_forward()
        yield repository
        clone_source.end(repository.door)
    except BaseException as error:
        _undo(folder, error, made=made)
        raise


def is_unfinished(folder: Path) -> bool:
    """Return whether `folder` contains an interrupted clone."""
    return StoreDoor(folder / DIRECTORY).exists(clone_source.NAME)


def _undo(folder: Path, error: BaseException, *, made: bool) -> None:
    """Remove a clone that has fetched nothing, has no HEAD for an invalid request, or is refused, with its folder if `made`.

    One that is refused by a rule or a hook would be refused again; it stays only if it has written files.
    """
    door = StoreDoor(folder / DIRECTORY)
    if isinstance(error, errors.PolicyRefused | errors.PolicyUndecided | errors.HookRefused):
        is_empty = os.listdir(folder) == [DIRECTORY]
    else:
        kept = (heads.FOLDER,) if isinstance(error, errors.Usage) else (heads.FOLDER, metapacks.FOLDER, "packs")
        is_empty = not any(door.names(each) for each in kept)
    if is_empty:
        discard_folder(folder / DIRECTORY)
        _remove_made(folder, made=made)


def _remove_made(folder: Path, *, made: bool) -> None:
    """Remove the folder of a clone if that was `made` and is empty."""
    if made:
        remove_outside(folder)


def _prepare(folder: Path, source: CloneSource) -> bool:
    """Create the folder of a clone, or check that it is empty or an interrupted clone.

    Return whether it was created.
    """
    try:
        names = [name for name in os.listdir(folder) if not is_building(name)]
    except FileNotFoundError:
        return make_folder(folder)
    except NotADirectoryError:
        raise errors.NotEmpty(path=folder) from None
    if names and not _is_clone_of(folder, source):
        raise errors.NotEmpty(path=folder)
    return False


def _is_clone_of(folder: Path, source: CloneSource) -> bool:
    with contextlib.suppress(errors.Damaged, OSError):
        return clone_source.unfinished(StoreDoor(folder / DIRECTORY)) == source
    return False


def fill(
    repository: Repository,
    remote: Remote,
    actor: Actor,
    *,
    model: str | None = None,
    revision: str | None = None,
    select: Select = fast_forward.everything,
    unborn: bool = False,
    progress: Progress | None = None,
) -> Cloned:
    """Fetch `model`, or all models, of `remote` into the empty `repository`.

    A single model is checked out in the repository's root at `revision`, with the files that `select` chooses; each of
    several models gets a folder of its name on the first switch. Raises NotThere, UnknownRevision, AmbiguousRevision,
    TakeRefused unless `unborn`, and as `fetch` and `pull` do.
    """
    remotes.check(remote.backend)
    there = fetch.look(repository, remote, {model} if model is not None else None)
    branches = branches_of(there.tips, revision)
    if not branches:
        what = f"model {model}" if model is not None else "branch"
        raise errors.NotThere(remote=remote.name, what=what, known=", ".join(there.models) or "none")
    alone = len(branches) == 1
    detached = _detached(there.tips, branches, revision)
    inventory, versions = fetch.learn(repository, remote, there.tips, actor)
    unreadable = annotation_sync.receive(repository, remote, there.annotations, branches).unreadable
    reader = take.Reader(repository)
    refused = reader.refused(fetch.offered(repository, remote, there.tips))
    alone_at = _start(there.tips, branches, detached, revision) if alone else []
    if stopped := [each for each in refused if each.ref in alone_at and not unborn]:
        raise take.error(stopped, "Nothing was cloned.")
    version = detached.resolve(repository, revision or "") if detached is not None else None
    if repository.heads.models():  # resumed: count the versions of the first attempt too
        targets = [entry.new for entry in there.tips.values() if entry.new is not None]
        versions = sum(1 for _ in history.walk(repository.objects, targets))
    with repository.writing():
        for key, branch in branches.items():
            head = repository.heads.get(key)
            if head is None or head.branch is not None:  # a resumed clone may be detached already
                repository.heads.set(key, Head("" if alone else key, branch))
    refused = list(fetch.note(repository, remote, there.tips, actor, prune=False, reader=reader).refused)
    place_sync.receive(repository, remote, there.place_logs, actor)
    expiry_sync.receive(repository, remote)
    done = Cloned(
        *(tuple(branches), versions, inventory.received, 0, None, None, None, Moved()),
        ignored=there.ignored,
        unreadable=unreadable,
        refused=tuple(refused),
    )
    if not alone or any(each.ref in alone_at for each in refused):
        return done
    key, main = next(iter(branches.items()))
    checked_out = main if version is None else None
    target = version or repository.refs.target(RefName(key, HEADS, main).tracking_ref(remote.name))
    if target is None:
        raise errors.NotThere(remote=remote.name, what=f"branch {main}", known="none")
    if repository.current(key) == target:  # resumed after the files were written
        received, moved = fast_forward.complete(Model(repository, key), target, select, remote, progress)
    else:
        received, moved = fast_forward.advance(
            Model(repository, key), checked_out, target, select, actor, verb="clone", remote=remote, progress=progress
        )
    return replace(done, received=received, checked_out=key, branch=checked_out, version=target, moved=moved)


def _start(
    tips: dict[RefName, RefEntry], branches: dict[str, str], detached: RemoteRefNames | None, revision: str | None
) -> list[RefName]:
    """Return the refs that are about to be checked out, of a single model."""
    if detached is not None:
        return detached.named(revision or "")
    return [ref for ref in tips if ref.kind == HEADS and branches.get(ref.model) == ref.name]


def _detached(tips: dict[RefName, RefEntry], branches: dict[str, str], revision: str | None) -> RemoteRefNames | None:
    """Return the refs in which to resolve a `revision` that is not a branch; None for a branch.

    Raises NotThere if none of several models has that branch, UnknownRevision for a name that is not a ref.
    """
    if revision is None or any(_branch_named(tips, model, revision) is not None for model in branches):
        return None
    if len(branches) > 1:
        raise errors.NotThere(remote=ORIGIN, what=f"branch {revision}", known=", ".join(sorted({*branches.values()})))
    targets = {ref: entry.new for ref, entry in tips.items() if entry.new is not None}
    refs = RemoteRefNames(targets, next(iter(branches)), targets.get)
    refs.check(revision)
    return refs


def branches_of(tips: dict[RefName, RefEntry], revision: str | None = None) -> dict[str, str]:
    """Return the branch to check out for each model with a branch: that which `revision` names, main, or the first."""
    found: dict[str, list[str]] = {}
    for ref, entry in sorted(tips.items(), key=lambda item: item[0]):
        if ref.kind == HEADS and entry.new is not None:
            found.setdefault(ref.model, []).append(ref.name)
    named = {model: _branch_named(tips, model, revision) if revision is not None else None for model in found}
    return {model: named[model] or (MAIN if MAIN in names else names[0]) for model, names in found.items()}


def _branch_named(tips: dict[RefName, RefEntry], model: str, revision: str) -> str | None:
    """Return the branch that a revision names; None if it names another ref, or one of another kind as well."""
    refs = [ref for ref in revisions.refs_of(model, revision) if ref in tips and tips[ref].new is not None]
    return refs[0].name if len(refs) == 1 and refs[0].kind == HEADS else None
