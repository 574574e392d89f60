"""`mvc source`, and what `commit` records in a training run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import group, subverb
from mvc.porcelain import source
from mvc.repository import revisions
from mvc.repository.model import Model


@group("source")
def command(invocation: Invocation) -> None:
    """What versions come from: an experiment and dataset versions. Alone: what model.toml says.

    `commit` fills it in by itself in a Picsellia training container; elsewhere `mvc set source.experiment.id=ID` does.
    """
    _shown(invocation, source.show(invocation.repository(), invocation.model()))


@subverb(command, "show")
@click.argument("revision", required=False, metavar="[REV]")
def show(invocation: Invocation, revision: str | None) -> None:
    """The source of REV, or what model.toml says."""
    repository, model = invocation.repository(), invocation.model()
    version = revisions.resolve(Model(repository, model), revision) if revision is not None else None
    _shown(invocation, source.show(repository, model, version))


def record_run(invocation: Invocation) -> None:
    """Record in model.toml the training run that this is part of, if it is; notes say what was recorded."""
    done = source.record_run(invocation.writer(), invocation.model(), invocation.environ)
    if done is None:
        return
    if done.fault is not None:
        invocation.note(f"warning: of the experiment {done.experiment} only its id is recorded: {done.fault.message}")
    if done.changed:
        invocation.note(f"model.toml: [source] is the experiment {done.experiment} that this runs in")


def _shown(invocation: Invocation, found: dict[str, Any]) -> None:
    experiment = found.get("experiment", {}).get("id", "")
    invocation.emit("source", lambda: {"source": found}, lambda: _lines(found), ids=[experiment] if experiment else [])


def _lines(found: dict[str, Any]) -> Iterator[str]:
    if not found:
        yield "No source is recorded; `mvc set source.experiment.id=ID` says one."
    experiment = found.get("experiment")
    if experiment:
        named = [escape(str(experiment[key])) for key in ("name", "id", "url") if key in experiment]
        yield f"{'experiment':<11} {'  '.join(named)}"
    keys = ("alias", "name", "version", "id")
    rows = [tuple(escape(str(each.get(key, ""))) for key in keys) for each in found.get("datasets", ())]
    yield from (f"{'dataset':<11} {row}" for row in aligned(rows))
