"""Core ML: an ML program as one protocol buffers message, whose large constants are blobs of a file beside it.

    Model ─ mlProgram ─ functions ─ block_specializations ─ operations ┬ outputs ─ name: "conv1_weight_to_fp16"
                                                                       └ attributes ─ "val" ─ type, blobFileValue

A blob is given by the offset of its record of 64 bytes, which its bytes follow. Blobs of quantised operations are
named `conv1_weight/quantized_data`. Source: mlmodel/format/Model.proto and MIL.proto of coremltools.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from mvc import errors
from mvc.formats.exports.coreml_weights import ALIGNMENT
from mvc.formats.header import MAX_RANK, MAX_TEXT, Header, ordered
from mvc.formats.source import MAX_SEGMENTS, HeaderError, Source
from mvc.formats.syntax.protobuf import BYTES, NUMBER, Field, Reader
from mvc.model.paths import check_path
from mvc.model.segment import Segment

MAX_NESTING = 100
"""Nested messages, at most: the limit of protocol buffers' own parsers."""
MAX_NAME = 1024
"""Bytes of a name, at most; a longer one is left out."""
_PROGRAM = 502
_FOLDER = "@model_path/"
_MAX_OFFSET = 1 << 63
_MAX_PARTS = 100_000
_MAX_CHECKED = 8
_CHILDREN = {
    "model": {_PROGRAM: "program"}, "program": {2: "functions"}, "functions": {2: "function"},
    "function": {3: "specializations"}, "specializations": {2: "block"}, "block": {3: "operation"},
}  # fmt: skip
"""The fields of each message that contain operations; an entry of a map has its value in field 2."""
_KEY, _VALUE = 1, 2
_INPUTS, _OUTPUTS, _BLOCKS, _ATTRIBUTES = 2, 3, 4, 5
_TYPE, _BLOB = 2, 5
_BITS = {
    1: ("BOOL", 8), 10: ("F16", 16), 11: ("F32", 32), 12: ("F64", 64), 13: ("BF16", 16), 21: ("I8", 8), 22: ("I16", 16),
    23: ("I32", 32), 24: ("I64", 64), 25: ("I4", 4), 31: ("U8", 8), 32: ("U16", 16), 33: ("U32", 32), 34: ("U64", 64),
    35: ("U4", 4), 36: ("U2", 2), 37: ("U1", 1), 38: ("U6", 6), 39: ("U3", 3), 40: ("F8_E4M3", 8), 41: ("F8_E5M2", 8),
}  # fmt: skip
"""Dtype and bits of an element, by DataType."""


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the fields prove it
    """Return whether it has the fields of a model, the last of which is an ML program."""
    try:
        fields = itertools.islice(Reader(source).fields(0, source.size), _MAX_CHECKED)
        kinds = [(field.number, field.wire) for field in fields]
    except HeaderError:
        return False
    return kinds[:1] == [(1, NUMBER)] and (_PROGRAM, BYTES) in kinds


def read(source: Source) -> Header:
    """Return the blobs by the file they are in; raise HeaderError if the program is malformed."""
    walk = _Walk(Reader(source))
    walk.message("model", Field(0, BYTES, source.size, 0))
    external = {path: ordered(held.values(), _MAX_OFFSET) for path, held in walk.external.items()}
    return Header("coreml_program", (), external)


