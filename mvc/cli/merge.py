"""`mvc merge`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, style
from mvc.cli.app.verb import verb
from mvc.cli.commit import lines
from mvc.cli.output import lists
from mvc.model.merge.merge import OURS, THEIRS
from mvc.model.version import Timestamp
from mvc.plural import count
from mvc.porcelain import merge_continue
from mvc.porcelain.merge import CONFLICTS, FAST_FORWARD, UP_TO_DATE, Choice, MergeResult, merge
from mvc.repository.model import Model
from mvc.repository.policy import take
from mvc.repository.worktree.checkout import Moved

if TYPE_CHECKING:
    from mvc.model.merge.merge import Conflict
    from mvc.model.toml.rules import Problem
    from mvc.readiness.evaluation import Readiness


MERGED_FILES = "mvc diff --name-status HEAD~1 HEAD"
"""The command that lists all files that a merge changed."""


def resolving(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that resolve conflicts, for `choice`."""
    for option in (
        click.option(
            "--take",
            "takes",
            multiple=True,
            metavar="FIELD=ours|theirs",
            help="Resolve the conflict of a field or file.",
        ),
        click.option("--theirs", is_flag=True, help="Resolve conflicts with the other side."),
        click.option("--ours", is_flag=True, help="Resolve conflicts with the side of the current version."),
    ):
        function = option(function)
    return function


@verb("merge")
@click.argument("revision", required=False, metavar="[REV]")
@click.option("-m", "--message", "messages", multiple=True, help="Message; repeat for more paragraphs.")
@click.option("--ours", is_flag=True, help="Resolve conflicts with the side of the current branch.")
@click.option("--theirs", is_flag=True, help="Resolve conflicts with the side of REV.")
@click.option(
    "--take", "takes", multiple=True, metavar="FIELD=ours|theirs", help="Resolve the conflict of a field or file."
)
@click.option("--date", metavar="DATE", help="Override the date of the new version, such as 2026-02-03.")
@click.option("--ff-only", is_flag=True, help="Refuse to merge unless the branch can be fast-forwarded.")
@click.option("--continue", "proceed", is_flag=True, help="Conclude the merge after resolving conflicts.")
@click.option("--abort", is_flag=True, help="Abort the merge and restore the working tree.")
@click.option("--discard", is_flag=True, help="With --abort: do not keep local changes for `mvc undo`.")
def command(
    invocation: Invocation,
    revision: str | None,
    messages: tuple[str, ...],
    ours: bool,
    theirs: bool,
    takes: tuple[str, ...],
    date: str | None,
    ff_only: bool,
    proceed: bool,
    abort: bool,
    discard: bool,
) -> int:
    """Merge a branch or version into the current branch.

    Values merge by key, classes by index, files as a whole. If both sides changed the same one, the two changes conflict:
    resolve a conflict with --take, or by editing model.toml and the files, and then run `mvc merge --continue`.
    """
    if (revision is not None) + proceed + abort != 1:
        raise click.UsageError("expected one of REV, --continue and --abort")
    message = "\n\n".join(messages) or None
    if abort:
        return stop(invocation, "merge", discard=discard)
    actor = invocation.actor(warn=True)
    moment = Timestamp.parse(date, offset=actor.at.offset) if date else None
    chosen = choice(takes, ours=ours, theirs=theirs)
    if revision is None:
        return conclude(invocation, "merge", message, chosen, moment)
    repository, model = invocation.writer(), invocation.model()
    target = take.resolve(Model(repository, model), revision)
    with invocation.progress("Writing files") as progress:
        done = merge(
            Model(repository, model),
            target,
            actor,
            message=message,
            called=revision,
            choice=chosen,
            ff_only=ff_only,
            date=moment,
            progress=progress,
        )
    warn(invocation, done.unready, done.warnings)
    invocation.emit("merge", done, lambda: _lines(done), ids=(done.id,))
    return int(done.outcome == CONFLICTS)


