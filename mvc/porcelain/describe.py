"""`mvc describe`: a name for a version from its nearest tag, as in Git.

2026.2-2-gf17a3e4ccd      tag 2026.2, 2 versions that it has not, and the id
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document
from mvc.model.ids import SHORT, VersionId
from mvc.repository import history, refnames
from mvc.repository.model import Model
from mvc.storage.records.reflog import TAGS, RefName

LEAST = 4
"""The fewest digits of an id."""


@dataclass(frozen=True, slots=True)
class Options:
    """The tags that count, and the form of the name.

    `match` are patterns of the tags to consider (none: all), `exclude` of those to leave out. `every` considers branches
    and aliases, too, and `first_parent` no merged branches. `exact` accepts only a tag of the version itself; `long` gives
    the distance even if it is 0; `always` falls back to the short id; `abbrev` are the digits of that id, 0 for none.
    """

    match: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    every: bool = False
    first_parent: bool = False
    exact: bool = False
    long: bool = False
    always: bool = False
    abbrev: int = SHORT


@dataclass(frozen=True, slots=True)
class Description(Document):
    """A name for a version: `tag` (None for a short id alone), and the number of versions that it does not reach."""

    name: str
    tag: str | None
    distance: int | None
    id: VersionId
    number: int
    dirty: bool = False

    def marked(self) -> Description:
        """Return the description of a working tree with local changes."""
        return replace(self, name=f"{self.name}-dirty", dirty=True)


_ALL = Options()


def describe(model: Model, id_: VersionId, options: Options = _ALL) -> Description:
    """Describe a version; raise NotDescribed if no tag is reachable from it, unless `options.always`."""
    number = model.repository.objects.version(id_).number
    names = _names(model, options)
    short = id_[: max(options.abbrev, LEAST)] if options.abbrev else id_[:SHORT]
    found = _nearest(model, id_, names, options)
    if found is None:
        if not options.always or options.exact:
            reason = "no tag matches" if names or options.match or options.exclude else "there are no tags"
            raise errors.NotDescribed(version=f"v{number} {id_[:SHORT]}", reason=reason, number=number, id=id_[:SHORT])
        return Description(short, None, None, id_, number)
    tagged, distance = found
    tag = names[tagged]
    is_plain = not options.abbrev or (not distance and not options.long)
    return Description(tag if is_plain else f"{tag}-{distance}-g{short}", tag, distance, id_, number)


def _names(model: Model, options: Options) -> dict[VersionId, str]:
    """Return the name of each named version; of several tags, the newest, and of several names, a tag."""
    kinds = [TAGS, *(kind for kind in refnames.KINDS if kind != TAGS)] if options.every else [TAGS]
    names: dict[VersionId, str] = {}
    for kind in kinds:
        refs = [model.ref(kind, name) for name in model.names(kind) if _is_wanted(name, options)]
        for ref in sorted(refs, key=lambda ref: -_seconds(model, ref)):
            target = model.repository.refs.target(ref)
            if target is not None:
                names.setdefault(target, f"{kind}/{ref.name}" if options.every else ref.name)
    return names


def _is_wanted(name: str, options: Options) -> bool:
    def fits(patterns: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

    return (not options.match or fits(options.match)) and not fits(options.exclude)


def _seconds(model: Model, ref: RefName) -> int:
    tip = model.repository.refs.tip(ref)
    return tip.move.at.seconds if tip is not None else 0


def _nearest(
    model: Model, id_: VersionId, names: dict[VersionId, str], options: Options
) -> tuple[VersionId, int] | None:
    """Return the named ancestor that reaches the most, and how many ancestors of the version it does not reach.

    Ancestors of a named one are not considered, since they reach less.
    """
    objects = model.repository.objects
    if id_ in names or options.exact:
        return (id_, 0) if id_ in names else None
    if not names:
        return None

    def parents(version: VersionId) -> tuple[VersionId, ...]:
        found = objects.version(version)
        if options.first_parent:
            first = history.first_parent(objects, found)
            return () if first is None else (first,)
        return objects.parents(found)

    nearest = [
        each for each in history.reach([id_], lambda each: () if each in names else parents(each)) if each in names
    ]
    if not nearest:
        return None
    every = set(history.reach([id_], parents))
    distances = {each: len(every) - sum(1 for _ in history.reach([each], parents)) for each in nearest}
    return min(distances.items(), key=lambda item: (item[1], -objects.version(item[0]).time.seconds, item[0]))
