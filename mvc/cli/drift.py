"""`mvc drift`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.app.verb import verb
from mvc.model.compare.diff import Change
from mvc.plural import count
from mvc.porcelain import docker, drift
from mvc.porcelain.docker import ImageDrift
from mvc.porcelain.drift import RegistryDrift
from mvc.registry import connection
from mvc.registry.compare import ADDED
from mvc.registry.files import additions
from mvc.registry.tags.compare import TagDrift
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("drift", needs={"--at": ("--docker",)})
@click.argument("registry", required=False)
@click.option("--read-data", is_flag=True, help="Also download files with a known record, and compare their content.")
@click.option("--docker", "of_docker", is_flag=True, help="Check the tag of the docker image, not the registry.")
@click.option(
    "--at", "revision", default="HEAD", metavar="REV", help="With --docker: version to check (default: HEAD)."
)
def command(invocation: Invocation, registry: str | None, read_data: bool, of_docker: bool, revision: str) -> int:
    """Compare published and imported versions with the registry.

    Compares the fields, files and tags of every version that was published to REGISTRY (default: the only one) or
    imported from it, and lists versions that were deleted or created there. With --docker, checks instead whether the tag of
    the docker image still resolves to the recorded digest. Exits with 1 if anything differs.
    """
    if of_docker and (registry is not None or read_data):
        raise click.UsageError("--docker takes no registry and no --read-data")
    return _of_docker(invocation, revision) if of_docker else _of_registry(invocation, registry, read_data=read_data)


def _of_registry(invocation: Invocation, name: str | None, *, read_data: bool) -> int:
    repository, model = invocation.repository(), invocation.model()
    name = name or connection.default_registry(repository, invocation.environ)
    invocation.require_network(name)
    with (
        connection.registry(repository, name, invocation.environ) as registry,
        invocation.progress(f"Reading from {name}") as progress,
    ):
        result = drift.drift(repository, registry, model, read_data=read_data, progress=progress)
    shown = [*_versions(result), *(_unread(result) if invocation.verbose else ())]
    invocation.emit("drift", result, lambda: shown, ids=[version.id for version in result.versions])
    return int(not result.is_empty)


def _versions(result: RegistryDrift) -> Iterator[str]:
    for rename in result.renamed:
        yield f"somebody renamed model {escape(rename.recorded)} to {escape(rename.live)} on the registry; `mvc import` updates the name here"
    for version in result.versions:
        yield f"#{version.place.number} {escape(version.place.name)}  v{version.number} {short(version.id)}  {escape(version.page)}"
        if version.gone:
            yield "  deleted on the registry"
        yield from (f"  {render.value(Change(change.key, change.recorded, change.live))}" for change in version.fields)
        yield from (
            f"  {change.change} {escape(change.role)}  {escape(change.detail)}".rstrip()
            for change in version.files
            if change.change != ADDED
        )
        yield from (f"  {_tag(change)}" for change in version.tags)
        if version.added:
            yield f"  {count(len(version.added), 'file')} added: {escape(additions.listed(version.added))}"
    for created in result.since:
        yield f"#{created.number} {escape(created.name)} of {escape(created.model.name)} is new on the registry; `mvc import` imports it"
    yield f"{count(result.compared, 'version')} compared, {_differences(result)}."
    extended = [version.place for version in result.versions if version.state == drift.FILES_ADDED]
    for model in dict.fromkeys(place.model for place in extended):
        yield f"`{escape(additions.import_command(result.organization, model))}` imports added files as child versions."


def _unread(result: RegistryDrift) -> Iterator[str]:
    if result.unread:
        yield f"{count(result.unread, 'file')} compared by record only; --read-data downloads all."


def _tag(change: TagDrift) -> str:
    """Return `tag prod moved to #5 night`."""
    where = f" to #{change.number} {escape(change.name or '')}" if change.number is not None else ""
    return f"tag {escape(change.tag)} {change.change}{where}"


def _differences(result: RegistryDrift) -> str:
    """Return how many versions differ, and apart from these, to how many files were added."""
    extended = sum(version.state == drift.FILES_ADDED for version in result.versions)
    changed = len(result.versions) - extended
    parts = [count(changed, "differs", "differ")] if changed else []
    parts += [f"{count(extended, 'has', 'have')} files added"] if extended else []
    return ", ".join(parts) or "no differences"


def _of_docker(invocation: Invocation, revision: str) -> int:
    repository = invocation.repository()
    image = docker.moved(
        repository, revisions.resolve(Model(repository, invocation.model()), revision), invocation.registries()
    )
    invocation.emit("drift", {"docker": image}, lambda: _image(image), ids=(image.now or "",))
    return int(image.moved)


def _image(image: ImageDrift) -> Iterator[str]:
    version = f"v{image.number} {short(image.version)}"
    if not image.moved:
        yield f"{escape(str(image.image))} has not moved since {version}: {image.recorded}"
        return
    yield f"{escape(str(image.image))} has moved since {version}:"
    yield f"  recorded  {escape(image.recorded)}"
    yield f"  now       {image.now or 'no such tag'}"
