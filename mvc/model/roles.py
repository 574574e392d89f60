"""Roles of a version's files: a file may have several; its tree entry stores the first by name.

    [files]                                     tree
    model-latest = "weights/best.onnx"          weights/best.onnx   model-latest
    pretrained-weights = "weights/best.onnx"

The others are in the manifest: each literal path of `[files]`, and `labelmap.path`. A pattern shares no file.
"""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Collection, Mapping

from mvc.deferred import regex
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry

LABELMAP = "labelmap"
"""The role of the file that `labelmap.path` names."""
MAGIC = regex(r"[*?\[]")
"""What makes a value a pattern."""


def selects(name: str, entry: TreeEntry) -> bool:
    """Return whether `name` selects a file: its role, its path, a folder of one of these, or a pattern for one."""
    plain = name.removeprefix("./").rstrip("/")
    if is_glob(name) and name not in (entry.role, entry.path):
        return any(fnmatch.fnmatchcase(text, plain) for text in (entry.role, entry.path))
    return any(text == plain or text.startswith(f"{plain}/") for text in (entry.role, entry.path))


def is_glob(value: str) -> bool:
    """Return whether a value of `[files]` is a pattern; otherwise it is a path."""
    return MAGIC.search(value) is not None


def roles_by_path(files: Mapping[str, str], labelmap_path: str | None = None) -> dict[str, tuple[str, ...]]:
    """Return the roles of each path that `[files]` or `labelmap.path` names literally, in the order of names."""
    roles: dict[str, set[str]] = defaultdict(set)
    for role, value in files.items():
        if not is_glob(value):
            roles[value].add(role)
    if labelmap_path is not None and LABELMAP not in files:
        roles[labelmap_path].add(LABELMAP)
    return {path: tuple(sorted(names)) for path, names in roles.items()}


def first_role(roles: Collection[str]) -> str:
    """Return the role that the tree has."""
    return min(roles)


def shared(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    """Return the roles of each path that has several."""
    named = roles_by_path(manifest.files, manifest.labelmap_path)
    return {path: roles for path, roles in named.items() if len(roles) > 1}


def expanded(manifest: Manifest, tree: Tree) -> Tree:
    """Return `tree` with an entry for each role, as a registry has the files; a store cannot have it.

    Of the entries at one path, the last is that of `tree`.
    """
    further = [
        tree.by_path[path]._replace(role=role)
        for path, roles in shared(manifest).items()
        if path in tree.by_path
        for role in roles
        if role not in tree.by_role
    ]
    return Tree.of([*further, *tree.entries]) if further else tree


def roles_of(manifest: Manifest, entry: TreeEntry) -> tuple[str, ...]:
    """Return the roles of one file, that of its entry first."""
    return (entry.role, *(role for role in shared(manifest).get(entry.path, ()) if role != entry.role))
