"""Files that were added to a complete registry version: it is up to date with them, and an import may record them.

    v7 ── published ──► #3  model-latest                  v7 is there: its files are, as they were
                        #3  model-latest, converted       one file was added; `mvc import --import-additions`:
    v7 ◄── parent ── v8  model-latest, converted          a child with that file and nothing else changed

The child is recorded at the same place. It has v7's model.toml with a row for each file, so everybody who imports it gets
the same id.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mvc import lazy
from mvc.deferred import dataclass
from mvc.model import roles
from mvc.model.ids import FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.registry import compare
from mvc.registry.compare import ADDED, MISSING, Differences, FileDrift
from mvc.registry.contents import Contents
from mvc.registry.files import flat_files
from mvc.registry.protocol import RemoteFile
from mvc.remotes.backends.registry_address import RegistryAddress
from mvc.repository import places
from mvc.repository.repository import Repository

if TYPE_CHECKING:
    from mvc.model.toml import edit
else:
    edit = lazy.Module("mvc.model.toml.edit")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The model.toml, manifest and tree of a version."""

    model_toml: bytes
    manifest: Manifest
    tree: Tree


def import_command(organization: str, model: str) -> str:
    """Return the command that imports added files of a registry's model as child versions."""
    return f"mvc import {shlex.quote(RegistryAddress(organization, model).text)} --import-additions"


def listed(added: Sequence[FileDrift]) -> str:
    """Return the roles of added files and their file names, where these differ: `notes, converted (best.engine)`."""
    return ", ".join(file.role if file.detail in ("", file.role) else f"{file.role} ({file.detail})" for file in added)


def extended(published: Snapshot, files: Sequence[RemoteFile], stored: Sequence[tuple[FileId, int]]) -> Snapshot:
    """Return a published version with added files, which have these ids and sizes. Raises CannotEdit, BadToml."""
    manifest, tree = published.manifest, published.tree
    taken = {*manifest.files, *roles.expanded(manifest, tree).by_role}
    listed = compare.registry_files(files, [id_ for id_, _ in stored], {})
    placed = flat_files.place(listed, roles=taken, paths=tree.by_path)
    added = [TreeEntry(place.path, place.role, size, id_) for place, (id_, size) in zip(placed, stored, strict=True)]
    rows = {place.role: place.path for place in sorted(placed)}
    text = edit.set_keys(published.model_toml.decode(), [(("files", role), path) for role, path in rows.items()])
    return Snapshot(
        text.encode(),
        replace(manifest, files={**manifest.files, **rows}),
        replace(Tree.of([*tree.entries, *added]), ext=tree.ext),
    )


def differences(
    repository: Repository, contents: Contents, id_: VersionId, recorded: Collection[VersionId]
) -> Differences:
    """Compare a registry version with a version that is recorded there, as each of `recorded` is.

    A child with added files is compared as its parent is; files that it has were not added since.
    """
    objects = repository.objects
    version = objects.version(id_)
    manifest, tree = objects.manifest(version.manifest), objects.tree(version.tree)
    parent = _published_parent(repository, id_, recorded)
    if parent is None:
        by_hand = places.is_by_hand(version)
        return contents.differences(manifest, contents.served(manifest, tree, by_hand=by_hand), by_hand=by_hand)
    before = _served(repository, contents, parent)
    from_parent = contents.differences(manifest, before, by_hand=False)
    own = [entry for entry in tree.entries if entry.path not in _tree(repository, parent).by_path]
    return replace(from_parent, files=(*from_parent.changed_files, *_remaining(contents, before, own)))


def untaken(
    repository: Repository, contents: Contents, id_: VersionId, recorded: Collection[VersionId]
) -> tuple[FileDrift, ...]:
    """Return the files that were added to the published version `id_` and that no recorded child of it has."""
    files = added_files(contents, _served(repository, contents, id_))
    children = [child for child in recorded if _published_parent(repository, child, recorded) == id_] if files else []
    rests = [_drifts(files), *(differences(repository, contents, child, recorded).added for child in children)]
    return min(rests, key=len)


def added_files(contents: Contents, published: Tree) -> list[RemoteFile]:
    """Return the files of a registry version that the published `tree`, with an entry for each role, does not have."""
    return compare.added_files(published, contents.files, contents.names_of(published))


def _remaining(contents: Contents, before: Tree, own: Sequence[TreeEntry]) -> Iterable[FileDrift]:
    """Yield the added files that are not `own`, and those of `own` that are missing there; they are compared by content."""
    expected = Counter(entry.file for entry in own)
    for file in added_files(contents, before):
        content = contents.of(file)
        if expected[content]:
            expected[content] -= 1
        else:
            yield FileDrift(file.name, ADDED, file.filename)
    yield from (FileDrift(entry.role, MISSING) for entry in own if expected[entry.file])


def _published_parent(repository: Repository, id_: VersionId, recorded: Collection[VersionId]) -> VersionId | None:
    """Return the published version that is recorded at the same place and that `id_` only adds files to; None for none."""
    objects = repository.objects
    version = objects.version(id_) if objects.has(id_) else None
    if version is None or not places.is_by_hand(version):
        return None
    manifest, tree = objects.manifest(version.manifest), objects.tree(version.tree)
    for parent in version.parents:
        before = objects.version(parent) if parent in recorded and objects.has(parent) else None
        if before is None or places.is_by_hand(before):
            continue
        has_files = set(objects.tree(before.tree).entries) <= set(tree.entries)
        if has_files and _is_extended(objects.manifest(before.manifest), manifest):
            return parent
    return None


def _is_extended(before: Manifest, manifest: Manifest) -> bool:
    kept: Mapping[str, str] = {role: path for role, path in manifest.files.items() if role in before.files}
    return replace(manifest, files=kept) == before


def _served(repository: Repository, contents: Contents, id_: VersionId) -> Tree:
    manifest = repository.objects.manifest(repository.objects.version(id_).manifest)
    return contents.served(manifest, _tree(repository, id_))


def _tree(repository: Repository, id_: VersionId) -> Tree:
    return repository.objects.tree(repository.objects.version(id_).tree)


def _drifts(files: Iterable[RemoteFile]) -> tuple[FileDrift, ...]:
    return tuple(sorted({FileDrift(file.name, ADDED, file.filename) for file in files}))
