"""Protocol buffers' wire format, walked without a schema: what a field holds is skipped until somebody asks for it.

    08 07           field 1, a number: 7
    3a 80 89 7a …   field 7, 2,000,000 bytes, which are a message, a text or a tensor: only who asks knows

Source: "Encoding" in the documentation of protocol buffers. Groups, which version 3 of the language has not, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mvc.formats.source import HeaderError, Source

NUMBER, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""What a field can be on the wire: its low three bits."""
MAX_FIELDS = 1 << 21
"""Fields of one file that are looked at, at most: a few seconds of work."""
_MAX_KEY = 1 << 32
_LONGEST = 10
"""Bytes of a number."""
_FIRST_BLOCK, _MAX_BLOCK = 1024, 64 * 1024


class Field(NamedTuple):
    """Field `number` of a message. `value` is its number, or how many bytes it holds; they begin at `offset`."""

    number: int
    wire: int
    value: int
    offset: int

    @property
    def end(self) -> int:
        """The offset behind its bytes."""
        return self.offset + self.value


class Reader:
    """Reads messages of one file from front to back, in blocks that grow while nothing long is skipped."""

    def __init__(self, source: Source) -> None:
        """Nothing is read yet."""
        self.source = source
        self._fields = 0
        self._data = b""
        self._start = 0

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """The fields of the message between two offsets; raises HeaderError where they are not well formed."""
        while start < end:
            field = self._field(start, end)
            yield field
            start = field.offset if field.wire == NUMBER else field.end

    def numbers(self, field: Field, limit: int) -> list[int] | None:
        """The numbers of a repeated field: one, or packed in up to `limit` times ten bytes; None in more."""
        if field.wire == NUMBER:
            return [field.value]
        if field.value > _LONGEST * limit:
            return None
        found = []
        at = field.offset
        while at < field.end:
            value, at = self._varint(at, field.end)
            found.append(value)
        return found

    def text(self, field: Field, limit: int) -> str:
        """The text that a field holds; `""` for one of more than `limit` bytes."""
        if field.value > limit:
            return ""
        data = self._bytes(field.offset, field.value)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise HeaderError(f"its text at byte {field.offset} is not UTF-8") from error

    def _field(self, start: int, end: int) -> Field:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise HeaderError(f"it has more than {MAX_FIELDS} fields")
        key, at = self._varint(start, end)
        number, wire = key >> 3, key & 7
        if not number or key >= _MAX_KEY:
            raise HeaderError(f"there is no field {number}, at byte {start}")
        if wire in (NUMBER, BYTES):
            value, at = self._varint(at, end)
        elif wire in (FIXED32, FIXED64):
            value = 4 if wire == FIXED32 else 8
        else:
            raise HeaderError(f"its field at byte {start} is of type {wire}")
        if wire != NUMBER and at + value > end:
            raise HeaderError(f"its field at byte {start} leads to byte {at + value}, and what holds it ends at {end}")
        return Field(number, wire, value, at)

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """A number of up to ten bytes, seven bits each, the lowest first, and the offset behind it."""
        index = at - self._start
        if at < end and 0 <= index < len(self._data) and self._data[index] < 0x80:  # nearly all are one byte
            return self._data[index], at + 1
        value = shift = 0
        for byte in self._bytes(at, min(_LONGEST, end - at)):
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 and not value >> 64:
                return value, at + shift // 7
        raise HeaderError(f"its number at byte {at} does not end")

    def _bytes(self, at: int, size: int) -> bytes:
        index = at - self._start
        if index < 0 or index + size > len(self._data):
            self._fill(at, size)
            index = 0
        return self._data[index : index + size]

    def _fill(self, at: int, size: int) -> None:
        near = 0 <= at - self._start <= 2 * len(self._data)
        block = min(2 * len(self._data), _MAX_BLOCK) if near else 0
        self._data = self.source.read(at, max(size, min(max(block, _FIRST_BLOCK), self.source.size - at)))
        self._start = at
