"""What must not be collected: all that a name stands for, or stood for not long ago, with everything it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import FileId, VersionId
from mvc.model.version import Version
from mvc.repository import history
from mvc.storage import objects
from mvc.storage.packs.gc import Live
from mvc.storage.records import journal, merges
from mvc.storage.records.reflog import RefName

if TYPE_CHECKING:
    from mvc.repository.repository import Repository

Versions = dict[VersionId, Version]


def reachable(repository: Repository, since: int) -> Versions:
    """The versions that must stay, with all their ancestors. Raises Missing, Damaged.

    They are those that names stand for, that models stand at, that an interrupted change is about to set, that are
    being merged, and that entries of ref logs name which were made after `since`, in seconds since 1970.
    """
    roots = [*_heads(repository), *_named(repository, since), *_pending(repository), *_merging(repository)]
    return history.reachable(roots, repository.objects.version, repository.objects.parents)


def young(repository: Repository, versions: Versions, cutoff: int) -> Versions:
    """Other versions that lie loose and are not older than `cutoff`, in nanoseconds, with what is here of their ancestors.

    They are spared, and would be worth nothing without their files, however old these are.
    """
    door = repository.door
    ids = [id_ for id_ in repository.objects.loose() if id_ not in versions]
    roots = [VersionId(id_) for id_ in ids if door.stat(objects.path(id_)).mtime_ns >= cutoff]
    return history.reachable(
        roots, lambda id_: None if id_ in versions else _readable(repository, id_), repository.objects.parents
    )


def live(repository: Repository, versions: Versions, spared: Versions) -> Live:
    """The objects and files that these versions need; of those that `spared` do, what is here. Raises Missing, Damaged."""
    ids: set[str] = {*versions, *spared}
    files: set[FileId] = set()
    for version in versions.values():
        repository.objects.manifest(version.manifest)
        ids |= {version.manifest, version.tree}
        files |= _files(repository, version)
    extra: set[FileId] = set()
    for version in spared.values():
        ids |= {version.manifest, version.tree}
        try:
            extra |= _files(repository, version)
        except errors.Damaged:
            extra.add(version.model_toml)
    return Live(ids, files, extra | _staged(repository))


def _files(repository: Repository, version: Version) -> set[FileId]:
    return {version.model_toml, *(entry.file for entry in repository.objects.tree(version.tree).entries)}


def _heads(repository: Repository) -> Iterator[VersionId]:
    for model in {*repository.refs.models(), *repository.heads.models()}:
        head = repository.heads.get(model)
        if head is None:  # it may have stood at a version that nothing else leads to
            raise errors.Missing(what="the head of", id=model)
        if head.version is not None:
            yield head.version


def _named(repository: Repository, since: int) -> Iterator[VersionId]:
    """What each name stands for; and what it stood for after `since`, if that is here: it may have gone before."""
    for ref in _logs(repository):
        entries = repository.refs.entries(ref)
        _check(ref, [entry.seq for entry in entries])
        yield from (entry.new for entry in entries[-1:] if entry.new is not None)
        recent = [entry for entry in entries if entry.move.at.seconds > since]
        for id_ in {id_ for entry in recent for id_ in (entry.old, entry.new) if id_}:
            if _is_here(repository, id_):
                yield id_


def _logs(repository: Repository) -> Iterator[RefName]:
    refs = repository.refs
    for model in refs.models():
        for kind in refs.kinds(model):
            yield from refs.all(model, kind)


def _check(ref: RefName, numbers: list[int]) -> None:
    """Raise Damaged when an entry is gone: it may have named what nothing else does."""
    if numbers != list(range(1, len(numbers) + 1)):
        raise errors.Damaged(what=f"the log of {ref.text} of {ref.model}", reason="an entry is missing from it")


def _pending(repository: Repository) -> Iterator[VersionId]:
    pending = journal.pending(repository.door)
    if pending is not None:
        yield from (step.entry.new for step in pending.refs if step.entry.new is not None)
        yield from (pending.head.version,) if pending.head is not None and pending.head.version else ()


def _merging(repository: Repository) -> Iterator[VersionId]:
    pending = journal.pending(repository.door)
    states = [merges.recorded(repository.door, model) for model in merges.models(repository.door)]
    for state in [*states, pending.merge if pending is not None else None]:
        if state is not None:
            yield from (id_ for id_ in (state.base, state.ours, state.theirs) if _is_here(repository, id_))


def _staged(repository: Repository) -> set[FileId]:
    """The files that an interrupted change is about to write."""
    pending = journal.pending(repository.door)
    return {step.file for step in pending.files if step.file is not None} if pending is not None else set()


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
