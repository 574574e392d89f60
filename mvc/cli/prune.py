"""`mvc prune`: its options, arguments and output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import click

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.options import Span
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import date, escape, short, size
from mvc.cli.app.verb import verb
from mvc.cli.history.numbers import Numbers
from mvc.model.ids import VersionId
from mvc.plural import count
from mvc.porcelain.fetch import fetch
from mvc.porcelain.prune import UNPUSHED, Pruned, Verdict, prune
from mvc.porcelain.prune_remote import prune_remote
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.retention.rules import Best, Rules
from mvc.transport import connection

_SHOWN = 8


@verb("prune")
@click.argument("texts", nargs=-1, metavar="[REV]...")
@click.option("--keep-last", type=click.IntRange(min=0), metavar="N", help="Keep the N newest of each branch.")
@click.option("--keep-within", type=Span(), metavar="TIME", help="Keep versions younger than TIME, such as 90d.")
@click.option("--keep-tagged", is_flag=True, help="Keep only what is always kept, such as tags.")
@click.option("--keep-aliased", is_flag=True, help="Keep only what is always kept, such as aliases.")
@click.option("--keep-best", multiple=True, metavar="KEY=N", help="Keep the N best by KEY, and those without it.")
@click.option("--keep-role", multiple=True, metavar="ROLE", help="Keep the files of ROLE of all versions.")
@click.option("--roles", multiple=True, metavar="PATTERN", help="Drop only the files of roles that match PATTERN.")
@click.option("--remote", "remote", metavar="NAME", help="Drop the bytes on remote NAME, not here.")
@click.option("--unpushed", is_flag=True, help="Also drop versions that are on no remote.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be dropped.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command(
    invocation: Invocation,
    texts: tuple[str, ...],
    keep_last: int | None,
    keep_within: float | None,
    keep_tagged: bool,
    keep_aliased: bool,
    keep_best: tuple[str, ...],
    keep_role: tuple[str, ...],
    roles: tuple[str, ...],
    remote: str | None,
    unpushed: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Drop the bytes of versions, and keep their record.

    A version that no rule keeps, or that REV names, loses the bytes of its files; `log`, `show` and `diff` go on
    working. Always kept are branches, tags, aliases, the versions of aliases in the last 90 days, and HEAD. Rules that are not
    given come from the settings `prune.*`, unless REV is given.
    """
    repository = invocation.repository() if dry_run else invocation.writer()
    model = Model(repository, invocation.model())
    best = tuple(map(Best.parse, keep_best))
    rules = Rules(keep_last, keep_within, keep_tagged, keep_aliased, best, roles, keep_role)
    named = [revisions.resolve(model, text) for text in texts]
    if not named:
        rules = rules.filled(Rules.of_settings(repository.config))
    actor = invocation.actor()
    if remote is not None:
        return _remote(invocation, remote, model, _Asked(rules, named, dry_run=dry_run, yes=yes))
    plan = prune(model, rules, actor, named=named, unpushed=unpushed, dry_run=True)
    if dry_run:
        _emit(invocation, model, plan)
        return 0 if plan.dropped else errors.Answer.exit_code
    if plan.dropped and not yes:
        _confirm(invocation, model, plan)
    with invocation.progress("Rewriting packs") as progress:
        ids = {verdict.id for verdict in plan.dropped}
        _emit(
            invocation,
            model,
            prune(model, rules, actor, named=named, unpushed=unpushed, expected=ids, progress=progress),
        )
    return 0


class _Asked(NamedTuple):
    """The rules and the named versions, and how to go about it."""

    rules: Rules
    named: list[VersionId]
    dry_run: bool
    yes: bool


def _remote(invocation: Invocation, name: str, model: Model, asked: _Asked) -> int:
    actor, named = invocation.actor(), asked.named
    with connection.open_remote(model.repository, name) as connected:
        if not asked.dry_run and (named or not asked.rules.is_empty):
            fetch(model.repository, connected, actor, models=[model.key])  # so that the list is of the present
        plan = prune_remote(model, connected, asked.rules, actor, named=named, dry_run=True)
        if not asked.dry_run:
            if plan.dropped and not asked.yes:
                _confirm(invocation, model, plan)
            ids = {verdict.id for verdict in plan.dropped}
            plan = prune_remote(model, connected, asked.rules, actor, named=named, expected=ids)
    invocation.emit(
        "prune", plan, lambda: _remote_lines(model, plan, name), ids=[verdict.id for verdict in plan.dropped]
    )
    return 0 if plan.dropped or plan.done else errors.Answer.exit_code


