"""`mvc add`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, size
from mvc.cli.app.verb import verb
from mvc.cli.files import added_run
from mvc.cli.output import lists
from mvc.intake.entries import Entry, Namesake
from mvc.model.roles import is_glob
from mvc.plural import count, first
from mvc.porcelain.add import Added, add
from mvc.porcelain.add_run import add_run, newest_runs
from mvc.repository.model import Model
from mvc.repository.worktree import globs

_SHOWN = 5


@verb("add")
@click.argument("paths", nargs=-1)
@click.option(
    "--as",
    "role",
    metavar="ROLE",
    help="Role, which moves here if another path has it (default: the file's stem, the folder's name, or `files` for `.`).",
)
@click.option("--run", "is_run", is_flag=True, help="Track the files of a training run, whose folder is PATH.")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be tracked or moved; change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Allow `.` or a pattern such as *.pt to track more than 200 new files.")
@click.option("--follow-links", is_flag=True, help="Track the targets of links, under the links' paths.")
def command(
    invocation: Invocation,
    paths: tuple[str, ...],
    role: str | None,
    is_run: bool,
    dry_run: bool,
    yes: bool,
    follow_links: bool,
) -> None:
    """Track files, folders or patterns.

    Adds them to [files] in model.toml. Tracking a folder tracks every file in it, dotfiles included; ignored files
    and files that look like credentials are left out. A named folder may have any number of files; the whole folder
    (`.`, or a pattern that begins with a wildcard) with more than 200 new ones needs --yes. Unlike Git, `mvc add .`
    also covers all files that appear later: name what belongs to the model. Nothing is copied yet: `mvc commit` records every tracked file
    as it is at that time.

    With --as, a role that another path has moves to the new one, and the old file is no longer tracked.

    With --run, PATH is the folder of one training of Ultralytics, Lightning or Transformers, or any other folder with
    weights. Its files get the roles that the files of the run before have, or those that `mvc check` looks for.
    """
    given = [invocation.cwd / path for path in paths]
    if is_run:
        _run(invocation, given, dry_run=dry_run, others=role is not None or yes or follow_links)
        return
    if not given:
        raise click.UsageError("missing argument PATHS...")
    model = Model(invocation.writer(), invocation.model())
    done = add(model, given, role=role, yes=yes, follow_links=follow_links, dry_run=dry_run)
    for path in done.skipped:
        invocation.note(render.skipped(path))
    if done.ignored:
        invocation.note(_ignored(done.ignored))
    for line in _tracked(done) if done.entries else ():
        invocation.note(line)
    for namesake in done.namesakes:
        invocation.note(_namesake(namesake))
    for entry in done.entries:
        if entry.path == globs.WHOLE:
            invocation.note(_whole(entry))
    invocation.emit("add", done, lambda: _lines(done, None if invocation.verbose else "mvc get files", dry_run=dry_run))


def _run(invocation: Invocation, given: Sequence[Path], *, dry_run: bool, others: bool) -> None:
    """Track a run, and print what was chosen and why."""
    if others:
        raise click.UsageError("--run takes no --as, --yes or --follow-links")
    if len(given) > 1:
        raise click.UsageError("--run takes one folder")
    model = Model(invocation.writer(), invocation.model())
    if not given:
        raise click.UsageError(f"--run needs the folder of a run. {newest_runs(model)}".rstrip())
    done = add_run(model, given[0], dry_run=dry_run)
    invocation.emit("add", done, lambda: added_run.lines(done, dry_run=dry_run))


def _lines(done: Added, whole: str | None, *, dry_run: bool) -> Iterator[str]:
    lines = [_line(entry, dry_run=dry_run) for entry in done.entries] or ["Already tracked."]
    yield from lists.capped(lines, None if dry_run else whole)


def _line(entry: Entry, *, dry_run: bool) -> str:
    """Return `model-latest = weights/best.pt`, or the role that moved with its old and new path."""
    if entry.old is not None:
        moved = "Would move" if dry_run else "Moved"
        line = f"{moved} {escape(entry.role)}: {escape(entry.old)} -> {escape(entry.path)}"
    else:
        line = f"{escape(entry.role)} = {escape(entry.path)}"
    return f"{line}  ({count(entry.files, 'file')}, {size(entry.bytes)})" if is_glob(entry.path) else line


def _whole(entry: Entry) -> str:
    """Return the warning that the whole folder is tracked, as Git's `add .` does not."""
    return (
        f"warning: {escape(entry.path)} is the whole folder: each commit records every file that is in it then, runs and "
        f"datasets included (now {count(entry.files, 'file')}, {size(entry.bytes)}); `mvc rm --cached {escape(entry.role)}` "
        "takes it back, `mvc add --run FOLDER` tracks a training run"
    )


def _namesake(namesake: Namesake) -> str:
    """Return the note that a role stays at a file of the same name, and how to move it instead."""
    name, role, path = escape(namesake.name), escape(namesake.role), escape(namesake.path)
    return (
        f"note: {name} is still {escape(namesake.old)}; to move it here instead: `mvc rm --cached {role}`, "
        f"then `mvc add {path} --as {name}`"
    )


def _ignored(paths: Sequence[str]) -> str:
    """Return the note about weights that a `.gitignore` excludes."""
    shown = first([*map(escape, paths)], _SHOWN)
    return (
        f"note: ignored by .gitignore: {shown}; track one with `mvc add PATH`, or replace the rules with a .mvcignore"
    )


def _tracked(done: Added) -> Iterator[str]:
    """Yield the notes about files that are already tracked."""
    for path, role in done.tracked[:_SHOWN]:
        yield f"note: {escape(path)} is already tracked as {escape(role.rstrip('/'))}"
    if len(done.tracked) > _SHOWN:
        yield f"note: {count(len(done.tracked) - _SHOWN, 'more file is', 'more files are')} already tracked"
