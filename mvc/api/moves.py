"""The moves of the current branch or HEAD of a model: switch, reset, merge, revert, undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mvc.api.handle import Handle
from mvc.api.session import Revision, When, Who
from mvc.api.stashes import Side
from mvc.model.ids import VersionId
from mvc.model.version import Code
from mvc.porcelain import cherry_pick as picks
from mvc.porcelain import merge_continue
from mvc.porcelain.cherry_pick import Options as PickOptions
from mvc.porcelain.cherry_pick import Picked
from mvc.porcelain.commit import Committed
from mvc.porcelain.merge import Choice, MergeResult, merge
from mvc.porcelain.op import Operation, operation, operations
from mvc.porcelain.reset import HARD, KEEP, SOFT, Reset, reset
from mvc.porcelain.switch import Switched, switch
from mvc.porcelain.undo import Undone, redo, undo
from mvc.porcelain.undo import restore as restore_operation
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress


class Moves(Handle):
    """The methods of a model that move its current branch or HEAD."""

    def switch(
        self,
        target: Revision | None = None,
        *,
        create: str | None = None,
        detach: bool = False,
        force: bool = False,
        discard: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Switched:
        """Switch to the branch `target`, or detach HEAD at a version; `create` creates a branch there.

        Edits that `force` overwrites come back with `undo`, unless `discard`. Raises InTheWay.
        """
        return switch(
            self._session.of(self.name),
            target if target is None or isinstance(target, str) else target.id,
            create=create,
            detach=detach,
            force=force,
            discard=discard,
            actor=self._session.actor(actor),
            progress=progress,
        )

    def reset(
        self,
        revision: Revision = "HEAD",
        *,
        keep: bool = False,
        hard: bool = False,
        discard: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Reset:
        """Move the current branch to `revision`; `keep` also updates the files, `hard` overwrites edits in them.

        These come back with `undo`, unless `discard`.
        """
        return reset(
            self._session.of(self.name),
            self._session.take(self.name, revision),
            mode=HARD if hard else KEEP if keep else SOFT,
            discard=discard,
            actor=self._session.actor(actor),
            progress=progress,
        )

    def merge(
        self,
        revision: Revision,
        message: str | None = None,
        *,
        side: Side | None = None,
        take: Mapping[str, Side] | None = None,
        ff_only: bool = False,
        date: When | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> MergeResult:
        """Merge `revision` into the current branch; `take` (by field) or `side` resolves conflicts.

        With unresolved conflicts, `outcome` is `conflicts`; call `continue_merge` or `abort_merge` then.
        """
        return merge(
            self._session.of(self.name),
            self._session.take(self.name, revision),
            self._session.actor(actor),
            message=message,
            called=revision if isinstance(revision, str) else None,
            choice=_choice(side, take),
            ff_only=ff_only,
            date=self._session.moment(date),
            progress=progress,
        )

    def continue_merge(
        self,
        message: str | None = None,
        *,
        side: Side | None = None,
        take: Mapping[str, Side] | None = None,
        date: When | None = None,
        actor: Who | None = None,
        code: Code | bool = True,
        progress: Progress | None = None,
    ) -> Committed:
        """Commit the merge once all conflicts are resolved. Raises NoMerge, Undecided."""
        return merge_continue.proceed(
            self._session.of(self.name),
            self._session.actor(actor),
            message=message,
            choice=_choice(side, take),
            date=self._session.moment(date),
            registries=self._session.registries(),
            progress=progress,
            code=self._session.code(code),
        )

    def abort_merge(self, *, discard: bool = False, progress: Progress | None = None) -> Moved:
        """Restore the working tree as it was before the merge; edits come back with `undo` unless `discard`. Raises NoMerge."""
        return merge_continue.abort(self._session.of(self.name), discard=discard, progress=progress)

    def cherry_pick(
        self,
        *picked: Revision,
        parent: int | None = None,
        side: Side | None = None,
        take: Mapping[str, Side] | None = None,
        commit: bool = True,
        origin: bool = False,
        date: When | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Picked:
        """Apply the changes of versions, or of ranges `A..B`, to the current branch, each as a new version.

        `parent` is the number of the parent that a merge is compared with; `origin` names the picked version in the
        message; without `commit`, only the working tree changes. With unresolved conflicts, `outcome` is `conflicts`: call
        `continue_merge` or `abort_merge` then. Raises NothingToPick, NoParentToPick, WhichParent, UnsavedChanges.
        """
        options = PickOptions(parent, _choice(side, take), commit, origin, self._session.moment(date))
        model, who = self._session.of(self.name), self._session.actor(actor)
        return picks.cherry_pick(model, self._picked(picked), who, options=options, progress=progress)

    def revert(
        self,
        *reverted: Revision,
        parent: int | None = None,
        side: Side | None = None,
        take: Mapping[str, Side] | None = None,
        commit: bool = True,
        date: When | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Picked:
        """Undo the changes of versions, or of ranges `A..B`, by new versions; the rest as for `cherry_pick`."""
        options = PickOptions(parent, _choice(side, take), commit, date=self._session.moment(date))
        model, who = self._session.of(self.name), self._session.actor(actor)
        return picks.revert(model, self._picked(reverted), who, options=options, progress=progress)

    def _picked(self, named: Sequence[Revision]) -> list[VersionId]:
        """Return the versions that are named; a range is several."""
        model = self._session.of(self.name)
        found: list[VersionId] = []
        for revision in named:
            if isinstance(revision, str):
                found += picks.versions(model, [revision])
            else:
                found.append(self._session.resolve(self.name, revision))
        return found

    def undo(
        self,
        operation: int | None = None,
        *,
        force: bool = False,
        discard: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Undone:
        """Undo the last operation, or the one of that number. Raises NothingToUndo, MovedSince, PushedAlready and the like.

        What is overwritten comes back with `redo`, unless `discard`; `force` also restores a model.toml edited since.
        """
        return undo(
            self._session.of(self.name),
            self._session.actor(actor),
            number=operation,
            force=force,
            discard=discard,
            progress=progress,
        )

    def redo(self, *, discard: bool = False, actor: Who | None = None, progress: Progress | None = None) -> Undone:
        """Reverse the last undo. Raises NothingToRedo, and as `undo`."""
        return redo(self._session.of(self.name), self._session.actor(actor), discard=discard, progress=progress)

    def operations(self, *, limit: int | None = None) -> list[Operation]:
        """Return the operations, newest first: the commands that changed the model."""
        return operations(self._session.of(self.name), limit=limit)

    def operation(self, number: int) -> Operation:
        """Return one operation. Raises NoSuchOperation."""
        return operation(self._session.of(self.name), number)

    def restore_operation(
        self, number: int, *, discard: bool = False, actor: Who | None = None, progress: Progress | None = None
    ) -> Undone:
        """Restore refs, HEAD and files to their state after an operation. Raises NoSuchOperation, and as `undo`."""
        model, who = self._session.of(self.name), self._session.actor(actor)
        return restore_operation(model, number, who, discard=discard, progress=progress)


def _choice(side: Side | None, take: Mapping[str, Side] | None) -> Choice:
    return Choice(dict(take or {}), side)
