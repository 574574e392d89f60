"""`mvc import`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc import errors
from mvc.cli import import_experiment
from mvc.cli.app import failure, transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.app.verb import verb
from mvc.model import remote_kinds
from mvc.plural import count
from mvc.porcelain.import_ import (
    CHANGED,
    KNOWN,
    LEFT_OUT,
    WITH_ADDITIONS,
    Imported,
    ImportedVersion,
    import_model,
)
from mvc.registry import connection
from mvc.remotes.backends import options, registry_address

_HOW = {
    CHANGED: "changed on the registry; imported as a child of the published version",
    WITH_ADDITIONS: "files added on the registry; imported as a child of the published version",
}
"""Outcomes that are said in more words."""


@verb("import")
@click.argument("url", required=False)
@click.option("-o", "--option", "settings", multiple=True, metavar="KEY=VALUE", help="Set an option of the registry.")
@click.option(
    "--import-additions", is_flag=True, help="Import files that were added to published versions, as child versions."
)
@click.option("--tags", is_flag=True, help="Set an alias for each tag that one version has there.")
@click.option("--experiment", metavar="ID|NAME", help="Import the result of this experiment, exported or not.")
@click.option("--project", metavar="PROJECT", help="With --experiment: project that has it.")
@click.option("--branch", metavar="NAME", help="With --experiment: branch (default: the current one).")
@click.option("-m", "--message", metavar="TEXT", help="With --experiment: message of the version.")
def command(
    invocation: Invocation,
    url: str | None,
    settings: tuple[str, ...],
    import_additions: bool,
    tags: bool,
    experiment: str | None,
    project: str | None,
    branch: str | None,
    message: str | None,
) -> int:
    """Import versions from a registry.

    URL is picsellia://ORGANIZATION/MODEL[@VERSION], where VERSION is a number or a name. Versions that mvc published
    keep their ids; a version made by hand becomes a child of the preceding one. Importing again adds only
    new versions. Tags of the versions there are noted, and `mvc show` prints them; with --tags they become aliases.

    With --experiment, URL is picsellia://ORGANIZATION (default: the only registry). The experiment's artifacts,
    parameters, single values and datasets become the next version of the branch, a child of the version that it began
    with.
    """
    if experiment is not None:
        if tags:
            raise click.UsageError("--tags does not go with --experiment")
        if import_additions:
            raise click.UsageError("--import-additions does not go with --experiment")
        return import_experiment.run(
            invocation, experiment, url, settings, project=project, branch=branch, message=message
        )
    if url is None:
        raise click.UsageError("name a URL or --experiment")
    if (project, branch, message) != (None, None, None):
        raise click.UsageError("--project, --branch and -m need --experiment")
    return _import_model(invocation, url, settings, tags=tags, import_additions=import_additions)


def _import_model(
    invocation: Invocation, url: str, settings: tuple[str, ...], *, tags: bool, import_additions: bool
) -> int:
    """Import the versions of a model."""
    address = parse(url)
    invocation.require_network(address.text)
    repository = invocation.writer()
    given = transfers.given_settings(settings)
    options.check(remote_kinds.PICSELLIA, given)
    with (
        connection.of_organization(repository, address.organization, given, invocation.environ) as registry,
        invocation.progress("Fetching files") as progress,
    ):
        done = import_model(
            repository,
            registry,
            address.model or "",
            invocation.actor(),
            version=address.version,
            model=invocation.model_key,
            tags=tags,
            import_additions=import_additions,
            progress=progress,
        )
    invocation.emit("import", done, lambda: lines(done), ids=[version.id or "" for version in done.versions])
    warn(invocation, done)
    return code(done)


def parse(url: str) -> registry_address.RegistryAddress:
    """Return the address of a model on a registry; raises BadRegistryUrl if it names no model."""
    address = registry_address.parse(url)
    if address.model is None:
        raise errors.BadRegistryUrl(url=url, reason="the URL names no model")
    return address


def code(done: Imported) -> int:
    """Return the exit code."""
    return 0 if done.is_whole else failure.IN_PART


def lines(done: Imported) -> Iterator[str]:
    """Yield a summary of an import."""
    yield f"From {escape(done.registry_model)} of {escape(done.organization)}"
    new = [version for version in done.versions if version.how != KNOWN]
    yield from (f"  {line}" for line in aligned([_row(version) for version in new]))
    known = len(done.versions) - len(new)
    if known:
        yield f"  {count(known, 'version')} already imported"
    for move in done.branches:
        yield f"{escape(move.branch)}: {short(move.old) if move.old else 'new'}..{short(move.new)}"
    yield from (f"alias {escape(tag.tag)} -> {short(tag.id)}" for tag in done.tags if tag.id is not None)
    if done.absent:
        yield f"The history has gaps: these parents were never published, so they were not imported: {', '.join(map(short, done.absent))}"
    if done.received:
        yield f"{size(done.received)} fetched."
    if done.created:
        yield f"Created model {escape(done.model or '')}."


def warn(invocation: Invocation, done: Imported) -> None:
    """Print the warnings of an import."""
    for version in done.versions:
        for note in version.notes:
            label = "left out" if version.how == LEFT_OUT else "note" if version.added else "warning"
            invocation.note(f"{label}: #{version.number} {version.name}: {note}")
    for tag in done.tags:
        if tag.id is None:
            invocation.note(f"note: tag {tag.tag} is not an alias here: {tag.reason}")


def _row(version: ImportedVersion) -> tuple[str, ...]:
    how = _HOW.get(version.how, version.how)
    return f"#{version.number}", escape(version.name), short(version.id) if version.id else "-", how
