"""`mvc diff`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import click

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
    """Takes a word after `--tensors` as a revision, not as the value: that comes after `=`, as with Git's `--color`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [_HEADERS if each == "--tensors" else each for each in args[:end]] + args[end:])


@verb("diff", cls=_Command)
@click.argument("given", nargs=-1, metavar="[REV [REV] | A..B]")
@click.option("--stat", is_flag=True, help="Only how much changed.")
@click.option("--name-status", is_flag=True, help="Only the files, each with what happened to it.")
@click.option(
    "--tensors",
    type=click.Choice(("headers", "deep")),
    is_flag=False,
    flag_value="headers",
    metavar="[=deep]",
    help="Also which tensors of modified files; with =deep their weights are read, to say how far they moved.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 when there is a difference.")
def command(
    invocation: Invocation,
    given: tuple[str, ...],
    stat: bool,
    name_status: bool,
    tensors: Literal["headers", "deep"] | None,
    exit_code: bool,
) -> int:
    """What changed: in the working tree since HEAD or REV, or from one version to another.

    By class, by key and by file; a class that has another number is marked, for it breaks whoever reads numbers.
    """
    repository, model = invocation.repository(), invocation.model()
    old, new = _sides(repository, model, given)
    found = diff(repository, model, old, new, tensors=tensors)
    invocation.emit("diff", found.to_json, lambda: _lines(found, stat=stat, name_status=name_status), page=True)
    return int(exit_code and not found.difference.is_empty)


def _sides(repository: Repository, model: str, given: tuple[str, ...]) -> tuple[VersionId | None, VersionId | None]:
    if len(given) > 2:
        raise click.UsageError("give one revision, two, or a range")
    if len(given) == 1 and ".." in given[0]:
        return sides(repository, model, given[0])
    if not given:
        return repository.current(model), None
    old = revisions.resolve(Model(repository, model), given[0])
    return old, revisions.resolve(Model(repository, model), given[1]) if len(given) > 1 else None


def _lines(found: Diff, *, stat: bool, name_status: bool) -> Iterator[str]:
    if name_status:
        yield from (_status(change.kind, change.old, change.new) for change in found.difference.files)
        return
    if found.difference.is_empty:
        return
    yield _title(found)
    if stat:
        yield render.summary(found.difference)
    else:
        yield from render.difference(found.difference)
    yield from tensor_lines.difference(found.tensors or (), stat=stat)


def _title(found: Diff) -> str:
    """`helmet-detector v6..v7`; with ids where two lines have the same number."""
    same = found.old_number == found.new_number
    sides = [
        f"v{number}{f' {short(id_)}' if same else ''}" if id_ else absent
        for id_, number, absent in (
            (found.old, found.old_number, "nothing"),
            (found.new, found.new_number, "working tree"),
        )
    ]
    return f"{escape(found.model)} {sides[0]}..{sides[1]}"


def _status(kind: str, old: object, new: object) -> str:
    paths = [escape(side.path) for side in (old, new) if side is not None and hasattr(side, "path")]
    return "\t".join([kind, *dict.fromkeys(paths)])
