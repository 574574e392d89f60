"""Revisions: resolution of the texts that name a version.

main  prod  2026.1        a branch, alias or tag; heads/main, aliases/prod, tags/2026.1 where names clash
origin/main  origin/prod  the same of a configured remote, as last fetched; in full remotes/origin/aliases/prod
v7                        number 7 in the history of the current branch (MODEL@v7: of that model's main)
HEAD  @                   the checked-out version
3f9c2ab1d0                the beginning of an id, four digits or more
main@{u}  ORIG_HEAD       the upstream of a branch; its version before the last move
refs/heads/main  v7^{}    as Git writes them
main@{1}  prod@{2026-01-15}   the ref's position one move ago, or at that date
stash@{0}                 a stash, the newest first
v7~2  v7^2                two first parents up; the second parent
picsellia:MODEL@3         the version with number 3 (or that name) of a model on Picsellia
MODEL@REV  @git           in another model; the newest version made from the Git commit that is checked out

A..B  A...B               reachable from B but not A; reachable from only one of them (`log`)
REV:model-latest  REV:./weights/best.onnx     one file of a version, by role or by path (`cat`)
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Timestamp
from mvc.repository import history, places, provenance, upstream
from mvc.repository.model import Model
from mvc.repository.parts import MAIN
from mvc.repository.repository import Repository
from mvc.storage.records.reflog import ALIASES, HEADS, REMOTES, TAGS, RefEntry, RefName

if TYPE_CHECKING:
    from mvc.repository import refnames
    from mvc.storage.records import stashes
else:
    refnames = lazy.Module("mvc.repository.refnames")
    stashes = lazy.Module("mvc.storage.records.stashes")

KINDS = (HEADS, TAGS, ALIASES)
_NUMBER = re.compile(r"v([0-9]{1,9})\Z")
_HEX = re.compile(r"[0-9a-f]{4,64}\Z")
_STEPS = re.compile(r"(?P<base>.*?)(?P<steps>(?:[~^][0-9]{0,6})*)\Z", re.DOTALL)
_STEP = re.compile(r"([~^])([0-9]*)")
_AT = re.compile(r"(?P<name>.*?)@\{(?P<when>[^{}]*)\}\Z", re.DOTALL)
_DATED = re.compile(r"@\{[^{}]*\}")
_UPSTREAM = ("u", "upstream", "push")
_PEELED = re.compile(r"\^\{(?:commit|object)?\}\Z")
"""Git's way from a tag to its version, which tags of mvc are anyway."""
_MOVES = re.compile(r"[0-9]{1,9}\Z")
_STASH = "stash"
_SHOWN = 10
"""The most candidates that an error lists."""


@dataclass(frozen=True, slots=True)
class Range:
    """The versions reachable from `tips` but not from `exclude`."""

    tips: tuple[VersionId, ...]
    exclude: tuple[VersionId, ...] = ()


def resolve(model: Model, text: str) -> VersionId:
    """Return the version that `text` names, for `model`.

    Raises UnknownRevision, AmbiguousRevision, NoVersionYet, NoModel, BadDate, Missing, Damaged.
    """
    base, steps = split_steps(_PEELED.sub("", text))
    return ancestor(model.repository, _base(model, base, text), steps, text)


def split_steps(text: str) -> tuple[str, str]:
    """Split a revision into its base and its steps to ancestors: `v7`, `~2^2`."""
    match = _STEPS.match(text)
    assert match is not None  # noqa: S101 - the expression matches any text
    return match["base"], match["steps"]


def ancestor(repository: Repository, id_: VersionId, steps: str, text: str) -> VersionId:
    """Return the ancestor of a version after `steps`, for the revision `text`. Raises NoParent, ParentAbsent."""
    for sign, count in _STEP.findall(steps):
        id_ = _step(repository, id_, sign, int(count) if count else 1, text)
    return id_


def number_of(text: str) -> int | None:
    """Return the number of `v7`; None for another text."""
    match = _NUMBER.match(text)
    return int(match[1]) if match else None


def is_hex(text: str) -> bool:
    """Return whether `text` may be the beginning of an id."""
    return _HEX.match(text) is not None


def resolve_range(model: Model, text: str) -> Range:
    """Return the range `A..B` or `A...B` (a missing side is HEAD), or all versions reachable from one revision."""
    for dots in ("...", ".."):
        left, found, right = text.partition(dots)
        if found:
            a, b = (resolve(model, side or "HEAD") for side in (left, right))
            if dots == "..":
                return Range((b,), (a,))
            return Range((a, b), tuple(history.merge_bases(model.repository.objects, a, b)))
    return Range((resolve(model, text),))


