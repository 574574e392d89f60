"""HDF5: a file system in a file, parsed by the HDF5 library in a subprocess, because it may crash.

    mvc ──► python hdf5_child.py ──► h5py ──► the HDF5 library
        ◄── "bytes 96 to 608?" ─────────────────┘
        ◄── [["layer/kernel", 4096, 589824, "F32", [384, 384]], …]

The library is written in C and not hardened against malformed files: in a file of 3,841 bytes, changing one byte at any
of 38 positions ends the process with SIGSEGV (h5py 3.16, HDF5 2.0). So it runs in a subprocess that opens no file, sees
only the bytes that `Source` reads, and has limited time and memory. If it crashes, the file counts as malformed.

Segments are contiguous datasets, and the chunks of uncompressed ones. Without h5py (`modelvc[hdf5]`), HDF5 is not a
known format. Neither soft nor external links are followed.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from mvc import lazy
from mvc.formats.header import Header, ordered, volume
from mvc.formats.source import HeaderError, Source
from mvc.model.segment import WIDTHS, Segment

MAGIC = b"\x89HDF\r\n\x1a\n"
SECONDS = 10.0
"""Time limit of the subprocess for one file, in seconds."""
MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of its answer for one file, at most."""
_CHILD = os.path.join(os.path.dirname(__file__), "hdf5_child.py")
_REQUEST = struct.Struct("<qq")
_PAIR = 2
COST = 4 * 1024 * 1024
"""What a subprocess takes of the budget of an archive, in bytes, so that hostile members start only a few."""


class CrashedError(HeaderError):
    """The HDF5 library crashed or took too long in its subprocess, so nothing is known of the file."""


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the first bytes suffice
    """Return whether it begins as HDF5, and h5py is installed to parse it."""
    return start[: len(MAGIC)] == MAGIC and lazy.installed("h5py")


def read(source: Source) -> Header:
    """Return the datasets that are stored as in memory; raise HeaderError if the HDF5 library cannot read the file."""
    return Header("hdf5", segments_at(source, 0, source.size))


def attributes(source: Source) -> Iterator[tuple[str, str]]:
    """Yield the attributes of the root that are texts, numbers or lists of them, as texts; raise HeaderError."""
    for record in _run(source, "attributes") if lazy.installed("h5py") else ():
        if not isinstance(record, list) or len(record) != _PAIR or not all(isinstance(text, str) for text in record):
            raise HeaderError("the HDF5 library returned an invalid answer")
        yield record[0], record[1]


def references(source: Source) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, name and text of what a loader would build (`config`, `long`, `pickle`) or read in another `file`.

    The kind is `failed` if the library opened the file and could not list them. Raises HeaderError if it does not open it.
    """
    for record in _run(source, "references") if lazy.installed("h5py") else ():
        if not isinstance(record, list) or [type(part) for part in record] != [str, str, str]:
            raise HeaderError("the HDF5 library returned an invalid answer")
        yield record[0], record[1], record[2]


def filters(source: Source) -> dict[str, int]:
    """Return the filters that compress datasets by name, such as `deflate`, and the bytes that each left; raise HeaderError."""
    sizes: dict[str, int] = {}
    for record in _run(source, "filters") if lazy.installed("h5py") else ():
        if not isinstance(record, list) or [type(part) for part in record] != [str, int]:
            raise HeaderError("the HDF5 library returned an invalid answer")
        sizes[record[0]] = record[1]
    return sizes


def segments_at(source: Source, offset: int, size: int, prefix: str = "") -> tuple[Segment, ...]:
    """Return the segments of an HDF5 file inside `source`: `size` bytes from `offset`; `prefix` precedes their names.

    Returns none without h5py. Raises HeaderError as `read` does.
    """
    if not lazy.installed("h5py"):
        return ()
    if source.depth:
        source.spend(COST)
    inner = source.part(offset, size)
    return tuple(
        segment._replace(offset=offset + segment.offset, name=prefix + segment.name)
        for segment in ordered(map(_segment, _run(inner, "datasets")), size)
    )


def _run(source: Source, question: str) -> list[Any]:
    """Return the answer of a subprocess that reads the file through this process."""
    try:
        with subprocess.Popen(
            [sys.executable, "-P", _CHILD, str(source.size), question],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            timer = threading.Timer(SECONDS, process.kill)
            timer.start()
            try:
                answer = json.loads(_serve(process, source))
            finally:
                timer.cancel()
                process.kill()
    except (OSError, ValueError, RecursionError) as error:
        raise CrashedError(f"the HDF5 library crashed ({type(error).__name__})") from error
    if not isinstance(answer, list):
        raise HeaderError(f"the HDF5 library cannot read it: {answer}")
    return answer


def _serve(process: subprocess.Popen[bytes], source: Source) -> bytes:
    """Serve the subprocess's reads until it sends its answer: offset -1 and the length."""
    if process.stdin is None or process.stdout is None:
        raise HeaderError("the HDF5 library cannot be run")
    while True:
        request = process.stdout.read(_REQUEST.size)
        if len(request) != _REQUEST.size:
            raise CrashedError("the HDF5 library crashed or timed out")
        offset, size = _REQUEST.unpack(request)
        if offset < 0:
            return process.stdout.read(max(0, min(size, MAX_ANSWER)))
        process.stdin.write(source.read(offset, size))
        process.stdin.flush()


def _segment(record: Any) -> Segment:
    """Return a segment of the answer, which is not trusted either."""
    try:
        name, offset, size, dtype, shape = record
        if (type(name), type(offset), type(size), type(dtype), type(shape)) != (str, int, int, str, list):
            raise HeaderError("the HDF5 library returned an invalid answer")
    except (TypeError, ValueError) as error:
        raise HeaderError("the HDF5 library returned an invalid answer") from error
    if offset < 0 or dtype not in WIDTHS or volume(name, shape) * WIDTHS[dtype] != size:
        return Segment(offset, size, name)
    return Segment(offset, size, name, dtype, tuple(shape))
