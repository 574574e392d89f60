"""`mvc download`: the files of one version from a remote, in a plain folder, without a repository.

    URL#MODEL@REV ─► refs, metadata ─► version, tree ─► each file: in DIR? ─ the same ─► kept
                                                            absent ─► chunks ─► decoded, hashed ─► renamed into DIR

Metadata and chunks are kept in DIR/.download.mvc-tmp, a store that is removed at the end, so the same command resumes an
interrupted download. A file has its name in DIR only when it is complete and verified.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.porcelain.init import make_repository
from mvc.remotes import remote as remotes
from mvc.remotes.backends import address
from mvc.remotes.backends.address import Address
from mvc.remotes.remote import Remote
from mvc.repository.parts import DIRECTORY, LOCK_TIMEOUT
from mvc.repository.policy import take
from mvc.repository.policy.take import Reader
from mvc.repository.repository import Repository
from mvc.repository.upstream import ORIGIN
from mvc.storage.disk import exportdoor, outside
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import metapacks
from mvc.storage.progress import Progress
from mvc.storage.records import clone_source, config
from mvc.storage.records.annotations.remarks import Note
from mvc.storage.records.clone_source import CloneSource
from mvc.storage.records.reflog import RefEntry, RefName
from mvc.transport import (
    annotation_sync,
    connection,
    download_target,
    lockfile,
    remote_revision,
    remote_version,
    tracking,
    trust,
)
from mvc.transport.download_target import STATE, DownloadedFile, Target
from mvc.transport.lockfile import Lock
from mvc.transport.remote_revision import RemoteRefNames
from mvc.transport.remote_version import RemoteVersion

_OWN = (
    errors.Damaged,
    errors.Missing,
    errors.NotCanonical,
    errors.BadConfig,
    errors.NewerFormat,
    errors.UnknownFeature,
)
"""Errors of what an earlier run kept, unless they are of a subclass: then they are of the remote."""
_REFUSALS = (errors.Usage, errors.Denied, errors.WouldOverwrite, errors.Refused, errors.LockMismatch)
"""Errors after which the same command would fail again."""


class Source(NamedTuple):
    """A version on a remote: `URL#MODEL@REV`; an empty model is the only one, an empty revision the tip of main."""

    url: str
    model: str = ""
    revision: str = ""

    @classmethod
    def parse(cls, text: str) -> Source:
        """Split at the first #, which no URL has, and at the @ after it, which no model has."""
        url, _, fragment = text.partition("#")
        model, _, revision = fragment.partition("@")
        return cls(url, model, revision)


@dataclass(frozen=True, slots=True)
class Setup:
    """The surroundings of a download: a folder for relative URLs, the user's settings, limits of transfers."""

    base: Path
    user_config: Path | None = None
    trusted_hosts: str = ""
    offline: bool = False
    lock_timeout: float | None = None
    jobs: int = remotes.JOBS
    limit: float | None = None
    progress: Progress | None = None
    force_policy: str = ""
    """The reason for which rules of the user's policy are passed, "" for none."""