def names_file(text: str) -> bool:
    """Return whether `text` is `REV:FILE`: no name of a ref has a colon, but `picsellia:MODEL@3` is a revision."""
    return ":" in _DATED.sub("", text.removeprefix(places.PREFIX))


def split_file(text: str) -> tuple[str, str]:
    """Split `REV:FILE` into revision (default: HEAD) and role or path. Raises BadFileRevision."""
    on_registry = text.startswith(places.PREFIX) and text.count(":") > 1
    revision, colon, name = text.rpartition(":") if on_registry else text.partition(":")
    if not colon or not name:
        raise errors.BadFileRevision(text=text)
    return revision or "HEAD", name


def find_file(tree: Tree, name: str, version: str) -> TreeEntry:
    """Return the file of a role, else of a path; `./` forces a path. Raises NotInVersion, RoleHasMany."""
    path = name.removeprefix("./")
    entry = (None if path != name else tree.by_role.get(name)) or tree.by_path.get(path)
    if entry is not None:
        return entry
    inside = [each.role for each in tree.entries if each.role.startswith(f"{name}/")]
    if len(inside) == 1:
        return tree.by_role[inside[0]]
    if inside:
        raise errors.RoleHasMany(role=name, count=len(inside), roles=", ".join(inside[:_SHOWN]))
    raise not_in_version(version, name)


def not_in_version(version: str, name: str) -> errors.NotInVersion:
    """Return the error that a version, `v7 3f9c2ab1d0`, has no such file; its id names it on every branch."""
    return errors.NotInVersion(version=version, name=name, revision=version.rpartition(" ")[2])


def model_of(model: Model, text: str) -> str:
    """Return the model of `text`: that of `MODEL@REV`, else `model`."""
    if text.startswith(places.PREFIX):
        return places.named(model.repository, _base_of(text).removeprefix(places.PREFIX))[0]
    return _split_model(model.repository, text)[0] or model.key


def named_refs(model: Model, text: str) -> list[RefName]:
    """Return the refs, also remote-tracking ones, that a revision begins with, as `prod` of `prod~1`.

    There are none for HEAD, a number, an id, a place on a registry, and for what a ref was at before; `prod@{0}` is `prod`.
    """
    repository, base = model.repository, _base_of(_PEELED.sub("", text))
    if base.startswith(places.PREFIX) or base in ("", "HEAD", "@", "@git"):
        return []
    other, rest = _split_model(repository, base)
    if other is not None:
        return named_refs(Model(repository, other), rest or MAIN)
    past = _AT.match(base)
    if past and past["when"] in _UPSTREAM:
        branch = model.head.branch if past["name"] in ("", "HEAD", "@") else past["name"]
        followed = upstream.followed(model, branch) if branch is not None else None
        return [model.ref(HEADS, followed[1]).tracking_ref(followed[0])] if followed is not None else []
    if past:
        ref = ref_of(model, past["name"]) if past["name"] not in ("", "HEAD", "@") else None
        entries = repository.refs.entries(ref) if ref is not None else []
        return [ref] if ref is not None and entries and _entry_at(entries, past["when"]) is entries[-1] else []
    if number_of(base) is not None:
        return []
    return [ref for ref in candidates(model, base) if repository.refs.target(ref) is not None]


def _base_of(text: str) -> str:
    """Return `text` without its steps to parents."""
    return split_steps(text)[0]


def ref_of(model: Model, name: str) -> RefName | None:
    """Return the ref whose log `name` selects; HEAD is the current branch.

    A deleted ref is selected if no existing one matches. Return None for none. Raises AmbiguousRevision, NoModel.
    """
    if name in ("", "HEAD", "@"):
        branch = model.head.branch
        return model.ref(HEADS, branch) if branch is not None else None
    logs = [ref for ref in candidates(model, name) if model.repository.refs.numbers(ref)]
    alive = [ref for ref in logs if model.repository.refs.target(ref) is not None] or logs
    if len(alive) > 1:
        raise errors.AmbiguousRevision(text=name, candidates=", ".join(ref.text for ref in alive))
    return alive[0] if alive else None


# --- one revision without ~ and ^


