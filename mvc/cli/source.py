"""`mvc source`, and the source that `commit` records in a training run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, style
from mvc.cli.app.verb import group, subverb
from mvc.model.ids import VersionId
from mvc.model.toml import render
from mvc.model.toml.rules import Problem
from mvc.porcelain import source, source_check
from mvc.porcelain.source_check import SourceChecked
from mvc.registry import connection
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
    model, version = _named(invocation, revision)
    _shown(invocation, source.show(model, version))


@subverb(command, "check")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("--registry", metavar="REGISTRY", help="Registry, by its name in `mvc remote`.")
def check(invocation: Invocation, revision: str, registry: str | None) -> int:
    """Compare a recorded source with the registry.

    Checks whether the experiment and the dataset versions of REV (default: HEAD) still exist, whether a dataset has a
    newer version, and whether its labels are the classes of the labelmap. Exits with 1 unless everything holds.
    """
    repository = invocation.repository()
    model, version = _named(invocation, revision)
    assert version is not None  # noqa: S101 - a revision is given
    name = registry or connection.default_registry(repository, invocation.environ)
    invocation.require_network(name)
    with connection.registry(repository, name, invocation.environ) as connected:
        result = source_check.check(model, version, connected)
    invocation.emit("source", result, lambda: _checked(result), ids=[row.id for row in result.rows if not row.holds])
    return int(not result.holds)


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


def _named(invocation: Invocation, revision: str | None) -> tuple[Model, VersionId | None]:
    """Return the model and the version that `revision` names; None for the working tree."""
    model = Model(invocation.repository(), invocation.model())
    if revision is None:
        return model, None
    return replace(model, key=revisions.model_of(model, revision)), revisions.resolve(model, revision)


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


def _checked(result: SourceChecked) -> Iterator[str]:
    yield f"{style(escape(result.model), bold=True)} v{result.number} {short(result.id)} on {escape(result.organization)}"
    if not result.rows:
        yield "The version records no source."
    rows = [(row.verdict, row.kind, *map(escape, (row.alias, row.name, row.detail))) for row in result.rows]
    yield from (f"  {line}" for line in aligned(rows))