@dataclass(frozen=True, slots=True)
class Downloaded(Document):
    """A version, the folder with its files, the bytes received, and the lock file if one was written.

    `withdrawn` is the note that withdraws the version from use, None if it is in use; `unreadable` are reasons why other
    notes were left out.
    """

    KEYS = keys(
        "remote model id=version number directory files bytes_total=size bytes_received=received lock",
        {"withdrawn": keys("time=withdrawn.at by=withdrawn.by text=withdrawn.text")},
        "unreadable_notes=unreadable",
    )

    remote: str
    model: str
    version: VersionId
    number: int
    directory: Path
    files: tuple[DownloadedFile, ...]
    received: int
    lock: Path | None = None
    withdrawn: Note | None = None
    unreadable: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of the files."""
        return sum(file.entry.size for file in self.files)


_Find = Callable[[Repository, Remote], RemoteVersion]
"""A function that finds the version, in the metadata of a remote that a repository has."""


def download(
    source: Source,
    directory: Path,
    setup: Setup,
    *,
    names: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    lock: Path | None = None,
    force: bool = False,
    by_role: bool = False,
) -> Downloaded:
    """Download the files of a version that `names` select (roles, paths, patterns), by default all and model.toml.

    The host of the URL is approved, as in a clone. The files are recorded in the file `lock`. Files in `directory` are
    kept if they are the same, and replaced only with `force`. With `by_role`, a file is named by its role and suffix,
    `model-latest.pt`, whatever its path is. Raises FilesDiffer, SameNames, CollidingPaths, SeveralModels, UnknownRevision,
    NotInRemoteVersion, LockTimeout, TakeRefused; as `clone` for the remote; ExpiredThere, MissingThere, Damaged.
    """
    place = _Place(_address(source.url, setup), dict(settings or {}), typed=True)
    if lock is not None and not lock.parent.is_dir():
        raise errors.NotWritable(path=lock, reason="there is no such folder")

    def find(repository: Repository, remote: Remote) -> RemoteVersion:
        numbers = remote_revision.sound_refs(remote)
        model = _model(source, remote, numbers)
        tip = functools.cache(lambda ref: remote.refs.at(ref, numbers[ref]))
        refs = RemoteRefNames(numbers, model, lambda ref: tip(ref).new)
        found = remote_version.with_metadata(
            repository, remote, lambda: remote_version.selected(repository, remote, refs, source.revision, names)
        )
        _check_taken(repository, remote, {ref: tip(ref) for ref in refs.named(source.revision)})
        return found

    done = _Run(place, directory, setup, force=force, by_role=by_role).run(find)
    if lock is None:
        return done
    files = tuple(file.entry for file in done.files)  # under their paths in the version, wherever they were written
    with exportdoor.output(lock) as write:
        write(Lock(place.where.text, done.model, done.version, files, place.options).encode())
    return replace(done, lock=lock)


def download_locked(
    lock: Path,
    directory: Path,
    setup: Setup,
    *,
    url: str | None = None,
    settings: Mapping[str, str] | None = None,
    force: bool = False,
    by_role: bool = False,
) -> Downloaded:
    """Download exactly the files of the lock file at `lock`, from its own URL or from `url`.

    Only a `url` that is given here is approved. Raises NoSuchFile, BadLockFile, LockMismatch, LockNotTrusted, and as
    `download`.
    """
    locked = _read(lock)
    options = locked.settings if url is None else settings or {}
    place = _Place(_address(url or locked.url, setup), dict(options), typed=url is not None)

    def find(repository: Repository, remote: Remote) -> RemoteVersion:
        return remote_version.with_metadata(
            repository, remote, lambda: remote_version.locked(repository, remote, locked, lock)
        )

    try:
        done = _Run(place, directory, setup, force=force, by_role=by_role).run(find)
    except (errors.HostNotTrusted, errors.SettingNotTrusted) as error:
        raise errors.LockNotTrusted(lock=lock, host=error.fields["host"], url=place.where.text) from error
    return replace(done, lock=lock)


def is_unfinished(directory: Path) -> bool:
    """Return whether `directory` has an interrupted download."""
    return (directory / STATE).is_dir()


# --- what to download


def _check_taken(repository: Repository, remote: Remote, tips: Mapping[RefName, RefEntry]) -> None:
    """Raise TakeRefused if the user's policy refuses one of the names, before any file is fetched."""
    reader = Reader(repository)
    offers = [tracking.offer(repository, remote, ref, entry) for ref, entry in tips.items()]
    asked = [offer._replace(store=remote.backend.where) for offer in offers if reader.is_about(offer)]
    for offer in asked:
        if offer.new is not None:
            annotation_sync.receive_signatures(repository, remote, offer.ref.model, offer.new)
    refused = reader.refused(asked)
    if refused:
        raise take.error(refused, "Nothing was downloaded.")


def _address(url: str, setup: Setup) -> Address:
    where = address.parse(url, setup.base)
    if where.is_registry:
        reason = "it is a registry, whose versions are imported: `mvc clone URL`, then `mvc export`"
        raise errors.BadRemoteUrl(url=url, reason=reason)
    if setup.offline and not where.is_local:
        raise errors.Offline(what=where.text)
    return where


def _read(lock: Path) -> Lock:
    try:
        with open(lock, "rb") as file:
            data = file.read(lockfile.MAX_BYTES + 1)
    except FileNotFoundError:
        raise errors.NoSuchFile(path=lock) from None
    except OSError as error:
        raise errors.BadLockFile(path=lock, reason=error.strerror or str(error)) from error
    return lockfile.decode(data, lock)


