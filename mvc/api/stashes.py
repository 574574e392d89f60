"""The stashes of a model: uncommitted changes that were put aside, numbered from the newest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, overload

from mvc.api.session import Session, Who
from mvc.porcelain import stash as porcelain
from mvc.porcelain import stash_apply
from mvc.porcelain.merge import Choice
from mvc.porcelain.stash import Stash, StashChanges, Stashed
from mvc.porcelain.stash_apply import Applied
from mvc.storage.progress import Progress

Side = Literal["ours", "theirs"]
"""A side of a merge: the current version, or the stash."""


class Stashes(Sequence[Stash]):
    """The stashes, the newest first. An unknown number raises NoSuchStash, except in `stashes[number]`: IndexError."""

    def __init__(self, session: Session, model: str) -> None:
        """Hold the stashes of `model`."""
        self._session = session
        self._model = model

    def push(
        self, message: str | None = None, *, actor: Who | None = None, progress: Progress | None = None
    ) -> Stashed:
        """Stash the uncommitted changes, and set the tracked files back to HEAD; `stash` is None if there were none.

        Raises NoVersionYet, MergeUnderway, InTheWay, and the faults of tracked files.
        """
        model, who = self._session.of(self._model), self._session.actor(actor)
        return porcelain.push(model, who, message=message, progress=progress)

    def show(self, number: int = 0) -> StashChanges:
        """Return the changes of a stash. Raises NoSuchStash."""
        return porcelain.show(self._session.of(self._model), str(number))

    def apply(
        self,
        number: int = 0,
        *,
        side: Side | None = None,
        take: Mapping[str, Side] | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Applied:
        """Apply a stash to the working tree, and keep it; `take` (by field) or `side` resolves conflicts.

        Raises NoSuchStash, StashConflicts, InTheWay, MergeUnderway.
        """
        return self._apply(number, Choice(take or {}, side), actor, progress, drop=False)

    def pop(
        self,
        number: int = 0,
        *,
        side: Side | None = None,
        take: Mapping[str, Side] | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Applied:
        """Apply a stash as `apply` does, and drop it."""
        return self._apply(number, Choice(take or {}, side), actor, progress, drop=True)

    def branch(
        self, name: str, number: int = 0, *, actor: Who | None = None, progress: Progress | None = None
    ) -> Applied:
        """Create branch `name` where a stash was made, switch to it, and pop the stash. Raises as `Model.switch`."""
        who = self._session.actor(actor)
        return stash_apply.branch(self._session.of(self._model), name, who, str(number), progress=progress)

    def drop(self, number: int = 0, *, actor: Who | None = None) -> Stash:
        """Drop a stash, and return it: its `id` names it until it is garbage-collected. Raises NoSuchStash."""
        return porcelain.drop(self._session.of(self._model), self._session.actor(actor), str(number))

    def clear(self, *, actor: Who | None = None) -> list[Stash]:
        """Drop all stashes, and return them."""
        return porcelain.clear(self._session.of(self._model), self._session.actor(actor))

    @overload
    def __getitem__(self, index: int) -> Stash: ...
    @overload
    def __getitem__(self, index: slice) -> list[Stash]: ...
    def __getitem__(self, index: int | slice) -> Stash | list[Stash]:
        return self._all()[index]

    def __iter__(self) -> Iterator[Stash]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return f"<Stashes of {self._model}: {', '.join(stash.message for stash in self._all()) or 'none'}>"

    def _all(self) -> list[Stash]:
        return porcelain.stashes(self._session.of(self._model))

    def _apply(
        self, number: int, choice: Choice, actor: Who | None, progress: Progress | None, *, drop: bool
    ) -> Applied:
        model, who = self._session.of(self._model), self._session.actor(actor)
        return stash_apply.apply(model, who, str(number), drop=drop, choice=choice, progress=progress)
