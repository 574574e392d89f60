"""The files that a repository of the Hub has for a version: the version's own, and those that mvc adds for readers.

weights/best.onnx, …     the version's files
README.md, config.json   card and labels, unless the version has such a file
mvc-version.json         the exact objects
"""

from __future__ import annotations

from mvc import errors
from mvc.deferred import dataclass
from mvc.registry.hubs import version_objects
from mvc.registry.hubs.hub_version import HubVersion
from mvc.registry.huggingface import card
from mvc.registry.huggingface.card import CARD, CONFIG
from mvc.repository.imports.source import VersionObjects

_FORBIDDEN = (".git", ".cache")
"""Names that no folder may have there."""


@dataclass(frozen=True, slots=True)
class Before:
    """The contents of a branch: the paths of its files, the version that mvc published there, its card and config.json."""

    paths: frozenset[str] = frozenset()
    objects: VersionObjects | None = None
    card: bytes | None = None
    config: bytes | None = None

    def has_own(self, path: str) -> bool:
        """Return whether the published version itself has a file at `path`."""
        return self.objects is not None and path in self.objects.tree.by_path


def check(version: HubVersion, hub: str) -> None:
    """Raise NotForHub for a path that the Hub does not accept, or that mvc needs."""
    for path in version.tree.by_path:
        reason = None
        if path == version_objects.NAME:
            reason = f"it has a file {path}, which is the name of mvc's own"
        elif any(part in _FORBIDDEN for part in path.split("/")):
            reason = f"the Hub does not accept the path {path}"
        if reason is not None:
            raise errors.NotForHub(version=version.name, hub=hub, reason=reason)


def added(version: HubVersion, before: Before) -> dict[str, bytes]:
    """Return the files that mvc adds for a version, by path; a card or config.json that people wrote is kept."""
    files = {version_objects.NAME: version.document}
    if CARD not in version.tree.by_path:
        existing = before.card if before.card is not None and not before.has_own(CARD) else b""
        files[CARD] = card.render(version, existing.decode("utf-8", "replace"))
    labels = card.config(version)
    foreign = before.config is not None and not before.has_own(CONFIG) and not card.is_own_config(before.config)
    if labels is not None and CONFIG not in version.tree.by_path and not foreign:
        files[CONFIG] = labels
    return files


def deleted(version: HubVersion, before: Before, new: dict[str, bytes]) -> list[str]:
    """Return the paths of the version that was published before, and of mvc's own files, which the new one lacks."""
    own = set(before.objects.tree.by_path) if before.objects is not None else set()
    if before.config is not None and card.is_own_config(before.config):
        own.add(CONFIG)
    return sorted((own & before.paths) - set(version.tree.by_path) - set(new))
