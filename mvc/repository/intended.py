"""What a version is meant for (`[intent] ready_for`): asked by status, commit, merge and alias.

Where model.toml says nothing of it, this costs nothing: rules, and what looks into files, are loaded when they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.repository import history
from mvc.repository.repository import Repository

if TYPE_CHECKING:
    from mvc.model.compare.files import FileChange
    from mvc.readiness.evaluation import Readiness
    from mvc.repository.contents import Contents
    from mvc.storage.chunks.headers import Note

if TYPE_CHECKING:
    from mvc.readiness import evaluation, subject
    from mvc.repository import contents as file_contents
else:
    evaluation = lazy.Module("mvc.readiness.evaluation")
    subject = lazy.Module("mvc.readiness.subject")
    file_contents = lazy.Module("mvc.repository.contents")


def unready(
    manifest: Manifest, tree: Callable[[], Tree], contents: Callable[[], Contents] | None = None
) -> tuple[Readiness, ...]:
    """The uses that `manifest` is meant for and not ready for; without `contents` no file is looked into."""
    if not manifest.intent.get("ready_for"):
        return ()
    looked_into = contents() if contents is not None else subject.NoContents()
    found = evaluation.evaluate_intent(subject.Subject(manifest, tree(), looked_into))
    return tuple(each for each in found if not each.ready)


def working(repository: Repository, folder: str) -> Contents:
    """A way to look into the files of the working tree."""
    return file_contents.working(repository, folder)


def faults(repository: Repository, folder: str, changes: Sequence[FileChange]) -> tuple[Note, ...]:
    """What is wrong with the changed weight files of the working tree; costs nothing where no file changed."""
    if not changes:
        return ()
    return file_contents.faults(repository, folder, changes)


def require(repository: Repository, id_: VersionId, alias: str) -> None:
    """Raise NotReady unless a version is ready for what it is meant for, so that `alias` may stand for it."""
    version = repository.objects.version(id_)
    found = unready(
        repository.objects.manifest(version.manifest),
        lambda: repository.objects.tree(version.tree),
        lambda: file_contents.stored(repository),
    )
    refuse(found, history.label(repository, id_), f"mvc check {id_[:10]}", [alias])


def refuse(found: Sequence[Readiness], what: str, check: str, aliases: Sequence[str]) -> None:
    """Raise NotReady when `found` has a use; `check` is the command that tells more."""
    if found:
        reasons = dict.fromkeys(each.verdict.why for readiness in found for each in readiness.blockers)
        raise errors.NotReady(
            what=what,
            uses=" and ".join(each.use for each in found),
            reasons="; ".join(reasons),
            check=check,
            alias=" and ".join(aliases),
        )
