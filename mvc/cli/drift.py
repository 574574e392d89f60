"""`mvc drift`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation
from mvc.cli.terminal import escape, short
from mvc.cli.verb import verb
from mvc.porcelain import docker
from mvc.porcelain.docker import ImageDrift
from mvc.repository import revisions


@verb("drift")
@click.option("--docker", "of_docker", is_flag=True, help="Does the image's tag still stand for what was recorded?")
@click.option("--at", "revision", default="HEAD", metavar="REV", help="The version meant, instead of where you stand.")
def command(invocation: Invocation, of_docker: bool, revision: str) -> int:
    """Compare what a version recorded with what is there now; exit with 1 when that is something else.

    --docker asks the registry of the version's docker image what its tag stands for now.
    """
    if not of_docker:
        raise click.UsageError("say what to compare: --docker")
    repository = invocation.repository()
    found = docker.moved(
        repository, revisions.resolve(repository, invocation.model(), revision), invocation.registries()
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
