"""`mvc policy`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, style
from mvc.cli.app.verb import group, subverb
from mvc.porcelain import policy as porcelain
from mvc.porcelain.policy import PolicyBreach, PolicyChecked, PolicyRule, PolicyScan
from mvc.repository import revisions
from mvc.repository.model import Model


@group("policy")
def command(invocation: Invocation) -> None:
    """Show the policy, or check a version against it.

    A policy is a file policy.toml beside .mvc, and another one beside your own settings. Its rules limit the
    versions that are made, those that branches, tags and aliases are at, and those that are taken from remotes; both files
    apply. Without a command, show the rules; outside of a repository, those of your own, which hold for a clone.
    """
    _show(invocation)


@subverb(command, "show")
def show(invocation: Invocation) -> None:
    """Show the rules in effect, with the file and line of each."""
    _show(invocation)


@subverb(command, "check")
@click.argument("revision", required=False, metavar="[REV]")
@click.option("--for", "events", multiple=True, metavar="EVENT", help="Move or transfer to check, such as alias:prod.")
@click.option("-m", "--message", metavar="WHY", help="Reason that the move would have; without, any.")
def check(invocation: Invocation, revision: str | None, events: tuple[str, ...], message: str | None) -> int:
    """Check a version or the working tree against the rules.

    EVENT is commit, branch:NAME, tag:NAME, alias:NAME, push:REMOTE, publish:REGISTRY, or take: before one of the first
    three kinds of refs, as take:alias:prod; the default is commit and the current branch.

    Without REV, the working tree is checked as a commit would record it. Nothing is moved. The exit code is 1 if a rule would refuse it.
    """
    model, id_ = Model(invocation.repository(), invocation.model()), None
    if revision is not None:
        id_ = revisions.resolve(model, revision)
        model = Model(model.repository, revisions.model_of(model, revision))
    checked = porcelain.check(model, id_, events, reason=message)
    invocation.emit("policy", checked, lambda: _lines(checked), page=True)
    return int(not checked.ok)


def _show(invocation: Invocation) -> None:
    root, user_config = _root(invocation), invocation.user_config
    rules, tables = porcelain.show(root, user_config), porcelain.scan_tables(root, user_config)
    own = porcelain.own_file(user_config)

    def lines() -> Iterator[str]:
        yield from _rules(rules, tables)
        shown = {rule.file for rule in rules} | {table.file for table in tables}
        if own.path is not None and own.exists and own.path not in shown:
            yield escape(f"No other rules in your own policy, {own.path}.")
        elif own.path is not None and not own.exists:
            yield escape(f"You have no policy of your own: {own.path} does not exist.")

    invocation.emit("policy", {"rules": rules, "scan": tables, "own": own}, lines, page=True)


def _root(invocation: Invocation) -> Path | None:
    """Return the folder of the repository, None outside of one. Raises the errors of one that cannot be opened."""
    try:
        return invocation.repository().root
    except errors.NoRepository as error:
        if type(error) is not errors.NoRepository:
            raise
        return None


def _rules(rules: Sequence[PolicyRule], tables: Sequence[PolicyScan]) -> Iterator[str]:
    for table in tables:
        yield style(escape(f"{table.file}, line {table.line}"), fg="yellow") + "  [scan]"
        for key, value in (("level", table.word), ("allow", ", ".join(table.allow))):
            if value:
                yield f"    {key:<15} {escape(value)}"
    if not rules and not tables:
        yield "No policy: no policy.toml, beside .mvc or your settings, has rules."
    for rule in rules:
        yield style(escape(f"{rule.file}, line {rule.line}"), fg="yellow") + f"  on {escape(', '.join(rule.on))}"
        for key, value in rule.requires.items():
            yield f"    {key:<15} {escape(_text(key, value))}"
        if rule.force:
            yield f"    {'force':<15} --force-policy REASON passes it"


def _text(key: str, value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,} bytes" if isinstance(value, int) and key != "signers" else str(value)


def _lines(checked: PolicyChecked) -> Iterator[str]:
    at = f"v{checked.number} {short(checked.id)}" if checked.id is not None else "working tree"
    word = "1 rule" if checked.rules == 1 else f"{checked.rules} rules"
    head = f"{style(escape(checked.model), bold=True)} {at}, for {escape(', '.join(checked.events))}: "
    yield head + (f"{word}, nothing refused" if checked.ok else "refused")
    same: dict[PolicyBreach, list[str]] = {}
    for breach in checked.breaches:
        same.setdefault(replace(breach, event=""), []).append(breach.event)
    for breach, events in same.items():
        yield from _breach(breach, events if len(checked.events) > 1 else [])


def _breach(breach: PolicyBreach, events: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a breach; `events` are those that it is about, none if they are known."""
    about = f"; for {', '.join(events)}" if events else ""
    place = f"{breach.file}, line {breach.line}{about}"
    yield f"  {style('no', fg='red')}  {breach.key}: {escape(breach.reason)} ({escape(place)})"
    yield f"      {escape(breach.fix)}"
