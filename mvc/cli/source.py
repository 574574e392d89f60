"""`mvc source`, and what `commit` records in a training run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import group, subverb
from mvc.porcelain import source
from mvc.registry import connection, training_run
from mvc.registry.training_run import Source, TrainingRun
from mvc.remotes.backends.registry_address import HOST
from mvc.repository import revisions


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
    version = revisions.resolve(repository, model, revision) if revision is not None else None
    _shown(invocation, source.show(repository, model, version))


def record_run(invocation: Invocation) -> None:
    """Have model.toml say which training run this is, if it is one; where nobody can be asked about it, its id alone."""
    run = training_run.of(invocation.environ)
    if run is None:
        return
    edited = source.record(invocation.writer(), invocation.model(), _of(invocation, run))
    if edited:
        invocation.note(f"model.toml: [source] is the experiment {run.experiment} that this runs in")


def _of(invocation: Invocation, run: TrainingRun) -> Source:
    try:
        invocation.require_network(f"experiment {run.experiment}")
        with connection.registry_at(run.organization, run.host or HOST, run.token) as registry:
            return source.ask(registry, run.experiment)
    except errors.MvcError as error:
        invocation.note(f"warning: of the experiment {run.experiment} only its id is recorded: {error.message}")
        return source.of_id(run.experiment)


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
