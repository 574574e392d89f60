"""The roles of a run's files: those of the run before, else those of its layout.

[files]                                       runs/exp3 has
model-latest = "runs/exp2/weights/best.pt"    weights/best.pt    model-latest moves: the same place below the run
plots = "runs/exp2/plots/**"                  plots/             plots moves, too
onnx = "runs/exp2/weights/best.onnx"          -                  onnx is dropped: no longer tracked, and reported
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake import before
from mvc.intake.before import PRETRAINED, below
from mvc.intake.layouts import LATEST, LAYOUTS, PLAIN, Layout, Part, Purpose
from mvc.intake.run import Run, part_of
from mvc.intake.weights import RunFile
from mvc.model.manifest import Manifest
from mvc.model.roles import LABELMAP, is_glob
from mvc.readiness.evaluation import rules_for
from mvc.readiness.files import HasFile
from mvc.readiness.rule import Need
from mvc.repository.worktree import globs

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
    """The roles of a run, and the run `before` with its `layout`, None if there is none or its folder has the new run.

    `dropped` and `left` are roles of the run before for which this one has no file: they are removed, or stay. `more` are
    untracked weights. With `moves`, the model has weights elsewhere, which those of this run replace.
    """

    before: str | None = None
    layout: Layout | None = None
    moves: bool = False
    assigned: list[Assigned] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    more: list[str] = field(default_factory=list)

    @property
    def names(self) -> frozenset[str]:
        """The roles that this run has a file for."""
        return frozenset(each.role for each in self.assigned)


def assign(run: Run, manifest: Manifest) -> Roles:
    """Return the roles of the files of `run`, for a model.toml with the roles of `manifest`."""
    files = _with_labelmap(manifest)
    roles = Roles(before.folder(run, files))
    roles.layout = before.layout(run, files, roles.before) if roles.before is not None else None
    roles.moves = LATEST in files and below(files[LATEST], run.folder) is None
    missing = list(_move(run, files, roles))
    _complete(run, manifest, roles, files)
    for role, value in missing:
        if role not in roles.names:
            (roles.dropped if _is_of_run(role, value, roles) else roles.left).append((role, value))
    return roles


def _move(run: Run, files: Mapping[str, str], roles: Roles) -> Iterator[tuple[str, str]]:
    """Assign the roles of the run before that have a file in `run`; yield the others."""
    taken: dict[str, str] = {}
    for role in sorted(files, key=lambda role: role != LATEST):
        old = below(files[role], roles.before) if roles.before is not None else None
        if old is None:
            continue
        new = _counterpart(run, role, old, [path for path, given in taken.items() if given != old])
        if new is None:
            yield role, files[role]
        else:
            taken[new.path] = old
            roles.assigned.append(new)


def _is_of_run(role: str, value: str, roles: Roles) -> bool:
    """Return whether a training wrote a file below the run before: of a plain folder, what has the name of a part."""
    path = below(value, roles.before or "") or value
    is_part = any(part_of(layout, path) is not None for layout in (PLAIN, *LAYOUTS))
    return role not in (LABELMAP, PRETRAINED) and (roles.layout is not PLAIN or is_part)


def _with_labelmap(manifest: Manifest) -> Mapping[str, str]:
    """Return `[files]` with `labelmap.path`, which is the path of a role, too; `[from]` is not."""
    path = None if LABELMAP in manifest.value_files else manifest.labelmap_path
    return manifest.files if path is None else {LABELMAP: path, **manifest.files}


def chosen_weights(folder: str, manifest: Manifest) -> str | None:
    """Return the file below the run `folder` that has the role of the model's weights already; None if none has."""
    path = manifest.files.get(LATEST)
    return below(path, folder) if path is not None and folder and not is_glob(path) else None


def _complete(run: Run, manifest: Manifest, roles: Roles, files: Mapping[str, str]) -> None:
    """Add the roles that the run before does not have."""
    first, *others = run.files
    kept = {below(value, run.folder) for value in files.values()} - {None}
    if LATEST not in roles.names and first.path not in kept:
        roles.assigned.append(Assigned(LATEST, first.path, first.why, is_pattern=first.is_pattern))
    latest = next((each for each in roles.assigned if each.role == LATEST), None)
    if latest is not None and PRETRAINED not in manifest.files and _is_needed(manifest):
        roles.assigned.append(latest._replace(role=PRETRAINED, why="required by intent.ready_for"))
    covered = kept | {each.path for each in roles.assigned}
    is_next = roles.layout is run.layout or any(before.has_weights(run.layout, path) for path in kept if path)
    for file in (first, *others):
        if file.path in covered:
            continue
        if file.part.purpose is not Purpose.VALUES and is_next:
            roles.more.append(file.path)
        elif file is not first:
            covered.add(file.path)
            roles.assigned.append(_of_layout(run, file, manifest, roles))


def _of_layout(run: Run, file: RunFile, manifest: Manifest, roles: Roles) -> Assigned:
    """Return the role of a file by its layout; one that a file of another training has moves."""
    role = file.part.role or file.path.rstrip("/").rpartition("/")[2].replace(".", "-")
    value = manifest.files.get(role)
    is_free = value is None or (role not in roles.names and _is_of_training(run, file.part, value, manifest, roles))
    return Assigned(role, file.path, file.why, is_free and not file.part.every, file.is_pattern)


def _is_of_training(run: Run, part: Part, value: str, manifest: Manifest, roles: Roles) -> bool:
    """Return whether a path is the same part of another run, or has values that go with the weights that move."""
    if not roles.moves or below(value, run.folder) is not None:
        return False
    names = value.split("/")
    is_part = any(part_of(run.layout, "/".join(names[number:])) is part for number in range(1, len(names)))
    return is_part or value in {file.path for file in manifest.value_files.values()}


def _counterpart(run: Run, role: str, old: str, taken: Collection[str]) -> Assigned | None:
    """Return what is in `run` at the place `old` of the run before: the same path or pattern, or the same part.

    A file that another role has `taken` is none.
    """
    if is_glob(old):
        match = globs.compile_glob(old).match
        return Assigned(role, old, _AS_BEFORE, is_pattern=True) if any(map(match, run.listing.files)) else None
    if old in run.listing.files and old not in taken:
        return Assigned(role, old, _AS_BEFORE)
    part = part_of(run.layout, old)
    same = [file for file in run.files if file.part is part] + [file for file in run.files if file.part.role == role]
    file = next((file for file in same if file.path not in taken), None)
    return Assigned(role, file.path, f"{_AS_BEFORE}: {file.why}", is_pattern=file.is_pattern) if file else None


def _is_needed(manifest: Manifest) -> bool:
    """Return whether a use that the model is intended for requires pretrained weights."""
    uses = manifest.intent.get("ready_for", ())
    try:
        rules = rules_for(uses, manifest) if uses else ()
    except errors.UnknownUse:
        return False
    return any(rule.need is Need.REQUIRED and rule.test == HasFile(PRETRAINED) for rule in rules)
