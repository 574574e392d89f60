"""The changes of ONNX graphs, as `mvc diff --onnx` prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mvc.cli.app.terminal import escape, style
from mvc.model.compare.diff import Change
from mvc.model.compare.onnx import OnnxGraph
from mvc.plural import count
from mvc.porcelain.diff_onnx import FileGraphs


def difference(files: Iterable[FileGraphs]) -> Iterator[str]:
    """Yield the changes of each file, or that its graph is the same."""
    for file in files:
        yield style(f"graph of {escape(file.file.entry.role)} ({escape(file.file.entry.path)})", bold=True)
        if file.reason is not None:
            yield f"  cannot be compared: {escape(file.reason)}"
        yield from map(_line, file.changes)
        if file.new is not None and file.reason is None and not file.changes:
            yield f"  unchanged: {summary(file.new)}"


def _line(change: Change) -> str:
    key, old, new = escape(change.key), escape(str(change.old)), escape(str(change.new))
    if change.old is None:
        return style(f"  + {key} {new}", fg="green")
    if change.new is None:
        return style(f"  - {key} {old}", fg="red")
    return f"  {key} {old} -> {new}"


def summary(graph: OnnxGraph) -> str:
    """Return a graph in one line: `3 operators of 2 kinds, opset ai.onnx 21`."""
    opsets = ", ".join(f"{escape(domain)} {version}" for domain, version in graph.opsets.items())
    return (
        f"{count(sum(graph.operators.values()), 'operator')} of {count(len(graph.operators), 'kind')}, opset {opsets}"
    )
