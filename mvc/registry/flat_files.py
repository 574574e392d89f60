r"""Files of a registry, which have a role and a base name that anybody may choose, as paths of a version.

    model-latest  best.onnx         →  best.onnx
    extra         ../../.ssh/keys   →  keys            a base name, whatever is before it
    config        nul.txt           →  _nul.txt        no name that some system cannot hold
    a, b          x.pt, X.pt        →  a/x.pt, b/X.pt  names that are one on some systems, each below its role

The outcome depends on what is listed alone, not on its order, so two people who import get the same paths.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mvc import errors
from mvc.model import paths
from mvc.model.toml import rules

_SEPARATORS = re.compile(r"[/\\]")
_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\[\]\\/\ud800-\udfff]')
_OWN = ("model.toml", ".mvcignore")
"""Names in a model's folder that mean something to mvc."""
_MAX_NAME = 200
_MAX_ROLE = rules.MAX_ROLE - 8
"""With room for a number after it."""
_UNNAMED = "file"


class Listed(NamedTuple):
    """A file as a registry lists it, and the id of its bytes."""

    role: str
    filename: str
    content: str


class Placed(NamedTuple):
    """The role and the path that it has in a version."""

    role: str
    path: str


def place(files: Sequence[Listed]) -> list[Placed]:
    """A role and a path for each of `files`, in their order; none of either comes twice."""
    order = sorted(range(len(files)), key=lambda number: files[number])
    roles: dict[int, str] = {}
    for number in order:
        roles[number] = _free(role(files[number].role), set(roles.values()))
    bases = {number: base_name(files[number].filename) for number in order}
    folded = Counter(paths.fold(base) for base in bases.values())
    found: dict[int, str] = {}
    for number in order:
        alone = folded[paths.fold(bases[number])] == 1
        path = bases[number] if alone else f"{base_name(roles[number])}/{bases[number]}"
        found[number] = _apart(path, list(found.values()))
    return [Placed(roles[number], found[number]) for number in range(len(files))]


def base_name(filename: str) -> str:
    """A name that a file may have in a folder on every system: the last part of `filename`, mended where needed."""
    name = unicodedata.normalize("NFC", _UNFIT.sub("_", _SEPARATORS.split(filename)[-1]))
    if name.startswith("."):
        name = f"_{name[1:]}"
    name = _short(name.strip().rstrip(". "))
    if not name:
        return _UNNAMED
    try:
        paths.check_path(name)
    except (errors.UnsafePath, errors.UnportablePath):
        name = f"_{name}"
    return f"_{name}" if paths.fold(name) in _OWN else name


def role(name: str) -> str:
    """A role that a version may have, as near to `name` as can be."""
    text = "".join(letter if letter.isprintable() and letter != ":" else "_" for letter in name).strip()
    text = text.lstrip("-./ ").rstrip("/ ")[:_MAX_ROLE]
    return text.strip() or _UNNAMED


def _short(name: str) -> str:
    """`name` within the bytes that a part of a path may have, its suffix kept."""
    stem, dot, suffix = name.rpartition(".")
    if len(name.encode()) <= _MAX_NAME or not dot or len(suffix.encode()) > _MAX_NAME // 4:
        return name.encode()[:_MAX_NAME].decode(errors="ignore")
    return f"{stem.encode()[: _MAX_NAME - len(suffix.encode()) - 1].decode(errors='ignore')}.{suffix}"


def _free(name: str, taken: set[str]) -> str:
    """`name`, or with the first number after it that nobody has."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def _apart(path: str, others: list[str]) -> str:
    """`path`, or with a number after its first part, so that it lies beside `others` on every system."""
    number, found = 1, path
    while paths.collisions([*others, found]):
        number += 1
        head, slash, rest = path.partition("/")
        found = f"{head}-{number}{slash}{rest}" if slash else f"{number}-{head}"
    return found
