"""`mvc set`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.model.compare.diff import Change
from mvc.model.toml.keys import KINDS, looks_typed
from mvc.model.toml.value_file import LABELMAP, LAST, MODES, SECTIONS, ValueFile
from mvc.plural import count
from mvc.porcelain import edit
from mvc.porcelain.edit import Edited, FileValues
from mvc.repository.model import Model


@verb("set")
@click.argument("assignments", nargs=-1, metavar="[KEY=VALUE...]")
@click.option("--type", "kind", type=click.Choice(KINDS), help="Type of the values (default: inferred from the key).")
@click.option(
    "--first-class",
    type=click.IntRange(0, 1),
    metavar="N",
    help="Renumber the classes, so that the first is N (0 or 1).",
)
@click.option("--from", "file", metavar="FILE", help="Copy the values of FILE into the section named as argument.")
@click.option("--key", metavar="KEY", help="With --from: the table in FILE.")
@click.option("--best", metavar="COLUMN", help="With --from: take the row that is best in COLUMN.")
@click.option("--mode", type=click.Choice(MODES), help="With --best: which number is the best.")
@click.option("--row", type=click.Choice([LAST]), help="With --from: take the last row.")
@click.option("--select", multiple=True, metavar="KEY", help="With --from: take only KEY, or keys such as 'val/*'.")
def command(
    invocation: Invocation,
    assignments: tuple[str, ...],
    kind: str | None,
    first_class: int | None,
    file: str | None,
    **parts: str | tuple[str, ...] | None,
) -> None:
    """Set values in model.toml.

    Comments are kept. Example: mvc set labelmap.0=helmet parameters.epochs=100 docker.tag=1.4

    If labelmap.path is set to a file, the classes in that file replace those in model.toml. With --first-class N, the
    classes of model.toml or of that file are written to model.toml under new numbers: the first is N, distances stay.

    from.parameters, from.metrics and from.labelmap name files of which each commit reads the values:
    mvc set from.parameters=args.yaml from.metrics=results.csv from.metrics.best=mAP50

    mvc set --from FILE [parameters|metrics|labelmap] copies values once instead.

    Setting docker.image or docker.tag to another image removes its pinned docker.digest, unless you set that too.
    """
    given = {name: part for name, part in parts.items() if part}
    if given and file is None:
        raise click.UsageError(f"--{next(iter(given))} belongs to --from FILE")
    if file is None and bool(assignments) == (first_class is not None):
        raise click.UsageError("expected KEY=VALUE or --first-class N, and not both")
    model = Model(invocation.writer(), invocation.model())
    if file is not None:
        _copy(invocation, model, assignments, ValueFile.of("FILE", {"path": file, **given}))
        return
    if first_class is not None:
        done = edit.renumber(model, first_class)
    else:
        done = edit.set_values(model, assignments, kind=kind)
    _emit(invocation, done, edit.read_files(model, done), typed=kind is not None)


def _copy(invocation: Invocation, model: Model, names: tuple[str, ...], file: ValueFile) -> None:
    """Copy the values of a file."""
    if len(names) > 1 or not set(names) <= {*SECTIONS}:
        raise click.UsageError(f"--from FILE expects one of {', '.join(SECTIONS)}, or nothing")
    done, read = edit.copy(model, invocation.cwd / file.path, names[0] if names else None, file)
    _emit(invocation, done.changes, (read,), typed=True)


def _emit(invocation: Invocation, done: Sequence[Edited], read: Sequence[FileValues], *, typed: bool) -> None:
    warnings = (*edit.warnings(done), *(warning for file in read for warning in file.warnings))
    for warning in warnings:
        invocation.note(render.problem(warning))
    invocation.emit(
        "set",
        {"changes": done, "warnings": warnings, "read": read},
        lambda: [*(_line(edited, typed=typed) for edited in done), *map(_read, read)],
    )


def _read(file: FileValues) -> str:
    """Return what a file has for a section."""
    number, noun = len(file.values), "class" if file.section == LABELMAP else file.section.removesuffix("s")
    return f"  {count(number, noun, 'classes' if noun == 'class' else file.section)} in {escape(file.path)}"


def _line(edited: Edited, *, typed: bool) -> str:
    """Return the change, with `(string)` after a text that looks like another type, unless --type was given."""
    line = render.value(Change(edited.key, edited.old, edited.new))
    if typed or not looks_typed(edited.key, edited.new) or line.endswith("(string)"):
        return line
    return f"{line} (string)"
