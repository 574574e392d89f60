"""`mvc import`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click

from mvc import errors
from mvc.cli import import_experiment, import_source
from mvc.cli.app import failure, transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.app.verb import verb
from mvc.model import remote_kinds
from mvc.plural import count
from mvc.porcelain import import_sources
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


def _kinds(function: Callable[..., int]) -> Callable[..., int]:
    """Add the flag of each kind of source."""
    for kind in reversed(import_sources.KINDS):
        function = click.option(f"--{kind.name}", "kind", flag_value=kind.name, help=kind.help)(function)
    return function


@verb("import")
@click.argument("sources", nargs=-1, type=click.Path(), metavar="[SOURCE]...")
@_kinds
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be imported; change nothing.")
@click.option("-o", "--option", "settings", multiple=True, metavar="KEY=VALUE", help="Set an option of the registry.")
@click.option(
    "--import-additions", is_flag=True, help="Import files that were added to published versions, as child versions."
)
@click.option("--tags", is_flag=True, help="Set an alias for each tag that one version has there.")
@click.option(
    "--path", "paths", multiple=True, metavar="PATTERN", help="With Git or DVC: files to take, instead of weights."
)
@click.option("--artifact", metavar="NAME", help="With DVC: artifact to take, if there are several.")
@click.option("--experiment", metavar="ID|NAME", help="Import the result of this experiment, exported or not.")
@click.option("--project", metavar="PROJECT", help="With --experiment: project that has it.")
@click.option("--branch", metavar="NAME", help="Branch of the source to import, or branch to create or fast-forward.")
@click.option("-m", "--message", metavar="TEXT", help="With --experiment: message of the version.")
@click.option("--allow-unsafe", is_flag=True, help="Import even if `mvc scan` finds what a loader would run.")
def command(
    invocation: Invocation,
    sources: tuple[str, ...],
    kind: str | None,
    dry_run: bool,
    settings: tuple[str, ...],
    import_additions: bool,
    tags: bool,
    paths: tuple[str, ...],
    artifact: str | None,
    experiment: str | None,
    project: str | None,
    branch: str | None,
    message: str | None,
    allow_unsafe: bool,
) -> int:
    """Import versions from elsewhere.

    SOURCE is picsellia://ORGANIZATION/MODEL[@VERSION], where VERSION is a number or a name; or another source, which its
    URL, its contents or a flag names. Each state of the model there becomes a version, with the author, time and message
    that it has there: everybody who imports it gets the same ids. Importing again adds only new versions.

    Of a registry, versions that mvc published keep their ids; a version made by hand becomes a child of the preceding one.
    Tags of the versions there are noted, and `mvc show` prints them; with --tags they become aliases.

    With --experiment, SOURCE is picsellia://ORGANIZATION (default: the only registry). The experiment's artifacts,
    parameters, single values and datasets become the next version of the branch, a child of the version that it began
    with.
    """
    registry = registry_address.is_registry(sources[0]) if sources and kind is None else not sources
    if registry and len(sources) > 1:
        raise click.UsageError("name one URL of a registry")
    for flag, given in (("--tags", tags), ("--import-additions", import_additions)):
        if given and (experiment is not None or not registry):
            raise click.UsageError(f"{flag} goes with a model of a registry: picsellia://ORGANIZATION/MODEL")
    if experiment is None and (project, message) != (None, None):
        raise click.UsageError("--project and -m need --experiment")
    if experiment is not None:
        if not registry or dry_run:
            raise click.UsageError("--experiment goes with the URL of a registry, without --dry-run")
        return import_experiment.run(
            invocation,
            experiment,
            "".join(sources) or None,
            settings,
            project=project,
            branch=branch,
            message=message,
            allow_unsafe=allow_unsafe,
        )
    if not sources:
        raise click.UsageError("name a source, or --experiment")
    if not registry:
        options = {"paths": paths, "artifact": (artifact,) if artifact is not None else ()}
        return import_source.run(
            invocation,
            sources,
            kind,
            settings,
            branch=branch,
            options=options,
            dry_run=dry_run,
            allow_unsafe=allow_unsafe,
        )
    if paths or artifact is not None:
        raise click.UsageError("--path and --artifact go with a repository of Git or DVC")
    if branch is not None or dry_run:
        raise click.UsageError("--branch and --dry-run do not go with picsellia://ORGANIZATION/MODEL")
    return _import_model(
        invocation, sources[0], settings, tags=tags, import_additions=import_additions, allow_unsafe=allow_unsafe
    )


def _import_model(
    invocation: Invocation,
    url: str,
    settings: tuple[str, ...],
    *,
    tags: bool,
    import_additions: bool,
    allow_unsafe: bool,
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
            allow_unsafe=allow_unsafe,
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
