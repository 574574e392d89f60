"""`mvc check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, style
from mvc.cli.app.verb import verb
from mvc.model.ids import VersionId
from mvc.porcelain.check import Checked, check, manifest_of
from mvc.readiness.evaluation import Finding, Readiness, rules_for
from mvc.readiness.rule import Rule
from mvc.readiness.verdict import Result
from mvc.repository import revisions
from mvc.repository.model import Model

_MARKS = {Result.OK: ("ok", "green"), Result.NO: ("no", "red"), Result.UNKNOWN: ("?", "yellow")}


@verb("check")
@click.argument("revision", required=False, metavar="[REV]")
@click.option("--for", "uses", multiple=True, metavar="USE", help="A use: training, pre-annotation/legacy, ...")
@click.option("--strict", is_flag=True, help="Count also what is recommended, and what cannot be checked here.")
@click.option("--list", "listed", is_flag=True, help="List the rules, and judge nothing.")
def command(invocation: Invocation, revision: str | None, uses: tuple[str, ...], strict: bool, listed: bool) -> int:
    """Whether REV, or what lies here without REV, is ready for a use, and which commands mend what it lacks.

    Uses are training, pre-annotation (each /current or /legacy), deployment (/serving or /own), conversion and storage, and
    those that a team's own rules name. Without --for: those of intent.ready_for in model.toml, or else all, in short. Exits with
    0 when it is ready for each of them, and with 1 when it is not.
    """
    if listed:
        return _list(invocation, revision, uses)
    model, id_ = _named(invocation, revision)
    found = check(invocation.repository(), model, id_, uses=uses, strict=strict)
    invocation.emit("check", found.to_json, lambda: _lines(found), page=True)
    return int(not found.ready)


def _named(invocation: Invocation, revision: str | None) -> tuple[str, VersionId | None]:
    """The model, and the version of it that `revision` names; None for what lies here."""
    repository, model = invocation.repository(), invocation.model()
    if revision is None:
        return model, None
    return revisions.model_of(Model(repository, model), revision), revisions.resolve(Model(repository, model), revision)


def _list(invocation: Invocation, revision: str | None, uses: Sequence[str]) -> int:
    """Picsellia's rules anywhere; in a model, or of a version, a team's own as well."""
    try:
        manifest = manifest_of(invocation.repository(), *_named(invocation, revision))
    except (errors.NoRepository, errors.WhichModel):
        if revision is not None:
            raise
        manifest = None
    found = rules_for(uses, manifest)
    invocation.emit(
        "check",
        lambda: {"rules": [rule.to_json() for rule in found]},
        lambda: _table(found),
        ids=[rule.name for rule in found],
        page=True,
    )
    return 0


def _table(found: Sequence[Rule]) -> Iterator[str]:
    return aligned([(escape(rule.use), rule.need.value, escape(rule.requirement)) for rule in found])


# --- what was found


def _lines(found: Checked) -> Iterator[str]:
    at = f"v{found.number} {short(found.id)}" if found.id else "as it stands"
    yield f"{style(escape(found.model), bold=True)} {at}"
    yield from _uncommittable(found)
    if not found.asked:
        yield ""
        yield from _summary(found.uses)
        yield "`mvc check --for USE` says more; `mvc set intent.ready_for=USE` says what the model is meant for."
        return
    for each in found.uses:
        yield ""
        yield f"{_verdict(each)}  {escape(each.use)}"
        for finding in each.findings:
            yield from _finding(finding, strict=each.strict)
    if found.id and any(finding.fix for each in found.uses for finding in each.findings):
        yield ""
        yield "A version never changes: the commands are for what lies here, and the next version has it."


def _uncommittable(found: Checked) -> Iterator[str]:
    """What keeps a working tree from being committed, and so from being ready."""
    lines = [escape(error.message) for error in found.problems]
    lines += [f"{escape(p.key)}: {escape(p.message)}{f' ({escape(p.fix)})' if p.fix else ''}" for p in found.broken]
    if lines:
        yield style("Not ready: this cannot be committed.", fg="red")
        yield from (f"  !  {line}" for line in lines)


def _summary(uses: Sequence[Readiness]) -> Iterator[str]:
    """One line for each use: whether, and what it lacks."""
    width = max(len(escape(each.use)) for each in uses)
    for each in uses:
        lacks = ", ".join(escape(finding.rule.requirement) for finding in each.blockers)
        yield f"  {_verdict(each)}  {escape(each.use):<{width}}  {f'lacks {lacks}' if lacks else ''}".rstrip()


def _verdict(found: Readiness) -> str:
    return style(f"{'ready':<9}", fg="green") if found.ready else style("not ready", fg="red")


def _finding(finding: Finding, *, strict: bool) -> Iterator[str]:
    """What is needed, whether it is so, why not, and what mends it."""
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
