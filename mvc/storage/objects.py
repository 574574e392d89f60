"""Objects: versions, manifests and trees, each a canonical JSON file named by its BLAKE3.

    objects/9f/9f86…   {"kind":"version", …}

An object is loose if this repository created it, and in a metadata pack if it was fetched; readers see no difference. Every
read verifies the id and the object's kind.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from mvc import errors, lazy
from mvc.model.ids import FileId, ManifestId, TreeId, VersionId, digest
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.model.version import Version, WalkedFields
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import promised

if TYPE_CHECKING:
    from mvc.storage import plain_version
    from mvc.storage.packs.metapacks import MetaPacks
else:  # most commands read a few versions
    plain_version = lazy.Module("mvc.storage.plain_version")

FOLDER = "objects"
_FEW = 64
"""The number of versions that are decoded one by one; for more of them, it pays to prepare."""
_Object = TypeVar("_Object")


def path(id_: str) -> str:
    """Return the name of a loose object, below `.mvc`."""
    return f"{FOLDER}/{id_[:2]}/{id_}"


class Objects:
    """The objects of a repository. Reading raises Missing, or Damaged for a checksum mismatch."""

    def __init__(self, door: StoreDoor, metapacks: Callable[[], MetaPacks]) -> None:
        """Read below `door`, and for objects that are not loose in the result of `metapacks`; write below `door`."""
        self._door = door
        self._metapacks = metapacks
        self._versions: dict[VersionId, Version] = {}
        self._absent: frozenset[str] | None = None
        self._some_packed = False
        self._remembered: Callable[..., Any] | None = None

    def version(self, id_: VersionId) -> Version:
        """Return the version of that id; it is cached, since walks return to it."""
        version = self._versions.get(id_)
        if version is None:
            decode = Version.decode if len(self._versions) < _FEW else plain_version.decode
            version = self._versions[id_] = self._decoded(decode, id_, "version")
        return version

    def parents(self, version: WalkedFields) -> tuple[VersionId, ...]:
        """Return the parents of a version, without those recorded as never published on the registry it was imported from."""
        absent = self._on_record()
        if absent.isdisjoint(version.parents):
            return version.parents
        return tuple(id_ for id_ in version.parents if id_ not in absent or self.has(id_))

    def forget_absent(self) -> None:
        """Drop the cached record of absent versions."""
        self._absent = None

    def reread(self, id_: VersionId) -> Version:
        """Read the version of that id from disk again: the caller holds the lock, so garbage collection cannot remove it."""
        self._versions.pop(id_, None)
        return self.version(id_)

    def manifest(self, id_: ManifestId) -> Manifest:
        """Return the manifest of that id."""
        return self._of(Manifest.decode, id_, "manifest")

    def tree(self, id_: TreeId) -> Tree:
        """Return the tree of that id."""
        return self._of(Tree.decode, id_, "tree")

    def remember(self, count: int) -> None:
        """Keep the last `count` manifests and trees, for a reader that asks for these again and again."""
        self._remembered = functools.lru_cache(count)(self._decoded)

    def put_version(self, version: Version) -> VersionId:
        """Stage a version for the next barrier."""
        return VersionId(self._stage(version.encode()))

    def put_manifest(self, manifest: Manifest) -> ManifestId:
        """Stage a manifest for the next barrier."""
        return ManifestId(self._stage(manifest.encode()))

    def put_tree(self, tree: Tree) -> TreeId:
        """Stage a tree for the next barrier."""
        return TreeId(self._stage(tree.encode()))

    def read(self, id_: str, what: str = "object") -> bytes:
        """Return the verified bytes of an object of any kind."""
        at_hand = self._metapacks().object_at_hand(id_) if self._some_packed else None
        if at_hand is not None:
            return at_hand
        try:
            data = self._door.read(path(id_))
        except FileNotFoundError:
            packed = self._metapacks().object(id_)
            if packed is None:
                raise errors.Missing(what=what, id=id_) from None
            self._some_packed = True
            return packed
        if digest(data) != id_:
            raise errors.Damaged(what=f"{what} {id_}", reason=f"checksum mismatch in {path(id_)}")
        return data

    def has(self, id_: str) -> bool:
        """Return whether the object is present, intact or not."""
        return self._door.exists(path(id_)) or self._metapacks().object(id_) is not None

    def with_prefix(self, prefix: str) -> list[str]:
        """Return the ids of all objects that begin with `prefix` (two digits or more)."""
        loose = [name for name in self._door.names(f"{FOLDER}/{prefix[:2]}") if name.startswith(prefix)]
        return sorted({*loose, *(id_ for id_ in self._metapacks().object_ids() if id_.startswith(prefix))})

    def loose(self) -> list[str]:
        """Return the ids of all loose objects."""
        return [name for fan in self._door.names(FOLDER) for name in self._door.names(f"{FOLDER}/{fan}")]

    def uses(self, ids: Iterable[str]) -> Iterator[tuple[VersionId, FileId]]:
        """Yield each version among the objects `ids` with each file of its tree; damaged ones are left out."""
        for id_ in map(VersionId, ids):
            try:
                entries = self.tree(self.version(id_).tree).entries
            except errors.MvcError:  # damaged, or an object of another kind
                continue
            yield from ((id_, entry.file) for entry in entries)

    def _on_record(self) -> frozenset[str]:
        if self._absent is None:
            records = promised.read_log(self._door, promised.ABSENT)
            self._absent = frozenset(id_ for record in records for id_ in record.ids)
        return self._absent

    def _of(self, decode: Callable[[bytes], _Object], id_: str, what: str) -> _Object:
        found: _Object = (self._remembered or self._decoded)(decode, id_, what)
        return found

    def _decoded(self, decode: Callable[[bytes], _Object], id_: str, what: str) -> _Object:
        """Decode an object; name it in the error if that fails."""
        data = self.read(id_, what)
        try:
            return decode(data)
        except errors.NotCanonical as error:
            raise errors.NotCanonical(reason=f"{what} {id_}: {error.fields['reason']}") from error

    def _stage(self, data: bytes) -> str:
        id_ = digest(data)
        self._door.stage(path(id_), data)
        return id_
