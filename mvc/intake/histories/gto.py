"""GTO: the tags of Git that register versions of an artifact and assign stages to them.

    helmet@v1.0.0      registered               helmet#prod#1     prod is assigned; 1 counts the assignments
    helmet@v1.0.0!#2   registered no longer     helmet#prod!#3    prod is unassigned
    helmet@deprecated  the artifact is deprecated

`vision=helmet@v1.0.0` is the artifact `helmet` of vision/dvc.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from operator import attrgetter

from mvc.deferred import dataclass
from mvc.repository.git.commit import Tag

_TAG = re.compile(
    r"(?P<artifact>[^\s#@]+)"
    r"(?:@(?P<version>v[0-9]+(?:\.[0-9A-Za-z.+-]+)?)(?P<deregistered>!)?|@(?P<word>deprecated|created)"
    r"|\#(?P<stage>[A-Za-z][A-Za-z0-9/_-]*)(?P<unassigned>!)?)"
    r"(?:\#(?P<counter>[0-9]{1,9})(?P<cancelled>!)?)?\Z"
)


@dataclass(frozen=True, slots=True)
class Event:
    """An event of an artifact, in a tag: a `version` was registered, a `stage` assigned, or with `ends`, no longer so."""

    tag: Tag
    artifact: str
    version: str
    stage: str
    ends: bool
    counter: int

    @property
    def order(self) -> tuple[int, int, str]:
        """The order of events: their time, then their number, then the tag."""
        return self.tag.time.seconds, self.counter, self.tag.name


def events(tags: Iterable[Tag]) -> list[Event]:
    """Return the events in tags, the earliest first."""
    found = [_event(tag, match) for tag in tags if (match := _TAG.match(tag.name)) is not None]
    return sorted(found, key=attrgetter("order"))


def is_event(tag: Tag) -> bool:
    """Return whether a tag is one of GTO."""
    return _TAG.match(tag.name) is not None


def _event(tag: Tag, match: re.Match[str]) -> Event:
    ends = bool(match["deregistered"] or match["unassigned"] or match["cancelled"] or match["word"] == "deprecated")
    return Event(tag, match["artifact"], match["version"] or "", match["stage"] or "", ends, int(match["counter"] or 0))


@dataclass(frozen=True, slots=True)
class Move:
    """A move of a stage by `tag`, to the version at the commit of the tag `on`; None: to none."""

    stage: str
    on: Tag | None
    tag: Tag


def versions(found: Iterable[Event]) -> dict[str, Tag]:
    """Return the registered versions of an artifact, each with its tag."""
    registered: dict[str, Tag] = {}
    for event in found:
        if event.version and event.ends:
            registered.pop(event.version, None)
        elif event.version:
            registered[event.version] = event.tag
    return registered


def moves(found: Iterable[Event]) -> Iterator[Move]:
    """Yield the moves of the stages of an artifact.

    A stage is at the version that was assigned last, and was not unassigned since; a version that is registered no longer
    is in no stage.
    """
    assigned: dict[str, list[Tag]] = {}
    current: dict[str, Tag | None] = {}
    removed: set[str] = set()
    for event in found:
        commit = event.tag.commit.oid
        if event.version:
            removed = removed | {commit} if event.ends else removed - {commit}
        elif event.stage:
            others = [tag for tag in assigned.get(event.stage, ()) if tag.commit.oid != commit]
            assigned[event.stage] = others if event.ends else [*others, event.tag]
        for stage, tags in assigned.items():
            tag = next((tag for tag in reversed(tags) if tag.commit.oid not in removed), None)
            before = current.get(stage)
            if (tag and tag.commit.oid) != (before and before.commit.oid):
                current[stage] = tag
                yield Move(stage, tag, event.tag)


def notes(found: Iterable[Event]) -> tuple[str, ...]:
    """Return a note if the artifact is deprecated."""
    words = [event for event in found if not event.version and not event.stage]
    is_deprecated = bool(words) and words[-1].ends
    return (f"{words[-1].artifact} is deprecated since {words[-1].tag.time}",) if is_deprecated else ()
