"""`mvc import` of a history outside mvc: its steps become versions, its names refs; what is known is not imported again.

source ─► steps: versions, each durable ─► branches, tags, aliases ◄── commit point ─► files of the current branch
"""

from __future__ import annotations

from dataclasses import dataclass

from mvc import errors
from mvc.model import names
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.repository import history as histories
from mvc.repository.imports.importer import LEFT_OUT, NEW, ImportedStep, Importer
from mvc.repository.imports.refs import ImportedRef, Refs
from mvc.repository.imports.source import SourceHistory
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.progress import Progress


@dataclass(frozen=True, slots=True)
class ImportedHistory(Document):
    """The outcome for each step of the source `origin`, and the refs that moved; a dry run moves none.

    `model` is the key in this repository, `created` if it is new. `absent` are parents that the source does not have.
    `warnings` are about refs and the source as a whole. `received` is in bytes.
    """

    KEYS = keys("source=origin model created dry_run versions refs absent warnings bytes_received=received")

    origin: str
    model: str
    created: bool
    dry_run: bool
    versions: tuple[ImportedStep, ...]
    refs: tuple[ImportedRef, ...] = ()
    absent: tuple[VersionId, ...] = ()
    warnings: tuple[str, ...] = ()
    received: int = 0

    @property
    def is_whole(self) -> bool:
        """True if no step was left out."""
        return all(step.how != LEFT_OUT for step in self.versions)

    @property
    def new(self) -> tuple[ImportedStep, ...]:
        """The steps that are new versions."""
        return tuple(step for step in self.versions if step.how == NEW)


@writes
def import_history(
    repository: Repository,
    history: SourceHistory,
    actor: Actor,
    *,
    model: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportedHistory:
    """Import the steps of `history` into the model `model`, by default the one of its name; it is created if absent.

    A `dry_run` writes nothing. Raises NothingToImport, BadModelKey, OtherHistory, CollectedMeanwhile, and errors of the
    source; InTheWay if edited files of the current branch are in the way, after everything else was done.
    """
    if not history.steps:
        reason = "; ".join(history.warnings) or "it has no versions with weights"
        raise errors.NothingToImport(origin=history.origin, reason=reason)
    key = model or history.model
    names.check_model_key(key)
    created = repository.heads.get(key) is None
    importer = Importer(repository, key, history, actor, dry_run=dry_run, progress=progress)
    if not created and model is None and not history.is_chosen:
        _require_own(Model(repository, key), history, actor)
    steps = importer.run()
    imported = any(step.how != LEFT_OUT for step in steps)
    refs = Refs(Model(repository, key), importer, actor)
    if imported and not dry_run:
        refs.update(progress)
    return ImportedHistory(
        history.origin,
        key,
        created and imported,
        dry_run,
        steps,
        tuple(refs.moved),
        tuple(dict.fromkeys(importer.absent)),
        (*history.warnings, *refs.warnings),
        importer.contents.received,
    )


def _require_own(model: Model, history: SourceHistory, actor: Actor) -> None:
    """Raise OtherHistory if the model has versions, and not the first one of the source."""
    tips = histories.tips(model)
    preview = Importer(model.repository, model.key, history, actor, dry_run=True)
    steps = map(preview.step, history.steps) if tips else ()
    first = next((step.id for step in steps if step.how != LEFT_OUT), None)
    if first is not None and first not in histories.ancestors(model.repository.objects, tips):
        raise errors.OtherHistory(model=model.key, origin=history.origin)
