"""Reading headers of bytes, and what every answer has to keep to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mvc.formats.header import Header
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError, Source
from mvc.model.segment import WIDTHS, Segment

DATA = Path(__file__).parent / "data"


def source(data: bytes, name: str = "") -> Source:
    """The file of these bytes, which refuses to be read outside of them."""

    def read_at(offset: int, size: int) -> bytes:
        assert 0 <= offset <= offset + size <= len(data)
        return data[offset : offset + size]

    return Source(read_at, len(data), name)


def header_of(data: bytes, name: str = "") -> Header:
    """The header of bytes that are of a known format."""
    found = read_header(source(data, name))
    assert found is not None
    return found


def segments(name: str) -> dict[str, Segment]:
    """The segments of a file in `data`, by name."""
    return {each.name: each for each in header_of((DATA / name).read_bytes(), name).segments}


def refusal(read: Callable[[Source], Header], data: bytes, name: str = "") -> str:
    """Why `read` refuses these bytes, `""` when it gives a header, which is sound then."""
    try:
        check(read(source(data, name)), len(data))
    except HeaderError as error:
        return str(error)
    return ""


def check(header: Header, size: int) -> None:
    """Segments lie within the file, in order, none in another, and are as large as they say; so do those of other files."""
    _check(header.segments, size)
    for path, segments in header.external.items():
        assert path
        _check(segments, 1 << 63)


def _check(segments: Sequence[Segment], size: int) -> None:
    end = 0
    for segment in segments:
        assert end <= segment.offset <= segment.end <= size, segment
        end = segment.end
        if segment.dtype in WIDTHS and segment.elements is not None:
            assert segment.elements * WIDTHS[segment.dtype] == segment.size, segment
        assert all(view.fits(segment) for view in segment.views), segment
        segment.name.encode()
        segment.dtype.encode()
