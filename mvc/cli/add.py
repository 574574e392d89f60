"""`mvc add`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import count, escape, size
from mvc.cli.app.verb import verb
from mvc.porcelain.add import Added, Entry, add
from mvc.repository.worktree import globs

_SHOWN = 5


@verb("add")
@click.argument("paths", nargs=-1, required=True)
@click.option("--as", "role", metavar="ROLE", help="The role; otherwise the file's stem, or the folder's name.")
@click.option("-y", "--yes", is_flag=True, help="Track the whole folder even if it has more than 200 new files.")
@click.option("--follow-links", is_flag=True, help="Version the files that links lead to, under the links' paths.")
def command(invocation: Invocation, paths: tuple[str, ...], role: str | None, yes: bool, follow_links: bool) -> None:
    """Track files, folders or patterns: write them into [files] of model.toml.

    A folder is tracked with everything in it, files that begin with a dot included; ignored files and files that look
    like credentials are left out. No byte is copied: `mvc commit` takes every tracked file as it stands.
    """
    given = [invocation.cwd / path for path in paths]
    done = add(invocation.writer(), invocation.model(), given, role=role, yes=yes, follow_links=follow_links)
    for path in done.skipped:
        invocation.note(render.skipped(path))
    if done.ignored:
        invocation.note(_ignored(done.ignored))
    for line in _tracked(done) if done.entries else ():
        invocation.note(line)
    invocation.emit(
        "add", done.to_json, lambda: [_line(entry) for entry in done.entries] or ["All of it is tracked already."]
    )


def _line(entry: Entry) -> str:
    line = f"{escape(entry.role)} = {escape(entry.path)}"
    return f"{line}  ({count(entry.files, 'file')}, {size(entry.bytes)})" if globs.is_glob(entry.path) else line


def _ignored(paths: Sequence[str]) -> str:
    """The note about weights that a `.gitignore` keeps out."""
    shown = ", ".join(map(escape, paths[:_SHOWN])) + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")
    return f"note: .gitignore leaves out {shown}; `mvc add PATH` tracks one, and a .mvcignore counts in its place"


def _tracked(done: Added) -> Iterator[str]:
    """The notes about files that are tracked already."""
    for path, role in done.tracked[:_SHOWN]:
        yield f"note: {escape(path)} is tracked already, as {escape(role.rstrip('/'))}"
    if len(done.tracked) > _SHOWN:
        yield f"note: and {len(done.tracked) - _SHOWN} more files are tracked already"
