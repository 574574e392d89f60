"""`mvc eval`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import Table, cell
from mvc.cli.app.terminal import date, escape, short, style
from mvc.cli.app.verb import group, subverb
from mvc.cli.history import evaluations as brief
from mvc.cli.history.numbers import Numbers
from mvc.cli.output import markdown
from mvc.model.ids import VersionId
from mvc.model.toml.keys import parse_assignment
from mvc.model.toml.schema import dotted
from mvc.plural import count
from mvc.porcelain import eval as porcelain
from mvc.porcelain import eval_add
from mvc.porcelain.eval import ConfusionMatrix, ListedEvaluation, ShownEvaluation
from mvc.porcelain.eval_add import AddedEvaluation
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records.annotations.evaluations import Curve

_SECTION = "parameters"
"""The section of model.toml whose values have the types that further values may have."""
_WIDEST = 12
"""Classes of a confusion matrix that is shown without --matrix, at most."""


@group("eval")
def command(invocation: Invocation) -> None:
    """Add, show or remove evaluations of versions.

    An evaluation is what a version measured on a version of a dataset: metrics in all and by class, a confusion matrix,
    precision and recall by threshold. It is not part of the version, whose id does not change. Evaluations travel with push
    and fetch. `mvc undo` does not reach them. Without a command, list those of the model.
    """
    _emit_listed(invocation, Model(invocation.repository(), invocation.model()))


@subverb(command, "add")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option(
    "--dataset", metavar="NAME@VERSION", required=True, help="Dataset, with the version that was measured on."
)
@click.option("--file", "files", metavar="FILE", multiple=True, required=True, help="Results; repeat for more files.")
@click.option("--set", "assignments", metavar="KEY=VALUE", multiple=True, help="Record a further value.")
@click.option(
    "--classes",
    metavar="NAME,...",
    help="Name the rows of a confusion matrix that has no names, in order.",
)
@click.option("--allow-unknown", is_flag=True, help="Keep classes that the version does not have.")
@click.option("--allow-secret", is_flag=True, help="Add even if something looks like a secret.")
def add(
    invocation: Invocation,
    revision: str,
    dataset: str,
    files: tuple[str, ...],
    assignments: tuple[str, ...],
    classes: str | None,
    allow_unknown: bool,
    allow_secret: bool,
) -> None:
    """Add an evaluation of REV (default: HEAD) from files of a tool.

    Example: mvc eval add v7 --dataset night@3 --file summary.csv --file confusion_matrix.csv --set conf=0.25

    The form of a file is recognised by its content: results of Ultralytics, COCO, torchmetrics and scikit-learn, and tables in
    CSV or JSON with a row for each class, or for each threshold. Classes are compared with the labelmap of REV. A bare
    confusion matrix, as scikit-learn returns it, needs --classes unless the labelmap is sorted by name: its order is not known.
    """
    pairs = (parse_assignment(f"{_SECTION}.{text}") for text in assignments)
    values = {dotted(key[1:]): value for key, value in pairs}
    model, id_ = _version(invocation, invocation.writer(), revision)
    made = eval_add.add(
        model,
        id_,
        invocation.actor(),
        dataset,
        [eval_add.of_file(invocation.cwd / Path(file)) for file in files],
        values=values,
        classes=[name.strip() for name in classes.split(",")] if classes is not None else (),
        allow_unknown=allow_unknown,
        allow_secret=allow_secret,
    )
    invocation.emit("eval", made, lambda: _added(model, made))


@subverb(command, "show")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("--dataset", metavar="NAME[@VERSION]", help="Show only evaluations on this dataset.")
@click.option("--matrix", "full", is_flag=True, help="Show a confusion matrix of any size.")
@click.option("--curve", "curves", is_flag=True, help="Show precision, recall and F1 by threshold.")
@click.option("--csv", "shape", flag_value="csv", help="Print the tables as CSV.")
@click.option("--md", "shape", flag_value="md", help="Print the tables in Markdown.")
@click.option("--all", "removed", is_flag=True, help="Show removed evaluations, too.")
def show(
    invocation: Invocation,
    revision: str,
    dataset: str | None,
    full: bool,
    curves: bool,
    shape: str | None,
    removed: bool,
) -> None:
    """Show the evaluations of REV (default: HEAD) in full, the oldest first."""
    model, id_ = _version(invocation, invocation.repository(), revision)
    evaluations = porcelain.show(model, id_, dataset, removed=removed)
    invocation.emit(
        "eval",
        {"evaluations": evaluations},
        lambda: _shown(model, evaluations, shape, full=full, with_curves=curves),
        ids=[id_] if evaluations else [],
        page=True,
    )


@subverb(command, "list")
@click.argument("revision", required=False, metavar="[REV]")
@click.option("--dataset", metavar="NAME[@VERSION]", help="List only evaluations on this dataset.")
@click.option("--all", "removed", is_flag=True, help="List removed evaluations, too.")
def list_(invocation: Invocation, revision: str | None, dataset: str | None, removed: bool) -> None:
    """List the evaluations of one version or of all, the newest first."""
    repository = invocation.repository()
    if revision is None:
        _emit_listed(invocation, Model(repository, invocation.model()), dataset=dataset, removed=removed)
    else:
        model, id_ = _version(invocation, repository, revision)
        _emit_listed(invocation, model, id_, dataset=dataset, removed=removed)


@subverb(command, "rm")
@click.argument("revision", metavar="REV")
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="[N]...")
@click.option("--all", "every", is_flag=True, help="Remove all evaluations of REV.")
def remove(invocation: Invocation, revision: str, numbers: tuple[int, ...], every: bool) -> None:
    """Remove evaluation N of REV.

    It is not shown any more; `mvc eval list --all` still has it. The removal travels with push and fetch.
    """
    if every == bool(numbers):
        raise click.UsageError("expected the number of an evaluation, or --all, and not both")
    model, id_ = _version(invocation, invocation.writer(), revision)
    done = porcelain.remove(model, id_, None if every else numbers, invocation.actor())
    invocation.emit("eval", {"evaluations": done}, lambda: _removed(model, done))


def _version(invocation: Invocation, repository: Repository, revision: str) -> tuple[Model, VersionId]:
    """Return the model and the version that a revision names."""
    model = Model(repository, invocation.model())
    return Model(repository, revisions.model_of(model, revision)), revisions.resolve(model, revision)


def _emit_listed(
    invocation: Invocation,
    model: Model,
    id_: VersionId | None = None,
    *,
    dataset: str | None = None,
    removed: bool = False,
) -> None:
    evaluations = porcelain.listed(model, id_, dataset, removed=removed)
    ids = list(dict.fromkeys(entry.version for entry in evaluations))
    invocation.emit("eval", {"evaluations": evaluations}, lambda: _lines(model, evaluations), ids=ids, page=True)


def _lines(model: Model, evaluations: Sequence[ListedEvaluation]) -> Iterator[str]:
    """Yield a table with a row for each evaluation."""
    if not evaluations:
        return
    numbers = Numbers(model, [entry.version for entry in evaluations])
    shown = brief.headlines(name for entry in evaluations for name in entry.metrics)
    rows = [
        [
            _label(numbers, entry),
            entry.number,
            entry.named,
            entry.time,
            entry.by.partition(" <")[0],
            *(brief.rounded(entry.metrics.get(name)) for name in shown),
            *(["removed" if entry.removed else None] if any(other.removed for other in evaluations) else []),
        ]
        for entry in evaluations
    ]
    last = [""] if any(entry.removed for entry in evaluations) else []
    yield from Table(["version", "n", "dataset", "date", "by", *shown, *last], rows).lines()


def _added(model: Model, made: AddedEvaluation) -> Iterator[str]:
    listed = made.evaluation.listed
    label = _label(Numbers(model, [listed.version]), listed)
    forms = ", ".join(dict.fromkeys(file.form for file in listed.files))
    yield f"Added evaluation {listed.number} on {escape(listed.named)} to {label} ({escape(forms)})"
    yield from (f"    {line}" for line in _metrics(listed.metrics))
    if listed.class_count:
        yield f"    {count(listed.class_count, 'class', 'classes')}"
    yield from (f"    from {escape(text)}" for text in made.chosen)
    if made.dropped:
        yield f"    left out, since not finite, or -1 for none: {', '.join(map(escape, made.dropped[:_WIDEST]))}"
    unknown = [row.name for row in made.evaluation.classes if row.class_number is None]
    if unknown:
        yield f"    not in the labelmap: {', '.join(map(escape, unknown[:_WIDEST]))}"


def _shown(
    model: Model, evaluations: Sequence[ShownEvaluation], shape: str | None, *, full: bool, with_curves: bool
) -> Iterator[str]:
    numbers = Numbers(model, [entry.listed.version for entry in evaluations])
    for at, entry in enumerate(evaluations):
        if at:
            yield ""
        yield from _head(numbers, entry.listed) if shape is None else _table(numbers, entry.listed, shape)
        yield from _classes(entry, shape)
        if entry.matrix is not None and (full or len(entry.matrix.names) <= _WIDEST):
            yield ""
            yield from _matrix(entry.matrix, shape)
        elif entry.matrix is not None and shape is None:
            yield f"confusion matrix of {len(entry.matrix.names)} classes; --matrix shows it"
        if with_curves:
            yield from _curves(entry.curves, shape)
        elif entry.curves and shape is None:
            yield f"{count(len(entry.curves), 'curve')} by threshold; --curve shows {'it' if len(entry.curves) == 1 else 'them'}"


def _head(numbers: Numbers, entry: ListedEvaluation) -> Iterator[str]:
    yield style(f"{_label(numbers, entry)}  evaluation {entry.number} on {escape(entry.named)}", fg="yellow")
    yield f"by {escape(entry.by.partition(' <')[0])}, {date(entry.time)}{' (removed)' if entry.removed else ''}"
    for file in entry.files:
        yield f"file        {escape(file.name) or '-'}  {short(file.id)}  {escape(file.form)}"
    yield from _metrics(entry.metrics)
    yield from (f"threshold   {escape(name)} = {cell(value)}" for name, value in entry.thresholds.items())
    yield from (f"value       {escape(name)} = {cell(value)}" for name, value in entry.values.items())


def _table(numbers: Numbers, entry: ListedEvaluation, shape: str) -> Iterator[str]:
    """Yield what `_head` says of all classes as a table, which names the evaluation."""
    label = f"{_label(numbers, entry)}, evaluation {entry.number} on {entry.named}"
    if shape == "md":
        yield f"**{markdown.text(label)}{' (removed)' if entry.removed else ''}**"
        yield ""
    parts: dict[str, Mapping[str, Any]] = {
        "metrics": entry.metrics,
        "threshold": entry.thresholds,
        "value": entry.values,
    }
    rows = [
        [entry.named, entry.number, kind, name, brief.rounded(part[name], shape) if kind == "metrics" else part[name]]
        for kind, part in parts.items()
        for name in porcelain.ordered(part)
    ]
    yield from Table(["dataset", "evaluation", "kind", "name", "value"], rows).lines(shape)


def _metrics(metrics: Mapping[str, Any]) -> Iterator[str]:
    for name in porcelain.ordered(metrics):
        yield f"metrics     {escape(name)} = {cell(brief.rounded(metrics[name]))}"


def _classes(entry: ShownEvaluation, shape: str | None) -> Iterator[str]:
    """Yield a table with a row for each class."""
    if not entry.classes:
        return
    names = porcelain.ordered(name for row in entry.classes for name in row.metrics)
    rows = [
        [row.class_number, row.name, row.support, *(brief.rounded(row.metrics.get(name), shape) for name in names)]
        for row in entry.classes
    ]
    yield ""
    yield from Table(["number", "class", "support", *names], rows).lines(shape)


def _matrix(matrix: ConfusionMatrix, shape: str | None) -> Iterator[str]:
    """Yield a row for each actual class, a column for each predicted one."""
    values = {(actual, predicted): value for actual, predicted, value in matrix.cells}
    places = range(len(matrix.names))
    rows = [[matrix.names[at], *(values.get((at, other), 0) for other in places)] for at in places]
    yield from Table(["actual, by predicted", *matrix.names], rows).lines(shape)


def _curves(curves: Sequence[Curve], shape: str | None) -> Iterator[str]:
    rows = [
        [
            curve.name or None,
            point.threshold,
            *(brief.rounded(value, shape) for value in (point.precision, point.recall, point.f1)),
        ]
        for curve in curves
        for point in curve.points
    ]
    if rows:
        yield ""
        yield from Table(["class", "threshold", "precision", "recall", "f1"], rows).lines(shape)


def _removed(model: Model, done: Sequence[ListedEvaluation]) -> Iterator[str]:
    numbers = Numbers(model, [entry.version for entry in done])
    for entry in done:
        on = f" on {escape(entry.named)}" if entry.dataset else ", which was damaged,"
        yield f"Removed evaluation {entry.number}{on} from {_label(numbers, entry)}"


def _label(numbers: Numbers, entry: ListedEvaluation) -> str:
    """Return `v7 3f9c2ab1d0`, or `v7 on side 3f9c2ab1d0`."""
    number = "" if entry.version_number is None else f"{numbers.of(entry.version, entry.version_number)} "
    return f"{number}{short(entry.version)}"
