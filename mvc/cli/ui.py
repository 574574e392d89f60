"""`mvc ui`: its options, arguments and output."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvc import lazy
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, size
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.remotes.backends import address
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.site import export
from mvc.site.contents import Contents, Pair
from mvc.site.documents.options import Options
from mvc.site.export import ExportedPage

if TYPE_CHECKING:
    from mvc.porcelain import ui_remote
    from mvc.site import live, serve
    from mvc.transport import connection, file_reader
else:
    ui_remote = lazy.Module("mvc.porcelain.ui_remote")
    live = lazy.Module("mvc.site.live")
    serve = lazy.Module("mvc.site.serve")
    connection = lazy.Module("mvc.transport.connection")
    file_reader = lazy.Module("mvc.transport.file_reader")

_EMAILS = "emails"


@verb("ui")
@click.option("--port", type=click.IntRange(1, 65535), help="Serve at this port (default: a free one).")
@click.option("--open/--no-browser", "browse", default=False, help="Open the page in a browser.")
@click.option("--files", "with_files", is_flag=True, help="Also serve the bytes of files.")
@click.option("--remote", metavar="NAME|URL", help="Show a remote, without a clone.")
@click.option("--export", "folder", metavar="DIR", help="Write the page to DIR: a new folder, or an earlier export.")
@click.option("--force", is_flag=True, help="With --export: replace the page of another repository.")
@click.option("--single", "file", metavar="FILE", help="Write the page to one HTML file, for mail.")
@click.option("--base-url", "base", metavar="URL", help="The address where the export will be, for links to it.")
@click.option("--redact", type=click.Choice([_EMAILS]), help="Leave out the mail addresses of authors.")
@click.option("--deep", is_flag=True, help="Read changed tensors, to show how far each moved.")
@click.option("--compare", "pairs", multiple=True, metavar="A...B", help="Also compare the tensors of A and B.")
def command(
    invocation: Invocation,
    port: int | None,
    browse: bool,
    with_files: bool,
    remote: str | None,
    folder: str | None,
    force: bool,
    file: str | None,
    base: str | None,
    redact: str | None,
    deep: bool,
    pairs: tuple[str, ...],
) -> None:
    """Show models and versions as a web page.

    Serves the page to this machine until Ctrl-C, and prints its address, which is needed to see it. With
    --export, write it to a folder that opens without a server: from disk, GitLab or GitHub Pages, or a bucket.
    Repeated, it writes only what is new, and refuses to replace the page of another repository. --model limits the page to one model.
    """
    if folder is not None and file is not None:
        raise click.UsageError("expected either --export DIR or --single FILE")
    target = folder or file
    if target is not None and (port is not None or browse or with_files):
        raise click.UsageError("--port, --open and --files apply to the server, not to --export and --single")
    if force and folder is None:
        raise click.UsageError("--force applies to --export")
    if base is not None and not base.startswith(("https://", "http://")):
        raise click.UsageError(f"--base-url is an address that begins with https:// or http://, not {base!r}")
    if target is not None:
        _check_place(invocation.cwd / target, is_file=folder is None)
    options = Options(redact=redact == _EMAILS, base=base, deep=deep)
    with _source(invocation, remote) as source:
        page = _Page(source, options, pairs)
        if target is None:
            _serve(invocation, page, port or 0, browse=browse, with_files=with_files)
            return
        contents = page.contents()
        place = invocation.cwd / target
        done = export.single(contents, place) if folder is None else export.folder(contents, place, force=force)
        invocation.note_skipped(contents.repository)
    if done.damaged:
        names = ", ".join(id_[:10] for id_ in done.damaged)
        invocation.note(
            f"warning: {count(len(done.damaged), 'damaged version')} without details: {names}; see `mvc fsck`"
        )
    invocation.emit("ui", done, lambda: _lines(done, target))


def _check_place(place: Path, *, is_file: bool) -> None:
    """Refuse a place that cannot have the page: a folder for a file, a file for a folder."""
    shown = escape(os.fspath(place))
    if is_file and os.path.isdir(place):
        raise click.UsageError(f"--single expects a file, and {shown} is a folder")
    if is_file and not os.path.isdir(place.parent):
        raise click.UsageError(
            f"--single expects a file in a folder, and there is no {escape(os.fspath(place.parent))}"
        )
    nearest = next(above for above in (place, *place.parents) if os.path.lexists(above))
    if not is_file and not os.path.isdir(nearest):
        raise click.UsageError(f"--export expects a folder, and {escape(os.fspath(nearest))} is not one")


@contextlib.contextmanager
def _source(invocation: Invocation, remote: str | None) -> Iterator[Invocation]:
    """Yield the invocation in the repository that is shown: this one, or a temporary one with what `remote` has."""
    if remote is None:
        yield invocation
        return
    given: dict[str, Any] = {"url": remote}
    if "/" not in remote:
        settings = dict(connection.settings_of(invocation.repository(), remote))
        given = {"url": settings.pop("url"), "name": remote, "settings": settings}
    base = invocation.cwd if "name" not in given else invocation.repository().root
    where = address.parse(given["url"], base)
    if not where.is_local:
        invocation.require_network(where.text)
    with (
        _hangup_ends(),
        ui_remote.opened(
            **given,
            base=base,
            actor=invocation.actor(),
            user_config=invocation.user_config,
            trusted_hosts=invocation.trusted_hosts,
            model=invocation.model_key,
            force_policy=invocation.force_policy,
        ) as copied,
    ):
        for ref in copied.refused:
            rules = "; ".join(ref.rules)
            invocation.note(f"warning: left out, since policy refuses to take {escape(ref.what)}: {escape(rules)}")
        yield replace(invocation, root=copied.folder, cwd=copied.folder)


@contextlib.contextmanager
def _hangup_ends() -> Iterator[None]:
    """Handle the end of the terminal as SIGTERM, so that the temporary folder is removed."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        yield
        return
    before = signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


