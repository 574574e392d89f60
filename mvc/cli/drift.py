"""`mvc drift`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import count, escape, short
from mvc.cli.app.verb import verb
from mvc.model.compare.diff import Change
from mvc.porcelain import docker, drift
from mvc.porcelain.docker import ImageDrift
from mvc.porcelain.drift import RegistryDrift
from mvc.registry import connection
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("drift")
@click.argument("registry", required=False)
@click.option("--read-data", is_flag=True, help="Of a registry: read and hash big files too.")
@click.option("--docker", "of_docker", is_flag=True, help="Does the image's tag still stand for what was recorded?")
@click.option("--at", "revision", default="HEAD", metavar="REV", help="The version meant, instead of where you stand.")
def command(invocation: Invocation, registry: str | None, read_data: bool, of_docker: bool, revision: str) -> int:
    """Compare what was recorded with what is there now; exit with 1 when that is something else.

    Of REGISTRY (the only one, if none is named), every version that was published there or imported: its fields and files,
    what is gone, and what was made there since. --docker asks the registry of the version's docker image what its tag stands for now.
    """
    if of_docker and (registry is not None or read_data):
        raise click.UsageError("say --docker, or which registry, not both")
    return _of_docker(invocation, revision) if of_docker else _of_registry(invocation, registry, read_data=read_data)


def _of_registry(invocation: Invocation, name: str | None, *, read_data: bool) -> int:
    repository, model = invocation.repository(), invocation.model()
    name = name or connection.default_registry(repository)
    invocation.require_network(name)
    with (
        connection.registry(repository, name, invocation.environ) as registry,
        invocation.progress(f"Reading from {name}") as progress,
    ):
        found = drift.drift(repository, registry, model, read_data=read_data, progress=progress)
    invocation.emit("drift", found.to_json, lambda: _versions(found), ids=[each.id for each in found.versions])
    return int(not found.is_empty)


def _versions(found: RegistryDrift) -> Iterator[str]:
    for each in found.versions:
        yield f"#{each.place.number} {escape(each.place.name)}  v{each.number} {short(each.id)}  {escape(each.page)}"
        if each.gone:
            yield "  it is gone"
        yield from (f"  {render.value(Change(change.key, change.recorded, change.live))}" for change in each.fields)
        yield from (f"  {change.what} {escape(change.role)}  {escape(change.detail)}".rstrip() for change in each.files)
    for made in found.since:
        yield f"#{made.number} {escape(made.name)} of {escape(made.model.name)} was made there since; `mvc import` brings it"
    one = len(found.versions) == 1
    differ = f"{len(found.versions)} of them differ{'s' if one else ''}" if found.versions else "none of them differs"
    yield f"{count(found.compared, 'version')} compared: {differ}."
    if found.unread:
        yield f"{count(found.unread, 'big file')} not read; --read-data hashes all."


def _of_docker(invocation: Invocation, revision: str) -> int:
    repository = invocation.repository()
    found = docker.moved(
        repository, revisions.resolve(Model(repository, invocation.model()), revision), invocation.registries()
    )
    invocation.emit("drift", lambda: {"docker": found.to_json()}, lambda: _image(found), ids=(found.now or "",))
    return int(found.moved)


def _image(found: ImageDrift) -> Iterator[str]:
    version = f"v{found.number} {short(found.version)}"
    if not found.moved:
        yield f"{escape(str(found.image))} is what {version} recorded: {found.recorded}"
        return
    yield f"{escape(str(found.image))} is not what {version} recorded:"
    yield f"  recorded  {escape(found.recorded)}"
    yield f"  now       {found.now or 'no such tag'}"
