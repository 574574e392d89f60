"""OpenVINO: a graph in XML, whose constants are ranges of the `.bin` of the same name beside it.

    <layer name="conv.weight" type="Const"><data element_type="f16" shape="4, 3, 3, 3" offset="0" size="216"/>

The XML is parsed by Expat, a block at a time and without entities. Source: "Operation Set" and "IR Format" in the documentation of
OpenVINO, versions 10 and 11; types from openvino/core/type/element_type.hpp.
"""

from __future__ import annotations

import posixpath
import re
from xml.parsers import expat

from mvc.formats.header import MAX_RANK, MAX_TEXT, Header, ordered, volume
from mvc.formats.source import MAX_SEGMENTS, HeaderError, Source
from mvc.model.segment import WIDTHS, Segment

MAX_XML = 64 * 1024 * 1024
"""Bytes of a graph, at most."""
MAX_TAG = 1024 * 1024
"""Bytes of a tag with its attributes, at most: parsed ones take a hundred times as much memory."""
MAX_ELEMENTS = 2_000_000
"""Elements of a graph, at most: a second or two of work."""
MAX_NAME = 1024
"""Characters of a name, at most; a longer one is left out."""
_BLOCK = 64 * 1024
_MAX_NESTING = 1000
_MAX_OFFSET = 1 << 63
_NET = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<net[\s>]")
_COUNT = re.compile(r"[0-9]{1,18}\Z", re.ASCII)
_DTYPES = {
    "f64": "F64", "f32": "F32", "f16": "F16", "bf16": "BF16", "i64": "I64", "i32": "I32", "i16": "I16", "i8": "I8",
    "u64": "U64", "u32": "U32", "u16": "U16", "u8": "U8", "boolean": "BOOL", "f8e4m3": "F8_E4M3", "f8e5m2": "F8_E5M2",
    "f8e8m0": "F8_E8M0", "f4e2m1": "F4", "nf4": "NF4", "i4": "I4", "u6": "U6", "u4": "U4", "u3": "U3", "u2": "U2",
    "u1": "U1",
}  # fmt: skip


def matches(start: bytes, source: Source) -> bool:
    """Return whether it is XML whose root is a net, and its name ends in .xml."""
    return source.name.lower().endswith(".xml") and _NET.match(start) is not None


def read(source: Source) -> Header:
    """Return the constants, which are in the other file; raise HeaderError if the graph is malformed."""
    if source.size > MAX_XML:
        raise HeaderError(f"its graph is longer than {MAX_XML >> 20} MiB")
    graph = _Graph()
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = graph.start, graph.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for position in range(0, source.size, _BLOCK):
            parser.Parse(source.read(position, min(_BLOCK, source.size - position)))
            if position - parser.CurrentByteIndex > MAX_TAG:
                raise HeaderError(f"a tag of its graph is longer than {MAX_TAG >> 20} MiB")
        parser.Parse(b"", True)
    except (expat.ExpatError, UnicodeError) as error:
        raise HeaderError(f"its graph is not well-formed ({error})") from error
    other = f"{posixpath.splitext(posixpath.basename(source.name))[0]}.bin"
    return Header("openvino", (), {other: ordered(graph.segments.values(), _MAX_OFFSET)} if graph.segments else {})


class _Graph:
    """The constants of a graph, by their range: several of the same numbers share one."""

    def __init__(self) -> None:
        self.segments: dict[tuple[int, int], Segment] = {}
        self._names: list[str | None] = []
        self._characters = self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Remember a constant's name, and add its data; the names of other elements are None."""
        self._elements += 1
        if len(self._names) == _MAX_NESTING or self._elements > MAX_ELEMENTS:
            raise HeaderError(f"it has more than {MAX_ELEMENTS} elements, or {_MAX_NESTING} inside one another")
        layer = self._names[-1] if self._names else None
        if tag == "data" and layer is not None:
            self._add(layer, attributes)
        is_constant = tag == "layer" and attributes.get("type") == "Const"
        self._names.append(attributes.get("name", "") if is_constant else None)

    def end(self, _: str) -> None:
        """Leave an element."""
        self._names.pop()

    def _add(self, name: str, attributes: dict[str, str]) -> None:
        offset, size = (_number(attributes.get(key, ""), name) for key in ("offset", "size"))
        segment = _segment(name if len(name) <= MAX_NAME else "", offset, size, attributes)
        self._characters += len(segment.name)
        if len(self.segments) >= MAX_SEGMENTS or self._characters > MAX_TEXT:
            raise HeaderError(f"it has more than {MAX_SEGMENTS} constants, or {MAX_TEXT >> 20} MiB of names")
        if size:
            self.segments.setdefault((offset, size), segment)


def _segment(name: str, offset: int, size: int, attributes: dict[str, str]) -> Segment:
    """Return a constant, without dtype and shape if they do not match its size."""
    dtype = _DTYPES.get(attributes.get("element_type", ""), "")
    counts = [count.strip() for count in attributes.get("shape", "").split(",", MAX_RANK)]
    if not dtype or (counts != [""] and not all(map(_COUNT.match, counts))):
        return Segment(offset, size, name)
    shape = tuple(map(int, counts)) if counts != [""] else ()
    if dtype in WIDTHS and volume(name, shape) * WIDTHS[dtype] != size:
        return Segment(offset, size, name)
    return Segment(offset, size, name, dtype, shape)


def _number(text: str, name: str) -> int:
    if not _COUNT.match(text):
        raise HeaderError(f"the place of {name or 'a constant'} is not a number of bytes")
    return int(text)


def _refuse_doctype(*_: object) -> None:
    raise HeaderError("its graph has a document type, which could define entities")
