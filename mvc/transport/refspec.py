"""Refspecs of a push: `main`, `main:release`, `:old`, every branch, every tag and alias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mvc import errors
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.repository import refnames, revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefName


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """A ref to move on the remote, to `new` or to delete it; `local` is the branch here that it comes from."""

    ref: RefName
    new: VersionId | None
    local: str | None = None


def updates(
    repository: Repository, model: str, specs: Sequence[str], *, branches: bool = False, tags: bool = False
) -> list[RefUpdate]:
    """Return the updates for `specs`, NAME or SRC:DST each; for the current branch without any spec or flag.

    `branches` adds all branches, `tags` all tags and aliases; `:DST` is for `removals`. Raises Detached, NoVersionYet,
    NoSuchName, BadRefName, and what resolving a revision raises.
    """
    found = [_of(repository, model, spec) for spec in specs if not spec.startswith(":")]
    kinds = [*([HEADS] if branches else []), *([TAGS, ALIASES] if tags else [])]
    found += [
        _existing(repository, RefName(model, kind, name))
        for kind in kinds
        for name in repository.refs.names(model, kind)
    ]
    if not specs and not kinds:
        branch = repository.head(model).branch
        if branch is None:
            raise errors.Detached(model=model, version=repository.head(model).at()[:10])
        found.append(_existing(repository, RefName(model, HEADS, branch)))
    return list({update.ref: update for update in found}.values())


def removals(repository: Repository, model: str, remote: str, specs: Sequence[str]) -> list[RefUpdate]:
    """Return the deletions of refs that `remote` had at the last contact. Raises NotThere."""
    return [RefUpdate(_seen(repository, model, remote, spec), None) for spec in specs]


def _seen(repository: Repository, model: str, remote: str, name: str) -> RefName:
    known = []
    for kind in refnames.KINDS:
        ref = RefName(model, kind, name)
        if repository.refs.target(ref.tracking_ref(remote)) is not None:
            return ref
        known += repository.refs.names(model, ref.tracking_ref(remote).kind)
    raise errors.NotThere(remote=remote, what=f"name {name} of {model}", known=", ".join(known) or "none")


def _of(repository: Repository, model: str, spec: str) -> RefUpdate:
    source, colon, target = spec.partition(":")
    own = _named(repository, model, source)
    if not colon or target == source:
        if own is None:
            raise errors.NoSuchName(kind="branch, tag or alias", name=source, model=model)
        return _existing(repository, own)
    kind, _, name = target.rpartition("/")
    if kind not in refnames.KINDS:
        kind, name = own.kind if own is not None else HEADS, target
    names.check_ref_name(name)
    local = own.name if own is not None and own.kind == HEADS else None
    return RefUpdate(RefName(model, kind, name), revisions.resolve(Model(repository, model), source), local)


def _named(repository: Repository, model: str, name: str) -> RefName | None:
    found = (RefName(model, kind, name) for kind in refnames.KINDS)
    return next((ref for ref in found if repository.refs.target(ref) is not None), None)


def _existing(repository: Repository, ref: RefName) -> RefUpdate:
    target = repository.refs.target(ref)
    if target is None:
        raise errors.NoVersionYet(model=ref.model)
    return RefUpdate(ref, target, ref.name if ref.kind == HEADS else None)
