"""`mvc clone`: its options, arguments and output."""

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
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.app.verb import verb
from mvc.cli.pull import select
from mvc.plural import count
from mvc.porcelain import clone as porcelain
from mvc.porcelain.clone import Cloned
from mvc.registry import connection
from mvc.remotes.backends import address as remotes
from mvc.remotes.backends import registry_address

if TYPE_CHECKING:
    from mvc.cli import import_
    from mvc.porcelain import clone_registry
else:
    import_ = lazy.Module("mvc.cli.import_")
    clone_registry = lazy.Module("mvc.porcelain.clone_registry")


@verb("clone")
@click.argument("url")
@click.argument("directory", required=False)
@click.option("--meta", is_flag=True, help="Fetch no files; fetch each one when a command needs it.")
@click.option("--only", multiple=True, metavar="ROLE", help="Fetch only the files with ROLE.")
@click.option(
    "-b",
    "--branch",
    "revision",
    metavar="NAME",
    help="Check out branch NAME, or detach HEAD at a tag, alias or version.",
)
@click.option("-o", "--option", "settings", multiple=True, metavar="KEY=VALUE", help="Set an option of the remote.")
@transfers.options
def command(
    invocation: Invocation,
    url: str,
    directory: str | None,
    meta: bool,
    only: tuple[str, ...],
    revision: str | None,
    settings: tuple[str, ...],
    jobs: int,
    limit: float | None,
) -> int:
    """Clone a remote into a new folder.

    Fetches all versions and checks out the files of the newest one. If the remote has several models and --model
    names none of them, no files are checked out; `mvc switch --model NAME main` checks out one. URL#NAME is short for --model NAME. URL may also name a model on a
    registry, picsellia://ORGANIZATION/MODEL[@VERSION], whose versions are then imported.

    A name that rules on take: in your own policy.toml refuse is left out, and the exit code is 17; nothing is cloned if it is
    the one to check out.
    """
    if registry_address.is_registry(url):
        if meta or only or limit is not None or revision is not None:
            raise click.UsageError(
                "--meta, --only, --branch and --limit apply to remotes; a registry's versions are imported whole"
            )
        return _of_registry(invocation, url, directory, transfers.given_settings(settings))
    url, model = remotes.with_model(url, invocation.cwd)
    if model is not None and invocation.model_key not in (None, model):
        raise click.UsageError(f"URL#{model} and --model {invocation.model_key} name two models")
    address = remotes.parse(url, invocation.cwd)
    if not address.is_local:
        invocation.require_network(address.text)
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
            model=model or invocation.model_key,
            revision=revision,
            select=select(only, meta=meta),
            force_policy=invocation.force_policy,
            jobs=jobs,
            limit=limit,
            progress=progress,
        )
    invocation.emit("clone", done, lambda: _lines(directory, done), ids=[done.version or ""])
    for name in done.ignored:
        invocation.note(f"warning: ignored invalid ref name: {escape(name)}")
    for reason in done.unreadable:
        invocation.note(f"warning: ignored a note or evaluation: {escape(reason)}")
    done.check()
    return 0


def _of_registry(invocation: Invocation, url: str, directory: str | None, settings: dict[str, str]) -> int:
    place = import_.parse(url)
    assert place.model is not None  # noqa: S101 - parse refuses an address without one
    invocation.require_network(place.text)
    directory = directory or porcelain.folder_of(place.model)
    folder = invocation.cwd / directory
    approvals = invocation.settings().approvals(invocation.trusted_hosts)
    with (
        connection.typed_registry(place.organization, settings, invocation.environ, approvals) as registry,
        _resumable(invocation, folder),
        invocation.progress("Fetching files") as progress,
    ):
        done = clone_registry.clone_registry(
            registry,
            place.model,
            folder,
            actor=invocation.actor(),
            url=registry_address.RegistryAddress(place.organization).text,
            settings=settings,
            version=place.version,
            key=invocation.model_key,
            user_config=invocation.user_config,
            trusted_hosts=invocation.trusted_hosts,
            progress=progress,
        )
    shown = [f"Cloned into {escape(directory)}", *import_.lines(done)]
    invocation.emit("import", done, lambda: shown, ids=[version.id or "" for version in done.versions])
    import_.warn(invocation, done)
    return import_.code(done)


@contextlib.contextmanager
def _resumable(invocation: Invocation, folder: Path) -> Iterator[None]:
    """Print after an error or Ctrl-C how to resume the clone, if it can be resumed."""
    try:
        yield
    except BaseException as error:
        if porcelain.is_unfinished(folder) and not isinstance(error, errors.NotEmpty):
            place = os.path.relpath(folder, invocation.cwd)
            invocation.note(f"the clone in {place} is incomplete; run the same `mvc clone` again to resume it")
        raise


def _lines(folder: str, done: Cloned) -> Iterator[str]:
    versions, models = count(done.versions, "version"), count(len(done.models), "model")
    yield f"Cloned into {escape(folder)}: {models}, {versions}, {size(done.metadata)} of metadata"
    if done.checked_out is None:
        yield "Check out a model with:"
        yield from (f"  mvc switch --model {escape(model)} main" for model in done.models)
        return
    place = escape(done.branch) if done.branch is not None else "detached HEAD"
    yield f"Checked out {escape(done.checked_out)}: {place}, {short(done.version or '')}"
    if done.moved.written:
        fetched = f", {size(done.received)} fetched" * bool(done.received)
        yield f"  {count(len(done.moved.written), 'file')} written{fetched}"
