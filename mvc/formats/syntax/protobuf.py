"""Protocol buffers' wire format, parsed without a schema: the content of a field is skipped until it is requested.

    08 07           field 1, a number: 7
    3a 80 89 7a …   field 7, 2,000,000 bytes: a message, a text or a tensor, as the schema says

Source: "Encoding" in the documentation of protocol buffers. Groups, which proto3 has dropped, are refused, or skipped as
parsers of protocol buffers do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mvc.formats.source import HeaderError, Source, TooLongError

NUMBER, FIXED64, BYTES, _GROUP, _END_GROUP, FIXED32 = 0, 1, 2, 3, 4, 5
"""Wire types: the low three bits of a field's key."""
MAX_FIELDS = 1 << 21
"""Fields parsed in one file, at most: a few seconds of work."""
_MAX_KEY = 1 << 32
_LONGEST = 10
"""Bytes of a varint, at most."""
_FIRST_BLOCK, _MAX_BLOCK = 1024, 64 * 1024


class Field(NamedTuple):
    """Field `number` of a message.

    `value` is its number, or the size of its content in bytes, which begins at `offset`.
    """

    number: int
    wire: int
    value: int
    offset: int

    @property
    def end(self) -> int:
        """The offset after its content."""
        return self.offset + self.value


class Reader:
    """A parser for the messages of one file, front to back; it reads blocks that grow while nothing long is skipped."""

    def __init__(self, source: Source, *, skips_groups: bool = False) -> None:
        """Start without reading. A group is refused unless it `skips_groups`."""
        self.source = source
        self._skips_groups = skips_groups
        self._fields = 0
        self._data = b""
        self._start = 0

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """Yield the fields of the message between two offsets; raise HeaderError if they are malformed."""
        while start < end:
            field = self._field(start, end)
            if field.wire == _GROUP:
                start = self._after_group(field, end)
                continue
            if field.wire == _END_GROUP:
                raise HeaderError(f"the group that ends at byte {field.offset} does not begin")
            yield field
            start = field.offset if field.wire == NUMBER else field.end

    def numbers(self, field: Field, limit: int) -> list[int] | None:
        """Return the numbers of a repeated field, one or packed.

        None if packed in more than ten bytes for each of `limit`.
        """
        if field.wire == NUMBER:
            return [field.value]
        if field.value > _LONGEST * limit:
            return None
        values = []
        offset = field.offset
        while offset < field.end:
            value, offset = self._varint(offset, field.end)
            values.append(value)
        return values

    def text(self, field: Field, limit: int) -> str:
        """Return the text of a field; `""` if it has more than `limit` bytes."""
        if field.value > limit:
            return ""
        data = self._bytes(field.offset, field.value)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise HeaderError(f"its text at byte {field.offset} is not UTF-8") from error

    def _after_group(self, field: Field, end: int) -> int:
        """Return the offset after the group that a field begins, and after those inside of it."""
        opened = [field.number]
        start = field.offset
        while opened:
            if start >= end:
                raise HeaderError("a group does not end")
            field = self._field(start, end)
            if field.wire == _GROUP:
                opened.append(field.number)
            elif field.wire == _END_GROUP and opened.pop() != field.number:
                raise HeaderError(f"the group that ends at byte {field.offset} does not begin")
            start = field.end if field.wire in (BYTES, FIXED32, FIXED64) else field.offset
        return start

    def _field(self, start: int, end: int) -> Field:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise TooLongError(f"it has more than {MAX_FIELDS} fields")
        key, offset = self._varint(start, end)
        number, wire = key >> 3, key & 7
        if not number or key >= _MAX_KEY:
            raise HeaderError(f"the field at byte {start} has the invalid number {number}")
        if wire in (NUMBER, BYTES):
            value, offset = self._varint(offset, end)
        elif wire in (FIXED32, FIXED64):
            value = 4 if wire == FIXED32 else 8
        elif wire in (_GROUP, _END_GROUP) and self._skips_groups:
            value = 0
        else:
            raise HeaderError(f"the field at byte {start} has the unknown wire type {wire}")
        if wire != NUMBER and offset + value > end:
            raise HeaderError(
                f"the field at byte {start} ends at {offset + value}, beyond the end of its message at {end}"
            )
        return Field(number, wire, value, offset)

    def _varint(self, offset: int, end: int) -> tuple[int, int]:
        """Return a varint (up to ten bytes of seven bits, lowest first) and the offset after it."""
        index = offset - self._start
        if offset < end and 0 <= index < len(self._data) and self._data[index] < 0x80:  # nearly all are one byte
            return self._data[index], offset + 1
        value = shift = 0
        for byte in self._bytes(offset, min(_LONGEST, end - offset)):
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 and not value >> 64:
                return value, offset + shift // 7
        raise HeaderError(f"the varint at byte {offset} does not end")

    def _bytes(self, offset: int, size: int) -> bytes:
        index = offset - self._start
        if index < 0 or index + size > len(self._data):
            self._fill(offset, size)
            index = 0
        return self._data[index : index + size]

    def _fill(self, offset: int, size: int) -> None:
        is_near = 0 <= offset - self._start <= 2 * len(self._data)
        block = min(2 * len(self._data), _MAX_BLOCK) if is_near else 0
        self._data = self.source.read(offset, max(size, min(max(block, _FIRST_BLOCK), self.source.size - offset)))
        self._start = offset
