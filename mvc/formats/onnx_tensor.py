"""One tensor of an ONNX model: a stretch of the model's file, or of another file, with its dtype and shape.

    TensorProto ─ dims 1, data_type 2, float_data 4, name 8, raw_data 9, double_data 10, external_data 13, data_location 14

Numbers that do not lie there as they do in memory (int32_data, int64_data and uint64_data are varints) are no segment.

Source: onnx.proto of the ONNX project, IR version 13; its page "External Data".
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from mvc import errors
from mvc.formats.header import MAX_RANK
from mvc.formats.protobuf import BYTES, NUMBER, Field, Reader
from mvc.formats.source import HeaderError
from mvc.model.paths import check_path
from mvc.model.segment import WIDTHS, Segment

_DTYPES = {
    1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64", 12: "U32",
    13: "U64", 14: "C64", 15: "C128", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ",
    21: "U4", 22: "I4", 23: "F4", 24: "F8_E8M0", 25: "U2", 26: "I2",
}  # fmt: skip
"""TensorProto.DataType, but for strings."""
_BITS = {dtype: 8 * width for dtype, width in WIDTHS.items()} | {
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "U4": 4, "I4": 4, "F4": 4, "U2": 2, "I2": 2,
}  # fmt: skip
_DATA = {4: frozenset({1, 14}), 9: frozenset(_DTYPES), 10: frozenset({11, 15})}
"""float_data, raw_data and double_data: the data types whose numbers lie in them as in memory."""
_EXTERNAL = 1
_MAX_TEXT = 1024
_COUNT = re.compile(r"[0-9]{1,18}\Z", re.ASCII)


class Tensor(NamedTuple):
    """A tensor's bytes, None where they are not as in memory; in the model's file, or in that at `location`."""

    segment: Segment | None
    location: str | None = None


def read_tensor(reader: Reader, message: Field) -> Tensor:
    """The tensor that a TensorProto describes; raises HeaderError where it is broken or leads out of its folder.

    Dtype and shape are left out where they do not give the number of bytes.
    """
    parts = _Parts()
    for each in reader.fields(message.offset, message.end):
        _take(reader, each, parts)
    if parts.external:
        return _outside(parts)
    if parts.data is None or parts.code not in _DATA[parts.data.number]:
        return Tensor(None)
    return Tensor(_segment(parts, parts.data.offset, parts.data.value))


@dataclass(slots=True)
class _Parts:
    """What the fields of a TensorProto say."""

    dims: list[int] | None = field(default_factory=list)
    code: int = 0
    name: str = ""
    data: Field | None = None
    external: bool = False
    entries: dict[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> int | None:
        """The bytes that dtype and shape ask for, None where they are not known."""
        dtype = _DTYPES.get(self.code)
        if dtype is None or self.dims is None or any(size >> 63 for size in self.dims):  # below zero, as a varint
            return None
        return -(-math.prod(self.dims) * _BITS[dtype] // 8)


def _take(reader: Reader, each: Field, parts: _Parts) -> None:
    if each.number == 1 and each.wire in (NUMBER, BYTES):
        more = reader.numbers(each, MAX_RANK)
        together = None if more is None or parts.dims is None else parts.dims + more
        parts.dims = together if together is not None and len(together) <= MAX_RANK else None
    elif each.wire == NUMBER and each.number == 2:
        parts.code = each.value
    elif each.wire == NUMBER and each.number == 14:
        parts.external = each.value == _EXTERNAL
    elif each.wire == BYTES and each.number == 8:
        parts.name = reader.text(each, _MAX_TEXT)
    elif each.wire == BYTES and each.number in _DATA:
        parts.data = each
    elif each.wire == BYTES and each.number == 13:
        key, value = _entry(reader, each)
        if key in ("location", "offset", "length"):
            parts.entries[key] = value


def _entry(reader: Reader, message: Field) -> tuple[str, str]:
    """The key and the value of a StringStringEntryProto."""
    texts = {1: "", 2: ""}
    for each in reader.fields(message.offset, message.end):
        if each.wire == BYTES and each.number in texts:
            texts[each.number] = reader.text(each, _MAX_TEXT)
    return texts[1], texts[2]


def _outside(parts: _Parts) -> Tensor:
    """A tensor in another file, which its shape measures unless its length is given."""
    location = parts.entries.get("location", "")
    try:
        check_path(location)
    except (errors.UnsafePath, errors.UnportablePath) as error:
        raise HeaderError(f"a tensor of it lies at {location!r}, which is no path inside its folder") from error
    size = _count(parts, "length", parts.expected)
    if size is None:
        return Tensor(None)
    return Tensor(_segment(parts, _count(parts, "offset", 0) or 0, size), location)


def _count(parts: _Parts, key: str, default: int | None) -> int | None:
    text = parts.entries.get(key)
    if text is None:
        return default
    if not _COUNT.match(text):
        raise HeaderError(f"the {key} of {parts.name or 'a tensor'} is no number of bytes")
    return int(text)


def _segment(parts: _Parts, offset: int, size: int) -> Segment:
    if parts.expected != size:
        return Segment(offset, size, parts.name)
    return Segment(offset, size, parts.name, _DTYPES[parts.code], tuple(parts.dims or ()))
