"""`mvc source`, and the source that `commit` records in a training run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import group, subverb
from mvc.model.toml import render
from mvc.model.toml.rules import Problem
from mvc.porcelain import source
from mvc.repository import revisions
from mvc.repository.model import Model


@group("source")
def command(invocation: Invocation) -> None:
    """Show which experiment and datasets a model comes from.

    Without a command, show [source] of model.toml. `mvc commit` fills it in a Picsellia training container; elsewhere
    use `mvc set source.experiment.id=ID`.
    """
    _shown(invocation, source.show(Model(invocation.repository(), invocation.model())))


@subverb(command, "show")
@click.argument("revision", required=False, metavar="[REV]")
def show(invocation: Invocation, revision: str | None) -> None:
    """Show the experiment and datasets of REV, or of the working tree."""
    repository, model = invocation.repository(), invocation.model()
    version = revisions.resolve(Model(repository, model), revision) if revision is not None else None
    _shown(invocation, source.show(Model(repository, model), version))


def record_run(invocation: Invocation) -> Sequence[Problem]:
    """Record the current training run in model.toml, if there is one; return the parameters that differ from the run's."""
    done = source.record_run(Model(invocation.writer(), invocation.model()), invocation.environ)
    if done is None:
        return ()
    if done.run.fault is not None:
        invocation.note(f"warning: recorded only the id of experiment {done.experiment}: {done.run.fault.message}")
    if done.changed:
        invocation.note(f"model.toml: set [source] to the current experiment, {done.experiment}")
    if done.run.left_out:
        invocation.note(f"warning: parameters of the run not recorded: {', '.join(done.run.left_out)}")
    return done.warnings


def _shown(invocation: Invocation, recorded: dict[str, Any]) -> None:
    experiment = recorded.get("experiment", {}).get("id", "")
    invocation.emit("source", {"source": recorded}, lambda: _lines(recorded), ids=[experiment] if experiment else [])


def _lines(recorded: dict[str, Any]) -> Iterator[str]:
    if not recorded:
        yield "model.toml has no [source]; set one with `mvc set source.experiment.id=ID`."
    experiment = recorded.get("experiment")
    if experiment:
        named = [escape(str(experiment[key])) for key in ("name", "project", "id", "url") if key in experiment]
        yield f"{'experiment':<11} {'  '.join(named)}"
        parameters = experiment.get("parameters", {})
        yield from (f"{'parameter':<11} {escape(key)} = {escape(render.value(parameters[key]))}" for key in parameters)
    keys = ("alias", "name", "version", "id")
    rows = [tuple(escape(str(dataset.get(key, ""))) for key in keys) for dataset in recorded.get("datasets", ())]
    yield from (f"{'dataset':<11} {row}" for row in aligned(rows))
