"""ONNX: a graph as one protocol buffers message, in which tensors lie whole: initializers, constants, in subgraphs too.

    ModelProto ─ graph ┬ initializer: TensorProto ─ dims, data_type, name, raw_data │ external_data: location, offset, …
                       ├ sparse_initializer ─ values, indices: TensorProto
                       └ node ─ attribute ┬ t, tensors: TensorProto
                                          └ g, graphs: as graph, and so on (the branches of If, the body of Loop)

A tensor in an attribute is named by the way to it, a node by its first output: `hidden` of a constant, and in a branch
`hidden/then_branch/weight`. Only tags, lengths and short fields are read: a model may have 2 GB.

Source: onnx.proto of the ONNX project, IR version 13.
"""

from __future__ import annotations

import itertools

from mvc.formats.header import MAX_TEXT, Header, ordered
from mvc.formats.onnx_tensor import Tensor, read_tensor
from mvc.formats.protobuf import BYTES, Field, Reader
from mvc.formats.source import MAX_SEGMENTS, HeaderError, Source
from mvc.model.segment import Segment

MAX_NESTING = 100
"""Messages within each other, at most: the limit of protocol buffers' own readers."""
MAX_NAME = 1024
"""Letters of a name with the way to it; a longer one is left out."""
_MAX_OFFSET = 1 << 63

_CHILDREN = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "constant", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""By message and field, what leads to tensors."""
_LABELS = {"function": 1, "node": 2, "attribute": 1}
"""The field that names a message, which is written before those that it names: name, output, name."""
_MODEL = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
"""The fields of a model, and the type of each on the wire."""
_GRAPH = frozenset({1, 2, 5, 10, 11, 12, 13, 14, 15, 16})
"""The fields of a graph, all of them BYTES."""
_FIELDS_LOOKED_AT = 256


def matches(start: bytes, source: Source) -> bool:
    """Whether its name says so, or it has the fields of a model, a graph among them."""
    if source.name.lower().endswith(".onnx"):
        return True
    if start[0] != 0x08 or start[1] >= 0x80:  # ir_version, a small number
        return False
    try:
        return _looks_like_model(Reader(source), source.size)
    except HeaderError:
        return False


def read(source: Source) -> Header:
    """The tensors in the file and, by location, those in other files; raises HeaderError where it lies."""
    walk = _Walk(Reader(source))
    walk.message("model", Field(0, BYTES, source.size, 0), ())
    external = {path: ordered(found.values(), _MAX_OFFSET) for path, found in walk.external.items()}
    return Header("onnx", ordered(walk.segments, source.size), external)


def _looks_like_model(reader: Reader, size: int) -> bool:
    graph = False
    for each in itertools.islice(reader.fields(0, size), _FIELDS_LOOKED_AT):
        if _MODEL.get(each.number) != each.wire:
            return False
        if each.number == 7:
            first = next(reader.fields(each.offset, each.end), None)
            graph = first is None or (first.number in _GRAPH and first.wire == BYTES)
    return graph


class _Walk:
    """One way through a model, from front to back, and the tensors found on it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._depth = 0
        self._count = 0
        self._letters = 0
        self.segments: list[Segment] = []
        self.external: dict[str, dict[tuple[int, int], Segment]] = {}

    def message(self, kind: str, field: Field, way: tuple[str, ...]) -> None:
        """Everything below one message; `way` has the names of those that it lies in."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise HeaderError(f"its messages are nested deeper than {MAX_NESTING}")
        inner = way
        for each in self._reader.fields(field.offset, field.end):
            below = _CHILDREN[kind].get(each.number)
            if each.wire != BYTES:
                continue
            if each.number == _LABELS.get(kind) and inner == way:
                inner = (*way, self._label(kind, each))
            elif below in ("tensor", "constant"):
                self._tensor(read_tensor(self._reader, each), inner, named=below == "tensor")
            elif below:
                self.message(below, each, inner)
        self._depth -= 1

    def _label(self, kind: str, field: Field) -> str:
        label = self._reader.text(field, MAX_NAME)
        return "" if kind == "attribute" and label == "value" else label

    def _tensor(self, tensor: Tensor, way: tuple[str, ...], *, named: bool) -> None:
        segment, location = tensor
        if segment is None:
            return
        self._count += 1
        if self._count > MAX_SEGMENTS:
            raise HeaderError(f"it has more than {MAX_SEGMENTS} tensors")
        segment = segment._replace(name=self._name((*way, segment.name) if named else way))
        if location is None:
            self.segments.append(segment)
        elif segment.size:  # tied weights may be one stretch of the other file
            self.external.setdefault(location, {}).setdefault((segment.offset, segment.size), segment)

    def _name(self, way: tuple[str, ...]) -> str:
        if sum(map(len, way)) + len(way) > MAX_NAME:
            return ""
        name = "/".join(filter(None, way))
        self._letters += len(name)
        if self._letters > MAX_TEXT:
            raise HeaderError(f"its names have more than {MAX_TEXT} letters")
        return name
