"""`mvc check`: its options, arguments and output."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

import click

from mvc import errors, lazy
from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, style
from mvc.cli.app.verb import verb
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.porcelain.check import Checked, check, manifest_of
from mvc.readiness.evaluation import Finding, Readiness, rules_for
from mvc.readiness.rule import Need, Rule
from mvc.readiness.verdict import Result
from mvc.repository import revisions
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.porcelain import check_online
    from mvc.registry import connection
    from mvc.registry.protocol import Registry
else:
    check_online = lazy.Module("mvc.porcelain.check_online")
    connection = lazy.Module("mvc.registry.connection")

_MARKS = {Result.OK: ("ok", "green"), Result.NO: ("no", "red"), Result.UNKNOWN: ("?", "yellow")}


@verb("check", apart=(("--list", "--strict"),))
@click.argument("revision", required=False, metavar="[REV]")
@click.option(
    "--for", "uses", multiple=True, metavar="USE", help="Use to check for, such as training or pre-annotation/legacy."
)
@click.option("--strict", is_flag=True, help="Also require recommended rules, and rules that cannot be checked here.")
@click.option("--online", is_flag=True, help="Also ask the registries for the datasets and the docker image.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="DATASET",
    help="With --online: dataset version to check for, NAME@VERSION or its id (default: those recorded).",
)
@click.option("--registry", metavar="REGISTRY", help="With --online: registry, by its name in `mvc remote`.")
@click.option("--list", "listed", is_flag=True, help="List the rules without checking them.")
def command(
    invocation: Invocation,
    revision: str | None,
    uses: tuple[str, ...],
    strict: bool,
    online: bool,
    datasets: tuple[str, ...],
    registry: str | None,
    listed: bool,
) -> int:
    """Check whether a version is ready for a use.

    Checks REV, or the working tree if REV is not given, and prints the command that fixes each problem. Uses are
    training, pre-annotation (each /current or /legacy), deployment (/serving or /own), conversion, storage, and those
    that the model's own rules define. Without --for, checks the uses in intent.ready_for of model.toml, or else all
    of them in brief. Without --online, no network is used. Exits with 0 if the version is ready for every
    use, and with 1 if it is not.
    """
    if (datasets or registry) and not online:
        raise click.UsageError("--dataset and --registry need --online")
    if listed and online:
        raise click.UsageError("--list checks nothing, so it takes no --online")
    if listed:
        return _list(invocation, revision, uses)
    model, id_ = _named(invocation, revision)
    checked = Model(invocation.repository(), model)
    outside = _outside(invocation, datasets, registry) if online else None
    result = check(checked, id_, uses=uses, strict=strict, outside=outside)
    folder = os.path.relpath(checked.repository.root / checked.folder, invocation.cwd)
    invocation.emit("check", result, lambda: _lines(result, folder), page=True)
    return int(not result.ready)


def _outside(
    invocation: Invocation, datasets: Sequence[str], registry: str | None
) -> Callable[[Manifest], check_online.Asked]:
    repository, environ = invocation.repository(), invocation.environ
    invocation.require_network(registry or "The registry")

    def connect() -> AbstractContextManager[Registry]:
        return connection.registry(repository, registry or connection.default_registry(repository, environ), environ)

    return partial(check_online.Asked, connect, invocation.registries(), tuple(datasets))


def _named(invocation: Invocation, revision: str | None) -> tuple[str, VersionId | None]:
    """Return the model and the version that `revision` names; None for the working tree."""
    repository, model = invocation.repository(), invocation.model()
    if revision is None:
        return model, None
    return revisions.model_of(Model(repository, model), revision), revisions.resolve(Model(repository, model), revision)


def _list(invocation: Invocation, revision: str | None, uses: Sequence[str]) -> int:
    """List the built-in rules, and those of the model or version if there is one."""
    try:
        model, version = _named(invocation, revision)
        manifest = manifest_of(Model(invocation.repository(), model), version)
    except (errors.NoRepository, errors.WhichModel):
        if revision is not None:
            raise
        manifest = None
    rules = rules_for(uses, manifest)
    invocation.emit(
        "check",
        {"rules": rules},
        lambda: _table(rules),
        ids=[rule.name for rule in rules],
        page=True,
    )
    return 0


def _table(rules: Sequence[Rule]) -> Iterator[str]:
    return aligned([(escape(rule.use), rule.need.value, escape(rule.requirement)) for rule in rules])


# --- the result as text


def _lines(result: Checked, folder: str) -> Iterator[str]:
    """Yield the result; `folder` is that of the model, as seen from the current one."""
    at = f"v{result.number} {short(result.id)}" if result.id else "working tree"
    yield f"{style(escape(result.model), bold=True)} {at}"
    yield from _uncommittable(result)
    yield from (style(escape(render.problem(warning)), fg="yellow") for warning in result.warnings)
    if not result.asked:
        yield ""
        yield from _summary(result.uses)
        yield "`mvc check --for USE` shows details; `mvc set intent.ready_for=USE` declares the uses of the model."
        return
    for use in result.uses:
        yield ""
        yield f"{_verdict(use)}  {escape(use.use)}"
        for finding in use.findings:
            yield from _finding(finding, strict=use.strict)
    if any(_only_advises(finding, strict=use.strict) for use in result.uses for finding in use.findings):
        yield ""
        yield "Unverified rules follow from what programs do, and no source states them: without --strict, they only advise."
    has_fixes = any(finding.fix for use in result.uses for finding in use.findings)
    if has_fixes and folder != ".":
        yield ""
        yield f"Run these commands in {escape(folder)}, the folder of the model."
    if result.id and has_fixes:
        yield ""
        yield "Versions are immutable: these commands change the working tree, for the next version."


def _uncommittable(result: Checked) -> Iterator[str]:
    """Yield the problems that prevent a commit of the working tree."""
    lines = [escape(error.message) for error in result.problems]
    lines += [f"{escape(p.key)}: {escape(p.message)}{f' ({escape(p.fix)})' if p.fix else ''}" for p in result.broken]
    if lines:
        yield style("Not ready: the working tree cannot be committed, because of:", fg="red")
        yield from (f"  !  {line}" for line in lines)


def _summary(uses: Sequence[Readiness]) -> Iterator[str]:
    """Yield one line per use: its verdict, and the rules it fails."""
    width = max(len(escape(use.use)) for use in uses)
    for use in uses:
        lacks = ", ".join(escape(finding.rule.requirement) for finding in use.blockers)
        yield f"  {_verdict(use)}  {escape(use.use):<{width}}  {f'lacks {lacks}' if lacks else ''}".rstrip()


def _verdict(use: Readiness) -> str:
    return style(f"{'ready':<9}", fg="green") if use.ready else style("not ready", fg="red")


def _only_advises(finding: Finding, *, strict: bool) -> bool:
    """Return whether an unverified rule is breached, which does not count."""
    is_breach = finding.rule.need is Need.UNVERIFIED and finding.verdict.result is Result.NO
    return is_breach and not finding.blocks(strict=strict)


def _finding(finding: Finding, *, strict: bool) -> Iterator[str]:
    """Yield a rule with its result, the reason, and the command that fixes it."""
    rule, verdict = finding.rule, finding.verdict
    word, colour = _MARKS[verdict.result]
    if verdict.result is Result.NO and not finding.blocks(strict=strict):
        colour = "yellow"
    why = escape(verdict.why)
    if verdict.result is Result.UNKNOWN:
        why = f"cannot be checked here, {why}"
    yield f"  {style(f'{word:<2}', fg=colour)}  {rule.need.value:<11}  {escape(rule.requirement)}{f': {why}' if why else ''}"
    if finding.fix:
        yield f"{'':<19}`{escape(finding.fix)}`"
