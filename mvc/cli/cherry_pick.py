"""`mvc cherry-pick`: its options, arguments and output; `mvc revert` has the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from mvc.cli import merge
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, style
from mvc.cli.app.verb import verb
from mvc.model.version import Timestamp
from mvc.porcelain import cherry_pick as porcelain
from mvc.porcelain.cherry_pick import Options, Picked
from mvc.porcelain.merge import CONFLICTS
from mvc.repository.model import Model
from mvc.storage.records.merges import CHERRY_PICK, REVERT

_OPTIONS = (
    click.option(
        "-m", "--mainline", "parent", type=click.IntRange(1), metavar="N", help="Compare a merge with its parent N."
    ),
    click.option("-n", "--no-commit", is_flag=True, help="Change the working tree only."),
    click.option("--date", metavar="DATE", help="Override the date of the new versions, such as 2026-02-03."),
    click.option("--continue", "proceed", is_flag=True, help="Conclude after resolving conflicts."),
    click.option("--abort", is_flag=True, help="Abort, and restore the working tree."),
    click.option("--discard", is_flag=True, help="With --abort: do not keep local changes for `mvc undo`."),
)


def picking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument and the options that both verbs have, for `run`."""
    function = merge.resolving(function)
    for option in reversed(_OPTIONS):
        function = option(function)
    return click.argument("revisions", nargs=-1, metavar="REV...")(function)


@verb("cherry-pick")
@picking
@click.option("-x", "origin", is_flag=True, help="Name the version that was picked in the message.")
def command(invocation: Invocation, **given: Any) -> int:
    """Apply the changes of versions to the current branch.

    Each REV, or each version of a range A..B, becomes a new version with the same author and message. Values merge by
    key, files as a whole, as in `mvc merge`; conflicts are resolved in the same way, then run `mvc cherry-pick
    --continue`.
    """
    return run(invocation, CHERRY_PICK, **given)


def run(
    invocation: Invocation,
    name: str,
    *,
    revisions: tuple[str, ...],
    parent: int | None,
    no_commit: bool,
    date: str | None,
    proceed: bool,
    abort: bool,
    discard: bool,
    ours: bool,
    theirs: bool,
    takes: tuple[str, ...],
    origin: bool = False,
) -> int:
    """Run `mvc cherry-pick` or `mvc revert`."""
    if bool(revisions) + proceed + abort != 1:
        raise click.UsageError("expected one of REV, --continue and --abort")
    if abort:
        return merge.stop(invocation, name, discard=discard)
    choice = merge.choice(takes, ours=ours, theirs=theirs)
    actor = invocation.actor(warn=True)
    moment = Timestamp.parse(date, offset=actor.at.offset) if date else None
    if proceed:
        return merge.conclude(invocation, name, None, choice, moment)
    model = Model(invocation.writer(), invocation.model())
    options = Options(parent, choice, commit=not no_commit, origin=origin, date=moment)
    pick = porcelain.revert if name == REVERT else porcelain.cherry_pick
    ids = porcelain.versions(model, revisions)
    with invocation.progress("Writing files") as progress:
        done = pick(model, ids, actor, options=options, progress=progress)
    merge.warn(invocation, done.unready, done.warnings)
    invocation.emit(name, done, lambda: _lines(done), ids=[pick.id for pick in done.picks])
    return int(done.outcome == CONFLICTS)


def _lines(done: Picked) -> Iterator[str]:
    for pick in done.picks:
        version = style(f"v{pick.number} {short(pick.id)}", fg="yellow")
        yield f"[{escape(done.branch)} {version}] {escape(pick.message.partition(chr(10))[0])}"
    yield from (f"Skipped {short(id_)}, which changes nothing here" for id_ in done.dropped)
    if done.outcome == CONFLICTS:
        yield from merge.conflict_lines(done.verb, done.conflicts, done.broken)
    if done.left:
        yield f"After that, run `mvc {done.verb} {' '.join(map(short, done.left))}`."
    yield from merge.moved_lines(done.moved, "mvc status -v" if done.outcome == CONFLICTS else merge.MERGED_FILES)
