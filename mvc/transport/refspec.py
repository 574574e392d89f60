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
from mvc.storage.records.reflog import ALIASES, HEADS, REFS, TAGS, RefName


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
    NoSuchName, NotThere, BadRefName, NameTaken, AmbiguousRevision, and what resolving a revision raises.
    """
    if delete:
        return _removals(model, remote, specs)
    found = [_of(model, remote, spec) for spec in specs if not spec.startswith(":")]
    kinds = [*([HEADS] if branches else []), *([TAGS, ALIASES] if tags else [])]
    existing = [model.ref(kind, name) for kind in kinds for name in model.names(kind)]
    found += [_checked(model, remote, _existing(model.repository, ref)) for ref in existing]
    if not specs and not kinds:
        branch = model.head.branch
        if branch is None:
            raise errors.Detached(model=model.key, version=model.head.at()[:10])
        found.append(_checked(model, remote, _existing(model.repository, model.ref(HEADS, branch))))
    removed = _removals(model, remote, [spec[1:] for spec in specs if spec.startswith(":")])
    _check_kinds(found)
    return [*{update.ref: update for update in found}.values(), *removed]


def _check_kinds(updates: Sequence[RefUpdate]) -> None:
    """Raise NameTaken if one push would give a name to refs of two kinds."""
    kinds: dict[str, str] = {}
    for ref in (update.ref for update in updates):
        if kinds.setdefault(ref.name, ref.kind) != ref.kind:
            raise errors.NameTaken(name=ref.name, kind=refnames.KINDS[kinds[ref.name]], model=ref.model)


def _removals(model: Model, remote: str, specs: Sequence[str]) -> list[RefUpdate]:
    return [RefUpdate(_seen(model, remote, spec), None) for spec in specs]


def _seen(model: Model, remote: str, name: str) -> RefName:
    refs = model.repository.refs
    found = [
        ref
        for ref in revisions.refs_of(model.key, name)
        if ref.kind in refnames.KINDS and refs.target(ref.tracking_ref(remote)) is not None
    ]
    if len(found) > 1:
        raise errors.AmbiguousRevision(text=name, candidates=", ".join(ref.text for ref in found))
    if found:
        return found[0]
    known = [
        each
        for kind in refnames.KINDS
        for each in refs.names(model.key, model.ref(kind, name).tracking_ref(remote).kind)
    ]
    raise errors.NotThere(remote=remote, what=f"ref {name} of {model.key}", known=", ".join(known) or "none")


def _of(model: Model, remote: str, spec: str) -> RefUpdate:
    source, colon, target = spec.partition(":")
    own = _named(model, source)
    if not colon or target == source:
        if own is None:
            raise errors.NoSuchRef(name=source, model=model.key)
        return _checked(model, remote, _existing(model.repository, own))
    target = target.removeprefix(f"{REFS}/")
    kind, _, name = target.partition("/")
    if kind not in refnames.KINDS:
        kind, name = own.kind if own is not None else HEADS, target
    names.check_ref_name(name)
    local = own.name if own is not None and own.kind == HEADS else None
    return _checked(model, remote, RefUpdate(model.ref(kind, name), revisions.resolve(model, source), local))


def _checked(model: Model, remote: str, update: RefUpdate) -> RefUpdate:
    """Return an update. Raises BadRefName if its ref is new there, and a revision would read its name as another ref."""
    if model.repository.refs.target(update.ref.tracking_ref(remote)) is None:
        refnames.check_unreserved(model.repository, update.ref.name)
    return update


def _named(model: Model, name: str) -> RefName | None:
    found = (ref for ref in revisions.candidates(model, name) if ref.kind in refnames.KINDS)
    return next((ref for ref in found if model.repository.refs.target(ref) is not None), None)


def _existing(repository: Repository, ref: RefName) -> RefUpdate:
    target = repository.refs.target(ref)
    if target is None:
        raise errors.NoVersionYet(model=ref.model)
    return RefUpdate(ref, target, ref.name if ref.kind == HEADS else None)