def stop(invocation: Invocation, name: str, *, discard: bool) -> int:
    """Abort the merge, revert or cherry-pick in progress, for the command `name`."""
    repository, model = invocation.writer(), invocation.model()
    with invocation.progress("Writing files") as progress:
        moved = merge_continue.abort(Model(repository, model), discard=discard, progress=progress)
    document = {"outcome": "aborted", "written": moved.written, "deleted": moved.deleted}
    text = f"{name.capitalize()} aborted; the working tree is as it was before."
    invocation.emit(name, document, lambda: [text, *moved_lines(moved)])
    return 0


def conclude(
    invocation: Invocation, name: str, message: str | None, choice: Choice, date: Timestamp | None = None
) -> int:
    """Conclude the merge, revert or cherry-pick in progress, for the command `name`."""
    with invocation.progress("Storing") as progress:
        done = merge_continue.proceed(
            Model(invocation.writer(), invocation.model()),
            invocation.actor(),
            message=message,
            choice=choice,
            date=date,
            registries=None if invocation.offline else invocation.registries(),
            progress=progress,
            code=invocation.code,
        )
    warn(invocation, done.unready, done.warnings)
    outcome = "merged" if name == "merge" else "picked"
    text = lambda: [*lines(done), *moved_lines(done.moved, MERGED_FILES)]  # noqa: E731
    invocation.emit(name, {"outcome": outcome, **done.to_json()}, text, ids=(str(done.id),))
    return 0


def warn(invocation: Invocation, unready: Sequence[Readiness], warnings: Sequence[Problem] = ()) -> None:
    """Print the warnings, and one for each intended use that the new version is not ready for."""
    for warning in warnings:
        invocation.note(render.problem(warning))
    for use in unready:
        invocation.note(f"warning: {render.not_ready(use)}")


def choice(takes: tuple[str, ...], *, ours: bool, theirs: bool) -> Choice:
    """Return the resolution of conflicts that the options say; raise UsageError."""
    if ours and theirs:
        raise click.UsageError("use only one of --ours and --theirs")
    chosen = {}
    for text in takes:
        name, _, side = text.rpartition("=")
        if not name or side not in (OURS, THEIRS):
            raise click.UsageError("--take expects FIELD=ours or FIELD=theirs")
        chosen[name] = side
    return Choice(chosen, OURS if ours else THEIRS if theirs else None)


def _lines(done: MergeResult) -> Iterator[str]:
    at = f"v{done.number} {short(done.id)}"
    if done.outcome == UP_TO_DATE:
        yield "Already up to date."
    elif done.outcome == FAST_FORWARD:
        yield f"Fast-forwarded {escape(done.branch)} to {at}"
    elif done.outcome == CONFLICTS:
        yield from conflict_lines("merge", done.conflicts, done.broken)
    else:
        yield f"Merged into {escape(done.branch)}: {at}"
    yield from moved_lines(done.moved, "mvc status -v" if done.outcome == CONFLICTS else MERGED_FILES)


def conflict_lines(name: str, conflicts: Sequence[Conflict], broken: Sequence[Problem]) -> Iterator[str]:
    """Yield the conflicts and broken rules that the command `name` left to be resolved, and how to."""
    yield style(f"{count(len(conflicts), 'conflict')}; the working tree has our side:", fg="yellow")
    for conflict in conflicts:
        yield from (f"  {line}" for line in render.conflict(conflict, name))
    yield from (f"  {p.severity}  {escape(p.key)}: {escape(p.message)}" for p in broken)
    yield render.resolve_all(name, len(conflicts)) if conflicts else "Edit what breaks the rules."
    yield f"After edits, run `mvc {name} --continue`; `mvc {name} --abort` restores the state before the {name}."


def moved_lines(moved: Moved, whole: str | None = None) -> Iterator[str]:
    """Yield how many files changed, if any did, and those that were deleted if the command `whole` lists all."""
    if moved.written or moved.deleted:
        end = ":" if moved.deleted and whole is not None else ""
        yield f"  {count(len(moved.written), 'file')} written, {len(moved.deleted)} deleted{end}"
        deleted = moved.deleted if whole is not None else ()
        yield from (f"    {line}" for line in lists.capped(map(escape, deleted), whole))
