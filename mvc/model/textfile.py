"""Text files that other programs wrote: UTF-8, with or without a byte order mark, lines ending in LF or CRLF.

EF BB BF 61 0D 0A   →  a           UTF-8 with a mark and CRLF
FF FE 61 00         →  refused     UTF-16, as some Windows editors save "Unicode"
"""

from __future__ import annotations

import codecs

BOM = "\ufeff"
"""The byte order mark, decoded."""
UTF16 = "UTF-16; save it as UTF-8"
"""What such a file is, and what to do."""
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_NOT_UTF8 = "not UTF-8"


class TextError(ValueError):
    """Bytes that are not UTF-8: `reason` says what they are, `at` where the first wrong one is."""

    def __init__(self, reason: str, at: int) -> None:
        """Keep both."""
        self.reason = reason
        self.at = at
        super().__init__(reason)


def is_utf16(data: bytes) -> bool:
    """Whether bytes begin as UTF-16 or UTF-32 does: with its mark, or with an ASCII letter of two or four bytes."""
    return data.startswith(_UTF16_MARKS) or (len(data) > 1 and b"\x00" in data[:2] and data[:2] != b"\x00\x00")


def decode(data: bytes) -> str:
    """Return the text without a byte order mark, with LF at the end of each line; raises TextError."""
    return decode_exactly(data).removeprefix(BOM).replace("\r\n", "\n")


def decode_exactly(data: bytes) -> str:
    """Return the text with its mark and line ends as they are; raises TextError."""
    if is_utf16(data):
        raise TextError(UTF16, 0)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextError(_NOT_UTF8, error.start) from None
