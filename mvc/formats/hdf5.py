"""HDF5: a filesystem in a file, read by the HDF5 library in a process of its own, which it may crash.

    mvc ──► python hdf5_child.py ──► h5py ──► the HDF5 library
        ◄── "bytes 96 to 608?" ─────────────────┘
        ◄── [["layer/kernel", 4096, 589824, "F32", [384, 384]], …]

The library is written in C, and not for files that lie: in a file of 3,841 bytes, a change of one byte at any of 38 places
ends the process with SIGSEGV (h5py 3.16, HDF5 2.0). So it runs apart: it opens no file, sees only the bytes that `Source`
gives, and its time and memory are limited. Whatever happens to it, this process learns that the file is not well formed.

Segments are contiguous datasets, and the chunks of uncompressed ones. Without h5py (`modelvc[hdf5]`) there are none, and an
HDF5 file is one of no known format. Links are not followed: neither soft ones nor those to other files.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from typing import Any

from mvc import lazy
from mvc.formats.header import Header, ordered, volume
from mvc.formats.source import HeaderError, Source
from mvc.model.segment import WIDTHS, Segment

MAGIC = b"\x89HDF\r\n\x1a\n"
SECONDS = 10.0
"""How long the process may take for one file."""
MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of what it says of one file."""
_CHILD = os.path.join(os.path.dirname(__file__), "hdf5_child.py")
_REQUEST = struct.Struct("<qq")


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the beginning tells all
    """Whether it begins as HDF5 does, and h5py is there to read it."""
    return start[: len(MAGIC)] == MAGIC and lazy.installed("h5py")


def read(source: Source) -> Header:
    """The datasets that lie there as in memory; raises HeaderError where the HDF5 library cannot read the file."""
    return Header("hdf5", segments_at(source, 0, source.size))


def segments_at(source: Source, offset: int, size: int, prefix: str = "") -> tuple[Segment, ...]:
    """Those of the HDF5 file that is `size` bytes of `source` from `offset`; `prefix` comes before their names.

    None without h5py. Raises HeaderError as `read` does.
    """
    if not lazy.installed("h5py"):
        return ()
    inner = Source(lambda at, count: source.read(offset + at, count), size)
    return tuple(
        each._replace(offset=offset + each.offset, name=prefix + each.name)
        for each in ordered(map(_segment, _ask(inner)), size)
    )


def _ask(source: Source) -> list[Any]:
    """What a process says of the file that it reads through this one."""
    try:
        with subprocess.Popen(
            [sys.executable, "-P", _CHILD, str(source.size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            clock = threading.Timer(SECONDS, process.kill)
            clock.start()
            try:
                answer = json.loads(_serve(process, source))
            finally:
                clock.cancel()
                process.kill()
    except (OSError, ValueError, RecursionError) as error:
        raise HeaderError(f"the HDF5 library did not survive it ({type(error).__name__})") from error
    if not isinstance(answer, list):
        raise HeaderError(f"the HDF5 library cannot read it: {answer}")
    return answer


def _serve(process: subprocess.Popen[bytes], source: Source) -> bytes:
    """Give the process the bytes that it asks for, until it gives its answer: that is so long, from offset -1."""
    if process.stdin is None or process.stdout is None:
        raise HeaderError("the HDF5 library cannot be talked to")
    while True:
        request = process.stdout.read(_REQUEST.size)
        if len(request) != _REQUEST.size:
            raise HeaderError("the HDF5 library did not survive it, or took too long")
        offset, size = _REQUEST.unpack(request)
        if offset < 0:
            return process.stdout.read(max(0, min(size, MAX_ANSWER)))
        process.stdin.write(source.read(offset, size))
        process.stdin.flush()


def _segment(record: Any) -> Segment:
    """A segment of what the process says, which is not trusted either."""
    try:
        name, offset, size, dtype, shape = record
        if (type(name), type(offset), type(size), type(dtype), type(shape)) != (str, int, int, str, list):
            raise HeaderError("the HDF5 library gives no tensors")
    except (TypeError, ValueError) as error:
        raise HeaderError("the HDF5 library gives no tensors") from error
    if offset < 0 or dtype not in WIDTHS or volume(name, shape) * WIDTHS[dtype] != size:
        return Segment(offset, size, name)
    return Segment(offset, size, name, dtype, tuple(shape))
