"""`mvc import` of a history outside mvc: its steps become versions, its names refs; what is known is not imported again.

source ─► steps: versions, each durable ─► branches, tags, aliases ◄── commit point ─► files of the current branch
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mvc import errors, plural
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.paths import escape_name
from mvc.repository import history as histories
from mvc.repository.imports import first_checkout
from mvc.repository.imports.first_checkout import FirstCheckout
from mvc.repository.imports.importer import LEFT_OUT, NEW, ImportedStep, Importer
from mvc.repository.imports.refs import ImportedRef, Refs
from mvc.repository.imports.source import SourceHistory
from mvc.repository.model import Model
from mvc.repository.policy import scan_settings
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.progress import Progress
from mvc.transport import expiry_sync

_SHOWN = 3
"""Files that a warning names."""


@dataclass(frozen=True, slots=True)
class ImportedHistory(Document):
    """The outcome for each step of the source `origin`, and the refs that moved; a dry run moves none.

    `model` is the key in this repository, `created` if it is new. `absent` are parents that the source does not have.
    `warnings` are about refs and the source as a whole. `received` is in bytes. `written` are the
    files that were written into the model's `folder`, a path from the repository's root.
    """

    KEYS = keys(
        "source=origin model created dry_run versions refs absent warnings bytes_received=received folder written"
    )

    origin: str
    model: str
    created: bool
    dry_run: bool
    versions: tuple[ImportedStep, ...]
    refs: tuple[ImportedRef, ...] = ()
    absent: tuple[VersionId, ...] = ()
    warnings: tuple[str, ...] = ()
    received: int = 0
    folder: str = ""
    written: tuple[str, ...] = ()

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
    allow_unsafe: bool = False,
    progress: Progress | None = None,
) -> ImportedHistory:
    """Import the steps of `history` into the model `model`, by default the one of its name; it is created if absent.

    A `dry_run` changes nothing, scans only what it has or reads, and does not know the files written for a model that has
    versions. `allow_unsafe` stores files whatever a loader would run. Raises NothingToImport, BadModelKey, OtherHistory,
    ImportUnsafe, ImportWouldBeUnsafe, CollectedMeanwhile, and errors of the source; ImportInTheWay if files of the current branch cannot be written, before any ref has moved.
    """
    if not history.steps:
        reason = "; ".join(history.warnings) or "it has no versions with weights"
        raise errors.NothingToImport(origin=history.origin, reason=reason)
    key = model or history.model
    names.check_model_key(key)
    created = repository.heads.get(key) is None
    if not created and model is None and not history.is_chosen:
        _require_own(Model(repository, key), history, actor)
    first = first_checkout.of(repository, key, history)
    if first is not None and not dry_run:
        first.require_free()
    with _spool(dry_run=dry_run) as spool:
        importer = Importer(
            repository, key, history, actor, dry_run=dry_run, progress=progress, allow_unsafe=allow_unsafe, spool=spool
        )
        if not dry_run:
            expiry_sync.repeat(repository, history.expired)
        steps = importer.run()
    imported = any(step.how != LEFT_OUT for step in steps)
    refs = Refs(Model(repository, key), importer, actor)
    if imported and not dry_run:
        _add_annotations(Model(repository, key), history)
        refs.update(progress)
    if not dry_run:
        importer.end()
    folder = first_checkout.head(repository, key).folder
    return ImportedHistory(
        history.origin,
        key,
        created and imported,
        dry_run,
        steps,
        tuple(refs.moved),
        tuple(dict.fromkeys(importer.absent)),
        (*history.warnings, *refs.warnings, *(_foreseen(importer, first) if dry_run else ())),
        importer.contents.received,
        *((first.folder, first.paths) if first is not None and imported and dry_run else (folder, refs.written)),
    )


@contextlib.contextmanager
def _spool(*, dry_run: bool) -> Iterator[Path | None]:
    """Yield a folder for a dry run, outside of the repository, which it does not change."""
    if not dry_run:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="mvc-import-") as folder:
        yield Path(folder)


def _foreseen(importer: Importer, first: FirstCheckout | None) -> Iterator[str]:
    """Yield what an import would be refused for, and which files it may be refused for."""
    blocked = first.blocked() if first is not None else []
    if blocked:
        verb = "is" if len(blocked) == 1 else "are"
        yield f"the import will be refused: {', '.join(map(escape_name, blocked))} {verb} not tracked, and in the way"
    unscanned = [escape_name(path) for path in importer.unscanned]
    if unscanned and scan_settings.of_repository(importer.repository).level is not None:
        yield f"the bytes of {plural.first(unscanned, _SHOWN)} were not read: the import scans them, and may be refused"


def _require_own(model: Model, history: SourceHistory, actor: Actor) -> None:
    """Raise OtherHistory if the model has versions, and none of the first ones of the source's branches.

    Of exact versions, any is enough.
    """
    tips = histories.tips(model)
    if not tips:
        return
    own = histories.ancestors(model.repository.objects, tips)
    if any(step.objects is not None and step.objects.version.id() in own for step in history.steps):
        return  # the model may have some of the versions without those before them
    preview = Importer(model.repository, model.key, history, actor, dry_run=True)
    parents = {step.key: step.parents for step in history.steps}
    named = set(histories.reach([*history.branches.values()] or [*parents], lambda key: parents.get(key, ())))
    left_out: set[str] = set()
    for step in history.steps:
        if step.key in named and left_out.issuperset(step.parents):
            outcome = preview.step(step)
            if outcome.how == LEFT_OUT:
                left_out.add(step.key)
            elif outcome.id is None or outcome.id in own:  # one to download may be known
                return
    raise errors.OtherHistory(model=model.key, origin=history.origin)


def _add_annotations(model: Model, history: SourceHistory) -> None:
    """Record the notes and the evaluations of the source on versions that are here."""
    repository = model.repository
    for kind, logs in history.annotations.items():
        for id_, entries in logs.items():
            if repository.objects.has(id_):
                with repository.locked():
                    repository.annotations[kind].merge(model.key, id_, entries)
