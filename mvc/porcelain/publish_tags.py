"""`mvc publish --tags`: the tags and aliases of published versions, as tags of their registry versions."""

from __future__ import annotations

from dataclasses import replace

from mvc.porcelain.publish import LEFT_OUT, Published
from mvc.registry.protocol import Registry
from mvc.registry.tags.follow import Follower
from mvc.repository.model import Model
from mvc.repository.repository import writes


@writes
def publish_tags(model: Model, registry: Registry, published: Published) -> Published:
    """Set the tags and aliases of the versions that were published; after a dry run, only list them.

    A tag that mvc set there before, and that the version no longer has, is removed. An alias is removed from the other
    registry versions that are known here.
    """
    follower = Follower(model, registry, dry_run=not published.done)
    for version in published.versions:
        if version.flag == LEFT_OUT:
            continue
        if version.place is None:
            follower.plan(version.id, version.name)
        else:
            follower.publish(version.id, version.place)
    return replace(published, tags=tuple(follower.changes))
