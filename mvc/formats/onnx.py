"""ONNX: a graph as one protocol buffers message with the tensors: initializers and constants, also of subgraphs.

    ModelProto ─ graph ┬ initializer: TensorProto ─ dims, data_type, name, raw_data │ external_data: location, offset, …
                       ├ sparse_initializer ─ values, indices: TensorProto
                       └ node ─ attribute ┬ t, tensors: TensorProto
                                          └ g, graphs: as graph, and so on (the branches of If, the body of Loop)

A tensor in an attribute is named by its path, a node by its first output: a constant is `hidden`, and in a branch
`hidden/then_branch/weight`. Only tags, lengths and short fields are read: a model may have 2 GB.

Source: onnx.proto of the ONNX project, IR version 13.
"""

from __future__ import annotations

import itertools

from mvc.formats.header import MAX_TEXT, Header, ordered
from mvc.formats.onnx_tensor import Tensor, read_tensor
from mvc.formats.source import MAX_SEGMENTS, HeaderError, Source
from mvc.formats.syntax.protobuf import BYTES, Field, Reader
from mvc.model.segment import Segment

MAX_NESTING = 100
"""Nested messages, at most: the limit of protocol buffers' own parsers."""
MAX_NAME = 1024
"""Characters of a name with its path; a longer name is left out."""
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
"""The fields of each message that contain tensors, and the kind of message they hold."""
_LABELS = {"function": 1, "node": 2, "attribute": 1}
"""The field with a message's name, which precedes the fields it names: name, output, name."""
_MODEL = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
"""The fields of a model, and their wire types."""
_GRAPH = frozenset({1, 2, 5, 10, 11, 12, 13, 14, 15, 16})
"""The fields of a graph, all of wire type BYTES."""
_MAX_CHECKED = 256


def matches(start: bytes, source: Source) -> bool:
    """Return whether its name ends in .onnx, or it has the fields of a model, with a graph."""
    if source.name.lower().endswith(".onnx"):
        return True
    if len(start) < 2 or start[0] != 0x08 or start[1] >= 0x80:  # ir_version, a small number
        return False
    try:
        return _looks_like_model(Reader(source), source.size)
    except HeaderError:
        return False


def read(source: Source) -> Header:
    """Return the tensors in the file and, by location, those in other files; raise HeaderError if it is malformed."""
    walk = _Walk(Reader(source))
    walk.message("model", Field(0, BYTES, source.size, 0), ())
    if not walk.has_graph:
        raise HeaderError("it has no graph")
    external = {path: ordered(segments.values(), _MAX_OFFSET) for path, segments in walk.external.items()}
    return Header("onnx", ordered(walk.segments, source.size), external)


def _looks_like_model(reader: Reader, size: int) -> bool:
    has_graph = False
    for field in itertools.islice(reader.fields(0, size), _MAX_CHECKED):
        if _MODEL.get(field.number) != field.wire:
            return False
        if field.number == 7:
            first = next(reader.fields(field.offset, field.end), None)
            has_graph = first is None or (first.number in _GRAPH and first.wire == BYTES)
    return has_graph


class _Walk:
    """One pass over a model, front to back, and the tensors it meets."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._depth = 0
        self._count = 0
        self._name_chars = 0
        self.has_graph = False
        self.segments: list[Segment] = []
        self.external: dict[str, dict[tuple[int, int], Segment]] = {}

    def message(self, kind: str, message: Field, path: tuple[str, ...]) -> None:
        """Visit everything in a message; `path` has the names of the messages around it."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise HeaderError(f"its messages are nested deeper than {MAX_NESTING}")
        inner = path
        for field in self._reader.fields(message.offset, message.end):
            child = _CHILDREN[kind].get(field.number)
            if field.wire != BYTES:
                continue
            if field.number == _LABELS.get(kind) and inner == path:
                inner = (*path, self._label(kind, field))
            elif child in ("tensor", "constant"):
                self._tensor(read_tensor(self._reader, field), inner, is_named=child == "tensor")
            elif child:
                self.has_graph = self.has_graph or (kind, child) == ("model", "graph")
                self.message(child, field, inner)
        self._depth -= 1

    def _label(self, kind: str, field: Field) -> str:
        label = self._reader.text(field, MAX_NAME)
        return "" if kind == "attribute" and label == "value" else label

    def _tensor(self, tensor: Tensor, path: tuple[str, ...], *, is_named: bool) -> None:
        segment, location = tensor
        if segment is None:
            return
        self._count += 1
        if self._count > MAX_SEGMENTS:
            raise HeaderError(f"it has more than {MAX_SEGMENTS} tensors")
        segment = segment._replace(name=self._name((*path, segment.name) if is_named else path))
        if location is None:
            self.segments.append(segment)
        elif segment.size:  # tied weights may share one range of the other file
            self.external.setdefault(location, {}).setdefault((segment.offset, segment.size), segment)

    def _name(self, path: tuple[str, ...]) -> str:
        if sum(map(len, path)) + len(path) > MAX_NAME:
            return ""
        name = "/".join(filter(None, path))
        self._name_chars += len(name)
        if self._name_chars > MAX_TEXT:
            raise HeaderError(f"its names have more than {MAX_TEXT} characters")
        return name
