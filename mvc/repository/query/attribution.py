"""Attribution: the version that last changed each value, class, file or tensor of a version.

    v1 ── v2 ── v4        a value that v4 has from v2 or v3 is attributed along that parent, the first one that has it;
      └── v3 ──┘          one that neither has was changed by v4

Only versions, manifests, trees and recipes are read; a manifest and a tree that a parent shares are not.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mvc.model.ids import FileId, ManifestId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.query.subject import SECTIONS, leaves
from mvc.model.roles import expanded
from mvc.model.segment import Segment
from mvc.model.toml.schema import Path, dotted
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.repository import history, tensors
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.repository.repository import Repository

VALUE, CLASS, NAME, FILE, TENSOR = "value", "class", "class name", "file", "tensor"
LABELMAP, FILES = "labelmap", "files"
_SECTIONS = tuple(section for section in SECTIONS if section != FILES)


class Item(NamedTuple):
    """A part of a version: a value or class by its key, the number of a class by its name, a role, or a tensor of a role."""

    kind: str
    key: Path

    @property
    def text(self) -> str:
        """The item as `mvc blame` takes it: `metrics.mAP50`, `labelmap.0`, `files.ROLE`, `ROLE:TENSOR`."""
        return f"{self.key[0]}:{self.key[1]}" if self.kind == TENSOR else dotted(self.key)


class Contents:
    """The items of versions, each manifest, tree and recipe read once."""

    def __init__(self, repository: Repository) -> None:
        """Read from `repository`."""
        self._repository = repository
        self._values: dict[ManifestId, dict[Path, Any]] = {}
        self._files: dict[tuple[str, str], Mapping[str, TreeEntry]] = {}
        self._tensors: dict[FileId, dict[str, Segment]] = {}

    def items(self, version: Version) -> list[Item]:
        """Return every item of a version, without tensors and names of classes."""
        manifest = self._repository.objects.manifest(version.manifest)
        found = [Item(VALUE, key) for key in _values(manifest)]
        found += [Item(CLASS, (LABELMAP, str(number))) for number, _ in manifest.labelmap]
        return found + [Item(FILE, (FILES, role)) for role in sorted(self.files(version))]

    def value(self, version: Version, item: Item) -> Any:
        """Return the value of an item; None if the version lacks it. A file is its entry, a tensor its segment."""
        if item.kind == FILE:
            return self.files(version).get(item.key[1])
        if item.kind == TENSOR:
            return self.tensors(version, item.key[0]).get(item.key[1])
        return self._manifest(version).get(item.key)

    def identity(self, version: Version, item: Item) -> Hashable:
        """Return what makes the value of an item the same in two versions: of a file its bytes, not its path."""
        value = self.value(version, item)
        if isinstance(value, TreeEntry):
            return value.file, value.exec
        if isinstance(value, Segment):
            content = value.digest or self.files(version)[item.key[0]].file
            return value.dtype, value.shape, content
        return type(value), repr(value)

    def files(self, version: Version) -> Mapping[str, TreeEntry]:
        """Return the files of a version by role."""
        key = (version.manifest, version.tree)
        if key not in self._files:
            objects = self._repository.objects
            manifest, tree = objects.manifest(version.manifest), objects.tree(version.tree)
            self._files[key] = _by_role(manifest, tree)
        return self._files[key]

    def tensors(self, version: Version, role: str) -> dict[str, Segment]:
        """Return the tensors of a role by name, or by number where they have none."""
        entry = self.files(version).get(role)
        if entry is None:
            return {}
        if entry.file not in self._tensors:
            found = tensors.stored(self._repository, entry)
            self._tensors[entry.file] = {each.name or str(number): each for number, each in enumerate(found)}
        return self._tensors[entry.file]

    def is_same(self, one: Version, two: Version, kind: str) -> bool:
        """Return whether all items of a kind are the same, since the versions share what holds them."""
        return one.manifest == two.manifest and (kind not in (FILE, TENSOR) or one.tree == two.tree)

    def _manifest(self, version: Version) -> dict[Path, Any]:
        if version.manifest not in self._values:
            self._values[version.manifest] = _all_values(self._repository.objects.manifest(version.manifest))
        return self._values[version.manifest]


def attribute(model: Model, contents: Contents, start: VersionId, items: Collection[Item]) -> dict[Item, VersionId]:
    """Return for each of `items`, which `start` has, the version that last changed it. Raises Missing, Damaged."""

    def has_same(version: Version, parent: Version, item: Item) -> bool:
        if contents.is_same(version, parent, item.kind):
            return True
        return contents.identity(parent, item) == contents.identity(version, item)

    return history.followed(model.repository.objects, start, items, has_same)


def _values(manifest: Manifest) -> dict[Path, Any]:
    return {
        (section, *path): value for section in _SECTIONS for path, value in leaves(getattr(manifest, section)) if path
    }


def _all_values(manifest: Manifest) -> dict[Path, Any]:
    """Return the values, the names of classes by number, and the numbers by name."""
    found = _values(manifest)
    numbers: dict[str, tuple[int, ...]] = {}
    for number, name in manifest.labelmap:
        found[LABELMAP, str(number)] = name
        numbers[name] = (*numbers.get(name, ()), number)
    return found | {(NAME, name): each for name, each in numbers.items()}


def _by_role(manifest: Manifest, tree: Tree) -> Mapping[str, TreeEntry]:
    return expanded(manifest, tree).by_role
