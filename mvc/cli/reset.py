"""`mvc reset`: its options, arguments and output."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click

from mvc.cli import merge, switch
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.app.verb import verb
from mvc.cli.git.paths import revisions_and_paths
from mvc.model.ids import VersionId
from mvc.porcelain.reset import HARD, KEEP, SOFT, Reset, reset
from mvc.repository.model import Model
from mvc.repository.policy import take


@verb("reset")
@click.argument("words", nargs=-1, metavar="[REV]")
@click.option("--keep", is_flag=True, help="Update the files; refuse if local changes would be lost.")
@click.option("--hard", is_flag=True, help="Update the files; discard local changes.")
@click.option("--discard", is_flag=True, help="Do not keep local changes for `mvc undo`.")
def command(invocation: Invocation, words: tuple[str, ...], keep: bool, hard: bool, discard: bool) -> None:
    """Move the current branch to another version.

    Without --keep or --hard, no file is changed. `mvc undo` undoes a reset, and restores discarded changes.
    """
    if keep and hard:
        raise click.UsageError("use only one of --keep and --hard")
    repository, model = invocation.writer(), invocation.model()
    target = _target(invocation, Model(repository, model), words)
    mode = HARD if hard else KEEP if keep else SOFT
    with invocation.progress("Writing files") as progress:
        done = reset(
            Model(repository, model),
            target,
            mode=mode,
            discard=discard,
            actor=invocation.actor(),
            progress=progress,
        )
    invocation.emit("reset", done, lambda: _lines(done, discard=discard), ids=(done.new,))


def _target(invocation: Invocation, model: Model, words: tuple[str, ...]) -> VersionId:
    """Return the version to move to; raise UsageError for paths, which Git's reset takes off the staging area."""
    given, paths = revisions_and_paths(invocation, model, words)
    if paths:
        names = shlex.join(words[len(given) :])
        raise click.UsageError(f"there is no staging area; `mvc restore {names}` discards changes")
    if len(given) > 1:
        raise click.UsageError("too many revisions: expected REV")
    return take.resolve(model, given[0] if given else "HEAD")


def _lines(done: Reset, *, discard: bool) -> Iterator[str]:
    ref = escape(done.branch) if done.branch is not None else "HEAD"
    was = f" (was {short(done.old)})" if done.old is not None and done.old != done.new else ""
    yield f"{ref} is now at v{done.number} {short(done.new)}{was}"
    yield from switch.discarded(done.discarded, kept=not discard)
    whole = f"mvc diff --name-status {short(done.old)} {short(done.new)}" if done.old is not None else "mvc ls"
    yield from merge.moved_lines(done.moved, whole)
