"""TensorFlow checkpoints: a table of tensors, `variables.index`, and their numbers in files beside it.

    variables.index      "model/kernel/.ATTRIBUTES/VARIABLE_VALUE"  ─►  float, 4 x 6, shard 0, bytes 0 to 96
    variables.data-00000-of-00001

A SavedModel keeps its variables so. Source: tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/framework/types.proto.
"""

from __future__ import annotations

import posixpath

from mvc.deferred import dataclass
from mvc.formats.header import MAX_RANK, Header, ordered, volume
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import sstable
from mvc.formats.syntax.protobuf import BYTES, NUMBER, Field, Reader
from mvc.formats.syntax.sstable import Entry
from mvc.model.segment import WIDTHS, Segment

_SUFFIX = ".index"
_HEADER_KEY = b""
_SHARDS, _ENDIANNESS = 1, 2
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE = 1, 2, 3, 4, 5
_DIMENSION, _DIMENSION_SIZE = 2, 1
_MAX_SHARDS = 100_000
_MAX_OFFSET = 1 << 63
_DTYPES = {
    1: "F32", 2: "F64", 3: "I32", 4: "U8", 5: "I16", 6: "I8", 8: "C64", 9: "I64", 10: "BOOL", 11: "I8", 12: "U8",
    13: "I32", 14: "BF16", 15: "I16", 16: "U16", 17: "U16", 18: "C128", 19: "F16", 22: "U32", 23: "U64",
    24: "F8_E5M2", 25: "F8_E4M3",
}  # fmt: skip
"""By DataType; texts, resources and variants have none. Quantised numbers are integers."""


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the end of the file proves it
    """Return whether it is a table by its end, and its name ends in .index."""
    return source.name.lower().endswith(_SUFFIX) and sstable.is_table(source)


def read(source: Source) -> Header:
    """Return the tensors by the file they are in; raise HeaderError if the table is malformed."""
    reader = Reader(source)
    shards, is_little = 0, True
    tensors: dict[int, dict[tuple[int, int], Segment]] = {}
    for entry in sstable.entries(source):
        numbers = _numbers(reader, entry)
        if entry.key == _HEADER_KEY:
            shards, is_little = numbers.values.get(_SHARDS, 0), not numbers.values.get(_ENDIANNESS, 0)
            continue
        segment, shard = _segment(entry.key, numbers, is_little=is_little), numbers.values.get(_SHARD, 0)
        if shard >= shards:
            raise HeaderError(f"{segment.name or 'a tensor'} is in a file that does not exist")
        if segment.size:
            tensors.setdefault(shard, {}).setdefault((segment.offset, segment.size), segment)
    if not 0 < shards <= _MAX_SHARDS:
        raise HeaderError("the number of its files is missing or too large")
    stem = posixpath.basename(source.name)[: -len(_SUFFIX)]
    return Header(
        "tf_checkpoint",
        (),
        {
            f"{stem}.data-{shard:05}-of-{shards:05}": ordered(held.values(), _MAX_OFFSET)
            for shard, held in tensors.items()
        },
    )


@dataclass(slots=True)
class _Message:
    """The numbers of a message by field, and its shape; None if it has too many dimensions, or is not known."""

    values: dict[int, int]
    shape: tuple[int, ...] | None


def _numbers(reader: Reader, entry: Entry) -> _Message:
    values: dict[int, int] = {}
    shape: tuple[int, ...] | None = ()
    for field in reader.fields(entry.offset, entry.offset + entry.size):
        if field.wire == NUMBER:
            values[field.number] = field.value
        elif field.wire == BYTES and field.number == _SHAPE:
            shape = _shape(reader, field)
    return _Message(values, shape)


def _shape(reader: Reader, message: Field) -> tuple[int, ...] | None:
    """Return the sizes of a TensorShapeProto; None if they are too many or not known."""
    sizes: list[int] = []
    for dimension in reader.fields(message.offset, message.end):
        if dimension.wire != BYTES or dimension.number != _DIMENSION or len(sizes) == MAX_RANK:
            return None
        parts = (part for part in reader.fields(dimension.offset, dimension.end) if part.wire == NUMBER)
        sizes.append(next((part.value for part in parts if part.number == _DIMENSION_SIZE), 0))
    return tuple(sizes) if all(size < _MAX_OFFSET for size in sizes) else None


def _segment(key: bytes, message: _Message, *, is_little: bool) -> Segment:
    """Return a tensor, without dtype and shape if they do not match its size."""
    offset, size = message.values.get(_OFFSET, 0), message.values.get(_SIZE, 0)
    name = key.decode("utf-8", "replace") if key.isascii() and b"\0" not in key else ""  # a part of a tensor has none
    dtype = _DTYPES.get(message.values.get(_DTYPE, 0), "") if is_little else ""
    if dtype and message.shape is not None and volume(name, message.shape) * WIDTHS[dtype] == size:
        return Segment(offset, size, name, dtype, message.shape)
    return Segment(offset, size, name)