class _Walk:
    """One pass over a program, and the blobs it refers to."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._depth = self._count = self._characters = 0
        self.external: dict[str, dict[tuple[int, int], Segment]] = {}

    def message(self, kind: str, message: Field) -> None:
        """Visit every operation in a message."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise HeaderError(f"its messages are nested deeper than {MAX_NESTING}")
        for field in self._parts(message):
            child = _CHILDREN[kind].get(field.number)
            if child == "operation":
                self._operation(field)
            elif child:
                self.message(child, field)
        self._depth -= 1

    def _parts(self, message: Field) -> Iterator[Field]:
        """Yield the fields of a message that have content."""
        return (field for field in self._reader.fields(message.offset, message.end) if field.wire == BYTES)

    def _operation(self, message: Field) -> None:
        fields = list(self._parts(message))
        if len(fields) > _MAX_PARTS:
            raise HeaderError(f"an operation has more than {_MAX_PARTS} parts")
        outputs = (field for field in fields if field.number == _OUTPUTS)
        name = self._text(next(outputs, None), 1)
        for field in fields:
            if field.number in (_INPUTS, _ATTRIBUTES):
                entry = {part.number: part for part in self._parts(field)}
                if _VALUE in entry:
                    key = self._reader.text(entry[_KEY], MAX_NAME) if _KEY in entry else ""
                    path = name if key in ("", "val") else f"{name}/{key}"
                    self._constant(path, entry[_VALUE], is_value=field.number == _ATTRIBUTES)
            elif field.number == _BLOCKS:
                self.message("block", field)

    def _constant(self, name: str, message: Field, *, is_value: bool) -> None:
        """Add the blobs of a Value; of an Argument, those of the values that its bindings hold."""
        if not is_value:
            for binding in self._parts(message):
                for part in self._parts(binding):
                    if part.number == _VALUE:
                        self._constant(name, part, is_value=True)
            return
        parts = {part.number: part for part in self._parts(message)}
        if _BLOB not in parts:
            return
        location, record = self._place(parts[_BLOB])
        dtype, bits, shape = self._type(parts.get(_TYPE))
        if not dtype or shape is None:
            return
        segment = Segment(record + ALIGNMENT, -(-math.prod(shape) * bits // 8), name, dtype, shape)
        self._count, self._characters = self._count + 1, self._characters + len(name)
        if self._count > MAX_SEGMENTS or self._characters > MAX_TEXT:
            raise HeaderError(f"it has more than {MAX_SEGMENTS} constants, or {MAX_TEXT >> 20} MiB of names")
        if segment.size:
            self.external.setdefault(location, {}).setdefault((segment.offset, segment.size), segment)

    def _place(self, message: Field) -> tuple[str, int]:
        """Return the path of the file that a blob is in, and the offset of its record."""
        path, offset = "", 0
        for field in self._reader.fields(message.offset, message.end):
            if field.number == 1 and field.wire == BYTES:
                path = self._reader.text(field, MAX_NAME).removeprefix(_FOLDER)
            elif field.number == 2 and field.wire == NUMBER:
                offset = field.value
        try:
            check_path(path)
        except (errors.UnsafePath, errors.UnportablePath) as error:
            raise HeaderError(f"the place {path!r} of a constant is not a path inside its folder") from error
        return path, offset

    def _type(self, message: Field | None) -> tuple[str, int, tuple[int, ...] | None]:
        """Return the dtype of a tensor, the bits of an element, and the shape; None if it is not constant."""
        kind, sizes = 0, []
        for tensor in self._parts(message) if message is not None else ():
            for field in self._reader.fields(tensor.offset, tensor.end):
                if field.number == 1 and field.wire == NUMBER:
                    kind = field.value
                elif field.number == 3 and field.wire == BYTES:
                    sizes.append(self._dimension(field))
                    if len(sizes) > MAX_RANK:
                        return "", 0, None
        dtype, bits = _BITS.get(kind, ("", 0))
        is_possible = all(size < _MAX_OFFSET for size in sizes) and math.prod(sizes) < _MAX_OFFSET
        return dtype, bits, tuple(sizes) if is_possible else None

    def _dimension(self, message: Field) -> int:
        """Return the size of a dimension, 0 for an unknown one."""
        sizes = [
            field.value
            for constant in self._parts(message)
            for field in self._reader.fields(constant.offset, constant.end)
            if field.wire == NUMBER
        ]
        return sizes[-1] if sizes else 0

    def _text(self, message: Field | None, number: int) -> str:
        if message is None:
            return ""
        parts = [field for field in self._parts(message) if field.number == number]
        return self._reader.text(parts[0], MAX_NAME) if parts else ""
