"""What must not be collected: all that a name stands for, or stood for not long ago, with everything it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import FileId, VersionId
from mvc.model.version import Version
from mvc.storage.collect import Live

if TYPE_CHECKING:
    from mvc.repository.repository import Repository


def reachable(repository: Repository, since: int) -> dict[VersionId, Version]:
    """The versions that must stay, with all their ancestors. Raises Missing, Damaged.

    They are those that names stand for, that models stand at, and that entries of ref logs name which were made after
    `since`, in seconds since 1970.
    """
    found: dict[VersionId, Version] = {}
    waiting = [*_standing(repository), *_remembered(repository, since)]
    while waiting:
        id_ = waiting.pop()
        if id_ not in found:
            version = found[id_] = repository.objects.version(id_)
            waiting += version.parents
    return found


def live(repository: Repository, versions: dict[VersionId, Version]) -> Live:
    """The objects and files that these versions need. Raises Missing, Damaged."""
    objects: set[str] = set(versions)
    files: set[FileId] = set()
    for version in versions.values():
        repository.objects.manifest(version.manifest)
        objects |= {version.manifest, version.tree}
        files.add(version.model_toml)
        files.update(entry.file for entry in repository.objects.tree(version.tree).entries)
    return Live(objects, files)


def _standing(repository: Repository) -> Iterator[VersionId]:
    for model in {*repository.refs.models(), *repository.heads.models()}:
        head = repository.heads.get(model)
        yield from (head.version,) if head is not None and head.version else ()
        for kind in repository.refs.kinds(model):
            targets = (repository.refs.target(ref) for ref in repository.refs.all(model, kind))
            yield from (target for target in targets if target is not None)


def _remembered(repository: Repository, since: int) -> Iterator[VersionId]:
    """What the young entries of ref logs name and is still here: they may have been older when it went."""
    for model in repository.refs.models():
        for kind in repository.refs.kinds(model):
            for ref in repository.refs.all(model, kind):
                entries = repository.refs.entries(ref)
                young = [entry for entry in entries if entry.move.at.seconds > since]
                for id_ in {id_ for entry in young for id_ in (entry.old, entry.new) if id_}:
                    if _is_here(repository, id_):
                        yield id_


def _is_here(repository: Repository, id_: VersionId) -> bool:
    try:
        repository.objects.version(id_)
    except errors.Missing:
        return False
    return True
