"""`mvc add --run`: track the files of a training run, under the roles that the run before has, and read its values.

folder ─ recognise ─ roles ─ entries of [files] and [from] ─ the checks of a commit ─ written, or refused without any change
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.intake import layouts, nearby, roles, target
from mvc.intake.entries import Entries, Entry
from mvc.intake.roles import Assigned
from mvc.intake.run import Run, recognise
from mvc.intake.target import Target
from mvc.intake.values import sources
from mvc.model import paths
from mvc.model.document import Document, keys, rows
from mvc.model.toml import parse, schema
from mvc.model.toml.value_file import KEY as FROM
from mvc.porcelain import edit
from mvc.repository.model import Model
from mvc.repository.repository import Repository, writes
from mvc.repository.worktree import globs, model_file, value_edit
from mvc.repository.worktree.value_reader import ValueReader

if TYPE_CHECKING:
    from mvc.model.toml import edit as toml_edit
else:
    toml_edit = lazy.Module("mvc.model.toml.edit")


@dataclass(frozen=True, slots=True)
class RunEntry(Document):
    """A role of a run: its path, the one it had before if it moved, and `why` it has this one."""

    KEYS = keys("role=entry.role path=entry.path files=entry.files bytes_total=entry.bytes old=entry.old why")
    OPTIONAL = ("old",)

    entry: Entry
    why: str


@dataclass(frozen=True, slots=True)
class AddedRun(Document):
    """The run `folder` of a `trainer`, and the run `before` whose roles moved; both are paths in the model's folder.

    `values` are the entries of `[from]` that changed, by section; `removed` are keys of model.toml that its files have.
    `dropped` are roles (with their paths) of the run before that this one has no file for: they are no longer tracked. `left`
    are those that stay, since no training wrote their file; `untracked` are weights without a role.
    """

    KEYS = keys(
        "folder trainer why before added=entries values removed notes",
        {"left": rows("left", "role=0 path=1")},
        "untracked",
        {"dropped": rows("dropped", "role=0 path=1")},
    )

    folder: str
    trainer: str
    why: str
    before: str | None
    entries: tuple[RunEntry, ...]
    values: Mapping[str, Any]
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()
    untracked: tuple[str, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()


@writes
def add_run(model: Model, folder: Path, *, dry_run: bool = False) -> AddedRun:
    """Track the files of the run in the folder at an absolute path; a `dry_run` changes nothing.

    model.toml changes only if the result can be committed. Raises NotInModel, NoSuchFile, NoRun, NoWeightsYet,
    WhichWeights, UnreadableFile and the like.
    """
    place, inside = _folder(model.repository, model.folder, folder)
    where = model_file.path(model.folder)
    done: list[AddedRun] = []

    def change(text: str) -> str:
        manifest = parse.parse(text.encode(), where=where)
        weights = roles.chosen_weights(inside, manifest)
        run = recognise(place, inside, framework=manifest.framework, chosen=weights)
        assigned = roles.assign(run, manifest)
        reader = ValueReader(model.repository, model.folder)
        found = sources(run, assigned, manifest, reader, model.repository.root / model.folder)
        dropped = [role for role, _ in assigned.dropped]
        text = edit.untracked(text, dropped)
        entries = Entries(model.repository, model.folder, parse.parse(text.encode(), where=where))
        added = tuple(filter(None, [_add(entries, run, each) for each in assigned.assigned]))
        after = toml_edit.set_keys(text, entries.assignments) if entries.assignments else text
        changed = {
            section: file for section, file in found.entries.items() if manifest.value_files.get(section) != file
        }
        pairs = [((FROM, section), file.to_toml()) for section, file in changed.items()]
        after = value_edit.set_keys(after, pairs) if pairs else after
        after, removed = value_edit.settle(model.repository, model.folder, after, [key for key, _ in pairs])
        entries.verify(parse.parse(after.encode(), where=where))
        done.append(
            AddedRun(
                run.folder,
                run.layout.name,
                run.why,
                assigned.before,
                added,
                {section: file.to_toml() for section, file in changed.items()},
                tuple(map(schema.dotted, removed)),
                tuple(found.notes),
                tuple(assigned.left),
                tuple(run.at(path) for path in assigned.more),
                tuple(assigned.dropped),
            )
        )
        return after

    edit.rewrite(model, change, [], dry_run=dry_run)
    return done[-1]


def newest_runs(model: Model) -> str:
    """Return the commands for the newest runs in the model's folder, as a sentence; "" if there are none."""
    return nearby.hint(model.repository.root / model.folder, "")


def _folder(repository: Repository, model_folder: str, given: Path) -> tuple[Path, str]:
    """Return the folder with links resolved, and its path in the model's folder; raise NotInModel, NoSuchFile, NoRun."""
    place = Path(os.path.realpath(given))
    inside = target.below_model(repository, model_folder, place, given).removeprefix(".")
    if not os.path.lexists(place):
        raise errors.NoSuchFile(path=paths.escape_name(inside))
    if not place.is_dir():
        raise errors.NoRun(path=paths.escape_name(inside), reason="it is a file", looked=layouts.LOOKED, hint="")
    if inside:
        paths.check_path(inside)
    return place, inside


def _add(entries: Entries, run: Run, assigned: Assigned) -> RunEntry | None:
    """Add the entry for one role; return it, None if it was there."""
    known = len(entries.entries)
    entries.add(_target(run, assigned), assigned.role if assigned.fixed else None)
    return RunEntry(entries.entries[-1], assigned.why) if len(entries.entries) > known else None


def _target(run: Run, assigned: Assigned) -> Target:
    path = run.at(assigned.path)
    if assigned.is_pattern:
        pattern = f"{globs.literal(run.folder)}/{assigned.path}" if run.folder else assigned.path
        return Target(globs.fixed_part(path), pattern, assigned.role)
    found = target.of_folder(path.rstrip("/")) if path.endswith("/") else target.of_file(path)
    return replace(found, name=assigned.role)
