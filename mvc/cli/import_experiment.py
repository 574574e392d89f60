"""`mvc import --experiment`: its output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc import errors
from mvc.cli.app import transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, size
from mvc.model import remote_kinds
from mvc.porcelain.import_experiment import ImportedExperiment, import_experiment
from mvc.registry import connection
from mvc.remotes.backends import options, registry_address
from mvc.repository.model import Model


def run(
    invocation: Invocation,
    experiment: str,
    url: str | None,
    settings: tuple[str, ...],
    *,
    project: str | None,
    branch: str | None,
    message: str | None,
    allow_unsafe: bool,
) -> int:
    """Import the result of an experiment of the registry at `url`, else of the only configured one."""
    repository = invocation.writer()
    model, given = Model(repository, invocation.model()), transfers.given_settings(settings)
    if url is None and given:
        raise click.UsageError("-o needs URL")
    options.check(remote_kinds.PICSELLIA, given)
    address = registry_address.parse(url) if url is not None else None
    if address is not None and address.model is not None:
        raise errors.BadRegistryUrl(url=address.text, reason="an experiment belongs to a project, not to a model")
    name = connection.default_registry(repository, invocation.environ) if address is None else address.text
    invocation.require_network(name)
    connected = (
        connection.registry(repository, name, invocation.environ)
        if address is None
        else connection.of_organization(repository, address.organization, given, invocation.environ)
    )
    with connected as registry, invocation.progress("Fetching files") as progress:
        done = import_experiment(
            model,
            registry,
            experiment,
            invocation.actor(),
            project=project,
            branch=branch,
            message=message,
            allow_unsafe=allow_unsafe,
            progress=progress,
        )
    for note in done.notes:
        invocation.note(f"warning: {note}")
    invocation.emit("import", done, lambda: _lines(model, done), ids=[done.version])
    return 0


def _lines(model: Model, done: ImportedExperiment) -> Iterator[str]:
    name = escape(done.name or done.experiment)
    if not done.created:
        yield f"Already imported: the result of experiment {name} is v{done.number} {short(done.version)}"
        return
    base = f", child of {short(done.base)}" if done.base is not None else ""
    yield f"{escape(done.branch or '')}: v{done.number} {short(done.version)} is the result of experiment {name}{base}"
    yield f"{size(done.received)} fetched."
    if done.branch == model.head.branch:
        yield "The working tree is unchanged; update it with `mvc restore .`, which discards local changes."