def _remote_lines(model: Model, done: Pruned, name: str) -> Iterator[str]:
    yield from _rows(model, done)
    if not done.dropped:
        yield "Nothing to drop."
        return
    verb_ = "Dropped" if done.done else "Would drop"
    yield f"{verb_} the bytes of {count(len(done.dropped), 'version')} on {escape(name)}, about {size(done.freed)}."
    if done.done:
        yield f"`mvc gc --remote {escape(name)}` deletes them, in two runs a grace period apart."


def _confirm(invocation: Invocation, model: Model, plan: Pruned) -> None:
    """Show the plan, and ask; raise NotConfirmed without a terminal or a yes."""
    if invocation.json or invocation.quiet or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise errors.NotConfirmed(count=len(plan.dropped))
    for line in _lines(model, plan):
        click.echo(line)
    if not click.confirm(f"Drop the bytes of {count(len(plan.dropped), 'version')}?"):
        raise errors.NotConfirmed(count=len(plan.dropped))


def _emit(invocation: Invocation, model: Model, done: Pruned) -> None:
    invocation.emit("prune", done, lambda: _lines(model, done), ids=[verdict.id for verdict in done.dropped], page=True)


def _lines(model: Model, done: Pruned) -> Iterator[str]:
    yield from _rows(model, done)
    if not done.dropped:
        yield f"Completed an interrupted prune: {size(done.freed)} freed." if done.done else "Nothing to drop."
        return
    versions, files = count(len(done.dropped), "version"), count(len(done.files), "file")
    verb_ = "Dropped" if done.done else "Would drop"
    yield f"{verb_} the bytes of {versions} ({files}): {size(max(0, done.freed))} {'freed' if done.done else 'would be freed'}."
    yield from _named(done)
    if done.kept_for_undo:
        one = done.kept_for_undo == 1
        of = ", ".join(f"v{verdict.version.number}" for verdict in done.dropped if verdict.kept_for_undo)
        yield (
            f"{count(done.kept_for_undo, 'file')}{f' of {of}' * bool(of)} {'stays' if one else 'stay'}, "
            f"since `mvc undo` restores {'it' if one else 'them'}."
        )
    if done.recoded:
        yield f"{count(done.recoded, 'kept chunk')} {'was' if done.recoded == 1 else 'were'} stored as a difference from dropped ones."
    if done.unpushed:
        yield f"{count(done.unpushed, 'version')} {UNPUSHED} kept; push, or use --unpushed."


def _rows(model: Model, done: Pruned) -> Iterator[str]:
    numbers = Numbers(model, [verdict.id for verdict in done.versions])
    return aligned([_row(verdict, numbers) for verdict in done.versions], right=frozenset({4}))


def _row(verdict: Verdict, numbers: Numbers) -> tuple[str, ...]:
    freed = size(verdict.bytes) if not verdict.kept else ""
    done = "keep" if verdict.kept else "drop"
    return (
        numbers.of(verdict.id, verdict.version.number),
        short(verdict.id),
        done,
        escape(verdict.reason),
        freed,
        escape(verdict.version.subject) + _users(verdict),
    )


def _users(verdict: Verdict) -> str:
    """Return what keeps the files of a dropped version: a version that keeps its bytes, or one that no ref reaches."""
    users = [f"v{user.version.number} {short(user.id)}, kept: {escape(user.reason)}" for user in verdict.kept_in[:1]]
    for held in verdict.also_used_by[:1]:
        until = f" until {date(held.until)}" if held.until is not None else ""
        users.append(f"{short(held.id)}, which {escape(held.cause)} keeps{until}")
    if not users:
        return ""
    others = len(verdict.kept_in) + len(verdict.also_used_by) - len(users)
    more = f"; and {count(others, 'more version')}" if others else ""
    return f"  (also used by {'; '.join(users)}{more})"


def _named(done: Pruned) -> Iterator[str]:
    """Yield how to drop the versions, too, that no ref reaches, but that keep the same files."""
    users = {user.id: user for verdict in done.dropped for user in verdict.also_used_by}
    named = [short(id_) for id_, user in users.items() if user.until is not None]
    if named:
        yield f"To free what only versions without a ref use, name these, too: `mvc prune {' '.join(named[:_SHOWN])}`."
