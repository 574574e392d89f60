"""Roles for the files of a hub's model, which have paths only: the same for everybody.

model.safetensors                      model-latest       the weights by their usual name, else the largest
model-00001-of-00002.safetensors, …    model-latest/…     one role for all parts
config.json   tokenizer.json           config  tokenizer
vae/config.json                        vae-config         a name that another file has
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import field

from mvc.deferred import dataclass
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.registry.files import flat_files
from mvc.repository.worktree import globs

LATEST = "model-latest"
_USUAL = (
    "model.safetensors",
    "pytorch_model.bin",
    "best.pt",
    "best.onnx",
    "model.onnx",
    "model.pt",
    "tf_model.h5",
    "model.keras",
    "model.gguf",
)
"""Names of a model's weights, the first one first."""
_PART = re.compile(r"(?P<stem>.*)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})(?P<suffix>\.[A-Za-z0-9]+)\Z")


@dataclass(frozen=True, slots=True)
class FileRoles:
    """The role of each file by path; `patterns` are entries of `[files]` for weights in several files."""

    roles: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)


def assign(sizes: Mapping[str, int]) -> FileRoles:
    """Return the roles of files, given with their sizes in bytes."""
    weights = sorted((path for path in sizes if _is_weights(path)), key=lambda path: (*_rank(path), -sizes[path], path))
    parts, pattern = _parts(weights[0], sizes) if weights else ((), "")
    roles = {path: f"{LATEST}/{path[len(globs.fixed_part(pattern)) :]}" for path in parts}
    if weights and not parts:
        roles[weights[0]] = LATEST
    taken = {LATEST}
    for path in sorted(sizes):
        if path not in roles:
            stem = posixpath.basename(path).lstrip(".").partition(".")[0] or posixpath.basename(path)
            folder = posixpath.dirname(path).replace("/", "-")
            name = flat_files.role(stem)
            roles[path] = flat_files.unused(
                flat_files.role(f"{folder}-{stem}") if name in taken and folder else name, taken
            )
            taken.add(roles[path])
    return FileRoles(roles, {LATEST: pattern} if parts else {})


def _is_weights(path: str) -> bool:
    return posixpath.basename(path).lower().endswith(WEIGHT_SUFFIXES)


def _rank(path: str) -> tuple[int, int]:
    """Return the rank of weights: by their usual name, then by depth."""
    name = posixpath.basename(path).lower()
    part = _PART.match(name)
    if part is not None:
        name = part["stem"] + part["suffix"]
    return _USUAL.index(name) if name in _USUAL else len(_USUAL), path.count("/")


def _parts(path: str, sizes: Mapping[str, int]) -> tuple[tuple[str, ...], str]:
    """Return the files of weights that are in several, and the pattern for them; none for one file."""
    part = _PART.match(path)
    if part is None:
        return (), ""
    pattern = f"{globs.literal(part['stem'])}-*-of-{part['count']}{part['suffix']}"
    match = globs.compile_glob(pattern).match
    return tuple(name for name in sizes if match(name)), pattern
