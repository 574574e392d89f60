"""`mvc branch`: its options, arguments and output."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, style
from mvc.cli.app.verb import verb
from mvc.cli.history import listing
from mvc.cli.history.listing import Listing
from mvc.porcelain import branch as porcelain
from mvc.porcelain.branch import Branch, Branches
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("branch")
@click.argument("names", nargs=-1, metavar="[NAME [REV]]")
@click.option("-d", "--delete", is_flag=True, help="Delete branches whose versions are reachable from other refs.")
@click.option("-D", "force", is_flag=True, help="Delete branches even if versions become unreachable.")
@click.option("-m", "--move", is_flag=True, help="Rename a branch: [OLD] NEW.")
@click.option("-v", "--verbose", "long", count=True, help="Show version and subject of each branch.")
@click.option("--show-current", is_flag=True, help="Print the current branch; nothing if HEAD is detached.")
@click.option("-u", "--set-upstream-to", "upstream", metavar="REMOTE/BRANCH", help="Set the upstream of a branch.")
@listing.options
def command(
    invocation: Invocation,
    names: tuple[str, ...],
    delete: bool,
    force: bool,
    move: bool,
    long: int,
    show_current: bool,
    upstream: str | None,
    listed: Listing,
) -> None:
    """List, create, rename or delete branches.

    With NAME, create a branch at REV (default: HEAD) without switching to it. `mvc switch NAME` switches to a branch,
    `mvc switch -c NAME` creates one and switches to it.
    """
    if sum((delete or force, move, show_current, upstream is not None, listed.is_given)) > 1:
        raise click.UsageError("use only one of -d, -m, -u, --show-current and the options that list branches")
    if delete or force:
        _delete(invocation, names, force=force)
    elif move:
        _rename(invocation, names)
    elif show_current:
        _show_current(invocation, names)
    elif upstream is not None:
        _set_upstream(invocation, names, upstream)
    elif names and not listed.is_given:
        _make(invocation, names)
    else:
        model = Model(invocation.repository(), invocation.model())
        branches = porcelain.branches(model, listed.selection(model, names))
        branches = dataclasses.replace(branches, branches=listed.sorted(model, branches.branches))
        _list(invocation, branches, listed, long=long)


def _list(invocation: Invocation, branches: Branches, listed: Listing, *, long: int) -> None:
    shown = [listed.name(branch) for branch in branches.branches]
    wide = long > 0 or invocation.verbose > 0
    invocation.emit("branch", branches, lambda: _lines(branches, shown, long=wide), ids=shown, page=True)


def _lines(branches: Branches, shown: Sequence[str], *, long: bool) -> Iterator[str]:
    if branches.detached is not None:
        yield f"* {style(f'(HEAD detached at {short(branches.detached)})', fg='red')}"
    width = max((len(escape(name)) for name in shown), default=0)
    for branch, text in zip(branches.branches, shown, strict=True):
        mark = "*" if branch.current else " "
        name = escape(text)
        padded = f"{name:<{width}}" if long else name
        about = f"  {_about(branch)}" if long else ""
        yield f"{mark} {style(padded, fg='green') if branch.current else padded}{about}"


def _set_upstream(invocation: Invocation, names: tuple[str, ...], text: str) -> None:
    model = Model(invocation.writer(), invocation.model())
    name = names[0] if names else model.head.branch
    if name is None or len(names) > 1:
        raise click.UsageError("name one branch, as in `mvc branch -u origin/main main`")
    made = porcelain.set_upstream(model, name, text)
    invocation.emit("branch", made, lambda: [f"{escape(name)} follows {escape(text)}"])


def _about(branch: Branch) -> str:
    if branch.id is None:
        return "no version yet"
    return f"v{branch.number} {short(branch.id)} {_against(branch)}{escape(branch.subject)}"


def _against(branch: Branch) -> str:
    """Return the distance from the upstream, as `[origin/main: ahead 1] `."""
    upstream = branch.upstream
    if upstream is None:
        return ""
    far = [f"{word} {number}" for word, number in (("ahead", upstream.ahead), ("behind", upstream.behind)) if number]
    return f"[{escape(f'{upstream.remote}/{upstream.name}')}{': ' if far else ''}{', '.join(far)}] "


def _show_current(invocation: Invocation, names: tuple[str, ...]) -> None:
    if names:
        raise click.UsageError("--show-current takes no argument")
    current = invocation.repository().head(invocation.model()).branch
    shown = [] if current is None else [current]
    invocation.emit("branch", {"current": current}, lambda: map(escape, shown), ids=shown)


def _make(invocation: Invocation, names: tuple[str, ...]) -> None:
    if len(names) > 2:
        raise click.UsageError("too many arguments: expected NAME [REV]")
    repository, model = invocation.writer(), invocation.model()
    target = revisions.resolve(Model(repository, model), names[1] if len(names) > 1 else "HEAD")
    made = porcelain.create(Model(repository, model), names[0], target, invocation.actor())
    invocation.emit("branch", made, lambda: [f"Created branch {escape(made.name)} at {_about(made)}"])


def _rename(invocation: Invocation, names: tuple[str, ...]) -> None:
    repository, model = invocation.writer(), invocation.model()
    current = repository.head(model).branch
    if len(names) == 1 and current is not None:
        names = (current, *names)
    if len(names) != 2:
        raise click.UsageError("expected the old and the new name, as in `mvc branch -m OLD NEW`")
    made = porcelain.rename(Model(repository, model), names[0], names[1], invocation.actor())
    invocation.emit("branch", made, lambda: [f"Renamed branch {escape(names[0])} to {escape(made.name)}"])


def _delete(invocation: Invocation, names: tuple[str, ...], *, force: bool) -> None:
    if not names:
        raise click.UsageError("missing branch name, as in `mvc branch -d NAME`")
    repository, model, actor = invocation.writer(), invocation.model(), invocation.actor()
    deleted = [porcelain.delete(Model(repository, model), name, actor, force=force) for name in names]
    invocation.emit(
        "branch",
        {"deleted": deleted},
        lambda: map(_deleted, deleted),
    )


def _deleted(branch: Branch) -> str:
    name, id_ = escape(branch.name), short(branch.id or "")
    return f"Deleted branch {name} (was v{branch.number} {id_}); restore it with `mvc branch {name} {id_}`"
