"""ONNX Runtime's own format: a model as a flatbuffer, with the operators of its nodes and of the branches below them.

    InferenceSession ─ model ─ graph ─ nodes ─ domain "my.ops", op_type "Gelu"
                                             └ attributes ─ g, graphs ─ nodes …

Tensors are in the file itself, so no path is read. Source: onnxruntime/core/flatbuffers/schema/ort.fbs.
"""

from __future__ import annotations

from mvc.formats.source import Source, TooLongError
from mvc.formats.syntax.flatbuffer import Flatbuffer
from mvc.scan.formats import onnx
from mvc.scan.scan import Scan

RULES = (onnx.DOMAIN, onnx.PYTHON, onnx.ENGINE)

_MAGIC = b"ORTM"
_MODEL, _GRAPH, _NODES = 1, 7, 2
_DOMAIN, _OPERATION, _ATTRIBUTES = 2, 5, 10
_BRANCH, _BRANCHES = 7, 12
_MAX_TABLES = 500_000
"""Nodes and attributes of one model, at most."""
_MAX_TEXT = 4096


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the first bytes suffice
    """Return whether it has the identifier of the schema."""
    return start[4:8] == _MAGIC


def scan(source: Source, scan: Scan) -> None:
    """Report operators that the runtime does not have itself. Raises HeaderError if the flatbuffer is malformed."""
    walk = _Walk(Flatbuffer(source))
    try:
        walk.read()
    finally:
        onnx.report_operators(walk.operators, scan)


class _Walk:
    """One pass over the graphs of a model, and the operators that it meets, each as domain and name."""

    def __init__(self, buffer: Flatbuffer) -> None:
        self._buffer = buffer
        self._graphs: list[int] = []
        self._count = 0
        self.operators: dict[tuple[str, str], None] = {}

    def read(self) -> None:
        """Visit every graph once: tables may be shared, or refer to one another. Raises TooLongError."""
        buffer = self._buffer
        self._graphs = [
            graph for model in buffer.children(buffer.root(), _MODEL) for graph in buffer.children(model, _GRAPH)
        ]
        visited: set[int] = set()
        while self._graphs:
            graph = self._graphs.pop()
            if graph not in visited:
                visited.add(graph)
                for node in buffer.tables(graph, _NODES, _MAX_TABLES):
                    self._node(node)

    def _node(self, node: int) -> None:
        buffer = self._buffer
        self._spend()
        domain, name = buffer.label(node, _DOMAIN, _MAX_TEXT), buffer.label(node, _OPERATION, _MAX_TEXT)
        self.operators[domain, name] = None
        for attribute in buffer.tables(node, _ATTRIBUTES, _MAX_TABLES):
            self._spend()
            self._graphs += buffer.children(attribute, _BRANCH)
            self._graphs += buffer.tables(attribute, _BRANCHES, _MAX_TABLES)

    def _spend(self) -> None:
        self._count += 1
        if self._count > _MAX_TABLES:
            raise TooLongError(f"it has more than {_MAX_TABLES:,} nodes and attributes")
