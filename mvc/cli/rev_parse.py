"""`mvc rev-parse`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.model.ids import VersionId
from mvc.repository import history, revisions, upstream
from mvc.repository.model import Model


@verb("rev-parse", apart=(("--merge-base", "--is-ancestor"),))
@click.argument("texts", nargs=-1, metavar="[REV]...")
@click.option(
    "--short",
    "digits",
    type=click.IntRange(4, 64),
    is_flag=False,
    flag_value=10,
    metavar="[=N]",
    help="Print the first N digits (10).",
)
@click.option(
    "--abbrev-ref",
    "--symbolic-full-name",
    "abbrev_ref",
    is_flag=True,
    help="Print the branch of HEAD, or of main@{u}; `HEAD` if it is detached.",
)
@click.option("--show-toplevel", is_flag=True, help="Print the folder of the repository.")
@click.option("--merge-base", is_flag=True, help="Print the merge base of two REV; exit with 1 if there is none.")
@click.option("--is-ancestor", is_flag=True, help="Exit with 0 if the second REV is reached from the first, else 1.")
@click.option("--git-dir", "--absolute-git-dir", "store", is_flag=True, help="Print the folder of the store.")
@click.option("--is-inside-work-tree", "inside", is_flag=True, help="Print true in a repository.")
@click.option("--verify", is_flag=True, help="Expect one REV.")
def command(
    invocation: Invocation,
    texts: tuple[str, ...],
    digits: int | None,
    abbrev_ref: bool,
    show_toplevel: bool,
    merge_base: bool,
    is_ancestor: bool,
    store: bool,
    inside: bool,
    verify: bool,
) -> int:
    """Print the id of a version.

    Takes every form of a revision: main, v7, HEAD~2, prod, main@{1}.
    """
    if show_toplevel or store or inside:
        root = invocation.find_root()
        top = "true" if inside else str(root / ".mvc") if store else str(root)
        invocation.emit("rev-parse", {"values": [top]}, lambda: [escape(top)], ids=[top])
        return 0
    if not texts or (verify and len(texts) > 1):
        raise click.UsageError("name a revision, as in `mvc rev-parse HEAD`")
    model = Model(invocation.repository(), invocation.model())
    if merge_base:
        return _merge_bases(invocation, model, texts)
    if is_ancestor:
        old, new = _two(model, texts)
        return int(not history.is_ancestor(model.repository.objects, old, new))
    values = [_value(model, text, digits=digits, abbrev_ref=abbrev_ref) for text in texts]
    invocation.emit("rev-parse", {"values": values}, lambda: map(escape, values), ids=values)
    return 0


def _merge_bases(invocation: Invocation, model: Model, texts: Sequence[str]) -> int:
    bases = history.merge_bases(model.repository.objects, *_two(model, texts))[:1]
    invocation.emit("rev-parse", {"values": bases}, lambda: bases, ids=bases)
    return int(not bases)


def _two(model: Model, texts: Sequence[str]) -> tuple[VersionId, VersionId]:
    if len(texts) != 2:
        raise click.UsageError("name two revisions, as in `mvc rev-parse --merge-base main HEAD`")
    return revisions.resolve(model, texts[0]), revisions.resolve(model, texts[1])


def _value(model: Model, text: str, *, digits: int | None, abbrev_ref: bool) -> str:
    if abbrev_ref and text in ("HEAD", "@"):
        return model.head.branch or "HEAD"
    name, at, when = text.partition("@{")
    followed = upstream.followed(model, name or model.head.branch or "") if when in ("u}", "upstream}") else None
    if abbrev_ref and at and followed is not None:
        return "/".join(followed)
    id_ = revisions.resolve(model, text)
    return text if abbrev_ref else id_[:digits]
