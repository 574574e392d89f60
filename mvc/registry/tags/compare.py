"""Drift of tags: those that mvc set on a registry version, and that it has no longer.

noted as set ─ tags now ─► removed; or moved, if another version of the model has it
"""

from __future__ import annotations

from collections.abc import Iterable

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.registry.protocol import Registry, RemoteVersion
from mvc.registry.tags import notes
from mvc.repository.repository import Repository

REMOVED, MOVED = "removed", "moved"


@dataclass(frozen=True, slots=True)
class TagDrift(Document):
    """A tag that mvc set and that was removed, or moved to the registry version `number`, `name`."""

    KEYS = keys("tag what=change number name")

    tag: str
    change: str
    number: int | None = None
    name: str | None = None


def changes(
    repository: Repository, registry: Registry, version: RemoteVersion, others: Iterable[RemoteVersion]
) -> tuple[TagDrift, ...]:
    """Compare the tags of a registry version with those that mvc set; `others` are the versions of its model."""
    own = notes.read(repository, version.id).own
    if not own and not isinstance(version.raw.get("tags"), list):
        return ()
    live = {tag.name for tag in registry.tags.of(version)}
    notes.write_seen(repository, version.id, live)
    missing = sorted(own - live)
    holders = {tag: _holder(registry, tag, version, others) for tag in missing}
    return tuple(
        TagDrift(tag, REMOVED) if holder is None else TagDrift(tag, MOVED, holder.number, holder.name)
        for tag, holder in holders.items()
    )


def _holder(
    registry: Registry, tag: str, version: RemoteVersion, others: Iterable[RemoteVersion]
) -> RemoteVersion | None:
    """Return the first other version of the same model that has a tag; None for none."""
    same = (other for other in others if other.model.id == version.model.id and other.id != version.id)
    return next((other for other in same if tag in {own.name for own in registry.tags.of(other)}), None)
