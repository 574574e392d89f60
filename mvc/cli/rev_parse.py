"""`mvc rev-parse`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.app.verb import verb
from mvc.repository import history, revisions
from mvc.repository.model import Model


@verb("rev-parse")
@click.argument("texts", nargs=-1, metavar="[REV]...")
@click.option("--short", "abbreviated", is_flag=True, help="Print the first ten digits.")
@click.option("--abbrev-ref", is_flag=True, help="Print the branch of HEAD; `HEAD` if it is detached.")
@click.option("--show-toplevel", is_flag=True, help="Print the folder of the repository.")
@click.option("--merge-base", is_flag=True, help="Print the merge base of two REV; exit with 1 if there is none.")
@click.option("--verify", is_flag=True, help="Expect one REV.")
def command(
    invocation: Invocation,
    texts: tuple[str, ...],
    abbreviated: bool,
    abbrev_ref: bool,
    show_toplevel: bool,
    merge_base: bool,
    verify: bool,
) -> int:
    """Print the id of a version.

    Takes every form of a revision: main, v7, HEAD~2, prod, main@{1}.
    """
    if show_toplevel:
        top = str(invocation.find_root())
        invocation.emit("rev-parse", {"values": [top]}, lambda: [escape(top)], ids=[top])
        return 0
    if not texts or (verify and len(texts) > 1):
        raise click.UsageError("name a revision, as in `mvc rev-parse HEAD`")
    model = Model(invocation.repository(), invocation.model())
    if merge_base:
        return _merge_bases(invocation, model, texts)
    values = [_value(model, text, abbreviated=abbreviated, abbrev_ref=abbrev_ref) for text in texts]
    invocation.emit("rev-parse", {"values": values}, lambda: map(escape, values), ids=values)
    return 0


def _merge_bases(invocation: Invocation, model: Model, texts: Sequence[str]) -> int:
    if len(texts) != 2:
        raise click.UsageError("name two revisions, as in `mvc rev-parse --merge-base main HEAD`")
    bases = history.merge_bases(model.repository.objects, *(revisions.resolve(model, text) for text in texts))[:1]
    invocation.emit("rev-parse", {"values": bases}, lambda: bases, ids=bases)
    return int(not bases)


def _value(model: Model, text: str, *, abbreviated: bool, abbrev_ref: bool) -> str:
    if abbrev_ref and text in ("HEAD", "@"):
        return model.head.branch or "HEAD"
    id_ = revisions.resolve(model, text)
    return text if abbrev_ref else short(id_) if abbreviated else id_
