"""ONNX: the operators of a graph, its opsets and its producer, from the nodes alone.

    ModelProto ┬ ir_version, producer_name, producer_version
               ├ opset_import: domain, version
               ├ functions ─ node                  ┌ op_type, domain
               └ graph ─ node: NodeProto ──────────┤
                                                   └ attribute ─ g, graphs: as graph (the branches of If, the body of Loop)

Weights are skipped by their length, so a model of 2 GB costs what its nodes cost. Source: onnx.proto, IR version 13.
"""

from __future__ import annotations

from collections import Counter

from mvc.formats.metadata import onnx_graph, texts
from mvc.formats.onnx import MAX_NESTING
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax.protobuf import BYTES, NUMBER, Field, Reader
from mvc.model.compare.onnx import OnnxGraph

MAX_KINDS = 4_096
"""Different operators and opsets of a model, at most."""
DEFAULT = "ai.onnx"
"""The domain whose name is left out."""
_CHILDREN = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {6: "graph", 11: "graph"},
}
_TYPE, _DOMAIN = 4, 7
_IR_VERSION, _PRODUCER, _PRODUCER_VERSION, _OPSET = 1, 2, 3, 8


def read(source: Source) -> OnnxGraph:
    """Return the graph of a model. Raises HeaderError."""
    reader = Reader(source)
    texts_by_field: dict[int, str] = {}
    opsets: dict[str, int] = {}
    ir_version, has_graph = None, False
    for part in reader.fields(0, source.size):
        if part.number == _IR_VERSION and part.wire == NUMBER:
            ir_version = part.value
        elif part.wire == BYTES and part.number in (_PRODUCER, _PRODUCER_VERSION):
            texts_by_field[part.number] = reader.text(part, texts.MAX_KEY)
        elif part.wire == BYTES and part.number == _OPSET and len(opsets) < MAX_KINDS:
            domain, version = _opset(reader, part)
            opsets[domain or DEFAULT] = version
        has_graph = has_graph or (part.number == 7 and part.wire == BYTES)
    if not has_graph:
        raise HeaderError("it has no graph")
    operators: Counter[str] = Counter()
    _count(Reader(source), "model", Field(0, BYTES, source.size, 0), operators, 0)
    ports = onnx_graph.read(source)
    producer = " ".join(filter(None, (texts_by_field.get(_PRODUCER), texts_by_field.get(_PRODUCER_VERSION))))
    ordered = dict(sorted(operators.items()))
    return OnnxGraph(ir_version, producer, dict(sorted(opsets.items())), ordered, ports.inputs, ports.outputs)


def _count(reader: Reader, kind: str, message: Field, operators: Counter[str], depth: int) -> None:
    """Count the operators in a message, and in those inside it."""
    if depth > MAX_NESTING:
        raise HeaderError(f"its messages are nested deeper than {MAX_NESTING}")
    name = domain = ""
    for part in reader.fields(message.offset, message.end):
        if part.wire != BYTES:
            continue
        child = _CHILDREN[kind].get(part.number)
        if child is not None:
            _count(reader, child, part, operators, depth + 1)
        elif kind == "node" and part.number == _TYPE:
            name = reader.text(part, texts.MAX_KEY)
        elif kind == "node" and part.number == _DOMAIN:
            domain = reader.text(part, texts.MAX_KEY)
    if kind == "node":
        operators[name if domain in ("", DEFAULT) else f"{domain}.{name}"] += 1
        if len(operators) > MAX_KINDS:
            raise HeaderError(f"it has more than {MAX_KINDS} different operators")


def _opset(reader: Reader, message: Field) -> tuple[str, int]:
    domain, version = "", 0
    for part in reader.fields(message.offset, message.end):
        if part.number == 1 and part.wire == BYTES:
            domain = reader.text(part, texts.MAX_KEY)
        elif part.number == 2 and part.wire == NUMBER:
            version = part.value
    return domain, version
