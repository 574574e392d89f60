"""torch before 1.6: a sequence of pickles, then the bytes of each storage behind their count of elements.

    magic number │ protocol │ system │ the object │ list of keys │ u64 count │ storage │ u64 count │ storage │ …

`torch.save(…, _use_new_zipfile_serialization=False)` still writes it. Keys are addresses in memory: the order of the storages is
another at each save, and names identify them. The pickles are parsed, never executed.
Source: `_legacy_save` and `_legacy_load` in torch/serialization.py of PyTorch, protocol 1001.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mvc.formats import tensor_tree
from mvc.formats.header import Header, ordered
from mvc.formats.pytorch import storages
from mvc.formats.source import MAX_SEGMENTS, Cursor, HeaderError, Source
from mvc.formats.syntax import pickle_text
from mvc.formats.syntax.pickle_text import Global, Parsed, Persistent
from mvc.model.segment import WIDTHS, Segment

MAX_PICKLES = 32 * 1024 * 1024
"""Bytes of all pickles of a file, at most."""
MAX_LINE = 64 * 1024
"""Bytes of a line of a pickle in text, at most."""
_MAGIC = b"\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little") + b"."
"""The magic number, as every binary protocol of pickle writes it."""
_BEGINNING = 2 + 9 + len(_MAGIC)
"""The bytes of its pickle, at most: a protocol, the length of a frame, and the number."""
_PROTOCOL = 1001
_COUNT = 8


class _Saved(NamedTuple):
    """The pickles of a file: the object, the keys of its storages in their order, and the offset after them."""

    saved: Parsed
    keys: list[Any]
    end: int


def matches(start: bytes, source: Source) -> bool:
    """Return whether the first pickle is the magic number."""
    return start[:1] == b"\x80" and _MAGIC in source.read(0, min(source.size, _BEGINNING))


def read(source: Source) -> Header:
    """Return the tensors that tile their storage, and other storages whole; raise HeaderError if malformed."""
    pickles = _pickles(source)
    viewed = storages.views(pickles.saved.root)
    stored = _storages(source, pickles)
    return Header(
        "torch",
        ordered([tile for key, place in stored for tile in storages.tiles(place, viewed.get(key, ()))], source.size),
    )


def saved_object(source: Source) -> Any:
    """Return the saved object, a value of `pickle_text`. Raises HeaderError."""
    return _pickles(source).saved.root


class _Stream:
    """The pickles of a file, which `pickle_text` reads one after another."""

    def __init__(self, source: Source) -> None:
        self._cursor = Cursor(source)
        self._end = min(source.size, MAX_PICKLES)

    @property
    def position(self) -> int:
        """The offset of the next byte."""
        return self._cursor.position

    def read(self, size: int) -> bytes:
        return self._cursor.take(min(size, self._end - self.position))

    def readline(self) -> bytes:
        return self._cursor.line(min(MAX_LINE, self._end - self.position))


def _pickles(source: Source) -> _Saved:
    stream = _Stream(source)
    pickle_text.read(stream)  # the magic number
    if pickle_text.read(stream) != _PROTOCOL:
        raise HeaderError(f"its protocol is not {_PROTOCOL}")
    pickle_text.read(stream)  # the byte order of the machine, which the storages do not have
    saved = pickle_text.parse(stream)
    keys = pickle_text.read(stream)
    if not isinstance(keys, list) or len(keys) > MAX_SEGMENTS:
        raise HeaderError(f"it has no list of at most {MAX_SEGMENTS} storages")
    return _Saved(saved, keys, stream.position)


def _storages(source: Source, pickles: _Saved) -> Iterator[tuple[str, Segment]]:
    """Yield the key and the place of each storage, in the order of the file."""
    widths = dict(_widths(pickles.saved.persistent))
    position = pickles.end
    for key in pickles.keys:
        width = widths.get(key) if isinstance(key, str) else None
        if not width:
            raise HeaderError("a storage in its list has no known size")
        count = int.from_bytes(source.read(position, _COUNT), "little")
        position += _COUNT
        if count * width > source.size - position:
            raise HeaderError(f"a storage of {count} elements is longer than the file")
        yield key, Segment(position, count * width)
        position += count * width


def _widths(references: list[Persistent]) -> Iterator[tuple[str, int]]:
    """Yield the key of each storage with the bytes of one element."""
    for reference in references:
        match reference.id:
            case ("storage", Global(kind), str(key), *_):
                yield key, WIDTHS.get(tensor_tree.storage_dtype(kind), 0)
