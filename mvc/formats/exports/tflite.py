"""TFLite: one flatbuffer with tensors, and with buffers that hold the numbers of those that are constant.

    Model ┬ subgraphs ─ tensors ─ shape, type, buffer: 7, name
          └ buffers   ─ 7 ─ data, or offset and size of data after the flatbuffer (models above 2 GiB)

Source: tensorflow/lite/schema/schema.fbs, version 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from mvc.formats.header import MAX_RANK, MAX_TEXT, Header, ordered, volume
from mvc.formats.source import MAX_SEGMENTS, HeaderError, Source
from mvc.formats.syntax.flatbuffer import Flatbuffer
from mvc.model.segment import WIDTHS, Segment

MAX_NAME = 1024
"""Bytes of a name, at most; a longer one is left out."""
_MAGIC = b"TFL3"
_SUBGRAPHS, _BUFFERS = 2, 4
_TENSORS = 0
_SHAPE, _TYPE, _BUFFER, _NAME = 0, 1, 2, 3
_DATA, _OFFSET, _SIZE = 0, 1, 2
_MAX_SUBGRAPHS = 10_000
_DTYPES = (
    "F32", "F16", "I32", "U8", "I64", "", "BOOL", "I16", "C64", "I8", "F64", "C128", "U64", "", "", "U32", "U16", "I4",
    "BF16", "I2", "U4",
)  # fmt: skip
"""By TensorType; texts, resources and variants have none."""


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the first bytes suffice
    """Return whether it has the identifier of the schema."""
    return start[4:8] == _MAGIC


def read(source: Source) -> Header:
    """Return the constant tensors; one that shares its buffer is left out. Raises HeaderError if it is malformed."""
    buffer = Flatbuffer(source)
    model = buffer.root()
    places = [_place(buffer, table) for table in buffer.tables(model, _BUFFERS, MAX_SEGMENTS)]
    return Header("tflite", ordered(_segments(buffer, model, places), source.size))


def _place(buffer: Flatbuffer, table: int) -> tuple[int, int]:
    """Return offset and size of the content of a buffer."""
    start, length = buffer.vector(table, _DATA)
    return (start, length) if length else (buffer.number(table, _OFFSET, 8), buffer.number(table, _SIZE, 8))


def _segments(buffer: Flatbuffer, model: int, places: list[tuple[int, int]]) -> Iterator[Segment]:
    named: set[int] = {0}  # buffer 0 is empty by convention
    characters = count = 0
    for subgraph in buffer.tables(model, _SUBGRAPHS, _MAX_SUBGRAPHS):
        for tensor in buffer.tables(subgraph, _TENSORS, MAX_SEGMENTS):
            count += 1
            index = buffer.number(tensor, _BUFFER, 4)
            if count > MAX_SEGMENTS or index >= len(places):
                raise HeaderError(f"it has more than {MAX_SEGMENTS} tensors, or one without a buffer")
            if index in named or not places[index][1]:
                continue
            named.add(index)
            segment = _segment(buffer, tensor, places[index])
            characters += len(segment.name)
            if characters > MAX_TEXT:
                raise HeaderError(f"its names have more than {MAX_TEXT} characters")
            yield segment


def _segment(buffer: Flatbuffer, tensor: int, place: tuple[int, int]) -> Segment:
    """Return a tensor, without dtype and shape if they do not match the size of its buffer."""
    offset, size = place
    name = buffer.text(tensor, _NAME, MAX_NAME)
    shape = buffer.signed(tensor, _SHAPE, MAX_RANK)
    kind = buffer.number(tensor, _TYPE, 1)
    dtype = _DTYPES[kind] if kind < len(_DTYPES) else ""
    if not dtype or shape is None or any(count < 0 for count in shape):
        return Segment(offset, size, name)
    if dtype in WIDTHS and volume(name, shape) * WIDTHS[dtype] != size:
        return Segment(offset, size, name)
    return Segment(offset, size, name, dtype, shape)
