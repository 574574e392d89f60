"""`mvc ui`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, size
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.site import export
from mvc.site.contents import Contents, Pair
from mvc.site.documents.options import Options
from mvc.site.export import ExportedPage

_EMAILS = "emails"


@verb("ui")
@click.option("--export", "folder", metavar="DIR", help="Write the page to DIR: a new folder, or an earlier export.")
@click.option("--single", "file", metavar="FILE", help="Write the page to one HTML file, for mail.")
@click.option("--base-url", "base", metavar="URL", help="The address where the export will be, for links to it.")
@click.option("--redact", type=click.Choice([_EMAILS]), help="Leave out the mail addresses of authors.")
@click.option("--compare", "pairs", multiple=True, metavar="A...B", help="Also compare the tensors of A and B.")
def command(
    invocation: Invocation,
    folder: str | None,
    file: str | None,
    base: str | None,
    redact: str | None,
    pairs: tuple[str, ...],
) -> None:
    """Show models and versions as a web page.

    With --export, write the page to a folder that opens without a server: from disk, GitLab or GitHub Pages, or a
    bucket. Repeated, it writes only what is new. --model limits the page to one model.
    """
    if (folder is None) == (file is None):
        raise click.UsageError("expected either --export DIR or --single FILE")
    if base is not None and not base.startswith(("https://", "http://")):
        raise click.UsageError(f"--base-url is an address that begins with https:// or http://, not {base!r}")
    repository = invocation.repository()
    keys = [invocation.model()] if invocation.model_key is not None else repository.heads.models()
    asked = [_pair(invocation, pair) for pair in pairs]
    options = Options(redact=redact == _EMAILS, base=base)
    contents = Contents(repository, [Model(repository, key) for key in keys], options, asked)
    target = str(folder or file)
    done = (export.single if folder is None else export.folder)(contents, invocation.cwd / target)
    if done.damaged:
        names = ", ".join(id_[:10] for id_ in done.damaged)
        invocation.note(
            f"warning: {count(len(done.damaged), 'damaged version')} without details: {names}; see `mvc fsck`"
        )
    invocation.emit("ui", done, lambda: _lines(done, target))


def _pair(invocation: Invocation, text: str) -> tuple[str, Pair]:
    """Return the model and the two versions of `A...B`."""
    left, dots, right = text.partition("...")
    if not dots:
        raise click.UsageError(f"--compare takes two versions as A...B, not {text!r}")
    model = Model(invocation.repository(), invocation.model())
    key = revisions.model_of(model, left or "HEAD")
    of = Model(invocation.repository(), key)
    one, two = (revisions.resolve(of, side or "HEAD") for side in (left, right))
    return key, (one, two)


def _lines(done: ExportedPage, target: str) -> Iterator[str]:
    versions = f"{count(done.versions, 'version')} of {count(done.models, 'model')}"
    yield f"Wrote {count(done.files, 'file')}, {size(done.size)}, to {escape(target)}: {versions}"
