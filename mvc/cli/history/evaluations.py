"""Evaluations of versions, in one line each, as `mvc show` prints them.

evaluation 1 on night@3 by Ana, 2026-02-05: mAP50 0.79, mAP50-95 0.5033
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mvc.cli.app.table import cell
from mvc.cli.app.terminal import date, escape, style
from mvc.porcelain import eval as porcelain
from mvc.porcelain.eval import ListedEvaluation

HEADLINES = ("mAP50", "mAP50-95", "precision", "recall", "f1", "accuracy", "mIoU")
"""The metrics that are shown in brief, if there are others, too."""


def lines(evaluations: Iterable[ListedEvaluation]) -> Iterator[str]:
    """Yield a line for each evaluation."""
    for entry in evaluations:
        by = escape(entry.by.partition(" <")[0])
        head = style(f"evaluation {entry.number} on {escape(entry.named)} by {by}, {date(entry.time)}", dim=True)
        values = [f"{escape(name)} {cell(rounded(entry.metrics[name]))}" for name in headlines(entry.metrics)]
        yield f"{head}: {', '.join(values)}" if values else head


def headlines(metrics: Mapping[str, object] | Iterable[str]) -> list[str]:
    """Return the names of the metrics that are shown in brief."""
    names = porcelain.ordered(metrics)
    return [name for name in names if name in HEADLINES] or names[: len(HEADLINES)]


def rounded(value: float | None, shape: str | None = None) -> float | None:
    """Return a metric for people, with four digits behind the point; as it is in the shape `csv`, for programs."""
    return round(value, 4) if isinstance(value, float) and shape != "csv" else value
