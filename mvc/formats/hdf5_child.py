"""The program that `hdf5` runs for each file: the HDF5 library alone, in a process that can open and write nothing.

Its input and output are pipes: it asks for bytes (`<qq`, offset and size) and gets them, and at last it says where the
datasets lie (`<qq`, -1 and a length, and JSON: a list of [name, offset, size, dtype, shape], or a text that says why not).

It imports nothing of mvc, so that it can be run by its path: from a checkout, and whatever lies in the current folder.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import struct
import sys
from collections.abc import Iterator
from typing import Any

import h5py

MAX_CHUNKS = 1024
"""Chunks of one dataset, at most; one with more has no segments."""
_SECONDS = 10
_MEMORY = 256 * 1024 * 1024
_REQUEST = struct.Struct("<qq")
_FLOATS = {
    (15, 10, 5, 0, 10): "F16", (15, 7, 8, 0, 7): "BF16", (31, 23, 8, 0, 23): "F32", (63, 52, 11, 0, 52): "F64",
    (7, 3, 4, 0, 3): "F8_E4M3", (7, 2, 5, 0, 2): "F8_E5M2",
}  # fmt: skip
"""Where sign, exponent and mantissa lie."""


class Remote(io.RawIOBase):
    """The file, which the other process reads for this one."""

    def __init__(self, size: int) -> None:
        """A file of `size` bytes, at its start."""
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, which is not asked for yet."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Up to as many bytes as `buffer` holds."""
        view = memoryview(buffer).cast("B")
        size = max(0, min(len(view), self._size - self._at))
        if size:
            _say(_REQUEST.pack(self._at, size))
            view[:size] = sys.stdin.buffer.read(size)
        self._at += size
        return size


def datasets(file: Any) -> Iterator[list[Any]]:
    """[name, offset, size, dtype, shape] of each contiguous dataset, and of each chunk of an uncompressed one."""
    names: list[bytes] = []
    h5py.h5o.visit(file, lambda name, info: _note(names, name, info), info=True)
    for name in names:
        yield from _stretches(name.decode("utf-8", "replace"), h5py.h5o.open(file, name))


def _note(names: list[bytes], name: bytes, info: Any) -> None:
    if info.type == h5py.h5o.TYPE_DATASET:
        names.append(name)


def _stretches(name: str, dataset: Any) -> Iterator[list[Any]]:
    how = dataset.get_create_plist()
    if how.get_nfilters() or how.get_external_count():
        return
    if how.get_layout() == h5py.h5d.CONTIGUOUS:
        offset, shape = dataset.get_offset(), dataset.shape
        if offset is not None and shape is not None:
            yield [name, offset, dataset.get_storage_size(), _dtype(dataset.get_type()), list(shape)]
    elif how.get_layout() == h5py.h5d.CHUNKED:
        chunks: list[Any] = []
        dataset.chunk_iter(lambda chunk: _more(chunks, chunk))
        if len(chunks) <= MAX_CHUNKS:
            dtype, shape = _dtype(dataset.get_type()), list(how.get_chunk())
            for chunk in chunks:
                place = ",".join(map(str, chunk.chunk_offset))
                yield [f"{name}[{place}]", chunk.byte_offset, chunk.size, dtype, shape]


def _more(chunks: list[Any], chunk: Any) -> bool | None:
    """Keep a chunk; whether these are enough is what ends the iteration."""
    chunks.append(chunk)
    return True if len(chunks) > MAX_CHUNKS else None


def _dtype(kind: Any) -> str:
    """The name of a type whose numbers lie there as in memory, `""` for any other."""
    size, class_ = kind.get_size(), kind.get_class()
    if class_ == h5py.h5t.ENUM:
        is_bool = size == 1 and [kind.get_member_name(n) for n in range(kind.get_nmembers())] == [b"FALSE", b"TRUE"]
        return "BOOL" if is_bool else ""
    if class_ not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT) or (size > 1 and kind.get_order() != h5py.h5t.ORDER_LE):
        return ""
    if class_ == h5py.h5t.FLOAT:
        return _FLOATS.get(kind.get_fields(), "")
    if kind.get_precision() != 8 * size or size not in (1, 2, 4, 8):
        return ""
    return f"{'I' if kind.get_sign() == h5py.h5t.SGN_2 else 'U'}{8 * size}"


def confine() -> None:
    """Open no file from here on (and so load no plugin), write none, and use no more than so much time and memory."""
    limits = [(resource.RLIMIT_NOFILE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)]
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="ascii") as pages:  # Linux
        limits.append((resource.RLIMIT_AS, int(pages.read().split()[0]) * resource.getpagesize() + _MEMORY))
    for name, limit in [*limits, (resource.RLIMIT_CPU, _SECONDS)]:
        resource.setrlimit(name, (limit, limit))


def main() -> None:
    """Answer for the file of as many bytes as the argument says."""
    confine()
    try:
        with h5py.File(Remote(int(sys.argv[1])), "r") as file:
            answer: Any = list(datasets(file.id))
    except Exception as error:  # noqa: BLE001 - h5py raises nearly every class
        answer = str(error)
    text = json.dumps(answer).encode()
    _say(_REQUEST.pack(-1, len(text)) + text)


def _say(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
