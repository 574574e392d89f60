r"""Paths in the working tree for the files of a registry version, which have only a role and a base name.

    model-latest  best.onnx         →  best.onnx
    extra         ../../.ssh/keys   →  keys            folders are dropped
    config        nul.txt           →  _nul.txt        names that are not portable are changed
    a, b          x.pt, X.pt        →  a/x.pt, b/X.pt  names that collide on some systems go below their roles

The result does not depend on the order of the files, so two people who import the same version get the same paths.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from mvc import errors
from mvc.model.paths import check_path, collisions, fold
from mvc.model.toml import rules
from mvc.model.tree import TreeEntry
from mvc.registry import marker

_SEPARATORS = re.compile(r"[/\\]")
_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\[\]\\/\ud800-\udfff]')
_OWN = ("model.toml", ".mvcignore")
"""Names in a model's folder that mvc reserves."""
_MAX_NAME = 200
_MAX_ROLE = rules.MAX_ROLE - 8
"""The longest role, with room for a number after it."""
_UNNAMED = "file"
_OWN_THERE = (marker.FILENAME,)
"""Names that files there do not get."""


class RegistryFile(NamedTuple):
    """A file as a registry lists it, and the id of its bytes."""

    role: str
    filename: str
    content: str


class PlacedFile(NamedTuple):
    """A file's role and path in a version."""

    role: str
    path: str


def place(
    files: Sequence[RegistryFile], *, roles: Collection[str] = (), paths: Collection[str] = ()
) -> list[PlacedFile]:
    """Return a unique role and a unique path for each of `files`, in their order; other files have `roles` and `paths`."""
    order = sorted(range(len(files)), key=lambda number: files[number])
    named: dict[int, str] = {}
    for number in order:
        named[number] = unused(role(files[number].role), {*roles, *named.values()})
    bases = {number: base_name(files[number].filename) for number in order}
    folded = Counter(map(fold, [*bases.values(), *paths]))
    placed: dict[int, str] = {}
    for number in order:
        is_unique = folded[fold(bases[number])] == 1
        path = bases[number] if is_unique else f"{base_name(named[number])}/{bases[number]}"
        placed[number] = _without_collision(path, [*paths, *placed.values()])
    return [PlacedFile(named[number], placed[number]) for number in range(len(files))]


def filenames(entries: Sequence[TreeEntry]) -> dict[str, str]:
    """Return a file name for each role, as a registry has it: all different, also where case does not count.

    The base name; where several have it, the path with `-`; where a file has several roles, the role and the base name.
    """
    ordered = sorted(entries, key=lambda entry: (entry.path, entry.role))
    forms = (_base, _joined, _after_role)
    names: dict[str, str] = {}
    for form in forms:
        candidates = {entry.role: form(entry) for entry in ordered if entry.role not in names}
        folded = Counter(fold(name) for name in candidates.values())
        taken = {fold(name) for name in (*names.values(), *_OWN_THERE)}
        names |= {
            role: name for role, name in candidates.items() if folded[fold(name)] == 1 and fold(name) not in taken
        }
    for entry in ordered:
        if entry.role not in names:
            names[entry.role] = _numbered(_after_role(entry), {fold(name) for name in names.values()})
    return names


def _base(entry: TreeEntry) -> str:
    return entry.path.rpartition("/")[2]


def _joined(entry: TreeEntry) -> str:
    return _shorten(entry.path.replace("/", "-"))


def _after_role(entry: TreeEntry) -> str:
    return _shorten(f"{entry.role.replace('/', '-')}-{_base(entry)}")


def _numbered(name: str, taken: set[str]) -> str:
    number, candidate = 1, name
    while fold(candidate) in taken:
        number += 1
        candidate = f"{number}-{name}"
    return candidate


def base_name(filename: str) -> str:
    """Return the last part of `filename` as a portable file name."""
    name = unicodedata.normalize("NFC", _UNFIT.sub("_", _SEPARATORS.split(filename)[-1]))
    if name.startswith("."):
        name = f"_{name[1:]}"
    name = _shorten(name.strip().rstrip(". "))
    if not name:
        return _UNNAMED
    try:
        check_path(name)
    except (errors.UnsafePath, errors.UnportablePath):
        name = f"_{name}"
    return f"_{name}" if fold(name) in _OWN else name


def role(name: str) -> str:
    """Return `name` as a valid role, with as few changes as possible."""
    text = "".join(letter if letter.isprintable() and letter != ":" else "_" for letter in name).strip()
    text = text.lstrip("-./ ").rstrip("/ ")[:_MAX_ROLE]
    return text.strip() or _UNNAMED


def _shorten(name: str) -> str:
    """Shorten `name` to the bytes that a path component may have, and keep its suffix."""
    stem, dot, suffix = name.rpartition(".")
    if len(name.encode()) <= _MAX_NAME or not dot or len(suffix.encode()) > _MAX_NAME // 4:
        return name.encode()[:_MAX_NAME].decode(errors="ignore")
    return f"{stem.encode()[: _MAX_NAME - len(suffix.encode()) - 1].decode(errors='ignore')}.{suffix}"


def unused(name: str, taken: set[str]) -> str:
    """Return `name`, with the first number appended that makes it unique."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _without_collision(path: str, others: list[str]) -> str:
    """Return `path`, with a number if it would collide with `others` on some system."""
    number, candidate = 1, path
    while collisions([*others, candidate]):
        number += 1
        head, slash, rest = path.partition("/")
        candidate = f"{head}-{number}{slash}{rest}" if slash else f"{number}-{head}"
    return candidate
