"""Disk usage: parts shared by files, parts added by a version, and their storage.

A part is a chunk, or the recipe of a small file, which contains the file's bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mvc.model.ids import ChunkId, FileId
from mvc.model.tree import Tree
from mvc.storage.chunks import encodings
from mvc.storage.chunks.recipes import MAX_INLINE, Recipe

if TYPE_CHECKING:
    from mvc.repository.repository import Repository

Parts = dict[str, int]
"""The ids of parts, with their sizes in bytes."""


def recipe_of(repository: Repository, file: FileId) -> Recipe | None:
    """Return the recipe of a file, even if chunks of it are absent; None for none. Raises Damaged."""
    return repository.recipes.best_known(file)


def parts(recipe: Recipe) -> Parts:
    """Return the parts of a file, with the bytes of the file in each."""
    if recipe.inline is not None:
        return {recipe.id(): recipe.size}
    return dict(recipe.chunks)


def added_bytes(repository: Repository, old: Tree | None, new: Tree) -> dict[FileId, int]:
    """Return the bytes that each file in `new` adds: those of its parts that no file of `old` has.

    A part that several new files share counts for the first. A file without a recipe is skipped. Raises Damaged.
    """
    known = {entry.file for entry in old.entries} if old else set()
    fresh = {entry.file: entry.size for entry in new.entries if entry.file not in known}
    seen: set[str] | None = None
    found: dict[FileId, int] = {}
    for file, size in fresh.items():
        if repository.recipes.has_inline(file, size):  # no other file has this recipe
            found[file] = size
            continue
        recipe = recipe_of(repository, file)
        if recipe is None:
            continue
        if seen is None:
            seen = _chunks(repository, old) if old else set()
        own = {chunk: size for chunk, size in recipe.chunks if chunk not in seen}
        seen |= own.keys()
        found[file] = sum(own.values())
    return found


def _chunks(repository: Repository, tree: Tree) -> set[str]:
    """Return the chunks of the files of `tree`: the parts that other files may share. Small files have none."""
    recipes = (recipe_of(repository, entry.file) for entry in tree.entries if entry.size > MAX_INLINE)
    return {chunk for recipe in recipes if recipe is not None for chunk, _ in recipe.chunks}


class Kept(NamedTuple):
    """The storage of a part: its bytes in the store, its raw bytes, its encoding, its delta base."""

    stored: int
    raw: int
    encoding: int
    base: str | None = None


def kept_parts(repository: Repository, file: FileId) -> dict[str, Kept] | None:
    """Return the storage of each part of a file; None if some are absent."""
    recipe = repository.recipes.best(file)
    if recipe is None:
        return None
    if recipe.inline is not None:
        return {recipe.id(): Kept(len(recipe.encode()), recipe.size, encodings.RAW)}
    return {chunk: kept_chunk(repository, chunk) for chunk, _ in recipe.chunks}


def kept_chunk(repository: Repository, chunk: ChunkId) -> Kept:
    """Return the storage of a stored chunk."""
    entry = repository.chunks.find(chunk)[0].entry
    return Kept(entry.stored, entry.raw, entry.encoding, entry.base)
