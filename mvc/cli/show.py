"""`mvc show`: its options, arguments and output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli import cat
from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.tensors import held
from mvc.cli.app.terminal import escape, short, size, style
from mvc.cli.app.verb import verb
from mvc.cli.history import changes as changes_style
from mvc.cli.history import evaluations, notes, signatures
from mvc.cli.history.changes import ChangesStyle
from mvc.cli.history.numbers import Numbers
from mvc.cli.output import screen
from mvc.model.roles import roles_of
from mvc.plural import count
from mvc.porcelain.show import Shown, show
from mvc.repository import revisions
from mvc.repository.lineage import MODEL_PARENT
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.cli.output import plot
    from mvc.porcelain import curve as porcelain
    from mvc.porcelain.curve import MetricCurve
else:
    plot = lazy.Module("mvc.cli.output.plot")
    porcelain = lazy.Module("mvc.porcelain.curve")

_CLASSES = 10
"""Number of classes shown."""


@verb("show", apart=changes_style.APART)
@click.argument("revision", default="HEAD", metavar="[REV[:ROLE|PATH]]")
@changes_style.options
@click.option("--children", is_flag=True, help="Also list the versions made from it, in all models.")
@click.option("--show-signature", "verified", is_flag=True, help="Verify the signatures of the version.")
@click.option("-s", "--no-patch", is_flag=True, help="Leave out the changes.")
@click.option(
    "--curve", "metric", metavar="KEY", help="Draw a metric over the training, from the version's training log."
)
def command(
    invocation: Invocation,
    revision: str,
    changes_style: ChangesStyle,
    children: bool,
    verified: bool,
    no_patch: bool,
    metric: str | None,
) -> None:
    """Show one version in full.

    Prints its author, date, message, values, files, and the changes from its parent; REV:PATH prints one file of it, as
    `mvc cat` does. The bytes of a file are complete (here), promised (on a remote: fetched when needed), expired (dropped
    on purpose, as by `mvc prune`) or missing (`mvc fsck` says more).

    With --children, lists the versions of all models that name it among their parents or in model.parent.

    With --curve, draws a metric by epoch or step instead: a column of the file with the role training-log, or of the
    results.csv or metrics.csv that the trainer wrote. KEY is its column, or the end of it (mAP50 for metrics/mAP50(B)).
    """
    if metric is not None:
        _curve(invocation, revision, metric)
        return
    if revisions.names_file(revision):
        cat.write(invocation, revision)
        return
    repository, model = invocation.repository(), invocation.model()
    shown = show(
        Model(repository, revisions.model_of(Model(repository, model), revision)),
        revisions.resolve(Model(repository, model), revision),
        context=None if no_patch else changes_style.context,
        children=children,
        signers=invocation.keys().signers() if verified else None,
    )
    invocation.emit(
        "show",
        shown,
        lambda: _lines(Model(repository, shown.model), shown, changes_style, no_patch=no_patch),
        ids=(shown.id,),
        page=True,
    )


def _curve(invocation: Invocation, revision: str, metric: str) -> None:
    """Draw a metric; raise NoTrainingLog, NoCurve."""
    model = Model(invocation.repository(), invocation.model())
    drawn = porcelain.curve(
        Model(model.repository, revisions.model_of(model, revision)), revisions.resolve(model, revision), metric
    )
    invocation.emit("show", drawn, lambda: _plotted(drawn), ids=(drawn.id,), wrap=False)


def _plotted(drawn: MetricCurve) -> Iterator[str]:
    yield escape(drawn.summary())
    yield from plot.plot(
        drawn.points, drawn.axis, columns=screen.columns() or plot.WIDTH, ascii_only=screen.is_ascii(sys.stdout)
    )


def _lines(model: Model, shown: Shown, chosen: ChangesStyle, *, no_patch: bool) -> Iterator[str]:
    yield from _head(shown, Numbers(model, [shown.id]).of(shown.id, shown.version.number))
    yield ""
    yield from (f"    {escape(line)}" for line in shown.version.message.split("\n"))
    yield ""
    added = (*notes.tag_lines(shown.tag_messages), *notes.lines(shown.notes), *evaluations.lines(shown.evaluations))
    if added:
        yield from (f"    {line}" for line in added)
        yield ""
    if chosen.is_full:
        yield from _values(shown)
        yield from _files(shown)
    parents, total = shown.version.parents, sum(entry.size for entry in shown.tree.entries)
    if no_patch or shown.difference.is_empty or (parents and parents[0] in shown.absent):
        return
    if not chosen.is_full:
        yield from chosen.lines(shown.difference, total)
    elif parents:
        yield ""
        yield f"Changes from its parent: {render.summary(shown.difference, total)}"
        yield from (changes_style.indented(line, "  ") for line in chosen.lines(shown.difference, texts=shown.texts))


def _head(shown: Shown, number: str) -> Iterator[str]:
    version = shown.version
    names = ", ".join(escape(f"tag: {name}" if kind == "tag" else name) for kind, name in shown.names)
    withdrawn = notes.mark(shown.notes)
    yield (
        style(f"{escape(shown.model)} {number}  {shown.id}", fg="yellow")
        + (f"  ({names})" if names else "")
        + (f"  {withdrawn}" if withdrawn else "")
    )
    for parent in version.parents:
        yield f"{'parent':<11} {parent}{' (missing: never published)' if parent in shown.absent else ''}"
    yield from _children(shown)
    yield f"{'tree':<11} {version.tree}"
    yield f"{'manifest':<11} {version.manifest}"
    yield f"{'author':<11} {escape(version.author.shown)}"
    yield f"{'date':<11} {version.time}"
    for place in shown.places:
        where = f"{escape(place.model)} of {escape(place.organization)}"
        yield f"{'picsellia':<11} #{place.number} {escape(place.name)} of {where}  {escape(place.page)}"
    if shown.registry_tags:
        yield f"{'picsellia':<11} tags: {', '.join(map(escape, shown.registry_tags))}"
    signed = signatures.unverified(shown.signatures) if shown.verified is None else signatures.lines(shown.verified)
    yield from (f"{'signature':<11} {line.removeprefix('signature ')}" for line in signed)
    if version.code is not None:
        code = version.code
        where = " · ".join(escape(part) for part in (code.branch, code.remote) if part)
        yield f"{'code':<11} {escape(short(code.commit))}{' (dirty)' if code.dirty else ''}{f'  {where}' if where else ''}"


def _children(shown: Shown) -> Iterator[str]:
    for child in shown.children or ():
        of = f" of {escape(child.model)}" if child.model != shown.model else ""
        through = f", through {MODEL_PARENT}" if child.through == MODEL_PARENT else ""
        yield f"{'child':<11} {child.id} (v{child.number}{of}{through})"


def _values(shown: Shown) -> Iterator[str]:
    for name, file in shown.manifest.value_files.items():
        yield f"{'from':<11} {name} = {escape(str(file))}"
    for name, section in shown.manifest.resolved().items():
        if name not in ("files", "labelmap", "from"):
            for key, value in _leaves(section):
                if (name, key) == ("docker", "digest"):
                    yield f"{name:<11} {key} = {_digest(shown.manifest.docker['digest'])}"
                    continue
                yield f"{'about' if name == 'model' else name:<11} {escape(key)} = {render.shown(value)}"
    labels = shown.manifest.labelmap
    if labels:
        listed = ", ".join(f"{number}: {escape(name)}" for number, name in labels[:_CLASSES])
        more = f", ... ({len(labels) - _CLASSES} more)" if len(labels) > _CLASSES else ""
        yield f"{'labelmap':<11} {count(len(labels), 'class', 'classes')}: {listed}{more}"


def _digest(value: object) -> str:
    """Return a docker digest; for `auto`, the request and the resolved digest."""
    if not isinstance(value, dict):
        return escape(str(value))
    return escape(f"{value['asked']} ({value['resolved'] or 'not resolved'})")


def _leaves(section: object, above: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(section, dict) and section:
        for key, value in section.items():
            yield from _leaves(value, f"{above}.{key}" if above else str(key))
    else:
        yield above, section


def _files(shown: Shown) -> Iterator[str]:
    """Yield role, path, size, id, storage state and tensors of each file."""
    rows = [
        (
            render.roles(roles_of(shown.manifest, entry)),
            escape(entry.path),
            size(entry.size),
            short(entry.file),
            shown.states[entry.path].value,
            held(shown.tensors[entry.path]) if entry.path in shown.tensors else "",
        )
        for entry in shown.tree.entries
    ]
    for number, row in enumerate(aligned(rows, right=frozenset({2}))):
        yield f"{'files' if number == 0 else '':<11} {row}"
