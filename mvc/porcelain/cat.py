"""`mvc cat`: the bytes of one file of a version."""

from __future__ import annotations

from collections.abc import Iterator

from mvc.model.ids import Buffer
from mvc.repository import modelfile, revisions
from mvc.repository.repository import Repository


def cat(repository: Repository, model: str, name: str) -> Iterator[Buffer]:
    """The bytes of `REV:ROLE`, `REV:PATH` or `REV:./PATH`, piece by piece, each checked; `model.toml` is a path too.

    Raises BadFileRevision, UnknownRevision and the like, NotInVersion, RoleHasMany, Missing, Damaged.
    """
    revision, wanted = revisions.split_file(name)
    version = repository.objects.version(revisions.resolve(repository, model, revision))
    tree = repository.objects.tree(version.tree)
    if wanted.removeprefix("./") == modelfile.NAME:
        return iter([modelfile.of_version(repository, version, revisions.model_of(repository, model, revision))])
    entry = revisions.find_file(tree, wanted, f"v{version.number}")
    return repository.extract.stream(entry.file)
