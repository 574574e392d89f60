"""ONNX: the inputs and outputs of the graph, and the properties of the model.

    ModelProto ┬ graph: GraphProto ┬ initializer: TensorProto ─ name
               │                   └ input, output: ValueInfoProto ─ name, type ─ tensor_type ┬ elem_type
               │                                                                              └ shape ─ dim
               └ metadata_props: StringStringEntryProto ─ key, value

An input with an initializer is a weight and is left out. Source: onnx.proto of the ONNX project, IR version 13.
"""

from __future__ import annotations

from collections.abc import Iterator

from mvc.formats.header import MAX_RANK
from mvc.formats.metadata import texts
from mvc.formats.onnx_tensor import DTYPES
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax.protobuf import BYTES, NUMBER, Field, Reader
from mvc.model.metadata import Metadata, Port

MAX_PORTS = 4_096
"""Inputs and outputs of a graph, at most, and initializers that are compared with them."""
_GRAPH, _PROPERTY = 7, 14
_INITIALIZER, _INPUT, _OUTPUT = 5, 11, 12
_TENSOR_NAME = 8
_SIZE, _SYMBOL = 1, 2


def read(source: Source) -> Metadata:
    """Return the metadata of a model. Raises HeaderError."""
    reader = Reader(source)
    properties = texts.Properties()
    inputs: list[Port] = []
    outputs: list[Port] = []
    for field in reader.fields(0, source.size):
        if field.wire == BYTES and field.number == _GRAPH:
            inputs, outputs = _ports(reader, field)
        elif field.wire == BYTES and field.number == _PROPERTY:
            entry = {part.number: part for part in _parts(reader, field)}
            if 1 in entry:
                value = reader.text(entry[2], texts.MAX_VALUE) if 2 in entry else ""
                properties.add(reader.text(entry[1], texts.MAX_KEY), value)
    return Metadata("onnx", tuple(inputs), tuple(outputs), properties.values)


def _ports(reader: Reader, graph: Field) -> tuple[list[Port], list[Port]]:
    inputs: list[Port] = []
    outputs: list[Port] = []
    weights: list[Field] = []
    for field in reader.fields(graph.offset, graph.end):
        if field.wire != BYTES:
            continue
        if field.number == _INITIALIZER and len(weights) < MAX_PORTS:
            weights.append(field)
        elif field.number in (_INPUT, _OUTPUT):
            (inputs if field.number == _INPUT else outputs).append(_port(reader, field))
            if len(inputs) + len(outputs) > MAX_PORTS:
                raise HeaderError(f"it has more than {MAX_PORTS} inputs and outputs")
    if len(inputs) > 1:  # older versions list weights among the inputs, the data first
        names = {_weight_name(reader, field) for field in weights}
        inputs = [port for port in inputs if port.name not in names]
    return inputs, outputs


def _weight_name(reader: Reader, tensor: Field) -> str:
    named = (part for part in reader.fields(tensor.offset, tensor.end) if part.number == _TENSOR_NAME)
    return next((reader.text(part, texts.MAX_KEY) for part in named if part.wire == BYTES), "")


def _port(reader: Reader, value: Field) -> Port:
    name, dtype = "", ""
    shape: tuple[int | None, ...] | None = None
    symbols: tuple[str | None, ...] = ()
    for part in _parts(reader, value):
        if part.number == 1:
            name = reader.text(part, texts.MAX_KEY)
        elif part.number == 2:
            for type_ in _parts(reader, part):
                if type_.number == 1:  # a tensor; sequences and maps have no shape
                    dtype, shape, symbols = _tensor_type(reader, type_)
    return Port(name, dtype, shape, symbols)


def _tensor_type(reader: Reader, type_: Field) -> tuple[str, tuple[int | None, ...] | None, tuple[str | None, ...]]:
    """Return the dtype, the shape, and the names of dimensions that are not fixed."""
    dtype = ""
    shape: tuple[int | None, ...] | None = None
    symbols: tuple[str | None, ...] = ()
    for part in reader.fields(type_.offset, type_.end):
        if part.number == 1 and part.wire == NUMBER:
            dtype = DTYPES.get(part.value, "")
        elif part.number == 2 and part.wire == BYTES:
            sizes = list(_dimensions(reader, part))
            shape = tuple(size if isinstance(size, int) else None for size in sizes)
            names = tuple(None if isinstance(size, int) else size or None for size in sizes)
            symbols = names if any(names) else ()
    return dtype, shape, symbols


def _dimensions(reader: Reader, shape: Field) -> Iterator[int | str]:
    """Yield the size of each dimension, or its name if it is not fixed, "" for none."""
    for count, dimension in enumerate(_parts(reader, shape)):
        if count == MAX_RANK:
            raise HeaderError(f"an input or output has more than {MAX_RANK} dimensions")
        size: int | str = ""
        for part in reader.fields(dimension.offset, dimension.end):
            if part.number == _SIZE and part.wire == NUMBER and part.value < 1 << 63:
                size = part.value
            elif part.number == _SYMBOL and part.wire == BYTES:
                size = reader.text(part, texts.MAX_KEY)
        yield size


def _parts(reader: Reader, message: Field) -> Iterator[Field]:
    """Yield the fields of a message that have content."""
    return (part for part in reader.fields(message.offset, message.end) if part.wire == BYTES)
