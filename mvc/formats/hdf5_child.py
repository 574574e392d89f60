"""Subprocess of `hdf5`: parses one file with the HDF5 library, and cannot open or write any other file.

Its input and output are pipes: it requests bytes (`<qq`, offset and size) and reads them, and finally answers with the
datasets (`<qq`, -1 and a length, then JSON: a list of [name, offset, size, dtype, shape], or a text with the error),
with the attributes of the root (a list of [name, text]), with the filters of datasets (a list of [name, bytes]), or with
what a loader would build or read elsewhere (a list of [kind, name, text]).

It imports nothing of mvc, so it can be run by its path, from a checkout and in any current folder.
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
MAX_ATTRIBUTES = 1024
"""Attributes of the root, at most; further ones are left out."""
CONFIGS = ("model_config", "training_config")
"""Attributes of the root by which Keras builds a model."""
_KINDS = (("PSEUDOATOM", "object"), ("base_type", "pickle"))
"""Attributes by which PyTables and hickle know datasets of pickles, and their values."""
_MAX_ROWS = 256
"""Pickles of one dataset that are read, at most."""
_MAX_CONFIG = 8 * 1024 * 1024
_MAX_ATTRIBUTE = 4 * 1024 * 1024
_MAX_ITEMS = 50_000
_SECONDS = 10
_MEMORY = 256 * 1024 * 1024
_REQUEST = struct.Struct("<qq")
_PLAIN_FILTERS = (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
"""Filters that change the order of bytes, or add a checksum."""
_FLOATS = {
    (15, 10, 5, 0, 10): "F16", (15, 7, 8, 0, 7): "BF16", (31, 23, 8, 0, 23): "F32", (63, 52, 11, 0, 52): "F64",
    (7, 3, 4, 0, 3): "F8_E4M3", (7, 2, 5, 0, 2): "F8_E5M2",
}  # fmt: skip
"""Positions and sizes of sign, exponent and mantissa, as HDF5 returns them."""


class Remote(io.RawIOBase):
    """The file, read through the parent process."""

    def __init__(self, size: int) -> None:
        """Start at the beginning of a file of `size` bytes."""
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; nothing is read yet."""
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read up to the size of `buffer`."""
        view = memoryview(buffer).cast("B")
        size = max(0, min(len(view), self._size - self._position))
        if size:
            _send(_REQUEST.pack(self._position, size))
            view[:size] = sys.stdin.buffer.read(size)
        self._position += size
        return size


def datasets(file: Any) -> Iterator[list[Any]]:
    """Yield [name, offset, size, dtype, shape] of each contiguous dataset, and of each chunk of an uncompressed one."""
    names: list[bytes] = []
    h5py.h5o.visit(file, lambda name, info: _collect(names, name, info), info=True)
    for name in names:
        yield from _segments(name.decode("utf-8", "replace"), h5py.h5o.open(file, name))


def attributes(file: Any) -> Iterator[list[str]]:
    """Yield [name, text] of each attribute of the root that is a text, a number, or a list of a few of them."""
    total = 0
    for count, name in enumerate(file.attrs):
        if count == MAX_ATTRIBUTES or total > _MAX_ATTRIBUTE:
            return
        attribute = h5py.h5a.open(file.id, name.encode("utf-8", "surrogateescape"))
        if attribute.get_storage_size() > _MAX_ATTRIBUTE:
            continue
        text = _text(file.attrs[name])
        if text is not None and len(text) <= _MAX_ATTRIBUTE:
            total += len(text)
            yield [name.encode("utf-8", "replace").decode(), text]


def filters(file: Any) -> list[list[Any]]:
    """Return [name, bytes] of each filter that compresses: the bytes of the datasets that it is the last filter of."""
    names: list[bytes] = []
    h5py.h5o.visit(file, lambda name, info: _collect(names, name, info), info=True)
    sizes: dict[str, int] = {}
    for name in names:
        dataset = h5py.h5o.open(file, name)
        properties = dataset.get_create_plist()
        kinds = [properties.get_filter(index) for index in range(properties.get_nfilters())]
        compressing = [title.decode("ascii", "replace") for kind, _, _, title in kinds if kind not in _PLAIN_FILTERS]
        if compressing:
            sizes[compressing[-1]] = sizes.get(compressing[-1], 0) + int(dataset.get_storage_size())
    return [list(item) for item in sizes.items()]


def references(file: Any) -> Iterator[list[str]]:
    """Yield [kind, name, text] of Keras's configurations, and of each link, dataset and part of one in another file.

    The kind is `config`, `long` for a configuration that is too long to be returned, `pickle` for an attribute of PyTables,
    `file`, whose text is a path, or `failed`, whose text is the error.
    """
    for name in CONFIGS:
        if name in file.attrs:
            attribute = h5py.h5a.open(file.id, name.encode())
            is_short = attribute.get_storage_size() <= _MAX_ATTRIBUTE
            text = _text(file.attrs[name]) if is_short else None
            yield ["config", name, text] if text is not None and len(text) <= _MAX_CONFIG else ["long", name, ""]
    yield from _pickles(file)
    links: list[bytes] = []
    names: list[bytes] = []
    file.id.links.visit(lambda name, info: _collect_link(links, name, info), info=True)
    h5py.h5o.visit(file.id, lambda name, info: _collect(names, name, info), info=True)
    for link in links:
        yield ["file", *(part.decode("utf-8", "replace") for part in (link, file.id.links.get_val(link)[0]))]
    for name_ in names:
        properties = h5py.h5o.open(file.id, name_).get_create_plist()
        paths = [properties.get_external(index)[0] for index in range(properties.get_external_count())]
        if properties.get_layout() == h5py.h5d.VIRTUAL:
            sources = {properties.get_virtual_filename(index) for index in range(properties.get_virtual_count())}
            paths += sorted(path.encode() for path in sources - {"."})
        for path in paths:
            yield ["file", name_.decode("utf-8", "replace"), path.decode("utf-8", "replace")]


def _pickles(file: Any) -> Iterator[list[str]]:
    """Yield [`pickle`, name, text] of each attribute and row that PyTables or hickle would unpickle, its bytes as Latin-1.

    PyTables unpickles any attribute that ends as a pickle does (attributeset.py).
    """
    names = [b"."]
    h5py.h5o.visit(file.id, names.append)
    for name in names:
        node, path = file[name], name.decode("utf-8", "replace")
        for key, value in node.attrs.items():
            data = _bytes(value)
            if data.endswith(b".") and len(data) > 2:
                place = f"{path}/{key}".removeprefix("./")
                yield ["pickle", place.encode("utf-8", "replace").decode(), data.decode("latin-1")]
        if isinstance(node, h5py.Dataset) and any(_bytes(node.attrs.get(key)) == kind.encode() for key, kind in _KINDS):
            yield from _rows(path, node)


def _rows(path: str, dataset: Any) -> Iterator[list[str]]:
    """Yield the pickles of a dataset: its rows of bytes, or all of its bytes."""
    is_rows = h5py.check_vlen_dtype(dataset.dtype) is not None
    if dataset.size > (_MAX_ROWS if is_rows else _MAX_ATTRIBUTE):
        yield ["failed", path, f"{path} has more pickles than are read"]
        return
    for row in dataset[()].reshape(-1) if is_rows else [dataset[()]]:
        yield ["pickle", path, bytes(row.tobytes() if hasattr(row, "tobytes") else row).decode("latin-1")]


def _bytes(value: Any) -> bytes:
    """Return the bytes of an attribute that is a text or bytes; nothing for any other."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if type(value).__name__ == "void":
        return bytes(value.tobytes())
    return bytes(value) if isinstance(value, bytes) else b""