def _model(source: Source, remote: Remote, refs: Iterable[RefName]) -> str:
    """Return the model of `source`, by default the only one. Raises NotThere, SeveralModels."""
    known = remote_revision.models(refs)
    if source.model in known or (not source.model and len(known) == 1):
        return source.model or known[0]
    if source.model or not known:
        what = f"model {source.model}" if source.model else "branch"
        raise errors.NotThere(remote=remote.backend.where, what=what, known=", ".join(known) or "none")
    example = f"{source.url}#{known[0]}" + (f"@{source.revision}" if source.revision else "")
    raise errors.SeveralModels(remote=remote.backend.where, known=", ".join(known), source=example)


# --- one run


class _Place(NamedTuple):
    """A remote with its settings; `typed` if the user gave them, which approves its host."""

    where: Address
    options: dict[str, str]
    typed: bool


class _Run:
    """A download into one folder, of which one at a time is in progress."""

    def __init__(self, place: _Place, directory: Path, setup: Setup, *, force: bool, by_role: bool) -> None:
        self._place = place
        self._setup = setup
        self._force = force
        self._by_role = by_role
        self._directory = directory
        self._folder = exportdoor.outside_store(directory)

    def run(self, find: _Find) -> Downloaded:
        """Download the files that `find` finds, and remove what was kept to resume."""
        made = not self._folder.is_dir() and outside.make_folder(self._folder)
        outside.sweep_beside(self._folder)
        timeout = LOCK_TIMEOUT if self._setup.lock_timeout is None else self._setup.lock_timeout
        with outside.held_folder(self._folder / STATE, timeout) as state:
            resumed = self._begin(state)
            try:
                done = self._try(state, find)
            except BaseException as error:
                if not resumed or type(error) not in _OWN:
                    self._undo(state, error, made=made)
                    raise
                outside.discard_folder(state / DIRECTORY)  # what an earlier run kept is damaged
                self._begin(state)
                done = self._try(state, find)
            outside.remove_folder(state)
        return done

    def _begin(self, state: Path) -> bool:
        """Create the store in `state`, unless it is that of the same remote; return whether it is."""
        source, door = CloneSource(self._place.where.text), StoreDoor(state / DIRECTORY)
        with contextlib.suppress(errors.Damaged, OSError):
            if clone_source.unfinished(door) == source and door.exists(config.NAME):
                return True
        outside.discard_folder(state / DIRECTORY)
        make_repository(state, source)
        return False

    @staticmethod
    def _undo(state: Path, error: BaseException, *, made: bool) -> None:
        """Remove a state that saves a repeated command nothing, with its folder if that was `made` and is empty."""
        door = StoreDoor(state / DIRECTORY)
        with contextlib.suppress(errors.MvcError):
            kept = door.names("packs") or (door.names(metapacks.FOLDER) and not isinstance(error, _REFUSALS))
            if kept and not isinstance(error, errors.ExpiredThere):
                return
        with contextlib.suppress(errors.MvcError):  # raise the first error
            outside.remove_folder(state)
        if made:
            outside.remove_outside(state.parent)

    def _try(self, state: Path, find: _Find) -> Downloaded:
        setup, place = self._setup, self._place
        repository = Repository(
            state,
            user_config=setup.user_config,
            trusted_hosts=setup.trusted_hosts,
            offline=setup.offline,
            lock_timeout=setup.lock_timeout,
            unfinished=True,
        )
        repository.force_policy = setup.force_policy
        repository.door.sweep()
        if place.typed:
            trust.approve_typed(repository, place.where, place.options)
        repository.config.set_remote(ORIGIN, {"url": place.where.text, **place.options})
        with connection.open_remote(repository, ORIGIN, jobs=setup.jobs, limit=setup.limit) as remote:
            remotes.check(remote.backend)
            found = find(repository, remote)
            files = download_target.by_role(found.by_role) if self._by_role else download_target.by_path(found.files)
            target = Target(self._folder, repository, files, force=self._force)
            try:
                received = target.fetch(remote, setup.progress)
            except errors.MissingThere as error:
                remote_version.check_dropped(repository, remote, found, error.fields["id"])
                raise
            written = target.write(setup.progress)
            withdrawn, unreadable = annotation_sync.withdrawal(remote, found.model, found.id)
        return Downloaded(
            place.where.text,
            found.model,
            found.id,
            found.number,
            self._directory,
            written,
            received,
            withdrawn=withdrawn,
            unreadable=unreadable,
        )
