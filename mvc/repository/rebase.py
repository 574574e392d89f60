"""Rebase: versions that no remote has are repeated on another version, with the same trees and manifests."""

from __future__ import annotations

from dataclasses import replace

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Version
from mvc.repository import history, merge_state
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS


def rebase(model: Model, branch: str, onto: VersionId, called: str, actor: Actor) -> VersionId:
    """Rebase the versions of `branch` that `onto` lacks; return the new tip. Messages call `onto` by `called`.

    The working tree does not change, as the newest version has the same tree. Raises CannotRebase if one of the
    versions is a merge, or reachable from a remote-tracking ref; RefMoved.
    """
    repository = model.repository
    ref = model.ref(HEADS, branch)
    merge_state.refuse(model)
    with repository.writing():
        tip = repository.refs.tip(ref)
        if tip is None or tip.new is None:
            raise errors.NoVersionYet(model=model.key)
        own = _own(repository, tip.new, onto, branch, called)
        _check_unknown(model, own, branch, called)
        new = onto
        for _, version in own:
            number = repository.objects.version(new).number + 1
            new = repository.objects.put_version(replace(version, parents=(new,), number=number))
            repository.door.barrier()
        repository.refs.append(ref, tip, new, actor.move(f"rebase: onto {called}"))
    return new


def _own(
    repository: Repository, tip: VersionId, onto: VersionId, branch: str, called: str
) -> list[tuple[VersionId, Version]]:
    """Return the versions reachable from `tip` but not from `onto`, oldest first."""
    found = list(history.walk(repository.objects, [tip], exclude=[onto]))[::-1]
    for id_, version in found:
        if len(version.parents) > 1:
            raise errors.CannotRebase(branch=branch, onto=called, reason=f"{id_[:10]} is a merge")
    return found


def _check_unknown(model: Model, own: list[tuple[VersionId, Version]], branch: str, called: str) -> None:
    """Raise CannotRebase if one of these versions is reachable from a remote-tracking ref: others may have built on it."""
    refs = model.repository.refs
    for kind in refs.kinds(model.key):
        for ref in refs.all(model.key, kind) if kind.startswith("remotes/") else ():
            target = refs.target(ref)
            known = history.ancestors(model.repository.objects, [target]) if target is not None else set()
            held = next((id_ for id_, _ in own if id_ in known), None)
            if held is not None:
                raise errors.CannotRebase(branch=branch, onto=called, reason=f"{ref.text} has {held[:10]}")