def _text(value: Any) -> str | None:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        items = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in value]
        is_plain = all(isinstance(item, str | int | float) for item in items)
        return json.dumps(items) if is_plain and len(items) <= _MAX_ITEMS else None
    return json.dumps(value) if isinstance(value, bool | int | float) else None


def _collect_link(names: list[bytes], name: bytes, info: Any) -> None:
    if info.type == h5py.h5l.TYPE_EXTERNAL:
        names.append(name)


def _collect(names: list[bytes], name: bytes, info: Any) -> None:
    if info.type == h5py.h5o.TYPE_DATASET:
        names.append(name)


def _segments(name: str, dataset: Any) -> Iterator[list[Any]]:
    properties = dataset.get_create_plist()
    if properties.get_nfilters() or properties.get_external_count():
        return
    if properties.get_layout() == h5py.h5d.CONTIGUOUS:
        offset, shape = dataset.get_offset(), dataset.shape
        if offset is not None and shape is not None:
            yield [name, offset, dataset.get_storage_size(), _dtype(dataset.get_type()), list(shape)]
    elif properties.get_layout() == h5py.h5d.CHUNKED:
        chunks: list[Any] = []
        dataset.chunk_iter(lambda chunk: _collect_chunk(chunks, chunk))
        if len(chunks) <= MAX_CHUNKS:
            dtype, shape = _dtype(dataset.get_type()), list(properties.get_chunk())
            for chunk in chunks:
                position = ",".join(map(str, chunk.chunk_offset))
                yield [f"{name}[{position}]", chunk.byte_offset, chunk.size, dtype, shape]


def _collect_chunk(chunks: list[Any], chunk: Any) -> bool | None:
    """Append a chunk; return True, which ends the iteration, once they are too many."""
    chunks.append(chunk)
    return True if len(chunks) > MAX_CHUNKS else None


def _dtype(kind: Any) -> str:
    """Return the name of a type that is stored as in memory, `""` for any other."""
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
    """Forbid opening files (and so loading plugins) and writing, and limit time and memory."""
    limits = [(resource.RLIMIT_NOFILE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)]
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="ascii") as pages:  # Linux
        limits.append((resource.RLIMIT_AS, int(pages.read().split()[0]) * resource.getpagesize() + _MEMORY))
    for name, limit in [*limits, (resource.RLIMIT_CPU, _SECONDS)]:
        resource.setrlimit(name, (limit, limit))


def _answer(file: Any, question: str) -> list[Any]:
    if question == "attributes":
        return list(attributes(file))
    if question == "references":
        try:
            return list(references(file))
        except Exception as error:  # noqa: BLE001 - the file was opened, so a loader may get further
            return [["failed", "", str(error)]]
    return filters(file.id) if question == "filters" else list(datasets(file.id))


def main() -> None:
    """Answer for the file whose size is the first argument; the second is the question."""
    confine()
    try:
        with h5py.File(Remote(int(sys.argv[1])), "r") as file:
            answer: Any = _answer(file, sys.argv[2])
    except Exception as error:  # noqa: BLE001 - h5py raises nearly every class
        answer = str(error)
    text = json.dumps(answer).encode()
    _send(_REQUEST.pack(-1, len(text)) + text)


def _send(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
