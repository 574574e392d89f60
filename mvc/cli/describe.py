"""`mvc describe`: its options, arguments and output."""

from __future__ import annotations

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.model.ids import SHORT
from mvc.porcelain.describe import Options, describe
from mvc.porcelain.status import status
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("describe")
@click.argument("revision", required=False, metavar="[REV]")
@click.option("--tags", is_flag=True, help="Consider all tags, which is the default.")
@click.option("--all", "every", is_flag=True, help="Consider branches and aliases, too.")
@click.option("--match", multiple=True, metavar="PATTERN", help="Consider only tags that match, such as '2026.*'.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out tags that match.")
@click.option("--first-parent", is_flag=True, help="Skip the versions of merged branches.")
@click.option("--exact-match", "exact", is_flag=True, help="Accept only a tag of REV itself.")
@click.option("--long", is_flag=True, help="Print distance and id even if REV has a tag.")
@click.option("--always", is_flag=True, help="Print the short id if no tag is found.")
@click.option(
    "--abbrev", type=click.IntRange(0, 64), default=SHORT, metavar="N", help="Digits of the id; 0: only the tag."
)
@click.option("--dirty", is_flag=True, help="Append -dirty if the working tree has local changes.")
def command(
    invocation: Invocation,
    revision: str | None,
    tags: bool,
    every: bool,
    match: tuple[str, ...],
    exclude: tuple[str, ...],
    first_parent: bool,
    exact: bool,
    long: bool,
    always: bool,
    abbrev: int,
    dirty: bool,
) -> None:
    """Name a version after its nearest tag.

    2026.2-2-gf17a3e4ccd is the second version after tag 2026.2, with its id. REV defaults to HEAD. Without tags, a
    version still has its number, such as v7.
    """
    if dirty and revision is not None:
        raise click.UsageError("--dirty describes the working tree, and takes no REV")
    if long and not abbrev:
        raise click.UsageError("--long cannot be combined with --abbrev=0")
    model = Model(invocation.repository(), invocation.model())
    text = revision or "HEAD"
    options = Options(match, exclude, every, first_parent, exact, long, always, abbrev)
    of = Model(model.repository, revisions.model_of(model, text))
    described = describe(of, revisions.resolve(model, text), options)
    if dirty and not status(model).difference.is_empty:
        described = described.marked()
    invocation.emit("describe", described, lambda: [escape(described.name)], ids=[described.name])
