"""Lazy fetch: the bytes of promised files, from a promisor remote, when a command needs them.

files ─► promised? ─► promisor remotes ─► the first that has them ─► chunks and their bases ─► local packs
                                             └► none: an error that names the file, the remote and the reason
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from mvc import errors, lazy
from mvc.model.ids import ChunkId, FileId, VersionId
from mvc.model.paths import escape_name
from mvc.remotes import download, download_plan
from mvc.remotes.backends import address
from mvc.remotes.download import Downloader
from mvc.remotes.inventory import Inventory, RemotePlace
from mvc.remotes.remote import JOBS, Remote
from mvc.remotes.store import Store
from mvc.repository import history
from mvc.repository.repository import Repository
from mvc.repository.retention import dropped
from mvc.repository.upstream import ORIGIN
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.progress import Progress
from mvc.storage.records import config
from mvc.storage.records.promised import EXPIRED, Expired, State
from mvc.transport import connection, expiry_sync, presence, tracking

T = TypeVar("T")
Files = Mapping[FileId, str]
"""File ids, each with the path for messages."""
MAX_TRIES = 64
"""Attempts to fetch damaged chunks from other packs; each finds at least one more damaged place."""
_FAILURES = (errors.OutOfReach, errors.Denied, errors.Damaged, errors.Usage, errors.NotARemote)
"""Errors of a remote after which another remote is tried."""


def fetch_files(
    repository: Repository, files: Files, progress: Progress | None = None, *, connected: Remote | None = None
) -> int:
    """Fetch the bytes of those `files` that are promised; return the number of bytes received.

    `connected` is an open remote; other remotes use its number of transfers and its rate limit. The caller must not
    hold the exclusive lock. Raises FetchFailed, FetchDenied, NoPromisor, PromiseLost, Expired, ReadOnlyStore,
    DiskFailed, LockTimeout.
    """
    groups: dict[tuple[str, ...], dict[FileId, str]] = {}
    for file, path in files.items():
        state = repository.promised.state(file)
        if state is State.EXPIRED:
            raise _expired(repository, file, path)
        if state is State.PROMISED:
            groups.setdefault(repository.promised.promisors(file), {})[file] = path
    try:
        return sum(_group(repository, names, group, progress, connected) for names, group in groups.items())
    except errors.PromiseLost:  # the records of the remotes, read since, may say that the bytes were dropped
        for file, path in files.items():
            if repository.promised.state(file) is State.EXPIRED:
                raise _expired(repository, file, path) from None
        raise


def fetch_chunks(
    repository: Repository,
    remote: Remote,
    chunks: Iterable[ChunkId],
    progress: Progress | None = None,
    inventory: Inventory | None = None,
) -> int:
    """Fetch the `chunks` that are not stored from `remote`; return the number of bytes received.

    Without an `inventory`, the remote is listed. Raises as `download_chunks`.
    """
    if inventory is None:
        inventory = Inventory(repository, remote.backend, remote.jobs)
    wanted = list(chunks)
    try:
        return download_chunks(repository, remote, wanted, inventory, lambda each: _require(repository, each), progress)
    except errors.MissingThere:
        presence.check(repository, remote)
        raise


def download_chunks(
    store: Store,
    remote: Remote,
    chunks: Sequence[ChunkId],
    inventory: Inventory,
    require: Callable[[set[str]], None],
    progress: Progress | None = None,
    failed: AbstractSet[RemotePlace] = frozenset(),
) -> int:
    """Download `chunks` into `store`; return the number of bytes received.

    A chunk in a damaged pack is read from another one, and the pack becomes a suspect of the `inventory`. `require`
    records the features that readers of the store need. Places in `failed` are not used. Raises MissingThere, and
    Damaged if no place has an intact chunk.
    """
    failure: errors.Damaged | None = None
    for _ in range(MAX_TRIES):
        try:
            batches = download_plan.plan(store, inventory, chunks, remote.backend.read_size, failed)
        except errors.MissingThere:
            if failure is not None:
                raise failure from None
            raise
        if not batches:
            return 0
        if progress is not None:
            progress.expect(download_plan.size(batches), f"Fetching from {remote.name}")
        require(download.features(batches))
        downloader = Downloader(store, remote.backend, remote.jobs, progress)
        try:
            return downloader.fetch(batches)
        except errors.Damaged as error:
            failure = failure or error
            if not downloader.failed - failed:
                raise
            failed = failed | downloader.failed
            inventory.suspects |= {place.pack for place in downloader.failed}
    raise failure or AssertionError


def _require(repository: Repository, features: set[str]) -> None:
    with repository.locked():
        config.require(repository.door, features)


def from_any_remote(
    repository: Repository,
    promisors: Sequence[str],
    files: Files,
    fetch: Callable[[str], T],
    *,
    connected: Remote | None = None,
) -> T:
    """Return the result of `fetch` for the first remote that has `files`, promisors first.

    Raises the error of the first remote, which names the files; NoPromisor. Local errors are raised at once.
    """
    first: errors.MvcError | None = None
    for name in _sources(repository, promisors, files, connected):
        try:
            return fetch(name)
        except _FAILURES as error:
            first = first or _failure(error, name, files)
        except errors.ReadOnlyStore as error:
            reason = f"{_listed(files)} must be fetched from {name} first, but {error.fields['reason']}"
            raise errors.ReadOnlyStore(reason=reason) from error
    assert first is not None  # noqa: S101 - there is a name, and it failed
    raise first


# --- inside


def _sources(repository: Repository, promisors: Sequence[str], files: Files, connected: Remote | None) -> list[str]:
    stores = [name for name, settings in repository.config.remotes().items() if not connection.is_registry(settings)]
    stores += [connected.name] if connected is not None and connected.name not in stores else []
    promised = [name for name in dict.fromkeys(promisors) if name in stores]
    names = [*promised, *(name for name in sorted(stores) if name not in promised)]
    if not names:
        raise errors.NoPromisor(files=_listed(files), remote=promisors[0])
    return names


def _failure(error: errors.MvcError, remote: str, files: Files) -> errors.MvcError:
    """Return the error for `files` that a promisor did not provide."""
    fields = {"files": _listed(files), "remote": remote, "reason": error.message.rstrip(".")}
    if isinstance(error, errors.Denied):
        return errors.FetchDenied(**fields, advice=error.hint)
    if isinstance(error, errors.Damaged):
        return errors.PromiseLost(**fields)
    return errors.FetchFailed(**fields)


def _group(
    repository: Repository, promisors: Sequence[str], files: Files, progress: Progress | None, connected: Remote | None
) -> int:
    """Fetch files that have the same promisors."""
    return from_any_remote(
        repository,
        promisors,
        files,
        lambda name: _from(repository, name, files, progress, connected),
        connected=connected,
    )


def _from(repository: Repository, name: str, files: Files, progress: Progress | None, connected: Remote | None) -> int:
    if connected is not None and connected.name == name:
        return _files_from(repository, connected, files, progress)
    jobs, limit = (connected.jobs, connected.limit) if connected is not None else (JOBS, None)
    with connection.open_remote(repository, name, jobs=jobs, limit=limit) as remote:
        return _files_from(repository, remote, files, progress)


def _files_from(repository: Repository, remote: Remote, files: Files, progress: Progress | None) -> int:
    try:
        return _fetch(repository, remote, files, progress)
    except errors.MissingThere:  # garbage collection may have moved it since the listing
        try:
            return _fetch(repository, remote, files, progress)
        except errors.MissingThere:
            expiry_sync.receive(repository, remote)
            raise


def _fetch(repository: Repository, remote: Remote, files: Files, progress: Progress | None) -> int:
    inventory = Inventory(repository, remote.backend, remote.jobs)
    recipes = [sorted(repository.recipes.for_file(file), key=Recipe.preference) for file in files]
    return fetch_chunks(repository, remote, chunks_of(repository, recipes, inventory), progress, inventory)


def chunks_of(repository: Repository, recipes: Sequence[Sequence[Recipe]], inventory: Inventory) -> list[ChunkId]:
    """Return the chunks of files, each by the first of its `recipes` whose chunks are all stored or on the remote.

    A file of unknown format may have several: each repository cuts it as the version before it was cut there.
    """
    unsure = (recipe for several in recipes if len(several) > 1 for recipe in several)
    located = repository.reader.locate_all(chunk for recipe in unsure for chunk, _ in recipe.chunks)
    absent = [chunk for chunk, places in located.items() if not any(place.whole for place in places)]
    places = inventory.find(absent) if absent else {}
    lost = {chunk for chunk in absent if not places.get(chunk)}
    chosen = (
        next((each for each in known if lost.isdisjoint(chunk for chunk, _ in each.chunks)), known[0])
        for known in recipes
        if known
    )
    return [chunk for recipe in chosen for chunk, _ in recipe.chunks]


def _expired(repository: Repository, file: FileId, path: str) -> errors.Expired:
    record = repository.promised.record(EXPIRED, file)
    assert record is not None  # noqa: S101 - its state says so
    at = record.at.local().strftime("%Y-%m-%d")
    versions = record.versions if isinstance(record, Expired) and record.versions else ()
    users = [id_ for id_, used in repository.objects.uses(versions) if used == file]
    remote, source = _source(repository, users, file)
    return errors.Expired(
        file=escape_name(path),
        reason=record.reason,
        by=record.by,
        at=at,
        nearest=_nearest(repository, users),
        remote=remote,
        source=source,
    )


def _nearest(repository: Repository, users: Iterable[VersionId]) -> str:
    """Return a sentence that names the complete version nearest to one of `users`."""
    near = next((found for id_ in users if (found := dropped.nearest_complete(repository, id_))), None)
    if near is None:
        return "No version here is complete."
    command = f"mvc export {near[:10]} DIR" if "export" in repository.command[:1] else f"mvc switch {near[:10]}"
    return f"The nearest version that is complete here is {history.label(repository, near)}: `{command}`."


def _source(repository: Repository, users: Iterable[VersionId], file: FileId) -> tuple[str, str]:
    """Return a remote that may have `file`, and how `mvc download` names there one of the versions `users`.

    It has the version, as last seen, and has not dropped the file. Of no remote, return how in general.
    """
    settings = repository.config.remotes().items()
    stores = {name: each["url"] for name, each in settings if "url" in each and not connection.is_registry(each)}
    for name in sorted(stores, key=lambda each: each != ORIGIN):
        recorded = expiry_sync.last_read(repository, stores[name])
        known = _known(repository, name)
        user = next((id_ for id_ in users if id_ in known and not recorded.record(id_, file)), None)
        if user is not None:
            where, model = address.parse(stores[name], repository.root), dropped.model_of(repository, user)
            source = f"{where.text}#{model.key if model is not None else ''}@{user[:10]}"
            return name, str(lazy.load("shlex").quote(source))
    return "A remote that was not pruned", "URL#MODEL@REV"


def _known(repository: Repository, remote: str) -> Collection[VersionId]:
    """Return the versions that a remote had when it was last seen."""
    refs = repository.refs
    targets = [refs.target(ref.tracking_ref(remote)) for ref, _ in tracking.all_refs(repository, remote)]
    tips = [target for target in targets if target is not None and repository.objects.has(target)]
    return history.ancestors(repository.objects, tips)


def _listed(files: Files) -> str:
    """Return `weights.bin`, or `weights.bin and 2 more files`."""
    first, *others = dict.fromkeys(map(escape_name, files.values()))
    return f"{first} and {len(others)} more file{'s' * (len(others) > 1)}" if others else first
