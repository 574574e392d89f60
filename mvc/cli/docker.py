"""`mvc docker`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import group, subverb
from mvc.porcelain import docker as porcelain
from mvc.porcelain.docker import ResolvedImage


@group("docker")
def command(invocation: Invocation) -> None:
    """The docker image that a version runs in: what its tag stands for, written down so that it stays.

    A tag may be moved to other bytes at any time, a digest cannot. With `mvc set docker.digest=auto` each commit looks
    it up; `mvc drift --docker` tells when a tag has moved since.
    """
    raise click.UsageError("say what to do: mvc docker resolve")


@subverb(command, "resolve")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be written.")
def resolve(invocation: Invocation, dry_run: bool) -> None:
    """Ask the image's registry what its tag stands for now, and write that into model.toml as docker.digest.

    The logins are docker's own: those of `docker login`, and of the programs that keep them.
    """
    repository = invocation.repository() if dry_run else invocation.writer()
    done = porcelain.resolve(repository, invocation.model(), invocation.registries(), dry_run=dry_run)
    invocation.emit("docker", done.to_json, lambda: _lines(done), ids=(done.digest,))


def _lines(done: ResolvedImage) -> Iterator[str]:
    was = f" (was {escape(done.old)})" if done.old not in (None, done.digest) else ""
    yield f"{escape(str(done.image))} is {done.digest}{was}"
    if done.platforms:
        yield f"  for {', '.join(map(escape, done.platforms))}"
