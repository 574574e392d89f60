"""Refspecs of a push: `main`, `main:release`, `:old`, every branch, every tag and alias."""

from __future__ import annotations

from collections.abc import Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.repository import refnames, revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefName


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """A ref to move on the remote to `new`, or to delete; `local` is the pushed branch."""

    ref: RefName
    new: VersionId | None
    local: str | None = None


def updates(
    model: Model,
    remote: str,
    specs: Sequence[str],
    *,
    branches: bool = False,
    tags: bool = False,
    delete: bool = False,
) -> list[RefUpdate]:
    """Return the updates of refs on `remote` for `specs`, NAME, SRC:DST or :DST each.

    Without any spec or flag it is the current branch. `branches` adds all branches, `tags` all tags and aliases; with
    `delete`, all specs name refs to delete, which the remote had at the last contact. Raises Detached, NoVersionYet,
    NoSuchName, NotThere, BadRefName, and what resolving a revision raises.
    """
    if delete:
        return _removals(model, remote, specs)
    found = [_of(model, spec) for spec in specs if not spec.startswith(":")]
    kinds = [*([HEADS] if branches else []), *([TAGS, ALIASES] if tags else [])]
    found += [_existing(model.repository, model.ref(kind, name)) for kind in kinds for name in model.names(kind)]
    if not specs and not kinds:
        branch = model.head.branch
        if branch is None:
            raise errors.Detached(model=model.key, version=model.head.at()[:10])
        found.append(_existing(model.repository, model.ref(HEADS, branch)))
    removed = _removals(model, remote, [spec[1:] for spec in specs if spec.startswith(":")])
    return [*{update.ref: update for update in found}.values(), *removed]


def _removals(model: Model, remote: str, specs: Sequence[str]) -> list[RefUpdate]:
    return [RefUpdate(_seen(model, remote, spec), None) for spec in specs]


def _seen(model: Model, remote: str, name: str) -> RefName:
    known = []
    for kind in refnames.KINDS:
        ref = model.ref(kind, name)
        if model.repository.refs.target(ref.tracking_ref(remote)) is not None:
            return ref
        known += model.repository.refs.names(model.key, ref.tracking_ref(remote).kind)
    raise errors.NotThere(remote=remote, what=f"ref {name} of {model.key}", known=", ".join(known) or "none")


def _of(model: Model, spec: str) -> RefUpdate:
    source, colon, target = spec.partition(":")
    own = _named(model, source)
    if not colon or target == source:
        if own is None:
            raise errors.NoSuchRef(name=source, model=model.key)
        return _existing(model.repository, own)
    kind, _, name = target.rpartition("/")
    if kind not in refnames.KINDS:
        kind, name = own.kind if own is not None else HEADS, target
    names.check_ref_name(name)
    local = own.name if own is not None and own.kind == HEADS else None
    return RefUpdate(model.ref(kind, name), revisions.resolve(model, source), local)


def _named(model: Model, name: str) -> RefName | None:
    found = (model.ref(kind, name) for kind in refnames.KINDS)
    return next((ref for ref in found if model.repository.refs.target(ref) is not None), None)


def _existing(repository: Repository, ref: RefName) -> RefUpdate:
    target = repository.refs.target(ref)
    if target is None:
        raise errors.NoVersionYet(model=ref.model)
    return RefUpdate(ref, target, ref.name if ref.kind == HEADS else None)
