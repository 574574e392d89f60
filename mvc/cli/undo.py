"""`mvc undo`: its options and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.porcelain.undo import Undone, kept_since, undo
from mvc.repository.model import Model
from mvc.repository.operations.log import Logged

_REMOVED_BY = {"notes": "notes rm", "evaluations": "eval rm"}


@verb("undo", git=False)
@click.option("-n", "times", type=click.IntRange(min=1), metavar="N", help="Undo the last N operations, one by one.")
@click.option("--op", "number", type=click.IntRange(min=1), metavar="N", help="Undo operation N of `mvc op log`.")
@click.option("-f", "--force", is_flag=True, help="Undo an edit of model.toml even if it was edited again since.")
@click.option("--discard", is_flag=True, help="Do not keep local changes for `mvc redo`.")
def command(invocation: Invocation, times: int | None, number: int | None, force: bool, discard: bool) -> None:
    """Undo the last operation.

    Branches, tags, aliases and HEAD go back by new entries; files get back the content from before the operation, also
    local changes that it discarded. After a commit, the files stay as they are. `mvc redo` reverses an undo. Notes and
    evaluations are no operations, and stay: `mvc notes rm` and `mvc eval rm` remove them.
    """
    if times is not None and number is not None:
        raise click.UsageError("use only one of -n and --op")
    repository, model = invocation.writer(), invocation.model()
    actor, done = invocation.actor(), list[Undone]()
    with invocation.progress("Writing files") as progress:
        for _ in range(times or 1):
            current = Model(repository, done[-1].model if done else model)
            try:
                done.append(undo(current, actor, number=number, force=force, discard=discard, progress=progress))
            except errors.MvcError as error:
                if not done:
                    raise
                invocation.note(f"note: stopped after {count(len(done), 'operation')}: {error.message}")
                break
    emit(invocation, "undo", "Undid", done)
    kept = kept_since(Model(repository, done[-1].model), [logged for item in done for logged in item.operations], actor)
    if kept:
        verbs = " and ".join(f"`mvc {_REMOVED_BY[kind]}`" for kind in kept)
        invocation.note(f"note: your {' and '.join(kept)} since then are no operations, and stay; {verbs} removes them")


def emit(invocation: Invocation, name: str, word: str, done: Sequence[Undone], redone: Sequence[Logged] = ()) -> None:
    """Print what the verb `name` reversed, also for `mvc redo`, which names the operations `redone`, and `mvc op restore`."""
    ids = [str(logged.number) for item in done for logged in item.operations]
    invocation.emit(
        name,
        {"undone": done},
        lambda: (line for item in done for line in _lines(word, item, redone or item.operations)),
        ids=ids,
    )


def _lines(word: str, done: Undone, operations: Sequence[Logged]) -> Iterator[str]:
    for logged in operations:
        yield f"{word} operation {logged.number}: {escape(logged.first.command)}"
    for ref in done.refs:
        if ref.old != ref.new:
            yield f"  {escape(ref.ref)}  {_id(ref.old)} -> {_id(ref.new)}"
    if done.head is not None:
        at = escape(done.head.branch) if done.head.branch is not None else f"detached at {short(done.head.at())}"
        yield f"  HEAD is now {at}"
    if done.moved.written or done.moved.deleted:
        yield f"  {count(len(done.moved.written), 'file')} written, {len(done.moved.deleted)} deleted"
    if done.in_progress is not None:
        yield f"  The {done.in_progress} is in progress again: `mvc {done.in_progress} --continue`, or --abort to end it"
    for path in done.lost:
        yield f"  {escape(path)} cannot come back: it was discarded with --discard"
    for stash in done.lost_stashes:
        yield f"  stash {short(stash)} cannot come back: `mvc gc` removed it"


def _id(id_: str | None) -> str:
    return short(id_) if id_ is not None else "none"
