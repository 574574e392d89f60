"""Intended uses of a version (`[intent] ready_for`), checked by status, commit, merge and alias.

Without such uses in model.toml this costs nothing: rules and readers of files load when they are needed.
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

    Notes = tuple[Note, ...]

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
    """Return the intended uses that `manifest` is not ready for; without `contents`, no file is read."""
    if not manifest.intent.get("ready_for"):
        return ()
    looked_into = contents() if contents is not None else subject.NoContents()
    found = evaluation.evaluate_intent(subject.Subject(manifest, tree(), looked_into))
    return tuple(each for each in found if not each.ready)


def working(repository: Repository, folder: str) -> Contents:
    """Return the contents of files in the working tree."""
    return file_contents.working(repository, folder)


def examined(repository: Repository, folder: str, changes: Sequence[FileChange]) -> tuple[Notes, Notes]:
    """Return the faults of the changed files in the working tree, and those that are compressed; nothing without changes."""
    if not changes:
        return (), ()
    findings = file_contents.examined(repository, folder, changes)
    return findings.faults, findings.compressed


def require(repository: Repository, id_: VersionId, alias: str) -> None:
    """Raise NotReady unless a version is ready for its intended uses, before `alias` moves to it."""
    version = repository.objects.version(id_)
    found = unready(
        repository.objects.manifest(version.manifest),
        lambda: repository.objects.tree(version.tree),
        lambda: file_contents.stored(repository),
    )
    refuse(found, history.label(repository, id_), f"mvc check {id_[:10]}", [alias])


def refuse(found: Sequence[Readiness], what: str, check: str, aliases: Sequence[str], refused: str = "") -> None:
    """Raise NotReady if `found` has a use; `check` shows the reasons, `refused` is `committed` or `recorded`."""
    if found:
        names = " and ".join(aliases)
        reasons = dict.fromkeys(each.verdict.why for readiness in found for each in readiness.blockers)
        raise errors.NotReady(
            what=what,
            uses=" and ".join(each.use for each in found),
            reasons="; ".join(reasons),
            check=check,
            alias=names,
            outcome=f"Nothing was {refused}, and {names} not set" if refused else f"Did not set {names}",
        )
