"""Branches, tags and aliases of a model: one namespace, with a rule of movement for each kind.

A branch moves with commits, a tag never moves, an alias is moved explicitly, with a log of every move.
"""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.repository.upstream import ORIGIN
from mvc.storage.records.reflog import ALIASES, HEADS, REFS, REMOTES, TAGS, RefName

if TYPE_CHECKING:
    from mvc.repository.retention import completeness
else:
    completeness = lazy.Module("mvc.repository.retention.completeness")

_ATTEMPTS = 20
KINDS = {HEADS: "branch", TAGS: "tag", ALIASES: "alias"}
"""The kinds of refs, each with its word in messages."""
QUALIFIERS = (REFS, REMOTES, *KINDS)
"""The first parts of names in full: refs/heads/main, remotes/origin/aliases/prod, tags/2026.1."""


def check_new(model: Model, kind: str, name: str, *, deleted: Collection[RefName] = ()) -> None:
    """Raise BadRefName, NameTaken or CaseTwin unless `name` may be created or moved as a `kind` of `model`.

    The refs `deleted` are about to be deleted, and take no name. A ref that is there moves even if its name is reserved.
    """
    names.check_ref_name(name)
    if model.target(kind, name) is None:
        check_unreserved(model.repository, name)
    folded = name.casefold()
    for other_kind, kind_called in KINDS.items():
        for ref in model.repository.refs.all(model.key, other_kind):
            # The spelling is compared first, and only a twin's tip is read: there may be thousands of refs.
            if ref.name.casefold() != folded or ref in deleted or ref == model.ref(kind, name):
                continue
            if model.repository.refs.target(ref) is None:
                continue
            if ref.name == name:
                raise errors.NameTaken(name=name, kind=kind_called, model=model.key)
            raise errors.CaseTwin(name=name, other=ref.name, kind=kind_called)


def check_unreserved(repository: Repository, name: str) -> None:
    """Raise BadRefName for a new name that a revision reads as another ref: `aliases/prod`, `origin/prod`."""
    first = first_reserved(name, repository.config.remotes()) if "/" in name else None
    if first is not None:
        whose = f"the refs of the remote {first}" if first not in QUALIFIERS else "refs in full, such as heads/main"
        raise errors.BadRefName(name=name, reason=f"names that begin with {first}/ are {whose}")


def check_remote(repository: Repository | None, name: str) -> None:
    """Raise BadRefName for an invalid name of a remote, RemoteHidesRef if revisions would no longer find a local ref.

    `repository` is None outside of one.
    """
    names.check_ref_name(name)
    if "/" in name or name in QUALIFIERS:
        called = ", ".join(QUALIFIERS[:-1])
        reason = f"a remote's name must not contain a slash, or be {called} or {QUALIFIERS[-1]}"
        raise errors.BadRefName(name=name, reason=reason)
    if repository is None:
        return
    for model in repository.refs.models():
        for kind, word in KINDS.items():
            for ref in repository.refs.all(model, kind):
                if ref.name.startswith(f"{name}/") and repository.refs.target(ref) is not None:
                    raise errors.RemoteHidesRef(name=name, model=model, kind=word, ref=ref.name, text=ref.text)


def first_reserved(name: str, remotes: Collection[str]) -> str | None:
    """Return the first part of a name if it means something else in a revision: a kind of refs, or one of `remotes`."""
    first, slash, _ = name.partition("/")
    return first if slash and (first in QUALIFIERS or first in remotes or first == ORIGIN) else None


def shown(ref: RefName, remotes: Collection[str]) -> str:
    """Return how a ref is printed: as short as a revision names it, so `prod`, `origin/prod`, `aliases/origin/prod`."""
    if ref.kind in KINDS:
        return ref.name if first_reserved(ref.name, remotes) is None else ref.text
    return f"{ref.kind.split('/')[1]}/{ref.name}" if first_reserved(ref.name, ()) is None else ref.text


