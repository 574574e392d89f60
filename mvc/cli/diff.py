"""`mvc diff`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import click

from mvc import errors
from mvc.cli.app import render
from mvc.cli.app import tensors as tensor_lines
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.app.verb import verb
from mvc.model.ids import VersionId
from mvc.porcelain.diff import Diff, diff, sides
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository

_HEADERS = "--tensors=headers"


class _Command(click.Command):
    """Parses a word after `--tensors` as a revision; its value comes after `=`, as with Git's `--color`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [_HEADERS if arg == "--tensors" else arg for arg in args[:end]] + args[end:])


@verb("diff", cls=_Command)
@click.argument("given", nargs=-1, metavar="[REV [REV] | A..B]")
@click.option("--stat", is_flag=True, help="Show only a summary.")
@click.option("--name-status", is_flag=True, help="Show only the changed files and their status.")
@click.option(
    "--tensors",
    type=click.Choice(("headers", "deep")),
    is_flag=False,
    flag_value="headers",
    metavar="[=deep]",
    help="Also compare the tensors of modified files, and with =deep their weights.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there are differences.")
def command(
    invocation: Invocation,
    given: tuple[str, ...],
    stat: bool,
    name_status: bool,
    tensors: Literal["headers", "deep"] | None,
    exit_code: bool,
) -> int:
    """Show changes between versions, or to the working tree.

    Compares the working tree with HEAD or REV, or two versions, by class, value and file. A class with a different
    index is marked as breaking: programs that read class indexes would misread it.
    """
    repository, model = invocation.repository(), invocation.model()
    old, new = _sides(repository, model, given)
    result = diff(Model(repository, model), old, new, tensors=tensors)
    invocation.emit("diff", result, lambda: _lines(result, stat=stat, name_status=name_status), page=True)
    return int(exit_code and not result.difference.is_empty)


def _sides(repository: Repository, model: str, given: tuple[str, ...]) -> tuple[VersionId | None, VersionId | None]:
    if len(given) > 2:
        raise click.UsageError("too many revisions: expected REV, REV REV or A..B")
    if len(given) == 1 and ".." in given[0]:
        return sides(Model(repository, model), given[0])
    if not given:
        return repository.current(model), None
    ids = [_resolved(Model(repository, model), text) for text in given]
    return ids[0], ids[1] if len(ids) > 1 else None


def _resolved(model: Model, text: str) -> VersionId:
    """Return the version that `text` names; a file is an error of its own, since `git diff FILE` compares one."""
    try:
        return revisions.resolve(model, text)
    except errors.UnknownRevision:
        if (model.repository.root / model.folder / text).exists():
            raise click.UsageError(
                f"{text} is a file: `mvc diff` compares whole versions; list the changed files with --name-status"
            ) from None
        raise


def _lines(result: Diff, *, stat: bool, name_status: bool) -> Iterator[str]:
    if name_status:
        yield from (_status(change.kind, change.old, change.new) for change in result.difference.files)
        return
    if result.difference.is_empty:
        return
    yield _title(result)
    if stat:
        yield render.summary(result.difference)
    else:
        yield from render.difference(result.difference)
    yield from tensor_lines.difference(result.tensors or (), stat=stat)


def _title(result: Diff) -> str:
    """Return `helmet-detector v6..v7`, with ids if both have the same number."""
    same = result.old_number == result.new_number
    sides = [
        f"v{number}{f' {short(id_)}' if same else ''}" if id_ else absent
        for id_, number, absent in (
            (result.old, result.old_number, "nothing"),
            (result.new, result.new_number, "working tree"),
        )
    ]
    return f"{escape(result.model)} {sides[0]}..{sides[1]}"


def _status(kind: str, old: object, new: object) -> str:
    paths = [escape(side.path) for side in (old, new) if side is not None and hasattr(side, "path")]
    return "\t".join([kind, *dict.fromkeys(paths)])
