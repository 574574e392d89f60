"""The version of a step: its parents here, its author, time and message as a version can have them; or its exact objects.

Nothing of it depends on who imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.paths import escape_name
from mvc.model.version import Person, Version
from mvc.repository.imports import snapshot as snapshots
from mvc.repository.imports.contents import Content
from mvc.repository.imports.snapshot import Snapshot
from mvc.repository.imports.source import Step


@dataclass(slots=True)
class Place:
    """The version of a step, or of one left out those of its nearest ancestors; with the number of the first.

    An id is None in a dry run, if a file of it must be downloaded.
    """

    ids: tuple[VersionId | None, ...]
    number: int = 0


def exact(step: Step, contents: Sequence[Content], expired: AbstractSet[FileId]) -> Snapshot:
    """Return the objects of a step after checking that they belong together, and that its files are theirs.

    Files that the source dropped are `expired`.

    Raises NotCanonical, ContentDiffers, UnsafePath, UnportablePath, CollidingPaths.
    """
    objects = step.objects
    assert objects is not None  # noqa: S101 - asked before
    version, manifest, tree = objects.version, objects.manifest, objects.tree
    if (manifest.id(), tree.id(), digest(objects.model_toml)) != (version.manifest, version.tree, version.model_toml):
        raise errors.NotCanonical(reason="the parts of a version do not belong together")
    snapshots.check_paths(list(tree.by_path))
    by_path = {file.path: (file, content) for file, content in zip(step.files, contents, strict=True)}
    needed = {entry.path for entry in tree.entries if entry.file not in expired}
    if not needed <= by_path.keys() <= tree.by_path.keys():
        raise errors.NotCanonical(reason="the files of a version are not those of its tree")
    for entry in map(tree.by_path.__getitem__, by_path):
        content = by_path[entry.path][1]
        if (content.file, content.size) != (entry.file, entry.size):
            raise errors.ContentDiffers(
                path=escape_name(entry.path),
                step=escape_name(step.key),
                what="id",
                found=content.file,
                recorded=entry.file,
            )
    return Snapshot(objects.model_toml, manifest, tree)


def of_step(step: Step, parents: Place, snapshot: Snapshot) -> Version | None:
    """Return the version of a step; None if the id of a parent is not known. Raises NotCanonical."""
    if step.objects is not None:
        return step.objects.version
    ids = [id_ for id_ in parents.ids if id_ is not None]
    if len(ids) < len(parents.ids):
        return None
    version = Version(
        parents=tuple(ids),
        number=parents.number + 1,
        author=person(step.author),
        time=step.time,
        message=_message(step),
        manifest=snapshot.manifest.id(),
        tree=snapshot.tree.id(),
        model_toml=FileId(digest(snapshot.model_toml)),
        code=step.code,
    )
    version.encode()
    return version


def person(found: Person) -> Person:
    """Return an author as a version can have it: sources allow names that are empty, or have line feeds."""
    name = "".join(letter for letter in found.name if letter.isprintable() and letter not in "<>").strip()
    email = "".join(letter for letter in found.email if letter.isprintable() and letter not in "<> ")
    return Person(name or email or "unknown", email)


def _message(step: Step) -> str:
    text = step.message.encode("utf-8", "replace").decode().strip()
    return text or step.key.encode("utf-8", "replace").decode()