def matching(found: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Return the names that match one of the shell patterns; without patterns, all."""
    return [name for name in found if not patterns or any(fnmatch.fnmatchcase(name, one) for one in patterns)]


def set_tag(model: Model, name: str, version: VersionId, actor: Actor, reason: str) -> bool:
    """Create the tag `name` at `version`; return False if it exists there.

    A deleted tag may be created again only at its former version. Raises TagExists, and as `check_new`.
    """
    check_tag(model, name, version)
    return _move(model.repository, model.ref(TAGS, name), version, actor, reason)


def check_tag(model: Model, name: str, version: VersionId | None) -> None:
    """Raise TagExists unless the tag `name` is free for `version`; None for a version that does not exist yet."""
    check_new(model, TAGS, name)
    tip = model.repository.refs.tip(model.ref(TAGS, name))
    stands_for = None if tip is None else tip.new or tip.old
    if stands_for is not None and stands_for != version:
        raise errors.TagExists(tag=name, version=history.label(model.repository, stands_for))


def set_alias(model: Model, name: str, version: VersionId, actor: Actor, reason: str, *, restate: bool = False) -> bool:
    """Move the alias `name` to `version`; return False if it is there, unless `restate` records the reason again.

    Raises as `check_new`, RefMoved.
    """
    check_new(model, ALIASES, name)
    return _move(model.repository, model.ref(ALIASES, name), version, actor, reason, restate=restate)


def _move(
    repository: Repository, ref: RefName, version: VersionId, actor: Actor, reason: str, *, restate: bool = False
) -> bool:
    tip = repository.refs.tip(ref)
    if tip is not None and tip.new == version and not restate:
        repository.refs.settle(ref)
        return False
    with repository.locked():
        completeness.reread(Model(repository, ref.model), version)
        repository.refs.append(ref, tip, version, actor.move(reason))
    return True


def check_all(model: Model, tags: Sequence[str], aliases: Sequence[str], version: VersionId | None) -> None:
    """Raise unless all these refs can be set; an existing tag may be at `version`."""
    for name in set(tags) & set(aliases):
        raise errors.NameTaken(name=name, kind="tag", model=model.key)
    for tag in tags:
        check_tag(model, tag, version)
    for alias in aliases:
        check_new(model, ALIASES, alias)


def set_all(
    model: Model,
    version: VersionId,
    tags: Sequence[str],
    aliases: Sequence[str],
    actor: Actor,
) -> tuple[str, ...]:
    """Set several tags and aliases, without a reason; return the names that changed.

    Of two commands that set an alias at the same time, the last one counts: their versions exist, and neither may fail.
    Raises NamesNotSet, since the version is there then.
    """
    try:
        done = [tag for tag in tags if _retried(set_tag, model, tag, version, actor)]
        done += [alias for alias in aliases if _retried(set_alias, model, alias, version, actor)]
    except errors.MvcError as error:
        label, names_ = history.label(model.repository, version), ", ".join((*tags, *aliases))
        partial = errors.NamesNotSet(
            model=model.key, version=label, id=version[:10], names=names_, reason=error.message
        )
        partial.exit_code = error.exit_code
        raise partial from error
    return tuple(done)


def _retried(set_ref: Callable[..., bool], model: Model, name: str, version: VersionId, actor: Actor) -> bool:
    """Set a ref; again if another command moved it meanwhile. Raises RefMoved after `_ATTEMPTS`."""
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(errors.RefMoved):
            return set_ref(model, name, version, actor, "")
    return set_ref(model, name, version, actor, "")


def remove(model: Model, kind: str, name: str, actor: Actor, reason: str) -> VersionId:
    """Delete a ref, keeping its log; return the version it was at. Raises NoSuchName."""
    ref = model.ref(kind, name)
    tip = model.repository.refs.tip(ref)
    if tip is None or tip.new is None:
        raise errors.NoSuchName(kind=KINDS[kind], name=name, model=model.key)
    with model.repository.locked():
        model.repository.refs.append(ref, tip, None, actor.move(reason))
    return tip.new


def holders(model: Model, version: VersionId, *, but: RefName | None = None) -> list[str]:
    """Return the refs of `model` at `version`, except `but`, and the remote-tracking refs from which it is reachable."""
    targets = model.targets()
    return [
        f"{KINDS.get(ref.kind, ref.kind)} {ref.name}"
        for ref, target in targets.items()
        if ref != but and _holds(model.repository, ref, target, version)
    ]


def _holds(repository: Repository, ref: RefName, target: VersionId | None, version: VersionId) -> bool:
    if target is None or target == version or ref.kind in KINDS:
        return target == version
    return history.is_ancestor(repository.objects, version, target)


class Decorations(NamedTuple):
    """For each version with refs its (kind, name) pairs, branches first; and the messages of tags that a cache has."""

    names: dict[VersionId, list[tuple[str, str]]]
    messages: dict[str, str]

    def tag_messages(self, model: Model, version: VersionId) -> dict[str, str]:
        """Return the messages of the tags at a version, by name; a tag may have none. Raises Damaged."""
        tags = [name for kind, name in self.names.get(version, ()) if kind == KINDS[TAGS]]
        messages = ((name, self._message(model, name)) for name in tags)
        return {name: message for name, message in messages if message}

    def _message(self, model: Model, tag: str) -> str:
        if tag in self.messages:
            return self.messages[tag]
        tip = model.repository.refs.tip(model.ref(TAGS, tag.removeprefix(f"{TAGS}/")))
        return tip.move.reason if tip is not None else ""


def decorations(model: Model) -> Decorations:
    """Return the names of versions, and the messages of tags. Raises Damaged."""
    found: dict[VersionId, list[tuple[str, str]]] = {}
    messages: dict[str, str] = {}
    remotes = model.repository.config.remotes()
    kinds: Iterable[str] = [*KINDS, *(kind for kind in model.repository.refs.kinds(model.key) if kind not in KINDS)]
    for ref, tip in ((ref, tip) for kind in kinds for ref, tip in model.repository.refs.tips(model.key, kind).items()):
        if tip.target is not None:
            found.setdefault(tip.target, []).append((KINDS.get(ref.kind, "remote"), shown(ref, remotes)))
        if ref.kind == TAGS and tip.reason is not None:
            messages[shown(ref, remotes)] = tip.reason
    return Decorations(found, messages)
