"""`mvc diff`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import click

from mvc import lazy
from mvc.cli.app import tensors as tensor_lines
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.app.verb import verb
from mvc.cli.git.paths import revisions_and_paths
from mvc.cli.history import changes as changes_style
from mvc.cli.history.changes import ChangesStyle
from mvc.cli.history.numbers import Numbers
from mvc.model.ids import VersionId
from mvc.porcelain.diff import Diff, diff, sides
from mvc.repository import revisions
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.cli.files import plain
    from mvc.cli.output import onnx as graphs
    from mvc.cli.review import document
else:
    graphs = lazy.Module("mvc.cli.output.onnx")
    document = lazy.Module("mvc.cli.review.document")
    plain = lazy.Module("mvc.cli.files.plain")

_NAMES = ("--name-only", "--name-status")
_APART = (
    *changes_style.APART,
    *((option, names) for option in ("--onnx", "--tensors") for names in _NAMES),
    ("--md", "--unified"),
)


@verb("diff", apart=_APART)
@click.argument("words", nargs=-1, metavar="[REV [REV] | A..B] [[--] PATH...]")
@changes_style.options
@click.option(
    "--tensors",
    type=click.Choice(("headers", "deep")),
    is_flag=False,
    flag_value="headers",
    metavar="[=deep]",
    help="Also compare the tensors of modified files, and with =deep their weights.",
)
@click.option("--onnx", is_flag=True, help="Also compare the graphs of modified ONNX files.")
@click.option("--md", is_flag=True, help="Print the changes in Markdown, for a merge request.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there are differences.")
@click.option("--no-index", is_flag=True, help="Compare two files or folders, without a repository.")
def command(
    invocation: Invocation,
    words: tuple[str, ...],
    changes_style: ChangesStyle,
    tensors: Literal["headers", "deep"] | None,
    onnx: bool,
    md: bool,
    exit_code: bool,
    no_index: bool,
) -> int:
    """Show changes between versions, or to the working tree.

    Compares the working tree with HEAD or REV, or two versions, by class, value and file. A class that is removed, or
    has another index or name, is marked as breaking: programs that read class indexes would misread it. PATH (or a
    role) shows only the changes of these files, model.toml only labelmap and values. Small text files, such as
    args.yaml, are compared by line.
    --onnx compares operators, opsets, inputs and outputs of ONNX graphs, from their nodes and not from their weights.
    --md prints tables of at most 65,000 characters, which is what a comment on GitHub may have.

    With --no-index, two files or folders are compared as they are, folders by path and by the values of their model.toml;
    the exit code is 1 if they differ. Outside of a repository, `mvc diff PATH PATH` does the same.
    """
    if md and (changes_style.is_names or changes_style.stat):
        raise click.UsageError("--md cannot be combined with --stat, --name-only or --name-status")
    if no_index or plain.are_meant(invocation, words):
        if md or onnx:
            raise click.UsageError(f"--{'md' if md else 'onnx'} cannot be combined with --no-index")
        return plain.diff(invocation, words, changes_style, tensors)
    model = Model(invocation.repository(), invocation.model())
    given, paths = revisions_and_paths(invocation, model, words)
    old, new = _sides(model, given)
    context = None if md else changes_style.context
    result = diff(model, old, new, tensors=tensors, paths=paths, context=context, onnx=onnx)
    invocation.emit(
        "diff",
        result,
        lambda: document.difference(result) if md else _lines(model, result, changes_style),
        page=True,
        wrap=not (md or changes_style.is_names),
    )
    return int(exit_code and not result.difference.is_empty)


def _sides(model: Model, given: tuple[str, ...]) -> tuple[VersionId | None, VersionId | None]:
    if len(given) > 2:
        raise click.UsageError("too many revisions: expected REV, REV REV or A..B")
    if len(given) == 1 and ".." in given[0]:
        return sides(model, given[0])
    if not given:
        return model.current, None
    ids = [revisions.resolve(model, text) for text in given]
    return ids[0], ids[1] if len(ids) > 1 else None


def _lines(model: Model, result: Diff, chosen: ChangesStyle) -> Iterator[str]:
    if chosen.is_names:
        yield from chosen.lines(result.difference)
        return
    if result.difference.is_empty:
        return
    yield _title(model, result)
    yield from chosen.lines(result.difference, texts=result.texts)
    yield from tensor_lines.difference(result.tensors or (), stat=chosen.stat)
    if result.onnx:
        yield from graphs.difference(result.onnx)


def _title(model: Model, result: Diff) -> str:
    """Return `helmet-detector v6..v7`, `v6..v7 on side`, or with ids if both would be the same."""
    numbers = Numbers(model, (result.old, result.new))
    old = numbers.of(result.old, result.old_number) if result.old_number is not None else "nothing"
    new = numbers.of(result.new, result.new_number) if result.new_number is not None else "working tree"
    if old == new:
        old, new = (f"{side} {short(id_)}" for side, id_ in ((old, result.old), (new, result.new)) if id_)
    return f"{escape(result.model)} {old}..{new}"