class _Page:
    """The models and pairs that are shown, of a repository that is opened again for each state of it."""

    def __init__(self, source: Invocation, options: Options, pairs: tuple[str, ...]) -> None:
        self.source, self._options = source, options
        self._key = source.model() if source.model_key is not None else None
        self._pairs = [self._pair(pair) for pair in pairs]

    def repository(self) -> Repository:
        return replace(self.source).repository()

    def contents(self) -> Contents:
        repository = self.repository()
        keys = [self._key] if self._key is not None else repository.heads.models()
        return Contents(repository, [Model(repository, key) for key in keys], self._options, self._pairs)

    def _pair(self, text: str) -> tuple[str, Pair]:
        """Return the model and the two versions of `A...B`."""
        left, dots, right = text.partition("...")
        if not dots:
            raise click.UsageError(f"--compare takes two versions as A...B, not {text!r}")
        repository = self.source.repository()
        key = revisions.model_of(Model(repository, self.source.model()), left or "HEAD")
        one, two = (revisions.resolve(Model(repository, key), side or "HEAD") for side in (left, right))
        return key, (one, two)


def _serve(invocation: Invocation, page: _Page, port: int, *, browse: bool, with_files: bool) -> None:
    """Serve the page until a signal ends the process: Ctrl-C with exit code 130, SIGTERM with 143."""
    door = page.repository().door
    server = serve.Server(
        lambda: live.Live(door, page.contents),
        port=port,
        reader=(lambda file: file_reader.FileReader(page.repository(), file)) if with_files else None,
        log=invocation.note if invocation.verbose else None,
    )
    served = {"url": server.url, "port": server.port}
    invocation.emit("ui", served, lambda: [f"Serving at {server.url}"], ids=[server.url], wrap=False)
    with _browser(server) if browse else contextlib.nullcontext():
        server.run()


@contextlib.contextmanager
def _browser(server: serve.Server) -> Iterator[None]:
    """Open a browser. Its command line names a private file, which redirects to an address that works once."""
    with tempfile.TemporaryDirectory(prefix="mvc-ui-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "open.html"
        file.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={server.ticket()}">', "utf-8")
        threading.Thread(target=webbrowser.open, args=[file.as_uri()], daemon=True).start()
        yield


def _lines(done: ExportedPage, target: str) -> Iterator[str]:
    versions = f"{count(done.versions, 'version')} of {count(done.models, 'model')}"
    yield f"Wrote {count(done.files, 'file')}, {size(done.size)}, to {escape(target)}: {versions}"
