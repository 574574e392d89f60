"""Text files written by other programs: UTF-8, with or without a byte order mark, with LF or CRLF line ends.

EF BB BF 61 0D 0A   →  a           UTF-8 with a mark and CRLF
FF FE 61 00         →  refused     UTF-16, the "Unicode" of some Windows editors
"""

from __future__ import annotations

import codecs

BOM = "\ufeff"
"""The byte order mark, decoded."""
UTF16 = "UTF-16; save it as UTF-8"
"""The reason for refusing UTF-16, with the remedy."""
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_NOT_UTF8 = "not UTF-8"


class TextError(ValueError):
    """Bytes that are not UTF-8: `reason` says why, `at` is the offset of the first invalid byte."""

    def __init__(self, reason: str, at: int) -> None:
        """Store both."""
        self.reason = reason
        self.at = at
        super().__init__(reason)


def is_utf16(data: bytes) -> bool:
    """Return whether bytes begin as UTF-16 or UTF-32: with a mark, or with an ASCII character of two or four bytes."""
    return data.startswith(_UTF16_MARKS) or (len(data) > 1 and b"\x00" in data[:2] and data[:2] != b"\x00\x00")


def decode(data: bytes) -> str:
    """Return the text without byte order mark and with LF line ends; raise TextError."""
    return decode_exactly(data).removeprefix(BOM).replace("\r\n", "\n")


def decode_exactly(data: bytes) -> str:
    """Return the text with mark and line ends unchanged; raise TextError."""
    if is_utf16(data):
        raise TextError(UTF16, 0)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextError(_NOT_UTF8, error.start) from None
