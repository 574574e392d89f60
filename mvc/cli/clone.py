"""`mvc clone`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli import transfers
from mvc.cli.invocation import Invocation
from mvc.cli.pull import select
from mvc.cli.terminal import count, escape, short, size
from mvc.cli.verb import verb
from mvc.porcelain import clone as porcelain
from mvc.porcelain.clone import Cloned


@verb("clone")
@click.argument("url")
@click.argument("directory", required=False)
@click.option("--meta", is_flag=True, help="Bring no file; one is fetched when it is needed.")
@click.option("--only", multiple=True, metavar="ROLE", help="Bring the files of ROLE alone.")
@click.option("-o", "--option", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the remote.")
@transfers.options
def command(
    invocation: Invocation,
    url: str,
    directory: str | None,
    meta: bool,
    only: tuple[str, ...],
    settings: tuple[str, ...],
    jobs: int,
    limit: float | None,
) -> None:
    """Make a repository of what a remote has, with the files of its newest version.

    A remote of several models (of which --model chooses one) is brought without their files, and `mvc switch` checks one out.
    """
    folder = invocation.cwd / (directory or porcelain.folder_of(url))
    with invocation.progress("Fetching files") as progress:
        done = porcelain.clone(
            url,
            folder,
            base=invocation.cwd,
            settings=transfers.given_settings(settings),
            actor=invocation.actor(),
            user_config=invocation.user_config,
            model=invocation.model_key,
            select=select(only, meta=meta),
            jobs=jobs,
            limit=limit,
            progress=progress,
        )
    invocation.emit("clone", done.to_json, lambda: _lines(str(folder), done), ids=[done.version or ""])


def _lines(folder: str, done: Cloned) -> Iterator[str]:
    versions, models = count(done.versions, "version"), count(len(done.models), "model")
    yield f"Cloned into {escape(folder)}: {models}, {versions}, {size(done.metadata)} of metadata"
    if done.checked_out is None:
        yield "Check one out:"
        yield from (f"  mvc switch --model {escape(model)} main" for model in done.models)
        return
    yield f"{escape(done.checked_out)} is on {escape(done.branch or '')}, {short(done.version or '')}"
    if done.moved.written:
        yield f"  {count(len(done.moved.written), 'file')} written, {size(done.received)} fetched"
