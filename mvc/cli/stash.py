"""`mvc stash`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli import merge
from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.app.verb import group, subverb
from mvc.cli.output import lists
from mvc.plural import count
from mvc.porcelain import stash as porcelain
from mvc.porcelain.stash import Stash, StashChanges, Stashed
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.porcelain import stash_apply
    from mvc.porcelain.stash_apply import Applied
else:
    stash_apply = lazy.Module("mvc.porcelain.stash_apply")

_NUMBER = "[N]"


def _stashes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a stash."""
    names: list[str] = lazy.load("mvc.cli.app.complete").stashes(context, parameter, incomplete)
    return names


@group("stash")
@click.option("-m", "--message", metavar="MESSAGE", help="Message, as of `mvc stash push`.")
def command(invocation: Invocation, message: str | None) -> None:
    """Put uncommitted changes aside, and restore them.

    A stash holds model.toml and every tracked file as they are; then the files are set back to the current version.
    Untracked files stay. Without a command, do `mvc stash push`. Stashes are named stash@{0} (the newest), stash@{1}
    and so on; the number alone will do.
    """
    _push(invocation, message)


@subverb(command, "push")
@click.option("-m", "--message", metavar="MESSAGE", help="Message; the default names the current version.")
def push(invocation: Invocation, message: str | None) -> None:
    """Stash the uncommitted changes."""
    _push(invocation, message)


@subverb(command, "save")
@click.argument("words", nargs=-1, metavar="[MESSAGE]")
def save(invocation: Invocation, words: tuple[str, ...]) -> None:
    """Stash the uncommitted changes (`mvc stash push`, as in Git)."""
    _push(invocation, " ".join(words) or None)


@subverb(command, "list")
def listed(invocation: Invocation) -> None:
    """List the stashes, the newest first."""
    stashes = porcelain.stashes(Model(invocation.repository(), invocation.model()))
    invocation.emit(
        "stash",
        {"stashes": stashes},
        lambda: (_line(stash) for stash in stashes),
        ids=[stash.id for stash in stashes],
        page=True,
    )


@subverb(command, "show")
@click.argument("number", default="0", metavar=_NUMBER, shell_complete=_stashes)
@click.option("-p", "--patch", "--stat", is_flag=True, hidden=True, expose_value=False, help="Accepted as in Git.")
def show(invocation: Invocation, number: str) -> None:
    """Show the changes of a stash.

    Without N, the newest.
    """
    changes = porcelain.show(Model(invocation.repository(), invocation.model()), number)
    invocation.emit("stash", changes, lambda: _changes(changes), ids=(changes.stash.id,), page=True)


@subverb(command, "pop")
@click.argument("number", default="0", metavar=_NUMBER, shell_complete=_stashes)
@merge.resolving
def pop(invocation: Invocation, number: str, ours: bool, theirs: bool, takes: tuple[str, ...]) -> None:
    """Apply a stash to the working tree, and drop it.

    Values merge by key, files as a whole, as in `mvc merge`. On conflicts, or if a file of the stash has local edits,
    nothing is changed and the stash is kept.
    """
    _apply(invocation, number, takes, ours=ours, theirs=theirs, drop=True)


@subverb(command, "apply")
@click.argument("number", default="0", metavar=_NUMBER, shell_complete=_stashes)
@merge.resolving
def apply(invocation: Invocation, number: str, ours: bool, theirs: bool, takes: tuple[str, ...]) -> None:
    """Apply a stash to the working tree, and keep it."""
    _apply(invocation, number, takes, ours=ours, theirs=theirs, drop=False)


@subverb(command, "drop")
@click.argument("number", default="0", metavar=_NUMBER, shell_complete=_stashes)
def drop(invocation: Invocation, number: str) -> None:
    """Drop a stash.

    Without N, the newest. Until `mvc gc` deletes it, `mvc branch NAME ID` restores it as a branch.
    """
    stash = porcelain.drop(Model(invocation.writer(), invocation.model()), invocation.actor(), number)
    _emit_dropped(invocation, [stash])


@subverb(command, "clear")
def clear(invocation: Invocation) -> None:
    """Drop all stashes."""
    _emit_dropped(invocation, porcelain.clear(Model(invocation.writer(), invocation.model()), invocation.actor()))


@subverb(command, "branch")
@click.argument("name")
@click.argument("number", default="0", metavar=_NUMBER, shell_complete=_stashes)
def branch(invocation: Invocation, name: str, number: str) -> None:
    """Create a branch where a stash was made, and pop the stash on it."""
    model = Model(invocation.writer(), invocation.model())
    with invocation.progress("Writing files") as progress:
        done = stash_apply.branch(model, name, invocation.actor(), number, progress=progress)
    _emit_applied(invocation, done)


def _push(invocation: Invocation, message: str | None) -> None:
    model = Model(invocation.writer(), invocation.model())
    with invocation.progress("Storing") as progress:
        done = porcelain.push(model, invocation.actor(), message=message, progress=progress)
    stash = done.stash
    text = "No local changes to save" if stash is None else f"Saved {_label(stash)}"
    invocation.emit("stash", done, lambda: [text, *_put_aside(done)], ids=(stash.id,) if stash is not None else ())


def _put_aside(done: Stashed) -> Iterator[str]:
    """Yield the files whose changes are in the stash now, and no longer in the working tree."""
    paths = sorted({*done.moved.written, *done.moved.deleted})
    if paths:
        yield f"  {count(len(paths), 'file')} set back to HEAD; `mvc stash pop` restores the changes:"
        yield from (f"    {line}" for line in lists.capped(map(escape, paths), "mvc stash show"))


def _apply(
    invocation: Invocation, number: str, takes: tuple[str, ...], *, ours: bool, theirs: bool, drop: bool
) -> None:
    choice = merge.choice(takes, ours=ours, theirs=theirs)
    model = Model(invocation.writer(), invocation.model())
    with invocation.progress("Writing files") as progress:
        done = stash_apply.apply(model, invocation.actor(), number, drop=drop, choice=choice, progress=progress)
    _emit_applied(invocation, done)


def _emit_applied(invocation: Invocation, done: Applied) -> None:
    invocation.emit("stash", done, lambda: _applied(done), ids=(done.stash.id,))


def _applied(done: Applied) -> Iterator[str]:
    if done.branch is not None:
        yield f"Switched to a new branch {escape(done.branch)}"
    yield f"{'Applied and dropped' if done.dropped else 'Applied'} {_label(done.stash)}"
    yield from merge.moved_lines(done.moved)


def _emit_dropped(invocation: Invocation, dropped: Sequence[Stash]) -> None:
    invocation.emit(
        "stash",
        {"dropped": dropped},
        lambda: [f"Dropped {stash.name} ({short(stash.id)}): {escape(stash.message)}" for stash in dropped],
        ids=[stash.id for stash in dropped],
    )


def _changes(changes: StashChanges) -> Iterator[str]:
    yield _line(changes.stash)
    yield from (f"  {line}" for line in render.difference(changes.difference))
    if changes.unparsed:
        yield "  model.toml could not be parsed when it was stashed; its bytes are kept"


def _line(stash: Stash) -> str:
    return f"{stash.name}: {escape(stash.message)}"


def _label(stash: Stash) -> str:
    return f"{stash.name} ({short(stash.id)}): {escape(stash.message)}"
