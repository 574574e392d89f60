"""zstd frames (RFC 8878), compressed and decompressed within bounds.

`compression.zstd` of the standard library, or its backport before Python 3.14, compresses and reads streams. For each frame
that it decompresses it makes a context, and it joins buffers that grow; `zstandard` keeps one context, and allocates once.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any, BinaryIO

from mvc import errors, lazy
from mvc.model.ids import Buffer

LEVEL = 1
_WINDOW_LOG = 24  # 16 MiB, the largest raw chunk: the most memory that a frame may demand of a reader
_FILE_WINDOW_LOG = 27  # 128 MiB: what the zstd program accepts without an option
_NO_SEARCH = 4096
"""The step of the fast strategy (ZSTD_c_targetLength): so large that it finds no match."""
_LITERALS, _COMPRESSED = 1002, 1
"""ZSTD_c_literalCompressionMode of libzstd's zstd.h, and that literals are compressed although no match was searched."""
_local = threading.local()


def compress(raw: Buffer) -> bytes:
    """Compress bytes of any kind to one frame."""
    return _frame("general", raw)


def compress_plane(plane: Buffer) -> bytes:
    """Compress a byte plane to one frame, mostly by entropy coding: its bytes are skewed and rarely repeat in runs."""
    return _frame("plane", plane)


def compress_dense(plane: Buffer) -> bytes:
    """Compress a byte plane of weights to one frame by entropy coding alone; one whose bytes repeat becomes longer so."""
    return _frame("dense", plane)


def decompress(stored: Buffer, size: int) -> bytes:
    """Decompress a frame to at most `size` bytes; raise Damaged unless `stored` is exactly one frame of at most so many."""
    decompressor, zstd = getattr(_local, "decompressor", None), _zstandard()
    if decompressor is None:  # one per thread: creating one costs a tenth of decompressing a chunk
        decompressor = _local.decompressor = zstd.ZstdDecompressor(max_window_size=1 << _WINDOW_LOG)
    try:
        if zstd.frame_content_size(stored) > size:
            raise errors.Damaged(what="an encoded chunk", reason="its zstd frame is larger than it states")
        raw: bytes = decompressor.decompress(stored, max_output_size=size, allow_extra_data=False)
    except zstd.ZstdError as error:
        raise errors.Damaged(what="an encoded chunk", reason=str(error)) from error
    return raw


def blocks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the contents of a file of frames, in blocks of at most `size` bytes. Raises Damaged."""
    zstd = _zstd()
    options = {zstd.DecompressionParameter.window_log_max: _FILE_WINDOW_LOG}
    try:
        with zstd.ZstdFile(file, options=options) as stream:
            while block := stream.read(size):
                yield block
    except (zstd.ZstdError, EOFError) as error:
        raise errors.Damaged(what="a zstd file", reason=str(error)) from error


def _frame(kind: str, raw: Buffer) -> bytes:
    compressor: Any = getattr(
        _local, kind, None
    )  # one per thread: creating one costs more than compressing a small chunk
    if compressor is None:
        zstd = _zstd()
        parameter = zstd.CompressionParameter
        options = {parameter.compression_level: LEVEL}
        if kind != "general":
            options |= {parameter.min_match: 7, parameter.hash_log: 6}
        if kind == "dense":
            options |= {parameter.target_length: _NO_SEARCH, _LITERALS: _COMPRESSED}
        compressor = zstd.ZstdCompressor(options=options)
        setattr(_local, kind, compressor)
    packed: bytes = compressor.compress(raw, compressor.FLUSH_FRAME)
    return packed


@functools.cache
def _zstandard() -> ModuleType:
    return lazy.load("zstandard")


@functools.cache
def _zstd() -> ModuleType:
    return lazy.load("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
