"""Revisions on a remote: a version found by the remote's own refs, without refs here.

v7                    number 7 in the history of main, or of the remote's first branch
main  prod  2026.1    a branch, alias or tag; heads/main, aliases/prod, tags/2026.1 where names clash
3f9c2ab1d0            the beginning of an id, four digits or more
main~2  v7^2          ancestors, as in `mvc.repository.revisions`
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import NoReturn

from mvc import errors
from mvc.model.ids import VersionId
from mvc.plural import first
from mvc.remotes.remote import Remote
from mvc.repository import history, revisions
from mvc.repository.parts import MAIN
from mvc.repository.repository import Repository
from mvc.storage.records.reflog import HEADS, RefName
from mvc.transport import tracking

_SHOWN = 10
"""The most names that an error lists."""


class RemoteRefNames:
    """The refs of `model` among `refs`, those of a remote; `target` returns the version of one, None if it was deleted."""

    def __init__(self, refs: Iterable[RefName], model: str, target: Callable[[RefName], VersionId | None]) -> None:
        """Hold the refs; each is read when it is asked for."""
        self._refs = {ref for ref in refs if ref.model == model}
        self._target = target
        self.model = model

    @property
    def main(self) -> VersionId | None:
        """The tip of main, else of the first branch; None for none."""
        return self._main[1] if self._main is not None else None

    @cached_property
    def _main(self) -> tuple[RefName, VersionId] | None:
        branches = sorted(
            (ref for ref in self._refs if ref.kind == HEADS), key=lambda ref: (ref.name != MAIN, ref.name)
        )
        return next(((ref, target) for ref in branches if (target := self._target(ref)) is not None), None)

    def named(self, text: str) -> list[RefName]:
        """Return the refs that a revision depends on: those of its name, and of a number the branch that has it.

        There are none for an id. Raises errors of the remote.
        """
        base, _ = revisions.split_steps(text)
        if base in ("", "HEAD") or revisions.number_of(base) is not None:
            return [self._main[0]] if self._main is not None else []
        refs = dict.fromkeys(ref for ref in revisions.refs_of(self.model, base) if ref in self._refs)
        return [ref for ref in refs if self._target(ref) is not None]

    def resolve(self, repository: Repository, text: str) -> VersionId:
        """Return the version that `text` names, by default the tip of main; `repository` has the metadata.

        Raises UnknownRevision, AmbiguousRevision, Missing, Damaged, and errors of the remote.
        """
        base, steps = revisions.split_steps(text)
        return revisions.ancestor(repository, self._base(repository, base), steps, text)

    def check(self, text: str) -> None:
        """Raise UnknownRevision, AmbiguousRevision for a name that is not a ref; numbers and ids need metadata."""
        base, _ = revisions.split_steps(text)
        if base not in ("", "HEAD") and revisions.number_of(base) is None and not revisions.is_hex(base):
            _ = self._named(base) or self._unknown(base)

    def _base(self, repository: Repository, text: str) -> VersionId:
        if text in ("", "HEAD"):
            return self.main or self._unknown(MAIN)
        number = revisions.number_of(text)
        if number is not None:
            return history.numbered(repository.objects, self.main, number) or self._unknown(text)
        return self._named(text) or self._abbreviated(repository, text) or self._unknown(text)

    def _named(self, text: str) -> VersionId | None:
        """Return the version of a ref. Raises AmbiguousRevision if refs of several kinds have the name."""
        refs = dict.fromkeys(ref for ref in revisions.refs_of(self.model, text) if ref in self._refs)
        found = {ref: target for ref in refs if (target := self._target(ref)) is not None}
        if len(set(found.values())) > 1:
            raise errors.AmbiguousRevision(text=text, candidates=", ".join(ref.text for ref in found))
        return next(iter(found.values()), None)

    def _abbreviated(self, repository: Repository, text: str) -> VersionId | None:
        """Return the only version with an id that begins with `text` among those that a ref reaches."""
        if not revisions.is_hex(text):
            return None
        tips = [target for ref in self._refs if (target := self._target(ref)) is not None]
        found = [id_ for id_ in history.ancestors(repository.objects, tips) if id_.startswith(text)]
        if len(found) > 1:
            raise errors.AmbiguousRevision(text=text, candidates=", ".join(sorted(found)[:_SHOWN]))
        return found[0] if found else None

    def _unknown(self, text: str) -> NoReturn:
        names = list(dict.fromkeys(ref.name for ref in sorted(self._refs)))
        suggestion = f"Branches, tags and aliases of {self.model} there: {first(names, _SHOWN) or 'none'}."
        raise errors.UnknownRevision(text=text, model=self.model, suggestion=suggestion)


def models(refs: Iterable[RefName]) -> list[str]:
    """Return the models that have a branch, deleted ones included."""
    return sorted({ref.model for ref in refs if ref.kind == HEADS})


def sound_refs(remote: Remote) -> dict[RefName, int]:
    """List the refs of `remote`, each with its newest number; those with invalid names are left out."""
    return {ref: number for ref, number in remote.refs.numbers().items() if tracking.is_sound(ref)}
