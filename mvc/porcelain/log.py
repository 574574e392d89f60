"""`mvc log`: the versions reachable from some refs, newest first, as a stream.

revisions ─ ranges ─ walk ─ filters ─ query ─ count ─ (changes of each)

Only the returned version objects are read, unless changes are requested.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeVar

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.compare.diff import Snapshot, VersionDiff, compare
from mvc.model.document import Document, keys, rows
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp, Version, VersionFields
from mvc.repository import history, refnames, revisions
from mvc.repository import places as publications
from mvc.repository.history import Entry, Versions
from mvc.repository.model import Model
from mvc.repository.query.branches import Branches
from mvc.repository.query.criteria import Query
from mvc.repository.repository import Repository
from mvc.storage.records import promised
from mvc.storage.records.reflog import Place

if TYPE_CHECKING:
    from mvc.model.compare import narrow, text
    from mvc.registry.tags import notes
    from mvc.repository import disk_usage, lineage
    from mvc.repository.compare import texts
    from mvc.repository.query import select
    from mvc.repository.signatures import verify
    from mvc.repository.signatures.trust import Signers
    from mvc.storage.records.annotations import remarks
else:
    narrow = lazy.Module("mvc.model.compare.narrow")
    text = lazy.Module("mvc.model.compare.text")
    select = lazy.Module("mvc.repository.query.select")
    disk_usage = lazy.Module("mvc.repository.disk_usage")
    lineage = lazy.Module("mvc.repository.lineage")
    texts = lazy.Module("mvc.repository.compare.texts")
    notes = lazy.Module("mvc.registry.tags.notes")
    remarks = lazy.Module("mvc.storage.records.annotations.remarks")
    verify = lazy.Module("mvc.repository.signatures.verify")

NOTE = "number=seq time=at by text values"
"""The keys of a note in the document of its version."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Filters of versions; time bounds are inclusive.

    `author` and `grep` (of messages and notes) are regular expressions that ignore letter case. `merges` is True for merges only, False for none.
    `paths` selects versions that change one of these files (`follow`: also under its former paths), `text` versions that
    add or remove that text.
    """

    author: str | None = None
    grep: str | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    merges: bool | None = None
    paths: tuple[str, ...] = ()
    follow: bool = False
    text: str | None = None

    @property
    def is_empty(self) -> bool:
        """True if no filter is set."""
        return self == Filter()


@dataclass(frozen=True, slots=True)
class Changes(Document):
    """The changes of a version against its first parent, and the bytes of all its files."""

    KEYS = keys("changes=difference bytes_new=difference.new_bytes bytes_total=total_bytes texts")
    OPTIONAL = ("texts",)

    difference: VersionDiff
    total_bytes: int
    texts: tuple[text.TextDiff, ...] = ()


@dataclass(frozen=True, slots=True)
class Logged(Document):
    """A version with its refs as (kind, name); `drawn` are its parents in a graph of the shown versions.

    `places` are its registry versions, `registry_tags` the tags that these had when they were last read. With a query,
    `values` has the requested values by key; with all values, `model_parent` is what `model.parent` names. `branch` is a branch that has the version if HEAD's history has not. `notes` are the notes on it, `tag_messages` the messages of its tags by name.
    """

    KEYS = keys(
        "id number=version.number parents=version.parents author=version.author time=version.time",
        "message=version.message code=version.code",
        {"names": rows("names", "kind=0 name=1")},
        "registry=places registry_tags values model_parent branch *changes",
        {"notes": rows("notes", NOTE)},
        "tag_messages dropped verified",
    )
    OPTIONAL = ("values", "model_parent", "branch", "verified")

    id: VersionId
    version: Version
    names: tuple[tuple[str, str], ...]
    drawn: tuple[VersionId, ...]
    changes: Changes | None
    places: tuple[Place, ...] = ()
    registry_tags: tuple[str, ...] = ()
    values: Mapping[str, Any] | None = None
    branch: str | None = None
    notes: tuple[remarks.Note, ...] = ()
    tag_messages: Mapping[str, str] = field(default_factory=dict)
    dropped: int = 0
    """The files whose bytes a prune dropped."""
    model_parent: lineage.ModelParent | None = None
    verified: verify.Verdict | None = None
    """The verdict on its signatures; None unless requested."""


_Fields = TypeVar("_Fields", bound=VersionFields)
_ALL = Filter()
_NO_QUERY = Query()


def log(
    model: Model,
    texts: Sequence[str] = (),
    *,
    every_name: bool = False,
    count: int | None = None,
    wanted: Filter = _ALL,
    reverse: bool = False,
    changes: bool = False,
    context: int | None = None,
    graph: bool = False,
    first_parent: bool = False,
    query: Query = _NO_QUERY,
    signers: Signers | None = None,
) -> Iterator[Logged]:
    """Yield the versions reachable from `texts` (revisions and ranges; default HEAD), newest first.

    `every_name` adds all refs; a `query` that selects or sorts starts from all refs unless `texts` are given, and reads
    the manifests of all these versions. `count` applies before `reverse`. `changes` compares each version with its first
    parent, with `context` also small text files by line; `graph` keeps all versions in memory to draw their parents; `first_parent` skips merged branches; with `signers`, the signatures are
    verified. Raises NoVersionYet, BadExpression, NoVersionHasKey, and as resolving does.
    """
    tips, exclude = _ends(model, texts, every_name=every_name or (query.searches and not texts))
    noted = model.noted()

    def found(versions: Versions[_Fields]) -> Iterator[tuple[VersionId, _Fields]]:
        walked = history.walk(versions, tips, exclude=exclude, first_parent=first_parent)
        return _touching(model.repository, _matching(model, walked, wanted, noted), wanted)

    selected: dict[VersionId, select.Row] = {}
    if query.is_empty:
        entries: Iterable[Entry] = itertools.islice(found(model.repository.objects), count)
    else:
        versions = select.versions(model, query)
        selected = {row.id: row for row in select.select(model, versions, found(versions), query, count)}
        entries = [(row.id, row.version) for row in selected.values()]
    drawn: dict[VersionId, tuple[VersionId, ...]] = {}
    if graph or reverse:
        listed = list(entries)
        drawn = _drawn(model.repository, listed, through=not wanted.is_empty or query.searches) if graph else {}
        entries = reversed(listed) if reverse else listed
    decorations = refnames.decorations(model)
    published = publications.has_any(model)
    elsewhere = Branches(model)
    records = promised.dropped(model.repository.door)
    named = lineage.Lineage(model.repository).model_parent if query.values else None
    return (
        Logged(
            id_,
            version,
            tuple(decorations.names.get(id_, ())),
            drawn.get(id_, ()),
            _changes(model.repository, id_, version, wanted.paths, context) if changes else None,
            *(_published(model, id_) if published else ((), ())),
            *selected[id_][2:] if id_ in selected else (None, elsewhere.of(id_, version.number)),
            notes=tuple(model.repository.remarks.current(model.key, id_)) if id_ in noted else (),
            tag_messages=decorations.tag_messages(model, id_),
            dropped=_dropped(model.repository, records, id_, version),
            verified=verify.version(model, id_, signers) if signers is not None else None,
            model_parent=named(model.key, model.repository.objects.manifest(version.manifest)) if named else None,
        )
        for id_, version in entries
    )


def _dropped(repository: Repository, records: promised.Dropped, id_: VersionId, version: Version) -> int:
    """Return the number of files that the version dropped, and that no other one kept."""
    if id_ not in records.versions:
        return 0
    entries = repository.objects.tree(version.tree).entries
    dropped = {entry.file for entry in entries if records.record(id_, entry.file) is not None}
    return sum(repository.promised.state(file) is promised.State.EXPIRED for file in dropped)


def _published(model: Model, id_: VersionId) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """Return the registry versions of a version, and their tags as noted."""
    places = tuple(publications.places(model, id_))
    return places, notes.of_places(model.repository, places)


def _ends(model: Model, texts: Sequence[str], *, every_name: bool) -> tuple[list[VersionId], list[VersionId]]:
    if every_name:
        tips = history.tips(model)
    else:
        tips, texts = [], texts or ["HEAD"]
    ranges = [revisions.resolve_range(model, text) for text in texts]
    tips += [tip for each in ranges for tip in each.tips]
    if not tips:
        raise errors.NoVersionYet(model=model.key)
    return tips, [id_ for each in ranges for id_ in each.exclude]


def _matching(
    model: Model, entries: Iterator[tuple[VersionId, _Fields]], wanted: Filter, noted: Collection[VersionId]
) -> Iterator[tuple[VersionId, _Fields]]:
    author, grep = _expression(wanted.author), _expression(wanted.grep)

    def fits(id_: VersionId, version: VersionFields) -> bool:
        return (
            (author is None or author.search(str(version.author)) is not None)
            and (grep is None or _mentions(model, grep, (id_, version), noted))
            and (wanted.since is None or version.time.seconds >= wanted.since.seconds)
            and (wanted.until is None or version.time.seconds <= wanted.until.seconds)
            and (wanted.merges is None or wanted.merges == (len(version.parents) > 1))
        )

    return entries if wanted.is_empty else (entry for entry in entries if fits(*entry))


def _mentions(
    model: Model, grep: re.Pattern[str], entry: tuple[VersionId, VersionFields], noted: Collection[VersionId]
) -> bool:
    """Return whether the message of a version or one of its notes matches."""
    id_, version = entry
    if grep.search(version.message):
        return True
    return id_ in noted and any(map(grep.search, remarks.searched(model.repository.remarks.current(model.key, id_))))


def _touching(
    repository: Repository, entries: Iterator[tuple[VersionId, _Fields]], wanted: Filter
) -> Iterator[tuple[VersionId, _Fields]]:
    """Return the versions whose changes have the wanted paths and text."""
    if not wanted.paths and wanted.text is None:
        return entries
    return _changing(repository, entries, wanted)


def _changing(
    repository: Repository, entries: Iterator[tuple[VersionId, _Fields]], wanted: Filter
) -> Iterator[tuple[VersionId, _Fields]]:
    paths, text = wanted.paths, wanted.text
    for id_, version in entries:
        parent, snapshot = _snapshots(repository, id_, version)
        difference = compare(parent, snapshot)
        followed = narrow.former_names(difference, paths) if wanted.follow else paths
        difference = narrow.narrow(difference, paths)
        if difference.is_empty or (text is not None and not narrow.mentions(difference, text)):
            continue
        paths = followed
        yield id_, version


def _expression(text: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(text, re.IGNORECASE) if text is not None else None
    except (re.error, RecursionError, OverflowError) as error:
        raise errors.BadExpression(text=text, reason=error) from error


def _drawn(repository: Repository, shown: list[Entry], *, through: bool) -> dict[VersionId, tuple[VersionId, ...]]:
    """Return the drawn parents of each version; with `through`, edges skip versions that are not shown."""
    objects = repository.objects
    ids = {id_ for id_, _ in shown}

    def beyond(id_: VersionId) -> tuple[VersionId, ...]:
        return objects.parents(objects.version(id_)) if through and id_ not in ids else ()

    return {
        id_: tuple(each for each in history.reach(objects.parents(version), beyond) if each in ids)
        for id_, version in shown
    }


def _changes(
    repository: Repository, id_: VersionId, version: Version, paths: Sequence[str], context: int | None
) -> Changes:
    parent, snapshot = _snapshots(repository, id_, version)
    brought = disk_usage.added_bytes(repository, parent.tree if parent else None, snapshot.tree)
    total = sum(entry.size for entry in snapshot.tree.entries)
    difference = narrow.narrow(compare(parent, snapshot, new_bytes=brought), paths)
    lines = () if context is None else texts.differences(repository, difference.files, context=context)
    return Changes(difference, total, lines)


def _snapshots(repository: Repository, id_: VersionId, version: VersionFields) -> tuple[Snapshot | None, Snapshot]:
    """Return the snapshots of the first parent, None for none, and of the version."""
    parent = history.snapshot(repository, history.first_parent(repository.objects, version))
    return parent, history.snapshot(repository, id_)
