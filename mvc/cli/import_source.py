"""`mvc import` of a history outside mvc: its output."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from mvc import errors
from mvc.cli.app import failure, transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, size
from mvc.plural import count
from mvc.porcelain import import_sources
from mvc.porcelain.import_history import ImportedHistory
from mvc.repository import discovery
from mvc.repository.imports.importer import KNOWN, LEFT_OUT, ImportedStep
from mvc.repository.imports.request import Request

_SHOWN = 3
"""Versions that a warning about several names."""


def run(
    invocation: Invocation,
    sources: Sequence[str],
    kind: str | None,
    settings: Sequence[str],
    *,
    branch: str | None,
    options: Mapping[str, Sequence[str]],
    dry_run: bool,
    allow_unsafe: bool,
) -> int:
    """Import the history of the sources."""
    repository = invocation.repository() if dry_run else invocation.writer()
    with invocation.progress("Reading files") as progress:
        request = Request(
            repository,
            tuple(source if "://" in source else os.path.abspath(invocation.cwd / source) for source in sources),
            invocation.actor(),
            invocation.environ,
            invocation.model_key,
            _current(invocation),
            branch,
            transfers.given_settings(settings),
            {name: values for name, values in options.items() if values},
            dry_run=dry_run,
            progress=progress,
            allow_unsafe=allow_unsafe,
        )
        done = import_sources.import_source(request, kind)
    invocation.emit("import", done, lambda: _lines(done), ids=[step.id or "" for step in done.versions])
    _warn(invocation, done)
    return 0 if done.is_whole else failure.IN_PART


def _current(invocation: Invocation) -> str | None:
    """Return the model of the current folder; None if there is none, or the user chose another."""
    if invocation.model_key is not None:
        return None
    try:
        return discovery.find_model(invocation.repository(), invocation.cwd)
    except (errors.WhichModel, errors.NoModel, errors.NotInitialized):
        return None


def _lines(done: ImportedHistory) -> Iterator[str]:
    yield f"From {escape(done.origin)}"
    shown = [step for step in done.versions if step.how != KNOWN or done.dry_run]
    yield from (f"  {line}" for line in aligned([_row(step) for step in shown]))
    new = len(done.new)
    known = sum(1 for step in done.versions if step.how == KNOWN)
    if known:
        yield f"  {count(known, 'version')} already imported"
    for moved in done.refs:
        old = short(moved.old) if moved.old else "new"
        yield f"{moved.kind} {escape(moved.name)}: {old}..{short(moved.new) if moved.new else 'gone'}"
    if done.written:
        verb = "would be written" if done.dry_run else "written"
        yield f"{count(len(done.written), 'file')} {verb} into {escape(done.folder or '.')}"
    if new + known == 0:
        yield _none(done)
    elif done.dry_run:
        yield f"Dry run: {count(new, 'version')} would be imported into {escape(done.model)}; nothing was changed."
    elif done.created:
        yield f"Created model {escape(done.model)} with {count(new + known, 'version')}."
    elif not new and not done.refs:
        yield "Nothing new."
    if done.received:
        yield f"{size(done.received)} fetched."


def _none(done: ImportedHistory) -> str:
    """Return why no version of a source could be imported."""
    reasons = list(dict.fromkeys(step.notes[0] for step in done.versions))
    more = f"; and {count(len(reasons) - 1, 'more reason')}, see above" if len(reasons) > 1 else ""
    return f"No version {'can' if done.dry_run else 'could'} be imported: {escape(reasons[0].rstrip('.'))}{more}."


def _row(step: ImportedStep) -> tuple[str, ...]:
    number = f"v{step.number}" if step.number is not None else "-"
    id_ = short(step.id) if step.id else "-"
    bytes_ = size(step.size) if step.size is not None else "-"
    date = step.time.local().strftime("%Y-%m-%d %H:%M")
    files = count(step.files, "file")
    if step.how == LEFT_OUT:
        files, bytes_ = "-", "-"
    return number, id_, step.how, date, files, bytes_, escape(step.message)


def _warn(invocation: Invocation, done: ImportedHistory) -> None:
    """Print the warnings; one that several versions have is printed once."""
    notes: dict[tuple[str, str], list[str]] = {}
    for step in done.versions:
        for note in step.notes:
            label = "left out" if step.how == LEFT_OUT else "warning"
            notes.setdefault((label, note), []).append(step.message)
    for (label, note), of in notes.items():
        where = of[0] if len(of) == 1 else f"{', '.join(of[:_SHOWN])}{' …' if len(of) > _SHOWN else ''}"
        invocation.note(f"{label}: {where}: {note}")
    for warning in done.warnings:
        invocation.note(f"warning: {warning}")
    for id_ in done.absent:
        invocation.note(f"warning: the source lacks the parent {short(id_)}, so the history has a gap")
