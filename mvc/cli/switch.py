"""`mvc switch`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, style
from mvc.cli.app.verb import verb
from mvc.cli.history import notes
from mvc.cli.output import lists
from mvc.model.ids import VersionId
from mvc.plural import count
from mvc.porcelain.switch import Switched, previous, switch
from mvc.repository.model import Model
from mvc.repository.worktree.checkout import Edit

_SHOWN = 10
"""Files with uncommitted changes that are listed."""


@verb("switch", apart=(("--create", "--force-create"), ("--create", "--detach"), ("--force-create", "--detach")))
@click.argument("target", required=False, metavar="[BRANCH|REV]")
@click.option("-c", "--create", metavar="NAME", help="Create branch NAME and switch to it.")
@click.option("-C", "--force-create", metavar="NAME", help="As -c; an existing branch is not moved.")
@click.option("-d", "--detach", is_flag=True, help="Detach HEAD at the version, even if it is a branch.")
@click.option(
    "-f", "--force", "--discard-changes", "force", is_flag=True, help="Discard local changes that are in the way."
)
@click.option("--discard", is_flag=True, help="Do not keep local changes for `mvc undo`.")
def command(
    invocation: Invocation,
    target: str | None,
    create: str | None,
    force_create: str | None,
    detach: bool,
    force: bool,
    discard: bool,
) -> None:
    """Switch to another branch or version.

    `-` is the branch or version before the last switch. Switching to a version, tag or alias (v7, prod) detaches HEAD. If local changes would be overwritten, nothing is
    changed; with --force they are, and `mvc undo` restores the changes.
    """
    create = create or force_create
    if target is None and create is None and not detach:
        raise click.UsageError("nothing to switch to: give a branch, a version (v7), an alias, or -c NAME")
    run(invocation, target, create=create, detach=detach, force=force, discard=discard)


def run(
    invocation: Invocation,
    target: str | None,
    *,
    create: str | None,
    detach: bool,
    force: bool,
    discard: bool = False,
) -> None:
    """Switch to a branch or version, also for `mvc checkout`."""
    repository, model = invocation.writer(), invocation.model()
    actor, before = invocation.actor(), repository.head(model).branch
    old = repository.current(model)
    if target in ("-", "@{-1}"):
        target = previous(Model(repository, model))
    with invocation.progress("Writing files") as progress:
        done = switch(
            Model(repository, model),
            target,
            create=create,
            detach=detach,
            force=force,
            discard=discard,
            actor=actor,
            progress=progress,
        )
    notes.warn(invocation, Model(repository, model), done.version)
    invocation.emit("switch", done, lambda: _lines(done, before, old, discard=discard))


def _lines(done: Switched, before: str | None, old: VersionId | None, *, discard: bool) -> Iterator[str]:
    at = f"v{done.number} {short(done.version)}" if done.version else "no version yet"
    if done.branch is not None and done.branch == before:
        yield f"Already on branch {escape(done.branch)}, {at}"
    elif done.branch is not None:
        yield f"Switched to {'new branch' if done.created else 'branch'} {escape(done.branch)}, {at}"
    else:
        yield f"HEAD detached at {at}; run `mvc switch -c NAME` before you commit"
    yield from listed_edits(done.edits)
    yield from discarded(done.discarded, kept=not discard)
    files = len(done.moved.written) + len(done.moved.deleted)
    if files:
        yield f"  {count(len(done.moved.written), 'file')} written, {len(done.moved.deleted)} deleted{':' * bool(done.moved.deleted)}"
        whole = f"mvc diff --name-status {short(old)} {short(done.version)}" if old and done.version else "mvc ls"
        yield from (f"    {line}" for line in lists.capped(map(escape, done.moved.deleted), whole))


def discarded(edits: Sequence[Edit], *, kept: bool) -> Iterator[str]:
    """Yield the files whose uncommitted changes were overwritten, and if they are `kept`, how they come back."""
    if edits:
        back = "; `mvc undo` restores them" if kept else ", which cannot come back"
        yield f"Discarded the local changes of {count(len(edits), 'file')}{back}:"
        yield from (f"  {line}" for line in listed_edits(edits))


def listed_edits(edits: Sequence[Edit]) -> Iterator[str]:
    """Yield the files with uncommitted changes, as `git switch` does."""
    for edit in edits[:_SHOWN]:
        yield f"{style(edit.kind, fg=render.COLOURS[edit.kind])}  {escape(edit.path)}"
    if len(edits) > _SHOWN:
        yield f"   and {len(edits) - _SHOWN:,} more"
