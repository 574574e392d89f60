"""The roles of a run's files: those of the run before, else those of its layout.

    [files]                                       runs/exp3 has
    model-latest = "runs/exp2/weights/best.pt"    weights/best.pt    model-latest moves: the same place below the run
    plots = "runs/exp2/plots/**"                  plots/             plots moves, too
    onnx = "runs/exp2/weights/best.onnx"          -                  onnx is left, and reported

The run before is the one that has the weights: a folder beside the new run, or one with the parts of a layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mvc import errors
from mvc.intake.layouts import LATEST, LAYOUTS, Purpose
from mvc.intake.run import Run, part_of
from mvc.intake.weights import RunFile
from mvc.model.manifest import Manifest
from mvc.model.roles import LABELMAP, is_glob
from mvc.readiness.evaluation import rules_for
from mvc.readiness.files import HasFile
from mvc.readiness.rule import Need
from mvc.repository.worktree import globs

_PRETRAINED = "pretrained-weights"
_AS_BEFORE = "as in the run before"


class Assigned(NamedTuple):
    """A role for a path or pattern below the run folder; not `fixed`: another one if the role is taken."""

    role: str
    path: str
    why: str
    fixed: bool = True
    is_pattern: bool = False


@dataclass(slots=True)
class Roles:
    """The roles of a run; `left` are roles of the run `before` for which it has no file, `more` are untracked weights."""

    before: str | None = None
    assigned: list[Assigned] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    more: list[str] = field(default_factory=list)


def assign(run: Run, manifest: Manifest) -> Roles:
    """Return the roles of the files of `run`, for a model.toml with the roles of `manifest`."""
    files = _with_labelmap(manifest)
    roles = Roles(_before(run, files))
    kept = {below(value, run.folder) for value in files.values()} - {None}
    for role, value in files.items():
        old = below(value, roles.before) if roles.before is not None else None
        if old is None:
            continue
        new = _counterpart(run, role, old)
        if new is None:
            roles.left.append((role, value))
        else:
            roles.assigned.append(new)
    _complete(run, manifest, roles, kept)
    return roles


def _with_labelmap(manifest: Manifest) -> Mapping[str, str]:
    """Return `[files]` with `labelmap.path`, which is the path of a role, too; `[from]` is not."""
    path = None if LABELMAP in manifest.value_files else manifest.labelmap_path
    return manifest.files if path is None else {LABELMAP: path, **manifest.files}


def below(path: str, folder: str) -> str | None:
    """Return a path or pattern relative to a folder above it; None if it is not below."""
    if not folder:
        return path
    prefix = next((prefix for prefix in (f"{folder}/", f"{globs.literal(folder)}/") if path.startswith(prefix)), None)
    return path[len(prefix) :] if prefix else None


def chosen_weights(folder: str, manifest: Manifest) -> str | None:
    """Return the file below the run `folder` that has the role of the model's weights already; None if none has."""
    path = manifest.files.get(LATEST)
    return below(path, folder) if path is not None and folder and not is_glob(path) else None


def _complete(run: Run, manifest: Manifest, roles: Roles, kept: set[str | None]) -> None:
    """Add the roles that the run before does not have."""
    first, *others = run.files
    named = {assigned.role for assigned in roles.assigned}
    if LATEST not in named and first.path not in kept:
        roles.assigned.append(Assigned(LATEST, first.path, first.why, is_pattern=first.is_pattern))
    latest = next((each for each in roles.assigned if each.role == LATEST), None)
    if latest is not None and _PRETRAINED not in manifest.files and _is_needed(manifest):
        roles.assigned.append(latest._replace(role=_PRETRAINED, why="required by intent.ready_for"))
    covered = kept | {each.path for each in roles.assigned}
    for file in (first, *others):
        if file.path in covered:
            continue
        if file.part.purpose is not Purpose.VALUES and (roles.before is not None or kept):
            roles.more.append(file.path)
        elif file is not first:
            covered.add(file.path)
            roles.assigned.append(_of_layout(file, manifest))


def _of_layout(file: RunFile, manifest: Manifest) -> Assigned:
    role = file.part.role or file.path.rstrip("/").rpartition("/")[2].replace(".", "-")
    return Assigned(role, file.path, file.why, role not in manifest.files and not file.part.every, file.is_pattern)


def _before(run: Run, files: Mapping[str, str]) -> str | None:
    """Return the folder of the run before: that of the weights, else of any file but the weights it began with."""
    ordered = {LATEST: files.get(LATEST), **files, _PRETRAINED: None}
    folders = (folder for role, value in ordered.items() if value for folder in _folders(run, role, value))
    return next(folders, None)


def _folders(run: Run, role: str, value: str) -> Iterator[str]:
    """Yield the folder of another run that a path may be in: one beside `run`, or one in which it is the same part."""
    parent = run.folder.rpartition("/")[0]
    name, _, rest = (below(value, parent) or "").partition("/") if run.folder else ("", "", "")
    if rest and (role == LATEST or part_of(run.layout, rest) is not None):
        yield from _other(run, f"{parent}/{name}" if parent else name)
    parts = value.split("/")
    for layout in dict.fromkeys((run.layout, *LAYOUTS)) if role == LATEST else ():
        for number in range(1, len(parts)):
            if part_of(layout, "/".join(parts[number:])) is layout.weights:
                yield from _other(run, "/".join(parts[:number]))


def _other(run: Run, folder: str) -> Iterator[str]:
    """Yield the folder unless it is the run's, or one of the two is in the other."""
    if (
        not is_glob(folder)
        and not f"{folder}/".startswith(f"{run.folder}/")
        and not f"{run.folder}/".startswith(f"{folder}/")
    ):
        yield folder


def _counterpart(run: Run, role: str, old: str) -> Assigned | None:
    """Return what is in `run` at the place `old` of the run before: the same path or pattern, or the same part."""
    if is_glob(old):
        match = globs.compile_glob(old).match
        return Assigned(role, old, _AS_BEFORE, is_pattern=True) if any(map(match, run.listing.files)) else None
    if old in run.listing.files:
        return Assigned(role, old, _AS_BEFORE)
    part = part_of(run.layout, old)
    file = next((file for file in run.files if file.part is part or (part is None and file.part.role == role)), None)
    return Assigned(role, file.path, f"{_AS_BEFORE}: {file.why}") if file is not None else None


def _is_needed(manifest: Manifest) -> bool:
    """Return whether a use that the model is intended for requires pretrained weights."""
    uses = manifest.intent.get("ready_for", ())
    try:
        rules = rules_for(uses, manifest) if uses else ()
    except errors.UnknownUse:
        return False
    return any(rule.need is Need.REQUIRED and rule.test == HasFile(_PRETRAINED) for rule in rules)
