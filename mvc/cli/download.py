"""`mvc download`: its options, arguments and output."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from mvc.cli.app import transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.app.verb import verb
from mvc.cli.history import notes
from mvc.plural import count
from mvc.porcelain import download as porcelain
from mvc.porcelain.download import Downloaded, Setup, Source


@verb("download")
@click.argument("words", nargs=-1, type=click.Path(), metavar="SOURCE [ROLE]... DIR")
@click.option("--lock", "lock", type=click.Path(), metavar="FILE", help="Record the exact files in FILE.")
@click.option("--locked", type=click.Path(), metavar="FILE", help="Download exactly the files that FILE records.")
@click.option("--url", metavar="URL", help="Download the files of --locked from URL.")
@click.option("-o", "--option", "settings", multiple=True, metavar="KEY=VALUE", help="Set an option of the remote.")
@click.option("--by-role", is_flag=True, help="Name each file by its role and suffix, such as model-latest.pt.")
@click.option("-f", "--force", is_flag=True, help="Replace files in DIR that differ.")
@transfers.options
def command(
    invocation: Invocation,
    words: tuple[str, ...],
    lock: str | None,
    locked: str | None,
    url: str | None,
    settings: tuple[str, ...],
    by_role: bool,
    force: bool,
    jobs: int,
    limit: float | None,
) -> None:
    """Download a version's files without a repository.

    SOURCE is URL#MODEL@REV: the URL of a remote, a model of it (by default the only one), and a branch, tag, alias, number
    or id (by default main). Writes the files with ROLE to DIR, by default all and model.toml; ROLE may also be a path or a
    quoted pattern. Every file is verified; a repeated command resumes an interrupted download.

    With --by-role, files have the same paths in DIR for every version: DIR/model-latest.pt, also if that is
    runs/exp8/weights/best.pt in the version.

    `mvc download --locked FILE [DIR]` downloads what `--lock FILE` recorded.

    A name that rules on take: in your own policy.toml refuse is not downloaded, and the exit code is 17.
    """
    given = transfers.given_settings(settings)
    if url is not None and locked is None:
        raise click.UsageError("--url needs --locked; without it, the URL is the first argument")
    if locked is not None and (len(words) > 1 or lock is not None or (given and url is None)):
        raise click.UsageError("--locked takes DIR only; with --url, also --option")
    if locked is None and len(words) < 2:
        raise click.UsageError("name a source and a folder: mvc download URL#MODEL@REV DIR")
    directory = Path(words[-1] if words else ".")
    with _resumable(invocation, directory), invocation.progress("Downloading") as progress:
        setup = Setup(
            invocation.cwd,
            invocation.user_config,
            invocation.trusted_hosts,
            invocation.offline,
            invocation.lock_timeout,
            jobs,
            limit,
            progress,
            invocation.force_policy,
        )
        folder = invocation.cwd / directory
        if locked is not None:
            done = porcelain.download_locked(
                invocation.cwd / locked, folder, setup, url=url, settings=given, force=force, by_role=by_role
            )
        else:
            done = porcelain.download(
                _source(words[0], invocation.model_key),
                folder,
                setup,
                names=words[1:-1],
                settings=given,
                lock=invocation.cwd / lock if lock is not None else None,
                force=force,
                by_role=by_role,
            )
    for reason in done.unreadable:
        invocation.note(f"warning: ignored a note, which may withdraw the version: {escape(reason)}")
    if done.withdrawn is not None:
        invocation.note(notes.warning(f"v{done.number} {short(done.version)}", done.withdrawn))
    invocation.emit("download", done, lambda: _lines(directory, done, lock), ids=[done.version])


def _source(text: str, model: str | None) -> Source:
    source = Source.parse(text)
    return source if source.model or model is None else source._replace(model=model)


@contextlib.contextmanager
def _resumable(invocation: Invocation, directory: Path) -> Iterator[None]:
    """Print after an error or Ctrl-C how to resume the download, if it can be resumed."""
    try:
        yield
    except BaseException:
        if porcelain.is_unfinished(invocation.cwd / directory):
            invocation.note(f"the download to {directory} is incomplete; run the same command again to resume it")
        raise


def _lines(directory: Path, done: Downloaded, lock: str | None) -> Iterator[str]:
    kept = sum(not file.written for file in done.files)
    yield (
        f"Downloaded {escape(done.model)} v{done.number} {short(done.version)} to {escape(str(directory))}: "
        f"{count(len(done.files), 'file')}, {size(done.size)}" + (f" ({kept} unchanged)" if kept else "")
    )
    if lock is not None:
        yield f"Locked in {escape(lock)}"
