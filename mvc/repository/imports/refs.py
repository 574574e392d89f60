"""The refs of an imported history: its branches, tags and the moves of its aliases.

    branch   absent ─► created      an ancestor ─► fast-forward      diverged ─► left, and import/NAME is created beside it
    tag      absent ─► created      at another version ─► left, with a warning
    alias    its moves are appended to its log, with their authors, times and reasons; one with other moves is left

The current branch comes last, with its files: edited files may be in the way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import field, replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.document import Document
from mvc.model.ids import VersionId
from mvc.model.toml import parse
from mvc.model.tree import Tree
from mvc.repository import history as histories
from mvc.repository import refnames
from mvc.repository.imports import first_checkout
from mvc.repository.imports.importer import Importer
from mvc.repository.imports.source import AliasMove
from mvc.repository.imports.versions import person
from mvc.repository.model import Model
from mvc.repository.policy import gate
from mvc.repository.repository import Actor
from mvc.repository.retention import completeness
from mvc.repository.worktree import checkout, model_file
from mvc.storage.progress import Progress
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import RefStep
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefEntry

_BESIDE = "import/"
"""Prefix of a branch that is created beside one with other versions."""
_MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class ImportedRef(Document):
    """A ref that was created (`old` is None) or moved; its `kind` is branch, tag or alias."""

    kind: str
    name: str
    old: VersionId | None
    new: VersionId | None


@dataclass(slots=True)
class Refs:
    """The refs of one import: `moved` and `warnings` are what was done and what was not.

    `written` are the files that were written, by their paths in the model's folder.
    """

    model: Model
    importer: Importer
    actor: Actor
    moved: list[ImportedRef] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    written: tuple[str, ...] = ()

    def update(self, progress: Progress | None = None) -> None:
        """Create or move all refs. Raises ImportInTheWay, before any has moved; RefMoved, CollectedMeanwhile."""
        source = self.importer.history
        targets = {name: self._target(key, f"branch {name}") for name, key in source.branches.items()}
        plan = [update for name, id_ in targets.items() if id_ and (update := self._branch(name, id_))]
        head = self._head(plan)
        self._check(plan, head)
        self._check_policy(plan)
        self._set_head(head)
        for update in plan:
            if update.name != head.branch:
                self._append(update)
        coming = {update.name for update in plan}
        for name, key in source.tags.items():
            self._tag(name, key, coming)
        for name in dict.fromkeys(move.alias for move in source.aliases):
            self._alias(name, [move for move in source.aliases if move.alias == name], coming)
        for update in plan:
            if update.name == head.branch:
                self._current(update, head, progress)

    def _head(self, plan: Sequence[ImportedRef]) -> Head:
        """Return the head of the model; of one without versions, at the first branch of the source."""
        head = first_checkout.head(self.model.repository, self.model.key)
        names = [update.name for update in plan if update.old is None]
        if names and head.branch not in (*self.model.names(HEADS), *names):
            return replace(head, branch=names[0])
        return head

    def _set_head(self, head: Head) -> None:
        """Create the model if it is new, and set its head."""
        repository, key = self.model.repository, self.model.key
        with repository.locked():
            if repository.heads.get(key) != head:
                repository.heads.set(key, head)

    def _check(self, plan: Sequence[ImportedRef], head: Head) -> None:
        """Raise ImportInTheWay if the files of the current branch cannot be written."""
        model = self.model
        for update in plan:
            data = model_file.read(model.repository, head.folder)
            if update.name != head.branch or update.new is None or (update.old is not None and data is None):
                continue
            with model.repository.writing():
                base, wanted = self._base(update, data), checkout.files_of(model, update.new)
                try:
                    checkout.check(model, base=base, wanted=wanted, folder=head.folder)
                except errors.InTheWay as error:
                    raise errors.ImportInTheWay(**error.fields) from error

    def _check_policy(self, plan: Sequence[ImportedRef]) -> None:
        """Raise PolicyRefused if one of the refs may not be created or moved."""
        refs, moves = self.model.repository.refs, list[gate.Move]()
        for update in plan:
            ref = self.model.ref(HEADS, update.name)
            moves.append(gate.Move(ref, refs.tip(ref), update.new, self._reason))
        for name, key in self.importer.history.tags.items():
            place = self.importer.places.get(key)
            new = next((id_ for id_ in place.ids if id_ is not None), None) if place is not None else None
            if new is not None and names.is_ref_name(name) and self.model.target(TAGS, name) is None:
                moves.append(gate.Move(self.model.ref(TAGS, name), None, new, self._reason))
        gate.check(self.model.repository, [*moves, *self._alias_moves()])

    def _alias_moves(self) -> Iterator[gate.Move]:
        """Yield the moves of aliases that are imported, each after the one before."""
        tips: dict[str, RefEntry | None] = {}
        refs, waiting = self.model.repository.refs, dict[str, int]()
        for move in self.importer.history.aliases:
            here = waiting.setdefault(move.alias, len(refs.numbers(self.model.ref(ALIASES, move.alias))))
            waiting[move.alias] -= 1
            if here > 0:  # the log has it, from an earlier import
                continue
            place = self.importer.places.get(move.key) if move.key is not None else None
            new = next((id_ for id_ in place.ids if id_ is not None), None) if place is not None else None
            if (new is None) == (move.key is None) and names.is_ref_name(move.alias):
                ref = self.model.ref(ALIASES, move.alias)
                yield gate.Move(ref, tips.get(move.alias), new, move.reason)
                tips[move.alias] = RefEntry.after(ref, tips.get(move.alias), new, self.actor.move(move.reason))

    def _base(self, update: ImportedRef, data: bytes | None) -> Tree:
        """Return the files that are checked out, of a model whose model.toml is `data`."""
        return checkout.files_of(self.model, update.old) if update.old is not None else self._blank(data)

    def _target(self, key: str, what: str) -> VersionId | None:
        """Return the version of a step, of one left out that of its nearest ancestor; add a warning if there is none."""
        place = self.importer.places.get(key)
        ids = [id_ for id_ in place.ids if id_ is not None] if place is not None else []
        if not ids:
            self.warnings.append(f"{what} left out: its version was not imported")
        return ids[0] if ids else None

    # --- branches

    def _branch(self, name: str, new: VersionId) -> ImportedRef | None:
        """Return the update of a branch, None if it has the version; note if another name is taken instead."""
        for number in range(_MOST_NAMES):
            chosen = name if number == 0 else f"{_BESIDE}{name}" + (f"-{number}" if number > 1 else "")
            try:
                refnames.check_new(self.model, HEADS, chosen)
            except errors.BadRefName as error:
                self.warnings.append(f"branch {name} left out: {error.message}")
                return None
            except errors.RefRejected:
                continue
            ref = self.model.ref(HEADS, chosen)
            old = self.model.repository.refs.target(ref)
            if old is not None and histories.is_ancestor(self.model.repository.objects, new, old):
                self.model.repository.refs.settle(ref)  # an interrupted import may have moved it
                return None
            if old is None or histories.is_ancestor(self.model.repository.objects, old, new):
                if chosen != name:
                    self.warnings.append(f"branch {name} has other versions and was left; see branch {chosen}")
                return ImportedRef("branch", chosen, old, new)
        raise errors.NameTaken(name=name, kind="branch", model=self.model.key)

    def _append(self, update: ImportedRef) -> None:
        ref, repository = self.model.ref(HEADS, update.name), self.model.repository
        assert update.new is not None  # noqa: S101 - branches are not deleted here
        with repository.locked():
            completeness.reread(self.model, update.new)
            tip = repository.refs.tip(ref)
            if (tip.new if tip is not None else None) != update.old:
                raise errors.RefMoved(ref=update.name, by="another command", reason="not the import")
            repository.refs.append(ref, tip, update.new, self.actor.move(self._reason))
        self.moved.append(update)

    def _current(self, update: ImportedRef, head: Head, progress: Progress | None) -> None:
        """Move the current branch with its files, unless the model has no working tree."""
        model, repository = self.model, self.model.repository
        data = model_file.read(repository, head.folder)
        if update.old is not None and data is None:
            self._append(update)
            return
        assert update.new is not None  # noqa: S101 - branches are not deleted here
        with repository.writing():
            completeness.reread(model, update.new)
            ref = model.ref(HEADS, update.name)
            entry = RefEntry.after(ref, repository.refs.tip(ref), update.new, self.actor.move(self._reason))
            done = checkout.move(
                model,
                "import",
                base=self._base(update, data),
                wanted=checkout.files_of(model, update.new),
                head=Head(head.folder, update.name),
                refs=(RefStep(ref, entry),),
                left_out=(),
                progress=progress,
            )
        self.moved.append(update)
        self.written = done.written

    # --- tags, aliases

    def _check_new(self, kind: str, name: str, coming: Collection[str]) -> None:
        """Raise BadRefName, NameTaken or CaseTwin unless a ref may have the name; the branches `coming` are about to be created."""
        refnames.check_new(self.model, kind, name)
        if name in coming:
            raise errors.NameTaken(name=name, kind="branch", model=self.model.key)

    def _tag(self, name: str, key: str, coming: Collection[str]) -> None:
        new = self._target(key, f"tag {name}")
        if new is None:
            return
        try:
            self._check_new(TAGS, name, coming)
            if refnames.set_tag(self.model, name, new, self.actor, self._reason):
                self.moved.append(ImportedRef("tag", name, None, new))
        except (errors.RefRejected, errors.BadRefName) as error:
            self.warnings.append(f"tag {name} left out: {error.message}")

    def _alias(self, name: str, moves: Sequence[AliasMove], coming: Collection[str]) -> None:
        """Append the moves of an alias that its log does not have yet."""
        repository, ref = self.model.repository, self.model.ref(ALIASES, name)
        planned = [(move, new) for move, new in self._targets(name, moves)]
        try:
            self._check_new(ALIASES, name, coming)
        except (errors.RefRejected, errors.BadRefName) as error:
            self.warnings.append(f"alias {name} left out: {error.message}")
            return
        with repository.locked():
            entries = repository.refs.entries(ref)
            had = [(entry.new, entry.move.by, entry.move.at) for entry in entries]
            wanted = [(new, str(person(move.author)), move.time) for move, new in planned]
            if had != wanted[: len(had)]:
                if had[: len(wanted)] != wanted:
                    self.warnings.append(f"alias {name} has other moves here and was left")
                return
            tip = entries[-1] if entries else None
            for move, new in planned[len(had) :]:
                if new is not None:
                    completeness.reread(self.model, new)
                made = replace(self.actor.move(move.reason), by=str(person(move.author)), at=move.time)
                old = tip.new if tip is not None else None
                tip = repository.refs.append(ref, tip, new, made)
                self.moved.append(ImportedRef("alias", name, old, new))

    def _targets(self, name: str, moves: Sequence[AliasMove]) -> Iterator[tuple[AliasMove, VersionId | None]]:
        for move in moves:
            new = self._target(move.key, f"a move of alias {name}") if move.key is not None else None
            if new is not None or move.key is None:
                yield move, new

    def _blank(self, data: bytes | None) -> Tree:
        """Return the model.toml of a model without versions as its previous checkout, if it names no files yet."""
        try:
            tracks = data is None or parse.load(data, where=model_file.NAME).get("files")
        except errors.MvcError:
            tracks = True
        if tracks or data is None:
            return Tree()
        checkout.store_small(self.model.repository, data)  # `mvc undo` restores it
        return Tree((model_file.entry(data),))

    @property
    def _reason(self) -> str:
        return f"import: {self.importer.history.origin}"
