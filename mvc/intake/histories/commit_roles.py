"""The roles of the files of a commit: those of its parent, where the file or a renamed one is still there.

    parent                            commit                           roles
    runs/exp1/weights/best.pt         runs/exp1/weights/best.pt        best: another file of that name is newer
      model-latest                    runs/exp2/weights/best.pt        model-latest
    onnx/helmet.onnx   helmet         export/helmet.onnx               helmet: renamed

They depend on the commit and its ancestors alone, so that everybody gives a file the same role.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.intake import checkpoints, layouts, run, weights
from mvc.intake.layouts import LATEST, NO_WEIGHTS, PLAIN
from mvc.intake.listing import Listing, is_match
from mvc.intake.run import Run
from mvc.intake.weights import RunFile
from mvc.model.toml import rules

_WEIGHTS_FOLDERS = ("weights", "checkpoints")
_DEPTH = 3
"""Levels of a run folder, as in the listing of one on disk."""


@dataclass(frozen=True, slots=True)
class Before:
    """The files of a parent: their roles by path, and what identifies the content of each."""

    roles: Mapping[str, str]
    contents: Mapping[str, str]


NONE = Before({}, {})


def is_weights(path: str) -> bool:
    """Return whether a path has a suffix of weights, and is not the state of a training."""
    name = posixpath.basename(path)
    return name.endswith(WEIGHT_SUFFIXES) and not any(is_match(name, pattern) for pattern in NO_WEIGHTS)


def of_weights(contents: Mapping[str, str], paths: Iterable[str], before: Before, chosen: str | None) -> dict[str, str]:
    """Return the roles of files of weights by path.

    `contents` identify the contents of all files, `paths` are all paths of the commit; `chosen` are the model's weights, None
    if they are not named.
    """
    roles = {path: before.roles[path] for path in contents if path in before.roles}
    roles |= _renamed(contents, before)
    if chosen is not None:
        roles = {path: role for path, role in roles.items() if role != LATEST} | {chosen: LATEST}
    else:
        _move_latest(contents, before, roles)
    if LATEST not in roles.values():
        primary = _primary(contents, paths)
        roles |= {primary: LATEST} if primary is not None else {}
    taken = set(roles.values())
    for path in sorted(contents.keys() - roles.keys()):
        roles[path] = free(path, _stem(path), taken)
        taken.add(roles[path])
    return roles


def run_of(latest: str, paths: Iterable[str]) -> Run:
    """Return the run with the model's weights, from the paths of a commit."""
    folder = _folder(latest)
    listing = _listings([folder], paths)[folder]
    layout = layouts.of(listing) or PLAIN
    first = RunFile(layout.weights, latest.removeprefix(f"{folder}/") if folder else latest)
    return Run(folder, layout, (first, *run.others(layout, listing, first)), listing)


def free(path: str, role: str, taken: Iterable[str]) -> str:
    """Return a role for a file that no other has: `role`, else with its folder's name, else with a number."""
    taken = {name for role in taken for name in (role, role.split("/")[0])}
    folder = posixpath.basename(posixpath.dirname(path))
    if folder in _WEIGHTS_FOLDERS:
        folder = posixpath.basename(posixpath.dirname(posixpath.dirname(path))) or folder
    names = [role, *([f"{folder}-{role}"] if folder else [])]
    valid = [name for name in names if name not in taken and rules.role_fault(name) is None]
    number = 2
    while not valid:
        name = f"{role if rules.role_fault(role) is None else 'file'}-{number}"
        valid = [name] if name not in taken else []
        number += 1
    return valid[0]


def _renamed(contents: Mapping[str, str], before: Before) -> dict[str, str]:
    """Return the roles of renamed files: of the same content, else of the same name, else the only one that is new."""
    gone = {path: role for path, role in before.roles.items() if path not in contents and path in before.contents}
    new = sorted(path for path in contents if path not in before.roles)
    roles: dict[str, str] = {}
    for old in sorted(gone, key=lambda path: (gone[path] != LATEST, path)):
        left = [path for path in new if path not in roles]
        same = [path for path in left if contents[path] == before.contents[old]]
        same = same or [path for path in left if posixpath.basename(path) == posixpath.basename(old)]
        is_only = len(gone) == len(new) == 1 and posixpath.splitext(old)[1] == posixpath.splitext(new[0])[1]
        if same or is_only:
            roles[(same or new)[0]] = gone[old]
    return roles


def _move_latest(contents: Mapping[str, str], before: Before, roles: dict[str, str]) -> None:
    """Give the role of the model's weights to a new file of the same name, as each run folder has one."""
    latest = next((path for path, role in roles.items() if role == LATEST), None)
    if latest is None or latest not in before.roles:
        return
    name = posixpath.basename(latest)
    new = [
        path for path in contents if path not in before.roles and path not in roles and posixpath.basename(path) == name
    ]
    if new:
        del roles[latest]
        roles[max(new, key=_order)] = LATEST


def _primary(weights_: Iterable[str], paths: Iterable[str]) -> str | None:
    """Return the model's weights: of the run of a trainer, else of any folder; of several the newest by number, then by name."""
    files = sorted(path for path in weights_ if is_weights(path))
    found: list[tuple[bool, tuple[tuple[int, ...], str], str]] = []
    for folder, listing in _listings({_folder(path) for path in files}, paths).items():
        layout = layouts.of(listing) or PLAIN
        try:
            first = weights.choose(layout, listing, folder, None)
        except errors.WhichWeights:
            continue
        path = f"{folder}/{first.path}" if folder and first is not None else first.path if first is not None else ""
        if path in files:
            found.append((layout is not PLAIN, _order(path), path))
    return max(found)[-1] if found else next(iter(files), None)


def _order(path: str) -> tuple[tuple[int, ...], str]:
    """Return the order of runs: by the numbers in the names of their folders."""
    return tuple(number for part in path.split("/")[:-1] for number in checkpoints.numbers(part)), path


def _folder(path: str) -> str:
    """Return the run folder of weights."""
    folder = posixpath.dirname(path)
    return posixpath.dirname(folder) if posixpath.basename(folder) in _WEIGHTS_FOLDERS else folder


def _listings(folders: Iterable[str], paths: Iterable[str]) -> dict[str, Listing]:
    """Return the listings of folders of a commit, as those of folders on disk."""
    listings = {folder: Listing() for folder in sorted(folders)}
    for path in paths:
        parts = path.split("/")
        for level in range(1, min(_DEPTH, len(parts)) + 1):
            listing = listings.get("/".join(parts[:-level]))
            if listing is not None:
                listing.files["/".join(parts[-level:])] = 0
                listing.folders.update("/".join(parts[-level:-inner]) + "/" for inner in range(1, level))
    return listings


def _stem(path: str) -> str:
    return posixpath.basename(path).lstrip(".").partition(".")[0] or "file"
