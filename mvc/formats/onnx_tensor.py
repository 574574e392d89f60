"""A tensor of an ONNX model: a range of the model's file, or of another file, with dtype and shape.

    TensorProto ─ dims 1, data_type 2, float_data 4, int32_data 5, int64_data 7, name 8, raw_data 9, double_data 10,
                  uint64_data 11, external_data 13, data_location 14

Integers that are not stored as in memory have a dtype of their own, `I64_VARINT`: each takes one to ten bytes.

Source: onnx.proto of the ONNX project, IR version 13; its page "External Data".
"""

from __future__ import annotations

import math
import re
from dataclasses import field
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.header import MAX_RANK
from mvc.formats.source import HeaderError
from mvc.formats.syntax.protobuf import BYTES, NUMBER, Field, Reader
from mvc.model.paths import check_path
from mvc.model.segment import WIDTHS, Segment

DTYPES = {
    1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64", 12: "U32",
    13: "U64", 14: "C64", 15: "C128", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ",
    21: "U4", 22: "I4", 23: "F4", 24: "F8_E8M0", 25: "U2", 26: "I2",
}  # fmt: skip
"""TensorProto.DataType, except strings."""
_BITS = {dtype: 8 * width for dtype, width in WIDTHS.items()} | {
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "U4": 4, "I4": 4, "F4": 4, "U2": 2, "I2": 2,
}  # fmt: skip
_DATA = {4: frozenset({1, 14}), 9: frozenset(DTYPES), 10: frozenset({11, 15})}
"""float_data, raw_data and double_data: the data types that they store as in memory."""
_VARINTS = {5: frozenset(DTYPES) - {1, 7, 11, 12, 13, 14, 15}, 7: frozenset({7}), 11: frozenset({12, 13})}
"""int32_data, int64_data and uint64_data: the data types that they store as varints."""
_LONGEST = 10
"""Bytes of a varint, at most."""
_EXTERNAL = 1
_MAX_TEXT = 1024
_COUNT = re.compile(r"[0-9]{1,18}\Z", re.ASCII)


class Tensor(NamedTuple):
    """The bytes of a tensor, None if they are not in one place; in the model's file, or in the file at `location`."""

    segment: Segment | None
    location: str | None = None


def read_tensor(reader: Reader, message: Field) -> Tensor:
    """Return the tensor of a TensorProto; raise HeaderError if it is malformed or outside the model's folder.

    Dtype and shape are left out if they do not match the number of bytes.
    """
    fields = _Fields()
    for field_ in reader.fields(message.offset, message.end):
        _read_field(reader, field_, fields)
    if fields.is_external:
        return _external(fields)
    data = fields.data
    if data is not None and fields.data_type in _VARINTS.get(data.number, ()):
        return Tensor(_varints(fields, data))
    if data is None or fields.data_type not in _DATA.get(data.number, ()):
        return Tensor(None)
    return Tensor(_segment(fields, data.offset, data.value))


@dataclass(slots=True)
class _Fields:
    """The fields of a TensorProto."""

    dims: list[int] | None = field(default_factory=list)
    data_type: int = 0
    name: str = ""
    data: Field | None = None
    is_external: bool = False
    entries: dict[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> int | None:
        """The size in bytes by dtype and shape; None if they are not known."""
        dtype = DTYPES.get(self.data_type)
        if dtype is None or self.dims is None or any(size >> 63 for size in self.dims):  # negative, as a varint
            return None
        return -(-math.prod(self.dims) * _BITS[dtype] // 8)


def _read_field(reader: Reader, field_: Field, fields: _Fields) -> None:
    if field_.number == 1 and field_.wire in (NUMBER, BYTES):
        more = reader.numbers(field_, MAX_RANK)
        dims = None if more is None or fields.dims is None else fields.dims + more
        fields.dims = dims if dims is not None and len(dims) <= MAX_RANK else None
    elif field_.wire == NUMBER and field_.number == 2:
        fields.data_type = field_.value
    elif field_.wire == NUMBER and field_.number == 14:
        fields.is_external = field_.value == _EXTERNAL
    elif field_.wire == BYTES and field_.number == 8:
        fields.name = reader.text(field_, _MAX_TEXT)
    elif field_.wire == BYTES and field_.number in _DATA.keys() | _VARINTS.keys():
        fields.data = field_
    elif field_.wire == BYTES and field_.number == 13:
        key, value = _entry(reader, field_)
        if key in ("location", "offset", "length"):
            fields.entries[key] = value


def _entry(reader: Reader, message: Field) -> tuple[str, str]:
    """Return key and value of a StringStringEntryProto."""
    texts = {1: "", 2: ""}
    for field_ in reader.fields(message.offset, message.end):
        if field_.wire == BYTES and field_.number in texts:
            texts[field_.number] = reader.text(field_, _MAX_TEXT)
    return texts[1], texts[2]


def _external(fields: _Fields) -> Tensor:
    """Return a tensor in another file; its size follows from its shape unless a length is given."""
    location = fields.entries.get("location", "")
    try:
        check_path(location)
    except (errors.UnsafePath, errors.UnportablePath) as error:
        raise HeaderError(f"the location {location!r} of a tensor is not a path inside its folder") from error
    size = _count(fields, "length", fields.expected)
    if size is None:
        return Tensor(None)
    return Tensor(_segment(fields, _count(fields, "offset", 0) or 0, size), location)


def _count(fields: _Fields, key: str, default: int | None) -> int | None:
    text = fields.entries.get(key)
    if text is None:
        return default
    if not _COUNT.match(text):
        raise HeaderError(f"the {key} of {fields.name or 'a tensor'} is not a number of bytes")
    return int(text)


def _varints(fields: _Fields, data: Field) -> Segment:
    """Return a tensor of varints; its dtype and shape are left out if it cannot have as many."""
    count = math.prod(fields.dims or ()) if fields.expected is not None else -1
    if not count <= data.value <= _LONGEST * count:
        return Segment(data.offset, data.value, fields.name)
    dtype = f"{DTYPES[fields.data_type]}_VARINT"
    return Segment(data.offset, data.value, fields.name, dtype, tuple(fields.dims or ()))


def _segment(fields: _Fields, offset: int, size: int) -> Segment:
    if fields.expected != size:
        return Segment(offset, size, fields.name)
    return Segment(offset, size, fields.name, DTYPES[fields.data_type], tuple(fields.dims or ()))
