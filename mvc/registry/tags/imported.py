"""Tags of imported versions: always noted and shown; on request, aliases here.

    a tag on one version, unknown here         an alias of that version
    a tag or an alias at that version already  nothing
    anything else                              a note: on several versions, at another version here, not a valid name

A tag there can be moved, so it becomes an alias and never a tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document
from mvc.model.ids import VersionId
from mvc.plural import count
from mvc.registry.protocol import Registry, RemoteModel, RemoteVersion
from mvc.registry.tags import notes
from mvc.repository import history, intended, refnames
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import ALIASES, TAGS


@dataclass(frozen=True, slots=True)
class ImportedTag(Document):
    """A tag of registry versions: the version that it became an alias of, or the `reason` why it did not."""

    tag: str
    id: VersionId | None
    reason: str = ""


def write_notes(repository: Repository, registry: Registry, versions: Iterable[RemoteVersion]) -> None:
    """Note the tags of registry versions, as far as their answers have them."""
    for version in versions:
        if isinstance(version.raw.get("tags"), list):
            notes.write_seen(repository, version.id, (tag.name for tag in registry.tags.of(version)))


def set_aliases(
    model: Model, registry: Registry, registry_model: RemoteModel, ids: Mapping[str, VersionId], actor: Actor
) -> tuple[ImportedTag, ...]:
    """Set an alias for each tag that one version of a registry model has; `ids` are the imported ones by their id there."""
    holders: dict[str, list[RemoteVersion]] = {}
    for version in registry.versions(registry_model):
        names = [tag.name for tag in registry.tags.of(version)]
        notes.write_seen(model.repository, version.id, names)
        for name in names:
            holders.setdefault(name, []).append(version)
    rows = (_set(model, name, versions, ids, actor) for name, versions in sorted(holders.items()))
    return tuple(row for row in rows if row is not None)


def _set(
    model: Model, name: str, versions: Sequence[RemoteVersion], ids: Mapping[str, VersionId], actor: Actor
) -> ImportedTag | None:
    """Set one alias; None if there is nothing to do, or if it is the tag of a version that was not imported."""
    imported = [ids[version.id] for version in versions if version.id in ids]
    target = next((model.target(kind, name) for kind in (ALIASES, TAGS) if name in model.names(kind)), None)
    if not imported or target in imported:
        return None
    if len(versions) > 1:
        return ImportedTag(name, None, f"{count(len(versions), 'version')} have it")
    if target is not None:
        where = history.label(model.repository, target)
        return ImportedTag(
            name, None, f"it is at {where} here; `mvc alias set {name} {imported[0][:10]}` moves an alias"
        )
    try:
        intended.require(model.repository, imported[0], name)
        refnames.set_alias(model, name, imported[0], actor, "import")
    except errors.MvcError as error:
        return ImportedTag(name, None, error.message.rstrip("."))
    return ImportedTag(name, imported[0])