def _base(model: Model, text: str, whole: str) -> VersionId:
    repository = model.repository
    if text in ("", "HEAD", "@"):
        current = model.current
        if current is None:
            _check_taken(model, model.head.branch or MAIN)
            raise errors.NoVersionYet(model=model.key)
        return current
    if text == "@git":
        return _of_git(model)
    if text.startswith(places.PREFIX):
        return places.named(repository, text.removeprefix(places.PREFIX))[1]
    other, rest = _split_model(repository, text)
    if other is not None:
        return _in_model(Model(repository, other), rest or MAIN, whole)
    past = _AT.match("@{1}" if text == "ORIG_HEAD" else text)
    if past and past["when"] in _UPSTREAM:
        return _upstream(model, past["name"], whole)
    if past:
        return _past(model, past["name"], past["when"], whole)
    number = number_of(text)
    if number is not None:
        return _numbered(model, number, model.current)
    return _named(model, text) or _abbreviated(repository, text) or _unknown(model, whole)


def _split_model(repository: Repository, text: str) -> tuple[str | None, str]:
    """Return the model before an @, and the rest; None if the text names no model."""
    model, at, rest = text.partition("@")
    if at and model and not rest.startswith("{") and repository.heads.get(model) is not None:
        return model, rest
    return None, text


def _in_model(model: Model, text: str, whole: str) -> VersionId:
    number = number_of(text)
    if number is not None:
        return _numbered(model, number, model.target(HEADS, MAIN))
    return _base(model, text, whole)


def _named(model: Model, text: str) -> VersionId | None:
    """Return the version of a ref. Raises AmbiguousRevision if refs of several kinds have the name."""
    found = {
        ref: target for ref in candidates(model, text) if (target := model.repository.refs.target(ref)) is not None
    }
    if len(set(found.values())) > 1:
        raise errors.AmbiguousRevision(text=text, candidates=", ".join(ref.text for ref in found))
    return next(iter(found.values()), None)


def candidates(model: Model, text: str) -> list[RefName]:
    """Return the refs that `text` may name in the repository of a model, which need not exist."""
    remotes = model.repository.config.remotes() if "/" in text else ()
    return list(refs_of(model.key, text, remotes))


def refs_of(model: str, text: str, remotes: Collection[str] = ()) -> Iterator[RefName]:
    """Yield the refs that `text` may name; `remotes` are the configured remotes.

    A qualified name, such as aliases/prod, is only the ref of that kind, and origin/prod is only a ref of the remote
    origin: else anybody who creates a ref of that name would choose what the text means to others.
    """
    text = text.removeprefix("refs/")
    first, _, rest = text.partition("/")
    if first in KINDS and rest:
        yield RefName(model, first, rest)
        return
    if first == REMOTES:
        remote, _, name = rest.partition("/")
        yield from _tracking(model, remote, name)
        return
    if not rest or first not in remotes:
        for kind in KINDS:
            yield RefName(model, kind, text)
    yield from _tracking(model, first, rest)


def _tracking(model: str, remote: str, name: str) -> Iterator[RefName]:
    """Yield the remote-tracking refs of a remote that `name` may mean; none for an empty name."""
    kind, _, short = name.partition("/")
    if remote and name:
        found = [(kind, short)] if kind in KINDS and short else [(each, name) for each in KINDS]
        yield from (RefName(model, each, called).tracking_ref(remote) for each, called in found)


def _numbered(model: Model, number: int, tip: VersionId | None) -> VersionId:
    """Return `v7` among the ancestors of `tip`. If only other branches have it, the error names them."""
    found = history.numbered(model.repository.objects, tip, number)
    if found is not None:
        return found
    elsewhere: dict[str, VersionId] = {}
    for branch in model.names(HEADS):
        id_ = history.numbered(model.repository.objects, model.target(HEADS, branch), number)
        if id_ is not None:
            elsewhere[branch] = id_
    if len(set(elsewhere.values())) == 1 and model.head.branch is None:
        return next(
            iter(elsewhere.values())
        )  # with a detached HEAD there is no current branch, and the only v7 is unambiguous
    if elsewhere:
        listed = ", ".join(f"{branch}: {id_[:10]}" for branch, id_ in elsewhere.items())
        raise errors.NotOnThisLine(version=f"v{number}", elsewhere=listed)
    return _unknown(model, f"v{number}")


def _abbreviated(repository: Repository, text: str) -> VersionId | None:
    """Return the only version whose id begins with `text`."""
    if not is_hex(text):
        return None
    found = [id_ for id_ in repository.objects.with_prefix(text) if _is_version(repository, id_)]
    if len(found) > 1:
        listed = ", ".join(id_[: max(10, len(text) + 2)] for id_ in found[:_SHOWN])
        raise errors.AmbiguousRevision(text=text, candidates=listed)
    return VersionId(found[0]) if found else None


