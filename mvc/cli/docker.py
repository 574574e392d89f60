"""`mvc docker`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import group, subverb
from mvc.porcelain import docker as porcelain
from mvc.porcelain.docker import ResolvedImage
from mvc.repository.model import Model


@group("docker")
def command(invocation: Invocation) -> None:
    """Resolve the docker image of a model.

    A tag can be moved to another image at any time, a digest cannot. `mvc docker resolve` records the digest; with
    `mvc set docker.digest=auto` each commit resolves it. `mvc drift --docker` checks whether the tag has moved since.
    """
    raise click.UsageError("missing command, as in `mvc docker resolve`")


@subverb(command, "resolve")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be written to model.toml.")
def resolve(invocation: Invocation, dry_run: bool) -> None:
    """Record the digest of the image's tag in model.toml.

    Asks the image's registry and writes docker.digest. Credentials are those of `docker login` and of docker's
    credential helpers.
    """
    repository = invocation.repository() if dry_run else invocation.writer()
    done = porcelain.resolve(Model(repository, invocation.model()), invocation.registries(), dry_run=dry_run)
    invocation.emit("docker", done, lambda: _lines(done), ids=(done.digest,))


def _lines(done: ResolvedImage) -> Iterator[str]:
    was = f" (was {escape(done.old)})" if done.old not in (None, done.digest) else ""
    yield f"{escape(str(done.image))} -> {done.digest}{was}"
    if done.platforms:
        yield f"  platforms: {', '.join(map(escape, done.platforms))}"
