"""How the bytes of a pack entry are encoded: as they are, or as one zstd frame, whichever pays.

    256 KiB of bf16 weights    →  (ZSTD, 200 KiB)
    256 KiB of a JPEG          →  (RAW, the same bytes)

zstd is RFC 8878; the module is `compression.zstd` of the standard library from Python 3.14 on, and its backport before.
"""

from __future__ import annotations

import functools
import sys
import threading
from types import ModuleType
from typing import Any

from mvc import errors, lazy
from mvc.model.ids import Buffer

RAW = 0
ZSTD = 1
PLANES = 2
DELTA = 3

NAMES = {RAW: "raw", ZSTD: "zstd", PLANES: "byte planes", DELTA: "delta"}
"""All encodings of the format. This version of mvc writes and reads the first two."""

LEVEL = 1
WORTH = 0.97
"""An encoding is kept when it is at most this part of the raw bytes: less would slow reading down for nothing."""

_PROBE = 8 * 1024
_WINDOW_LOG = 24  # 16 MiB, the longest raw chunk: what a frame may ask a reader to hold in memory
_local = threading.local()


def encode(raw: Buffer) -> tuple[int, Buffer]:
    """The encoding chosen for `raw` and its encoded bytes, never longer than `raw`; runs without the GIL.

    The start of `raw` is tried first, so that bytes which cannot shrink (random, or compressed already) cost little.
    """
    if len(raw) > 2 * _PROBE and not _pays(_compress(memoryview(raw)[:_PROBE]), _PROBE):
        return RAW, raw
    packed = _compress(raw)
    return (ZSTD, packed) if _pays(packed, len(raw)) else (RAW, raw)


def decode(encoding: int, stored: Buffer, size: int) -> Buffer:
    """The `size` raw bytes of an entry; raises Damaged, or UnknownFeature for an encoding of a newer mvc.

    It stops at one byte more than `size`, whatever the stored bytes would unfold to.
    """
    if encoding == RAW:
        raw: Buffer = stored
    elif encoding == ZSTD:
        raw = _decompress(stored, size)
    else:
        raise errors.UnknownFeature(features=f"the encoding {NAMES.get(encoding, encoding)}")
    if len(raw) != size:
        raise errors.Damaged(what="an encoded chunk", reason=f"it does not hold the {size} bytes that its entry says")
    return raw


def _pays(packed: bytes, size: int) -> bool:
    return len(packed) <= size * WORTH


def _compress(raw: Buffer) -> bytes:
    compressor: Any = getattr(_local, "compressor", None)  # one a thread: making one costs more than a small chunk
    if compressor is None:
        compressor = _local.compressor = _zstd().ZstdCompressor(LEVEL)
    packed: bytes = compressor.compress(raw, compressor.FLUSH_FRAME)
    return packed


def _decompress(stored: Buffer, size: int) -> bytes:
    zstd = _zstd()
    decompressor = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})
    try:
        raw: bytes = decompressor.decompress(stored, max_length=size + 1)
    except zstd.ZstdError as error:
        raise errors.Damaged(what="an encoded chunk", reason=str(error)) from error
    if not decompressor.eof or decompressor.unused_data:
        raise errors.Damaged(what="an encoded chunk", reason="it is not exactly one zstd frame of the size it says")
    return raw


@functools.cache
def _zstd() -> ModuleType:
    return lazy.load("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
