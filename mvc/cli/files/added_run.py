"""The output of `mvc add --run`: the roles of a run as a table, with the reason for each."""

from __future__ import annotations

from collections.abc import Iterator

from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape
from mvc.model.compare.moves import braced
from mvc.model.toml.value_file import ValueFile
from mvc.plural import count
from mvc.porcelain.add_run import AddedRun

_SHOWN = 5


def lines(run: AddedRun, *, dry_run: bool) -> Iterator[str]:
    """Yield the run, its roles, and what is not as in the run before."""
    place = escape(run.folder) or "."
    would = " (dry run, nothing changed)" if dry_run else ""
    yield f"Run of {run.trainer}: {place}{f', {run.why}' if run.why else ''}{would}"
    if run.before is not None and any(row.entry.old is not None for row in run.entries):
        yield f"Roles move: {braced(run.before, run.folder)}"
    rows = [(escape(row.entry.role), _below(run, row.entry.path), row.why) for row in run.entries]
    yield from (f"  {line}" for line in aligned(rows)) if rows else ["  All of it is tracked already."]
    values = {section: ValueFile.of(section, entry) for section, entry in run.values.items()}
    if values:
        yield "Values, read at each commit:"
        yield from (f"  {line}" for line in aligned([(name, _below(run, str(file))) for name, file in values.items()]))
    if run.removed:
        yield f"Removed from model.toml, since the files have them: {', '.join(map(escape, run.removed))}"
    yield from map(escape, run.notes)
    if run.dropped:
        named = [f"{escape(role)} ({escape(path)})" for role, path in run.dropped[:_SHOWN]]
        yield f"No longer tracked, not in this run: {', '.join(named)}{_more(len(run.dropped))}"
    for role, path in run.left:
        yield f"Not in this run: {escape(role)} stays {escape(path)} (stop tracking it with `mvc rm --cached {escape(role)}`)"
    if run.untracked:
        shown = ", ".join(map(escape, run.untracked[:_SHOWN]))
        yield f"Not tracked: {shown}{_more(len(run.untracked))} (track one with `mvc add PATH`)"


def _more(number: int) -> str:
    return f" and {count(number - _SHOWN, 'more')}" if number > _SHOWN else ""


def _below(run: AddedRun, path: str) -> str:
    prefix = f"{run.folder}/"
    return escape(path.removeprefix(prefix) if run.folder else path)
