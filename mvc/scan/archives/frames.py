"""Frames of Zstandard and LZ4, and LZMA inside of zip archives, unfolded by their libraries as bounded streams.

    28 b5 2f fd …        a frame of Zstandard                  04 22 4d 18 …     a frame of LZ4
    50 2a 4d 18 4 …      a frame that readers of both pass over, 50 to 5f

Source: RFC 8878 (Zstandard), lz4_Frame_format.md of LZ4.
"""

from __future__ import annotations

import lzma
import struct
import sys
from types import ModuleType
from typing import Any

from mvc import lazy
from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.scan.archives.unfolded import MEMORY, Decompressor

ZSTANDARD, LZ4 = b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"
SKIPPED = tuple(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60))
"""The first bytes of frames that are passed over."""
_WINDOW_LOG = 27  # 128 MiB: what the zstd program accepts without an option
_MORE = ("memory", "dictionary")
"""Words in errors of content that a loader unfolds which has more memory, or a dictionary."""
_PROPERTIES = struct.Struct("<2xHBI")
"""A version, the size of the properties, lc, lp and pb in one byte, and the size of the dictionary (APPNOTE.TXT, 5.8.8)."""
_HEADER = 8
_MAX_SKIPPED = 1_000


class Frame:
    """A decompressor of a library behind the face of the standard library's, with errors of sources."""

    def __init__(self, inner: Any, error: type[Exception]) -> None:
        """Read a frame by `inner`, whose errors are of the class `error`."""
        self._inner = inner
        self._error = error

    @property
    def eof(self) -> bool:
        """True at the end of the frame."""
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        """The bytes after the end of the frame."""
        return self._inner.unused_data or b""

    @property
    def needs_input(self) -> bool:
        """True if it gives nothing without more bytes."""
        return bool(self._inner.needs_input)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes. Raises HeaderError, TooLongError."""
        try:
            block: bytes = self._inner.decompress(data, max_length)
        except self._error as error:
            if any(word in str(error).lower() for word in _MORE):
                raise TooLongError(f"it cannot be unfolded here: {error}") from error
            raise HeaderError(f"its compressed content is malformed: {error}") from error
        return block


class MemberOfLzma:
    """A stream of LZMA as a member of a zip archive has it: a version, the size of its properties, and these before it."""

    def __init__(self) -> None:
        """Begin before the properties."""
        self._header = b""
        self._inner: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        """True behind the end of the stream, if it has a mark."""
        return self._inner is not None and self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """The bytes after the end of the stream."""
        return self._inner.unused_data if self._inner is not None else b""

    @property
    def needs_input(self) -> bool:
        """True if it gives nothing without more bytes."""
        return self._inner is None or self._inner.needs_input

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes. Raises HeaderError, TooLongError, lzma.LZMAError."""
        if self._inner is None:
            self._header += data
            if len(self._header) < _PROPERTIES.size:
                return b""
            data, self._inner = self._header[_PROPERTIES.size :], _raw_lzma(self._header)
        return self._inner.decompress(data, max_length)


def _raw_lzma(header: bytes) -> lzma.LZMADecompressor:
    """Return a decompressor by the properties before a stream."""
    size, first, dictionary = _PROPERTIES.unpack_from(header)
    rest, literals = divmod(first, 9)
    if size != _PROPERTIES.size - 4 or rest // 5 > 4:
        raise HeaderError("its stream of LZMA has no valid properties")
    if dictionary > MEMORY:
        raise TooLongError(f"its dictionary has more than {MEMORY >> 20} MiB")
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": literals, "lp": rest % 5, "pb": rest // 5}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)


def zstandard() -> Decompressor:
    """Return a decompressor of Zstandard, with a window of at most 128 MiB."""
    zstd = _zstd()
    options = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
    return Frame(zstd.ZstdDecompressor(options=options), zstd.ZstdError)


def lz4() -> Decompressor:
    """Return a decompressor of LZ4, whose blocks have at most 4 MiB."""
    return Frame(lazy.load("lz4.frame").LZ4FrameDecompressor(), RuntimeError)


def first_magic(source: Source) -> bytes:
    """Return the first bytes of the first frame that is not passed over. Raises HeaderError if there is none."""
    place = 0
    for _ in range(_MAX_SKIPPED):
        header = source.read(place, min(_HEADER, source.size - place))
        if not header.startswith(SKIPPED):
            return header[:4]
        place = min(place + _HEADER + int.from_bytes(header[4:], "little"), source.size)
    raise TooLongError(f"it begins with more than {_MAX_SKIPPED} frames that are passed over")


def _zstd() -> ModuleType:
    return lazy.load("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
