"""`mvc compare`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import Table, cell
from mvc.cli.app.terminal import short
from mvc.cli.app.verb import verb
from mvc.cli.history import evaluations
from mvc.cli.history.numbers import numbered
from mvc.cli.output import markdown
from mvc.plural import count
from mvc.porcelain import compare_eval
from mvc.porcelain.compare import ComparedKey, ComparedVersion, Comparison, compare
from mvc.porcelain.compare_eval import EvaluationComparison
from mvc.repository.model import Model

_PAIR = 2
_FILES = 30
"""Rows about files in a table for the terminal, at most."""


@verb("compare")
@click.argument("texts", nargs=-1, metavar="REV REV...")
@click.option(
    "--eval", "dataset", metavar="NAME[@VERSION]", help="Compare their evaluations on this dataset, by class."
)
@click.option("--files", "with_files", is_flag=True, help="Also show the files that differ.")
@click.option("--csv", "shape", flag_value="csv", help="Print the table as CSV.")
@click.option("--md", "shape", flag_value="md", help="Print the table in Markdown.")
def command(
    invocation: Invocation, texts: tuple[str, ...], dataset: str | None, with_files: bool, shape: str | None
) -> None:
    """Compare the values of several versions side by side.

    Shows a column for each of 2 to 20 versions, and a row for each key in which they differ: metrics, parameters,
    classes and other values of model.toml; files with --files, or if nothing else differs. The best value of a metric is marked: the highest, or the lowest if
    the metric's name has a word for a loss, an error or a duration. Of a file whose content differs, the table shows
    the id; --csv, --md and --json have its size and path, too.

    With --eval, compares the newest evaluation of each version on a dataset instead: a row for each metric, of all classes and
    of each. Of two versions, the last column is the difference.
    """
    model = Model(invocation.repository(), invocation.model())
    if dataset is not None:
        if with_files:
            raise click.UsageError("--files cannot be combined with --eval")
        _evaluations(invocation, compare_eval.compare(model, texts, dataset), shape)
        return
    comparison = compare(model, texts)
    invocation.emit(
        "compare",
        comparison,
        lambda: _lines(comparison, shape, with_files=with_files),
        ids=[version.id for version in comparison.versions],
        page=True,
    )


def _evaluations(invocation: Invocation, comparison: EvaluationComparison, shape: str | None) -> None:
    ids = [row.version.id for row in comparison.versions]
    invocation.emit("compare", comparison, lambda: _evaluated(comparison, shape), ids=ids, page=True)


def _evaluated(comparison: EvaluationComparison, shape: str | None) -> Iterator[str]:
    """Yield a row for each metric; the last column is the difference of two versions."""
    versions = comparison.versions
    is_pair = len(versions) == _PAIR
    models = {version.version.model for version in versions}
    called = [_called(version.version, with_model=len(models) > 1) for version in versions]
    datasets = [version.dataset_version for version in versions]
    rows: list[list[Any]] = [["dataset version", None, *datasets, *[None] * is_pair]]
    for row in comparison.metrics:
        last = [_difference(row.differences[-1], shape)] if is_pair and None not in row.values else [None] * is_pair
        rows.append(
            [
                row.class_name or "all",
                row.metric,
                *_marked([evaluations.rounded(value, shape) for value in row.values], row.best, shape),
                *last,
            ]
        )
    yield from Table(["class", "metric", *called, *["difference"] * is_pair], rows).lines(shape)


def _difference(value: Any, shape: str | None) -> Any:
    """Return a difference for people, with four digits; in CSV as it is."""
    if shape == "csv":
        return value
    return f"{value:+.4f}" if isinstance(value, float) else f"{value:+}"


def _marked(values: Sequence[Any], best: Sequence[int], shape: str | None) -> Iterator[Any]:
    """Yield the values; the best are marked: `0.8 *`, in Markdown `**0.8**`."""
    for at, value in enumerate(values):
        if at in best and shape != "csv":
            shown = cell(value)
            yield markdown.Written(f"**{markdown.text(shown)}**") if shape == "md" else f"{shown} *"
        else:
            yield value


def _lines(comparison: Comparison, shape: str | None, *, with_files: bool) -> Iterator[str]:
    versions, keys = comparison.versions, comparison.keys
    if not keys and shape is None:
        yield "The versions have the same values and files."
        return
    files = [key.key for key in keys if key.key.startswith("file.")] if shape is None else []
    implied = {f"{key.removesuffix('.id')}.{part}" for key in files if key.endswith(".id") for part in ("size", "path")}
    files = [key for key in files if key not in implied]
    is_brief = not with_files and shape is None and any(not key.key.startswith("file.") for key in keys)
    shown = 0 if is_brief else _FILES
    hidden = {*files[shown:], *implied}
    models = {version.model for version in versions}
    head = ["key", *(_called(version, with_model=len(models) > 1) for version in versions)]
    ids = ["id", *(version.id if shape == "csv" else short(version.id) for version in versions)]
    rows = [[key.key, *_cells(key, shape)] for key in keys if key.key not in hidden]
    yield from Table(head, [ids, *rows]).lines(shape)
    if is_brief and files:
        yield f"{count(len(files), 'file differs', 'files differ')}; --files shows {'it' if len(files) == 1 else 'them'}"
    elif len(files) > _FILES:
        yield f"… {count(len(files) - _FILES, 'more row', 'more rows')} about files; `mvc diff REV REV` lists the files"


def _called(version: ComparedVersion, *, with_model: bool) -> str:
    model = f"{version.model} " if with_model else ""
    return f"{model}{numbered(version.number, version.branch)}"


def _cells(key: ComparedKey, shape: str | None) -> Iterator[Any]:
    """Yield the values, marked; of ids of files, short."""
    is_file_id = key.key.startswith("file.") and key.key.endswith(".id") and shape != "csv"
    values = [short(value) if is_file_id and value is not None else value for value in key.values]
    return _marked(values, key.best, shape)
