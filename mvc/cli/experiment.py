"""`mvc experiment`: its options, arguments and output."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import group, subverb
from mvc.model.ids import VersionId
from mvc.model.toml import render
from mvc.porcelain import experiment as porcelain
from mvc.porcelain.experiment import CreatedExperiment, Experiment, ShownExperiment
from mvc.registry import connection
from mvc.registry.experiments import lookup
from mvc.registry.protocol import Registry, RemoteDataset
from mvc.repository import history, revisions
from mvc.repository.model import Model

_PROJECT = click.option("--project", metavar="PROJECT", help="Project on the registry.")
_REGISTRY = click.option("--registry", metavar="REGISTRY", help="Registry, by its name in `mvc remote`.")


@group("experiment")
def command(invocation: Invocation) -> None:
    """Create, list or show experiments on a registry.

    An experiment is a training on Picsellia. It begins with a version of the model and has dataset versions; `mvc import
    --experiment` makes its result the next version. Without a command, list the experiments of the model.
    """
    _list(invocation, None, None)


@subverb(command, "create")
@click.argument("revision", required=False, default="HEAD", metavar="[REV]")
@click.option("--project", required=True, metavar="PROJECT", help="Project on the registry.")
@click.option("--name", metavar="NAME", help="Name of the experiment (default: the version's name there).")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="ALIAS=DATASET@VERSION",
    help="Attach a dataset version under ALIAS; repeat for more.",
)
@click.option("--launch", is_flag=True, help="Start the training on the platform's machines.")
@click.option("--gpus", type=click.IntRange(1), metavar="N", help="With --launch: number of GPUs (default 1).")
@click.option("--gpu-type", metavar="TYPE", help="With --launch: kind of GPU, such as T4.")
@_REGISTRY
def create(
    invocation: Invocation,
    revision: str,
    project: str,
    name: str | None,
    datasets: tuple[str, ...],
    launch: bool,
    gpus: int | None,
    gpu_type: str | None,
    registry: str | None,
) -> None:
    """Create an experiment that begins with REV (default: HEAD).

    Publishes REV first, unless it is published. The experiment gets its parameters and files from REV. If an experiment
    of that name exists in the project, only what it lacks is added; with another base it is refused. --launch starts
    the job once.
    """
    if not launch and (gpus is not None or gpu_type is not None):
        raise click.UsageError("--gpus and --gpu-type need --launch")
    requested = lookup.parse_datasets(datasets)
    repository, actor = invocation.writer(), invocation.actor()
    model = Model(repository, invocation.model())
    version = revisions.resolve(model, revision)
    job = porcelain.Job(gpus or 1, gpu_type) if launch else None
    with _connected(invocation, registry) as connected, invocation.progress("Publishing") as progress:
        done = porcelain.create(
            model,
            connected,
            version,
            actor,
            project=project,
            name=name,
            datasets=requested,
            job=job,
            progress=progress,
        )
    for note in done.notes:
        invocation.note(f"{note}.")
    invocation.emit("experiment", done, lambda: _created(done, launch=launch), ids=[done.experiment.id])


@subverb(command, "list")
@_PROJECT
@_REGISTRY
def list_(invocation: Invocation, project: str | None, registry: str | None) -> None:
    """List the experiments of the model's versions, or of a project.

    Without --project, lists those that began with a version of the model, and those that one of its versions names as
    its source.
    """
    _list(invocation, project, registry)


@subverb(command, "show")
@click.argument("experiment", metavar="ID|NAME")
@_PROJECT
@_REGISTRY
def show(invocation: Invocation, experiment: str, project: str | None, registry: str | None) -> None:
    """Show one experiment in full."""
    model = Model(invocation.repository(), invocation.model())
    with _connected(invocation, registry) as connected:
        shown = porcelain.show(model, connected, experiment, project)
    for note in shown.notes:
        invocation.note(f"warning: {note}")
    invocation.emit("experiment", shown, lambda: _shown(model, shown), ids=[shown.experiment.id], page=True)


def _list(invocation: Invocation, project: str | None, registry: str | None) -> None:
    model = Model(invocation.repository(), invocation.model())
    with _connected(invocation, registry) as connected:
        listed = porcelain.experiments(model, connected, project)
    invocation.emit(
        "experiment",
        {"experiments": listed},
        lambda: _listed(model, listed),
        ids=[experiment.id for experiment in listed],
        page=True,
    )


def _connected(invocation: Invocation, name: str | None) -> contextlib.AbstractContextManager[Registry]:
    repository = invocation.repository()
    chosen = name or connection.default_registry(repository, invocation.environ)
    invocation.require_network(chosen)
    return connection.registry(repository, chosen, invocation.environ)


def _created(done: CreatedExperiment, *, launch: bool) -> Iterator[str]:
    experiment = done.experiment
    state = "Created experiment" if done.created else "Experiment exists:"
    yield f"{state} {escape(experiment.name or '')} in project {escape(experiment.project or '')}"
    yield f"  id       {experiment.id}"
    yield f"  page     {escape(experiment.url or '')}"
    yield from _datasets(done.datasets)
    if launch:
        yield f"  job      {escape(done.job or 'started')}"
    yield f"Import its result with `mvc import --experiment {experiment.id}`."


def _listed(model: Model, listed: Sequence[Experiment]) -> Iterator[str]:
    rows = [
        (
            escape(one.name or ""),
            escape(one.project or ""),
            escape(one.status or ""),
            f"from {_versions(model, [one.version])}" if one.version is not None else "",
            f"result {_versions(model, one.results)}" if one.results else "",
            one.id,
        )
        for one in listed
    ]
    yield from aligned(rows)
    if not rows:
        yield "No experiments; create one with `mvc experiment create --project PROJECT`."


def _shown(model: Model, shown: ShownExperiment) -> Iterator[str]:
    experiment = shown.experiment
    yield f"{escape(experiment.name or '')}  {escape(experiment.status or '')}"
    yield f"  id         {experiment.id}"
    yield f"  project    {escape(experiment.project or '')}"
    yield f"  page       {escape(experiment.url or '')}"
    base = _versions(model, [experiment.version]) if experiment.version is not None else experiment.base
    yield f"  base       {escape(base or 'none')}"
    if experiment.results:
        yield f"  result     {_versions(model, experiment.results)}"
    yield from _datasets(shown.datasets, width=9)
    yield from (
        f"  parameter  {escape(key)} = {escape(render.value(value))}" for key, value in shown.parameters.items()
    )
    yield from (f"  metric     {escape(key)} = {value}" for key, value in shown.metrics.items())
    yield from (f"  artifact   {escape(file.name)}  {escape(file.filename)}" for file in shown.artifacts)


def _datasets(datasets: Sequence[RemoteDataset], width: int = 7) -> Iterator[str]:
    for dataset in datasets:
        name = f"{dataset.name}@{dataset.version}" if dataset.name else dataset.id
        yield f"  {'dataset':<{width}}  {escape(dataset.alias)} = {escape(name)}"


def _versions(model: Model, ids: Sequence[VersionId | None]) -> str:
    return ", ".join(history.label(model.repository, id_) for id_ in ids if id_ is not None)
