"""Names of roles on a registry, which has letters, digits, `-` and `_` in names: each role of a version has its own.

    model-latest   →  model-latest
    notes/a.txt    →  notes-a-txt
    notes-a.txt    →  notes-a-txt-5e0c     another role has that name
    model.latest   →  model-latest-91b7    programs of the platform look for model-latest
    mvc-manifest   →  mvc-manifest-c2d3    the marker has that name

The marker keeps the names that differ from their roles, so that an import gets the roles back.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from mvc.model.ids import digest
from mvc.model.tree import Tree

MARKERS = ("mvc-manifest", "mvc-manifest.json")
"""The name of a marker, and the one it had in early publications."""
RESERVED = (
    *("model-latest", "pretrained-weights", "best-model", "config"),
    *("checkpoint-index-latest", "checkpoint-data-latest"),
)
"""Names that programs of the platform look for: no other role becomes one of them."""
_LEGAL = re.compile(r"[A-Za-z0-9_-]+\Z")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_UNNAMED = "file"
_DIGITS = 4
"""Digits of its hash that distinguish a name, at least."""


def is_legal(role: str) -> bool:
    """Return whether a role is its own name on a registry."""
    return _LEGAL.match(role) is not None and role.lower() not in MARKERS


def assign(roles: Iterable[str], listed: Collection[str] = ()) -> dict[str, str]:
    """Return the name of each role, all different; a role whose own name is `listed` already keeps it.

    The result does not depend on the order of the roles.
    """
    ordered = sorted(roles)
    names = {role: role for role in ordered if is_legal(role) or (role in listed and role.lower() not in MARKERS)}
    taken = {name.lower() for name in (*names, *RESERVED, *MARKERS)}
    for role in ordered:
        if role not in names:
            names[role] = _unused(role, taken)
            taken.add(names[role].lower())
    return names


def differing(names: Mapping[str, str]) -> dict[str, str]:
    """Return the names that differ from their roles."""
    return {role: name for role, name in names.items() if role != name}


def named(tree: Tree, names: Mapping[str, str]) -> dict[str, str]:
    """Return the role of each name that a registry version with the files of a tree has; `names` are those that differ."""
    return {names.get(role, role): role for role in tree.by_role}


def _unused(role: str, taken: Collection[str]) -> str:
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", role) if not unicodedata.combining(letter))
    stem, hash_ = _UNFIT.sub("-", plain).strip("-") or _UNNAMED, digest(role.encode("utf-8", "surrogatepass"))
    hashed = (f"{stem}-{hash_[:digits]}" for digits in range(_DIGITS, len(hash_) + 1))
    numbered = (f"{stem}-{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([stem], hashed, numbered) if name.lower() not in taken)
