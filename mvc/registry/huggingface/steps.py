"""The step of one commit or snapshot of a repository of the Hub.

mvc-version.json, and its files are there ─► the version that mvc published, with its id
anything else ─► files with roles; card and config.json: metrics, labels, license
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.version import Person, Timestamp
from mvc.registry.hubs import file_roles, version_objects
from mvc.registry.huggingface import card
from mvc.registry.huggingface.card import CARD, CONFIG
from mvc.repository.imports.source import SourceFile, Step, VersionObjects

IGNORED = (".gitattributes", ".gitignore")
"""Files of the repository itself, wherever they are."""
Read = Callable[[str, int], bytes]
"""A function that returns the bytes of a small file, given its path and the most bytes."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A commit: its key, author, time and message, and the keys of the steps before it."""

    key: str
    author: Person
    time: Timestamp
    message: str
    parents: tuple[str, ...] = ()


@dataclass(slots=True)
class Steps:
    """The steps of a repository, made commit by commit; a commit that adds nothing to a version is the step before.

    `keys` are the keys of the steps that the commits have.
    """

    steps: list[Step] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    _published: dict[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)

    def add(self, origin: Origin, files: Mapping[str, SourceFile], contents: Mapping[str, str], read: Read) -> None:
        """Add a commit with `files` without roles, by path; `contents` name their contents."""
        files = {path: file for path, file in files.items() if path.rpartition("/")[2] not in IGNORED}
        objects = _objects(files, read)
        id_ = objects.version.id() if objects is not None else ""
        own = {path: contents[path] for path in objects.tree.by_path} if objects is not None else {}
        key, published = self._published.get(id_, (origin.key, own))
        if objects is not None and published == own:
            if key != origin.key:  # the version of an earlier commit, whose card was edited
                self.keys[origin.key] = key
                return
            self._published[id_] = origin.key, own
            self._append(origin, _exact(origin, files, objects))
        elif len(plain := _without_own(files, read)) > 0:
            self._append(origin, _foreign(origin, plain, files, read))
        elif origin.parents:
            self.keys[origin.key] = origin.parents[0]

    def _append(self, origin: Origin, step: Step) -> None:
        self.steps.append(step)
        self.keys[origin.key] = origin.key


def _objects(files: Mapping[str, SourceFile], read: Read) -> VersionObjects | None:
    """Return the version that mvc published, if all its files are among these."""
    document = files.get(version_objects.NAME)
    if document is None or (document.size or 0) > version_objects.MAX_BYTES:
        return None
    try:
        objects = version_objects.decode(read(version_objects.NAME, version_objects.MAX_BYTES))
    except errors.NotCanonical:
        return None
    entries = objects.tree.entries
    is_whole = all(entry.path in files and files[entry.path].size in {None, entry.size} for entry in entries)
    return objects if is_whole else None


def _exact(origin: Origin, files: Mapping[str, SourceFile], objects: VersionObjects) -> Step:
    version = objects.version
    entries = tuple(
        replace(files[entry.path], role=entry.role, executable=entry.exec) for entry in objects.tree.entries
    )
    return Step(
        origin.key, origin.parents, entries, version.message, version.author, version.time, code=version.code,
        objects=objects,
    )  # fmt: skip


def _foreign(origin: Origin, files: Mapping[str, SourceFile], listed: Mapping[str, SourceFile], read: Read) -> Step:
    roles = file_roles.assign({path: file.size or 0 for path, file in files.items()})
    values = card.read(_small(listed, CARD, read), _small(listed, CONFIG, read))
    return Step(
        origin.key,
        origin.parents,
        tuple(replace(files[path], role=roles.roles[path]) for path in sorted(files)),
        origin.message,
        origin.author,
        origin.time,
        sections=values.sections,
        patterns=roles.patterns,
        warnings=values.warnings,
    )


def _without_own(files: Mapping[str, SourceFile], read: Read) -> dict[str, SourceFile]:
    """Return the files without those that mvc added for readers."""
    own = {version_objects.NAME}
    text, labels = _small(files, CARD, read), _small(files, CONFIG, read)
    own |= {CARD} if text is not None and card.is_own_card(text) else set()
    own |= {CONFIG} if labels is not None and card.is_own_config(labels) else set()
    return {path: file for path, file in files.items() if path not in own}


def _small(files: Mapping[str, SourceFile], path: str, read: Read) -> bytes | None:
    file = files.get(path)
    return read(path, card.MAX_BYTES) if file is not None and (file.size or 0) <= card.MAX_BYTES else None


def name_of(steps: Sequence[Step], otherwise: str) -> str:
    """Return the model's name: that of the last version that mvc published, else another one."""
    names = [step.objects.manifest.name for step in steps if step.objects is not None]
    return names[-1] if names else otherwise
