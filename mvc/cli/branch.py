"""`mvc branch`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, style
from mvc.cli.app.verb import verb
from mvc.porcelain import branch as porcelain
from mvc.porcelain.branch import Branch, Branches
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("branch")
@click.argument("names", nargs=-1, metavar="[NAME [REV]]")
@click.option("-d", "--delete", is_flag=True, help="Delete NAMEs whose versions other names lead to.")
@click.option("-D", "force", is_flag=True, help="Delete NAMEs all the same.")
@click.option("-m", "--move", is_flag=True, help="Rename: [OLD] NEW.")
@click.option("-v", "--verbose", "long", count=True, help="Each with its version and subject.")
@click.option("--show-current", is_flag=True, help="The current branch alone; nothing when detached.")
def command(
    invocation: Invocation,
    names: tuple[str, ...],
    delete: bool,
    force: bool,
    move: bool,
    long: int,
    show_current: bool,
) -> None:
    """List the branches, or make NAME at REV (or where you are), and stay here.

    `mvc switch NAME` goes to a branch, `mvc switch -c NAME` makes one and goes there.
    """
    if sum((delete or force, move, show_current)) > 1:
        raise click.UsageError("say one of -d, -m and --show-current")
    if delete or force:
        _delete(invocation, names, force=force)
    elif move:
        _rename(invocation, names)
    elif show_current:
        _show_current(invocation, names)
    elif names:
        _make(invocation, names)
    else:
        _list(invocation, long=long > 0 or invocation.verbose > 0)


def _list(invocation: Invocation, *, long: bool) -> None:
    found = porcelain.branches(invocation.repository(), invocation.model())
    ids = [branch.name for branch in found.branches]
    invocation.emit("branch", found.to_json, lambda: _lines(found, long=long), ids=ids, page=True)


def _lines(found: Branches, *, long: bool) -> Iterator[str]:
    if found.detached is not None:
        yield f"* {style(f'(detached at {short(found.detached)})', fg='red')}"
    width = max((len(escape(branch.name)) for branch in found.branches), default=0)
    for branch in found.branches:
        mark = "*" if branch.current else " "
        name = escape(branch.name)
        padded = f"{name:<{width}}" if long else name
        about = f"  {_about(branch)}" if long else ""
        yield f"{mark} {style(padded, fg='green') if branch.current else padded}{about}"


def _about(branch: Branch) -> str:
    if branch.id is None:
        return "no version yet"
    return f"v{branch.number} {short(branch.id)} {_against(branch)}{escape(branch.subject)}"


def _against(branch: Branch) -> str:
    """How far it is from what it follows."""
    found = branch.upstream
    if found is None:
        return ""
    far = [f"{what} {number}" for what, number in (("ahead", found.ahead), ("behind", found.behind)) if number]
    return f"[{escape(f'{found.remote}/{found.name}')}{': ' if far else ''}{', '.join(far)}] "


def _show_current(invocation: Invocation, names: tuple[str, ...]) -> None:
    if names:
        raise click.UsageError("--show-current takes no name")
    current = invocation.repository().head(invocation.model()).branch
    shown = [] if current is None else [current]
    invocation.emit("branch", lambda: {"current": current}, lambda: map(escape, shown), ids=shown)


def _make(invocation: Invocation, names: tuple[str, ...]) -> None:
    if len(names) > 2:
        raise click.UsageError("give the name of the branch, and perhaps a revision")
    repository, model = invocation.writer(), invocation.model()
    target = revisions.resolve(Model(repository, model), names[1] if len(names) > 1 else "HEAD")
    made = porcelain.create(repository, model, names[0], target, invocation.actor())
    invocation.emit("branch", made.to_json, lambda: [f"Made {escape(made.name)} at {_about(made)}"])


def _rename(invocation: Invocation, names: tuple[str, ...]) -> None:
    repository, model = invocation.writer(), invocation.model()
    current = repository.head(model).branch
    if len(names) == 1 and current is not None:
        names = (current, *names)
    if len(names) != 2:
        raise click.UsageError("give the branch and its new name: mvc branch -m OLD NEW")
    made = porcelain.rename(repository, model, names[0], names[1], invocation.actor())
    invocation.emit("branch", made.to_json, lambda: [f"{escape(names[0])} is called {escape(made.name)} now"])


def _delete(invocation: Invocation, names: tuple[str, ...], *, force: bool) -> None:
    if not names:
        raise click.UsageError("say which branch")
    repository, model, actor = invocation.writer(), invocation.model(), invocation.actor()
    gone = [porcelain.delete(repository, model, name, actor, force=force) for name in names]
    invocation.emit(
        "branch",
        lambda: {"deleted": [branch.to_json() for branch in gone]},
        lambda: map(_gone, gone),
    )


def _gone(branch: Branch) -> str:
    name, id_ = escape(branch.name), short(branch.id or "")
    return f"Deleted {name}, which was at v{branch.number} {id_}; `mvc branch {name} {id_}` brings it back"
