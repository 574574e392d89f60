"""`mvc add`: track files, folders and patterns by writing them into `[files]` of model.toml.

given ─ path or pattern ─ its new files ─ a valid role for each
      └─ all of it in [files] ─ the checks of a commit ─ written, or refused without any change
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.intake import target
from mvc.intake.entries import Entries, Entry, Namesake
from mvc.model.document import Document, keys, rows
from mvc.model.manifest import Manifest
from mvc.model.toml import parse
from mvc.porcelain import edit
from mvc.repository.model import Model
from mvc.repository.repository import writes
from mvc.repository.worktree import links, model_file, value_edit

if TYPE_CHECKING:
    from mvc.model.toml import edit as toml_edit
else:
    toml_edit = lazy.Module("mvc.model.toml.edit")


@dataclass(frozen=True, slots=True)
class Added(Document):
    """The entries added, those `tracked` already (path and role), and files `skipped` as credentials.

    `ignored` are weight-like files that a `.gitignore` excludes from the whole folder, a hundred at most.
    """

    KEYS = keys("added=entries", {"tracked": rows("tracked", "path=0 role=1")}, "skipped ignored")

    entries: tuple[Entry, ...]
    tracked: tuple[tuple[str, str], ...] = ()
    skipped: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    namesakes: tuple[Namesake, ...] = ()


@writes
def add(
    model: Model,
    given: Sequence[Path],
    *,
    role: str | None = None,
    yes: bool = False,
    follow_links: bool = False,
    dry_run: bool = False,
) -> Added:
    """Track the files, folders or patterns at the absolute paths `given`; no content is read.

    `role` moves here if something else has it; it defaults to the file's stem or the folder's name, of the whole folder
    to "files". `yes` allows a pattern of the whole folder any number of files. With `follow_links`, a link is versioned
    as its target; if that is outside the repository, the user's settings record the permission. model.toml changes only
    if the result can be committed, and not in a `dry_run`. Raises NotInModel, NoSuchFile, NothingToTrack,
    NotRegularFile, UnsafePath, UnportablePath, BadRole, TrackedAlready, OneRole, ManyFiles and the like.
    """
    if role is not None and len(given) > 1:
        raise errors.OneRole(role=role, count=len(given))
    folder = model.folder
    targets = [target.resolve(model.repository, folder, path) for path in given]
    done: list[Added] = []

    def change(text: str) -> str:
        entries = Entries(model.repository, folder, _parsed(folder, text), follow_links=follow_links)
        for each in targets:
            entries.add(each, role)
        entries.check(yes=yes)
        after = toml_edit.set_keys(text, entries.assignments) if entries.assignments else text
        if entries.assignments:
            after, _ = value_edit.settle(model.repository, folder, after, [key for key, _ in entries.assignments])
            entries.verify(_parsed(folder, after))
        if entries.leads_outside and not dry_run:
            links.approve(model.repository)
        done.append(_added(entries))
        return after

    edit.rewrite(model, change, [], dry_run=dry_run)
    return done[-1]


def _added(entries: Entries) -> Added:
    return Added(
        tuple(entries.entries),
        tuple(entries.tracked),
        tuple(sorted(entries.skipped)),
        entries.ignored(),
        tuple(entries.namesakes),
    )


def _parsed(folder: str, text: str) -> Manifest:
    return parse.parse(text.encode(), where=model_file.path(folder))
