"""`mvc publish hf://...`: publish versions to a hub, each with its files, its values and its exact objects.

REV ─► its files are here, or fetched ─► published there before? ─ yes ─► known
                                            └─ no ─► files ─► one commit, manifest or registered version ─► names
"""

from __future__ import annotations

from collections.abc import Sequence

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.registry.hubs import hub_version
from mvc.registry.hubs.hub import Hub, Publication
from mvc.repository.model import Model
from mvc.repository.policy import gate
from mvc.repository.repository import Repository
from mvc.storage.progress import Progress


@dataclass(frozen=True, slots=True)
class HubPublished(Document):
    """The outcome for each version; `done` is False after a dry run, `sent` is in bytes."""

    KEYS = keys("hub versions bytes_sent=sent done")

    hub: str
    versions: tuple[Publication, ...]
    done: bool = True

    @property
    def sent(self) -> int:
        """The bytes that were uploaded."""
        return sum(version.sent for version in self.versions)


def publish_to_hub(
    model: Model,
    hub: Hub,
    versions: Sequence[VersionId],
    *,
    names: Sequence[str] = (),
    with_refs: bool = False,
    force: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> HubPublished:
    """Publish versions of `model` in this order; set `names` to the last one and, `with_refs`, its tags and aliases to each.

    Nothing is written to the repository, but the operation if rules of a policy are passed. Raises PolicyRefused, Missing,
    Damaged, HubNameTaken, HubAhead, HubChanged, NotForHub, and as the hub does. The next call continues where this one stopped.
    """
    ids, done = list(dict.fromkeys(versions)), []
    passed = gate.sent(model.repository, f"publish:{hub.address}", model.key, ids)
    if passed and not dry_run:
        _record(model.repository, model.key)
    for id_ in ids:
        version = hub_version.of(model, id_, progress)
        refs = (*version.tags, *version.aliases) if with_refs else ()
        asked = dict.fromkeys((*refs, *(names if id_ == ids[-1] else ())))
        done.append(hub.publish(version, tuple(asked), force=force, dry_run=dry_run))
    return HubPublished(hub.address, tuple(done), done=not dry_run)


def _record(repository: Repository, model: str) -> None:
    """Record the command, with its reason to pass rules of a policy. Raises ReadOnlyStore, LockTimeout."""
    with repository.operation("publish"), repository.locked():
        repository.note(model)
