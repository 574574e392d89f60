"""`mvc clone`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mvc import errors, lazy
from mvc.cli.app import transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import count, escape, short, size
from mvc.cli.app.verb import verb
from mvc.cli.pull import select
from mvc.porcelain import clone as porcelain
from mvc.porcelain.clone import Cloned
from mvc.registry import connection
from mvc.remotes.backends import address as remotes
from mvc.remotes.backends import kinds, options, registry_address

if TYPE_CHECKING:
    from mvc.cli import import_
    from mvc.porcelain import clone_registry
else:
    import_ = lazy.Module("mvc.cli.import_")
    clone_registry = lazy.Module("mvc.porcelain.clone_registry")


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
) -> int:
    """Make a repository of what a remote has, with the files of its newest version.

    A remote of several models (of which --model chooses one) is brought without their files, and `mvc switch` checks one out.
    URL may also be that of a model on a registry, picsellia://ORGANIZATION/MODEL[@VERSION]: what is there is imported.
    """
    if registry_address.is_registry(url):
        if meta or only or limit is not None:
            raise click.UsageError("--meta, --only and --limit are for remotes; a registry's versions come whole")
        return _of_registry(invocation, url, directory, transfers.given_settings(settings))
    there = remotes.parse(url, invocation.cwd)
    if there.kind is not kinds.FILE:
        invocation.require_network(there.text)
    directory = directory or porcelain.folder_of(url)
    folder = invocation.cwd / directory
    with _resumable(invocation, folder), invocation.progress("Fetching files") as progress:
        done = porcelain.clone(
            url,
            folder,
            base=invocation.cwd,
            settings=transfers.given_settings(settings),
            actor=invocation.actor(),
            user_config=invocation.user_config,
            trusted_hosts=invocation.trusted_hosts,
            model=invocation.model_key,
            select=select(only, meta=meta),
            jobs=jobs,
            limit=limit,
            progress=progress,
        )
    invocation.emit("clone", done.to_json, lambda: _lines(directory, done), ids=[done.version or ""])
    return 0


def _of_registry(invocation: Invocation, url: str, directory: str | None, settings: dict[str, str]) -> int:
    where = import_.parse(url)
    assert where.model is not None  # noqa: S101 - parse refuses an address without one
    invocation.require_network(where.text)
    options.check(kinds.PICSELLIA, settings)
    directory = directory or porcelain.folder_of(where.model)
    folder = invocation.cwd / directory
    host, approvals = (
        settings.get("host", registry_address.HOST),
        invocation.settings().approvals(invocation.trusted_hosts),
    )
    with (
        connection.typed_registry(where.organization, host, invocation.environ, approvals) as registry,
        _resumable(invocation, folder),
        invocation.progress("Fetching files") as progress,
    ):
        done = clone_registry.clone_registry(
            registry,
            where.model,
            folder,
            actor=invocation.actor(),
            url=registry_address.RegistryAddress(where.organization).text,
            settings=settings,
            version=where.version,
            key=invocation.model_key,
            user_config=invocation.user_config,
            trusted_hosts=invocation.trusted_hosts,
            progress=progress,
        )
    shown = [f"Cloned into {escape(directory)}", *import_.lines(done)]
    invocation.emit("import", done.to_json, lambda: shown, ids=[each.id or "" for each in done.versions])
    import_.tell(invocation, done)
    return import_.code(done)


@contextlib.contextmanager
def _resumable(invocation: Invocation, folder: Path) -> Iterator[None]:
    """Say after an error or Ctrl-C that the clone can be resumed, if it can."""
    try:
        yield
    except BaseException as error:
        if porcelain.is_unfinished(folder) and not isinstance(error, errors.NotEmpty):
            where = os.path.relpath(folder, invocation.cwd)
            invocation.note(f"the clone in {where} is unfinished; run the same `mvc clone` again to resume it")
        raise


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
