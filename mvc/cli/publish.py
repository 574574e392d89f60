"""`mvc publish`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli.app import failure, registry_tags, render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.app.verb import verb
from mvc.model.compare.diff import Change
from mvc.plural import count
from mvc.porcelain import publish as porcelain
from mvc.porcelain.publish import Published, PublishedVersion
from mvc.porcelain.publish_tags import publish_tags
from mvc.registry import connection
from mvc.registry.hubs import hub as hubs
from mvc.repository import revisions
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.cli import publish_hub
else:
    publish_hub = lazy.Module("mvc.cli.publish_hub")


@verb("publish")
@click.argument("versions", nargs=-1, metavar="[URL] [REV]...")
@click.option("--to", "registry", metavar="REGISTRY", help="Registry, by its name in `mvc remote`.")
@click.option("--as", "published_name", metavar="MODEL", help="Name of the model on the registry.")
@click.option("--all", "all_", is_flag=True, help="Publish every version reachable from a branch, tag or alias.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be published.")
@click.option(
    "--allow-memory", is_flag=True, help="Load files over 256 MiB into memory if the storage has no multipart upload."
)
@click.option(
    "--require-context", is_flag=True, help="Refuse a version that cannot have the context of its experiment."
)
@click.option("--tags", is_flag=True, help="Also set the tags and aliases of each REV there.")
@click.option("--tag", "names", multiple=True, metavar="NAME", help="With URL: set this tag or alias there to REV.")
@click.option("-f", "--force", is_flag=True, help="With URL: move a tag that is elsewhere, replace a newer version.")
def command(
    invocation: Invocation,
    versions: tuple[str, ...],
    registry: str | None,
    published_name: str | None,
    all_: bool,
    dry_run: bool,
    allow_memory: bool,
    require_context: bool,
    tags: bool,
    names: tuple[str, ...],
    force: bool,
) -> int:
    """Publish versions to a registry or a hub.

    Uploads the fields, files and source of each REV (default: HEAD). A version is published once, under a name
    derived from its id (v7-3f9c2ab1d0f4), and never changed afterwards. Published versions are skipped, interrupted
    ones are resumed. With --all, a version that was changed on the registry is left out, and the exit code is 3. The
    token is read from PICSELLIA_TOKEN. With --tags, tags and aliases here become tags there; an alias is removed from
    the version that had it before.

    URL is a repository of the Hugging Face Hub (hf://ORGANIZATION/NAME), of an OCI registry (oci://HOST/PATH), or a
    model of an MLflow server (mlflow://HOST/MODEL). mvc's own objects are published with the files, so that
    `mvc import URL` gives the same version.
    """
    hub_url = versions[0] if versions and hubs.scheme_of(versions[0]) is not None else None
    if hub_url is not None:
        _check_hub_options(hub_url, registry, published_name, allow_memory=allow_memory, context=require_context)
        revs = versions[1:]
        return publish_hub.run(
            invocation, hub_url, revs, all_=all_, names=names, tags=tags, force=force, dry_run=dry_run
        )
    if names or force:
        raise click.UsageError("--tag and --force need a URL, such as hf://ORGANIZATION/NAME")
    if all_ and versions:
        raise click.UsageError("--all takes no REV")
    repository, model, actor = invocation.writer(), invocation.model(), invocation.actor()
    ids = (
        porcelain.everything(Model(repository, model))
        if all_
        else [revisions.resolve(Model(repository, model), text) for text in versions or ("HEAD",)]
    )
    name = registry or connection.default_registry(repository, invocation.environ)
    invocation.require_network(name)
    with (
        connection.registry(repository, name, invocation.environ) as connected,
        invocation.progress(f"Publishing to {name}") as progress,
    ):
        done = porcelain.publish(
            Model(repository, model),
            connected,
            ids,
            actor,
            registry_model=published_name,
            dry_run=dry_run,
            allow_memory=allow_memory,
            require_context=require_context,
            keep_going=all_,
            progress=progress,
        )
        done = publish_tags(Model(repository, model), connected, done) if tags else done
    for note in _notes(done):
        invocation.note(note)
    invocation.emit("publish", done, lambda: _lines(done), ids=[_id(version) for version in done.versions])
    return 0 if done.is_whole else failure.IN_PART


def _check_hub_options(url: str, registry: str | None, name: str | None, *, allow_memory: bool, context: bool) -> None:
    """Raise UsageError for an option that is for registries only."""
    given = {"--to": registry, "--as": name, "--allow-memory": allow_memory, "--require-context": context}
    for option in (option for option, value in given.items() if value):
        raise click.UsageError(f"{option} does not go with {url}")


def _id(version: PublishedVersion) -> str:
    return version.place.id if version.place is not None else ""


def _notes(done: Published) -> Iterator[str]:
    if done.renamed_from is not None:
        yield f"somebody renamed model {escape(done.renamed_from)} to {escape(done.registry_model)} on the registry; publishing to the renamed model"
    for version in done.versions:
        label = "left out: " if version.flag == porcelain.LEFT_OUT else ""
        yield from (f"{label}v{version.number}: {note}." for note in version.notes)
    yield from registry_tags.notes(done.tags)
    for name in done.duplicates:
        yield f"warning: several versions on the registry are named {name}; the lowest number with a complete marker is used"


def _lines(done: Published) -> Iterator[str]:
    yield f"To picsellia://{escape(done.organization)}, model {escape(done.registry_model)}"
    for version in done.versions:
        yield f" {version.flag} v{version.number} {short(version.id)}  {_state(version, done=done.done)}"
        yield from (
            f"     {render.value(Change(change.key, change.recorded, change.live))}" for change in version.edited
        )
    yield from registry_tags.lines(done.tags)
    published = sum(version.flag in (porcelain.NEW, porcelain.RESUMED) for version in done.versions)
    if published:
        sent = f", {size(done.sent)}" if done.done else ""
        yield f"{'Published' if done.done else 'Would publish'} {count(published, 'version')}{sent}."
    elif done.is_whole:
        yield "Everything up to date."
    if not done.is_whole:
        yield f"{count(sum(version.flag == porcelain.LEFT_OUT for version in done.versions), 'version')} left out."


_STATES = {
    porcelain.NEW: "new",
    porcelain.RESUMED: "resumed",
    porcelain.THERE: "already published",
    porcelain.SUPERSEDED: "edited there since",
    porcelain.LEFT_OUT: "left out",
}


def _state(version: PublishedVersion, *, done: bool) -> str:
    state = _STATES[version.flag]
    if not done and version.flag == porcelain.RESUMED:
        state = "incomplete, to be resumed"
    if version.flag == porcelain.THERE:
        state = "made there" if version.made_there else state
        state += f", {count(len(version.added), 'file')} added" if version.added else ""
    if version.place is None:
        return f"[{state}]  {escape(version.name)}"
    return f"[{state}]  Picsellia #{version.place.number}  {escape(version.name)}  {escape(version.page or '')}"