def _is_version(repository: Repository, id_: str) -> bool:
    try:
        repository.objects.version(VersionId(id_))
    except errors.NotCanonical:
        return False
    return True


def _past(model: Model, name: str, when: str, whole: str) -> VersionId:
    """Return the version of a ref some moves ago, or at a time; `@{1}` applies to the current branch."""
    if name == _STASH and _MOVES.match(when) and ref_of(model, name) is None:
        return _stashed(model, int(when), whole)
    entries = _log(model, name, whole)
    entry = _entry_at(entries, when)
    if entry is None or entry.new is None:
        raise errors.NoSuchMoment(name=name or "HEAD", when=when, moves=len(entries))
    return entry.new


def _entry_at(entries: Sequence[RefEntry], when: str) -> RefEntry | None:
    """Return the entry some moves ago, or at a time; None for none. Raises BadDate."""
    if _MOVES.match(when):
        index = len(entries) - 1 - int(when)
        return entries[index] if index >= 0 else None
    moment = Timestamp.parse(when)
    return next((each for each in reversed(entries) if each.move.at.seconds <= moment.seconds), None)


def _upstream(model: Model, name: str, whole: str) -> VersionId:
    """Return the version of the upstream of a branch. Raises UnknownRevision."""
    branch = model.head.branch if name in ("", "HEAD", "@") else name
    followed = upstream.followed(model, branch) if branch is not None else None
    if followed is None:
        _unknown(model, whole)
    remote, other = followed
    return model.repository.refs.target(model.ref(HEADS, other).tracking_ref(remote)) or _unknown(model, whole)


def _stashed(model: Model, number: int, whole: str) -> VersionId:
    found = stashes.standing(stashes.read(model.repository.door, model.key))
    if number >= len(found):
        raise errors.NoSuchStash(name=whole, model=model.key, count=len(found))
    assert found[number].version is not None  # noqa: S101 - it stands
    return VersionId(str(found[number].version))


def _log(model: Model, name: str, whole: str) -> list[RefEntry]:
    ref = ref_of(model, name)
    return model.repository.refs.entries(ref) if ref else [_unknown(model, whole)]


def _of_git(model: Model) -> VersionId:
    """Return the newest version made from the checked-out Git commit, or else from its nearest ancestor."""
    made: dict[str, VersionId] = {}
    for id_, version in history.walk(model.repository.objects, history.tips(model)):
        if version.code is not None:
            made.setdefault(version.code.commit, id_)
    for commit in provenance.ancestors(model.repository.root / model.folder):
        if commit in made:
            return made[commit]
    raise errors.NoVersionOfGit(model=model.key)


def _step(repository: Repository, id_: VersionId, sign: str, count: int, text: str) -> VersionId:
    """Return `~n`, n first parents back, or `^n`, the n-th parent; `^0` is the version itself."""
    if sign == "^":
        parents = repository.objects.version(id_).parents
        if count == 0:
            return id_
        if count > len(parents):
            raise errors.NoParent(text=text, version=f"v{repository.objects.version(id_).number}", number=count)
        return _here(repository, parents[count - 1], id_, text)
    for _ in range(count):
        version = repository.objects.version(id_)
        if not version.parents:
            raise errors.NoParent(text=text, version=f"v{version.number}", number=1)
        id_ = _here(repository, version.parents[0], id_, text)
    return id_


def _here(repository: Repository, parent: VersionId, of: VersionId, text: str) -> VersionId:
    """Return a parent. Raises ParentAbsent if it is recorded as absent."""
    version = repository.objects.version(of)
    if parent not in repository.objects.parents(version):
        raise errors.ParentAbsent(text=text, version=f"v{version.number}", parent=parent[:10])
    return parent


def _check_taken(model: Model, text: str) -> None:
    """Raise TakeRefused for a name that was not taken from the remote that was opened."""
    for ref in candidates(model, _base_of(text)):
        if (refused := model.repository.refused.get(ref)) is not None:
            raise refused


def _unknown(model: Model, text: str) -> NoReturn:
    _check_taken(model, text)
    remotes = model.repository.config.remotes()
    known = [refnames.shown(model.ref(kind, name), remotes) for kind in KINDS for name in model.names(kind)]
    near = difflib.get_close_matches(text, [*known, "HEAD"], 1)
    suggestion = f"Did you mean {near[0]}?" if near else "List the versions with `mvc log --all`."
    raise errors.UnknownRevision(text=text, model=model.key, suggestion=suggestion)
